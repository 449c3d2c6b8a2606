# Each command is complete on a machine that has only Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
# What the app is installed from; requirements.lock names every package with its hash.
REQUIREMENTS ?= requirements.txt
# Passed on to deploy/serve.py: make serve SERVE="--processes 4 --port 8000"
SERVE ?=
# A process for each core, with one thread for its products; one of them drives the browser (tests/conftest.py).
PYTEST = OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto

run: $(VENV)/run
	$(VENV)/bin/python -m streamlit run app.py

# Several processes behind nginx, for many readers (docs/serving.md).
serve: $(VENV)/run
	$(VENV)/bin/python -m deploy.serve $(SERVE)

# Every claim, on as few cases as it takes: six to eight minutes on two cores.
test: models
	$(PYTEST) -m "not slow"

# The same, and each claim in all cases; and whether a package has a known hole.
test-all: models audit
	$(PYTEST)

# All of that, and the live comparison with PyTorch and transformers beside the golden files.
reference: models
	$(VENV)/bin/python -m pip install --quiet torch==2.13.0
	$(VENV)/bin/python -m pip install --quiet -r requirements-reference.txt
	$(PYTEST)

lint: $(VENV)/test
	$(VENV)/bin/python -m ruff check
	$(VENV)/bin/python -m ruff format --check
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python

# The real models that the tests read.
models: $(VENV)/test
	$(VENV)/bin/python -m core.models fetch minilm
	$(VENV)/bin/python -m core.models fetch smollm2

# Looks the pinned packages up in an index of advisories; says so where none can be reached.
audit: $(VENV)/test
	$(VENV)/bin/python -m pip install --quiet "pip-audit>=2.9,<3"
	$(VENV)/bin/python -m deploy.audit

# The documentation site, in site/; and the same at http://127.0.0.1:8000, built anew whenever a page changes.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict

docs-serve: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs serve

# Pins every package anew, for all systems and versions of Python.
lock: $(VENV)/run
	$(VENV)/bin/python -m pip install --quiet "uv>=0.9,<1"
	$(VENV)/bin/python -m uv pip compile requirements.txt --universal --python-version 3.11 \
		--generate-hashes --no-header --upgrade --quiet -o requirements.lock

# --upgrade-deps: the pip that a Python brings along is old, and the app runs it to fetch models.
$(VENV)/run: $(REQUIREMENTS)
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r $(REQUIREMENTS)
	touch $@

$(VENV)/docs: requirements.txt requirements-docs.txt
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements-docs.txt
	touch $@

$(VENV)/test: requirements.txt requirements-docs.txt requirements-dev.txt
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements-dev.txt
	touch $@

.PHONY: run serve test test-all reference lint models audit lock docs docs-serve
