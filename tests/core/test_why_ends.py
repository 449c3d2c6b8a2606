"""What each word gives, with every way counted: the sums hold, and so do the two rules."""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load, why
from core.edits import ablate_head, together
from core.why.word_ends import empty_tokens, shared
from tests.helpers.documents import document, figure
from tests.helpers.sums import added_up
from tests.helpers.tiny import FAMILIES

WITH_WORDS = [family for family in FAMILIES if family != "bert_bare"]
ROW = 2
TEXT = "The books that the student recommended"


@pytest.mark.one_in(5)
@pytest.mark.parametrize("through", (None, True, False))
@pytest.mark.parametrize("family", WITH_WORDS)
def test_tokens_and_the_biases_at_the_asked_one_sum_to_the_logit(tiny_trace, family, through):
    trace = tiny_trace(family)
    found = why.ends(trace, 7, 9, ROW, through)
    logits_V = trace["head.logits"][ROW]
    sums, biases = added_up(trace, found, ROW, through)
    assert found.total == pytest.approx(logits_V[7] - logits_V[9], abs=1e-9)
    assert found.frame == pytest.approx(biases, abs=1e-9)
    assert (abs(biases) > 1e-6) == (trace.config.norm == "layer")  # the others have no biases
    assert found.frame + sum(part for _, _, part in found.largest()) == pytest.approx(found.total)
    for side, parts_L in found.parts.items():
        np.testing.assert_allclose(parts_L, sums[side], atol=1e-9)


def rested(special: tuple[int, ...]):
    """The study decoder’s answer where these tokens are special."""
    model = load("study-decoder", dtype=np.float64)
    ids_L = model.encode(TEXT).ids_L
    words_L = [None if place in special else place for place in range(len(ids_L))]
    are, is_ = (int(model.tokenizer.id_of(word)) for word in ("are", "is"))
    trace = model.trace(ids_L=ids_L, words_L=words_L)
    return trace, why.ends(trace, are, is_), (are, is_)


def test_what_heads_take_from_start_is_shared_among_the_words():
    (_, plain, _), (_, found, _) = rested(()), rested((0,))
    before_L, after_L = plain.parts["decoder"], found.parts["decoder"]
    assert after_L[0] == 0 and abs(before_L[0]) > 0.1
    assert after_L.sum() == pytest.approx(before_L.sum(), abs=1e-9)
    assert found.frame == pytest.approx(plain.frame, abs=1e-9)


def test_a_special_token_that_reads_words_is_no_place_to_rest():
    """An encoder’s [START] and [END] look at the words, and the trail goes on through them."""
    model = load("study-encoder")
    trace = model.trace("The book is [MASK].")
    assert trace.words_L[0] is None and trace.words_L[-1] is None
    assert not empty_tokens(trace, "encoder").any()
    causal = model.trace("The book is [MASK].", mask="decoder")
    assert empty_tokens(causal, "encoder").tolist() == [True] + [False] * (len(trace.words_L) - 1)


def test_the_rest_is_shared_by_the_weights_of_each_head():
    rng = np.random.default_rng(3)
    weights_HLM, rest_HL = rng.random((2, 3, 4)), rng.normal(size=(2, 3))
    words_HLM = weights_HLM.copy()
    words_HLM[..., 0] = 0
    words_HLM[1, 0] = 0  # looks at no word: there it stays
    given_M = np.zeros(4)
    for h, l in np.ndindex(rest_HL.shape):
        by_M = words_HLM[h, l] if words_HLM[h, l].any() else weights_HLM[h, l]
        given_M += rest_HL[h, l] * by_M / by_M.sum()
    found_M = shared(rest_HL, words_HLM, weights_HLM)
    np.testing.assert_allclose(found_M, given_M, atol=1e-12)
    stays = rest_HL[1, 0] * weights_HLM[1, 0, 0] / weights_HLM[1, 0].sum()
    assert found_M[0] == pytest.approx(stays) and found_M.sum() == pytest.approx(rest_HL.sum())


def test_are_comes_from_books():
    model = load("study-decoder")
    trace, id_of = model.trace(TEXT), model.tokenizer.id_of
    found = why.ends(trace, int(id_of("are")), int(id_of("is")))
    side, token, part = found.largest()[0]
    assert (side, trace["decoder.embed.ids"][token]) == ("decoder", id_of("books"))
    assert found.share(part) > 0.8 and found.parts["decoder"][0] == 0


def test_a_singular_verb_hangs_on_no_plural_having_been_found():
    """The two heads that “are” needs most read the noun of either number, but “is” does without
    them: as docs/why.md has it.
    """
    model = load("study-decoder")
    are, is_ = (int(model.tokenizer.id_of(word)) for word in ("are", "is"))
    plural, singular = (f"The {noun} near the nurse" for noun in ("boys", "boy"))
    heads_NH = why.effects(model, plural, are, is_)[:, :-1]
    pair = sorted(divmod(int(at), 5) for at in np.argsort(heads_NH, axis=None)[:2])
    silent = together(*(ablate_head("decoder", *place) for place in pair))
    lead = {}
    for text, words in ((plural, (are, is_)), (singular, (is_, are))):
        runs = (model.trace(text, edits=edits)["head.logits"][-1] for edits in (None, silent))
        lead[text] = [float(logits_V[words[0]] - logits_V[words[1]]) for logits_V in runs]
    assert lead[plural][0] > 0 > lead[plural][1] and lead[singular][1] > lead[singular][0] / 2
    found = why.parts(model.trace(singular), is_, are)
    names = [f"decoder.{layer}.attn.head.{head}" for layer, head in pair]
    one, other = (why.in_words(name).removeprefix("head ") for name in names)
    given = " and ".join(figure(found.of(name)) for name in names)
    text = document("why.md")
    whole, stays = map(figure, lead[singular])
    assert f"is − are is {whole}. Heads {one} and {other} give {given} of it" in text
    assert f"without both, {stays} stays" in text
    whole, falls = map(figure, lead[plural])
    assert f"are − is is {whole}, and {falls} without both" in text


def test_verte_comes_from_green():
    model = load("study-translator")
    trace = model.trace("The small black cat sleeps on the green chair.")
    ids_L = trace["decoder.embed.ids"].tolist()
    verte = ids_L.index((model.target_tokenizer or model.tokenizer).id_of("verte"))
    found = why.ends(trace, ids_L[verte], row=verte - 1)
    side, token, _ = found.largest()[0]
    assert side == "encoder"
    assert trace["encoder.embed.ids"][token] == model.tokenizer.id_of("green")


def test_only_a_model_with_words_is_asked(tiny_trace):
    with pytest.raises(GlassError, match="no output head"):
        why.ends(tiny_trace("bert_bare"), 7)
