"""Which files a table is made from: those that the module of its kind reads."""

import re

from pretraining_robustness.study import names, places
from pretraining_robustness.study.study import Study
from pretraining_robustness.tables.kinds import FROM_CONFIG, reads


def table_inputs(study: Study, name: str) -> dict[str, list[str]]:
    """Return the files that a table is made from, by their names in `READS`."""
    spec = study.tables[name]
    expected = [one.figure for one in spec.expectations or []]
    shown = [spec.figure] if spec.figure else expected or names.of_kind(study, "trends")
    sources = spec.sources or []
    values = {
        "table": [name],
        "figure": list(dict.fromkeys(shown)),
        "distribution": names.distributions(study),
        "source": sources,
        "copied_source": [one for one in sources if one in names.copied_sources(study)],
    }

    def files(key: str, path: str) -> list[str]:
        if path == FROM_CONFIG:
            return [places.located(names.imagenet_rib(study).given[key])]
        wildcards = re.findall(r"{(\w+)}", path) or ["table"]
        return [f"<results>/{path.format(**{wildcards[0]: one})}" for one in values[wildcards[0]]]

    return {key: files(key, path) for key, path in reads(spec.kind).items()}
