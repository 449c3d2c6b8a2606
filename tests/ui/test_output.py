"""The page Output: the draw against a loop, the longer text, and for encoders a word in two
sentences and the search.
"""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from core import load
from core.decoding import Longer, longer
from core.errors import GlassError
from core.models import sentencepiece_model
from core.sampling import kept, throw
from core.text import number, percent
from core.word_vectors import alike, pieces_of
from tests.helpers.cards import CARDS
from tests.helpers.pages import (
    HARM,
    HOSTILE,
    READY,
    address,
    click,
    components,
    opened,
    parts,
    said,
    unmarked,
    values_in,
)
from tests.helpers.texts import T5_IDS, trained
from ui.session import runs
from ui.session.opening import opening_place
from ui.session.selection import DEPTHS
from ui.stages.output import continuation, typed_texts
from ui.text import plain

PAGE = "pages/10_Output.py"
OPEN = {"cards": CARDS[PAGE]}
ITALY = "The capital of France is Paris. The capital of Italy is"


def table(app, key: str) -> dict:
    """The table whose numbers stand in a column of that title."""
    return next(data for data in parts(app, "glass_table") if key in data["columns"])


def only_decoders(folder: str) -> bool:
    return bool(load(folder).config.decoder_layers)


def figure_of(app) -> dict:
    """The bars of the likeliest words."""
    return next(iter(parts(app, "glass_guesses")))


def written(app) -> str:
    return unmarked(" ".join(element.value for element in app.markdown))


# --- the draw -------------------------------------------------------------------------------------


def test_a_thrown_number_points_at_the_word_in_whose_stretch_it_lies():
    probs_V = np.array([0.1, 0.0, 0.45, 0.2, 0.0, 0.25])
    for turn in range(60):
        thrown, start = throw(probs_V, 7, turn), 0.0
        for word in sorted(range(6), key=lambda v: -probs_V[v]):
            if start <= thrown.point < start + probs_V[word]:
                break
            start += probs_V[word]
        assert (thrown.word, thrown.start) == (
            word,
            pytest.approx(start),
        ) and thrown.end == pytest.approx(start + probs_V[word])
        assert throw(probs_V, 7, turn).word == word and throw(probs_V, 7, turn) == thrown


def test_draws_follow_the_probabilities_and_never_take_what_was_cut():
    probs_V = np.array([0.5, 0.0, 0.3, 0.2])
    counts = np.bincount([throw(probs_V, seed, 3).word for seed in range(3000)], minlength=4)
    assert counts[1] == 0 and np.abs(counts / 3000 - probs_V).max() < 0.03
    assert {throw(np.array([0.0, 1 - 1e-9]), seed, 0).word for seed in range(50)} == {
        1
    }  # a line a little short of 1


def test_without_a_limit_no_word_is_cut_however_unlikely():
    assert kept(np.array([1 - 3e-14, 1e-14, 2e-14]), 0, 1.0).all()


# --- the longer text ------------------------------------------------------------------------------


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
def test_the_longer_text_is_read_as_the_same_tokens_and_the_new_one(smollm2):
    ids_L, cut = smollm2.ids(ITALY), smollm2.tokenizer
    rome = next(i for i in range(len(cut)) if cut.piece(i) == " Rome")
    assert longer(smollm2, ids_L, ITALY, rome) == Longer(ITALY + " Rome", True)
    half = longer(smollm2, smollm2.ids("an Ital"), "an Ital", int(smollm2.ids("ian")[0]))
    assert (
        half.text == "an Italian" and not half.exact
    )  # read anew it is cut in another way, and that is said
    broken = next(i for i in range(len(cut)) if cut.piece(i).startswith("<F0"))
    for word, why in (
        (smollm2.config.end_id, "ends here"),
        (0, "ends here"),
        (broken, "part of a letter"),
    ):
        with pytest.raises(GlassError, match=why):
            longer(smollm2, ids_L, ITALY, word)


def test_a_model_that_takes_ids_gets_a_longer_list_of_them():
    model = SimpleNamespace(
        tokenizer=None,
        target_tokenizer=None,
        decoding=None,
        config=SimpleNamespace(crosses=False, end_id=9, pad_id=None),
    )
    assert longer(model, np.array([3, 5]), "3, 5", 7) == Longer("3 5 7", True)
    model.config.crosses = True
    assert (
        longer(model, np.array([0, 5]), "5", 7).text == "5 7"
    )  # the sign it begins with is not typed
    with pytest.raises(GlassError, match="ends here"):
        longer(model, np.array([3]), "3", 9)


