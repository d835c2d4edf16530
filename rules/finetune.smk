"""Takes pre-trained weights and a downstream task; makes fine-tuned checkpoints, one at every epoch."""


rule make_zero_shot_head:
    """Make a head for a task from the names of its classes, as the text network of a model embeds them."""
    input:
        text=pretraining_file("text.safetensors"),
        classes=task_classes,
    output:
        head="<results>/heads/{task}/{distribution}/{architecture}/seed_{seed}/head.safetensors",
    log:
        "<logs>/make_zero_shot_head/{task}/{distribution}/{architecture}/seed_{seed}.log",
    conda:
        "../envs/train.yaml"
    params:
        code=code("make_zero_shot_head.py"),
    message:
        "Embed the classes of {wildcards.task} with {wildcards.architecture} from {wildcards.distribution}"
    script:
        "../workflow_scripts/make_zero_shot_head.py"


rule finetune:
    """Fine-tune one network on a downstream task and keep a checkpoint of every epoch."""
    input:
        unpack(pretrained_weights),
        images=task_images,
        table=task_table,
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
