"""From a name to a model that can be asked for traces: `load("minilm").trace("a sentence")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..decoding import greedy_target, rules_of, start_of
from ..errors import GlassError
from ..forward_pass import forward
from ..notebook import Origin
from ..trace import Trace, arrays_held, bytes_of
from . import catalogue, download, tokenizer
from .any_tokenizer import AnyTokenizer, Tokenizers, tokenizer_in_gguf, tokenizers_in
from .assembly import plain_arrays
from .chat_template import ChatTemplate, chat_in_folder, chat_in_gguf
from .engines import Engine, trace_with
from .fields import Fields, read_json
from .generation_rules import Decoding, decoding_in, decoding_in_gguf
from .languages import Languages
from .sentencepiece_model import SentencePieces
from .streaming import Streamed
from .tokenizer import Tokenizer
from .weights import load_folder, open_tensors, read_gguf


@dataclass(frozen=True)
class Model:
    """Weights, what they mean, and the tokenizer that belongs to them (None: only token ids can be
    given).
    """

    name: str
    config: Config
    weights: Mapping[str, Any]  # arrays, or what stands for them (models/streaming.py)
    tokenizer: AnyTokenizer | None = None
    target_tokenizer: SentencePieces | None = None  # a translator's, for what its decoder reads
    notes: tuple[str, ...] = ()  # what the files hold that is not run as it is, in sentences
    no_tokenizer: str = ""  # why there is none, a sentence
    decoding: Decoding | None = None  # what the files say of the tokens it may write
    chat: ChatTemplate | None = None  # what the files put around a message of a chat
    place: Path | None = None  # the folder or the file that it was read from

    @property
    def nbytes(self) -> int:
        """The bytes of the weights in memory."""
        return bytes_of(arrays_held(self.weights))

    def trace(
        self,
        text: str | None = None,
        *,
        ids_L=None,
        target: str | None = None,
        target_ids_L=None,
        second: str | None = None,
        chat: bool = False,
        engine: str | Engine = "numpy",
        **options: Any,
    ) -> Trace:
        """Runs the model on a sentence or on token ids. options: mask, edits, keep, rows,
        segments_L, as in `forward`; where the weights stay in their file, keep is "layers" unless
        something else is asked for. second, chat: as in `encode`. engine, and engine_options: who
        computes what layers give out (core/models/engines.py); NumPy computes the one looked at.

        An encoder–decoder model reads `target` in its decoder; without one it writes its own.
        """
        if (text is None) == (ids_L is None):
            raise GlassError("Give either a sentence or ids_L, not both.")
        given = dict(options, target_ids_L=target_ids_L)
        if text is not None:
            encoding = self.encode(text, second, chat=chat)
            ids_L, read = encoding.ids_L, {"words_L": encoding.words_L}
            options = {**read, "segments_L": self.segments(encoding), **options}
        elif second or chat:
            raise GlassError("A second text, or a chat, needs a sentence, not ids_L.")
        if self.config.crosses and target_ids_L is None:
            target_ids_L = self.target_ids(ids_L, target)
        elif target is not None:
            raise GlassError("Only encoder–decoder models read a target: as text, or as ids.")
        made = self._run(engine, ids_L, target_ids_L=target_ids_L, **options)
        made.origin = None if text is None else self._origin(text, second, chat, target, given)
        return made

    def _origin(self, text: str, second, chat: bool, target, given: Mapping[str, Any]) -> Origin:
        mask, changes = given.get("mask"), ("edits", "segments_L", "words_L", "target_ids_L")
        drawn = mask is not None and not isinstance(mask, str)
        changed = drawn or any(given.get(name) is not None for name in changes)
        named = mask if isinstance(mask, str) else "trained"
        return Origin(self, text, second or "", chat, target or "", named, changed)

    def _run(self, engine: str | Engine, ids_L, **options: Any) -> Trace:
        if isinstance(self.weights, Streamed):
            options.setdefault("keep", "layers")
        if engine != "numpy":
            return trace_with(engine, self, ids_L, **options)
        return forward(self.config, self.weights, ids_L, **options)

    def ids(self, text: str, special: bool = True):
        """The token ids of a sentence, (L,)."""
        return self.encode(text, special=special).ids_L

    @property
    def reads_pairs(self) -> bool:
        """Whether it is made to read two texts in one input: an encoder alone, whose tokenizer puts
        a token of its own between them.
        """
        alone = self.config.sides == ("encoder",)
        return alone and isinstance(self.tokenizer, Tokenizer) and self.tokenizer.parts_texts

    def segments(self, encoding: tokenizer.Encoding):
        """The segment of each token, 0 for sentence A and 1 for B; None where the model has none,
        or one that all tokens share.
        """
        return encoding.segments_L if self.config.n_segments > 1 else None

    def encode(
        self, text: str, second: str | None = None, *, special: bool = True, chat: bool = False
    ) -> tokenizer.Encoding:
        """The sentence in pieces, with their ids and their places in the text.

        second: sentence B, for a model whose tokenizer can tell two texts apart; an empty one is
        none, as for `transformers`. chat: the sentence
        is the user's message in the model's chat template, and its answer begins. special: with the
        tokens that the tokenizer puts around a text; a chat template brings its own. Raises
        GlassError where the model has no such thing.
        """
        if self.tokenizer is None:
            why = f" {self.no_tokenizer}" if self.no_tokenizer else ""
            raise GlassError(
                f"{self.name} has no tokenizer that Glassformer can read: give token ids"
                f" (ids_L=[…]) instead.{why}"
            )
        text = tokenizer.check_text(text)
        if chat:
            return self.encode_chat(text, second)
        if not second:
            return self.tokenizer.encode(text, special=special)
        if not (isinstance(self.tokenizer, Tokenizer) and self.tokenizer.parts_texts):
            raise GlassError(f"The tokenizer of {self.name} cannot tell two texts apart: give one.")
        return self.tokenizer.encode(text, special, tokenizer.check_text(second))

    def encode_chat(self, text: str, second: str | None = None) -> tokenizer.Encoding:
        """The sentence as a message of a chat, in pieces."""
        if self.chat is None:
            raise GlassError(f"{self.name} has no chat template that Glassformer can read.")
        if second:
            raise GlassError("A message of a chat is one text: there is no place for a second.")
        return self.chat.encode(self.tokenizer, text)

    def encode_again(self, encoding: tokenizer.Encoding, text: str) -> tokenizer.Encoding:
        """Another sentence in the place of one that was read: beside the same sentence B, or in the
        same chat template.
        """
        return self.encode(text, encoding.second, chat=encoding.chat)

    def target_ids(self, ids_L, target: str | None):
        """What the decoder reads: the start id and the target's tokens.

        If there is no target, the model writes it. One without an output head can't: its decoder
        then reads the start id alone.
        """
        if target is None and (self.config.head or self.config.start_id is None):
            return greedy_target(self.config, self.weights, ids_L, rules=self.decoding)
        if target is None:
            return [self.config.start_id]
        if self.languages:
            return self.target_in_language(ids_L, target)
        if self.config.start_id is None:
            raise GlassError(
                "This model’s files do not say which token its decoder begins with; give"
                " target_ids_L."
            )
        cut = self.target_tokenizer or self.tokenizer
        ids = (cut.encode(tokenizer.check_text(target)).ids_L if cut else self.ids(target)).tolist()
        ended = bool(ids) and ids[-1] in (*rules_of(self).ends, self.config.end_id)
        return [self.config.start_id, *(ids[:-1] if ended else ids)]

    @property
    def languages(self) -> Languages | None:
        """The languages that a translator's tokenizer has codes for."""
        return getattr(self.tokenizer, "languages", None)

    def writing(self, code: str) -> Model:
        """The same model, translating into the language of that code. GlassError where the
        tokenizer has no such code.
        """
        found = self.languages.ids.get(code) if self.languages else None
        if not self.languages or found is None:
            known = ", ".join(self.languages.ids) if self.languages else "none"
            raise GlassError(
                f"{self.name} has no code “{code[:40]}” of a language; it has: {known}."
            )
        if self.languages.written:
            return replace(self, decoding=replace(rules_of(self), first=found))
        return replace(self, config=replace(self.config, start_id=found))

    def target_in_language(self, ids_L, target: str):
        """What the decoder of a translator with codes reads: a target that may begin with a code.

        A code alone: what the model writes in that language.
        """
        spoken = self.languages
        code, _, rest = tokenizer.check_text(target).strip().partition(" ")
        coded = spoken is not None and code in spoken.ids
        model, text = (self.writing(code), rest) if coded else (self, target)
        ids = self.encode(text, special=False).ids_L.tolist()
        ids = ids[:-1] if ids and ids[-1] in rules_of(self).ends else ids
        if not ids and ids_L is not None and self.config.head:
            return greedy_target(model.config, self.weights, ids_L, rules=model.decoding)
        first = rules_of(model).first if spoken and spoken.written else None
        return [start_of(model.config), *([] if first is None else [first]), *ids]


