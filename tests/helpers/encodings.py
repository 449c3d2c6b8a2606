"""What must hold of a text that was cut into tokens, by whatever tokenizer."""

from __future__ import annotations

from core.models.tokenizer import Encoding
from core.text import label, on_one_line


def check_encoding(found: Encoding, text: str) -> None:
    """Each token has an id, a piece, a place in the text (or none) and a word (or none); places lie
    in the text and in its order, and what is shown of it can be printed.
    """
    count = len(found.ids_L)
    assert found.ids_L.shape == (count,) and found.ids_L.dtype.kind == "i"
    assert count == len(found.pieces) == len(found.spans) == len(found.words_L)
    assert (found.ids_L >= 0).all()
    size = len(found.text_at(0)) if count else 0
    typed = [span for span in found.spans if span]
    assert all(0 <= start <= end <= size for start, end in typed), found.spans
    for position, piece in enumerate(found.pieces):
        shown = (label(piece), on_one_line(piece), label(found.characters(position)))
        assert all(each.isprintable() for each in shown), shown
    for word in {each for each in found.words_L if each is not None}:
        assert [found.words_L[place] for place in found.word(word)] == [word] * len(
            found.word(word)
        )
