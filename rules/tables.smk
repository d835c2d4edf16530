"""Takes stores, distributions, trends and the config; makes tables: CSV, a typeset page and LaTeX source."""


rule tabulate_sources:
    """Count what differs between the sources."""
    input:
        classes=lambda wildcards: [
            f"<results>/stores/{source}/classes.csv"
            for source in config["tables"][wildcards.source_table]["sources"]
        ],
        copies=lambda wildcards: [
            f"<results>/copies/{source}.csv"
            for source in config["tables"][wildcards.source_table]["sources"]
            if source in study.copied_sources
        ],
    output:
        **files_of_table("source_table"),
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
        **files_of_table("experiment_table"),
    log:
        "<logs>/tabulate_experiments/{experiment_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.experiment_table),
        experiments=lambda wildcards: experiments(study),
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
        **files_of_table("cooccurrence_table"),
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


rule tabulate_trends:
    """Typeset the linear trend of every series."""
    input:
        trends="<results>/trends.csv",
    output:
        **files_of_table("trend_table"),
    log:
        "<logs>/tabulate_trends/{trend_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.trend_table),
        code=code("tabulate_trends.py"),
    message:
        "Tabulate the trends as {wildcards.trend_table}"
    script:
        "../workflow_scripts/tabulate_trends.py"


rule tabulate_contrasts:
    """Typeset the tests of each figure's series and their contrasts."""
    input:
        comparisons=collect(
            "<results>/comparisons/{figure}.csv", figure=study.of_kind("trends")
        ),
        contrasts=collect(
            "<results>/comparisons/{figure}_contrasts.csv",
            figure=study.of_kind("trends"),
        ),
    output:
        **files_of_table("contrast_table"),
    log:
        "<logs>/tabulate_contrasts/{contrast_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.contrast_table),
        code=code("tabulate_contrasts.py"),
    message:
        "Tabulate the comparisons of series as {wildcards.contrast_table}"
    script:
        "../workflow_scripts/tabulate_contrasts.py"


rule tabulate_calibration:
    """Typeset what the paper reports of each figure beside what this study shows."""
    input:
        comparisons=calibrated("<results>/comparisons/{figure}.csv"),
        contrasts=calibrated("<results>/comparisons/{figure}_contrasts.csv"),
    output:
        **files_of_table("calibration_table"),
    log:
        "<logs>/tabulate_calibration/{calibration_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.calibration_table),
        code=code("tabulate_calibration.py"),
    message:
        "Tabulate what is expected and what is shown as {wildcards.calibration_table}"
    script:
        "../workflow_scripts/tabulate_calibration.py"


rule check_calibration:
    """Fail where the study does not show what a working pipeline must show."""
    input:
        csv="<results>/tables/{calibration_table}.csv",
    output:
        report="<results>/calibration/{calibration_table}.txt",
    log:
        "<logs>/check_calibration/{calibration_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("check_calibration.py"),
    message:
        "Check what {wildcards.calibration_table} shows"
    script:
        "../workflow_scripts/check_calibration.py"


rule tabulate_robustness:
    """Typeset the effective and relative robustness of every series."""
    input:
        series="<results>/effective_robustness/series.csv",
    output:
        **files_of_table("robustness_table"),
    log:
        "<logs>/tabulate_robustness/{robustness_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.robustness_table),
        code=code("tabulate_robustness.py"),
    message:
        "Tabulate effective robustness as {wildcards.robustness_table}"
    script:
        "../workflow_scripts/tabulate_robustness.py"
