"""What a link that was copied says, and what it says beside the choices.

    followed(link, title)   the choices that a link of any form and version asks for, by today's
                            names
    seen_in(link)           what the browser alone knows of a view: where it is scrolled to, and
                            how pictures are zoomed, folded and filtered

The browser writes the latter into a link when it is copied (assets/components/link.js). No address
keeps it: to scroll or to zoom runs nothing.
"""

from __future__ import annotations

import re

from core.errors import GlassError
from ui.session.address import parsed
from ui.session.memory import note
from ui.session.selection import Codec, text, whole_number
from ui.session.short_link import SHORT, unpacked
from ui.session.versions import SIGN, VERSION, of_today

# The key of a part of the page, and how many thousandths of it are above the line of reading
PLACE = re.compile(r"([\w-]{1,100}~-?\d{1,5})?", re.ASCII)
# For each picture its key, what of it, and the value
SEEN = re.compile(r"([\w-]{1,100}\.[a-z]{1,12}\.[^~]{1,60}(~|$))*", re.ASCII)
BESIDE: dict[str, Codec] = {
    "at": text("", 110, "a place on the page such as card_heads-silent~250", PLACE.fullmatch),
    "seen": text("", 2_000, "the state of pictures such as tokens-map.zoom.2", SEEN.fullmatch),
}
SIGNS = whole_number(VERSION, 1)


def followed(link: dict[str, str], title: str) -> dict[str, str]:
    """What a link asks for, by the names of today. title: of the page that it leads to. What
    can't be followed is noted, and the rest holds.
    """
    link = of_today(plain_form(link), title)
    if SIGN in link and parsed(SIGNS, SIGN, link[SIGN]) > VERSION:
        note(
            "This link was made by a newer version of the app. What that does not share with this"
            " one is left out."
        )
    return link


def plain_form(link: dict[str, str]) -> dict[str, str]:
    """The link with all its parameters; what stands beside a short form holds in its place."""
    others = {key: text for key, text in link.items() if key != SHORT}
    if SHORT not in link:
        return others
    try:
        return unpacked(link[SHORT]) | others
    except GlassError as error:
        note(f"This short link can't be read: {error}. You see the page without it.")
        return others


def seen_in(link: dict[str, str]) -> dict[str, str]:
    """What a link says of the view beside the choices; what is not written as it should be is
    noted."""
    return {
        name: parsed(codec, name, link[name]) if name in link else codec.default
        for name, codec in BESIDE.items()
    }
