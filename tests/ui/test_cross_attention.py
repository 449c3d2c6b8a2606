"""The page Cross-attention: what the decoder wrote word by word is what the whole run shows; its
pictures, its choices, its way on.
"""

from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from core import load
from core.decoding import greedy_target, read, read_on
from core.forward_pass import forward
from core.models import catalogue
from core.models.weights import read_folder
from core.steps.output import next_ids
from core.text import percent
from tests.helpers.pages import address, click, data_of, opened, parts, prose, unmarked, values_in
from tests.helpers.tiny import golden
from ui.session import runs
from ui.session.selection import DEPTHS, STAGES
from ui.session.view import View
from ui.stages.cross_attention import alignment, figure, place, swap

PAGE, TWO_STACKS = "pages/9_Cross_attention.py", ("marian", "t5_gated", "t5_relu")
SOURCE, TARGET = "3 5 7 2 9", "4 6 8"


@pytest.fixture(params=TWO_STACKS)
def exact(request, tmp_path):
    """A tiny model with two stacks in float64, and its source."""
    return *read_folder(golden(request.param).write(tmp_path / request.param), np.float64), [
        3,
        5,
        7,
        2,
        9,
        4,
    ]


@pytest.fixture
def marian(tmp_path, monkeypatch):
    """The tiny translator in the list of models; it has no tokenizer and takes ids."""
    monkeypatch.setenv(
        "GLASSFORMER_MODELS", str(folder := golden("marian").write(tmp_path / "marian"))
    )
    st.cache_data.clear()
    yield str(folder)
    st.cache_data.clear()


def page(model: str, **choices: str):
    return opened(
        PAGE, **{"model": model, "sentence": SOURCE, "target": TARGET, "side": "decoder"} | choices
    )


def table(app, title: str) -> dict:
    """The one table whose title begins so."""
    (found,) = [data for data in parts(app, "glass_table") if data["title"].startswith(title)]
    return found


# --- the numbers ----------------------------------------------------------------------------------


def test_the_encoder_runs_once_and_the_same_words_are_written(exact):
    config, weights, ids_L = exact
    target = [config.start_id]
    reading = read(config, weights, target, source_ids_L=ids_L)
    while len(target) < 12:
        logits_V = forward(config, weights, ids_L, target_ids_L=target, rows=-1)["head.logits"][0]
        np.testing.assert_allclose(reading.logits, logits_V, rtol=1e-12, atol=1e-12)
        if (likeliest := int(logits_V.argmax())) == config.end_id:
            break
        target.append(likeliest)
        reading = read_on(config, weights, reading, [likeliest])
    assert greedy_target(config, weights, ids_L, longest=12) == target


def test_each_position_of_the_whole_run_is_what_was_computed_when_its_word_was_written(exact):
    config, weights, ids_L = exact
    target = [config.start_id, 6, 8, 5, 4]
    whole = forward(config, weights, ids_L, target_ids_L=target)
    for t in range(len(target)):
        then = forward(config, weights, ids_L, target_ids_L=target[: t + 1])
        for name in then.names:
            if (
                name.startswith("decoder.")
                and then.axes(name)[:2] in ("HL", "LD", "LF")
                and "M" not in then.axes(name)
            ):
                axis = then.axes(name).index("L")
                np.testing.assert_allclose(
                    then[name].take(t, axis), whole[name].take(t, axis), rtol=1e-10, atol=1e-11
                )
        for layer in range(config.decoder_layers):
            at = f"decoder.{layer}"
            np.testing.assert_allclose(
                then[f"{at}.attn.pattern"][:, t],
                whole[f"{at}.attn.pattern"][:, t, : t + 1],
                atol=1e-12,
            )
            np.testing.assert_allclose(
                then[f"{at}.cross.pattern"][:, t], whole[f"{at}.cross.pattern"][:, t], atol=1e-12
            )
            assert (
                not whole[f"{at}.attn.pattern"][:, t, t + 1 :].any()
                and whole[f"{at}.cross.mask"].all()
            )
        np.testing.assert_allclose(then["head.probs"][-1], whole["head.probs"][t], rtol=1e-10)


