"""Rotary positions as a config.json of `transformers` gives them, in old and in new files, and as a
file of our own does.
"""

from __future__ import annotations

import math

from ..config import Rope
from ..errors import GlassError
from .fields import Fields, quote

KEYS = "rope_theta rope_parameters rope_scaling partial_rotary_factor "
KEYS += "original_max_position_embeddings"
NULL = "rope_parameters rope_scaling partial_rotary_factor original_max_position_embeddings"
_ALWAYS = ("rope_theta", "rope_type", "type", "partial_rotary_factor")
_OF_KIND = {  # what the object may hold besides
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "yarn": (
        "factor",
        "beta_fast",
        "beta_slow",
        "truncate",
        "attention_factor",
        "mscale",
        "mscale_all_dim",
        "original_max_position_embeddings",
    ),
    "longrope": (
        "factor",
        "short_factor",
        "long_factor",
        "attention_factor",
        "original_max_position_embeddings",
    ),
}
KINDS = tuple(_OF_KIND)
_LEAST, _MOST_PAIRS = 1e-3, 1 << 16


# --- as `transformers` writes them ----------------------------------------------------------------


def rope_of(data: Fields, d_head: int, n_positions: int, partial: float | None = None) -> Rope:
    """How a config turns, from where `transformers` takes it: `rope_scaling` goes before
    `rope_parameters`, and what stands in either before what stands beside them.

    n_positions: the config's `max_position_embeddings`. partial: what share of a head is turned
    where the config does not say it; None: the family's code turns all of it. GlassError for what
    is not computed.
    """
    for key in ("rope_scaling", "rope_parameters"):
        if not isinstance(data.get(key, {}), dict):
            data.refuse(key, "an object")
        check_object(Fields(data.get(key, {}), f"“{key}” in {data.where}"), data)
    chosen = next((key for key in ("rope_scaling", "rope_parameters") if data.get(key)), "")
    given = Fields(data.get(chosen, {}), f"“{chosen}” in {data.where}" if chosen else data.where)
    beside = {key: data.get(key) for key in ("rope_theta", "partial_rotary_factor")}
    first = {"original_max_position_embeddings": data.get("original_max_position_embeddings")}
    values = {"rope_theta": 10000.0, "partial_rotary_factor": partial}
    for some in (beside, given.values, first):
        values |= {key: value for key, value in some.items() if value is not None}
    where = given.where if set(given.values) & {"rope_theta"} or not chosen else data.where
    return rope_from(Fields(values, where), d_head, n_positions, partial is not None)


def rope_from(data: Fields, d_head: int, n_positions: int, may_part: bool = False) -> Rope:
    """How one object of rope parameters turns. may_part: whether the family's code can turn a part
    of each head.
    """
    check_object(data, data)
    kind, share = kind_of(data), data.number("partial_rotary_factor", 1.0, high=1)
    if share != 1 and not may_part:
        raise GlassError(
            f"{data.where} rotates only a part of each head (“partial_rotary_factor”), which"
            " Glassformer does not compute for this family."
        )
    turned = int(d_head * share)
    trained = n_positions
    if "original_max_position_embeddings" in _OF_KIND[kind]:
        least = 2 if kind == "longrope" else 1  # it divides by the logarithm
        trained = data.whole("original_max_position_embeddings", n_positions, least, 1 << 31)
    rope = Rope(
        theta=data.number("rope_theta", low=_LEAST),
        width=None if turned == d_head else turned,
        kind=kind,
        trained=0 if kind in ("default", "linear") else trained,
        **_READ[kind](data, n_positions, trained) if kind in _READ else {},
    )
    check_rope(rope, d_head, data.where)
    return rope


def kind_of(data: Fields) -> str:
    """The kind of stretching, under its newer or its older key."""
    newer, older = data.get("rope_type"), data.get("type")
    kind = newer or older or "default"
    if not isinstance(kind, str) or kind not in KINDS:
        raise GlassError(
            f"{data.where} stretches the rotary positions in a way ({quote(kind)}) that Glassformer"
            " does not compute."
        )
    if newer and older and newer != older:
        raise GlassError(
            f"{data.where} says {quote(newer)} for “rope_type” but {quote(older)} for “type”, which"
            " mean the same."
        )
    return kind


def check_object(rope: Fields, data: Fields) -> None:
    """A GlassError for what stands there and would not be read."""
    allowed = (*_ALWAYS, *_OF_KIND[kind_of(rope)])
    for name, value in rope.values.items():
        if name not in allowed and rope is not data and value is not None:
            raise GlassError(
                f"{rope.where} holds {quote(name)}, which Glassformer does not compute."
            )
    if "rope_theta" in rope.values:
        rope.number("rope_theta", low=_LEAST)


