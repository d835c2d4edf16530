"""Takes pre-trained weights and a downstream task; makes fine-tuned checkpoints and merges them."""


rule make_zero_shot_head:
    """Make a head for a task from the names of its classes, as the text network of a model embeds them."""
    input:
        text=places.pretraining_file("text.safetensors"),
        classes=lambda wildcards: places.classes_of_task(study, wildcards.task),
    output:
        head="<results>/heads/{task}/{distribution}/{architecture}/seed_{seed}/head.safetensors",
    log:
        "<logs>/make_zero_shot_head/{task}/{distribution}/{architecture}/seed_{seed}.log",
    conda:
        "../envs/train.yaml"
    resources:
        **granted("prepare"),
    params:
        code=code("make_zero_shot_head.py"),
    message:
        "Embed the classes of {wildcards.task} with {wildcards.architecture} from {wildcards.distribution}"
    script:
        "../workflow_scripts/make_zero_shot_head.py"


rule save_start:
    """Keep the network with which fine-tuning starts, as the checkpoint of epoch 0 that all methods share."""
    input:
        unpack(lambda wildcards: places.pretrained_weights(study, wildcards)),
        table=lambda wildcards: places.table_of_task(study, wildcards.task),
    output:
        checkpoint=places.START_FILE,
    log:
        "<logs>/save_start/{task}/{distribution}/{architecture}/seed_{seed}.log",
    conda:
        "../envs/train.yaml"
    resources:
        **granted("prepare"),
    params:
        run=lambda wildcards: {
            "distribution": wildcards.distribution,
            "seed": int(wildcards.seed),
            "architecture": params.architecture(study, wildcards.architecture),
            "recipe": params.finetune_recipe(study, wildcards.task, wildcards.architecture),
            "keep_head": names.keeps_head(study, wildcards.task, wildcards.distribution),
        },
        code=code("save_start.py"),
    message:
        "Keep {wildcards.architecture} from {wildcards.distribution} as it starts on {wildcards.task}"
    script:
        "../workflow_scripts/save_start.py"


for epochs, jobs, made in parts.training_jobs(study):

    rule:
        """Fine-tune networks on a downstream task and keep the checkpoints that are predicted."""
        name:
            f"finetune{epochs}{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.finetuning)),
            architectures=ARCHITECTURES,
        output:
            **jobs.outputs(made),
        log:
            f"<logs>/finetune{epochs}{jobs.suffix}/{{group}}.log",
        benchmark:
            f"<benchmarks>/finetune{epochs}{jobs.suffix}/{{group}}.tsv"
        wildcard_constraints:
            group=jobs.group,
        priority: training_priority(jobs)
        conda:
            "../envs/train.yaml"
        threads: stage_resource("finetune", "threads")
        resources:
            **granted("finetune", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, parts.finetuning),
            code=code_of_methods(jobs, "finetune.py", "methods"),
        message:
            f"Fine-tune {jobs.words}"
        script:
            "../workflow_scripts/finetune.py"


for jobs in parts.finetuning_jobs(study, study.jobs.merge, names.merged_methods(study), names.tasks(study)):

    rule:
        """Merge the weights of networks into one network: an interpolation or a soup; nothing is trained."""
        name:
            f"merge_weights{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.merging)),
        output:
            **jobs.outputs(parts.merged(study)),
        log:
            f"<logs>/merge_weights{jobs.suffix}/{{group}}.log",
        wildcard_constraints:
            group=jobs.group,
        conda:
            "../envs/train.yaml"
        threads: stage_resource("evaluate", "threads")
        resources:
            mem_mb=stage_resource("evaluate", "mem_mb"),
            runtime=stage_resource("evaluate", "runtime", parts=len(jobs.folders)),
            gpu=gpu_to_choose(jobs),
        params:
            parts=parts_of(jobs, parts.merging),
            code=code_of_methods(jobs, "merge_weights.py", "mergers"),
        message:
            f"Merge {jobs.words}"
        script:
            "../workflow_scripts/merge_weights.py"
