"""The tokenizer of a folder as AutoTokenizer of transformers 5 builds it from two files.

tokenizer.json holds a whole tokenizer; tokenizer_config.json names a class and its options. Some
classes take only the vocabulary from the first and build the rest by the second, so where the two
disagree the second counts. Every key that changes ids is in this list:

    tokenizer_class                     the classes in _BUILT are built anew; for another class a
                                        note says that tokenizer.json is read as it stands
    do_lower_case, strip_accents,
    tokenize_chinese_chars              done for BertTokenizer, MPNetTokenizer; no effect elsewhere
    add_prefix_space                    done for GPT2Tokenizer, RobertaTokenizer, LlamaTokenizer,
                                        Qwen2Tokenizer, XLMRobertaTokenizer, CamembertTokenizer; no
                                        effect elsewhere
    legacy                              done for LlamaTokenizer; no effect elsewhere
    bos_token … mask_token, others on
    _token, additional_special_tokens,
    extra_special_tokens, extra_ids,
    added_tokens_decoder,
    split_special_tokens                done
    special_tokens_map.json,
    added_tokens.json                   done; no effect beside added_tokens_decoder
    model_input_names                   done: whether a model is told the segments of two texts
    add_bos_token, add_eos_token        no effect: tokenizer.json says what stands around a text
    auto_map, fast_tokenizer_files      refused by name
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from ..errors import GlassError
from . import languages
from .fields import MOST_IN_VOCABULARY, Fields, quote, read_json
from .languages import Languages
from .tokenizer import Tokenizer, as_refusal, from_file

_NAMED = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_OF_FAMILY = {
    "BERT": "BertTokenizer",
    "DistilBERT": "BertTokenizer",
    "Electra": "BertTokenizer",
    "MPNet": "MPNetTokenizer",
    "RoBERTa": "RobertaTokenizer",
    "BART": "RobertaTokenizer",
    "XLM-RoBERTa": "XLMRobertaTokenizer",
    "CamemBERT": "CamembertTokenizer",
    **dict.fromkeys(("GPT-2", "GPT-J", "GPT-Neo", "OPT", "Phi"), "GPT2Tokenizer"),
    "T5": "T5Tokenizer",
    "mT5": "T5Tokenizer",
    "mBART": "MBartTokenizer",
    "Pegasus": "PegasusTokenizer",
    "Qwen3": "Qwen2Tokenizer",
    **dict.fromkeys(("GPT-J", "GPT-Neo", "OPT", "Phi"), "GPT2Tokenizer"),
}
_WHATEVER_IS_NAMED = {  # the families whose files often name a wrong class
    "Qwen2": "Qwen2Tokenizer",
    **dict.fromkeys(
        ("Phi3", "Mistral", "Granite", "Olmo2", "StableLm", "ModernBERT"), "TokenizersBackend"
    ),
}
_SAME = {  # other names of a class
    "DistilBertTokenizer": "BertTokenizer",
    "ElectraTokenizer": "BertTokenizer",
    "BartTokenizer": "RobertaTokenizer",
    "MT5Tokenizer": "T5Tokenizer",
}
_GENERIC = ("PreTrainedTokenizer", "TokenizersBackend", "PythonBackend")
_PARTS = {
    "normalizer": "how characters are changed",
    "pre_tokenizer": "where words are cut",
    "post_processor": "what is put around a text",
}


@dataclass(frozen=True)
class Files:
    """What a folder says of its tokenizer."""

    whole: dict  # tokenizer.json
    config: Fields  # tokenizer_config.json; empty where there is none
    special: dict  # special_tokens_map.json, the same
    added: dict  # added_tokens.json, the same


def from_folder(folder: Path, family: str) -> tuple[Tokenizer, tuple[str, ...]]:
    """The tokenizer, and notes on what its files say twice. Raises GlassError if it can't be read.

    family: as in Config; it decides the class where the files name none.
    """
    written = from_file(folder / "tokenizer.json").library
    files = files_in(folder)
    name = class_of(files, family)
    with as_refusal("tokenizer.json and tokenizer_config.json do not make one tokenizer"):
        library, differ = build_tokenizer(files, name, written)
        if differ and not (folder / "tokenizer_config.json").exists():
            built = build_tokenizer(files, "TokenizersBackend", written)[0]
            return Tokenizer(built, counts_segments(files, name)), (
                (
                    "There is no tokenizer_config.json, so tokenizer.json decides"
                    f" {' and '.join(differ)}; transformers would use the defaults of {name}."
                ),
            )
    made = Tokenizer(library, counts_segments(files, name), languages_of(library, name))
    return made, notes_on(name, differ)


def counts_segments(files: Files, name: str) -> bool:
    """Whether the class tells a model which of two texts a token belongs to: BERT's does, unless
    tokenizer_config.json lists other inputs.
    """
    said = files.config.get("model_input_names", ["token_type_ids"] * (name == "BertTokenizer"))
    return isinstance(said, list) and "token_type_ids" in said


def files_in(folder: Path) -> Files:
    """What the files of a folder say; one that is not there says nothing."""
    names = ("tokenizer", "tokenizer_config", "special_tokens_map", "added_tokens")
    whole, config, special, added = (
        read_json(path, MOST_IN_VOCABULARY) if (path := folder / f"{name}.json").exists() else {}
        for name in names
    )
    return Files(whole, Fields(config, "tokenizer_config.json"), special, added)


def build_tokenizer(
    files: Files, name: str, written: tokenizers.Tokenizer
) -> tuple[tokenizers.Tokenizer, list[str]]:
    """The tokenizer that a class makes of the files, and in what it differs from tokenizer.json."""
    library = _BUILT[name](files) if name in _BUILT else written
    if name in _BUILT:
        library.post_processor = written.post_processor
    add_special_tokens(files, library, name)
    put_around(files, library, name)
    differ = [
        what for part, what in _PARTS.items() if settings(library, part) != settings(written, part)
    ]
    return library, differ


def settings(library: tokenizers.Tokenizer, part: str) -> str:
    """What one part of a tokenizer does to the ids: trimmed offsets do nothing."""
    found = getattr(library, part)
    return (
        re.sub(rb'"trim_offsets":(true|false),?', b"", found.__getstate__()).decode()
        if found
        else ""
    )


def class_of(files: Files, family: str) -> str:
    """The class that AutoTokenizer takes."""
    for key in ("auto_map", "fast_tokenizer_files"):
        if files.config.get(key) not in (None, [], {}, ["tokenizer.json"]):
            raise GlassError(
                f"tokenizer_config.json says {quote(files.config.get(key))} for “{key}”:"
                " Glassformer cannot read a tokenizer that needs its own code or files."
            )
    name = files.config.get("tokenizer_class", _OF_FAMILY.get(family, "TokenizersBackend"))
    name = _WHATEVER_IS_NAMED.get(family, name)
    if not isinstance(name, str):
        files.config.refuse("tokenizer_class", "the name of a class")
    name = name.removesuffix("Fast")
    name = _SAME.get(name, name)
    cuts = [files.whole.get(part) for part in ("pre_tokenizer", "decoder")]
    bytewise = '"ByteLevel"' in json.dumps(cuts)
    return "TokenizersBackend" if name == "LlamaTokenizer" and bytewise else name


def notes_on(name: str, differ: list[str]) -> tuple[str, ...]:
    """What is said of a class that is not known, or that does not do what tokenizer.json says."""
    if name not in _BUILT and name not in _GENERIC:
        return (
            (
                f"tokenizer_config.json names the class {quote(name)}, which Glassformer does not"
                " know: tokenizer.json alone splits the text, and AutoTokenizer may give other"
                " token ids."
            ),
        )
    return (
        (
            (
                f"tokenizer_config.json and tokenizer.json disagree on {' and on '.join(differ)};"
                f" as in transformers, {name} decides, with the options of tokenizer_config.json."
            ),
        )
        if differ
        else ()
    )


def notes_on_pieces(folder: Path, known: set[str]) -> tuple[str, ...]:
    """Notes on a folder whose text is cut by SentencePiece models. Raises GlassError by name where
    the target language has a vocabulary of its own, or the models are run with options.

    known: the special tokens that are read as such.
    """
    file = folder / "tokenizer_config.json"
    config = Fields(read_json(file) if file.exists() else {}, file.name)
    for key in ("separate_vocabs", "sp_model_kwargs"):
        if config.get(key):
            raise GlassError(
                f"{config.where} switches on “{key}”, which Glassformer does not support."
            )
    with as_refusal(f"{config.where} cannot be read"):
        files = Files({}, config, {}, {})
        named = [special_token(files, key) for key in _NAMED] + unnamed_special_tokens(files, "")
        texts = {text for value in named if (text := token_text(value)) is not None}
        texts |= {each.content for each in added_tokens(files)}
        unread = ", ".join(map(quote, sorted(texts - known)))
    note = (
        f"{config.where} names special tokens that Glassformer does not treat as special: {unread}."
    )
    return (note,) if unread else ()


# --- the classes that are built anew --------------------------------------------------------------


def vocabulary_of(files: Files, kind: str) -> dict:
    """The model in tokenizer.json, which must be of the kind that the class is made for."""
    model = files.whole.get("model")
    if not isinstance(model, dict) or model.get("type", kind) != kind:
        raise GlassError(
            f"tokenizer_config.json names a class for {kind}, but tokenizer.json holds another"
            " kind of vocabulary."
        )
    return model


def merge_pairs(model: dict) -> list[tuple[str, str]]:
    """The merges, which older files write as one text each."""
    merges = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    return [(left, right) for left, right in merges]


def optional_flag(config: Fields, key: str) -> bool | None:
    """True, false, or nothing."""
    return None if config.get(key) is None else config.flag(key, False)


def build_bert(files: Files) -> tokenizers.Tokenizer:
    """BertTokenizer: WordPiece (Devlin et al. 2018)."""
    config, unknown = files.config, token_text(special_token(files, "unk_token", "[UNK]"))
    library = tokenizers.Tokenizer(
        models.WordPiece(vocabulary_of(files, "WordPiece")["vocab"], unk_token=unknown)
    )
    library.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.flag("tokenize_chinese_chars", True),
        strip_accents=optional_flag(config, "strip_accents"),
        lowercase=config.flag("do_lower_case", True),
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece(prefix="##")
    return library


def build_gpt2(files: Files) -> tokenizers.Tokenizer:
    """GPT2Tokenizer: byte-level BPE (Radford et al. 2019)."""
    model = vocabulary_of(files, "BPE")
    library = tokenizers.Tokenizer(
        models.BPE(
            model["vocab"],
            merge_pairs(model),
            continuing_subword_prefix="",
            end_of_word_suffix="",
            fuse_unk=False,
        )
    )
    library.pre_tokenizer = pre_tokenizers.ByteLevel(files.config.flag("add_prefix_space", False))
    library.decoder = decoders.ByteLevel()
    return library


def build_qwen2(files: Files) -> tokenizers.Tokenizer:
    """Qwen2Tokenizer: byte-level BPE whose words are cut by a pattern of its own."""
    library = build_gpt2(files)
    prefix = files.config.flag("add_prefix_space", False)
    library.normalizer = normalizers.NFC()
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(_QWEN2), "isolated"),
            pre_tokenizers.ByteLevel(prefix, use_regex=False),
        ]
    )
    return library


def build_llama(files: Files) -> tokenizers.Tokenizer:
    """LlamaTokenizer: SentencePiece BPE (Touvron et al. 2023)."""
    model, prefix = vocabulary_of(files, "BPE"), files.config.flag("add_prefix_space", True)
    library = tokenizers.Tokenizer(
        models.BPE(model["vocab"], merge_pairs(model), fuse_unk=True, byte_fallback=True)
    )
    scheme = "never" if not prefix else "always" if files.config.get("legacy") else "first"
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    library.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            *([decoders.Strip(" ", 1, 0)] if prefix else []),
        ]
    )
    return library


def build_t5(files: Files) -> tokenizers.Tokenizer:
    """T5Tokenizer: a unigram model (Raffel et al. 2019)."""
    vocab = [tuple(piece) for piece in vocabulary_of(files, "Unigram")["vocab"]]
    library = tokenizers.Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=False))
    library.normalizer = table_of_letters(files.whole.get("normalizer"))
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True),
        ]
    )
    library.decoder = decoders.Metaspace("▁", prepend_scheme="always", split=True)
    return library


def build_xlm_roberta(files: Files) -> tokenizers.Tokenizer:
    """XLMRobertaTokenizer: a unigram model (Conneau et al. 2019)."""
    return unigrams(files, lambda vocab: 3)


def build_camembert(files: Files) -> tokenizers.Tokenizer:
    """CamembertTokenizer: a unigram model (Martin et al. 2019)."""
    unknown = token_text(special_token(files, "unk_token", "<unk>"))
    return unigrams(
        files, lambda vocab: next((i for i, piece in enumerate(vocab) if piece[0] == unknown), 0)
    )


def unigrams(files: Files, unknown_in: Callable[[list], int]) -> tokenizers.Tokenizer:
    """A unigram model over words parted by spaces. unknown_in: the id of the unknown, by the
    vocabulary.
    """
    library = unigram_model(files, unknown_in)
    if table := table_of_letters(files.whole.get("normalizer")):
        library.normalizer = table
    scheme = "always" if files.config.flag("add_prefix_space", True) else "never"
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme=scheme)]
    )
    library.decoder = decoders.Metaspace("▁", prepend_scheme=scheme)
    return library


def build_nllb(files: Files) -> tokenizers.Tokenizer:
    """NllbTokenizer: SentencePiece BPE (NLLB Team 2022)."""
    model, unknown = vocabulary_of(files, "BPE"), token_text(special_token(files, "unk_token"))
    library = tokenizers.Tokenizer(
        models.BPE(model["vocab"], merge_pairs(model), unk_token=unknown or "<unk>", fuse_unk=True)
    )
    if table := table_of_letters(files.whole.get("normalizer")):
        library.normalizer = normalizers.Sequence([table, _ONE_SPACE])
    return with_spaces(library)


def build_mbart(files: Files) -> tokenizers.Tokenizer:
    """MBartTokenizer: a unigram model (Liu et al. 2020)."""
    library = with_spaces(unigram_model(files, lambda vocab: 3))
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), library.pre_tokenizer]
    )
    return library


def build_mbart50(files: Files) -> tokenizers.Tokenizer:
    """MBart50Tokenizer: the same vocabulary, and the table that changes letters."""
    library = unigram_model(files, lambda vocab: 3)
    if not any(library.token_to_id(code) for code in languages.MBART_50):
        raise GlassError(
            "The vocabulary in tokenizer.json has no language’s code, so MBart50Tokenizer would"
            " number its pieces anew, which Glassformer does not do."
        )
    table = table_of_letters(files.whole.get("normalizer"))
    library.normalizer = normalizers.Sequence([*([table] if table else []), _ONE_SPACE])
    return with_spaces(library)


def build_pegasus(files: Files) -> tokenizers.Tokenizer:
    """PegasusTokenizer: a unigram model (Zhang et al. 2019)."""
    unknown = token_text(special_token(files, "unk_token", "<unk>"))
    library = unigram_model(files, lambda vocab: vocab.index((unknown, 0.0)))
    table = table_of_letters(files.whole.get("normalizer")) or normalizers.Replace("\n", " ")
    library.normalizer = normalizers.Sequence([table, _ONE_SPACE])
    return with_spaces(library)


_ONE_SPACE = normalizers.Replace(tokenizers.Regex(r" {2,}"), " ")


def unigram_model(files: Files, unknown_in: Callable[[list], int]) -> tokenizers.Tokenizer:
    """The unigram vocabulary of tokenizer.json. unknown_in: as in `unigrams`."""
    vocab = [tuple(piece) for piece in vocabulary_of(files, "Unigram")["vocab"]]
    return tokenizers.Tokenizer(
        models.Unigram(vocab, unk_id=unknown_in(vocab), byte_fallback=False)
    )


def with_spaces(library: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """The same, with ▁ before each word."""
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
    library.decoder = decoders.Metaspace("▁", prepend_scheme="always", split=True)
    return library


def table_of_letters(said: dict | None):
    """The table that T5Tokenizer takes out of the normalizer in tokenizer.json, if there is one."""
    found = said.get("normalizers", [said]) if isinstance(said, dict) else []
    tables = [each["precompiled_charsmap"] for each in found if each.get("type") == "Precompiled"]
    return normalizers.Precompiled(base64.b64decode(tables[0])) if tables else None


_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = (  # those by which published tokenizers cut words, beside those of GGUF files
    _QWEN2,
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve"
    r"|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}"
    r"\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+"
    r"[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_BUILT = {
    "Qwen2Tokenizer": build_qwen2,
    "BertTokenizer": build_bert,
    "GPT2Tokenizer": build_gpt2,
    "LlamaTokenizer": build_llama,
    "T5Tokenizer": build_t5,
    "MPNetTokenizer": build_bert,
    "RobertaTokenizer": build_gpt2,
    "XLMRobertaTokenizer": build_xlm_roberta,
    "CamembertTokenizer": build_camembert,
    "NllbTokenizer": build_nllb,
    "MBartTokenizer": build_mbart,
    "MBart50Tokenizer": build_mbart50,
    "PegasusTokenizer": build_pegasus,
}
_END = "<|endoftext|>"
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_UNUSED = ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]  # CamembertTokenizer's own
_DEFAULTS = {
    "BertTokenizer": {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    },
    "GPT2Tokenizer": {"unk_token": _END, "bos_token": _END, "eos_token": _END},
    "LlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    "Qwen2Tokenizer": {"unk_token": _END, "eos_token": _END, "pad_token": _END},
    "T5Tokenizer": {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
    "MPNetTokenizer": _ROBERTA | {"unk_token": "[UNK]"},
    "RobertaTokenizer": _ROBERTA,
    "XLMRobertaTokenizer": _ROBERTA,
    "CamembertTokenizer": _ROBERTA,
}


# --- special tokens and what stands around a text -------------------------------------------------


def special_token(files: Files, key: str, default=None):
    """A special token: a text, or an object with more to say."""
    return older_special_tokens(files).get(key, files.config.values.get(key, default))


def older_special_tokens(files: Files) -> dict:
    """special_tokens_map.json, which says nothing beside an added_tokens_decoder."""
    return {} if "added_tokens_decoder" in files.config.values else files.special


def named_tokens(files: Files, family: str) -> tuple[tuple[str, str], ...]:
    """The special tokens that have names, such as ("bos_token", "<s>"): a chat template may write
    them by these.
    """
    name = class_of(files, family)
    named = {key: token_text(named_token(files, name, key)) for key in _NAMED}
    return tuple((key, text) for key, text in named.items() if isinstance(text, str))


def token_text(value) -> str | None:
    """The text of a special token."""
    return value.get("content") if isinstance(value, dict) else value


def added_token(value: dict, **more) -> AddedToken:
    """A token that is found in a text before it is cut."""
    options = {
        key: flag
        for key, flag in value.items()
        if key in ("lstrip", "rstrip", "single_word", "normalized", "special")
    }
    return AddedToken(value["content"], **{**options, **more})


def added_tokens(files: Files) -> list[AddedToken]:
    """The added tokens by their numbers: of tokenizer_config.json, or of the older files."""
    decoder = files.config.get("added_tokens_decoder")
    if "added_tokens_decoder" in files.config.values:
        if not isinstance(decoder, dict):
            files.config.refuse("added_tokens_decoder", "an object")
        return [added_token(decoder[key]) for key in sorted(decoder, key=int)]
    known = {token_text(special_token(files, key)) for key in _NAMED}
    by_id = {
        i: AddedToken(text, normalized=text not in known, special=text in known)
        for text, i in files.added.items()
    }
    by_id |= {each["id"]: added_token(each) for each in files.whole.get("added_tokens", [])}
    return [by_id[i] for i in sorted(by_id)]


def add_special_tokens(files: Files, library: tokenizers.Tokenizer, name: str) -> None:
    """Adds the listed tokens, then the special ones that are not among them.

    Of two with the same text the last counts.
    """
    there = library.get_added_tokens_decoder().values()
    adds = [each for each in added_tokens(files) if repr(each) not in set(map(repr, there))]
    known = {each.content for each in (*there, *adds)}
    named = [named_token(files, name, key) for key in _NAMED]
    named = [value for value in (*named, *of_the_model(files)) if value is not None]
    special = [value for value in named if token_text(value) not in known]
    special += [
        value
        for value in unnamed_special_tokens(files, name)
        if token_text(value) not in known and value not in special
    ]
    adds += [
        added_token(value if isinstance(value, dict) else {"content": value}, special=True)
        for value in special
    ]
    for each in adds:
        each.special = each.special or each.content in set(map(token_text, named))
    library.add_tokens(adds)
    if name == "Qwen2Tokenizer":  # once more, without the spaces that they take up
        texts = [token_text(value) for value in (*named, *unnamed_special_tokens(files, name))]
        library.add_tokens([AddedToken(text, special=True) for text in texts if text])


def named_token(files: Files, name: str, key: str):
    """A special token, or what the class has in its place; two classes let their mask take the
    space before it with it.
    """
    found = special_token(files, key, _DEFAULTS.get(name, {}).get(key))
    takes_space = key == "mask_token" and name in ("MPNetTokenizer", "CamembertTokenizer")
    return {"content": found, "lstrip": True} if takes_space and isinstance(found, str) else found


def of_the_model(files: Files) -> list:
    """Special tokens under names of the model's own, such as image_token."""
    config, more = files.config.values, files.config.get("extra_special_tokens")
    found = {
        key: value
        for key, value in config.items()
        if key.endswith("_token") and key not in _NAMED and isinstance(value, str)
    }
    return list((found | (more if isinstance(more, dict) else {})).values())


