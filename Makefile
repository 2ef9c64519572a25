# `make` alone lists the targets. Everything runs in .venv, which `make install` sets up once.

.DEFAULT_GOAL := help
BIN := .venv/bin
STAMP := .venv/.installed
export PYTHON

.PHONY: help install demo up test lint format bench lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "PYTHON=/path/to/python3 chooses the Python that .venv is made of (3.11 or newer)."

install: $(STAMP)  ## Make .venv and install what is locked, the `tether` command included

$(STAMP): requirements.lock pyproject.toml scripts/install
	@scripts/install
	@touch $@

demo: $(STAMP)  ## Start everything, play the situations, keep running (ONCE=1: end by itself)
	@$(BIN)/python -m examples.demo $(if $(ONCE),--once)

up: $(STAMP)  ## Start Tether with its own PostgreSQL and Temporal, data in .tether/
	@$(BIN)/tether up

test: $(STAMP)  ## Lint, types, import arrows and all tests (HYPOTHESIS=thorough: with many more examples)
	@scripts/check

lint: $(STAMP)  ## The static half of `make test`
	@scripts/check lint format static

format: $(STAMP)  ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

bench: $(STAMP)  ## Measure against the budgets
	@$(BIN)/python -m bench

lock: $(STAMP)  ## Write the lock files from the .in files (UPGRADE=1: newest allowed versions)
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean:  ## Remove .venv and all caches; data in .tether/ stays
	@rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
