"""The one error that is meant for the reader: its message is a whole sentence, shown as it is."""

import unicodedata

_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi, and of signs such as 👩‍🔬


class GlassError(ValueError):
    """Something the reader gave (a sentence, a name, a mask, a file) can't be used; the message
    says what and why. Parts of it may come from a file or a library: what can't be seen in these is
    taken out.
    """

    def __init__(self, message: object = ""):
        super().__init__(harmless(str(message)))


def harmless(text: str) -> str:
    """The text without signs that can't be seen and change how others are: control characters,
    those that turn the direction of what follows, halves of surrogate pairs. A new line is a space.
    """
    if text.isprintable():
        return text
    return "".join(map(_harmless_letter, text))


def _harmless_letter(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in _JOINERS:
        return " " if letter.isspace() else "\ufffd"
    return letter
