# `make demo` and `make test` are all that a fresh machine needs; each installs first.
# Needed beforehand: python 3.11 or newer with venv, make, git.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Workers for the tests; the suites share the machine with real PostgreSQL servers.
# Most tests wait for a server: more of them than cores.
WORKERS ?= 4
PYTEST_ARGS ?=
ONLY ?=

.PHONY: install demo test test-ha lint format bench docs clean

install: $(STAMP)

# The stamp makes a second call cost nothing; it is renewed when a dependency changes.
# The build backend comes from constraints.txt too, hence --no-build-isolation.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed: make PYTHON=python3.12 install")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[server,embedded,dev]'
	touch $@

demo: install
	$(BIN)/warroom demo

test: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/ha $(PYTEST_ARGS) tests

test-ha: install
	$(BIN)/python tools/run_ha.py $(PYTEST_ARGS)

lint: install
	$(BIN)/python tools/lint.py

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m bench $(ONLY)

docs: install
	$(BIN)/warroom config reference > docs/configuration.md
	$(BIN)/python -m tools.keys_doc

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
