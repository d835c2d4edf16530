"""What a study costs: hours of graphics cards and processors, disk, and its longest chain, from a table of rates.

Needs no data and no card. The arithmetic is images x passes x milliseconds an image; the rates are those of
`data/rates.csv`, each measured or estimated, for an H100 and 224 x 224 pixels, and grow with the number of pixels.
Small networks have rates at 32 x 32 pixels, on each card its own: a card waits for the processor there, and a faster
one does not help.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.imagenet_rib import HELD_OUT
from pretraining_robustness.study.imagenet_rib import HEAD_TASK
from pretraining_robustness.study.names import DEFAULT_METHOD, PER_IMAGE, SCRATCH, START
from pretraining_robustness.study.runs import Run
from pretraining_robustness.study.show import Study

ALL = "all"  # in place of a split: every image of a store

PIXELS = 224  # side for which the rates of training are
SMALL_PIXELS, SMALL = 32, "training at 32 pixels"  # side and quantity of the rates of small networks on single cards
OWN_PIXELS = "open_clip"  # builder whose networks have rates at the size that they were made for, as `input: own` has
INFERENCE = 1 / 3  # of a training step: the forward pass alone
JPEG_PIXELS = 256
HOUR = 3.6e6  # milliseconds


ON_CARDS = ("finetune", "predict", "compare_networks")  # rules, and beginnings of others, whose jobs start on a card

Row = tuple[str, str, int | str, float, float, float]  # part, name, jobs or images, hours of a card, of a core, GB


@dataclass(frozen=True)
class Part:
    """One share of the costs of a rule, for one network or data set: hours of a card and of a core, GB of disk."""

    rule: str
    distribution: str
    architecture: str
    hours: float = 0.0
    gigabytes: float = 0.0
    run: Run | None = None
    core_hours: float = 0.0


class Rates:
    """The table of rates."""

    def __init__(self, path: str | Path) -> None:
        with open(path, newline="", encoding="utf-8") as file:
            self._values = {(row["quantity"], row["name"]): float(row["value"]) for row in csv.DictReader(file)}
        self.unknown: set[str] = set()

    def __call__(self, quantity: str, name: str) -> float:
        """Return a rate; 0 where none is known, which `unknown` then names."""
        if (quantity, name) not in self._values:
            self.unknown.add(f"{quantity}, {name}")
        return self._values.get((quantity, name), 0.0)

    def known(self, quantity: str, name: str) -> bool:
        """Whether the table has a rate."""
        return (quantity, name) in self._values

    def small(self, architecture: str, card: str) -> float | None:
        """Return the rate of a small network on a card; None where it has none of its own."""
        cards = {name.lower(): value for (quantity, name), value in self._values.items() if quantity == SMALL}
        return cards.get(f"{architecture} on {card}".lower())

    def images(self, task: str) -> float:
        """Return the images of all splits of a task."""
        named = [name for quantity, name in self._values if quantity == "images" and name.startswith(f"{task} ")]
        return sum(self("images", name) for name in named or [task])

    def card(self, name: str) -> float:
        """Return how many times an H100's time a card takes. Raises InputError for a card without a rate."""
        cards = {key[1].lower(): value for key, value in self._values.items() if key[0] == "card"}
        if name.lower() not in cards:
            known = ", ".join(name for quantity, name in self._values if quantity == "card")
            raise InputError(
                f"config plan.card: '{name}' has no rate; take one of {known}, or add it to data/rates.csv"
            )
        return cards[name.lower()]


