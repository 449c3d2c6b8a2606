"""Addresses that the app never wrote: for each parameter values of all kinds, drawn by a seed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from urllib.parse import quote

from tests.helpers.links import packed
from tests.helpers.odd_texts import odd_text
from ui.session.selection import CODECS
from ui.session.shared import BESIDE
from ui.session.short_link import SHORT
from ui.session.versions import FIRST_NAMES, GUESS, SIGN

BEGINS = json.loads((Path(__file__).parents[1] / "ui/link_begins.json").read_text("utf-8"))["2"]
KEYS = {codec.key: codec for codec in CODECS.values()} | BESIDE
NAMES = sorted({*KEYS, *FIRST_NAMES, GUESS, SIGN, SHORT, "V", "model ", "memory", "__proto__"})
NUMBERS = (
    *("0", "1", "-1", "2", "07", "99", "999999", "1000000", "-999999", "9" * 30, "1e3", "0x10"),
    *("0.1", "2.0", "2.05", "1.000001", "-0", "+1", " 1", "1 ", "١", "²", "nan", "inf", "1_0", ""),
)
SPELLED = (
    *("decoder.0.attn.pattern:3,2,1", "encoder.99.out:1,2", "head.logits:0,9", "decoder.0.out:"),
    *("e3-4,e5-1", "decoder,e3-4", "d999-999", "e3-4," * 40, "e" * 300, "own:e3-4"),
    *("norms", "head:encoder.0.3+temp:decoder.1.0=0.5", "pad:99", "set:decoder.out[4,0]=1e999"),
    *("patch:decoder.1.stream[2]=%2B" + "a" * 300, "learn:adamw,20,0.001=x", "token:3=-7"),
    *("1-house", "a4-9~house", "0-1", "99-99", "3-2", "12-34-56", "1234abcd_1~0.5_2~-1e-9"),
    *("heads-silent.heads-roles", "a." * 150, "card_heads-silent~250", "tokens-map.zoom.2"),
    *("study-decoder", "minilm", "gpt2", "someone/model@main", "/etc/passwd", "../..", "C:\\x"),
    *("a.b.c~" * 300, "-" * 2_000, "a~" * 900, "a-" * 150, "\u202eabc", "x" * 21_000),
)


def odd_value(rng: Random, key: str) -> str:
    """A text in the place of a value: one that might be right, or nearly, or never."""
    words = re.findall(r"[\w.-]+", KEYS[key].message) if key in KEYS else ["1", "shown"]
    known = [*words, BEGINS.get(key) or "0", *SPELLED]
    way = rng.random()
    if way < 0.3:
        return rng.choice(NUMBERS)
    if way < 0.6:
        return rng.choice(known)
    if way < 0.8:
        return spoiled(rng, rng.choice(known))
    return odd_text(rng).encode("utf-8", "replace").decode()  # no address has half of a pair


def spoiled(rng: Random, text: str) -> str:
    """A text with a sign more, less or other."""
    at = rng.randrange(len(text) + 1)
    sign = rng.choice(("", *"~:,.-+=%[]\0\n19aé", "\u202e", "٣"))
    return text[:at] + sign + text[at + rng.randrange(2) :]


def odd_link(rng: Random) -> dict[str, str]:
    """The parameters of an address, of a version or none; some within a short link, which may be
    forged.
    """
    keys = rng.choices(NAMES, k=rng.choice((1, 1, 2, 3, 8, 40)))
    link = {key: odd_value(rng, key) for key in keys}
    if rng.random() < 0.7:
        link[SIGN] = rng.choice(("1", "2", "2", "2", "3", "0", "999", "-1", "two", ""))
    if rng.random() < 0.3:
        inside = packed({key: text for key, text in link.items() if key != SHORT})
        link = dict(list(link.items())[:2]) | {SHORT: inside}
        if rng.random() < 0.3:
            link[SHORT] = spoiled(rng, inside)
    return link


def query(rng: Random, link: dict[str, str]) -> str:
    """The same as text; now and then a name stands twice, and signs are left as they are."""
    pairs = [*link.items()]
    pairs += [(key, odd_value(rng, key)) for key in link if rng.random() < 0.2]
    rng.shuffle(pairs)
    return "&".join(
        f"{quote(key)}={quote(text, safe=rng.choice(('', '/:,~')))}" for key, text in pairs
    )
