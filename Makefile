# `make help` lists the targets. Each is complete on a machine with make and Python 3.11, 3.12 or 3.13.
VENV := .venv
CORES ?= all
# The newest at hand that has its venv module.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do $$python -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin
UV := 0.13.8
RUNTIME := workflow acquire generate train analyse
INSTALL = $(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraints envs/lock.txt
LOGGER := $(shell test -t 2 && echo --logger rich)

.PHONY: help demo test test-part check docs lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/installed ## install, draw a figure of published networks, train the miniature study, draw Figures 2 and 4 (CORES=2 limits it)
	@$(BIN)/snakemake --cores $(CORES) fig_shifts --quiet all --configfile data/studies/published.yaml
	@echo "A first figure, of networks that others trained: published/results/figures/fig_shifts.png"
	@$(BIN)/snakemake --cores $(CORES) $(LOGGER) demo
	@echo "Drawn:" && ls -1 results/figures/fig2.p* results/figures/fig4.p* results/scores/fig4.csv results/trends/fig4.csv
	@$(BIN)/python workflow_scripts/print_findings.py results/comparisons/fig2.csv results/comparisons/fig4.csv

test: check ## install the test tools, run every check and test, as CI does
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-part: $(VENV)/installed-test ## plan the study and run the quick tests: for another Python (VENV=.venv-3.13 PYTHON=python3.13)
	$(BIN)/snakemake -n --quiet all
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile tests/unit/study tests/unit/trends tests/unit/store tests/unit/test_*.py

check: $(VENV)/installed-test docs ## lint, types, formats, spelling, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/codespell
	cd workflow_scripts/pretraining_robustness/report && $(abspath $(BIN))/deno check --quiet main.js && $(abspath $(BIN))/deno lint --quiet && $(abspath $(BIN))/deno fmt --quiet --check *.js
	$(BIN)/snakemake --lint

docs: $(VENV)/installed-test ## build the documentation into site/
	@PYTHONPATH=workflow_scripts NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

benchmark-%: $(VENV)/installed-test
	PYTHONPATH=workflow_scripts $(BIN)/python benchmarks/$*.py $(OPTIONS)

lock: $(VENV)/python ## upgrade all packages in envs/
	$(BIN)/python envs/update.py

clean: ## remove everything the workflow made, downloads too
	rm -rf results resources .snakemake site

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 with its venv module found: install one (Debian, Ubuntu: apt install python3-venv), or name it: make PYTHON=/path/to/python3.13"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@touch $@

$(VENV)/installed: $(VENV)/python envs/lock.txt $(RUNTIME:%=envs/%.in)
	@echo "Installing pinned packages into $(VENV) (6 GB, a minute or more)"
	@$(INSTALL) $(RUNTIME:%=--requirements envs/%.in)
	@touch $@

$(VENV)/installed-test: $(VENV)/installed envs/test.in
	@$(INSTALL) --requirements envs/test.in
	@touch $@
