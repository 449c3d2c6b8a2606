"""A report: one HTML file that shows a run with the app's own pictures, its numbers inside.

    report(view, stages)        the file as text
    theme_rules()               the colours of the app, light and dark, as Streamlit gives them

It opens from a disk, without a server. Its policy (CSP) allows the one script and the one style
sheet that stand in it, by their SHA-256, and no request: whatever a sentence, a token or a model's
name holds is data within JSON, and is put on the page as text.
"""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from typing import Any

from core.errors import GlassError
from core.lstm import Lstm
from core.places import APP, ASSETS, PROGRAM
from core.steps.letters import AXES
from ui.kit.component_loader import style_sheets
from ui.kit.picture_frame import changed, picture_frame
from ui.kit.theme import COLOURS, head_colour, ink
from ui.kit.token_words import token_row
from ui.report.bundle import script
from ui.report.contents import LIMIT, Contents, Progress, as_json, contents, nothing_to_say
from ui.report.stages import STAGES
from ui.session.navigation import OVERVIEW
from ui.session.selection import MASKS
from ui.session.view import View

VERSION = 1  # of the layout of the numbers in a report
CONFIG = APP / ".streamlit/config.toml"
DRAWN = ("alignment", "heatmap", "lines", "overview", "place", "saving", "strip", "table")
SHEETS = tuple(f"glass_{name}" for name in (*DRAWN, "explanation"))
FONTS = {
    "font": '"Source Sans 3", system-ui, sans-serif',
    "heading-font": '"Source Sans 3", system-ui, sans-serif',
    "code-font": "ui-monospace, monospace",
    "base-radius": "0.5rem",
    "button-radius": "0.5rem",
}
PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:image/png;base64,">
<style>{style}</style>
</head>
<body>
<main data-testid="stMain"><div id="report" data-testid="stApp">
<noscript><p>{sentence}</p><p>This report draws its pictures with a script, which is switched off
here.</p></noscript>
</div></main>
<script type="application/json" id="facts">{facts}</script>
<script type="application/json" id="contents">{contents}</script>
<script>{script}</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Report:
    """A report: the file, and in words what there was no room for."""

    text: str
    left_out: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """The bytes of the file."""
        return len(self.text.encode())


@dataclass(frozen=True)
class Framed:
    """A report within a page of something else, such as a notebook."""

    stages: tuple[str, ...]  # those whose figures it shows, of those whose numbers it holds
    limit: int  # bytes
    change: str = ""  # how the run differs from that of the trained model, where that is not known
    cell: str = ""  # the number that is open at first: decoder.3.attn.pattern[4, 3, 2]


def report(
    view: View,
    stages: Sequence[str],
    progress: Progress = nothing_to_say,
    framed: Framed | None = None,
) -> Report:
    """The report of a run, with those stages, as it is looked at in the view. progress: called with
    the parts done and the parts in all.

    At most LIMIT bytes in UTF-8, or as many as its frame has room for. Raises GlassError for an
    LSTM, and where not even one layer fits.
    """
    if isinstance(view.model, Lstm):
        raise GlassError(f"{view.title} is an LSTM: a report shows transformers.")
    told, limit = facts(view, stages), framed.limit if framed else LIMIT
    if framed:
        told |= framed_facts(view, framed)
    frame = written(told | {"left_out": [LONGEST_NOTE]}, "", view)
    found = contents(view, stages, limit - len(frame.encode()), progress)
    missing = left_out(view, found)
    return Report(written(told | {"left_out": missing}, found.text(), view), tuple(missing))


LONGEST_NOTE = "·" * 800  # the room that is kept for what is said of parts that are left out


def written(told: dict[str, Any], numbers: str, view: View) -> str:
    """The file. What stands in it as markup is escaped; what stands in scripts is JSON."""
    code, look = script(), style()
    words = " ".join(filter(None, (view.sentence, view.texts.second)))
    return PAGE.format(
        policy=policy(code, look),
        title=escape(f"{words[:80]} · Glassformer"),
        sentence=escape(words),
        style=look,
        facts=as_json(told),
        contents=numbers or "{}",
        script=code,
    )


def policy(code: str, look: str) -> str:
    """What the page may do: run its script, take its look, and make pictures of its own."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{digest(code)}'",
            f"style-src '{digest(look)}'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def digest(text: str) -> str:
    """The SHA-256 of a text as a policy writes it."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


# --- what is said beside the numbers --------------------------------------------------------------


