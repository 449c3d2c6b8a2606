"""Sentences with all that is known about them: the gold facts, the French, and how likely the
grammar made them.
"""

from __future__ import annotations

from dataclasses import dataclass

from training import english, french, grammar_rules
from training.random_choices import Dice


@dataclass(frozen=True)
class Site:
    """A word whose form is decided by what stands before it. place: its position; wrong: forms it
    can't have.
    """

    place: int
    kind: str  # agreement, pronoun
    how: str  # agreement: what lies between subject and verb; pronoun: subject or object
    wrong: tuple[str, ...]
    decided_by: int  # the position of the subject, or of what the pronoun stands for
    distracted: bool  # agreement: a noun of the other number stands nearer than the subject


@dataclass(frozen=True)
class Sample:
    """A sentence or a short story. Positions count words from 0."""

    english: tuple[str, ...]
    heads: tuple[int, ...]  # of each word, the word it depends on; -1: the root
    relations: tuple[str, ...]  # and how
    links: tuple[
        tuple[str, int, int], ...
    ]  # what, from, to: "pronoun" to its antecedent, "verb to its subject" …
    sites: tuple[Site, ...]
    combinations: tuple[
        tuple[str, str, str], ...
    ]  # construction, noun, verb or adjective: what the test set holds out
    french: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]  # French position, English position
    content: tuple[
        int, ...
    ]  # the French positions that carry content: nouns, verbs, adjectives, adverbs, names
    log_p: float  # of the choices that made it, in nats


def sample(dice: Dice) -> Sample:
    """One sentence or story by chance."""
    said = grammar_rules.sentence(dice)
    draft = english.write(said)
    at = {id(word): place for place, word in enumerate(draft.words)}
    words = french.write(said, draft.made)
    return Sample(
        tuple(word.text for word in draft.words),
        tuple(-1 if word.head is None else at[id(word.head)] for word in draft.words),
        tuple(word.relation if word.head is not None else "root" for word in draft.words),
        tuple((name, at[id(a)], at[id(b)]) for name, a, b in draft.links),
        tuple(
            Site(at[id(s.word)], s.kind, s.how, s.wrong, at[id(s.decided_by)], s.distracted)
            for s in draft.sites
        ),
        tuple(draft.combinations),
        tuple(word.text for word in words),
        tuple(
            (place, at[id(source)])
            for place, word in enumerate(words)
            for source in dict.fromkeys(word.sources)
        ),
        tuple(place for place, word in enumerate(words) if word.content),
        dice.log_p,
    )