def test_keys_and_values_come_from_the_encoders_last_layer(exact):
    config, weights, ids_L = exact
    short, long = (
        forward(config, weights, ids_L, target_ids_L=target) for target in ([1], [1, 6, 8])
    )
    for layer in range(config.decoder_layers):
        at = f"decoder.{layer}.cross"
        made_MX = long["encoder.out"] @ weights[f"{at}.k.weight"] + weights[f"{at}.k.bias"]
        flat_MX = long[f"{at}.k"].transpose(1, 0, 2).reshape(len(ids_L), -1)
        np.testing.assert_allclose(flat_MX, made_MX, rtol=1e-12, atol=1e-12)
        assert (short[f"{at}.k"] == long[f"{at}.k"]).all() and (
            short[f"{at}.v"] == long[f"{at}.v"]
        ).all()  # once for all words


def test_log_probabilities_are_those_of_the_words_that_follow(exact):
    config, weights, ids_L = exact
    trace = forward(config, weights, ids_L, target_ids_L=[1, 6, 8])
    assert next_ids(trace).tolist() == [6, 8, config.end_id]
    by_hand = [np.log(trace["head.probs"][r, v]) for r, v in enumerate((6, 8, config.end_id))]
    np.testing.assert_allclose(trace["head.written"], by_hand, rtol=1e-10)
    np.testing.assert_allclose(trace["head.written.sum"], np.cumsum(by_hand), rtol=1e-10)
    last = forward(config, weights, ids_L, target_ids_L=[1, 6, 8], rows=-1)
    np.testing.assert_allclose(last["head.written"], by_hand[-1:], rtol=1e-10)


def test_the_mean_of_all_layers_is_the_mean_of_all_heads(exact):
    config, weights, ids_L = exact
    trace = forward(config, weights, ids_L, target_ids_L=[1, 6, 8])
    every = np.concatenate(
        [trace[f"decoder.{n}.cross.pattern"] for n in range(config.decoder_layers)]
    )
    mean_LM = trace["decoder.cross.pattern.mean"]
    np.testing.assert_allclose(mean_LM, every.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(mean_LM.sum(axis=1), 1)
    assert mean_LM.shape == (3, len(ids_L))
    assert "encoder.cross.pattern.mean" not in trace


# --- the page -------------------------------------------------------------------------------------


def figure_of(app) -> dict:
    """What the figure is drawn from."""
    return data_of(app, "cross-alignment", "alignment")


def figure_values(app) -> np.ndarray:
    """Its weights and shares."""
    data = figure_of(app)
    return np.frombuffer(b64decode(data["values"]), "<f4").reshape(2, *data["shape"])


def test_the_figure_has_the_weights_and_what_each_source_word_makes_of_the_sum(marian):
    app = page(marian, token="1", layer="1", head="1")
    trace, data = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET)), figure_of(app)
    weights_LM, shares_LM = figure_values(app)
    np.testing.assert_array_equal(weights_LM, trace["decoder.1.cross.pattern"][1])
    np.testing.assert_array_equal(shares_LM, trace["decoder.1.cross.z.share"][1].astype(np.float32))
    np.testing.assert_allclose(shares_LM.sum(axis=1), 1, rtol=1e-4)
    assert data["rows"][:3] == ["#4", "#6", "#8"] and data["chosen"] == 1
    assert data["columns"] == [f"#{i}" for i in trace["encoder.embed.ids"]]


def test_a_share_is_the_weighted_value_along_the_sum(exact):
    config, weights, ids_L = exact
    trace = forward(config, weights, ids_L, target_ids_L=[1, 6, 8])
    a_HLM, v_GMK = trace["decoder.1.cross.pattern"], trace["decoder.1.cross.v"]
    z_HLK, share_HLM = trace["decoder.1.cross.z"], trace["decoder.1.cross.z.share"]
    for h in range(config.n_heads):
        for l in range(3):
            for m in range(len(ids_L)):
                along = a_HLM[h, l, m] * v_GMK[config.group(h), m] @ z_HLK[h, l]
                assert share_HLM[h, l, m] == pytest.approx(along / (z_HLK[h, l] @ z_HLK[h, l]))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("stage", range(STAGES))
