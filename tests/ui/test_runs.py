"""The runs that the pages show: each is made once, and its sentence is read once."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from types import SimpleNamespace

import pytest

from core import time_limit
from core.errors import GlassError
from core.models.tokenizer import Tokenizer
from core.recorder import Scope
from tests.helpers.pages import OTHERS, look, opened, prose
from tests.helpers.tiny import golden
from ui.session import runs
from ui.session.runs import RunRequest
from ui.session.shelf import SHELF
from ui.session.view import View

SENTENCE = "The old farmer carried a heavy basket."


@pytest.fixture
def encoded(monkeypatch):
    """How often each tokenizer has cut each text."""
    counts, encode = Counter(), Tokenizer.encode

    def counted(cut, text, *args, **options):
        counts[id(cut), text] += 1
        return encode(cut, text, *args, **options)

    monkeypatch.setattr(Tokenizer, "encode", counted)
    SHELF.forget()
    return counts


@pytest.mark.one_in(5)
@pytest.mark.parametrize("path", ["app.py", *OTHERS])
@pytest.mark.parametrize("model", ["study-encoder", "study-translator"])
def test_a_page_cuts_the_sentence_once_for_each_model_that_reads_it(path, model, encoded):
    app = opened(path, sentence=SENTENCE, model=model)
    assert not app.exception and app.session_state["memory"].shown.sentence == SENTENCE
    times = {cut: count for (cut, text), count in encoded.items() if text == SENTENCE}
    assert set(times.values()) == {1}
    # Elsewhere the LSTM and the twin read it, too, or the translator of a model without one.
    other = "Before" in path or "Cross" in path and model == "study-encoder"
    assert len(times) == 1 or other
    encoded.clear()
    if (
        "Glossary" in path or "Exercises" in path
    ):  # these have no line on which to look at something else
        app.run()
    else:
        look(app, depth="numbers")
    assert not app.exception and SENTENCE not in {text for _, text in encoded}


def test_a_view_has_the_pieces_that_its_run_was_made_of():
    request = RunRequest("study-encoder", SENTENCE)
    run, view = runs.run_of(request), View(request, "encoder", 0, 0, 0)
    assert run.encoding is view.encoding is runs.encoding_of(request)
    assert run.trace is view.trace is runs.trace_of(request)
    assert tuple(view.words) == run.encoding.words_L == run.trace.words_L
    assert run.encoding.ids_L.tolist() == view.trace["encoder.embed.ids"].tolist()


# --- a limit of time ------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_is_stopped_and_not_tried_again(monkeypatch):
    request = RunRequest("study-decoder", "A run that takes too long is stopped here.")
    reached, put = [], Scope.put

    def slow(at, name, value):
        reached.append(name)
        if len(reached) == 20:
            clock[0] += 400
        return put(at, name, value)

    clock = [1000.0]
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(runs, "_TOO_LONG", OrderedDict())
    monkeypatch.setattr(Scope, "put", slow)
    with pytest.raises(GlassError, match="This took too long and was stopped"):
        runs.run_of(request)
    assert len(reached) == 20
    assert "GLASSFORMER_SECONDS" in runs.why_not(request) and len(reached) == 20
    monkeypatch.setattr(Scope, "put", put)
    assert runs.why_not(request._replace(sentence="Another text is read.")) == ""


def test_the_limit_of_time_can_be_set(monkeypatch):
    assert time_limit.seconds() == 300
    for given, seconds in (("20", 20), ("0", float("inf")), ("-1", 300), ("soon", 300)):
        monkeypatch.setenv("GLASSFORMER_SECONDS", given)
        assert time_limit.seconds() == seconds


def test_time_around_a_run_counts_for_what_is_inside(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with time_limit.within(10):
        with time_limit.within(100):
            clock[0] = 11
            assert time_limit.is_over()
            with pytest.raises(GlassError):
                time_limit.check_time()
    assert not time_limit.is_over()
    time_limit.check_time()


# --- files that change while the app runs ---------------------------------------------------------


def test_weights_that_are_replaced_while_the_app_runs_are_noticed(tmp_path, monkeypatch):
    folder = golden("gpt2").write(tmp_path / "tiny")
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    runs.ready_of.clear()
    app = opened(model=str(folder), sentence="1 2 3")
    assert app.session_state["memory"].shown.model == str(folder)
    assert "have changed on the disk" not in prose(app)
    file = folder / "model.safetensors"
    times = file.stat()
    data = file.read_bytes()
    file.write_bytes(data[:-100] + bytes(100))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as large and as old as before
    assert "have changed on the disk since the app read them" in prose(app.run())
    file.unlink()
    assert runs.has_changed_on_disk(str(folder))
    runs.ready_of.clear()
