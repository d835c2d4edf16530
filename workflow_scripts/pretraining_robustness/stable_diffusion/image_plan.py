"""Which image is which: from an image's number to its class, prompt and seed.

Images are counted in rounds: round k holds the k-th image of every class, classes in order of their index. So the first
n x classes images hold n of each class, whatever the total is, and 150,000 images are the beginning of 1,000,000. A
class goes through all templates in a random order, then again in another one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_seed
from pretraining_robustness.stable_diffusion.prompts import (
    chosen_templates,
    class_indices,
    class_names,
    prompt,
    read_classes,
)

PROMPT_COLUMNS = ["class_id", "class_index", "class_name", "template", "prompt"]
IMAGE_COLUMNS = ["number", "image", "class_id", "k", "template", "prompt", "seed"]


def plan_prompts(
    *,
    classes: str | Path,
    prompts: str | Path,
    table: str | Path,
    images: int,
    seed: int,
    templates: Sequence[int | str] | None = None,
) -> None:
    """Write every prompt once and every image once.

    Args:
        classes: CSV whose column class_id or wnid names the ImageNet classes to draw.
        prompts: CSV to write, columns `PROMPT_COLUMNS`: class_index 0 to 999, template 0 to 79.
        table: Parquet to write, columns `IMAGE_COLUMNS`: number from 0, k (the image's place in its class, from 0) and
            seed (63 bits).
        images: how many; every class gets its part, the first ones one more where it does not divide.
        seed: of the order of templates and of every image's own seed.
        templates: numbers or texts of those to use; all 80 when None.

    Raises:
        InputError: for a table without ImageNet classes, an unknown template, fewer than one image.
    """
    wnids, numbers = read_classes(classes), chosen_templates(templates)
    if images < 1:
        raise InputError(f"images: {images} images asked of the diffusion model; ask for at least one")
    with atomic_path(prompts) as temporary:
        all_prompts(wnids, numbers).to_csv(temporary, index=False)
    with atomic_path(table) as temporary:
        image_plan(wnids, numbers, images, seed).to_parquet(temporary, index=False)


def all_prompts(wnids: Sequence[str], templates: Sequence[int]) -> pd.DataFrame:
    """Return the prompts of every class, columns `PROMPT_COLUMNS`."""
    names, indices = class_names(), class_indices()
    rows = [
        (wnid, indices[wnid], names[wnid], template, prompt(template, names[wnid]))
        for wnid in wnids
        for template in templates
    ]
    return pd.DataFrame(rows, columns=PROMPT_COLUMNS)


def image_plan(wnids: Sequence[str], templates: Sequence[int], images: int, seed: int) -> pd.DataFrame:
    """Return the images, columns `IMAGE_COLUMNS`; fewer images of the same classes are a beginning of more."""
    names = class_names()
    number = np.arange(images, dtype=np.int64)
    k, place = np.divmod(number, len(wnids))
    orders = template_orders(wnids, templates, rounds=int(k[-1]) // len(templates) + 1, seed=seed)
    template = orders[place, k]
    class_ids = [wnids[i] for i in place]
    texts = {(i, one): prompt(one, names[wnid]) for i, wnid in enumerate(wnids) for one in templates}
    columns = {
        "number": number,
        "image": [f"{wnid}_{one}" for wnid, one in zip(class_ids, k, strict=True)],
        "class_id": class_ids,
        "k": k,
        "template": template,
        "prompt": [texts[key] for key in zip(place.tolist(), template.tolist(), strict=True)],
        "seed": [
            hashed_seed(seed, *key) for key in zip(class_ids, template.tolist(), k.tolist(), strict=True)
        ],
    }  # fmt: skip
    return pd.DataFrame(columns)[IMAGE_COLUMNS]


def template_orders(wnids: Sequence[str], templates: Sequence[int], rounds: int, seed: int) -> np.ndarray:
    """Return the templates of each class in the order of its images: int64 (classes, rounds x templates)."""
    choice = np.array(templates, dtype=np.int64)
    orders = np.empty((len(wnids), rounds, len(choice)), dtype=np.int64)
    for place, wnid in enumerate(wnids):
        for one in range(rounds):
            orders[place, one] = np.random.default_rng(hashed_seed(seed, wnid, "order", one)).permutation(choice)
    return orders.reshape(len(wnids), -1)
