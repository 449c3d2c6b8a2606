"""The chosen head in a run under some mask, and how two such runs differ."""

from __future__ import annotations

from ui.kit.charts import clickable_map
from ui.kit.heatmap import HeatmapSpec
from ui.kit.runs import open_in
from ui.kit.step_charts import ALL, cell_map
from ui.kit.theme import COLOURS
from ui.session.view import View


def difference_map(encoder: View, other: View, difference_LM) -> None:
    """How far each weight of the head grew under the other mask."""
    name = "Decoder" if other.mask != "own" else "Your mask"
    clickable_map(
        "difference",
        HeatmapSpec(
            difference_LM,
            encoder.names,
            encoder.names,
            colour=COLOURS["weight"],
            title=(
                f"{name} − encoder: blue, the weight grew; red, it shrank. Click to open the"
                " second weight"
            ),
            rows_title="token that looks",
            columns_title="token that is looked at",
            chosen=encoder.token,
        ),
        lambda row, column: open_in(other, other.at("attn.pattern"), (other.head, row, column)),
    )


def pattern_under(
    view: View, title: str, limit: float | None = None, key: str = "", name: str = ""
) -> None:
    """The chosen head's weights in that run; a click opens the number there."""
    name = name or view.at("attn.pattern")
    cell_map(
        view,
        name,
        view.head,
        ALL,
        ALL,
        title=title + (" (as trained)" if view.mask == "trained" else ""),
        chosen=view.token,
        limit=limit,
        key=key or view.mask,
        on_cell=lambda row, column: open_in(view, name, (view.head, row, column)),
    )
