# Two commands matter on a fresh machine: `make demo` and `make test`. The rest is for developers.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
JOBS ?= $(shell nproc)

# The first interpreter that runs and is of a version that kaolabel supports.
PYTHON ?= $(shell for python in python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: help
help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(INSTALLED): locks/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "kaolabel needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Set up .venv with the locked versions

.PHONY: demo
demo: $(INSTALLED) ## Draw an archive, train, label it, and leave demo/report.html
	$(BIN)/kaolabel demo --out demo

.PHONY: check
check: $(INSTALLED) ## Style, types, and the floors between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: $(INSTALLED) ## Run all tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup -m "not thorough"

.PHONY: test-faults
test-faults: $(INSTALLED) ## Run all fault tests; prints the table of what runs were put through
	$(BIN)/python -m pytest tests/faults --timeout 1800 -m "not marathon"

.PHONY: test-outages
test-outages: $(INSTALLED) ## Run the fault tests in which a server is away for five or ten minutes
	$(BIN)/python -m pytest tests/faults --timeout 1800 -m marathon

.PHONY: test-postgres
test-postgres: $(INSTALLED) ## Run the tests of whole commands on PostgreSQL instead of SQLite
	$(BIN)/python -m pytest tests/acceptance tests/integration --database postgresql \
		--numprocesses $(JOBS) --dist loadgroup

MINUTES ?= 30

.PHONY: soak
soak: $(INSTALLED) ## Label on and on under random faults for MINUTES; prints losses and memory slopes
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Feed mutated images to the decoding for MINUTES, guided by coverage
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--upgrade --target .fuzz/atheris -r tests/fuzz/requirements.txt
	PYTHONPATH=.fuzz/atheris $(BIN)/python -m tests.fuzz.starts .fuzz/corpus
	PYTHONPATH=.fuzz/atheris nice $(BIN)/python -m tests.fuzz.decode \
		-max_total_time=$$(( $(MINUTES) * 60 )) -timeout=60 -rss_limit_mb=3000 -max_len=8192 \
		-print_final_stats=1 -artifact_prefix=.fuzz/ .fuzz/corpus tests/fuzz/seeds

RESULTS := bench/results

# The development data, if it is there, has the cascade; several hosts need root.
.PHONY: bench
bench: $(INSTALLED) ## Measure it all, an hour or two on a quiet machine; draws docs/performance/*.svg
	mkdir -p $(RESULTS)
	$(BIN)/python bench/throughput.py --images-a 300 --stages --json $(RESULTS)/throughput.json
	$(BIN)/python bench/detection.py --json $(RESULTS)/detection.json
	$(BIN)/python bench/startup.py --json $(RESULTS)/startup.json
	$(BIN)/python bench/gpu.py --json $(RESULTS)/gpu.json
	$(BIN)/python bench/scale.py --json $(RESULTS)/scale.json
	test "$$(id -u)" != 0 || $(BIN)/python bench/hosts.py --json $(RESULTS)/hosts.json
	$(MAKE) plots

# Apart from .venv: Keras loads matplotlib where it finds it, and all start-ups would be slower.
.PHONY: plots
plots: $(INSTALLED) ## Draw docs/performance/*.svg from bench/results
	test -d .venv-plots || $(PYTHON) -m venv .venv-plots
	.venv-plots/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/bench.txt
	PYTHONPATH=. .venv-plots/bin/python bench/plots.py $(RESULTS) docs/performance

.PHONY: docs
docs: ## Build the documentation into site/; broken links and anchors fail
	test -d .venv-docs || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/docs.txt
	.venv-docs/bin/mkdocs build --strict

.PHONY: format
format: $(INSTALLED) ## Mend style where it can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Hashes and no addresses: the locks hold for any index that serves the same files.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header pyproject.toml

.PHONY: lock
lock: $(INSTALLED) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --upgrade --extra cpu -o locks/cpu.txt
	$(COMPILE) --upgrade --extra gpu -o locks/gpu.txt
	$(COMPILE) --upgrade --extra cpu --group dev -o locks/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group bench -c locks/dev.txt --upgrade -o locks/bench.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group docs --upgrade -o locks/docs.txt

.PHONY: clean
clean: ## Remove the environment and what tools and the demo left
	rm -rf $(VENV) .venv-docs .venv-plots site demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .fuzz
