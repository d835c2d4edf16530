"""Takes a data set's raw files; makes its store: every image decoded once, with a table of what it is."""


rule build_store:
    """Decode the images of a source or a task into one array."""
    input:
        raw=raw_files,
    output:
        images="<results>/stores/{collection}/images.npy",
        table="<results>/stores/{collection}/images.parquet",
        classes="<results>/stores/{collection}/classes.csv",
        undecodable="<results>/stores/{collection}/undecodable.csv",
    log:
        "<logs>/build_store/{collection}.log",
    benchmark:
        "<benchmarks>/build_store/{collection}.tsv"
    conda:
        "../envs/acquire.yaml"
    threads: stage_resource("store", "threads")
    resources:
        mem_mb=stage_resource("store", "mem_mb"),
        runtime=stage_resource("store", "runtime"),
    params:
        store=lambda wildcards: study.store(wildcards.collection),
        state=state_folder,
        code=code("build_store.py"),
    message:
        "Decode {wildcards.collection} into a store"
    script:
        "../workflow_scripts/build_store.py"
