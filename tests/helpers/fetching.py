"""Small models that can be fetched, for the tests of the catalogue and of downloads."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

from core.models.catalogue import Entry, File, Hub, Wheel

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
    return found - {"digests.json", "first-seen.json", "commits.json", ".lock"}
