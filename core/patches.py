"""What one run hands over to another (core.why.patching): a vector of the stream, of a sublayer's
update or of one head, at one layer and one token; and how that is written in a what-if.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .errors import GlassError

PLACES = ("stream", "attn", "cross", "mlp")
_HANDED_OVER = r"(?:(attn|cross)\.(\d{1,6})|(stream|attn|cross|mlp))"
_PATCH = re.compile(
    rf"(encoder|decoder)\.(\d{{1,3}})\.{_HANDED_OVER}\[(\d{{1,4}})\]=(.+)", re.DOTALL
)


@dataclass(frozen=True)
class Patch:
    """What is put in, in words ("stream", "mlp", "head:3" …), at which layer
    and token, and the text whose run has it.
    """

    side: str
    layer: int
    what: str
    position: int
    text: str

    @property
    def step(self) -> tuple[str, tuple[int, ...]]:
        """The step that is changed, and which of its vectors."""
        if self.what == "stream":
            return f"{self.side}.{self.layer}.attn.in", (self.position,)
        name, head = step_of(self.side, self.layer, self.what)
        return name, (self.position,) if head is None else (head, self.position)


def patch_of(detail: str) -> Patch | None:
    """ "decoder.3.attn.4[6]=The book" -> what head 4 of layer 3 gathers for token 6; None of other
    texts. A plus in the text is written %2B, a percent sign %25.
    """
    found = _PATCH.fullmatch(detail)
    if not found:
        return None
    side, layer, kind, head, whole, position, text = found.groups()
    what = whole or f"{'head' if kind == 'attn' else kind}:{int(head)}"
    return Patch(
        side, int(layer), what, int(position), text.replace("%2B", "+").replace("%25", "%")
    )


def written_patch(patch: Patch) -> str:
    """The same patch as a part of a what-if."""
    kind, _, head = patch.what.partition(":")
    what = f"{'attn' if kind == 'head' else kind}.{head}" if head else kind
    text = patch.text.replace("%", "%25").replace("+", "%2B")
    return f"patch:{patch.side}.{patch.layer}.{what}[{patch.position}]={text}"


def step_of(side: str, layer: int, what: str, config=None) -> tuple[str, int | None]:
    """The step that is handed over, and the head if it is one's. config: checks whether the model
    has it.
    """
    kind, _, number = what.partition(":")
    sublayer = "attn" if kind == "head" else kind
    crosses = config is None or config.crosses and side == "decoder"
    known = kind in ("head", *PLACES) and (kind != "cross" or crosses)
    heads = range(config.n_heads) if config else range(10**6)
    is_head = number.isdecimal() and kind in ("head", "cross") and int(number) in heads
    if not known or not (is_head if number or kind == "head" else True):
        raise GlassError(f"{', '.join(PLACES)} or head:0 can be patched here, not “{what[:40]}”.")
    at = f"{side}.{layer}.{sublayer}"
    return (f"{at}.z", int(number)) if number else (f"{at}.out", None)


def put_in(cells: tuple, given: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The value with another run's numbers in those cells."""
    value[cells] = given
    return value
