# Footfall. `make help` lists what there is; every target sets up what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python that really starts and has a version we support; name another one with PYTHON=.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two workers, since each runs dbt and DuckDB; who takes what, and in which order, is in tests/shared_work.py.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
SQL := dbt_project/models dbt_project/macros dbt_project/tests

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: demo
demo: install ## Simulate a shop and take it all the way to published marts
	@$(BIN)/footfall demo

.PHONY: dev
dev: install ## Dagster's UI and daemon on http://127.0.0.1:3000
	@$(BIN)/footfall dev

.PHONY: docs
docs: install ## Write and serve the page that describes every table and column
	@$(BIN)/footfall docs

.PHONY: dictionary
dictionary: install ## Write docs/data-dictionary and docs/metrics.md anew from the models
	@$(BIN)/python -m orchestration.dbt_docs

.PHONY: test
test: prepare ## Run the tests, without the long ones
	@$(PYTEST) -m "not long"

.PHONY: verify
verify: prepare ## Run every test, the long ones too: full real data, many kills
	@$(PYTEST)

.PHONY: lint
lint: prepare ## Check style, types, SQL layout, portable SQL and what every model must have
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfmt --check $(SQL)
	@$(BIN)/python -m orchestration.dbt_lint
	@COLUMNS=160 $(BIN)/dbt-bouncer run --config-file dbt_project/dbt-bouncer.yml

.PHONY: fmt
fmt: install ## Put Python and SQL into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfmt $(SQL)

.PHONY: install
install: $(STAMP) ## Create .venv with the locked versions

.PHONY: prepare
prepare: install ## Parse the dbt project where it has changed
	@$(BIN)/python -c "from orchestration.dbt_in_process import prepare_manifest; prepare_manifest()"

.PHONY: venv
venv: $(BIN)/python

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Footfall needs Python 3.11 or 3.12 and found neither; on Debian and Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
		|| { echo "Footfall needs Python 3.11 or 3.12, found $$($(PYTHON) --version); name another one with PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot create virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked versions (once, and again when requirements.lock changes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

.PHONY: lock
lock: ## Resolve pyproject.toml anew and write requirements.lock
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
		&& $(PYTHON) -m venv "$$folder/venv" \
		&& "$$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools>=77" ".[ml,dev]" \
		&& { echo "# Exact versions of everything \`make install\` installs. Written by \`make lock\`."; \
		     "$$folder/venv/bin/pip" freeze --all --exclude footfall --exclude pip; } > requirements.lock

.PHONY: clean
clean: ## Remove what was built, but for .venv and the data in var/
	@rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
