"""Published networks: small ones, saved as their publishers save theirs, go through the pipeline."""

import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import save_file
from score_tables import evaluated

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.finetune import finetune
from pretraining_robustness.finetune.make_zero_shot_head import make_zero_shot_head
from pretraining_robustness.networks.architectures import (
    build,
    head_name,
    head_names,
    load_all,
    load_backbone,
    replace_head,
    require_image_size,
)
from pretraining_robustness.networks.clip_models import clip_config
from pretraining_robustness.networks.weights import read_description, read_weights
from pretraining_robustness.pretrain import published_files, published_weights
from pretraining_robustness.pretrain.image_text import read_text_encoder
from pretraining_robustness.pretrain.published_files import find_weights, published
from pretraining_robustness.pretrain.published_weights import take_published_weights

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
VISION = {
    "RN": {"layers": [1, 1, 1, 1], "width": 8, "head_width": 8, "image_size": 32, "patch_size": None},
    "ViT": {"layers": 1, "width": 32, "head_width": 16, "image_size": 32, "patch_size": 16},
}


def spec(kind: str, **changes: object) -> dict:
    arguments = {"embed_dim": 12, "vision_cfg": VISION[kind], "text_cfg": TEXT, **changes}
    return {"name": "tiny", "builder": "open_clip", "arguments": arguments}


def publish(path: Path, kind: str = "RN", **changes: object) -> open_clip.CLIP:
    torch.manual_seed(0)
    model = open_clip.CLIP(**clip_config(spec(kind, **changes)["arguments"])).eval()
    model.logit_scale.data.fill_(3.0)
    for buffer in model.buffers():  # statistics of batch normalisation that are not those of a fresh network
        if buffer.is_floating_point() and buffer.ndim == 1:
            buffer.data.add_(torch.rand(buffer.shape))
    save = save_file if path.suffix == ".safetensors" else lambda state, place: torch.save({"state_dict": state}, place)
    save(model.state_dict(), path)
    return model


def find(architecture: dict, pretrained: str, place: Path) -> Path:
    return find_weights(published(architecture, pretrained), pretrained, place)


def take(folder: Path, pretrained: str | Path, architecture: dict, place: Path | None = None) -> tuple[Path, Path]:
    weights, text = folder / "weights.safetensors", folder / "text.safetensors"
    take_published_weights(
        weights=weights, text=text, distribution="web", architecture=architecture, pretrained=str(pretrained),
        place=place or folder / "place",
    )  # fmt: skip
    return weights, text


@pytest.mark.parametrize(("kind", "file"), [("RN", "a.pt"), ("ViT", "a.safetensors")])
def test_both_towers_are_those_of_the_published_model(tmp_path: Path, kind: str, file: str) -> None:
    theirs = publish(tmp_path / file, kind)
    weights, text = take(tmp_path, tmp_path / file, spec(kind))
    ours = build(spec(kind), 5).eval()
    load_backbone(ours, read_weights(weights)[0])
    ours.fc = torch.nn.Identity()
    images = torch.rand(3, 3, 32, 32)
    encoder, description = read_text_encoder(text)
    tokens = open_clip.tokenize(["a photo of a fox", "a jay in the wild"], 16)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs.encode_image(images), atol=1e-6, rtol=0)
        torch.testing.assert_close(encoder.encode_text(tokens), theirs.encode_text(tokens), atol=1e-6, rtol=0)
    assert encoder.logit_scale.item() == 3.0
    assert (description["distribution"], description["seed"]) == ("web", 0)
    assert take(tmp_path / "again", tmp_path / file, spec(kind))[0].read_bytes() == weights.read_bytes()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*TorchScript archive:UserWarning")
def test_archives_as_openai_publishes_them_are_read(tmp_path: Path) -> None:
    class Script(torch.nn.Module):
        def forward(self, number: torch.Tensor) -> torch.Tensor:
            return number

    theirs = publish(tmp_path / "plain.pt", "RN")
    holder = Script()
    for name, part in theirs.named_children():  # the parameters under their names; nothing of it is run
        holder.add_module(name, _storage(part))
    for name in ("positional_embedding", "text_projection", "logit_scale"):
        holder.register_parameter(name, torch.nn.Parameter(getattr(theirs, name).detach().half()))
    for name, number in (("input_resolution", 32), ("context_length", 16), ("vocab_size", 49408)):
        holder.register_buffer(name, torch.tensor(number))
    torch.jit.save(torch.jit.script(holder), str(tmp_path / "script.pt"))
    ours, plain = (
        read_weights(take(tmp_path, tmp_path / file, spec("RN"))[0])[0] for file in ("script.pt", "plain.pt")
    )
    assert ours.keys() == plain.keys()
    assert all(torch.allclose(ours[name], plain[name], atol=1e-3) for name in plain)


