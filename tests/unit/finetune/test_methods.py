"""Methods of fine-tuning: what each of them moves, and what merging does at its ends."""

import numpy as np
import pandas as pd
import pytest
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.finetune import finetune
from pretraining_robustness.finetune.merge import merge_weights
from pretraining_robustness.finetune.mergers.greedy_soup import greedy_soup
from pretraining_robustness.finetune.mergers.interpolate import interpolate
from pretraining_robustness.finetune.mergers.uniform_soup import average
from pretraining_robustness.finetune.start import save_start
from pretraining_robustness.networks.architectures import build, head_name
from pretraining_robustness.networks.weights import read_weights, save_tensors, save_weights

ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "image_size": 16, "weight_decay": 0.1}
HEAD = "fc."


@pytest.fixture
def task(tmp_path):
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (80, 16, 16, 3), np.uint8))
    labels = np.arange(80) % 3
    splits = ["train"] * 60 + ["id_val"] * 20
    pd.DataFrame({"row": range(80), "y": labels, "split": splits}).to_parquet(tmp_path / "images.parquet", index=False)
    torch.manual_seed(5)
    save_weights(tmp_path / "pretrained", build(ARCHITECTURE, 7), {})
    return {"images": tmp_path / "images.npy", "table": tmp_path / "images.parquet"}


def tuned(task, tmp_path, method, **changes):
    """The checkpoints that a method leaves."""
    paths = [tmp_path / f"{method['kind']}_{epoch}" for epoch in (1, 2)]
    options = {
        **task,
        **{"pretrained": tmp_path / "pretrained", "checkpoints": paths, "metrics": tmp_path / "metrics.csv"},
        **{"distribution": "some", "method": method, "architecture": ARCHITECTURE, "recipe": RECIPE, "seed": 0},
        **{"state": tmp_path / "state", "code": "1"},
    }
    finetune(**(options | changes))
    assert not (tmp_path / "state").exists()
    return paths


def start(task, tmp_path):
    path = tmp_path / "start"
    save_start(
        table=task["table"],
        pretrained=tmp_path / "pretrained",
        checkpoint=path,
        distribution="some",
        architecture=ARCHITECTURE,
        recipe=RECIPE,
        seed=0,
    )
    return path


def changed(one, other):
    one, other = read_weights(one)[0], read_weights(other)[0]
    return {name for name in one if not torch.equal(one[name], other[name])}


def test_methods_that_follow_each_other_in_one_process_leave_what_they_leave_alone(task, tmp_path):
    prompted = {"kind": "visual_prompt", "border": 30}
    alone = tuned(task, tmp_path, prompted)[1].read_bytes()
    tuned(task, tmp_path, {"kind": "full"})
    assert tuned(task, tmp_path, prompted)[1].read_bytes() == alone


