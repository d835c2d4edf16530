"""What a GPU would be asked to do, read from fake CUDA tensors: no GPU is needed and nothing is computed.

Every operation of the real training, prediction, augmentation and drawing code is recorded. A step must not mix
devices, must not make the host wait for the GPU, and must give the convolutions of a network bfloat16.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pretraining_robustness.finetune.method import Start, read_method
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.pretrain.captions import Captions
from pretraining_robustness.pretrain.image_text import ImageText, TextEncoder
from pretraining_robustness.pretrain.self_supervised import SelfSupervised, Settings
from pretraining_robustness.training import inference
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.fractal_images import FractalImages
from pretraining_robustness.training.objectives import Objective, Supervised
from pretraining_robustness.training.recipes import Recipe, read_recipe

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
WAITS = ("aten::_local_scalar_dense", "aten::nonzero", "aten::item", "aten::masked_select", "aten::equal")
CONVOLUTIONS = ("aten::convolution", "aten::conv2d")  # the second in inference mode
PRODUCTS = (*CONVOLUTIONS, "aten::linear", "aten::addmm", "aten::mm", "aten::bmm", "aten::baddbmm")
RECIPE = {
    "steps": 3,
    "batch_size": 4,
    "learning_rate": 0.01,
    "image_size": 32,
    "precision": "bfloat16",
    "augmentation": {"crop": "random_resized", "flip": True, "colour_jitter": 0.5, "grayscale": 0.2},
}
RESNET = {"name": "resnet", "builder": "resnet18", "arguments": {}}
VIT = {"name": "vit", "builder": "timm", "arguments": {"model": "vit_tiny_patch16_224", "img_size": 32}}


class Recorder(TorchDispatchMode):
    """Records mixed devices, waits of the host, and the precisions of products."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed: list[str] = []
        self.waits: list[str] = []
        self.products: list[tuple[str, torch.dtype]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        name = func.name().partition(".")[0]
        if len({tensor.device.type for tensor in tensors if tensor.ndim}) > 1 and name != "aten::copy_":
            self.mixed.append(name)
        moved = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor) and leaf.device.type == "cpu"]
        if name in WAITS or (moved and any(tensor.device.type == "cuda" for tensor in tensors)):
            self.waits.append(name)
        if name in PRODUCTS:
            self.products.append((name, tensors[-1].dtype))
        return result


@contextmanager
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Make tensors fake, CUDA's among them; autocast believes in the GPU."""
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda *_, **__: True)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield Recorder()


def moved(value: Any, done: dict[int, Any]) -> Any:
    """Return a value with its CPU tensors replaced by fake ones on the GPU; modules and objects of ours in place."""
    if id(value) in done:
        return done[id(value)]
    done[id(value)] = value
    if isinstance(value, Tensor):
        fake = torch.empty(value.shape, dtype=value.dtype, device=CUDA)
        is_parameter = isinstance(value, nn.Parameter)
        done[id(value)] = nn.Parameter(fake, value.requires_grad) if is_parameter else fake
    elif isinstance(value, torch.device):
        done[id(value)] = CUDA
    elif isinstance(value, tuple | list):
        done[id(value)] = type(value)(moved(one, done) for one in value)
    elif isinstance(value, dict):
        for key in list(value):
            value[key] = moved(value[key], done)
    elif isinstance(getattr(value, "__self__", None), nn.Module):
        moved(value.__self__, done)
    elif isinstance(value, nn.Module) or type(value).__module__.startswith("pretraining_robustness.pretrain"):
        moved(vars(value), done)
    return done[id(value)]


def labels() -> Tensor:
    return torch.zeros(10, dtype=torch.int64)


def supervised(model: nn.Module, recipe: Recipe) -> Objective:
    return Supervised(labels(), 0.1)


def self_supervised(model: nn.Module, recipe: Recipe) -> Objective:
    return SelfSupervised(model, 10, CPU, Settings())


def image_text(model: nn.Module, recipe: Recipe) -> Objective:
    captions = Captions.of_images([f"image {number}" for number in range(10)], 16, CPU)
    text = TextEncoder(5, {"context_length": 16, "width": 16, "heads": 2, "layers": 1})
    return ImageText(captions, text, CPU)


