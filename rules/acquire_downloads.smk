"""Takes what you placed and what can be downloaded; makes the real data sets' archives, each checked before use."""


rule acquire_imagenet:
    """Check ILSVRC2012's archives, which need an account to fetch, and put them in place."""
    output:
        train="<resources>/imagenet/ILSVRC2012_img_train.tar",
        devkit="<resources>/imagenet/ILSVRC2012_devkit_t12.tar.gz",
    log:
        "<logs>/acquire_imagenet.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards: config["downloads"]["imagenet"],
        place=config["downloads"]["place"],
    message:
        "Check ImageNet's archives"
    script:
        "../workflow_scripts/acquire_archives.py"


rule acquire_inaturalist:
    """Download iNaturalist 2017's images and annotations."""
    output:
        images="<resources>/inaturalist/train_val_images.tar.gz",
        annotations="<resources>/inaturalist/train_val2017.zip",
    log:
        "<logs>/acquire_inaturalist.log",
    retries: 3
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards: config["downloads"]["inaturalist"],
        place=config["downloads"]["place"],
    message:
        "Download iNaturalist 2017"
    script:
        "../workflow_scripts/acquire_archives.py"


rule acquire_iwildcam:
    """Take iWildCam-WILDS's archive from where you placed it, or download it."""
    output:
        archive="<resources>/iwildcam/iwildcam_v2.0.tar.gz",
    log:
        "<logs>/acquire_iwildcam.log",
    retries: 3
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards: config["downloads"]["iwildcam"],
        place=config["downloads"]["place"],
    message:
        "Take or download iWildCam-WILDS"
    script:
        "../workflow_scripts/acquire_archives.py"


rule acquire_domainnet:
    """Take DomainNet's archive from where you placed it, or download it."""
    output:
        archive="<resources>/domainnet/domainnet_v1.0.tar.gz",
    log:
        "<logs>/acquire_domainnet.log",
    retries: 3
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards: config["downloads"]["domainnet"],
        place=config["downloads"]["place"],
    message:
        "Take or download DomainNet"
    script:
        "../workflow_scripts/acquire_archives.py"


rule acquire_wilds:
    """Take a WILDS data set's archive from where you placed it, or download it from where the wilds package does."""
    output:
        archive="<resources>/wilds/{wilds_dataset}_v{version}.tar.gz",
    log:
        "<logs>/acquire_wilds/{wilds_dataset}_v{version}.log",
    retries: 3
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards, output: {
            "home": WILDS_HOME,
            "files": {
                Path(output.archive).name: {"url": WILDS[wildcards.wilds_dataset].url}
            },
        },
        place=config["downloads"]["place"],
    message:
        "Take or download {wildcards.wilds_dataset} of WILDS"
    script:
        "../workflow_scripts/acquire_archives.py"


rule acquire_breeds:
    """Download the hierarchy of ImageNet's classes that BREEDS recalibrated."""
    output:
        hierarchy="<resources>/breeds/class_hierarchy.txt",
        names="<resources>/breeds/node_names.txt",
        info="<resources>/breeds/dataset_class_info.json",
    log:
        "<logs>/acquire_breeds.log",
    retries: 3
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        downloads=lambda wildcards: config["downloads"]["breeds"],
        place=config["downloads"]["place"],
    message:
        "Download the BREEDS hierarchy"
    script:
        "../workflow_scripts/acquire_archives.py"


rule select_breeds:
    """Select BREEDS' superclasses and subclasses and compare them with the published table."""
    input:
        hierarchy="<resources>/breeds/class_hierarchy.txt",
        names="<resources>/breeds/node_names.txt",
        info="<resources>/breeds/dataset_class_info.json",
        committed=os.path.relpath(Path(REPOSITORY, "data", "imagenet_breeds.csv")),
    output:
        table="<resources>/breeds/imagenet_breeds.csv",
    log:
        "<logs>/select_breeds.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        code=code("select_breeds.py"),
    message:
        "Select BREEDS' superclasses"
    script:
        "../workflow_scripts/select_breeds.py"
