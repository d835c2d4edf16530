"""The study that the modules of this folder are asked about."""

from typing import Any


class Study:
    """A configuration that `check_config` accepts.

    What there is in it: names.py. Which runs figures need: runs.py. What a rule is told: params.py. Words: labels.py.
    What figures and tables are told: show.py. Each function takes the study first.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