def test_the_five_steps_are_drawn_across(marian, depth, stage):
    app = page(
        marian, depth=depth, stage=str(stage), layer="1", head="1", token="2", cards="cross-find"
    )
    assert not app.exception and not app.warning
    drawn = data_of(app, "pipeline-cross", "pipeline")
    assert drawn["across"] and drawn["step"] == stage and drawn["large"] == (depth == "story")
    assert len(drawn["words"]) == len(SOURCE.split()) and drawn["token"] == 2
    if stage == 3 and depth == "numbers":
        weights = next(
            data for data in parts(app, "glass_table") if "÷ sum = weight" in data["columns"]
        )
        assert len(weights["rows"]) == len(SOURCE.split()) and weights["foot"]


def test_what_is_different_from_self_attention_is_in_a_card(marian):
    app = page(marian, layer="1", head="1", cards="cross-texts")
    drawn = {title for data in parts(app, "glass_heatmap") for title in data["titles"]}
    assert any(title.startswith("b: the source after the encoder’s last layer") for title in drawn)
    assert "No causal mask" in prose(app) and not app.exception


def test_a_position_shows_what_is_written_the_source_and_the_next_word(marian):
    app = page(marian, token="1", layer="1", head="1", cards="cross-step")
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    before, source, after = (
        table(app, title) for title in ("Self-attention", "Cross-attention", "Output")
    )
    assert (
        before["rows"] == [f"#{i}" for i in trace["decoder.embed.ids"][:2]]
        and before["chosen"] == 1
    )
    assert source["rows"] == [f"#{i}" for i in trace["encoder.embed.ids"]]
    assert source["shares"] == pytest.approx(trace["decoder.1.cross.pattern"][1, 1].tolist())
    assert (
        after["rows"][after["chosen"]] == "#6"
    )  # the word that follows the second token of the target
    assert after["shares"][after["chosen"]] == pytest.approx(float(trace["head.probs"][1, 6]))


def test_a_click_goes_from_word_to_word_and_opens_numbers(marian):
    app = click(page(marian, token="0"), "cross-alignment", token=[2])
    assert app.session_state["token"] == 2 and address(app)["token"] == "2"
    assert figure_of(app)["chosen"] == 2
    for name, leaf in (("weight", "pattern"), ("share", "z.share")):
        app = click(app, "cross-alignment", cell=[2, 3, name])
        at = f"{app.session_state['layer']}.cross.{leaf}:{app.session_state['head']},2,3"
        assert parts(app)[0]["name"] == f"decoder.{at}" and not app.warning
        assert figure_of(app)["opened"] == [2, 3, name]


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "values",
    [
        {"token": [9]},
        {"token": 1},
        {"cell": [0, 9, "weight"]},
        {"cell": [0, 0, "logits"]},
        {"cell": [0, 0, ["weight"]]},
        {"cell": ["0", 0, "weight"]},
        {"cell": {}},
    ],
)
def test_what_is_forged_changes_nothing(marian, values):
    app = click(page(marian, token="1"), "cross-alignment", **values)
    assert not app.exception and app.session_state["token"] == 1
    assert app.session_state["cell"] is None


@pytest.mark.parametrize(
    "whose, name",
    [
        ("all", "decoder.cross.pattern.mean"),
        ("layer", "decoder.1.cross.pattern.mean"),
        ("head", "decoder.1.cross.pattern"),
    ],
)
def test_the_alignment_shows_the_weights_that_were_asked_for_and_the_strongest_as_lines(
    marian, whose, name
):
    app = page(marian, layer="1", head="1", token="2", cards="cross-heads")
    app.segmented_control(key="cross_weights").set_value(whose).run()
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    weights_LM = trace[name][1] if whose == "head" else trace[name]
    (drawn,) = parts(app, "glass_lines")
    assert drawn["only"] == weights_LM.argmax(axis=1).tolist() and drawn["ends"] == [
        "target",
        "source",
    ]
    assert drawn["rows"][:3] == ["#4", "#6", "#8"]  # each row stands for the word that it writes …
    app.segmented_control(key="cross_rows").set_value("reads").run()
    assert parts(app, "glass_lines")[0]["rows"][1:] == [
        "#4",
        "#6",
        "#8",
    ]  # … or for the one that it reads
    cell = f"{name}:1,2,3" if whose == "head" else f"{name}:2,3"
    number = page(marian, layer="1", head="1", cell=cell)
    assert parts(number)[0]["name"] == cell and not number.warning


