"""uMT5 (Chung et al. 2023): T5 of many languages, with a table of position biases in each layer."""

from __future__ import annotations

from collections.abc import Mapping

from ..fields import Fields
from ..stored import Stored
from . import t5
from .common import Family, Layout

KEYS = t5.KEYS
UMT5 = t5.Kin("uMT5", in_layers=True)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A uMT5 model's config and names."""
    return t5.layout_of(UMT5, data, tensors)


FAMILY = Family(("transformer.",), KEYS, layout)
