"""Figure 1: the plan is Snakemake's own, counted twice, and its drawing is legible."""

import contextlib
import itertools
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures import pipeline_routing
from pretraining_robustness.figures.page import FULL_WIDTH
from pretraining_robustness.figures.pipeline_figure import draw_pipeline, draw_pipeline_figure, stages_of
from pretraining_robustness.figures.pipeline_layout import in_chains, lay_out
from pretraining_robustness.figures.pipeline_plan import order_stages, plan_pipeline, read_graph
from pretraining_robustness.figures.pipeline_plan import stages_of as stages_of_rules
from pretraining_robustness.figures.pipeline_routing import crossings, nets_of, room_for_lanes, route

FIGURE = {"name": "fig1", "kind": "pipeline", "title": "The pipeline", "note": "A note that must be seen"}


@pytest.fixture(scope="module")
def planned(tmp_path_factory, repository, workflow_type):
    """The default study's plan, its two files, and the jobs of a dry run of everything."""
    folder = tmp_path_factory.mktemp("planned")
    config = yaml.safe_load((repository / "config.yaml").read_text(encoding="utf-8"))
    with contextlib.chdir(folder):
        plan_pipeline(repository / "Snakefile", config, folder / "jobs.csv", folder / "edges.csv")
    counted = workflow_type(folder, repository).plan("all", "--forceall")
    return folder, pd.read_csv(folder / "jobs.csv"), pd.read_csv(folder / "edges.csv"), counted


# The plan of this repository -----------------------------------------------------------------------------------------


def test_every_job_of_a_dry_run_is_counted(planned):
    _, jobs, _, counted = planned
    assert {"all": 1, **dict(zip(jobs["rule"], jobs["jobs"], strict=True))} == counted


def test_every_rule_has_the_stage_of_its_file_and_stages_are_in_the_order_of_the_snakefile(planned, repository):
    _, jobs, _, _ = planned
    for rule, stage in zip(jobs["rule"], jobs["stage"], strict=True):
        files = (repository / "rules").glob(f"{stage}*.smk")
        texts = " ".join(path.read_text(encoding="utf-8") for path in files)
        assert f"rule {rule}:" in texts or f" as {rule} with:" in texts
    lines = (repository / "Snakefile").read_text(encoding="utf-8").splitlines()
    included = [line.split("/")[1].removesuffix('.smk"') for line in lines if line.startswith("include:")]
    stages = list(dict.fromkeys(jobs["stage"]))
    assert stages == [name for name in included if name in stages]


def test_data_flow_one_way(planned):
    _, jobs, edges, _ = planned
    place = {rule: number for number, rule in enumerate(jobs["rule"])}
    stage = dict(zip(jobs["rule"], pd.factorize(jobs["stage"])[0], strict=True))
    for source, target in zip(edges["rule"], edges["feeds"], strict=True):
        assert stage[source] <= stage[target], f"{source} feeds {target}"
        assert place[source] < place[target] or stage[source] == stage[target]
    pairs = set(zip(edges["rule"], edges["feeds"], strict=True))
    assert {("build_store", "pretrain"), ("pretrain", "finetune"), ("finetune", "predict")} <= pairs
    assert ("predict", "score") in pairs
    assert ("finetune", "pretrain") not in pairs


# Plans of small workflows --------------------------------------------------------------------------------------------

