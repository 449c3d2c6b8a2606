"""Files that are missing, misshapen, cut off or lying cost a sentence: never a crash, a hang, or
the memory they claim.

Every tensor of a file is used or named, quantised numbers are what the `gguf` package makes of
them, and nothing is ever unpickled.
"""

from __future__ import annotations

import ast
import json
import os
import pickle
import random
import struct
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import GlassError
from core.models import checkpoints, files
from core.models.checkpoints import assemble, gguf_llama, read_folder, read_gguf
from core.models.files import Fields
from core.models.model import load
from tests.helpers.model_files import refusal, write_gguf, written
from tests.helpers.tiny import golden

CORE = Path(files.__file__).parents[1]
LITTLE = 64 << 20  # bytes: what a refusal may cost at most
TIED = ("bert", "bert_words", "gpt2", "llama_tied", "t5_relu", "t5_gated", "marian")


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


@pytest.fixture(scope="module")
def llama_gguf(tmp_path_factory) -> bytes:
    """The tiny Llama as a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(golden("llama"), path)
    return path.read_bytes()


# What is missing, too much, or of another shape.


@pytest.mark.parametrize("name", ("config.json", "model.safetensors"))
def test_a_missing_file_is_named(name, tmp_path):
    (written("gpt2", tmp_path) / name).unlink()
    assert name in refusal(read_folder, tmp_path)


@pytest.mark.parametrize(
    "read, path, says",
    (
        (read_folder, "nowhere", "no folder"),
        (read_folder, "x" * 300, "no folder"),
        (read_gguf, "nowhere.gguf", "no file"),
        (read_gguf, "x" * 300 + ".gguf", "can't be read"),
    ),
    ids=("folder", "long folder", "file", "long file"),
)
def test_a_path_that_leads_nowhere(read, path, says, tmp_path):
    assert says in refusal(read, tmp_path / path)


def test_every_tensor_that_is_missing_is_named(family, tmp_path):
    tensors = golden(family).tensors
    for name in tensors:
        if name != "final_logits_bias" and not (name == "lm_head.weight" and family in TIED):
            folder = written(
                family, tmp_path, {other: tensors[other] for other in tensors if other != name}
            )
            assert name.removeprefix("model.").removeprefix("bert.").removeprefix(
                "transformer."
            ) in refusal(read_folder, folder)


@pytest.mark.parametrize("family", ("llama", "t5_gated"))
def test_a_head_of_its_own_may_not_be_missing(family, tmp_path):
    """The embedding table takes its place only where the config says that the two are tied."""
    tensors = {
        name: value for name, value in golden(family).tensors.items() if name != "lm_head.weight"
    }
    assert "lm_head.weight" in refusal(
        read_folder, written(family, tmp_path, tensors, tie_word_embeddings=False)
    )
    read_folder(written(family, tmp_path, tensors, tie_word_embeddings=True))


def test_every_tensor_too_much_is_named(family, tmp_path):
    tensors = golden(family).tensors
    last = next(name for name in reversed(tensors) if ".1." in name)
    for name in (
        "stranger",
        "h.0.attn.c_attn.weight.lora",
        last.replace(".1.", ".7."),
        last + "_scale",
    ):
        assert f"“{name}”" in refusal(
            read_folder, written(family, tmp_path, tensors | {name: np.ones(3)})
        )


def test_many_tensors_too_much_are_counted(tmp_path):
    tensors = golden("llama").tensors | {f"stranger.{i:03}": np.ones(2) for i in range(200)}
    said = refusal(read_folder, written("llama", tmp_path, tensors))
    assert said.startswith("200 of") and "stranger.004" in said and "stranger.005" not in said


@pytest.mark.parametrize(
    "other_shape",
    (
        lambda value: np.concatenate((value, value[:1])),
        lambda value: value[None, None],
        lambda value: value.reshape(-1, 1),
        lambda value: value[:0],
    ),
    ids=("a row more", "two axes more", "a column", "nothing"),
)
def test_every_tensor_of_another_shape_is_named(other_shape, family, tmp_path):
    tensors = golden(family).tensors
    for name in list(tensors)[::3]:
        folder = written(
            family, tmp_path, tensors | {name: np.ascontiguousarray(other_shape(tensors[name]))}
        )
        assert f"“{name}” has the shape" in refusal(read_folder, folder)


def test_a_transposed_tensor_is_named(family, tmp_path):
    tensors = golden(family).tensors
    for name in [
        name
        for name, value in tensors.items()
        if len(set(value.shape)) == 2 and 1 not in value.shape
    ]:
        folder = written(family, tmp_path, tensors | {name: np.ascontiguousarray(tensors[name].T)})
        assert f"“{name}” has the shape" in refusal(read_folder, folder)


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


# Tensors that are tied.


def head_and_table(family: str) -> tuple[str, np.ndarray]:
    """What a file calls the weights of the head, and the embedding table that they are tied to."""
    tables = ("word_embeddings.weight", "wte.weight", "embed_tokens.weight", "shared.weight")
    return (
        "cls.predictions.decoder.weight" if family.startswith("bert") else "lm_head.weight",
        next(value for name, value in golden(family).tensors.items() if name.endswith(tables)),
    )


@pytest.mark.parametrize("family", TIED)
def test_a_copy_of_a_tied_table_is_read_once(family, tmp_path):
    head, table_VD = head_and_table(family)
    folder = written(family, tmp_path, golden(family).tensors | {head: table_VD.copy()})
    config, weights = read_folder(folder, np.float64)
    assert weights["head.logits.weight"] is weights[f"{config.sides[-1]}.embed.token.weight"]


@pytest.mark.parametrize("family", TIED)
def test_a_head_that_differs_from_its_table_is_a_head_of_its_own(family, tmp_path):
    """`transformers` does the same: what a file says twice and differently is not tied, whatever
    the config says.
    """
    head, table_VD = head_and_table(family)
    _, weights = read_folder(
        written(family, tmp_path, golden(family).tensors | {head: table_VD + 1}), np.float64
    )
    assert np.array_equal(weights["head.logits.weight"], table_VD + 1)


@pytest.mark.parametrize(
    "family, read",
    (
        ("bert", {"head.logits.bias": "cls.predictions.decoder.bias"}),
        (
            "t5_gated",
            {
                f"{side}.embed.token.weight": f"{side}.embed_tokens.weight"
                for side in ("encoder", "decoder")
            },
        ),
        (
            "marian",
            {
                f"{side}.embed.token.weight": f"model.{side}.embed_tokens.weight"
                for side in ("encoder", "decoder")
            },
        ),
    ),
)
def test_a_copy_that_differs_is_read_for_itself(family, read, tmp_path):
    """As `transformers` does; tests/core/test_heads.py compares the numbers."""
    wanted, tensors = read_folder(written(family, tmp_path), np.float64)[1], golden(family).tensors
    others = {
        name: np.full(wanted[ours].shape, index + 1.0)
        for index, (ours, name) in enumerate(read.items())
    }
    _, weights = read_folder(written(family, tmp_path, tensors | others), np.float64)
    assert all(np.array_equal(weights[ours], others[name]) for ours, name in read.items())
    assert all(np.array_equal(weights[name], wanted[name]) for name in wanted if name not in read)


def test_a_tensor_under_both_of_its_names_is_refused(tmp_path):
    tensors = golden("gpt2").tensors
    said = refusal(
        read_folder,
        written("gpt2", tmp_path, tensors | {"wpe.weight": tensors["transformer.wpe.weight"]}),
    )
    assert "“wpe.weight”" in said and "“transformer.wpe.weight”" in said


# Configs.

SIZES = {
    "bert": (
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        "num_hidden_layers",
        "vocab_size",
        "max_position_embeddings",
        "type_vocab_size",
    ),
    "gpt2": ("n_embd", "n_head", "n_inner", "n_layer", "vocab_size", "n_positions"),
    "llama": (
        "hidden_size",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "intermediate_size",
        "num_hidden_layers",
        "vocab_size",
    ),
    "t5_relu": (
        "d_model",
        "num_heads",
        "d_kv",
        "d_ff",
        "num_layers",
        "num_decoder_layers",
        "vocab_size",
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
    ),
    "marian": (
        "d_model",
        "encoder_attention_heads",
        "encoder_ffn_dim",
        "encoder_layers",
        "decoder_layers",
        "vocab_size",
        "max_position_embeddings",
    ),
}


@pytest.mark.parametrize(
    "value",
    (10**9, 10**400, -1, 0, "24", True, 24.0, [24], {"a": 24}, float("nan"), float("inf")),
    ids=lambda value: str(value)[:12],
)
@pytest.mark.parametrize("family", SIZES)
def test_a_size_that_is_none_is_named(family, value, tmp_path):
    for key in SIZES[family]:
        said = refusal(read_folder, written(family, tmp_path, **{key: value}))
        assert (
            f"“{key}”" in said
            or value != value
            and "NaN" in said
            or value == float("inf")
            and "Infinity" in said
        )


@pytest.mark.parametrize("family", SIZES)
def test_a_size_that_the_tensors_do_not_have_costs_no_memory(family, tmp_path):
    """All but two are the size of a tensor; those two are computed from, and are bounded."""
    for key in SIZES[family]:
        if key != "relative_attention_max_distance" and (family, key) != (
            "marian",
            "max_position_embeddings",
        ):
            cheap_refusal(
                read_folder, written(family, tmp_path, **{key: 1000 if "layer" in key else 1 << 24})
            )


def test_any_value_under_any_key_loads_or_is_refused(family, tmp_path):
    folder, config = written(family, tmp_path), golden(family).config
    extra = (
        "rope_scaling",
        "rope_theta",
        "sliding_window",
        "quantization_config",
        "partial_rotary_factor",
        "n_inner",
    )
    values = (
        "-1",
        "0",
        "1e999",
        "null",
        "true",
        '"\\ud800"',
        "[]",
        "[[1]]",
        '{"rope_type": [1]}',
        "9" * 4301,
        "99999999",
    )
    for key in dict.fromkeys((*config, *extra)):
        rest = json.dumps({name: value for name, value in config.items() if name != key})
        for value in values:
            (folder / "config.json").write_text(f'{rest[:-1]}, "{key}": {value}}}')
            loads(read_folder, folder)


@pytest.mark.parametrize("kind", ("qwen2", "BERT", "", "\ud800\0", None, 5, ["bert"], {"bert": 1}))
def test_an_unknown_type_of_model_is_refused_with_those_that_are_known(kind, tmp_path):
    assert "bert, gpt2, llama, t5, marian" in refusal(
        read_folder, written("bert", tmp_path, model_type=kind)
    )


def test_a_config_that_names_no_type_says_what_to_do(family, tmp_path):
    config = {key: value for key, value in golden(family).config.items() if key != "model_type"}
    said = refusal(read_folder, replace(golden(family), config=config).write(tmp_path))
    assert "has no “model_type”" in said and "add the line" in said
    assert golden(family).config["model_type"] in said


@pytest.mark.parametrize(
    "family, config, says",
    (
        ("bert", {"is_decoder": True}, "“is_decoder”"),
        ("bert", {"hidden_act": "mish"}, "“mish”"),
        ("bert", {"position_embedding_type": "relative_key"}, "“relative_key”"),
        ("bert", {"num_attention_heads": 7}, "7 heads for a width of 24"),
        ("bert", {"layer_norm_eps": -1e-5}, "-1e-05"),
        ("gpt2", {"add_cross_attention": True}, "“add_cross_attention”"),
        ("gpt2", {"eos_token_id": "</s>"}, "“</s>”"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "“scale_attn_by_inverse_layer_idx”"),
        ("gpt2", {"scale_attn_weights": "yes"}, "true or false"),
        ("llama", {"sliding_window": 4}, "“sliding_window”"),
        ("llama", {"rope_scaling": {"rope_type": "llama3"}}, "“llama3”"),
        ("llama", {"rope_parameters": {"type": "linear"}}, "“linear”"),
        ("llama", {"rope_parameters": "none"}, "an object"),
        ("llama", {"rope_parameters": {"rope_theta": 0}}, "“rope_theta”"),
        ("llama", {"head_dim": 5}, "turn pairs"),
        ("llama", {"partial_rotary_factor": 0.5}, "a part of each head"),
        ("llama", {"num_key_value_heads": 4}, "share 4 key/value heads"),
        ("llama", {"quantization_config": {"quant_method": "gptq"}}, "quantised in a way"),
        ("t5_relu", {"feed_forward_proj": "gated-swiglu"}, "“gated-swiglu”"),
        ("t5_relu", {"is_decoder": True}, "“is_decoder”"),
        ("marian", {"decoder_ffn_dim": 44}, "“decoder_ffn_dim”"),
        ("marian", {"decoder_vocab_size": 58}, "“decoder_vocab_size”"),
        ("marian", {"max_position_embeddings": 1 << 20}, "“max_position_embeddings”"),
    ),
)
def test_what_is_not_computed_here_is_refused(family, config, says, tmp_path):
    assert says in refusal(read_folder, written(family, tmp_path, **config))


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"[]",
        b"7",
        b"null",
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"model_type": "bert", "model_type": "gpt2"}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"1" * 5000 + b"}",
    ),
    ids=lambda data: repr(data[:20]),
)
def test_a_config_that_is_no_json_object(data, tmp_path):
    (written("bert", tmp_path) / "config.json").write_bytes(data)
    said = refusal(read_folder, tmp_path)
    assert "config.json is damaged" in said and "JSON" in said


def test_a_config_of_gigabytes_is_not_read(tmp_path):
    with (written("bert", tmp_path) / "config.json").open("wb") as file:
        file.truncate(1 << 32)
    assert "larger than" in cheap_refusal(read_folder, tmp_path)


# Files that break off, and files in which bytes have changed.


def test_safetensors_cut_off_anywhere_are_refused(family, tmp_path):
    whole = (written(family, tmp_path) / "model.safetensors").read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for size in (
        *range(header + 9)[::97],
        header - 1,
        header,
        *range(header, len(whole))[::7919],
        len(whole) - 1,
    ):
        (tmp_path / "model.safetensors").write_bytes(whole[:size])
        assert not loads(read_folder, tmp_path), size
    (tmp_path / "model.safetensors").write_bytes(whole + b"\0")
    assert "belong to no tensor" in refusal(read_folder, tmp_path)


def test_a_gguf_cut_off_anywhere_is_refused(llama_gguf, tmp_path):
    path = tmp_path / "model.gguf"
    for size in (*range(3000)[::13], *range(3000, len(llama_gguf) - 32)[::997]):
        path.write_bytes(llama_gguf[:size])
        assert not loads(read_gguf, path), size
    path.write_bytes(llama_gguf)
    assert loads(read_gguf, path)


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


@pytest.mark.parametrize("name", ("model.safetensors", "config.json"))
def test_changed_bytes_in_a_header_load_or_are_refused(name, family, tmp_path):
    path, rng = written(family, tmp_path) / name, random.Random(family)
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little") if name == "model.safetensors" else len(whole)
    outcomes = []
    for _ in range(150):
        path.write_bytes(flipped(whole, end, rng))
        outcomes.append(loads(read_folder, tmp_path))
    assert not all(outcomes) and (any(outcomes) or name == "model.safetensors")


def test_changed_bytes_in_a_gguf_header_load_or_are_refused(llama_gguf, tmp_path):
    rng, path, outcomes = random.Random(1), tmp_path / "model.gguf", []
    for _ in range(600):
        path.write_bytes(flipped(llama_gguf, 2000, rng))
        outcomes.append(loads(read_gguf, path))
    assert 25 < sum(outcomes) < 550


# Headers that lie.


def safetensors(header, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file of that header: JSON, or an object to write as JSON."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(header) if length is None else length).to_bytes(8, "little") + header + body


def entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


A, B = entry([2], 0, 8), entry([2], 8, 16)
SAFETENSORS_LIES = {
    "a header of 2**63 bytes": (safetensors({}, length=2**63), "header claims"),
    "a header of 2**64 - 1 bytes": (safetensors({}, length=2**64 - 1), "header claims"),
    "a header one byte too long": (safetensors({}, length=3), "header claims"),
    "no header": (safetensors(b""), "JSON"),
    "a list for a header": (safetensors([]), "object"),
    "not UTF-8": (safetensors(b'{"\xff": 1}'), "JSON"),
    "the same name twice": (
        safetensors(b'{"a":%s,"a":%s}' % (2 * (json.dumps(A).encode(),)), b"8 bytes."),
        "twice",
    ),
    "nested deeply": (safetensors(b'{"a":' * 200_000), "JSON"),
    "a tensor of terabytes": (
        safetensors({"a": entry([2**20, 2**20], 0, 2**42)}, b"few"),
        "makes no sense",
    ),
    "a tensor of gigabytes": (
        safetensors({"a": entry([2**16, 2**16], 0, 2**34)}, b"few"),
        "should end at byte",
    ),
    "offsets beyond 64 bits": (safetensors({"a": entry([2], 0, 2**70)}), "makes no sense"),
    "sides beyond 64 bits": (
        safetensors({"a": entry([2**64], 0, 8)}, b"8 bytes."),
        "makes no sense",
    ),
    "a product that wraps to it": (
        safetensors({"a": entry([2**32, 2**32 + 1, 2], 0, 8)}, b"8 bytes."),
        "needs",
    ),
    "2**80 rows of nothing": (safetensors({"a": entry([2**40, 2**40, 0], 0, 0)}), "missing"),
    "2**80 columns of nothing": (safetensors({"a": entry([0, 2**40, 2**40], 0, 0)}), "missing"),
    "a size of one": (safetensors({"a": entry([1], 0, 8)}, b"8 bytes."), "needs 4 bytes"),
    "overlapping": (safetensors({"a": A, "b": entry([2], 4, 12)}, bytes(12)), "don't follow"),
    "one on top of the other": (safetensors({"a": A, "b": A}, bytes(8)), "don't follow"),
    "a hole": (safetensors({"a": A, "b": entry([2], 12, 20)}, bytes(20)), "don't follow"),
    "a hole at the beginning": (safetensors({"b": B}, bytes(16)), "don't follow"),
    "bytes of nobody": (safetensors({"a": A}, bytes(9)), "belong to no tensor"),
    "backwards": (safetensors({"a": entry([2], 8, 0)}, bytes(8)), "“a”"),
    "negative": (safetensors({"a": entry([-2], 0, 8)}, bytes(8)), "makes no sense"),
    "negative offsets": (safetensors({"a": entry([2], -8, 0)}, bytes(8)), "makes no sense"),
    "true for one": (safetensors({"a": entry([True, 2], 0, 8)}, bytes(8)), "makes no sense"),
    "sizes as text": (safetensors({"a": entry(["2"], 0, 8)}, bytes(8)), "makes no sense"),
    "sizes as fractions": (safetensors({"a": entry([2.0], 0, 8)}, bytes(8)), "makes no sense"),
    "a shape as text": (safetensors({"a": entry("2", 0, 8)}, bytes(8)), "makes no sense"),
    "ninety axes": (safetensors({"a": entry([1] * 90, 0, 4)}, bytes(4)), "makes no sense"),
    "an unknown format": (safetensors({"a": entry([2], 0, 8, "F33")}, bytes(8)), "F33"),
    "a format that holds no weights": (
        safetensors({"a": entry([8], 0, 8, "F8_E4M3")}, bytes(8)),
        "F8_E4M3",
    ),
    "a format that is a list": (
        safetensors({"a": entry([2], 0, 8, ["F32"])}, bytes(8)),
        "makes no sense",
    ),
    "an entry that is text": (safetensors({"a": "F32"}), "makes no sense"),
    "an entry that is null": (safetensors({"a": None}), "makes no sense"),
    "an entry with more in it": (safetensors({"a": A | {"more": 1}}, bytes(8)), "makes no sense"),
    "an unprintable name": (
        safetensors({"\ud800\n\0": entry([3], 0, 8)}, bytes(8)),
        "needs 12 bytes",
    ),
    "a name of a megabyte": (
        safetensors({"a" * 2**20: entry([3], 0, 8)}, bytes(8)),
        "needs 12 bytes",
    ),
}


@pytest.mark.parametrize("lie", SAFETENSORS_LIES)
def test_lying_safetensors(lie, tmp_path):
    data, says = SAFETENSORS_LIES[lie]
    (written("bert_bare", tmp_path) / "model.safetensors").write_bytes(data)
    assert says in cheap_refusal(read_folder, tmp_path)


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
    "not GGUF": (b"GGML" + bytes(60), "isn't a GGUF"),
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
        "unknown kind 9",
    ),
    "a value of no kind": (gguf_file(text(b"a"), struct.pack("<I", 77), keys=1), "unknown kind 77"),
    "a list of no kind": (
        gguf_file(text(b"a"), struct.pack("<IIQ", 9, 77, 1), keys=1),
        "unknown kind 77",
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
        ("llama.rope.scaling.type", "yarn"),
        ("llama.attention.key_length", 3),
        ("llama.attention.sliding_window", 4),
        ("llama.attention.layer_norm_rms_epsilon", None),
        ("tokenizer.ggml.eos_token_id", "</s>"),
    ),
)
def test_keys_of_a_gguf_are_checked_like_a_config(key, value, llama_gguf, tmp_path):
    (tmp_path / "model.gguf").write_bytes(llama_gguf)
    metadata, tensors = files.read_gguf(tmp_path / "model.gguf")

    def read():
        recipe = gguf_llama(Fields(metadata | {key: value}, "model.gguf"), tensors)
        assemble(recipe, tensors, np.float32)

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
    metadata, tensors = files.read_gguf(tmp_path / "model.gguf")
    assert (
        metadata
        == {f"key.{kind}": value for kind, value in values.items()}
        | {"key.numbers": [-1, 2, 3], "general.architecture": "llama"}
        and not tensors
    )


# Several files, and things that are no files.


def sharded(family: str, folder: Path, places: dict | None = None) -> Path:
    """The model in three safetensors files with an index; places: changes to the index."""
    tensors = golden(family).tensors
    (written(family, folder) / "model.safetensors").unlink()
    index = {name: f"model-{i % 3}.safetensors" for i, name in enumerate(tensors)}
    for shard in set(index.values()):
        save_file({name: tensors[name] for name in tensors if index[name] == shard}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": index | (places or {})})
    )
    return folder


def test_a_model_in_several_files_is_the_model_in_one(family, tmp_path):
    config, weights = read_folder(written(family, tmp_path / "one"), np.float64)
    config_of_three, weights_of_three = read_folder(sharded(family, tmp_path / "three"), np.float64)
    assert config == config_of_three and set(weights) == set(weights_of_three)
    assert [
        name for name in weights if not np.array_equal(weights[name], weights_of_three[name])
    ] == []


@pytest.mark.parametrize(
    "shard",
    (
        "../x.safetensors",
        "/etc/passwd",
        "sub/x.safetensors",
        "..",
        "",
        "config.json",
        "a\n.safetensors",
        "\ud800.safetensors",
        "model-9.safetensors",
        5,
        None,
        ["x"],
    ),
)
def test_an_index_that_points_elsewhere_is_refused(shard, tmp_path):
    save_file(golden("gpt2").tensors, tmp_path / "x.safetensors")
    said = refusal(read_folder, sharded("gpt2", tmp_path / "model", {"stranger": shard}))
    assert "index.json" in said or "no file model-9" in said


POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 90868376
"""


