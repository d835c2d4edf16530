"""A bundle holds the study's files with checksums, and another study reads its scores."""

import json
import zipfile

import pandas as pd
import pytest
from score_tables import PAIR, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.report.bundle import MANIFEST, unpack_bundle, write_bundle
from pretraining_robustness.trends.published import read_all_scores


@pytest.fixture
def packed(tmp_path):
    results = tmp_path / "results"
    (results / "figures").mkdir(parents=True)
    write_score_table(paired([("pacs", "some", "net", 0, 1, 0.7, 0.5, 0.7, 0.5)]), results / "scores.csv")
    (results / "figures/fig2.png").write_bytes(b"picture")
    files = [results / "scores.csv", results / "figures/fig2.png"]
    for archive in ("one.zip", "two.zip"):
        write_bundle(files, results, config="study: mine\n", commit="abc", archive=tmp_path / archive)
    return tmp_path


def test_another_study_reads_what_was_packed(packed):
    assert (packed / "one.zip").read_bytes() == (packed / "two.zip").read_bytes()
    unpack_bundle(packed / "one.zip", packed / "theirs")
    assert (packed / "theirs/figures/fig2.png").read_bytes() == b"picture"
    assert (packed / "theirs/config.yaml").read_text() == "study: mine\n"
    assert json.loads((packed / "theirs" / MANIFEST).read_text())["commit"] == "abc"
    joined = read_all_scores(
        None, METRICS["accuracy"], {"pacs": PAIR}, studies={"theirs": packed / "theirs/scores.csv"}
    )
    assert joined["series"].tolist() == ["theirs/some"]
    assert joined["ood_accuracy"].tolist() == [0.5]


def test_a_damaged_archive_and_one_that_is_none_are_named(packed):
    with zipfile.ZipFile(packed / "one.zip") as old, zipfile.ZipFile(packed / "bad.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"other" if name == "scores.csv" else old.read(name))
    with pytest.raises(InputError, match=r"bad\.zip: scores\.csv is damaged"):
        unpack_bundle(packed / "bad.zip", packed / "bad")
    assert not (packed / "bad").exists()
    pd.DataFrame({"a": [1]}).to_csv(packed / "none.zip")
    with pytest.raises(InputError, match=r"none\.zip: not a bundle .*snakemake bundle"):
        unpack_bundle(packed / "none.zip", packed / "none")
