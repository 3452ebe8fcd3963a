# Two commands do everything: `make study` and `make test`. `make help` lists the rest.
STUDY ?= quick
PROFILE ?= profiles/local
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
READY := $(VENV)/.ready
BOOK := _build/html/index.html
RUN := $(VENV)/bin/python

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Where the caller has Python compile every module at every start, each of a hundred starts takes 10 s more.
unexport PYTHONDONTWRITEBYTECODE

# An environment knows its own path: in a folder that was renamed or copied it is made anew.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

.PHONY: help setup study book pdf notebooks class test retest golden bench lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv from requirements.lock and install disentlib

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no python3 found: install Python 3.11 or give make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python {v[0]}.{v[1]} is too old: install Python 3.11 or give make PYTHON=/path/to/python3.11")'
	"$(PYTHON)" -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --no-compile --requirement requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@printf '%s\n' "$(CURDIR)" >$@

study: $(READY)  ## run STUDY (quick) and build the book on its results
	$(RUN) -m snakemake --workflow-profile "$(PROFILE)" --config study="$(STUDY)"
	@echo "The book is ready: file://$(CURDIR)/$(BOOK)"

book: $(READY)  ## build the book from the results in the repository, training nothing
	$(RUN) -m disentlib book
	@echo "The book is ready: file://$(CURDIR)/$(BOOK)"

pdf: book  ## print the whole book into _build/book.pdf (needs chromium)
	$(RUN) -m disentlib.study.paper

notebooks: $(READY)  ## write every page as .ipynb into _ipynb/, for Jupyter or plain papermill
	@mkdir -p _ipynb
	@for page in notebooks/*.md; do \
	  $(RUN) -m jupytext --quiet --to ipynb --output "_ipynb/$$(basename "$$page" .md).ipynb" "$$page" || exit 1; done
	@echo "_ipynb/: $$(ls _ipynb | wc -l) notebooks"

class: $(READY)  ## write student and instructor notebooks, zips and slides into _class/
	$(RUN) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir _class .
	$(RUN) -m disentlib.course.editions
	$(RUN) -m disentlib.course.slides

test: $(READY)  ## run the tests that a change made necessary
	$(RUN) .ci/layers.py

retest: $(READY)  ## run all tests, changed or not, the slow ones too
	EDITIONS=all $(RUN) .ci/layers.py --again

golden: $(READY)  ## run the deterministic pages again and keep what they print
	$(RUN) tests/repository/make_golden.py

bench: $(READY)  ## measure speed here (prints ratios; nothing depends on it)
	@for script in bench/*.py; do echo "== $$script"; $(RUN) "$$script" || exit 1; done

lock: $(READY)  ## write requirements.lock from what .venv holds
	@{ sed -n '/^#/p' requirements.lock; $(RUN) -m pip freeze --all --exclude-editable \
	  | grep -viE '^(pip|disentlib)==' | sed 's/+cpu//' | sort -f; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean:  ## remove what can be made again (keeps .venv, runs and results)
	rm -rf _build _ipynb _class .pytest_cache .ruff_cache .mypy_cache .hypothesis
