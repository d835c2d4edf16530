"""Methods that keep what a network knew: the limiting case of each, and what each of them moves."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.finetune import finetune
from pretraining_robustness.finetune.merge import merge_weights
from pretraining_robustness.finetune.mergers.interpolate import interpolate
from pretraining_robustness.finetune.mergers.lines import by_depth
from pretraining_robustness.finetune.method import Phase, Start, plain_state, read_method
from pretraining_robustness.finetune.methods.ewc import Anchored, diagonal_fisher
from pretraining_robustness.finetune.methods.lwf import Distilled
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.visual_prompt import PROMPT, add_prompt
from pretraining_robustness.networks.weights import read_weights, save_weights
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.inference import load_checkpoints, predict_all
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import read_recipe

VIT = {"builder": "timm", "arguments": {"model": "test_vit", "img_size": 32}}
RESNET = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "image_size": 32, "optimizer": "sgd"}
CPU = torch.device("cpu")
CLASSES = 3
HEAD = {"head.weight", "head.bias"}
LAYERS = {f"blocks.{block}.attn.qkv.weight" for block in range(6)}


@pytest.fixture
def task(tmp_path):
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (52, 16, 16, 3), np.uint8))
    splits = ["train"] * 32 + ["id_val"] * 20
    table = pd.DataFrame({"row": range(52), "y": np.arange(52) % CLASSES, "split": splits})
    table.to_parquet(tmp_path / "images.parquet", index=False)
    save_weights(tmp_path / "pretrained", network(), {"classes": CLASSES, "epoch": 0})
    return {"images": tmp_path / "images.npy", "table": tmp_path / "images.parquet"}


def network(architecture=VIT):
    torch.manual_seed(5)
    return build(architecture, CLASSES).eval()


def some_images(count=4, size=32):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def stored_images(task):
    return load_images(Store.open(task["images"], task["table"], 1), np.arange(32), CPU)


def tuned(task, tmp_path, method, **changes):
    """The checkpoint that one epoch of a method leaves, by default with the pre-trained head."""
    options = {
        **task,
        **{"pretrained": tmp_path / "pretrained", "checkpoints": [tmp_path / "tuned"], "metrics": tmp_path / "metrics"},
        **{"distribution": "some", "method": method, "architecture": VIT, "recipe": RECIPE, "seed": 0},
        **{"state": tmp_path / "state", "code": "1", "keep_head": True},
    }
    finetune(**(options | changes))
    return tmp_path / "tuned"


def moved(tmp_path, checkpoint):
    """The names of the weights that a checkpoint has otherwise than the pre-trained network, or more than it."""
    before, after = read_weights(tmp_path / "pretrained")[0], read_weights(checkpoint)[0]
    assert before.keys() <= after.keys()
    return {name for name in after if name not in before or not torch.equal(after[name], before[name])}


BESIDE_HEAD = {"cls_token", "pos_embed", "norm.weight", "norm.bias"}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"kind": "linear_probe"}, HEAD),
        ({"kind": "linear_probe", "also": ["cls_token", "pos_embed", "norm"]}, HEAD | BESIDE_HEAD),
        ({"kind": "lora"}, LAYERS),
        ({"kind": "lora", "also": ["cls_token", "pos_embed", "norm"]}, LAYERS | BESIDE_HEAD),
        ({"kind": "lora", "layers": ["fc2"]}, {f"blocks.{block}.mlp.fc2.weight" for block in range(6)}),
        ({"kind": "visual_prompt"}, {PROMPT}),
        ({"kind": "full"}, None),
        ({"kind": "ewc"}, None),
        ({"kind": "lwf"}, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_method_moves_what_it_says_and_not_one_bit_more(task, tmp_path, method, expected):
    assert moved(tmp_path, tuned(task, tmp_path, method)) == (expected or set(network().state_dict()))


@pytest.mark.parametrize(
    ("method", "expected"),
    [({"kind": "lora"}, LAYERS | HEAD), ({"kind": "visual_prompt"}, {PROMPT} | HEAD)],
)
def test_a_new_head_is_trained_by_methods_that_leave_a_known_one_alone(task, tmp_path, method, expected):
    assert moved(tmp_path, tuned(task, tmp_path, method, keep_head=False)) == expected


@pytest.mark.parametrize("kind", ["ewc", "lwf"])
def test_a_new_head_is_probed_before_it_is_something_to_keep(kind):
    recipe = read_recipe(RECIPE)
    phases = [phase.name for phase in read_method({"kind": kind, "probe_epochs": 2}).phases(recipe, new_head=True)]
    assert phases == ["head", "full"]
    with pytest.raises(InputError, match=rf"methods\.{kind}\.probe_epochs: 0 "):
        read_method({"kind": kind}).phases(recipe, new_head=True)


def test_the_penalty_of_ewc_is_0_at_the_start_and_twice_the_way_is_its_gradient():
    model = network()
    parameters = list(model.parameters())
    importance = [1.0, *(torch.rand_like(parameter) for parameter in parameters[1:])]
    objective = Anchored(Supervised(torch.zeros(1, dtype=torch.int64)), parameters, importance, 1.0)
    assert objective.penalty() == 0
    assert not list(objective.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter += 0.5
    objective.penalty().backward()
    for parameter, weight in zip(parameters, importance, strict=True):
        torch.testing.assert_close(parameter.grad, (2 * 0.5 * weight * torch.ones_like(parameter)))


def test_the_diagonal_fisher_is_that_of_the_network_s_own_predictions(task):
    """Of a linear classifier z = W x it is p (1 - p) x^2, whatever the labels are; here of one image seen often."""
    np.save(task["images"], np.full((52, 16, 16, 3), 200, np.uint8))
    recipe = read_recipe({**RECIPE, "image_size": 2})
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, CLASSES))
    images = load_images(Store.open(task["images"], task["table"], 1), np.zeros(3000, np.int64), CPU)
    start = Start(Phase("full", recipe), model, images, 0)
    weight, _ = diagonal_fisher(start, list(model.parameters()), 3000, 3000)
    x = Preparation(recipe, CPU).for_evaluation(torch.full((1, 16, 16, 3), 200, dtype=torch.uint8))
    p = model(x).softmax(dim=1).detach().squeeze()
    torch.testing.assert_close(weight, (p * (1 - p))[:, None] * x.flatten()[None] ** 2, rtol=0.05, atol=0)


@pytest.mark.parametrize("answers", [[0, 1, 2], [0, 2]])
def test_distillation_costs_nothing_at_the_start_and_afterwards_the_divergence_of_softened_scores(answers):
    """Of the scores that take part, where the head knows more classes than the task has."""
    model, recipe = network(), read_recipe(RECIPE)
    supervised = Supervised(torch.tensor(answers * 2), 0.1, None if len(answers) == CLASSES else torch.tensor(answers))
    objective = Distilled(supervised, model, alpha=3.0, temperature=2.0)
    assert not list(objective.parameters())
    positions = torch.arange(4)
    pixels = torch.randint(0, 256, (4, 16, 16, 3), dtype=torch.uint8)
    preparation = Preparation(recipe, CPU)
    batch = (model, preparation, pixels, positions)
    assert objective(*batch)[0] == supervised(*batch)[0]
    before = model(preparation.for_training(pixels)).detach()
    with torch.no_grad():
        model.head.weight.mul_(-5)
    p, q = ((scores[:, answers] / 2.0).softmax(dim=1) for scores in (before, model(preparation.for_training(pixels))))
    divergence = (p * (p.log() - q.log())).sum(dim=1).mean()
    assert divergence > 1e-3
    torch.testing.assert_close(objective(*batch)[0] - supervised(*batch)[0], 3.0 * divergence, atol=1e-6, rtol=1e-4)


def test_adapters_change_nothing_at_first_and_merge_into_the_adapted_network():
    model, images = network(), some_images()
    before, expected = copy.deepcopy(model.state_dict()), model(images)
    read_method({"kind": "lora", "rank": 2, "alpha": 4.0}).prepare(model, read_recipe(RECIPE))
    assert torch.equal(model(images), expected)
    for name, parameter in model.named_parameters():
        if name.endswith(".b"):
            nn.init.normal_(parameter)
    merged = network()
    merged.load_state_dict(plain_state(model))
    torch.testing.assert_close(merged(images), model(images))
    assert not torch.allclose(merged(images), expected, atol=1e-2)
    for name in LAYERS:
        queries, keys, values = (merged.state_dict()[name] - before[name]).chunk(3)
        assert torch.linalg.matrix_rank(queries) == torch.linalg.matrix_rank(values) == 2
        assert not keys.any()


def test_adapters_know_the_attention_layers_of_torch():
    """Those of torchvision's and CLIP's transformers."""
    model = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True).eval()
    tokens = some_images(2)[:, 0, :, :16]
    expected = model(tokens)
    read_method({"kind": "lora"}).prepare(model, read_recipe(RECIPE))
    torch.testing.assert_close(model(tokens), expected)
    nn.init.normal_(model.self_attn.parametrizations["in_proj_weight"][0].b)
    adapted = model(tokens)
    assert not torch.allclose(adapted, expected, atol=1e-3)
    merged = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True).eval()
    merged.load_state_dict(plain_state(model))
    torch.testing.assert_close(merged(tokens), adapted)


def test_a_prompt_covers_the_border_alone_and_prediction_adds_it(task, tmp_path):
    path = tuned(task, tmp_path, {"kind": "visual_prompt"})
    prompt = read_weights(path)[0][PROMPT]
    border = torch.ones(1, 3, 32, 32, dtype=torch.bool)
    border[:, :, 4:28, 4:28] = False
    assert prompt[border].all()
    assert not prompt[~border].any()
    torch.manual_seed(5)
    model, images = network(), some_images()
    expected = model(images + prompt)
    states = load_checkpoints(model, [tmp_path / "pretrained", path], CPU)
    torch.testing.assert_close(torch.func.functional_call(model, states[1], (images,)), expected)
    assert torch.equal(torch.func.functional_call(model, states[0], (images,)), network()(images))
    # the other way round, the checkpoint without a prompt is not given the other's
    states = load_checkpoints(network(), [path, tmp_path / "pretrained"], CPU)
    assert not states[0][PROMPT].any()


def test_a_prompt_reaches_compiled_networks():
    model, images = network(), some_images()
    prompt = torch.randn(1, 3, 32, 32)
    expected = model(images + prompt)
    add_prompt(model, prompt)
    torch.testing.assert_close(torch.compile(model, backend="eager")(images), expected)


def test_adapters_are_refused_where_queries_and_values_are_not_where_they_are_in_a_plain_transformer():
    model = build({"builder": "timm", "arguments": {"model": "tiny_vit_5m_224"}}, CLASSES)
    with pytest.raises(InputError, match=r"queries and values in stages\.\S+qkv\.weight of TinyVit"):
        read_method({"kind": "lora"}).prepare(model, read_recipe(RECIPE))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"kind": "lora"}, r"methods\.lora: ResNet has no attention layer; choose another architecture or name"),
        ({"kind": "lora", "layers": ["qkv"]}, r"methods\.lora: ResNet has no linear layer called qkv;"),
        ({"kind": "visual_prompt", "border": 112}, r"visual_prompt\.border: 112 of 224 pixels is 16 of the 32"),
        ({"kind": "linear_probe", "also": ["conv"]}, r"linear_probe\.also: ResNet has no 'conv'; did you mean 'conv1'"),
        ({"kind": "ewc", "fisher": "full"}, r"methods\.ewc\.fisher: 'full' is not one of identity, diagonal"),
    ],
)
def test_what_a_network_cannot_do_is_said_in_one_line(method, message):
    def begin():
        model, recipe, finetuning = network(RESNET), read_recipe(RECIPE), read_method(method)
        finetuning.prepare(model, recipe)
        finetuning.phases(recipe, new_head=True)[0].trained(model)

    with pytest.raises(InputError, match=message):
        begin()


def test_lines_scales_the_difference_linearly_with_depth():
    first, second = network().state_dict(), {name: tensor + 1 for name, tensor in network().state_dict().items()}
    scales = by_depth(first, [0.2, 1.0])
    assert scales["cls_token"] == scales["pos_embed"] == 0.2
    assert scales["head.weight"] == scales["head.bias"] == pytest.approx(1.0)
    values = list(dict.fromkeys(scales.values()))
    np.testing.assert_allclose(np.diff(values), np.diff(values)[0])
    for name, tensor in interpolate(first, second, scales).items():
        torch.testing.assert_close(tensor, first[name] + scales[name])
        equal = interpolate(first, second, by_depth(first, [0.3, 0.3]))[name]
        assert torch.equal(equal, torch.lerp(first[name], second[name], 0.3))


def test_lines_and_the_best_alpha_on_held_out_images_are_merged_from_the_start(task, tmp_path):
    full = tuned(task, tmp_path, {"kind": "full"})
    common = {"checkpoints": [tmp_path / "pretrained", full], "merged": tmp_path / "merged", "epoch": 1}
    common |= {"architecture": VIT, "recipe": RECIPE}
    merge_weights(method={"kind": "lines", "scales": [1.0, 1.0]}, **common)
    assert moved(tmp_path, tmp_path / "merged") == set(network().state_dict())
    merge_weights(method={"kind": "lines", "scales": [0.0, 0.0]}, **common)
    assert moved(tmp_path, tmp_path / "merged") == set()

    # the held-out images are labelled as one of the networks in between answers
    states = [read_weights(path)[0] for path in common["checkpoints"]]
    alphas = [0.0, 0.25, 0.5, 0.75, 1.0]
    candidates = [interpolate(*states, alpha) for alpha in alphas]
    rows = np.arange(32, 52)
    images = load_images(Store.open(task["images"], task["table"], 1), rows, CPU)
    answers = predict_all(network(), candidates, images, 20, read_recipe(RECIPE), CPU)
    wanted = 3
    table = pd.read_parquet(task["table"])
    table.loc[32:, "y"] = answers[wanted]
    table.to_parquet(task["table"], index=False)
    merge_weights(method={"kind": "interpolate", "alphas": alphas, "held_out": "id_val"}, **common, **task)
    merged, description = read_weights(tmp_path / "merged")
    first_best = next(number for number, answer in enumerate(answers) if (answer == answers[wanted]).all())
    assert first_best > 0
    assert description["method"]["alpha"] == alphas[first_best]
    assert all(torch.equal(merged[name], candidates[first_best][name]) for name in merged)
