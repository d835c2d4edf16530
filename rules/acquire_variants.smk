"""Takes nothing; draws miniatures of the variants of ImageNet, or takes and downloads the real ones."""

for variant in study.filtered_variants:

    rule:
        name:
            f"draw_{variant}"
        input:
            **variant_classes(variant),
            **filtering_network(variant),
        output:
            f"<resources>/{variant}/{study.collection(variant)['variant']['files'][0]}",
        log:
            f"<logs>/draw_{variant}.log",
        conda:
            "../envs/train.yaml"
        threads: stage_resource("evaluate", "threads")
        resources:
            mem_mb=stage_resource("evaluate", "mem_mb"),
            runtime=stage_resource("evaluate", "runtime"),
            gpu=stage_resource("evaluate", "gpu"),
        params:
            world=study.variant_world(variant),
            network=study.filtering_network(variant)["filter"],
            code=code("draw_imagenet_a.py"),
        message:
            f"Draw what a network gets wrong as a miniature of {variant}"
        script:
            "../workflow_scripts/draw_imagenet_a.py"


for variant in study.drawn_variants:

    rule:
        name:
            f"draw_{variant}"
        input:
            **variant_classes(variant),
        output:
            [
                f"<resources>/{variant}/{file}"
                for file in study.collection(variant)["variant"]["files"]
            ],
        log:
            f"<logs>/draw_{variant}.log",
        conda:
            "../envs/acquire.yaml"
        params:
            world=study.variant_world(variant),
            code=code("draw_imagenet_variant.py"),
        message:
            f"Draw a miniature of {variant}"
        script:
            "../workflow_scripts/draw_imagenet_variant.py"


for variant in study.variants if config["acquisition"] == "download" else []:
    if "path" not in study.collection(variant)["variant"]:

        rule:
            name:
                f"acquire_{variant}"
            output:
                [
                    f"<resources>/{variant}/{file}"
                    for file in study.collection(variant)["variant"]["files"]
                ],
            log:
                f"<logs>/acquire_{variant}.log",
            retries: 3
            localrule: True
            conda:
                "../envs/acquire.yaml"
            params:
                downloads=config["downloads"][variant],
                place=config["downloads"]["place"],
            message:
                f"Take or download {variant}"
            script:
                "../workflow_scripts/acquire_archives.py"
