"""Words that the grammar decides, and what decides them: a verb, by its subject; a pronoun, by what
it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.grammar import Sample, Site

SINGULAR, PLURAL = ("is", "was", "has", "does"), ("are", "were", "have", "do")
AGAIN, RELATIVE = ("pronoun", "named again"), "relative pronoun"


@dataclass(frozen=True, eq=False)
class Case:
    """A word whose form the grammar decides. Places count words from 0."""

    made: Sample
    site: Site
    word: int  # the place of the verb (of which the site may be an auxiliary), or of the pronoun
    noun: int  # the place of the noun that decides, the first of two

    @property
    def right(self) -> str:
        return self.made.english[self.site.place]

    @property
    def number(self) -> str:
        """Of a verb: singular or plural."""
        stem, other = (word.removesuffix("n't") for word in (self.right, self.site.wrong[0]))
        one = stem in SINGULAR or stem not in PLURAL and len(stem) > len(other)
        return "singular" if one else "plural"

    @property
    def nouns(self) -> set[int]:
        """The places of what decides: its noun, or both and the “and” between."""
        two = self.site.how == "and" or self.site.kind == "pronoun"
        return pair(self.made, self.noun) if two else {self.noun}

    @property
    def named(self) -> set[int]:
        """The same, and all before the word that names it."""
        return self.for_pronoun() if self.site.kind == "pronoun" else self.for_verb()

    def for_pronoun(self) -> set[int]:
        """The places at which the same was said before: as a noun, by pronouns, or as an owner."""
        names = (*AGAIN, "owner")
        again = {a for name, a, b in self.made.links if name in names and b == self.noun}
        return self.nouns | {place for place in again if place < self.site.place}

    def for_verb(self) -> set[int]:
        """The subject, what its pronoun stands for, the noun named before, and the pronoun by which
        a relative clause has it as its subject.
        """
        found, new = set(self.nouns), [self.noun]
        while new:
            at = new.pop()
            before = [b for name, a, b in self.made.links if name in AGAIN and a == at]
            new += before
            found |= {place for noun in before for place in pair(self.made, noun)}
        if self.made.heads[self.word] == self.noun:
            links = self.made.links
            found |= {a for name, a, b in links if name == RELATIVE and b == self.noun}
        return found

    @property
    def between(self) -> int:
        """How many words stand between the word and the last one before it that names what decides
        it: of a verb, its subject.
        """
        last = self.named if self.site.kind == "pronoun" else self.nouns
        return self.site.place - max(last) - 1


def pair(made: Sample, noun: int) -> set[int]:
    """A noun; where “and” joins another to it, both and the “and”."""
    words = range(len(made.english))
    joined = [i for i in words if made.heads[i] == noun and made.relations[i] == "joined"]
    ands = [i for i in words if made.heads[i] in joined and made.english[i] == "and"]
    return {noun, *joined, *ands}


def verbs(made: Sample) -> list[Case]:
    """Every verb of a sentence that agrees with a subject before it."""
    subjects = {verb: noun for name, verb, noun in made.links if name == "verb to its subject"}
    found = []
    for site in made.sites:
        if site.kind == "agreement":
            verb = site.place if site.place in subjects else made.heads[site.place]
            found.append(Case(made, site, verb, subjects[verb]))
    return found


def pronouns(made: Sample) -> list[Case]:
    """Every pronoun of a sentence whose form a noun before it decides."""
    nouns = {word: noun for name, word, noun in made.links if name == "pronoun"}
    sites = [site for site in made.sites if site.kind == "pronoun"]
    return [Case(made, site, site.place, nouns[site.place]) for site in sites]


def far_verbs(made: Sample) -> list[Case]:
    """Verbs of a sentence before which a noun of the other number stands nearer than the
    subject.
    """
    return [each for each in verbs(made) if each.site.distracted and each.site.how != "and"]
