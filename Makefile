# make demo [MODEL=cycle_gan]   prepare real data, train, test, score
# make test                     run the tests, but for those of whole systems: tests/system
# make test-all                 run all tests
# make lint                     style and types
# PYTHON=python3.12 chooses the interpreter of a new .venv; PIP_ARGS=... is handed to pip, e.g. for CPU-only wheels.

PYTHON ?= python3
PIP_ARGS ?=
MODEL ?= pix2pix
BIN := .venv/bin

# visdom's older source package builds only with a setuptools that still ships pkg_resources. Old pips read the
# first variable, new ones the second, and each ignores the other's.
export PIP_CONSTRAINT := build-constraints.txt
export PIP_BUILD_CONSTRAINT := build-constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-all lint clean

demo: .venv/installed
	$(BIN)/python scripts/demo.py --model $(MODEL)

test: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/system

test-all: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, found " + sys.version)'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt build-constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install $(PIP_ARGS) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install $(PIP_ARGS) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
