"""The words: tables of English words with their French counterparts (lexicon/*.tsv), read into
records.

Function words (articles, pronouns, auxiliaries) stand in the grammars, `english.py` and
`french.py`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lexicon"
ANY = "any"


@dataclass(frozen=True)
class Noun:
    en: str
    en_plural: str
    fr: str
    fr_plural: str
    gender: str  # French: m, f
    kind: (
        str  # person, animal, food, drink (not counted), text …: what verbs and adjectives ask for
    )
    pronoun: str  # he, she, it; "-": a person of whom the noun does not say it
    place: str = "-"  # "in:dans": how one is at that place, in both languages

    @property
    def mass(self) -> bool:
        """Whether it is not counted (water, bread)."""
        return self.kind == "drink" or self.en_plural == "-"


@dataclass(frozen=True)
class Name:
    """A person (he, she; "-": an invented name) or a city."""

    name: str
    kind: str
    fr: str


@dataclass(frozen=True)
class Verb:
    en: str
    en_s: str
    en_past: str
    en_participle: str
    en_ing: str
    fr: str
    je: str
    il: str
    nous: str
    vous: str
    ils: str
    participle: str
    aux: str  # avoir, être
    frame: str  # i: no object; t: object; g: object and "to" somebody; s: a that-clause
    subjects: str  # kinds of nouns, comma separated
    objects: str


@dataclass(frozen=True)
class Adjective:
    en: str
    ms: str
    fs: str
    mp: str
    fp: str
    vowel: str  # before a masculine vowel: bel, vieil, nouvel; "-": as ms
    position: str  # before, after the noun in French
    classes: str

    def fits(self, kind: str) -> bool:
        """Whether a noun of that kind can be so."""
        return self.classes == ANY or kind in self.classes.split(",")


@dataclass(frozen=True)
class Adverb:
    en: str
    fr: str
    kind: str  # frequency, manner, degree, past, present, future, place, sentence


@cache
def table(record) -> tuple:
    """All words of a kind: table(Noun)."""
    path = (
        FOLDER
        / {
            Noun: "nouns.tsv",
            Name: "names.tsv",
            Verb: "verbs.tsv",
            Adjective: "adjectives.tsv",
            Adverb: "adverbs.tsv",
        }[record]
    )
    names = {"class": "kind"} if record is Noun else {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {names.get(key, key): value for key, value in row.items()}
            for row in csv.DictReader(file, delimiter="\t")
        ]
    known = {field.name for field in fields(record)}
    return tuple(
        record(**{key: value for key, value in row.items() if key in known}) for row in rows
    )


@cache
def nouns(kind: str) -> tuple[Noun, ...]:
    """The nouns of a kind."""
    return tuple(noun for noun in table(Noun) if noun.kind == kind)


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of nouns, in the order of the table."""
    return tuple(dict.fromkeys(noun.kind for noun in table(Noun)))


@cache
def verbs(frame: str, subject: str = ANY, object: str = ANY) -> tuple[Verb, ...]:
    """The verbs with that frame that such a subject can do, to such an object."""
    return tuple(
        verb
        for verb in table(Verb)
        if verb.frame == frame
        and (subject == ANY or subject in verb.subjects.split(","))
        and (object == ANY or object in verb.objects.split(","))
    )


@cache
def adjectives(kind: str) -> tuple[Adjective, ...]:
    """The adjectives that fit a kind of noun."""
    return tuple(adjective for adjective in table(Adjective) if adjective.fits(kind))


@cache
def adverbs(kind: str) -> tuple[Adverb, ...]:
    """The adverbs of a kind."""
    return tuple(adverb for adverb in table(Adverb) if adverb.kind == kind)


@cache
def names(kind: str) -> tuple[Name, ...]:
    """The names of a kind: he, she, city."""
    return tuple(name for name in table(Name) if name.kind == kind)
