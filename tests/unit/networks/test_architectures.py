import copy

import pytest
import timm
import torch
import torchvision

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import (
    build,
    head_name,
    head_names,
    load_all,
    load_backbone,
    replace_head,
    require_image_size,
)
from pretraining_robustness.networks.weights import read_weights, save_weights

SMALL = {
    "ResNet": {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}},
    "DenseNet": {
        "builder": "DenseNet",
        "arguments": {"growth_rate": 4, "block_config": [2, 2], "num_init_features": 8},
    },
    "MobileNetV3": {
        "builder": "MobileNetV3",
        "arguments": {"configuration": "mobilenet_v3_small", "width_mult": 0.5},
    },
}


@pytest.mark.parametrize("name", SMALL)
def test_small_members_take_small_images(name: str) -> None:
    model = build(SMALL[name], classes=5)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 5)


def test_a_resnet_with_widths_of_its_own_is_torchvisions_with_fewer_channels() -> None:
    arguments = {"block": "Bottleneck", "layers": [1, 2, 1, 1], "groups": 4, "width_per_group": 32}
    usual = build({"builder": "ResNet", "arguments": arguments}, classes=5).state_dict()
    same = build({"builder": "ResNet", "arguments": {**arguments, "widths": [64, 128, 256, 512]}}, classes=5)
    assert {name: one.shape for name, one in same.state_dict().items()} == {n: one.shape for n, one in usual.items()}
    narrow = build({"builder": "ResNet", "arguments": {**arguments, "widths": [8, 16, 32, 64]}}, classes=5)
    assert narrow.state_dict().keys() == usual.keys()
    for name, one in narrow.state_dict().items():
        eighth = [part if part in (3, 5) or i > 1 else part // 8 for i, part in enumerate(usual[name].shape)]
        assert list(one.shape) == eighth, name
    assert narrow(torch.rand(2, 3, 32, 32)).shape == (2, 5)
    with pytest.raises(InputError, match="does not take"):
        build({"builder": "ResNet", "arguments": {**arguments, "widths": [8, 16]}}, classes=5)


# The smallest member of every family that torchvision has for classification, and its head.
TORCHVISION = {
    "alexnet": "classifier.6",
    "convnext_tiny": "classifier.2",
    "densenet121": "classifier",
    "efficientnet_b0": "classifier.1",
    "googlenet": "fc",
    "inception_v3": "fc",
    "maxvit_t": "classifier.5",
    "mnasnet0_5": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "regnet_y_400mf": "fc",
    "resnet18": "fc",
    "shufflenet_v2_x0_5": "fc",
    "squeezenet1_1": "classifier.1",
    "swin_t": "head",
    "vgg11": "classifier.6",
    "vit_b_32": "heads.head",
}
# Families of timm whose heads have different forms: a linear layer at different depths, a convolution, a perceptron, a
# list, and two heads, one of which is for distillation.
TIMM = {
    "test_vit": ["head"],
    "test_resnet": ["fc"],
    "test_convnext": ["head.fc"],
    "test_efficientnet": ["classifier"],
    "resnetv2_18": ["head.fc"],
    "dla46_c": ["fc"],
    "caformer_s18": ["head.fc"],
    "crossvit_tiny_240": ["head"],
    "deit_tiny_distilled_patch16_224": ["head", "head_dist"],
}


def quick(name: str) -> dict:
    return {"init_weights": False} if name in ("googlenet", "inception_v3", "vgg11") else {}


def test_no_family_of_torchvision_is_missing_below() -> None:
    builders = torchvision.models.list_models(module=torchvision.models)
    modules = {name: torchvision.models.get_model_builder(name).__module__ for name in builders}
    assert {modules[name] for name in TORCHVISION} == set(modules.values())


@pytest.mark.parametrize(
    ("spec", "heads"),
    [
        *[({"builder": name, "arguments": quick(name)}, [head]) for name, head in TORCHVISION.items()],
        *[({"builder": "timm", "arguments": {"model": name}}, heads) for name, heads in TIMM.items()],
    ],
)
def test_heads_of_every_family_are_found_replaced_and_kept_apart(spec: dict, heads: list[str], tmp_path) -> None:
    pretrained = build(spec, 3).eval()
    assert head_names(pretrained) == heads
    save_weights(tmp_path / "weights", pretrained, {})
    tensors, _ = read_weights(tmp_path / "weights")
    model = copy.deepcopy(pretrained)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    size = getattr(model, "image_size", 224 if spec["builder"] == "maxvit_t" else 96)
    images = torch.rand(1, 3, size, size)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    load_backbone(model, tensors)
    for name, tensor in model.state_dict().items():
        source = kept if name.startswith(tuple(f"{head}." for head in heads)) else tensors
        assert torch.equal(tensor, source[name]), name
    load_all(model, tensors)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), pretrained(images))
        replace_head(model, 5)
        assert model(images).shape == (1, 5)
    assert head_names(model) == heads
    with pytest.raises(InputError, match="the head of these weights has 3 classes, not 5"):
        load_all(model, tensors)


