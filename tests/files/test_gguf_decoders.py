"""Decoders of other shapes in GGUF files: the weights of the folder, and the config."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.config import Rope
from core.forward_pass import forward
from core.models.weights import read_folder, read_gguf
from core.ops import log_softmax
from tests.helpers.gguf_decoders import ARCHITECTURES, write
from tests.helpers.llama_cpp import log_probs_after
from tests.helpers.model_files import refusal
from tests.helpers.tiny import golden


def as_the_file_says(kind: str, config):
    """The folder's config, where the architecture has no key for what the tiny model has."""
    config = replace(config, activation="gelu_tanh", n_positions=config.n_positions or 64)
    if kind in ("gemma2", "gemma3_text"):  # scores by the size of the model
        config = replace(config, score_scale=config.d_head**-0.5)
    if kind == "gemma3_text":  # five of six layers look through a window
        near, layers = config.windows[0], config.decoder_layers
        return replace(config, windows=(near,) * layers, ropes=(Rope(10000.0),) * layers)
    return config


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_file_gives_the_weights_and_the_config_of_the_folder(kind, tmp_path):
    model = golden(kind)
    config, weights = read_folder(model.write(tmp_path / "folder"), dtype=np.float64)
    write(model, config, tmp_path / "model.gguf")
    ours, stored, _ = read_gguf(tmp_path / "model.gguf", dtype=np.float64)
    wanted = as_the_file_says(kind, config)
    for name in ("norm_eps", "score_cap", "logit_cap"):  # a float32 in the file
        known, said = getattr(wanted, name), getattr(ours, name)
        assert said == (known and pytest.approx(known, rel=1e-6))
        wanted = replace(wanted, **{name: said})
    assert replace(ours, end_id=wanted.end_id) == wanted
    assert set(stored) == set(weights)
    for name, weight in weights.items():
        np.testing.assert_allclose(stored[name], weight, rtol=1e-6, atol=1e-7, err_msg=name)
    ids = {"ids_L": model.inputs["ids_L"]}
    logits = [forward(*each, **ids)["head.logits"] for each in ((ours, stored), (wanted, weights))]
    np.testing.assert_allclose(*logits, atol=1e-4)


def with_pieces(writer) -> None:
    """A vocabulary for llama.cpp, which runs no model without one."""
    n_vocab = len(golden("gemma").tensors["model.embed_tokens.weight"])
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))][:n_vocab]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([0.0] * n_vocab)
    writer.add_token_types([2, 3, 3, *[1] * (n_vocab - 3)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_llama_cpp_expects_the_same_words(kind, tmp_path):
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    model, path = golden(kind), tmp_path / "model.gguf"
    write(model, read_folder(model.write(tmp_path / "folder"))[0], path, with_pieces)
    config, weights, _ = read_gguf(path, dtype=np.float64)
    trace = forward(config, weights, model.inputs["ids_L"], rows=-1)
    wanted_V = log_probs_after(path, model.inputs["ids_L"].tolist())
    ours_V = log_softmax(trace["head.logits"][0])
    assert np.ptp(ours_V) > 3
    np.testing.assert_allclose(ours_V, wanted_V, atol=5e-3)


def test_what_llama_cpp_computes_otherwise_is_refused(tmp_path):
    def read(kind: str, more) -> str:
        path = tmp_path / f"{kind}.gguf"
        config, _ = read_folder(golden(kind).write(tmp_path / kind))
        write(golden(kind), config, path, more)
        return refusal(read_gguf, path)

    assert "“gemma.attention.scale”" in read(
        "gemma", lambda writer: writer.add_attention_scale(0.3)
    )
    assert "“gemma3.final_logit_softcapping”" in read(
        "gemma3_text", lambda writer: writer.add_final_logit_softcapping(30.0)
    )
    assert "“phi2.invented”" in read("phi", lambda writer: writer.add_uint32("phi2.invented", 1))