def load(
    name: str | Path,
    dtype=np.float32,
    fetch: bool = True,
    progress: Callable | None = None,
    stream: bool | None = None,
) -> Model:
    """A model by catalogue name ("minilm"), folder, .gguf file or Hub name ("org/name").

    dtype: float32, or float64 for checking. fetch: download what is not here yet, calling
    progress(done, total, message). stream: leave the weights in their file and convert a layer's
    when it runs, so that the model may be larger than the memory; None: where they would take more
    than half of GLASSFORMER_MEMORY.
    """
    path = download.fetch(name, progress) if fetch else catalogue.resolve(name)
    read = model_in_gguf if path.suffix == ".gguf" else model_in_folder
    return read(str(name), path, dtype, stream)


def model_in_folder(name: str, folder: Path, dtype, stream: bool | None = None) -> Model:
    """The model of a folder."""
    loaded = load_folder(folder, dtype, stream)
    found = tokenizers_in(folder, loaded.config.family, loaded.config.n_vocab)
    config, rules, said = decoding_in(folder, loaded.config)
    chat, unread = chat_in_folder(folder, config.family) if found.source else (None, ())
    notes = (*loaded.notes, *found.notes, *said, *unread)
    model = Model(
        name, config, loaded.weights, notes=notes, decoding=rules, chat=chat, place=folder
    )
    return with_note_on_languages(with_tokenizers(model, found))


