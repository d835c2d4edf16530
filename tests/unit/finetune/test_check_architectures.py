"""Networks that cannot be built, and methods that do not fit them, are named before anything trains."""

import csv
from pathlib import Path

import pytest
import torchvision.models as models

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.check_architectures import check_architectures

RECIPE = {"epochs": 1, "batch_size": 8, "learning_rate": 0.1, "image_size": 32}


def architecture(builder: str, **arguments: object) -> dict:
    return {"builder": builder, "arguments": arguments}


def test_networks_of_three_libraries_are_built_and_counted(tmp_path: Path) -> None:
    networks = {
        "inception": architecture("inception_v3"),
        "small": architecture("MobileNetV3", configuration="mobilenet_v3_small"),
        "vit": architecture("timm", model="vit_tiny_patch16_224.augreg_in21k_ft_in1k"),
        "clip": architecture("open_clip", model="RN50"),
    }
    lora = {"name": "lora", "architecture": "vit", "values": {"kind": "lora", "also": ["cls_token"]}, "recipe": RECIPE}
    check_architectures(networks, {name: [224] for name in networks}, [lora], tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        counted = {row["architecture"]: int(row["parameters"]) for row in csv.DictReader(file)}
    assert set(counted) == set(networks)
    assert counted["small"] == sum(one.numel() for one in models.mobilenet_v3_small().parameters())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (architecture("resnet81"), ["'resnet81'", "did you mean 'resnet18'?"]),
        (architecture("vit_b_16", imagesize=64), ["'imagesize'", "did you mean 'image_size'?"]),
        (architecture("ResNet", block="BasicBlock", layers=[1, 1]), ["'layers': [1, 1]"]),
        (architecture("timm", model="resnet51.a1_in1k"), ["'resnet51.a1_in1k'", "did you mean 'resnet5"]),
        (architecture("open_clip", model="ViT-B/32"), ["'ViT-B/32'", "did you mean 'ViT-B-32'?"]),
    ],
)
def test_what_cannot_be_built_is_named_by_its_key(spec: dict, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        check_architectures({"good": architecture("resnet18"), "net": spec}, {"good": [32]}, [], tmp_path / "table.csv")
    line = str(refused.value)
    assert line.startswith("config architectures.net: ")
    assert all(word in line for word in words)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "has no attention layer"), ({"layers": ["fc"], "also": ["cls_tokn"]}, "has no 'cls_tokn'; did you mean")],
)
def test_a_method_that_does_not_fit_a_network_is_named(settings: dict, words: str, tmp_path: Path) -> None:
    lora = {"name": "lora_8", "architecture": "net", "values": {"kind": "lora", **settings}, "recipe": RECIPE}
    with pytest.raises(InputError, match=rf"config methods\.lora_8 of net: .*{words}"):
        check_architectures({"net": architecture("resnet18")}, {"net": [32]}, [lora], tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("spec", "size", "advised"),
    [
        (architecture("densenet121"), 8, 32),
        (architecture("alexnet"), 32, 64),
        (architecture("inception_v3"), 64, 96),
        (architecture("vit_b_16"), 64, 224),
        (architecture("timm", model="vit_tiny_patch16_224"), 32, 224),
        (architecture("open_clip", model="ViT-B-32"), 32, 224),
    ],
)
def test_an_image_size_that_a_network_does_not_take_is_refused(
    spec: dict, size: int, advised: int, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match=rf"config architectures\.net: .* {size} pixels.*image_size: {advised} "
    ) as refused:
        check_architectures({"net": spec}, {"net": [size]}, [], tmp_path / "table.csv")
    assert "\n" not in str(refused.value)
    check_architectures({"net": spec}, {"net": [advised]}, [], tmp_path / "table.csv")
