"""Folders and files of models to read, and what a reader is told who can't have them."""

from __future__ import annotations

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


def write_gguf(model: Golden, path) -> None:
    """The Llama model as llama.cpp's converter would write it, in float32."""
    c, writer = model.config, gguf.GGUFWriter(path, "llama")
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_key_length(c["head_dim"])
    writer.add_value_length(c["head_dim"])
    writer.add_rope_dimension_count(c["head_dim"])
    writer.add_rope_freq_base(c["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_vocab_size(c["vocab_size"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, c["num_hidden_layers"])
    for name, tensor in model.tensors.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            n_heads = c["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            tensor = (
                tensor.reshape(n_heads, 2, len(tensor) // n_heads // 2, -1)
                .swapaxes(1, 2)
                .reshape(tensor.shape)
            )
        writer.add_tensor(names.get_name(name, (".weight",)), tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


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
