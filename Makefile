# make run: sets everything up and runs it · make test: sets everything up and tests · make check: lint, types, import contract
PYTHON ?= $(shell command -v python3.11 || echo python3)
SHELL := /bin/bash
PIP := -m pip install --quiet --disable-pip-version-check
FAST ?=

.PHONY: run install prepare test check format lock bench bench-accuracy clean python help
.DEFAULT_GOAL := help

help:
	@grep -E '^# make|^#   ' Makefile | sed 's/^# *//; s/ · /\n/g'

run: prepare
	@exec .venv/bin/minyi up

install: python
	@$(MAKE) --no-print-directory -j2 .venv/.installed .venv-rasa/.installed

# the reader learns while the dialogue engine is still being installed, and the dialogue while the reader learns
prepare: python
	@$(MAKE) --no-print-directory -j2 models/.reader models/.dialogue

models/.reader: .venv/.installed
	@.venv/bin/minyi prepare reader

models/.dialogue: .venv/.installed .venv-rasa/.installed
	@.venv/bin/minyi prepare dialogue

.PHONY: models/.reader models/.dialogue

python:
	@command -v $(PYTHON) >/dev/null || { echo "minyi: $(PYTHON) was not found; install Python 3.11, or name it with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "minyi: $(PYTHON) is not Python 3.11; name one with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "minyi: $(PYTHON) has no venv module; install it (Debian: python3.11-venv)" >&2; exit 1; }

.venv/.installed: requirements/minyi.lock pyproject.toml
	@echo "installing minyi (.venv) …" >&2
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python $(PIP) --no-deps -r requirements/minyi.lock
	@.venv/bin/python $(PIP) --no-deps -e .
	@touch $@

.venv/.dev: .venv/.installed requirements/dev.lock
	@echo "installing what tests and checks need …" >&2
	@.venv/bin/python $(PIP) --no-deps -r requirements/dev.lock
	@touch $@

.venv-rasa/.installed: requirements/rasa.lock
	@echo "installing the dialogue engine (.venv-rasa, about 3 GB) …" >&2
	@test -x .venv-rasa/bin/python || $(PYTHON) -m venv .venv-rasa
	@.venv-rasa/bin/python $(PIP) --no-deps --ignore-requires-python -r requirements/rasa.lock
	@touch $@

test: prepare
	@$(MAKE) --no-print-directory .venv/.dev
	@.venv/bin/pytest -q -n 2 --dist loadfile $(FAST)

check: python
	@$(MAKE) --no-print-directory .venv/.dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet . || { echo "minyi: not formatted; run make format" >&2; exit 1; }
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache | tail -8
	@.venv/bin/minyi data check

format: .venv/.dev
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

# measures on the real files beside the repository, where they are; see docs/accuracy.md
bench-accuracy: prepare
	@.venv/bin/python -m bench.accuracy

bench: bench-accuracy
	@.venv/bin/python -m bench.dataset
	@.venv/bin/python -m bench.speed

# new versions of everything: resolves pyproject.toml afresh and writes the lock files
lock: python
	@rm -rf build/lock && $(PYTHON) -m venv build/lock && build/lock/bin/python $(PIP) . && \
	  { echo "# Runtime of our own process, made by make lock from pyproject.toml. Installed with --no-deps."; build/lock/bin/python -m pip freeze --exclude minyi; } > requirements/minyi.lock
	@build/lock/bin/python $(PIP) '.[dev]' && \
	  { echo "# What tests and checks need on top of minyi.lock."; build/lock/bin/python -m pip freeze --exclude minyi | grep -vxFf requirements/minyi.lock; } > requirements/dev.lock

clean:
	rm -rf .venv .venv-rasa build models/2* models/dialogue models/current models/vectors.sqlite
