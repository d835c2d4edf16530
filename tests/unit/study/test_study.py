"""What the configuration asks for: the paper's numbers at full scale, the same experiments in the miniature."""

import itertools

from pretraining_robustness.study import labels, names, params, runs, show
from pretraining_robustness.study.study import Study


def test_full_study_has_the_papers_numbers(paper_config):
    study = Study(paper_config)
    assert {
        params.pretrain_recipe(study, "resnet50", f"imagenet_{size}k_equal_steps")["steps"] for size in (100, 5)
    } == {52650}
    assert "epochs" not in params.pretrain_recipe(study, "resnet50", "imagenet_5k_equal_steps")
    images = {
        name: params.distribution(study, name)["images"] for name in runs.series(study, "fig4") if name != "scratch"
    }
    assert images == {
        "imagenet_full": None,
        **{
            f"{source}_{size}k": size * 1000 for source in ("imagenet", "inaturalist") for size in (150, 100, 50, 25, 5)
        },
        **{f"imagenet_{size}k_equal_steps": size * 1000 for size in (100, 50, 25, 5)},
        "inaturalist_full": None,
    }
    for name in images:
        frequent = {"most_frequent": 1000} if name.startswith("inaturalist_") and not name.endswith("full") else {}
        assert params.distribution(study, name)["classes"] == frequent
        assert params.distribution(study, name)["balanced"] == (None if name.endswith("full") else "classes")
        assert paper_config["distributions"][name]["source"] in name


def test_training_from_scratch_may_have_a_recipe_of_its_own(config, paper_config):
    """In the full study; in the miniature all networks share one. A task's image size holds for both."""
    for told, rates in ((config, (0.002, 0.002)), (paper_config, (0.0005, 0.00003))):
        study = Study(told)
        (architecture, *_) = told["runs"]["architectures"]
        found = []
        for name in ("scratch", "imagenet_full"):
            run = runs.Run("iwildcam", "full", name, architecture, 0)
            found.append(params.finetuning(study, run)["recipe"])
        assert tuple(recipe["learning_rate"] for recipe in found) == rates
        assert {recipe["epochs"] for recipe in found} == {told["recipes"]["finetune"]["epochs"]}
        assert len({recipe["image_size"] for recipe in found}) == 1


def test_full_study_has_every_intervention_with_the_papers_numbers(paper_config):
    """Paper, sections 4.2 to 4.4; what its text leaves open is marked in the config."""
    study = Study(paper_config)
    shown = {
        figure: [name for name in runs.series(study, figure) if name != "scratch"]
        for figure in names.scored_figures(study)
    }
    declared = {name: params.distribution(study, name) for name in names.distributions(study)}
    granularity = [declared[name]["label_map"] for name in shown["fig5"] if declared[name]["label_map"]]
    assert [one["column"] for one in granularity] == ["depth7", "depth6", "depth5", "depth4", "depth2", "superclass"]
    semantics = {name: declared[name] for name in ("imagenet_animals", "imagenet_objects")}
    assert {one["images"] for one in semantics.values()} == {498_000}
    for figure, total, numbers in (("fig7", 60_000, (1000, 500, 400, 250, 100)), ("fig18", 300_000, (1000, 500, 250))):
        budget = [declared[name] for name in shown[figure] if name != "imagenet_full"]
        assert {one["images"] for one in budget} == {total}
        assert tuple(one["classes"]["random"] for one in budget) == numbers
    diversity = [declared[name] for name in shown["fig8"] if name != "imagenet_full"]
    assert {one["images"] for one in diversity} == {80_000}
    assert [one["classes"]["ratio"] for one in diversity] == [1.0, 0.67, 0.33] * 2
    assert [round(12 * one["classes"]["ratio"]) for one in diversity[:3]] == [12, 8, 4]
    seven = {"Plantae", "Insecta", "Mammalia", "Fungi", "Aves", "Reptilia", "Amphibia"}
    assert all(set(one["classes"]["superclasses"]) == seven for one in diversity[3:])
    assert paper_config["recipes"]["finetune"]["epochs"] == 12
    assert shown["fig3"] == ["imagenet_full"]


