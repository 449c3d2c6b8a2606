"""A Hub on this machine: the part of its protocol that a download needs, over real sockets, so that
the real client is tested and no network is used.

with small_hub({"org/name": {"config.json": b"{}"}}) as hub:
    hub.address     what HF_ENDPOINT has to be
    hub.asked       every request: the method and the file
    hub.hold        while it is set, a GET of weights stops halfway
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMITS = ["a" * 40, "b" * 40]
_PATH = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>[^/?]+)")


@dataclass
class SmallHub:
    """What it has and what it was asked for. versions: of each model the files at each commit."""

    versions: dict[str, list[dict[str, bytes]]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def files(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit and the files of a revision: main is the newest."""
        found = dict(zip(COMMITS, self.versions.get(repo, []), strict=False))
        commit = list(found)[-1] if found and revision == "main" else revision
        return (commit, found[commit]) if commit in found else None


def handler(hub: SmallHub) -> type:
    """What answers the requests."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            if (data := self.answer()) is None:
                return
            half = len(data) // 2
            self.wfile.write(data[:half])
            self.wfile.flush()
            while hub.hold.is_set() and self.file.endswith(".safetensors"):
                threading.Event().wait(0.02)
            self.wfile.write(data[half:])

        def answer(self) -> bytes | None:
            found = _PATH.match(self.path)
            self.file = found["file"] if found else ""
            hub.asked.append((self.command, self.file))
            version = hub.files(found["repo"], found["revision"]) if found else None
            if version is None or self.file not in version[1]:
                self.send_response(404)
                code = "EntryNotFound" if version else "RepoNotFound"
                self.send_header("X-Error-Code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            commit, data = version[0], version[1][self.file]
            self.send_response(200)
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            return data

        def log_message(self, *_) -> None:
            pass

    return Answer


@contextmanager
def small_hub(files: dict[str, dict[str, bytes]]) -> Iterator[SmallHub]:
    """Serves these files of these models at their first commit."""
    hub = SmallHub({repo: [contents] for repo, contents in files.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.hold.clear()
        server.shutdown()
        server.server_close()
