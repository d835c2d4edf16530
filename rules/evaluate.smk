"""Takes the checkpoints of a run; makes its predictions and scores, in and out of distribution."""


rule evaluate:
    """Predict both test splits with every checkpoint of a run and score the predictions."""
    input:
        images=task_images,
        table=task_table,
        checkpoints=CHECKPOINTS,
    output:
        predictions="<results>/evaluate/{task}/{distribution}/{architecture}/seed_{seed}/predictions.parquet",
        scores="<results>/evaluate/{task}/{distribution}/{architecture}/seed_{seed}/scores.csv",
    log:
        "<logs>/evaluate/{task}/{distribution}/{architecture}/seed_{seed}.log",
    benchmark:
        "<benchmarks>/evaluate/{task}/{distribution}/{architecture}/seed_{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
    params:
        run=lambda wildcards: {
            "task": wildcards.task,
            "id_split": config["tasks"][wildcards.task]["id_split"],
            "ood_split": config["tasks"][wildcards.task]["ood_split"],
            "distribution": wildcards.distribution,
            "architecture_name": wildcards.architecture,
            "seed": int(wildcards.seed),
            "architecture": study.architecture(wildcards.architecture),
            "recipe": study.recipe("finetune", wildcards.architecture),
        },
        code=code("evaluate.py"),
    message:
        "Evaluate {wildcards.architecture} from {wildcards.distribution} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"


rule recognise_generated:
    """Count how many generated images a network that was trained on real ones recognises as what was asked for."""
    input:
        unpack(recognising_network),
        images="<results>/stores/{diffusion_source}/images.npy",
        table="<results>/stores/{diffusion_source}/images.parquet",
    output:
        recognition="<results>/generated/{diffusion_source}/recognition.csv",
        per_class="<results>/generated/{diffusion_source}/recognition_by_class.csv",
    log:
        "<logs>/recognise_generated/{diffusion_source}.log",
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
    params:
        run=lambda wildcards: {
            "architecture": study.architecture(recogniser(wildcards)["architecture"]),
            "recipe": study.recipe("pretrain", recogniser(wildcards)["architecture"]),
        },
        code=code("recognise_generated.py"),
    message:
        "Recognise the images of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/recognise_generated.py"


rule collect_scores:
    """Put the scores of all runs of a figure into one table; with it, the figure can be redrawn without anything else."""
    input:
        scores=figure_run_scores,
    output:
        scores="<results>/scores/{figure}.csv",
    log:
        "<logs>/collect_scores/{figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("collect_scores.py"),
    message:
        "Collect the scores of {wildcards.figure}"
    script:
        "../workflow_scripts/collect_scores.py"


use rule collect_scores as collect_all_scores with:
    input:
        scores=all_run_scores,
    output:
        scores="<results>/scores.csv",
    log:
        "<logs>/collect_all_scores.log",
    message:
        "Collect the scores of all runs"
