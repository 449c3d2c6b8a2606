"""What a reader can choose, in one table: what it is at first, and what it may be.

The session and the address are two spellings of the same choices; whatever comes from either is
checked here.

    AROUND              what stands around a page, and is the same on all of them
    INSIDE              what is chosen in a page
    CHOICES             both, in the order in which they stand in an address
    fits(key, value)    whether a value may be chosen under that name
    spelled(value)      a value as it stands in an address

To add a choice is to add a line here, and to draw a widget with that name as its key and without a
value of its own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core import masks, whatif
from core.errors import GlassError
from core.models import catalogue

_EXAMPLES = Path(__file__).parents[2] / "assets/examples.json"
EXAMPLES = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
# Characters that a text box takes; what is too long to run stays in it and can be cut.
LONGEST_BOX = 20_000
MASKS = {
    "trained": "As the model was trained",
    "encoder": "Encoder: sees everything",
    "decoder": "Decoder: sees only the past",
    "others": "Every token but itself",
    "own": "Drawn by hand",
}
DEPTHS = {"story": "Story", "numbers": "Numbers", "formula": "Formula", "code": "Code"}
SIDES = ("encoder", "decoder")
STAGES = 5  # steps of the walk through attention
STOPS = 14  # of the guided tour
TOP_KS = (1, 2, 3, 5, 10, 20, 50, 100, 500, 0)  # 0: all words
MOST = 999_999


@dataclass(frozen=True)
class Choice:
    """One thing to choose."""

    first: object  # until the reader chooses; None: the page finds out what that is
    wanted: str  # what it may be, in words: “… which is not {wanted}”
    read: Callable[
        [str], object
    ]  # the value that stands in an address as that text; one that doesn't fit: none
    fits: Callable[[object], bool]  # whether a value, such as one that a browser left, is a choice


def spelled(value) -> str:
    """A value as it stands in an address."""
    return (
        str(int(value))
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


# Each of these makes a choice of one kind. A first value of None is always allowed.


def whole(first: int | None = None, low: int = -MOST, high: int = MOST, step: int = 1) -> Choice:
    """A whole number."""
    wanted = "a whole number" if low == -MOST else f"one of {low} to {high}"
    return Choice(
        first,
        wanted + (f" in steps of {step}" if step > 1 else ""),
        lambda text: int(text) if re.fullmatch(r"-?[0-9]{1,6}", text) else math.nan,
        lambda value: type(value) is int and low <= value <= high and value % step == 0,
    )


def decimal(first: float, low: float, high: float, step: float) -> Choice:
    """A number in steps, such as a slider has."""

    def fits(value) -> bool:
        return (
            type(value) in (int, float)
            and low <= value <= high
            and abs(value / step - round(value / step)) < 1e-6
        )

    return Choice(
        first,
        f"a number from {low:g} to {high:g} in steps of {step:g}",
        lambda text: float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) else math.nan,
        fits,
    )


def among(first, options) -> Choice:
    """One of a few names or numbers."""
    known = {spelled(option): option for option in options}
    return Choice(
        first,
        f"one of {', '.join(known)}",
        lambda text: known.get(text, math.nan),
        lambda value: type(value) in (str, int) and value in known.values(),
    )


def flag(first: bool) -> Choice:
    """Yes (1) or no (0)."""
    return Choice(
        first,
        "0 or 1",
        lambda text: {"0": False, "1": True}.get(text, math.nan),
        lambda value: type(value) is bool,
    )


def text(
    first: str | None = None,
    longest: int = 200,
    wanted: str = "",
    fits: Callable[[str], object] = lambda text: True,
) -> Choice:
    """A text. fits: what it has to be besides short enough."""
    return Choice(
        first,
        wanted or f"a text of at most {longest:,} characters",
        lambda text: text if len(text) <= LONGEST_BOX else math.nan,
        lambda value: isinstance(value, str) and len(value) <= longest and bool(fits(value)),
    )


def can_change(change: str) -> bool:
    """Whether a what-if has known parts only; whether a model can do them shows when it runs."""
    try:
        return bool(whatif.parts(change)) or not change
    except GlassError:
        return False


def is_listed(model: str) -> bool:
    """Whether a model is in the list."""
    return model in [entry.name for entry in catalogue.listed()]


GRID = re.compile(rf"(({'|'.join(masks.NAMED)})(,|$))?([edc]\d{{1,3}}-\d{{1,3}}(,|$))*")
# The opened number is of a run with a word replaced: which word, and by what.
SWAP = re.compile(r"\d{1,3}-\S{1,30}|")
GRID_CELLS = 600_000  # characters of a mask in the session; an address has room for fewer

AROUND = {
    "sentence": text(EXAMPLES[0]["text"], LONGEST_BOX),
    "target": text("", LONGEST_BOX),
    "model": text(catalogue.default(), 200, "in the list of models", is_listed),
    "mask": among("trained", MASKS),
    "grid": text("", GRID_CELLS, "a mask drawn by hand, such as e3-4,e5-1", GRID.fullmatch),
    "change": text("", 200, f"made of {', '.join(whatif.TITLES)}", can_change),
    "side": among("encoder", SIDES),
    "layer": whole(0),
    "head": whole(0),
    "token": whole(),
    "depth": among("story", DEPTHS),
    "bare": whole(0, 0, 1),
    "merge": whole(0, 0, 1),
    "tour": whole(None, 0, STOPS - 1),
}
INSIDE = {
    "cell": text(),
    "step": text(),
    "stage": whole(0, 0, STAGES - 1),
    "swap": text(
        "",
        40,
        "a swap such as 1-house: the number of a word, and what to put in its place",
        SWAP.fullmatch,
    ),
    "part_rows": whole(0, 0),
    "part_columns": whole(0, 0),
    # Tokens
    "tokens_map": among("all", ("all", "near")),
    "tokens_3d": flag(False),
    "tokens_turn": whole(40, 0, 355, 5),
    **{f"tokens_{letter}{kind}": text(None, 60) for letter in "abc" for kind in ("", "_id")},
    # Positions
    "places_part": among(None, ("own", "distance", "sum", "waves", "order")),
    "places_other": whole(None, 0),
    "places_pair": whole(None, 0),
    "places_kept": among("left out", ("left out", "kept")),
    "places_back": flag(False),
    # Attention, and across
    "softmax_of": among("as", ("as", "unscaled", "others", "heat")),
    "softmax_heat": decimal(2.0, 0.1, 5.0, 0.1),
    "cross_weights": among("all", ("all", "layer", "head")),
    "cross_rows": among("writes", ("writes", "reads")),
    "cross_words": flag(True),
    # Add and norm, Feed-forward, Layers
    "addnorm_sublayer": among(None, ("attn", "cross", "mlp")),
    "ff_neuron": whole(None, 0),
    "ff_shows": among("words", ("words", "tokens")),
    "layers_role": whole(0, 0, 6),
    "layers_length": among(None, ("own", "one")),
    "layers_drawn": among("near", ("own", "near", "all")),
    "layers_link": text(None, 100),
    # Encoder and decoder
    "masking_stack": among("decoder", ("decoder", "cross")),
    "padding_count": whole(None, 1, whatif.MOST_PADDING),
    "padding_way": among(None, ("pad", "open-pad")),
    # Output
    "output_heat": decimal(0.8, 0.1, 3.0, 0.1),
    "output_k": among(20, TOP_KS),
    "output_p": decimal(0.95, 0.05, 1.0, 0.05),
    "output_seed": whole(1, 0),
    "output_stage": whole(None, 0),
    "output_hit": whole(0, 0),
    "output_pair": text(
        "0-1", 5, "two numbers such as 0-1", re.compile(r"\d{1,2}-\d{1,2}").fullmatch
    ),
    **{
        f"output_{box}_{kind}": text(None, LONGEST_BOX)
        for box in ("a", "b", "word", "lines", "pool", "query")
        for kind in ("study", "words", "ids")
    },
    # Before attention
    "before_word": whole(None, 0),
    "before_other": text(None, 30),
    "before_reads": among(None, ("own", "other")),
    "before_at": whole(None, 0),
    "before_measure": among("moved", ("moved", "guess")),
}
CHOICES = AROUND | INSIDE


def fits(key: str, value) -> bool:
    """Whether a value may be chosen under that name."""
    return value is None and CHOICES[key].first is None or CHOICES[key].fits(value)