def unnamed_special_tokens(files: Files, name: str) -> list:
    """Special tokens without a name: T5's tokens for gaps, unless the files list others."""
    config, special = files.config, older_special_tokens(files)
    for said in (config, Fields(special, "special_tokens_map.json")):
        for key in ("extra_special_tokens", "additional_special_tokens"):
            if isinstance(said.get(key), str):  # it would count as a list of its letters
                said.refuse(key, "a list of tokens")
    extra, additional = (
        config.get(f"{kind}_special_tokens", []) for kind in ("extra", "additional")
    )
    first = [] if isinstance(extra, dict) else extra or additional
    more = special.get("extra_special_tokens") or []
    first = [*first, *(value for value in more if value not in first)]
    others = special.get("additional_special_tokens", additional) or []
    if first:
        return first
    if name == "CamembertTokenizer" and not others:
        return _UNUSED
    if name in CODES:
        return [*others, *(code for code in CODES[name].known if code not in others)]
    if name == "PegasusTokenizer":
        offset = config.whole("offset", 103, 0, 1000)
        return ["<mask_1>", *(f"<unk_{i}>" for i in range(2, offset))]
    gaps = config.whole("extra_ids", 100, 0, 1000) if name == "T5Tokenizer" else 0
    if any("<extra_id_" in str(value) for value in others):
        gaps = 0
    return [*others, *(f"<extra_id_{i}>" for i in range(gaps))]


