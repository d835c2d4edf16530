"""Takes nothing; draws small worlds as Tiny-ImageNet, CIFAR and its shifted test sets, or takes and downloads the real ones."""

for folder in study.tiny_images if config["acquisition"] == "draw" else []:

    rule:
        name:
            f"draw_{folder}"
        output:
            tiny_files(folder),
        log:
            f"<logs>/draw_{folder}.log",
        conda:
            "../envs/acquire.yaml"
        threads: stage_resource("prepare", "threads")
        resources:
            mem_mb=stage_resource("prepare", "mem_mb"),
            runtime=stage_resource("prepare", "runtime"),
        params:
            world=study.tiny_world(folder),
            code=code("draw_tiny_images.py"),
        message:
            f"Draw a miniature of {folder}"
        script:
            "../workflow_scripts/draw_tiny_images.py"


for folder in study.tiny_images if config["acquisition"] == "download" else []:

    rule:
        name:
            f"acquire_{folder}"
        output:
            tiny_files(folder),
        log:
            f"<logs>/acquire_{folder}.log",
        retries: 3
        localrule: True
        conda:
            "../envs/acquire.yaml"
        params:
            downloads=config["downloads"][folder],
            place=config["downloads"]["place"],
            optional=study.optional_source(study.tiny_images[folder]),
        message:
            f"Take or download {folder}"
        script:
            "../workflow_scripts/acquire_archives.py"