def test_a_decoder_that_reads_an_encoder_writes_from_nothing(tmp_path):
    trained(tmp_path, model_type="unigram", **T5_IDS)
    cut = sentencepiece_model.t5_pieces(tmp_path / "m.model", n_vocab=1000)
    model = SimpleNamespace(
        tokenizer=cut,
        target_tokenizer=None,
        decoding=None,
        config=SimpleNamespace(crosses=True, end_id=1, pad_id=None),
        target_ids=lambda _, text: [0, *cut.encode(text).ids_L[:-1]],
    )
    words = [
        piece[1:]
        for piece in cut.ids
        if piece.startswith("▁") and len(piece) > 3 and piece[1:].isascii() and piece[1:].isalpha()
    ]
    ids, text, whole = [0], "", " ".join(words[:6])
    for word in cut.encode(whole).ids_L[:-1].tolist():
        text, ids = longer(model, ids, text, word).text, [*ids, word]
    assert text == whole and longer(model, ids[:-1], cut.decode(ids[1:-1]), ids[-1]) == Longer(
        whole, True
    )
    for sign in (1, cut.id_of("<extra_id_0>")):
        with pytest.raises(GlassError, match="ends here"):
            longer(model, ids, text, sign)


def grown(app, folder: str) -> tuple[str, list[int]]:
    """The text box that grows, and the ids in it."""
    key = "target" if load(folder).config.crosses else "sentence"
    return key, [int(i) for i in app.session_state[key].split()]


@pytest.mark.one_in(5)
def test_a_word_is_drawn_appended_and_taken_back(tiny_folder):
    if not only_decoders(tiny_folder):
        pytest.skip("an encoder writes nothing")
    app = opened(PAGE, **OPEN, model=tiny_folder, sentence="3 5 7 2 9", target="4 6 8")
    key, before = grown(app, tiny_folder)
    model, at = load(tiny_folder), len(before) - 1 + load(tiny_folder).config.crosses
    trace = runs.trace_of(
        runs.RunRequest(tiny_folder, "3 5 7 2 9", target="4 6 8" if model.config.crosses else "")
    )
    word = throw(trace[f"head.sampled.{len(trace.rows) - 1}.100.0.1000"], 1, at + 1).word
    app.button(key="output_append").click().run()
    if word == model.config.end_id:
        assert grown(app, tiny_folder)[1] == before and "ends here" in app.info[0].value
        return
    assert (
        not app.exception
        and grown(app, tiny_folder) == (key, [*before, word])
        and f"\\#{word}" in app.success[0].value
    )
    assert address(app)[key].split()[-1] == str(word)
    app.button(key="output_undo").click().run()
    assert (
        grown(app, tiny_folder)[1] == before
        and not app.success
        and app.button(key="output_undo").disabled
    )


def test_a_word_that_is_appended_moves_neither_layer_nor_head():
    asked = {"model": "study-decoder", "sentence": TEXT, "layer": None, "head": None}
    app = opened(PAGE, **asked)
    place = [app.session_state[key] for key in ("layer", "head")]
    for _ in range(2):
        app.button(key="output_likeliest").click().run()
        assert not app.exception and app.session_state["sentence"] != TEXT
        assert [app.session_state[key] for key in ("layer", "head")] == place
    longer = opened(PAGE, **asked | {"sentence": app.session_state["sentence"]})
    elsewhere = [longer.session_state[key] for key in ("layer", "head")]
    assert elsewhere != place  # the longer text alone opens there, so the link names the place
    link = {name: address(app).get(name) for name in ("model", "sentence", "layer", "head")}
    again = opened(PAGE, **link)
    assert [again.session_state[key] for key in ("layer", "head")] == place
    app.button(key="output_undo").click().run()
    app.button(key="output_undo").click().run()
    assert app.session_state["sentence"] == TEXT and not {"layer", "head"} & address(app).keys()
    there = {
        text: [*opening_place(runs.RunRequest("study-decoder", text), "decoder")]
        for text in ("The keys that the boy found", "The old man", "The girl lost her keys because")
    }
    other = next(text for text, opens in there.items() if opens != place)
    app.text_input(key="sentence").set_value(other).run()
    assert [app.session_state[key] for key in ("layer", "head")] == there[other]


