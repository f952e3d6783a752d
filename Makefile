# Every target does its own set-up: a .venv from pyproject.toml, held to the exact versions of constraints.txt.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
export DAGSTER_DISABLE_TELEMETRY := 1
# The demo's runs are those that the UI shows.
demo ui: export DAGSTER_HOME ?= $(CURDIR)/.dagster_home

.PHONY: demo serve test quick studio coverage e2e pictures docs lint ui bench clean setup instance

setup: $(READY)  ## GPU=1: with CUDA libraries even where no NVIDIA device is found

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/python deploy/choose_torch.py constraints.txt .venv/constraints.txt $(if $(GPU),--gpu)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .venv/constraints.txt --editable '.[pipeline,serve,dev]'
	@touch $(READY)

instance: $(READY)
	@mkdir -p "$(DAGSTER_HOME)"
	@test -e "$(DAGSTER_HOME)/dagster.yaml" || cp deploy/dagster.yaml "$(DAGSTER_HOME)/dagster.yaml"

demo: instance  ## sample catalog and scenes -> bundle, tables, lookbook; `make ui` shows the runs
	$(BIN)/scene-pipeline demo

serve: $(READY)  ## the page and the calls on 127.0.0.1:8000; builds the sample where nothing was built yet
	@test -e "$(or $(SCENE_PIPELINE_ARTIFACTS),artifacts)/bundles/CURRENT" || $(BIN)/scene-pipeline demo
	$(BIN)/scene-pipeline serve

quick: $(READY)  ## lint, types and tests of what changed since main, in under a minute
	@$(BIN)/python -m scene_pipeline_tests.quick

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

test: lint studio  ## lint, types, tests
	$(BIN)/pytest

studio: $(READY)  ## the tests of the studio, a project of its own
	cd training/studio && ../../$(BIN)/pytest

coverage: $(READY)  ## lines and branches of the package that the tests run, by file; tests of speed may fail while it counts
	-$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --sort=cover

e2e: $(READY)  ## dagster dev with its daemon: folders dropped, feeds changed and broken (minutes)
	SCENE_PIPELINE_E2E=1 $(BIN)/pytest scene_pipeline_tests/defs/test_end_to_end.py scene_pipeline_tests/defs/test_event_log.py scene_pipeline_tests/defs/test_kills.py

pictures: $(READY)  ## those of the README, from real runs, in a Chromium that is installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	$(BIN)/python docs/pictures/take.py

docs: $(READY)  ## the documentation site in build/docs, its reference made from the code and its links checked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict --quiet

ui: instance  ## Dagster on 127.0.0.1:3000, the lookbooks on 127.0.0.1:3001
	$(BIN)/scene-pipeline ui

bench: $(READY)  ## every claim of docs/benchmarks.md, measured again
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .dagster_home
