"""Takes nothing; makes stores of fractals: systems of maps that fill the frame, and the points that they reach."""


rule search_fractals:
    """Search for systems of maps whose fractals fill enough of the frame, one per class."""
    output:
        systems="<results>/fractals/{fractal_source}/systems.csv",
        search="<results>/fractals/{fractal_source}/search.csv",
    log:
        "<logs>/search_fractals/{fractal_source}.log",
    benchmark:
        "<benchmarks>/search_fractals/{fractal_source}.tsv"
    conda:
        "../envs/generate.yaml"
    resources:
        **granted("prepare"),
    params:
        search=lambda wildcards: params.search(study, wildcards.fractal_source),
        code=code("search_fractals.py"),
    message:
        "Search for the fractals of {wildcards.fractal_source}"
    script:
        "../workflow_scripts/search_fractals.py"


rule render_fractals:
    """Render every weighting of every system into a store."""
    input:
        systems="<results>/fractals/{fractal_source}/systems.csv",
    output:
        images="<results>/stores/{fractal_source}/images.npy",
        table="<results>/stores/{fractal_source}/images.parquet",
        classes="<results>/stores/{fractal_source}/classes.csv",
        undecodable="<results>/stores/{fractal_source}/undecodable.csv",
    log:
        "<logs>/render_fractals/{fractal_source}.log",
    benchmark:
        "<benchmarks>/render_fractals/{fractal_source}.tsv"
    conda:
        "../envs/generate.yaml"
    threads: stage_resource("render", "threads")
    resources:
        **granted("render"),
    params:
        render=lambda wildcards: params.render(study, wildcards.fractal_source),
        state=f"{RESULTS}/stores/{{fractal_source}}/unfinished",
        code=code("render_fractals.py"),
    message:
        "Render the fractals of {wildcards.fractal_source}"
    script:
        "../workflow_scripts/render_fractals.py"
