"""Folders and files of models to read, and what a reader is told who can't have them."""

from __future__ import annotations

import os
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.errors import GlassError
from tests.helpers.tiny import Golden, golden

LITTLE = 64 << 20  # bytes: what a refusal may cost at most


def written(family: str, folder: Path, tensors: dict | None = None, **config) -> Path:
    """A tiny model's folder, with other tensors or with other values in its config."""
    model = golden(family)
    tensors = model.tensors if tensors is None else tensors
    return replace(model, config=model.config | config, tensors=tensors).write(folder)


def refusal(read, *given) -> str:
    """What the reader is told: a GlassError, whose sentence has an end and can be printed."""
    with pytest.raises(GlassError) as caught:
        read(*given)
    said = str(caught.value)
    assert said.isprintable() and said[-1] in ".…" and len(said) < 1000, said
    return said


class Trap:
    """A pickle of this leaves a file behind when it is opened."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


INTERLEAVED = ("llama", "granite", "smollm3")  # whose rotary pairs llama.cpp has side by side


def write_gguf(model: Golden, path, header=None, tensors: dict | None = None) -> None:
    """A model of the Llama kind as llama.cpp's converter would write it, in float32. header: adds
    more keys to the writer; tensors: more of them.
    """
    c = model.config
    of = {"mistral": "llama"}.get(c["model_type"], c["model_type"])
    writer = gguf.GGUFWriter(path, of)
    write_sizes(writer, c)
    write_own_keys(writer, c)
    if header:
        header(writer)
    (kind,) = (kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == of)
    names = gguf.get_tensor_name_map(kind, c["num_hidden_layers"])
    for name, tensor in model.tensors.items():
        if of in INTERLEAVED and ("q_proj" in name or "k_proj" in name):
            tensor = side_by_side(tensor, heads_of(c)[0 if "q_proj" in name else 1])
        writer.add_tensor(names.get_name(name, (".weight", ".bias")), tensor.astype(np.float32))
    for name, tensor in (tensors or {}).items():
        writer.add_tensor(name, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def heads_of(c: dict) -> tuple[int, int]:
    """How many queries and how many keys a token has."""
    return c["num_attention_heads"], c["num_key_value_heads"]


def side_by_side(tensor, n_heads: int):
    """The rows of each head, the two of each rotary pair next to each other."""
    halves = tensor.reshape(n_heads, 2, len(tensor) // n_heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(tensor.shape)


def write_sizes(writer, c: dict) -> None:
    """The keys that all architectures have."""
    n_heads, n_kv_heads = heads_of(c)
    d_head, rope = c.get("head_dim") or c["hidden_size"] // n_heads, c["rope_parameters"]
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(n_heads)
    writer.add_head_count_kv(n_kv_heads)
    writer.add_key_length(d_head)
    writer.add_value_length(d_head)
    writer.add_rope_dimension_count(int(d_head * rope.get("partial_rotary_factor", 1.0)))
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_vocab_size(c["vocab_size"])


def write_own_keys(writer, c: dict) -> None:
    """The keys of the norms, and those that only some architectures have."""
    if c["model_type"] == "stablelm":
        writer.add_layer_norm_eps(c["layer_norm_eps"])
        writer.add_parallel_residual(c["use_parallel_residual"])
    else:
        writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    if c["model_type"] == "granite":
        writer.add_attention_scale(c["attention_multiplier"])
        writer.add_embedding_scale(c["embedding_multiplier"])
        writer.add_residual_scale(c["residual_multiplier"])
        writer.add_logit_scale(c["logits_scaling"])
    if c["model_type"] == "phi3" and c["sliding_window"]:
        writer.add_sliding_window(c["sliding_window"])


def cheap_refusal(read, *given) -> str:
    """The same, if little memory was spent on it. NumPy's arrays are counted; a mapped file is not,
    and costs none.
    """
    tracemalloc.start()
    try:
        said = refusal(read, *given)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
        return said
    finally:
        tracemalloc.stop()


def loads(read, path: Path) -> bool:
    """Whether the file can be read; if not, a GlassError says why. Any other exception fails the
    test.
    """
    try:
        read(path)
    except GlassError as error:
        assert str(error).isprintable()
        return False
    return True


def flipped(data: bytes, end: int, rng: random.Random) -> bytes:
    """The data with one to five changed bytes before that place: some anything, some a letter that
    JSON might have.
    """
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(end)
        changed[place] = rng.choice(
            (rng.randrange(256), changed[place] ^ 1 << rng.randrange(8), *b'0919-"{}[],:.e\\')
        )
    return bytes(changed)
