"""The name of a step, taken apart: where in the model it stands, what it is, and which one is
meant.

A name is text only at the borders: trace["…"], the address, a file. `parse` reads it there, and
`str` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

GRAD = "grad."  # what the name of a gradient begins with
GRAD_OF_WEIGHT = "grad.weights/"  # and that of a learned number's
_NUMBER = "(?:0|[1-9][0-9]{0,5})"
_LAYER = re.compile(rf"(encoder|decoder)\.({_NUMBER})(?:\.(attn|cross|mlp))?\.(.+)")
_STACK = re.compile(r"(encoder|decoder)(?:\.(embed))?\.(.+)")
_END = re.compile(r"(head|pooler|task|lstm)\.(.+)")
_LEAF = re.compile(rf"([a-z]+(?:\.[a-z]+)*)((?:\.{_NUMBER})*)")


def sliced_name(name: str, index: tuple) -> str:
    """A part of a step as it would be asked for: encoder.0.attn.pattern[4, 2:5].

    index: a number or a slice for each axis; whole axes at the end are left out.
    """
    shown = [_index_words(part) for part in index]
    while shown and shown[-1] == ":":
        shown.pop()
    return f"{name}[{', '.join(shown)}]" if shown else name


def _index_words(part) -> str:
    if not isinstance(part, slice):
        return str(int(part))
    return ":".join("" if end is None else str(int(end)) for end in (part.start, part.stop))


@dataclass(frozen=True)
class StepRef:
    """Which number of the model is meant: encoder.3.attn.scores.terms.0.2.5 is the leaf
    scores.terms of the encoder's layer 3, sublayer attn, with the arguments 0, 2 and 5.
    """

    side: (
        str  # "encoder", "decoder"; "head", "pooler", "task", "lstm" for what is no stack of layers
    )
    layer: int | None
    sublayer: str  # "attn", "cross" or "mlp" inside a layer, "embed" below the layers, else ""
    leaf: str
    args: tuple[int, ...] = ()  # the whole numbers at the end of the name of a derived value
    before: str = ""  # GRAD for the gradient of the step, GRAD_OF_WEIGHT for that of a weight

    def __str__(self) -> str:
        return self.before + ".".join([self.path, self.leaf, *map(str, self.args)])

    @property
    def path(self) -> str:
        """What stands before the leaf: encoder.3.attn. The weights of this place begin with it."""
        layer = () if self.layer is None else (str(self.layer),)
        return ".".join(filter(None, (self.side, *layer, self.sublayer)))

    @property
    def place(self) -> str:
        """What kind of place it is: "attn", "cross", "mlp", "embed", "layer", "stack", "head",
        "pooler", "task" or "lstm".
        """
        if self.sublayer:
            return self.sublayer
        if self.layer is not None:
            return "layer"
        return "stack" if self.side in ("encoder", "decoder") else self.side

    @property
    def inside_layer(self) -> bool:
        """Whether it lies inside a layer: such values can be computed again from the layer's
        input.
        """
        return self.layer is not None and bool(self.sublayer)

    @property
    def looks_across(self) -> bool:
        """Whether it belongs to the decoder's attention to the encoder."""
        return self.sublayer == "cross" or self.leaf.startswith("cross.")

    @property
    def axis_group(self) -> str:
        """Which set of axis sizes counts: an encoder's L is not the decoder's, and cross-attention
        mixes them.
        """
        if self.sublayer == "embed" and self.leaf.split(".")[0] != "out":
            return f"{self.side}.embed"  # tables may have a width of their own
        if (self.side, self.leaf) == ("head", "in"):
            return "head.in"
        return "cross" if self.looks_across else self.side

    @property
    def parent(self) -> StepRef:
        """The same without the last part of its leaf: out for out.length."""
        return replace(self, leaf=self.leaf.rpartition(".")[0], args=())

    def with_layer(self, layer: int) -> StepRef:
        """The same step of another layer."""
        return replace(self, layer=layer)

    def with_leaf(self, leaf: str, *args: int) -> StepRef:
        """Another step of the same place."""
        return replace(self, leaf=leaf, args=args)


def ref_of(name: str) -> StepRef:
    """What a name stands for. A ValueError, if no step can be named like that."""
    if (ref := parse(name)) is None:
        raise ValueError(f"no step can be called {name}")
    return ref


@lru_cache(maxsize=8192)
def parse(name: str) -> StepRef | None:
    """What a name stands for; None if no step can be named like that. Whether a model has such a
    step is another question (core/steps).
    """
    if name.startswith(GRAD):
        before = GRAD_OF_WEIGHT if name.startswith(GRAD_OF_WEIGHT) else GRAD
        ref = parse(name[len(before) :])
        return None if ref is None or ref.before or ref.args else replace(ref, before=before)
    if found := _LAYER.fullmatch(name):
        side, layer, sublayer, rest = found.groups()
    elif found := _STACK.fullmatch(name):
        side, layer, (sublayer, rest) = found[1], None, found.groups()[1:]
    elif found := _END.fullmatch(name):
        side, layer, sublayer, rest = found[1], None, None, found[2]
    else:
        return None
    if not (leaf := _LEAF.fullmatch(rest)):
        return None
    args = tuple(map(int, leaf[2].split(".")[1:]))
    return StepRef(side, None if layer is None else int(layer), sublayer or "", leaf[1], args)
