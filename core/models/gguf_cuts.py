"""How byte-level vocabularies in GGUF files cut a text before their pieces are merged, by the names
that `tokenizer.ggml.pre` has for it.

Each pattern in turn cuts what those before it left: what it matches is a piece, and so is what lies
between two matches. The patterns are those of llama.cpp (src/llama-vocab.cpp), in Oniguruma's
syntax. It has more names; "deepseek-llm" is left out, because there its cuts depend on the C++
library that it was built with.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_DIGIT, _THREE = r"\p{N}", "[0-9][0-9][0-9]"
_SIGNS = r"[\p{P}$+<=>^~|]+"
_WORDS = r" ?[^(\s|.,!?…。，、।۔،)]+"
_ASIAN = r"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff&&[^\s]]+"  # and what else stands there
# Letters that are no ASCII letter of the other case: a word ends where its letters turn large.
_SMALL, _LARGE = "(?:(?=\\p{L})[^A-Z])", "(?:(?=\\p{L})[^a-z])"
_CASED = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_LARGE}*{_SMALL}+END|[^\r\n\p{{L}}\p{{N}}]?{_LARGE}+{_SMALL}*END"
    r"|NUMBER| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TEKKEN = _CASED.replace("END", "").replace("NUMBER", _DIGIT)
_GPT4O = _CASED.replace("END", f"(?i:{_CONTRACTIONS})?").replace("NUMBER", r"\p{N}{1,3}")


@dataclass(frozen=True)
class Cut:
    """The patterns that cut a text; whether a word that is in the vocabulary is taken whole, even
    where the merges do not lead to it; and whether a text begins with a sign of its own, where the
    header does not say.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    begins: bool = False


_KNOWN = {
    Cut((_GPT2,)): "gpt-2 phi-2 olmo mpt jais trillion exaone4",
    Cut((_DIGIT, _GPT2)): "smollm refact starcoder command-r codeshell exaone minerva-7b",
    Cut((_QWEN2,)): "qwen2 deepseek-r1-qwen megrez stablelm2",
    Cut((_LLAMA3,), whole_words=True, begins=True): "llama-bpe llama3 llama-v3 falcon3 pixtral",
    Cut((_LLAMA3,)): "dbrx smaug-bpe",
    Cut((_TEKKEN,), whole_words=True, begins=True): "tekken",
    Cut((_GPT4O,)): "gpt-4o llama4",
    Cut((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _ASIAN, _DIGIT)): "deepseek-coder",
    Cut((_SIGNS, _GPT2, r"\p{N}+", _THREE)): "default",
    Cut((_SIGNS.replace("|", "|`"), _GPT2, _THREE)): "falcon",
    Cut((_WORDS,)): "bloom gpt3-finnish poro-chat",
    Cut((_WORDS, _DIGIT)): "viking",
}
CUTS = {name: cut for cut, names in _KNOWN.items() for name in names.split()}
