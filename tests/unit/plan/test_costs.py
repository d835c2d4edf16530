import copy
import csv
import math
import re
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.errors import InputError
from pretraining_robustness.plan.costs import Costs, seen
from pretraining_robustness.plan.estimate_costs import estimate_costs, longest_chain
from pretraining_robustness.plan.rates import Rates
from pretraining_robustness.study import names, runs, show
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.shorthand import leave_out, replace_sections, write_out
from pretraining_robustness.study.study import Study


@pytest.fixture
def rates(repository) -> Rates:
    return Rates(repository / "data/rates.csv")


def hours(parts, rule: str) -> float:
    return sum(part.gpu_hours for part in parts if part.rule == rule)


@pytest.fixture
def reviewed(paper_config) -> dict:
    """The full study as its costs were first worked out by hand: with the experiments and settings of then."""
    panels = paper_config["figures"]["fig4"]["panels"]
    panels[:] = [panel for panel in panels if "equal steps" not in panel["title"]]
    paper_config["sources"]["stable_diffusion"]["generate"]["guided_part"] = 0.5
    for name in ("fig_fmow", "fig_e_published", "fig_repeated"):
        del paper_config["figures"][name]
    del paper_config["recipes"]["scratch"]["passes"]
    pairs = ("fig_g_real_sketch", "fig_g_real_clipart", "fig_g_painting_real")
    for name in [name for name in paper_config["figures"] if name.startswith("fig_g_") and name not in pairs]:
        del paper_config["figures"][name]
    paper_config["tasks"]["domainnet"]["finetune"]["image_size"] = 448
    paper_config["tasks"]["iwildcam"]["test_sets"] = {"id_test": {"role": "id"}, "test": {"role": "ood"}}
    for name in [name for name, figure in paper_config["figures"].items() if "@" in str(figure)]:
        del paper_config["figures"][name]
    return paper_config


def test_the_full_study_costs_what_was_worked_out_by_hand(reviewed, rates) -> None:
    """Images x passes x milliseconds, from the sum over the nine networks: 2.247 ms an image on an H100."""
    study = Study(reviewed)
    parts = Costs(study, rates, "H100").parts(runs.runs(study, *names.scored_figures(study)))
    each = 2.247 / 3.6e6
    assert hours(parts, "pretrain") == pytest.approx(810 + 160, rel=0.01)
    assert hours(parts, "pretrain_image_text") == pytest.approx(1.456e6 * 32 * (each + 9 * 0.06 / 3.6e6), rel=0.01)
    domains = [part for part in parts if part.run and part.run.task != "iwildcam"]
    wild = [part for part in parts if part.run and part.run.task == "iwildcam"]
    assert hours(wild, "finetune") == pytest.approx(163 + 6, rel=0.03)
    assert hours(wild, "predict") == pytest.approx(21 + 1, rel=0.05)
    assert hours(domains, "finetune") == pytest.approx(17.5, rel=0.01)
    assert hours(parts, "generate_images") == pytest.approx(38, rel=0.01)
    jobs = 1318 * 60 / 3600
    assert sum(part.gpu_hours for part in parts) + jobs == pytest.approx(1280, rel=0.01)
    assert sum(part.disk_gb for part in parts) == pytest.approx(1650, rel=0.03)
    assert not rates.unknown


@pytest.mark.parametrize(("predicted", "epochs", "shown"), [("all", 10, "all"), ("last", 1, "one")])
def test_imagenet_rib_costs_what_its_images_cost(
    paper_config, rates, repository, predicted: str, epochs: int, shown: str
) -> None:
    """ViT-B/16 by full fine-tuning on seven variants, of ImageNet-C all renderings of an image or one per epoch."""
    overlay = yaml.safe_load((repository / "data/studies/imagenet_rib.yaml").read_text(encoding="utf-8"))
    update_config(paper_config, overlay)
    spec = paper_config["imagenet_rib"]
    assert spec["predicted"] == "last"
    spec |= {
        "networks": ["rib_laion2b"],
        "methods": ["full"],
        "without": {},
        "unlimited": False,
        "predicted": predicted,
        "renderings": shown,
    }
    paper_config["figures"] = {"fig_rib_bars": {**overlay["figures"]["fig_rib_bars"], "methods": ["full"]}}
    paper_config["tables"] = {}
    write_out(paper_config)
    study = Study(paper_config)
    costs = Costs(study, rates, "H100")
    each = 0.5 / 3.6e6
    tested = 7 * epochs + 1  # after those epochs on every variant, and once before
    by_variant = costs.by_test_set(runs.rib_runs(study))
    assert by_variant["imagenet_c"] == pytest.approx(tested * 3.75e6 * each / 3)
    assert by_variant["objectnet"] == pytest.approx(tested * 18574 * each / 3)
    assert sum(costs.evaluation().values()) == 4_016_963
    parts = costs.parts(runs.rib_runs(study))
    assert hours(parts, "predict") == pytest.approx(sum(by_variant.values()))
    trained_on = 10000 + 7500 + 30000 + 50889 + 50000 + 50000 + {"all": 3750000, "one": 50000}[shown]
    finetuned = [part for part in parts if part.rule == ("finetune" if predicted == "all" else "finetune_last")]
    assert sum(part.gpu_hours for part in finetuned) == pytest.approx(10 * trained_on * each)
    # Decoded in every epoch; the test images once for all seven variants, whose job is one, and once for the start.
    assert sum(part.core_hours for part in finetuned) == pytest.approx(10 * trained_on / 1000 / 3600)
    decoded = sum(part.core_hours for part in parts if part.rule == "predict")
    assert decoded == pytest.approx(2 * 4_016_963 / 1000 / 3600)
    assert sum(part.disk_gb for part in finetuned) == pytest.approx(7 * epochs * 0.346, rel=0.01)
    assert not rates.unknown


