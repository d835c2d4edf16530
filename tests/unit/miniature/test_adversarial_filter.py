"""ImageNet-A in miniature holds what the network that filters it gets wrong, and nothing else."""

import csv
from pathlib import Path

import torch

from miniature.formats.adversarial_filter import draw
from miniature.imagenet_classes import choose_classes
from pretraining_robustness.files import write_rows
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.store.decoding import decode
from pretraining_robustness.store.readers.imagenet_variant import ImageNetVariant
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.recipes import read_recipe

ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 1, "batch_size": 8, "learning_rate": 0.05, "image_size": 32, "weight_decay": 0.0}
TABLE = Path(__file__).parents[3] / "data" / "imagenet_rib" / "imagenet_a.csv"


def test_what_is_kept_is_wrong(tmp_path: Path) -> None:
    names = {one.wnid: one.name for one in choose_classes(50)}
    with TABLE.open(newline="", encoding="utf-8") as file:
        listed = {row["class_id"] for row in csv.DictReader(file)}
    truths = [place for place, wnid in enumerate(names) if wnid in listed]
    torch.manual_seed(0)
    network = build(ARCHITECTURE, 50)
    with torch.no_grad():  # it answers one of the variant's classes for some pictures and another one for the rest
        network.fc.bias.fill_(-100)  # type: ignore[union-attr, operator]
        network.fc.bias[truths[:2]] = 0  # type: ignore[union-attr, index, operator]
    save_weights(tmp_path / "weights", network, {})
    write_rows(tmp_path / "classes.csv", [{"class_id": name, "label": place} for place, name in enumerate(names)])
    draw(
        [tmp_path / "imagenet-a.tar"],
        **{"classes": 50, "per_class": 2, "image_size": 48, "seed": 0, "table": TABLE},
        weights=tmp_path / "weights",
        labels=tmp_path / "classes.csv",
        **{"architecture": ARCHITECTURE, "recipe": RECIPE, "size": 32},
    )
    variant = ImageNetVariant([tmp_path / "imagenet-a.tar"], names, "{class}/{image}", None, len(truths), TABLE)
    preparation = Preparation(read_recipe(RECIPE), torch.device("cpu"))
    wrong: dict[str, list[bool]] = {}
    for image in variant.images():
        pixels = torch.tensor(decode(image.data, 32, "crop")[None])
        with torch.inference_mode():
            answer = int(network.eval()(preparation.for_evaluation(pixels)).argmax())
        wrong.setdefault(image.class_id, []).append(answer != list(names).index(image.class_id))
    mistaken = [class_id for class_id, some in wrong.items() if all(some)]
    assert len(mistaken) >= len(truths) - 1
    assert all(len(wrong[class_id]) == 2 for class_id in mistaken[2:])
    assert all(len(some) == 1 for class_id, some in wrong.items() if class_id not in mistaken)
