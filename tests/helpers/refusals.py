"""Folders that are wrong on purpose, and what the reader of the message is told."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from core.errors import GlassError
from tests.helpers import tiny

golden = lru_cache(tiny.golden)


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