@pytest.mark.parametrize(
    ("studies", "unknown"),
    [
        (["paper"], set()),
        (["paper", "imagenet_rib", "imagenet_rib_held_out"], set()),
        (["paper", "imagenet_rib", "imagenet_rib_laion_c"], {"archive, laion_c", "images, laion_c"}),  # nobody says
        (["tiny"], set()),
    ],
)
def test_every_study_has_rates(config, rates, repository, studies: list[str], unknown: set[str]) -> None:
    for name in studies:
        overlay = yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8"))
        update_config(config, overlay)
        replace_sections(config, overlay)
    leave_out(config)
    write_out(config)
    study = Study(config)
    parts = Costs(study, rates, "H100").parts([*runs.runs(study, *names.scored_figures(study)), *runs.rib_runs(study)])
    assert rates.unknown == unknown
    free = {
        (part.rule, part.architecture) for part in parts if part.rule in ("finetune", "predict") and not part.gpu_hours
    }
    assert free == set()


def test_what_is_left_out_saves_the_share_that_is_said(paper_config, rates) -> None:
    def total(study: Study) -> float:
        return sum(
            part.gpu_hours for part in Costs(study, rates, "H100").parts(runs.runs(study, *names.scored_figures(study)))
        )

    study = Study(paper_config)
    whole, parts = total(study), Costs(study, rates, "H100").parts(runs.runs(study, *names.scored_figures(study)))
    share = sum(part.gpu_hours for part in parts if part.architecture == "densenet161")
    assert share == pytest.approx(0.31 * whole, rel=0.1)  # 0.70 of the 2.25 ms that an image takes of all nine
    paper_config["runs"]["architectures"].remove("densenet161")
    assert total(Study(paper_config)) == pytest.approx(whole - share)


