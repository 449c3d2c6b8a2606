"""The logit lens and direct logit attribution against TransformerLens, on tiny random models, where
it is installed (requirements-reference.txt).
"""

from __future__ import annotations

import numpy as np
import pytest

from core import why
from core.forward_pass import forward
from core.models.weights import read_folder
from tests.helpers.transformer_lens_model import bridge

WORD, RIVAL = 7, 9


def ours(name: str) -> str:
    """A source's name as we write it, for one of theirs: L1H2, 0_mlp_out, embed, pos_embed."""
    if name.startswith("L"):
        layer, head = name[1:].split("H")
        return f"decoder.{layer}.attn.head.{head}"
    if name.endswith("_mlp_out"):
        return f"decoder.{name.split('_')[0]}.mlp"
    return {"embed": "decoder.embed.token", "pos_embed": "decoder.embed.position"}[name]


@pytest.mark.parametrize("seed", (8, 11))
@pytest.mark.parametrize("family", ("gpt2", "llama"))
def test_lens_and_parts_are_those_of_transformer_lens(family, seed, tmp_path):
    for package in ("torch", "transformers", "transformer_lens"):
        pytest.importorskip(package, exc_type=ImportError)
    import torch

    from tests.helpers import reference

    model, inputs = reference.build(family, seed)
    model.save_pretrained(tmp_path)
    trace = forward(*read_folder(tmp_path, dtype=np.float64), **inputs)
    with torch.no_grad(), reference.without_casts():
        theirs, ids_BL = bridge(model, tmp_path), torch.from_numpy(inputs["ids_L"])[None]
        _, cache = theirs.run_with_cache(ids_BL)
        lens_NV = cache.logit_lens(positions=-1).readout.values[:, 0].numpy()
        # Only with the norms' gains in the matrices does its attribution see them.
        theirs.enable_compatibility_mode(disable_warnings=True, fold_value_biases=False)
        theirs.set_use_attn_result(True)
        _, cache = theirs.run_with_cache(ids_BL)
        stack, labels = cache.get_full_resid_decomposition(
            layer=-1, expand_neurons=False, return_labels=True
        )
        parts_S = cache.logit_attrs(stack, WORD, RIVAL)[:, 0, -1].numpy()
    assert abs(why.lens(trace) - lens_NV).max() < 1e-6
    found, biases = why.parts(trace, WORD, RIVAL), 0.0
    named = {
        ours(label): part for label, part in zip(labels, parts_S, strict=True) if label != "bias"
    }
    assert len(named) == len(labels) - 1
    for name, part in zip(found.names, found.parts_S, strict=True):
        biases += 0.0 if name in named else part
        assert name not in named or part == pytest.approx(named[name], abs=1e-6), name
    # Theirs has one number for all biases of attention; the last norm's is in their unembedding.
    ends = found.of("decoder.norm.bias") if "decoder.norm.bias" in found.names else 0.0
    assert biases - ends == pytest.approx(parts_S[labels.index("bias")], abs=1e-6)
