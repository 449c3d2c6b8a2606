"""GGUF files that break off or contradict themselves, and models whose weights are quantised."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.models.assembly import assemble
from core.models.families.llama_gguf import layout as gguf_layout
from core.models.fields import Fields
from core.models.gguf import open_gguf
from core.models.weights import read_gguf
from tests.helpers.model_files import cheap_refusal, flipped, golden, loads, refusal, write_gguf

# Files that break off, and files in which bytes have changed.


def test_a_gguf_cut_off_anywhere_is_refused(llama_gguf, tmp_path):
    path = tmp_path / "model.gguf"
    for size in (*range(3000)[::13], *range(3000, len(llama_gguf) - 32)[::997]):
        path.write_bytes(llama_gguf[:size])
        assert not loads(read_gguf, path), size
    path.write_bytes(llama_gguf)
    assert loads(read_gguf, path)


def test_changed_bytes_in_a_gguf_header_load_or_are_refused(llama_gguf, tmp_path):
    rng, path, outcomes = random.Random(1), tmp_path / "model.gguf", []
    for _ in range(600):
        path.write_bytes(flipped(llama_gguf, 2000, rng))
        outcomes.append(loads(read_gguf, path))
    assert 25 < sum(outcomes) < 550


# Headers that lie.


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def record(name: bytes, shape: tuple, kind: int = 0, start: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, start)


def gguf_file(
    *parts: bytes, tensors: int = 0, keys: int = 0, version: int = 3, body: int = 0
) -> bytes:
    """A GGUF file that claims so many tensors and keys, and has these parts and so many bytes after
    its header.
    """
    header = b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join(parts)
    return header + bytes(-len(header) % 32 + body)


GGUF_LIES = {
    "not GGUF": (b"GGML" + bytes(60), "is not a GGUF"),
    "version 1": (gguf_file(version=1), "version 1"),
    "big-endian": (gguf_file(version=3 << 24), "little-endian"),
    "2**60 tensors": (gguf_file(tensors=2**60), "at most"),
    "2**60 keys": (gguf_file(keys=2**60), "at most"),
    "65000 keys": (gguf_file(keys=65000), "damaged or cut off"),
    "65000 tensors": (gguf_file(tensors=65000), "damaged or cut off"),
    "a text of 2**63 bytes": (gguf_file(struct.pack("<Q", 2**63), keys=1), "bytes more"),
    "a text of gigabytes": (
        gguf_file(text(b"a"), struct.pack("<IQ", 8, 2**32), keys=1),
        "bytes more",
    ),
    "a list of 2**60": (gguf_file(text(b"a"), struct.pack("<IIQ", 9, 0, 2**60), keys=1), "at most"),
    "a list of megabytes": (
        gguf_file(text(b"a"), struct.pack("<IIQ", 9, 12, 2**21), keys=1),
        "bytes more",
    ),
    "a list of many texts": (
        gguf_file(text(b"a"), struct.pack("<IIQ", 9, 8, 2**21), keys=1),
        "damaged or cut off",
    ),
    "lists within lists": (
        gguf_file(text(b"a"), struct.pack("<IIQIQ", 9, 9, 1, 9, 1), keys=1),
        "unknown type 9",
    ),
    "a value of no kind": (gguf_file(text(b"a"), struct.pack("<I", 77), keys=1), "unknown type 77"),
    "a list of no kind": (
        gguf_file(text(b"a"), struct.pack("<IIQ", 9, 77, 1), keys=1),
        "unknown type 77",
    ),
    "not UTF-8": (gguf_file(text(b"\xff"), keys=1), "UTF-8"),
    "the same key twice": (gguf_file(2 * (text(b"a") + struct.pack("<II", 4, 0)), keys=2), "twice"),
    "the same tensor twice": (
        gguf_file(record(b"a", (2,)), record(b"a", (2,), 0, 32), tensors=2, body=64),
        "twice",
    ),
    "alignment 0": (
        gguf_file(text(b"general.alignment"), struct.pack("<II", 4, 0), keys=1),
        "alignment",
    ),
    "alignment 2**31": (
        gguf_file(text(b"general.alignment"), struct.pack("<II", 4, 1 << 31), keys=1),
        "alignment",
    ),
    "five axes": (gguf_file(record(b"a", (1,) * 5), tensors=1, body=32), "at most 4"),
    "a tensor of terabytes": (
        gguf_file(record(b"a", (2**20, 2**20)), tensors=1, body=32),
        "should end at byte",
    ),
    "sides beyond reason": (gguf_file(record(b"a", (2**63,)), tensors=1, body=32), "at most"),
    "a product that wraps": (
        gguf_file(record(b"a", (2, 2**32, 2**32)), tensors=1, body=32),
        "should end at byte",
    ),
    "2**120 rows of nothing": (
        gguf_file(record(b"a", (0, *(2**40,) * 3)), tensors=1, body=32),
        "architecture",
    ),
    "a place beyond the end": (
        gguf_file(record(b"a", (2,), 0, 2**64 - 32), tensors=1, body=32),
        "should end at",
    ),
    "an unknown format": (
        gguf_file(record(b"a", (2,), 999), tensors=1, body=32),
        "unknown format 999",
    ),
    "a format that was withdrawn": (
        gguf_file(record(b"a", (32,), 4), tensors=1, body=32),
        "unknown format 4",
    ),
    "half a block": (gguf_file(record(b"a", (16,), 2), tensors=1, body=32), "blocks of 32"),
    "misaligned": (gguf_file(record(b"a", (2,), 0, 4), tensors=1, body=32), "multiple of 32"),
    "overlapping": (
        gguf_file(record(b"a", (16,)), record(b"b", (2,), 0, 32), tensors=2, body=64),
        "overlap",
    ),
    "one on top of the other": (
        gguf_file(record(b"a", (2,)), record(b"b", (2,)), tensors=2, body=64),
        "overlap",
    ),
    "an unprintable name": (
        gguf_file(record(b"\n\0\x1b[2J", (2,), 0, 4), tensors=1, body=32),
        "“��",
    ),
    "no architecture": (gguf_file(), "architecture"),
    "another architecture": (
        gguf_file(text(b"general.architecture"), b"\x08\0\0\0", text(b"mamba"), keys=1),
        "mamba",
    ),
}


@pytest.mark.parametrize("lie", GGUF_LIES)
def test_lying_gguf(lie, tmp_path):
    data, says = GGUF_LIES[lie]
    (tmp_path / "model.gguf").write_bytes(data)
    assert says in cheap_refusal(read_gguf, tmp_path / "model.gguf")


@pytest.mark.parametrize(
    "key, value",
    (
        ("llama.embedding_length", float("nan")),
        ("llama.embedding_length", 1 << 31),
        ("llama.block_count", -2),
        ("llama.block_count", 10**6),
        ("llama.rope.freq_base", float("inf")),
        ("llama.rope.freq_base", float("nan")),
        ("llama.attention.head_count", [6, 6]),
        ("llama.attention.head_count", "6"),
        ("llama.vocab_size", True),
        ("llama.vocab_size", 1 << 24),
        ("llama.expert_count", 8),
        ("llama.attention.value_length", 8),
        ("split.count", 2),
        ("llama.rope.scaling.type", "ntk"),
        ("llama.attention.key_length", 3),
        ("llama.attention.sliding_window", 4),
        ("llama.attention.layer_norm_rms_epsilon", None),
        ("tokenizer.ggml.eos_token_id", "</s>"),
    ),
)
def test_keys_of_a_gguf_are_checked_like_a_config(key, value, llama_gguf, tmp_path):
    (tmp_path / "model.gguf").write_bytes(llama_gguf)
    metadata, tensors = open_gguf(tmp_path / "model.gguf")

    def read():
        found = gguf_layout(Fields(metadata | {key: value}, "model.gguf"), tensors)
        assemble(found, tensors, np.float32)

    cheap_refusal(read)


def test_a_gguf_header_is_read_to_its_last_key(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    values = {
        "uint8": 255,
        "int8": -3,
        "uint16": 65535,
        "int16": -300,
        "uint32": 2**32 - 1,
        "int32": -(2**31),
        "uint64": 2**64 - 1,
        "int64": -(2**63),
        "float32": 0.5,
        "float64": 0.1,
        "bool": True,
        "string": "naïve – 文",
        "array": ["a", "", "文"],
    }
    for kind, value in values.items():
        getattr(writer, f"add_{kind}")(f"key.{kind}", value)
    writer.add_array("key.numbers", [-1, 2, 3])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    metadata, tensors = open_gguf(tmp_path / "model.gguf")
    assert (
        metadata
        == {f"key.{kind}": value for kind, value in values.items()}
        | {"key.numbers": [-1, 2, 3], "general.architecture": "llama"}
        and not tensors
    )


# What is missing, and quantised weights.


def test_gguf_names_what_is_missing_and_what_is_too_much(tmp_path):
    """A missing output.weight alone is no fault: the head is tied then."""
    tensors = golden("llama").tensors
    for name in tensors:
        rest = {other: tensors[other] for other in tensors if other != name}
        write_gguf(replace(golden("llama"), tensors=rest), tmp_path / "model.gguf")
        assert loads(read_gguf, tmp_path / "model.gguf") == (name == "lm_head.weight"), name
    write_gguf(
        replace(
            golden("llama"),
            tensors=tensors | {"model.layers.2.input_layernorm.weight": np.ones(30)},
            config=golden("llama").config | {"num_hidden_layers": 3},
        ),
        tmp_path / "model.gguf",
    )
    assert "blk.2.attn_q.weight" in refusal(read_gguf, tmp_path / "model.gguf")


def write_llama(path: Path, kind: str, quantised: bool) -> None:
    """A Llama of one layer whose matrices are stored in that format, or as the same numbers in
    float32.
    """
    writer, rng, format = (
        gguf.GGUFWriter(path, "llama"),
        np.random.default_rng(1),
        gguf.GGMLQuantizationType[kind],
    )
    for key, value in {
        "block_count": 1,
        "context_length": 9,
        "embedding_length": 64,
        "feed_forward_length": 96,
        "head_count": 4,
        "head_count_kv": 2,
        "layer_norm_rms_eps": 1e-5,
    }.items():
        getattr(writer, f"add_{key}")(value)
    shapes = {
        "token_embd": (57, 64),
        "output_norm": (64,),
        "blk.0.attn_norm": (64,),
        "blk.0.attn_q": (64, 64),
        "blk.0.attn_k": (32, 64),
        "blk.0.attn_v": (32, 64),
        "blk.0.attn_output": (64, 64),
        "blk.0.ffn_norm": (64,),
        "blk.0.ffn_gate": (96, 64),
        "blk.0.ffn_up": (96, 64),
        "blk.0.ffn_down": (64, 96),
    }
    for name, shape in shapes.items():
        values, raw_dtype = rng.normal(size=shape).astype(np.float32), None
        if len(shape) == 2:
            raw_RB = gguf.quantize(values, format)
            values, raw_dtype = (
                (raw_RB, format) if quantised else (gguf.dequantize(raw_RB, format), None)
            )
        writer.add_tensor(f"{name}.weight", values, raw_dtype=raw_dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("kind", ("F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q5_1"))
def test_a_quantised_model_is_the_model_of_its_numbers(kind, tmp_path):
    """Through the whole reader: rows that GGUF has in another order, transposed, side by side in
    one array.
    """
    for quantised in (True, False):
        write_llama(tmp_path / f"{quantised}.gguf", kind, quantised)
    (_, weights, _), (_, wanted, _) = (
        read_gguf(tmp_path / f"{quantised}.gguf") for quantised in (True, False)
    )
    assert set(weights) == set(wanted)
    assert [name for name in wanted if not np.array_equal(weights[name], wanted[name])] == []
