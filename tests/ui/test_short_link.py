"""A short link asks for what its long form asks for, and a forged one for nothing."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from urllib.parse import urlencode

import pytest

from core.errors import GlassError
from tests.helpers.links import followed, packed, short, written
from tests.helpers.pages import HOSTILE, OTHERS, address, said
from tests.helpers.sample import one_in
from ui.session import short_link
from ui.session.selection import CODECS
from ui.session.short_link import FORM, LARGEST, LONGEST, inflated, unpacked
from ui.session.versions import SIGN, VERSION

LONG = {
    "sentence": "The small black cat sleeps on the green chair & 100 % = 漢字 + 👩‍👩‍👧.",
    "model": "study-decoder",
    "change": "head:decoder.0.3+temp:decoder.1.0=0.5",
    "depth": "numbers",
    "cell": "decoder.0.attn.pattern:3,2,1",
    "cards": "heads-silent.heads-roles",
    "ask": "0",
}
WHOLE = packed(LONG)
BYTES = zlib.compress(b"layer=2&depth=code")


def of_bytes(found: bytes) -> str:
    return written(zlib.compress(found))


def with_dictionary() -> bytes:
    """What needs words that only its maker has."""
    machine = zlib.compressobj(zdict=b"layer=2&depth=code")
    return machine.compress(b"layer=2&depth=code") + machine.flush()


FORGED = {
    "empty": "",
    "nothing in it": FORM,
    "another form": "2" + WHOLE[1:],
    "cut off": WHOLE[:-5],
    "cut off by a byte": written(BYTES[:-1]),
    "another checksum": written(BYTES[:-1] + bytes([BYTES[-1] ^ 1])),
    "not zlib": written(b"layer=2"),
    "gzip": written(zlib.compress(b"layer=2", wbits=31)),
    "without a head": written(zlib.compress(b"layer=2", wbits=-15)),
    "a dictionary": written(with_dictionary()),
    "more after it": written(BYTES + b"x"),
    "not base64": FORM + "eJ!§",
    "other base64": FORM + "+/+/",
    "a letter too few": WHOLE[:-1] if len(WHOLE) % 4 == 3 else FORM + "eJxLy",
    "line breaks": WHOLE[:20] + "\n" + WHOLE[20:],
    "zeros": of_bytes(bytes(30_000_000)),
    "a long text": of_bytes(b"sentence=" + b"a" * LARGEST),
    "a long form": FORM + "A" * LONGEST,
    "no text": of_bytes(b"sentence=\xff\xfe"),
    "no text inside": of_bytes(b"sentence=%FF%FE"),
    "half a pair": of_bytes(b"sentence=\xed\xa0\x80"),
    "NUL alone": of_bytes(b"\x00"),
    "no pairs": of_bytes(b"layer"),
    "twice": of_bytes(b"layer=1&layer=2"),
    "itself": of_bytes(b"z=" + WHOLE.encode()),
    "many": of_bytes("&".join(f"a{i}=1" for i in range(500)).encode()),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_link_is_refused(name):
    with pytest.raises(GlassError):
        unpacked(FORGED[name])


@pytest.mark.parametrize("name", one_in(9, FORGED))
def test_a_page_says_that_a_forged_link_can_not_be_read_and_opens_without_it(name):
    app = followed("pages/4_Heads.py", {"z": FORGED[name], "ask": "0"})
    assert not app.exception and said(app).count("This short link can't be read: ") == 1
    assert app.session_state["layer"] != 99 and "z" not in app.query_params
    assert "short link" not in said(app.run())


@pytest.mark.slow
def test_a_gigabyte_of_zeros_takes_no_room_and_no_time():
    machine, parts = zlib.compressobj(), []
    for _ in range(1024):
        parts.append(machine.compress(bytes(1 << 20)))
    bomb = b"".join([*parts, machine.flush()])
    tracemalloc.start()
    with pytest.raises(GlassError, match="more than"):
        inflated(bomb)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_what_is_packed_is_unpacked():
    assert unpacked(WHOLE) == LONG
    assert unpacked(packed({"sentence": "", "layer": "2"})) == {"sentence": "", "layer": "2"}
    for text in HOSTILE.values():
        assert unpacked(packed({"sentence": text})) == {"sentence": text}
    assert unpacked(written(zlib.compress(urlencode(LONG).encode()))) == LONG  # the strict spelling


@pytest.mark.parametrize("seed", range(4))
def test_a_link_that_was_changed_anywhere_is_refused_or_is_a_list_of_texts(seed):
    """The checksum finds every change of a byte; a letter of another case is such a change."""
    draw = random.Random(seed)
    for _ in range(1_000):
        letters = list(WHOLE)
        for _ in range(draw.randint(1, 3)):
            letters[draw.randrange(len(letters))] = draw.choice("AZaz09-_%=\x00é")
        try:
            found = unpacked("".join(letters))
        except GlassError:
            continue
        assert found == LONG  # the change fell on bits that base64 does not use, or changed nothing


@pytest.mark.one_in(2)
@pytest.mark.parametrize("path", ["app.py", *one_in(6, OTHERS)])
def test_a_short_link_shows_what_its_long_form_shows(path):
    plain = followed(path, {SIGN: str(VERSION)} | LONG)
    app = followed(path, short(**LONG))
    assert not app.exception and address(app) == address(plain) and said(app) == said(plain)
    assert all(app.session_state[name] == plain.session_state[name] for name in CODECS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer": "2.0", "depth": "deep", "model": "no-such-model"},
        {"sentence": HOSTILE["control"], "cell": "encoder.99.attn.q:0,0,0"},
        {"change": "norms+" + "head:decoder.0.0+" * 200, "grid": "e3"},
        {"answered": "x", "cards": "A", "seen": "x", "at": "<b>"},
    ],
)
def test_what_is_in_a_short_link_is_checked_as_in_any_address(wrong):
    plain = followed("pages/4_Heads.py", {SIGN: str(VERSION), "ask": "0"} | wrong)
    app = followed("pages/4_Heads.py", short(ask="0", **wrong))
    assert not app.exception and address(app) == address(plain)
    assert said(app) == said(plain)


def test_what_stands_beside_a_short_link_holds_in_its_place():
    app = followed("pages/4_Heads.py", short(layer="1", head="2", ask="0") | {"head": "3"})
    assert (app.session_state["layer"], app.session_state["head"]) == (1, 3)


def test_no_more_is_unpacked_than_is_kept(monkeypatch):
    """zlib is asked for one byte more than a link may hold, so that a larger one is told apart."""
    asked = []
    machine = zlib.decompressobj

    class Counted:
        def __init__(self):
            self.inside = machine()

        def decompress(self, packed, most):
            asked.append(most)
            return self.inside.decompress(packed, most)

        def __getattr__(self, name):
            return getattr(self.inside, name)

    monkeypatch.setattr(short_link.zlib, "decompressobj", Counted)
    assert unpacked(WHOLE) == LONG and asked == [LARGEST + 1]
