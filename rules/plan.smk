"""Takes nothing; estimates what the study costs: jobs, hours, disk. Needs no data and no GPU."""


rule plan_pipeline:
    """Plan the whole study and count the jobs of each rule."""
    input:
        rules=RULE_FILES,
    output:
        jobs="<results>/pipeline/jobs.csv",
    log:
        "<logs>/plan_pipeline.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        config=config,
        code=code("plan_pipeline.py"),
    message:
        "Plan the whole study"
    script:
        "../workflow_scripts/plan_pipeline.py"


rule plan:
    """Estimate the study's jobs, hours and disk from a table of rates, and print them."""
    input:
        jobs="<results>/pipeline/jobs.csv",
        rates=os.path.relpath(Path(REPOSITORY, "data", "rates.csv")),
    output:
        costs="<results>/plan.csv",
    log:
        "<logs>/plan.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        config=config,
        plan=config["plan"],
        code=code("estimate_costs.py"),
    message:
        "Estimate the costs of the study"
    script:
        "../workflow_scripts/estimate_costs.py"
