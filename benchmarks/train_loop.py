"""What the training loop costs beside the network: training from a store against the same steps on one resident batch.

The loop reads uint8 pictures, augments and normalises them, keeps its sums and anneals the learning rate; the reference
trains an equal network on one ready batch that never leaves the device. Both run in turns in one process, so that a
busy machine slows both. On a graphics card: ResNet-50 at 224 px from pictures of 256 px, held on the card and streamed.
Without one: that measurement is missing and the table says so; the small networks of the default study at 32 px, one
thread, show the loop's own cost.

    make benchmark-train_loop OPTIONS="--compile"
"""

import argparse
import copy
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import machine

from pretraining_robustness.files import write_rows
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.batches import ResidentImages, StreamedImages
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.loop import make_optimizer, train
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import Recipe, read_recipe
from pretraining_robustness.training.state import TrainingState

REPOSITORY = Path(__file__).parent.parent

EPOCHS = 10  # the first warms up and is not counted
COLUMNS = [
    "machine", "device", "network", "image_size", "stored_size", "batch_size", "precision", "compiled", "images_are",
    "loop_images_per_second", "resident_batch_images_per_second", "ratio", "peak_gpu_memory_mb", "note",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One network, at one size, from one kind of store access."""

    network: str
    spec: dict[str, Any]
    image_size: int
    stored_size: int
    batch_size: int
    steps: int
    precision: str
    augmentation: dict[str, Any]
    streamed: bool = False


SHIFT = {"crop": "shift", "shift": 3, "flip": True}
SMALL = [
    Case(name, spec, 32, 32, 64, steps, "float32", SHIFT)
    for name, spec, steps in (
        ("ResNet 1-1-1-1", {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}, 12),
        (
            "DenseNet 3-3-3",
            {
                "builder": "DenseNet",
                "arguments": {"growth_rate": 12, "block_config": [3, 3, 3], "num_init_features": 24},
            },
            60,
        ),
        (
            "MobileNetV3 small x0.5",
            {"builder": "MobileNetV3", "arguments": {"configuration": "mobilenet_v3_small", "width_mult": 0.5}},
            50,
        ),
    )
]
CROP = {"crop": "random_resized", "scale": [0.08, 1.0], "flip": True}
LARGE = [
    Case("ResNet-50", {"builder": "resnet50"}, 224, 256, 256, 40, "bfloat16", CROP, streamed)
    for streamed in (False, True)
]


def measure(case: Case, compiled: bool, device: torch.device, folder: Path) -> dict[str, Any]:
    """Return a line of the table; the rates are medians over the epochs after the first."""
    recipe = read_recipe(
        {
            "epochs": EPOCHS,
            "batch_size": case.batch_size,
            "learning_rate": 0.001,
            "image_size": case.image_size,
            "augmentation": case.augmentation,
            "precision": case.precision,
            "compile": compiled,
        }
    )
    random = np.random.default_rng(0)
    stored = min(case.steps * case.batch_size, 2048)
    shape = (stored, case.stored_size, case.stored_size, 3)
    np.save(folder / "images.npy", random.integers(0, 256, shape, np.uint8))
    rows = np.arange(case.steps * case.batch_size) % stored
    images = (StreamedImages if case.streamed else ResidentImages)(Store.open(folder / "images.npy"), rows, device)
    labels = torch.from_numpy(random.integers(0, 1000, len(rows))).to(device)
    model = build(case.spec, 1000)
    reference = Reference(copy.deepcopy(model), recipe, device)
    rates: list[float] = []
    records = train(
        model,
        images,
        Supervised(labels, recipe.label_smoothing),
        recipe,
        0,
        TrainingState(folder / "state", "benchmark"),
        recipe.epoch_ends(len(rows)),
        after_epoch=lambda epoch: rates.append(reference.images_per_second(case.steps)),
    )
    ours = [record["images_per_second"] for record in records]
    ratio = median(mine / other for mine, other in zip(ours[1:], rates[1:], strict=True))
    return {
        **description(case, compiled),
        "loop_images_per_second": round(median(ours[1:])),
        "resident_batch_images_per_second": round(median(rates[1:])),
        "ratio": round(ratio, 3),
        "peak_gpu_memory_mb": round(max(record["peak_gpu_memory_mb"] for record in records)),
        "note": "",
    }


class Reference:
    """The same training steps on one random batch that is ready on the device."""

    def __init__(self, model: torch.nn.Module, recipe: Recipe, device: torch.device) -> None:
        self.model = model.to(device, memory_format=torch.channels_last).train()
        self.network = torch.compile(self.model) if recipe.compile else self.model
        self.optimizer = make_optimizer(self.model.parameters(), recipe)
        self.recipe, self.device = recipe, device
        pixels = torch.randn(recipe.batch_size, 3, recipe.image_size, recipe.image_size, device=device)
        self.pixels = pixels.contiguous(memory_format=torch.channels_last)
        self.truth = torch.randint(0, 1000, (recipe.batch_size,), device=device)

    def images_per_second(self, steps: int) -> float:
        """Train for `steps` and return the rate."""
        self._finish()
        began = time.perf_counter()
        for _ in range(steps):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
                loss = torch.nn.functional.cross_entropy(self.network(self.pixels).float(), self.truth)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        self._finish()
        rate = steps * len(self.truth) / (time.perf_counter() - began)
        self.optimizer.zero_grad(set_to_none=True)
        return rate

    def _finish(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def description(case: Case, compiled: bool) -> dict[str, Any]:
    """Return the columns that say what was measured."""
    on_card = torch.cuda.is_available()
    return {
        "machine": machine(),
        "device": torch.cuda.get_device_name() if on_card else "processor, 1 thread",
        "network": case.network,
        "image_size": case.image_size,
        "stored_size": case.stored_size,
        "batch_size": case.batch_size,
        "precision": case.precision,
        "compiled": compiled,
        "images_are": "streamed from the store" if case.streamed else "resident",
    }


def main() -> None:
    """Measure what this machine can, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "benchmarks/results/train_loop.csv")
    parser.add_argument("--compile", action="store_true", help="use torch.compile on a graphics card")
    options = parser.parse_args()
    device = training_device(threads=1)
    lines = []
    if device.type == "cuda":
        cases, compiled = LARGE, options.compile
    else:
        cases, compiled = SMALL, False
        absent = {**description(LARGE[0], False), "device": "none"}
        lines = [{**absent, "note": "not measured: no graphics card was at hand"}]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(measure(case, compiled, device, Path(folder)))
    write_rows(options.output, lines, COLUMNS)
    for line in lines:
        if line["note"]:
            print(f"{line['network']} at {line['image_size']} px: {line['note']}")
        else:
            print(
                f"{line['network']} at {line['image_size']} px, {line['images_are']}: "
                f"{line['loop_images_per_second']} of {line['resident_batch_images_per_second']} images/s, "
                f"ratio {line['ratio']}, peak {line['peak_gpu_memory_mb']} MB of the card's memory"
            )


if __name__ == "__main__":
    main()
