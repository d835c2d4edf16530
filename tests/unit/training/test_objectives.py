"""Objectives against their formulas written out in NumPy, and SimCLR and CLIP trainings from end to end."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from colours import ARCHITECTURE, RECIPE, finetuned, pretraining, write_store, write_table
from open_clip import OPENAI_IMAGENET_TEMPLATES, tokenize
from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss
from score_tables import evaluated
from torch import nn
from torchvision.transforms import functional as torchvision_functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.make_zero_shot_head import CAMERA_TRAP_TEMPLATES, make_zero_shot_head
from pretraining_robustness.networks.architectures import build, load_backbone
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.networks.zero_shot_head import read_zero_shot_head, start_from_zero_shot
from pretraining_robustness.pretrain.captions import Captions
from pretraining_robustness.pretrain.image_text import ImageText, TextEncoder, read_text_encoder
from pretraining_robustness.pretrain.pretrain import pretrain
from pretraining_robustness.pretrain.pretrain_image_text import pretrain_image_text
from pretraining_robustness.pretrain.self_supervised import SelfSupervised, Settings
from pretraining_robustness.training.augmentation import Preparation, colour_jitter, hue_rotation
from pretraining_robustness.training.loop import make_optimizer
from pretraining_robustness.training.recipes import read_recipe

CPU = torch.device("cpu")
TEXT = {"width": 16, "heads": 2, "layers": 1}
IMAGE_TEXT = {"name": "image_text", "embedding": 16, "context_length": 16, "text": TEXT}
NAMES = ["red fox, Vulpes vulpes", "green tree frog", "blue jay", "yellow_mongoose"]
SPOKEN = ["red fox", "green tree frog", "blue jay", "yellow mongoose"]


def task(folder: Path) -> dict[str, Path]:
    pd.DataFrame({"label": range(4), "label_name": NAMES}).to_csv(folder / "classes.csv", index=False)
    return write_store(folder, np.arange(240) % 4, 160, slice(160))


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Path]:
    return task(tmp_path)


def image_text(store: dict[str, Path], folder: Path, **changes: object) -> Path:
    classes = store["images"].with_name("classes.csv")
    extra = {"classes": classes, "text": folder / "text.safetensors", "objective": IMAGE_TEXT}
    pretrain_image_text(**pretraining(store, folder, **{**extra, **changes}))
    return folder


def self_supervised(store: dict[str, Path], folder: Path, **changes: object) -> Path:
    objective = {"name": "self_supervised", "temperature": 0.5, "projection": 8}
    pretrain(**pretraining(store, folder, **{"objective": objective, **changes}))
    return folder


# ------------------------------------------------------------------------------------------------------- the formulas


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def log_softmax(rows: np.ndarray) -> np.ndarray:
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


class Given(nn.Module):
    """A network that returns given features, whatever it is shown."""

    def __init__(self, features: torch.Tensor, layer: nn.Module) -> None:
        super().__init__()
        self.features, self.fc = features, layer

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert len(images) == len(self.features)
        return self.features


def nt_xent(views: np.ndarray, temperature: float) -> float:
    """Chen et al. 2020, equation 1 and algorithm 1, with rows i and i + n two views of one image."""
    count = len(views)
    similarity = unit(views) @ unit(views).T / temperature
    losses = []
    for i in range(count):
        others = [k for k in range(count) if k != i]
        partner = (i + count // 2) % count
        losses.append(-np.log(np.exp(similarity[i, partner]) / np.exp(similarity[i, others]).sum()))
    return float(np.mean(losses))


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_the_loss_of_simclr_is_nt_xent_of_the_projected_views(temperature: float) -> None:
    torch.manual_seed(0)
    features = torch.randn(2 * 24, 10)
    network = Given(features, nn.Linear(10, 3))
    objective = SelfSupervised(network, 24, CPU, Settings(temperature, 6)).eval()
    assert network.fc.out_features == 10
    pixels, recipe = torch.zeros(24, 16, 16, 3, dtype=torch.uint8), read_recipe(RECIPE)
    loss, right = objective(network, Preparation(recipe, CPU), pixels, torch.arange(24))

    weight = objective.projection[2].weight.detach().numpy()
    # At first the batch normalisation of the projection divides by the root of 1 + 1e-5 and does nothing else.
    views = np.maximum(features.numpy() / np.sqrt(1 + 1e-5), 0) @ weight.T
    assert loss.item() == pytest.approx(nt_xent(views, temperature), rel=1e-5)
    library = SelfSupervisedLoss(NTXentLoss(temperature))
    first, second = torch.from_numpy(views).chunk(2)
    assert loss.item() == pytest.approx(library(first, second).item(), rel=1e-5)
    similarity = unit(views) @ unit(views).T
    np.fill_diagonal(similarity, -2)
    assert right.item() == (similarity[:24].argmax(axis=1) == np.arange(24, 48)).sum()


def test_the_views_of_simclr_are_two_augmentations_of_the_same_images_in_one_batch() -> None:
    seen = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images)
            return self.fc(images.mean(dim=(2, 3)))

    network = Watching()
    objective = SelfSupervised(network, 9, CPU, Settings())
    pixels = torch.randint(0, 256, (9, 16, 16, 3), dtype=torch.uint8)
    preparation = Preparation(read_recipe({**RECIPE, "augmentation": {"crop": "shift", "shift": 2}}), CPU)
    objective(network, preparation, pixels, torch.arange(9))
    assert len(seen) == 1
    plain = preparation.for_evaluation(pixels)
    for views in seen[0].chunk(2):
        assert not torch.equal(views, plain)
        # A shift by at most 2 pixels leaves the middle 12 x 12 of each image somewhere in its view.
        for view, image in zip(views, plain, strict=True):
            windows = view.unfold(1, 12, 1).unfold(2, 12, 1)
            assert ((windows - image[:, None, None, 2:14, 2:14]).abs().amax(dim=(0, 3, 4)) < 1e-6).any()
    assert not torch.equal(*seen[0].chunk(2))


def test_the_loss_of_image_text_is_the_symmetric_cross_entropy_of_clip() -> None:
    torch.manual_seed(0)
    features = torch.randn(12, 16)
    captions = Captions.of_images([f"number {one}" for one in range(40)], 16, CPU)
    text = TextEncoder(16, {"context_length": 16, **TEXT})
    text.logit_scale.data.fill_(1.3)
    positions = torch.arange(3, 15)
    pixels, recipe = torch.zeros(12, 16, 16, 3, dtype=torch.uint8), read_recipe(RECIPE)
    objective = ImageText(captions, text, CPU)
    loss, right = objective(Given(features, nn.Identity()), Preparation(recipe, CPU), pixels, positions)

    texts = text.tower(tokenize([f"number {one}" for one in range(3, 15)], 16)).detach().numpy()
    logits = np.exp(1.3) * unit(features.numpy()) @ unit(texts).T
    expected = -(np.diag(log_softmax(logits)).mean() + np.diag(log_softmax(logits.T)).mean()) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert right.item() == (logits.argmax(axis=1) == np.arange(12)).sum()
    loss.backward()
    assert text.logit_scale.grad.item() != 0


def test_the_logit_scale_starts_and_ends_where_clips_does() -> None:
    text = TextEncoder(16, {"context_length": 16, **TEXT})
    assert 1 / text.logit_scale.exp().item() == pytest.approx(0.07)
    text.logit_scale.data.fill_(7.0)
    objective = ImageText(Captions.of_images(["one", "two"], 16, CPU), text, CPU)
    pixels = torch.zeros(2, 16, 16, 3, dtype=torch.uint8)
    objective(Given(torch.randn(2, 16), nn.Identity()), Preparation(read_recipe(RECIPE), CPU), pixels, torch.arange(2))
    assert text.logit_scale.exp().item() == pytest.approx(100)


def test_numbers_and_vectors_beside_the_network_do_not_decay() -> None:
    model, text = nn.Linear(3, 3), TextEncoder(16, {"context_length": 16, **TEXT})
    groups = make_optimizer(model.parameters(), read_recipe(RECIPE), text).param_groups
    assert [group["weight_decay"] for group in groups] == [0.05, 0.05, 0.0]
    assert groups[0]["params"] == list(model.parameters())
    assert any(one is text.logit_scale for one in groups[2]["params"])
    assert all(one.ndim < 2 for one in groups[2]["params"])
    assert sum(len(group["params"]) for group in groups[1:]) == len(list(text.parameters()))


# ----------------------------------------------------------------------------------------------------------- captions


def test_captions_are_clips_prompts_with_the_name_of_the_class() -> None:
    labels = np.array([2, 0, 3, 3])
    captions = Captions.of_classes(labels, dict(enumerate(NAMES)), 16, CPU)
    known = {
        label: {tuple(row) for row in tokenize([template(name) for template in OPENAI_IMAGENET_TEMPLATES], 16).tolist()}
        for label, name in enumerate(SPOKEN)
    }
    drawn: list[set] = [set(), set(), set(), set()]
    for step in range(300):
        torch.manual_seed(step)
        for image, tokens in enumerate(captions.draw(torch.arange(4)).tolist()):
            assert tuple(tokens) in known[labels[image]]
            drawn[image].add(tuple(tokens))
    assert all(len(one) > 70 for one in drawn)  # 80 templates; 300 draws miss 80 (79/80)^300 = 1.8 of them


def test_a_class_without_a_name_is_named() -> None:
    with pytest.raises(InputError, match="label 1 has no name"):
        Captions.of_classes(np.array([0, 2]), {0: "a", 2: "c"}, 16, CPU)


# ------------------------------------------------------------------------------------------------------------ colours


def test_colour_changes_leave_greys_grey_and_stay_in_range() -> None:
    grey = torch.full((64, 4, 4, 3), 100, dtype=torch.uint8)
    changed = colour_jitter(grey, 1.0, 0.2)
    torch.testing.assert_close(changed, changed[..., :1].expand(changed.shape), atol=1e-3, rtol=0)
    assert 0.6 < (changed[:, 0, 0, 0] != 100).float().mean() < 0.95  # 4 images in 5 are changed
    colours = torch.randint(0, 256, (64, 4, 4, 3), dtype=torch.uint8)
    changed = colour_jitter(colours, 1.0, 0.2)
    assert changed.min() >= 0
    assert changed.max() <= 255
    torch.testing.assert_close(colour_jitter(colours, 0.0, 0.0), colours.float(), atol=1e-3, rtol=0)


def test_grey_images_are_torchvisions() -> None:
    colours = torch.randint(0, 256, (8, 5, 5, 3), dtype=torch.uint8)
    ours = colour_jitter(colours, 0.0, 1.0).permute(0, 3, 1, 2)
    theirs = torchvision_functional.rgb_to_grayscale(colours.permute(0, 3, 1, 2).float(), 3)
    torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0)  # torchvision rounds 0.299 to 0.2989


def test_brightness_contrast_and_saturation_are_torchvisions(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = torch.randint(60, 160, (3, 6, 6, 3), dtype=torch.uint8)
    # All images are jittered; each has another one of its first three factors at 1.2 and the others at 1.
    draws = torch.full((6, 3), 0.5)
    draws[1, 0] = draws[2, 1] = draws[3, 2] = 0.5 + 0.2 / (2 * 0.8 * 0.5)
    draws[5] = 1.0
    monkeypatch.setattr(torch, "rand", lambda *size, device: draws)
    ours = colour_jitter(colours, 0.5, 0.0).permute(0, 3, 1, 2)
    floats = colours.permute(0, 3, 1, 2).float() / 255
    adjusted = [
        torchvision_functional.adjust_brightness(floats[0], 1.2),
        torchvision_functional.adjust_contrast(floats[1], 1.2),
        torchvision_functional.adjust_saturation(floats[2], 1.2),
    ]
    torch.testing.assert_close(ours / 255, torch.stack(adjusted), atol=1e-3, rtol=0)


def test_hues_turn_about_grey() -> None:
    third = hue_rotation(torch.tensor([2 * np.pi / 3]))[0]
    torch.testing.assert_close(third @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0)
    turns = hue_rotation(torch.tensor([0.3, -0.3, 2 * np.pi]))
    torch.testing.assert_close(turns[0] @ turns[1], torch.eye(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(turns[2], torch.eye(3), atol=1e-5, rtol=0)


# ---------------------------------------------------------------------------------------------------------- trainings


def test_simclr_learns_and_its_backbone_starts_a_fine_tuning(store: dict, tmp_path: Path) -> None:
    colours = {
        **RECIPE,
        "epochs": 6,
        "augmentation": {**RECIPE["augmentation"], "colour_jitter": 0.5, "grayscale": 0.2},
    }
    out = self_supervised(store, tmp_path / "out", recipe=colours)
    tensors, description = read_weights(out / "weights.safetensors")
    assert description["objective"]["name"] == "self_supervised"
    assert "classes" not in description
    losses = pd.read_csv(out / "metrics.csv")["loss"]
    assert losses.iloc[-1] < losses.iloc[0] - 0.1
    again = self_supervised(store, tmp_path / "again", recipe=colours)
    assert (again / "weights.safetensors").read_bytes() == (out / "weights.safetensors").read_bytes()
    model = build(ARCHITECTURE, 4)
    load_backbone(model, tensors)
    assert torch.equal(model.state_dict()["features.conv0.weight"], tensors["features.conv0.weight"])
    assert {path.name for path in out.iterdir()} == {"weights.safetensors", "metrics.csv"}


def test_labels_do_not_reach_simclr(store: dict, tmp_path: Path) -> None:
    out = self_supervised(store, tmp_path / "out")
    write_table(store["index"], row=np.arange(160), label=np.zeros(160, np.int64))
    other = self_supervised(store, tmp_path / "other")
    assert (out / "weights.safetensors").read_bytes() == (other / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image-text pre-training on the colours that has learnt them."""
    folder = tmp_path_factory.mktemp("clip")
    files = task(folder)
    image_text(files, folder / "out", recipe={**RECIPE, "epochs": None, "steps": 150})
    return {**files, "out": folder / "out", "classes": folder / "task_classes.csv"}