def put_around(files: Files, library: tokenizers.Tokenizer, name: str) -> None:
    """Puts the special tokens around a text that two classes have of their own."""
    library.encode_special_tokens = files.config.flag("split_special_tokens", False)
    if name == "BertTokenizer":
        first, last = (
            str(token_text(special_token(files, key, default)))
            for key, default in (("cls_token", "[CLS]"), ("sep_token", "[SEP]"))
        )
        library.post_processor = processors.TemplateProcessing(
            single=f"{first}:0 $A:0 {last}:0",
            pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1",
            special_tokens=[(each, library.token_to_id(each)) for each in (first, last)],
        )
    elif name in _AROUND:
        put_signs_around(files, library, name)
    elif name in CODES:
        code = files.config.get("src_lang", CODES[name].source)
        put_code_around(files, library, name, code)
    elif name == "PegasusTokenizer":
        end = str(token_text(special_token(files, "eos_token", "</s>")))
        library.post_processor = processors.TemplateProcessing(
            single=["$A", end], pair=["$A", "$B", end], special_tokens=[sign_of(library, end)]
        )
    elif name == "T5Tokenizer":
        end = library.token_to_id(str(token_text(special_token(files, "eos_token", "</s>"))))
        library.post_processor = processors.TemplateProcessing(
            single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", end)]
        )


