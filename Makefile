# Each command is complete on a machine that has only Python 3.10 or newer.
PYTHON ?= python3
VENV ?= .venv
# A process for each core, with one thread for its products; one of them drives the browser (tests/conftest.py).
PYTEST = OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto

run: $(VENV)/run
	$(VENV)/bin/python -m streamlit run app.py

# Every claim, on as few cases as it takes: six to ten minutes on two cores.
test: models
	$(PYTEST) -m "not slow"

# The same, and each claim in all cases.
test-all: models
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

$(VENV)/run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/test: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements-dev.txt
	touch $@

.PHONY: run test test-all reference lint models