def test_words_whose_lines_cross_are_named():
    """“the red car” and “la voiture rouge”: noun and adjective look at the source in the opposite
    order.
    """
    source, target = "the red car .".split(), "la voiture rouge .".split()
    view = SimpleNamespace(tokens=lambda side: source, names_of=lambda side: source)
    crossed = alignment.crossing_text(
        view, alignment.Alignment("", (), np.eye(4), target, np.array([0, 2, 1, 3]))
    )
    assert "**voiture** **rouge** against **red** **car**" in crossed
    assert (
        alignment.crossing_text(
            view, alignment.Alignment("", (), np.eye(4), target, np.array([0, 1, 2, 3]))
        )
        == ""
    )


def test_a_typed_target_is_weighed_and_the_model_may_write_again(marian):
    app = page(marian, cards="cross-likely")
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    likely = table(app, "The target, word by word")
    assert likely["rows"][:3] == ["#4", "#6", "#8"] and len(likely["rows"]) == 4
    assert likely["shares"] == pytest.approx(np.exp(trace["head.written"]).tolist())
    assert "The target that it writes by itself" in prose(app)
    app.button(key="cross_own").click().run()
    assert (
        app.session_state["target"] == ""
        and app.button(key="cross_own").disabled
        and not app.exception
    )
    own = load(marian).target_ids([3, 5, 7, 2, 9], None)
    assert len(figure_of(app)["rows"]) == len(own)


def test_the_page_looks_at_the_decoder(marian):
    app = page(marian, side="encoder", token="4")
    assert app.session_state["side"] == "decoder" and app.session_state["token"] in range(4)
    assert not app.warning


def test_a_mask_that_shows_the_future_is_not_said_to_be_the_moment_of_writing(marian):
    cards = "cross-step.cross-likely"
    apps = [page(marian, mask=mask, token="1", cards=cards) for mask in ("trained", "encoder")]
    told = list(map(prose, apps))
    assert "the same but for rounding" in told[0] and "the same but for rounding" not in told[1]
    assert "the very word that it is to guess" in told[1] and "the very word" not in told[0]
    assert [len(table(app, "Self-attention")["rows"]) for app in apps] == [
        2,
        4,
    ]  # all that is seen, so it sums to 1


def test_what_follows_in_a_target_that_was_given_is_not_said_to_be_what_the_model_expects(marian):
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    best = int(trace["head.probs"][1].argmax())
    told = prose(page(marian, token="1", cards="cross-step"))
    follows = f"**#6** ({percent(trace['head.probs'][1, 6])}) follows"
    assert best != 6 and f"{follows}; the likeliest is **#{best}**" in told


def test_a_long_target_keeps_only_its_last_guess_and_a_long_source_keeps_all(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "GLASSFORMER_MODELS", str(folder := golden("t5_gated").write(tmp_path / "t5"))
    )
    st.cache_data.clear()
    long, cards = " ".join(["4"] * 70), "cross-step.cross-likely"
    app = page(str(folder), sentence=long, cards=cards)
    assert not app.exception and len(table(app, "The target")["rows"]) == 4
    app = page(str(folder), target=long, token="3", cards=cards)
    assert not app.exception and len(table(app, "The target")["rows"]) == 1
    assert "was not kept" in " ".join(element.value for element in app.caption)
    app = page(
        str(folder), sentence=long, target=long, change="norms", layer="1", head="1", stage="1"
    )
    told = prose(app)
    assert not app.exception and "overflowed" in told and "nan%" not in told
    st.cache_data.clear()


def test_a_text_too_long_sends_the_numbers_of_the_chosen_word_alone(marian, monkeypatch):
    monkeypatch.setattr("ui.stages.cross_attention.figure.MOST", 3)
    app = page(marian, token="1", layer="1", head="1")
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    assert figure_of(app)["row"] == 1
    weights_1M = figure_values(app)[0]
    np.testing.assert_array_equal(weights_1M, trace["decoder.1.cross.pattern"][1, 1:2])


# --- where it opens -------------------------------------------------------------------------------

