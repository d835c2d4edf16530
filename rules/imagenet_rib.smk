"""Takes variants of ImageNet and networks that know its classes; makes tasks, RI and mRI, their figures and table."""


def variant_raw(wildcards):
    """The raw files of a variant: the folder that you have, or its archives."""
    variant = study.collection(wildcards.variant)["variant"]
    if "path" in variant:
        return ancient(variant["path"])
    return [f"<resources>/{wildcards.variant}/{name}" for name in variant["files"]]


def variant_classes(name):
    """The table of a variant's classes, where it has only some."""
    table = study.collection(name)["variant"].get("table")
    return (
        {"table": os.path.relpath(locate(table, Path(workflow.basedir)))}
        if table
        else {}
    )


def imagenet_classes(wildcards):
    """ImageNet's classes in the order of the networks' outputs: those of the drawn ImageNet, or all of them."""
    return prompted_classes(wildcards)


def rib_series(name):
    """A file of the evaluation of each task, by one method from one distribution."""
    return [
        f"<results>/evaluate/{task}/{{method}}/{{distribution}}/{name}"
        for task in study.variant_tasks
    ]


RIB = study.benchmark()

for variant in study.variants if config["acquisition"] == "draw" else []:

    rule:
        name:
            f"draw_{variant}"
        input:
            **variant_classes(variant),
        output:
            [
                f"<resources>/{variant}/{file}"
                for file in study.collection(variant)["variant"]["files"]
            ],
        log:
            f"<logs>/draw_{variant}.log",
        conda:
            "../envs/acquire.yaml"
        params:
            world=study.variant_world(variant),
            code=code("draw_imagenet_variant.py"),
        message:
            f"Draw a miniature of {variant}"
        script:
            "../workflow_scripts/draw_imagenet_variant.py"


for variant in study.variants if config["acquisition"] == "download" else []:
    if "path" not in study.collection(variant)["variant"]:

        rule:
            name:
                f"acquire_{variant}"
            output:
                [
                    f"<resources>/{variant}/{file}"
                    for file in study.collection(variant)["variant"]["files"]
                ],
            log:
                f"<logs>/acquire_{variant}.log",
            retries: 3
            conda:
                "../envs/acquire.yaml"
            params:
                downloads=config["downloads"][variant],
                place=config["downloads"]["place"],
            message:
                f"Take or download {variant}"
            script:
                "../workflow_scripts/acquire_archives.py"


rule build_variant_store:
    """Decode the images of a variant of ImageNet into one array."""
    input:
        unpack(lambda wildcards: variant_classes(wildcards.variant)),
        raw=variant_raw,
        classes=imagenet_classes,
    output:
        images="<results>/stores/{variant}/images.npy",
        table="<results>/stores/{variant}/images.parquet",
        classes="<results>/stores/{variant}/classes.csv",
        undecodable="<results>/stores/{variant}/undecodable.csv",
    log:
        "<logs>/build_variant_store/{variant}.log",
    benchmark:
        "<benchmarks>/build_variant_store/{variant}.tsv"
    conda:
        "../envs/acquire.yaml"
    threads: stage_resource("store", "threads")
    resources:
        mem_mb=stage_resource("store", "mem_mb"),
        runtime=stage_resource("store", "runtime"),
    params:
        variant=lambda wildcards: study.variant(wildcards.variant),
        store=lambda wildcards: study.store(wildcards.variant),
        state=state_folder,
        code=code("build_variant_store.py"),
    message:
        "Decode {wildcards.variant} into a store"
    script:
        "../workflow_scripts/build_variant_store.py"


rule make_variant_task:
    """Make a downstream task of a variant of ImageNet."""
    input:
        table=lambda wildcards: f"<results>/stores/{study.task_collection(wildcards.variant_task)}/images.parquet",
        classes=imagenet_classes,
    output:
        table="<results>/pairs/{variant_task}/images.parquet",
    log:
        "<logs>/make_variant_task/{variant_task}.log",
    conda:
        "../envs/acquire.yaml"
    params:
        held_out=lambda wildcards: config["tasks"][wildcards.variant_task]["held_out"],
        code=code("make_variant_task.py"),
    message:
        "Make a task of {wildcards.variant_task}"
    script:
        "../workflow_scripts/make_variant_task.py"


