"""Pictures drawn in the browser, for what Plotly is too slow for or cannot draw. They show numbers,
they compute none.

    heads_canvas(patterns_HLM, labels_L, labels_M, *, key, on_cell, …)
        all heads in one canvas; a click calls on_cell(head, row, column)
    heatmap_canvas(spec, *, key, on_cell)
        one map that scrolls sideways beside its row labels; a click calls on_cell(row, column)
    lines(patterns_HLM or pattern_LM, labels_L, labels_M, *, key, on_token, …)
        two columns of tokens and a line for each weight; a click on a token on the left calls
        on_token(position)
    table(columns, labels, *, key, on_cell, …)
        a column of numbers for each title, a row for each label; a click calls on_cell(row, column)
    overview_canvas(picture, *, key, on_act, on_cell)
        the whole model as `ui.stages.overview.picture` describes it; a click on a title or a sign
        calls on_act(name): of a step that is drawn, or token/SIDE/POSITION, layer/SIDE/NUMBER,
        heads, try/EXPERIMENT; a click on a number on_cell(name, row, cell), of which
        only the name is known to be a text
    one_of(title, options, chosen, *, key, on_choice)
        a choice between a few names; a click calls on_choice(place)
    share_link(version)
        a button that copies a link to the view
    show_seen(seen)
        once a page, not seen: scrolls, zooms, folds and filters as the link that was opened says
    point_at(selector, stop), bring_into_sight(selector, what)
        a ring around a part of the page
    follow_theme()
        once a page, not seen: runs the page again when the reader switches between light and dark
    follow_connection()
        the same when the line to the server was broken and stands again

Every callback runs before the page is drawn again. A component never changes what is chosen by
itself: the page does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ui.kit.coarse_maps import coarse_labels, coarse_mask, coarse_panels, coarsened
from ui.kit.component_loader import component
from ui.kit.heatmap import HeatmapSpec, data_of
from ui.kit.packed_arrays import base64_of, exactly, packed, panels
from ui.kit.theme import COLOURS, head_colour
from ui.session import sent

_heatmap = component("heatmap", 'class="root figure"')  # it begins with its title and its scale
_lines, _table, _theme, _share = map(component, ("lines", "table", "theme", "share"))
_connection = component("connection")
_overview, _ring, _choice, _seen = map(component, ("overview", "ring", "choice", "seen"))


def heads_canvas(
    patterns_HLM,
    labels_L,
    labels_M,
    *,
    key: str,
    on_cell: Callable[..., None] | None = None,
    chosen: int | None = None,
    row: int | None = None,
    opened: tuple[int, int, int] | None = None,
    blocked_LM=None,
    kind="weight",
    limit=None,
    titles=None,
    alt="",
    tallest: int | None = None,
    step: str = "",
) -> None:
    """All heads of a layer, on one scale. row: the token whose row is marked; opened: the explained
    cell; tallest: pixels in which all should be seen at once; step: whose numbers they are.
    """
    patterns_HLM, blocks = coarse_panels(patterns_HLM)
    data = panels(patterns_HLM, kind, limit, coarse_mask(blocked_LM, blocks)) | {
        "titles": list(titles or (f"Head {h}" for h in range(len(patterns_HLM)))),
        "rows": coarse_labels(labels_L, blocks.tall),
        "columns": coarse_labels(labels_M, blocks.wide),
        "chosen": chosen,
        "row": blocks.place(row),
        "opened": blocks.place(opened),
        "alt": alt or "Attention of all heads. Arrow keys move, Enter chooses.",
        "tallest": tallest,
        "step": blocks.named(step),
    }
    found = on_cell and (lambda *cell: on_cell(*blocks.cell(*cell)))
    _heatmap(key=key, data=data, on_cell_change=_callback(key, "cell", patterns_HLM.shape, found))


def heatmap_canvas(
    spec: HeatmapSpec, *, key: str, on_cell: Callable[..., None] | None = None
) -> None:
    """One map with its labels, as wide as it needs to be; a large one in blocks."""
    spec, blocks = coarsened(spec)

    found = on_cell and (lambda *cell: on_cell(*blocks.cell(*cell)[1:]))
    _heatmap(
        key=key, data=data_of(spec), on_cell_change=_callback(key, "cell", (1, *spec.shape), found)
    )


def lines(
    patterns_HLM,
    labels_L,
    labels_M,
    *,
    key: str,
    on_token=None,
    chosen: int | None = None,
    titles=None,
    ends=("looks", "is looked at"),
    only_L=None,
    percent=False,
    step: str = "",
) -> None:
    """Who looks at whom, as lines as strong as the weight: one head (L, M), or several (H, L, M),
    each in a hue. ends: what stands over the columns. only_L: for each token the one to which alone
    a line is drawn. percent: weights are written so. step: whose numbers they are.
    """
    patterns_HLM = np.asarray(patterns_HLM)
    patterns_HLM = patterns_HLM[None] if patterns_HLM.ndim == 2 else patterns_HLM
    H = len(patterns_HLM)
    data = packed(patterns_HLM) | {
        "rows": list(labels_L),
        "columns": list(labels_M),
        "chosen": chosen,
        "titles": list(titles or [f"Head {h}" for h in range(H)]),
        "colours": [head_colour(h) for h in range(H)] if H > 1 else [COLOURS["weight"]],
        "ends": list(ends),
        "percent": percent,
        "only": None if only_L is None else [int(m) for m in only_L],
        "step": step,
    }
    choose = _callback(key, "token", patterns_HLM.shape[1:2], on_token)
    _lines(key=key, data=data, on_token_change=choose)


def table(
    columns: dict,
    labels,
    *,
    key: str,
    on_cell=None,
    bar: str | None = None,
    chosen: int | None = None,
    foot: dict | None = None,
    title="",
    corner="token",
    opened: tuple[int, int] | None = None,
) -> None:
    """Numbers, every one a button. bar: the title of the column whose shares (0 to 1) are
    drawn as bars, too; None leaves a place empty. foot: a row below, a number under some of the
    titles; its own title stands under "". opened: the cell that is marked.
    """
    numbers = [[values[r] for values in columns.values()] for r in range(len(labels))]
    numbers += [[foot.get(name) for name in columns]] if foot else []
    data = (
        exactly(numbers)
        | bar_column(columns, bar)
        | {
            "title": title,
            "corner": corner,
            "opened": opened,
            "columns": list(columns),
            "rows": list(labels),
            "foot": {"title": foot[""]} if foot else None,
            "chosen": chosen,
        }
    )
    shape = len(labels) + bool(foot), len(columns)
    _table(key=key, data=data, on_cell_change=_callback(key, "cell", shape, on_cell))


def bar_column(columns: dict, bar: str | None) -> dict:
    """Which column of a table has bars, and how long they are."""
    shares = np.nan_to_num(np.clip(columns[bar], 0, 1)).astype(float).tolist() if bar else []
    place = list(columns).index(bar) if bar else None
    return {"bar": place, "shares": shares, "colour": COLOURS["weight"]}


def overview_canvas(picture: dict, *, key: str, on_act=None, on_cell=None) -> None:
    """The whole model as one picture, every number of it as the trace has it."""
    names = acts_of(picture)

    def acted() -> None:
        act = sent.from_component(key, "act")
        if on_act and isinstance(act, str) and act in names:
            on_act(act)

    def opened() -> None:
        cell = sent.from_component(key, "cell")
        if on_cell and isinstance(cell, list) and len(cell) == 3 and isinstance(cell[0], str):
            on_cell(*cell)

    data = {"parts": [overview_data(picture)]}
    _overview(key=key, data=data, on_act_change=acted, on_cell_change=opened)


def overview_data(picture: dict) -> dict:
    """The picture of the model as it travels to the browser."""
    strips, maps = {}, {}
    for name, strip in picture["strips"].items():
        places = strip["at"].astype("<u2" if strip["block"] > 256 else np.uint8)
        values = packed(strip["values"])["values"]
        strips[name] = strip | {"values": values, "at": base64_of(places)}
    for name, grid in picture["maps"].items():
        values, shape = packed(grid["values"])["values"], list(grid["values"].shape)
        maps[name] = grid | {"values": values, "shown": shape}
    alt = "The whole model. Tab goes from part to part, Enter opens."
    return picture | {"strips": strips, "maps": maps, "colours": COLOURS, "alt": alt}


def one_of(title: str, options: list[str], chosen: int, *, key: str, on_choice) -> None:
    """A choice between a few names, side by side; title: what is chosen, for who can't see them."""
    data = {"title": title, "options": options, "chosen": chosen}
    choose = _callback(key, "choice", (len(options),), on_choice)
    _choice(key=key, data=data, on_choice_change=choose, width="content")