@pytest.mark.parametrize(
    "name",
    (
        "model.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "config.json",
        "model.gguf",
        "spiece.model",
    ),
)
def test_a_pointer_of_git_lfs_is_called_one(name, tmp_path):
    """A clone without Git LFS has three lines in place of each large file."""
    folder = written("t5_relu", tmp_path)
    if name == "model.safetensors.index.json":
        (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(POINTER)
    try:  # a model without its tokenizer may be run by token ids, with a note
        said = " ".join(load(folder / name if name == "model.gguf" else folder).notes)
    except GlassError as error:
        said = str(error)
    assert f"{name} in {tmp_path} is only a Git LFS pointer" in said and "`git lfs pull`" in said


@pytest.mark.parametrize(
    "places, says",
    (
        (
            {"transformer.wte.weight": "model-1.safetensors"},
            "disagree about the tensor “transformer.wte.weight”",
        ),
        ({"stranger": "model-0.safetensors"}, "“stranger”"),
    ),
)
def test_an_index_that_is_wrong_about_its_files_is_refused(places, says, tmp_path):
    assert says in refusal(read_folder, sharded("gpt2", tmp_path, places))


@pytest.mark.parametrize(
    "data", (b"{}", b'{"weight_map": []}', b'{"weight_map": {}}', b"[", b'{"weight_map": "x"}')
)
def test_an_index_that_is_none(data, tmp_path):
    (sharded("gpt2", tmp_path) / "model.safetensors.index.json").write_bytes(data)
    assert "index.json" in refusal(read_folder, tmp_path)


def test_two_safetensors_files_without_an_index_are_refused(tmp_path):
    (written("gpt2", tmp_path) / "model.safetensors").rename(tmp_path / "a.safetensors")
    assert loads(read_folder, tmp_path)
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes())
    assert "several" in refusal(read_folder, tmp_path)


