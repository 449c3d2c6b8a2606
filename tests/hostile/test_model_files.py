"""Model files that nobody wrote, more than fifty thousand of them: each is read and runs, or costs
a message; nothing else is raised, hangs, swells, is fetched, started or written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest

from core.errors import GlassError
from core.forward_pass import forward
from core.models import any_tokenizer, first_use, gguf_tokenizer
from core.models.apart import EndedError, Helper
from core.models.families import FAMILIES
from core.models.plain_rules import is_plain
from core.models.weights import read_folder, read_gguf
from tests.helpers import forged
from tests.helpers.encodings import check_encoding
from tests.helpers.model_files import golden, write_gguf
from tests.helpers.texts import header
from tests.helpers.tiny import COMPARED, EVERY
from tests.helpers.tokenizer_files import CLASSES, FAMILY, MAKERS, write
from tests.helpers.watched import shards, tried, watched

pytestmark = pytest.mark.usefixtures("alone")
Case = tuple[str, Callable[[], object]]
HUGE = 1e6  # what a number of a model that was trained never is


def run_three(inputs: dict, config, weights) -> None:
    """Runs a model that was read on three tokens; its numbers are finite, unless its files hold
    some that are too large for that.
    """
    read = {name: np.asarray(ids)[:3] for name, ids in inputs.items()}
    with np.errstate(all="ignore"):
        trace = forward(config, weights, **read)
        steps = {name: trace[name] for name in trace.names if COMPARED.fullmatch(name)}
        wrong = [name for name, value in steps.items() if not np.isfinite(value).all()]
        assert not wrong or largest(weights) > HUGE, f"{wrong[0]} is not finite"


def largest(weights) -> float:
    """The largest number of all weights."""
    return max(float(np.abs(array).max(initial=0)) for array in weights.values())


def read_and_run(read: Callable, path: Path, inputs: dict) -> None:
    """Reads a model's files and runs what was read."""
    run_three(inputs, *read(path)[:2])


def written_cases(path: Path, files: Iterator[tuple[str, bytes]], work: Callable) -> Iterator[Case]:
    """Writes one file after the other, and says what to do with it."""
    for name, data in files:
        path.write_bytes(data)
        yield name, work


@pytest.mark.parametrize("seed, count", shards(40, 400, 100))
def test_forged_safetensors(seed, count, tmp_path):
    model, rng = golden(EVERY[seed % len(EVERY)]), Random(seed)
    path = model.write(tmp_path / "m") / "model.safetensors"
    whole = path.read_bytes()
    files = (forged.forged_safetensors(rng, whole) for _ in range(count))
    with watched(tmp_path):
        work = partial(read_and_run, read_folder, path.parent, model.inputs)
        done, refused = tried(written_cases(path, files, work))
    assert done + refused == count and done and refused > count / 2


def spots(config: dict) -> list[tuple]:
    """Where a config has values, and each key that its family knows besides."""
    known = sorted(FAMILIES[config["model_type"]].keys.known)
    return [*forged.places(config), *((key,) for key in known if key not in config)]


@pytest.mark.parametrize("seed, count", shards(40, 500, 100))
def test_forged_configs(seed, count, tmp_path):
    model, rng = golden(EVERY[seed % len(EVERY)]), Random(seed)
    path = model.write(tmp_path / "m") / "config.json"
    where = spots(model.config)
    drawn = (forged.forged_json(rng, model.config, where) for _ in range(count))
    files = ((name, json.dumps(said).encode()) for name, said in drawn)
    with watched(tmp_path):
        work = partial(read_and_run, read_folder, path.parent, model.inputs)
        done, refused = tried(written_cases(path, files, work))
    assert done + refused == count and done and refused


# --- GGUF -----------------------------------------------------------------------------------------

IN_GGUF = ("llama", "qwen2", "qwen3", "mistral", "phi3", "granite", "smollm3", "stablelm", "olmo2")


