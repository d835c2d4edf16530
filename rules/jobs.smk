"""What Snakemake is told of jobs that make one or several parts: see study/jobs.py and study/parts.py."""


def inputs_of(jobs, part):
    """What a job reads: the inputs of all its parts, each once."""

    def inputs(wildcards):
        found = {}
        for unit in jobs.units(wildcards.group):
            for name, paths in part(study, unit).inputs.items():
                found.setdefault(name, {}).update(dict.fromkeys(files_of({name: paths})))
        return {name: list(paths) for name, paths in found.items() if paths}

    return inputs


def parts_of(jobs, part):
    """What a job is told of its parts."""
    return lambda wildcards: [with_results(asdict(part(study, unit))) for unit in jobs.units(wildcards.group)]


def with_results(value):
    """Fill in where results are, which Snakemake does not do in params."""
    if isinstance(value, str):
        return value.replace("<results>", RESULTS)
    if isinstance(value, dict):
        return {key: with_results(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_results(one) for one in value]
    return value


def kept_promises(jobs):
    """The checks of the distributions that a job trains on."""

    def promises(wildcards):
        used = dict.fromkeys(unit.partition("/")[0] for unit in jobs.units(wildcards.group))
        return [f"<results>/distributions/{name}/promises.csv" for name in used]

    return promises


def training_priority(jobs):
    """Trainings of earlier figures first; all other jobs come before them, as soon as they can."""
    return lambda wildcards: parts.training_priority(study, jobs, wildcards.group)


def methods_of(jobs, wildcards):
    """The methods of a job's runs."""
    used = dict.fromkeys(Run.of(unit).method for unit in jobs.units(wildcards.group))
    return [names.methods(study)[name] for name in used]


def code_of_methods(jobs, script, folder):
    """The digest of the code of fine-tuning or merging, with that of the methods of a job, which are in a folder."""
    place = f"pretraining_robustness/finetune/{folder}"
    return lambda wildcards: code(script, *(f"{place}/{one['kind']}.py" for one in methods_of(jobs, wildcards)))


def gpu_to_choose(jobs):
    """GPUs for merging: as many as for prediction where held-out images choose, else none."""
    gpus = stage_resource("evaluate", "gpu")
    return lambda wildcards: gpus if any("held_out" in one for one in methods_of(jobs, wildcards)) else 0
