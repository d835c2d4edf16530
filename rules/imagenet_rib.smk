"""Takes scores and predictions on variants of ImageNet; makes RI and mRI, their figures and their table."""

for jobs in jobs_of(
    unit_pattern(one_of(names.methods(study)), one_of(config["distributions"])),
    ["/".join(series) for series in runs.rib_series(study)],
    {"distribution": None, "network": slice(1, 2)}[config["jobs"]["score"]],
):

    rule:
        """Compare the predictions after fine-tuning on every variant with those before."""
        name:
            f"compare_with_start{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, comparison_with_start)),
        output:
            **outputs_of(jobs, COMPARED),
        log:
            f"<logs>/compare_with_start{jobs.suffix}/{{group}}.log",
        wildcard_constraints:
            group=jobs.group,
        conda:
            "../envs/train.yaml"
        resources:
            mem_mb=stage_resource("prepare", "mem_mb"),
            runtime=stage_resource("prepare", "runtime", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, comparison_with_start),
            code=code("compare_with_start.py"),
        message:
            f"Compare {jobs.words} with the network before fine-tuning"
        script:
            "../workflow_scripts/compare_with_start.py"


rule compute_rib_indices:
    """Compute RI and mRI of every network."""
    input:
        scores="<results>/scores/imagenet_rib.csv",
        turned=rib_files("turned.csv"),
        errors=rib_files("standard_errors.csv"),
        mean_errors=rib_files("mean_errors.csv"),
    output:
        cells=rib_file("cells"),
        indices=rib_file("indices"),
        means=rib_file("means"),
        cell_means=rib_file("cell_means"),
    log:
        "<logs>/compute_rib_indices.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        benchmark=RIB,
        code=code("compute_rib_indices.py"),
    message:
        "Compute RI and mRI"
    script:
        "../workflow_scripts/compute_rib_indices.py"


rule cross_with_pretraining:
    """Compare mRI of networks that differ in their pre-training data alone."""
    input:
        indices=rib_file("indices"),
    output:
        means=crossing_file("{rib_crossing}", "means"),
        trends=crossing_file("{rib_crossing}", "trends"),
        contrasts=crossing_file("{rib_crossing}", "contrasts"),
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
        cells=rib_file("cells"),
    output:
        effective=rib_file("effective"),
        lines=rib_file("lines"),
        points=rib_file("points"),
    log:
        "<logs>/effective_robustness_of_rib.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        robustness={
            **config.get("imagenet_rib", {}).get("effective_robustness", {}),
            "reference": config.get("imagenet_rib", {}).get("reference"),
            "tested_on": RIB.get("tested_on"),
        },
        code=code("effective_robustness_of_rib.py"),
    message:
        "Measure the effective robustness of fine-tuned networks"
    script:
        "../workflow_scripts/effective_robustness_of_rib.py"


rule compute_set_sizes:
    """Compute RI after fine-tuning on sets of growing size."""
    input:
        scores=lambda wildcards: set_size_scores(),
        tasks=collect(
            "<results>/pairs/{task}/images.parquet",
            task=names.tasks_of_set_sizes(study),
        ),
    output:
        sizes=rib_file("set_sizes"),
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
        images=[images for images, _ in tested_stores(names.variant_tasks(study)[0]).values()],
        tables=[table for _, table in tested_stores(names.variant_tasks(study)[0]).values()],
        checkpoint=embedding_network,
    output:
        distances=rib_file("distances"),
    log:
        "<logs>/measure_distances.log",
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
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
            path for task in names.variant_tasks(study) for path in checkpoints_of_series(task, **wildcards)
        ],
        task=lambda wildcards: table_of_task(names.variant_tasks(study)[0]),
        images=f"<results>/stores/{config['imagenet_rib']['reference']}/images.npy",
        table=f"<results>/stores/{config['imagenet_rib']['reference']}/images.parquet",
    output:
        similarity=rib_file_of_method("similarity"),
    log:
        "<logs>/compare_networks/{method}/{distribution}.log",
    conda:
        "../envs/train.yaml"
    threads: stage_resource("evaluate", "threads")
    resources:
        mem_mb=stage_resource("evaluate", "mem_mb"),
        runtime=stage_resource("evaluate", "runtime"),
        gpu=stage_resource("evaluate", "gpu"),
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
        cells=rib_file("cell_means"),
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
