"""Weights on disk: safetensors files with a description in their metadata."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path


def save_weights(path: str | Path, model: nn.Module, description: Mapping[str, Any]) -> None:
    """Write all weights and buffers to a safetensors file, with `description` as JSON in its metadata."""
    save_tensors(path, model.state_dict(), description)


def save_tensors(path: str | Path, tensors: Mapping[str, torch.Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors to a safetensors file, with `description` as JSON in its metadata.

    There is only one metadata key: safetensors writes several in arbitrary order, and equal runs must give equal bytes.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        # Python's own write reports a full disk as such.
        temporary.write_bytes(save(tensors, metadata={"description": json.dumps(description, sort_keys=True)}))


def class_names(table: str | Path | None) -> dict[str, list[str]]:
    """Return the names of a network's classes in the order of its outputs, for a description; nothing without a table
    or with one whose classes have no numbers.

    The table is that of a distribution (label, label_name; several rows may have a label) or that of a task's store
    (class_id, which is y, and name).
    """
    if table is None:
        return {}
    classes = read_frame(table)
    label, name = ("label", "label_name") if "label" in classes else ("class_id", "name")
    if not classes[label].astype(str).str.isdigit().all():
        return {}
    names = {int(number): str(text) for number, text in zip(classes[label], classes[name], strict=True)}
    return {"class_names": [names.get(number, str(number)) for number in range(max(names) + 1)]}


def read_weights(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors and the description of a file written by `save_weights`.

    Raises InputError naming the file if it is missing, truncated or not of this kind.
    """
    with _opened(path) as (file, description):
        return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118


def read_description(path: str | Path) -> dict[str, Any]:
    """Return only the description, without reading the tensors; raises InputError like `read_weights`."""
    with _opened(path) as (_, description):
        return description


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file, json.loads((file.metadata() or {})["description"])
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path}: not a readable checkpoint ({type(error).__name__}: {error}); delete it and train again"
        ) from error
