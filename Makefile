# The two commands of the README, each complete on a machine with Python 3.11 and nothing else:
#   make demo    install, train the miniature study, draw Figures 2 and 4
#   make test    install, with the test tools, and run every check
PYTHON ?= python3.11
BIN := .venv/bin
CORES ?= all
UV := 0.13.8
RUNTIME := workflow acquire generate train analyse
INSTALL = $(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraints envs/lock.txt

.PHONY: demo test check lock clean

demo: .venv/installed
	$(BIN)/snakemake --cores $(CORES) demo
	@echo "Drawn:" && ls -1 results/figures/fig2.p* results/figures/fig4.p* results/scores/fig4.csv results/trends/fig4.csv
	@$(BIN)/python workflow_scripts/print_findings.py results/comparisons/fig2.csv results/comparisons/fig4.csv

test: .venv/installed-test check
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

.venv/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11, or say which to take: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt install python3.11-venv)"; rm -rf .venv; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	touch $@

.venv/installed: .venv/python envs/lock.txt $(RUNTIME:%=envs/%.in)
	$(INSTALL) $(RUNTIME:%=--requirements envs/%.in)
	touch $@

.venv/installed-test: .venv/installed envs/test.in
	$(INSTALL) --requirements envs/test.in
	touch $@

benchmark-%: .venv/installed-test
	PYTHONPATH=workflow_scripts $(BIN)/python benchmarks/$*.py $(OPTIONS)

lock: .venv/python
	$(BIN)/python envs/update.py

clean:
	rm -rf results resources .snakemake
