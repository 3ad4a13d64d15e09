PYTHON ?= python3
BIN := .venv/bin
# What .venv has: pbxsync with what it needs, or the tools of its tests besides.
BARE := .venv/.installed
STAMP := .venv/.installed-dev
PEERS := ansible-core check-jsonschema octodns yamllint

.DEFAULT_GOAL := help
.PHONY: help venv test lint goldens format demo debian bench growth soak audit pictures build clean

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

# Another pbxsync may have been installed into .venv since, such as a copy of this one (`pip install .`).
ORIGIN := import os, sys, pbxsync; sys.exit(not os.path.samefile(os.path.dirname(os.path.dirname(pbxsync.__file__)), "$(CURDIR)"))
$(shell test ! -e $(BARE) || $(BIN)/python -P -c '$(ORIGIN)' 2>/dev/null || rm -f $(BARE) $(STAMP))

venv: $(STAMP) ## Make .venv and install pbxsync and its tools into it

# A .venv that works is kept; one without pip, or whose Python is gone, is made again.
$(BARE): pyproject.toml
	@echo "Installing pbxsync into .venv (some 10 packages) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --progress-bar on --disable-pip-version-check -e .
	@touch $@

$(STAMP): $(BARE)
	@echo "Installing the tools of the tests into .venv (some 400 MB) ..."
	@$(BIN)/python -m pip install --quiet --progress-bar on --disable-pip-version-check -e '.[dev]'
	@touch $@

test: lint ## Lint, type-check, then run every test with branch coverage
	@# More than there are cores: many tests wait for a socket.
	$(BIN)/pytest -n 4 --dist worksteal --cov --cov-report=term-missing:skip-covered

lint: venv ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

goldens: venv ## Write what the examples are computed to be; read the diff
	$(BIN)/python -m tests.goldens

format: venv ## Format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

demo: $(BARE) ## Validate, plan and apply the example routes on the sandbox
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

debian: ## Run demo and test on bare systems of Debian 12, 13 and sid; needs root and debootstrap
	@.ci/debian

# What is measured is a wheel of this checkout, not the checkout: it is made anew each time, the peers are kept. The result
# goes into a page, too, with PAGE=docs/performance.md, and only some rows are measured with ROWS=start,plan.
bench: ## Measure pbxsync against what else there is; some rows take minutes
	@test -x .venv-bench/bin/octodns-sync || { $(PYTHON) -m venv --clear .venv-bench && \
		.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check $(PEERS); }
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check .
	@.venv-bench/bin/python benchmarks/peers.py $(if $(PAGE),--into $(PAGE)) $(if $(ROWS),--rows $(ROWS))

growth: venv ## Measure how time and memory grow with the routes
	$(BIN)/python benchmarks/dialplan.py

soak: venv ## Apply 2,000 times with random faults; run the largest tests in full; takes about an hour
	$(BIN)/python benchmarks/soak.py
	PBXSYNC_TEST_FULL=1 $(BIN)/pytest -q -n 4 --dist worksteal

# Without --strict, what can't be looked up (a package index of one's own, no network) would pass for free of weaknesses.
audit: venv ## Look up known weaknesses of what pbxsync depends on; needs the internet
	@test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv --clear .venv-audit && \
		.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9'; }
	@$(BIN)/python -m pip list --format=freeze --exclude-editable >.venv-audit/installed.txt
	.venv-audit/bin/pip-audit --strict --disable-pip --no-deps --progress-spinner off -r .venv-audit/installed.txt

pictures: venv ## Make the pictures of the docs anew; needs Chromium
	$(BIN)/python docs/pictures/make.py

build: venv ## Build the sdist and the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build

clean: ## Remove what building and testing left behind; .venv stays
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find pbxsync tests -type d -name __pycache__ -prune -exec rm -rf {} +