def share_link(version: int) -> None:
    """A button that copies a link to this view. version: of the names in the address."""
    _share(key="share", data={"version": str(version)})


def show_seen(seen: dict[str, str]) -> None:
    """Has the browser show what it alone knows of a view as the link that was opened says; see
    `ui.session.shared.seen_in`.
    """
    _seen(key="seen", data={"at": "", "seen": ""} | seen)


def follow_theme() -> None:
    """Plotly's pictures keep the colours they were first drawn in: a switch of the theme has to
    reach Python.
    """
    _theme(key="theme", data={}, on_changed_change=lambda: None)


def follow_connection() -> None:
    """A server that was started again knows nothing of an open page: once the line to it stands
    again, the browser asks for the page anew.
    """
    _connection(key="connection", data={}, on_back_change=lambda: None)


def point_at(selector: str, stop: int) -> None:
    """Rings a part of the page, and brings it into sight when the stop is another one."""
    _ring(key="ring", data={"selector": selector, "stop": stop})


def bring_into_sight(selector: str, what: str) -> None:
    """Brings a part of the page into sight, without a ring, when it says another thing."""
    _ring(key="sight", data={"selector": selector, "stop": what, "bare": True})


def acts_of(picture: dict) -> set[str]:
    """Everything in a picture of the model that a click may name."""
    rivers, parts, output = picture["rivers"], picture["open"]["parts"], picture["output"]
    signs = ["heads", *(part["sum"] for part in parts)]
    signs += [norm["name"] for part in parts for norm in part["norms"].values() if norm]
    signs += [river[sign]["name"] for river in rivers for sign in ("norm", "last") if river[sign]]
    return {
        *picture["strips"],
        *picture["maps"],
        *signs,
        *filter(None, [output.get("name")]),
        *(f"word/{word['id']}" for word in output["words"]),
        *(f"layer/{river['side']}/{n}" for river in rivers for n in range(river["of"])),
        *(each["act"] for each in picture.get("experiments", ())),
        *(
            f"token/{side}/{at}"
            for side, tokens in picture["tokens"].items()
            for at in tokens["at"]
        ),
    }


def _callback(key: str, name: str, shape: tuple[int, ...], callback):
    """The callback of a component: whole numbers inside the shape reach the page, whatever else is
    sent does not.
    """

    def checked() -> None:
        cell = sent.place(sent.from_component(key, name), shape)
        if callback and cell is not None:
            callback(*cell)

    return checked
