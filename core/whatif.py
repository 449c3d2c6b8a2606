"""What if …? Runs that differ from the trained model in named ways, written as text, so that a link
can hold them.

    positions           no token knows its place
    norms               every norm passes its vector on as it is
    scale               scores are not divided by √K
    order               the words in reverse order; special tokens such as [CLS] stay
    pad:3               three padding tokens after the text, hidden from all others as in training
    open-pad:3          the same, but the others see them
    repeat              random tokens in place of the words, and once more (core.sampling)

These change single steps (core.interventions); there may be several of a kind:

    head:encoder.0.3    head 3 of the encoder's layer 0 writes nothing; head:cross.0.3 is one of the
                        decoder's heads that look at the encoder
    attn:decoder.2      the attention of a layer writes nothing; so do mlp:… and cross:…
    neuron:encoder.0.7  neuron 7 of the encoder's layer 0 writes nothing
    freeze:encoder.0.3  that head looks where it looks in the run without any change of steps, under
                        the mask of the training
    temp:encoder.0.3=2  the scores of that head are divided by 2 before the softmax
    set:decoder.out[4,0]=1.5        the number of a step, at that place, is this one
    swap:3=5            token 3 is read as the token at place 5; swap:decoder.3=5 of a translator's
                        decoder
    token:3=712         token 3 is read as token 712 of the vocabulary
    patch:decoder.1.stream[2]=TEXT  what enters layer 1 at token 2 is what another text has there,
                        read without any change of steps under the mask of the training; so are
                        attn, cross and mlp (what a sublayer adds), and attn.4, cross.4 (what a head
                        gathers). A plus in the text is written %2B

A model may have been taught first (core.course), which changes its learned numbers:

    learn:adamw,20,0.001=TEXT       20 steps of AdamW at that rate on the next words of a text

Or it may be read as it was during its training, where snapshots of it were kept:

    trained:400         as it was after 400 steps (core.models.over_time); a lesson begins from the
                        model as it is, so that there is no lesson beside it

Several are joined by "+". A mask is a name that core.masks knows, "trained", or one drawn by hand:
"own:" and the cells in which it differs from training, such as "own:e3-4,d2-0" (row 3, column 4 of
the encoder's; row 2, column 0 of the decoder's). It may be begun from another mask, whose name then
stands before the cells: "own:decoder,e3-4".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from . import masks
from .config import Config
from .course import NAMES, course_of, taught
from .errors import GlassError
from .forward_pass import as_trained, forward
from .interventions import CELL, HEAT, OTHER, edits_of
from .models.over_time import as_it_was
from .patches import Patch, patch_of
from .sampling import random_tokens
from .text import counted

MADE_FOR_PADDING = ("[PAD]", "<pad>")
PADDING = (
    *MADE_FOR_PADDING,
    "<|endoftext|>",
    "</s>",
    "<|im_end|>",
)  # the first of these that a vocabulary has
MOST_PADDING = 16
MOST_RANDOM = 25  # different tokens of a random text; longer ones change little, and take longer
STACKS = {"e": "encoder", "d": "decoder", "c": "cross"}
MOST_PARTS = 60  # of one what-if
SHOWN = 40  # letters of a second text that are shown
HANDED_OVER = {
    "stream": "the vector that enters {}",
    "attn": "what the attention of {} adds",
    "cross": "what the cross-attention of {} adds",
    "mlp": "what the feed-forward of {} adds",
    "head": "what head {} of {} gathers",
}
TITLES = {
    "positions": "without positions",
    "norms": "without norms",
    "scale": "scores not divided by √K",
    "head": "{} silent",
    "neuron": "{} silent",
    "attn": "attention of {} silent",
    "cross": "cross-attention of {} silent",
    "mlp": "feed-forward of {} silent",
    "freeze": "attention of {} frozen",
    "temp": "{} at temperature {}",
    "set": "{} set to {}",
    "swap": "token {} read as token {}",
    "token": "token {} read as number {} of the vocabulary",
    "patch": "{} patched in from “{}”",
    "order": "words in reverse order",
    "pad": "{}, hidden",
    "open-pad": "{}, seen by all",
    "repeat": "random tokens, twice",
    "learn": "taught “{}” by {} of {} at rate {:g}",
    "trained": "the model after {} of training",
}
# What makes other weights: it holds for the next text as well, and there is one at a time
OTHER_WEIGHTS = ("learn", "trained")
ONCE = (*OTHER_WEIGHTS, "positions", "norms", "scale", "order", "pad", "open-pad", "repeat")
# What speaks of single tokens of a text, and means nothing, or another thing, in the next one
OF_TOKENS = ("set", "swap", "token", "patch")
MOVES_TOKENS = ("order", "pad", "open-pad", "repeat")  # other tokens, or the same at other places
_CELL = re.compile(r"([edc])(\d{1,4})-(\d{1,4})")
_STEP = re.compile(r"\d{1,8}", re.ASCII)


@dataclass(frozen=True)
class Text:
    """What a run reads: the ids of its first side, for each the word it belongs to, how many are
    padding at the end, the segment of each (None: all have the first), and the encoding that the
    ids are from, if they are from one.
    """

    ids_L: np.ndarray
    words_L: tuple[int | None, ...] | None
    padding: int = 0
    segments_L: tuple[int, ...] | None = None
    encoding: Any = None


def text_of(model, encoding) -> Text:
    """A sentence in pieces as a run reads it."""
    segments_L = model.segments(encoding)
    return Text(encoding.ids_L, encoding.words_L, segments_L=segments_L, encoding=encoding)


def parts(change: str) -> tuple[tuple[str, str], ...]:
    """ "positions+head:encoder.0.3" -> (("positions", ""), ("head", "encoder.0.3")). Raises
    GlassError for one that is unknown, and for too many.
    """
    given = [part.partition(":") for part in dict.fromkeys(change.split("+")) if part]
    found = tuple((name, detail) for name, _, detail in given)
    listed = [name for name, _ in found]
    for name in listed:
        if name not in TITLES:
            raise GlassError(
                f"There is no change called “{name[:40]}”. Choose from {', '.join(TITLES)}."
            )
        if name in ONCE and listed.count(name) > 1:
            raise GlassError(f"A what-if can have “{name}” only once.")
    if set(OTHER_WEIGHTS) <= set(listed):
        raise GlassError(
            "A lesson begins from the trained model, not from a snapshot: choose one of the two."
        )
    if len(found) > MOST_PARTS:
        raise GlassError(f"A what-if has at most {MOST_PARTS} parts; this one has {len(found)}.")
    return found


def kinds(change: str) -> frozenset[str]:
    """The names of the parts: "pad:3+order" -> {"pad", "order"}."""
    return frozenset(name for name, _ in parts(change))


def details(change: str, *names: str) -> tuple[str, ...]:
    """What stands behind these names: of "head:encoder.0.3+head:encoder.1.0", for "head", both
    places.
    """
    return tuple(detail for name, detail in parts(change) if name in names)


def title(change: str, two_stacks: bool = True) -> str:
    """A change in words. two_stacks: of a head it has to be said whose it is, the encoder's or the
    decoder's.
    """
    return ", ".join(part_words(name, detail, two_stacks) for name, detail in parts(change))


def part_words(name: str, detail: str, two_stacks: bool = True) -> str:
    """One part of a what-if in words; what can't be read stands as it is."""
    if name in ("pad", "open-pad"):
        count = int(detail) if detail.isdecimal() else 0
        words = counted(count, "padding token") if count else f"{detail} padding tokens"
        return TITLES[name].format(words)
    if name in ("attn", "cross", "mlp"):
        return TITLES[name].format(layer_words(detail, two_stacks))
    if name in ("temp", "set", "swap", "token"):
        return assigned_words(name, detail, two_stacks)
    if name == "patch":
        patch = patch_of(detail)
        return patch_words(patch, two_stacks) if patch else f"patch {detail[:SHOWN]}"
    if name == "learn":
        return taught_words(detail)
    if name == "trained":
        return trained_words(detail)
    return TITLES[name].format(
        silenced_words("head" if name == "freeze" else name, detail, two_stacks)
    )