def zero_shot(clip: dict[str, Path], folder: Path) -> Path:
    table = pd.DataFrame({"class_id": [str(label) for label in range(4)], "name": NAMES, "images": 1})
    table.sample(frac=1, random_state=0).to_csv(clip["classes"], index=False)
    make_zero_shot_head(
        text=clip["out"] / "text.safetensors", classes=clip["classes"], head=folder / "head.safetensors"
    )
    return folder / "head.safetensors"


def tune(clip: dict[str, Path], folder: Path, head: Path | None, **recipe: object) -> pd.DataFrame:
    recipe = {**RECIPE, **recipe}
    checkpoints = finetuned(clip, folder, clip["out"] / "weights.safetensors", head=head, recipe=recipe)
    given = {"checkpoints": checkpoints, "architecture": ARCHITECTURE, "recipe": recipe}
    return evaluated(folder, images=clip["images"], table=clip["table"], **given)


def test_image_text_pre_training_learns_names_that_it_can_tell_apart(clip: dict, tmp_path: Path) -> None:
    head = read_zero_shot_head(zero_shot(clip, tmp_path)).numpy()
    tensors, description = read_weights(clip["out"] / "weights.safetensors")
    assert description["objective"] == IMAGE_TEXT
    model = build(ARCHITECTURE, 16)
    model.load_state_dict(tensors)
    pixels = torch.from_numpy(np.load(clip["images"])[160:])
    with torch.inference_mode():
        pictures = model.eval()(Preparation(read_recipe(RECIPE), CPU).for_evaluation(pixels)).numpy()
    guesses = (unit(pictures) @ head.T).argmax(axis=1)
    truth = np.arange(160, 240) % 4
    assert (guesses == truth).mean() > 0.8  # chance is 0.25


