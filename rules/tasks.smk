"""Takes the store of a collection of domains; makes downstream tasks of pairs of domains."""


rule pair_domains:
    """Make a downstream task of two domains: fine-tune in one, evaluate in both."""
    input:
        table=lambda wildcards: f"<results>/stores/{study.task_collection(wildcards.domain_pair)}/images.parquet",
    output:
        table="<results>/pairs/{domain_pair}/images.parquet",
    log:
        "<logs>/pair_domains/{domain_pair}.log",
    localrule: True
    conda:
        "../envs/acquire.yaml"
    params:
        pair=lambda wildcards: {
            key: config["tasks"][wildcards.domain_pair][key]
            for key in ("id_domain", "ood_domain")
        },
        code=code("pair_domains.py"),
    message:
        "Pair the domains of {wildcards.domain_pair}"
    script:
        "../workflow_scripts/pair_domains.py"
