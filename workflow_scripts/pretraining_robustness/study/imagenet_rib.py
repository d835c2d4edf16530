"""ImageNet-RIB in a configuration: a source for each variant of ImageNet, a task for each that is fine-tuned on."""

import math
from typing import Any

KEY = "imagenet_rib"
TASK = "rib_{}"  # the task that fine-tunes on a variant
HELD_OUT = "held_out"  # the test set of the images of the task's own variant that are not fine-tuned on
OF_SOURCE = ("label", "images", "classes", "store")


def write_out_imagenet_rib(config: dict[str, Any]) -> None:
    """Write out, in place, the sources and tasks that ImageNet-RIB stands for.

    Each variant with `files` becomes a source of format imagenet_variant; one without is the source or the task of its
    name, or a `split` of it. Each that is fine-tuned on (`fine_tuned_on`, on without that key) becomes a task
    rib_VARIANT, tested on all variants with the classes that they have.
    """
    spec = config.get(KEY)
    if not isinstance(spec, dict) or not isinstance(spec.get("variants"), dict):
        return
    variants = {name: one for name, one in spec["variants"].items() if isinstance(one, dict)}
    others = {
        name: {"store": name, "split": one.get("split", "all"), "classes": "present"} for name, one in variants.items()
    }
    reference = spec.get("reference")
    for name, one in variants.items():
        if "files" in one:
            source = {key: one[key] for key in OF_SOURCE if key in one}
            how = {key: one[key] for key in one if key not in (*OF_SOURCE, "fine_tuned_on")}
            config.setdefault("sources", {})[name] = {"format": "imagenet_variant", **source, "variant": how}
        if name == reference or not one.get("fine_tuned_on", True):
            continue
        tested = {
            other: {**test_set, "role": "id" if other == reference else "ood"} for other, test_set in others.items()
        }
        if spec.get("held_out"):
            tested[HELD_OUT] = {"split": "id_val", "role": "id", "classes": "present"}
        config.setdefault("tasks", {})[TASK.format(name)] = {
            "label": f"ImageNet-RIB, fine-tuned on {one.get('label', name)}",
            "variant": name,
            "held_out": spec.get("held_out", 0.0),
            **({"train_images": spec["train_images"]} if "train_images" in spec else {}),
            "metric": "accuracy",
            "test_sets": tested,
            "plots": {"id": reference, "ood": next(other for other in variants if other not in (reference, name))},
            "finetune": {**spec.get("finetune", {}), **_warmup(config, spec, one)},
        }


def _warmup(config: dict[str, Any], spec: dict[str, Any], variant: dict[str, Any]) -> dict[str, float]:
    """Return the part of the fine-tuning on a variant that a number of warm-up steps is."""
    if "warmup_steps" not in spec or not isinstance(variant.get("images"), int):
        return {}
    recipe = {**config.get("recipes", {}).get("finetune", {}), **spec.get("finetune", {})}
    steps = recipe["epochs"] * math.ceil(variant["images"] / recipe["batch_size"])
    return {"warmup_fraction": spec["warmup_steps"] / steps}
