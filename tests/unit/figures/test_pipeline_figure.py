"""Figure 1 shows the study's own numbers, legibly."""

import pytest

from pretraining_robustness.figures.draw import drawing
from pretraining_robustness.study import names, runs
from pretraining_robustness.study.overview import overview
from pretraining_robustness.study.study import Study


@pytest.fixture(params=["config", "paper_config"])
def study(request):
    return Study(request.getfixturevalue(request.param))


def figure(study):
    return {"name": "fig1", "kind": "pipeline", "title": "The pipeline", "note": "Seen", "overview": overview(study)}


def test_numbers_are_those_of_the_runs(study):
    shown, needed = overview(study), runs.runs(study, *names.scored_figures(study))
    networks = {(run.distribution, run.architecture, run.seed) for run in needed}
    assert shown["pretrained"] + shown["published"] + shown["scratch"] == len(networks)
    assert sum(shown["properties"].values()) == len({run.distribution for run in needed} - {"scratch"})
    trained = [run for run in needed if run.method in names.trained_methods(study)]
    assert sum(task["finetuned"] for task in shown["tasks"]) == len(trained)


def test_every_number_is_shown_and_no_text_meets_another(study, texts_apart):
    drawn = drawing({}, figure(study))
    texts = [text for text, _ in texts_apart(drawn.page)]
    together = " ".join(text for text in texts if text != "•").replace("\N{NO-BREAK SPACE}", " ")
    shown = overview(study)
    for words, number in shown["properties"].items():
        assert words.lower() in together
        assert f"({number})" in together
    assert f"{shown['pretrained']} networks" in texts
    assert "Seen" in texts
    assert f"{shown['pretrained']} networks pre-trained" in drawn.caption
    assert drawn.rows["stage"].nunique() == 5
