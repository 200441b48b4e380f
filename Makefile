# Every target works on a fresh machine: it first sets up what it needs, in .venv/ and .collector/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OTELCOL_VERSION := 0.158.0

.DEFAULT_GOAL := help
.PHONY: help setup collector test lint types format bench bench-verdicts conformance servers docs demo clean always

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## Everything in .venv/: .venv/bin/driftline and .venv/bin/driftline-processor.

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

collector: .collector/otelcol  ## The OpenTelemetry Collector with what our pipelines need (or OTELCOL=, or one on PATH).

# The version check of the builder is strict: builder.yaml names the same version. OTELCOL= always goes before what is there.
.collector/otelcol: collector-config/builder.yaml $(if $(OTELCOL),always)
	collector-config/build.sh $(OTELCOL_VERSION) $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

format: setup  ## Format the code and sort the imports.
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

test: setup collector lint types  ## All checks and all tests, the fast ones first.
	$(BIN)/pytest

# One thread each: a ratio of two things that share two cores otherwise depends on who asked for them first.
bench: setup $(VENV)/.bench  ## Measure speed against others, into bench.json; FIGURES="capture_1x30 span_1x30" for some.
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m bench $(FIGURES)

# What the others are is made in .verdicts/ first. An hour without the months of thirty columns, which take two more
# on two cores: SCALE is of their seeds. STREAMS and METHODS take parts of names.
bench-verdicts: setup  ## Score verdicts against others, into verdicts.json; STREAMS="car loan;null" METHODS=driftline SCALE=.1
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m bench.verdicts \
	  --streams "$(STREAMS)" --methods "$(METHODS)" --scale $(or $(SCALE),1)

$(VENV)/.bench: tests/bench/requirements.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement $<
	@touch $@

conformance: setup  ## scikit-learn's own tests, instrumented against not: half an hour.
	$(BIN)/python tests/conformance $(MODULES)

# Not all of them install everywhere: a test whose environment is missing is skipped.
SERVERS := bentoml litserve mlserver ray

servers: setup $(SERVERS:%=.venv-servers/%/.ready)  ## Servers that pin much, each in an environment of its own.
	$(BIN)/pytest tests/e2e/servers

.venv-servers/%/.ready: tests/e2e/servers/%/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(@D)
	-$(@D)/bin/python -m pip install --quiet --requirement $< --editable '.[sklearn]' && touch $@

docs: setup  ## Write the tables of the README, and the dashboard's panels, from the code.
	$(BIN)/python tests/readme_tables.py
	$(BIN)/python tests/dashboard_panels.py

demo: setup collector  ## The main job, live in the terminal.
	$(BIN)/driftline demo

clean:  ## Remove everything that was built.
	rm -rf $(VENV) .collector .verdicts build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
