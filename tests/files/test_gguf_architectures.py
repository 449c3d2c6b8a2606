"""Llama's relations in GGUF files: the weights of the folder, and the numbers of llama.cpp."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import gguf
import numpy as np
import pytest

from core.config import Rope
from core.errors import GlassError
from core.forward_pass import forward
from core.models.weights import read_folder, read_gguf
from core.ops import frequencies, log_softmax
from tests.helpers import llama_cpp
from tests.helpers.model_files import write_gguf
from tests.helpers.sample import one_in
from tests.helpers.tiny import Golden, golden

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 700.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 30,
}
YARN = {"rope_type": "yarn", "rope_theta": 90.0, "factor": 4.0}
YARN |= {"original_max_position_embeddings": 9}
CHANGED = {  # what llama.cpp has no key for is left out
    "mistral": {"sliding_window": None},
    "qwen2": {"use_sliding_window": False, "layer_types": None},
    "qwen3": {"attention_bias": False},
    "phi3": {},
    "smollm3": {
        "use_sliding_window": False,
        "layer_types": None,
        "no_rope_layers": None,
        "no_rope_layer_interval": 4,
    },
    "granite": {"mlp_bias": False},
    "olmo2": {},
    "stablelm": {},
    "llama": {},
    "llama linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 70.0, "factor": 2.0}},
    "llama yarn": {"rope_parameters": YARN},
    "llama llama3": {"rope_parameters": LLAMA3},
    "stablelm parallel": {"use_parallel_residual": True},
}


def changed(case: str) -> Golden:
    """A tiny model with other values in its config, without the tensors that no file has."""
    family, _, kind = case.partition(" ")
    model, config = golden(family), CHANGED[case]
    tensors = dict(model.tensors)
    if config.get("attention_bias") is False or config.get("mlp_bias") is False:
        tensors = {name: tensors[name] for name in tensors if not name.endswith("_proj.bias")}
    if kind == "parallel":
        tensors = {name: tensors[name] for name in tensors if "post_attention" not in name}
    return replace(model, config=model.config | config, tensors=tensors)


def header(c: dict, writer) -> None:
    """A vocabulary, and how positions are stretched."""
    llama_cpp.add_vocabulary(writer, c["vocab_size"])
    rope = c["rope_parameters"]
    kind = rope.get("rope_type")
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(rope["factor"])
    if kind in ("yarn", "longrope"):
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if kind == "longrope":
        writer.add_rope_scaling_attn_factors(attention_factor(c))


def attention_factor(c: dict) -> float:
    """What Phi-3's queries and keys are multiplied by."""
    trained = c["rope_parameters"]["original_max_position_embeddings"]
    longer = c["max_position_embeddings"] / trained
    return float(np.sqrt(1 + np.log(longer) / np.log(trained)))


def divisors(c: dict) -> dict[str, np.ndarray]:
    """The tensors with the divisors of the rotary angles."""
    rope = c["rope_parameters"]
    if rope.get("rope_type") == "longrope":
        return {
            f"rope_factors_{each}.weight": np.array(rope[f"{each}_factor"])
            for each in ("short", "long")
        }
    if rope.get("rope_type") != "llama3":
        return {}
    plain, made = Rope(700.0), Rope(700.0, None, "llama3", 8.0, 30, 1.0, 4.0)
    rates = [frequencies(each, c["head_dim"], 1) for each in (plain, made)]
    return {"rope_freqs.weight": rates[0] / rates[1]}


def both(case: str, tmp_path):
    """The model from its folder and from its GGUF file, and the file."""
    model, file = changed(case), tmp_path / "model.gguf"
    write_gguf(model, file, partial(header, model.config), divisors(model.config))
    folder = read_folder(model.write(tmp_path / "folder"), np.float64)
    return model, folder, read_gguf(file, np.float64)[:2], file


@pytest.mark.parametrize("case", CHANGED)
def test_a_gguf_gives_the_weights_and_numbers_of_the_folder(case, tmp_path):
    """To the float32 of the header."""
    model, (config, weights), (gguf_config, gguf_weights), _ = both(case, tmp_path)
    assert set(gguf_weights) == set(weights)
    for name in weights:
        np.testing.assert_allclose(gguf_weights[name], weights[name], rtol=1e-6, err_msg=name)
    traces = [
        forward(config, weights, **model.inputs),
        forward(gguf_config, gguf_weights, **model.inputs),
    ]
    logits_LV, gguf_LV = (trace["head.logits"] for trace in traces)
    np.testing.assert_allclose(gguf_LV, logits_LV, atol=2e-6)
    assert gguf_config.windows == config.windows or set(config.windows) == {None}


@pytest.mark.parametrize("case", one_in(13, CHANGED))
def test_the_next_words_are_those_of_llama_cpp(case, tmp_path):
    """Of Phi-3, llama.cpp takes the angles of long texts where there is room for one, and leaves
    out the window.
    """
    pytest.importorskip("xllamacpp")
    model, _, (config, weights), file = both(case, tmp_path)
    ids_L = [5, 9, 17, 30, 8, 41, 12][: 4 if case == "mistral" else None]
    if case == "phi3":
        config = replace(config, windows=(None,))
    logits_V = forward(config, weights, ids_L, rows=-1)["head.logits"][0]
    theirs_V = llama_cpp.log_probabilities(file, ids_L, config.n_vocab)
    np.testing.assert_allclose(log_softmax(logits_V), theirs_V, atol=1e-5)


@pytest.mark.parametrize(
    "case, key, value, says",
    (
        ("llama", "llama.rope.dimension_count", 2, "rotates 2 of 4"),
        ("llama", "llama.attention.value_length", 2, "different widths"),
        ("phi3", "phi3.rope.scaling.type", "su", "“su”"),
        ("qwen2", "qwen2.attention.scale", 0.5, "“qwen2.attention.scale”"),
        ("qwen3", "qwen3.invented", 1, "“qwen3.invented”"),
        ("granite", "granite.logit_scale", "1", "“granite.logit_scale”"),
        ("stablelm", "stablelm.use_parallel_residual", True, "second norm"),
        ("llama llama3", "llama.rope.scaling.type", "yarn", "clearly"),
    ),
)
def test_what_is_not_computed_is_refused(case, key, value, says, tmp_path):
    model = changed(case)

    def more(writer):
        header(model.config, writer)
        for each in writer.kv_data:
            each.pop(key, None)
        if key.endswith("scaling.type"):
            writer.add_rope_scaling_factor(2.0)
        add = {int: writer.add_uint32, bool: writer.add_bool, str: writer.add_string}
        add.get(type(value), writer.add_float32)(key, value)

    write_gguf(model, tmp_path / "model.gguf", more, divisors(model.config))
    with pytest.raises(GlassError, match=says):
        read_gguf(tmp_path / "model.gguf")


@pytest.mark.parametrize("numbers", ([1.0], [1.0, 0.0], [1.0, np.nan], [1.0, 2.0, 3.0]))
def test_divisors_that_fit_no_pairs_are_refused(numbers, tmp_path):
    model = changed("llama llama3")
    more = {"rope_freqs.weight": np.array(numbers)}
    write_gguf(model, tmp_path / "model.gguf", partial(header, model.config), more)
    with pytest.raises(GlassError, match="divisors|above 0"):
        read_gguf(tmp_path / "model.gguf")
