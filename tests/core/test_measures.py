"""That the measures of training/evaluate.py count what they say, on models of which the answer is
known.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from training import corpus, entropy, evaluate
from training.grammar import sample
from training.random_choices import Dice

SAMPLES = [sample(Dice(f"test of the measures {i}")) for i in range(400)]
STRANGE = [made for made in SAMPLES if len(corpus.ids(made.english)) > len(made.english)]


def pattern(n_looks: int, n_seen: int, looks: dict[int, int]) -> np.ndarray:
    """Weights of one head, (1, L, M): most lies where `looks` says, else on the first sign."""
    pattern_HLM = np.full((1, n_looks, n_seen), 0.01)
    for at in range(n_looks):
        pattern_HLM[0, at, looks.get(at, 0)] = 0.5
    return pattern_HLM


def knowing(made, name: str, read: evaluate.Cut, piece: int = 0):
    """A decoder of two layers: the first looks where a relation leads, the second at the word
    itself.
    """
    links = {
        read.first[a]: read.first[b] + piece
        for link, a, b in evaluate.named_links(made)
        if link == name
    }
    n = len(read.ids)
    trace = {
        "decoder.0.attn.pattern": pattern(n, n, links),
        "decoder.1.attn.pattern": pattern(n, n, {i: i for i in range(n)}),
    }
    return SimpleNamespace(
        config=SimpleNamespace(sides=("decoder",), layers=lambda side: 2), trace=lambda ids_L: trace
    )


def test_words_of_many_tokens_are_one_word_and_signs_are_none():
    assert STRANGE
    for made in STRANGE:
        read = evaluate.cut(made.english)
        tokens = Counter(read.word_of_L.tolist())
        assert [tokens[place] for place in range(len(made.english))] == [
            len(corpus.ids((word,))) for word in made.english
        ]
        assert tokens[-1] == tokens[len(made.english)] == 1 and read.word_of_L[0] == -1
        assert (
            evaluate.cut(made.english, begin=()).word_of_L.tolist() == read.word_of_L.tolist()[1:]
        )


@pytest.mark.parametrize("name", evaluate.RELATIONS)
def test_a_head_that_looks_where_a_link_leads_is_always_right(name):
    having = [
        made for made in SAMPLES if any(link == name for link, *_ in evaluate.named_links(made))
    ]
    for made in having[:20]:
        found = evaluate.links(knowing(made, name, evaluate.cut(made.english)), [made])[name]
        assert found["hits"][0] == [1.0] and found["weight"][0][0] >= 0.5 and found["count"]
        assert (
            found["weight"][1][0] < 0.1
        )  # what lies on the word itself or on a sign does not count
    assert having


def test_a_name_of_many_tokens_is_found_at_any_of_them():
    many = [
        (made, b)
        for made in STRANGE
        for name, a, b in evaluate.named_links(made)
        if name == "verb to its subject" and len(corpus.ids((made.english[b],))) > 1
    ]
    for made, _ in many:
        links = evaluate.links(knowing(made, "pronoun", evaluate.cut(made.english)), [made])
        assert "verb to its subject" in links
    made, b = many[0]
    one = SimpleNamespace(
        **vars(made)
        | {
            "links": tuple(
                link for link in made.links if link[0] == "verb to its subject" and link[2] == b
            )
        }
    )
    found = evaluate.links(
        knowing(one, "verb to its subject", evaluate.cut(made.english), piece=1), [one]
    )
    assert found["verb to its subject"]["hits"][0] == [1.0]


def test_links_past_a_relative_clause_have_one_between_and_stand_outside_of_it():
    seen = Counter()
    for made in SAMPLES:
        for name, a, b in evaluate.named_links(made):
            assert b < a
            if name.endswith("past a relative clause"):
                seen[made.english[a]] += 1
                assert {"that", "who"} & set(made.english[b + 1 : a])
                assert ("verb of a relative clause to its subject", a, b) not in made.links
    assert seen["is"] + seen["are"] > 5 and any(word.endswith("ed") for word in seen)


def test_alignment_is_right_where_the_weight_lies_on_what_is_translated():
    for made in SAMPLES[:60]:
        source, target = evaluate.cut(made.english, begin=()), evaluate.cut(made.french, "joint")
        gold = {
            target.first[french] - 1: source.first[english] for french, english in made.alignment
        }
        L, M = len(target.ids) - 1, len(source.ids)
        trace = {
            "decoder.0.cross.pattern": pattern(L, M, gold),
            "decoder.1.cross.pattern": pattern(L, M, dict.fromkeys(range(L), M - 1)),
        }
        trace = type("Trace", (dict,), {"config": SimpleNamespace(decoder_layers=2, n_heads=1)})(
            trace
        )
        found = evaluate.alignment(made, source, target, trace)
        assert set(found) == {
            "layer 0 head 0",
            "layer 1 head 0",
            "mean of layer 0",
            "mean of layer 1",
            "mean of all heads",
        }
        assert all(found["layer 0 head 0"]) and len(found["layer 0 head 0"]) == len(made.content)
        assert not any(found["layer 1 head 0"])  # the sign of the end is no word


def test_the_best_is_counted_in_tokens_and_a_hidden_word_is_a_word():
    made = SAMPLES[:100]
    tokens = sum(len(evaluate.cut(each.english).ids) - 1 for each in made)
    assert entropy.per_token(made, accepted=1) == pytest.approx(
        -sum(each.log_p for each in made) / tokens
    )
    assert entropy.per_token(made, accepted=0.9) < entropy.per_token(made, accepted=1)
    assert 0.9 < entropy.accepted(500) < 0.98
    chance = np.random.default_rng(0)
    assert all(
        len(corpus.ids((each.english[entropy.known_place(each, chance)],))) == 1
        for each in STRANGE
        for _ in range(9)
    )
