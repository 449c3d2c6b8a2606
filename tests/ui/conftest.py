"""What the tests of several pages need: the models that they show, a download that waits, and the
marks by which a number of the trace is known.
"""

from __future__ import annotations

import pytest
import streamlit as st

from core.models import catalogue
from core.trace import Trace
from tests.helpers.downloads import MODEL, Download
from tests.helpers.marked import Weights, Written, forget, marked
from tests.helpers.tiny import EVERY, FURTHER, TWINS, golden
from ui.session import runs
from ui.session.shelf import SHELF
from ui.shell import downloads


@pytest.fixture(scope="session")
def minilm(minilm):
    """The model that the pages show: as long as somebody holds it, the shelf finds it again."""
    return SHELF.get(("model", "minilm"), lambda: minilm, stays=True)


@pytest.fixture(scope="session")
def smollm2(smollm2):
    return SHELF.get(("model", "smollm2"), lambda: smollm2, stays=True)


@pytest.fixture(autouse=True, scope="module")
def smallest_model(minilm):
    """The pages need at least the smallest real model; the shared fixture fetches it where it is
    not here.
    """
    runs.ready_of.clear()


FURTHER_TOO = [
    pytest.param(name, marks=[pytest.mark.slow] if name in (*TWINS, *FURTHER) else [])
    for name in EVERY
]


@pytest.fixture(params=FURTHER_TOO)
def tiny_folder(request, tmp_path, monkeypatch):
    """A tiny model of each family in a folder that was added to the list; it has no tokenizer, so
    it takes ids.
    """
    folder = golden(request.param).write(tmp_path / request.param)
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    st.cache_data.clear()
    yield str(folder)
    st.cache_data.clear()


@pytest.fixture
def afterwards():
    yield
    st.cache_data.clear()
    downloads.jobs.clear()


@pytest.fixture
def download(monkeypatch, minilm):
    """MiniLM is not on this machine until its download has ended well."""
    found, fake = catalogue.find, Download()

    def here(name: str):
        return None if name == MODEL and not fake.here else found(name)

    monkeypatch.setattr(catalogue, "find", here)
    monkeypatch.setattr("core.models.download.fetch", fake.fetch)
    downloads.jobs.clear()
    runs.ready_of.clear()
    yield fake
    fake.go.set()
    downloads.jobs.clear()
    runs.ready_of.clear()


@pytest.fixture
def handed_out(monkeypatch):
    """Marks all that traces hand out; returns it as the texts by which tables write it."""
    plain, asked = Trace.__getitem__, {}

    def getitem(trace, name):
        key = (id(trace), name)
        if key not in asked:
            value = marked(plain(trace, name))
            value.flags.writeable = False
            asked[key] = trace, value
        return asked[key][1]

    monkeypatch.setattr(Trace, "__getitem__", getitem)
    monkeypatch.setattr(
        Trace,
        "weights",
        property(
            lambda trace: Weights(trace.own_weights, asked),
            lambda trace, given: setattr(trace, "own_weights", given),
        ),
        raising=False,
    )
    forget()

    yield lambda: Written([value for _, value in asked.values()])
    forget()
