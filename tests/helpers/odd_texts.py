"""Texts that nobody types, and some that attackers do: drawn by a seed, without end."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

PLANES = (
    *((0x00, 0x7F), (0x80, 0x24F), (0x370, 0x1FFF), (0x2000, 0x2BFF), (0x3000, 0x9FFF)),
    *((0xAC00, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x3FFFF)),
    *((0xE0000, 0xE01EF), (0xF0000, 0x10FFFF)),
)
CONTROLS = (*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029")
TURNING = (
    *"\u200b\u200c\u200d\u200e\u200f\u061c\ufeff\u2060\u00ad",
    *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
)
ABOVE = (*map(chr, range(0x300, 0x370)), "\u20e3", "\u0e47", "\u093f", "\u0bcd", "\ufe0f")
SIGNS = (*"👩👨🔬👧🏽🇫🇷🏴", "\u200d", "\ufe0f", "\U000e0067", "\U000e007f")
MARKS = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</style><style>*{}"),
    *("![x](https://evil.example/x.png)", "[a](javascript:alert(1))", ":red[red]", "**_`~"),
    *("&lt;&#0;", "$\\frac{1}{0}$", "@import url(//x)", "expression(1)", "../../etc/passwd"),
    *("%s%n%x", "{0.__class__}", "${jndi:ldap://x}", "{{7*7}}", "%00", "\\x00\\u202e"),
    *("'; DROP TABLE--", "=1+1|' /C calc'!A0", "\x1b[2J\x1b]0;x\x07", "\x00", "Ġ▁", "##s"),
    *("[MASK]", "[CLS][SEP]", "<|im_start|>", "<s></s>", "<|endoftext|>", "[UNK]"),
)
WORDS = tuple("the books that student recommended sees a 12 é naïve 漢字 कि सلام שלום".split())
SPACES = " \t\n\r\x0b\x0c\x1c\x85\xa0\u1680\u2003\u2028\u202f\u3000"


def letters(rng: Random, size: int) -> str:
    """Letters of all planes, assigned or not; no halves of pairs."""
    found = (chr(rng.randint(*rng.choice(PLANES))) for _ in range(size))
    return "".join(each for each in found if not 0xD800 <= ord(each) < 0xE000)


def mixed(rng: Random, size: int, parts: tuple[str, ...] | None = None) -> str:
    """Parts of a kind between words."""
    parts = parts or rng.choice((CONTROLS, TURNING, SIGNS, ABOVE))
    drawn = (rng.choice(parts if rng.random() < 0.6 else WORDS) for _ in range(size))
    return "".join(drawn)


def marked(rng: Random, size: int) -> str:
    """What a page, a terminal, a spreadsheet or a tokenizer might take for its own."""
    return " ".join(rng.choice(MARKS + WORDS) for _ in range(size))


def flood(rng: Random, size: int) -> str:
    """One letter under a pile of marks."""
    return rng.choice("aéक漢") + "".join(rng.choice(ABOVE) for _ in range(3 * size))


def long_word(rng: Random, size: int) -> str:
    """One word, as long as a text may be."""
    part = rng.choice(("a", "ab", "é", "漢", "1", "-", "'", "👍", "\u0301", "##", "A"))
    return part * (rng.choice((1, 10, 100)) * size)


def spaces(rng: Random, size: int) -> str:
    """Spaces of all kinds, and not much else."""
    return "".join(rng.choice(SPACES) for _ in range(size)) + rng.choice(("", "a"))


def halved(rng: Random, size: int) -> str:
    """A text with a half of a surrogate pair in it."""
    return mixed(rng, size, WORDS) + chr(rng.randint(0xD800, 0xDFFF)) + mixed(rng, size, WORDS)


KINDS = (letters, letters, mixed, mixed, mixed, mixed, marked, marked, flood, long_word, spaces)


def odd_text(rng: Random) -> str:
    """A text of one of these kinds, or several after each other."""
    found = halved(rng, rng.randint(1, 25)) if rng.random() < 0.03 else ""
    while not found or rng.random() < 0.3:
        found += rng.choice(KINDS)(rng, rng.randint(1, 25))
    return found


def odd_texts(rng: Random, count: int) -> Iterator[str]:
    """So many of them."""
    return (odd_text(rng) for _ in range(count))
