"""What a what-if does to the steps of a run: each written part becomes an edit (core/edits.py), or
is refused with a message. How a part is written stands in core/whatif.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from . import edits
from .config import Config
from .errors import GlassError
from .patches import Patch, patch_of, put_in, step_of
from .recorder import input_of
from .step_ref import parse

_PLACE = r"(encoder|decoder|cross)\.(\d{1,3})"
_NUMBER = r"-?\d{1,12}(?:\.\d{1,12})?(?:e-?\d{1,2})?"
HEAD = re.compile(rf"{_PLACE}\.(\d{{1,6}})")  # cross: the decoder's attention to the encoder
NEURON = re.compile(r"(encoder|decoder)\.(\d{1,3})\.(\d{1,6})")
SUBLAYER = re.compile(r"(encoder|decoder)\.(\d{1,3})")
HEAT = re.compile(rf"{HEAD.pattern}=(\d{{1,3}}(?:\.\d{{1,4}})?)")
CELL = re.compile(rf"([a-z0-9.]{{1,60}})\[(\d{{1,6}}(?:,\d{{1,6}}){{0,3}})\]=({_NUMBER})")
OTHER = re.compile(r"(?:(encoder|decoder)\.)?(\d{1,4})=(\d{1,7})")

COLDEST, HOTTEST = 0.01, 100.0  # temperatures of a head
LARGEST = 1e6  # a number that can be put in the place of another
LONGEST_OTHER = 400  # characters of a text from which is patched
MOST_OTHERS = 4  # such texts in one what-if: each is a run

Pairs = Iterable[tuple[str, str]]


def edits_of(config: Config, lengths: Mapping[str, int], asked: Pairs, clean: Callable) -> dict:
    """The edits of the parts of a what-if that change steps. lengths: the tokens of each side.
    clean: gives the trace of the run without them; clean(text), that of another text of equal
    length. Raises GlassError for what can't be done.
    """
    asked = tuple(asked)
    made = [
        EDITS[name](config, detail) for name, detail in asked if name in EDITS and name != "freeze"
    ]
    frozen = [head_place(config, detail) for name, detail in asked if name == "freeze"]
    trace = clean() if frozen else None
    made += [frozen_head(trace, *place) for place in frozen]
    made += patches(config, lengths, asked, clean)
    return edits.together(*made, other_ids(config, lengths, asked))


# --- places ---------------------------------------------------------------------------------------


def head_place(config: Config, place: str) -> tuple[str, int]:
    """ "cross.0.3" -> ("decoder.0.cross", 3): an attention, and the number of a head in it."""
    found = HEAD.fullmatch(place)
    if not found or int(found[3]) >= config.n_heads:
        raise GlassError(f"This model has no head “{place[:40]}”.")
    return attention_at(config, found[1], int(found[2]), place), int(found[3])


def attention_at(config: Config, side: str, layer: int, asked: str) -> str:
    """An attention of a stack, or across, as the steps of it are named."""
    stack, sublayer = ("decoder", "cross") if side == "cross" else (side, "attn")
    if layer >= config.layers(stack) or side == "cross" and not config.crosses:
        raise GlassError(f"This model has no attention “{asked[:40]}”.")
    return f"{stack}.{layer}.{sublayer}"


def layer_place(config: Config, place: str) -> tuple[str, int]:
    """ "decoder.3" -> ("decoder", 3)."""
    found = SUBLAYER.fullmatch(place)
    if not found or int(found[2]) >= config.layers(found[1]):
        raise GlassError(f"This model has no layer “{place[:40]}”.")
    return found[1], int(found[2])


def patch_place(config: Config, lengths: Mapping[str, int], detail: str) -> Patch:
    """A patch that this model and text can have."""
    patch = patch_of(detail)
    if not patch or len(patch.text) > LONGEST_OTHER:
        raise GlassError(
            "A patch is written as patch:decoder.1.stream[2]=another text, of at most"
            f" {LONGEST_OTHER} characters, not “{detail[:60]}”."
        )
    side, layer = layer_place(config, f"{patch.side}.{patch.layer}")
    step_of(side, layer, "attn" if patch.what == "stream" else patch.what, config)
    if patch.position >= lengths[side]:
        raise GlassError(
            f"The {side} reads {lengths[side]} tokens; there is none at {patch.position}."
        )
    return patch


# --- edits ----------------------------------------------------------------------------------------


def silent_head(config: Config, place: str) -> dict:
    """A head that writes nothing."""
    at, head = head_place(config, place)
    side, layer, sublayer = at.split(".")
    return edits.ablate_head(side, int(layer), head, sublayer)


def silent_neuron(config: Config, place: str) -> dict:
    """A neuron that writes nothing."""
    found = NEURON.fullmatch(place)
    if not found or int(found[2]) >= config.layers(found[1]) or int(found[3]) >= config.d_mlp:
        raise GlassError(f"This model has no neuron “{place[:40]}” to silence.")
    return edits.ablate_neuron(found[1], int(found[2]), int(found[3]))


def silent_sublayer(config: Config, place: str, *, sublayer: str) -> dict:
    """A sublayer that writes nothing, not even its bias."""
    side, layer = layer_place(config, place)
    if sublayer == "cross" and not (config.crosses and side == "decoder"):
        raise GlassError(f"This model has no cross-attention “{place[:40]}”.")
    return edits.ablate_sublayer(side, layer, sublayer)


def heated_head(config: Config, detail: str) -> dict:
    """A head whose scores are divided by a temperature."""
    found = HEAT.fullmatch(detail)
    if not found or not COLDEST <= float(found[4]) <= HOTTEST:
        raise GlassError(
            "The temperature of a head is written as decoder.0.3=2, from"
            f" {COLDEST:g} to {HOTTEST:g}, not “{detail[:40]}”."
        )
    at, head = head_place(config, detail.partition("=")[0])
    return edits.heat_head(at, head, float(found[4]))


def frozen_head(trace, at: str, head: int) -> dict:
    """A head that looks where it looked in another run."""
    return edits.freeze_head(at, head, trace[f"{at}.pattern"][head].copy())


def patches(config: Config, lengths, asked: Pairs, clean: Callable) -> list[dict]:
    """What other texts’ runs have at single places, put in there."""
    found = [patch_place(config, lengths, detail) for name, detail in asked if name == "patch"]
    texts = dict.fromkeys(each.text for each in found)
    if len(texts) > MOST_OTHERS:
        raise GlassError(f"A what-if can have patches from at most {MOST_OTHERS} other texts.")
    givers = {text: clean(text) for text in texts}
    return [patched(givers[each.text], each) for each in found]


def patched(giver, patch: Patch) -> dict:
    """One vector of another run in the place of this run’s."""
    name, cells = patch.step
    source = input_of(patch.side, patch.layer) if patch.what == "stream" else name
    return {name: partial(put_in, cells, giver[source][cells].copy())}


def changed_cell(config: Config, detail: str) -> dict:
    """One number in the place of another."""
    found = CELL.fullmatch(detail)
    ref = parse(found[1]) if found else None
    if not found or abs(float(found[3])) > LARGEST or ref is None or ref.before:
        raise GlassError(
            "A changed number is written as decoder.0.attn.z[1,4,0]=0.5, from"
            f" −{LARGEST:,.0f} to {LARGEST:,.0f}, not “{detail[:60]}”."
        )
    cell = tuple(map(int, found[2].split(",")))
    room = {"embed.ids": config.n_vocab, "embed.segment.ids": config.n_segments}
    most = room.get(found[1].partition(".")[2])
    return {found[1]: partial(put, found[1], cell, float(found[3]), most)}


def put(name: str, cell: tuple[int, ...], number: float, room: int | None, array: np.ndarray):
    """The array with that number there. room: where only whole numbers below it can stand."""
    if len(cell) != array.ndim or any(i >= n for i, n in zip(cell, array.shape, strict=True)):
        raise GlassError(
            f"{name} has no number [{', '.join(map(str, cell))}]; its shape is {array.shape}."
        )
    room = 2 if array.dtype.kind == "b" else room
    if room and number not in range(room):
        raise GlassError(f"In {name} stand whole numbers from 0 to {room - 1}, not {number:g}.")
    array[cell] = number
    return array


def other_ids(config: Config, lengths: Mapping[str, int], asked: Pairs) -> dict:
    """Tokens that are read as others: those at other places of the text as it was, or of the
    vocabulary. What they are read as stands in the step `embed.ids`.
    """
    places: dict[str, dict[int, tuple[str, int]]] = {}
    for name, detail in asked:
        if name in ("swap", "token"):
            side, place, other = other_token(config, lengths, name, detail)
            places.setdefault(side, {})[place] = (name, other)
    return {f"{side}.embed.ids": partial(read_as, found) for side, found in places.items()}


def other_token(config: Config, lengths, name: str, detail: str) -> tuple[str, int, int]:
    """ "3=5" -> the side, the place of the token, and what it is read as."""
    found = OTHER.fullmatch(detail)
    side = found[1] or config.sides[0] if found else ""
    length = lengths.get(side, 0)
    room = length if name == "swap" else config.n_vocab
    if not found or int(found[2]) >= length or int(found[3]) >= room:
        raise GlassError(
            f"“{name}:{detail[:40]}” is not in this text: a token is read as another of the text by"
            " swap:3=5, as one of the vocabulary by token:3=712."
        )
    return side, int(found[2]), int(found[3])


def read_as(places: Mapping[int, tuple[str, int]], ids_L):
    """The ids with others in those places."""
    was_L = ids_L.copy()
    for place, (name, other) in places.items():
        ids_L[place] = was_L[other] if name == "swap" else other
    return ids_L


EDITS: Mapping[str, Callable[[Config, str], dict]] = {
    "head": silent_head,
    "neuron": silent_neuron,
    "attn": partial(silent_sublayer, sublayer="attn"),
    "cross": partial(silent_sublayer, sublayer="cross"),
    "mlp": partial(silent_sublayer, sublayer="mlp"),
    "temp": heated_head,
    "set": changed_cell,
}
