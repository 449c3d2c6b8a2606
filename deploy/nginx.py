"""The configuration of the nginx before the app, from its template.

print(configuration(Proxy(folder=Path("/run/glassformer"), apps=("127.0.0.1:8601",))))
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit
from jinja2 import Environment, StrictUndefined

TEMPLATE = Path(__file__).with_name("nginx.conf.j2")
SHUNNED = 5  # seconds in which no reader is led to a process that has failed once
PLAIN = re.compile(r"[\w./:\[\]-]+")  # what may stand in the file without quotes


@dataclass(frozen=True)
class Proxy:
    """What the template needs. apps: the processes' addresses. listen: an address and a port.
    behind: networks of proxies before this one, whose word on a reader's address counts. pages,
    files: requests a second for an address; connections, all: open ones for an address, and in all.
    """

    folder: Path
    apps: tuple[str, ...]
    listen: str = "127.0.0.1:8080"
    log: str = "/dev/stdout"
    errors: str = "stderr"
    certificate: str = ""
    key: str = ""
    behind: tuple[str, ...] = ()
    pages: int = 20
    files: int = 200
    connections: int = 200
    all: int = 2000


def configuration(proxy: Proxy) -> str:
    """The file. Raises ValueError for a word that could end a line of it."""
    given = asdict(proxy) | {"folder": str(proxy.folder)}
    words = [*proxy.apps, *proxy.behind, *(each for each in given.values() if type(each) is str)]
    if wrong := [word for word in words if word and not PLAIN.fullmatch(word)]:
        raise ValueError(f"nginx can't be told of {wrong[0]!r}")
    room = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    template = room.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(given, policy=policy(), shunned=SHUNNED)


def policy() -> str:
    """What a page may load, and from where: nothing from elsewhere. Streamlit's page has a script
    in it, which is named by its hash; the app's components come as blobs, their styles stand in
    the page.
    """
    allowed = {
        "default-src": "'none'",
        "script-src": f"'self' blob: {' '.join(map(quoted_hash, inline_scripts()))}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def inline_scripts() -> list[str]:
    """The scripts that stand in Streamlit's page itself."""
    page = Path(streamlit.__file__).parent / "static/index.html"
    return re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), re.S)


def quoted_hash(script: str) -> str:
    """A script's name in the policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
