"""Whoever started the app opens a model of their own in it; what others send opens nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import streamlit as st
from huggingface_hub import constants
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.models import catalogue, own
from core.models.cache import cache, remember
from core.models.own import MOST
from tests.helpers.downloads import shown_model
from tests.helpers.pages import opened, said, send
from tests.helpers.small_hub import small_hub
from ui.session import owner, runs
from ui.session.owner import came_from_here, is_here, may_open
from ui.session.selection import fits
from ui.shell import downloads

FOLDER = Path(catalogue.MODELS / "study-decoder")
FILES = [each for each in FOLDER.iterdir() if each.is_file()]  # its snapshots are in a folder
HUB = "someone/copy"


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    """A cache of our own, without a network; nobody is known to have started the app."""
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "others"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.delenv("GLASSFORMER_OPEN", raising=False)
    for each in (runs.ready_of, downloads.jobs):
        each.clear()
    yield
    for each in (runs.ready_of, downloads.jobs):
        each.clear()


@pytest.fixture
def started_it(monkeypatch):
    monkeypatch.setenv("GLASSFORMER_OPEN", "1")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A model in a folder that no list names."""
    (tmp_path / "mine").mkdir()
    for file in FILES:
        (tmp_path / "mine" / file.name).write_bytes(file.read_bytes())
    return tmp_path / "mine"


@pytest.fixture
def hub(monkeypatch):
    """A Hub on this machine, with a copy of the study model."""
    with small_hub({HUB: {file.name: file.read_bytes() for file in FILES}}) as served:
        template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        yield served


def window():
    """The app with the window open."""
    app = opened(model="study-encoder")
    return app.selectbox(key="model").set_value(own_model_label(app)).run()


def own_model_label(app) -> str:
    return app.selectbox(key="model").options[-1]


def typed(app, text: str):
    """Types a name into the window and asks for it."""
    app.text_input(key="own_model").set_value(text)
    return next(each for each in app.button if each.label == "Open").click().run()


def buttons(app) -> list[str]:
    return [each.label for each in app.button]


def until(holds, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


# --- who may --------------------------------------------------------------------------------------

HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize(
    "headers, here",
    (
        (HERE, True),
        ({"Host": "127.0.0.1:8501"}, True),
        ({"Host": "[::1]:8501", "Origin": "http://[::1]:8501"}, True),
        ({}, False),
        ({"Host": "glass.example"}, False),  # a proxy passes the name on, or a name leads here
        ({"Host": "localhost.glass.example:8501"}, False),
        ({"Host": "[::1"}, False),
        (HERE | {"Origin": "https://glass.example"}, False),
        (HERE | {"Origin": "null"}, False),
        (HERE | {"X-Forwarded-For": "127.0.0.1"}, False),
        (HERE | {"x-forwarded-host": "localhost"}, False),
        (HERE | {"FORWARDED": "for=127.0.0.1"}, False),
        (HERE | {"Via": "1.1 proxy"}, False),
        (HERE | {"CF-Connecting-IP": "::1"}, False),
    ),
)
def test_a_request_that_a_proxy_passed_on_does_not_come_from_here(headers, here):
    assert came_from_here(headers) == here


@pytest.mark.parametrize("address", ("", "0.0.0.0", "::", "192.168.1.5", "unix:///tmp/socket"))
def test_a_server_that_others_reach_is_closed(address):
    assert not is_here(address)


@pytest.mark.parametrize("given, open_", (("1", True), ("0", False), ("yes", False), ("", True)))
def test_the_environment_has_the_last_word(given, open_, monkeypatch):
    monkeypatch.setenv("GLASSFORMER_OPEN", given)
    monkeypatch.setattr(owner, "came_from_here", lambda headers: True)
    monkeypatch.setattr(st, "get_option", {"server.address": "127.0.0.1"}.get)
    assert may_open() == open_
    monkeypatch.setattr(st, "get_option", {"server.address": None}.get)
    assert may_open() == (given == "1")


# --- visitors -------------------------------------------------------------------------------------


def test_a_visitor_opens_nothing_by_a_link(folder, hub):
    remember("own-models.json", "names", [str(folder), HUB])  # whoever started it has opened both
    words = []
    for name in (str(folder), HUB, "/etc", "/no/such/folder", "own"):
        app = opened(model=name)
        assert shown_model(app) == "study-decoder" and not fits("model", name)
        assert f"“{name[:40]}" in said(app) and "It was ignored." in said(app)
        assert "Only whoever runs this app" in said(app)
        words.append(said(app).replace(name[:40], ""))
    assert hub.asked == [] and len(set(words[1:])) == 1  # nor what there is on this machine


@pytest.mark.parametrize("sent", ("own", "Your own model …", "someone/copy", "/"))
def test_a_visitor_opens_nothing_by_a_forged_choice(sent, hub):
    app = opened(model="study-encoder")
    assert "Your own model …" not in app.selectbox(key="model").options
    box = app.selectbox(key="model")
    send(app, WidgetState(id=box.id, string_value=sent))
    assert not app.exception and shown_model(app) in ("study-encoder", "study-decoder")
    assert not app.session_state["memory"].opens_model and hub.asked == [] and own.own() == ()


def test_who_may_no_longer_open_models_gets_no_window(started_it, monkeypatch, folder):
    app = window()
    monkeypatch.setenv("GLASSFORMER_OPEN", "0")
    app.run()
    assert "own_model" not in [each.key for each in app.text_input]
    owner.add(str(folder))
    assert own.own() == ()


# --- whoever started it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, says",
    (
        ("", "Type a name"),
        ("gtp2", "Did you mean gpt2"),
        ("/nowhere/at/all", "no folder and no .gguf file"),
        ("model.safetensors", "give the folder"),
        ("nobody/nothing", "cannot be reached"),  # there is no network here
        (".", "no file config.json"),
    ),
)
def test_what_is_wrong_is_said_in_place_and_nothing_is_lost(text, says, started_it, tmp_path):
    app = typed(window(), str(tmp_path) if text == "." else text)
    assert says in app.error[0].value.replace("\\", "")
    assert shown_model(app) == "study-encoder" and own.own() == ()
    assert app.text_input(key="own_model").value == (str(tmp_path) if text == "." else text)