def test_full_study_has_every_family_of_the_paper(paper_config):
    families = {paper_config["architectures"][name]["family"] for name in paper_config["runs"]["architectures"]}
    assert families == {"ResNet", "ResNeXt", "DenseNet", "AlexNet", "MobileNetV3"}


def test_full_study_changes_scale_recipes_and_acquisition_but_not_the_experiments(config, paper_config):
    """But for one that only its recipe asks for, Figure 4 at equal steps; and it shows all methods of fine-tuning."""
    shown = {series for panel in paper_config["figures"]["fig_methods"]["panels"] for series in panel["series"]}
    methods = {series.partition("@")[2] or "full" for series in shown}
    trained = set(names.trained_methods(Study(paper_config)))
    assert methods >= trained
    del paper_config["distributions"]["imagenet_vits"]  # some of the methods need attention
    paper_config["figures"]["fig_methods"]["panels"] = config["figures"]["fig_methods"]["panels"]
    for panel in [panel for panel in paper_config["figures"]["fig4"]["panels"] if "equal steps" in panel["title"]]:
        paper_config["figures"]["fig4"]["panels"].remove(panel)
        for name in panel["series"]:
            if name.endswith("_equal_steps"):
                del paper_config["distributions"][name]
    for told in (config, paper_config):  # each is held against the paper at its own scale
        del told["tables"]["table7"]["expectations"]
    assert config["selection_seed"] == paper_config["selection_seed"]
    for same in ("label_maps", "distributions", "tables", "trends"):  # the full study has more of its own
        assert config[same] == {name: paper_config[same][name] for name in config[same]}
    own = set(paper_config["figures"]) - set(config["figures"])
    added = {name: paper_config["figures"].pop(name).get("task") for name in own}
    assert config["figures"] == paper_config["figures"]
    domains = set(itertools.permutations(("real", "sketch", "clipart", "painting"), 2))
    domains -= {("real", "sketch"), ("real", "clipart"), ("painting", "real")}  # the miniature has these
    pairs = {f"fig_g_{one}_{other}": f"domainnet_{one}_{other}" for one, other in domains}
    assert added.items() >= {"fig_fmow": "fmow", **pairs}.items()  # fMoW's images cannot be drawn


def test_miniature_keeps_images_per_class_whole(config):
    study = Study(config)
    classes = params.world(study, "imagenet")["classes"]
    for name in ("imagenet_150k", "imagenet_50k", "imagenet_25k", "imagenet_5k"):
        assert params.distribution(study, name)["images"] % classes == 0


def test_runs_shared_by_figures_are_one(config):
    study = Study(config)
    assert set(runs.runs(study, "fig2")) < set(runs.runs(study, "fig4"))
    assert runs.runs(study, "fig2", "fig3", "fig4") == runs.runs(study, "fig4")
    every = runs.runs(study, *names.scored_figures(study))
    assert len(every) == len(set(every))
    wild = [run for run in every if run.task == "iwildcam"]
    # Besides what is trained, scratch; of what is made, what only others are nested in is not trained.
    asked = {name for figure in names.scored_figures(study) for name in runs.series(study, figure)}
    twice = [name for name in asked if name.partition("@")[0] in config["runs"]["seeds_of"]]
    architectures = len(config["runs"]["architectures"])
    assert len(wild) == (len(asked) + len(twice)) * architectures
    pairs = {run.task for run in every} - {"iwildcam"}
    assert pairs == set(names.domain_pairs(study))
    assert len(every) - len(wild) == len(pairs) * 2 * 2 * architectures
    assert len(runs.runs(study, "fig4")) == (len(runs.series(study, "fig4")) + 2) * architectures


def test_a_distribution_may_have_seeds_of_its_own(config):
    study = Study(config)
    assert {run.seed for run in runs.series_runs(study, "iwildcam", "full", "scratch")} == {0, 1}
    assert {run.seed for run in runs.series_runs(study, "iwildcam", "full", "imagenet_25k")} == {0}


