"""Patching against TransformerLens, on tiny random models, where it is installed
(requirements-reference.txt): the stream, what a sublayer adds, and single heads, at every layer and
position.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from core import why
from core.models.model import Model
from core.models.weights import read_folder
from tests.helpers.sample import one_in
from tests.helpers.transformer_lens_model import bridge

WORD, RIVAL = 7, 9
NEAR = {False: 1e-9, True: 1e-6}  # Llama’s softmax is in float32 there
CASES = {  # family -> the blocks of each side in TransformerLens, and their attention
    "gpt2": {"decoder": ("blocks", "attn")},
    "llama": {"decoder": ("blocks", "attn")},
    "bert_words": {"encoder": ("blocks", "attn")},
    "t5_gated": {"encoder": ("encoder_blocks", "attn"), "decoder": ("decoder_blocks", "self_attn")},
    "t5_relu": {"encoder": ("encoder_blocks", "attn"), "decoder": ("decoder_blocks", "self_attn")},
    "marian": {"encoder": ("encoder_blocks", "attn"), "decoder": ("decoder_blocks", "self_attn")},
}


def hook_of(family: str, side: str, what: str, layer: int) -> tuple[str, int | None]:
    """Where TransformerLens has what we patch, and the head if it is one's."""
    blocks, attention = CASES[family][side]
    kind, _, head = what.partition(":")
    attention = "cross_attn" if kind == "cross" else attention
    if head:
        return f"{blocks}.{layer}.{attention}.o.hook_in", int(head)
    leaf = {"stream": "hook_in", "mlp": "mlp.out.hook_out"}.get(kind, f"{attention}.o.hook_out")
    return f"{blocks}.{layer}.{leaf}", None


def put_in(given, place: int, head: int | None, value, hook):
    """Their number with the other run's at one position, of one head or of all."""
    cells = (slice(None), place) if head is None else (slice(None), place, head)
    value[cells] = given[cells]
    return value


def theirs(lens, place_of: Callable, clean: dict, changed: dict, size) -> np.ndarray:
    """(layers, positions): the change of the difference of two words, by TransformerLens. place_of:
    of a layer, its hook and the head.
    """

    def apart(logits_BLV) -> float:
        return float(logits_BLV[0, -1, WORD] - logits_BLV[0, -1, RIVAL])

    _, cache = lens.run_with_cache(**changed)
    before = apart(lens(**clean))
    found_NL = np.zeros(size)
    for layer, place in np.ndindex(*size):
        name, head = place_of(layer)
        hook = partial(put_in, cache[name], place, head)
        after = lens.run_with_hooks(**clean, fwd_hooks=[(name, hook)])
        found_NL[layer, place] = apart(after) - before
    return found_NL


def named(ids: dict, torch) -> dict:
    """Our names of what is read as theirs."""
    names = {"ids_L": "input", "target_ids_L": "decoder_input"}
    return {names[name]: torch.from_numpy(np.array(each))[None] for name, each in ids.items()}


def kinds_of(family: str, side: str, heads: int) -> list[str]:
    """What is patched: the first head and the last, and across where there is an encoder."""
    across = ["cross", "cross:1"] if side == "decoder" and len(CASES[family]) > 1 else []
    return ["stream", "attn", "mlp", "head:0", f"head:{heads - 1}", *across]


@pytest.mark.slow
@pytest.mark.parametrize("family", one_in(3, CASES))
def test_patching_is_that_of_transformer_lens(family, tmp_path, monkeypatch):
    for package in ("torch", "transformers", "transformer_lens"):
        pytest.importorskip(package, exc_type=ImportError)
    import torch

    from tests.helpers import reference

    # It reads only such Marian models whose stacks are of one height.
    even = {"marian": lambda s: reference.marian({**s, "decoder": s["encoder"]})}
    monkeypatch.setattr(reference, "FAMILIES", reference.FAMILIES | even)
    made, inputs = reference.build(family, 8)
    made.save_pretrained(tmp_path)
    model = Model(family, *read_folder(tmp_path, dtype=np.float64))
    ids: dict[str, Any] = {
        name: inputs[name] for name in ("ids_L", "target_ids_L") if name in inputs
    }
    other = ids | {"ids_L": (ids["ids_L"] + 3) % 40}
    clean, changed = (model.trace(**each) for each in (ids, other))
    with torch.no_grad(), reference.without_casts():
        lens = bridge(made, tmp_path)
        theirs_clean, theirs_changed = (named(each, torch) for each in (ids, other))
        for side in CASES[family]:
            for what in kinds_of(family, side, model.config.n_heads):
                found_NL = why.patch(model, clean, changed, WORD, RIVAL, what, side=side)
                known_NL = theirs(
                    lens,
                    partial(hook_of, family, side, what),
                    theirs_clean,
                    theirs_changed,
                    found_NL.shape,
                )
                np.testing.assert_allclose(
                    found_NL, known_NL, atol=NEAR[family == "llama"], err_msg=what
                )
                assert abs(found_NL).max() > 1e-5, (side, what)
