"""Takes the scores of a figure's runs; makes its linear trends with bootstrap intervals."""


rule fit_trends:
    """Fit the linear trend of every series of a figure."""
    input:
        scores="<results>/scores/{figure}.csv",
    output:
        trends="<results>/trends/{figure}.csv",
        bands="<results>/trends/{figure}_bands.csv",
    log:
        "<logs>/fit_trends/{figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        trends=lambda wildcards: {
            "figure": wildcards.figure,
            "series": study.series(wildcards.figure),
            **config["trends"],
        },
        code=code("fit_trends.py"),
    message:
        "Fit the trends of {wildcards.figure}"
    script:
        "../workflow_scripts/fit_trends.py"


rule collect_trends:
    """Put the trends of all figures into one table."""
    input:
        trends=collect("<results>/trends/{figure}.csv", figure=study.scored_figures),
    output:
        trends="<results>/trends.csv",
    log:
        "<logs>/collect_trends.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("collect_trends.py"),
    message:
        "Collect the trends of all figures"
    script:
        "../workflow_scripts/collect_trends.py"