class Hostile:
    """What runs code when it is unpickled: it makes the file `hit`."""

    def __init__(self, hit: Path) -> None:
        self.hit = hit

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (self.hit,))


@pytest.mark.parametrize("member", [None, "extra/constants.pkl", "constants.pkl", "code/constants.pkl"])
@pytest.mark.parametrize("suffix", [".pt", ".bin"])
@pytest.mark.filterwarnings("ignore")
def test_no_weights_run_code(tmp_path: Path, member: str | None, suffix: str) -> None:
    path, hit = tmp_path / f"weights{suffix}", tmp_path / "hit"
    torch.save({"state_dict": {"weight": torch.zeros(1)}, "other": Hostile(hit)}, path)
    if member is not None:
        with zipfile.ZipFile(path, "a") as archive:
            folder = archive.namelist()[0].partition("/")[0]
            archive.writestr(f"{folder}/{member}", pickle.dumps(Hostile(hit)))
    with pytest.raises(InputError, match=f"weights{suffix}: not weights of this architecture"):
        take(tmp_path, path, spec("RN"))
    assert not hit.exists()


def _storage(module: torch.nn.Module) -> torch.nn.Module:
    """A module of torch's plainest kind with the same names and values, in half precision as OpenAI's."""
    copy = torch.nn.Identity()
    for name, parameter in module.named_parameters(recurse=False):
        copy.register_parameter(name, torch.nn.Parameter(parameter.detach().half()))
    for name, buffer in module.named_buffers(recurse=False):
        copy.register_buffer(name, buffer.half() if buffer.is_floating_point() else buffer)
    for name, child in module.named_children():
        copy.add_module(name, _storage(child))
    return copy


@pytest.fixture
def tuned(tmp_path: Path) -> Callable[..., dict]:
    """Return what fine-tunes published weights on a task of 24 images, evaluates them, and describes the checkpoint."""
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (24, 32, 32, 3), np.uint8))
    splits = ["train"] * 8 + ["id_test"] * 8 + ["test"] * 8
    names = {"image": [f"{n}.jpg" for n in range(24)], "class_id": [str(n % 3) for n in range(24)]}
    table = pa.table({"row": np.arange(24), **names, "y": np.arange(24) % 3, "split": splits})
    pyarrow.parquet.write_table(table, tmp_path / "images.parquet")
    store = {"images": tmp_path / "images.npy", "table": tmp_path / "images.parquet"}

    def tune(architecture: dict, weights: Path, head: Path | None = None, **changes: object) -> dict:
        recipe = {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "image_size": 32, **changes}
        checkpoint = tmp_path / f"{head is None}" / "epoch_1.safetensors"
        finetune(
            **store, pretrained=weights, head=head, checkpoints=[checkpoint], metrics=tmp_path / "metrics.csv",
            distribution="web", architecture=architecture, recipe=recipe, seed=0, state=tmp_path / "state", code="c",
        )  # fmt: skip
        given = {"checkpoints": [checkpoint], "architecture": architecture, "recipe": recipe}
        assert len(evaluated(tmp_path, **store, **given)) == 1
        return read_description(checkpoint)

    return tune


def test_fine_tuning_and_evaluation_use_the_input_that_published_weights_were_made_for(
    tmp_path: Path, tuned: Callable[..., dict]
) -> None:
    architecture = {"builder": "timm", "arguments": {"model": "test_vit.r160_in1k"}}  # takes 160 pixels only
    save_file(build(architecture, 1000).state_dict(), tmp_path / "test_vit.r160_in1k.safetensors")
    weights = tmp_path / "weights.safetensors"
    take_published_weights(
        weights=weights, distribution="web", architecture=architecture, pretrained="default", place=tmp_path
    )
    assert read_description(weights)["classes"] == 1000
    assert tuned(architecture, weights, input="own")["input"] == read_description(weights)["input"]


def test_fine_tuning_and_evaluation_take_a_published_encoder(tmp_path: Path, tuned: Callable[..., dict]) -> None:
    publish(tmp_path / "a.pt")
    weights, text = take(tmp_path, tmp_path / "a.pt", spec("RN"))
    pd.DataFrame({"class_id": range(3), "name": ["fox", "jay", "frog"]}).to_csv(tmp_path / "classes.csv", index=False)
    make_zero_shot_head(text=text, classes=tmp_path / "classes.csv", head=tmp_path / "head.safetensors")
    for head in (None, tmp_path / "head.safetensors"):
        tuned(spec("RN"), weights, head)
    with pytest.raises(InputError, match=r"recipe\.image_size: 64 does not fit an architecture that takes 32 x 32"):
        tuned(spec("RN"), weights, image_size=64)


