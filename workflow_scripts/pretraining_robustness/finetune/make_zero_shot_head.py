"""Make a zero-shot head from a text tower and a task's class names."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import open_clip  # type: ignore[import-untyped]
import torch

from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.weights import save_tensors
from pretraining_robustness.pretrain.captions import spoken_name
from pretraining_robustness.pretrain.image_text import read_text_encoder

logger = logging.getLogger(__name__)

# The prompts of WiSE-FT for iWildCam (mlfoundations/wise-ft, src/templates/iwildcam_template.py).
CAMERA_TRAP_TEMPLATES = ("a photo of {}.", "{} in the wild.")


def make_zero_shot_head(
    *,
    text: str | Path,
    classes: str | Path,
    head: str | Path,
    templates: Sequence[str] = CAMERA_TRAP_TEMPLATES,
    threads: int = 1,
) -> None:
    """Embed the names of a task's classes, and write the initial head for fine-tuning.

    The embeddings of a class's prompts are normalised to length 1 and averaged; their mean is normalised to length 1
    and multiplied by the logit scale.

    Args:
        text: safetensors of the text tower.
        classes: CSV of the task's classes (see `class_names`).
        head: safetensors to write: `weight`, float32 (classes, embedding), in the order of the task's y; its
            description holds the templates and the description of the text tower.
        templates: prompts with {} for the name of the class.
        threads: number of CPU threads.

    Raises:
        InputError: a file that is not a text tower, a class without a name, a template without {}.
    """
    for template in templates:
        if "{}" not in template:
            raise InputError(f"zero-shot head: the template {template!r} has no {{}} for the name of the class")
    if not templates:
        raise InputError("zero-shot head: it needs at least one template")
    names = class_names(classes)
    shared = [f"{name!r} ({number} classes)" for name, number in Counter(names).items() if number > 1]
    if shared:
        logger.warning("%s: classes of one name start with equal rows of the head: %s", classes, ", ".join(shared))
    torch.set_num_threads(threads)
    encoder, description = read_text_encoder(text)
    context_length = encoder.tower.context_length
    weight = open_clip.build_zero_shot_classifier(
        encoder, lambda texts: open_clip.tokenize(texts, context_length), names, list(templates)
    )
    with torch.inference_mode():
        weight = weight.T * encoder.logit_scale.exp()
    save_tensors(head, {"weight": weight}, {"templates": list(templates), "text": description})


def class_names(classes: str | Path) -> list[str]:
    """Return the names of a task's classes in the order of y, as `captions.spoken_name` reads them.

    The table is that of a store (class_id, which for a task is y, and name) or that of a selection (label and
    label_name).

    Raises InputError for a class without a name: empty or, where a task has no names, the class number.
    """
    table = read_frame(classes)
    label, name = ("label", "label_name") if "label_name" in table else ("class_id", "name")
    if label not in table or name not in table:
        raise InputError(
            f"{classes}: not a table of classes: the columns class_id and name are missing; "
            "remove it and run the same command again"
        )
    pairs = table[[label, name]].drop_duplicates()
    try:
        names = {int(number): text.strip() for number, text in zip(pairs[label], pairs[name], strict=True)}
    except ValueError as error:
        raise InputError(f"{classes}: {label} does not number the classes from 0 on ({error})") from error
    for number in range(max(names) + 1):
        if names.get(number, "") in ("", str(number)):
            raise InputError(
                f"{classes}: class {number} has no name, which a zero-shot head needs; name it in the task's metadata"
            )
    return [spoken_name(names[number]) for number in sorted(names)]
