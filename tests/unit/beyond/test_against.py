"""Numbers against a line: a group on it, above it, of one network, and out of its reach; what is wrong is one line."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from pretraining_robustness.beyond.against import KnownLine, compared, stand_against
from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.against import draw_against
from pretraining_robustness.trends.baselines import LINE_COLUMNS

LINE = {
    **{"name": "a/b/c", "scale": "probit", "metric": "accuracy", "slope": 0.8, "intercept": -0.3, "freedom": 9.0},
    **{"slope_error": 0.02, "intercept_error": 0.02, "covariance": -0.0002, "deviation": 0.05},
    **{"id_low": 0.3, "id_high": 0.8, "n_clusters": 9, "group": "c", "id": "ID", "ood": "OOD"},
}


def write(folder, groups, shift, networks=6, scatter=0.02, seed=0):
    """Write numbers that are `shift` (axis units) above the line, and the line."""
    random = np.random.default_rng(seed)
    rows = []
    for group in groups:
        place = random.uniform(-0.3, 0.6, networks)
        ood = 0.8 * place - 0.3 + shift + random.normal(0, scatter, networks)
        rows += [
            {"model": f"{group}{k}", "id": special.ndtr(x), "ood": special.ndtr(y), "group": group}
            for k, (x, y) in enumerate(zip(place, ood, strict=True))
        ]
    pd.DataFrame(rows).to_csv(folder / "my.csv", index=False)
    pd.DataFrame([LINE], columns=LINE_COLUMNS).to_csv(folder / "lines.csv", index=False)
    return {"lines": [folder / "lines.csv"], "table": folder / "my.csv", "confidence": 0.95, "margin": 0.02}


@pytest.mark.parametrize(
    ("shift", "networks", "verdict", "words"),
    [
        (0.3, 6, "differs", "above the line"),
        (0.0, 6, "equivalent", "on the line"),
        (0.08, 1, "undecided", "scatter as those of the line"),
    ],
)
def test_verdicts_are_those_of_contrasts(tmp_path, shift, networks, verdict, words):
    found = stand_against(line="a/b/c", **write(tmp_path, ["g"], shift, networks))
    (row,) = found.groups.to_dict("records")
    assert row["verdict"] == verdict
    assert words in found.words()
    middle = special.ndtri(row["id_score"])
    expected = special.ndtr(0.8 * middle - 0.3 + shift) - special.ndtr(0.8 * middle - 0.3)
    assert row["difference"] == pytest.approx(expected, abs=0.02)
    made = {kind: tmp_path / f"figure.{kind}" for kind in ("pdf", "png", "table", "caption")}
    draw_against(found, **made)
    assert pd.read_csv(made["table"])["above"].notna().all()


def test_numbers_on_the_line_are_called_off_it_in_one_of_twenty():
    """Of 1,000 tables of 5 networks, whose line is drawn with its error, too."""
    random = np.random.default_rng(0)
    covariance = [[0.02**2, -0.0002], [-0.0002, 0.02**2]]
    contrasts = []
    for _ in range(1000):
        off = random.multivariate_normal([0, 0], covariance)
        line = KnownLine({**LINE, "intercept": -0.3 + off[0], "slope": 0.8 + off[1], "freedom": 1e6})
        place = random.uniform(-0.3, 0.6, 5)
        ood = special.ndtr(0.8 * place - 0.3 + random.normal(0, 0.05, 5))
        models = pd.DataFrame({"model": list("abcde"), "id": special.ndtr(place), "ood": ood, "inside": True})
        contrasts.append(compared("g", models, line)[1])
    assert 0.03 <= np.mean([one.p <= 0.05 for one in contrasts]) <= 0.07


def test_what_cannot_be_compared_is_said(tmp_path):
    options = write(tmp_path, ["g"], 0.0)
    far = pd.read_csv(options["table"]).assign(id=0.1)
    far.to_csv(options["table"], index=False)
    found = stand_against(line="a/b/c", **options)
    assert found.groups.at[0, "verdict"] == "cannot be compared"
    assert "0.300 to 0.800" in found.words()
    with pytest.raises(InputError, match=r"config line: 'a/b/d' is not a line .*did you mean 'a/b/c'"):
        stand_against(line="a/b/d", **options)
    with pytest.raises(InputError, match=r"config table: not given; .*against --config"):
        stand_against(line="a/b/c", **{**options, "table": None})
