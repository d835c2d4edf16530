"""Another workflow takes this one as a module, with and without a prefix or a configuration of its own."""

import pytest

ALIASED = """
module robust:
    snakefile: "{repository}/Snakefile"
    prefix: "robust"

use rule * from robust as robust_*
"""

CONFIGURED = """
configfile: "{repository}/config.yaml"

config["figures"]["mine"] = {{**config["figures"]["fig2"], "title": "Mine"}}

module robust:
    snakefile: "{repository}/Snakefile"
    config: config

use rule * from robust
"""


@pytest.fixture
def importing(workflow, workflow_type, repository):
    """Return a function that makes the workflow of a folder whose Snakefile imports this one."""

    def make(snakefile):
        (workflow.folder / "Snakefile").write_text(snakefile.format(repository=repository), encoding="utf-8")
        return workflow_type(workflow.folder, workflow.folder)

    return make


def test_a_module_with_a_prefix_is_planned_and_run_below_it(importing):
    aliased = importing(ALIASED)
    jobs = aliased.plan("robust/results/figures/fig2.pdf")
    assert jobs["robust_draw_figure"] == 1
    assert jobs["robust_pretrain"] >= 1
    aliased.run("robust/resources/iwildcam/iwildcam_v2.0.tar.gz")
    assert (aliased.folder / "robust/resources/iwildcam/iwildcam_v2.0.tar.gz").stat().st_size > 100_000


def test_a_module_takes_a_configuration(importing):
    assert importing(CONFIGURED).plan("mine")["mine"] == 1
