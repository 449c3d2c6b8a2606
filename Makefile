# Two commands, each complete on a machine that has only Python 3.10 or newer.
PYTHON ?= python3
VENV ?= .venv

run: $(VENV)/run
	$(VENV)/bin/python -m streamlit run app.py

test: $(VENV)/test
	$(VENV)/bin/python -m core.models fetch minilm
	$(VENV)/bin/python -m core.models fetch smollm2
	$(VENV)/bin/python -m pytest

# The same tests, and the live comparison with PyTorch and transformers beside the golden files.
reference: $(VENV)/test
	$(VENV)/bin/python -m pip install --quiet torch==2.13.0
	$(VENV)/bin/python -m pip install --quiet -r requirements-reference.txt
	$(VENV)/bin/python -m pytest

$(VENV)/run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/test: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements-dev.txt
	touch $@

.PHONY: run test reference