class Costs:
    """The costs of a study on one kind of card.

    Args:
        study: the configuration.
        rates: the table.
        card: whose hours are given.
    """

    def __init__(self, study: Study, rates: Rates, card: str) -> None:
        self.study, self.rates, self.card, self.factor = study, rates, card, rates.card(card)

    def parts(self, *figures: str) -> list[Part]:
        """Return what the runs of some figures cost, a network that they share once."""
        return self.parts_of(self.study.runs(*figures))

    def parts_of(self, runs: Iterable[Run]) -> list[Part]:
        """Return what runs cost, with what they start from, a network that they share once."""
        runs = self._with_merged(runs)
        runs += sorted({head for run in runs if (head := self._head(run)) is not None})
        networks = sorted(
            {(run.distribution, run.architecture, run.seed) for run in runs if run.distribution != SCRATCH}
        )
        parts = [self._pretraining(*network) for network in networks]
        trained = [run for run in runs if run.method in self.study.trained_methods]
        parts += [*map(self._finetuning, trained), *map(self._prediction, runs)]
        sources = {self.study.config["distributions"][name]["source"] for name, _, _ in networks}
        trained_on = {name for name, _, _ in networks if not self.study.is_published(name)}
        sources |= {part for name in trained_on if (part := self.study.validation(name)) is not None}
        tasks = {run.task for run in runs}
        named = tasks | {store for task in tasks for store in self.study.test_stores(task)}
        stores = {self.study.task_collection(name) if name in self.study.tasks else name for name in named}
        parts += [part for name in sorted(sources | stores) for part in self._data(name)]
        return parts

    def by_test_set(self, runs: Iterable[Run]) -> dict[str, float]:
        """Return the hours of a card that the prediction of each store takes, that of no task's own."""
        hours: dict[str, float] = defaultdict(float)
        for run in self._with_merged(runs):
            for store, images in self._tested(run).items():
                if store != run.task:
                    each = INFERENCE * self._milliseconds(run.architecture, self.recipe(run))
                    hours[store] += images * each / HOUR
        return dict(hours)

    def evaluation(self) -> dict[str, float]:
        """Return how many images of each variant a complete evaluation of one network of ImageNet-RIB predicts."""
        tested = [one for task in self.study.variant_tasks for one in self.study.test_sets(task)]
        return {one["store"]: self.split(one["store"], one["split"]) for one in tested if one["name"] != HELD_OUT}

    def _head(self, run: Run) -> Run | None:
        """Return the run that gives a network ImageNet's head before it is fine-tuned on a variant, if one does."""
        method = self.study.given_head(run.distribution) if self.study.is_variant_task(run.task) else None
        return None if method is None else replace(run, task=HEAD_TASK, method=method)

    def _with_merged(self, runs: Iterable[Run]) -> list[Run]:
        """Return the runs, those whose weights they merge, and networks before fine-tuning that are predicted apart."""
        methods, found = self.study.methods, set()
        for run in runs:
            names = {run.method, *methods[run.method].get("of", [])} - {START}
            found |= {replace(run, method=name) for name in names}
            if self.study.is_variant_task(run.task):
                found.add(replace(run, task=self.study.start_task(run.task), method=START))
        return sorted(found)

    def _pretraining(self, distribution: str, architecture: str, seed: int) -> Part:
        rule = "pretrain"
        gigabytes = self._weights(architecture)
        if self.study.is_published(distribution):
            towers = self.study.architecture(architecture)["builder"] == OWN_PIXELS
            return Part(
                f"take_published_{'towers' if towers else 'weights'}", distribution, architecture, 0.0, gigabytes
            )
        objective = self.study.objective(distribution)["name"]
        recipe = self.study.pretrain_recipe(architecture, distribution)
        each = self._milliseconds(architecture, recipe)
        if objective == "self_supervised":
            each *= 2  # two views
        if objective == "image_text":
            rule = "pretrain_image_text"
            each += self.rates("training", "text network") * self.factor
        return Part(rule, distribution, architecture, seen(recipe, self.images(distribution)) * each / HOUR, gigabytes)

    def _finetuning(self, run: Run) -> Part:
        recipe = self.recipe(run)
        images, method = self.split(run.task, "train"), self.study.methods[run.method]
        whole = seen(recipe, images) * self._milliseconds(run.architecture, recipe)
        head_first = method.get("probe_epochs", 0) * images * self._milliseconds(run.architecture, recipe) * INFERENCE
        hours = (whole * INFERENCE if method["kind"] == "linear_probe" else whole + head_first) / HOUR
        gigabytes = recipe["epochs"] * self._weights(run.architecture)
        return Part("finetune", run.distribution, run.architecture, hours, gigabytes, run)

    def _prediction(self, run: Run) -> Part:
        each = INFERENCE * self._milliseconds(run.architecture, self.recipe(run))
        hours = sum(self._tested(run).values()) * each / HOUR
        return Part("predict", run.distribution, run.architecture, hours, 0.0, run)

    def _tested(self, run: Run) -> dict[str, float]:
        """Return how many images of each store are predicted, by all checkpoints of a run together."""
        checkpoints = self.recipe(run)["epochs"] if run.method in self.study.trained_methods else 1
        if run.method in self.study.methods and self.study.methods[run.method]["kind"] == PER_IMAGE:
            checkpoints = 2 + self.study.methods[run.method]["groups"]
        images: dict[str, float] = defaultdict(float)
        for one in self.study.test_sets(run.task):
            images[one["store"]] += checkpoints * self.split(one["store"], one["split"])
        return images

    def recipe(self, run: Run) -> dict[str, Any]:
        """Return the recipe of a run's fine-tuning."""
        method = DEFAULT_METHOD if run.method == START else run.method
        return self.study.finetune_recipe(run.task, run.architecture, method)

    def _data(self, collection: str) -> Iterable[Part]:
        """Yield what the images of a source or a task cost: archives, stores, and generated images."""
        spec = self.study.collection(collection)
        if spec["format"] == "published":
            return
        images = self._total(collection)
        if spec["format"] == "fractaldb":
            render = self.study.render(collection)
            supports = images / (render["instances"] * 4)
            yield Part("render_fractals", collection, "", 0.0, supports * render["size"] ** 2 / 8 / 1e9)
            return
        store = self.study.store(collection)
        each = 3 * store["size"] ** 2
        if store["encoding"] == "jpeg":
            each = self.rates("jpeg", "a stored picture of 256 px") * 1e3 * (store["size"] / JPEG_PIXELS) ** 2
        if store["encoding"] == "files":
            each = self._archive(collection) * 1e9 / max(images, 1.0)
        if spec["format"] != "stable_diffusion":
            if self.study.config["acquisition"] == "download":
                yield Part("acquire", collection, "", 0.0, self._archive(collection))
            decoding = images / (self.rates("decoding", "a core") or 1) / 3600
            yield Part("build_store", collection, "", 0.0, images * each / 1e9, core_hours=decoding)
            return
        plan = self.study.generate(collection)
        passes = plan["steps"] * (1 + plan.get("guided_part", 1.0))
        step = self.rates("training", "U-Net") * (plan["image_size"] / 512) ** 2 * self.factor
        yield Part("generate_images", collection, "", images * passes * step / HOUR, images * each / 1e9)
        yield Part("gather_generated", collection, "", 0.0, images * each / 1e9)

    def images(self, distribution: str) -> int:
        """Return how many images a distribution has at the study's scale."""
        declared = self.study.distribution(distribution)
        return int(declared["images"] or self._total(declared["source"]))

    def split(self, task: str, split: str) -> float:
        """Return how many images a split of a task, or of a source of test images, has at the study's scale."""
        spec = self.study.config["tasks"].get(task)
        if spec is None:
            if split == ALL:
                return self._total(task)
            return self.rates("images", f"{task} {split}") * self.study.scale(task)["images"]
        if "variant" in spec:
            return self._of_variant(task, split)
        if split == "train" and task in self.study.limited_tasks:
            return self.study.training_images(task)["count"]
        if "distribution" in spec:
            return self.images(spec["distribution"])
        if "pair_of" in spec:  # `train` and `id_test` in one domain, `test` in the other
            domain = spec["ood_domain" if split in ("val", "test") else "id_domain"]
            return self.rates("images", f"{domain} {'train' if split == 'train' else 'test'}") * self._scale(task)
        return self.rates("images", f"{task} {split}") * self._scale(task)

    def _of_variant(self, task: str, split: str) -> float:
        """Return how many images a split of a task of ImageNet-RIB has."""
        spec = self.study.config["tasks"][task]
        variant, held_out, subset = spec["variant"], spec.get("held_out", 0.0), spec.get("subset", {})
        images = self.split(variant, self.study.imagenet_rib["variants"][variant].get("split", ALL))
        if split != "train":
            return images * (held_out if split == "id_val" else 1.0)
        most = [(1 - held_out) * images, float(spec.get("train_images", images))]
        if subset.get("equal") == "epochs":
            most.append(float(subset["images_per_class"] * self.study.collection(task)["classes"]))
        return min(most)

    def _scale(self, collection: str) -> float:
        spec = self.study.collection(collection)
        name = "domain_images" if "domains" in spec else "task_images"
        return float(self.study.scale(collection)[name])

    def _total(self, collection: str) -> float:
        is_task = collection in self.study.config["tasks"]
        factor = self._scale(collection) if is_task else self.study.scale(collection)["images"]
        images = self.study.collection(collection).get("images") or self.rates.images(collection)
        return float(images) * factor

    def _archive(self, collection: str) -> float:
        """Return the GB of a collection's archives: those that the config states, or the table."""
        name = collection
        if folder := self.study.format(collection).folder:
            name = folder
            if self.study.archives.get(name) != collection:  # they count for the first that reads them
                return 0.0
        files = self.study.config.get("downloads", {}).get(name, {}).get("files", {})
        sizes = [file.get("bytes") for file in files.values()]
        return sum(sizes) / 1e9 if sizes and all(sizes) else self.rates("archive", collection)

    def _weights(self, architecture: str) -> float:
        own = self.rates.known("weights", architecture)
        return self.rates("weights", architecture if own else self._name(architecture)) / 1e3

    def _name(self, architecture: str) -> str:
        spec = self.study.architecture(architecture)
        return str(spec["arguments"].get("model", spec["builder"])).partition(".")[0]  # timm's tags are of weights

    def _milliseconds(self, architecture: str, recipe: Mapping[str, Any]) -> float:
        """Return what an image of a training step takes on the card."""
        small = self.rates.small(architecture, self.card)
        if small is not None:
            return small * float((recipe["image_size"] / SMALL_PIXELS) ** 2)
        own = self.study.architecture(architecture)["builder"] == OWN_PIXELS or recipe.get("input") == "own"
        pixels = 1.0 if own else (recipe["image_size"] / PIXELS) ** 2
        return self.rates("training", self._name(architecture)) * pixels * self.factor