def gguf_bytes(family: str, folder: Path) -> bytes:
    """A tiny model as a GGUF file, with a tokenizer in its header."""

    def add_tokenizer(writer) -> None:
        add = {list: writer.add_array, str: writer.add_string, int: writer.add_uint32}
        for key, value in header().items():
            add[type(value)](key, value)

    write_gguf(golden(family), path := folder / "whole.gguf", add_tokenizer)
    return path.read_bytes()


def read_with_tokenizer(path: Path) -> tuple:
    """The model of a GGUF file, after its tokenizer was refused or has cut a text."""
    config, weights, metadata = read_gguf(path)
    with suppress(GlassError):
        gguf_tokenizer.from_gguf(metadata).encode("the books, 12 漢字")
    return config, weights


@pytest.mark.parametrize("seed, count", shards(27, 450, 100))
def test_forged_gguf(seed, count, tmp_path, monkeypatch):
    family, rng = IN_GGUF[seed % len(IN_GGUF)], Random(seed)
    whole, path = gguf_bytes(family, tmp_path), tmp_path / "m.gguf"
    numbers, end = forged.numbers_of(whole, path, monkeypatch)
    files = (forged.forged_gguf(rng, whole, numbers, end) for _ in range(count))
    with watched(tmp_path):
        work = partial(read_and_run, read_with_tokenizer, path, golden(family).inputs)
        done, refused = tried(written_cases(path, files, work))
    assert done + refused == count and done and refused


# --- tokenizer.json -------------------------------------------------------------------------------

TEXTS = ("The books, 12 times: ab he <x>", "漢字 \u202e\x00 é 👩‍🔬 [MASK]</s>" + "a" * 50)


@pytest.mark.parametrize("seed, count", shards(18, 340, 80))
def test_forged_tokenizers(seed, count, tmp_path):
    """As in the app: each is used in a process of its own first, which may break off."""
    kind, rng = [*MAKERS][seed % len(MAKERS)], Random(seed)
    said = {"tokenizer_class": CLASSES[kind]}
    sound, folder = (write(tmp_path / name, kind, said) for name in ("sound", "m"))
    begins = [{"begin": first_use.begin_of(each, FAMILY[kind], 900)} for each in (sound, folder)]
    helper = Helper(first_use.READER, begins[0], first_use.bounds())
    path = folder / "tokenizer.json"
    files = forged_tokenizers(rng, path.read_bytes(), count)
    work = partial(use_tokenizer, helper, begins[1], folder, FAMILY[kind])
    done, refused = tried(written_cases(path, files, work))
    helper.close()
    assert done + refused == count and done and refused


def forged_tokenizers(rng: Random, whole: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """Most have another value in the JSON, some have other bytes."""
    tree = json.loads(whole)
    where = forged.places(tree)
    for _ in range(count):
        if rng.random() < 0.2:
            yield "bytes", forged.flipped(whole, len(whole), rng)
        else:
            name, new = forged.forged_json(rng, tree, where)
            yield name, json.dumps(new).encode()


def use_tokenizer(helper: Helper, begin: dict, folder: Path, family: str) -> None:
    """Reads a folder's tokenizer and cuts texts with it, each first in the other process, as
    core/models/first_use.py does.
    """
    ask(helper, begin)
    with watched(folder.parent, 3 << 30):
        found = any_tokenizer.read_tokenizers(folder, family, 900).source
        plain = is_plain(found)
    for text in TEXTS:
        if not plain:
            ask(helper, {"which": "source", "text": text, "special": True})
        with watched(folder.parent, 3 << 30):
            check_encoding(found.encode(text), text)


def ask(helper: Helper, question: dict) -> None:
    """Raises GlassError where the other process gives no answer, as the reader would be told."""
    try:
        why = helper.ask(question).get("error", "")
    except EndedError as error:
        why = str(error)
    if why:
        raise GlassError(first_use.refused(why))
