"""The one error that is meant for the reader: its message is a whole sentence, shown as it is."""


class GlassError(ValueError):
    """Something the reader gave (a sentence, a name, a mask, a file) can't be used; the message
    says what and why.
    """
