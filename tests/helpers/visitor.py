"""A visitor without a browser, who speaks the server's own protocol: many fit on one machine.

with serve() as address, Visitor(address) as visitor:
    visitor.open("Attention", model="smollm2")
    visitor.trigger("place", "step", ["head", 3])       # what a click in a component sends
    assert not visitor.problems
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from ui.session.versions import SIGN, VERSION

# Where Streamlit's browser code sends a component's triggers.
_TRIGGERS = "$$STREAMLIT_INTERNAL_KEY_{}__events"
_MAX_LOG = 200


@dataclass
class Widget:
    """What can be clicked: its id, the fragment that a click runs, and what was sent for it."""

    id: str
    fragment: str
    element: object


@dataclass
class Visitor:
    """One session: its widgets by key, the errors and notes it saw, and what each run took."""

    address: str
    widgets: dict[str, Widget] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ended: bool = False
    fragment: str = ""
    headers: dict[str, str] = field(default_factory=dict)  # what a proxy adds
    stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.leave()

    def open(self, page: str = "", **choices) -> None:
        """Opens a page as a link does. page: its name in the address, empty for the overview."""
        self.socket = self.stack.enter_context(
            connect(
                self.address.replace("http", "ws") + "/_stcore/stream",
                origin=self.address,
                subprotocols=["streamlit"],
                additional_headers=self.headers,
                max_size=None,
                open_timeout=60,
            )
        )
        self.page, self.query = page, urlencode({SIGN: VERSION} | choices)
        self._run([])

    def trigger(self, key: str, event: str, value) -> None:
        """Does what a click in a component does."""
        widget, sent = self.widgets[key], json.dumps([{"event": event, "value": value}])
        self._run(
            [
                WidgetState(id=widget.id, json_value="{}"),
                WidgetState(id=_TRIGGERS.format(widget.id), json_trigger_value=sent),
            ],
            widget.fragment,
        )

    def press(self, key: str) -> None:
        """Presses a button."""
        widget = self.widgets[key]
        self._run([WidgetState(id=widget.id, trigger_value=True)], widget.fragment)

    def type(self, key: str, text: str) -> None:
        """Types a text into a box, and presses Enter."""
        widget = self.widgets[key]
        self._run([WidgetState(id=widget.id, string_value=text)], widget.fragment)

    @property
    def components(self) -> list[str]:
        """The keys of what is drawn in the browser, and not by Streamlit or Plotly."""
        kinds = {key: widget.element.DESCRIPTOR.name for key, widget in self.widgets.items()}
        return [key for key, kind in kinds.items() if kind == "BidiComponent"]

    def data(self, key: str) -> dict:
        """What a component was given to draw."""
        return json.loads(self.widgets[key].element.json)

    def leave(self) -> None:
        """Closes the tab."""
        self.stack.close()

    def _run(self, states: list[WidgetState], fragment: str = "") -> None:
        message, before = BackMsg(), time.perf_counter()
        message.rerun_script.query_string, message.rerun_script.page_name = self.query, self.page
        message.rerun_script.fragment_id = fragment
        message.rerun_script.widget_states.widgets.extend(states)
        self.socket.send(message.SerializeToString())
        self.ended, self.fragment = False, fragment
        while not self._heard(ForwardMsg.FromString(self.socket.recv(timeout=120))):
            pass
        self.seconds.append(time.perf_counter() - before)

    def _heard(self, message: ForwardMsg) -> bool:
        """Takes in one message; whether nothing runs any more. A run that a run asks for belongs to
        it."""
        kind = message.WhichOneof("type")
        if kind == "new_session":  # what is not drawn again is gone from the page
            self.widgets = {
                key: widget
                for key, widget in self.widgets.items()
                if self.fragment and widget.fragment != self.fragment
            }
            self.fragment = ""  # a run that follows is one of the whole page
        if kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._drawn(message.delta.new_element, message.delta.fragment_id)
        self.ended |= kind == "script_finished"
        return (
            self.ended
            and kind == "session_status_changed"
            and not message.session_status_changed.script_is_running
        )

    def _drawn(self, element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        drawn = getattr(element, kind)
        if kind == "exception":
            self.problems.append(f"{drawn.type}: {drawn.message}"[:_MAX_LOG])
        if kind == "alert":
            self.notes.append(drawn.body[:_MAX_LOG])
        if (name := getattr(drawn, "id", "")).startswith("$$ID-"):
            self.widgets[name.split("-", 2)[2]] = Widget(name, fragment, drawn)


def megabytes(pid: int) -> float:
    """The memory of a process that is its own or in use now (resident), without what it only maps
    from files."""
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(lines["RssAnon"].split()[0]) / 1024
