"""Takes a distribution, or published weights; makes pre-trained weights."""

# Not dated: another network in the study trains none of the others again.
ARCHITECTURES = ancient("<results>/architectures.csv")


rule check_architectures:
    """Build every network, without memory for its weights, before any is trained."""
    output:
        table="<results>/architectures.csv",
    log:
        "<logs>/check_architectures.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        networks=lambda wildcards: params.networks(study),
        code=code("check_architectures.py"),
    message:
        "Build every network of the study, without its weights"
    script:
        "../workflow_scripts/check_architectures.py"


for jobs in parts.pretraining_jobs(study, set(names.trained_distributions(study)) - set(names.captioned(study))):

    rule:
        """Pre-train networks on a distribution."""
        name:
            f"pretrain{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.pretraining)),
            promises=kept_promises(jobs),
            architectures=ARCHITECTURES,
        output:
            **jobs.outputs(parts.PRETRAINED),
        log:
            f"<logs>/pretrain{jobs.suffix}/{{group}}.log",
        benchmark:
            f"<benchmarks>/pretrain{jobs.suffix}/{{group}}.tsv"
        wildcard_constraints:
            group=jobs.group,
        priority: training_priority(jobs)
        conda:
            "../envs/train.yaml"
        threads: stage_resource("pretrain", "threads")
        resources:
            **granted("pretrain", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, parts.pretraining),
            code=code("pretrain.py"),
        message:
            f"Pre-train {jobs.words}"
        script:
            "../workflow_scripts/pretrain.py"


for jobs in parts.pretraining_jobs(study, names.captioned(study)):

    rule:
        """Pre-train networks on the images of a distribution and their captions."""
        name:
            f"pretrain_image_text{jobs.suffix}"
        input:
            unpack(inputs_of(jobs, parts.pretraining)),
            promises=kept_promises(jobs),
            architectures=ARCHITECTURES,
        output:
            **jobs.outputs(parts.WITH_TEXT),
        log:
            f"<logs>/pretrain_image_text{jobs.suffix}/{{group}}.log",
        benchmark:
            f"<benchmarks>/pretrain_image_text{jobs.suffix}/{{group}}.tsv"
        wildcard_constraints:
            group=jobs.group,
        priority: training_priority(jobs)
        conda:
            "../envs/train.yaml"
        threads: stage_resource("pretrain", "threads")
        resources:
            **granted("pretrain", parts=len(jobs.folders)),
        params:
            parts=parts_of(jobs, parts.pretraining),
            code=code("pretrain_image_text.py"),
        message:
            f"Pre-train {jobs.words} with captions"
        script:
            "../workflow_scripts/pretrain_image_text.py"


CLIP = {name for name, spec in study.architectures.items() if spec.builder == "open_clip"}

for what, architectures, files in [
    ("weights", set(study.architectures) - CLIP, ["weights"]),
    ("towers", CLIP, ["weights", "text"]),
]:

    rule:
        """Take the weights of a published network, from where you placed them or from their home."""
        name:
            f"take_published_{what}"
        output:
            **{file: places.pretraining_file(f"{file}.safetensors") for file in files},
        log:
            f"<logs>/take_published_{what}/{{distribution}}/{{architecture}}/seed_{{seed}}.log",
        wildcard_constraints:
            distribution=one_of([name for name in study.distributions if names.is_published(study, name)]),
            architecture=one_of(architectures),
        localrule: True
        conda:
            "../envs/train.yaml"
        params:
            run=lambda wildcards: {
                "distribution": wildcards.distribution,
                "architecture": params.architecture(study, wildcards.architecture),
                "pretrained": params.published(study, wildcards.distribution),
                "place": config.get("downloads", {}).get("place", "downloads"),
            },
            code=code("take_published_weights.py"),
        message:
            "Take the published weights of {wildcards.architecture} from {wildcards.distribution}"
        script:
            "../workflow_scripts/take_published_weights.py"
