"""How often an early word is lost: the cases, the measure and the choice of examples, each done
again in another way; and the file that the page reads.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from core import early_words as kept
from core import load, lstm
from core.models import catalogue
from training import corpus, early_words, lexicon
from training.cases import far_verbs, pronouns, verbs
from training.early_words import ATTENTION, LSTM, Answer
from training.english import OBJECTS
from training.lexicon import Name, Noun

OF_NAME = {name.name: name.kind for name in lexicon.table(Name) if name.kind != "city"}
OF_NOUN = {noun.en: noun.pronoun for noun in lexicon.table(Noun)}
PLURALS = {noun.en_plural for noun in lexicon.table(Noun) if not noun.mass}


@cache
def sentences() -> tuple:
    return tuple(corpus.samples("test", 60))


@cache
def models() -> dict:
    for name in (LSTM, ATTENTION):
        if not (catalogue.MODELS / name / "model.safetensors").exists():
            pytest.skip(f"{name} is not trained yet")
    return {LSTM: lstm.load(LSTM), ATTENTION: load(ATTENTION)}


@cache
def answers() -> list[Answer]:
    return list(early_words.answers(models(), sentences()))


# --- the cases ------------------------------------------------------------------------------------


def test_a_pronoun_is_that_of_the_noun_that_decides_it():
    seen = set()
    for case in (case for made in sentences() for case in pronouns(made)):
        noun = case.made.english[case.noun]
        if len(case.nouns) > 1 or noun in PLURALS and noun not in OF_NOUN:
            form = "they"
        else:
            form = OF_NAME.get(noun) or OF_NOUN.get(noun, "-")
        if form != "-":
            form = OBJECTS[form] if case.site.how == "object" else form
            assert case.right == form, (case.made.english, noun)
            seen.add(form)
    assert {"he", "she", "it", "they"} <= seen


def test_words_between_are_counted_from_the_last_one_that_names_it():
    counted = set()
    for case in (case for made in sentences() for case in pronouns(made)):
        links = {(a, b) for _, a, b in case.made.links if b == case.noun}
        between = 0
        for place in reversed(range(case.site.place)):
            if place in case.nouns or (place, case.noun) in links and is_name_of(case, place):
                break
            between += 1
        assert case.between == between
        counted.add(between)
    assert len(counted) > 5


def is_name_of(case, place: int) -> bool:
    names = {name for name, a, b in case.made.links if (a, b) == (place, case.noun)}
    return bool(names & {"pronoun", "named again", "owner"})


def test_a_noun_of_the_other_number_stands_between_a_far_verb_and_its_subject():
    found, seen = [case for made in sentences() for case in far_verbs(made)], 0
    for case in found:
        between = case.made.english[case.noun + 1 : case.site.place]
        assert case.between == len(between) >= 2
        nouns = [word in PLURALS for word in between if word in {*PLURALS, *OF_NOUN, *OF_NAME}]
        assert not nouns or nouns[-1] != (case.number == "plural")
        seen += bool(nouns)
    assert seen
    every = [case for made in sentences() for case in verbs(made)]
    assert 0 < len(found) < len(every) / 5


# --- the measure ----------------------------------------------------------------------------------


def test_what_is_right_is_so_in_the_whole_sentence_as_one_types_it():
    """Read from its letters to its end, and not from ids up to the word."""
    right = {name: [0, 0] for name in models()}
    for answer in answers():
        case, text = answer.case, early_words.written(answer.case.made.english)
        for name, model in models().items():
            encoding = model.encode(text)
            row = [i for i, w in enumerate(encoding.words_L) if w == case.site.place][0] - 1
            logits_V = model.trace(text)["head.logits"][row]
            given = {f: logits_V[model.tokenizer.id_of(f)] for f in (case.right, *case.site.wrong)}
            assert answer.is_right(name) == (max(given, key=given.__getitem__) == case.right)
            right[name][answer.kind == "verb"] += max(given, key=given.__getitem__) == case.right
    rows = early_words.tried(answers())
    for n, kind in enumerate(kept.KINDS):
        assert sum(row["count"] for row in rows[kind]) == sum(a.kind == kind for a in answers())
        for name in right:
            assert sum(row["right"][name] for row in rows[kind]) == right[name][n]
    assert right[ATTENTION][0] > right[LSTM][0] > 0


def test_a_sentence_as_one_types_it_has_the_ids_of_its_words():
    for made in sentences():
        text = early_words.written(made.english)
        assert models()[LSTM].ids(text)[1:].tolist() == corpus.ids(made.english)
        assert text[0].isupper() or text[0] == "I"


# --- the choice -----------------------------------------------------------------------------------


def made_up(answer: Answer, by_lstm: float, by_attention: float) -> Answer:
    """The same case with so much for the right form; a wrong one gets what is left to 0.9."""
    case, probabilities = answer.case, {}
    for name, right in ((LSTM, by_lstm), (ATTENTION, by_attention)):
        given = dict.fromkeys(case.site.wrong, 0.0) | {case.right: right}
        given[case.site.wrong[0]] = 0.9 - right
        probabilities[name] = given
    return Answer(case, probabilities)


def plain(word: str) -> bool:
    return True


def able() -> list[Answer]:
    """Cases that may be shown, with made-up numbers."""
    made = (made_up(each, 0.4, 0.85) for each in answers())
    return [each for each in made if early_words.may_be_shown(each, plain)]


def test_only_a_clear_short_plain_sentence_that_the_lstm_alone_gets_wrong_is_shown():
    assert len(able()) >= 3
    for each in able():
        case = each.case
        assert case.between >= early_words.FAR and len(case.made.english) <= early_words.LONGEST
        for lstm_, attention in ((0.5, 0.85), (0.4, 0.46), (0.4, 0.04)):
            assert not early_words.may_be_shown(made_up(each, lstm_, attention), plain)
        strange = case.made.english[0]
        assert not early_words.may_be_shown(each, lambda word, strange=strange: word != strange)


def test_the_sentences_in_which_they_are_farthest_apart_are_chosen_one_of_each_kind_first():
    far = [
        made_up(each, 0.1 + n / 1000, 0.85)
        for n, each in enumerate(sorted(able(), key=lambda each: each.case.made.english))
    ]
    found = early_words.chosen(far[::-1], plain)
    assert 1 < len(found) <= early_words.CHOSEN
    sorts = [early_words.sort_of(each) for each in far]
    for sort in set(sorts):  # the first of each kind has the lowest share
        assert far[sorts.index(sort)].case in [each.case for each in found]
    again = [each for each in found if early_words.sort_of(each) in sorts]
    assert len({(early_words.sort_of(each), each.case.right) for each in again}) == len(found)
    assert early_words.chosen([made_up(each, 0.6, 0.85) for each in far], plain) == []


def test_the_other_noun_asks_for_another_form_and_fits_its_article():
    for each in able():
        word, other = each.case.made.english[each.case.noun], str(early_words.other_noun(each))
        before = each.case.made.english[max(each.case.noun - 1, 0)]
        assert other != word
        if before in ("a", "an"):
            assert (other[0] in "aeiou") == (before == "an")
        one = OF_NAME.get(word) or OF_NOUN.get(word, "they")
        assert one != (OF_NAME.get(other) or OF_NOUN.get(other, "they"))


# --- the file -------------------------------------------------------------------------------------


def test_the_examples_in_the_file_are_what_the_shipped_models_say():
    found = kept.early_words()
    assert 1 <= len(found.examples) <= early_words.CHOSEN
    for example in found.examples:
        for name, model in models().items():
            words = model.encode(example.text).words_L
            row = [i for i, word in enumerate(words) if word == example.decided][0] - 1
            probs_V = model.trace(example.text)["head.probs"][row]
            given = [probs_V[model.tokenizer.id_of(f)] for f in (example.right, example.wrong)]
            assert np.allclose(given, example.probabilities[name], atol=2e-6, rtol=1e-3)
            assert (given[0] > given[1]) == (name == ATTENTION)


def test_the_rates_in_the_file_are_of_many_sentences_and_add_up():
    found = kept.early_words()
    assert found.sentences >= 1000
    for kind in kept.KINDS:
        whole = found.together(kind)
        assert whole.count == sum(each.count for each in found.tried[kind].values()) > 100
        for name in (LSTM, ATTENTION):
            assert 0 < whole.right[name] <= whole.count
            assert whole.rate(name) == whole.right[name] / whole.count
        pooled = found.by_distance(kind, 20)
        assert all(each.count >= 20 for *_, each in pooled)
        assert sum(each.count for *_, each in pooled) == whole.count
        ends = [end for low, high, _ in pooled for end in (low, high)]
        assert ends == sorted(ends) and set(ends) <= set(found.tried[kind])
        assert found.together(kind, ends[-1]).count < whole.count
    assert found.together("pronoun").rate(ATTENTION) > found.together("pronoun").rate(LSTM)
