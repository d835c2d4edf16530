"""Takes the checkpoints of runs; makes their predictions on every test set, and scores without a GPU."""

for jobs in parts.evaluation_jobs(study, study.jobs.predict, *parts.series_before(study)):

    rule:
        """Predict every test set of a task with every checkpoint of a series."""
        name:
            f"predict{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.prediction)),
        output:
            **jobs.outputs(parts.PREDICTED),
        log:
            f"<logs>/predict{jobs.suffix}/{{group}}.log",
        benchmark:
            f"<benchmarks>/predict{jobs.suffix}/{{group}}.tsv"
        wildcard_constraints:
            group=jobs.group,
        conda:
            "../envs/train.yaml"
        threads: stage_resource("evaluate", "threads")
        resources:
            mem_mb=stage_resource("evaluate", "mem_mb"),
            runtime=stage_resource("evaluate", "runtime"),  # goes on at the next try
            gpu=stage_resource("evaluate", "gpu"),
        params:
            parts=parts_of(jobs, parts.prediction),
            code=code("predict.py"),
        message:
            f"Predict {jobs.words}"
        script:
            "../workflow_scripts/predict.py"


for jobs in parts.evaluation_jobs(study, study.jobs.score):

    rule:
        """Score the predictions of a series by every metric, with intervals."""
        name:
            f"score{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.scoring)),
        output:
            **jobs.outputs(parts.SCORED),
        log:
            f"<logs>/score{jobs.suffix}/{{group}}.log",
        wildcard_constraints:
            group=jobs.group,
        conda:
            "../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=stage_resource("evaluate", "mem_mb"),
            runtime=stage_resource("evaluate", "runtime", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, parts.scoring),
            code=code("score.py"),
        message:
            f"Score {jobs.words}"
        script:
            "../workflow_scripts/score.py"


rule recognise_generated:
    """Count how many generated images a network that was trained on real ones recognises as what was asked for."""
    input:
        unpack(lambda wildcards: places.recognising_network(study, wildcards.diffusion_source)),
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
        **granted("evaluate"),
    params:
        run=lambda wildcards: params.recogniser(study, wildcards.diffusion_source),
        code=code("recognise_generated.py"),
    message:
        "Recognise the images of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/recognise_generated.py"


rule collect_scores:
    """Put the scores of all runs of a figure, or of all figures, into one table; with it, figures can be redrawn without anything else."""
    input:
        unpack(lambda wildcards: parts.scores_of_table(study, wildcards.score_table)),
    output:
        scores="<results>/{score_table}.csv",
        left_out="<results>/{score_table}_left_out.parquet",
    log:
        "<logs>/collect_scores/{score_table}.log",
    wildcard_constraints:
        score_table=one_of(parts.score_tables(study)),
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("collect_scores.py"),
    message:
        "Collect the scores of {wildcards.score_table}"
    script:
        "../workflow_scripts/collect_scores.py"
