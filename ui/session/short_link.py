"""A long link in a short form: one parameter that holds all others, compressed.

    z=1eJx…     the form of the packing, then base64url of what zlib made of the parameters,
                written as in an address

assets/components/link.js packs it in the browser, where a link is copied. It comes from outside:
it is bounded before and after it is unpacked, and what is in it is then checked like any address.
"""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64decode
from urllib.parse import parse_qsl

from core.errors import GlassError

SHORT = "z"  # its name in an address
FORM = "1"  # of the packing
LONGEST = 40_000  # characters of the packed form
LARGEST = 65_536  # bytes of what is in it
MOST = 400  # parameters
BASE64 = re.compile(r"[A-Za-z0-9_-]*")


def unpacked(text: str) -> dict[str, str]:
    """The parameters that a short link holds. Raises GlassError for one that is cut off, changed,
    too large, or of another form.
    """
    if not text.startswith(FORM):
        raise GlassError("it has a form that this version of the app does not know")
    if len(text) > LONGEST:
        raise GlassError(f"it has more than {LONGEST:,} characters")
    if not BASE64.fullmatch(text) or len(packed := text[len(FORM) :]) % 4 == 1:
        raise GlassError("it has been changed or cut off")
    return parameters(inflated(urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))


def inflated(packed: bytes) -> bytes:
    """What zlib had compressed, never more than LARGEST bytes of it at once; the checksum holds."""
    machine = zlib.decompressobj()
    try:
        found = machine.decompress(packed, LARGEST + 1)
    except zlib.error:
        raise GlassError("it has been changed or cut off") from None
    if len(found) > LARGEST:
        raise GlassError(f"it holds more than {LARGEST:,} bytes")
    if not machine.eof or machine.unused_data:
        raise GlassError("it has been changed or cut off")
    return found


def parameters(found: bytes) -> dict[str, str]:
    """The names and texts of an address. Each name stands once, and none packs others again."""
    try:
        pairs = parse_qsl(
            found.decode(),
            keep_blank_values=True,
            strict_parsing=bool(found),
            errors="strict",
            max_num_fields=MOST,
        )
    except ValueError:
        raise GlassError("what it holds is no list of parameters") from None
    if len(link := dict(pairs)) < len(pairs) or SHORT in link:
        raise GlassError("it names a parameter twice")
    return link