def test_a_zero_shot_head_is_the_mean_embedding_of_the_prompts_times_the_logit_scale(
    clip: dict, tmp_path: Path
) -> None:
    head = read_zero_shot_head(zero_shot(clip, tmp_path))
    encoder, _ = read_text_encoder(clip["out"] / "text.safetensors")
    for row, name in zip(head, SPOKEN, strict=True):
        prompts = [template.format(name) for template in CAMERA_TRAP_TEMPLATES]
        with torch.inference_mode():
            mean = unit(encoder.tower(tokenize(prompts, 16)).numpy()).mean(axis=0)
        scale = encoder.logit_scale.exp().item()
        np.testing.assert_allclose(row.numpy(), scale * mean / np.linalg.norm(mean), rtol=1e-4, atol=1e-5)


def test_fine_tuning_starts_at_the_zero_shot_predictions(clip: dict, tmp_path: Path) -> None:
    head = zero_shot(clip, tmp_path)
    still = {"learning_rate": 1e-12, "weight_decay": 0.0}
    scores, random = tune(clip, tmp_path / "zero_shot", head, **still), tune(clip, tmp_path / "random", None, **still)
    assert scores["ood_accuracy"].min() > 0.8
    assert random["ood_accuracy"].max() < 0.7
    tensors, description = read_weights(tmp_path / "zero_shot" / "epoch_1.safetensors")
    assert description["head"] == "zero_shot"
    assert tensors["classifier.weight"].shape == (4, 16)
    projection = read_weights(clip["out"] / "weights.safetensors")[0]["classifier.weight"]
    torch.testing.assert_close(tensors["classifier.projection.weight"], projection, atol=1e-6, rtol=0)
    assert tune(clip, tmp_path / "tuned", head)["id_accuracy"].iloc[-1] > 0.9