def test_left_out_distributions_are_in_no_figure(config):
    study = Study(config)
    assert not set(config["left_out"]) & set(runs.series(study, "fig4"))
    for panel in show.figure(study, "fig4")["panels"]:
        assert not set(config["left_out"]) & set(panel["series"])


def test_own_folders_are_never_scaled(config):
    config["sources"]["mine"] = {"format": "folder", "path": "pictures"}
    config["distributions"]["mine_500"] = {"source": "mine", "images": 500}
    assert params.distribution(Study(config), "mine_500")["images"] == 500


def test_labels_say_the_papers_number_and_the_miniatures(config, paper_config):
    assert labels.label(Study(config), "imagenet_60k_250_classes") == "250 classes of 240 images (here 12 of 50)"
    assert labels.label(Study(config), "imagenet_diversity_33").endswith(
        "4 subclasses per superclass (here 1, 800 images)"
    )
    assert labels.label(Study(paper_config), "imagenet_depth_2") == "ImageNet, 5 superclasses at WordNet depth 2"
    assert labels.label(Study(config), "imagenet_25k") == "ImageNet, 25,000 images (here 250)"
    assert labels.label(Study(paper_config), "imagenet_25k") == "ImageNet, 25,000 images"
    assert "1,281,167" in labels.label(Study(paper_config), "imagenet_full")


def test_overrides_of_an_architecture_reach_its_recipe_only(paper_config):
    study = Study(paper_config)
    assert params.pretrain_recipe(study, "alexnet", "imagenet_full")["learning_rate"] == 0.01
    assert params.pretrain_recipe(study, "resnet50", "imagenet_full")["learning_rate"] == 0.1
    assert "steps" not in params.pretrain_recipe(study, "resnet50", "imagenet_full")


def test_a_task_an_architecture_and_a_method_change_the_recipe_of_fine_tuning_in_this_order(paper_config):
    paper_config["methods"]["lp_ft"]["recipe"] = {"learning_rate": 0.5}
    study = Study(paper_config)
    assert params.finetune_recipe(study, "iwildcam", "resnet50")["image_size"] == 448
    assert params.finetune_recipe(study, "domainnet_real_sketch", "resnet50")["image_size"] == 224
    assert params.finetune_recipe(study, "domainnet_real_sketch", "clip_rn50x4")["image_size"] == 288
    assert params.finetune_recipe(study, "iwildcam", "clip_rn50")["learning_rate"] == 0.00001
    assert params.finetune_recipe(study, "iwildcam", "clip_rn50", "lp_ft")["learning_rate"] == 0.5


def test_series_of_methods_have_runs_and_names_of_their_own(config):
    study = Study(config)
    shown = runs.runs(study, "fig_methods")
    assert {run.method for run in shown} == {"full", "linear_probe", "lp_ft", "wise_ft_50", "soup", "greedy_soup"}
    assert shown[0].folder() == f"iwildcam/full/imagenet_full/{shown[0].architecture}/seed_0"
    assert names.methods(study)["wise_ft_25"]["alpha"] == 0.25
    assert len(names.methods(study)["wise_ft_held_out"]["alphas"]) == 11  # held-out images choose: one method
    assert (
        labels.label(study, "imagenet_full@wise_ft_50")
        == labels.label(study, "imagenet_full") + ", WiSE-FT, alpha = 0.5"
    )
    assert params.method(study, "lp_ft") == {"kind": "lp_ft", "probe_epochs": 2}


def test_a_figure_says_what_the_study_leaves_out_and_that_it_is_a_miniature(config, paper_config):
    miniature, full = show.figure(Study(config), "fig4"), show.figure(Study(paper_config), "fig4")
    left_out = ("imagenet_100k", "imagenet_50k", "inaturalist_100k", "inaturalist_50k")
    assert miniature["not_run"] == [labels.label(Study(config), name) for name in left_out]
    assert "not the paper's results" in miniature["note"]
    assert full["not_run"] == []
    assert full["note"] is None
