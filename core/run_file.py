"""A whole run as one file: every array under its step's name, and beside them in JSON what they
are.

    write_run(Path("run.npz"), trace, facts, names)            a NumPy archive
    write_run(Path("run.safetensors"), trace, facts, names)    safetensors

NumPy or the safetensors package reads it, without this project. The JSON is the member trace.json
of the archive, and the entry "trace" in the metadata of the other; docs/command-line.md describes
it. Arrays are written one by one: a run that computes its layers again needs no more memory here.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from .errors import GlassError
from .models.saving import KINDS, safetensors_header
from .steps.letters import axis_words

FORMAT, VERSION = "glassformer run", 1  # what a file says it is
ASKED = ("target", "second", "change", "chat")  # what may be asked for beside sentence and mask
DESCRIPTION = "trace.json"  # the archive's member that describes the others
Progress = Callable[[int, int], None]  # arrays written, arrays in all


def described(trace, facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What a file says of a run beside its numbers; each value is one of JSON.

    facts: what the trace does not know, such as model, sentence and tokens. names: the steps, in
    the order in which they are listed. Raises KeyError for a step that the trace does not have.
    """
    letters = sorted(set().union(*(trace.axes(name) for name in names)))
    return {
        "format": FORMAT,
        "version": VERSION,
        **facts,
        "rows": [int(row) for row in trace.rows],
        "axes": {letter: axis_words(letter) for letter in letters},
        "steps": {
            name: {"axes": trace.axes(name), "shape": list(trace.shape(name))} for name in names
        },
    }


def pieces_of(tokenizer, trace) -> dict[str, list[str]]:
    """The tokens that each side of a run read, as the vocabulary writes them; "#12" where there is
    no tokenizer.
    """
    return {
        side: [
            tokenizer.piece(int(i)) if tokenizer else f"#{i}" for i in trace[f"{side}.embed.ids"]
        ]
        for side in trace.config.sides
    }


def facts_of(model, trace, sentence: str, mask: str, **asked: Any) -> dict[str, Any]:
    """What is said of a run that no array holds: what was read, and by which model.

    mask: the word it was asked for by. asked: what else was asked for, such as target, second,
    change or chat; what is empty is left out.
    """
    return {
        "model": model.name,
        "family": trace.config.family,
        "sentence": sentence,
        "tokens": pieces_of(model.tokenizer, trace),
        "mask": mask,
        **{name: value for name, value in asked.items() if value},
    }


def nbytes_of(trace, names: Sequence[str]) -> int:
    """About how many bytes the numbers of those steps take, without computing any: float32, which
    nearly all are.
    """
    return 4 * sum(math.prod(trace.shape(name)) for name in names)


def nothing_to_say(done: int, total: int) -> None:
    """Reports no progress."""


def write_run(
    path: Path,
    trace,
    facts: Mapping[str, Any],
    names: Sequence[str],
    progress: Progress = nothing_to_say,
) -> None:
    """Writes those steps of a run to a .npz or .safetensors file: the whole file, or none at all.
    facts, names: as in `described`.

    Raises GlassError for another ending, and where the file can't be written.
    """
    if path.suffix not in WRITERS:
        raise GlassError(f"A run is written to a file that ends with {' or '.join(WRITERS)}.")
    with whole_file(path) as file:
        write_to(file, path.suffix, trace, facts, names, progress)


def write_to(
    file: IO[bytes],
    ending: str,
    trace,
    facts: Mapping[str, Any],
    names: Sequence[str],
    progress: Progress = nothing_to_say,
) -> None:
    """The same to a file that is open. ending: of WRITERS."""
    description = json.dumps(described(trace, facts, names))
    WRITERS[ending](file, trace, names, description, progress)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place once it is complete; of one that is not, nothing is left. Raises
    GlassError where it can't be written.
    """
    if path.exists() and not path.is_file():
        raise GlassError(f"{path} is not an ordinary file, so nothing was written to it.")
    name = None
    try:
        handle, name = tempfile.mkstemp(prefix=".glassformer-", dir=path.absolute().parent)
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(name, 0o666 & ~umask())  # mkstemp lets nobody else read
        os.replace(name, path)
    except OSError as error:
        raise GlassError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def umask() -> int:
    """The permissions that new files of this process do not have."""
    os.umask(mask := os.umask(0o022))
    return mask


def write_archive(
    file: IO[bytes], trace, names: Sequence[str], description: str, progress: Progress
) -> None:
    """A NumPy archive, compressed: np.load(…)["decoder.0.attn.pattern"]. The same run gives the
    same bytes.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(DESCRIPTION, "w") as entry:
            entry.write(description.encode())
        for done, name in enumerate(names):
            progress(done, len(names))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, trace[name], allow_pickle=False)


def write_tensors(
    file: IO[bytes], trace, names: Sequence[str], description: str, progress: Progress
) -> None:
    """A safetensors file, the wider kinds of numbers first, so that each begins where a processor
    likes it to.
    """
    # The header comes first and names each kind: layers that were not kept are computed twice.
    kinds = {name: trace[name].dtype for name in names}
    ordered = sorted(names, key=lambda name: -kinds[name].itemsize)
    entries = {name: (KINDS[kinds[name].name], trace.shape(name)) for name in ordered}
    said = {"format": f"{FORMAT} {VERSION}", "trace": description}
    file.write(safetensors_header(entries, said))
    for done, name in enumerate(ordered):
        progress(done, len(names))
        file.write(little_endian(trace[name]))


def little_endian(array: np.ndarray) -> bytes:
    """The numbers of an array, row after row, as safetensors has them."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


WRITERS: dict[str, Callable[..., None]] = {".npz": write_archive, ".safetensors": write_tensors}
