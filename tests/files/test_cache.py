"""What is remembered of files in the cache, and where the cache is."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from core.models import cache
from core.models.catalogue import find
from tests.helpers.fetching import put

pytestmark = pytest.mark.usefixtures("alone")


def count_sums(monkeypatch) -> list:
    """A list that grows whenever a SHA-256 is computed."""
    computed, real = [], hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda *given: computed.append(1) or real(*given))
    return computed


def test_a_digest_is_computed_once_and_again_when_the_file_has_changed(monkeypatch, tmp_path):
    path = put(tmp_path, {"a": b"one"}) / "a"
    os.utime(path, ns=(0, 1_000_000_000))
    wanted, changed = (hashlib.sha256(data).hexdigest() for data in (b"one", b"two"))
    computed = count_sums(monkeypatch)
    assert [cache.digest(path) for _ in range(3)] == [wanted] * 3 and len(computed) == 1
    path.write_bytes(b"two")  # as long as before, and as old by the time that can be set
    os.utime(path, ns=(0, 1_000_000_000))
    assert cache.digest(path) == changed and len(computed) == 2


@pytest.mark.parametrize(
    "known", ([1], [1, 2, 3, 4, 5], "abc", 5, None, {"a": 1, "b": 2, "c": 3}, "same")
)
def test_a_damaged_memory_of_digests_is_written_anew(known, tmp_path):
    path = put(tmp_path, {"a": b"one"}) / "a"
    known = [*cache.stamp_of(path), 7] if known == "same" else known
    put(tmp_path / "cache", {"digests.json": json.dumps({str(path.resolve()): known}).encode()})
    assert cache.digest(path) == hashlib.sha256(b"one").hexdigest()
    assert json.loads((tmp_path / "cache/digests.json").read_text())[str(path.resolve())][
        -1
    ] == cache.digest(path)


@pytest.mark.parametrize("data", (b"", b"[]", b"{", b"\xff", b"[" * 100_000))
def test_a_memory_that_is_no_json_is_forgotten(data, tmp_path):
    put(tmp_path / "cache", {"digests.json": data})
    put(tmp_path / "cache/small")
    assert find("small") is not None


def test_the_cache_may_be_named_from_home(monkeypatch):
    monkeypatch.setenv("GLASSFORMER_CACHE", "~/models")
    assert cache.cache() == Path.home() / "models"
    monkeypatch.setenv("GLASSFORMER_CACHE", "~nobody-of-that-name/models")
    assert find("small") is None
    monkeypatch.delenv("GLASSFORMER_CACHE")
    assert cache.cache().name == "glassformer"


def test_scratch_folders_of_programs_that_were_ended_go_after_a_day(tmp_path):
    old, new = (put(tmp_path / f"cache/.fetch-{name}", {"part": b"x"}) for name in ("old", "new"))
    os.utime(old, (0, 0))
    with cache.scratch():
        assert not old.exists() and new.exists()
