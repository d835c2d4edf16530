"""Points from elsewhere: published numbers and other studies on the same axes, and tables that are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.evaluate.scores import PAIRED_COLUMNS
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.fit import fit_trends, read_trends
from pretraining_robustness.trends.points import axis_points
from pretraining_robustness.trends.published import published_scores, read_all_scores, read_published

F1 = score_metric("macro_f1")

# The only published numbers of single runs on iWildCam-WILDS that we know: ResNet-50, pre-trained on ImageNet, three
# runs (README of WILDS in github.com/kazuki-irie/fork--wilds-public).
WILDS = "model,id,ood,group\nERM 0,0.505,0.338,WILDS\nERM 1,0.479,0.310,WILDS\nERM 2,0.453,0.314,WILDS\n"


def write(tmp_path, text, name="published.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def own_scores(tmp_path, name="scores.csv", task="iwildcam", seed=0):
    generator = np.random.default_rng(seed)
    rows = [(task, "scratch", f"net{n // 4}", 0, 1 + n % 4, *generator.uniform(0.2, 0.6, 4)) for n in range(16)]
    path = tmp_path / name
    write_score_table(paired(rows), path)
    return path


def test_published_numbers_become_runs_of_one_checkpoint(tmp_path):
    table = read_published(write(tmp_path, WILDS))
    scores = published_scores(table, "iwildcam", F1)
    assert list(scores.columns) == PAIRED_COLUMNS
    assert scores["series"].tolist() == ["WILDS"] * 3
    assert scores["id_accuracy"].isna().all()
    points = axis_points(scores, SCALES["probit"], F1)
    assert (points.n_runs, points.out_of_place, points.missing) == (3, 0, 0)
    np.testing.assert_allclose(points.x, stats.norm.ppf([0.505, 0.479, 0.453]))
    assert axis_points(scores, SCALES["probit"], score_metric("accuracy")).missing == 3


def test_they_are_fitted_by_the_same_code_beside_the_study_s_own(tmp_path):
    scores, published = own_scores(tmp_path), write(tmp_path, WILDS)
    other = own_scores(tmp_path, "other.csv", seed=1)
    out = [tmp_path / "trends.csv", tmp_path / "bands.csv"]
    options = {"figure": "fig2", "pairs": PAIRS, "scales": ["probit"], "resamples": 50, "confidence": 0.95, "seed": 0}
    names = ["scratch", "WILDS", "Theirs/scratch"]
    fit_trends(scores, *out, series=names, published=[published], studies={"Theirs": other}, **options)
    trends = read_trends(out[0]).set_index("series")
    slope, intercept = np.polyfit(*(stats.norm.ppf(v) for v in ([0.505, 0.479, 0.453], [0.338, 0.310, 0.314])), 1)
    assert trends.at["WILDS", "slope"] == pytest.approx(slope)
    assert trends.at["WILDS", "intercept"] == pytest.approx(intercept)
    assert trends.at["WILDS", "n_runs"] == 3
    fit_trends(other, *out, series=["scratch"], **options)
    assert trends.at["Theirs/scratch", "slope"] == read_trends(out[0])["slope"].iloc[0]
    fit_trends(scores, *out, series=["scratch"], **options)
    assert trends.at["scratch", "slope"] == read_trends(out[0])["slope"].iloc[0]


def test_percentages_are_named_by_their_columns(tmp_path):
    fractions = read_published(write(tmp_path, "model,id,ood,group\na,0.479,0.32,g\n"))
    percent = read_published(write(tmp_path, "model,ood_percent,id_percent,group\na,32,47.9,g\n"))
    pd.testing.assert_frame_equal(percent, fractions)


def test_committed_tables_have_a_network_per_row(repository):
    rows = {path.stem: read_published(path) for path in sorted((repository / "data/published").glob("*.csv"))}
    assert {name: len(table) for name, table in rows.items()} == {
        **{"imagenet_a": 1265, "imagenet_r": 1266, "imagenet_sketch": 1381, "imagenet_v2": 1381, "iwildcam": 115}
    }
    v2 = rows["imagenet_v2"].set_index("model")
    assert v2.loc["vit_base_patch16_224.augreg_in21k_ft_in1k", "group"] == "ImageNet-21k or -12k"
    assert tuple(v2.loc["ViT-B-32.openai", ["id", "ood"]]) == pytest.approx((0.6332, 0.5592))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("model,id,ood\na,0.1,0.2\n", "no column group; it has model, id, ood"),
        ("model,id,ood,group\n", "holds no model"),
        ("model,id,ood,group\na,0.5,0.4,g\n,0.5,0.4,g\n", "line 3: model : model is empty"),
        ("model,id,ood,group\na,0.5,0.4, \n", "line 2: model a: group is empty"),
        (
            "model,id,ood,group\na,47.9,32.1,g\n",
            "line 2: model a: id is not in [0, 1]; name the columns id_percent and ood_percent",
        ),
        ("model,id,ood,group\na,0.5,high,g\n", "line 2: model a: ood is not a number"),
        ("model,id,ood,group\na,0.5,,g\n", "line 2: model a: ood is not a number"),
        ("model,id,ood,group\na,0.5,nan,g\n", "line 2: model a: ood is not a number"),
        ("model,id,ood,group\na,0.5,0.4,g\na,0.6,0.5,g\n", "line 3: model a: the model appears twice in its group"),
    ],
)
def test_what_is_no_table_of_published_numbers_is_refused_with_its_line(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_published(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: there is no such table of published numbers"):
        read_published(tmp_path / "absent.csv")


def test_names_that_exist_and_other_tasks_are_refused(tmp_path):
    scores = own_scores(tmp_path)
    clash = write(tmp_path, "model,id,ood,group\na,0.5,0.4,scratch\n")
    with pytest.raises(InputError, match="the series scratch exists already"):
        read_all_scores(scores, F1, PAIRS, published=[clash])
    pacs = own_scores(tmp_path, "pacs.csv", task="pacs")
    with pytest.raises(InputError, match="holds no scores on iwildcam, only on pacs"):
        read_all_scores(scores, F1, PAIRS, studies={"Theirs": pacs})
    both = tmp_path / "both.csv"
    pd.concat([pd.read_csv(scores), pd.read_csv(pacs)]).to_csv(both, index=False)
    with pytest.raises(InputError, match=r"both\.csv: holds several downstream tasks"):
        read_all_scores(both, F1, PAIRS, published=[write(tmp_path, WILDS)])
    assert len(read_all_scores(both, F1, PAIRS)) == 32
