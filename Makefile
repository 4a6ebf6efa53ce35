# Modelloop's commands. Nothing has to be installed by hand: the first call makes .venv from the locks.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH

export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

BIN := .venv/bin
INSTALLED := .venv/.installed
LOCKS := infra/locks
COMPILE := $(BIN)/uv pip compile --quiet --no-emit-index-url --generate-hashes --python-version 3.13 --custom-compile-command "make lock"
LAYER_PLATFORM := x86_64-manylinux_2_34

.PHONY: help setup demo test test-fast test-slow check build up down bench sam-local torch lock lock-torch docs format clean

help: ## Say what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## Install everything, by hash, into .venv.

demo: $(INSTALLED) ## The whole loop on real data, on the embedded stack.
	$(BIN)/modelloop demo

up: $(INSTALLED) ## Bring the embedded stack up; its addresses go to .local/stack.json.
	$(BIN)/python -m modelloop_stack up

down: $(INSTALLED) ## End every process of the embedded stack; its data stays.
	$(BIN)/python -m modelloop_stack down

# One worker lives on the embedded stack and mostly waits for it (tests/conftest.py); one more for each of two cores.
SHARED_OUT := -n 3 --dist loadfile --no-loadscope-reorder

test: $(INSTALLED) ## Unit, functional, property, fault, comparison, infrastructure and end-to-end tests.
	$(BIN)/pytest tests/unit tests/functional tests/properties tests/faults tests/comparison tests/infra tests/e2e -m "not slow" $(SHARED_OUT)

test-fast: $(INSTALLED) ## What needs no stack.
	$(BIN)/pytest tests/unit tests/functional tests/properties tests/faults tests/comparison -m "not slow" $(SHARED_OUT)

test-slow: $(INSTALLED) ## What takes minutes: every interleaving, 100,000 fuzzed rows, large captures.
	$(BIN)/pytest tests/unit tests/functional tests/properties tests/faults -m slow

check: $(INSTALLED) ## Lint, format, types, import contracts, template.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.11 infra/modelloop_client infra/modelloop_cli
	$(BIN)/lint-imports
	$(BIN)/sam validate --lint --config-env local
	$(BIN)/cfn-lint template.yaml infra/observability/alarms.yaml infra/observability/dashboard.yaml

build: $(INSTALLED) ## Build functions and layers with bytecode; check the size budget.
	$(BIN)/python -m modelloop_stack.build

bench: $(INSTALLED) ## Measure serving, training and monitoring on this machine.
	$(BIN)/pytest tests/benchmarks -s

sam-local: $(INSTALLED) ## Every function under `sam local`, in a container, against the embedded stack.
	$(BIN)/python -m modelloop_stack.sam

docs: $(INSTALLED) ## Write the tables of infra/docs/routes.md and infra/docs/tables.md anew.
	$(BIN)/python -m modelloop_stack.build.pages
	$(BIN)/python -m tests.support.corpus

format: $(INSTALLED) ## Format and fix what can be fixed.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(INSTALLED) ## Resolve every lock again, the newest versions that pyproject allows.
	$(COMPILE) --upgrade --universal --group functions --group dev pyproject.toml -o $(LOCKS)/project.txt
	$(COMPILE) --universal -c $(LOCKS)/project.txt $(LOCKS)/uv.in -o $(LOCKS)/uv.txt
	$(COMPILE) --upgrade --universal $(LOCKS)/ministack.in -o $(LOCKS)/ministack.txt
	$(COMPILE) --universal -c $(LOCKS)/project.txt $(LOCKS)/stack.in -o $(LOCKS)/stack.txt
	$(COMPILE) --universal --no-deps -c $(LOCKS)/project.txt $(LOCKS)/demo.in -o $(LOCKS)/demo.txt
	$(subst 3.13,3.11,$(COMPILE)) --universal -c $(LOCKS)/project.txt pyproject.toml -o $(LOCKS)/wheel.txt
	$(COMPILE) --python-platform $(LAYER_PLATFORM) -c $(LOCKS)/project.txt $(LOCKS)/runtime.in -o $(LOCKS)/runtime.txt
	$(COMPILE) --universal tests/e2e/clients/requirements.in -o tests/e2e/clients/requirements.txt
	for role in runtime serving data training; do \
	  $(COMPILE) --python-platform $(LAYER_PLATFORM) -c $(LOCKS)/project.txt layers/$$role/requirements.in -o layers/$$role/requirements.txt; \
	done

torch: ## A CPU build of PyTorch in .local/torch, where one can be had, for the test of a model that is brought.
	bash tests/support/torch/install.sh

lock-torch: $(INSTALLED) ## Resolve that environment's lock again; UV_FIND_LINKS tells where the CPU builds are.
	$(BIN)/uv pip compile --quiet --no-emit-index-url --generate-hashes --python-version 3.11 --upgrade --custom-compile-command "make lock-torch" tests/support/torch/requirements.in -o tests/support/torch/requirements.txt

clean: ## Delete builds and caches; the embedded stack's data stays.
	rm -rf .aws-sam .local/cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(INSTALLED): $(LOCKS)/project.txt $(LOCKS)/uv.txt pyproject.toml
	test -x $(BIN)/python || "$$(bash infra/modelloop_stack/build/find-python.sh)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/uv.txt
	$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python $(LOCKS)/project.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python -e .
	touch $@