@pytest.mark.one_in(2)
def test_the_likeliest_word_goes_after_the_chosen_token_and_a_long_text_is_refused(tiny_folder):
    config = load(tiny_folder).config
    if not config.decoder_layers or config.crosses:
        pytest.skip("only where the sentence itself grows")
    app = opened(PAGE, **OPEN, model=tiny_folder, sentence="3 5 7 2 9", token="1", change="norms")
    app.button(key="output_likeliest").click().run()
    run = runs.trace_of(runs.RunRequest(tiny_folder, "3 5 7 2 9", change="norms"))
    if (word := int(run["head.probs"][1].argmax())) != config.end_id:
        assert grown(app, tiny_folder)[1] == [3, 5, word] and app.session_state["change"] == "norms"
    most = runs.limit_of(load(tiny_folder)).tokens
    full = opened(PAGE, **OPEN, model=tiny_folder, sentence=" ".join(["3"] * most))
    full.button(key="output_likeliest").click().run()
    assert not full.exception and len(grown(full, tiny_folder)[1]) == most
    assert full.warning or full.info


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
@pytest.mark.slow
def test_the_numbers_of_the_decoder_are_those_of_the_trace(smollm2):
    app = opened(PAGE, **OPEN, model="smollm2", sentence=ITALY, depth="numbers")
    run = runs.trace_of(runs.RunRequest("smollm2", ITALY))
    probs_V = run["head.probs"][-1]
    best, rest = int(probs_V.argmax()), float(np.sort(probs_V)[-50:].sum())
    words = " ".join(element.value for element in app.markdown)
    assert (
        f"{probs_V[best] / rest:.1%}" in words and f"the truth is **{probs_V[best]:.1%}**" in words
    )
    app.slider(key="output_heat").set_value(2.0).run()
    app.select_slider(key="output_k").set_value(3).run()
    app.slider(key="output_p").set_value(1.0).run()
    hot = np.sort(run["head.logits"][-1].astype(float))[::-1] / 2
    shares = np.exp(hot[:3] - hot[0]) / np.exp(hot[:3] - hot[0]).sum()
    drawn = table(app, "in the draw")
    shown = [row[drawn["columns"].index("in the draw")] for row in drawn["numbers"]]
    assert shown == [number(share) for share in [*shares, *[0] * 12]]
    assert drawn["columns"] == ["logit", "T = 1", "T = 2", "in the draw"]
    bars = figure_of(app)
    assert bars["bars"] == ["T = 1", "in the draw"]
    values_WB = values_in(bars)[0, 0]
    assert values_WB[:, 0] == pytest.approx(np.sort(probs_V)[::-1][: len(values_WB)])
    assert values_WB[:3, 1] == pytest.approx(shares, abs=1e-6) and not values_WB[3:, 1].any()
    assert "**3 of 49,152** words stay in the draw" in " ".join(
        element.value for element in app.markdown
    )


@pytest.mark.one_in(2)
@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
@pytest.mark.parametrize("change", ("order", "pad:2"))
def test_nothing_is_appended_where_the_last_token_is_not_the_end_of_the_text(change):
    app = opened(PAGE, **OPEN, model="smollm2", sentence=ITALY, change=change)
    assert not app.exception and app.button(key="output_append").disabled


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
def test_numbers_that_overflow_are_called_that_and_nothing_is_drawn_from_them():
    app = opened(PAGE, **OPEN, model="smollm2", sentence="The sun is", change="norms+positions")
    assert (
        not app.exception
        and "no longer fit" in said(app)
        and not [b for b in app.button if b.key == "output_append"]
    )


TEXT = "The books that the student recommended"
STUDY = {"model": "study-decoder", "sentence": TEXT}


