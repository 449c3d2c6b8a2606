"""A part of a report as a widget: `Shown` in a cell of a notebook."""

from __future__ import annotations

from typing import Any

from anywidget import AnyWidget
from traitlets import Int, Unicode

from core.places import ASSETS
from ui.session.view import View


class Shown(AnyWidget):  # the way of anywidget and traitlets: what is shared with the browser
    """A figure of a run. What is looked at stands in side, layer, head, token and cell, and can be
    set: `shown.head = 4`. cell is the name and the index of the number that is open, such as
    decoder.3.attn.pattern:4,3,2, or empty.
    """

    _esm = ASSETS / "notebook/widget.js"
    document = Unicode(help="the report that it shows").tag(sync=True)
    title = Unicode().tag(sync=True)
    side = Unicode().tag(sync=True)
    layer = Int().tag(sync=True)
    head = Int().tag(sync=True)
    token = Int().tag(sync=True)
    cell = Unicode().tag(sync=True)

    def __init__(self, document: str, title: str, view: View, cell: str, still: dict[str, str]):
        place = {"side": view.side, "layer": view.layer, "head": view.head, "token": view.token}
        super().__init__(document=document, title=title, cell=cell, **place)
        self._still = still  # by MIME type, for where no widgets run, such as on a code host

    def _repr_mimebundle_(self, **kwargs: Any):
        made = super()._repr_mimebundle_(**kwargs)
        data, about = made if isinstance(made, tuple) else (made, {})
        return {**(data or {}), **self._still, "text/plain": self.title}, about
