"""Estimate what a study costs: hours, disk and its longest run, as a table and as text."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.files import atomic_path
from pretraining_robustness.plan.costs import Costs, Part
from pretraining_robustness.plan.rates import Rates
from pretraining_robustness.study import names, runs, show
from pretraining_robustness.study.runs import Run
from pretraining_robustness.study.study import Study

ON_GPUS = ("finetune", "predict", "compare_networks")  # rules, and beginnings of others, whose jobs start on a GPU
AMOUNTS = ["gpu_hours", "core_hours", "disk_gb"]
PRETRAINING = ("pretrain", "pretrain_image_text", "generate_images", "render_fractals")
COLUMNS = ["part", "name", "jobs", *AMOUNTS, "images", "without_pretraining"]


def longest_chain(parts: Iterable[Part], starting: float) -> tuple[float, list[Part]]:
    """Return the hours of the longest run, from pre-training to prediction, and its parts.

    Args:
        parts: of a study.
        starting: hours that each job takes to start.
    """
    parts = list(parts)
    before = {(part.distribution, part.architecture): part for part in parts if part.rule.startswith("pretrain")}
    chains: dict[Run, list[Part]] = defaultdict(list)
    for part in parts:
        if part.run is not None:
            first = before.get((part.distribution, part.architecture))
            chains[part.run] = chains[part.run] or ([first] if first else [])
            chains[part.run].append(part)
    lengths = ((sum(part.gpu_hours + starting for part in chain), chain) for chain in chains.values())
    return max(lengths, key=lambda found: found[0], default=(0.0, []))


def estimate_costs(
    *,
    config: Mapping[str, Any],
    rates: str | Path,
    jobs: str | Path,
    card: str,
    cards: int,
    costs: str | Path,
    apart: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Write what a study costs as CSV, and return it as text.

    Args:
        config: a study's checked configuration.
        rates: `data/rates.csv`.
        jobs: how many jobs each rule has, as `plan.jobs` writes it.
        card: name of a GPU in the table.
        cards: how many of them work at a time.
        apart: what is priced apart, by name: `of` (paper, ours), and `distributions` or `architectures`.
        costs: CSV to write: part (rule, figure, variant, apart), name, jobs, gpu_hours, core_hours, disk_gb, images,
            without_pretraining (GPU hours of a figure). A figure's row is what it needs alone, as is that of the target
            imagenet_rib; they share most of it. A variant's is what predicting its images takes in all of ImageNet-RIB,
            and how many of them one evaluation of a network predicts.

    Raises:
        InputError: for a GPU without a rate.
    """
    study, table = Study(dict(config)), Rates(rates)
    whole = Costs(study, table, card)
    variants = runs.rib_runs(study)
    parts = whole.parts([*runs.runs(study, *names.scored_figures(study)), *variants])
    compiled = any(recipe.get("compile") for recipe in config["recipes"].values())
    starting = table("starting", "a GPU job" if compiled else "a job that compiles nothing") / 3600
    counts = pd.read_csv(jobs, index_col="rule")["jobs"]
    rules = _by_rule(parts, counts, starting, table("processing", "a job without a card") / 60)
    targets = {figure: runs.runs(study, figure) for figure in names.scored_figures(study)}
    targets |= {"imagenet_rib": variants} if variants else {}
    alone = {name: whole.parts(runs) for name, runs in targets.items()}
    figures = {
        name: {
            **_frame(parts)[AMOUNTS].sum(),
            "without_pretraining": sum(part.gpu_hours for part in parts if part.rule not in PRETRAINING),
        }
        for name, parts in alone.items()
    }
    priced = {f"{name} ({one['of']})": _hours_of(parts, one) for name, one in (apart or {}).items()}
    evaluated = pd.Series(whole.evaluation(), dtype=float)
    predicted = pd.DataFrame({"gpu_hours": pd.Series(whole.by_test_set(variants), dtype=float), "images": evaluated})
    predicted = predicted.loc[evaluated.index].fillna(0.0).rename(index=partial(show.variant_label, study))
    frames = {"rule": rules, "figure": pd.DataFrame(figures).T, "variant": predicted}
    frames["apart"] = pd.DataFrame({"gpu_hours": pd.Series(priced, dtype=float)})
    rows = pd.concat(frames, names=["part", "name"]).reset_index().reindex(columns=COLUMNS)
    rows[[*AMOUNTS, "without_pretraining"]] = rows[[*AMOUNTS, "without_pretraining"]].astype(float).fillna(0.0)
    rows = rows.astype({"jobs": "Int64"}).assign(images=rows["images"].round().astype("Int64"))
    with atomic_path(costs) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.2f")
    chain = longest_chain(parts, starting)
    slowest = table("slowest", card if ("slowest", card) in table.values else "a GPU")
    return "\n".join(_text(rows.to_dict("records"), int(counts.sum()), chain, card, cards, slowest, table.unknown))