def in_place_of(path: Path, thing: str) -> None:
    """Puts a folder, a pipe, or a link to something that is no ordinary file where a file should
    be.
    """
    path.unlink(missing_ok=True)
    if thing == "a folder":
        path.mkdir()
    elif thing == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(thing)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
@pytest.mark.parametrize(
    "thing",
    (
        "a folder",
        "a pipe",
        "/dev/zero",
        "/dev/tty",
        "/proc/kmsg",
        "/proc/self/mem",
        "/sys/devices/system/cpu/online",
        "model.gguf",
    ),
)
@pytest.mark.parametrize("name", ("config.json", "model.safetensors", "model.gguf"))
def test_what_is_no_ordinary_file_is_refused_at_once(name, thing, tmp_path):
    in_place_of(written("llama", tmp_path) / name, thing)
    said = []
    read, path = (read_gguf, tmp_path / name) if name == "model.gguf" else (read_folder, tmp_path)
    reading = threading.Thread(target=lambda: said.append(loads(read, path)), daemon=True)
    reading.start()
    reading.join(timeout=20)
    assert said == [False]


# Nothing is unpickled.


class Trap:
    """A pickle of this leaves a file behind when it is opened."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "name",
    (
        "pytorch_model.bin",
        "model.pt",
        "model.pth",
        "model.ckpt",
        "model.safetensors",
        "config.json",
        "model.safetensors.index.json",
        "model.gguf",
    ),
)
def test_a_pickle_is_refused_and_never_opened(name, tmp_path):
    folder, sprung = written("llama", tmp_path / "model"), tmp_path / "sprung"
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    said = (
        refusal(read_gguf, folder / name) if name == "model.gguf" else refusal(read_folder, folder)
    )
    assert name in said and ("pickle" in said or not name.endswith(("bin", "pt", "pth", "ckpt")))
    assert not sprung.exists()
    pickle.loads((folder / name).read_bytes())
    assert sprung.exists()  # the trap works


def test_core_imports_nothing_that_unpickles_and_runs_no_text():
    forbidden = {
        "pickle",
        "_pickle",
        "cPickle",
        "marshal",
        "shelve",
        "dill",
        "cloudpickle",
        "joblib",
        "torch",
    }
    sources = sorted(CORE.rglob("*.py"))
    assert len(sources) > 15
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [
                alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)
            ]
            names += [getattr(node, "module", None) or "", getattr(node, "id", "")]
            assert not forbidden & {name.split(".")[0] for name in names}, source
            assert not {"eval", "exec", "__import__"} & set(names), source
            assert getattr(node, "arg", "") != "allow_pickle", source


# Numbers, as they are written in a file.


def stored(path: Path, kind: str, raw_RB: np.ndarray) -> files.Stored:
    """A GGUF file of one tensor of these bytes, read back."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("a", raw_RB, raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return files.read_gguf(path)[1]["a"]


