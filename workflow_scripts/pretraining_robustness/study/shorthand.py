"""What a configuration may say in short, written out before it is checked."""

import re
from typing import Any

TIMM = "timm/"


def write_out(config: dict[str, Any]) -> None:
    """Turn every architecture that a distribution lists as timm/NAME into one of `architectures`, in place.

    It is called as a folder can be (timm/resnet50.a1_in1k: resnet50_a1_in1k), and fine-tuned with the input that its
    weights were made for. An entry of that name that the config has already is kept.
    """
    declared = config.get("distributions")
    for distribution in declared.values() if isinstance(declared, dict) else []:
        listed = distribution.get("architectures") if isinstance(distribution, dict) else None
        if isinstance(listed, list):
            distribution["architectures"] = [_written_out(config, name) for name in listed]


def _written_out(config: dict[str, Any], name: Any) -> Any:
    if not isinstance(name, str) or not name.startswith(TIMM):
        return name
    model = name.removeprefix(TIMM)
    key = re.sub(r"[^a-z0-9]+", "_", model.lower())
    spec = {"family": "timm", "builder": "timm", "arguments": {"model": model}, "finetune": {"input": "own"}}
    config.setdefault("architectures", {}).setdefault(key, spec)
    return key
