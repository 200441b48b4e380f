# Every target works on a fresh machine: it first sets up what it needs, in .venv/, .collector/ and .prometheus/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OTELCOL_VERSION := 0.158.0
# Of the Go module: Prometheus 3.15.
PROMETHEUS_VERSION := 0.315.0

.DEFAULT_GOAL := help
.PHONY: help setup collector prometheus test lint types format bench bench-verdicts fuzz requirements release-check conformance servers torture docs demo clean always

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## Everything in .venv/: .venv/bin/driftline and .venv/bin/driftline-processor.

INSTALL := PYTHON='$(PYTHON)' scripts/install.sh

# What the demo runs on, 0.7 GB. The tests' environment is a layer on top, several GB.
$(VENV)/.demo: pyproject.toml constraints.txt
	@echo 'setup: installing driftline[demo] into $(VENV): 0.7 GB, about a minute'
	@$(INSTALL) $(VENV) --constraint constraints.txt --editable '.[demo]'
	@touch $@

# PyTorch's CPU build is a fraction of the CUDA one, and may be on another index than PyPI: where pip does not find it (add
# its index with PIP_EXTRA_INDEX_URL) or there is a GPU, the default build is taken.
$(VENV)/.ready: $(VENV)/.demo
	@sed -n 's/^\(torch==[^ ;]*\)/\1+cpu/p' constraints.txt >$(VENV)/torch-cpu.txt
	@! command -v nvidia-smi >/dev/null && \
	  $(BIN)/python -m pip install --quiet --dry-run --no-deps --requirement $(VENV)/torch-cpu.txt 2>/dev/null || \
	  { echo 'setup: taking the default build of PyTorch'; : >$(VENV)/torch-cpu.txt; }
	@echo 'setup: installing driftline[test] into $(VENV): some minutes'
	@$(INSTALL) $(VENV) --constraint constraints.txt --requirement $(VENV)/torch-cpu.txt --editable '.[test]'
	@touch $@

collector: .collector/otelcol  ## The OpenTelemetry Collector with what our pipelines need (or OTELCOL=, or one on PATH).

# The version check of the builder is strict: builder.yaml names the same version. OTELCOL= always goes before what is there.
.collector/otelcol: collector-config/builder.yaml $(if $(OTELCOL),always)
	@collector-config/build.sh $(OTELCOL_VERSION) $@

prometheus: .prometheus/prometheus  ## A real Prometheus, for the tests of what it makes of our results.

.prometheus/prometheus: tests/e2e/build_prometheus.sh
	tests/e2e/build_prometheus.sh $(PROMETHEUS_VERSION) $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

format: setup  ## Format the code and sort the imports.
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

# Many tests wait for processes, so two of them at a time take little more than half as long; a file stays together.
WORKERS ?= 2

test: setup collector prometheus lint types  ## All checks and all tests, the fast ones first, in WORKERS=2 processes.
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# One thread each: a ratio of two things that share two cores otherwise depends on who asked for them first.
bench: setup $(VENV)/.bench  ## Measure speed against others, into bench.json; FIGURES="capture_1x30 span_1x30" for some.
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m bench $(FIGURES)

# What the others are is made in .verdicts/ first. An hour without the months of thirty columns, which take two more
# on two cores: SCALE is of their seeds. STREAMS and METHODS take parts of names.
bench-verdicts: setup  ## Score verdicts against others, into verdicts.json; STREAMS="car loan;null" METHODS=driftline SCALE=.1
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m bench.verdicts \
	  --streams "$(STREAMS)" --methods "$(METHODS)" --scale $(or $(SCALE),1)
	PYTHONPATH=tests $(BIN)/python -m bench.verdicts.outcomes

$(VENV)/.bench: tests/bench/requirements.txt $(VENV)/.ready
	@$(INSTALL) $(VENV) --constraint constraints.txt --requirement $<
	@touch $@

torture: setup collector  ## The processor under kills, outages, full disks and hostile senders: about 20 minutes; SCENARIO=kills for one.
	TORTURE=full $(BIN)/pytest tests/torture $(if $(SCENARIO),-k "$(SCENARIO)")

# For Python 3.13 on Linux, as in the image; the versions are those of constraints.txt where it has some.
COMPILE := .venv-release/bin/uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes \
  --no-header --no-annotate --constraint constraints.txt

requirements: .venv-release/.ready  ## Pin what the processor's image downloads, by version and hash.
	$(COMPILE) --extra postgresql --no-emit-package driftline pyproject.toml --output-file processor/requirements.txt
	echo hatchling | $(COMPILE) - --output-file processor/build-requirements.txt

.venv-release/.ready:
	@$(INSTALL) .venv-release uv cyclonedx-bom pip-audit && touch $@

release-check: .venv-release/.ready  ## List what the processor's image is made of (SBOM, in build/), and look for known vulnerabilities.
	@scripts/release-check.sh

# What it finds new is in build/fuzz/, and what breaks something, as crash-…: keep that in tests/fuzz/corpus/.
TARGETS := $(basename $(notdir $(filter-out %/__init__.py,$(wildcard tests/fuzz/targets/*.py))))

fuzz: setup  ## Lead hostile bytes through every entrance, for an hour; SECONDS=60 TARGETS="traces logs" for some.
	@mkdir -p build/fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz $(or $(SECONDS),3600) build/fuzz $(TARGETS)

conformance: setup  ## scikit-learn's own tests, instrumented against not: half an hour.
	$(BIN)/python tests/conformance $(MODULES)

# Not all of them install everywhere: a test whose environment is missing is skipped.
SERVERS := bentoml gradio kserve litserve mlserver ray

servers: setup $(SERVERS:%=.venv-servers/%/.ready)  ## Test servers with many pinned dependencies, each in its own environment.
	$(BIN)/pytest tests/e2e/servers

.venv-servers/%/.ready: tests/e2e/servers/%/requirements.txt pyproject.toml
	-@$(INSTALL) $(@D) --requirement $< --editable '.[sklearn]' && touch $@

docs: setup  ## Write what docs and dashboard take from the code, and build the site into build/site.
	PYTHONPATH=tests $(BIN)/python -m docs.generate
	PYTHONPATH=tests $(BIN)/python -m docs.draw_demo
	$(BIN)/python tests/dashboard_panels.py
	PYTHONPATH=tests $(BIN)/python tests/prometheus_rules.py
	$(BIN)/python tests/kubernetes_parts.py
	PYTHONPATH=tests $(BIN)/python tests/registry.py
	$(BIN)/python -m zensical build --clean --strict

WITHOUT_COLLECTOR := $(filter no,$(COLLECTOR))

demo: $(VENV)/.demo $(if $(WITHOUT_COLLECTOR),,collector)  ## Watch one feature drift, live in the terminal; COLLECTOR=no runs it without a Collector.
	@$(BIN)/driftline demo $(if $(WITHOUT_COLLECTOR),--no-collector)

clean:  ## Remove everything that was built.
	rm -rf $(VENV) .venv-release .collector .prometheus .verdicts build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
