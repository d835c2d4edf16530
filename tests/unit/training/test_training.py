import csv
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from colours import ARCHITECTURE, RECIPE, finetuned, pretraining, write_store
from torch import nn

from pretraining_robustness import progress
from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.weights import read_weights, save_weights
from pretraining_robustness.parts import stamp
from pretraining_robustness.pretrain.held_out import choose_held_out
from pretraining_robustness.pretrain.pretrain import pretrain
from pretraining_robustness.store.read import Store
from pretraining_robustness.training import batches, loop
from pretraining_robustness.training.batches import MeasuredImages, ResidentImages, training_batch
from pretraining_robustness.training.loop import train
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import read_recipe
from pretraining_robustness.training.state import TrainingState

METRICS = ["epoch", "images", "loss", "accuracy", "learning_rate", "images_per_second", "peak_gpu_memory_mb", "seconds"]


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Path]:
    """A source and a task in one: 200 images whose colour tells their class, of 4."""
    return write_store(tmp_path, np.random.default_rng(0).integers(0, 4, 200), 120, slice(0, 200, 2))


def run_pretraining(store: dict[str, Path], folder: Path, recipe: dict | None = None, **changes: object) -> Path:
    pretrain(**pretraining(store, folder, recipe=recipe or RECIPE, **changes))
    return folder / "weights.safetensors"


