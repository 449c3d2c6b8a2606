"""A text as a message of a chat: the template of a model's files says what stands around it.

It lies in chat_template.jinja, under “chat_template” in tokenizer_config.json, or under
`tokenizer.chat_template` in a GGUF header, and is a program that nobody has checked. Each rendering
runs in a process of its own (`core/models/apart.py`), in jinja2's sandbox, within two
seconds of processor time and half a gigabyte; whatever it does beyond that is a GlassError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path

from ..errors import GlassError, harmless
from . import chat_process
from .apart import Bounds, EndedError, answer_of
from .auto_tokenizer import files_in, named_tokens
from .fields import Fields, read_json, regular_size
from .tokenizer import Encoding, check_text

LONGEST_TEMPLATE = 100_000  # characters; those of the large models have up to 30,000
SECONDS, MEMORY = 2, 512 << 20  # of processor time; bytes
WAIT = 20  # seconds, on a machine that has other work


@dataclass(frozen=True)
class ChatTemplate:
    """A template, and the special tokens that it may write by their names."""

    source: str
    names: tuple[tuple[str, str], ...] = ()  # such as ("bos_token", "<s>")
    # Of a GGUF file: what its tokenizer puts around a text stands around this one, too, but once
    around: bool = False

    def render(self, text: str) -> Rendered:
        """The text as the user's message, with the beginning of the answer after it. Raises
        GlassError where the template can't be run.
        """
        return render(self, check_text(text))

    def encode(self, tokenizer, text: str) -> Encoding:
        """That text in pieces; the spans are those of what was typed, and whatever the template
        adds has none. Raises GlassError where the template can't be run.
        """
        made = self.render(text)
        cut = tokenizer.encode(made.text, special=self.around)
        return as_typed(without_doubles(cut) if self.around else cut, made, text)


@dataclass(frozen=True)
class Rendered:
    """What a template made of a text, and where in it the text itself stands."""

    text: str
    start: int = 0  # the first character of what was typed, and the one after its last;
    end: int = 0  # the same: it can't be told apart
    first: int = 0  # characters at the beginning of what was typed that the template left out


def render(template: ChatTemplate, text: str) -> Rendered:
    """Runs a template on a text, and on a sign in its place: so it is seen where the text goes."""
    sign = sign_beside(template.source + text)
    answer = run_template(template, (text, sign))
    if isinstance(answer, str):
        raise GlassError(answer)
    made, marked = answer
    before, found, after = check_text(made), marked.partition(sign), marked.rpartition(sign)
    if not found[1] or found != after:
        return Rendered(before)
    head, _, tail = found
    for typed in (text, text.strip()):
        if before == head + typed + tail:
            return Rendered(before, len(head), len(head) + len(typed), text.index(typed))
    return Rendered(before)


def sign_beside(text: str) -> str:
    """A letter that does not stand in a text."""
    return next(letter for letter in map(chr, count(0xE000)) if letter not in text)


@lru_cache(maxsize=64)
def run_template(template: ChatTemplate, texts: tuple[str, ...]) -> tuple[str, ...] | str:
    """The template run on each text; or why it fails, a sentence, which is remembered, too. Raises
    GlassError where this machine had no time for it.
    """
    question = {"template": template.source, "names": dict(template.names), "texts": texts}
    bounds = Bounds(SECONDS, MEMORY, wait=WAIT)
    try:
        answer = answer_of(chat_process.__name__, question, bounds)
    except EndedError as ended:
        return refused(str(ended))
    except GlassError as error:
        raise GlassError(refused(lowered(str(error)))) from None
    return refused(answer["error"]) if "error" in answer else tuple(answer["texts"])


def lowered(sentence: str) -> str:
    """A sentence as the end of another."""
    return sentence[:1].lower() + sentence[1:]


def refused(why: str) -> str:
    """What is said of a template that can't be used."""
    return f"The chat template of this model cannot be used: {harmless(why).rstrip('. ')}."


# --- tokens ---------------------------------------------------------------------------------------


