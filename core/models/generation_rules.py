"""Which tokens a decoder may write, and what ends its text: the files' own rules for that.

They stand in generation_config.json; without that file, in config.json. What `generate` of
`transformers` does with them when it always takes the likeliest token is done here; a key that
would change what is written and is not done is named in a note.

    eos_token_id (one or several)                     done
    decoder_start_token_id, or else bos_token_id      done, for an encoder–decoder model
    bad_words_ids, suppress_tokens                    done
    no_repeat_ngram_size, min_length                  done
    begin_suppress_tokens, forced_bos_token_id,
    min_new_tokens, forced_eos_token_id,
    max_length, max_new_tokens                        done, for an encoder–decoder model
    _UNDONE, below                                    named in a note
    temperature, top_k, top_p and the like            no effect: they are for drawing at random
    tokenizer.ggml.suppress_tokens, and the
    eos, eot and eom _token_id (GGUF)                 done
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..config import Config
from ..errors import GlassError
from .fields import Fields, quote, read_json

_MOST = 1 << 20  # tokens in a list, or in a text
# Keys that change what is written and are not done here, each with the value that changes nothing.
_UNDONE = {
    "num_beams": 1,
    "do_sample": False,
    "penalty_alpha": 0,
    "repetition_penalty": 1,
    "encoder_repetition_penalty": 1,
    "encoder_no_repeat_ngram_size": 0,
    "guidance_scale": 1,
    "sequence_bias": None,
    "exponential_decay_length_penalty": None,
    "constraints": None,
    "forced_decoder_ids": None,
    "force_words_ids": None,
    "stop_strings": None,
    "watermarking_config": None,
}
_THE_READERS = ("num_beams", "do_sample", "penalty_alpha")  # to choose, for a decoder alone


@dataclass(frozen=True)
class Decoding:
    """What a model's files say of the tokens that its decoder writes; ids, as everywhere."""

    ends: tuple[int, ...] = ()  # each of them ends the text
    never: frozenset[int] = frozenset()
    never_after: tuple[tuple[int, ...], ...] = ()  # a run's last is not written after the others
    never_first: frozenset[int] = frozenset()
    first: int | None = None  # what comes first, whatever is likely
    last: tuple[int, ...] = ()  # what stands in the last place there is
    shortest: int = 0  # tokens before the text may end, start included
    longest: int = _MOST  # tokens in all, start included
    no_repeat: int = 0  # no run of so many is written twice (0: may be)


def barred(rules: Decoding, ids_L: Sequence[int]) -> set[int]:
    """The tokens that may not be written after these."""
    ids = tuple(map(int, ids_L))
    found = set(rules.never)
    found |= {run[-1] for run in rules.never_after if ids[-len(run) + 1 :] == run[:-1]}
    if len(ids) < rules.shortest:
        found |= set(rules.ends)
    if len(ids) == (1 if rules.first is None else 2):
        found |= rules.never_first
    if 0 < rules.no_repeat <= len(ids):
        n = rules.no_repeat
        newest = ids[len(ids) - n + 1 :]
        found |= {ids[i + n - 1] for i in range(len(ids) - n + 1) if ids[i : i + n - 1] == newest}
    return found


def chosen(
    rules: Decoding, logits_V: np.ndarray, ids_L: Sequence[int], longest: int = _MOST
) -> int:
    """The token that is written after these: the likeliest that may be, unless one is forced.

    logits_V: or probabilities. longest: tokens in all that there is room for.
    """
    if rules.first is not None and len(ids_L) == 1:
        return rules.first
    if rules.last and len(ids_L) == longest - 1:
        return min(rules.last)
    allowed_V = np.array(logits_V, dtype=np.float64)
    allowed_V[[i for i in barred(rules, ids_L) if i < len(allowed_V)]] = -np.inf
    return int(allowed_V.argmax())


def no_rules(config: Config) -> Decoding:
    """The rules of a model whose files give none: the end ends the text, and all may be written."""
    return Decoding(() if config.end_id is None else (config.end_id,), never=without_place(config))


def without_place(config: Config) -> frozenset[int]:
    """The padding token of a model that gives it no position: it can't be read, so not written."""
    return frozenset(() if config.pad_id is None else (config.pad_id,))


# --- from the files -------------------------------------------------------------------------------


def decoding_in(folder: Path, config: Config) -> tuple[Config, Decoding, tuple[str, ...]]:
    """The rules in a folder, the config with the start and the end that they name, and notes.

    Where they can't be read, a note says so, and the likeliest token is always taken.
    """
    if not (config.decoder_layers and config.head):
        return config, no_rules(config), ()
    file = folder / "generation_config.json"
    alone = file.exists()
    file = file if alone else folder / "config.json"
    try:
        data = Fields(read_json(file), file.name)
        rules, start = rules_in(data, config, alone), start_in(data, config, alone)
    except GlassError as error:
        note = f"It is not known what the decoder may write: {error} It takes the likeliest token."
        return config, no_rules(config), (note,)
    end = rules.ends[0] if rules.ends and config.end_id not in rules.ends else config.end_id
    return replace(config, start_id=start, end_id=end), rules, notes_of(data, config, rules)


