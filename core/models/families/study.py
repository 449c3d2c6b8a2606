"""Files of our own ("model_type": "glassformer"), such as the study models in assets/models.

config.json has the fields of Config (core/models/study_config.py), and the tensors have the names
and shapes of `weight_shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...config import weight_shapes
from ...errors import GlassError
from ..fields import Fields
from ..stored import Stored
from ..study_config import KEYS, read_config
from .common import Family, Layout, any_layer


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """The config, and our own names.

    Of tables that are tied one is in the file; a bias that no layer has is zero; sinusoids are
    computed.
    """
    config = read_config(data)
    shapes, there = weight_shapes(config), {any_layer(name) for name in tensors}
    tables = [
        name for name in shapes if name.endswith(("embed.token.weight", "head.logits.weight"))
    ]
    if 1 < (count := sum(name in tensors for name in tables)) < len(tables):
        raise GlassError(
            f"The file has {count} of the {len(tables)} token tables; it needs all of them, or"
            " one shared table."
        )
    names = {
        name: () if name.endswith(".bias") and any_layer(name) not in there else (name,)
        for name in shapes
    }
    return Layout(config, names | {name: (name, *tables) for name in tables}, ours=True)


FAMILY = Family((), KEYS, layout)
