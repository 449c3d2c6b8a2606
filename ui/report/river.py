"""The picture of the whole model for a report: what the overview draws, for every layer, head and
token that can be chosen, in parts that the browser lays together.

    base(view)              what does not depend on the layer: tokens, rivers, what comes out
    of_layer(view, …)       a layer, opened, with all its heads
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.decoding import next_tokens
from core.whatif import details
from ui.kit.components import overview_data
from ui.kit.token_words import SPECIAL_TOKENS
from ui.session.opening import decision_of, silenced_of
from ui.session.view import View
from ui.stages.overview.headline import captions, headline
from ui.stages.overview.model_map import is_last, note
from ui.stages.overview.picture import (
    drawn_tokens,
    guesses,
    layer_parts,
    output_parts,
    picture,
    side_parts,
)

LIKELIEST = 10  # words of each position


def at(view: View, side: str, layer: int, head: int = 0) -> View:
    """The same run, looked at elsewhere; on another side, at its last token."""
    token = view.token if side == view.side else len(view.tokens(side)) - 1
    return replace(view, side=side, layer=layer, head=head, token=token)


def empty(view: View) -> dict[str, Any]:
    """A picture in which nothing is drawn yet, of the tokens that a report draws."""
    tokens = {side: drawn_tokens(view, side) for side in view.config.sides}
    return {"strips": {}, "maps": {}, "tokens": tokens}


def by_place(found: dict[str, Any]) -> dict[str, dict]:
    """What is drawn, packed, under names that hold the head: “decoder.0.attn.q|3”."""
    packed = overview_data(found)
    return {
        kind: {
            f"{name}|{','.join(map(str, part['index']))}": part
            for name, part in packed[kind].items()
        }
        for kind in ("strips", "maps")
    }


def base(view: View) -> dict[str, dict]:
    """What is drawn whatever is looked at, and for each token what is said and what comes out."""
    found = empty(view)
    rivers = [side_parts(view, found, side) for side in view.config.sides]
    last = view.config.sides[-1]
    outputs = {token: output(view, found, token) for token in found["tokens"][last]["at"]}
    shown = {token for side in view.config.sides for token in view.tokens(side)}
    river = {
        "tokens": found["tokens"],
        "rivers": rivers,
        "outputs": outputs,
        "said": {side: said(view, found, side) for side in view.config.sides},
        "silent": sorted(details(view.request.change, "head")),
        "run": list(view.request),
        "note": note(picture(view)),
        "meanings": {token: SPECIAL_TOKENS[token] for token in shown if token in SPECIAL_TOKENS},
    }
    return by_place(found) | {"river": river}


def output(view: View, found: dict[str, Any], token: int) -> dict[str, Any]:
    """What comes out at a token of the last side."""
    looks = at_token(view, view.config.sides[-1], token)
    decision = decision_of(view.request) if is_last(looks) else None
    pair = (decision.first, decision.second) if decision else ()
    return output_parts(looks, found, None, pair, decision.without_V if decision else None)


def at_token(view: View, side: str, token: int) -> View:
    """The same run, looked at from a token."""
    layer = view.layer if side == view.side else 0
    return replace(view, side=side, layer=layer, token=token)


def said(view: View, found: dict[str, Any], side: str) -> dict[int, dict[str, Any]]:
    """The question above the picture and the end of its motion, for each token that is drawn."""
    lines = {}
    for token in found["tokens"][side]["at"]:
        looks = at_token(view, side, token)
        silenced = silenced_of(view.request) if is_last(looks) else None
        told = captions(looks)
        lines[token] = {
            "headline": headline(looks, None, silenced),
            "captions": {name: told[name] for name in ("tokens", "positions", "guess")},
        }
    return lines


def of_layer(view: View, side: str, layer: int) -> dict[str, dict]:
    """A layer as it is drawn when it is opened, for each of its heads."""
    found, strips, maps = empty(view), {}, {}
    for head in range(view.config.n_heads):
        opened = layer_parts(at(view, side, layer, head), found)
        packed = by_place(found)
        strips |= packed["strips"]
        maps |= packed["maps"]
    told = [
        captions(replace(at(view, side, layer), token=token))
        for token in found["tokens"][side]["at"]
    ]
    entry = opened | {"layers": told[0]["layers"], "neurons": [each["neurons"] for each in told]}
    return {"strips": strips, "maps": maps, "opens": {f"{side}.{layer}": entry}}


def likeliest(view: View) -> dict[int, list[dict[str, Any]]]:
    """The likeliest words at each position whose output is there: id, word, probability."""
    if not guesses(view):
        return {}
    return {
        int(position): [
            {"id": int(i), "word": view.word(int(i)), "share": float(share)}
            for i, share in zip(*next_tokens(view.trace, LIKELIEST, row), strict=True)
        ]
        for row, position in enumerate(view.trace.rows)
    }
