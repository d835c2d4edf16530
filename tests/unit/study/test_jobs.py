"""Every unit is made by exactly one rule, whatever goes together."""

import re

import pytest

from pretraining_robustness.study.jobs import jobs_of, unit_pattern

RUNS = [
    f"{task}/{method}/{distribution}/{architecture}/seed_{seed}"
    for distribution, seeds in [("imagenet", [0, 1]), ("fractals", [0]), ("inaturalist", [0])]
    for task in ("rib_a", "rib_r", "cameras")
    for method in ("full", "ewc")
    for architecture in ("resnet", "densenet")
    for seed in seeds
]
ANY = unit_pattern(
    ["rib_a", "rib_r", "cameras"], ["full", "ewc"], ["imagenet", "fractals", "inaturalist"], ["resnet", "densenet"]
)


def start(unit):
    return unit[:3]


def makers(jobs, unit):
    """The rules and groups that make a file of a unit, found as Snakemake finds them: by the pattern of the output."""
    found = []
    for one in jobs:
        for folder in one.folders:
            pattern = re.escape(folder).replace(r"\{group\}", f"(?P<group>{one.group})")
            if match := re.fullmatch(f"results/{pattern}/weights", f"results/{unit}/weights"):
                found.append((one, match["group"]))
    return found


@pytest.mark.parametrize(
    ("shared", "shapes", "jobs_needed"),
    [(None, 0, 48), (slice(0, 3), 2, 18), (slice(2, 5), 2, 16)],
)
def test_every_run_has_one_job(shared, shapes, jobs_needed):
    jobs = jobs_of(ANY, RUNS, shared, kept_apart=start)
    assert [one.suffix for one in jobs] == [*["_together", "_together_2"][:shapes], ""]
    made = {}
    for unit in RUNS:
        ((maker, group),) = makers(jobs, unit)
        assert unit in maker.units(group)
        made.setdefault((maker.suffix, group, maker.folders), set()).update(maker.units(group))
    assert sorted(unit for units in made.values() for unit in units) == sorted(RUNS)
    assert len(made) == jobs_needed


def test_a_run_that_the_study_does_not_need_is_a_job_of_its_own():
    jobs = jobs_of(ANY, RUNS, slice(0, 3))
    unit = "cameras/full/imagenet/resnet/seed_7"
    ((maker, group),) = makers(jobs, unit)
    assert (maker.suffix, maker.units(group)) == ("", [unit])
    assert makers(jobs, "cameras/full/imagnet/resnet/seed_0") == []


def test_paths_stand_in_the_order_of_units():
    (jobs,) = jobs_of(ANY, RUNS[:4], slice(0, 3))[:1]
    (paths,) = jobs.outputs({"files": ["a/{unit}/1", "a/{unit}/2"]}).values()
    assert paths[:2] == ["a/{group}/densenet/seed_0/1", "a/{group}/densenet/seed_0/2"]
