"""What is refused of a configuration: each once, with its key, the file and line where it stands, and what to do."""

import copy

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.errors import InputError
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.shorthand import leave_out, replace_sections, take_out, write_out

# The study (a name of BASES) | what its last file says | the key that is named | how the remedy begins; ¶ is a new line
REFUSED = """
# unknown key
- | figurs: {} |  | did you mean 'figures'?
- | store: {sise: 3} | store | did you mean 'size'?
- | scale: {imagess: 1} | scale | did you mean 'images'?
- | sources: {imagenet: {pth: x}} | sources.imagenet | did you mean 'path'?
- | sources: {fractaldb: {search: {sed: 1}}} | sources.fractaldb.search | did you mean 'seed'?
- | sources: {stable_diffusion: {generate: {step: 6}}} | sources.stable_diffusion.generate | did you mean 'steps'?
- | sources: {stable_diffusion: {training: {unet_chanels: [1]}}} | sources.stable_diffusion.training | did you mean 'une
- | tasks: {iwildcam: {predicted: last}} | tasks.iwildcam.predicted | write all
- | tasks: {iwildcam: {test_set: {}}} | tasks.iwildcam | did you mean 'test_sets'?
- | tasks: {iwildcam: {test_sets: {test: {rol: id}}}} | tasks.iwildcam.test_sets.test | did you mean 'role'?
- | tasks: {iwildcam: {plots: {odd: x}}} | tasks.iwildcam.plots | did you mean 'ood'?
- | label_maps: {breeds: {colum: x}} | label_maps.breeds | did you mean 'column'?
- | distributions: {imagenet_5k: {clases: {}}} | distributions.imagenet_5k | did you mean 'classes'?
- | runs: {seed: [0]} | runs | did you mean 'seeds'?
- | architectures: {resnet10: {bilder: x}} | architectures.resnet10 | did you mean 'builder'?
- | architectures: {resnet10: {pretrain: {learning_rat: 1.0}}} | architectures.resnet10.pretrain | did you mean 'learnin
- | methods: {lp_ft: {probe_epoch: 1}} | methods.lp_ft | did you mean 'probe_epochs'?
- | methods: {soup: {ofs: []}} | methods.soup | did you mean 'of'?
- | objectives: {image_text: {tex: {}}} | objectives.image_text | did you mean 'text'?
- | recipes: {finetune: {learning_rat: 1}} | recipes.finetune | did you mean 'learning_rate'?
- | recipes: {finetune: {augmentation: {crp: none}}} | recipes.finetune.augmentation | did you mean 'crop'?
- | resources: {finetune: {thread: 1}} | resources.finetune | did you mean 'threads'?
- | resources: {finetun: {threads: 1}} | resources | did you mean 'finetune'?
- | figures: {fig4: {panel: []}} | figures.fig4 | did you mean 'panels'?
- | figures: {fig4: {panels: [{title: a, serie: [scratch]}]}} | figures.fig4.panels.0 | did you mean 'series'?
- | figures: {fig9: {task: iwildcam}} | figures.fig9 | known are: title, kind, seed, panels
- | figures: {fig1: {sead: 1}} | figures.fig1 | known are: title, kind
- | tables: {table4: {scal: probit}} | tables.table4 | did you mean 'scale'?
rib | imagenet_rib: {method: [full]} | imagenet_rib | did you mean 'methods'?
rib | imagenet_rib: {variants: {imagenet_a: {lable: x}}} | imagenet_rib.variants.imagenet_a | did you mean 'table'?
rib | figures: {fig_rib_crossing: {panel: []}} | figures.fig_rib_crossing | did you mean 'panels'?
paper | downloads: {imagenet: {hom: x}} | downloads.imagenet | did you mean 'home'?
paper | downloads: {imagenet: {files: {a.tar: {sha: x}}}} | downloads.imagenet.files.a.tar | did you mean 'sha256'?
rib | figures: {fig_rib_bars: {kind: rib_bars, title: x, network: [scratch]}} | figures.fig_rib_bars | did you mean 'net
# wrong type or value
- | recipes: {pretrain: {learning_rate: 1e-3}} | recipes.pretrain.learning_rate | write 1.0e-3
- | study: 2017 | study | put it in quotes
- | sources: | sources | write one
- | study: My-Study | study | write lower-case letters, digits and underscores: my_study
- | study: 2nd run | study | write lower-case letters, digits and underscores: the_2nd_run
- | acquisition: drew | acquisition | did you mean 'draw'?
- | scale: {images: 2} | scale.images | give 1 or less
- | scale: {images: 0} | scale.images | give more than 0
- | selection_seed: -1 | selection_seed | give 0 or more
- | recipes: {pretrain: {batch_size: 1e-1}} | recipes.pretrain.batch_size | write one
- | selection_seed: 1.5 | selection_seed | write one
- | store: {encoding: unit8} | store.encoding | did you mean 'uint8'?
- | store: [] | store | write one
- | sources: {imagenet: {images: many}} | sources.imagenet.images | write one
- | sources: {Bad-Name: {path: x}} | sources | write lower-case letters, digits and underscores: bad_name
- | distributions: {imagenet_5k: {images: 0}} | distributions.imagenet_5k.images | give 1 or more
- | distributions: {imagenet_5k: {balanced: class}} | distributions.imagenet_5k.balanced | did you mean 'classes'?
- | runs: {seeds: []} | runs.seeds | give 1 or more
- | runs: {seeds: [0, 0]} | runs.seeds | remove one
- | runs: {seeds: 0} | runs.seeds | write one
- | runs: {held_out: 1} | runs.held_out | give less than 1
- | recipes: {pretrain: {compile: 'yes'}} | recipes.pretrain.compile | write one
- | recipes: {pretrain: {mean: [1, 2]}} | recipes.pretrain.mean | give 3 or more
- | recipes: {finetune: {augmentation: {scale: [1.0, 0.1]}}} | recipes.finetune.augmentation.scale | give two numbers
- | recipes: {pretrain: {augmentation: {scale: [0.0, 1.0]}}} | recipes.pretrain.augmentation.scale | give two numbers
- | recipes: {scratch: {augmentation: {scale: [0.5, 8.0]}}} | recipes.scratch.augmentation.scale | give two numbers
- | tasks: {iwildcam: {finetune: {augmentation: {scale: [1, .3]}}}} | tasks.iwildcam.finetune.augmentation.scale | give
- | recipes: {pretrain: {optimizer: adamv}} | recipes.pretrain.optimizer | did you mean 'adam'?
- | recipes: {pretrain: {momentum: 1.0}} | recipes.pretrain.momentum | give less than 1
- | recipes: {pretrain: {epochs: '3'}} | recipes.pretrain.epochs | write 3
- | resources: {pretrain: {gpu: 2}} | resources.pretrain.gpu | give 1 or less
- | trends: {confidence: 95} | trends.confidence | give less than 1
- | trends: {scales: [probit, log]} | trends.scales.1 | did you mean 'logit'?
- | figures: {fig4: {scale: probitt}} | figures.fig4.scale | did you mean 'probit'?
- | figures: {fig4: {kind: trend}} | figures.fig4.kind | did you mean 'trends'?
- | figures: {fig4: {band: run}} | figures.fig4.band | known are: architectures, resampled_architectures, checkpoints
- | figures: {fig4: {panels: []}} | figures.fig4.panels | give 1 or more
- | figures: {fig9: {panels: [{title: x, columns: 1}]}} | figures.fig9.panels.0 | give one of the keys
- | tables: {table4: {kind: trends}} | tables.table4.kind | did you mean 'fitted_trends'?
- | tables: {table3: {animals: dog}} | tables.table3.animals | rewrite it so
- | left_out: imagenet_5k | left_out | write one
- | methods: {wise_ft: {alphas: [2]}} | methods.wise_ft.alphas.0 | give 1 or less
- | sources: {published: {label: no}} | sources.published.label | put it in quotes
- | trends: 3 | trends | write one
- | figures: {fig4: 3} | figures.fig4 | write one
- | figures: [] | figures | write one
rib | imagenet_rib: {variants: {imagenet_a: {images: 0}}} | imagenet_rib.variants.imagenet_a.images | give 1 or more
rib | imagenet_rib: {jobs: networks} | imagenet_rib.jobs | give the section 'jobs' one value per stage, as config.yaml d
# missing key
- | label_maps: {mine: {source: imagenet, label: x}} | label_maps.mine | add it
- | sources: {mine: {label: x}} | sources.mine | add it
- | tasks: {mine: {label: x}} | tasks.mine | give exactly one
- | tasks: {mine: {format: folder, path: x}} | tasks.mine | add it
- | distributions: {mine: {images: 3}} | distributions.mine | add it
- | architectures: {mine: {family: x}} | architectures.mine | add it
- | methods: {mine: {label: x}} | methods.mine | add it
- | figures: {mine: {title: x}} | figures.mine | add it
- | tables: {mine: {title: x}} | tables.mine | add it
paper | downloads: {imagenet: {files: {a.tar: {}}}} | downloads.imagenet.files.a.tar | add it
rib | imagenet_rib: {transport: null} | imagenet_rib | add it
rib | imagenet_rib: {variants: {mine: {files: [a.tar], label: x}}} | imagenet_rib.variants.mine | add it
# reference
- | runs: {architectures: [resnet_10]} | runs.architectures | did you mean 'resnet10'?
- | runs: {seeds_of: {imagenet_ful: [0]}} | runs.seeds_of | did you mean 'imagenet_full'?
- | left_out: [imagenet_10k] | left_out | did you mean 'imagenet_150k'?
- | distributions: {imagenet_5k: {source: imagenett}} | distributions.imagenet_5k.source | did you mean 'imagenet'?
- | distributions: {imagenet_5k: {nested_in: imagenet_25}} | distributions.imagenet_5k.nested_in | did you mean 'imagene
- | distributions: {imagenet_5k: {objective: image_txt}} | distributions.imagenet_5k.objective | did you mean 'image_tex
- | distributions: {imagenet_5k: {architectures: [resnet11]}} | distributions.imagenet_5k.architectures | did you mean '
- | distributions: {imagenet_depth_2: {labels: wordnet_depth_3}} | distributions.imagenet_depth_2.labels | did you mean
- | label_maps: {breeds: {source: imagenett}} | label_maps.breeds.source | did you mean 'imagenet'?
- | sources: {imagenet: {copies: {of: [iwildcm], leave_out: true}}} | sources.imagenet.copies.of | did you mean 'iwildca
- | sources: {imagenet: {validation: fractaldb}} | sources.imagenet.validation | known are: imagenet, inaturalist
- | tasks: {domainnet_real_sketch: {pair_of: domainet}} | tasks.domainnet_real_sketch.pair_of | did you mean 'domainnet'
- | tasks: {domainnet_real_sketch: {id_domain: reel}} | tasks.domainnet_real_sketch.id_domain | did you mean 'real'?
- | tasks: {iwildcam: {metric: macro_f}} | tasks.iwildcam.metric | did you mean 'macro_f1'?
- | tasks: {iwildcam: {plots: {id: id_tst}}} | tasks.iwildcam.plots.id | did you mean 'id_test'?
- | tasks: {iwildcam: {plots: {id: test, ood: id_test}}} | tasks.iwildcam.plots.id | did you mean 'id_test'?
- | tasks: {iwildcam: {plots: {ood: id_val}}} | tasks.iwildcam.plots.ood | did you mean
- | tasks: {iwildcam: {test_sets: {test: {role: other}}}} | tasks.iwildcam.plots.ood | known are: val
- | figures: {fig4: {plots: {id: val, ood: test}}} | figures.fig4.plots.id | did you mean 'id_val'?
- | tasks: {iwildcam: {test_sets: {new: {role: id, split: tets}}}} | tasks.iwildcam.test_sets.new.split | did you mean '
- | tasks: {iwildcam: {groups: locaton}} | tasks.iwildcam.groups | did you mean 'location'?
- | effective_robustness: {baselines: [imagenet_ful]} | effective_robustness.baselines | did you mean 'imagenet_full'?
- | effective_robustness: {scale: logits} | effective_robustness.scale | did you mean 'logit'?
- | figures: {fig4: {task: iwildcan}} | figures.fig4.task | did you mean 'iwildcam'?
- | figures: {fig4: {references: [scrach]}} | figures.fig4.references | did you mean 'scratch'?
- | figures: {fig4: {panels: [{title: a, series: [imagenet_10k]}]}} | figures.fig4.panels.0.series | did you mean 'image
- | figures: {fig4: {panels: [{title: a, series: [imagenet_full@lpft]}]}} | figures.fig4.panels.0.series | did you mean
- | figures: {fig4: {panels: [{title: a, series: [imagenet_ful@lp_ft]}]}} | figures.fig4.panels.0.series | did you mean
- | figures: {fig3: {baseline: imagenet_ful}} | figures.fig3.baseline | did you mean 'imagenet_full'?
- | figures: {fig3: {series: [imagenet_ful]}} | figures.fig3.series | did you mean 'imagenet_full'?
- | figures: {fig4: {plots: {id: id_test, ood: tst}}} | figures.fig4.plots.ood | did you mean 'test'?
- | tables: {table1: {sources: [imagenett]}} | tables.table1.sources | did you mean 'imagenet'?
- | trends: {scales: [linear]} | figures.fig2.scale | known are: linear
- | methods: {soup: {of: [full, lpft]}} | methods.soup.of | did you mean 'lp_ft'?
- | methods: {greedy_soup: {held_out: id_vall}} | methods.greedy_soup.held_out | did you mean 'id_val'?
- | methods: {full: {kind: linear_probe}} | methods.full.kind | give this method another name
- | methods: {lp_ft: {kind: lpft}} | methods.lp_ft.kind | did you mean 'lp_ft'?
rib | imagenet_rib: {reference: imagenett} | imagenet_rib.reference | did you mean 'imagenet_r'?
rib | imagenet_rib: {methods: [ful]} | imagenet_rib.methods | did you mean 'full'?
rib | imagenet_rib: {networks: [imagenet_ful]} | imagenet_rib.networks | did you mean 'imagenet_full'?
rib | imagenet_rib: {sharing: [imagenet_sketchh]} | imagenet_rib.sharing | did you mean 'imagenet_sketch'?
rib | imagenet_rib: {architectures: [resnet11]} | imagenet_rib.architectures | did you mean 'resnet14'?
rib | imagenet_rib: {without: {imagenet_ful: [full]}} | imagenet_rib.without | did you mean 'imagenet_full'?
rib | imagenet_rib: {without: {imagenet_full: [ful]}} | imagenet_rib.without.imagenet_full | did you mean 'full'?
rib | imagenet_rib: {heads: {of: [imagenet_ful]}} | imagenet_rib.heads.of | did you mean 'imagenet_full'?
rib | imagenet_rib: {heads: {method: ful}} | imagenet_rib.heads.method | did you mean 'full'?
rib | imagenet_rib: {heads: {trained_on: imagenet_ful}} | tasks.rib_head.distribution | did you mean 'imagenet_full'?
rib | imagenet_rib: {similarity: {methods: [ful]}} | imagenet_rib.similarity.methods | did you mean 'full'?
rib | imagenet_rib: {set_sizes: {variants: [imagenet_zz]}} | imagenet_rib.set_sizes.variants | did you mean 'imagenet_r'
rib | imagenet_rib: {published: data/nothing.csv} | imagenet_rib.published | correct the path
rib | imagenet_rib: {variants: {mine: {label: x}}} | tasks.rib_imagenet_v2.test_sets.mine.store | did you mean 'rib_mine
rib | figures: {mine: {kind: rib_bars, title: x, networks: [imagenet_ful]}} | figures.mine.networks | did you mean 'imag
rib | figures: {mine: {kind: rib_bars, title: x, methods: [ful]}} | figures.mine.methods | did you mean 'full'?
rib | tables: {mine: {kind: rib_crossing, title: x, figure: fig2}} | tables.mine.figure | known are: fig_rib_crossing, t
# kind and format
- | sources: {imagenet: {format: imagnet}} | sources.imagenet.format | did you mean 'imagenet'?
- | sources: {imagenet: {format: folder}} | sources.imagenet | add it
- | sources: {mine: {format: imagenet, images: 3, classes: 3}} | sources.mine | add it
- | tasks: {iwildcam: {format: iwildcm}} | tasks.iwildcam.format | did you mean 'iwildcam'?
- | tasks: {iwildcam: {format: imagenet}} | tasks.iwildcam.format | did you mean 'domainnet'?
- | objectives: {image_text: {kind: image_txt}} | objectives.image_text.kind | did you mean 'image_text'?
- | figures: {fig4: {kind: rib_bar}} | figures.fig4.kind | did you mean 'rib_bars'?
- | tables: {table7: {kind: calibrations}} | tables.table7.kind | did you mean 'calibration'?
- | distributions: {mine: {source: imagenet, classes: {}}} | distributions.mine.classes | give one of most_frequent, ran
- | acquisition: download | sources.imagenet | a real imagenet source or task must have that name
tiny | downloads: {cinic10: null} | downloads.cinic10 | write one
- | tasks: {wild: {format: wilds, dataset: fmow}} | tasks.wild | give 'path', the folder that holds its unpacked folder,
- | tasks: {wild: {format: wilds, dataset: fmow, path: x, version: 1.0}} | tasks.wild.version | leave the key out
- | tasks: {wild: {format: wilds, dataset: domainnet, path: x, id_domain: real}} | tasks.wild | add it
- | tasks: {wild: {format: wilds, dataset: fmow, path: x, id_domain: real}} | tasks.wild.id_domain | leave the key out
# cross rules
- | pathvars: {result: x} | pathvars | did you mean 'results'?
- | pathvars: {benchmark: x} | pathvars | did you mean 'benchmarks'?
- | pathvars: {cache: x} | pathvars | known are: results, resources, logs, benchmarks
own | pathvars: {results: pictures/my_source/results} | pathvars.results | name another folder
own | pathvars: {resources: pictures/my_task/raw} | pathvars.resources | name another folder
own | sources: {my_source: {path: own/}} | pathvars.results | name another folder
own | sources: {my_source: {path: .}} | pathvars.results | name another folder
- | distributions: {imagenet_5k: {images: 2000000}} | distributions.imagenet_5k | ask for fewer
- | distributions: {scratch: {source: imagenet}} | distributions.scratch | choose another name
- | recipes: {pretrain: {epochs: 3}} | recipes.pretrain | give either 'epochs' or 'steps', the other null
- | recipes: {pretrain: {steps: null}} | recipes.pretrain | give either 'epochs' or 'steps', the other null
- | recipes: {finetune: {epochs: null, steps: 3}} | recipes.finetune | give 'epochs'
- | architectures: {resnet10: {finetune: {epochs: 3}}} | architectures.resnet10.finetune.epochs | set recipes.finetune.e
- | distributions: {mine: {source: inaturalist, labels: breeds}} | distributions.mine.labels | take another
- | distributions: {mine: {source: imagenet, classes: {ratio: 0.5}}} | distributions.mine | name a label map
- | distributions: {web: {source: published}} | distributions.web | add it
- | sources: {stable_diffusion: {model: owner/name}} | sources.stable_diffusion.model | name one that holds model_index.
- | sources: {stable_diffusion: {model: owner/name, revision: main}} | sources.stable_diffusion.revision | rewrite it so
- | tasks: {iwildcam: {class_subset: [a, b]}} | tasks.iwildcam.class_subset | leave the key out
- | tasks: {iwildcam: {splits: {by: place, column: x, test: 0.2, id_test: 0.1}}} | tasks.iwildcam.splits | leave it out
- | tables: {fig4: {kind: experiments, title: x}} | tables.table7.expectations.2.figure | did you mean 'fig8'?
- | figures: {fig4: {references: [imagenet_150k, imagenet_100k, imagenet_50k]}} | figures.fig4 | use more panels
- | figures: {fig4: {published: [nothing.csv]}} | figures.fig4.published.0 | correct the path
- | figures: {fig4: {studies: {x: nothing.csv}}} | figures.fig4.studies.x | correct the path
- | methods: {wise_ft: {of: [full, lp_ft, linear_probe]}} | methods.wise_ft.of | list 2
- | tasks: {iwildcam: {metric: worst_group_accuracy, groups: null}} | tasks.iwildcam | add it
rib | imagenet_rib: {held_out: null, methods: [full, wise_ft_held_out]} | imagenet_rib.methods | set imagenet_rib.held_o
rib | imagenet_rib: {networks: [imagenet_full, inaturalist_full]} | imagenet_rib.networks | take another, or add inatura
rib | imagenet_rib: {heads: {trained_on: inaturalist_full}} | imagenet_rib.heads.trained_on | choose another distributio
fullrib | downloads: {imagenet_a: null} | downloads.imagenet_a | write one
paper | acquisition: draw | tasks.fmow | give 'path', the folder that holds its unpacked folder, or set acquisition to d
- | distributions: {imagenet_5k: {images: 10}} | distributions.imagenet_5k | ask for more
- | distributions: {mine: {source: imagenet, classes: {random: 9}}}¶figures: {fig6: {panels: [{title: a,\
 series: [mine], ordered_by: images}]}} | figures.fig6.panels.0.ordered_by | leave ordered_by out
"""
BASES = {
    "-": [],
    "paper": ["paper"],
    "rib": ["imagenet_rib_miniature"],
    "fullrib": ["paper", "imagenet_rib"],
    "tiny": ["tiny"],
    "gen": ["tiny", "tiny_generated"],
    "own": ["own_folders_small", "own_folders"],
}
CASES = [line.replace("¶", "\n").split(" | ") for line in REFUSED.splitlines() if line and not line.startswith("#")]
WRITTEN_OUT = "tasks.rib_"  # sections that imagenet_rib stands for are in no file


