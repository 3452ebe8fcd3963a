# Two commands do everything: `make study` and `make test`. `make help` lists the rest.
STUDY ?= quick
PROFILE ?= profiles/local
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
READY := $(VENV)/.ready
BOOK := _build/html/index.html
PASSED := _build/passed

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)


SOURCES := $(shell git ls-files disentlib notebooks book studies tests bench profiles results \
	Snakefile _static _extensions _config.yml _toc.yml pyproject.toml requirements.lock environment.yml Makefile 2>/dev/null)

.PHONY: help setup study book notebooks test retest golden bench lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv from requirements.lock and install disentlib

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no python3 found: install Python 3.11 or give make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python {v[0]}.{v[1]} is too old: install Python 3.11 or give make PYTHON=/path/to/python3.11")'
	"$(PYTHON)" -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --requirement requirements.lock
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

study: $(READY)  ## run STUDY (quick) and build the book on its results
	snakemake --workflow-profile $(PROFILE) --config study=$(STUDY)
	@echo "The book is ready: file://$(CURDIR)/$(BOOK)"

book: $(READY)  ## build the book from the results in the repository, training nothing
	python -m disentlib.study.book
	@echo "The book is ready: file://$(CURDIR)/$(BOOK)"

notebooks: $(READY)  ## write every page as .ipynb into _ipynb/, for Jupyter or plain papermill
	@mkdir -p _ipynb
	@for page in notebooks/*.md; do \
	  jupytext --quiet --to ipynb --output _ipynb/$$(basename $$page .md).ipynb $$page || exit 1; done
	@echo "_ipynb/: $$(ls _ipynb | wc -l) notebooks"

# Each layer of the tests leaves a mark when it passes, and runs again when a file it reads changed.
test: $(PASSED)/lint $(PASSED)/unit $(PASSED)/golden $(PASSED)/book  ## run all tests that a change made necessary
	@echo "All tests passed."

retest:  ## run all tests, changed or not
	rm -rf $(PASSED)
	$(MAKE) test

$(PASSED)/lint: $(READY) $(filter %.py Snakefile pyproject.toml,$(SOURCES))
	ruff check .
	ruff format --check .
	lint-imports --no-logo --no-cache
	deptry .
	@mkdir -p $(@D) && touch $@

$(PASSED)/unit: $(READY) $(filter-out results/% book/%,$(SOURCES))
	python -m pytest --ignore tests/repository/golden --ignore tests/repository/test_book.py --ignore tests/repository/test_screen.py
	@mkdir -p $(@D) && touch $@

$(PASSED)/golden: $(READY) $(filter disentlib/%.py notebooks/% tests/repository/golden/%,$(SOURCES))
	python -m pytest -p no:cacheprovider --nbval-lax --nbval-current-env tests/repository/golden
	@mkdir -p $(@D) && touch $@

$(PASSED)/book: $(READY) $(filter-out bench/% studies/%,$(SOURCES))
	rm -rf _build/html _build/.doctrees
	python -m disentlib.study.book
	python -m pytest --book tests/repository/test_book.py tests/repository/test_screen.py
	@mkdir -p $(@D) && touch $@

golden: $(READY)  ## run the deterministic pages again and keep what they print
	python tests/repository/make_golden.py

bench: $(READY)  ## measure speed here (prints ratios; nothing depends on it)
	@for script in bench/*.py; do echo "== $$script"; python $$script || exit 1; done

lock: $(READY)  ## write requirements.lock from what .venv holds
	@{ sed -n '/^#/p' requirements.lock; pip freeze --all --exclude-editable \
	  | grep -viE '^(pip|disentlib)==' | sed 's/+cpu//' | sort -f; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean:  ## remove what can be made again (keeps .venv, runs and results)
	rm -rf _build _ipynb .pytest_cache .ruff_cache .mypy_cache .hypothesis