def test_lp_ft_starts_full_fine_tuning_from_the_probed_head(task, tmp_path):
    """With a learning rate of nearly 0 after the probe, what is left is the probe's head on the unchanged network."""
    probe = tuned(task, tmp_path, {"kind": "linear_probe"}, recipe=RECIPE)[1]
    recipe = RECIPE | {"learning_rate": 1e-9, "weight_decay": 0.0}
    path = tuned(task, tmp_path, {"kind": "lp_ft", "probe_epochs": 2, "probe_learning_rate": 0.01}, recipe=recipe)[0]
    network, probed, begun = (read_weights(one)[0] for one in (path, probe, start(task, tmp_path)))
    moved = (network[HEAD + "weight"] - begun[HEAD + "weight"]).norm()
    assert moved > 0.5 * (probed[HEAD + "weight"] - begun[HEAD + "weight"]).norm()
    torch.testing.assert_close(network["conv1.weight"], begun["conv1.weight"], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "method",
    [
        {"kind": "lp_ft", "probe_epochs": 1},
        {"kind": "lwf", "probe_epochs": 1},
        {"kind": "ewc", "probe_epochs": 1, "fisher": "diagonal", "fisher_images": 9, "weight": 100.0},
    ],
    ids=lambda method: method["kind"],
)
def test_an_interrupted_method_of_two_phases_goes_on_where_it_was(task, tmp_path, monkeypatch, method):
    expected = [path.read_bytes() for path in tuned(task, tmp_path, method)]
    from pretraining_robustness.finetune import finetune as module

    calls = []

    def stop(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:  # after the probe and the first of two epochs
            raise KeyboardInterrupt
        return save_tensors(*arguments, **options)

    monkeypatch.setattr(module, "save_tensors", stop)
    calls.append("the probe saves no checkpoint")
    with pytest.raises(KeyboardInterrupt):
        tuned(task, tmp_path, method)
    monkeypatch.setattr(module, "save_tensors", save_tensors)
    assert [path.read_bytes() for path in tuned(task, tmp_path, method)] == expected


def test_interpolation_ends_at_its_networks_and_halves_in_between():
    torch.manual_seed(0)
    first, second = (build(ARCHITECTURE, 3).state_dict() for _ in range(2))
    second["bn1.num_batches_tracked"] += 7
    for name in first:
        ends = [interpolate(first, second, alpha)[name] for alpha in (0.0, 0.5, 1.0)]
        if first[name].is_floating_point():
            assert torch.equal(ends[0], first[name])
            torch.testing.assert_close(ends[1], (first[name] + second[name]) / 2)
        assert torch.equal(ends[2], second[name])


def test_a_soup_of_copies_is_the_network_and_of_others_their_mean():
    torch.manual_seed(0)
    states = [build(ARCHITECTURE, 3).state_dict() for _ in range(3)]
    copies, soup = average([states[0]] * 3), average(states)
    for name, tensor in states[0].items():
        assert torch.equal(copies[name], tensor)
        if tensor.is_floating_point():
            torch.testing.assert_close(soup[name], sum(state[name] for state in states) / 3)


@pytest.mark.parametrize(
    ("alone", "expected"), [([0.5, 0.9, 0.7], [1.0, 2.0]), ([0.9, 0.1, 0.1], [0.0]), ([0.8, 0.8, 0.8], [0.0, 1.0, 2.0])]
)
def test_a_greedy_soup_keeps_what_does_not_lower_accuracy(alone, expected):
    """Networks of one weight: their numbers. A soup is as good as its worst member, but 1 and 2 together are better."""
    states = [{"weight": torch.tensor(float(number))} for number in range(3)]

    def accuracies(candidates):
        values = [float(state["weight"]) for state in candidates]
        return [0.95 if value == 1.5 else alone[int(value)] if value in (0, 1, 2) else 0.3 for value in values]

    if alone == [0.8, 0.8, 0.8]:
        found = greedy_soup(states, lambda candidates: [0.8] * len(candidates))
    else:
        found = greedy_soup(states, accuracies)
    assert float(found["weight"]) == pytest.approx(np.mean(expected))


def test_merged_weights_are_a_checkpoint_and_strangers_are_refused(task, tmp_path):
    probed, full = (tuned(task, tmp_path, {"kind": kind})[1] for kind in ("linear_probe", "full"))
    common = {"epoch": 2, "architecture": ARCHITECTURE, "recipe": RECIPE, "merged": tmp_path / "merged"}
    merge_weights(method={"kind": "interpolate", "alpha": 1.0}, checkpoints=[probed, full], **common)
    assert changed(tmp_path / "merged", full) == set()
    assert read_weights(tmp_path / "merged")[1]["epoch"] == 2
    soup = {"kind": "greedy_soup", "held_out": "id_val"}
    merge_weights(method=soup, checkpoints=[probed, full], **common, **task)
    assert head_name(build(ARCHITECTURE, 3)) + ".weight" in read_weights(tmp_path / "merged")[0]
    with pytest.raises(InputError, match=r"pretrained: not of the same architecture, task and head"):
        merge_weights(method={"kind": "uniform_soup"}, checkpoints=[full, tmp_path / "pretrained"], **common)