def records(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run_finetuning(
    store: dict[str, Path], folder: Path, pretrained: Path | None, recipe: dict | None = None, **changes: object
) -> list[Path]:
    return finetuned(store, folder, pretrained, recipe=recipe or RECIPE, **changes)


@pytest.mark.parametrize("each", [1, 3])
def test_an_epoch_shows_one_rendering_of_each_image(store: dict, tmp_path: Path, each: int) -> None:
    """Where each image is the only rendering, the checkpoints are those of a training on all, to the byte."""
    named = pyarrow.parquet.read_table(store["table"]).to_pandas()
    named["class_id"] = named["y"].astype(str)
    named["original"] = [f"{number // each:03d}" for number in range(len(named))]
    named.to_parquet(store["table"])
    whole = run_finetuning(store, tmp_path / "all", None)
    one = run_finetuning(store, tmp_path / "one", None, renderings="one")
    assert (one[-1].read_bytes() == whole[-1].read_bytes()) == (each == 1)
    originals = named[named["split"] == "train"].groupby(["class_id", "original"]).ngroups
    size = RECIPE["batch_size"]
    assert [int(row["images"]) for row in records(tmp_path / "one")] == [originals // size * size] * 2


@pytest.mark.parametrize("recipe", [RECIPE, {**RECIPE, "epochs": None, "steps": 6}])
def test_the_last_epoch_is_the_same_whether_others_are_kept_or_not(store: dict, tmp_path: Path, recipe: dict) -> None:
    _, last = run_finetuning(store, tmp_path / "all", None, recipe)
    (alone,) = run_finetuning(store, tmp_path / "last", None, recipe, epochs=(2,))
    assert alone.read_bytes() == last.read_bytes()
    assert {path.name for path in alone.parent.iterdir()} == {"epoch_2.safetensors", "metrics.csv"}
    assert [row["epoch"] for row in records(tmp_path / "last")] == ["1", "2"]


def test_pretraining_learns_and_writes_weights_metrics_and_nothing_else(store: dict, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tensors, description = read_weights(run_pretraining(store, out, {**RECIPE, "epochs": 8}))
    assert description["classes"] == 4
    assert description["distribution"] == "colours"
    assert description["architecture"] == ARCHITECTURE
    assert tensors["classifier.weight"].shape[0] == 4
    rows = records(out)
    assert list(rows[0]) == METRICS
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    assert {int(row["images"]) for row in rows} == {96}
    assert float(rows[-1]["accuracy"]) > 0.9 > float(rows[0]["accuracy"])
    assert {path.name for path in out.iterdir()} == {"weights.safetensors", "metrics.csv"}


def test_held_out_images_are_measured_and_not_trained_on(store: dict, tmp_path: Path) -> None:
    index = pyarrow.parquet.read_table(store["index"])
    rows, labels = index["row"].to_numpy(), index["label"].to_numpy()
    held = choose_held_out(rows, labels, 0.3)
    assert 20 <= held.sum() <= 40
    half = choose_held_out(rows[::2], labels[::2], 0.3)
    assert not (half & ~held[::2]).any()  # what a smaller distribution holds out, a larger one does not train on
    assert set(labels[~choose_held_out(rows, labels, 0.999)]) == set(labels)
    measured = run_pretraining(store, tmp_path / "measured", {**RECIPE, "epochs": 8}, held_out=0.3)
    found = records(tmp_path / "measured")
    assert {int(row["held_out_images"]) for row in found} == {held.sum()}
    assert float(found[-1]["held_out_accuracy"]) > 0.9
    pyarrow.parquet.write_table(index.filter(pa.array(~held)), tmp_path / "trained.parquet")
    plain = run_pretraining(
        {**store, "index": tmp_path / "trained.parquet"}, tmp_path / "plain", {**RECIPE, "epochs": 8}
    )
    assert plain.read_bytes() == measured.read_bytes()


def test_a_validation_part_is_measured_by_the_labels_of_the_distribution(store: dict, tmp_path: Path) -> None:
    """The rows that were not trained on, their classes in other words and order; one class the distribution has not."""
    labels = pyarrow.parquet.read_table(store["table"])["y"].to_numpy()
    names = np.array(["red", "green", "blue", "yellow"])[labels]
    names[1::4] = "unknown"
    pyarrow.parquet.write_table(pa.table({"row": np.arange(200), "class_id": names}), tmp_path / "part.parquet")
    known = [f"{label},{name}" for label, name in enumerate(["red", "green", "blue", "yellow"])]
    (tmp_path / "classes.csv").write_text("\n".join(["label,class_id", *reversed(known)]) + "\n", encoding="utf-8")
    part = {"images": store["images"], "table": tmp_path / "part.parquet", "classes": tmp_path / "classes.csv"}
    recipe = {**RECIPE, "epochs": 8}
    measured = run_pretraining(store, tmp_path / "measured", recipe, validation=part)
    found = records(tmp_path / "measured")
    assert {int(row["held_out_images"]) for row in found} == {150}
    assert float(found[-1]["held_out_accuracy"]) > 0.9
    assert run_pretraining(store, tmp_path / "plain", recipe).read_bytes() == measured.read_bytes()
    (tmp_path / "classes.csv").write_text("label,class_id\n0,mauve\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"part\.parquet: none of its images is of a class of .*classes\.csv"):
        run_pretraining(store, tmp_path / "none", recipe, validation=part)


def test_equal_seeds_give_equal_bytes_and_others_do_not(store: dict, tmp_path: Path) -> None:
    first = run_pretraining(store, tmp_path / "first").read_bytes()
    assert run_pretraining(store, tmp_path / "again").read_bytes() == first
    other = read_weights(run_pretraining(store, tmp_path / "other", seed=1))[0]
    assert not torch.equal(
        other["classifier.weight"], read_weights(tmp_path / "first" / "weights.safetensors")[0]["classifier.weight"]
    )


def test_streaming_from_the_store_changes_no_bit(store: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = run_pretraining(store, tmp_path / "resident").read_bytes()
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 0.0)
    assert run_pretraining(store, tmp_path / "streamed").read_bytes() == resident


@pytest.mark.parametrize(
    ("optimizer", "reference"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_the_loop_is_plain_training(tmp_path: Path, optimizer: str, reference: type) -> None:
    """The same steps written out with torch alone give the same weights."""
    random = np.random.default_rng(1)
    images, labels = random.integers(0, 256, (40, 8, 8, 3), np.uint8), torch.from_numpy(random.integers(0, 3, 40))
    values = {
        **RECIPE,
        "optimizer": optimizer,
        "batch_size": 8,
        "image_size": 8,
        "augmentation": {},
        "label_smoothing": 0.1,
    }
    recipe = read_recipe(values)

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
        )

    ours, expected = network(), network()
    resident = ResidentImages(Store(images), np.arange(40), torch.device("cpu"))
    objective = Supervised(labels, recipe.label_smoothing)
    reported = train(ours, resident, objective, recipe, 7, TrainingState(tmp_path, "s"), recipe.epoch_ends(40))

    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    plain = reference(expected.parameters(), lr=0.01, weight_decay=0.05, **momentum)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    losses = []
    for step in range(10):
        plain.param_groups[0]["lr"] = recipe.learning_rate_at(step, 10)
        chosen = training_batch(40, 8, 7, step)
        pixels = ((torch.from_numpy(images[chosen]).float() / 255 - mean) / std).permute(0, 3, 1, 2)
        loss = nn.functional.cross_entropy(expected(pixels), labels[chosen], label_smoothing=0.1)
        plain.zero_grad()
        loss.backward()
        plain.step()
        losses.append(loss.item())
    for mine, theirs in zip(ours.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=1e-4)
    assert [record["loss"] for record in reported] == pytest.approx(
        [np.mean(losses[:5]), np.mean(losses[5:])], rel=1e-4
    )


def test_images_held_on_the_gpu_are_let_go_before_a_run_ends_for_lack_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory that runs out in the middle of an epoch, at its fourth step, costs that step's first try alone."""
    for name, value in {"reset_peak_memory_stats": None, "memory_allocated": 0, "max_memory_allocated": 0}.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**9, 10**9))
    random = np.random.default_rng(1)
    stored, labels = random.integers(0, 256, (40, 8, 8, 3), np.uint8), torch.from_numpy(random.integers(0, 3, 40))
    recipe = read_recipe({**RECIPE, "batch_size": 8, "image_size": 8})

    class Full(Supervised):
        """Runs out of memory at its fourth step, always or while images are held."""

        def __init__(self, held: bool, always: bool = False) -> None:
            super().__init__(labels)
            self.calls, self.held, self.always = 0, held, always

        def forward(self, *arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
            self.calls += 1
            if self.always or (self.held and self.calls == 4):
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(*arguments)

    def run(objective: Full) -> tuple[list[float], bool]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
        images = MeasuredImages(Store(stored), np.arange(40), torch.device("cpu"))
        state = TrainingState(tmp_path / f"{objective.held} {objective.always}", "s")
        found = train(model, images, objective, recipe, 7, state, recipe.epoch_ends(40))
        return [record["loss"] for record in found], images._resident is not None

    losses, held = run(Full(held=False))
    assert held
    assert run(Full(held=True)) == (losses, False)
    with pytest.raises(InputError, match=r"recipe\.batch_size"):
        run(Full(held=False, always=True))


def test_a_long_epoch_tells_how_far_it_is_and_that_changes_no_bit(
    store: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = run_pretraining(store, tmp_path / "quiet")
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0)
    caplog.set_level("INFO")
    assert run_pretraining(store, tmp_path / "told").read_bytes() == quiet.read_bytes()
    line = r"(\d) of 6 steps, \S+ steps/s, \d min left: loss (\S+) in this epoch so far, [\d,]+ images/s"
    told = re.findall(line, caplog.text)
    assert [int(step) for step, _ in told] == [1, 2, 3, 4, 5, 6]
    losses = [float(record["loss"]) for record in records(tmp_path / "told")]
    assert [float(told[2][1]), float(told[5][1])] == pytest.approx(losses, abs=1e-4)


def test_fine_tuning_starts_from_the_pretrained_backbone_and_keeps_every_epoch(store: dict, tmp_path: Path) -> None:
    weights = run_pretraining(store, tmp_path / "pretrained")
    nearly_still = {**RECIPE, "learning_rate": 1e-12, "weight_decay": 0.0}
    tuned, scratch = (
        [read_weights(path) for path in run_finetuning(store, tmp_path / name, source, nearly_still)]
        for name, source in (("tuned", weights), ("scratch", None))
    )
    assert [description["epoch"] for _, description in tuned] == [1, 2]
    backbone = read_weights(weights)[0]["features.conv0.weight"]
    torch.testing.assert_close(tuned[1][0]["features.conv0.weight"], backbone, atol=1e-6, rtol=0)
    assert (scratch[1][0]["features.conv0.weight"] - backbone).abs().max() > 0.01
    assert not torch.equal(tuned[0][0]["features.norm0.running_mean"], tuned[1][0]["features.norm0.running_mean"])


def test_a_recipe_in_steps_serves_sets_smaller_than_a_batch(store: dict, tmp_path: Path) -> None:
    few = tmp_path / "few.parquet"
    pyarrow.parquet.write_table(pa.table({"row": [1, 5, 9, 2, 7], "label": [0, 1, 1, 0, 2]}), few)
    steps = {**{key: value for key, value in RECIPE.items() if key != "epochs"}, "steps": 12}
    run_pretraining({**store, "index": few}, tmp_path / "out", steps)
    rows = records(tmp_path / "out")
    assert sum(int(row["images"]) for row in rows) == 12 * 5
    assert len(run_finetuning(store, tmp_path / "tuned", None, steps)) == 2


def test_bfloat16_trains_too(store: dict, tmp_path: Path) -> None:
    run_pretraining(store, tmp_path / "out", {**RECIPE, "precision": "bfloat16", "epochs": 8})
    rows = records(tmp_path / "out")
    assert float(rows[-1]["accuracy"]) > 0.9


@pytest.mark.parametrize(("seconds", "saved"), [(3600, [3]), (0, [1, 2, 3])])
def test_the_state_is_saved_by_time_and_at_the_end(
    store: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, saved: list[int]
) -> None:
    epochs = []
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", seconds)
    monkeypatch.setattr(TrainingState, "save", lambda self, values: epochs.append(len(values["records"])))
    run_pretraining(store, tmp_path / "out", {**RECIPE, "epochs": 3})
    assert epochs == saved


def test_a_step_that_a_card_does_not_hold_is_one_line(
    store: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Supervised, "judge", full)
    with pytest.raises(InputError, match=r"recipe\.batch_size: a batch of 32 images of 16 pixels needs more"):
        run_pretraining(store, tmp_path / "out")


def test_a_loss_that_is_not_finite_stops_the_training(store: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipe: the loss became .* lower learning_rate"):
        run_pretraining(store, tmp_path, {**RECIPE, "learning_rate": 1e30, "optimizer": "sgd", "schedule": "constant"})
    assert not (tmp_path / "weights.safetensors").exists()


def test_bad_inputs_are_one_clear_line(store: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 epochs cannot end with a checkpoint of epoch 1"):
        run_finetuning(store, tmp_path, None, epochs=(1,), checkpoints=[tmp_path / "one"])
    other = run_pretraining(
        store, tmp_path / "other", architecture={**ARCHITECTURE, "arguments": {"block_config": [1]}}
    )
    with pytest.raises(InputError, match=r"weights\.safetensors: weights do not fit DenseNet"):
        run_finetuning(store, tmp_path / "tuned", other)
    pyarrow.parquet.write_table(pa.table({"row": [500], "label": [0]}), tmp_path / "beyond.parquet")
    with pytest.raises(InputError, match=r"beyond\.parquet"):
        run_pretraining({**store, "index": tmp_path / "beyond.parquet"}, tmp_path / "none")


def test_a_state_serves_its_own_training_only(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    TrainingState(tmp_path, "mine").save({"epoch": 3, "weights": torch.ones(2)})
    loaded = TrainingState(tmp_path, "mine").load(cpu)
    assert loaded is not None
    assert loaded["epoch"] == 3
    assert TrainingState(tmp_path, "other").load(cpu) is None
    (tmp_path / "latest.pt").write_bytes((tmp_path / "latest.pt").read_bytes()[:100])
    assert TrainingState(tmp_path, "mine").load(cpu) is None
    TrainingState(tmp_path, "mine").clear()
    assert not tmp_path.exists()


@pytest.mark.parametrize("writes", ["state", "weights"])
def test_a_full_disk_is_reported_as_such_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: str
) -> None:
    model = nn.Linear(3, 3)
    state = TrainingState(tmp_path, "mine")
    save = {
        "state": lambda: state.save({"weights": torch.ones(3)}),
        "weights": lambda: save_weights(tmp_path / "weights.safetensors", model, {}),
    }[writes]
    save()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def onto_a_full_disk(path: Path, content: bytes) -> None:
        path.touch()
        with open("/dev/full", "wb") as full:
            full.write(content)

    monkeypatch.setattr(Path, "write_bytes", onto_a_full_disk)
    with pytest.raises(OSError, match="No space left"):
        save()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_state_that_would_run_code_is_not_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "trapped"), "w"))

    torch.save({"stamp": "mine", "values": Trap()}, tmp_path / "latest.pt")
    assert TrainingState(tmp_path, "mine").load(torch.device("cpu")) is None
    assert not (tmp_path / "trapped").exists()


def test_the_stamp_changes_with_every_input_and_setting(tmp_path: Path) -> None:
    path = tmp_path / "index.parquet"
    path.write_bytes(b"one")
    stamps = [stamp([path], seed=0, code="a"), stamp([path], seed=1, code="a"), stamp([path], seed=0, code="b")]
    path.write_bytes(b"longer")
    stamps.append(stamp([path], seed=0, code="a"))
    assert len(set(stamps)) == 4