def seen(recipe: Mapping[str, Any], images: float) -> float:
    """Return how many images a training of `images` sees: all in each epoch, or a batch in each step."""
    if recipe.get("epochs") is not None:
        return float(recipe["epochs"] * images)
    return float(recipe["steps"] * min(recipe["batch_size"], images))


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
            chains[part.run].append(part)
    for run, chain in chains.items():
        if (run.distribution, run.architecture) in before:
            chain.insert(0, before[run.distribution, run.architecture])
    return max(
        ((sum(part.hours + starting for part in chain), chain) for chain in chains.values()),
        key=lambda found: found[0],
        default=(0.0, []),
    )


def estimate_costs(
    *,
    config: Mapping[str, Any],
    rates: str | Path,
    jobs: str | Path,
    card: str,
    cards: int,
    costs: str | Path,
) -> str:
    """Write what a study costs as CSV, and return it as text.

    Args:
        config: a study's checked configuration.
        rates: `data/rates.csv`.
        jobs: how many jobs each rule has, as `plan.jobs` writes it.
        card: name of a card in the table.
        cards: how many of them work at a time.
        costs: CSV to write: part (rule, figure, variant, architecture, distribution), name, jobs, gpu_hours,
            core_hours, disk_gb, images. A figure's row is what it needs alone; figures share most of it; so is that of
            the target imagenet_rib. A variant's is what the prediction of its images takes, of all of ImageNet-RIB,
            and how many of them one evaluation of a network predicts.

    Raises:
        InputError: for a card without a rate.
    """
    study = Study(dict(config))
    table = Rates(rates)
    whole = Costs(study, table, card)
    with open(jobs, newline="", encoding="utf-8") as file:
        counts = {row["rule"]: int(row["jobs"]) for row in csv.DictReader(file)}
    variants = study.rib_runs()
    parts = whole.parts_of([*study.runs(*study.scored_figures), *variants])
    compiled = any(recipe["compile"] for recipe in config["recipes"].values())
    starting = table("starting", "a GPU job" if compiled else "a job that compiles nothing") / 3600
    on_cards = {part.rule for part in parts if part.hours} | {rule for rule in counts if rule.startswith(ON_CARDS)}
    hours, core_hours, disk = (
        defaultdict[str, float](float),
        defaultdict[str, float](float),
        defaultdict[str, float](float),
    )
    for part in parts:
        hours[part.rule] += part.hours
        core_hours[part.rule] += part.core_hours
        disk[part.rule] += part.gigabytes
    for rule, number in counts.items():
        if rule in on_cards:
            hours[rule] += starting * number
        else:
            core_hours[rule] += table("processing", "a job without a card") / 60 * number
    total, chain = sum(hours.values()), longest_chain(parts, starting)
    rows: list[Row] = [
        ("rule", rule, counts.get(rule, ""), hours[rule], core_hours[rule], disk[rule])
        for rule in sorted({*counts, *hours})
    ]
    targets = {figure: study.runs(figure) for figure in study.scored_figures}
    for figure, runs in {**targets, **({"imagenet_rib": variants} if variants else {})}.items():
        own = whole.parts_of(runs)
        sums = [sum(getattr(part, of) for part in own) for of in ("hours", "core_hours", "gigabytes")]
        rows.append(("figure", figure, "", *sums))
    evaluated, predicted = whole.evaluation(), whole.by_test_set(variants)
    rows += [
        ("variant", study.variant_label(store), round(images), predicted.get(store, 0.0), 0.0, 0.0)
        for store, images in evaluated.items()
    ]
    for kind in ("architecture", "distribution"):
        shares: dict[str, float] = defaultdict(float)
        for part in parts:
            shares[getattr(part, kind)] += part.hours
        dearest_first = sorted(shares.items(), key=lambda item: -item[1])
        rows += [(kind, name, "", share, 0.0, 0.0) for name, share in dearest_first if name and share]
    with atomic_path(costs) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "name", "jobs", "gpu_hours", "core_hours", "disk_gb", "images"])
        for kind, name, count, *amounts in rows:
            jobs_and_images = ("", count) if kind == "variant" else (count, "")
            numbers = (f"{value:.2f}" for value in amounts)
            writer.writerow([kind, name, jobs_and_images[0], *numbers, jobs_and_images[1]])
    return "\n".join(_text(rows, counts, total, chain, card, cards, table.unknown))


