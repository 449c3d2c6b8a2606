"""A public server: its catalogue is what it has, nobody fetches or opens a model, computing and
taught models are rationed, and whoever waits is told so.
"""

from __future__ import annotations

import re
import socket
import threading
import time
import urllib.request
from collections import OrderedDict
from contextlib import nullcontext

import pytest
import streamlit as st
from streamlit import runtime

from core import time_limit
from core.errors import GlassError
from core.models import catalogue
from tests.helpers.browser import started
from tests.helpers.downloads import shown_model
from tests.helpers.pages import opened, said
from tests.helpers.reports import looked_at
from tests.helpers.visitor import Visitor
from ui.kit import run_files
from ui.session import owner, rationing, runs
from ui.session.rationing import of_network, turns
from ui.session.runs import RunRequest
from ui.session.turns import Account
from ui.shell import downloads, page_shell, report

STUDY = {"model": "study-decoder", "sentence": "The books that the student recommended"}
HOW = "pages/17_How_it_learned.py"


@pytest.fixture
def public(monkeypatch):
    """public(GLASSFORMER_TAUGHT="1"): the pages of a server that is open to strangers."""

    def begin(**environment: str) -> None:
        for name, value in ({"GLASSFORMER_PUBLIC": "1"} | environment).items():
            monkeypatch.setenv(name, value)
        forget()

    yield begin
    monkeypatch.undo()
    forget()


def forget() -> None:
    for each in (turns.cache_clear, runs.ready_of.clear, downloads.jobs.clear):
        each()
    rationing._TAUGHT.clear()


# --- what can be chosen ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, address, public_",
    (
        ("1", "127.0.0.1", True),
        ("0", "0.0.0.0", False),
        ("", "127.0.0.1", False),
        ("", "0.0.0.0", True),
        ("", None, True),
        ("yes", "127.0.0.1", False),
    ),
)
def test_a_server_is_public_if_it_says_so_or_listens_beyond_this_machine(
    said, address, public_, monkeypatch
):
    monkeypatch.setenv("GLASSFORMER_PUBLIC", said)
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    monkeypatch.setattr(runtime, "exists", lambda: True)
    assert owner.is_public() == public_


def test_where_no_server_is_nothing_is_public(monkeypatch):
    """The command line may run in a folder whose settings name another address."""
    monkeypatch.setattr(st, "get_option", {"server.address": "0.0.0.0"}.get)
    assert not owner.is_public()


def test_a_public_server_lists_what_it_has_and_offers_no_download(public, monkeypatch):
    public()
    found = catalogue.find
    monkeypatch.setattr(catalogue, "find", lambda name: None if name == "minilm" else found(name))
    runs.ready_of.clear()
    app = opened(model="minilm")
    titles = app.selectbox(key="model").options
    assert titles and not any("to fetch" in title or "Your own" in title for title in titles)
    assert shown_model(app) == "study-decoder" and "is not in the list of models" in said(app)
    assert not [each for each in app.button if each.key == "fetch"]


def test_nothing_is_fetched_whatever_a_browser_sends(public, monkeypatch):
    public()
    asked = []
    monkeypatch.setattr("core.models.download.fetch", lambda *given: asked.append(given))
    downloads.start_download("gpt2")
    assert not opened(model="gpt2").exception and asked == [] and downloads.jobs() == {}
    monkeypatch.setenv("GLASSFORMER_PUBLIC", "0")
    downloads.start_download("gpt2")
    until = time.monotonic() + 10
    while not asked and time.monotonic() < until:
        time.sleep(0.01)
    assert [name for name, _ in asked] == ["gpt2"], "elsewhere it would have begun"


def test_nobody_opens_a_model_of_their_own_even_from_this_machine(public, monkeypatch):
    monkeypatch.setattr(owner, "came_from_here", lambda headers: True)
    assert owner.may_open()
    public()
    assert not owner.may_open()


def test_a_run_has_less_time(public, monkeypatch):
    given = []
    within = time_limit.within
    monkeypatch.setattr(time_limit, "within", lambda s: given.append(s) or within(s))
    public()
    with runs.limited("a run"):
        pass
    assert given == [20]


# --- what is rationed -----------------------------------------------------------------------------