def test_the_bars_are_the_trace_s_numbers_and_each_opens():
    app = opened(PAGE, **STUDY, temperature="0.8", top_k="20", top_p="0.95")
    run = runs.trace_of(runs.RunRequest(*STUDY.values()))
    probs_V, drawn_V = run["head.probs"][-1], run["head.sampled.6.80.20.950"]
    shown, order = figure_of(app), np.argsort(-probs_V, kind="stable")
    values_WB, words = values_in(shown)[0, 0], shown["words"][0][0]
    ids = [*order[:10], *order[10:][[w not in words[:10] for w in words[10:11]]]][: len(words)]
    for bar, numbers_V in enumerate((probs_V, drawn_V)):
        assert np.array_equal(values_WB[:10, bar], numbers_V[order[:10]].astype(np.float32))
    key = next(key for key in components(app) if key.endswith("output:next"))
    click(app, key, cell=[0, 0, 2, 0])
    assert app.session_state["cell"] == f"head.probs:6,{ids[2]}"
    click(app, key, cell=[0, 0, 1, 1])
    assert app.session_state["cell"] == f"head.sampled.6.80.20.950:{ids[1]}"
    assert figure_of(app)["opened"] == [0, 0, 1, 1]
    for wrong in ([0, 0, 40, 0], [0, 0, 1, 2], [1, 0, 0, 0], "x", [0]):
        click(app, key, cell=wrong)
        assert not app.exception and app.session_state["cell"].endswith(f":{ids[1]}")


def test_one_probability_stands_at_each_word_until_a_control_is_moved():
    app, run = opened(PAGE, **STUDY), runs.trace_of(runs.RunRequest(*STUDY.values()))
    shown, probs_V = figure_of(app), run["head.probs"][-1]
    assert shown["bars"] == ["probability"] and shown["solid"] == [0]
    assert values_in(shown)[0, 0, 0] == [probs_V.max()] and "Outlined" not in said(app)
    app.slider(key="output_heat").set_value(0.5).run()
    assert figure_of(app)["bars"] == ["T = 1", "in the draw"]
    assert any("Outlined: the model’s own probability" in each.value for each in app.caption)
    cold_V = run["head.sampled.6.50.0.1000"]
    both = np.array([probs_V.max(), cold_V.max()], dtype=np.float32)
    assert np.array_equal(values_in(figure_of(app))[0, 0, 0], both)


def test_an_older_link_still_means_the_draw_that_it_showed():
    """It named what differed from 0.8, 20 and 0.95, where the controls began then."""
    app = opened(PAGE, **STUDY, output_k="5")
    names = ("output_heat", "output_k", "output_p")
    assert [app.session_state[name] for name in names] == [0.8, 5, 0.95]
    found = address(app)
    assert [found[key] for key in ("temperature", "top_k", "top_p")] == ["0.8", "5", "0.95"]
    assert not found.keys() & set(names)
    app = opened(PAGE, **STUDY, top_k="5")
    assert [app.session_state[name] for name in names] == [1.0, 5, 1.0]


def test_the_story_names_the_leader_and_counts_what_may_be_drawn_in_at_most_45_words():
    app, run = opened(PAGE, **STUDY), runs.trace_of(runs.RunRequest(*STUDY.values()))
    texts = [unmarked(each.value) for each in app.markdown]
    story = next(text for text in texts if text.startswith("**Softmax**"))
    probs_V, kept_V = run["head.probs"][-1], run["head.sampled.6.100.0.1000"] > 0
    assert f"**are** leads with {percent(probs_V.max())}".replace(".", "\\.") in story or (
        f"**are** leads with {percent(probs_V.max())}" in story
    )
    assert f"now all {kept_V.sum():,} may be drawn" in story and len(story.split()) <= 45


def test_the_word_that_is_drawn_is_marked_and_drawing_again_takes_another_seed():
    app, run = opened(PAGE, **STUDY), runs.trace_of(runs.RunRequest(*STUDY.values()))
    draw_V = run["head.sampled.6.100.0.1000"]
    for seed in (1, 2):
        shown = figure_of(app)
        [_, _, place], word = shown["strong"], throw(draw_V, seed, 7).word
        assert values_in(shown)[0, 0, place, 0] == run["head.probs"][-1][word]
        assert plain(shown["words"][0][0][place]) in app.button(key="output_append").label
        app.button(key="output_again").click().run()
    assert app.session_state["output_seed"] == 3


def test_fifty_words_alone_are_spoken_of_only_where_they_make_a_difference():
    said_so = [
        "it would claim" in written(opened(PAGE, **OPEN, model="study-decoder", sentence=text))
        for text in (TEXT, "The books that the student recommended are expensive.")
    ]
    assert said_so == [True, False]


# --- an encoder -----------------------------------------------------------------------------------


