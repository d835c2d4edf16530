"""Takes predictions; makes what no score says: agreement of networks, and which images pre-training wins."""


rule measure_agreement:
    """Measure how often the networks of each series of a figure agree, in and out of distribution."""
    input:
        predictions=answers_of_figure,
        tables=tables_of_figure,
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
        stores=lambda wildcards: stores_of_figure(wildcards),
        code=code("measure_agreement.py"),
    message:
        "Measure agreement for {wildcards.agreement_figure}"
    script:
        "../workflow_scripts/measure_agreement.py"