@pytest.fixture
def planned(config, repository, tmp_path: Path):
    """Return a function that plans studies: the text, and the rows of the table by part and name."""

    def plan(*studies: str, **jobs: int) -> tuple[str, dict[tuple[str, str], dict[str, str]]]:
        whole = copy.deepcopy(config)
        for name in studies:
            update_config(whole, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8")))
        leave_out(whole)
        write_out(whole)
        check_config(whole, repository)
        counts = "".join(f"{rule},stage,{count}\n" for rule, count in jobs.items())
        (tmp_path / "jobs.csv").write_text(f"rule,stage,jobs\n{counts}", encoding="utf-8")
        files = {"rates": repository / "data/rates.csv", "jobs": tmp_path / "jobs.csv", "costs": tmp_path / "costs.csv"}
        text = estimate_costs(config=whole, **files, **whole["plan"])
        with open(tmp_path / "costs.csv", newline="", encoding="utf-8") as file:
            return text, {(row["part"], row["name"]): row for row in csv.DictReader(file)}

    return plan


def test_hours_are_ranges_and_what_is_ours_is_priced_apart(planned) -> None:
    """By hand: 2.247 ms an image of all nine networks, 0.699 of DenseNet-161; the slowest cited rate is 1.56 times."""
    text, rows = planned("paper", finetune=767, pretrain=387)
    total = sum(float(row["gpu_hours"]) for (part, _), row in rows.items() if part == "rule")
    assert f"1,154 jobs, {total:,.0f} to {total * 1.56:,.0f} H100 hours" in text
    assert f"1: {total / 24:.1f} to {total / 24 * 1.56:.1f} days; 8: {total / 192:.1f} to" in text
    chain = 1281167 * 100 * 2 * 0.6992 / 3.6e6
    tuned, tested = 129809 * 12 * 4 * 0.6992 / 3.6e6, 73220 * 12 * 4 / 3 * 0.6992 / 3.6e6
    assert f"the longest run takes {chain + tuned + tested + 0.05:.1f} to" in text
    simclr = float(rows["apart", "SimCLR (ours)"]["gpu_hours"])
    probed = tuned / 3 + tested  # only the head is trained
    assert simclr == pytest.approx((chain + tuned + tested + probed) * 2.247 / 0.6992, rel=1e-3)
    assert re.search(rf"SimCLR \(ours\) +{simclr:.1f} +{total - simclr:,.1f}", text)
    fig2 = rows["figure", "fig2"]
    assert float(fig2["without_pretraining"]) < float(fig2["gpu_hours"])


def test_the_lean_study_costs_two_thirds_and_says_so(planned, config, paper_config, repository) -> None:
    both = [planned(*studies)[1].items() for studies in (["paper"], ["paper", "paper_lean"])]
    whole, lean = (sum(float(row["gpu_hours"]) for (part, _), row in rows if part == "rule") for rows in both)
    assert lean < whole * 2 / 3
    update_config(paper_config, yaml.safe_load((repository / "data/studies/paper_lean.yaml").read_text("utf-8")))
    assert {show.table(Study(paper_config), name)["note"] for name in paper_config["tables"]} == {
        paper_config["remark"]
    }


def test_imagenet_rib_takes_at_most_600_hours_without_pre_training(planned) -> None:
    """2,836 runs: 473 hours of prediction, 1.4 % more for answers among all classes (56,074 of 4,016,963 images), 60 of
    fine-tuning; and 28 hours in which jobs start."""
    _, rows = planned("paper", "imagenet_rib", finetune_last=1617)
    alone = float(rows["figure", "imagenet_rib"]["without_pretraining"])
    assert alone == pytest.approx(473 * (1 + 56074 / 4016963) + 60, rel=0.01)
    assert alone + 1700 / 60 < 600


def test_networks_of_one_job_decode_together_as_far_as_a_card_holds_them(paper_config, rates, repository) -> None:
    update_config(paper_config, yaml.safe_load((repository / "data/studies/imagenet_rib.yaml").read_text("utf-8")))
    write_out(paper_config)
    study = Study(paper_config)
    one = [run for run in runs.rib_runs(study) if run.distribution == "rib_laion2b"]
    passes = Costs(study, rates, "H100")._decoding_runs(one)
    merged = [run for run in one if run.method == "dawin"]
    assert sum(passes.values()) == 2 * len(merged) + math.ceil((len(one) - len(merged)) * 0.346 / 40) == 14 + 2


def test_another_card_takes_longer(paper_config, rates) -> None:
    study = Study(paper_config)
    totals = {
        card: sum(part.gpu_hours for part in Costs(study, rates, card).parts(runs.runs(study, "fig2")))
        for card in ("h100", "A100")
    }
    assert totals["A100"] == pytest.approx(1.76 * totals["h100"])
    with pytest.raises(InputError, match=r"plan\.card: 'V100' has no rate; take one of H100"):
        Costs(study, rates, "V100")


def test_a_figure_needs_its_own_and_what_figures_share_counts_once(paper_config, rates) -> None:
    study = Study(paper_config)
    costs = Costs(study, rates, "H100")
    two, four, both = (
        sum(part.gpu_hours for part in costs.parts(runs.runs(study, *figures)))
        for figures in (["fig2"], ["fig4"], ["fig2", "fig4"])
    )
    assert two < four == pytest.approx(both)


def test_a_training_in_steps_costs_its_steps() -> None:
    assert seen({"epochs": 90, "batch_size": 256}, 5000) == 450_000
    assert seen({"steps": 10, "batch_size": 256}, 5000) == 2560
    assert seen({"steps": 10, "batch_size": 256}, 100) == 1000


def test_the_longest_chain_is_a_pre_training_with_what_follows(paper_config, rates) -> None:
    study = Study(paper_config)
    length, chain = longest_chain(
        Costs(study, rates, "H100").parts(runs.runs(study, *names.scored_figures(study))), 1 / 60
    )
    assert [part.rule for part in chain] == ["pretrain", "finetune", "predict"]
    assert {(part.distribution, part.architecture) for part in chain} == {("self_supervised", "densenet161")}
    assert length == pytest.approx(sum(part.gpu_hours for part in chain) + 3 / 60)


def test_the_table_has_rules_figures_and_shares_and_names_what_has_no_rate(config, repository, tmp_path: Path) -> None:
    config["architectures"]["unheard"] = config["architectures"]["densenet22"]
    config["runs"]["architectures"].append("unheard")
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("rule,stage,jobs\npretrain,pretrain,30\nbuild_store,store,2\n", encoding="utf-8")
    text = estimate_costs(
        config=config,
        rates=repository / "data/rates.csv",
        jobs=jobs,
        card="H100",
        cards=2,
        costs=tmp_path / "costs.csv",
    )
    assert text.startswith("32 jobs, ")
    assert "no rate of it: " in text
    assert "training, DenseNet" in text
    with open(tmp_path / "costs.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows if row["part"] == "figure"} == set(names.scored_figures(Study(config)))
    assert next(row for row in rows if row["name"] == "pretrain")["jobs"] == "30"


def test_a_part_of_imagenet_c_costs_its_part_and_is_named(paper_config, rates, repository, tmp_path: Path) -> None:
    for name in ("imagenet_rib", "imagenet_rib_severity_3"):
        overlay = yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8"))
        update_config(paper_config, overlay)
    write_out(paper_config)
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("rule,stage,jobs\npredict,evaluate,2\npredict_before,evaluate,3\n", encoding="utf-8")
    text = estimate_costs(
        config=paper_config,
        rates=repository / "data/rates.csv",
        jobs=jobs,
        card="H100",
        cards=8,
        costs=tmp_path / "costs.csv",
    )
    assert "ImageNet-C (severity 3)      750,000" in text
    assert "one complete evaluation    1,016,963" in text
    with open(tmp_path / "costs.csv", newline="", encoding="utf-8") as file:
        rows = {(row["part"], row["name"]): row for row in csv.DictReader(file)}
    assert float(rows["rule", "predict_before"]["gpu_hours"]) == pytest.approx(3 / 60)  # a start on a card each
    alone = float(rows["figure", "imagenet_rib"]["gpu_hours"])
    assert alone > float(rows["variant", "ImageNet-C (severity 3)"]["gpu_hours"]) > 0


def tiny_study(config: dict, repository: Path) -> Study:
    own = yaml.safe_load((repository / "data/studies/tiny.yaml").read_text(encoding="utf-8"))
    update_config(config, own)
    replace_sections(config, own)
    leave_out(config)
    write_out(config)
    return Study(config)


def test_imagenet_rib_on_cifar_costs_what_its_images_cost(config, rates, repository) -> None:
    """Two networks, three methods, three shifted sets of which 1,200 images are fine-tuned on and a fifth held out."""
    study = tiny_study(config, repository)
    costs = Costs(study, rates, "core")
    each = 0.163 / 3.6e6
    tuned = [run for run in runs.rib_runs(study) if run.architecture == "resnet10"]
    assert len(tuned) == 2 * 3 * 3
    parts = [part for part in costs.parts(tuned) if part.architecture == "resnet10"]
    whole, probe = 12 * 1200 * each, 12 * 1200 * each / 3
    first = config["methods"]["lp_ft"]["probe_epochs"] * 1200 * each / 3
    assert hours(parts, "finetune") == pytest.approx(2 * 3 * (whole + probe + whole + first))
    assert costs.evaluation() == {"cifar10": 10_000, "cifar10_1": 2000, "cifar10_2": 2000, "cinic10": 70_000}
    # Every epoch of each method on all sets, and once before; and on the held-out images of each one's own.
    tested = 2 * (3 * 3 * 12 * 84_000 + 84_000 + 3 * 12 * (400 + 400 + 14_000) + 400)
    assert hours(parts, "predict") == pytest.approx(tested * each / 3, rel=1e-3)
    assert not rates.unknown


def test_small_networks_cost_what_they_take_on_each_card(config, rates, repository) -> None:
    """Images x steps x the rate at 32 pixels, whatever the factor of the card; archives as large as they are stated."""
    study = tiny_study(config, repository)
    for card, each in (("core", 0.163), ("H100", 0.039)):
        parts = Costs(study, rates, card).parts(runs.runs(study, "fig2"))
        one = next(part for part in parts if (part.rule, part.architecture) == ("pretrain", "resnet10"))
        assert one.gpu_hours == pytest.approx(20_000 * 128 * each / 3.6e6)
        tuned = next(part for part in parts if (part.rule, part.architecture) == ("finetune", "resnet10"))
        assert tuned.gpu_hours == pytest.approx(12 * 4000 * each / 3.6e6)
        tested = next(part for part in parts if (part.rule, part.architecture) == ("predict", "resnet10"))
        assert tested.gpu_hours == pytest.approx(12 * (10_000 + 2000 + 2000 + 70_000) * each / 3 / 3.6e6)
    stated = {part.distribution: part.disk_gb for part in parts if part.rule == "acquire"}
    assert sum(stated.values()) == pytest.approx(0.248 + 0.170 + 0.006 + 0.006 + 0.688, abs=0.001)
    assert not rates.unknown
