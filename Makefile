# Every target does its own set-up, also in a fresh clone: the virtual environment .venv, the build, what is needed.

VENV := .venv
IN_VENV := $(VENV)/bin/
# The first Python that is new enough; PYTHON=... chooses another one.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; print("$(name)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
PIP := $(IN_VENV)python -m pip --disable-pip-version-check --quiet --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup test lint format demo compare bench wheels clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(VENV)/installed ## make .venv with endwell, its init and all tools in it

test: setup ## everything that must hold: lint, types, layers, tests, coverage
	tools/system-packages tests
	@$(MAKE) --no-print-directory lint
	@tools/run-tests

lint: setup ## ruff, mypy and the layers
	$(IN_VENV)ruff check --output-format=concise
	$(IN_VENV)ruff format --check
	$(IN_VENV)mypy
	$(IN_VENV)lint-imports --no-logo

format: setup ## let ruff write the code the way lint wants it
	$(IN_VENV)ruff check --fix
	$(IN_VENV)ruff format

demo: setup ## watch the same workload end badly without endwell, and well with it
	@tools/system-packages demo
	@$(IN_VENV)python examples/demo/demo.py

compare: setup ## the scenarios: what other inits do, and ours; as PID 1 of a namespace, then in real Docker containers
	@tools/system-packages tests
	@$(IN_VENV)python -m tests.scenarios
	@echo; $(IN_VENV)python -m tests.scenarios --engine docker

bench: setup ## what the init and the supervisor cost, beside the others, and what being watched costs
	@tools/system-packages bench
	@$(IN_VENV)python -m bench.inits
	@echo; $(IN_VENV)python -m bench.probe
	@echo; $(IN_VENV)python -m bench.supervisors --quick

wheels: setup ## the wheels of a release, in dist: x86_64 and aarch64, the same bytes every time
	rm -rf dist
	ENDWELL_ZIG=1 ENDWELL_TARGET=x86_64 $(IN_VENV)python -m build --wheel --no-isolation --outdir dist
	ENDWELL_ZIG=1 ENDWELL_TARGET=aarch64 $(IN_VENV)python -m build --wheel --no-isolation --outdir dist

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# The tools first: without isolation the build uses them instead of fetching its own, and takes two seconds.
$(VENV)/tools: pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: cannot make $(VENV): no Python 3.11 or newer on PATH; install one, or set PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tools/system-packages python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: cannot make $(VENV): $(PYTHON) comes without venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --group dev
	@touch $@

$(VENV)/installed: $(VENV)/tools hatch_build.py src/endwell/__init__.py $(wildcard csrc/*)
	$(PIP) install --no-build-isolation --editable .
	@touch $@
