"""Figure 1: the experimental pipeline, drawn from Snakemake's own plan of the study."""

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Outline

from pretraining_robustness.errors import InputError, missing_keys_named
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, Files, one_file
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.pipeline_layout import STAGE_SIZE, Box, Column, Stage, in_chains, lay_out
from pretraining_robustness.figures.pipeline_routing import Path, inner_path, nets_of, room_for_lanes, route
from pretraining_robustness.figures.text import LINE, SMALL, fitting_size, wrap_words
from pretraining_robustness.figures.words import count, sentence

# How a stage is called and what goes in and out; a stage that is not here has its own name and no words.
_STAGES = {
    "acquire": ("Acquire", "the web, or drawn worlds → archives"),
    "store": ("Store", "archives → decoded images"),
    "fractaldb": ("Fractals", "systems of maps → rendered fractals"),
    "stable_diffusion": ("Diffusion", "prompts, a model → generated images"),
    "tasks": ("Tasks", "domains → downstream tasks"),
    "distributions": ("Distributions", "images, classes → pre-training data"),
    "pretrain": ("Pre-train", "distribution → pre-trained network"),
    "finetune": ("Fine-tune", "network, downstream task → checkpoints"),
    "imagenet_rib_jobs": ("Shared jobs", "variants of ImageNet, all methods in one → predictions"),
    "evaluate": ("Evaluate", "checkpoints → predictions → scores in and out of distribution"),
    "trends": ("Trends", "scores → lines, tests, intervals"),
    "imagenet_rib": ("ImageNet-RIB", "predictions, scores → robustness kept in fine-tuning"),
    "figures": ("Figures", "scores, trends, pictures → figures"),
    "tables": ("Tables", "distributions, counts → tables"),
    "report": ("Report", "scores, trends, curves → one page"),
}
_COLOURS = ("#5F6B73", "#1F63B5", "#26817A", "#CA1C03", "#D8690F", "#771F52", "#7A52A8", "#4A4A20")
_INK, _GREY = "0.12", "0.4"
_TINT = 0.1
_BESIDE_HEADING = 0.03  # inches
_CORNER, _HEAD = 0.045, 0.055  # inches
"""Radius of a line's bends, and length of an arrow's head."""


