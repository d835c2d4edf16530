"""Takes predictions; makes what no score says: agreement of networks, and which images pre-training wins."""


def tested_by(figure):
    """Images and table of each store that the task of a figure of answers is tested on, its own first."""
    return places.tested_stores(study, runs.scored(study, figure).task)


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
        agreement=lambda wildcards: show.agreement(study, wildcards.agreement_figure),
        stores=lambda wildcards: list(tested_by(wildcards.agreement_figure)),
        code=code("measure_agreement.py"),
    message:
        "Measure agreement for {wildcards.agreement_figure}"
    script:
        "../workflow_scripts/measure_agreement.py"
