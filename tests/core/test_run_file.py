"""A run as a file: NumPy and safetensors read back what the trace holds, to the last bit."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from core import GlassError, load
from core.run_file import KINDS, described, pieces_of, write_run
from core.steps.letters import AXES
from tests.helpers.tiny import golden

SENTENCE = "The books that the student’s mother, Zoé, recommended"
ENDINGS = (".npz", ".safetensors")


@pytest.fixture(scope="module")
def study():
    return load("study-decoder")


def numpy_reads(path) -> tuple[dict, dict]:
    """The arrays of a .npz file and its description, by NumPy alone."""
    with np.load(path, allow_pickle=False) as file:
        said = json.loads(file["trace.json"])
        return {name: file[name] for name in file.files if name != "trace.json"}, said


def safetensors_reads(path) -> tuple[dict, dict]:
    """The same of a .safetensors file, by the safetensors package."""
    with safe_open(path, "np") as file:
        said = file.metadata()
    assert said["format"] == "glassformer run 1"
    return load_file(path), json.loads(said["trace"])


READERS = dict(zip(ENDINGS, (numpy_reads, safetensors_reads), strict=True))


def digest(array) -> str:
    """The SHA-256 of an array: its kind of number, its shape and its bytes."""
    head = f"{array.dtype.name} {array.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def check_equal(trace, names, arrays: dict) -> None:
    """Each array has the kind, the shape and the bits that the trace has."""
    assert set(arrays) == set(names)
    for name in names:
        assert digest(arrays[name]) == digest(trace[name]), name


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("keep", ("all", "layers"))
def test_what_is_written_is_read_back_to_the_last_bit(study, tmp_path, ending, keep):
    trace = study.trace(SENTENCE, keep=keep)
    facts = {"sentence": SENTENCE, "tokens": pieces_of(study.tokenizer, trace)}
    write_run(path := tmp_path / f"run{ending}", trace, facts, trace.names)
    arrays, said = READERS[ending](path)
    check_equal(study.trace(SENTENCE), trace.names, arrays)
    encoding = study.encode(said["sentence"])
    assert tuple(said["tokens"]["decoder"]) == encoding.pieces
    assert digest(encoding.ids_L) == digest(arrays["decoder.embed.ids"])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("family", ("bert", "gpt2", "llama", "t5_gated", "marian", "bloom"))
def test_all_families_in_64_bits(tiny_trace, tmp_path, family, ending):
    trace = tiny_trace(family)
    write_run(path := tmp_path / f"run{ending}", trace, {}, trace.names)
    arrays, said = READERS[ending](path)
    check_equal(trace, trace.names, arrays)
    assert {array.dtype.name for array in arrays.values()} <= set(KINDS)
    assert list(said["steps"]) == list(trace.names)
    for name, about in said["steps"].items():
        assert about == {"axes": trace.axes(name), "shape": list(trace.shape(name))}
        assert len(about["axes"]) == len(about["shape"])
    assert said["axes"] == {letter: AXES[letter] for letter in said["axes"]}
    assert set("".join(about["axes"] for about in said["steps"].values())) == set(said["axes"])


def test_tokens_without_a_tokenizer_are_their_numbers(tiny_trace):
    trace = tiny_trace("marian")
    read = golden("marian").inputs
    assert pieces_of(None, trace) == {
        "encoder": [f"#{i}" for i in read["ids_L"]],
        "decoder": [f"#{i}" for i in read["target_ids_L"]],
    }


def test_tensors_begin_where_a_processor_likes_them(tiny_trace, tmp_path):
    trace = tiny_trace("gpt2")  # its masks have 25 bytes each
    write_run(path := tmp_path / "run.safetensors", trace, {}, trace.names)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    for name, about in header.items():
        if name != "__metadata__":
            assert (8 + length + about["data_offsets"][0]) % trace[name].itemsize == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_run_gives_the_same_bytes(tiny_trace, tmp_path, ending):
    trace = tiny_trace("gpt2")
    for name in ("a", "b"):
        write_run(tmp_path / f"{name}{ending}", trace, {}, trace.names)
    one, other = ((tmp_path / f"{name}{ending}").read_bytes() for name in ("a", "b"))
    assert one == other


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_whole_or_as_it_was(tiny_trace, tmp_path, ending):
    trace, path = tiny_trace("gpt2"), tmp_path / f"run{ending}"
    path.write_bytes(b"before")

    def stop(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_run(path, trace, {}, trace.names, stop)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]
    write_run(path, trace, {}, trace.names)
    check_equal(trace, trace.names, READERS[ending](path)[0])
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_any_new_file(tiny_trace, tmp_path):
    trace = tiny_trace("gpt2")
    (tmp_path / "any").touch()
    write_run(path := tmp_path / "run.npz", trace, {}, trace.names[:3])
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, tmp_path / "any")]
    assert modes[0] == modes[1]


def test_where_nothing_can_be_written_a_sentence_says_so(tiny_trace, tmp_path):
    trace = tiny_trace("gpt2")
    (tmp_path / "folder.npz").mkdir()
    for name, says in (
        ("nowhere/run.npz", "cannot be written: No such file"),
        ("folder.npz", "not an ordinary file"),
        ("run.txt", "ends with .npz or .safetensors"),
    ):
        with pytest.raises(GlassError, match=says):
            write_run(tmp_path / name, trace, {}, trace.names)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.npz"]


def test_a_step_that_is_not_there_is_not_described(tiny_trace):
    with pytest.raises(KeyError):
        described(tiny_trace("gpt2"), {}, ["decoder.0.attn.nothing"])


def test_any_program_that_opens_zip_files_finds_the_description(study, tmp_path):
    trace = study.trace("The \x1b[31mbooks\u202e")
    facts = {"tokens": pieces_of(study.tokenizer, trace)}
    write_run(path := tmp_path / "run.npz", trace, facts, trace.names)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        said = archive.read("trace.json").decode("ascii")
    assert said.isprintable() and json.loads(said)["tokens"] == facts["tokens"]
