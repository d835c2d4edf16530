"""Shares the jobs of ImageNet-RIB: one fine-tunes, merges, predicts or scores on all variants, by all methods or by one.

Those by all methods are of the networks that are fine-tuned by all of them.
"""


ruleorder: finetune_by_all_methods > finetune_on_all_variants > finetune
ruleorder: merge_by_all_methods > merge_weights
ruleorder: predict_by_all_methods > predict_before > predict_on_all_variants > predict
ruleorder: score_by_all_methods > score_on_all_variants > score


use rule finetune as finetune_on_all_variants with:
    input:
        unpack(of_each_variant(finetuning_files)),
    output:
        checkpoints=on_variants(CHECKPOINTS),
        metrics=on_variants([f"<results>/finetune/{RUN_FOLDER}/metrics.csv"]),
    log:
        f"<logs>/finetune_on_all_variants/{RUN_ON_VARIANTS}.log",
    benchmark:
        f"<benchmarks>/finetune_on_all_variants/{RUN_ON_VARIANTS}.tsv"
    wildcard_constraints:
        method=one_of(RIB_TRAINED),
        distribution=one_of(NETWORKS_SHARING_JOBS),
    params:
        runs=lambda wildcards: [
            study.finetuning(run)
            for run in runs_on_variants(wildcards, [wildcards.method])
        ],
        state=on_variants([f"{RESULTS}/finetune/{RUN_FOLDER}/unfinished"]),
        code=lambda wildcards: code("finetune.py", method_module(wildcards.method)),
    message:
        "Fine-tune {wildcards.architecture} from {wildcards.distribution} on all variants, "
        "{wildcards.method}, seed {wildcards.seed}"


use rule finetune as finetune_by_all_methods with:
    input:
        unpack(of_each_variant(finetuning_files)),
    output:
        checkpoints=of_methods(on_variants(CHECKPOINTS), RIB_TRAINED),
        metrics=of_methods(
            on_variants([f"<results>/finetune/{RUN_FOLDER}/metrics.csv"]), RIB_TRAINED
        ),
    log:
        f"<logs>/finetune_by_all_methods/{NETWORK_ON_VARIANTS}.log",
    benchmark:
        f"<benchmarks>/finetune_by_all_methods/{NETWORK_ON_VARIANTS}.tsv"
    wildcard_constraints:
        distribution=one_of(NETWORKS_BY_ALL_METHODS),
        architecture=one_of(RIB_ARCHITECTURES),
    params:
        runs=lambda wildcards: [
            study.finetuning(run) for run in runs_on_variants(wildcards, RIB_TRAINED)
        ],
        state=of_methods(
            on_variants([f"{RESULTS}/finetune/{RUN_FOLDER}/unfinished"]), RIB_TRAINED
        ),
        code=code("finetune.py", *map(method_module, RIB_TRAINED)),
    message:
        "Fine-tune {wildcards.architecture} from {wildcards.distribution} on all variants "
        "by all methods, seed {wildcards.seed}"


use rule merge_weights as merge_by_all_methods with:
    input:
        unpack(
            of_each_variant(
                lambda wildcards: held_out_store(wildcards.task, RIB_MERGED)
            )
        ),
        checkpoints=lambda wildcards: [
            checkpoint
            for run in runs_on_variants(wildcards, RIB_MERGED)
            for checkpoint in merged_checkpoints(run)
        ],
    output:
        merged=of_methods(on_variants(CHECKPOINTS[-1:]), RIB_MERGED),
    log:
        f"<logs>/merge_by_all_methods/{NETWORK_ON_VARIANTS}.log",
    wildcard_constraints:
        distribution=one_of(NETWORKS_BY_ALL_METHODS),
        architecture=one_of(RIB_ARCHITECTURES),
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
    params:
        merges=lambda wildcards: [
            study.merge(run, LAST_EPOCH)
            for run in runs_on_variants(wildcards, RIB_MERGED)
        ],
        code=code("merge_weights.py"),
    message:
        "Merge {wildcards.architecture} from {wildcards.distribution} on all variants "
        "by all methods, seed {wildcards.seed}"


use rule predict as predict_on_all_variants with:
    input:
        unpack(of_each_variant(test_stores)),
        before=predictions_before_all,
        checkpoints=lambda wildcards: checkpoints_on_variants(
            wildcards, [wildcards.method]
        ),
    output:
        predictions=on_variants([PREDICTIONS]),
    log:
        "<logs>/predict_on_all_variants/{method}/{distribution}.log",
    benchmark:
        "<benchmarks>/predict_on_all_variants/{method}/{distribution}.tsv"
    wildcard_constraints:
        distribution=one_of(NETWORKS_SHARING_JOBS),
    params:
        series=lambda wildcards: [
            predicted_series(*series)
            for series in series_on_variants(wildcards, [wildcards.method])
        ],
        code=code("predict.py"),
    message:
        "Predict all variants with {wildcards.distribution}, {wildcards.method}"


use rule predict as predict_by_all_methods with:
    input:
        unpack(of_each_variant(test_stores)),
        before=predictions_before_all,
        checkpoints=lambda wildcards: checkpoints_on_variants(wildcards, RIB_METHODS),
    output:
        predictions=of_methods(on_variants([PREDICTIONS]), RIB_METHODS),
    log:
        "<logs>/predict_by_all_methods/{distribution}.log",
    benchmark:
        "<benchmarks>/predict_by_all_methods/{distribution}.tsv"
    wildcard_constraints:
        distribution=one_of(NETWORKS_BY_ALL_METHODS),
    params:
        series=lambda wildcards: [
            predicted_series(*series)
            for series in series_on_variants(wildcards, RIB_METHODS)
        ],
        code=code("predict.py"),
    message:
        "Predict all variants with {wildcards.distribution}, by all methods"


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


use rule score as score_on_all_variants with:
    input:
        unpack(of_each_variant(test_tables)),
        predictions=on_variants([PREDICTIONS]),
    output:
        scores=on_variants([f"<results>/evaluate/{SERIES_FOLDER}/scores.csv"]),
        left_out=on_variants([LEFT_OUT]),
    log:
        "<logs>/score_on_all_variants/{method}/{distribution}.log",
    wildcard_constraints:
        distribution=one_of(NETWORKS_SHARING_JOBS),
    params:
        series=lambda wildcards: [
            study.scoring(*series)
            for series in series_on_variants(wildcards, [wildcards.method])
        ],
        intervals=config["scores"],
        code=code("score.py"),
    message:
        "Score {wildcards.distribution}, {wildcards.method}, on all variants"


use rule score as score_by_all_methods with:
    input:
        unpack(of_each_variant(test_tables)),
        predictions=of_methods(on_variants([PREDICTIONS]), RIB_METHODS),
    output:
        scores=of_methods(
            on_variants([f"<results>/evaluate/{SERIES_FOLDER}/scores.csv"]),
            RIB_METHODS,
        ),
        left_out=of_methods(on_variants([LEFT_OUT]), RIB_METHODS),
    log:
        "<logs>/score_by_all_methods/{distribution}.log",
    wildcard_constraints:
        distribution=one_of(NETWORKS_BY_ALL_METHODS),
    params:
        series=lambda wildcards: [
            study.scoring(*series)
            for series in series_on_variants(wildcards, RIB_METHODS)
        ],
        intervals=config["scores"],
        code=code("score.py"),
    message:
        "Score {wildcards.distribution}, by all methods, on all variants"
