"""Without a part, or with another run's: every number is that of a whole run, bit for bit; nothing
done changes nothing, everything put in is the other run.
"""

from dataclasses import replace

import numpy as np
import pytest

from core import GlassError, load, transformer, whatif, why
from core.edits import ablate_head, together
from core.models.model import Model
from core.models.weights import read_folder
from core.recorder import input_of
from core.trace import Trace
from core.why.outcome import outcome_of
from core.why.patching import pair_of
from core.why.silencing import silence, units
from tests.helpers.documents import document, figure
from tests.helpers.tiny import FAMILIES, golden

WITH_WORDS = tuple(family for family in FAMILIES if family not in ("bert_bare",))
BOOKS, BOOK = (f"The {word} that the student recommended" for word in ("books", "book"))
WORD, RIVAL = 5, 3


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The tiny models as users have them, without a tokenizer; in float32, as the app runs them."""
    return {
        family: Model(
            family, *read_folder(golden(family).write(tmp_path_factory.mktemp(family)), np.float32)
        )
        for family in FAMILIES
    }


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


def ids_of(family: str, shift: int = 0) -> dict:
    """What a tiny model reads; shift: other tokens, of equal number."""
    ids = {name: value for name, value in golden(family).inputs.items() if name.endswith("ids_L")}
    given = {"ids_L": ids["ids_L"]} | {k: v for k, v in ids.items() if k == "target_ids_L"}
    return given | {"ids_L": (np.array(ids["ids_L"]) + shift) % 11}


def whole(model, family, edits=None, shift=0, **options) -> float:
    """The word's logit less the rival's at the last position, by a run of the whole model."""
    trace = model.trace(**ids_of(family, shift), edits=edits, rows=-1, **options)
    return read(trace["head.logits"][0])


def read(logits_V) -> float:
    return float(logits_V[WORD]) - float(logits_V[RIVAL])


# --- a part of a run again ------------------------------------------------------------------------


@pytest.mark.parametrize("keep", ("all", "layers"))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_rest_of_a_run_is_the_whole_run_bit_for_bit(models, family, keep):
    model = models[family]
    trace = model.trace(**ids_of(family), keep=keep)
    last = trace.config.sides[-1]
    for side in trace.config.sides:
        for layer in (None, *range(trace.config.layers(side))):
            again = trace.rerun(side, layer, {}, trace.rows)
            assert f"{last}.out" in again and (f"{side}.out") in again
            for name, value in again.items():
                np.testing.assert_array_equal(value, trace[name], err_msg=name)


def test_an_edit_of_the_run_stays_when_its_rest_runs_again(models):
    first, second = ablate_head("decoder", 0, 1), ablate_head("decoder", 1, 0)
    third = ablate_head("decoder", 1, 1)
    model, given = models["gpt2"], ids_of("gpt2")
    trace = model.trace(**given, edits=together(first, second), mask="encoder")
    both = model.trace(**given, edits=together(first, second, third), mask="encoder")
    again = trace.rerun("decoder", 1, third, trace.rows)
    np.testing.assert_array_equal(again["head.logits"], both["head.logits"])


def test_a_run_that_kept_no_layers_can_not_be_run_again_in_part(models):
    trace = models["gpt2"].trace(**ids_of("gpt2"), keep="output")
    with pytest.raises(GlassError, match="did not keep"):
        trace.rerun("decoder", 1, {}, [0])
    with pytest.raises(GlassError, match="did not keep"):
        load_lstm_trace().rerun("lstm", None, {}, [0])


def load_lstm_trace():
    from core import lstm

    model = lstm.load()
    return lstm.forward(model.config, model.weights, np.array([2, 5, 7]))


# --- effects --------------------------------------------------------------------------------------


@pytest.mark.one_in(3)
@pytest.mark.parametrize("by", ("zero", "mean"))
@pytest.mark.parametrize("family", WITH_WORDS)
def test_each_effect_is_the_difference_of_two_whole_runs_bit_for_bit(models, family, by):
    model = models[family]
    trace = model.trace(**ids_of(family), keep="layers", rows=0)
    before = whole(model, family)
    seen = list(why.each_effect(model, trace, WORD, RIVAL, by=by))
    assert len(seen) == len(units(model.config))
    for each in seen:
        assert each.change == whole(model, family, silence(each.unit, by)) - before, each.unit
    assert any(each.change for each in seen)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("family", WITH_WORDS)
def test_an_effect_is_that_of_the_what_if_that_it_names(models, family):
    model = models[family]
    trace = model.trace(**ids_of(family))
    text = whatif.Text(ids_of(family)["ids_L"], None)
    target = ids_of(family).get("target_ids_L")
    for each in why.each_effect(model, trace, WORD, RIVAL):
        run = whatif.run(model, text, target, "trained", each.unit.part, rows=-1)
        assert (
            each.change == read(run["head.logits"][0]) - outcome_of(trace, WORD, RIVAL, -1).before
        )


@pytest.mark.parametrize("family", WITH_WORDS)
def test_the_map_has_a_row_for_each_layer_and_a_column_for_each_head(models, family):
    config, model = models[family].config, models[family]
    found = why.effects(model, model.trace(**ids_of(family)), WORD)
    layers = config.encoder_layers + config.decoder_layers
    assert found.shape == (layers, config.n_heads * (1 + config.crosses) + 1)
    missing = np.zeros(found.shape, dtype=bool)
    if config.crosses:
        missing[: config.encoder_layers, config.n_heads : -1] = True
    assert np.array_equal(np.isnan(found), missing)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("family", WITH_WORDS)
def test_a_mean_is_the_mean_over_the_tokens(models, family):
    model = models[family]
    trace = model.trace(**ids_of(family))
    for unit in units(model.config):
        changed = model.trace(**ids_of(family), edits=silence(unit, "mean"))
        part = slice(None) if unit.head is None else unit.head
        mean_X = trace[unit.step][part].mean(axis=0)  # what stands before the edit is as it was
        after_LX = changed[unit.step][part]
        assert np.array_equal(after_LX, np.broadcast_to(mean_X, after_LX.shape)), unit


def test_silencing_what_is_silent_changes_nothing(models):
    model = models["gpt2"]
    silent = ablate_head("decoder", 1, 1)
    trace = model.trace(**ids_of("gpt2"), edits=silent)
    found = why.effects(model, trace, WORD, RIVAL)
    assert found[1, 1] == 0 and np.count_nonzero(found) == found.size - 1


def test_only_layers_from_the_silenced_one_on_run_again(models, monkeypatch):
    model, runs, layer = models["gpt2"], [], transformer.layer
    trace = model.trace(**ids_of("gpt2"), keep="layers")
    monkeypatch.setattr(transformer, "layer", lambda *given: runs.append(0) or layer(*given))
    why.effects(model, trace, WORD)
    N, per_layer = model.config.decoder_layers, model.config.n_heads + 1
    assert len(runs) == per_layer * N * (N + 1) // 2 + 1  # and the last layer once, for the run


def test_effects_come_one_by_one_and_who_stops_asking_stops_the_work(models, monkeypatch):
    model, runs, rerun = models["marian"], [], Trace.rerun
    monkeypatch.setattr(Trace, "rerun", lambda *given: runs.append(given[1:3]) or rerun(*given))
    found = why.each_effect(model, model.trace(**ids_of("marian")), WORD)
    first, second = next(found), next(found)
    assert 0 < first.done < second.done < 1 and len(runs) == 3  # one is the run as it is
    assert first.unit.layer == model.config.decoder_layers - 1 and first.unit.side == "decoder"
    found.close()
    assert len(runs) == 3
    assert [*why.each_effect(model, model.trace(**ids_of("marian")), WORD)][-1].done == 1


def by_whole_runs(model, word: int, rival: int, *heads: tuple[int, int]) -> tuple[float, int]:
    """How far a word is above its rival after BOOKS without some heads of the study decoder, and
    which word then comes first.
    """
    edits = together(*(ablate_head("decoder", *each) for each in heads)) if heads else None
    logits_V = model.trace(BOOKS, edits=edits)["head.logits"][-1]
    return float(logits_V[word]) - float(logits_V[rival]), int(logits_V.argmax())


def test_are_hangs_most_on_the_one_head_without_which_another_word_comes_first(decoder):
    are, is_ = (decoder.tokenizer.id_of(word) for word in ("are", "is"))
    found = why.effects(decoder, BOOKS, are, is_)
    before, first = by_whole_runs(decoder, are, is_)
    alone = {place: by_whole_runs(decoder, are, is_, place) for place in np.ndindex(4, 5)}
    for place, (after, _) in alone.items():
        assert before + found[place] == pytest.approx(after, abs=1e-5), place
    needed = min(alone, key=lambda place: alone[place][0])
    turned = [place for place, (_, comes_first) in alone.items() if comes_first != are]
    assert before > 0 and first == are and found.shape == (4, 6) and turned == [needed]
    assert why.effects(decoder, decoder.trace(BOOKS), are, is_).tolist() == found.tolist()


def test_no_head_alone_turns_are_into_is_and_the_two_that_are_needed_most_do(decoder):
    """With the figures that docs/why.md names."""
    are, is_ = (decoder.tokenizer.id_of(word) for word in ("are", "is"))
    heads_NH = why.effects(decoder, BOOKS, are, is_)[:, :-1]
    pair = [tuple(map(int, divmod(at, 5))) for at in np.argsort(heads_NH, axis=None)[:2]]
    before, *after = (by_whole_runs(decoder, are, is_, *each) for each in ([], *zip(pair), pair))
    assert (before[0] + heads_NH > 0).all() and after[-1][0] < 0
    one, other = (why.in_words(f"decoder.{layer}.attn.head.{h}") for layer, h in pair)
    falls = f"Without {one} are − is is {figure(after[0][0])}, without {other.split()[1]}"
    both = f"{figure(after[1][0])}, without both {figure(after[2][0])}"
    assert f"{falls} {both}" in document("why.md")


def test_what_has_no_effect_to_measure_is_said(models, decoder):
    bare = models["bert_bare"]
    with pytest.raises(GlassError, match="guesses no words"):
        why.effects(bare, bare.trace(**ids_of("bert_bare")), 3)
    for given, says in (
        ({"word": 10**6}, "vocabulary"),
        ({"word": 1, "rival": -1}, "vocabulary"),
        ({"word": 1, "row": 99}, "99"),
        ({"word": 1, "by": "noise"}, "noise"),
    ):
        with pytest.raises(GlassError, match=says):
            why.effects(decoder, BOOKS, **given)


# --- patching -------------------------------------------------------------------------------------


def handed_over(model) -> list[tuple[str, str]]:
    """All that can be patched, and where."""
    found = [
        (side, what) for side in model.config.sides for what in ("stream", "attn", "mlp", "head:1")
    ]
    return found + ([("decoder", "cross"), ("decoder", "cross:0")] if model.config.crosses else [])


@pytest.mark.parametrize("family", WITH_WORDS)
def test_with_everything_put_in_it_is_the_other_run_and_with_nothing_this_one(models, family):
    model = models[family]
    clean, changed = (model.trace(**ids_of(family, shift)) for shift in (0, 3))
    for side, what in handed_over(model):
        pair = pair_of(model, clean, changed, WORD, RIVAL, what, -1, side)
        for layer in range(model.config.layers(side)):
            assert pair.after(layer, []) == whole(model, family)
            every = range(clean.sizes(side)["L"])
            # Of a translator's two streams, the decoder looks at the clean encoder
            if what == "stream" and side == model.config.sides[0]:
                assert (
                    pair.after(layer, every)
                    == whole(model, family, shift=3)
                    != whole(model, family)
                )


@pytest.mark.one_in(3)
@pytest.mark.parametrize("family", WITH_WORDS)
def test_each_patch_is_the_difference_of_two_whole_runs_bit_for_bit(models, family):
    model = models[family]
    clean, changed = (model.trace(**ids_of(family, shift)) for shift in (0, 3))
    rng = np.random.default_rng(2)
    for side, what in handed_over(model):
        seen = why.patch(model, clean, changed, WORD, RIVAL, what, side=side)
        assert seen.shape == (model.config.layers(side), clean.sizes(side)["L"])
        for layer, position in (rng.integers(seen.shape) for _ in range(3)):
            edits = by_hand(clean, changed, side, int(layer), what, position)
            assert seen[layer, position] == whole(model, family, edits) - whole(model, family)


def by_hand(clean, changed, side: str, layer: int, what: str, position) -> dict:
    """The patch as a whole array that takes the place of a step."""
    kind, _, head = what.partition(":")
    leaf = "z" if head else "out"
    name = f"{side}.{layer}.{'attn' if kind == 'head' else kind}.{leaf}"
    name = f"{side}.{layer}.attn.in" if kind == "stream" else name
    value = clean[name].copy()
    cell = (int(head), position) if head else position
    value[cell] = changed[name][cell]
    return {name: value}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("family", WITH_WORDS)
def test_a_run_patched_into_itself_stays_what_it_is(models, family):
    model = models[family]
    trace = model.trace(**ids_of(family))
    for side, what in handed_over(model):
        assert not why.patch(model, trace, trace, WORD, RIVAL, what, side=side).any()


def test_the_head_that_carries_the_number_of_books(decoder):
    """Patched one head at a time, it is the one that “are” needs most, at the last word: with what
    it gathers after “book”, the verb turns, as with no other head.
    """
    are, is_ = (decoder.tokenizer.id_of(word) for word in ("are", "is"))
    maps = [why.patch(decoder, BOOKS, BOOK, are, is_, f"head:{h}") for h in range(5)]
    found_HNL = np.stack(maps)
    most = np.unravel_index(np.abs(found_HNL).argmax(), found_HNL.shape)
    heads_NH = why.effects(decoder, BOOKS, are, is_)[:, :-1]
    layer, head = np.unravel_index(heads_NH.argmin(), heads_NH.shape)
    assert most == (head, layer, 6)
    clean, changed = decoder.trace(BOOKS), decoder.trace(BOOK)
    before = outcome_of(clean, are, is_, -1).before
    edits = by_hand(clean, changed, "decoder", layer, f"head:{head}", 6)
    logits_V = decoder.trace(BOOKS, edits=edits)["head.logits"][-1]
    patched = float(logits_V[are]) - float(logits_V[is_])
    assert before > 0 > patched == pytest.approx(before + found_HNL[most], abs=1e-5)
    assert np.argwhere(before + found_HNL < 0).tolist() == [[*most]]


def test_patches_come_one_by_one_from_the_last_layer_on(decoder):
    seen = list(why.each_patch(decoder, BOOKS, BOOK, 66, 64))
    assert [(each.layer, each.position) for each in seen[:8]] == [
        *((3, i) for i in range(7)),
        (2, 0),
    ]
    done = [each.done for each in seen]
    assert done == sorted(done) and done[-1] == 1 and len(seen) == 28


def test_both_texts_of_a_translator_are_read_with_the_target_of_the_first():
    model = load("study-translator")
    texts = ("The green chair sleeps.", "The green cat sleeps.")
    pair = pair_of(model, *texts, 5, None, "stream", -1, None)
    ids = [trace["decoder.embed.ids"].tolist() for trace in (pair.outcome.trace, pair.giver)]
    assert pair.side == "encoder" and ids[0] == ids[1]
    assert ids[0] != model.trace(texts[1])["decoder.embed.ids"].tolist()


@pytest.mark.parametrize(
    "changed, what, side",
    [
        ("The book that the old student recommended", "stream", None),
        (BOOK, "norm", None),
        (BOOK, "head", None),
        (BOOK, "head:5", None),
        (BOOK, "head:-1", None),
        (BOOK, "mlp:1", None),
        (BOOK, "cross", None),
        (BOOK, "stream", "encoder"),
    ],
)
def test_what_can_not_be_patched_is_said(decoder, changed, what, side):
    with pytest.raises(GlassError):
        why.patch(decoder, BOOKS, changed, 66, 64, what, side=side)


# --- words replaced -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", WITH_WORDS)
def test_each_word_replaced_is_a_whole_run_of_that_text(models, family):
    model = models[family]
    given = ids_of(family)
    trace = model.trace(**given, words_L=[None, *(i // 2 for i in range(len(given["ids_L"]) - 1))])
    seen = list(why.each_saliency(model, trace, WORD, RIVAL, other=7))
    assert [place for each in seen for place in each.places] == [*range(1, len(given["ids_L"]))]
    for each in seen:
        ids_L = given["ids_L"].copy()
        ids_L[list(each.places)] = 7
        after = read(model.trace(**given | {"ids_L": ids_L}, rows=-1)["head.logits"][0])
        assert each.change == after - whole(model, family)
    assert seen[-1].done == 1


@pytest.mark.one_in(2)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_replaced_by_itself_changes_nothing(models, family):
    model = models[family]
    trace = model.trace(**ids_of(family))
    for position, token in enumerate(ids_of(family)["ids_L"].tolist()):
        for word in (WORD, None) if model.config.head else (None,):
            assert why.saliency(model, trace, word, other=token)[position] == 0


def test_are_hangs_on_books_more_than_on_any_other_word(decoder):
    """Without it “is” comes first of the two, and so the whole lead is gone."""
    are, is_ = (decoder.tokenizer.id_of(word) for word in ("are", "is"))
    found_N = why.saliency(decoder, BOOKS, are, is_)
    before = outcome_of(decoder.trace(BOOKS), are, is_, -1).before
    assert len(found_N) == 6 and found_N.argmin() == 1 and before > 0 > before + found_N[1]


def test_without_a_word_it_is_the_last_vector_that_moves(models):
    model = models["bert_bare"]
    trace, given = model.trace(**ids_of("bert_bare")), ids_of("bert_bare")
    found_N = why.saliency(model, trace, row=2, other=7)
    for position, share in enumerate(found_N):
        ids_L = given["ids_L"].copy()
        ids_L[position] = 7
        one, two = (run["encoder.out"][2] for run in (trace, model.trace(ids_L=ids_L)))
        assert share == pytest.approx(np.linalg.norm(two - one) / np.linalg.norm(one), abs=1e-6)


# --- what changed first and most ------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_of_two_equal_runs_nothing_differs(models, family):
    one, two = (models[family].trace(**ids_of(family), keep=keep) for keep in ("all", "layers"))
    found = why.first_and_most(one, two)
    assert found == replace(found, first=None, vector=None, look=None)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_number_that_differs_is_the_one_that_was_changed(models, family):
    model, side = models[family], models[family].config.sides[0]
    one = model.trace(**ids_of(family), keep="layers")
    value = float(one[f"{side}.1.mlp.out"][1, 2])
    edit = {f"{side}.1.mlp.out": lambda out: with_cell(out, (1, 2), value + 2)}
    found = why.first_and_most(one, model.trace(**ids_of(family), edits=edit))
    assert (found.first.name, found.first.index) == (f"{side}.1.mlp.out", (1, 2))
    assert found.first.after == pytest.approx(value + 2) and found.first.before == value
    assert found.vector.name.endswith(".out") and 0 < found.vector.share


def with_cell(array, cell, number):
    array[cell] = number
    return array


def test_the_head_that_looks_elsewhere_and_the_vector_that_moved_most(decoder):
    one, two = decoder.trace(BOOKS), decoder.trace(BOOK)
    found = why.first_and_most(one, two)
    assert (found.first.name, found.first.index) == ("decoder.embed.ids", (2,))
    head, token = found.look.index
    patterns = [run[found.look.name][head, token] for run in (one, two)]
    assert found.look.share == pytest.approx(np.abs(patterns[1] - patterns[0]).sum() / 2)
    for layer in range(4):
        moved = np.abs(two[f"decoder.{layer}.attn.pattern"] - one[f"decoder.{layer}.attn.pattern"])
        assert moved.sum(axis=-1).max() / 2 <= found.look.share + 1e-6
        before_LD, after_LD = (run[f"decoder.{layer}.out"] for run in (one, two))
        shares_L = np.linalg.norm(after_LD - before_LD, axis=1) / np.linalg.norm(before_LD, axis=1)
        assert shares_L.max() <= found.vector.share + 1e-6


def test_texts_of_different_lengths_are_not_laid_side_by_side(decoder):
    with pytest.raises(GlassError, match="length"):
        why.first_and_most(decoder.trace(BOOKS), decoder.trace("The books"))


def test_the_stream_that_enters_a_layer_is_the_step_that_it_reads(models):
    """What by_hand puts in at `attn.in` is what patching a stream hands over."""
    trace = models["gpt2"].trace(**ids_of("gpt2"))
    for layer in range(2):
        assert np.array_equal(trace[input_of("decoder", layer)], trace[f"decoder.{layer}.attn.in"])
