"""Takes a data set's raw files; makes its store: every image decoded once, with a table of what it is."""


rule build_store:
    """Decode the images of a source or a task into one array."""
    input:
        raw=lambda wildcards: raw.raw_files(study, wildcards.collection),
    output:
        **store_files("{collection}"),
    log:
        "<logs>/build_store/{collection}.log",
    benchmark:
        "<benchmarks>/build_store/{collection}.tsv"
    conda:
        "../envs/acquire.yaml"
    threads: stage_resource("store", "threads")
    resources:
        **granted("store"),
    params:
        store=lambda wildcards: params.store(study, wildcards.collection),
        contents=refusing(lambda wildcards: raw.folder_contents(study, wildcards.collection)),
        folder=lambda wildcards, output: names.folder(study, wildcards.collection),
        splits=lambda wildcards, output: runs.needed_splits(study, wildcards.collection),
        options=lambda wildcards, output: params.options(study, wildcards.collection),
        state=f"{RESULTS}/stores/{{collection}}/unfinished",
        code=lambda wildcards: code("build_store.py", names.format(study, wildcards.collection).module),
    message:
        "Decode {wildcards.collection} into a store"
    script:
        "../workflow_scripts/build_store.py"


rule build_wilds_store:
    """Decode the images of a WILDS data set, as the wilds package opens it, into one array."""
    input:
        raw=lambda wildcards: raw.wilds_files(study, wildcards.wilds_task),
    output:
        **store_files("{wilds_task}"),
    log:
        "<logs>/build_wilds_store/{wilds_task}.log",
    benchmark:
        "<benchmarks>/build_wilds_store/{wilds_task}.tsv"
    conda:
        "../envs/train.yaml"
    threads: stage_resource("store", "threads")
    resources:
        **granted("store"),
    params:
        dataset=lambda wildcards: params.wilds(study, wildcards.wilds_task),
        store=lambda wildcards: params.store(study, wildcards.wilds_task),
        contents=lambda wildcards: raw.wilds_contents(study, wildcards.wilds_task),
        folder=lambda wildcards, output: names.folder(study, wildcards.wilds_task),
        splits=lambda wildcards, output: runs.needed_splits(study, wildcards.wilds_task),
        state=f"{RESULTS}/stores/{{wilds_task}}/unfinished",
        code=code("build_wilds_store.py"),
    message:
        "Decode {wildcards.wilds_task} into a store"
    script:
        "../workflow_scripts/build_wilds_store.py"


rule build_variant_store:
    """Decode the images of a variant of ImageNet into one array."""
    input:
        unpack(lambda wildcards: places.variant_classes(study, wildcards.variant)),
        raw=refusing(variant_raw),
        classes=places.imagenet_classes(study),
    output:
        **store_files("{variant}"),
    log:
        "<logs>/build_variant_store/{variant}.log",
    benchmark:
        "<benchmarks>/build_variant_store/{variant}.tsv"
    conda:
        "../envs/acquire.yaml"
    threads: stage_resource("store", "threads")
    resources:
        **granted("store"),
    params:
        variant=lambda wildcards: params.variant(study, wildcards.variant),
        store=lambda wildcards: params.store(study, wildcards.variant),
        state=f"{RESULTS}/stores/{{variant}}/unfinished",
        code=code("build_variant_store.py"),
    message:
        "Decode {wildcards.variant} into a store"
    script:
        "../workflow_scripts/build_variant_store.py"