def linear(data: Fields, n_positions: int, trained: int) -> dict:
    """“linear” and “dynamic”: how many times as long."""
    return {"factor": data.number("factor", low=_LEAST)}


def llama3(data: Fields, n_positions: int, trained: int) -> dict:
    """Llama 3.1: pairs that turn slowly are stretched."""
    return {
        "factor": data.number("factor", low=_LEAST),
        "slow": data.number("low_freq_factor", low=_LEAST),
        "fast": data.number("high_freq_factor", low=_LEAST),
    }


def yarn(data: Fields, n_positions: int, trained: int) -> dict:
    """YaRN; a temperature of the scores is a factor of what is turned."""
    factor = data.number("factor", low=_LEAST)
    size = grown(factor)
    if data.get("mscale") and data.get("mscale_all_dim"):
        ratio = grown(factor, data.number("mscale")) / grown(factor, data.number("mscale_all_dim"))
        size = ratio
    return {
        "factor": factor,
        "slow": data.number("beta_slow", 1.0) or 1.0,
        "fast": data.number("beta_fast", 32.0) or 32.0,
        "whole": data.flag("truncate", True),
        "size": data.number("attention_factor", size),
    }


def grown(factor: float, scale: float = 1.0) -> float:
    """The factor by which YaRN multiplies queries and keys in texts that many times longer."""
    return 1.0 if factor <= 1 else 0.1 * scale * math.log(factor) + 1.0


def longrope(data: Fields, n_positions: int, trained: int) -> dict:
    """LongRoPE: two lists of divisors."""
    factor = data.number("factor", n_positions / trained, low=_LEAST)
    size = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(trained))
    return {
        "factor": factor,
        "short": numbers(data, "short_factor"),
        "long": numbers(data, "long_factor"),
        "size": data.number("attention_factor", size),
    }


_READ = {"linear": linear, "dynamic": linear, "llama3": llama3, "yarn": yarn, "longrope": longrope}


def numbers(data: Fields, key: str) -> tuple[float, ...]:
    """A list of numbers above 0."""
    given = data.get(key)
    if not isinstance(given, list) or not given or len(given) > _MOST_PAIRS:
        data.refuse(key, "a list of numbers")
    return tuple(Fields({key: each}, data.where).number(key, low=_LEAST) for each in given)


def check_rope(rope: Rope, d_head: int, where: str) -> None:
    """A GlassError unless the numbers of a rope fit each other and the width of a head."""
    width, part = rope.width or d_head, "numbers of each head (“partial_rotary_factor”)"
    pairs, stretched = width // 2, rope.kind in ("dynamic", "llama3", "yarn", "longrope")
    for wrong, why in (
        (rope.width == 0 or width > d_head, f"rotates {width} of {d_head} {part}"),
        (width % 2, f"rotates {width} {part}, but rotary positions rotate pairs"),
        (
            rope.kind == "dynamic" and width == 2,
            "has only one pair to turn at another base (“rope_type”)",
        ),
        (stretched and not rope.trained, "does not say for which length its angles were made"),
        (
            rope.kind == "llama3" and rope.fast <= rope.slow,
            "has no turns between fast and slow (“high_freq_factor”)",
        ),
        (rope.kind == "yarn" and not rope.theta > 1, "has no slow pairs to stretch (“rope_theta”)"),
        (
            rope.kind == "longrope" and {len(rope.short), len(rope.long)} != {pairs},
            f"has other than {pairs} divisors for the {pairs} pairs that it rotates",
        ),
    ):
        if wrong:
            raise GlassError(f"{where} {why}.")


# --- as a file of our own has them ----------------------------------------------------------------


def own_rope(values: object, where: str) -> Rope:
    """An object with the fields of Rope, believed in nothing."""
    if not isinstance(values, dict) or not set(values) <= set(_OWN):
        raise GlassError(f"{where} has {quote(values)} among its “ropes”.")
    data = Fields(values, f"“ropes” in {where}")
    return Rope(**{key: read(data, key) for key, read in _OWN.items() if key in values})


def positive(data: Fields, key: str) -> float:
    """A number above 0."""
    return data.number(key, low=_LEAST)


_OWN = {
    "theta": positive,
    "width": lambda data, key: None if data.get(key) is None else data.whole(key),
    "kind": lambda data, key: data.choice(key, None, {kind: kind for kind in KINDS}),
    "factor": positive,
    "trained": lambda data, key: data.whole(key, low=0, high=1 << 31),
    "slow": positive,
    "fast": positive,
    "whole": lambda data, key: data.flag(key, True),
    "short": lambda data, key: numbers(data, key) if data.get(key) else (),
    "long": lambda data, key: numbers(data, key) if data.get(key) else (),
    "size": positive,
}
