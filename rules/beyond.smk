"""Takes predictions; makes what no score says: agreement of networks, and which images pre-training wins."""


rule measure_agreement:
    """Measure how often the networks of each series of a figure agree, in and out of distribution."""
    input:
        predictions=lambda wildcards: places.answers(study, wildcards.agreement_figure),
        tables=lambda wildcards: [table for _, table in tested_by(wildcards.agreement_figure).values()],
    output:
        lines="<results>/agreement/{agreement_figure}.csv",
        checkpoints="<results>/agreement/{agreement_figure}_checkpoints.csv",
        pairs="<results>/agreement/{agreement_figure}_pairs.csv",
    log:
        "<logs>/measure_agreement/{agreement_figure}.log",
    conda:
        "../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
    params:
        agreement=lambda wildcards: show.measured(study, wildcards.agreement_figure),
        stores=lambda wildcards: list(tested_by(wildcards.agreement_figure)),
        code=code("measure_agreement.py"),
    message:
        "Measure agreement for {wildcards.agreement_figure}"
    script:
        "../workflow_scripts/measure_agreement.py"


rule measure_images:
    """Measure which images the first of two series wins at equal ID accuracy, and where the line turns over."""
    input:
        predictions=lambda wildcards: places.answers(study, wildcards.images_figure),
        tables=lambda wildcards: [table for _, table in tested_by(wildcards.images_figure).values()],
    output:
        images="<results>/images/{images_figure}.csv",
        classes="<results>/images/{images_figure}_classes.csv",
        summary="<results>/images/{images_figure}_summary.csv",
        checkpoints="<results>/images/{images_figure}_checkpoints.csv",
    log:
        "<logs>/measure_images/{images_figure}.log",
    conda:
        "../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
    params:
        images=lambda wildcards: show.measured(study, wildcards.images_figure),
        stores=lambda wildcards: list(tested_by(wildcards.images_figure)),
        code=code("measure_images.py"),
    message:
        "Measure gains and losses for {wildcards.images_figure}"
    script:
        "../workflow_scripts/measure_images.py"
