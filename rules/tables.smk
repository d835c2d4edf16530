"""Takes stores, distributions and the config; makes tables: CSV, a typeset page and LaTeX source."""


rule tabulate_sources:
    """Count what differs between the sources."""
    input:
        classes=lambda wildcards: [
            f"<results>/stores/{source}/classes.csv"
            for source in config["tables"][wildcards.source_table]["sources"]
        ],
    output:
        csv="<results>/tables/{source_table}.csv",
        html=report(
            "<results>/tables/{source_table}.html",
            caption="captions/tables.rst",
            category="Tables",
        ),
        tex="<results>/tables/{source_table}.tex",
    log:
        "<logs>/tabulate_sources/{source_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.source_table),
        code=code("tabulate_sources.py"),
    message:
        "Tabulate the sources as {wildcards.source_table}"
    script:
        "../workflow_scripts/tabulate_sources.py"


rule tabulate_experiments:
    """Put every experiment into one table: what was changed and what was kept."""
    input:
        classes=collect(
            "<results>/distributions/{distribution}/classes.csv",
            distribution=study.distributions,
        ),
        promises=collect(
            "<results>/distributions/{distribution}/promises.csv",
            distribution=study.distributions,
        ),
    output:
        csv="<results>/tables/{experiment_table}.csv",
        html=report(
            "<results>/tables/{experiment_table}.html",
            caption="captions/tables.rst",
            category="Tables",
        ),
        tex="<results>/tables/{experiment_table}.tex",
    log:
        "<logs>/tabulate_experiments/{experiment_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.experiment_table),
        experiments=experiments(study),
        code=code("tabulate_experiments.py"),
    message:
        "Tabulate the experiments as {wildcards.experiment_table}"
    script:
        "../workflow_scripts/tabulate_experiments.py"


rule count_cooccurrence:
    """Count the pictures of ImageNet's validation set that hold animals, objects, or both."""
    output:
        counts="<results>/cooccurrence/{cooccurrence_table}.csv",
    log:
        "<logs>/count_cooccurrence/{cooccurrence_table}.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        animals=lambda wildcards: study.table(wildcards.cooccurrence_table)["animals"],
        code=code("count_cooccurrence.py"),
    message:
        "Count animals and objects in one picture"
    script:
        "../workflow_scripts/count_cooccurrence.py"


rule tabulate_cooccurrence:
    """Typeset how often animals and objects are in one picture."""
    input:
        counts="<results>/cooccurrence/{cooccurrence_table}.csv",
    output:
        csv="<results>/tables/{cooccurrence_table}.csv",
        html=report(
            "<results>/tables/{cooccurrence_table}.html",
            caption="captions/tables.rst",
            category="Tables",
        ),
        tex="<results>/tables/{cooccurrence_table}.tex",
    log:
        "<logs>/tabulate_cooccurrence/{cooccurrence_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.cooccurrence_table),
        code=code("tabulate_cooccurrence.py"),
    message:
        "Tabulate {wildcards.cooccurrence_table}"
    script:
        "../workflow_scripts/tabulate_cooccurrence.py"