def method(**settings: Any) -> Callable[[nn.Module, Recipe], Objective]:
    """Return what a method of fine-tuning makes of a network: its objective in the last phase."""

    def objective(model: nn.Module, recipe: Recipe) -> Objective:
        chosen = read_method(settings)
        chosen.prepare(model, recipe)
        start = Start(chosen.phases(recipe, new_head=False)[-1], model, None, 0)  # type: ignore[arg-type]
        return chosen.objective(Supervised(labels()), start)

    return objective


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [
        (RESNET, supervised),
        (VIT, supervised),
        (RESNET, self_supervised),
        (RESNET, image_text),
        (RESNET, method(kind="ewc")),
        (RESNET, method(kind="lwf")),
        (VIT, method(kind="lora")),
        (RESNET, method(kind="visual_prompt")),
    ],
    ids=["resnet", "vit", "simclr", "image_text", "ewc", "lwf", "lora", "visual_prompt"],
)
def test_a_step_of_training_stays_on_the_gpu_in_bfloat16(
    architecture: Mapping[str, Any],
    objective: Callable[[nn.Module, Recipe], Objective],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = read_recipe(RECIPE)
    model = build(architecture, 5)
    goal = objective(model, recipe)
    with fake_gpu(monkeypatch) as recorder:
        model, goal = moved((model, goal), {})
        preparation = Preparation(recipe, CUDA)
        pixels = torch.zeros(4, 40, 40, 3, dtype=torch.uint8, device=CUDA)
        positions = torch.zeros(4, dtype=torch.int64, device=CUDA)
        with torch.autocast("cuda", torch.bfloat16):
            preparation.for_training(pixels)  # constants go to the GPU once
        with recorder, torch.autocast("cuda", torch.bfloat16):
            loss, correct = goal(model, preparation, pixels, positions)
    assert (loss.device, correct.device) == (CUDA, CUDA)
    assert loss.dtype == torch.float32
    assert recorder.mixed == []
    assert recorder.waits == []
    assert {dtype for name, dtype in recorder.products if name in CONVOLUTIONS} == {torch.bfloat16}


@pytest.mark.parametrize("architecture", [RESNET, VIT], ids=["resnet", "vit"])
def test_predictions_have_a_bfloat16_body_and_a_float32_head(
    architecture: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe({**RECIPE, "evaluation": {"resize": 36}})

    class Images:
        def stream(self, batches: Any) -> Iterator[tuple[Tensor, Tensor]]:
            for batch in batches:
                shape = (len(batch), 40, 40, 3)
                yield (
                    torch.zeros(len(batch), dtype=torch.int64, device=CUDA),
                    torch.zeros(shape, dtype=torch.uint8, device=CUDA),
                )

    found: list[Tensor] = []

    def answer(scores: Tensor) -> Tensor:
        found.append(scores)
        return inference.most_likely(scores)

    model = build(architecture, 5).eval()
    with fake_gpu(monkeypatch) as recorder:
        monkeypatch.setattr(Tensor, "numpy", lambda tensor: np.empty(tensor.shape))
        monkeypatch.setattr(Tensor, "cpu", lambda tensor: tensor)
        moved(model, {})
        allowed = inference.Allowed(torch.ones(1, 5, dtype=torch.bool), torch.zeros(6, dtype=torch.int64))
        with recorder:
            inference.predict_all(model, [dict(model.state_dict())] * 2, Images(), 6, recipe, CUDA, allowed, answer)  # type: ignore[arg-type]
    assert recorder.mixed == []
    assert recorder.waits == []
    assert {scores.dtype for scores in found} == {torch.float32}
    float32 = [name for name, dtype in recorder.products if dtype == torch.float32]
    assert float32 == ["aten::linear"] * 2  # the head, once for each state
    assert {dtype for name, dtype in recorder.products if name in CONVOLUTIONS} == {torch.bfloat16}


def test_fractals_are_drawn_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from pretraining_robustness.store.fractal_store import FractalPictures

    supports = np.zeros((25, 32 * 32 // 8), dtype=np.uint8)
    pictures = FractalPictures(supports, 10)
    images = FractalImages(pictures, np.arange(40), torch.device("cpu"))
    with fake_gpu(monkeypatch) as recorder:
        for name in ("supports", "places", "keys", "flips", "counters", "table", "reversed"):
            value = getattr(images, name)
            setattr(images, name, torch.empty(value.shape, dtype=value.dtype, device=CUDA))
        with recorder:
            drawn = images.take(torch.zeros(7, dtype=torch.int64, device=CUDA))
    assert drawn.shape == (7, 32, 32, 3)
    assert recorder.mixed == []
    assert recorder.waits == []


def test_the_recorder_sees_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_gpu(monkeypatch) as recorder:
        one = torch.zeros(3, 3, device=CUDA)
        with recorder:
            _ = one @ one
            one.cpu()
            with pytest.raises(RuntimeError):
                one.nonzero()
            with pytest.raises(RuntimeError):
                one + torch.zeros(3, 3)
    assert recorder.products == [("aten::mm", torch.float32)]
    assert "aten::_to_copy" in recorder.waits
