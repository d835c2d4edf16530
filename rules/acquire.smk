"""Takes nothing; makes the raw files of each data set: drawn small ones, or the real ones, checked and put in place."""

if config["acquisition"] == "draw":

    include: "acquire_miniature.smk"

else:

    include: "acquire_downloads.smk"


include: "acquire_variants.smk"
include: "acquire_tiny_images.smk"


rule acquire_diffusion_model:
    """Fetch the diffusion model that a source names on the Hugging Face Hub, at the commit that it names."""
    output:
        model=directory("<resources>/{diffusion_source}/model"),
    log:
        "<logs>/acquire_diffusion_model/{diffusion_source}.log",
    retries: 3
    localrule: True
    conda:
        "../envs/generate.yaml"
    params:
        model=lambda wildcards: {
            "name": config["sources"][wildcards.diffusion_source]["model"],
            "revision": config["sources"][wildcards.diffusion_source]["revision"],
        },
        part=lambda wildcards, output: f"{output.model}.part",
    message:
        "Fetch the diffusion model of {wildcards.diffusion_source}"
    script:
        "../workflow_scripts/acquire_diffusion_model.py"


rule unpack_iwildcam:
    """Unpack iWildCam-WILDS into the folder that the wilds package opens."""
    input:
        archive="<resources>/iwildcam/iwildcam_v2.0.tar.gz",
    output:
        metadata="<resources>/iwildcam/iwildcam_v2.0/metadata.csv",
        categories="<resources>/iwildcam/iwildcam_v2.0/categories.csv",
        release="<resources>/iwildcam/iwildcam_v2.0/RELEASE_v2.0.txt",
    log:
        "<logs>/unpack_iwildcam.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        code=code("unpack_iwildcam.py"),
    message:
        "Unpack iWildCam-WILDS"
    script:
        "../workflow_scripts/unpack_iwildcam.py"


rule unpack_domainnet:
    """Unpack DomainNet into the folder that the wilds package opens."""
    input:
        archive="<resources>/domainnet/domainnet_v1.0.tar.gz",
    output:
        release="<resources>/domainnet/domainnet_v1.0/RELEASE_v1.0.txt",
    log:
        "<logs>/unpack_domainnet.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        code=code("unpack_domainnet.py"),
    message:
        "Unpack DomainNet"
    script:
        "../workflow_scripts/unpack_domainnet.py"


rule unpack_wilds:
    """Unpack a WILDS data set into the folder that the wilds package opens."""
    input:
        archive="<resources>/wilds/{wilds_dataset}_v{version}.tar.gz",
    output:
        release="<resources>/wilds/{wilds_dataset}_v{version}/RELEASE_v{version}.txt",
    log:
        "<logs>/unpack_wilds/{wilds_dataset}_v{version}.log",
    conda:
        "../envs/acquire.yaml"
    resources:
        mem_mb=stage_resource("prepare", "mem_mb"),
        runtime=stage_resource("prepare", "runtime"),
    params:
        code=code("unpack_wilds.py"),
    message:
        "Unpack {wildcards.wilds_dataset} of WILDS"
    script:
        "../workflow_scripts/unpack_wilds.py"
