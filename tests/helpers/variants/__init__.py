"""Random configs of every family: what a config.json may say, and tiny sizes that fit each other.

A family joins with an entry in a table beside this file: its classes of `transformers`, the letter
of each key that is a size, and for each other key that changes numbers the values that are drawn,
among them some that Glassformer does not compute. `draw` makes a config of it by a seed. Needs only
NumPy.
"""

from __future__ import annotations

import numpy as np

from tests.helpers.variants import decoders, encoder_decoders, encoders
from tests.helpers.variants.table import Variants, letters

VARIANTS: dict[str, Variants] = {
    **encoders.VARIANTS,
    **decoders.VARIANTS,
    **encoder_decoders.VARIANTS,
}


def draw(kind: str, seed: int) -> dict:
    """A random config of a family: a few of its keys are drawn, or half of them, or most; the
    others are not there.
    """
    variants, rng = VARIANTS[kind], np.random.default_rng((seed, *kind.encode()))
    sizes = letters(rng)
    config = {key: sizes[letter] for key, letter in variants.sizes.items()}
    share = rng.choice((0.15, 0.5, 0.85))
    for key, values in variants.keys.items():
        if rng.random() < share:
            config[key] = values[rng.integers(len(values))]
    for key, value in variants.now_and_then.items():
        if rng.random() < 0.04:
            config[key] = value
    classes = variants.classes.split()
    named = {"model_type": kind, "architectures": [classes[rng.integers(len(classes))]]}
    return variants.fit(named | dict(variants.always) | config, rng)


def keys_in(value) -> set[str]:
    """Every key of a config, those of objects inside it as well."""
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for each in value.values() for key in keys_in(each)}