use rule collect_scores as collect_rib_scores with:
    input:
        scores=[
            f"<results>/evaluate/{series}/scores.csv"
            for series in dict.fromkeys(run.series() for run in study.rib_runs())
        ],
    output:
        scores="<results>/scores/imagenet_rib.csv",
    log:
        "<logs>/collect_rib_scores.log",
    message:
        "Collect the scores of ImageNet-RIB"


rule compare_with_start:
    """Compare the predictions after fine-tuning on every variant with those before."""
    input:
        predictions=rib_series("predictions.parquet"),
        tasks=collect(
            "<results>/pairs/{variant_task}/images.parquet",
            variant_task=study.variant_tasks,
        ),
        tables=collect(
            "<results>/stores/{variant}/images.parquet", variant=RIB.get("stores", [])
        ),
    output:
        turned="<results>/imagenet_rib/{method}/{distribution}/turned.csv",
        errors="<results>/imagenet_rib/{method}/{distribution}/standard_errors.csv",
    log:
        "<logs>/compare_with_start/{method}/{distribution}.log",
    conda:
        "../envs/train.yaml"
    params:
        benchmark=RIB,
        code=code("compare_with_start.py"),
    message:
        "Compare {wildcards.distribution}, {wildcards.method}, with the network before fine-tuning"
    script:
        "../workflow_scripts/compare_with_start.py"


rule compute_rib_indices:
    """Compute RI and mRI of every network."""
    input:
        scores="<results>/scores/imagenet_rib.csv",
        turned=collect(
            "<results>/imagenet_rib/{method}/{distribution}/turned.csv",
            method=study.imagenet_rib.get("methods", []),
            distribution=study.imagenet_rib.get("networks", []),
        ),
        errors=collect(
            "<results>/imagenet_rib/{method}/{distribution}/standard_errors.csv",
            method=study.imagenet_rib.get("methods", []),
            distribution=study.imagenet_rib.get("networks", []),
        ),
    output:
        cells="<results>/imagenet_rib/cells.csv",
        indices="<results>/imagenet_rib/indices.csv",
    log:
        "<logs>/compute_rib_indices.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        benchmark=RIB,
        code=code("compute_rib_indices.py"),
    message:
        "Compute RI and mRI"
    script:
        "../workflow_scripts/compute_rib_indices.py"


rule draw_rib_figure:
    """Draw a figure of ImageNet-RIB."""
    input:
        cells="<results>/imagenet_rib/cells.csv",
        indices="<results>/imagenet_rib/indices.csv",
    output:
        pdf="<results>/figures/{rib_figure}.pdf",
        png=report(
            "<results>/figures/{rib_figure}.png",
            caption="captions/figure.rst",
            category="Figures",
            labels=report_labels,
        ),
        table="<results>/figures/{rib_figure}.csv",
        caption="<results>/figures/{rib_figure}.txt",
    log:
        "<logs>/draw_rib_figure/{rib_figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        figure=lambda wildcards: study.figure(wildcards.rib_figure),
        code=code("draw_rib_figure.py"),
    message:
        "Draw {wildcards.rib_figure}"
    script:
        "../workflow_scripts/draw_rib_figure.py"


rule tabulate_rib:
    """Put RI and mRI of every network into one table."""
    input:
        indices="<results>/imagenet_rib/indices.csv",
    output:
        **files_of_table("rib_table"),
    log:
        "<logs>/tabulate_rib/{rib_table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=lambda wildcards: study.table(wildcards.rib_table),
        code=code("tabulate_rib.py"),
    message:
        "Tabulate {wildcards.rib_table}"
    script:
        "../workflow_scripts/tabulate_rib.py"
