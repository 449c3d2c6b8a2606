"""What the shipped study models can do, on sentences that they have never seen: a fixed sample,
with thresholds a little below what `python -m training.evaluate` measures on thousands.
"""

from __future__ import annotations

from functools import cache
from itertools import islice

import numpy as np
import pytest

from core import load, lstm
from core.models import catalogue, head_links
from tests.helpers import tiny
from training import corpus, entropy, evaluate, typed_words, vocabulary


@cache
def sample(half: str) -> tuple:
    """Sentences of that half of the grammar's, or of both: to find them takes seconds."""
    both = half == "both"
    return sample("test") + sample("new") if both else tuple(corpus.samples(half, 150))


def shipped(name: str):
    """A model, where its weights are in the repository."""
    if not (catalogue.MODELS / name / "model.safetensors").exists():
        pytest.skip(f"{name} is not trained yet")
    return evaluate.loaded(name)


def test_the_decoder_predicts_as_well_as_the_grammar_allows():
    found = evaluate.next_word(shipped("study-decoder"), sample("both"))
    best = entropy.per_token(sample("both"), accepted=1)
    assert best - 0.1 < found["loss"].value < best + 0.25
    assert found["agreement"].value >= 0.97 and found[evaluate.CLAUSE].value >= 0.95
    assert found["pronoun"].value >= 0.93


@pytest.mark.slow
def test_the_decoder_makes_words_agree_with_nouns_that_it_never_read():
    right = typed_words.agreement(shipped("study-decoder"))
    assert len(right) >= 600 and np.mean(right) >= 0.9


@pytest.mark.slow
def test_the_decoder_makes_words_agree_with_nouns_that_nobody_ever_read():
    """Those that the grammar invents; to find them in its sentences takes minutes."""
    found = evaluate.next_word(shipped("study-decoder"), with_invented_subjects())
    assert found[evaluate.INVENTED].count >= 100 and found[evaluate.INVENTED].value >= 0.9


def with_invented_subjects(count: int = 100) -> list:
    """Sentences in which a verb agrees with an invented noun."""

    def has(made) -> bool:
        return any(
            site.kind == "agreement" and evaluate.is_invented(made.english[site.decided_by])
            for site in made.sites
        )

    return list(islice(filter(has, corpus.samples("test", 4_000)), count))


def test_typed_nouns_stand_in_no_sentence_of_the_corpus():
    known = vocabulary.tokens("joint")
    assert not {form for noun in typed_words.NOUNS for form in (noun, noun + "s")} & set(known)
    texts = list(typed_words.sentences())
    assert len(set(texts)) == len(texts) == 2 * len(typed_words.NOUNS) * len(typed_words.FRAMES)
    assert ("the old otters", "are", "is") in texts and ("the otter", "is", "are") in texts


def test_an_invented_word_is_copied_where_all_its_pieces_stand_in_order():
    made = next(s for s in corpus.samples("train", 400) if any(map(evaluate.is_invented, s.french)))
    ids = corpus.ids(made.french, "joint")
    invented = [word for word in made.french if evaluate.is_invented(word)]
    assert evaluate.copies(made, ids) == [True] * len(invented)
    assert evaluate.copies(made, ids[::-1]) == [False] * len(invented)


def test_the_encoder_guesses_from_both_sides():
    found = evaluate.masked_word(shipped("study-encoder"), sample("both"))
    assert found["agreement"].value >= 0.97 and found[evaluate.CLAUSE].value >= 0.95
    assert found["pronoun"].value >= 0.93 and found["masked word"].value >= 0.4


def test_the_lstm_is_a_fair_rival():
    found = evaluate.next_word(shipped("study-lstm"), sample("both"))
    assert (
        found["agreement"].value >= 0.9
        and found["loss"].value < entropy.per_token(sample("both"), accepted=1) + 0.6
    )


@pytest.mark.slow
def test_the_translator_writes_the_grammars_french_and_looks_at_what_it_translates():
    found = evaluate.translation(
        shipped("study-translator"), sample("test")[:60] + sample("new")[:60]
    )
    (aligned,) = (
        score
        for name, score in found.items()
        if name.startswith("alignment") and "mean of all" not in name
    )
    assert found["exact"].value >= 0.9 and aligned.value >= 0.85


@pytest.mark.parametrize("name", tiny.STUDY)
def test_every_step_equals_what_the_trained_pytorch_model_computes(name):
    """Kept in a file by tests/helpers/make_golden.py, so that no PyTorch is needed here;
    test_training.py computes it anew.
    """
    shipped(name)
    with np.load(tiny.GOLDEN / f"{name}.npz") as file:
        kept = dict(file)
    ids = {"ids_L": tiny.STUDY_IDS[0]} | (
        {"target_ids_L": tiny.STUDY_IDS[1]} if name == "study-translator" else {}
    )
    trace = (lstm.load if name == "study-lstm" else load)(name, dtype=np.float64).trace(**ids)
    assert set(kept) == set(trace.names)
    for step, value in kept.items():
        np.testing.assert_allclose(trace[step], value, rtol=1e-9, atol=1e-9, err_msg=step)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", ("study-encoder", "study-decoder"))
def test_what_heads_link_is_what_was_written_down(name):
    model = shipped(name)
    here, kept = evaluate.links(model, sample("both")), head_links.links(name)
    assert set(kept) >= {
        "verb of a relative clause to its object",
        "predicate to its subject, past a relative clause",
    }
    for relation, link in kept.items():
        if relation in here and here[relation]["count"] >= 60:
            again = np.array(here[relation]["hits"])[link.best]
            assert abs(again - link.hits_NH[link.best]) < 0.15, relation
            assert 0 <= link.hits_NH.min() and link.hits_NH.max() <= 1 and link.count > 100


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", ("study-encoder", "study-decoder", "study-translator"))
def test_no_layer_looks_at_nothing(name):
    """Under too high a rate all heads of a layer come to rest on the first or the last token, and
    no score shows it.
    """
    model = shipped(name)
    side = model.config.sides[0]
    patterns = [
        np.stack(
            [model.trace(**read(model, made))[f"{side}.{layer}.attn.pattern"] for layer in range(4)]
        )[:, :, 1:-1]
        for made in sample("test")[:40]
    ]
    for edge in (0, -1):
        rest_NH = np.mean([pattern_NHLM[..., edge].mean(-1) for pattern_NHLM in patterns], axis=0)
        assert rest_NH.min(axis=1).max() < 0.8, (name, edge, rest_NH.round(2))


def read(model, made) -> dict:
    """A sentence as a model reads it; for a translator, nothing written yet."""
    crosses = model.config.crosses
    ids = evaluate.cut(made.english, begin=() if crosses else (vocabulary.START,)).ids
    return {"ids_L": ids} | ({"target_ids_L": [vocabulary.START]} if crosses else {})
