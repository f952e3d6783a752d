# Every target does its own set-up: a .venv from pyproject.toml, held to the exact versions of constraints.txt.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: demo test lint ui bench clean setup

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv (a few minutes the first time: torch and its libraries are several GB)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[pipeline,dev]'
	@touch $(READY)

demo: $(READY)  ## sample catalogue and scenes -> bundle, tables, lookbook
	$(BIN)/scene-pipeline demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

test: lint  ## lint, types, tests
	$(BIN)/dagster definitions validate --log-level warning
	$(BIN)/dagster definitions validate --log-level warning -w workspace.yaml
	$(BIN)/pytest

ui: $(READY)  ## Dagster on 127.0.0.1:3000
	DAGSTER_HOME="$${DAGSTER_HOME:-$(CURDIR)/.dagster_home}" $(BIN)/python -m scene_pipeline.ui

bench: $(READY)  ## every claim of docs/benchmarks.md, measured again
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .dagster_home
