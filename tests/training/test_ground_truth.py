"""What the methods say against the grammar: the minimal pairs, each method computed again in
another way on a few of them, and what is said of many.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

from core import load
from core.edits import ablate_head
from core.models import catalogue
from training import corpus, evaluate, ground_truth, lexicon, vocabulary
from training.ground_truth import MEASURED, Found, Pair
from training.lexicon import Name, Noun

STEPS = 24
SINGULARS = {noun.en for noun in lexicon.table(Noun)}
OF_NAME = {name.name: name.kind for name in lexicon.table(Name)}


@cache
def model():
    """In float64, so that a slope can be measured."""
    if not (catalogue.MODELS / "study-decoder" / "model.safetensors").exists():
        pytest.skip("study-decoder is not trained yet")
    return load("study-decoder", dtype=np.float64)


@cache
def pairs() -> dict[str, list[Pair]]:
    return ground_truth.draw(2)


@cache
def asked() -> dict[str, Found]:
    """One case of each group."""
    return {group: ground_truth.ask(model(), found[0], STEPS) for group, found in pairs().items()}


GROUPS = pytest.mark.parametrize("group", ground_truth.GROUPS)


class Read:
    """A case read in full: all words as ids, and the row at which the decided word is guessed."""

    def __init__(self, pair: Pair):
        made, known = pair.case.made, vocabulary.tokens("english")
        self.made, self.pair = made, pair
        self.cut = evaluate.cut(made.english)
        self.row = self.cut.first[pair.case.site.place] - 1
        self.right, self.wrong = known[pair.case.right], known[pair.wrong]
        self.other = known[pair.other]
        self.noun = self.cut.first[pair.case.noun]

    def run(self, edits=None, exchanged: bool = False):
        ids = list(self.cut.ids)
        if exchanged:
            ids[self.noun] = self.other
        return model().trace(ids_L=ids, edits=edits)

    def apart(self, edits=None, exchanged: bool = False) -> float:
        """Right − wrong of a whole run."""
        logits_V = self.run(edits, exchanged)["head.logits"][self.row]
        return float(logits_V[self.right] - logits_V[self.wrong])


# --- the pairs ------------------------------------------------------------------------------------


def test_a_pair_differs_in_its_noun_alone_which_has_the_other_number_or_gender():
    for group, found in pairs().items():
        assert len(found) == 2 and len({each.case.made.english for each in found}) == 2
        for each in found:
            words = each.case.made.english[: each.case.site.place]
            differ = [
                i
                for i, pair in enumerate(zip(words, each.exchanged, strict=True))
                if len({*pair}) > 1
            ]
            assert differ == [each.case.noun] and each.wrong in each.case.site.wrong
            noun = words[each.case.noun]
            if group == "pronoun" and noun in OF_NAME:
                assert {OF_NAME[noun], OF_NAME[each.other]} == {"he", "she"}
            else:
                assert (noun in SINGULARS) != (each.other in SINGULARS)
            if group.startswith("verb, "):
                assert (noun in SINGULARS) == (group == "verb, singular")


def test_a_sentence_in_which_something_else_tells_is_no_pair():
    """Of all cases, the ones that are left out have an article, a verb or a word that tells."""
    taken = left = 0
    for made in corpus.samples("train", 400):
        for case in ground_truth.GROUPS["pronoun"](made):
            before = made.english[: case.site.place]
            noun, articles = before[case.noun], before[max(case.noun - 1, 0)]
            if noun in OF_NAME or ground_truth.other_form(case) is None:
                continue
            tells = articles in ("a", "an", "this", "these", "two", "every", "many", "all")
            assert not (tells and ground_truth.nothing_else_tells(case))
            taken, left = taken + ground_truth.nothing_else_tells(case), left + tells
    assert taken and left


# --- each method ----------------------------------------------------------------------------------


@GROUPS
def test_the_answer_is_that_of_a_whole_run(group):
    found = asked()[group]
    read = Read(found.pair)
    assert found.apart == pytest.approx(read.apart(), abs=1e-9)
    assert found.without == pytest.approx(read.apart(exchanged=True), abs=1e-9)
    assert found.apart > 0 > found.without


@GROUPS
def test_a_head_looks_at_the_noun_if_no_other_word_gets_as_much(group):
    found = asked()[group]
    read, trace = Read(found.pair), Read(found.pair).run()
    word = read.cut.first[found.pair.case.site.place]
    for row, said_NH, itself in ((word, found.at_word_NH, 0), (read.row, found.at_guess_NH, 1)):
        for layer, head in np.ndindex(said_NH.shape):
            weights = trace[f"decoder.{layer}.attn.pattern"][head, row]
            seen = {place: weights[place] for place in range(1, row + itself)}
            assert said_NH[layer, head] == (max(seen, key=seen.__getitem__) == read.noun)


@GROUPS
def test_a_part_is_what_the_head_writes_with_the_norms_held(group):
    """What is added to the stream, taken through the scales and gains of the norms after it."""
    found = asked()[group]
    read, trace = Read(found.pair), Read(found.pair).run()
    weights, layers, n_heads = trace.weights, *found.parts_NH.shape
    table_VD = weights["head.logits.weight"]
    reads_D = table_VD[read.right] - table_VD[read.wrong]
    for layer in reversed(range(layers)):
        for path in (f"decoder.{layer}.mlp", f"decoder.{layer}.attn"):
            gain_D = weights[f"{path}.norm.weight"] / trace[f"{path}.norm.scale"][read.row]
            reads_D = reads_D * gain_D
            reads_D = reads_D - reads_D.mean()
        z_HK = trace[f"decoder.{layer}.attn.z"][:, read.row]
        out_HKD = weights[f"decoder.{layer}.attn.out.weight"].reshape(n_heads, -1, len(reads_D))
        parts_H = np.einsum("hk,hkd,d->h", z_HK, out_HKD, reads_D)
        np.testing.assert_allclose(found.parts_NH[layer], parts_H, atol=1e-8)


@GROUPS
def test_silence_and_patching_are_whole_runs_with_one_head_changed(group):
    found = asked()[group]
    read = Read(found.pair)
    clean = read.run()
    for layer, head in ((0, 0), (1, 3), (3, 4), (3, 3)):
        silent = read.apart(ablate_head("decoder", layer, head))
        assert found.silent_NH[layer, head] == pytest.approx(silent, abs=1e-9)
        step = f"decoder.{layer}.attn.z"
        edits = {step: partial(with_head, head, clean[step])}
        patched = read.apart(edits, exchanged=True)
        assert found.patched_NH[layer, head] == pytest.approx(patched, abs=1e-9)


def with_head(head: int, given_HLK, z_HLK):
    z_HLK[head] = given_HLK[head]
    return z_HLK


def colours_of(group: str) -> tuple[Read, dict[str, np.ndarray]]:
    found = asked()[group]
    read = Read(found.pair)
    words = found.pair.case.made.english[: found.pair.case.site.place]
    trace = ground_truth.run(model(), words)
    return read, dict(ground_truth.colours(model(), trace, read.right, read.wrong, STEPS))


def slope(read: Read, edits_at) -> float:
    """How fast right − wrong grows when something grows by a share of itself."""
    eps = 1e-4
    up, down = (read.apart(edits_at(1 + sign * eps)) for sign in (1, -1))
    return (up - down) / (2 * eps)


@pytest.mark.parametrize("group", ["verb past a noun of the other number", "pronoun"])
def test_colours_by_gradients_are_slopes_of_whole_runs(group):
    read, given = colours_of(group)

    def token_grows(token: int, by: float) -> dict:
        return {"decoder.embed.token": partial(scaled, token, by)}

    def looks_grow(token: int, by: float) -> dict:
        step = partial(scaled_column, token, by)
        return {f"decoder.{n}.attn.pattern": step for n in range(model().config.decoder_layers)}

    for token in (0, read.noun, read.row):
        for name, grows in (
            ("gradient × input", token_grows),
            ("attention × gradient, all heads", looks_grow),
        ):
            measured = slope(read, partial(grows, token))
            assert given[name][token] == pytest.approx(measured, abs=1e-4, rel=1e-3)


def scaled(token: int, by: float, x_LD):
    x_LD[token] *= by
    return x_LD


def scaled_column(token: int, by: float, pattern_HLM):
    pattern_HLM[..., token] *= by
    return pattern_HLM


@GROUPS
def test_the_other_colours_are_sums_means_and_runs(group):
    read, given = colours_of(group)
    trace = read.run()
    table_VD = model().weights["decoder.embed.token.weight"]
    blank_D = table_VD.mean(0) * model().config.embed_scale
    for token in (read.noun, read.row):
        lost = read.apart() - read.apart(
            {"decoder.embed.token": partial(blanked, [token], blank_D)}
        )
        assert given[MEASURED][token] == pytest.approx(lost, abs=1e-9)
    weights = [trace[f"decoder.{n}.attn.pattern"][h, read.row] for n in range(4) for h in range(5)]
    mean_M = sum(weights)[: read.row + 1] / 20
    np.testing.assert_allclose(given["mean attention"], mean_M, atol=1e-9)
    assert given["integrated gradients"].sum() == pytest.approx(mean_slope(read, blank_D), abs=1e-4)


def blanked(tokens: list[int], blank_D, x_LD):
    x_LD[tokens] = blank_D
    return x_LD


def mean_slope(read: Read, blank_D) -> float:
    """How fast right − wrong grows on the straight way from the blank text to this one, in the
    middle of each of the steps: by whole runs so little to both sides that no ReLU bends between.
    """
    eps, tokens = 1e-8, slice(read.row + 1)

    def at(share: float) -> float:
        return read.apart({"decoder.embed.token": partial(between, share, tokens, blank_D)})

    middles = (np.arange(STEPS) + 0.5) / STEPS
    return float(np.mean([(at(x + eps) - at(x - eps)) / (2 * eps) for x in middles]))


def between(share: float, tokens: slice, blank_D, x_LD):
    x_LD[tokens] = blank_D + share * (x_LD[tokens] - blank_D)
    return x_LD


def test_the_first_word_has_the_largest_sum_of_its_pieces_in_size():
    trace = ground_truth.run(model(), ("the", "zorblat", "sleeps"))
    words = list(trace.words_L)
    given_L = np.array([0.5 if w is None else -0.3 if w == 1 else 0.4 for w in words])
    assert words.count(1) >= 2  # the invented word is in pieces
    assert ground_truth.first_word(trace, given_L) == 1
    assert ground_truth.first_word(trace, np.where(given_L == 0.5, 9, given_L)) == -1


# --- what they say together -----------------------------------------------------------------------


def made_up(apart: float, without: float, head: int) -> Found:
    """A case in which one head of two does it all."""
    pair, one_NH = pairs()["pronoun"][0], np.zeros((1, 2))
    one_NH[0, head] = 1
    silent_NH, patched_NH = apart - 2 * apart * one_NH, without + (apart - without) / 2 * one_NH
    noun = {"a": pair.case.noun, "b": -1}
    return Found(pair, apart, without, one_NH > 0, one_NH < 1, one_NH, silent_NH, patched_NH, noun)


def test_shares_are_of_the_cases_and_of_what_the_nouns_differ_by():
    found = [made_up(4, -2, 0), made_up(1, -1, 1), made_up(-1, -2, 0)]
    shares = ground_truth.shares(found)
    assert shares["looks, at the word"].tolist() == [[2 / 3, 1 / 3]]
    assert shares["looks, where it is guessed"].tolist() == [[1 / 3, 2 / 3]]
    assert shares["gives most"].tolist() == [[2 / 3, 1 / 3]]
    assert shares["turns it by silence"].tolist() == [[1 / 2, 1 / 2]]  # of those that are right
    assert shares["brings it back"].tolist() == [[3 / 8, 1 / 8]]  # of 6 + 2, half by each
    assert ground_truth.at_noun(found) == {"a": 1.0, "b": 0.0}
    assert str(ground_truth.best(shares["gives most"])) == "0.0: 67%"
    nobody = ground_truth.shares([made_up(-1, -2, 0)])
    assert str(ground_truth.best(nobody["brings it back"])) == "–"


def test_a_noun_is_linked_to_each_of_its_adjectives():
    found = 0
    for made in corpus.samples("test", 40):
        more = set(ground_truth.with_adjectives(made).links) - set(made.links)
        for name, noun, adjective in more:
            assert name == ground_truth.TO_ADJECTIVE and adjective < noun
            known = [each.en for each in lexicon.table(lexicon.Adjective)]
            assert made.english[adjective] in known
        found += len(more)
    assert found > 3


@pytest.mark.slow
def test_the_script_prints_a_table_of_each_model_and_how_they_compare(monkeypatch, capsys):
    model()
    folder = str(catalogue.MODELS / "study-decoder")
    options = ["--each", "1", "--links", "5", "--steps", "2"]
    monkeypatch.setattr("sys.argv", ["ground_truth", "study-decoder", folder + "/", *options])
    ground_truth.main()
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("| pronoun | ")]
    assert printed.count("| the noun stands first in |") == 2
    asked_of = [row for row in rows if row.count("|") == 10]
    assert len(asked_of) == 2 and asked_of[0] == asked_of[1]  # the same weights, in a folder
    over_time = [row for row in rows if row.split(" | ")[1] in methods()]
    assert len(over_time) == len(methods())
    assert all(row.split(" | ")[2] == row.split(" | ")[3].removesuffix(" |") for row in over_time)


def methods() -> set[str]:
    return set(ground_truth.shares([made_up(4, -2, 0)]))