READS = {"jobs": "pipeline/jobs.csv", "edges": "pipeline/edges.csv"}


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw the plan that plan.jobs.plan_pipeline wrote (`jobs`: rule, stage, jobs; `edges`: rule, feeds).

    Raises:
        InputError: a key is missing, or a table is not such a plan.
    """
    with missing_keys_named(figure):
        title, note = figure["title"], figure.get("note") or ""
    jobs, edges = one_file(files, "jobs"), one_file(files, "edges")
    job_table = _read(jobs, ["rule", "stage", "jobs"])
    edge_table = _read(edges, ["rule", "feeds"])
    unknown = set(edge_table.to_numpy().ravel()) - set(job_table["rule"])
    if unknown:
        raise InputError(f"{edges}: {min(unknown)} is not a rule of {jobs}; remove both files to plan again")
    page = draw_pipeline_figure(job_table, edge_table, title, note)
    return Drawing(page, job_table, pipeline_caption(job_table, title, note))


def draw_pipeline_figure(jobs: pd.DataFrame, edges: pd.DataFrame, title: str, note: str) -> Figure:
    """Draw a column for each stage with a box for each rule, and lines from rules to those that need their files."""
    pairs = list(zip(edges["rule"], edges["feeds"], strict=True))
    stages = stages_of(jobs, pairs)
    with own_look():
        draft = lay_out(stages, room_between=0.0)
        nets = nets_of(pairs, draft.boxes)
        layout = lay_out(stages, room_for_lanes(nets, draft.boxes))
        paths_of = route(layout, nets)
        lowest = [y for paths in paths_of.values() for path in paths for _, y in path]
        contents = max([layout.bottoms[-1], *lowest])
        footer = [" ".join(_legend(jobs))] if layout.free is None else []
        page = make_page(FULL_WIDTH, contents, title, footer, note)
        canvas = page.add_canvas()
        canvas.set_ylim(page.top, page.top - page.height)  # y goes down from the top of the drawing
        colours = {stage.name: _COLOURS[place % len(_COLOURS)] for place, stage in enumerate(stages)}
        stage_of = dict(zip(jobs["rule"], jobs["stage"], strict=True))
        headings = [f"{number}  {column.stage.title}" for number, column in enumerate(layout.columns, start=1)]
        room = layout.columns[0].width - 2 * _BESIDE_HEADING
        size = min(fitting_size(heading, room, STAGE_SIZE, "bold") for heading in headings)
        for heading, column in zip(headings, layout.columns, strict=True):
            _draw_column(canvas, column, heading, size, colours[column.stage.name])
        for net, paths in paths_of.items():
            _draw_paths(canvas, paths, colours[stage_of[net.sources[0]]])
        for source, target in pairs:
            one, other = layout.boxes[source], layout.boxes[target]
            if stage_of[source] == stage_of[target]:
                between = [box for box in layout.boxes.values() if _is_between(box, one, other)]
                _draw_paths(canvas, [inner_path(one, other, between)], colours[stage_of[source]])
        if layout.free is not None:
            _write_legend(canvas, _legend(jobs), layout.free, FULL_WIDTH - MARGIN - layout.free)
        for box in layout.boxes.values():
            _draw_box(canvas, box, colours[stage_of[box.rule]])
    return page.figure


def stages_of(jobs: pd.DataFrame, pairs: Sequence[tuple[str, str]] = ()) -> list[Stage]:
    """Return the stages of a table of jobs in its order, with readable titles, rules that feed each other together."""
    stages = []
    for name, rows in jobs.groupby("stage", sort=False):
        title, says = _STAGES.get(str(name), (str(name).replace("_", " ").capitalize(), ""))
        counts = dict(zip(rows["rule"], map(int, rows["jobs"]), strict=True))
        stages.append(Stage(str(name), title, says, {rule: counts[rule] for rule in in_chains(list(counts), pairs)}))
    return stages


def pipeline_caption(jobs: pd.DataFrame, title: str, note: str) -> str:
    """Return the caption: what the pipeline does, how to read the drawing, and how many jobs each stage has."""
    totals = jobs.groupby("stage", sort=False)["jobs"].sum()
    titles = {stage.name: stage.title for stage in stages_of(jobs)}
    listed = ", ".join(f"{titles[str(stage)].lower()} {number:,}" for stage, number in totals.items())
    texts = [
        sentence(title),
        "A network is pre-trained on each of several data distributions, fine-tuned on a downstream task, and its "
        "effective robustness there is evaluated. Each column is a stage, each box one of its rules with the number of "
        "jobs that the whole study needs, each arrow leads from a rule to one that needs its files. Drawn from the "
        f"workflow's own plan of {count(int(totals.sum()), 'job')}. Jobs by stage: {listed}.",
        sentence(note),
    ]
    return " ".join(text for text in texts if text) + "\n"


def _legend(jobs: pd.DataFrame) -> list[str]:
    return [
        "Box: a rule of the workflow and its number of jobs.",
        "Arrow: its files are needed there.",
        f"Drawn from Snakemake's plan of the whole study: {int(jobs['jobs'].sum()):,} jobs.",
    ]


def _write_legend(canvas: Axes, sentences: Sequence[str], left: float, room: float) -> None:
    top = 0.09
    for text in sentences:
        for line in wrap_words(text, room, SMALL):
            canvas.text(left, top, line, fontsize=SMALL, color=_GREY, va="top")
            top += SMALL * LINE
        top += 0.06


def _is_between(box: Box, one: Box, other: Box) -> bool:
    return (box.tier, box.column) == (one.tier, one.column) and one.top < box.top < other.top


def _draw_column(canvas: Axes, column: Column, heading: str, size: float, colour: str) -> None:
    frame = FancyBboxPatch(
        (column.left, column.top),
        column.width,
        column.height,
        boxstyle="round,pad=0,rounding_size=0.07",
        facecolor=_blend(colour, _TINT),
        edgecolor="none",
        zorder=1,
    )
    canvas.add_patch(frame)
    middle, top = column.left + column.width / 2, column.top + 0.09
    canvas.text(middle, top, heading, fontsize=size, weight="bold", color=colour, ha="center", va="top")
    for place, line in enumerate(column.says):
        down = top + STAGE_SIZE * LINE + (place + 0.5) * SMALL * LINE
        canvas.text(middle, down, line, fontsize=SMALL, color=_INK, ha="center", va="center")


def _draw_box(canvas: Axes, box: Box, colour: str) -> None:
    outline = FancyBboxPatch(
        (box.left, box.top),
        box.width,
        box.height,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor="white",
        edgecolor=colour,
        linewidth=0.9,
        zorder=5,
    )
    canvas.add_patch(outline)
    middle, line = box.left + box.width / 2, SMALL * LINE
    top = box.middle - (len(box.lines) + 1) * line / 2
    for place, text in enumerate([*box.lines, count(box.jobs, "job")]):
        colour = _INK if place < len(box.lines) else _GREY
        down, size = top + (place + 0.5) * line, fitting_size(text, box.width - 0.04, SMALL)
        canvas.text(middle, down, text, fontsize=size, color=colour, ha="center", va="center", zorder=6)


def _draw_paths(canvas: Axes, paths: Sequence[Path], colour: str) -> None:
    """Draw a line with its branches; a white border makes it pass over the lines drawn before."""
    outlines = [_rounded(path) for path in paths]
    for outline in outlines:
        options: dict[str, Any] = {"facecolor": "none", "edgecolor": "white", "capstyle": "butt"}
        canvas.add_patch(PathPatch(outline, linewidth=2.6, zorder=3, **options))
    for outline, path in zip(outlines, paths, strict=True):
        canvas.add_patch(PathPatch(outline, facecolor="none", edgecolor=colour, linewidth=1.1, zorder=3))
        (x1, y1), (x2, y2) = path[-2:]
        across, down = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
        base = (x2 - across * _HEAD, y2 - down * _HEAD)
        side = (down * _HEAD * 0.45, across * _HEAD * 0.45)
        corners = [(x2, y2), (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])]
        canvas.add_patch(Polygon(corners, facecolor=colour, edgecolor="none", zorder=4))


def _rounded(path: Path) -> Outline:
    """Return a path with round bends that ends where its arrow's head begins."""
    points = [point for place, point in enumerate(path) if place == 0 or point != path[place - 1]]
    points[-1] = _towards(points[-1], points[-2], _HEAD * 0.8)
    vertices, codes = [points[0]], [Outline.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [_towards(corner, before, _CORNER), corner, _towards(corner, after, _CORNER)]
        codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
    return Outline([*vertices, points[-1]], [*codes, Outline.LINETO])


def _towards(start: tuple[float, float], end: tuple[float, float], distance: float) -> tuple[float, float]:
    """Return the point at a distance from `start`, at most half way to `end`."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])  # lines are horizontal or vertical
    part = min(distance / length, 0.5) if length else 0.0
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _blend(colour: str, part: float) -> tuple[float, float, float]:
    red, green, blue = (1 - part * (1 - channel) for channel in to_rgb(colour))
    return red, green, blue


def _read(path: str | File, columns: list[str]) -> pd.DataFrame:
    table = pd.read_csv(path, keep_default_na=False)
    if list(table.columns) != columns or (len(table) == 0 and "jobs" in columns):
        raise InputError(f"{path}: not a plan of this version of the workflow; remove it to plan again")
    return table
