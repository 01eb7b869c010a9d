# `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
.DEFAULT_GOAL := help

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements.lock
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation -e .
	touch $@

.PHONY: help demo test check live bench format lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

demo: $(STAMP) ## the main job, told step by step; leaves demo/
	$(BIN)/einmal demo demo

test: $(STAMP) ## the tests, on every core
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(STAMP) ## format, lint, types, floors, generated files in step
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m gateway.audit.schema | cmp - gateway/audit/event-v1.schema.json
	$(BIN)/python tests/support/reasons_doc.py | cmp - docs/reasons.md
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

live: $(STAMP) ## what needs real servers, or minutes
	$(BIN)/python -m pytest -m "minutes or not minutes" tests/live

bench: $(STAMP) ## the figures
	$(BIN)/einmal bench

format: $(STAMP) ## put the code into the house's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the commands above made
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
