"""Takes stores, distributions, trends and the config; makes tables: CSV, a typeset page and LaTeX source."""


rule tabulate:
    """Make a table: its numbers as CSV, typeset as a page and as LaTeX source."""
    input:
        unpack(lambda wildcards: table_inputs(study, wildcards.table)),
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
        table=lambda wildcards: show.table(study, wildcards.table),
        code=lambda wildcards: code(
            "tabulate_results.py", f"pretraining_robustness/tables/kinds/{study.tables[wildcards.table].kind}.py"
        ),
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
