"""ImageNet-RIB in a configuration: a source for each variant of ImageNet, a task for each that is fine-tuned on."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.imagenet_rib import HELD_OUT, UNLIMITED
from pretraining_robustness.study.names import interpolated

KEY = "imagenet_rib"
TASK = "rib_{}"  # the task that fine-tunes on a variant
SUBSET_TASK = "{}_{}_per_class_equal_{}"  # a task that fine-tunes on some images per class, at equal epochs or steps
HEAD_TASK = "rib_head"  # the task that gives a network ImageNet's head
OF_SOURCE = ("label", "images", "classes", "store")


def write_out_imagenet_rib(config: dict[str, Any]) -> None:
    """Write out, in place, the sources and tasks that ImageNet-RIB stands for.

    Each variant with `files` or `path` becomes a source of format imagenet_variant; one without is the source or the
    task of its name, or a `split` of it. Each that is fine-tuned on (`fine_tuned_on`, on without that key) becomes a
    task rib_VARIANT, tested on all variants with the classes that they have; those of `set_sizes` also tasks of some
    images per class. An interpolation among the methods becomes one method for each of its alphas. With `heads` there
    is a further task, rib_head, of the images of a pre-training distribution, by which networks without a head of
    ImageNet's classes are given one.
    """
    spec = config.get(KEY)
    if not isinstance(spec, dict) or not isinstance(spec.get("variants"), dict):
        return
    figures, tables = config.get("figures", {}), config.get("tables", {})
    for one in [spec, *(shown for shown in [*figures.values(), *tables.values()] if isinstance(shown, dict))]:
        if isinstance(one.get("methods"), list):
            one["methods"] = [method for name in one["methods"] for method in _by_alpha(config, name)]
    variants = {name: one for name, one in spec["variants"].items() if isinstance(one, dict)}
    others = {
        name: {"store": name, "split": one.get("split", "all"), "classes": "present"} for name, one in variants.items()
    }
    reference = spec.get("reference")
    for name, one in variants.items():
        if {"files", "path"} & set(one):
            source = {key: one[key] for key in OF_SOURCE if one.get(key) is not None}
            if isinstance(one.get("only"), dict):
                source["label"] = f"{one.get('label', name)} ({_taken(one['only'])})"
            if "store" in spec:
                source["store"] = {**spec["store"], **one.get("store", {})}
            how = {key: one[key] for key in one if key not in (*OF_SOURCE, "fine_tuned_on", "originals")}
            config.setdefault("sources", {})[name] = {"format": "imagenet_variant", **source, "variant": how}
        if name == reference or not one.get("fine_tuned_on", True):
            continue
        tested = {
            other: {**test_set, "role": "id" if other == reference else "ood"} for other, test_set in others.items()
        }
        if spec.get("held_out"):
            tested[HELD_OUT] = {"split": "id_val", "role": "id", "classes": "present"}
        for other in limited(spec) if spec.get("unlimited") else []:
            tested[UNLIMITED.format(other)] = {key: tested[other][key] for key in ("store", "split", "role")}
        config.setdefault("tasks", {})[TASK.format(name)] = {
            "label": f"ImageNet-RIB, fine-tuned on {one.get('label', name)}",
            "variant": name,
            "held_out": spec.get("held_out", 0.0),
            **{key: spec[key] for key in ("train_images", "predicted") if key in spec},
            **({"renderings": "one"} if draws_renderings(spec, one) else {}),
            "metric": "accuracy",
            "test_sets": tested,
            "plots": {"id": reference, "ood": next(other for other in variants if other not in (reference, name))},
            "finetune": {**spec.get("finetune", {}), **_warmup(config, spec, one)},
        }
    _write_out_set_sizes(config, spec, variants)
    heads = spec.get("heads")
    if isinstance(heads, dict) and reference in others:
        other = next(name for name in variants if name != reference)
        tested = {name: {**others[name], "role": "id" if name == reference else "ood"} for name in (reference, other)}
        config.setdefault("tasks", {})[HEAD_TASK] = {
            "label": "ImageNet, for a head of its classes",
            "distribution": heads.get("trained_on"),
            "predicted": "last",  # its last network is what gives the head
            "metric": "accuracy",
            "test_sets": tested,
            "plots": {"id": reference, "ood": other},
            "finetune": heads.get("finetune", {}),
        }


def draws_renderings(spec: Mapping[str, Any], variant: Mapping[str, Any]) -> bool:
    """Whether an epoch of fine-tuning on a variant shows one rendering of each of its originals."""
    return variant.get("originals") is not None and spec.get("renderings", "one") == "one"


def _write_out_set_sizes(config: dict[str, Any], spec: dict[str, Any], variants: dict[str, Any]) -> None:
    """Write out the tasks of the study of the fine-tuning set's size: every size at equal epochs and at equal steps."""
    sizes = spec.get("set_sizes")
    if not isinstance(sizes, dict):
        return
    _write_out_training_images(config, spec, sizes)
    for name in sizes.get("variants", []):
        whole, one = config["tasks"].get(TASK.format(name)), variants.get(name)
        if whole is None or one is None:
            continue  # for the check to refuse
        for each in sizes.get("images_per_class", []):
            for equal in ("epochs", "steps"):
                images = one.get("images") if equal == "steps" else each * one.get("classes", 0)
                config["tasks"][SUBSET_TASK.format(TASK.format(name), each, equal)] = {
                    **whole,
                    "label": f"{whole['label']}, {each} images per class, equal {equal}",
                    "subset": {"images_per_class": each, "equal": equal},
                    "finetune": {**spec.get("finetune", {}), **_warmup(config, spec, {"images": images})},
                }


