"""Build every network of a study before anything trains, without memory for its weights."""

import difflib
import inspect
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.finetune.method import read_method
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

CLASSES = 1000
SIZES = (16, 32, 48, 64, 96, 128, 224, 256, 299, 384)  # pixels, tried to advise
META = torch.device("meta")  # tensors without memory
UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")


def check_architectures(
    architectures: Mapping[str, Mapping[str, Any]],
    sizes: Mapping[str, Sequence[int]],
    methods: Sequence[Mapping[str, Any]],
    table: str | Path,
) -> None:
    """Build each architecture and prepare it for each method that fine-tunes it.

    Args:
        architectures: by name; see `networks.architectures.build`.
        sizes: sides in pixels of the images that each architecture is trained on.
        methods: name, architecture, values (of the method in the config) and recipe (of the fine-tuning) of each pair
            that is trained.
        table: CSV to write: architecture, parameters (of the network with 1,000 classes).

    Raises:
        InputError: names the key of every architecture that cannot be built or does not take its images, or else
            of every method that does not fit one, with what is wrong with it.
    """
    faults, rows = [], []
    for name, spec in architectures.items():
        try:
            network = _on_meta(spec)
        except InputError as error:
            reason = str(error).removeprefix("architecture: ")
            faults.append(f"config architectures.{name}: {reason}{_nearest(spec, reason)}")
        else:
            faults += [_too_small(name, network, size) for size in sizes[name] if not _takes(network, size)]
            rows.append({"architecture": name, "parameters": sum(one.numel() for one in network.parameters())})
    if faults:
        raise InputError("; ".join(faults))
    for one in methods:
        try:
            _prepare(_on_meta(architectures[one["architecture"]]), one["values"], one["recipe"])
        except InputError as error:
            reason = str(error).partition(": ")[2]
            faults.append(f"config methods.{one['name']} of {one['architecture']}: {reason}")
    if faults:
        advice = "remove the method, or list its networks under imagenet_rib.without"
        raise InputError(f"{'; '.join(faults)}; or {advice}")
    logger.info("%d architectures can be built", len(rows))
    write_rows(table, rows, ["architecture", "parameters"])


def _on_meta(spec: Mapping[str, Any]) -> nn.Module:
    with META:
        return build(spec, CLASSES)


def _takes(network: nn.Module, size: int) -> bool:
    try:
        with META:
            network(torch.empty(2, 3, size, size))
    except (RuntimeError, ValueError, AssertionError) as error:  # of torch, of torchvision, of timm
        logger.info("images of %d pixels: %s", size, error)
        return False
    return True


def _too_small(name: str, network: nn.Module, size: int) -> str:
    fitting = [larger for larger in SIZES if larger > size and _takes(network, larger)]
    advice = f"; image_size: {fitting[0]} would do" if fitting else ""
    return f"config architectures.{name}: takes no images of {size} pixels, as its recipe has them{advice}"


def _prepare(network: nn.Module, values: Mapping[str, Any], recipe: Mapping[str, Any]) -> None:
    """Raise InputError if the network lacks what a method adapts or trains."""
    method, read = read_method(values), read_recipe(recipe)
    with META:
        method.prepare(network, read)
    for phase in method.phases(read, new_head=False):
        phase.trained(network)


def _nearest(spec: Mapping[str, Any], reason: str) -> str:
    """Return the nearest argument that the network's class takes, where an unknown one is what is wrong."""
    unknown = UNEXPECTED.search(reason)
    if unknown is None:
        return ""
    arguments = {key: value for key, value in (spec.get("arguments") or {}).items() if key != unknown[1]}
    try:
        known = inspect.signature(type(_on_meta({**spec, "arguments": arguments}))).parameters
    except InputError:
        return ""
    near = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""
