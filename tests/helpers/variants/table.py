"""What an entry in a table of variants says, and the values that many families share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BOTH = (True, False)
_COMPUTED = "gelu gelu_new gelu_fast gelu_python gelu_pytorch_tanh silu swish relu".split()
ACTIVATIONS = (*_COMPUTED * 3, "relu6", "quick_gelu", "gelu_10", "mish", "tanh")
EPSILONS = (1e-12, 1e-6, 1e-5, 1e-3, 0.1)
PROBLEMS = (None, "single_label_classification", "multi_label_classification")


def unchanged(config: dict, rng) -> dict:
    """The config as it was drawn."""
    return config


def with_kinds(config: dict, rng) -> dict:
    """Now and then a list that says which layers have a window."""
    if rng.random() < 0.4:
        kinds = rng.choice(("sliding_attention", "full_attention"), config["num_hidden_layers"])
        config["layer_types"] = kinds.tolist()
    return config


@dataclass(frozen=True)
class Variants:
    """What the configs of one family may say.

    classes: of `transformers`, names parted by spaces. sizes: key -> a letter of `letters`. keys:
    key -> the values that are drawn. always: keys that are there in each config. now_and_then: what
    makes another model of it, and is rarely there, so that most configs are computed. fit: makes of
    a drawn config one whose keys fit each other. passes_over: the key of a token that is not read,
    because it has no position, or its id.
    """

    classes: str
    sizes: Mapping[str, str]
    keys: Mapping[str, tuple]
    fit: Callable[[dict, Any], dict] = unchanged
    always: Mapping[str, Any] = field(default_factory=dict)
    now_and_then: Mapping[str, Any] = field(default_factory=dict)
    passes_over: str | int | None = None


def letters(rng) -> dict[str, int]:
    """Tiny sizes: heads that share keys and values evenly (G), a width that they share (D) and one
    that they do not (W).
    """
    G, times, K = rng.integers(1, 3), rng.integers(1, 3), 2 * rng.integers(1, 4)
    H = int(G * times)
    sizes = {"G": G, "H": H, "K": K, "D": H * K, "W": rng.integers(3, 8) * 2, "F": 5 + H}
    more = {"V": rng.integers(17, 24), "N": rng.integers(1, 3), "M": rng.integers(1, 3)}
    return {letter: int(size) for letter, size in {**sizes, **more, "P": 8 + H}.items()}
