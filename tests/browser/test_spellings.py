"""One spelling of a number, in Python and in the browser; what is not 0 or 1 does not read as 0 or
1."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest

from core.text import number, percent
from tests.helpers.browser import modules

ROOT = Path(__file__).resolve().parents[2]
CASES = json.loads((ROOT / "tests/spellings.json").read_text(encoding="utf-8"))


def floats(count: int) -> list[float]:
    """Numbers of every size and sign, as 32 and as 64 bits, and some that lie midway between
    two.
    """
    dice = random.Random(7)
    singles = [struct.unpack("<f", dice.randbytes(4))[0] for _ in range(count)]
    doubles = [struct.unpack("<d", dice.randbytes(8))[0] for _ in range(count)]
    return (
        singles
        + doubles
        + [n / 32 for n in range(-count, count)]
        + [1 - n / 4096 for n in range(99)]
    )


@pytest.mark.parametrize("x, digits, text", CASES["numbers"])
def test_a_number_in_python(x, digits, text):
    assert number(float(x), digits) == text


@pytest.mark.parametrize("share, digits, text", CASES["shares"])
def test_a_share_in_python(share, digits, text):
    assert percent(float(share), digits) == text


@pytest.fixture(scope="module")
def spell(browser):
    """spell("rounded", cases): what the browser writes, with the module that all components
    share.
    """
    words = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    code = """const [name, cases] = given, numbers = await import("/numbers.js")
        return cases.map(([x, digits]) => numbers[name](Number(x), digits))"""
    with modules(browser) as run:
        yield lambda name, cases: run(
            code,
            [name, [[words.get(str(float(x)), repr(float(x))), digits] for x, digits in cases]],
        )


def test_the_browser_writes_the_same_numbers(spell):
    cases = [(x, digits) for x, digits, _ in CASES["numbers"]]
    assert spell("rounded", cases) == [text for *_, text in CASES["numbers"]]
    more = [(x, digits) for x in floats(400) for digits in (1, 2, 5, 9)]
    assert spell("rounded", more) == [number(x, digits) for x, digits in more]


def test_the_browser_writes_the_same_shares(spell):
    cases = [(x, digits) for x, digits, _ in CASES["shares"]]
    assert spell("percent", cases) == [text for *_, text in CASES["shares"]]
    more = [(x, digits) for x in floats(400) if -9 < x < 9 for digits in (0, 1, 2)]
    assert spell("percent", more) == [percent(x, digits) for x, digits in more]
