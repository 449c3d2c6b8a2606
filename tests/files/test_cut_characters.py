"""Which character a piece of bytes is making, and which of its bytes it holds."""

from __future__ import annotations

import pytest

from core.models.cut_characters import characters_in, cut_characters
from core.models.gguf_tokenizer import ScoredPieces
from core.models.tokenizer import Tokenizer
from tests.helpers.tokenizer_files import llama


def said(tokenizer, ids_L) -> dict[int, str]:
    return {
        place: ", ".join(part.words(part.character) for part in parts)
        for place, parts in cut_characters(tokenizer, ids_L).items()
    }


@pytest.mark.parametrize(
    "text, words",
    [
        ("aé", {}),  # both are whole in a piece
        ("a 漢", {1: "byte 1 of 3 of 漢", 2: "byte 2 of 3 of 漢", 3: "byte 3 of 3 of 漢"}),
        ("😀", {0: "bytes 1 and 2 of 4 of 😀", 1: "byte 3 of 4 of 😀", 2: "byte 4 of 4 of 😀"}),
    ],
)
def test_each_piece_of_a_character_says_what_it_makes(smollm2, text, words):
    assert said(smollm2.tokenizer, smollm2.ids(text)) == words


def test_a_piece_may_end_one_character_and_begin_the_next():
    class Bytes:
        def raw(self, token_id):
            return (b"\xe6\xbc", b"\xa2\xc3", b"\xa9", None, b"\xa9", b"ab\xf0\x9f\x98", b"\x80")[
                token_id
            ]

    assert said(Bytes(), range(7)) == {
        0: "bytes 1 and 2 of 3 of 漢",
        1: "byte 3 of 3 of 漢, byte 1 of 2 of é",
        2: "byte 2 of 2 of é",
        5: "bytes 1 to 3 of 4 of 😀",
        6: "byte 4 of 4 of 😀",
    }
    assert said(Bytes(), (0, 3, 1)) == {}  # a special token stands between them
    assert characters_in(b"\xc0\x80\xed\xa0\x80\xff\xf5\x80\x80\x80") == []  # no UTF-8


def test_bytes_of_a_sentencepiece_vocabulary_say_it_too():
    library = Tokenizer(llama())
    found = library.encode("a漢")
    assert found.pieces[-3:] == ("<0xE6>", "<0xBC>", "<0xA2>")
    last = len(found.pieces) - 1
    assert said(library, found.ids_L)[last] == "byte 3 of 3 of 漢"
    tokens = tuple(f"<0x{byte:02X}>" for byte in range(256))
    scored = ScoredPieces(tokens, (0.0,) * 256, (6,) * 256, (), (), False)
    assert said(scored, scored.encode("é").ids_L) == {0: "byte 1 of 2 of é", 1: "byte 2 of 2 of é"}


@pytest.mark.parametrize("name", ("minilm", "smollm2"))
def test_whole_characters_of_typed_texts_are_never_said_to_be_cut(name, request):
    from tests.helpers.texts import stored

    model = request.getfixturevalue(name)
    for text in stored()[0][::7]:
        found = model.encode(text)
        for place, parts in cut_characters(model.tokenizer, found.ids_L).items():
            letters = found.characters(place)
            assert all(part.character in letters and part.of > 1 for part in parts), text