def test_a_visitor_teaches_so_many_models_an_hour_and_no_more(public):
    public(GLASSFORMER_TAUGHT="1")
    first = opened("app.py", **STUDY, change="learn:sgd,1,0.01=The books are new")
    assert not said(first) and not first.exception
    again = opened("app.py", **STUDY, change="learn:sgd,1,0.01=The books are new")
    assert not said(again), "the same model counts once"
    second = opened("app.py", **STUDY, change="learn:sgd,1,0.02=The books are new")
    assert "teaches 1 models an hour" in said(second)
    page = opened(HOW, **STUDY, cards="learned-teach", learn_steps="4")
    assert any("teaches 1 models an hour" in info.value for info in page.info)
    assert not [each for each in page.button if each.key == "learn_run"]


@pytest.fixture
def words(monkeypatch):
    """What readers who waited were told."""
    told, words_of = [], rationing.words_of
    monkeypatch.setattr(
        rationing, "words_of", lambda place: told.append(words_of(place)) or told[-1]
    )
    return told


def somebody_computes() -> threading.Thread:
    """Another reader, whose turn it is for two seconds from now on."""
    begun, go = threading.Event(), threading.Event()

    def compute() -> None:
        with turns().turn("somebody else", lambda place: None):
            begun.set()
            go.wait(20)

    other = threading.Thread(target=compute)
    other.start()
    assert begun.wait(5)
    threading.Timer(2, go.set).start()
    return other


def test_who_waits_sees_the_place_in_the_queue_and_then_the_page(public, words):
    public(GLASSFORMER_AT_ONCE="1")
    other = somebody_computes()
    app = opened(**STUDY)
    other.join(5)
    assert words and set(words) == {"Many readers are here now. You are number 1 in the queue."}
    assert shown_model(app) == "study-decoder" and not app.info


def test_who_has_used_up_the_budget_sees_when_it_goes_on(public, words):
    public(GLASSFORMER_BUDGET="600")
    turns()._accounts[""] = Account(603, time.monotonic())
    app = opened(**STUDY)
    assert re.search(r"It goes on by itself in [1-3] seconds?\.", words[0])
    assert shown_model(app) == "study-decoder" and not app.info


def test_a_full_queue_says_so_and_a_private_server_has_none(public, monkeypatch):
    public(GLASSFORMER_AT_ONCE="1", GLASSFORMER_WAITING="1")
    monkeypatch.setattr(turns(), "_queue", [object()])
    app = opened(**STUDY)
    assert "Too many readers are waiting" in said(app) and len(app.text_input) == 0
    monkeypatch.setenv("GLASSFORMER_PUBLIC", "0")
    monkeypatch.delenv("GLASSFORMER_AT_ONCE")
    forget()
    assert not rationing.is_rationed() and not said(opened(**STUDY))


@pytest.mark.parametrize(
    "one, other, same",
    (
        ("198.51.100.7", "198.51.100.8", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("no address", "", True),
    ),
)
def test_readers_are_told_apart_by_what_they_cannot_choose(one, other, same):
    assert (of_network(one) == of_network(other)) == same


# --- the figures ----------------------------------------------------------------------------------


def test_the_figures_stand_on_a_port_of_their_own_and_hold_no_word_of_a_reader():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"GLASSFORMER_PUBLIC": "1", "GLASSFORMER_METRICS": str(port)}
    with started(**environment) as (address, _), Visitor(address) as reader:
        reader.open("Attention", sentence="zanzibar sings")
        reader.trigger("place", "step", ["head", 2])
        assert not reader.problems
        text = fetched(f"http://127.0.0.1:{port}/metrics")
        assert fetched(f"{address}/_stcore/health") == "ok"
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(figures["glassformer_page_seconds_count"]) >= 2
    assert float(figures["glassformer_sessions"]) == 1
    assert float(figures["glassformer_shelf_bytes"]) > 1e5
    assert float(figures["process_resident_memory_bytes"]) > 5e7
    assert "zanzibar" not in text and "127.0.0.1" not in text


