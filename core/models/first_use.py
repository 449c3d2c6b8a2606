"""The first use of a tokenizer from elsewhere, in a process of its own with little time and memory.

Its files are data, but as good as a program: a vocabulary may keep a library busy for minutes while
it is set up, a pattern may try countless ways to cut a text, a rule of ten bytes may make gigabytes
of a sentence, and a broken model may end the process that reads it. So

    check_folder, check_gguf    read one and use it in another process, once: what passed is
                                remembered by the SHA-256 of its files
    guard                       where its rules are not of the plain kinds whose cost is known
                                (`plain_rules`), each new text is cut in another process first

What comes with this program is not checked. Sizes are bounded where files are read.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from ..errors import GlassError
from . import catalogue
from .apart import Bounds, EndedError, Helper, answer_of
from .cache import digest, remember, remembered
from .fields import LARGEST_VOCABULARY
from .plain_rules import is_plain

READER = f"{__package__}.tokenizer_process"
SECONDS, MEMORY = 20, 2 << 30  # of processor time, to set it up; bytes
TEXT_SECONDS = 2  # of processor time, for a text
WAIT = 60  # seconds, on a machine that has other work
_PASSED = "tokenizers.json"  # in the cache: the keys of those that passed
_RULES = 1  # another number whenever more is checked than before
_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
)
_seen: set[str] = set()  # what passed in this process, where the cache can't be written


def check_folder(folder: Path, family: str, n_vocab: int) -> None:
    """Raises GlassError where the tokenizer of a folder can't be read and used within its bounds.
    Whatever else is wrong with it, who reads it says.
    """
    files = [folder / name for name in _FILES if (folder / name).is_file()]
    if not files or is_ours(folder):
        return
    parts = (family, str(n_vocab), *(f"{file.name} {sha256_of(file)}" for file in files))
    check(begin_of(folder, family, n_vocab), key_of(parts), 0)


def check_gguf(file: Path, metadata: Mapping) -> None:
    """The same for the tokenizer in the header of a GGUF file."""
    said = {key: value for key, value in metadata.items() if key.startswith("tokenizer.")}
    parts = (str(metadata.get("general.name")), json.dumps(said))
    check({"gguf": str(file)}, key_of(parts), file.stat().st_size)  # which is mapped as a whole


def begin_of(folder: Path, family: str, n_vocab: int) -> dict:
    """What the other process is told to read."""
    return {"folder": str(folder.resolve()), "family": family, "n_vocab": n_vocab}


def is_ours(folder: Path) -> bool:
    """Whether a folder came with this program."""
    return folder.resolve().is_relative_to(catalogue.MODELS.resolve())


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file; nothing of one that is too large to be read anyway."""
    try:
        return digest(file) if file.stat().st_size <= LARGEST_VOCABULARY else "too large"
    except OSError:
        return "unreadable"


def key_of(parts: tuple[str, ...]) -> str:
    """Equal only for the same files, read by the same libraries."""
    libraries = [f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES]
    return hashlib.sha256("\0".join((str(_RULES), *libraries, *parts)).encode()).hexdigest()


_LIBRARIES = ("tokenizers", "sentencepiece")


def check(begin: dict, key: str, mapped: int) -> None:
    """Uses a tokenizer in a process of its own, unless it has passed before."""
    if key in _seen or key in remembered(_PASSED):
        return
    try:
        said = answer_of(READER, {"begin": begin}, bounds(mapped))
    except (EndedError, GlassError) as error:
        raise GlassError(refused(str(error))) from None
    if "error" in said:
        raise GlassError(refused(said["error"]))
    _seen.add(key)
    remember(_PASSED, key, 1)


def bounds(mapped: int = 0) -> Bounds:
    """What the process may take. mapped: bytes of a file that it maps into memory."""
    return Bounds(SECONDS, MEMORY + mapped, again=TEXT_SECONDS, wait=WAIT)


def refused(why: str, what: str = "") -> str:
    """What is said of a tokenizer that can't be used."""
    shown = why.rstrip(". ")
    return f"The tokenizer of this model cannot be used{what}: {shown[:1].lower()}{shown[1:]}."


# --- each text ------------------------------------------------------------------------------------


def guard(folder: Path, family: str, n_vocab: int, tokenizers: Mapping) -> None:
    """Has those of a folder's tokenizers whose rules are not plain cut each new text in another
    process first. tokenizers: by what the other process calls them.
    """
    if is_ours(folder):
        return
    helper = Helper(READER, {"begin": begin_of(folder, family, n_vocab)}, bounds())
    for name, tokenizer in tokenizers.items():
        if tokenizer is not None and not is_plain(tokenizer):
            tokenizer.guard = guard_of(helper, name)


def guard_of(helper: Helper, name: str) -> Callable[[dict], None]:
    """What is called before a text is cut, or ids become a text, with what will be asked of the
    tokenizer: it raises GlassError where that takes too much.
    """

    @lru_cache(maxsize=512)
    def outcome(question: str) -> str:
        try:
            return helper.ask(json.loads(question)).get("error", "")
        except EndedError as error:
            return str(error)

    def look(question: dict) -> None:
        try:
            why = outcome(json.dumps({"which": name, **question}))
        except GlassError as error:  # of this machine, which may be less busy the next time
            why = str(error)
        if why:
            raise GlassError(refused(why, " on this text"))

    return look
