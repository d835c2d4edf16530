"""Shares the jobs of ImageNet-RIB: one fine-tunes, merges, predicts or scores by all methods."""


ruleorder: finetune_by_all_methods > finetune
ruleorder: merge_by_all_methods > merge_weights
ruleorder: predict_by_all_methods > predict_before > predict
ruleorder: score_by_all_methods > score


use rule finetune as finetune_by_all_methods with:
    output:
        checkpoints=of_methods(CHECKPOINTS, RIB_TRAINED),
        metrics=of_methods(
            [f"<results>/finetune/{RUN_FOLDER}/metrics.csv"], RIB_TRAINED
        ),
    log:
        f"<logs>/finetune_by_all_methods/{NETWORK_FOLDER}.log",
    benchmark:
        f"<benchmarks>/finetune_by_all_methods/{NETWORK_FOLDER}.tsv"
    wildcard_constraints:
        task=one_of(study.variant_tasks),
        distribution=one_of(NETWORKS_SHARING_JOBS),
        architecture=one_of(
            study.imagenet_rib.get("architectures", study.config["architectures"])
        ),
    params:
        runs=lambda wildcards: [
            study.finetuning(Run(**wildcards, method=method)) for method in RIB_TRAINED
        ],
        state=of_methods([f"{RESULTS}/finetune/{RUN_FOLDER}/unfinished"], RIB_TRAINED),
        code=code("finetune.py", *map(method_module, RIB_TRAINED)),
    message:
        "Fine-tune {wildcards.architecture} from {wildcards.distribution} on {wildcards.task} "
        "by all methods, seed {wildcards.seed}"


use rule merge_weights as merge_by_all_methods with:
    input:
        unpack(lambda wildcards: held_out_store(wildcards.task, RIB_MERGED)),
        checkpoints=lambda wildcards: [
            checkpoint
            for method in RIB_MERGED
            for checkpoint in merged_checkpoints(Run(**wildcards, method=method))
        ],
    output:
        merged=of_methods(CHECKPOINTS[-1:], RIB_MERGED),
    log:
        f"<logs>/merge_by_all_methods/{NETWORK_FOLDER}.log",
    wildcard_constraints:
        task=one_of(study.variant_tasks),
        distribution=one_of(NETWORKS_SHARING_JOBS),
        architecture=one_of(
            study.imagenet_rib.get("architectures", study.config["architectures"])
        ),
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
    params:
        merges=lambda wildcards: [
            study.merge(Run(**wildcards, method=method), LAST_EPOCH)
            for method in RIB_MERGED
        ],
        code=code("merge_weights.py"),
    message:
        "Merge {wildcards.architecture} from {wildcards.distribution} on {wildcards.task} "
        "by all methods, seed {wildcards.seed}"


use rule predict as predict_by_all_methods with:
    input:
        unpack(test_stores),
        before=predictions_before,
        checkpoints=lambda wildcards: [
            path
            for method in RIB_METHODS
            for path in checkpoints_of_series(**wildcards, method=method)
        ],
    output:
        predictions=of_methods([PREDICTIONS], RIB_METHODS),
    log:
        "<logs>/predict_by_all_methods/{task}/{distribution}.log",
    benchmark:
        "<benchmarks>/predict_by_all_methods/{task}/{distribution}.tsv"
    wildcard_constraints:
        task=one_of(study.variant_tasks),
        distribution=one_of(NETWORKS_SHARING_JOBS),
    params:
        series=lambda wildcards: [
            predicted_series(**wildcards, method=method) for method in RIB_METHODS
        ],
        code=code("predict.py"),
    message:
        "Predict {wildcards.task} with {wildcards.distribution}, by all methods"


use rule predict as predict_before with:
    input:
        unpack(test_stores),
        checkpoints=lambda wildcards: [
            last_checkpoint(run, START)
            for run in study.series_runs(**wildcards, method=DEFAULT_METHOD)
        ],
    output:
        predictions=of_methods([PREDICTIONS], [START]),
    log:
        "<logs>/predict_before/{task}/{distribution}.log",
    benchmark:
        "<benchmarks>/predict_before/{task}/{distribution}.tsv"
    wildcard_constraints:
        task=one_of(study.variant_tasks[:1]),
    params:
        series=lambda wildcards: [
            {**told, "checkpoints": len(told["networks"])}
            for told in [study.prediction(**wildcards, method=DEFAULT_METHOD)]
        ],
        code=code("predict.py"),
    message:
        "Predict all variants with {wildcards.distribution}, before fine-tuning"


use rule score as score_by_all_methods with:
    input:
        tables=lambda wildcards: test_stores(wildcards)["tables"],
        predictions=of_methods([PREDICTIONS], RIB_METHODS),
    output:
        scores=of_methods(
            [f"<results>/evaluate/{SERIES_FOLDER}/scores.csv"], RIB_METHODS
        ),
    log:
        "<logs>/score_by_all_methods/{task}/{distribution}.log",
    wildcard_constraints:
        task=one_of(study.variant_tasks),
        distribution=one_of(NETWORKS_SHARING_JOBS),
    params:
        series=lambda wildcards: [
            study.scoring(**wildcards, method=method) for method in RIB_METHODS
        ],
        intervals=config["scores"],
        code=code("score.py"),
    message:
        "Score {wildcards.distribution}, by all methods, on {wildcards.task}"