def fetched(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


# --- what takes long ------------------------------------------------------------------------------

# What computes beside the run: the page, and what it is asked for
LONG = {
    "a search": ("pages/10_Output.py", {"cards": "output-beams"}),
    "a text read both ways": ("pages/10_Output.py", {"cards": "output-reused"}),
    "the example sentences": ("pages/6_Feed_forward.py", {"cards": "ff-examples"}),
    "one step of a lesson": (HOW, {"cards": "learned-step"}),
    "a model of then": (HOW, {"cards": "learned-training", "learn_stop": "100"}),
    "a gradient": (HOW, {"cards": "learned-gradient"}),
    "a map of patches": ("pages/16_Laboratory.py", {"cards": "lab-patch"}),
    "runs on random tokens": ("pages/16_Laboratory.py", {"cards": "lab-repeat"}),
    "another head": ("pages/13_Compare.py", {"compare_what": "sentence", "compare_sentence": "Go"}),
    "runs without each part": (
        "pages/15_Why_this_word.py",
        {"why_shows": "effect", "why_word": "500"},
    ),
    "a change": ("app.py", {"change": "head:decoder.0.1"}),
}


@pytest.fixture
def hurried(monkeypatch):
    """hurried(): from now on nobody has any time; what is on the shelf stays there."""
    monkeypatch.setattr(runs, "_TOO_LONG", OrderedDict())
    return lambda: monkeypatch.setattr(time_limit, "seconds", lambda public=False: 1e-9)


@pytest.mark.parametrize("what", LONG)
def test_whatever_a_page_computes_ends_in_time_and_says_so(what, hurried):
    (path, asked), sentence = LONG[what], f"The dogs that see the {what.split()[-1]}"
    here = {"model": "study-decoder", "sentence": sentence}
    assert not opened(path, **here).exception
    hurried()
    app = opened(path, **here, **asked)
    boxes = (*app.warning, *app.info, *app.error)
    assert not app.exception and any("took too long" in box.value for box in boxes)


def request_of(sentence: str) -> RunRequest:
    """A run, on the shelf."""
    request = RunRequest("study-decoder", sentence)
    runs.run_of(request)
    return request


def test_a_file_is_written_in_time_and_at_its_turn(public, hurried):
    public(GLASSFORMER_BUDGET="30")
    request = request_of("The books that the cat sees")
    data = run_files.bytes_for("198.51.100.7", request, ".npz")
    assert data == run_files.run_bytes(request, ".npz")
    assert turns().used("198.51.100.7") > 0 and turns().used("198.51.100.8") == 0
    hurried()
    with pytest.raises(GlassError, match="took too long"):
        run_files.bytes_for("198.51.100.7", request, ".npz")


def test_a_report_is_made_in_time_and_at_its_turn(public, hurried):
    public(GLASSFORMER_BUDGET="30")
    view, stages = looked_at("study-decoder", "The books that the dog sees"), ("attention",)
    text = report.text_of(view, stages, "198.51.100.7")
    assert "</html>" in text and turns().used("198.51.100.7") > 0
    hurried()
    view = looked_at("study-decoder", "The books that the dog sees", layer=1)
    with pytest.raises(GlassError, match="took too long"):
        report.text_of(view, stages, "198.51.100.7")


def test_work_beside_the_page_ends_in_time(public, hurried):
    public(GLASSFORMER_AT_ONCE="1")

    def parts():
        time.sleep(0.01)
        time_limit.check_time()
        yield 1

    assert list(rationing.in_turns(parts(), "x")) == [1]
    assert rationing.at_its_turn(time_limit.check_time) == ""
    hurried()
    with pytest.raises(GlassError, match="took too long"):
        list(rationing.in_turns(parts(), "x"))
    said = rationing.at_its_turn(lambda: (time.sleep(0.01), time_limit.check_time()))
    assert "took too long" in said


def test_a_report_waits_for_its_turn_though_its_window_runs_alone(public, words, monkeypatch):
    """Streamlit draws a window without the page around it: only the report asks for a turn."""
    public(GLASSFORMER_AT_ONCE="1")
    app = opened(**STUDY)
    app.button(key="report").click().run()
    monkeypatch.setattr(page_shell, "page_turn", lambda key: nullcontext())
    other = somebody_computes()
    app.button(key="make_report").click().run()
    other.join(5)
    assert "Many readers are here now. You are number 1 in the queue." in words
    assert not app.exception and list(app.get("download_button"))