_AROUND = {  # the class -> which special tokens it puts before and behind a text
    "RobertaTokenizer": ("cls_token", "sep_token"),
    "MPNetTokenizer": ("cls_token", "sep_token"),
    "XLMRobertaTokenizer": ("bos_token", "eos_token"),
    "CamembertTokenizer": ("bos_token", "eos_token"),
}


def put_signs_around(files: Files, library: tokenizers.Tokenizer, name: str) -> None:
    """RoBERTa's template: <s> A </s>, and for two texts <s> A </s></s> B </s>."""
    first, last = (
        str(token_text(special_token(files, key, _ROBERTA[key]))) for key in _AROUND[name]
    )
    library.post_processor = processors.TemplateProcessing(
        single=[first, "$A", last],
        pair=[first, "$A", last, last, "$B", last],
        special_tokens=[(each, library.token_to_id(each)) for each in dict.fromkeys((first, last))],
    )


# --- languages ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Codes:
    """The codes of the languages that a translator's tokenizer puts around a text."""

    known: tuple[str, ...]
    source: str  # where the files name none
    before: bool  # the code stands before the text; else behind its end


CODES = {
    "NllbTokenizer": Codes(languages.NLLB, "eng_Latn", True),
    "MBartTokenizer": Codes(languages.MBART, "en_XX", False),
    "MBart50Tokenizer": Codes(languages.MBART_50, "en_XX", True),
}


