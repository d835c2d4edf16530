"""Takes nothing; draws small worlds and writes them in the real data sets' own formats."""


rule draw_imagenet:
    """Draw the object world as ILSVRC2012's archives."""
    output:
        train="<resources>/imagenet/ILSVRC2012_img_train.tar",
        devkit="<resources>/imagenet/ILSVRC2012_devkit_t12.tar.gz",
    log:
        "<logs>/draw_imagenet.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        world=lambda wildcards: study.world("imagenet"),
        code=code("draw_imagenet.py"),
    message:
        "Draw a miniature ImageNet"
    script:
        "../workflow_scripts/draw_imagenet.py"


rule draw_inaturalist:
    """Draw the object world as iNaturalist 2017's archives."""
    output:
        images="<resources>/inaturalist/train_val_images.tar.gz",
        annotations="<resources>/inaturalist/train_val2017.zip",
    log:
        "<logs>/draw_inaturalist.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        world=lambda wildcards: study.world("inaturalist"),
        code=code("draw_inaturalist.py"),
    message:
        "Draw a miniature iNaturalist"
    script:
        "../workflow_scripts/draw_inaturalist.py"


rule draw_iwildcam:
    """Draw the camera-trap world as iWildCam-WILDS v2.0's archive."""
    output:
        archive="<resources>/iwildcam/iwildcam_v2.0.tar.gz",
    log:
        "<logs>/draw_iwildcam.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        world=lambda wildcards: study.world("iwildcam"),
        code=code("draw_iwildcam.py"),
    message:
        "Draw a miniature iWildCam"
    script:
        "../workflow_scripts/draw_iwildcam.py"


rule draw_domainnet:
    """Draw the object world in several styles as DomainNet's archive."""
    output:
        archive="<resources>/domainnet/domainnet_v1.0.tar.gz",
    log:
        "<logs>/draw_domainnet.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        world=lambda wildcards: study.world("domainnet"),
        code=code("draw_domainnet.py"),
    message:
        "Draw a miniature DomainNet"
    script:
        "../workflow_scripts/draw_domainnet.py"
