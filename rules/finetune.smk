"""Takes pre-trained weights and a downstream task; makes fine-tuned checkpoints, one at every epoch."""


rule finetune:
    """Fine-tune one network on a downstream task and keep a checkpoint of every epoch."""
    input:
        unpack(pretrained_weights),
        images="<results>/stores/{task}/images.npy",
        table="<results>/stores/{task}/images.parquet",
    output:
        checkpoints=CHECKPOINTS,
        metrics="<results>/finetune/{task}/{distribution}/{architecture}/seed_{seed}/metrics.csv",
    log:
        "<logs>/finetune/{task}/{distribution}/{architecture}/seed_{seed}.log",
    benchmark:
        "<benchmarks>/finetune/{task}/{distribution}/{architecture}/seed_{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: stage_resource("finetune", "threads")
    resources:
        mem_mb=stage_resource("finetune", "mem_mb"),
        runtime=stage_resource("finetune", "runtime"),
        gpu=stage_resource("finetune", "gpu"),
    params:
        run=lambda wildcards: {
            "task": wildcards.task,
            "distribution": wildcards.distribution,
            "seed": int(wildcards.seed),
            "architecture": study.architecture(wildcards.architecture),
            "recipe": study.recipe("finetune", wildcards.architecture),
        },
        state=state_folder,
        code=code("finetune.py"),
    message:
        "Fine-tune {wildcards.architecture} from {wildcards.distribution} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/finetune.py"