def assigned_words(name: str, detail: str, two_stacks: bool) -> str:
    """A part of the form place=value in words."""
    form = {"temp": HEAT, "set": CELL}.get(name, OTHER)
    if not form.fullmatch(detail):
        return f"{name} {detail}"
    place, _, value = detail.partition("=")
    if name == "temp":
        return TITLES[name].format(head_words(place, two_stacks), value)
    if name == "set":
        return TITLES[name].format(place.replace(",", ", "), value.replace("-", "−"))
    side, _, position = place.rpartition(".")
    return TITLES[name].format(position, value) + (f" in the {side}" if side else "")


def patch_words(patch: Patch, two_stacks: bool, token: str = "") -> str:
    """A patch in words. token: the one at whose place it is."""
    kind, _, head = patch.what.partition(":")
    where = layer_words(f"{patch.side}.{patch.layer}", two_stacks)
    if kind == "cross" and head:
        what = f"what cross-attention head {head} of {where} gathers"
    else:
        what = HANDED_OVER[kind].format(*filter(None, (head, where)))
    text = patch.text if len(patch.text) <= SHOWN else f"{patch.text[: SHOWN - 1]}…"
    return TITLES["patch"].format(f"{what} at {token or f'token {patch.position}'}", text)


def taught_words(detail: str) -> str:
    """What a model was taught, in words."""
    course = course_of(detail)
    if course is None:
        return f"learn {detail[:SHOWN]}"
    text = course.text if len(course.text) <= SHOWN else f"{course.text[: SHOWN - 1]}…"
    steps = counted(course.steps, "step")
    return TITLES["learn"].format(text, steps, NAMES[course.method], course.rate)


