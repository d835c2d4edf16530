"""Image-text pre-training: a distribution with captions and an architecture become an image and a text tower."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet
from torch import nn

from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.pretrain.captions import Captions
from pretraining_robustness.pretrain.image_text import ImageText, Settings, TextEncoder
from pretraining_robustness.pretrain.pretrain import TrainingSet, pretrain_with
from pretraining_robustness.training.objectives import Objective
from pretraining_robustness.training.recipes import filled


def pretrain_image_text(
    *,
    table: str | Path,
    classes: str | Path,
    text: str | Path,
    architecture: Mapping[str, Any],
    objective: Mapping[str, Any],
    **arguments: Any,
) -> None:
    """Train an architecture and a text tower from random weights on the rows that `index` names; write both.

    The head of the image tower's weights is the projection to the embedding.

    Args:
        table: the source's images.parquet; its column caption, if there is one, holds the captions.
        classes: CSV of the distribution with label and label_name, from which captions are made if there are none.
        text: safetensors to write, the text tower; its description is that of the weights and the `encoder`.
        architecture: see `architectures.build`.
        objective: {name: image_text} with the keys of `objective.Settings`.
        arguments: further arguments of `pretrain.pretrain_with`.

    Raises:
        InputError: as `pretrain.pretrain_with`; also classes without names or an unusable text tower.
    """
    if objective["name"] != "image_text":
        raise InputError(f"objective: '{objective['name']}' is not image_text")
    settings = filled(Settings, {key: value for key, value in objective.items() if key != "name"}, "objective")

    def make(data: TrainingSet) -> tuple[nn.Module, Objective]:
        model = build(architecture, settings.embedding)
        encoder = TextEncoder(settings.embedding, {"context_length": settings.context_length, **settings.text})
        captions = _captions(table, classes, data, settings.context_length)
        return model, ImageText(captions, encoder, data.device, data.recipe.compile)

    def save_text(goal: Objective, description: dict[str, Any]) -> None:
        assert isinstance(goal, ImageText)
        save_weights(text, goal.text, {**description, "encoder": goal.text.config})

    pretrain_with(
        make,
        table=table,
        architecture=architecture,
        objective=objective,
        inputs=[classes],
        finish=save_text,
        **arguments,
    )


def _captions(table: str | Path, classes: str | Path, data: TrainingSet, context_length: int) -> Captions:
    if "caption" in pyarrow.parquet.read_schema(table).names:
        column = pyarrow.parquet.read_table(table, columns=["caption"])["caption"]
        return Captions.of_images(column.take(data.rows).to_pylist(), context_length, data.device)
    named = read_frame(classes, whole=["label"])
    names = dict(zip(named["label"], named["label_name"], strict=True))
    return Captions.of_classes(data.labels, names, context_length, data.device)
