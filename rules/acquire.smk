"""Takes nothing; makes the raw files of each data set: drawn small ones, or the real ones, checked and put in place."""

for name, drawing, files, filtered in raw.drawings(study):
    stage = "evaluate" if filtered else "prepare"

    rule:
        name:
            f"draw_{name}"
        input:
            **files,
        output:
            places.archives(study, name),
        log:
            f"<logs>/draw_{name}.log",
        conda:
            "../envs/train.yaml" if filtered else "../envs/acquire.yaml"
        threads: stage_resource(stage, "threads")
        resources:
            **granted(stage),
        params:
            **drawing,
            code=code("draw_archive.py", f"miniature/formats/{drawing['module']}.py"),
        message:
            f"Draw a miniature of {name}"
        script:
            "../workflow_scripts/draw_archive.py"

    describe_rule(f"Draw a miniature of {name}")


downloads = config["downloads"] if config["acquisition"] == "download" else {}

for name in sorted({*downloads} - {"place"}):

    rule:
        name:
            f"acquire_{name}"
        output:
            places.archives(study, name),
        log:
            f"<logs>/acquire_{name}.log",
        retries: 3
        localrule: True
        conda:
            "../envs/acquire.yaml"
        params:
            downloads=downloads[name],
            place=downloads["place"],
            optional=names.optional_source(study, names.archives(study).get(name, name)),
        message:
            f"Take or download {name}"
        script:
            "../workflow_scripts/acquire_archives.py"

    describe_rule(f"Take or download {name}")


if downloads:

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
                "files": {Path(output.archive).name: {"url": WILDS[wildcards.wilds_dataset].url}},
            },
            place=downloads["place"],
        message:
            "Take or download {wildcards.wilds_dataset} of WILDS"
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


# Unpacked archives are opened by the wilds package: their folders and files that it needs.
UNPACKED = {
    "iwildcam": (
        "iwildcam/iwildcam_v2.0",
        ["metadata.csv", "categories.csv", "RELEASE_v2.0.txt"],
    ),
    "domainnet": ("domainnet/domainnet_v1.0", ["RELEASE_v1.0.txt"]),
    "wilds": ("wilds/{wilds_dataset}_v{version}", ["RELEASE_v{version}.txt"]),
}

for name, (folder, files) in UNPACKED.items():

    rule:
        name:
            f"unpack_{name}"
        input:
            archive=f"<resources>/{folder}.tar.gz",
        output:
            [f"<resources>/{folder}/{file}" for file in files],
        log:
            f"<logs>/unpack_{folder}.log",
        conda:
            "../envs/acquire.yaml"
        resources:
            **granted("prepare"),
        params:
            code=code("unpack_archive.py"),
        message:
            "Unpack {input.archive}"
        script:
            "../workflow_scripts/unpack_archive.py"


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
