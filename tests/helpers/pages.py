"""A page of the app in Streamlit's own test runner: opened by its address, read, and clicked as a
browser would.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from core.models import catalogue
from core.text import number
from ui.session.navigation import PAGES
from ui.session.selection import EXAMPLES
from ui.session.versions import SIGN, VERSION

ROOT = Path(__file__).resolve().parents[2]
READY = [name for name in catalogue.CATALOGUE if catalogue.find(name)]
OTHERS = [page.path for page in PAGES[1:]]
# What is asked for without a word: one model, one sentence, one place, and nothing to guess
UNSAID = {"model": "minilm", "sentence": EXAMPLES[0]["text"], "layer": "0", "head": "0", "ask": "0"}
SIGNED = {SIGN: str(VERSION)}  # stands in every address that says anything
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "style": "<style>*{display:none}</style> </style>",
    "image": "![x](https://evil.example/x.png) <img src=x onerror=alert(1)>",
    "latex": r"$\frac{1}{0}$ :red[red] `code` **bold** [a](b)",
    "rtl": "مرحبا بالعالم \u202e abc",
    "zero width": "a\u200bb\u200d\ufeff c",
    "control": "a\x00\x07\x1b[31m b",
    "emoji": "👩‍👩‍👧 🇫🇷 e\u0301",
    "one token": "a",
}
HARM = (
    "<script",
    "![x](",
    "<img",
    "{display:none}",
    "[a](b)",
    ":red[",
    "$\\",
)  # must reach no Markdown as it is


def opened(path: str = "app.py", **address: str | None) -> AppTest:
    """A page in a new session, as if its link had been opened; with MiniLM on the notes' sentence,
    in layer 0 at head 0, unless others are asked for; None: the link does not name it.
    """
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if path != "app.py":
        app.switch_page(path)
    for key, value in (UNSAID | address).items():
        if value is not None:
            app.query_params[key] = value
    return app.run()


def said(app: AppTest) -> str:
    """The warnings above the page, with their Markdown escapes taken away."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", " ".join(element.value for element in app.warning))


def address(app: AppTest) -> dict[str, str]:
    """What stands in the address, but for what is asked for without a word."""
    found = {
        key: value[0] if isinstance(value, list) else value
        for key, value in app.query_params.items()
    }
    return {key: value for key, value in found.items() if (UNSAID | SIGNED).get(key) != value}


def parts(app: AppTest, name: str = "glass_explanation") -> list[dict]:
    """The data of the components of that name on the page."""
    found = [element.proto for element in app.get("bidi_component")]
    found = [
        read_sent(proto)
        for proto in found
        if proto.component_name.removeprefix("glass_") == name.removeprefix("glass_")
    ]
    return [part for data in found for part in data.get("parts", [data])]


def read_sent(proto) -> dict:
    """What was sent to a component, the numbers of a table as its texts."""
    data = json.loads(proto.json)
    if proto.component_name == "glass_table":
        rows, wide = texts_of(data), len(data["columns"])
        data["numbers"] = [rows[at : at + wide] for at in range(0, len(rows), wide)]
        if data["foot"]:
            data["foot"]["numbers"] = data["numbers"].pop()
    return data


def texts_of(table: dict) -> list[str | None]:
    """The numbers of a table as the browser writes them, row after row; None: an empty place."""
    numbers = np.frombuffer(b64decode(table["numbers"]), f"<{table['kind']}")
    empty = set(table.get("empty", ()))
    return [None if at in empty else number(x) for at, x in enumerate(numbers)]


def data_of(app, key: str, kind: str) -> dict:
    """What was sent to the component on the page whose key (or title) holds that text."""
    found = [
        read_sent(element.proto) | {"id": element.proto.id}
        for element in app.get("bidi_component")
        if element.proto.component_name == f"glass_{kind}"
    ]
    return next(
        data
        for data in found
        if key in data["id"] or key in "".join(data.get("titles") or [data.get("title") or ""])
    )


def values_in(data: dict) -> np.ndarray:
    return np.frombuffer(b64decode(data["values"]), dtype="<f4").reshape(data["shape"])


def prose(app) -> str:
    """The texts of a page, without their escapes and without the links that explain a word."""
    return re.sub(
        r"\\([!-/:-@\[-`{-~])",
        r"\1",
        unmarked(
            " ".join(e.value for e in (*app.title, *app.markdown, *app.caption, *app.subheader))
        ),
    )


def unmarked(text: str) -> str:
    """A text without the links that explain its words (ui.kit.terms)."""
    return re.sub(r"\[([^\[\]]*)\]\(#term-[a-z0-9-]+\)", r"\1", text)


def send(app: AppTest, *states: WidgetState) -> AppTest:
    """Runs the page as if the browser had sent these, beside what its widgets hold."""
    new = {each.id for each in states}
    held = app._tree.get_widget_states()
    kept = [each for each in held.widgets if each.id not in new]
    del held.widgets[:]
    held.widgets.extend([*kept, *states])
    return app._run(held)


def components(app: AppTest) -> dict[str, str]:
    """The components on the page: their keys, and the ids that a browser knows them by."""
    protos = [element.proto for element in app.get("bidi_component")]
    return {proto.id.split("-", 2)[2]: proto.id for proto in protos}


def click(app: AppTest, component: str, **values) -> AppTest:
    return send(app, WidgetState(id=components(app)[component], json_value=json.dumps(values)))


def look(app: AppTest, **wanted) -> AppTest:
    """Clicks on the line over the page, one click for each: look(app, layer=3, depth="numbers")."""
    for name, value in wanted.items():
        kind = {"layer": "step", "head": "step", "token": "token"}.get(name, "choice")
        first = app.session_state["side"] if name == "token" else name
        click(app, "place", **{kind: [first, value]})
    return app


def page_title(app: AppTest) -> str:
    """The title of the page that is drawn."""
    return app.session_state["memory"].page.title


def cards(app) -> list:
    """The cards of a page; the settings fold something away, too."""
    return [each for each in app.expander if each.label != "About this model"]
