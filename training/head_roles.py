"""What each head of a decoder does, as a score from 0 to 1 for each layer and head.

    previous_token(model, samples)  the mean weight that a token gives to the one before it
    induction(model)                the mean weight that it gives to what followed its like before,
                                    where random words come twice
    deciding(model, samples)        the head without which right forms of a verb are told worst from
                                    wrong ones

The links between words are measured in training/evaluate.py, the roles themselves in
core/steps/heads.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.edits import ablate_head
from core.models.model import Model
from core.models.over_time import Decides
from core.why.induction import scores
from training import vocabulary
from training.evaluate import chosen, cut, is_hard
from training.grammar import Sample, Site
from training.vocabulary import START

WORDS, TEXTS = 20, 12  # random words that come twice; so many such texts


def previous_token(model: Model, samples: list[Sample]) -> np.ndarray:
    """The mean weight on the token before, over all tokens of a sentence and then over the
    sentences, (layers, heads).
    """
    traces = (model.trace(ids_L=cut(made.english).ids) for made in samples)
    return np.mean([scores(trace, "previous token") for trace in traces], axis=0)


def repeated_words(seed: int) -> list[int]:
    """Random words, and the same once more. Words alone: no pieces, no signs of the tokenizer."""
    known = [i for word, i in vocabulary.tokens("english").items() if word.isalpha()]
    drawn = np.random.default_rng(seed).choice(known, WORDS, replace=False).tolist()
    return [START, *drawn, *drawn]


def induction(model: Model) -> np.ndarray:
    """The mean weight that the words of a second copy give to the word after their like in the
    first, (layers, heads) (Olsson et al. 2022, "In-context Learning and Induction Heads").
    """
    traces = (model.trace(ids_L=repeated_words(seed)) for seed in range(TEXTS))
    return np.mean([scores(trace, "induction") for trace in traces], axis=0)


def hard_sites(samples: list[Sample]) -> Iterator[tuple[Sample, Site]]:
    """The verbs that agree across a clause with a distracting noun."""
    for made in samples:
        yield from ((made, site) for site in made.sites if is_hard(site))


def lead(logits_V: np.ndarray, made: Sample, site: Site) -> float:
    """How far the logit of the right form is above that of the likeliest wrong one."""
    known = vocabulary.tokens("english")
    wrong = max(float(logits_V[known[word]]) for word in site.wrong)
    return float(logits_V[known[made.english[site.place]]]) - wrong


def deciding(model: Model, samples: list[Sample]) -> Decides:
    """Each head is silenced in turn; the one without which the lead of the right form falls most.
    samples: sentences with verbs that agree across a clause.
    """
    shape = model.config.decoder_layers, model.config.n_heads
    right, leads_NH, right_NH = 0, np.zeros(shape), np.zeros(shape)
    sites = list(hard_sites(samples))
    for made, site in sites:
        read = cut(made.english)
        at = read.first[site.place] - 1
        trace = model.trace(ids_L=read.ids[: at + 1], keep="layers", rows=-1)
        right += chosen(trace["head.logits"][-1], made, site)
        for place in np.ndindex(shape):
            edits = ablate_head("decoder", *place)
            logits_V = trace.rerun("decoder", place[0], edits, [at])["head.logits"][-1]
            leads_NH[place] += lead(logits_V, made, site)
            right_NH[place] += chosen(logits_V, made, site)
    layer, head = np.unravel_index(int(leads_NH.argmin()), shape)
    count = len(sites)
    without = float(right_NH[layer, head]) / count
    return Decides(int(layer), int(head), right / count, without, count)
