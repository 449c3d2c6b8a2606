"""Folders whose tensors or configs are missing, misshapen or wrong cost a sentence: never a crash,
a hang, or the memory they claim. Nothing is ever unpickled.
"""

from __future__ import annotations

import ast
import json
import pickle
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.models import assembly, prepared
from core.models.families import FAMILIES
from core.models.weights import read_folder, read_gguf
from tests.helpers.model_files import Trap, cheap_refusal, golden, loads, refusal, written

CORE = Path(assembly.__file__).parents[1]
TIED = ("bert", "bert_words", "gpt2", "llama_tied", "t5_relu", "t5_gated", "marian")


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
        (read_gguf, "x" * 300 + ".gguf", "cannot be read"),
    ),
    ids=("folder", "long folder", "file", "long file"),
)
def test_a_path_that_leads_nowhere(read, path, says, tmp_path):
    assert says in refusal(read, tmp_path / path)


PREFIXES = {each for family in FAMILIES.values() for each in family.prefixes}
PREFIX = re.compile(
    "|".join(f"^{re.escape(each)}" for each in sorted(PREFIXES, key=len, reverse=True))
)


def may_be_missing(family: str, name: str) -> bool:
    """A bias that is zero, a tied head, and sine waves, which are computed, need not be there."""
    tied = name == "lm_head.weight" and family in (*TIED, "mt5")
    waves = family == "pegasus" and "embed_positions" in name
    return name == "final_logits_bias" or tied or waves


@pytest.mark.one_in(2)
def test_every_tensor_that_is_missing_is_named(family, tmp_path):
    tensors = golden(family).tensors
    for name in tensors:
        if not may_be_missing(family, name):
            folder = written(
                family, tmp_path, {other: tensors[other] for other in tensors if other != name}
            )
            assert PREFIX.sub("", name) in refusal(read_folder, folder)


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


@pytest.mark.one_in(5)
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
    """As `transformers` does; tests/files/test_output_heads.py compares the numbers."""
    wanted, tensors = read_folder(written(family, tmp_path), np.float64)[1], golden(family).tensors
    others = {
        name: np.full(wanted[ours].shape, index + 1.0)
        for index, (ours, name) in enumerate(read.items())
    }
    _, weights = read_folder(written(family, tmp_path, tensors | others), np.float64)
    assert all(np.array_equal(weights[ours], others[name]) for ours, name in read.items())
    assert all(np.array_equal(weights[name], wanted[name]) for name in wanted if name not in read)


def test_no_tensor_is_compared_with_itself(family, tmp_path, monkeypatch):
    """What `same_bytes` reads are copies, and each is another tensor of the same shape."""
    compared = []

    def look(one_B, other_B):
        compared.append((one_B.ctypes.data, other_B.ctypes.data))
        return np.array_equal(one_B, other_B)

    monkeypatch.setattr(assembly, "same_bytes", look)
    read_folder(written(family, tmp_path / "alone"))
    assert all(one != other for one, other in compared)
    if family in TIED:
        head, table_VD = head_and_table(family)
        tensors = golden(family).tensors | {head: table_VD.copy()}
        read_folder(written(family, tmp_path / "twice", tensors))
        assert compared and all(one != other for one, other in compared)


def sparse(folder: Path, name: str, shape: list[int]) -> Path:
    """The tiny GPT-2 with one tensor more, or another, in float32 and all holes."""
    file = written("gpt2", folder) / "model.safetensors"
    data = file.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header.pop("__metadata__", None)
    header.pop(name, None)
    body, place = bytearray(), 0
    for entry in header.values():
        start, stop = entry["data_offsets"]
        body += data[end + start : end + stop]
        entry["data_offsets"] = [place, place := place + stop - start]
    size = 4 * int(np.prod(shape))
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + size]}
    text = json.dumps(header).encode()
    with file.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + bytes(body))
        out.truncate(8 + len(text) + place + size)
    return folder


@pytest.mark.parametrize(
    "name, shape",
    (
        ("transformer.ln_f.weight", [220 << 20]),  # one row of 900 MB
        ("transformer.wte.weight", [55, 4 << 20]),
        ("lm_head.weight", [220 << 20, 1]),  # no copy of the table: it has another shape
    ),
)
def test_a_large_tensor_of_another_shape_is_refused_unread(name, shape, tmp_path, monkeypatch):
    monkeypatch.setattr(assembly, "same_bytes", lambda *given: pytest.fail("it was read"))
    said = cheap_refusal(read_folder, sparse(tmp_path, name, shape))
    assert "shape" in said and f"“{name}”" in said or "do not belong" in said


