"""Takes scores; makes linear trends with their intervals, tests of their differences, and effective robustness."""


rule fit_trends:
    """Fit the linear trend of every series of a figure."""
    input:
        scores=lambda wildcards: places.figure_table(study, wildcards.figure),
        published=lambda wildcards: places.from_elsewhere(study, wildcards.figure, "published"),
        studies=lambda wildcards: places.from_elsewhere(study, wildcards.figure, "studies"),
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
            "series": runs.series(study, wildcards.figure),
            "metric": runs.metric(study, wildcards.figure),
            "pairs": runs.pair(study, wildcards.figure),
            "studies": runs.studies(study, wildcards.figure),
            **config["trends"],
        },
        code=code("fit_trends.py"),
    message:
        "Fit the trends of {wildcards.figure}"
    script:
        "../workflow_scripts/fit_trends.py"


rule write_baseline:
    """Write what a study measured of a figure's series as points and lines that other studies load."""
    input:
        scores=lambda wildcards: places.figure_table(study, wildcards.trend_figure),
        published=lambda wildcards: places.from_elsewhere(study, wildcards.trend_figure, "published"),
        trends="<results>/trends/{trend_figure}.csv",
    output:
        points="<results>/baselines/{trend_figure}.csv",
        lines="<results>/baselines/{trend_figure}_lines.csv",
    log:
        "<logs>/write_baseline/{trend_figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        baseline=lambda wildcards: show.baseline(study, wildcards.trend_figure),
        code=code("write_baseline.py"),
    message:
        "Write the lines of {wildcards.trend_figure} for others"
    script:
        "../workflow_scripts/write_baseline.py"


rule lines:
    """Every line of the study's figures of trends in one table, with its error and what it rests on."""
    input:
        lines=collect("<results>/baselines/{figure}_lines.csv", figure=names.of_kind(study, "trends")),
    output:
        lines="<results>/lines.csv",
    log:
        "<logs>/lines.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("collect_lines.py"),
    message:
        "Collect the lines of all figures"
    script:
        "../workflow_scripts/collect_lines.py"


# What somebody's own numbers are compared with: the lines that ship, and the study's own where they are made.
KNOWN_LINES = [
    str(path) for path in (REPOSITORY / "data/baselines/lines.csv", Path(RESULTS, "lines.csv")) if path.exists()
]


rule against:
    """How far above or below a line your own numbers are: --config 'table=my.csv' 'line=STUDY/TASK/SERIES'."""
    input:
        lines=ancient(KNOWN_LINES),
        table=config.get("table", []),
    output:
        pdf="<results>/against/against.pdf",
        png="<results>/against/against.png",
        table="<results>/against/against.csv",
        caption="<results>/against/against.txt",
    log:
        "<logs>/against.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        against={
            "table": config.get("table"),
            "line": config.get("line"),
            "confidence": config["trends"]["confidence"],
            "margin": config["comparisons"]["margin"],
        },
        code=code("stand_against.py"),
    message:
        f"Compare {config.get('table', 'your numbers')} with {config.get('line', 'a line')}"
    script:
        "../workflow_scripts/stand_against.py"


rule collect_trends:
    """Put the trends of all figures into one table."""
    input:
        trends=collect("<results>/trends/{figure}.csv", figure=names.scored_figures(study)),
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


rule compare_series:
    """Test whether the series of each panel of a figure share one trend, and compare them pairwise."""
    input:
        scores=lambda wildcards: places.figure_table(study, wildcards.trend_figure),
        left_out=lambda wildcards: places.figure_left_out(study, wildcards.trend_figure),
        published=lambda wildcards: places.from_elsewhere(study, wildcards.trend_figure, "published"),
        studies=lambda wildcards: places.from_elsewhere(study, wildcards.trend_figure, "studies"),
    output:
        comparisons="<results>/comparisons/{trend_figure}.csv",
        contrasts="<results>/comparisons/{trend_figure}_contrasts.csv",
    log:
        "<logs>/compare_series/{trend_figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        comparison=lambda wildcards: {
            "figure": show.comparison(study, wildcards.trend_figure),
            "studies": runs.studies(study, wildcards.trend_figure),
            **config["comparisons"],
        },
        code=code("compare_series.py"),
    message:
        "Compare the series of {wildcards.trend_figure}"
    script:
        "../workflow_scripts/compare_series.py"


rule effective_robustness:
    """Measure how far every checkpoint and every series lies above the baselines' trends."""
    input:
        scores="<results>/scores.csv",
        left_out="<results>/scores_left_out.parquet",
        published=[table for tables in places.all_from_elsewhere(study)["published"].values() for table in tables],
        studies=[table for tables in places.all_from_elsewhere(study)["studies"].values() for table in tables.values()],
    output:
        checkpoints="<results>/effective_robustness/checkpoints.csv",
        series="<results>/effective_robustness/series.csv",
    log:
        "<logs>/effective_robustness.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        robustness={
            "scratch": SCRATCH,
            "metric": runs.metrics(study),
            "pairs": names.pairs(study),
            **places.all_from_elsewhere(study),
            **config["effective_robustness"],
            **{key: config["trends"][key] for key in ("confidence", "resamples", "seed")},
        },
        code=code("effective_robustness.py"),
    message:
        "Measure effective robustness"
    script:
        "../workflow_scripts/effective_robustness.py"