@pytest.mark.parametrize(
    "kind", ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q5_0", "Q4_K", "Q6_K", "IQ4_NL")
)
def test_numbers_are_what_the_gguf_package_makes_of_any_bytes(kind, tmp_path):
    block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    raw_RB = np.random.default_rng(1).integers(0, 256, (37, 3 * size), np.uint8)
    with np.errstate(all="ignore"):
        ours = stored(tmp_path / "model.gguf", kind, raw_RB)
        theirs_RN = gguf.dequantize(raw_RB, gguf.GGMLQuantizationType[kind])
        assert ours.shape == theirs_RN.shape == (37, 3 * block) and ours.kind == kind
        np.testing.assert_array_equal(ours.numbers().astype(np.float32), theirs_RN)
        np.testing.assert_array_equal(
            ours.numbers(np.array([36, 0, 7])).astype(np.float32), theirs_RN[[36, 0, 7]]
        )
        np.testing.assert_array_equal(ours.numbers(slice(5, 9)).astype(np.float32), theirs_RN[5:9])


@pytest.mark.parametrize(
    "kind, dtype", (("F64", np.float64), ("F32", np.float32), ("F16", np.float16))
)
def test_plain_numbers_of_safetensors_are_read_as_written(kind, dtype, tmp_path):
    values_RN = np.random.default_rng(1).normal(size=(5, 7)).astype(dtype)
    save_file({"shift": np.ones(1, np.uint8), "a": values_RN}, tmp_path / "model.safetensors")
    read = files.read_safetensors(tmp_path / "model.safetensors")["a"]
    assert (
        read.kind == kind
        and read.numbers().dtype == dtype
        and np.array_equal(read.numbers(), values_RN)
    )


@pytest.mark.parametrize("dtype", (np.int64, np.uint64, np.int32, np.uint8, bool))
def test_whole_numbers_are_no_weights(dtype, tmp_path):
    model = golden("gpt2")
    tensors = model.tensors | {
        "transformer.wpe.weight": model.tensors["transformer.wpe.weight"].astype(dtype)
    }
    assert "“transformer.wpe.weight” is stored as" in refusal(
        read_folder, written("gpt2", tmp_path, tensors)
    )


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


def test_reading_a_few_rows_at_a_time_gives_the_same_weights(
    family, llama_gguf, monkeypatch, tmp_path
):
    (tmp_path / "model.gguf").write_bytes(llama_gguf)
    read = {read_folder: written(family, tmp_path)} | (
        {read_gguf: tmp_path / "model.gguf"} if family == "llama" else {}
    )
    for reader, path in read.items():
        monkeypatch.undo()
        whole = reader(path, np.float64)[1]
        monkeypatch.setattr(checkpoints, "_CHUNK", 100)
        pieces = reader(path, np.float64)[1]
        assert [name for name in whole if not np.array_equal(whole[name], pieces[name])] == []
