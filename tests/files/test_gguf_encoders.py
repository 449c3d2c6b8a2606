"""BERT in GGUF files: the weights and the config of the folder, and llama.cpp's pieces."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from core import load
from core.forward_pass import forward
from core.models.gguf_tokenizer import from_gguf
from core.models.weights import read_folder, read_gguf
from tests.helpers import llama_cpp
from tests.helpers.model_files import refusal
from tests.helpers.tiny import golden

LETTERS = "abcdeéñß漢字.,!'-_$+~`^<()12٣#😀€½ωяиüi"
PARTS = (
    *(
        "a",
        "b",
        "A",
        "É",
        "é",
        "ab",
        "abc",
        "c",
        "漢",
        "字",
        "。",
        ".",
        ",",
        "!",
        "'",
        "-",
        "_",
        "$",
    ),
    *("+", "~", "`", "^", "<", "[", "]", "(", ")", "1", "12", "٣", " ", "  ", "\n", "\t", "\u00a0"),
    *(
        "\u3000",
        "ß",
        "ñ",
        "[MASK]",
        "[SEP]",
        "[UNK]",
        "#",
        "##",
        "😀",
        "€",
        "½",
        "\u200b",
        "\u00ad",
    ),
    *("\x07", "Ω", "ω", "я", "Я", "ї", "й", "가", "각", "e\u0301"),
)


def word_pieces(rng: random.Random) -> dict:
    """A vocabulary of random pieces: tokenizer.ggml.… -> value."""
    pieces = {
        rng.choice("▁▁ ").strip() + "".join(rng.choices(LETTERS, k=rng.choice((1, 1, 1, 2, 3))))
        for _ in range(60)
    }
    whole = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    header = {
        "model": "bert",
        "tokens": whole + rng.sample(sorted(pieces), len(pieces)),
        "token_type": [3] * len(whole) + [1] * len(pieces),
        "padding_token_id": 0,
        "unknown_token_id": 1,
        "bos_token_id": 2,
        "seperator_token_id": 3,
        "mask_token_id": 4,
    }
    for key in ("lowercase", "strip_accents"):
        header |= rng.choice(({}, {f"normalizer.{key}": False}, {f"normalizer.{key}": True}))
    return {f"tokenizer.ggml.{key}": value for key, value in header.items()}


def write(path: Path, header: dict, tensors: dict, layers: int, d_mlp: int, n_heads: int) -> Path:
    """A model under the names of the GGUF file, with these further keys."""
    writer = gguf.GGUFWriter(path, "bert")
    n_positions, d_model = tensors["position_embd.weight"].shape
    writer.add_context_length(n_positions), writer.add_embedding_length(d_model)
    writer.add_block_count(layers), writer.add_feed_forward_length(d_mlp)
    writer.add_head_count(n_heads), writer.add_layer_norm_eps(1e-12)
    writer.add_token_type_count(len(tensors["token_types.weight"]))
    for key, value in header.items():
        add = {bool: writer.add_bool, str: writer.add_string, int: writer.add_uint32}
        add.get(type(value), writer.add_array)(key, value)
    for name, tensor in tensors.items():
        writer.add_tensor(name, np.asarray(tensor, np.float32))
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file()
    writer.close()
    return path


def of_tiny_bert(path: Path, header: dict) -> Path:
    """The tiny model of the folders, without what a GGUF file has no place for."""
    model, c = golden("bert_bare"), golden("bert_bare").config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, c["num_hidden_layers"])
    found = {names.get_name(name, (".weight", ".bias")): t for name, t in model.tensors.items()}
    found = {name: tensor for name, tensor in found.items() if name}
    sizes = (c["num_hidden_layers"], c["intermediate_size"], c["num_attention_heads"])
    return write(path, header, found, *sizes)


CAUSAL = {"bert.attention.causal": False}


def test_a_file_gives_the_weights_and_the_vectors_of_the_folder(tmp_path):
    config, weights = read_folder(golden("bert_bare").write(tmp_path / "folder"), dtype=np.float64)
    ours, stored, _ = read_gguf(of_tiny_bert(tmp_path / "model.gguf", CAUSAL), dtype=np.float64)
    wanted = replace(config, activation="gelu_tanh", pooler=None, norm_eps=ours.norm_eps)
    assert replace(ours, end_id=wanted.end_id) == wanted
    for name, weight in stored.items():
        np.testing.assert_allclose(weight, weights[name], rtol=1e-6, atol=1e-7, err_msg=name)
    ids = {"ids_L": golden("bert_bare").inputs["ids_L"]}
    found, expected = forward(ours, stored, **ids), forward(wanted, weights, **ids)
    np.testing.assert_allclose(found["encoder.out"], expected["encoder.out"], atol=1e-4)


def test_what_it_does_not_say_clearly_is_refused(tmp_path):
    silent = of_tiny_bert(tmp_path / "silent.gguf", {})
    assert "does not say “bert.attention.causal”" in refusal(read_gguf, silent)
    causal = of_tiny_bert(tmp_path / "causal.gguf", {"bert.attention.causal": True})
    assert "“bert.attention.causal”" in refusal(read_gguf, causal)
    other = of_tiny_bert(tmp_path / "other.gguf", CAUSAL | {"bert.rope.freq_base": 1})
    assert "“bert.rope.freq_base”" in refusal(read_gguf, other)


def words_of_its_own() -> dict:
    """A vocabulary as long as the tiny model's."""
    n_vocab = len(golden("bert_bare").tensors["embeddings.word_embeddings.weight"])
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁the", "▁book", "s"]
    header = word_pieces(random.Random(1)) | {
        "tokenizer.ggml.tokens": words + [f"▁word{i}" for i in range(len(words), n_vocab)],
        "tokenizer.ggml.token_type": [3] * 4 + [1] * (n_vocab - 4),
        "tokenizer.ggml.normalizer.lowercase": True,
    }
    header.pop("tokenizer.ggml.mask_token_id")
    return header


