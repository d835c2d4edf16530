"""Say how far above or below a line somebody's own numbers are, and draw it."""

from pretraining_robustness.beyond.against import stand_against
from pretraining_robustness.figures.against import draw_against
from pretraining_robustness.rule import run_rule


def main() -> None:
    found = stand_against(lines=list(snakemake.input.lines), **snakemake.params.against)
    draw_against(found, **snakemake.output)
    print(found.words())


if __name__ == "__main__":
    run_rule(snakemake, main)
