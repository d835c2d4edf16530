"""Takes pre-trained weights and a downstream task; makes fine-tuned checkpoints, one at every epoch, and merges them."""


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
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        code=code("make_zero_shot_head.py"),
    message:
        "Embed the classes of {wildcards.task} with {wildcards.architecture} from {wildcards.distribution}"
    script:
        "../workflow_scripts/make_zero_shot_head.py"


rule save_start:
    """Keep the network with which fine-tuning starts, as the checkpoint of epoch 0 that all methods share."""
    input:
        unpack(pretrained_weights),
        table=task_table,
    output:
        checkpoint=start_file("{task}"),
    log:
        "<logs>/save_start/{task}/{distribution}/{architecture}/seed_{seed}.log",
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        run=lambda wildcards: {
            "distribution": wildcards.distribution,
            "seed": int(wildcards.seed),
            "architecture": study.architecture(wildcards.architecture),
            "recipe": study.finetune_recipe(wildcards.task, wildcards.architecture),
            "keep_head": study.keeps_head(wildcards.task, wildcards.distribution),
        },
        code=code("save_start.py"),
    message:
        "Keep {wildcards.architecture} from {wildcards.distribution} as it starts on {wildcards.task}"
    script:
        "../workflow_scripts/save_start.py"


rule finetune:
    """Fine-tune one network on a downstream task and keep a checkpoint of every epoch."""
    input:
        unpack(finetuning_files),
    output:
        checkpoints=CHECKPOINTS,
        metrics=[f"<results>/finetune/{RUN_FOLDER}/metrics.csv"],
    log:
        f"<logs>/finetune/{RUN_FOLDER}.log",
    benchmark:
        f"<benchmarks>/finetune/{RUN_FOLDER}.tsv"
    wildcard_constraints:
        method=one_of(study.trained_methods),
    conda:
        "../envs/train.yaml"
    threads: stage_resource("finetune", "threads")
    resources:
        mem_mb=stage_resource("finetune", "mem_mb"),
        runtime=stage_resource("finetune", "runtime"),
        gpu=stage_resource("finetune", "gpu"),
    params:
        runs=lambda wildcards: [study.finetuning(Run(**wildcards))],
        state=[f"{RESULTS}/finetune/{RUN_FOLDER}/unfinished"],
        code=lambda wildcards: code("finetune.py", method_module(wildcards.method)),
    message:
        "Fine-tune {wildcards.architecture} from {wildcards.distribution} on {wildcards.task}, "
        "{wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/finetune.py"


rule merge_weights:
    """Merge the weights of networks of one run's kind into one network: an interpolation or a soup; nothing is trained."""
    input:
        unpack(lambda wildcards: held_out_store(wildcards.task, [wildcards.method])),
        checkpoints=lambda wildcards: merged_checkpoints(Run(**wildcards)),
    output:
        merged=[CHECKPOINTS[-1]],
    log:
        f"<logs>/merge_weights/{RUN_FOLDER}.log",
    wildcard_constraints:
        method=one_of(study.merged_methods),
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=lambda wildcards: (
            stage_resource("evaluate", "gpu")
            if held_out_store(wildcards.task, [wildcards.method])
            else 0
        ),
    params:
        merges=lambda wildcards: [study.merge(Run(**wildcards), LAST_EPOCH)],
        code=code("merge_weights.py"),
    message:
        "Merge {wildcards.architecture} from {wildcards.distribution} on {wildcards.task}, "
        "{wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/merge_weights.py"
