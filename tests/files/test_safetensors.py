"""Safetensors files that break off, contradict themselves or come in several parts."""

from __future__ import annotations

import json
import os
import random
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import GlassError
from core.models.model import load
from core.models.safetensors import open_safetensors
from core.models.weights import read_folder, read_gguf
from tests.helpers.model_files import cheap_refusal, flipped, golden, loads, refusal, written

# Files that break off, and files in which bytes have changed.


@pytest.mark.one_in(2)
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


@pytest.mark.one_in(7)
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
    "overlapping": (safetensors({"a": A, "b": entry([2], 4, 12)}, bytes(12)), "do not follow"),
    "one on top of the other": (safetensors({"a": A, "b": A}, bytes(8)), "do not follow"),
    "a hole": (safetensors({"a": A, "b": entry([2], 12, 20)}, bytes(20)), "do not follow"),
    "a hole at the beginning": (safetensors({"b": B}, bytes(16)), "do not follow"),
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


# Numbers.


@pytest.mark.parametrize(
    "kind, dtype", (("F64", np.float64), ("F32", np.float32), ("F16", np.float16))
)
def test_plain_numbers_of_safetensors_are_read_as_written(kind, dtype, tmp_path):
    values_RN = np.random.default_rng(1).normal(size=(5, 7)).astype(dtype)
    save_file({"shift": np.ones(1, np.uint8), "a": values_RN}, tmp_path / "model.safetensors")
    read = open_safetensors(tmp_path / "model.safetensors")["a"]
    assert (
        read.kind == kind
        and read.numbers().dtype == dtype
        and np.array_equal(read.numbers(), values_RN)
    )
