# What can be done with this checkout. `make` alone lists it.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -p no:cacheprovider
# Tests with real servers wait more than they work: two at a time, each file whole on one of them.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile

.PHONY: help setup demo test format-check lint types contracts unit integration scenarios wheel-check format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make setup PYTHON=/path/to/python3.12 chooses the Python of .venv/"

setup: ## system packages, .venv/, the project installed in it; quick when all is there
	@.ci/setup

demo: setup ## a pair on this machine, a planned switchover and a dead primary, in about a minute
	@$(BIN)/failover demo

test: setup format-check lint types contracts unit integration scenarios ## everything that must pass before a change goes in

format-check: setup
	$(BIN)/ruff format --check .

lint: setup ## ruff, and shellcheck where it is installed
	$(BIN)/ruff check .
	@if command -v shellcheck >/dev/null; then echo shellcheck .ci/*; shellcheck .ci/*; fi

types: setup ## mypy, strict
	$(BIN)/mypy

contracts: setup ## imports point downward (import-linter)
	$(BIN)/lint-imports

unit: setup ## unit tests: no network, no process, no waiting
	.ci/leaves-nothing $(PYTEST) tests/unit

integration: setup ## tests on the lab: real servers in namespaces
	.ci/leaves-nothing $(PYTEST) $(SIDE_BY_SIDE) tests/integration

scenarios: setup ## whole stories on the lab, long
	.ci/leaves-nothing $(PYTEST) $(SIDE_BY_SIDE) tests/scenarios

wheel-check: setup ## build sdist and wheel, install in a clean venv with dependencies from the registry, run it
	WHEEL_DEPENDENCIES=registry .ci/leaves-nothing $(PYTEST) tests/integration/test_wheel.py

format: setup ## format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## remove .venv/, what was built, and every cache
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache docs/_build
	find failover templates tests -name __pycache__ -type d -prune -exec rm -rf {} +
