"""Takes a distribution; makes pre-trained weights, one job a network."""


rule pretrain:
    """Pre-train one architecture on one distribution."""
    input:
        images=source_file("images.npy"),
        table=source_file("images.parquet"),
        index="<results>/distributions/{distribution}/index.parquet",
        promises="<results>/distributions/{distribution}/promises.csv",
    output:
        weights="<results>/pretrain/{distribution}/{architecture}/seed_{seed}/weights.safetensors",
        metrics="<results>/pretrain/{distribution}/{architecture}/seed_{seed}/metrics.csv",
    log:
        "<logs>/pretrain/{distribution}/{architecture}/seed_{seed}.log",
    benchmark:
        "<benchmarks>/pretrain/{distribution}/{architecture}/seed_{seed}.tsv"
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
            "recipe": study.recipe("pretrain", wildcards.architecture),
        },
        state=state_folder,
        code=code("pretrain.py"),
    message:
        "Pre-train {wildcards.architecture} on {wildcards.distribution}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/pretrain.py"
