"""A download that lasts until it is let go, and visitors who look at its model meanwhile."""

from __future__ import annotations

import threading
import time

from streamlit.testing.v1 import AppTest

from core.errors import GlassError
from tests.helpers.pages import opened
from ui.shell import downloads

MODEL = "minilm"


class Download:
    """A download that lasts until it is let go, and then succeeds or fails."""

    def __init__(self):
        self.asked, self.go, self.error, self.here = 0, threading.Event(), "", False

    def fetch(self, name, progress):
        self.asked += 1
        progress(20_000_000, 80_000_000, "Fetching it")
        assert self.go.wait(30)
        if self.error:
            raise GlassError(self.error)
        self.here = True

    def end(self, error: str = "") -> None:
        """Lets it go, and waits until it is over."""
        self.error, job = error, downloads.jobs()[MODEL]
        self.go.set()
        until = time.monotonic() + 10
        while not job.over and time.monotonic() < until:
            time.sleep(0.01)
        assert job.over
        self.go.clear()


def visitor() -> AppTest:
    """Somebody who has chosen the model, and is shown that it is not here."""
    return opened(model=MODEL)


def shown_model(app: AppTest) -> str:
    """The model whose numbers the page shows."""
    assert not app.exception
    return app.session_state["memory"].shown.model