def trained_words(detail: str) -> str:
    """How far a model was trained, in words."""
    if not _STEP.fullmatch(detail):
        return f"trained {detail[:SHOWN]}"
    if not int(detail):
        return "the model before training, at random"
    return TITLES["trained"].format(counted(int(detail), "step"))


def head_words(head: str, two_stacks: bool) -> str:
    """ "decoder.0.2" -> "head 2 of the decoder’s layer 0"."""
    return silenced_words("head", head, two_stacks)


def layer_words(place: str, two_stacks: bool) -> str:
    """ "decoder.0" -> "the decoder’s layer 0"."""
    side, _, layer = place.partition(".")
    return f"the {side}’s layer {layer}" if two_stacks and layer else f"layer {layer or place}"


def silenced_words(name: str, place: str, two_stacks: bool) -> str:
    """ "head", "decoder.0.2" -> "head 2 of the decoder’s layer 0"; a place that is none stays as it
    is.
    """
    side, layer, number = (place.split(".") + ["", ""])[:3]
    if not number:
        return f"{name} {place}"
    if side == "cross":
        return f"cross-attention {name} {number} of layer {layer}"
    return f"{name} {number} of {layer_words(f'{side}.{layer}', two_stacks)}"


def run(model, text: Text, target_ids_L, mask: str, change: str, **options):
    """The trace of a text under a mask and a change. Raises GlassError where they can't be had."""
    asked, model = dict(parts(change)), model_taught(model, change)
    change = without(change, *OTHER_WEIGHTS)
    if {"pad", "open-pad"} <= set(asked):
        raise GlassError("Padding can be hidden or seen by all, but not both.")
    typed_target_L = target_ids_L
    text, target_ids_L = as_read(model, text, typed_target_L, asked)
    config = changed_config(model.config, asked)
    sides = zip(config.sides, (text.ids_L, target_ids_L), strict=False)
    lengths = {side: len(ids) for side, ids in sides}
    hidden = text.padding if "pad" in asked else 0

    def under(mask: str, text: Text, **options):
        given: dict[str, Any] = {"target_ids_L": target_ids_L} if config.crosses else {}
        grids = masks_of(config, lengths, mask, hidden)
        given |= {"words_L": text.words_L, "segments_L": text.segments_L}
        return forward(config, model.weights, text.ids_L, **given, **options, mask=grids)

    def clean(other: str = ""):
        read = other_text(model, other, typed_target_L, asked, text) if other else text
        return under("trained", read, keep="layers", rows=-1)

    made = edits_of(config, lengths, parts(change), clean)
    return under(mask, text, edits=made, **options)


def model_taught(model, change: str):
    """The model with the weights that a change gives it: taught something, or as it was in its
    training; else the same. Raises GlassError for a lesson that can't be held, and for a step after
    which nothing was kept.
    """
    for detail in details(change, "trained"):
        if not _STEP.fullmatch(detail):
            raise GlassError(
                f"A step of the training is written as trained:400, not “{detail[:SHOWN]}”."
            )
        return as_it_was(model, int(detail))
    for detail in details(change, "learn"):
        if (course := course_of(detail)) is None:
            raise GlassError(
                "What a model is taught is written as learn:adamw,20,0.001=TEXT, not"
                f" “{detail[:SHOWN]}”."
            )
        return replace(model, weights=taught(model, course).weights)
    return model


