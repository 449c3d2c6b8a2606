"""The scripts of the pictures that are drawn in the browser, sent once: what a click sends is data.

    component(name, root=…)     a component from assets/components/NAME.js and NAME.css: call it
                                with key, data, …
    library()                   on every page, before the first component: the scripts of them all

Streamlit sends a component's script with each of its messages; of maps that is 30 KB for every map
that a click changes. So a component's own script is one line that asks for its drawing by name, and
all drawings lie in one message that never changes and therefore is sent once. Its html is fixed:
text from outside comes as data.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import streamlit as st

_ASSETS = Path(__file__).parents[2] / "assets/components"
# component -> the files whose scripts it is made of, its own the last
_SCRIPTS = {
    name: ("common", name)
    for name in ("maps", "lines", "table", "theme", "share", "tokens", "pieces", "number")
}
_SCRIPTS["river"] = ("common", "riverbed", "river")

_STUB = """export default function (given) {
  let done, left = false
  const root = given.parentElement.querySelector(".root")
  const draw = () => {
    const part = globalThis.glassformer?.NAME
    if (left) return
    if (!part) return void setTimeout(draw, 10)
    if (!given.parentElement.querySelector("style.own")) {
      const style = document.createElement("style")
      style.className = "own"
      style.textContent = part.style
      root.before(style)
    }
    done = part.draw(given)
  }
  draw()
  return () => { left = true; done?.() }
}"""
# Only once: what the drawings remember of their elements must outlive a change of page.
_LIBRARY = """export default function () {
  if (globalThis.glassformer?.made === "MADE") return
  globalThis.glassformer = { made: "MADE" }
PARTS
}"""


def component(name: str, root: str = '<div class="root"></div>'):
    """One of the components; root: the element that it draws into."""
    assert name in _SCRIPTS
    made = st.components.v2.component(f"glass_{name}", html=root, js=_STUB.replace("NAME", name))
    return lambda *, data, **more: made(data=light(data), **more)


def light(data: dict) -> dict:
    """The same data, as kinds in which Streamlit does not look for tables: for a list or a
    dictionary among the values it would import pandas, which takes a third of the first page's
    time. As JSON a tuple is a list.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }


def library() -> None:
    """All drawings, in one message."""
    _library()(key="library", data={})


@cache
def _library():
    return st.components.v2.component("glass_library", html='<div class="root"></div>', js=script())


def script() -> str:
    """A script that puts all drawings where the components look for them."""
    parts = []
    for name, files in _SCRIPTS.items():
        code = "\n".join((_ASSETS / f"{file}.js").read_text(encoding="utf-8") for file in files)
        style = (
            (_ASSETS / f"{name}.css").read_text(encoding="utf-8")
            if (_ASSETS / f"{name}.css").exists()
            else ""
        )
        drawing = code.replace("export default function", "return function")
        parts.append(
            f"globalThis.glassformer.{name} = {{ style: {json.dumps(style)}, draw: (() =>"
            f" {{\n{drawing}\n}})() }}"
        )
    code = "\n".join(parts)
    return _LIBRARY.replace("MADE", sha256(code.encode()).hexdigest()[:16]).replace("PARTS", code)
