"""The whole run from a page: what is saved is the trace to the last bit, and nothing is written
before it is asked for.
"""

import io
import json
import re

import numpy as np
import pytest
from safetensors.numpy import load

from core import load as load_model
from core.cli.main import main
from core.run_file import nbytes_of
from tests.helpers.array_files import same
from tests.helpers.pages import HOSTILE, opened
from ui.kit import run_files
from ui.kit.run_files import Written, file_name, run_bytes
from ui.session.runs import RunRequest, trace_of
from ui.session.shelf import SHELF
from ui.session.view import View

SENTENCE = "The books that the student recommended"
STUDY = RunRequest("study-decoder", SENTENCE)
FORMULAS = {
    "formula": "=HYPERLINK(1)",
    "at": "@SUM(1)",
    "folder": "../../etc/passwd \\ con.txt",
    "long": 300 * "é",
}


def read(data: bytes) -> tuple[dict, dict]:
    """The arrays of a .npz file, and what it says of them, by NumPy alone."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        said = json.loads(file["trace.json"])
        return {name: file[name] for name in file.files if name != "trace.json"}, said


def test_a_saved_run_is_the_trace_to_the_last_bit_in_both_formats():
    trace = load_model("study-decoder").trace(SENTENCE)
    arrays, said = read(run_bytes(STUDY, ".npz"))
    tensors = load(run_bytes(STUDY, ".safetensors"))
    assert (
        list(arrays) == list(trace.names) == list(said["steps"]) and tensors.keys() == arrays.keys()
    )
    assert all(same(arrays[name], trace[name]) for name in trace.names)
    assert all(same(tensors[name], trace[name]) for name in trace.names)
    assert said["sentence"] == SENTENCE and said["model"] == "study-decoder"
    assert said["tokens"]["decoder"][:3] == ["[START]", "the", "books"]


def test_the_page_and_the_command_line_write_the_same_file(tmp_path, capsys):
    command = ["trace", SENTENCE, "--model", "study-decoder", "--change", "head:decoder.3.4"]
    for ending in run_files.KINDS:
        assert main([*command, "--out", str(path := tmp_path / f"run{ending}")]) == 0
        request = STUDY._replace(change="head:decoder.3.4")
        assert run_bytes(request, ending) == path.read_bytes()


@pytest.mark.parametrize("sentence", [*HOSTILE.values(), *FORMULAS.values()])
def test_whatever_was_typed_comes_back_and_the_name_of_the_file_is_safe(sentence):
    request = STUDY._replace(sentence=sentence)
    _, said = read(run_bytes(request, ".npz", ["decoder.out"]))
    assert said["sentence"] == sentence
    name = file_name(View(request, "decoder", 0, 0, 0), ".npz", "decoder.0.attn.pattern")
    assert name.startswith("glassformer-decoder.0.attn.pattern-study-decoder")
    assert name.endswith(".npz") and len(name.encode()) < 200
    assert not re.search(r"[^\w.-]", name) and ".." not in name


def test_how_much_a_run_holds_is_said_without_computing_it():
    trace = load_model("study-decoder").trace(SENTENCE)
    exact = sum(trace[name].nbytes for name in trace.names)
    assert nbytes_of(trace, trace.names) == pytest.approx(exact, rel=0.01)
    sizes = {980: "1 KB", 420_000: "420 KB", 3_400_000: "3.4 MB", 1 << 28: "268 MB"}
    assert {size: run_files.in_bytes(size) for size in sizes} == sizes


# --- on the page ----------------------------------------------------------------------------------


def labels(app) -> list[str]:
    return [each.proto.label.replace("\\", "") for each in app.get("download_button")]


def captions(app) -> str:
    return " ".join(each.value for each in app.caption)


def test_a_page_offers_the_run_and_writes_nothing(monkeypatch):
    monkeypatch.setattr(run_files, "write_to", lambda *_: pytest.fail("written unasked"))
    app = opened("pages/12_Every_number.py", model="study-decoder", sentence=SENTENCE)
    assert not app.exception
    assert labels(app) == ["Save as .npz", "Save as .safetensors", "Save the whole step, 1 KB"]
    trace = trace_of(STUDY)
    size = run_files.in_bytes(nbytes_of(trace, trace.names))
    assert f"{len(trace.names)} arrays, about {size} of numbers" in captions(app)


def test_a_run_that_is_too_large_is_left_to_the_command_line(monkeypatch):
    monkeypatch.setattr(run_files, "MOST", 1000)
    app = opened("app.py", model="study-decoder", sentence=SENTENCE)
    assert not labels(app) and "`python -m core trace`" in captions(app)


@pytest.mark.parametrize("ending", run_files.KINDS)
def test_a_large_run_is_written_with_a_bar_and_then_saved(monkeypatch, ending):
    monkeypatch.setattr(run_files, "AT_ONCE", 1000)
    shown, write = [], run_files.shown_on
    monkeypatch.setattr(
        run_files, "shown_on", lambda bar: lambda *at: (shown.append(at), write(bar)(*at))
    )
    SHELF.forget()
    app = opened("app.py", model="study-decoder", sentence=SENTENCE)
    assert not labels(app)
    app.button(key=f"write{ending}").click().run()
    assert not app.exception
    assert [each.partition(",")[0] for each in labels(app)] == [f"Save as {ending}"]
    count = len(trace_of(STUDY).names)
    assert shown == [(n, count) for n in range(count)]
    ready = SHELF.find(("run file", app_request(app), ending))
    assert isinstance(ready, Written) and ready.data == run_bytes(app_request(app), ending)


def app_request(app) -> RunRequest:
    """The run that a page shows."""
    return app.session_state["memory"].shown


@pytest.mark.parametrize("name", ["decoder.3.attn.pattern", "decoder.3.attn.pattern.mean"])
def test_a_whole_step_is_saved_with_its_axes_and_tokens(name):
    trace = load_model("study-decoder").trace(SENTENCE)
    arrays, said = read(run_bytes(STUDY, ".npz", (name,)))
    assert list(arrays) == [name] and same(arrays[name], trace[name])
    assert said["steps"] == {name: {"axes": trace.axes(name), "shape": list(trace.shape(name))}}
    assert len(said["tokens"]["decoder"]) == len(trace["decoder.embed.ids"])