def _hours_of(parts: Iterable[Part], apart: Mapping[str, Any]) -> float:
    """Return the GPU hours of the networks of some distributions or architectures."""
    of = [*apart.get("distributions", []), *apart.get("architectures", [])]
    return sum(part.gpu_hours for part in parts if {part.distribution, part.architecture} & set(of))


def _frame(parts: Iterable[Part]) -> pd.DataFrame:
    """Return parts as rows."""
    return pd.DataFrame([vars(part) for part in parts], columns=list(Part.__dataclass_fields__))


def _by_rule(parts: list[Part], counts: "pd.Series[int]", starting: float, processing: float) -> pd.DataFrame:
    """Return jobs and amounts of each rule; a job takes `starting` hours of a GPU, or else `processing` of a core."""
    sums = _frame(parts).groupby("rule")[AMOUNTS].sum()
    rules = pd.concat([sums, counts], axis=1).sort_index()
    rules[AMOUNTS] = rules[AMOUNTS].fillna(0.0)
    on_gpu = (rules["gpu_hours"] > 0) | (rules.index.str.startswith(ON_GPUS) & rules["jobs"].notna())
    jobs = rules["jobs"].fillna(0)
    rules["gpu_hours"] += starting * jobs * on_gpu
    rules["core_hours"] += processing * jobs * ~on_gpu
    return rules


def _text(
    rows: Sequence[Mapping[Hashable, Any]],
    jobs: int,
    chain: tuple[float, list[Part]],
    card: str,
    cards: int,
    slowest: float,
    unknown: set[str],
) -> Iterator[str]:
    """Yield the lines that a person reads; `rows` are those of the table. `slowest`: what rates may be too low by."""
    total, core_hours, disk = (sum(row[amount] for row in rows if row["part"] == "rule") for amount in AMOUNTS)
    space = f"{disk / 1e3:,.2f} TB" if disk >= 1e3 else f"{disk:,.0f} GB"
    yield f"{jobs:,} jobs, {_range(total, slowest)} {card} hours, {_short(core_hours)} CPU core hours, {space} of disk"
    walls = (
        f"{number}: {_time(max(total / number, chain[0]), slowest)}" for number in dict.fromkeys((1, cards, 8, 64))
    )
    yield f"at least, by number of {card}s: {'; '.join(walls)}"
    yield f"the longest run takes {_range(chain[0], slowest)} hours:"
    of_chain = (f"{part.rule} {part.distribution} {part.architecture} {part.gpu_hours:.1f}" for part in chain[1])
    yield "  " + ", ".join(of_chain)
    for part, title in (("rule", "by rule:"), ("figure", "by figure, each alone:")):
        last = "no training before" if part == "figure" else ""
        if listed := [row for row in rows if row["part"] == part]:
            yield f"{title:<28} {'jobs':>6} {'GPU-hours':>10} {'core-hours':>10} {'GB':>9}  {last}".rstrip()
        for row in listed:
            if max(row[amount] for amount in AMOUNTS) >= 0.05:
                count = "" if pd.isna(row["jobs"]) else row["jobs"]
                amounts = f"{row['gpu_hours']:>10,.1f} {row['core_hours']:>10,.1f} {row['disk_gb']:>9,.1f}"
                after = f"  {row['without_pretraining']:>18,.1f}" if part == "figure" else ""
                yield f"  {row['name']:<26} {count:>6} {amounts}{after}"
    if apart := [row for row in rows if row["part"] == "apart" and row["gpu_hours"]]:
        yield f"{'priced apart:':<35} {'GPU-hours':>10} {'leaves':>10}"
        for row in apart:
            yield f"  {row['name']:<33} {row['gpu_hours']:>10,.1f} {total - row['gpu_hours']:>10,.1f}"
    if evaluated := [row for row in rows if row["part"] == "variant"]:
        yield f"{'prediction, by variant:':<28} {'images':>9} {'GPU-hours':>10}"
        for row in evaluated:
            yield f"  {row['name']:<26} {row['images']:>9,} {row['gpu_hours']:>10,.1f}"
        yield f"  {'one complete evaluation':<26} {sum(row['images'] for row in evaluated):>9,}"
    if unknown:
        yield f"left out, because data/rates.csv has no rate of it: {'; '.join(sorted(unknown))}"


def _range(hours: float, slowest: float) -> str:
    """Return hours from those of the estimated rates to those of the slowest cited ones."""
    return _short(hours) if slowest == 1 else f"{_short(hours)} to {_short(hours * slowest)}"


def _time(hours: float, slowest: float) -> str:
    """Return a range of hours, as days where they are many."""
    days = hours >= 48
    return f"{_range(hours / 24 if days else hours, slowest)} {'days' if days else 'hours'}"


def _short(hours: float) -> str:
    """Return a number of hours, with a digit after the point where there are few."""
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.1f}"