@pytest.fixture(scope="module")
def read(repository):
    """Return a function that merges a study's files and some text, and returns that and what the study itself says."""
    studies = repository.glob("data/studies/*.yaml")
    files = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in studies}
    default = yaml.safe_load((repository / "config.yaml").read_text(encoding="utf-8"))

    def merged(base: str, text: str) -> tuple[dict, dict]:
        config, own = copy.deepcopy(default), {}
        for further in [*(copy.deepcopy(files[name]) for name in BASES[base]), yaml.safe_load(text)]:
            update_config(own, further)
        update_config(config, own)
        return config, own

    return merged


def refusal(config, own, repository, **options) -> str:
    replace_sections(config, own)
    take_out(config)
    leave_out(config)
    write_out(config)
    with pytest.raises(InputError) as refused:
        check_config(config, repository, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("base", "text", "key", "remedy"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_what_is_wrong_is_named_with_its_line_and_remedy(read, repository, tmp_path, base, text, key, remedy):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    files = [path, *(repository / f"data/studies/{name}.yaml" for name in reversed(BASES[base]))]
    message = refusal(*read(base, text), repository, files=[*files, repository / "config.yaml"])
    assert message.startswith(f"config {key}: " if key else "config: "), message
    assert f"; {remedy}" in message
    assert ".yaml, line " in message or key.startswith(WRITTEN_OUT)


@pytest.mark.parametrize(
    ("given", "key"),
    [({"trends": {"confidence": 95}}, "trends.confidence"), ({"left_out": ["imagenet_6k"]}, "left_out")],
)
def test_what_the_command_line_gives_is_blamed_on_no_file(read, repository, given, key):
    config, own = read("-", yaml.safe_dump(given))
    message = refusal(config, own, repository, files=[repository / "config.yaml"], command_line=given)
    assert message.startswith(f"config {key}: ")
    assert "(--config)" in message
    assert ".yaml" not in message


@pytest.mark.parametrize(
    ("text", "place", "number"),
    [
        ("recipes: {finetune: {epochs: 1e1}}", "recipes.finetune.epochs", 10),
        ("recipes: {finetune: {batch_size: 6.4E+1}}", "recipes.finetune.batch_size", 64),
        ("store: {size: 24.0}", "store.size", 24),
        ('figures: {fig4: {title: "One\\n\\n  two\\n"}}', "figures.fig4.title", "'One two'"),
        ('sources: {imagenet: {label: "A\\rB\\u2028C"}}', "sources.imagenet.label", "'A B C'"),
        ("figures:\n  fig2:\n    title: |\n      One\n", "figures.fig2.title", "'One'"),
        ("runs: {seeds: [0, 1.0, 2e0]}", "runs.seeds.1", 1),
        ("resources: {finetune: {mem_mb: 4.0e+3}}", "resources.finetune.mem_mb", 4000),
        ("architectures: {resnet10: {finetune: {image_size: 32.0}}}", "architectures.resnet10.finetune.image_size", 32),
    ],
)
def test_whole_numbers_are_written_without_a_point_and_text_on_one_line(read, repository, text, place, number):
    config, _ = read("-", text)
    check_config(config, repository)
    value = config
    for part in place.split("."):
        value = value[int(part) if isinstance(value, list) else part]
    assert repr(value) == str(number)


def test_null_unsets_an_optional_key(read, repository):
    config, _ = read("-", "tasks: {iwildcam: {groups: null, clusters: null}}")
    check_config(config, repository)
    assert not {"groups", "clusters"} & set(config["tasks"]["iwildcam"])
    assert "momentum" in config["recipes"]["pretrain"]  # null there sets it to nothing


def test_more_distinct_images_than_images_are_refused(read, repository):
    said = refusal(*read("-", "distributions: {imagenet_5k: {distinct_images: 5000}}"), repository)
    assert "imagenet_5k.distinct_images: there must be more 'images' than these" in said
