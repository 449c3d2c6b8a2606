"""Weights that were converted once and kept: the same bits, and never those of another file."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.memory import bytes_of, owner_of
from core.models import prepared
from core.models.cache import cache
from core.models.weights import load_folder, read_gguf
from tests.helpers.model_files import golden, write_gguf
from tests.helpers.tiny import FAMILIES

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(autouse=True)
def tiny_models_are_worth_it(monkeypatch):
    monkeypatch.setattr(prepared, "WORTH", 1)


@pytest.fixture
def conversions(monkeypatch):
    """Grows whenever weights are converted."""
    found, assemble = [], prepared.assemble
    monkeypatch.setattr(prepared, "assemble", lambda *given: found.append(1) or assemble(*given))
    return found


def half(family: str, folder: Path) -> Path:
    """A tiny model whose file has numbers of 16 bits."""
    model = golden(family)
    tensors = {name: array.astype(np.float16) for name, array in model.tensors.items()}
    return replace(model, tensors=tensors).write(folder)


def weights_in(folder: Path) -> dict[str, np.ndarray]:
    return load_folder(folder).weights


def files() -> list[Path]:
    return list(prepared.kept_files())


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(
        array.tobytes() == other[name].tobytes() for name, array in one.items()
    )


def shared(weights: dict[str, np.ndarray]) -> dict[str, tuple]:
    """How each weight lies in memory: its strides, and the first weight with which it shares it."""
    first: dict[int, str] = {}
    return {
        name: (array.strides, first.setdefault(array.ctypes.data, name))
        for name, array in weights.items()
        if any(array.strides)
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_prepared_weights_are_those_of_the_file_bit_for_bit(
    family, tmp_path, monkeypatch, conversions
):
    folder = half(family, tmp_path / family)
    monkeypatch.setenv("GLASSFORMER_PREPARED", "0")
    plain = weights_in(folder)
    assert files() == []
    monkeypatch.delenv("GLASSFORMER_PREPARED")
    first, second = weights_in(folder), weights_in(folder)
    assert len(conversions) == 2 and len(files()) == 1
    for weights in (first, second):
        assert same(plain, weights) and shared(plain) == shared(weights)
        assert not any(array.flags.writeable for array in weights.values())
        mapped = {id(owner_of(a)) for a in weights.values() if any(a.strides)}
        assert len(mapped) == 1  # the file: its bytes are in memory once, however many read
        assert bytes_of(weights.values()) >= bytes_of(plain.values())


def test_what_need_not_be_converted_and_float64_are_not_kept(tmp_path, monkeypatch):
    write_gguf(golden("llama"), path := tmp_path / "model.gguf")  # in float32
    assert read_gguf(path) and load_folder(half("gpt2", tmp_path / "gpt2"), np.float64)
    assert files() == []
    monkeypatch.setattr(prepared, "is_worth_it", lambda tensors: True)
    first, second = (read_gguf(path)[1] for _ in range(2))
    assert len(files()) == 1 and same(first, second)


def test_a_file_that_changed_in_place_is_converted_anew(tmp_path, conversions):
    """With its size and its time put back: only its bytes say that it is another one."""
    folder = half("gpt2", tmp_path / "gpt2")
    before, path = weights_in(folder), folder / "model.safetensors"
    found, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (found.st_size, found.st_mtime_ns)
    assert not same(before, weights_in(folder)) and len(conversions) == 2 and len(files()) == 2


def test_a_changed_config_or_changed_code_has_no_part_in_what_was_prepared(
    tmp_path, monkeypatch, conversions
):
    folder = half("gpt2", tmp_path / "gpt2")
    weights_in(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_epsilon": 0.5}))
    weights_in(folder)
    assert len(conversions) == 2
    monkeypatch.setattr(prepared, "code_digest", lambda: b"other code")
    weights_in(folder)
    assert len(conversions) == 3 and len(files()) == 3


@pytest.mark.parametrize(
    "harm",
    (
        lambda data: data[:-1],
        lambda data: data + b"!",
        lambda data: data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:],
        lambda data: b"",
    ),
    ids=("shorter", "longer", "one bit", "empty"),
)
def test_prepared_weights_that_were_touched_are_not_used(harm, tmp_path, conversions):
    folder = half("gpt2", tmp_path / "gpt2")
    plain = {name: array.copy() for name, array in weights_in(folder).items()}
    (path,) = files()
    found, data = path.stat(), path.read_bytes()
    path.unlink()  # what is mapped stays as it was
    path.write_bytes(harm(data))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert same(plain, weights_in(folder)) and len(conversions) == 2
    assert same(plain, weights_in(folder)) and len(conversions) == 2  # made anew, and used again


@pytest.mark.parametrize("said", (b"{}", b"[", b'{"%s": 5}', b'{"%s": ["abc", 1]}'))
def test_without_its_record_a_prepared_file_is_not_used(said, tmp_path, conversions):
    folder = half("gpt2", tmp_path / "gpt2")
    weights_in(folder)
    (path,) = files()
    (cache() / "prepared.json").write_bytes(said.replace(b"%s", path.stem.encode()))
    weights_in(folder)
    assert len(conversions) == 2


def test_a_copied_cache_is_read_once_and_used(tmp_path, conversions):
    """On another machine nothing is known of the file but its SHA-256."""
    folder = half("gpt2", tmp_path / "gpt2")
    weights_in(folder)
    (path,) = files()
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    (cache() / "digests.json").unlink()
    weights_in(folder)
    assert len(conversions) == 1


def test_what_is_kept_is_bounded_and_what_was_used_longest_ago_goes(tmp_path, monkeypatch):
    folders = [half(family, tmp_path / family) for family in ("gpt2", "llama", "bert")]
    now = [1_000_000.0]
    monkeypatch.setattr(prepared.time, "time", lambda: now[0])
    for folder in folders[:2]:
        weights_in(folder)
        now[0] += 100_000
    one, two = files()
    weights_in(folders[0])  # so the second is now the older one
    assert files() == [two, one]
    bound = prepared.bytes_kept() + 1
    monkeypatch.setattr(prepared, "room", lambda: bound)
    weights_in(folders[2])
    assert two not in files() and prepared.bytes_kept() <= bound
    assert prepared.forget() > 0 and files() == [] and prepared.bytes_kept() == 0


def test_a_model_beyond_the_bound_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "room", lambda: 1000)
    assert weights_in(half("gpt2", tmp_path / "gpt2")) and files() == []


def test_a_cache_that_takes_no_file_costs_nothing_but_time(tmp_path, monkeypatch, conversions):
    folder = half("gpt2", tmp_path / "gpt2")
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "a file/cache"))
    assert weights_in(folder) and weights_in(folder) and len(conversions) == 2


def test_a_disk_that_fills_up_while_writing_leaves_nothing(tmp_path, monkeypatch):
    folder = half("gpt2", tmp_path / "gpt2")

    def full(path, *given):
        path.write_bytes(b"the beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(prepared, "write", full)
    assert weights_in(folder) and files() == []
    assert [path.name for path in cache().iterdir() if path.is_dir()] == []


def test_a_disk_without_much_room_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared.shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    assert weights_in(half("gpt2", tmp_path / "gpt2")) and files() == []


def test_the_code_that_reads_models_is_known_by_its_bytes(monkeypatch):
    """A mended reader must not find what the one before it has written."""
    read, seen = Path.read_bytes, []
    digest_of = prepared.code_digest.__wrapped__
    before = digest_of()
    monkeypatch.setattr(Path, "read_bytes", lambda path: seen.append(path.name) or read(path))
    assert digest_of() == before and {"stored.py", "gguf.py", "assembly.py", "llama.py"} <= {*seen}
    for name in ("stored.py", "gpt2.py", "config.py"):
        mended = lambda path, name=name: read(path) + b"#" * (path.name == name)  # noqa: E731
        monkeypatch.setattr(Path, "read_bytes", mended)
        assert digest_of() != before
