"""A study of published numbers alone, without any run of its own, is drawn from its configuration to its caption."""

import csv
import html
import json
import re
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

FIGURE = {
    **{"kind": "trends", "title": "Published models", "task": "iwildcam", "scale": "probit", "band": "architectures"},
    **{"references": [], "published": ["published.csv"]},
    "panels": [{"title": "Groups", "series": ["CLIP", "ImageNet"]}],
}


@pytest.fixture
def copy(tmp_path, repository, config, workflow_type):
    """The workflow with a configuration whose only figure shows 36 and 39 published models."""
    for name in ("rules", "workflow_scripts", "envs", "data"):
        (tmp_path / name).symlink_to(repository / name)
    shutil.copy(repository / "Snakefile", tmp_path)
    del config["sources"]["stable_diffusion"]  # whose images would be generated to be recognised
    del config["runs"]["seeds_of"]
    config |= {"distributions": {}, "left_out": []}
    config |= {"figures": {"elsewhere": FIGURE}, "tables": {"table5": {"kind": "contrasts", "title": "Differences"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    generator = np.random.default_rng(0)
    groups = np.repeat(["CLIP", "ImageNet"], [36, 39])
    x = 0.5 * generator.normal(size=75)
    y = 0.7 * x - np.where(groups == "CLIP", 0.2, 0.6) + 0.1 * generator.normal(size=75)
    models = pd.DataFrame({"model": [f"m{n}" for n in range(75)], "id": stats.norm.cdf(x), "ood": stats.norm.cdf(y)})
    models.assign(group=groups).to_csv(tmp_path / "published.csv", index=False)
    return workflow_type(tmp_path, tmp_path)


def test_published_numbers_alone_are_drawn_and_told_apart(copy):
    copy.run()
    results = copy.folder / "results"
    assert (results / "figures/elsewhere.pdf").stat().st_size > 10_000
    caption = (results / "figures/elsewhere.txt").read_text(encoding="utf-8")
    assert "Each point is a published network: 75 networks." in caption
    assert "checkpoint (a network" not in caption
    assert "Miniature" not in caption
    assert "The hypothesis that 'CLIP' and 'ImageNet' share one trend is rejected" in caption
    with (results / "tables/table5.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["p"]) < 1e-12
    assert not (results / "scores.csv").exists()


def test_markup_in_titles_and_groups_stays_text_in_the_report(copy):
    groups = ["a*b |x| name_", ".. note:: `c` __d\\e"]
    table = pd.read_csv(copy.folder / "published.csv")
    table.replace({"group": {"CLIP": groups[0], "ImageNet": groups[1]}}).to_csv(
        copy.folder / "published.csv", index=False
    )
    figure = FIGURE | {"title": "1. a_ </script> |c| ::", "panels": [{"title": "=====", "series": groups}]}
    overlay = {
        "figures": {"elsewhere": figure},
        "tables": {"table5": {"kind": "contrasts", "title": "- `T` *"}},
    }
    copy.run(config=overlay)
    printed = copy.run("--report", "report.zip", config=overlay)
    assert "System Message" not in printed
    assert "(WARNING" not in printed
    with zipfile.ZipFile(copy.folder / "report.zip") as report:
        page = report.read("report/report.html").decode()
    results, _ = json.JSONDecoder().raw_decode(page, page.index("var results = {") + len("var results = "))
    shown = {
        name.rsplit("/")[-1]: " ".join(html.unescape(re.sub("<.*?>", " ", result["caption"])).split())
        for name, result in results.items()
    }
    assert all(group in shown["elsewhere.png"] for group in groups)
    assert shown["table5.html"].startswith("- `T` *.")
    assert {result["labels"].get("Title") for result in results.values()} >= {"1. a_ </script> |c| ::", "- `T` *"}