def test_the_scores_of_a_zero_shot_head_are_cosines_times_the_logit_scale(clip: dict, tmp_path: Path) -> None:
    rows = read_zero_shot_head(zero_shot(clip, tmp_path))
    tensors, _ = read_weights(clip["out"] / "weights.safetensors")
    projected, classifier = build(ARCHITECTURE, 16), build(ARCHITECTURE, 4)
    projected.load_state_dict(tensors)
    load_backbone(classifier, tensors)
    start_from_zero_shot(classifier, tensors, rows)
    images = torch.randn(5, 3, 16, 16)
    with torch.inference_mode():
        embeddings, scores = projected.eval()(images), classifier.eval()(images)
    np.testing.assert_allclose(scores.numpy(), unit(embeddings.numpy()) @ rows.numpy().T, rtol=1e-4, atol=1e-4)
    scale = read_text_encoder(clip["out"] / "text.safetensors")[0].logit_scale.exp().item()
    np.testing.assert_allclose(np.linalg.norm(rows.numpy(), axis=1), scale, rtol=1e-4)


def test_heads_that_do_not_fit_are_refused(clip: dict, tmp_path: Path) -> None:
    head = zero_shot(clip, tmp_path)
    with pytest.raises(InputError, match="needs the pre-trained weights of its image tower"):
        finetuned(clip, tmp_path, None, head=head)
    pd.DataFrame({"class_id": [0, 1], "name": ["a", "b"]}).to_csv(tmp_path / "two.csv", index=False)
    make_zero_shot_head(text=clip["out"] / "text.safetensors", classes=tmp_path / "two.csv", head=tmp_path / "two")
    with pytest.raises(InputError, match="it has 2 classes, the task 4"):
        tune(clip, tmp_path / "out", tmp_path / "two")
    with pytest.raises(InputError, match=r"weights\.safetensors: not a zero-shot head"):
        tune(clip, tmp_path / "out", clip["out"] / "weights.safetensors")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"class_id": [0, 1], "name": ["fox", ""]}, "class 1 has no name"),
        ({"class_id": [0, 1], "name": ["fox", "1"]}, "class 1 has no name"),
        ({"class_id": [0, 2], "name": ["fox", "jay"]}, "class 1 has no name"),
        ({"class_id": ["fox", "jay"], "name": ["fox", "jay"]}, "class_id does not number the classes"),
        ({"class_id": [0]}, "not a table of classes"),
    ],
)
def test_a_missing_class_name_is_named(clip: dict, tmp_path: Path, classes: dict, message: str) -> None:
    pd.DataFrame(classes).to_csv(tmp_path / "classes.csv", index=False)
    with pytest.raises(InputError, match=f"classes.csv: {message}"):
        make_zero_shot_head(
            text=clip["out"] / "text.safetensors", classes=tmp_path / "classes.csv", head=tmp_path / "h"
        )


