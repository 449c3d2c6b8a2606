"""The vocabulary: every word form of the lexicon as one token, and pieces for all that a reader may
type besides.
"""

from __future__ import annotations

from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from training import lexicon
from training.french import agreed
from training.lexicon import Adjective, Adverb, Name, Noun, Verb
from training.semantics import Thing

SPECIAL = ("[PAD]", "[UNK]", "[START]", "[END]", "[MASK]")
PAD, _, START, END, MASK = range(len(SPECIAL))
ENGLISH_SMALL = """. , ? ! ' - a an the this that these those my your our his her its their some
every all many several two three four five
six seven eight nine ten i you we he she it they me us him them who whom what where when why how
and but because not to by of is am
are was were be do does did will can could must cannot want wants wanted have has had there in at
on near behind with under isn't
aren't wasn't weren't don't doesn't didn't won't can't couldn't mustn't""".split()
FRENCH_SMALL = """le la les l' un une des du de d' au aux à ce cet cette ces mon ma mes votre vos
notre nos son sa ses leur leurs chaque
plusieurs tous toutes beaucoup deux trois quatre cinq six sept huit neuf dix je j' tu il elle
nous vous ils elles qui que qu' quoi
où quand pourquoi comment est-ce et mais parce ne n' pas par y être été suis est sommes êtes sont
étais était étions étiez étaient ai
a avons avez ont avais avait avions aviez avaient vais va allons allez vont peux peut pouvons
pouvez peuvent pouvais pouvait pouvions
pouviez pouvaient dois doit devons devez doivent veux veut voulons voulez veulent voulais voulait
voulions vouliez voulaient avoir
dans sur près derrière avec sous""".split()
ALPHABET = "abcdefghijklmnopqrstuvwxyzàâäçéèêëîïôöùûüœ0123456789"
ENDINGS = (
    "s es ed er ers ing ly ness ment tion ful less able al an ar en in on or un at it ot et st nd"
    " nt ck th sh ch ll ss".split()
)
SYLLABLES = [a + b for a in "bcdfghjklmnprstvwyz" for b in "aeiou"]
WORD = r"[\p{L}]+n't|(?:[ldnjmstc]|qu)'|est-ce|\p{L}+|\p{N}|[^\s\p{L}\p{N}]"


def english_words() -> list[str]:
    """All English words in a fixed order, function words first."""
    forms = [(n.en, n.en_plural) if not n.mass else (n.en,) for n in lexicon.table(Noun)]
    forms += [(v.en, v.en_s, v.en_past, v.en_participle, v.en_ing) for v in lexicon.table(Verb)]
    forms += [(a.en,) for a in lexicon.table(Adjective)] + [(a.en,) for a in lexicon.table(Adverb)]
    forms += [(name.name,) for name in lexicon.table(Name)]
    return list(dict.fromkeys([*ENGLISH_SMALL, *(word for group in forms for word in group)]))


def french_words() -> list[str]:
    """All French words in a fixed order, function words first."""
    forms = [(n.fr, n.fr_plural) if not n.mass else (n.fr,) for n in lexicon.table(Noun)]
    for v in lexicon.table(Verb):
        forms.append((v.fr, v.je, v.il, v.nous, v.vous, v.ils, *participles(v)))
    forms += [
        (a.ms, a.fs, a.mp, a.fp, *([a.vowel] if a.vowel != "-" else []))
        for a in lexicon.table(Adjective)
    ]
    forms += [(a.fr,) for a in lexicon.table(Adverb)] + [(name.fr,) for name in lexicon.table(Name)]
    return list(dict.fromkeys([*FRENCH_SMALL, *(word for group in forms for word in group)]))


def participles(verb: Verb) -> list[str]:
    """The past participle in the forms that the grammar writes."""
    he, she = lexicon.names("he")[0], lexicon.names("she")[0]
    if verb.aux == "avoir" and verb.frame in "is":
        return [verb.participle]
    return [
        agreed(verb.participle, Thing(name, plural=many))
        for many in (False, True)
        for name in (he, she)
    ]


@cache
def tokens(language: str) -> dict[str, int]:
    """Token -> id. "english", or "joint": the English ids first, then what French adds."""
    found = [
        *SPECIAL,
        *english_words(),
        *ALPHABET,
        *SYLLABLES,
        *("##" + piece for piece in [*ALPHABET, *SYLLABLES, *ENDINGS]),
    ]
    if language == "joint":
        found = [*dict.fromkeys(found), *french_words()]
    return {token: number for number, token in enumerate(dict.fromkeys(found))}


def tokenizer(language: str, frame: str) -> Tokenizer:
    """Whole words, else the longest pieces. frame: what stands around a text, such as "[START] $A
    [END]".
    """
    made = Tokenizer(
        models.WordPiece(tokens(language), unk_token="[UNK]", max_input_chars_per_word=40)
    )
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Lowercase(), normalizers.Replace("’", "'")]
    )
    made.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    made.post_processor = processors.TemplateProcessing(
        single=frame,
        special_tokens=[(token, number) for number, token in enumerate(SPECIAL) if token in frame],
    )
    made.decoder = decoders.Sequence(
        [
            decoders.WordPiece(prefix="##", cleanup=True),
            decoders.Fuse(),
            decoders.Replace("' ", "'"),
        ]
    )
    made.add_special_tokens(list(SPECIAL))
    return made