def test_a_model_reads_words_by_the_pieces_in_its_header(tmp_path):
    model = load(of_tiny_bert(tmp_path / "model.gguf", CAUSAL | words_of_its_own()))
    assert model.notes == ()
    encoding = model.encode("The books, the")
    assert encoding.pieces == ("[CLS]", "the", "book", "##s", "[UNK]", "the", "[SEP]")
    assert model.trace("the book")["encoder.out"].shape[0] == 4


def test_a_lone_sign_for_a_space_is_refused():
    header = word_pieces(random.Random(1))
    header["tokenizer.ggml.tokens"][-1] = "▁"
    assert "“▁”" in refusal(from_gguf, header)


@pytest.mark.slow
def test_llama_cpp_leaves_the_same_vectors(tmp_path):
    """It looks GELU up in a table of half precision: hence the tolerance."""
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    path = of_tiny_bert(tmp_path / "model.gguf", CAUSAL | words_of_its_own())
    config, weights, _ = read_gguf(path, dtype=np.float64)
    ids = golden("bert_bare").inputs["ids_L"].tolist()
    found_LD = forward(config, weights, ids)["encoder.out"]
    np.testing.assert_allclose(found_LD, llama_cpp.vectors_of(path, ids), atol=1e-3)
    assert np.ptp(found_LD) > 1


@pytest.mark.slow
def test_llama_cpp_cuts_random_texts_so(tmp_path):
    pytest.importorskip("xllamacpp", exc_type=ImportError)
    shapes = {"token_embd.weight": (70, 32), "position_embd.weight": (128, 32)}
    shapes |= {"token_types.weight": (2, 32), "token_embd_norm.weight": (32,)}
    parts = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
    shapes |= {f"blk.0.{part}.weight": (32, 32) for part in parts}
    shapes |= {f"blk.0.{part}_output_norm.weight": (32,) for part in ("attn", "layer")}
    biases = {
        name.replace("weight", "bias"): (32,) for name in shapes if "norm" in name or "blk" in name
    }
    for seed in range(12):
        rng = random.Random(seed)
        header, texts = word_pieces(rng), ["".join(rng.choices(PARTS, k=9)) for _ in range(200)]
        n_vocab = len(header["tokenizer.ggml.tokens"])
        tensors = {name: np.zeros(shape) for name, shape in (shapes | biases).items()}
        tensors["token_embd.weight"] = np.zeros((n_vocab, 32))
        path = write(tmp_path / f"{seed}.gguf", CAUSAL | header, tensors, 1, 32, 1)
        cut = from_gguf(header)
        for text, ids in zip(texts, llama_cpp.llama_cpp_ids(path, texts), strict=True):
            assert cut.encode(text).ids_L.tolist() == ids, (seed, text)