def test_a_folder_is_opened_and_remembered(started_it, folder, monkeypatch):
    app = typed(window(), f"  {folder}/ ")
    assert shown_model(app) == str(folder) and not app.error
    assert app.selectbox(key="model").options.count("mine") == 1
    assert not app.session_state["memory"].opens_model
    again = opened(model=str(folder))  # a link, in the next session
    assert shown_model(again) == str(folder) and not again.warning
    monkeypatch.setenv("GLASSFORMER_OPEN", "0")
    assert shown_model(opened(model=str(folder))) == "study-decoder"


def test_a_cache_that_cannot_be_written_does_not_lose_the_choice(started_it, folder, monkeypatch):
    monkeypatch.setenv("GLASSFORMER_CACHE", str(folder / "config.json"))
    app = typed(window(), str(folder))
    assert shown_model(app) == str(folder) and shown_model(app.run()) == str(folder)


def test_a_link_alone_fetches_nothing_but_stands_in_the_window(started_it, hub):
    app = opened(model=HUB)
    assert shown_model(app) == "study-decoder" and "Your own model" in said(app)
    assert hub.asked == []
    app.selectbox(key="model").set_value(own_model_label(app)).run()
    assert app.session_state["own_model"] == HUB


def test_a_model_of_the_hub_is_offered_with_its_size_fetched_cancelled_and_fetched(
    started_it, hub, monkeypatch
):
    app = typed(window(), f"https://huggingface.co/{HUB}")
    size = sum(file.stat().st_size for file in FILES)
    assert f"Fetch {size / 1e6:.0f} MB" in buttons(app) and not app.error
    assert ("GET", "model.safetensors") not in hub.asked
    hub.hold.set()
    app.button(key="own_fetch").click().run()
    assert shown_model(app) == "study-encoder" and app.session_state["model"] == HUB
    until(lambda: ("GET", "model.safetensors") in hub.asked)
    app.run()
    (bar,) = app.get("progress")
    assert "MB" in bar.proto.text and "%" in bar.proto.text
    job = downloads.jobs()[HUB]
    app.button(key="cancel").click().run()
    hub.hold.clear()
    until(lambda: job.over)
    assert job.stopped and list(cache().rglob("*.incomplete")) == []
    app.run()
    assert "you can begin it again" in " ".join(each.value for each in app.caption)
    app.button(key="fetch").click().run()
    until(lambda: downloads.jobs()[HUB].over)
    assert shown_model(app.run()) == HUB and own.own() == (HUB,)


def test_models_are_taken_off_the_list(started_it, folder):
    app = typed(window(), str(folder))
    app.selectbox(key="model").set_value(own_model_label(app)).run()
    next(each for each in app.button if each.label == "Remove").click().run()
    assert shown_model(app) == "study-decoder" and own.own() == ()
    assert "mine" not in app.selectbox(key="model").options and folder.is_dir()


def test_the_list_is_bounded_and_a_damaged_one_is_empty(tmp_path):
    for number in range(MOST + 5):
        own.keep(f"org/model-{number}")
    own.keep("org/model-7")
    assert len(own.own()) == MOST and own.own()[0] == "org/model-7"
    for said_ in ({"a": 1}, "abc", [1, None, "../..", "a" * 500, "minilm", {}]):
        remember("own-models.json", "names", said_)
        assert own.own() == ()


# --- how long a download goes on ------------------------------------------------------------------


def test_a_download_stops_when_nobody_wants_it_any_longer(monkeypatch):
    job, who = downloads.Job("Fetching", 10), ["one"]
    monkeypatch.setattr(downloads, "session", lambda: who[0])
    job.want()
    who[0] = "two"
    job.want()
    job.leave()
    job.progress(1, 10, "Fetching")  # the other one waits
    now = time.monotonic()
    monkeypatch.setattr(downloads.time, "monotonic", lambda: now + downloads.FORGOTTEN + 1)
    with pytest.raises(downloads.StoppedError):
        job.progress(2, 10, "Fetching")
    job.want()
    job.progress(3, 10, "Fetching")
    job.leave()
    with pytest.raises(downloads.StoppedError):
        job.progress(4, 10, "Fetching")