def _text(
    rows: list[Row],
    counts: Mapping[str, int],
    total: float,
    chain: tuple[float, list[Part]],
    card: str,
    cards: int,
    unknown: set[str],
) -> Iterable[str]:
    of_rules = [row for row in rows if row[0] == "rule"]
    core_hours, disk = sum(row[4] for row in of_rules), sum(row[5] for row in of_rules)
    space = f"{disk / 1e3:,.2f} TB" if disk >= 1e3 else f"{disk:,.0f} GB"
    yield (
        f"{sum(counts.values()):,} jobs, {_short(total)} hours of {card}, {_short(core_hours)} of processor cores, "
        f"{space} of disk"
    )
    wall = max(total / cards, chain[0])
    least = f"{wall / 24:,.1f} days" if wall >= 48 else f"{wall:.1f} hours"
    yield f"with {cards} x {card} at least {least}; the longest run takes {chain[0]:,.1f} hours:"
    yield "  " + ", ".join(f"{part.rule} {part.distribution} {part.architecture} {part.hours:.1f}" for part in chain[1])
    for part, title in (
        ("rule", "by rule:"),
        ("figure", "by figure, each alone:"),
    ):
        if not any(row[0] == part for row in rows):
            continue
        yield f"{title:<28} {'jobs':>6} {'GPU-hours':>10} {'core-hours':>10} {'GB':>9}"
        for kind, name, jobs, hours, cores, gigabytes in rows:
            if kind == part and max(hours, cores, gigabytes) >= 0.05:
                yield f"  {name:<26} {jobs:>6} {hours:>10,.1f} {cores:>10,.1f} {gigabytes:>9,.1f}"
    if evaluated := [row for row in rows if row[0] == "variant"]:
        images = sum(int(row[2]) for row in evaluated)
        yield f"{'prediction, by variant:':<28} {'images':>9} {'GPU-hours':>10}"
        for row in evaluated:
            yield f"  {row[1]:<26} {row[2]:>9,} {row[3]:>10,.1f}"
        yield f"  {'one complete evaluation':<26} {images:>9,}"
    yield "what would cut the costs at the same recipes, if it were left out:"
    for kind in ("architecture", "distribution"):
        dearest = [row for row in rows if row[0] == kind][:5]
        yield f"  {kind}: " + ", ".join(
            f"{row[1]} {_short(row[3])} h ({row[3] / total:.0%})" for row in dearest if total
        )
    if unknown:
        yield f"left out, because data/rates.csv has no rate of it: {'; '.join(sorted(unknown))}"


def _short(hours: float) -> str:
    """Return a number of hours, with a digit after the point where there are few."""
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.1f}"
