"""Takes the checkpoints of runs; makes their predictions on every test set, and scores without a GPU."""

PREDICTIONS = f"<results>/evaluate/{SERIES_FOLDER}/predictions.parquet"
LEFT_OUT = f"<results>/evaluate/{SERIES_FOLDER}/left_out.parquet"


rule predict:
    """Predict every test set of a task with every checkpoint of a series."""
    input:
        unpack(test_stores),
        before=predictions_before,
        checkpoints=series_checkpoints,
    output:
        predictions=[PREDICTIONS],
    log:
        f"<logs>/predict/{SERIES_FOLDER}.log",
    benchmark:
        f"<benchmarks>/predict/{SERIES_FOLDER}.tsv"
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
    params:
        series=lambda wildcards: [predicted_series(**wildcards)],
        code=code("predict.py"),
    message:
        "Predict {wildcards.task} with {wildcards.distribution}, {wildcards.method}"
    script:
        "../workflow_scripts/predict.py"


rule score:
    """Score the predictions of a series by every metric, with intervals."""
    input:
        unpack(test_tables),
        predictions=[PREDICTIONS],
    output:
        scores=[f"<results>/evaluate/{SERIES_FOLDER}/scores.csv"],
        left_out=[LEFT_OUT],
    log:
        f"<logs>/score/{SERIES_FOLDER}.log",
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
    params:
        series=lambda wildcards: [study.scoring(**wildcards)],
        intervals=config["scores"],
        code=code("score.py"),
    message:
        "Score {wildcards.distribution}, {wildcards.method}, on {wildcards.task}"
    script:
        "../workflow_scripts/score.py"


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
            "recipe": study.pretrain_recipe(**recogniser(wildcards)),
        },
        code=code("recognise_generated.py"),
    message:
        "Recognise the images of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/recognise_generated.py"


rule collect_scores:
    """Put the scores of all runs of a figure into one table; with it, the figure can be redrawn without anything else."""
    input:
        unpack(figure_scores),
    output:
        scores="<results>/scores/{figure}.csv",
        left_out="<results>/scores/{figure}_left_out.parquet",
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
        unpack(all_scores),
    output:
        scores="<results>/scores.csv",
        left_out="<results>/scores_left_out.parquet",
    log:
        "<logs>/collect_all_scores.log",
    message:
        "Collect the scores of all runs"
