"""Takes prompts and a diffusion model, which the miniature trains itself; makes stores of generated images."""


rule plan_prompts:
    """Deal prompts and seeds out to the images that are to be generated, and list them all."""
    input:
        classes=lambda wildcards: places.prompted_classes(study, wildcards.diffusion_source),
    output:
        prompts="<results>/generated/{diffusion_source}/prompts.csv",
        images="<results>/generated/{diffusion_source}/images.parquet",
    log:
        "<logs>/plan_prompts/{diffusion_source}.log",
    conda:
        "../envs/generate.yaml"
    resources:
        **granted("prepare"),
    params:
        plan=lambda wildcards: params.prompts(study, wildcards.diffusion_source),
        code=code("plan_prompts.py"),
    message:
        "Write the prompts of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/plan_prompts.py"


rule train_diffusion:
    """Train a small latent diffusion model on the store whose classes it is asked for."""
    input:
        images=prompted("images.npy"),
        table=prompted("images.parquet"),
        classes=prompted("classes.csv"),
    output:
        pipeline=directory("<results>/generated/{diffusion_source}/model"),
        metrics="<results>/generated/{diffusion_source}/training.csv",
    log:
        "<logs>/train_diffusion/{diffusion_source}.log",
    benchmark:
        "<benchmarks>/train_diffusion/{diffusion_source}.tsv"
    conda:
        "../envs/generate.yaml"
    threads: stage_resource("diffusion", "threads")
    resources:
        **granted("diffusion"),
    params:
        model=lambda wildcards: study.sources[wildcards.diffusion_source].given["training"],
        state=f"{RESULTS}/generated/{{diffusion_source}}/unfinished_model",
        code=code("train_diffusion.py"),
    message:
        "Train the diffusion model of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/train_diffusion.py"


rule generate_images:
    """Generate one part of the images from their prompts and seeds."""
    input:
        unpack(lambda wildcards: places.diffusion_model(study, wildcards.diffusion_source)),
        plan="<results>/generated/{diffusion_source}/images.parquet",
    output:
        images="<results>/generated/{diffusion_source}/shard_{shard}.npy",
        table="<results>/generated/{diffusion_source}/shard_{shard}.parquet",
        metrics="<results>/generated/{diffusion_source}/shard_{shard}.csv",
    log:
        "<logs>/generate_images/{diffusion_source}/shard_{shard}.log",
    benchmark:
        "<benchmarks>/generate_images/{diffusion_source}/shard_{shard}.tsv"
    conda:
        "../envs/generate.yaml"
    threads: stage_resource("generate", "threads")
    resources:
        **granted("generate"),
    params:
        generation=lambda wildcards, input: {
            "model": input.get("model", study.sources[wildcards.diffusion_source].model),
            "settings": params.generate(study, wildcards.diffusion_source),
            "shards": study.sources[wildcards.diffusion_source].generate.shards,
        },
        state=f"{RESULTS}/generated/{{diffusion_source}}/unfinished_shard_{{shard}}",
        code=code("generate_images.py"),
    message:
        "Generate images of {wildcards.diffusion_source}, part {wildcards.shard}"
    script:
        "../workflow_scripts/generate_images.py"


rule gather_generated:
    """Put the parts of the generated images into one store."""
    input:
        images=lambda wildcards: places.generated_shards(study, wildcards.diffusion_source, "npy"),
        tables=lambda wildcards: places.generated_shards(study, wildcards.diffusion_source, "parquet"),
        prompts="<results>/generated/{diffusion_source}/prompts.csv",
    output:
        images="<results>/stores/{diffusion_source}/images.npy",
        table="<results>/stores/{diffusion_source}/images.parquet",
        classes="<results>/stores/{diffusion_source}/classes.csv",
        undecodable="<results>/stores/{diffusion_source}/undecodable.csv",
    log:
        "<logs>/gather_generated/{diffusion_source}.log",
    conda:
        "../envs/generate.yaml"
    resources:
        **granted("prepare"),
    params:
        code=code("gather_generated.py"),
    message:
        "Gather the images of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/gather_generated.py"
