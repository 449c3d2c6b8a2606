"""The names of sources in words: "head 3.4", "feed-forward 2", "the embedding of “books”"."""

from __future__ import annotations

import re

_EMBEDDINGS = {"token": "embedding", "position": "position", "segment": "segment"}
_KINDS = {"attn": "attention", "cross": "cross-attention", "mlp": "feed-forward"}
_BIASES = {
    "bias": "the bias of {}",
    "norm.bias": "the norm’s bias, {}",
    "out.norm.bias": "the update’s norm’s bias, {}",
    "q.bias": "the query’s bias, {}",
    "k.bias": "the key’s bias, {}",
    "v.bias": "the values’ bias, {}",
    "pre.bias": "the neurons’ bias, {}",
    "hidden.up.bias": "the neurons’ bias, {}",
}
_ENDS = {
    "head.logits": "the word",
    "head.logits.bias": "the word’s bias",
    "head.logits.edit": "what an experiment put into the output",
    "head.norm.bias": "the norm’s bias, output head",
    "head.pre.bias": "the bias of the output head’s layer",
    "the rest": "the rest",
}


def in_words(name: str, token: str = "", side: bool = False) -> str:
    """A source's name as a reader would say it. token: the piece at which it wrote; side: say
    whether it is the encoder's or the decoder's.
    """
    of, _, rest = name.partition(".")
    if name in _ENDS:
        return _ENDS[name]
    said = of_layer(rest) or of_stack(rest, token) or of_experiment(rest) or name
    return f"the {of}’s {said.removeprefix('the ')}" if side and said != name else said


def of_stack(rest: str, token: str) -> str | None:
    """What belongs to no layer: embeddings, the last norm, T5's bias."""
    known = {
        "embed.norm.bias": "the norm’s bias, embedding",
        "embed.out.bias": "the bias of the embedding’s projection",
        "norm.bias": "the last norm’s bias",
        "relative": "the bias for the distance",
    }
    if rest in known:
        return known[rest]
    what = _EMBEDDINGS.get(rest.removeprefix("embed."))
    if what is None or not rest.startswith("embed."):
        return None
    return f"the embedding of “{token}”" if what == "embedding" and token else f"the {what}"


def of_layer(rest: str) -> str | None:
    """What a layer writes: heads by layer and number, networks by layer, and biases."""
    found = re.fullmatch(r"(\d+)\.(attn|cross|mlp)(?:\.(.+))?", rest)
    if not found:
        return None
    layer, kind, leaf = found.groups()
    if leaf is None:
        return f"feed-forward {layer}" if kind == "mlp" else None
    if head := re.fullmatch(r"head\.(\d+)", leaf):
        return f"{'cross-' if kind == 'cross' else ''}head {layer}.{head[1]}"
    where = f"{_KINDS[kind]} {layer}"
    return _BIASES[leaf].format(where) if leaf in _BIASES else None


def of_experiment(rest: str) -> str | None:
    """What an experiment put in, at the step where it is met."""
    if not rest.endswith(".edit"):
        return None
    step = rest.removesuffix(".edit")
    return f"what an experiment put into {step}"