def languages_of(library: tokenizers.Tokenizer, name: str) -> Languages | None:
    """The languages whose codes the vocabulary has, of a class that puts codes around a text."""
    if name not in CODES:
        return None
    ids = {code: library.token_to_id(code) for code in CODES[name].known}
    return Languages({code: i for code, i in ids.items() if i is not None}, CODES[name].before)


def put_code_around(files: Files, library: tokenizers.Tokenizer, name: str, code) -> None:
    """The code of a language and the end of the text, as the class writes them for a source."""
    if not isinstance(code, str):
        files.config.refuse("src_lang", "the code of a language")
    end = str(token_text(special_token(files, "eos_token", "</s>")))
    behind = not CODES[name].before or files.config.flag("legacy_behaviour", False)
    around = ([], [end, code]) if behind else ([code], [end])
    library.post_processor = processors.TemplateProcessing(
        single=[*around[0], "$A", *around[1]],
        pair=[*around[0], "$A", "$B", *around[1]],
        special_tokens=[sign_of(library, each) for each in dict.fromkeys((end, code))],
    )


def sign_of(library: tokenizers.Tokenizer, text: str) -> tuple[str, int]:
    """A special token and its number; GlassError where the vocabulary does not have it."""
    if (found := library.token_to_id(text)) is None:
        raise GlassError(f"The vocabulary has no token {quote(text)}, which stands around a text.")
    return text, found
