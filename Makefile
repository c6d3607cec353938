# Two commands are enough for a newcomer: make demo, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help setup demo test chaos fuzz check lock requirements words bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

setup: $(VENV)/.ready ## the environment, from pinned and hashed packages

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "geoalert needs Python 3.11 or newer; set PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing pinned packages into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the main job on real Pune data; options in ARGS, e.g. make demo ARGS=--exit
	@$(BIN)/geoalert demo $(ARGS)

test: setup check ## everything that must hold before a change lands
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: setup ## the faults of make test in full: 100 kills a cell, on both stores; another number by GEOALERT_TEST_KILLS
	GEOALERT_TEST_CHAOS=full .ci/run $(BIN)/python -m pytest -n 2 --dist loadfile tests/chaos $(ARGS)

fuzz: setup ## what make test tries with few chances, with 20 times as many that nobody tried before, on both stores; another number by GEOALERT_TEST_FUZZ
	GEOALERT_TEST_FUZZ=$${GEOALERT_TEST_FUZZ:-20} GEOALERT_TEST_SEED=$${GEOALERT_TEST_SEED:-$$(date +%s)} .ci/run $(BIN)/python -m pytest -n 2 -m "hypothesis or seeded" $(ARGS)

check: setup ## style, types and import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

words: setup ## brings the catalogs of sentences (geoalert/locale) up to date with what is said
	@mkdir -p var
	$(BIN)/pybabel --quiet extract --no-default-keywords -k N_ -k say -k counted:1,2 --add-location=file --sort-by-file --project=geoalert --output=var/geoalert.pot geoalert api
	$(BIN)/pybabel --quiet update --domain=geoalert --input-file=var/geoalert.pot --output-dir=geoalert/locale --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

lock: setup ## pins every package anew, without addresses
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --extra dev --extra fast --extra otel --extra wards --output-file requirements.lock pyproject.toml

requirements: setup ## writes docs/requirements.md from the tests' markers
	$(BIN)/python -m pytest --collect-only -q --write-requirements=docs/requirements.md >/dev/null

bench: setup ## figures, side by side with what a user would pick instead
	$(BIN)/python bench/locate.py $(ARGS)
	.ci/run $(BIN)/python -m bench.audience $(ARGS)
	.ci/run $(BIN)/python -m bench.bulk $(ARGS)
	@test -x .rivals/bin/python || $(PYTHON) -m venv .rivals
	@.rivals/bin/pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	.ci/run $(BIN)/python -m bench.dispatch $(ARGS)

clean: ## forgets the environment and the demo's store
	rm -rf $(VENV) .rivals var
