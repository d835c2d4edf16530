"""Takes scores and predictions on variants of ImageNet; makes RI and mRI, their figures and their table."""

for jobs in parts.comparison_jobs(study):

    rule:
        """Compare the predictions after fine-tuning on every variant with those before."""
        name:
            f"compare_with_start{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.comparison)),
        output:
            **jobs.outputs(parts.COMPARED),
        log:
            f"<logs>/compare_with_start{jobs.suffix}/{{group}}.log",
        wildcard_constraints:
            group=jobs.group,
        conda:
            "../envs/train.yaml"
        resources:
            **granted("prepare", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, parts.comparison),
            code=code("compare_with_start.py"),
        message:
            f"Compare {jobs.words} with the network before fine-tuning"
        script:
            "../workflow_scripts/compare_with_start.py"


rule compute_rib_indices:
    """Compute RI and mRI of every network."""
    input:
        scores="<results>/scores/imagenet_rib.csv",
        turned=[f"<results>/imagenet_rib/{method}/{name}/turned.csv" for method, name in runs.rib_series(study)],
        errors=[
            f"<results>/imagenet_rib/{method}/{name}/standard_errors.csv" for method, name in runs.rib_series(study)
        ],
        mean_errors=[
            f"<results>/imagenet_rib/{method}/{name}/mean_errors.csv" for method, name in runs.rib_series(study)
        ],
    output:
        cells="<results>/imagenet_rib/cells.csv",
        indices="<results>/imagenet_rib/indices.csv",
        means="<results>/imagenet_rib/means.csv",
        cell_means="<results>/imagenet_rib/cell_means.csv",
    log:
        "<logs>/compute_rib_indices.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        benchmark=show.benchmark(study),
        code=code("compute_rib_indices.py"),
    message:
        "Compute RI and mRI"
    script:
        "../workflow_scripts/compute_rib_indices.py"


rule cross_with_pretraining:
    """Compare mRI of networks that differ in their pre-training data alone."""
    input:
        indices="<results>/imagenet_rib/indices.csv",
    output:
        means="<results>/imagenet_rib/crossing/{rib_crossing}/means.csv",
        trends="<results>/imagenet_rib/crossing/{rib_crossing}/trends.csv",
        contrasts="<results>/imagenet_rib/crossing/{rib_crossing}/contrasts.csv",
    log:
        "<logs>/cross_with_pretraining/{rib_crossing}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        figure=lambda wildcards: show.figure(study, wildcards.rib_crossing),
        code=code("cross_with_pretraining.py"),
    message:
        "Compare the networks of {wildcards.rib_crossing} by what they were pre-trained on"
    script:
        "../workflow_scripts/cross_with_pretraining.py"


rule effective_robustness_of_rib:
    """Measure how far every cell lies above networks trained on ImageNet alone."""
    input:
        cells="<results>/imagenet_rib/cells.csv",
    output:
        effective="<results>/imagenet_rib/effective.csv",
        lines="<results>/imagenet_rib/lines.csv",
        points="<results>/imagenet_rib/points.csv",
    log:
        "<logs>/effective_robustness_of_rib.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        robustness=show.rib_robustness(study),
        code=code("effective_robustness_of_rib.py"),
    message:
        "Measure the effective robustness of fine-tuned networks"
    script:
        "../workflow_scripts/effective_robustness_of_rib.py"


rule compute_set_sizes:
    """Compute RI after fine-tuning on sets of growing size."""
    input:
        scores=lambda wildcards: places.set_size_scores(study),
        tasks=collect("<results>/pairs/{task}/images.parquet", task=names.tasks_of_set_sizes(study)),
    output:
        sizes="<results>/imagenet_rib/set_sizes.csv",
    log:
        "<logs>/compute_set_sizes.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        study=show.set_sizes(study),
        code=code("compute_set_sizes.py"),
    message:
        "Compute RI by the size of the set fine-tuned on"
    script:
        "../workflow_scripts/compute_set_sizes.py"


rule measure_distances:
    """Measure the distances between variants of ImageNet by optimal transport."""
    input:
        images=[images for images, _ in places.tested_stores(study, names.variant_tasks(study)[0]).values()],
        tables=[table for _, table in places.tested_stores(study, names.variant_tasks(study)[0]).values()],
        checkpoint=lambda wildcards: places.embedding_network(study),
    output:
        distances="<results>/imagenet_rib/distances.csv",
    log:
        "<logs>/measure_distances.log",
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        **granted("evaluate"),
    params:
        transport=lambda wildcards: show.transport(study),
        code=code("measure_distances.py"),
    message:
        "Measure the distances between variants of ImageNet"
    script:
        "../workflow_scripts/measure_distances.py"


rule compare_networks:
    """Compare the representations of networks after fine-tuning on every variant with those before."""
    input:
        checkpoints=lambda wildcards: [
            path
            for task in names.variant_tasks(study)
            for path in places.checkpoints_of_series(study, task, **wildcards)
        ],
        task=lambda wildcards: places.table_of_task(study, names.variant_tasks(study)[0]),
        images=f"<results>/stores/{study.imagenet_rib.reference}/images.npy",
        table=f"<results>/stores/{study.imagenet_rib.reference}/images.parquet",
    output:
        similarity="<results>/imagenet_rib/{method}/{distribution}/similarity.csv",
    log:
        "<logs>/compare_networks/{method}/{distribution}.log",
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        **granted("evaluate"),
    params:
        comparison=lambda wildcards: show.similarity(study, **wildcards),
        code=code("compare_networks.py"),
    message:
        "Compare the layers of {wildcards.distribution}, {wildcards.method}, before and after fine-tuning"
    script:
        "../workflow_scripts/compare_networks.py"


rule write_rib_page:
    """Write the page of all results of ImageNet-RIB: a matrix to choose from, all figures, all tables."""
    input:
        cells="<results>/imagenet_rib/cell_means.csv",
        figures=collect("<results>/figures/{figure}.png", figure=names.rib_figures(study)),
        captions=collect("<results>/figures/{figure}.txt", figure=names.rib_figures(study)),
        tables=collect("<results>/tables/{table}.html", table=names.rib_tables(study)),
    output:
        page=report(
            "<results>/imagenet_rib.html",
            caption="captions/rib_page.rst",
            category="Interactive page",
            labels={"Page": "ImageNet-RIB: every change of accuracy, figure and table"},
        ),
    log:
        "<logs>/write_rib_page.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        page=lambda wildcards: show.rib_page(study),
        code=code("write_rib_page.py"),
    message:
        "Write the page of ImageNet-RIB"
    script:
        "../workflow_scripts/write_rib_page.py"