def with_note_on_languages(model: Model) -> Model:
    """The same model, and for a translator with codes how its language is chosen."""
    if not (model.languages and model.languages.ids and model.config.crosses and model.config.head):
        return model
    written, ids = model.languages.written, model.languages.ids
    now = rules_of(model).first if written else model.config.start_id
    into = next((code for code, i in ids.items() if i == now), None)
    said = (
        f"It translates into {into}." if into else "Its files name no language to translate into."
    )
    how = (
        f"{said} To choose one of its {len(ids)} languages, type its code, such as"
        f" {model.languages.example()}, as what the decoder reads."
    )
    return replace(model, notes=(*model.notes, how))


def with_tokenizers(model: Model, found: Tokenizers) -> Model:
    """The same model, with these tokenizers."""
    return replace(
        model, tokenizer=found.source, target_tokenizer=found.target, no_tokenizer=found.refusal
    )


def model_in_gguf(name: str, file: Path, dtype, stream: bool | None = None) -> Model:
    """The model of a GGUF file."""
    config, weights, metadata = read_gguf(file, dtype, stream)
    found, rules = tokenizer_in_gguf(file, metadata), decoding_in_gguf(metadata, config)
    chat, unread = chat_in_gguf(metadata) if found.source else (None, ())
    notes = (*found.notes, *unread)
    model = Model(name, config, weights, notes=notes, decoding=rules, chat=chat, place=file)
    return with_tokenizers(model, found)


# --- models that are no transformers --------------------------------------------------------------


def load_embedded(
    name: str, shapes: Callable, dtype=np.float32
) -> tuple[Fields, dict[str, np.ndarray], Tokenizer | None]:
    """For a model that is no transformer and lies in assets/models: its config.json, its weights,
    and its tokenizer.

    shapes(config) says which weights there must be, and of which shapes. All that is wrong is a
    GlassError.
    """
    folder = catalogue.embedded(name)
    config = Fields(read_json(folder / "config.json"), "config.json")
    weights = plain_arrays(open_tensors(folder), shapes(config), dtype)
    file = folder / "tokenizer.json"
    return config, weights, tokenizer.from_file(file) if file.exists() else None
