"""Tiny decoders of other shapes as llama.cpp's converter would write them into GGUF files."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from core.config import Config
from tests.helpers.tiny import Golden

ARCHITECTURES = {
    "gpt_neox": "gptneox",
    "phi": "phi2",
    "bloom": "bloom",
    "gpt2": "gpt2",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
}


def write(model: Golden, config: Config, path: Path, more=None) -> None:
    """Writes the model in float32. config: ours, of its folder; more: adds keys to the writer."""
    of = ARCHITECTURES[model.config["model_type"]]
    writer, c = gguf.GGUFWriter(path, of), config
    writer.add_block_count(c.decoder_layers)
    writer.add_context_length(c.n_positions or 64)
    writer.add_embedding_length(c.d_model)
    writer.add_feed_forward_length(c.d_mlp)
    writer.add_head_count(c.n_heads)
    writer.add_head_count_kv(c.n_kv_heads)
    writer.add_key_length(c.d_head)
    writer.add_value_length(c.d_head)
    writer.add_vocab_size(c.n_vocab)
    (writer.add_layer_norm_rms_eps if c.norm == "rms" else writer.add_layer_norm_eps)(c.norm_eps)
    write_own_keys(writer, of, c)
    if more:
        more(writer)
    (kind,) = (kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == of)
    names = gguf.get_tensor_name_map(kind, c.decoder_layers)
    for name, tensor in model.tensors.items():
        converted = as_converted(of, c, name, tensor).astype(np.float32)
        known = (name, name.removeprefix("transformer."))
        found = (names.get_name(each, (".weight", ".bias")) for each in known)
        writer.add_tensor(next(filter(None, found)), converted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_own_keys(writer, of: str, c: Config) -> None:
    """What only some architectures have."""
    rope = c.ropes[-1]
    if c.positions == "rotary" and rope:
        writer.add_rope_dimension_count(rope.width or c.d_head)
        writer.add_rope_freq_base(rope.theta)
    if of == "gptneox":
        writer.add_parallel_residual(c.parallel)
    if of == "bloom":
        writer.add_max_alibi_bias(8.0)
    if of in ("gemma2", "gemma3"):
        writer.add_sliding_window(next(each for each in c.windows if each is not None) + 1)
    if of == "gemma2":
        writer.add_attn_logit_softcapping(c.score_cap)
        writer.add_final_logit_softcapping(c.logit_cap)


def as_converted(of: str, c: Config, name: str, tensor):
    """A tensor as the file has it: q, k and v of all heads one after the other, gains in full,
    matrices as (out, in).
    """
    if of == "gpt2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        return tensor.T
    if "query_key_value" in name:
        by_head = tensor.reshape(c.n_heads, 3, c.d_head, -1)
        return by_head.swapaxes(0, 1).reshape(tensor.shape)
    return tensor + 1 if of.startswith("gemma") and "norm" in name else tensor
