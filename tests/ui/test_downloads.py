"""Bringing a model here: several visitors wait for one download, and each sees how it ends."""

from __future__ import annotations

import threading
import time

from streamlit.testing.v1 import AppTest

from core.models import catalogue
from tests.helpers.downloads import MODEL, shown_model, visitor
from tests.helpers.pages import opened, prose
from ui.session import runs
from ui.shell import downloads


def looks() -> None:
    """What a visitor's session runs every 0.4 s: the bar, and then the page if it asks so."""
    import streamlit as st

    from ui.shell import downloads

    if "looked" not in st.session_state:
        st.session_state["looked"] = True
        downloads.watch("minilm")


def look(session: AppTest) -> AppTest:
    if "looked" in session.session_state:
        del session.session_state["looked"]
    session.run()
    assert not session.exception
    return session


def test_all_who_wait_for_one_download_see_it_end(download):
    visitor().button(key="fetch").click().run()
    waiting = [AppTest.from_function(looks) for _ in range(3)]
    assert all(look(session).get("progress") for session in waiting)
    download.end()
    for session in waiting:
        assert not look(session).get("progress")
    assert download.asked == 1


def test_a_visitor_who_waited_reads_with_the_model(download):
    first, second = visitor(), visitor()
    first.button(key="fetch").click().run()
    assert second.run().get("progress") and "fetch" not in [button.key for button in second.button]
    download.end()
    for app in (first, second):
        assert shown_model(app.run()) == MODEL and not app.get("progress")
        assert app.selectbox(key="model").value == MODEL


def test_a_download_that_failed_can_be_begun_again_by_another_visitor(download):
    first, second, third = visitor(), visitor(), AppTest.from_function(looks)
    first.button(key="fetch").click().run()
    look(third)
    download.end("The network is down.")
    for app in (first, second):
        assert "network is down" in app.run().error[0].value
    second.button(key="fetch").click().run()
    assert second.get("progress") and first.run().get("progress") and look(third).get("progress")
    download.end()
    assert not look(third).get("progress")
    assert [shown_model(app.run()) for app in (first, second)] == [MODEL, MODEL]
    assert download.asked == 2


def test_clicks_at_one_moment_begin_one_download(download, monkeypatch):
    start, entry_of = threading.Barrier(8), catalogue.entry_of
    monkeypatch.setattr(catalogue, "entry_of", lambda name: time.sleep(0.05) or entry_of(name))

    def click() -> None:
        start.wait()
        downloads.start_download(MODEL)

    clicks = [threading.Thread(target=click) for _ in range(8)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    download.end()
    assert download.asked == 1


def test_a_download_that_nobody_waited_for_is_known_at_once(download):
    left = visitor()
    left.button(key="fetch").click().run()
    del left
    assert MODEL not in runs.ready_models()
    download.end()
    assert MODEL in runs.ready_models()


def test_a_model_that_another_program_brought_is_read_at_the_next_click(download):
    app = visitor()
    assert shown_model(app) != MODEL
    download.here = True
    assert shown_model(app.run()) == MODEL


def test_a_download_that_breaks_off_is_over(download, monkeypatch):
    def broken(name, progress):
        raise SystemExit

    monkeypatch.setattr("core.models.download.fetch", broken)
    app = visitor()
    app.button(key="fetch").click().run()
    time.sleep(0.2)
    assert not app.run().get("progress") and "Could not fetch" in app.error[0].value


def test_the_command_that_fetches_a_model_elsewhere_can_be_copied(monkeypatch):
    name = "some-org/some.model_1"
    monkeypatch.setenv("GLASSFORMER_MODELS", name)
    downloads.jobs.clear()
    downloads.jobs()[name] = downloads.Job("", 0, over=True, error="The network is down.")
    app = opened(model=name)
    downloads.jobs.clear()
    assert not app.exception and "network is down" in app.error[0].value
    assert any(f"`python -m core models fetch {name}`" in each.value for each in app.caption)


def test_a_model_whose_file_is_damaged_is_not_called_absent(download, monkeypatch):
    said = "model.safetensors of all-MiniLM-L6-v2 is damaged: it has 5 bytes, not 90,868,376."
    monkeypatch.setattr(catalogue, "damaged", lambda entry: said if entry.name == MODEL else "")
    app = visitor()
    assert app.button(key="fetch").label.startswith("Fetch it again, ")
    assert said in prose(app) and "not on this machine yet" not in prose(app)