def lasting(change: str) -> str:
    """What of a what-if holds for the next text as well: what the model was taught, or how far it
    was trained.
    """
    return "+".join(part for part in change.split("+") if part.partition(":")[0] in OTHER_WEIGHTS)


def as_read(model, text: Text, target_ids_L, asked: dict) -> tuple[Text, Any]:
    """Both texts as the model reads them, once words are reversed, padded or replaced."""
    if "repeat" in asked:
        text, target_ids_L = repeated(model, text, target_ids_L)
    return changed_text(model, text, asked), target_ids_L


def other_text(model, other: str, target_ids_L, asked: dict, text: Text) -> Text:
    """A second text, changed as the first one is. Raises GlassError where it has not as many
    tokens.
    """
    if model.tokenizer:
        typed = text_of(model, other_encoding(model, other, text.encoding))
    elif re.fullmatch(r"[\s,]*\d{1,9}([\s,]+\d{1,9})*[\s,]*", other):
        typed = Text(np.array([int(each) for each in re.findall(r"\d+", other)]), None)
    else:
        raise GlassError("This model reads token ids, and so does a patch: write 12 7 431.")
    read, _ = as_read(model, typed, target_ids_L, asked)
    if len(read.ids_L) != len(text.ids_L):
        raise GlassError(
            f"This text has {len(text.ids_L)} tokens, the one that is patched in"
            f" {len(read.ids_L)}: only texts of equal length can be patched into each other."
        )
    return read


def other_encoding(model, other: str, encoding):
    """A second text in pieces, in the place of the first: with the same sentence B, or in the same
    chat template.
    """
    return model.encode_again(encoding, other) if encoding else model.encode(other)


def changed_config(config: Config, asked) -> Config:
    """The model with a part of its arithmetic left out."""
    left_out = {
        "positions": {"positions": "none", "relative_beside": False},
        "norms": {"norm": "none", "qk_norm": None},
        "scale": {"score_scale": 1.0},
    }
    for name, fields in left_out.items():
        config = replace(config, **fields) if name in asked else config
    return config


def changed_text(model, text: Text, asked: dict) -> Text:
    """The text with its words reversed, or with padding after it."""
    if "order" in asked:
        places = order(text.words_L or [0] * len(text.ids_L))
        text = replace(
            text,
            ids_L=np.asarray(text.ids_L)[places],
            words_L=text.words_L and tuple(text.words_L[i] for i in places),
        )
    for name in ("pad", "open-pad"):
        if name in asked:
            if (
                not re.fullmatch(r"\d{1,2}", asked[name])
                or not 1 <= int(asked[name]) <= MOST_PADDING
            ):
                raise GlassError(
                    f"You can add 1 to {MOST_PADDING} padding tokens, not “{asked[name][:20]}”."
                )
            count = int(asked[name])
            text = replace(
                text,
                ids_L=np.append(text.ids_L, [padding_id(model)] * count),
                words_L=text.words_L and (*text.words_L, *[None] * count),
                padding=count,
                segments_L=text.segments_L and (*text.segments_L, *[0] * count),
            )
    return text


def repeated(model, text: Text, target_ids_L) -> tuple[Text, Any]:
    """Random tokens, twice in a row, in place of the text's words; a decoder that reads a text of
    its own reads the same after the token that it begins with.
    """
    before, after = specials_around(text.words_L or range(len(text.ids_L)))
    around = max(before + after, int(target_ids_L is not None))
    room = ((model.config.n_positions or 10**6) - around) // 2
    is_special = model.tokenizer.is_special if model.tokenizer else lambda token: False
    drawn_N = random_tokens(model.config.n_vocab, min(MOST_RANDOM, room), is_special)
    twice_L = np.concatenate([drawn_N, drawn_N]).astype(np.int64)
    ends = len(text.ids_L) - after
    words_L = text.words_L and (*[None] * before, *range(len(twice_L)), *[None] * after)
    ids_L = np.concatenate([text.ids_L[:before], twice_L, text.ids_L[ends:]])
    if target_ids_L is not None:
        target_ids_L = np.concatenate([target_ids_L[:1], twice_L])
    return Text(ids_L, words_L), target_ids_L


