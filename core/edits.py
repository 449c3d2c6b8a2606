"""What-if: interventions on a forward pass, built as edits of named steps. Join several with
`together`.

silent = ablate_head("encoder", 0, 3)
model.trace(sentence, edits=together(silent, freeze(earlier, "encoder.1.attn.pattern")))
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from .errors import GlassError


def together(*edits: Mapping[str, Any]) -> dict:
    """All of these edits; those of one step take effect one after the other."""
    joined: dict[str, Any] = {}
    for each in edits:
        for name, edit in each.items():
            joined[name] = partial(both, joined[name], edit) if name in joined else edit
    return joined


def both(first, second, value):
    """Two edits of one step, the second on what the first has made of it."""
    return applied(second, applied(first, value))


def applied(edit, value: np.ndarray) -> np.ndarray:
    """What an edit makes of a value: edit(value), or the array given."""
    return np.array(edit(value) if callable(edit) else edit)


def ablate_head(side: str, layer: int, head: int, sublayer: str = "attn") -> dict:
    """Ablates one head: its weighted sum z becomes 0, so that it writes nothing (Michel et al.
    2019).
    """

    def ablate(z_HLK):
        if not 0 <= head < len(z_HLK):
            raise GlassError(
                f"There is no head {head}; the heads are numbered 0 to {len(z_HLK) - 1}."
            )
        z_HLK[head] = 0
        return z_HLK

    return {f"{side}.{layer}.{sublayer}.z": ablate}


def ablate_neuron(side: str, layer: int, neuron: int) -> dict:
    """Ablates one neuron of a feed-forward network: it becomes 0 at every token, so that it writes
    nothing.
    """

    def ablate(hidden_LF):
        if not 0 <= neuron < hidden_LF.shape[1]:
            last = hidden_LF.shape[1] - 1
            raise GlassError(f"There is no neuron {neuron}; the neurons are numbered 0 to {last}.")
        hidden_LF[:, neuron] = 0
        return hidden_LF

    return {f"{side}.{layer}.mlp.hidden": ablate}


def ablate_sublayer(side: str, layer: int, sublayer: str) -> dict:
    """Ablates an attention or a feed-forward network: what it would add to the stream becomes 0."""
    return {f"{side}.{layer}.{sublayer}.out": np.zeros_like}


def heat_head(at: str, head: int, temperature: float) -> dict:
    """Divides the scores of one head by a temperature: above 1 it looks around more evenly. at: its
    attention, such as encoder.0.attn.
    """

    def heat(scores_HLM):
        scores_HLM[head] /= temperature
        return scores_HLM

    return {f"{at}.scores": heat}


def freeze_head(at: str, head: int, pattern_LM) -> dict:
    """Keeps the attention pattern of one head as it was in another run. at: its attention."""

    def freeze(pattern_HLM):
        pattern_HLM[head] = pattern_LM
        return pattern_HLM

    return {f"{at}.pattern": freeze}


def replace(name: str, index, value: float) -> dict:
    """Puts one number in the place of one cell (or of a slice) of a step."""

    def put(array):
        array[index] = value
        return array

    return {name: put}


def mask(side: str, layer: int, mask_LM, sublayer: str = "attn") -> dict:
    """Another mask in one layer alone."""
    return {f"{side}.{layer}.{sublayer}.mask": np.asarray(mask_LM, dtype=bool)}


def freeze(trace, *names: str) -> dict:
    """Keeps steps as they were in another run, such as the attention pattern while the words
    change; also called patching (Meng et al. 2022, "Locating and Editing Factual Associations in
    GPT").
    """
    return {name: trace[name] for name in names}