@pytest.mark.parametrize(
    ("model", "size"),
    [("RN50", 224), ("RN101", 224), ("ViT-B-32", 224), ("ViT-B-16-quickgelu", 224), ("ViT-L-14", 224)],
)
def test_the_encoders_of_the_paper_are_built_by_name(model: str, size: int) -> None:
    with torch.device("meta"):
        network = build({"builder": "open_clip", "arguments": {"model": model}}, 7)
        assert head_name(network) == "fc"
        replace_head(network, 182)
    assert network.fc.out_features == 182
    require_image_size(network, size)
    with pytest.raises(InputError, match=f"takes {size} x {size} pixels"):
        require_image_size(network, 32)


def test_open_clip_has_the_weights_that_the_documentation_names() -> None:
    assert open_clip.list_pretrained_tags_by_model("RN50") == ["openai", "yfcc15m", "cc12m"]
    openai = {"RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"}
    assert openai == {name for name in open_clip.list_openai_models() if not name.endswith("-quickgelu")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "RN5O"}, "did you mean 'RN50'"),
        ({"modle": "RN50"}, "does not take 'modle'"),
        ({"embed_dim": 12, "vision_cfg": {}}, "text_cfg is missing"),
        ({"embed_dim": 12, "vision_cfg": {"breadth": 3}, "text_cfg": TEXT}, "breadth"),
    ],
)
def test_models_that_open_clip_does_not_know_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build({"builder": "open_clip", "arguments": arguments}, 3)


RN50 = {"builder": "open_clip", "arguments": {"model": "RN50"}}
TORCHVISION = {"builder": "resnet50"}
TIMM = {"builder": "timm", "arguments": {"model": "resnet50.a1_in1k"}}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list:
    """Whatever is downloaded fails; return what was asked for."""
    calls = []

    def fail(source: object, *arguments: object, **named: object) -> str:
        calls.append(source)
        raise FileNotFoundError("Failed to download")

    monkeypatch.setattr(published_files, "download_pretrained", fail)
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    return calls


