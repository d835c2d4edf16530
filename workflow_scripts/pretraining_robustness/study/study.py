"""The study that the modules of this folder are asked about."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

from pretraining_robustness.study.keys import arms, keys_of
from pretraining_robustness.study.model import Configuration


class Study(Configuration):
    """A configuration that `check_config` accepts, with the sections of model.py as attributes.

    What there is in it: names.py. Which runs figures need: runs.py. What a rule is told: params.py. Which files a rule
    reads: places.py. Words: labels.py. What figures and tables are told: show.py. Each function takes the study first.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        vars(self).update(vars(_typed(Configuration, config)))
        self.config = config


def _typed(hint: Any, value: Any) -> Any:
    """Return a value with the sections that model.py says it has; numbers and recipes stay as they are given."""
    for arm in arms(hint, value):
        if is_dataclass(arm) and isinstance(arm, type) and isinstance(value, Mapping):
            section = object.__new__(arm)
            keys = {name: key for name, key in keys_of(arm).items() if name in value}
            vars(section).update({name: _typed(key.hint, value[name]) for name, key in keys.items()}, given=value)
            return section
        if get_origin(arm) is dict and isinstance(value, Mapping):
            return {name: _typed(get_args(arm)[1], one) for name, one in value.items()}
        if get_origin(arm) is list and isinstance(value, list):
            return [_typed(get_args(arm)[0], one) for one in value]
    return value
