"""Folders in which Snakemake cannot run are refused by name; those in which it can are not."""

import sys

import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.surroundings import check_clone, check_interpreter


def test_a_python_that_snakemake_would_not_quote_is_refused():
    check_interpreter(sys.executable)
    with pytest.raises(InputError, match=r"/my repo/bin/python: a Python whose path holds ' '"):
        check_interpreter("/my repo/bin/python")


def test_braces_in_the_path_of_the_repository_are_refused():
    check_clone("/home/a b/re po (1) [a]'s $HOME & %s #")
    with pytest.raises(InputError, match=r"/home/\{x\}/repo: Snakemake takes the braces .* rename that folder"):
        check_clone("/home/{x}/repo")
