"""Takes the stores of tasks, of a collection of domains and of variants of ImageNet; makes downstream tasks of them."""


rule pair_domains:
    """Make a downstream task of two domains: fine-tune in one, evaluate in both."""
    input:
        table=lambda wildcards: f"<results>/stores/{names.task_collection(study, wildcards.domain_pair)}/images.parquet",
    output:
        table="<results>/pairs/{domain_pair}/images.parquet",
    log:
        "<logs>/pair_domains/{domain_pair}.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        pair=lambda wildcards: params.pair_of_domains(study, wildcards.domain_pair),
        code=code("pair_domains.py"),
    message:
        "Pair the domains of {wildcards.domain_pair}"
    script:
        "../workflow_scripts/pair_domains.py"


rule make_variant_task:
    """Make a downstream task of a variant of ImageNet, or of ImageNet's own training images."""
    input:
        table=lambda wildcards: f"<results>/stores/{names.task_collection(study, wildcards.variant_task)}/images.parquet",
        classes=lambda wildcards: places.classes_of_made_task(study, wildcards.variant_task),
        index=lambda wildcards: places.index_of_task(study, wildcards.variant_task),
    output:
        table="<results>/pairs/{variant_task}/images.parquet",
    log:
        "<logs>/make_variant_task/{variant_task}.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        **granted("prepare"),
    params:
        choice=lambda wildcards: params.variant_task(study, wildcards.variant_task),
        code=code("make_variant_task.py"),
    message:
        "Make a task of {wildcards.variant_task}"
    script:
        "../workflow_scripts/make_variant_task.py"


rule choose_training_images:
    """Choose the images of a task that are fine-tuned on, where those are not all."""
    input:
        table="<results>/stores/{limited_task}/images.parquet",
    output:
        table="<results>/pairs/{limited_task}/images.parquet",
    log:
        "<logs>/choose_training_images/{limited_task}.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        choice=lambda wildcards: params.training_images(study, wildcards.limited_task),
        code=code("choose_training_images.py"),
    message:
        "Choose the training images of {wildcards.limited_task}"
    script:
        "../workflow_scripts/choose_training_images.py"
