"""Takes stores, distributions, trends and the config; makes tables: CSV, a typeset page and LaTeX source."""

from pretraining_robustness.tables import kinds as table_kinds


def table_inputs(wildcards):
    """What a table is made from: the files that the module of its kind reads."""
    spec = config["tables"][wildcards.table]
    trends = names.of_kind(study, "trends")
    expected = [one["figure"] for one in spec.get("expectations", [])]
    shown = [spec["figure"]] if "figure" in spec else expected or trends
    sources = spec.get("sources", [])
    values = {
        "table": [wildcards.table],
        "figure": list(dict.fromkeys(shown)),
        "distribution": names.distributions(study),
        "source": sources,
        "copied_source": [one for one in sources if one in names.copied_sources(study)],
    }
    return {
        name: (
            [published_rib(name)]
            if path == table_kinds.FROM_CONFIG
            else collect(f"<results>/{path}", **values)
        )
        for name, path in table_kinds.reads(spec["kind"]).items()
    }


def table_params(wildcards):
    """What a table is told; that of all experiments is told of each."""
    table = show.table(study, wildcards.table)
    if table["kind"] == "experiments":
        table["experiments"] = experiments(study)
    return table


def table_code(wildcards):
    """Digest of what makes a table of this kind."""
    kind = config["tables"][wildcards.table]["kind"]
    return code("tabulate_results.py", f"pretraining_robustness/tables/kinds/{kind}.py")


rule tabulate:
    """Make a table: its numbers as CSV, typeset as a page and as LaTeX source."""
    input:
        unpack(table_inputs),
    output:
        csv="<results>/tables/{table}.csv",
        html=report(
            "<results>/tables/{table}.html",
            caption="captions/table.rst",
            category="Tables",
            labels=report_labels,
        ),
        tex="<results>/tables/{table}.tex",
    log:
        "<logs>/tabulate/{table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        table=table_params,
        code=table_code,
    message:
        "Make {wildcards.table}"
    script:
        "../workflow_scripts/tabulate_results.py"


rule count_cooccurrence:
    """Count the images of ImageNet's validation set with animals, objects or both."""
    output:
        counts="<results>/cooccurrence/{table}.csv",
    log:
        "<logs>/count_cooccurrence/{table}.log",
    localrule: True
    conda:
        "../envs/train.yaml"
    params:
        animals=lambda wildcards: show.table(study, wildcards.table)["animals"],
        code=code("count_cooccurrence.py"),
    message:
        "Count images with animals and objects"
    script:
        "../workflow_scripts/count_cooccurrence.py"


rule check_calibration:
    """Fail if the study does not show what a working pipeline must show."""
    input:
        csv="<results>/tables/{table}.csv",
    output:
        report="<results>/calibration/{table}.txt",
    log:
        "<logs>/check_calibration/{table}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        code=code("check_calibration.py"),
    message:
        "Check what {wildcards.table} shows"
    script:
        "../workflow_scripts/check_calibration.py"
