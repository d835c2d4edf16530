"""What the studies that ship with the repository are drawn again by."""

import shlex

SHIPPED = {
    "published": ["data/studies/published.yaml"],
    "tiny_half": [
        "data/studies/tiny.yaml",
        "data/studies/tiny_half.yaml",
        "data/studies/tiny_half_more.yaml",
        "data/results/tiny_half/run.yaml",
    ],
}
# What is made of score tables alone; nothing else is made again.
FROM_SCORES = "redrawn fit_trends compare_series draw_figure collect_trends tabulate"


def snakemake_again(files, *options):
    """The command that runs this workflow with other configuration files.

    Without PYTHONPATH, by which a job finds the scripts.
    """
    start = ["env", "-u", "PYTHONPATH", sys.executable, "-m", "snakemake", "--nolock"]
    paths = [str(REPOSITORY / file) for file in files.split()]
    snakefile = ["--snakefile", str(REPOSITORY / "Snakefile")]
    return shlex.join([*start, *options, *snakefile, "--configfile", *paths])


def drawn_again(name):
    """The command that draws a study's results below data/results/ again."""
    place = f"pathvars={{results: {REPOSITORY}/data/results/{name}}}"
    options = ["--cores", "1", "--forceall", "--allowed-rules", *FROM_SCORES.split()]
    return snakemake_again(" ".join(SHIPPED[name]), "redrawn", *options, "--config", place)
