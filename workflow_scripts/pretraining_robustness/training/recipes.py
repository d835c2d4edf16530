"""Recipes: the hyper-parameters of one training, checked, and the learning rate as a pure function of the step."""

import dataclasses
import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pretraining_robustness.errors import InputError

# Channel means and standard deviations of ImageNet, as torchvision's and WILDS's transforms use them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# A training measured in steps is reported and saved in this many equal parts.
PARTS = 5

CHOICES = {
    "optimizer": ("adamw", "adam", "sgd"),
    "schedule": ("cosine", "step", "constant"),
    "precision": ("float32", "bfloat16"),
    "crop": ("random_resized", "shift", "none"),
    "interpolation": ("bilinear", "bicubic"),
    "arithmetic": ("auto", "float32", "bfloat16"),
}


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images: `crop` (random_resized with area `scale`, shift by at most `shift` pixels at
    `image_size`, or none: see `Evaluation`), left-right `flip` with probability 1/2, `colour_jitter` of a strength 0..1
    (see `augmentation.colour_jitter`), and grey images with probability `grayscale`.
    """

    crop: str = "none"
    scale: tuple[float, float] = (0.08, 1.0)
    shift: int = 0
    flip: bool = False
    colour_jitter: float = 0.0
    grayscale: float = 0.0


@dataclass(frozen=True)
class Evaluation:
    """Framing without randomness, in evaluation and before shifts: `resize` the whole image to that many pixels with
    this `interpolation`, as Pillow does, then crop the middle `image_size` pixels. Without `resize` the whole image is
    resized to `image_size`, bilinear and unrounded.

    `arithmetic` of predictions, whose head and arg-max are always float32: "auto" is bfloat16 on a GPU and float32 on a
    CPU. In 30 checkpoints of the miniature, bfloat16 changed 0.44 % of the predictions and macro F1 by +0.00001 on
    average, by 0.0038 at most.
    """

    resize: int | None = None
    interpolation: str = "bilinear"
    arithmetic: str = "auto"


@dataclass(frozen=True)
class Recipe:
    """One training. Its length is `epochs` of `passes` over the images each, or `steps` (batches), one of the two.

    `milestones` (schedule step) and `warmup_fraction` are fractions of the whole length, so they keep their meaning
    for smaller data sets. `mean` and `std` normalise pixels scaled to 0..1. `image_size` in pixels.
    `compile`: use torch.compile; all jobs share its kernels in the folder TORCHINDUCTOR_CACHE_DIR.
    """

    batch_size: int
    learning_rate: float
    image_size: int
    epochs: int | None = None
    steps: int | None = None
    passes: int = 1
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    momentum: float = 0.9
    schedule: str = "cosine"
    milestones: tuple[float, ...] = ()
    warmup_fraction: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    evaluation: Evaluation = field(default_factory=Evaluation)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    precision: str = "float32"
    compile: bool = False

    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with any hyper-parameter."""
        values = dataclasses.asdict(self)
        if self.evaluation == Evaluation():
            del values["evaluation"]  # recipes that do not name it keep the digest that they had before it existed
        if self.passes == 1:
            del values["passes"]
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def learning_rate_at(self, step: int, total_steps: int) -> float:
        """Return the learning rate of `step` (0 .. total_steps - 1).

        Linear warm-up from 1/warm-up steps of the rate; then constant, or half a cosine that ends at 0 after the last
        step (Loshchilov and Hutter 2017, without restarts), or a tenth of the rate after each milestone passed.
        """
        warmup = round(self.warmup_fraction * total_steps)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total_steps - warmup)))
        if self.schedule == "step":
            passed = sum(step >= milestone * total_steps for milestone in self.milestones)
            return self.learning_rate * 0.1**passed
        return self.learning_rate

    def epoch_ends(self, images: int, parts: int = PARTS) -> list[int]:
        """Return the step after the last of each epoch, for a set of `images`.

        The incomplete batch at the end of an epoch is dropped; a set smaller than a batch is one batch. A recipe in
        steps has `parts` equal parts (at most one per step) instead of epochs.
        """
        if self.epochs is not None:
            steps_per_epoch = self.passes * (images // min(self.batch_size, images))
            return [steps_per_epoch * epoch for epoch in range(1, self.epochs + 1)]
        assert self.steps is not None
        parts = min(parts, self.steps)
        return [round(self.steps * part / parts) for part in range(1, parts + 1)]


def read_recipe(values: Mapping[str, Any], weights: Mapping[str, Any] | None = None) -> Recipe:
    """Check a recipe from the config and return it. Raises InputError naming the key, with the nearest known one.

    Args:
        values: keys of `Recipe`, and `input: own`: image_size, mean, std and evaluation are then those of the weights.
        weights: description of the weights that a run starts from. Without `input`, as for weights trained here, the
            recipe's own keys hold.
    """
    values = dict(values)
    source = values.pop("input", None)
    if source not in (None, "own"):
        raise InputError(f"recipe.input: '{source}' is not own; leave it out or write own")
    if source == "own" and weights is not None:
        values |= weights.get("input", {})
    for key, part in (("augmentation", Augmentation), ("evaluation", Evaluation)):
        if isinstance(values.get(key), Mapping):
            values[key] = filled(part, values[key], f"recipe.{key}")
    recipe = filled(Recipe, values, "recipe")
    if (recipe.epochs is None) == (recipe.steps is None):
        raise InputError("recipe: give its length as epochs or as steps, exactly one of them")
    for key, value in (("epochs", recipe.epochs), ("steps", recipe.steps), ("passes", recipe.passes)):
        if value is not None and value < 1:
            raise InputError(f"recipe.{key}: {value} is not a positive number")
    if recipe.batch_size < 1 or recipe.image_size < 1 or not recipe.learning_rate > 0:
        raise InputError("recipe: batch_size, image_size and learning_rate have to be positive")
    for part in (recipe, recipe.augmentation, recipe.evaluation):
        for key, known in CHOICES.items():
            value = getattr(part, key, known[0])
            if value not in known:
                raise InputError(f"recipe.{key}: '{value}' is not one of {', '.join(known)}")
    if not 0 < recipe.augmentation.scale[0] <= recipe.augmentation.scale[1] <= 1:
        raise InputError(f"recipe.augmentation.scale: {recipe.augmentation.scale} is not a range within 0..1")
    if recipe.evaluation.resize is not None and recipe.evaluation.resize < recipe.image_size:
        raise InputError(
            f"recipe.evaluation.resize: {recipe.evaluation.resize} is less than image_size, {recipe.image_size}"
        )
    if recipe.evaluation.resize is None and recipe.evaluation.interpolation != Evaluation().interpolation:
        raise InputError("recipe.evaluation: interpolation needs resize; give it")
    for key in ("colour_jitter", "grayscale"):
        if not 0 <= getattr(recipe.augmentation, key) <= 1:
            raise InputError(f"recipe.augmentation.{key}: {getattr(recipe.augmentation, key)} is not within 0..1")
    return recipe


def filled(kind: type, values: Mapping[str, Any], where: str) -> Any:
    """Return the dataclass `kind` of these values, lists as tuples.

    Raises InputError for an unknown key, with the nearest known one, or a missing value; `where` is the key in the
    config.
    """
    names = [item.name for item in dataclasses.fields(kind)]
    for key in values:
        if key not in names:
            nearest = difflib.get_close_matches(key, names, n=1, cutoff=0)[0]
            raise InputError(f"{where}.{key} is not a hyper-parameter; did you mean '{nearest}'?")
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise InputError(f"{where}: {error}") from error