def test_weights_without_a_head_are_refused_where_it_is_needed() -> None:
    model = build(SMALL["ResNet"], 4)
    backbone = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("fc.")}
    with pytest.raises(InputError, match="these weights have no head"):
        load_all(model, backbone)


def test_a_network_of_timm_is_timms_and_says_which_images_it_takes() -> None:
    torch.manual_seed(0)
    ours = build({"builder": "timm", "arguments": {"model": "test_vit.r160_in1k", "img_size": 96}}, 7)
    torch.manual_seed(0)
    theirs = timm.create_model("test_vit", num_classes=7, img_size=96)
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in theirs.state_dict().items())
    require_image_size(ours, 96)
    with pytest.raises(InputError, match="takes 96 x 96 pixels"):
        require_image_size(ours, 160)
    require_image_size(build({"builder": "timm", "arguments": {"model": "test_resnet"}}, 7), 64)


def test_a_head_of_two_layers_cannot_be_projected_from() -> None:
    model = build({"builder": "timm", "arguments": {"model": "deit_tiny_distilled_patch16_224"}}, 3)
    with pytest.raises(InputError, match=r"\(head, head_dist\) is not one linear layer"):
        head_name(model)


def test_a_family_class_with_the_arguments_of_a_named_model_is_that_model() -> None:
    arguments = {"block": "Bottleneck", "layers": [3, 4, 6, 3], "groups": 32, "width_per_group": 4}
    with torch.device("meta"):
        ours = build({"builder": "ResNet", "arguments": arguments}, 10).state_dict()
        named = build({"builder": "resnext50_32x4d"}, 10).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in named.items()}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"builder": "resnet5O"}, "did you mean 'resnet50'"),
        ({"builder": "ResNext"}, "did you mean 'ResNet'"),
        ({"builder": "ResNet", "arguments": {"block": "Basic", "layers": [1]}}, "block 'Basic' is not one of"),
        ({"builder": "resnet18", "arguments": {"depth": 3}}, "does not take {'depth': 3}"),
        (
            {"builder": "timm", "arguments": {"model": "resnet5O"}},
            "timm has no model 'resnet5O'; did you mean 'resnet50",
        ),
        ({"builder": "timm", "arguments": {"model": "resnet50.a1_in2k"}}, "did you mean 'resnet50.a1_in1k'"),
        ({"builder": "timm", "arguments": {"model": "resnet18", "depth": 3}}, "does not take .*depth"),
        ({"builder": "timm", "arguments": {"model": "resnet18", "pretrained": True}}, "does not take .*pretrained"),
    ],
)
def test_a_spec_that_cannot_be_built_is_one_clear_line(spec: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(spec, 10)


def test_small_mobilenet_averages_batch_statistics_as_fast_as_the_other_families() -> None:
    momenta = {
        name: {module.momentum for module in build(spec, 3).modules() if isinstance(module, torch.nn.BatchNorm2d)}
        for name, spec in SMALL.items()
    }
    assert momenta == {"ResNet": {0.1}, "DenseNet": {0.1}, "MobileNetV3": {0.1}}


def test_weights_that_do_not_fit_are_refused() -> None:
    model = build(SMALL["ResNet"], 4)
    weights = build(SMALL["ResNet"], 4).state_dict()
    missing = {key: value for key, value in weights.items() if key != "conv1.weight"}
    with pytest.raises(InputError, match=r"1 missing, first 'conv1\.weight'"):
        load_backbone(model, missing)
    with pytest.raises(InputError, match="1 not expected, first 'extra'"):
        load_backbone(model, {**weights, "extra": torch.zeros(1)})
    with pytest.raises(InputError, match="1 of another shape"):
        load_backbone(model, {**weights, "bn1.bias": torch.zeros(3)})


def test_equal_weights_give_equal_bytes_whatever_their_memory_layout(tmp_path) -> None:
    model = build(SMALL["ResNet"], 4)
    description = {"architecture": SMALL["ResNet"], "classes": 4, "distribution": "full", "recipe": "ab", "seed": 0}
    save_weights(tmp_path / "a", model, description)
    save_weights(tmp_path / "b", model.to(memory_format=torch.channels_last), dict(reversed(description.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    tensors, read = read_weights(tmp_path / "a")
    assert read == description
    assert all(torch.equal(tensors[key], value) for key, value in model.state_dict().items())


def test_a_broken_file_is_named(tmp_path) -> None:
    save_weights(tmp_path / "whole", build(SMALL["DenseNet"], 4), {"epoch": 1})
    whole = (tmp_path / "whole").read_bytes()
    for name, content in {"half": whole[: len(whole) // 2], "empty": b"", "text": b"<html>not found</html>"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: not a readable checkpoint"):
            read_weights(tmp_path / name)
    with pytest.raises(InputError, match="absent: not a readable checkpoint"):
        read_weights(tmp_path / "absent")