def facts(view: View, stages: Sequence[str]) -> dict[str, Any]:
    """What the browser has to know of the run, but for its numbers."""
    config = view.config
    return {
        "version": VERSION,
        "limit": LIMIT,
        "model": view.model.name,
        "title": view.title,
        "sentence": view.sentence,
        "second": view.texts.second,
        "change": changed(view, OVERVIEW),
        "mask": "" if view.mask == "trained" else MASKS[view.mask],
        "frame": picture_frame(view, OVERVIEW) | {"page": "report"},
        "command": command(view),
        "sides": {
            side: {
                "row": token_row(view, side),
                "names": view.names_of(side),
                "tokens": view.tokens(side),
                "layers": config.layers(side),
            }
            for side in config.sides
        },
        "crosses": config.crosses,
        "heads": config.n_heads,
        "share": config.n_heads // config.n_kv_heads,  # heads to a set of keys and values
        "rows": [int(row) for row in view.trace.rows],
        "axes": AXES,
        "colours": COLOURS,
        "headColours": [head_colour(h) for h in range(config.n_heads)],
        "look": {"side": view.side, "layer": view.layer, "head": view.head, "token": view.token},
        "stages": [stage_entry(name) for name in stages],
        "sheets": {name: text for name, text in style_sheets().items() if name in SHEETS},
    }


def framed_facts(view: View, framed: Framed) -> dict[str, Any]:
    """What differs in a frame: the title and the footer are left out, and less may be shown."""
    return {
        "framed": True,
        "cell": framed.cell,
        "change": framed.change or changed(view, OVERVIEW),
        "stages": [stage_entry(name) for name in framed.stages],
    }


def stage_entry(name: str) -> dict[str, Any]:
    """A stage as the browser draws it."""
    stage = STAGES[name]
    figures = [vars(figure) for figure in stage.figures]
    said = {"title": stage.title, "about": stage.about, "pairs": stage.pairs}
    return {"name": name, "figures": figures} | said


def command(view: View) -> str:
    """The command that opens a number of this run; {cell} stands for its name and its index."""
    request = view.request
    parts = ["--sentence", request.sentence]
    asked = {
        "--model": request.model,
        "--mask": "" if request.mask == "trained" else request.mask,
        "--target": request.target,
        "--change": request.change,
        "--second": request.second,
    }
    parts += [word for name, value in asked.items() if value for word in (name, value)]
    parts += ["--chat"] * request.chat
    return f"{PROGRAM} explain {{cell}} {shlex.join(parts)}"


def left_out(view: View, found: Contents) -> list[str]:
    """What there was no room for, a line for each kind."""
    lines: dict[str, list[str]] = {}
    for part in found.left_out:
        places = lines.setdefault(part.what or STAGES[part.stage].title, [])
        places += [] if part.layer is None else [place(view, part.side, part.layer)]
    return [f"{what}: {some_of(places)}" if places else what for what, places in lines.items()]


def some_of(places: list[str], most: int = 12) -> str:
    """Places in a row; of many the first few, and how many more there are."""
    places = list(dict.fromkeys(places))
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return ", ".join(places[:most]) + more


def place(view: View, side: str, layer: int) -> str:
    """A layer in words."""
    return f"{side} layer {layer}" if view.config.crosses else f"layer {layer}"


# --- how it looks ---------------------------------------------------------------------------------


@cache
def style() -> str:
    """The style sheet of the page around the components."""
    return f"{theme_rules()}\n{(ASSETS / 'report/report.css').read_text('utf-8')}"


@cache
def theme_rules() -> str:
    """The app's two themes as variables, under the names by which Streamlit hands them over."""
    shared = "".join(f"--st-{name}:{value};" for name, value in FONTS.items())
    shared += "".join(f"--glass-{kind}:{colour};" for kind, colour in COLOURS.items())
    return f":root{{{shared}}}" + "".join(
        f":root[data-theme={name}]{{color-scheme:{name};{variables(theme_named(name))}}}"
        for name in ("light", "dark")
    )


def theme_named(name: str) -> dict[str, str]:
    """The colours of a theme of the app, as its settings have them; of a scale, all in a row."""
    _, _, after = CONFIG.read_text("utf-8").partition(f"[theme.{name}]\n")
    own = re.split(r"^\[", after, maxsplit=1, flags=re.M)[0]
    found = re.findall(r'^(\w+) = ("[^"]*"|\[[^\]]*\])', own, re.M)
    read = {key: json.loads(value) for key, value in found}
    return {
        key: value if isinstance(value, str) else ",".join(value) for key, value in read.items()
    }


def variables(theme: dict[str, str]) -> str:
    """The colours of one theme: linkColor -> --st-link-color; and those of the roles as letters."""
    found = ""
    for name, value in theme.items():
        spelled = re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", name)
        found += f"--st-{spelled}:{value};"
    grounds = [theme["backgroundColor"], theme["secondaryBackgroundColor"]]
    return found + "".join(
        f"--glass-{kind}-ink:{ink(colour, grounds)};" for kind, colour in COLOURS.items()
    )