GREEN = "The house is green."


def translator(**choices: str):
    return opened(PAGE, **{"model": "study-translator", "sentence": GREEN} | choices)


def test_it_opens_at_the_head_that_aligns_and_at_the_word_worth_a_look():
    app = translator()
    assert (app.session_state["layer"], app.session_state["head"]) == (3, 1)
    assert figure_of(app)["rows"][app.session_state["token"]] == "verte"
    assert "Which source word does **verte** come from?" in prose(app)
    app = translator(sentence="The small black cat sleeps on the green chair.")
    assert figure_of(app)["rows"][app.session_state["token"]] == "noir"  # lines cross there


def test_a_link_opens_where_it_says():
    app = translator(side="decoder", layer="1", head="2", token="0")
    chosen = [app.session_state[name] for name in ("layer", "head", "token")]
    assert chosen == [1, 2, 0]


def test_what_a_written_word_came_from_is_read_off_the_trace():
    trace = runs.trace_of(runs.RunRequest("study-translator", GREEN))
    app = translator(side="decoder", layer="3", head="1", token="3")
    weight, p = trace["decoder.3.cross.pattern"][1, 3, 3], trace["head.probs"][3].max()
    told = prose(app)
    assert f"gave {percent(weight, 0)} of its attention to **green**" in told
    assert f"a probability of {percent(p)}" in told
    assert trace["decoder.3.cross.z.share"][1, 3].argmax() == 3


@pytest.mark.parametrize(
    "sentence", [GREEN, "The small black cat sleeps on the green chair.",
                 "The book that the student recommended is expensive."]
)  # fmt: skip
def test_the_story_is_short_at_every_word(sentence):
    view = View(runs.RunRequest("study-translator", sentence), "decoder", 3, 1, 0, "cross")
    for token in range(len(view.labels)):
        assert len(figure.text(replace(view, token=token)).split()) <= 45


def test_the_head_that_aligns_is_measured_where_it_is_not_known(marian):
    request = runs.RunRequest(marian, SOURCE, target=TARGET)
    trace, view = runs.trace_of(request), place.view_at(request)
    sharp = {}
    for n in range(view.config.decoder_layers):
        for h, pattern_LM in enumerate(trace[f"decoder.{n}.cross.pattern"]):
            different = len(set(pattern_LM.argmax(axis=1).tolist())) / len(pattern_LM)
            sharp[n, h] = pattern_LM.max(axis=1).mean() * different
    assert (view.layer, view.head) == max(sharp, key=sharp.__getitem__)


# --- the swap -------------------------------------------------------------------------------------


def test_another_english_noun_turns_the_french_ending_while_the_french_stays():
    found = swap.find_swap(place.view_at(runs.RunRequest("study-translator", GREEN)))
    assert (found.noun, found.other, found.french) == ("house", "garden", "maison")
    before, after = found.before.trace, found.after.trace
    np.testing.assert_array_equal(before["decoder.embed.ids"], after["decoder.embed.ids"])
    assert "maison" in found.after.tokens("decoder")
    assert [swap.turned(found, l) for l in found.changed] == [("verte", "vert")]
    assert before["head.probs"][3].max() > 0.99 and after["head.probs"][3].max() > 0.99


@pytest.mark.parametrize(
    "sentence, noun, turns",
    [
        ("The garden is green.", "garden", [("vert", "verte")]),
        ("The green house is old.", "house", [("verte", "vert"), ("vieille", "vieux")]),
        ("The cat sleeps.", "house", [("verte", "vert")]),  # no such noun: the example
    ],
)
def test_a_swap_is_of_the_sentence_where_it_has_such_a_noun(sentence, noun, turns):
    found = swap.find_swap(place.view_at(runs.RunRequest("study-translator", sentence)))
    assert found.noun == noun
    assert [swap.turned(found, l) for l in found.changed] == turns


@pytest.mark.one_in(7)
@pytest.mark.parametrize("pair", swap.PAIRS, ids=str)
def test_every_pair_is_known_whole_and_turns_a_word(pair):
    """In a sentence whose adjective has two forms; a pair of the plural with its verb."""
    verb = "are" if pair[0].endswith("s") else "is"
    for noun, other in (pair[:2], pair[1::-1]):
        request = runs.RunRequest("study-translator", f"The {noun} {verb} green.")
        assert place.can_translate(request.sentence)
        found = swap.swapped(request, noun)
        assert found and found.other == other
        written = {word for at in found.changed for word in swap.turned(found, at)}
        assert written >= ({"vert", "verte"} if verb == "is" else {"verts", "vertes"})