def test_a_word_is_found_whole_and_in_either_case(minilm):
    text = "Rebanking the BANK, unbelievably"
    found = minilm.encode(text)
    assert [found.characters(i) for i in pieces_of(found, "bank")] == ["BANK"]
    assert "".join(found.characters(i) for i in pieces_of(found, "unbelievably ")) == "unbelievably"
    assert pieces_of(found, "the bank") == [*pieces_of(found, "the"), *pieces_of(found, "bank")]
    assert pieces_of(found, "") == pieces_of(found, ".*") == pieces_of(found, "(((") == []


def test_a_cosine_is_its_dot_product_over_the_two_lengths():
    pair = alike([3.0, 4.0], [4.0, 3.0])
    assert (pair.dot, pair.length_a, pair.length_b, pair.cosine) == (24, 5, 5, 24 / 25) and alike(
        [0, 0], [1, 2]
    ).cosine == 0


def test_one_word_in_two_sentences_begins_as_one_vector_and_ends_as_two(minilm):
    app = opened(PAGE, **OPEN)
    shown = table(app, "cosine")
    traces = [minilm.trace(text) for text in typed_texts.BANK_SENTENCES[:2]]
    rows = [
        int(np.flatnonzero(trace["encoder.embed.ids"] == minilm.ids("bank")[1])[0])
        for trace in traces
    ]
    last = [trace["encoder.out"][row] for trace, row in zip(traces, rows, strict=True)]
    cosine = last[0] @ last[1] / np.linalg.norm(last[0]) / np.linalg.norm(last[1])
    assert shown["shares"][0] == pytest.approx(1)
    assert shown["shares"][-1] == pytest.approx(cosine, abs=0.005)
    assert f"**{number(cosine, 2)}** after the last layer" in " ".join(
        e.value for e in app.markdown
    )
    exact = table(opened(PAGE, **OPEN, depth="numbers"), "‖a‖")
    assert exact["shares"][-1] == pytest.approx(cosine, abs=1e-5)
    app.text_input(key="output_word_words").set_value("canal").run()
    assert not app.exception and "does not occur in" in said(app)


ENCODER = {"model": "study-encoder", "sentence": "The books that the student recommended are old."}


def test_an_encoder_guesses_a_word_that_it_sees_and_one_that_is_hidden():
    app = opened(PAGE, **ENCODER, token="5")
    seen, hidden = (
        runs.trace_of(runs.RunRequest("study-encoder", text))["head.probs"][5]
        for text in (ENCODER["sentence"], ENCODER["sentence"].replace("student", "[MASK]"))
    )
    model = runs.model_of("study-encoder")
    shown = figure_of(app)
    ids = [model.tokenizer.id_of(word) for word in shown["words"][0][0]]
    assert values_in(shown)[0, 0, :, 0] == pytest.approx(seen[ids], abs=0)
    assert values_in(shown)[0, 0, :, 1] == pytest.approx(hidden[ids], abs=0)
    assert {int(seen.argmax()), int(hidden.argmax())} <= set(ids)
    best = model.tokenizer.piece(int(hidden.argmax()))
    assert f"With the word hidden, **{best}** comes first ({percent(hidden.max(), 0)})" in written(
        app
    )
    sees = "so it guesses it" if seen.argmax() == model.tokenizer.id_of("student") else "puts **"
    assert sees in written(app) and percent(seen.max(), 0) in written(app)


def test_a_button_hides_the_word_and_another_shows_it_again():
    app = opened(PAGE, **ENCODER, token="5")
    app.button(key="output_hide").click().run()
    assert app.session_state["sentence"] == "The books that the [MASK] recommended are old."
    assert app.session_state["token"] == 5 and not app.exception
    assert "hides the word" in written(app) and figure_of(app)["bars"] == ["hidden"]
    app.button(key="output_show").click().run()
    assert app.session_state["sentence"] == ENCODER["sentence"] and not app.exception


def test_a_guess_of_the_hidden_word_opens_in_that_sentence():
    app = opened(PAGE, **ENCODER, token="5")
    key = next(key for key in components(app) if key.endswith("output:hidden"))
    click(app, key, cell=[0, 0, 0, 1])
    assert app.session_state["sentence"].count("[MASK]") == 1 and not app.exception
    assert app.session_state["cell"].startswith("head.probs:5,")


@pytest.mark.parametrize("token", ("0", "10"))
def test_a_special_token_is_not_hidden(token):
    app = opened(PAGE, **ENCODER, token=token)
    assert not app.exception and len(figure_of(app)["bars"]) == 1
    assert not [button for button in app.button if button.key == "output_hide"]