def test_a_file_of_a_terabyte_that_is_all_holes_is_refused_unread(tmp_path):
    folder = sparse(tmp_path, "transformer.wte.weight", [1 << 28, 1 << 10])
    assert (folder / "model.safetensors").stat().st_size > 1 << 40
    said = cheap_refusal(read_folder, folder)
    assert "1,099,5" in said and "holes" in said and "Download it again" in said


def test_long_rows_are_compared_a_few_megabytes_at_a_time():
    one_B, other_B = np.zeros(100 << 20, np.uint8), np.zeros(100 << 20, np.uint8)
    tracemalloc.start()
    try:
        assert assembly.same_bytes(one_B, other_B)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    other_B[-1] = 1
    assert not assembly.same_bytes(one_B, other_B)


def test_another_safetensors_file_in_the_folder_is_not_read(tmp_path, monkeypatch):
    """Nor is its SHA-256 computed where weights are kept for the next time."""
    folder = written("gpt2", tmp_path)
    (folder / "other.safetensors").write_bytes(b"not to be read")
    read, weights_of = [], prepared.weights_of
    monkeypatch.setattr(
        prepared, "weights_of", lambda files, *more: read.extend(files) or weights_of(files, *more)
    )
    read_folder(folder)
    assert read == [folder / "model.safetensors"]


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


@pytest.mark.one_in(3)
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


@pytest.mark.one_in(9)
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


@pytest.mark.one_in(11)
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


@pytest.mark.parametrize("kind", ("mamba", "BERT", "", "\ud800\0", None, 5, ["bert"], {"bert": 1}))
def test_an_unknown_type_of_model_is_refused_with_those_that_are_known(kind, tmp_path):
    said = refusal(read_folder, written("bert", tmp_path, model_type=kind))
    assert ", ".join(FAMILIES) in said and "llama, mistral, qwen2" in said


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
        ("bert", {"num_attention_heads": 7}, "7 heads, which do not divide a width of 24"),
        ("bert", {"layer_norm_eps": -1e-5}, "-1e-05"),
        ("gpt2", {"add_cross_attention": True}, "“add_cross_attention”"),
        ("gpt2", {"eos_token_id": "</s>"}, "“</s>”"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "“scale_attn_by_inverse_layer_idx”"),
        ("gpt2", {"scale_attn_weights": "yes"}, "true or false"),
        ("llama", {"sliding_window": 4}, "“sliding_window”"),
        ("llama", {"rope_scaling": {"rope_type": "llama3"}}, "“factor”"),
        ("llama", {"rope_parameters": {"type": "ntk"}}, "“ntk”"),
        ("llama", {"rope_parameters": "none"}, "an object"),
        ("llama", {"rope_parameters": {"rope_theta": 0}}, "“rope_theta”"),
        ("llama", {"head_dim": 5}, "rotate pairs"),
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


# Nothing is unpickled.


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
            if getattr(node, "arg", "") == "allow_pickle":  # NumPy's own writer would pickle
                assert isinstance(node.value, ast.Constant) and node.value.value is False, source


# Through the whole reader.


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
        monkeypatch.setattr(assembly, "_CHUNK", 100)
        pieces = reader(path, np.float64)[1]
        assert [name for name in whole if not np.array_equal(whole[name], pieces[name])] == []


# Numbers that are none.


@pytest.mark.parametrize("stream", (False, True))
@pytest.mark.parametrize("number", (np.nan, np.inf, -np.inf, 1e300))
@pytest.mark.parametrize("name", ("model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight"))
def test_a_weight_that_is_no_number_is_refused_by_its_tensors_name(name, number, stream, tmp_path):
    """1e300 is none in float32. A weight that stays in its file is looked at when it is read."""
    whole = {each: array.astype(np.float64) for each, array in golden("llama").tensors.items()}
    (broken := whole[name].copy()).flat[7] = number
    folder = written("llama", tmp_path, whole | {name: broken})

    def read() -> None:
        _, weights = read_folder(folder, stream=stream)
        _ = [np.asarray(weights[each]) for each in weights]

    said = refusal(read)
    assert f"“{name}” holds NaN, infinity, or a number too large for float32" in said
    if number == 1e300 and not stream:
        read_folder(folder, np.float64)