@pytest.mark.parametrize(
    ("architecture", "pretrained", "names", "home"),
    [
        (RN50, "openai", ["RN50.pt", "RN50-openai.pt"], r"https://\S*RN50\.pt or https://"),
        (
            TORCHVISION,
            "IMAGENET1K_V1",
            ["resnet50-0676ba61.pth", "resnet50-IMAGENET1K_V1.pth"],
            r"https://\S*resnet50-0676ba61\.pth and",
        ),
        (TORCHVISION, "default", ["resnet50-11ad3fa6.pth", "resnet50-IMAGENET1K_V2.safetensors"], "11ad3fa6"),
        (TIMM, "default", ["resnet50.a1_in1k.safetensors"], r"https://huggingface\.co/timm/resnet50\.a1_in1k and"),
        (TIMM, "a2_in1k", ["resnet50.a2_in1k.safetensors"], r"timm/resnet50\.a2_in1k"),
        (TIMM, "resnet50.a2_in1k", ["resnet50.a2_in1k.pth"], r"timm/resnet50\.a2_in1k"),
    ],
)
def test_weights_are_looked_for_in_their_place_before_any_download(
    tmp_path: Path, no_network: list, architecture: dict, pretrained: str, names: list[str], home: str
) -> None:
    place = tmp_path / "place"
    with pytest.raises(InputError, match=f"no file .* in .*place, and the download failed .*; fetch it from .*{home}"):
        find(architecture, pretrained, place)
    assert no_network
    no_network.clear()
    for name in names:
        (place / name).write_bytes(b"")
        assert find(architecture, pretrained, place) == place / name
    assert not no_network


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (RN50, r"open_clip has no weights 'other' of RN50 \(it has: openai, yfcc15m, cc12m\), .* no file RN50-other\."),
        (TORCHVISION, r"torchvision has no weights 'other' of resnet50 \(it has: IMAGENET1K_V1, IMAGENET1K_V2\)"),
        (TIMM, r"timm has no weights 'other' of resnet50 \(it has: a1_in1k, .* there is no file resnet50\.other\.safe"),
        ({"builder": "ResNet"}, r"torchvision has no weights 'other' of ResNet \(it has: none\)"),
        (spec("RN"), r"open_clip has no weights 'other' of this model \(it has: none\)"),
    ],
)
def test_unknown_weights_are_named_unless_they_are_placed(tmp_path: Path, architecture: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find(architecture, "other", tmp_path)
    name = f"{published(architecture, 'other').name}.pth"
    (tmp_path / name).write_bytes(b"")
    assert find(architecture, "other", tmp_path) == tmp_path / name
    with pytest.raises(InputError, match=r"absent\.pt: no such file"):
        find(architecture, str(tmp_path / "absent.pt"), tmp_path)


def test_every_library_says_what_its_weights_were_made_for() -> None:
    augreg = {"builder": "timm", "arguments": {"model": "vit_base_patch16_224"}}
    half, plain = [0.5, 0.5, 0.5], [0.485, 0.456, 0.406]
    own = published(augreg, "augreg_in21k").own_input
    assert own == {
        "image_size": 224, "mean": half, "std": half, "evaluation": {"resize": 248, "interpolation": "bicubic"},
    }  # fmt: skip
    assert published(augreg, "dino").own_input["mean"] == plain
    resnet = published(TORCHVISION, "IMAGENET1K_V2").own_input
    assert resnet["evaluation"] == {"resize": 232, "interpolation": "bilinear"}
    assert (resnet["image_size"], resnet["mean"]) == (224, plain)
    clip = published({"builder": "open_clip", "arguments": {"model": "RN50x4"}}, "openai").own_input
    assert (clip["image_size"], clip["evaluation"]["resize"], clip["mean"][0]) == (288, 288, 0.48145466)


SMALL = {
    "timm": {"builder": "timm", "arguments": {"model": "test_resnet.r160_in1k"}},
    "resnet": {"builder": "resnet18"},
    "densenet": {"builder": "DenseNet", "arguments": {"growth_rate": 4, "block_config": [2], "num_init_features": 8}},
    "googlenet": {"builder": "googlenet", "arguments": {"init_weights": False}},
}


def as_published(architecture: dict, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors under the names that torchvision's files have."""
    tensors = dict(model.state_dict())
    if architecture["builder"] == "DenseNet":
        return {re.sub(r"(denselayer\d\.(?:norm|conv))([12])", r"\1.\2", name): one for name, one in tensors.items()}
    if architecture["builder"] == "googlenet":
        tensors["aux1.conv.conv.weight"] = torch.zeros(1)
    return tensors


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_networks_come_with_their_head_or_without_one(tmp_path: Path, name: str, suffix: str) -> None:
    architecture = SMALL[name]
    torch.manual_seed(0)
    theirs = build(architecture, 7).eval()
    tensors = as_published(architecture, theirs)
    place = tmp_path / f"weights{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(tensors, place)
    weights = tmp_path / "out" / "weights.safetensors"
    taking = {"weights": weights, "distribution": "web", "architecture": architecture, "place": tmp_path}
    take_published_weights(pretrained=str(place), **taking)
    taken, description = read_weights(weights)
    assert description["classes"] == 7
    torch.manual_seed(1)
    ours = build(architecture, 7).eval()
    load_all(ours, taken)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images))

    (head,) = head_names(theirs)
    save({key: tensor for key, tensor in tensors.items() if not key.startswith(f"{head}.")}, place)
    take_published_weights(pretrained=str(place), **taking)
    taken, description = read_weights(weights)
    assert description["classes"] == 0
    load_backbone(build(architecture, 5), taken)
    with pytest.raises(InputError, match="these weights have no head"):
        load_all(ours, taken)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    publish(tmp_path / "rn.pt", "RN")
    with pytest.raises(InputError, match=r"rn\.pt: not weights of this architecture"):
        take(tmp_path, tmp_path / "rn.pt", spec("ViT"))
    (tmp_path / "page.pt").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"page\.pt: not weights of this architecture"):
        take(tmp_path, tmp_path / "page.pt", spec("RN"))
    for other in ({"builder": "resnet18"}, SMALL["timm"]):
        with pytest.raises(InputError, match=r"rn\.pt: not weights of this architecture"):
            take(tmp_path, tmp_path / "rn.pt", other)


def test_an_encoder_with_another_activation_than_its_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "ViT-B-32-openai.pt").write_bytes(b"")
    vit = {"builder": "open_clip", "arguments": {"model": "ViT-B-32"}}
    with pytest.raises(InputError, match="openai of ViT-B-32 were trained with quick_gelu true"):
        take(tmp_path, "openai", vit, place)
    # A residual network has no such activation: there its text tower takes that of the weights without a word.
    publish(place / "RN50-openai.pt", "RN", quick_gelu=True)
    tiny = clip_config(spec("RN")["arguments"])
    monkeypatch.setattr(published_weights, "clip_config", lambda arguments: dict(tiny))
    _, text = take(tmp_path, "openai", {"builder": "open_clip", "arguments": {"model": "RN50"}}, place)
    assert read_text_encoder(text)[1]["encoder"]["quick_gelu"] is True
