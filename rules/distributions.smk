"""Takes a source's store; makes pre-training distributions: which classes, which images, which labels."""


rule find_copies:
    """Find images of a source that are copies of images of tasks and test sets."""
    input:
        images="<results>/stores/{copied_source}/images.npy",
        table="<results>/stores/{copied_source}/images.parquet",
        others=lambda wildcards: [
            f"<results>/stores/{name}/images.npy" for name in params.copies(study, wildcards.copied_source)["names"]
        ],
        tables=lambda wildcards: [
            f"<results>/stores/{name}/images.parquet"
            for name in params.copies(study, wildcards.copied_source)["names"]
        ],
    output:
        copies="<results>/copies/{copied_source}.csv",
    log:
        "<logs>/find_copies/{copied_source}.log",
    benchmark:
        "<benchmarks>/find_copies/{copied_source}.tsv"
    conda:
        "../envs/acquire.yaml"
    threads: stage_resource("store", "threads")
    resources:
        **granted("store"),
    params:
        search=lambda wildcards: params.copies(study, wildcards.copied_source),
        code=code("find_copies.py"),
    message:
        "Find copies of images of {wildcards.copied_source}"
    script:
        "../workflow_scripts/find_copies.py"


rule make_distribution:
    """Choose a distribution's classes and images and publish the choice as CSV."""
    input:
        table=lambda wildcards: places.source_file(study, wildcards.distribution, "images.parquet"),
        classes=lambda wildcards: places.source_file(study, wildcards.distribution, "classes.csv"),
        superclasses=lambda wildcards: places.superclass_table(study, wildcards.distribution),
        copies=lambda wildcards: places.copies_left_out(study, wildcards.distribution),
    output:
        index="<results>/distributions/{distribution}/index.parquet",
        classes="<results>/distributions/{distribution}/classes.csv",
        manifest="<results>/distributions/{distribution}/manifest.csv",
    log:
        "<logs>/make_distribution/{distribution}.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        **granted("prepare"),
    params:
        declared=refusing(lambda wildcards: raw.declared_distribution(study, wildcards.distribution)),
        code=code("make_distribution.py"),
    message:
        "Choose the images of {wildcards.distribution}"
    script:
        "../workflow_scripts/make_distribution.py"


rule check_distribution:
    """Check a distribution against what its declaration promises."""
    input:
        unpack(lambda wildcards: places.related_manifests(study, wildcards.distribution)),
        manifest="<results>/distributions/{distribution}/manifest.csv",
        classes=lambda wildcards: places.source_file(study, wildcards.distribution, "classes.csv"),
        superclasses=lambda wildcards: places.superclass_table(study, wildcards.distribution),
        copies=lambda wildcards: places.copies_left_out(study, wildcards.distribution),
    output:
        promises="<results>/distributions/{distribution}/promises.csv",
    log:
        "<logs>/check_distribution/{distribution}.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        declared=lambda wildcards: params.distribution(study, wildcards.distribution),
        code=code("check_distribution.py"),
    message:
        "Check the promises of {wildcards.distribution}"
    script:
        "../workflow_scripts/check_distribution.py"
