"""What docs/why.md says of trails on sentences whose grammar is known, on a handful of them: with
margins of two standard errors and more.
"""

from __future__ import annotations

import random
from functools import cache

import pytest

from benchmarks import why_truth
from core import load
from core.models import catalogue
from training import lexicon
from training.cases import Case, verbs
from training.grammar import sample
from training.lexicon import Noun
from training.random_choices import Dice

FORMS = {noun.en: "singular" for noun in lexicon.table(Noun)}
FORMS |= {noun.en_plural: "plural" for noun in lexicon.table(Noun) if not noun.mass}


@cache
def answers() -> list[why_truth.Answer]:
    """The model's, on sentences that the rule was made on."""
    if not (catalogue.MODELS / "study-decoder" / "model.safetensors").exists():
        pytest.skip("study-decoder is not trained yet")
    plain, _ = why_truth.draw("development", 60, 0)
    dice, model = random.Random(5), load("study-decoder")
    return [why_truth.answer(model, case, dice) for case in plain]


def rate(found: list[bool]) -> float:
    return sum(found) / len(found)


def cases() -> list[Case]:
    """Verbs of sentences of the grammar."""
    made = [sample(Dice(f"cases {place}")) for place in range(800)]
    return [case for each in made for case in verbs(each)]


def test_a_verb_has_the_number_of_the_noun_that_is_its_subject():
    seen = set()
    for case in cases():
        noun = case.made.english[case.noun]
        if len(case.nouns) == 1 and noun in FORMS and FORMS[noun] != FORMS.get(case.right):
            assert case.number == FORMS[noun], (case.right, noun)
            seen.add((why_truth.construction(case), case.number))
        assert case.nouns <= case.named and case.site.place not in case.named
        if why_truth.construction(case) == why_truth.CONSTRUCTIONS[5]:
            assert case.number == "plural" and len(case.nouns) >= 3
            seen.add((why_truth.construction(case), case.number))
    assert {name for name, _ in seen} == set(why_truth.CONSTRUCTIONS)


def test_what_names_the_subject_is_what_the_gold_facts_link_to_it():
    kinds = set()
    for case in cases():
        for place in case.named - case.nouns:
            links = {name for name, a, b in case.made.links if place in (a, b)}
            assert links & {"pronoun", "named again", "relative pronoun"} or len(case.named) > 2
            kinds |= links
    assert {"pronoun", "named again", "relative pronoun"} <= kinds


@pytest.mark.slow
def test_most_trails_end_at_a_word_that_names_the_subject():
    rules = (why_truth.NAMED, *why_truth.RULES)
    found = {rule: rate(why_truth.right(answers(), rule)) for rule in rules}
    assert found[why_truth.NAMED] >= 0.69  # 80.0% of these 60 sentences
    assert found["every way"] >= 0.65  # 76.7%
    assert found["every way"] > found["strongest ways"] + 0.05  # 61.7%
    assert found["every way"] > found["strongest head"] + 0.05  # 60.0%


def test_without_the_trail_s_heads_some_plurals_turn_and_hardly_a_singular():
    plural, singular = (
        [each for each in answers() if each.case.number == number]
        for number in ("plural", "singular")
    )
    assert rate(why_truth.turned(plural, "zero")) >= 0.15
    assert rate(why_truth.turned(singular, "zero")) <= 0.1
    assert rate(why_truth.turned(plural, "others")) <= 0.1
