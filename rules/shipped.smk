"""Studies that are drawn from tables which ship with the repository: no download, no GPU, no torch."""


rule published:
    """The study of published networks (data/studies/published.yaml): real numbers, and nothing is trained."""
    log:
        "<logs>/published.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: max(1, workflow.cores or 1)
    params:
        command=snakemake_again("data/studies/published.yaml", "--prioritize", "fig_shifts"),
    message:
        "Draw the study of published networks"
    shell:
        "{params.command} --cores {threads} 2>&1 | tee {log}"


rule results:
    """Every figure and table in data/results/, drawn again from the score tables that ship with them."""
    log:
        "<logs>/results.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        commands=" && ".join(map(drawn_again, SHIPPED)),
    message:
        "Draw the results that ship with the repository again"
    shell:
        "( {params.commands} ) 2>&1 | tee {log}"


rule redrawn:
    """The figures and tables of a study that are made of score tables alone."""
    input:
        places.figure_files(*names.scored_figures(study), *names.of_kind(study, "published")),
        places.table_files(*names.of_kind(study, "fitted_trends", "contrasts", "calibration")),
        "<results>/trends.csv",
    localrule: True
