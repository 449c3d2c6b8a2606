"""Beam search finds what `generate` of transformers finds, and its tree adds up."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from core import GlassError, load
from core.decoding import Tree, beam_search, greedy_target
from core.decoding.beam_search import DROPPED, ENDED, KEPT, WIDEST
from core.forward_pass import forward
from core.models.generation_rules import Decoding
from core.ops import log_softmax
from tests.helpers import beams as cases
from tests.helpers.tiny import golden


def searched(case: cases.Case, folder) -> tuple[list[list[int]], list[float]]:
    """The finished texts, the best first, and what each is worth."""
    model = load(cases.written(case, folder))
    start = cases.start_of(model.config)
    tree = beam_search(
        model.config,
        model.weights,
        start,
        cases.LONGEST,
        beams=case.beams,
        rules=model.decoding,
        source_ids_L=cases.SOURCE if model.config.crosses else None,
        length_penalty=case.penalty,
    )
    texts = [[*start, *tree.tokens(each)] for each in tree.ended]
    return texts, [tree.branches[each].worth(case.penalty) for each in tree.ended]


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_the_texts_are_those_of_transformers(case, tmp_path):
    """As `generate(num_beams=…)` found them when tests/golden/beams.json was written."""
    texts, worths = searched(case, tmp_path)
    kept = cases.stored()[str(case)]
    assert texts == kept["texts"]
    np.testing.assert_allclose(worths, kept["worths"], atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_transformers_still_generates_them(case, tmp_path):
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    assert cases.generated(case, tmp_path)["texts"] == cases.stored()[str(case)]["texts"]


# --- the tree -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


@pytest.fixture(scope="module")
def tree(decoder) -> Tree:
    ids_L = decoder.ids("The books that the student recommended")
    return beam_search(decoder.config, decoder.weights, ids_L, len(ids_L) + 5, beams=3)


def test_every_sum_is_that_of_a_whole_run(decoder, tree):
    """Read at once, the text has the same log probabilities."""
    ids_L = decoder.ids("The books that the student recommended").tolist()
    for place, branch in enumerate(tree.branches):
        text = tree.tokens(place)
        if branch.depth < 4:
            continue
        logits_LV = forward(decoder.config, decoder.weights, ids_L + text)["head.logits"]
        logs_LV = log_softmax(logits_LV.astype(np.float64))
        first = len(ids_L) - 1
        each = [logs_LV[first + n, token] for n, token in enumerate(text)]
        assert branch.log_prob == pytest.approx(each[-1], abs=1e-4)
        assert branch.total == pytest.approx(sum(each), abs=2e-4)


def test_what_is_dropped_is_worth_less_than_what_is_kept(tree):
    for depth in {branch.depth for branch in tree.branches}:
        step = [branch for branch in tree.branches if branch.depth == depth]
        totals = [branch.total for branch in step]
        assert totals == sorted(totals, reverse=True)
        kept = [branch.total for branch in step if branch.fate == KEPT]
        dropped = [branch.total for branch in step if branch.fate == DROPPED]
        assert len(kept) <= 3 and (not kept or not dropped or min(kept) >= max(dropped))


def test_only_what_is_kept_is_gone_on_from(tree):
    parents = {branch.parent for branch in tree.branches} - {None}
    assert all(tree.branches[parent].fate == KEPT for parent in parents)
    assert all(tree.branches[each].fate == ENDED for each in tree.ended)
    assert all(parent < place for place, parent in enumerate(b.parent or -1 for b in tree.branches))


def test_one_beam_is_the_likeliest_token_each_time(tmp_path):
    model = load(golden("marian").write(tmp_path / "marian"))
    source, rules = [3, 5, 7, 2, 9, 4], Decoding(ends=())
    target = greedy_target(model.config, model.weights, source, 10, rules)
    tree = beam_search(
        model.config, model.weights, target[:1], 10, beams=1, rules=rules, source_ids_L=source
    )
    assert tree.tokens(tree.ended[0]) == target[1:]


def test_several_beginnings_find_a_likelier_text_than_one(decoder):
    """On at least one of these sentences; on none a less likely one."""
    gains = []
    for sentence in ("The books that the student recommended", "The old man", "A woman who"):
        ids_L = decoder.ids(sentence)
        found = [
            beam_search(
                decoder.config,
                decoder.weights,
                ids_L,
                len(ids_L) + 5,
                beams=beams,
                rules=Decoding(ends=()),
            )
            for beams in (1, 5)
        ]
        one, five = (tree.branches[tree.ended[0]].total for tree in found)
        gains.append(five - one)
    assert min(gains) > -1e-9 and max(gains) > 0.1


def test_progress_is_told_at_each_token(decoder):
    told = []
    ids_L = decoder.ids("The old man")
    until = len(ids_L) + 3
    beam_search(
        decoder.config,
        decoder.weights,
        ids_L,
        until,
        beams=2,
        progress=lambda done, all_of: told.append((done, all_of)),
    )
    assert told == [(n, until) for n in range(len(ids_L), until)]


def test_what_cannot_be_searched_is_said(decoder, tmp_path):
    config, weights, ids_L = decoder.config, decoder.weights, decoder.ids("The old man")
    for beams in (0, WIDEST + 1):
        with pytest.raises(GlassError, match=f"1 to {WIDEST} beginnings"):
            beam_search(config, weights, ids_L, 20, beams=beams)
    with pytest.raises(GlassError, match="no room"):
        beam_search(config, weights, ids_L, len(ids_L))
    gpt2 = load(golden("gpt2").write(tmp_path))
    with pytest.raises(GlassError, match="positions for only"):
        beam_search(gpt2.config, gpt2.weights, [1], gpt2.config.n_positions + 1)


def test_a_text_that_may_not_end_before_its_length_does_not(tmp_path):
    """A rule of the files: the likeliest token is an end, and barred."""
    path = golden("marian").write(tmp_path / "marian")
    said = json.loads((path / "config.json").read_text())
    rules = {"eos_token_id": list(range(20)), "min_length": 4}
    start = {"decoder_start_token_id": said["decoder_start_token_id"]}
    (path / "generation_config.json").write_text(json.dumps(start | rules))
    model = load(path)
    tree = beam_search(
        model.config,
        model.weights,
        [model.config.start_id],
        8,
        beams=2,
        rules=model.decoding,
        source_ids_L=[3, 5, 7],
    )
    assert all(b.token >= 20 for b in tree.branches if b.depth < 4)
    assert not any(math.isinf(branch.total) for branch in tree.branches)