def rules_in(data: Fields, config: Config, alone: bool) -> Decoding:
    """The rules in generation_config.json, or (alone: False) among the keys of config.json."""
    V, crosses = config.n_vocab, config.crosses
    named = data.get("eos_token_id") is not None or alone
    ends = tokens(data, "eos_token_id", V) if named else no_rules(config).ends
    bad = runs(data, V)
    words = {run[0] for run in bad if len(run) == 1} - set(ends)
    rules = Decoding(
        ends,
        never=frozenset(words) | set(tokens(data, "suppress_tokens", V)) | without_place(config),
        never_after=tuple(run for run in bad if len(run) > 1),
        shortest=count(data, "min_length", 0),
        no_repeat=count(data, "no_repeat_ngram_size", 0),
    )
    if not crosses:
        return rules
    by_family = 0 if config.family == "Marian" and not alone else None  # MarianConfig's default
    last = tokens(data, "forced_eos_token_id", V, by_family)
    new = data.get("max_new_tokens") is not None
    longest = count(data, "max_new_tokens", _MOST) + 1 if new else count(data, "max_length", _MOST)
    not_first = frozenset(tokens(data, "begin_suppress_tokens", V))
    return replace(
        rules,
        never_first=not_first,
        last=last,
        longest=longest,
        first=next(iter(tokens(data, "forced_bos_token_id", V)), None),
        shortest=max(rules.shortest, count(data, "min_new_tokens", -1) + 1),
    )


def count(data: Fields, key: str, default: int) -> int:
    """A number of tokens."""
    return min(data.whole(key, default, -1, 1 << 62), _MOST)


def start_in(data: Fields, config: Config, alone: bool) -> int | None:
    """The token that a decoder which reads an encoder begins with."""
    keys = ("decoder_start_token_id", "bos_token_id") if alone and config.crosses else ()
    found = (data.token_id(key, config.n_vocab) for key in keys)
    return next((token_id for token_id in found if token_id is not None), config.start_id)


def tokens(data: Fields, key: str, n_vocab: int, default: int | None = None) -> tuple[int, ...]:
    """The ids of one key, a number or a list; those that no token has are without effect."""
    value = data.get(key, [] if default is None else default)
    value = value if isinstance(value, list) else [value]
    if len(value) > _MOST or not all(isinstance(i, int) and not isinstance(i, bool) for i in value):
        data.refuse(key, "the number of a token, or a list of them,")
    return tuple(i for i in value if 0 <= i < n_vocab)


def runs(data: Fields, n_vocab: int) -> list[tuple[int, ...]]:
    """The runs of tokens that may not be written."""
    found = data.get("bad_words_ids", [])
    if (
        not isinstance(found, list)
        or len(found) > _MOST
        or not all(isinstance(run, list) and run for run in found)
    ):
        data.refuse("bad_words_ids", "a list of lists of tokens")
    each = (Fields({"bad_words_ids": run}, data.where) for run in found)
    kept = [tokens(run, "bad_words_ids", n_vocab) for run in each]
    if any(len(run) != len(ids) for run, ids in zip(found, kept, strict=True)):
        raise GlassError(
            f"{data.where} forbids tokens that are not in the vocabulary (“bad_words_ids”)."
        )
    return kept


def notes_of(data: Fields, config: Config, rules: Decoding) -> tuple[str, ...]:
    """What is said of keys that would change what is written, and that are not done here."""
    asked = [
        f"{key} = {quote(data.get(key))}"
        for key, neutral in _UNDONE.items()
        if data.get(key) not in (None, neutral, [], {})
        and (config.crosses or key not in _THE_READERS)
    ]
    always = " The decoder always writes the likeliest token that it may write."
    if data.get("num_beams") not in (None, 1):
        always += " The page Output has a search with several beginnings beside it."
    said = (
        [
            f"{data.where} also asks for {' and '.join(asked)}, which Glassformer does not"
            f" do.{always if config.crosses else ''}"
        ]
        if asked
        else []
    )
    if not rules.ends and config.end_id is not None and config.crosses:
        said.append(f"{data.where} has no “eos_token_id”, so no token ends the decoder’s text.")
    return tuple(said)


def decoding_in_gguf(metadata: dict, config: Config) -> Decoding:
    """The rules in a GGUF header: what ends a text, and the tokens that llama.cpp never writes."""
    data, V = Fields(metadata, "The GGUF header"), config.n_vocab
    ends = [tokens(data, f"tokenizer.ggml.{sign}_token_id", V) for sign in ("eot", "eom")]
    never = tokens(data, "tokenizer.ggml.suppress_tokens", V)
    return Decoding((*no_rules(config).ends, *sum(ends, ())), never=frozenset(never))
