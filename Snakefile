# What in a pre-training data set makes a fine-tuned model robust to distribution shift?
#   snakemake --cores all            every figure and table of the configured study
#   snakemake --cores all fig4       one figure, with only what it needs
from snakemake.utils import min_version

min_version("9.25")


# A profile's limit on GPUs is this machine's; it does not hold for jobs that are sent to a cluster.
resource_scopes:
    gpu="local",


report: "rules/captions/study.rst"


include: "rules/common.smk"  # reads config.yaml
include: "rules/jobs.smk"
include: "rules/acquire.smk"
include: "rules/store.smk"
include: "rules/fractaldb.smk"
include: "rules/stable_diffusion.smk"
include: "rules/tasks.smk"
include: "rules/distributions.smk"
include: "rules/pretrain.smk"
include: "rules/finetune.smk"
include: "rules/evaluate.smk"
include: "rules/trends.smk"
include: "rules/beyond.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/report.smk"
include: "rules/plan.smk"
include: "rules/collect.smk"
include: "rules/inputs_shipped.smk"
include: "rules/shipped.smk"


if study.imagenet_rib:  # rules that no other study needs cost time in planning it

    include: "rules/imagenet_rib.smk"


onsuccess:
    tell_changed_configuration()


onerror:
    tell_changed_configuration()


rule all:
    """Every figure and table, the table of all checkpoints and the table of all trends."""
    default_target: True
    input:
        places.figure_files(*study.figures),
        places.table_files(*study.tables),
        places.recognitions(study),
        "<results>/trends.csv",
        places.own_results(study),
    localrule: True


rule demo:
    """The study's two central figures, with their tables."""
    input:
        places.figure_files("fig2", "fig4"),
        "<results>/figures/fig2_is_there",
        collect(
            "<results>/{kind}/{figure}.csv",
            kind=["scores", "trends"],
            figure=["fig2", "fig4"],
        ),
    localrule: True


rule first_figure:
    """Say that the demo's first figure is there."""
    input:
        places.figure_files("fig2"),
    output:
        temp(touch("<results>/figures/fig2_is_there")),
    localrule: True
    message:
        f"Figure 2 is there: {RESULTS}/figures/fig2.png"


rule calibration:
    """Fail unless the study shows what a working pipeline must show."""
    input:
        collect(
            "<results>/calibration/{table}.txt",
            table=names.of_kind(study, "calibration"),
        ),
    localrule: True


rule imagenet_rib:
    """Every figure and table of ImageNet-RIB, and a page of them."""
    input:
        places.figure_files(*names.rib_figures(study)),
        places.table_files(*names.rib_tables(study)),
        "<results>/imagenet_rib.html" if study.imagenet_rib else [],
    localrule: True


rule unknown_target:
    """Report an unknown target and suggest the closest name."""
    input:
        nearest_target,
    output:
        touch("{target}"),
    localrule: True


for name in free_names("figures", study.figures):

    rule:
        name:
            name
        input:
            places.figure_files(name),
        localrule: True

    describe_rule(study.figures[name].title)


for name in free_names("tables", study.tables):

    rule:
        name:
            name
        input:
            places.table_files(name),
        localrule: True

    describe_rule(study.tables[name].title)