PLAN_INSIDE = (
    "import sys, os; sys.path.insert(0, {library!r}); "
    "from pretraining_robustness.figures.pipeline_plan import plan_pipeline; "
    "assert os.listdir('.snakemake/locks'); "
    "plan_pipeline('Snakefile', {{'copies': 3}}, 'jobs.csv', 'edges.csv')"
)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A workflow of two stages that plans itself while it runs, its folder locked."""
    (tmp_path / "rules").mkdir()
    library = str(Path(plan_pipeline.__code__.co_filename).parents[2])
    (tmp_path / "inside.py").write_text(PLAN_INSIDE.format(library=library))
    (tmp_path / "Snakefile").write_text(
        'configfile: "config.yaml"\n'
        'include: "rules/second.smk"\ninclude: "rules/first.smk"\n'
        'rule all:\n    default_target: True\n    input: "joined.txt", "plan.done"\n'
    )
    (tmp_path / "config.yaml").write_text("copies: 1\n")
    (tmp_path / "rules/first.smk").write_text('include: "first_part.smk"\n')
    (tmp_path / "rules/first_part.smk").write_text(
        'rule start:\n    output: "start.txt"\n    shell: "echo start > {output}"\n'
        'rule copy:\n    input: "start.txt"\n    output: "copy_{number}.txt"\n    shell: "cp {input} {output}"\n'
    )
    (tmp_path / "rules/second.smk").write_text(
        'rule join:\n    input: expand("copy_{n}.txt", n=range(config["copies"]))\n    output: "joined.txt"\n'
        '    shell: "cat {input} > {output}"\n'
        'rule plan:\n    input: "joined.txt"\n    output: touch("plan.done")\n'
        f'    shell: "{sys.executable} inside.py"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder):
    """Every file that Snakemake keeps, with its contents.

    Without its logs and the inventory that a dry run leaves for the next run, which removes it when it starts.
    """
    kept = (path for path in (folder / ".snakemake").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in kept if path.parent.name not in ("log", "iocache")}


def test_a_running_workflow_plans_itself_undisturbed(small):
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    options = {"check": True, "capture_output": True, "text": True, "cwd": small}
    subprocess.run(command, **options)
    jobs = (small / "jobs.csv").read_text()
    assert jobs == "rule,stage,jobs\nstart,first,1\ncopy,first,3\njoin,second,1\nplan,second,1\n"
    assert (small / "edges.csv").read_text() == "rule,feeds\nstart,copy\ncopy,join\njoin,plan\n"
    assert (small / "joined.txt").read_text() == "start\n"  # the workflow itself ran with one copy
    assert "Nothing to be done" in subprocess.run([*command, "--dry-run"], **options).stdout
    before, files = state(small), set(small.iterdir())
    plan_pipeline("Snakefile", {"copies": 2}, small / "jobs.csv", small / "edges.csv")
    assert "copy,first,2" in (small / "jobs.csv").read_text()  # counted although all is done
    assert state(small) == before
    assert set(small.iterdir()) == files


def test_a_workflow_that_cannot_be_planned_is_refused_in_one_line(small):
    (small / "config.yaml").write_text("{}\n")
    with pytest.raises(InputError, match=r"Snakefile: the study could not be planned: .*KeyError") as raised:
        plan_pipeline("Snakefile", {"other": 1}, small / "jobs.csv", small / "edges.csv")
    assert "\n" not in str(raised.value)
    assert not (small / "jobs.csv").exists()


def test_rules_of_included_files_and_derived_rules_have_a_stage_and_targets_none(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "Snakefile").write_text('include: "rules/one.smk"\nrule all:\n    input: []\n')
    (tmp_path / "rules/one.smk").write_text(
        '"""A rule: not this."""\nif True:\n\n    include: "one_more.smk"\n\n'
        "rule a:\nuse rule a as b with:\ncheckpoint c:\n"
        'for folder in ["x", "y"]:\n\n    rule:\n        name:\n            f"take_{folder}"\n'
    )
    (tmp_path / "rules/one_more.smk").write_text("rule first:\n    input: []\n")
    assert stages_of_rules(tmp_path / "Snakefile") == dict.fromkeys(["first", "a", "b", "c"], "one")
    named = stages_of_rules(tmp_path / "Snakefile", ["a", "all", "take_x", "fig1"])
    assert named == dict.fromkeys(["take_x", "first", "a", "b", "c"], "one")


def test_stages_keep_their_order_unless_data_demand_another():
    stage_of = {"a": "one", "b": "two", "c": "three", "d": "four"}
    assert order_stages(stage_of, []) == ["one", "two", "three", "four"]
    assert order_stages(stage_of, [("c", "a"), ("d", "b")]) == ["three", "one", "four", "two"]
    with pytest.raises(InputError, match="stages feed each other in a circle"):
        order_stages(stage_of, [("a", "b"), ("b", "a")])


def test_the_graph_is_read_with_and_without_wildcards():
    dot = (
        'digraph snakemake_dag {\n    node[shape=box];\n\t0[label = "all", color = "0 1 1", style="rounded"];\n'
        '\t1[label = "copy\\nnumber: 1", color = "0 1 1", style="rounded,dashed"];\n\t1 -> 0\n}\n'
    )
    assert read_graph(dot) == ({"0": "all", "1": "copy"}, [("1", "0")])


# The drawing ---------------------------------------------------------------------------------------------------------


def made_up_plan(stages, rules, seed):
    """A random pipeline in which rules feed later ones."""
    generator = random.Random(seed)
    names = [
        (f"rule_number_{s}_{r}", f"stage_{s}") for s in range(stages) for r in range(1 + generator.randrange(rules))
    ]
    jobs = pd.DataFrame(
        [(rule, stage, generator.randrange(1, 2000)) for rule, stage in names], columns=["rule", "stage", "jobs"]
    )
    pairs = [
        (one, other)
        for (one, first), (other, second) in itertools.combinations(names, 2)
        if generator.random() < (0.25 if first != second else 0.2)
    ]
    return jobs, pd.DataFrame(pairs, columns=["rule", "feeds"])


@pytest.fixture(params=["this repository", (3, 2, 1), (8, 3, 2), (9, 3, 3), (10, 2, 4)], ids=str)
def plan(request):
    if isinstance(request.param, str):
        return request.getfixturevalue("planned")[1:3]
    return made_up_plan(*request.param)


def routed(jobs, edges):
    pairs = list(zip(edges["rule"], edges["feeds"], strict=True))
    stages = stages_of(jobs, pairs)
    boxes = lay_out(stages, 0.0).boxes
    nets = nets_of(pairs, boxes)
    layout = lay_out(stages, room_for_lanes(nets, boxes))
    return layout, nets, route(layout, nets)


def test_every_edge_is_one_path_from_box_to_box(plan):
    jobs, edges = plan
    layout, _, paths = routed(jobs, edges)
    drawn = Counter()
    for net, own in paths.items():
        for (source, target), path in zip(itertools.product(net.sources, net.targets), own, strict=True):
            one, other = layout.boxes[source], layout.boxes[target]
            assert path[0] == (one.right, one.middle)
            assert path[-1][0] == other.left
            assert other.top < path[-1][1] < other.bottom
            assert all(first[0] == second[0] or first[1] == second[1] for first, second in pairwise(path))
            drawn[source, target] += 1
    stage = dict(zip(jobs["rule"], jobs["stage"], strict=True))
    pairs = zip(edges["rule"], edges["feeds"], strict=True)
    assert drawn == Counter(pair for pair in pairs if stage[pair[0]] != stage[pair[1]])


def test_no_line_runs_through_a_box_or_a_column_that_it_does_not_end_in(plan):
    layout, _, paths = routed(*plan)
    for net, own in paths.items():
        for path in own:
            assert all(0 <= x <= FULL_WIDTH for x, _ in path)
            for (x1, y1), (x2, y2) in list(pairwise(path))[1:-1]:  # the first and the last leave and enter a box
                for column in layout.columns:
                    beside = max(x1, x2) <= column.left or min(x1, x2) >= column.left + column.width
                    assert beside or max(y1, y2) <= column.top or min(y1, y2) >= column.bottom, net


def test_changing_places_leaves_fewer_crossings(plan):
    layout, nets, paths = routed(*plan)
    assert crossings(paths) <= crossings(route_once(layout, nets))


def route_once(layout, nets):
    return pipeline_routing._paths(layout, nets, pipeline_routing._first_order(layout, nets))


def test_no_text_meets_another_and_all_fit_their_boxes(plan, texts_apart):
    jobs, edges = plan
    page = draw_pipeline_figure(jobs, edges, FIGURE["title"], FIGURE["note"])
    boxes = texts_apart(page)
    shown = "".join(text for text, _ in boxes)
    for rule in jobs["rule"]:
        assert rule in shown
    for number in jobs["jobs"]:
        assert f"{number:,} job" in shown
    assert FIGURE["note"] in shown
    layout, _, _ = routed(jobs, edges)
    canvas = page.axes[0]
    for box in layout.boxes.values():
        left, right = (canvas.transData.transform((x, 0))[0] for x in (box.left, box.right))
        for line in box.lines:
            widest = max((extent.width for text, extent in boxes if text == line), default=0)
            assert 0 < widest < right - left


def test_rules_that_feed_each_other_stand_together():
    pairs = [("fetch_a", "unpack_a"), ("fetch_b", "unpack_b"), ("fetch_a", "elsewhere")]
    rules = ["fetch_a", "fetch_b", "unpack_a", "unpack_b", "alone"]
    assert in_chains(rules, pairs) == ["fetch_a", "unpack_a", "fetch_b", "unpack_b", "alone"]


# Files ---------------------------------------------------------------------------------------------------------------


def test_files_are_the_same_twice_and_the_caption_adds_up(planned, tmp_path):
    folder, jobs, _, counted = planned
    contents = []
    for again in ("first", "second"):
        names = [tmp_path / again / f"fig1.{ending}" for ending in ("pdf", "png", "csv", "txt")]
        draw_pipeline(folder / "jobs.csv", folder / "edges.csv", FIGURE, *names)
        contents.append([name.read_bytes() for name in names])
    assert contents[0] == contents[1]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "first/fig1.csv"), jobs)
    caption = contents[0][3].decode()
    assert f"plan of {counted.total() - 1:,} jobs" in caption  # without the target `all`
    pretrained = counted["pretrain"] + counted["pretrain_image_text"]
    tuned = counted["finetune"] + counted["merge_weights"]
    assert f"pre-train {pretrained}, fine-tune {tuned}" in caption
    assert caption.endswith("A note that must be seen.\n")
    assert b"/Subtype /Image" not in contents[0][0]


def test_a_plan_of_another_kind_is_refused(tmp_path):
    names = [tmp_path / f"fig1.{ending}" for ending in ("pdf", "png", "csv", "txt")]
    (tmp_path / "jobs.csv").write_text("rule,stage,jobs\na,one,1\n")
    (tmp_path / "edges.csv").write_text("rule,feeds\na,b\n")
    with pytest.raises(InputError, match=r"edges\.csv: b is not a rule of .*jobs\.csv"):
        draw_pipeline(tmp_path / "jobs.csv", tmp_path / "edges.csv", FIGURE, *names)
    (tmp_path / "jobs.csv").write_text("rule,jobs\na,1\n")
    with pytest.raises(InputError, match=r"jobs\.csv: not a plan of this version"):
        draw_pipeline(tmp_path / "jobs.csv", tmp_path / "edges.csv", FIGURE, *names)