def as_typed(cut: Encoding, made: Rendered, typed: str) -> Encoding:
    """The pieces of a rendered text as those of what was typed."""
    shift = made.first - made.start
    spans = [
        (max(span[0], made.start) + shift, min(span[1], made.end) + shift)
        if span and span[0] < made.end and span[1] > made.start
        else None
        for span in cut.spans
    ]
    words = [word if span else None for span, word in zip(spans, cut.words_L, strict=True)]
    numbers = {word: n for n, word in enumerate(dict.fromkeys(w for w in words if w is not None))}
    return replace(
        cut,
        text=typed,
        spans=tuple(spans),
        words_L=tuple(None if word is None else numbers[word] for word in words),
        chat=True,
    )


def without_doubles(cut: Encoding) -> Encoding:
    """The same without a first or last token that the tokenizer has put beside its like, which the
    template had written already.
    """
    ids, keep = cut.ids_L.tolist(), list(range(len(cut.ids_L)))
    if len(ids) > 1 and cut.spans[0] is None and ids[0] == ids[1]:
        del keep[0]
    if len(ids) > 1 and cut.spans[-1] is None and ids[-1] == ids[-2]:
        del keep[-1]
    return replace(
        cut,
        ids_L=cut.ids_L[keep],
        pieces=tuple(cut.pieces[i] for i in keep),
        spans=tuple(cut.spans[i] for i in keep),
        words_L=tuple(cut.words_L[i] for i in keep),
        segments_L=cut.segments_L and tuple(cut.segments_L[i] for i in keep),
    )


# --- from the files -------------------------------------------------------------------------------


def chat_in_folder(folder: Path, family: str) -> tuple[ChatTemplate | None, tuple[str, ...]]:
    """The template of a folder, and a note where it has one that can't be read."""
    try:
        source = source_in(folder)
        if source is None:
            return None, ()
        return ChatTemplate(checked(source), named_tokens(files_in(folder), family)), ()
    except GlassError as error:
        return None, (str(error),)


def chat_in_gguf(metadata: Mapping) -> tuple[ChatTemplate | None, tuple[str, ...]]:
    """The template in a GGUF header, and a note where it has one that can't be read."""
    header = Fields(dict(metadata), "The GGUF header")
    source = header.get("tokenizer.chat_template")
    if source is None:
        return None, ()
    try:
        return ChatTemplate(checked(source), names_in_gguf(header), around=True), ()
    except GlassError as error:
        return None, (str(error),)


def source_in(folder: Path) -> str | None:
    """The template as it is written: in its own file, or in tokenizer_config.json, where of several
    the one called “default” counts.
    """
    if (file := folder / "chat_template.jinja").exists():
        if regular_size(file) > 4 * LONGEST_TEMPLATE:
            raise GlassError(too_long(regular_size(file)))
        try:
            return file.read_text(encoding="utf-8")
        except ValueError:
            raise GlassError(f"{file.name} is no text in UTF-8.") from None
    config = folder / "tokenizer_config.json"
    found = read_json(config).get("chat_template") if config.exists() else None
    if not isinstance(found, list):
        return found
    named = {each.get("name"): each.get("template") for each in found if isinstance(each, dict)}
    if "default" not in named:
        raise GlassError("The chat templates of this model have names, and none is “default”.")
    return named["default"]


def checked(source) -> str:
    """The template, if it is a text of a length that is read."""
    if not isinstance(source, str):
        raise GlassError("The chat template of this model is no text.")
    if len(source) > LONGEST_TEMPLATE:
        raise GlassError(too_long(len(source)))
    return source


def too_long(size: int) -> str:
    """What is said of a template that is too long."""
    return (
        f"The chat template of this model has {size:,} characters; the limit is"
        f" {LONGEST_TEMPLATE:,}."
    )


def names_in_gguf(header: Fields) -> tuple[tuple[str, str], ...]:
    """The two tokens that llama.cpp gives to a template, with its ids where the header has none."""
    tokens = header.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list):
        return ()
    usual = (1, 2) if header.get("tokenizer.ggml.model") == "llama" else (11, 11)
    found = []
    for name, default in zip(("bos", "eos"), usual, strict=True):
        token_id = header.token_id(f"tokenizer.ggml.{name}_token_id", len(tokens))
        token_id = default if token_id is None else token_id
        if token_id < len(tokens):
            found.append((f"{name}_token", str(tokens[token_id])))
    return tuple(found)
