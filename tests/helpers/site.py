"""The documentation site, built without a network, and what its pages lead to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parents[2]
APP = "http://localhost:8501/"  # where the pages' links to the app lead
# Python reads this file at its start: whoever connects to anything but this machine fails.
NO_NETWORK = """\
import socket

def refuse(self, address):
    raise OSError(f"The build asks for {address}.")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = lambda host, *rest, **more: refuse(None, host)
"""
LOADS = {  # tag -> the attribute that names what a browser loads at once
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "input": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "track": "src",
    "video": "src",
}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # links that a browser does not follow
IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")


def build(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Builds the site strictly into a folder, with all connections refused."""
    (blocker := folder.with_name(f"{folder.name}-offline")).mkdir()
    (blocker / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    told = {"PYTHONPATH": str(blocker), "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    return subprocess.run(
        [*command, *options], cwd=ROOT, env=os.environ | told, capture_output=True, text=True
    )


def built(folder: Path) -> Path:
    """The site, built into a folder; its own place."""
    done = build(folder / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@dataclass
class Read(HTMLParser):
    """What stands in a page: places that can be led to, links, and what is loaded at once."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[tuple[str, str]] = field(default_factory=list)  # tag, address
    frames: list[dict[str, str | None]] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "iframe":
            self.frames.append(given)
        address = given.get(LOADS.get(tag, ""))
        if address and given.get("rel") not in NOT_LOADED:
            self.loaded.append((tag, address))
        self.loaded += [(tag, url) for url in IN_STYLE.findall(given.get("style") or "")]
        self.loaded += [
            (tag, url.split()[0]) for url in (given.get("srcset") or "").split(",") if url
        ]


def pages_of(site: Path) -> dict[Path, Read]:
    """Every page of a site, read; not the reports, which are held by tests of their own."""
    found = {}
    for file in sorted(site.rglob("*.html")):
        if file.parent.name != "figures":
            found[file] = Read()
            found[file].feed(file.read_text("utf-8"))
    return found


def leads_outside(address: str) -> bool:
    """Whether an address names another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def broken(pages: dict[Path, Read], site: Path) -> Iterator[str]:
    """Links within the site that lead nowhere, or to a place that their page does not have."""
    for file, page in pages.items():
        for link in page.links + [address for _, address in page.loaded]:
            if leads_outside(link) or link.startswith("data:"):
                continue
            path, anchor = urldefrag(link)
            target = target_of(unquote(path), file, site)
            known = pages[target].anchors if target in pages else None
            missed = anchor and known is not None and unquote(anchor) not in known
            if not target.is_file() or missed:
                yield f"{file.relative_to(site)}: {link}"


def target_of(path: str, file: Path, site: Path) -> Path:
    """The file that a path on a page names; what begins with a slash counts from the site."""
    if not path:
        return file
    target = site / path.lstrip("/") if path.startswith("/") else file.parent / path
    return Path(os.path.normpath(target / "index.html" if target.is_dir() else target))


def asked_outside(pages: dict[Path, Read], site: Path) -> Iterator[str]:
    """What pages and style sheets would load from another host."""
    for file, page in pages.items():
        for tag, address in page.loaded:
            if leads_outside(address):
                yield f"{file.relative_to(site)}: {tag} {address}"
    for file in sorted(site.rglob("*.css")):
        for address in IN_STYLE.findall(file.read_text("utf-8")):
            if leads_outside(address):
                yield f"{file.relative_to(site)}: {address}"