def test_the_card_shows_both_alignments_side_by_side():
    app = translator(cards="cross-swap")
    assert "Why **verte** and not **vert**? Try **house** → **garden**" in [
        each.label for each in app.expander
    ]
    before, after = (data_of(app, f"cross-swap-{at}", "lines") for at in ("before", "after"))
    assert before["rows"][3] == "verte" and after["rows"][3] == "vert"
    assert before["columns"][1] == "house" and after["columns"][1] == "garden"
    for data, sentence in ((before, GREEN), (after, "The garden is green.")):
        request = runs.RunRequest("study-translator", sentence)
        request = request._replace(target="" if data is before else "la maison est verte .")
        np.testing.assert_array_equal(
            values_in(data)[0], runs.trace_of(request)["decoder.3.cross.pattern"][1]
        )
    assert after["rows"][:4] == ["la", "maison", "est", "vert"]  # the noun as it was given
    assert after["ends"] == ["given, then written", "source"]
    assert "still has **maison**" in prose(app) and "Another example" not in prose(app)
    app.button(key="cross_swap").click().run()
    assert app.session_state["sentence"] == "The garden is green." and not app.exception
    assert app.session_state["target"] == "la maison est verte ."


def test_of_another_sentence_than_the_reader_s_the_swap_says_so():
    app = opened(PAGE, model="study-translator", sentence="The cat sleeps.", cards="cross-swap")
    assert not app.exception
    said = unmarked(prose(app))
    assert (
        "Another example than above: **The house is green.**, **la maison est verte .** Only"
        in said
    )


# --- a model without it ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", ("bert", "gpt2", "llama"))
def test_a_model_without_it_shows_our_translator_and_leads_to_it(family, tmp_path, monkeypatch):
    folder = golden(family).write(tmp_path / family)
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    st.cache_data.clear()
    app = opened(PAGE, model=str(folder), sentence=SOURCE)
    assert "has no cross-attention. Shown: **study-translator**, on a sentence" in prose(app)
    assert figure_of(app)["rows"][:4] == ["la", "maison", "est", "verte"]
    assert parts(app)[0]["name"] == "decoder.3.cross.pattern:1,3,3" and not app.exception
    before = [app.session_state[name] for name in ("layer", "head", "token")]
    app = click(app, "cross-alignment", token=[1])
    assert figure_of(app)["chosen"] == 1 and app.session_state["cross_token"] == 1
    assert [app.session_state[name] for name in ("layer", "head", "token")] == before
    app = click(app, "cross-alignment", cell=[1, 1, "share"])
    assert parts(app)[0]["name"] == "decoder.3.cross.z.share:1,1,1" and not app.warning
    app.button(key="cross_switch").click().run()
    assert app.session_state["memory"].shown.model == "study-translator"
    assert app.session_state["sentence"] == GREEN and not app.exception
    st.cache_data.clear()


@pytest.mark.parametrize(
    "sentence, shown",
    [
        ("The books that the student recommended are expensive.", "livres"),
        ("The books that the student recommended", "maison"),  # no whole sentence
        ("The zorblat is green.", "maison"),  # a word that it does not know
    ],
)
def test_it_translates_the_reader_s_sentence_if_it_can(sentence, shown):
    app = opened(PAGE, model="study-decoder", sentence=sentence)
    assert shown in figure_of(app)["rows"] and not app.exception
    assert ("on a sentence that it knows" in prose(app)) == (shown == "maison")


def test_where_no_translator_is_on_this_machine_none_is_shown(minilm, monkeypatch):
    find = catalogue.find
    monkeypatch.setattr(
        catalogue, "find", lambda name: None if name == "study-translator" else find(name)
    )
    app = opened(PAGE, model="minilm")
    assert "cross_switch" not in [button.key for button in app.button]
    assert "has no cross-attention. Choose a translator" in app.info[0].value