def specials_around(words_L) -> tuple[int, int]:
    """How many special tokens stand before the words of a text, and how many after them."""
    inside = [place for place, word in enumerate(words_L) if word is not None]
    return (inside[0], len(words_L) - 1 - inside[-1]) if inside else (len(words_L), 0)


def order(words_L) -> np.ndarray:
    """Where each token of the reversed text stood before: what belongs to no word keeps its place,
    and of two texts with such a token between them each is reversed by itself.
    """
    places = np.arange(len(words_L))
    for is_word, group in groupby(places.tolist(), key=lambda i: words_L[i] is not None):
        moved = list(group)
        if is_word:
            places[moved] = moved[::-1]
    return places


def padding_id(model) -> int:
    """The token that a model is padded with; models that were never padded take the one that ends a
    text.
    """
    known = first_known(model, PADDING)
    return (model.config.end_id or 0) if known is None else known


def own_padding_id(model) -> int | None:
    """The token that a model was padded with in training; None, if it was never padded."""
    return first_known(model, MADE_FOR_PADDING)


def first_known(model, pieces: tuple[str, ...]) -> int | None:
    """The id of the first of these that a vocabulary has."""
    known = (model.tokenizer.id_of(piece) for piece in pieces) if model.tokenizer else ()
    return next((found for found in known if found is not None), None)


def masks_of(config: Config, sizes: dict[str, int], mask: str, hidden: int) -> dict:
    """The matrix of each attention. hidden: so many tokens at the end of the first side are seen by
    none of the others.
    """
    name, _, text = mask.partition(":")
    begun, cells = begun_from(text) if name == "own" else (name, "")
    grids = {
        stack: masks.build_mask(trained if begun == "trained" or stack == "cross" else begun, *size)
        for stack, (trained, size) in as_trained(config, sizes).items()
    }
    if name == "own":
        grids = {stack: grid.copy() for stack, grid in grids.items()}
        for stack, row, column in cells_of(cells):
            if (
                stack not in grids
                or row >= grids[stack].shape[0]
                or column >= grids[stack].shape[1]
            ):
                raise GlassError(
                    f"The custom mask changes cell {row}, {column} of “{stack}”, which does not"
                    " exist."
                )
            grids[stack][row, column] ^= True
    if hidden:
        for stack in {config.sides[0], "cross"} & set(grids):
            grids[stack] = grids[stack].copy()
            grids[stack][: -hidden if stack != "cross" else None, -hidden:] = False
    return {stack: masks.check(grid) for stack, grid in grids.items()}


def begun_from(text: str) -> tuple[str, str]:
    """The mask that a drawing was begun from, and its cells: "decoder,e3-4" -> ("decoder", "e3-4").

    Without a name it was begun from the trained one: "e3-4" -> ("trained", "e3-4").
    """
    first, _, rest = text.partition(",")
    return (first, rest) if first in masks.NAMED else ("trained", text)


def cells_of(text: str) -> list[tuple[str, int, int]]:
    """ "e3-4,d2-0" -> [("encoder", 3, 4), ("decoder", 2, 0)]."""
    found = [_CELL.fullmatch(cell) for cell in text.split(",") if cell]
    if not all(found):
        raise GlassError("A custom mask is written as cells, such as e3-4,e5-1.")
    return [(STACKS[cell[1]], int(cell[2]), int(cell[3])) for cell in found if cell]


def drawn(text: str, stack: str, begun_LM, wanted_LM) -> str:
    """The drawing with the cells of one stack drawn anew: those in which the wanted mask differs
    from the one it was begun from."""
    name, cells = begun_from(text)
    kept = [cell for cell in cells.split(",") if cell and cell[0] != stack[0]]
    differ_N2 = np.argwhere(begun_LM != wanted_LM).tolist()
    new = [f"{stack[0]}{row}-{column}" for row, column in differ_N2]
    return ",".join([*([] if name == "trained" else [name]), *kept, *new])


def without(change: str, *names: str) -> str:
    """The same what-if without some of its parts: all of a name, or one as it is written."""
    return "+".join(
        part
        for part in change.split("+")
        if part and not {part, part.partition(":")[0]} & set(names)
    )


def also(change: str, part: str) -> str:
    """The same what-if with one more part; an empty one adds nothing."""
    return "+".join(filter(None, (change, part)))