def test_captions_of_the_source_are_used_where_it_has_them(store: dict, tmp_path: Path) -> None:
    out = image_text(store, tmp_path / "names")
    captions = [f"{NAMES[row % 4]} number {row}" for row in range(240)]
    table = pyarrow.parquet.read_table(store["table"])
    pyarrow.parquet.write_table(table.append_column("caption", pa.array(captions)), store["table"])
    other = image_text(store, tmp_path / "captions")
    encoder, description = read_text_encoder(other / "text.safetensors")
    assert description["encoder"]["text"] == {"context_length": 16, **TEXT}
    assert encoder.tower.context_length == 16
    # What a word's embedding becomes tells whether the word was trained on: both trainings start from the same weights.
    first, second = (
        read_weights(folder / "text.safetensors")[0]["tower.token_embedding.weight"] for folder in (out, other)
    )
    same, only_in_captions, in_neither = tokenize(["fox", "number", "helicopter"])[:, 1]
    assert not torch.equal(first[only_in_captions], second[only_in_captions])
    assert not torch.equal(first[same], first[in_neither])
    assert torch.equal(first[in_neither], second[in_neither])


def test_bad_objectives_are_one_clear_line(store: dict, tmp_path: Path) -> None:
    for objective, message in [
        ({"name": "rotation"}, "'rotation' is not one of supervised, self_supervised"),
        ({"name": "supervised", "temperature": 1}, "supervised takes no 'temperature'"),
        ({"name": "self_supervised", "temprature": 1}, "did you mean 'temperature'"),
        ({"name": "self_supervised", "temperature": 0}, "must be positive"),
    ]:
        with pytest.raises(InputError, match=message):
            pretrain(**pretraining(store, tmp_path / "out", objective=objective))
    for objective, message in [
        ({"name": "supervised"}, "'supervised' is not image_text"),
        ({**IMAGE_TEXT, "text": {"widht": 8}}, "open_clip cannot build"),
        ({**IMAGE_TEXT, "text": {"width": 9, "heads": 2, "layers": 1}}, "open_clip cannot build"),
        ({**IMAGE_TEXT, "text": {"hf_model_name": "roberta-base"}}, "Hugging Face"),
        ({**IMAGE_TEXT, "embedding": 0}, "positive"),
    ]:
        with pytest.raises(InputError, match=message):
            image_text(store, tmp_path / "out", objective=objective)
    with pytest.raises(InputError, match=r"weights\.safetensors: not a text tower"):
        read_text_encoder(self_supervised(store, tmp_path / "simclr") / "weights.safetensors")
