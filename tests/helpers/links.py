"""Short links as a browser makes them (assets/components/link.js), and forged ones."""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64encode
from urllib.parse import quote

from streamlit.testing.v1 import AppTest

from tests.helpers.pages import ROOT
from ui.session.short_link import FORM, SHORT
from ui.session.versions import SIGN, VERSION


def written(packed: bytes) -> str:
    """What zlib made, as it stands in an address."""
    return FORM + urlsafe_b64encode(packed).decode().rstrip("=")


def packed(asked: dict[str, str]) -> str:
    """Parameters in the short form."""
    pairs = (f"{quote(k)}={re.sub('[%&+]', lambda m: quote(m[0]), v)}" for k, v in asked.items())
    return written(zlib.compress("&".join(pairs).encode()))


def short(**asked: str) -> dict[str, str]:
    """A short link of today that asks for these."""
    return {SHORT: packed({SIGN: str(VERSION)} | asked)}


def followed(path: str, asked: dict[str, str]) -> AppTest:
    """A page in a new session, opened by a link that says just that."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if path != "app.py":
        app.switch_page(path)
    for key, value in asked.items():
        app.query_params[key] = value
    return app.run()