def _write_out_training_images(config: dict[str, Any], spec: dict[str, Any], sizes: dict[str, Any]) -> None:
    """Write out the tasks of some of ImageNet's own training images per class, tested on all variants."""
    whole = next((task for name, task in config["tasks"].items() if name.startswith(TASK.format(""))), None)
    if "training_images" not in sizes or whole is None:
        return
    classes = spec["variants"].get(spec.get("reference"), {}).get("classes") or 0
    for each in sizes.get("images_per_class", []):
        config["tasks"][SUBSET_TASK.format(TASK.format("training_images"), each, "epochs")] = {
            "label": f"ImageNet-RIB, fine-tuned on {each} training images per class",
            "distribution": sizes["training_images"],
            "subset": {"images_per_class": each, "equal": "epochs"},
            **{key: whole[key] for key in ("predicted", "metric", "plots") if key in whole},
            "test_sets": {name: one for name, one in whole["test_sets"].items() if name != HELD_OUT},
            "finetune": {**spec.get("finetune", {}), **_warmup(config, spec, {"images": each * classes})},
        }


def limited(spec: dict[str, Any]) -> list[str]:
    """Return the variants that have only some of the reference's classes, which limits the answers on them."""
    known = {name: one.get("classes") for name, one in spec["variants"].items() if isinstance(one, dict)}
    everything = known.get(spec.get("reference")) or 0
    return [name for name, classes in known.items() if classes and classes < everything]


def _by_alpha(config: dict[str, Any], name: Any) -> list[Any]:
    """Return the methods that a name stands for: of an interpolation that nothing chooses an alpha for, all of them."""
    declared = config.get("methods", {})
    method = declared.get(name) if isinstance(declared, dict) and isinstance(name, str) else None
    alphas = method.get("alphas") if isinstance(method, dict) and "held_out" not in method else None
    return [interpolated(name, alpha) for alpha in alphas] if isinstance(alphas, list) else [name]


def _taken(only: dict[str, Any]) -> str:
    """Say what is taken of a variant: "severity 1, 3, 5"."""
    return "; ".join(f"{part} {', '.join(map(str, values))}".replace("_", " ") for part, values in only.items())


def _warmup(config: dict[str, Any], spec: dict[str, Any], variant: dict[str, Any]) -> dict[str, float]:
    """Return the part of the fine-tuning on a variant that a number of warm-up steps is, at most all of it.

    An epoch leaves an incomplete last batch out (`training.loop`). The published code keeps it, so that its 196 steps
    are of 1,180 on ImageNet-A, and here of 1,170.
    """
    images = variant.get("originals" if draws_renderings(spec, variant) else "images")
    if "warmup_steps" not in spec or not isinstance(images, int):
        return {}
    recipe = {**config.get("recipes", {}).get("finetune", {}), **spec.get("finetune", {})}
    steps = recipe["epochs"] * max(1, images // recipe["batch_size"])
    return {"warmup_fraction": min(1.0, spec["warmup_steps"] / steps)}
