"""Takes a distribution, or published weights; makes pre-trained weights, one job a network."""


rule pretrain:
    """Pre-train one architecture on one distribution."""
    input:
        unpack(source_images),
        unpack(validation_images),
        index="<results>/distributions/{distribution}/index.parquet",
        promises="<results>/distributions/{distribution}/promises.csv",
    output:
        weights=pretraining_file("weights.safetensors"),
        metrics=pretraining_file("metrics.csv"),
    log:
        "<logs>/pretrain/{distribution}/{architecture}/seed_{seed}.log",
    benchmark:
        "<benchmarks>/pretrain/{distribution}/{architecture}/seed_{seed}.tsv"
    wildcard_constraints:
        distribution=one_of(
            set(study.trained_distributions) - set(study.captioned),
        ),
    conda:
        "../envs/train.yaml"
    threads: stage_resource("pretrain", "threads")
    resources:
        mem_mb=stage_resource("pretrain", "mem_mb"),
        runtime=stage_resource("pretrain", "runtime"),
        gpu=stage_resource("pretrain", "gpu"),
    params:
        run=lambda wildcards: {
            "distribution": wildcards.distribution,
            "seed": int(wildcards.seed),
            "architecture": study.architecture(wildcards.architecture),
            "recipe": study.pretrain_recipe(
                wildcards.architecture, wildcards.distribution
            ),
            "objective": study.objective(wildcards.distribution),
            **study.held_out(wildcards.distribution),
        },
        state=f"{RESULTS}/pretrain/{{distribution}}/{{architecture}}/seed_{{seed}}/unfinished",
        code=code("pretrain.py"),
    message:
        "Pre-train {wildcards.architecture} on {wildcards.distribution}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/pretrain.py"


rule pretrain_image_text:
    """Pre-train one architecture on the images of a distribution and their captions."""
    input:
        unpack(source_images),
        index="<results>/distributions/{distribution}/index.parquet",
        classes="<results>/distributions/{distribution}/classes.csv",
        promises="<results>/distributions/{distribution}/promises.csv",
    output:
        weights=pretraining_file("weights.safetensors"),
        text=pretraining_file("text.safetensors"),
        metrics=pretraining_file("metrics.csv"),
    log:
        "<logs>/pretrain_image_text/{distribution}/{architecture}/seed_{seed}.log",
    benchmark:
        "<benchmarks>/pretrain_image_text/{distribution}/{architecture}/seed_{seed}.tsv"
    wildcard_constraints:
        distribution=one_of(study.captioned),
    conda:
        "../envs/train.yaml"
    threads: stage_resource("pretrain", "threads")
    resources:
        mem_mb=stage_resource("pretrain", "mem_mb"),
        runtime=stage_resource("pretrain", "runtime"),
        gpu=stage_resource("pretrain", "gpu"),
    params:
        run=lambda wildcards: {
            "distribution": wildcards.distribution,
            "seed": int(wildcards.seed),
            "architecture": study.architecture(wildcards.architecture),
            "recipe": study.pretrain_recipe(
                wildcards.architecture, wildcards.distribution
            ),
            "objective": study.objective(wildcards.distribution),
        },
        state=f"{RESULTS}/pretrain/{{distribution}}/{{architecture}}/seed_{{seed}}/unfinished",
        code=code("pretrain_image_text.py"),
    message:
        "Pre-train {wildcards.architecture} on {wildcards.distribution} with captions, seed {wildcards.seed}"
    script:
        "../workflow_scripts/pretrain_image_text.py"


rule take_published_weights:
    """Take the weights of a published network, from where you placed them or from their home."""
    output:
        weights=pretraining_file("weights.safetensors"),
    log:
        "<logs>/take_published_weights/{distribution}/{architecture}/seed_{seed}.log",
    wildcard_constraints:
        distribution=one_of(study.published_distributions),
        architecture=one_of(set(config["architectures"]) - set(built_by("open_clip"))),
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        run=lambda wildcards: {
            "distribution": wildcards.distribution,
            "architecture": study.architecture(wildcards.architecture),
            "pretrained": study.published(wildcards.distribution),
            "place": config.get("downloads", {}).get("place", "downloads"),
        },
        code=code("take_published_weights.py"),
    message:
        "Take the published weights of {wildcards.architecture} from {wildcards.distribution}"
    script:
        "../workflow_scripts/take_published_weights.py"


use rule take_published_weights as take_published_towers with:
    output:
        weights=pretraining_file("weights.safetensors"),
        text=pretraining_file("text.safetensors"),
    log:
        "<logs>/take_published_towers/{distribution}/{architecture}/seed_{seed}.log",
    wildcard_constraints:
        distribution=one_of(study.published_distributions),
        architecture=one_of(built_by("open_clip")),
    message:
        "Take both towers of {wildcards.architecture} from {wildcards.distribution}"