def test_the_word_of_the_study_models_points_at_a_thing_or_opens_a_clause():
    """“that” is truly ambiguous in their language, and its two vectors part."""
    word, (a, b) = typed_texts.STUDY["word"], (typed_texts.STUDY["a"], typed_texts.STUDY["b"])
    assert word == "that" and all(word in text.split() for text in (a, b))
    model = runs.model_of("study-encoder")
    rows = [next(iter(pieces_of(model.encode(text), word))) for text in (a, b)]
    first, last = (
        alike(*(model.trace(text)[step][row] for text, row in zip((a, b), rows, strict=True)))
        for step in ("encoder.embed.token", "encoder.out")
    )
    assert first.cosine == pytest.approx(1) and last.cosine < 0.5


def test_a_sentence_of_the_comparison_can_be_read_on_all_pages():
    app = opened(PAGE, **OPEN, change="norms", mask="decoder")
    app.button(key="output_read_b").click().run()
    assert not app.exception and app.session_state["sentence"] == typed_texts.BANK_SENTENCES[1]
    assert app.session_state["change"] == "" and app.session_state["mask"] == "trained"
    assert app.button(key="output_read_b").disabled and not app.button(key="output_read_a").disabled


def test_the_search_puts_the_most_alike_first(minilm):
    app = opened(PAGE, **OPEN)
    app.text_area(key="output_pool_words").set_value(
        "Snow fell all night.\n\nThe soup is too salty.\n" + "x" * 400
    ).run()
    app.text_input(key="output_query_words").set_value("A dish with too much salt").run()
    found = next(data for data in parts(app, "glass_table") if data["corner"] == "line")
    vectors = [
        minilm.trace(text)["encoder.out"].mean(axis=0)
        for text in ("A dish with too much salt", "The soup is too salty.")
    ]
    assert (
        found["rows"][0] == "The soup is too salty."
        and len(found["rows"]) == 3
        and len(max(found["rows"], key=len)) == 300
    )
    assert found["shares"][0] == pytest.approx(float(alike(*vectors).cosine), abs=1e-5)
    assert "longer than 300" in said(app) and not app.exception


def test_too_many_lines_are_cut_with_a_message():
    app = opened(PAGE, **OPEN)
    app.text_area(key="output_lines_words").set_value(
        "\n".join(f"line number {n}" for n in range(30))
    ).run()
    app.text_area(key="output_pool_words").set_value("").run()
    assert "the first 12 are read" in said(app) and not app.exception and app.info


@pytest.mark.one_in(5)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_lines_do_no_harm(text):
    app = opened(PAGE, **OPEN)
    for key in ("output_a_words", "output_word_words", "output_query_words"):
        app.text_input(key=key).set_value(text[:40])
    app.text_area(key="output_lines_words").set_value(f"{text}\n{text}")
    app.text_area(key="output_pool_words").set_value(text).run()
    assert not app.exception
    for element in (
        *app.markdown,
        *app.caption,
        *app.warning,
        *app.info,
    ):  # an escaped sign is no sign
        assert not any(re.search(rf"(?<!\\){re.escape(harm)}", element.proto.body) for harm in HARM)


def test_words_of_the_vocabulary_are_no_markup_on_the_line():
    """They travel as data, which the component writes as text: tests/ui/test_components.py."""
    hostile, probs_V = "<img src=x onerror=alert(1)>", np.array([0.7, 0.3])
    view = SimpleNamespace(word=lambda i: hostile)
    parts = continuation.line_of_words(view, probs_V, throw(probs_V, 1, 1))
    assert [part.text for part in parts] == [hostile, hostile]
    assert [part.share for part in parts] == [0.7, 0.3] and sum(part.strong for part in parts) == 1


@pytest.mark.one_in(7)
def test_every_family_opens_at_every_depth(tiny_folder):
    config = load(tiny_folder).config
    for depth in DEPTHS:
        app = opened(
            PAGE, **OPEN, model=tiny_folder, sentence="3 5 7 2 9", target="4 6 8", depth=depth
        )
        assert not app.exception and not app.error and not app.warning
        if config.head:
            assert len(parts(app, "glass_guesses")) == 1
        if config.head and depth == "numbers":
            found = [title for data in parts(app, "glass_table") for title in data["columns"]]
            assert ("T = 1" if config.decoder_layers else "probability") in found
