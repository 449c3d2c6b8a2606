"""Exports that were changed on their way: our own runs, taught models and reports of training, read
back through all that reads models here. Each loads or costs a message; none runs a program.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
from safetensors.numpy import load_file

from core import load
from core.cli.main import main
from core.course import Course, taught
from core.errors import harmless
from core.models.saving import zipped
from core.models.weights import read_folder
from core.run_file import facts_of, write_run
from tests.helpers import forged
from tests.helpers.model_files import Trap, refusal
from tests.helpers.watched import in_time, shards, tried, watched

pytestmark = pytest.mark.usefixtures("alone")
SENTENCE = "The books that"
FILES = ("model.safetensors", "config.json", "tokenizer.json")


@pytest.fixture(scope="module")
def study():
    return load("study-decoder")


@pytest.fixture(scope="module")
def exported(study, tmp_path_factory) -> Path:
    """A folder with what the app writes: a taught model, unpacked, and a run in both kinds."""
    folder, model = tmp_path_factory.mktemp("exports"), study
    weights = taught(model, Course("sgd", 1, 0.01, "The books are green.")).weights
    learned = replace(model, weights=weights)
    with zipfile.ZipFile(io.BytesIO(zipped(learned, "taught"))) as packed:
        packed.extractall(folder)
    trace = model.trace(SENTENCE)
    facts = facts_of(model, trace, SENTENCE, "trained")
    for ending in (".npz", ".safetensors"):
        write_run(folder / f"run{ending}", trace, facts, trace.names)
    return folder


def forged_files(rng: Random, folder: Path, count: int) -> Iterator[tuple[str, Path, bytes]]:
    """One file of the taught model after the other, with something changed; its tokenizer seldom,
    since each new one is used in a process of its own first.
    """
    whole = {name: (folder / name).read_bytes() for name in FILES}
    config, tokens = (json.loads(whole[name]) for name in FILES[1:])
    for number in range(count):
        if number % 50 == 49:
            said, tree = forged.forged_json(rng, tokens, forged.places(tokens))
            yield said, folder / FILES[2], json.dumps(tree).encode()
        elif rng.random() < 0.5:
            said, tree = forged.forged_json(rng, config, forged.places(config))
            yield said, folder / FILES[1], json.dumps(tree).encode()
        else:
            said, data = forged.forged_safetensors(rng, whole[FILES[0]])
            yield said, folder / FILES[0], data


def read_back(folder: Path, cuts: bool) -> None:
    """Loads a folder and runs it, as the app does with a model of one's own. cuts: on the sentence,
    which a process of its own cuts first; else on the ids of some tokens.
    """
    model = load(str(folder), fetch=False)
    with np.errstate(all="ignore"):
        trace = model.trace(SENTENCE) if cuts else model.trace(ids_L=[2, 13, 500])
        logits = trace["head.logits"]
    largest = max(float(abs(weight).max(initial=0)) for weight in model.weights.values())
    assert np.isfinite(logits).all() or largest > 1e6


def in_place(path: Path, data: bytes, work) -> None:
    """Does some work with a file in place of another, which is put back."""
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        work()
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("seed, count", shards(6, 250, 55))
def test_forged_taught_models(seed, count, exported, tmp_path):
    folder = Path(shutil.copytree(exported / "taught", tmp_path / "taught"))
    files = forged_files(Random(seed), folder, count)
    cases = (
        (said, partial(in_place, path, data, partial(read_back, folder, path.name == FILES[2])))
        for said, path, data in files
    )
    with watched(tmp_path, programs=True):
        done, refused = tried(cases)
    assert done + refused == count and done and refused > count / 4


@pytest.mark.parametrize("ending", (".npz", ".safetensors"))
def test_a_run_is_no_model(ending, exported, tmp_path):
    """A run in the place of a model's weights, whole and changed, and as a model by itself."""
    folder, rng = Path(shutil.copytree(exported / "taught", tmp_path / "taught")), Random(ending)
    whole = (exported / f"run{ending}").read_bytes()
    changes = [whole, *(forged.flipped(whole, len(whole), rng) for _ in range(30))]
    with watched(tmp_path):
        for data in changes:
            (folder / FILES[0]).write_bytes(data)
            refusal(read_folder, folder)
        refusal(load, str(exported / f"run{ending}"), np.float32, False)


@pytest.mark.parametrize("seed, count", shards(3, 400, 60))
def test_forged_runs_run_nothing(seed, count, exported, tmp_path):
    """NumPy and safetensors, by which docs/exports.md reads a run, take a changed one for data."""
    rng, path = Random(seed), tmp_path / "run"
    wholes = [(exported / f"run{ending}").read_bytes() for ending in (".npz", ".safetensors")]
    read = 0
    with watched(tmp_path):
        for _ in range(count):
            kind = rng.randrange(2)
            path.write_bytes(forged.flipped(wholes[kind], rng.choice((300, 9_000)), rng))
            with in_time(), suppress(Exception):  # of these packages: of whatever kind
                read += len((by_numpy, load_file)[kind](path))
    assert read


def by_numpy(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an archive."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files if name != "trace.json"}


def test_a_pickle_in_a_run_is_not_opened(exported, tmp_path):
    path, sprung = tmp_path / "run.npz", tmp_path / "sprung"
    np.savez(path, np.array([Trap(sprung)], dtype=object))
    with watched(tmp_path):
        for read in (lambda: load(str(path), fetch=False), lambda: by_numpy(path)):
            with pytest.raises(ValueError):
                read()
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as file:
        _ = file["arr_0"]
    assert sprung.exists(), "the trap works"


@pytest.mark.parametrize("seed, count", shards(2, 60, 25))
def test_the_command_line_says_what_is_wrong(seed, count, exported, tmp_path, capsys):
    folder = Path(shutil.copytree(exported / "taught", tmp_path / "taught"))
    codes = []
    for said, path, data in forged_files(Random(seed), folder, count):
        with watched(tmp_path, programs=True), in_time(20):
            in_place(path, data, lambda: codes.append(main(["models", "check", str(folder)])))
        out, err = capsys.readouterr()
        lines = (out + err).splitlines()
        assert all(harmless(line) == line for line in lines) and lines, said
        assert codes[-1] == (1 if err else 0) and len(err.splitlines()) <= 1, said
    assert {0, 1} == set(codes)
