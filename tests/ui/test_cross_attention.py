"""The page Cross-attention: what the decoder wrote word by word is what the whole run shows; its
pictures, its choices, its way on.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from core import load
from core.decoding import decoded, greedy_target
from core.forward_pass import forward
from core.models import catalogue
from core.models.weights import read_folder
from core.steps.output import next_ids
from core.text import percent
from tests.helpers.pages import address, opened, parts
from tests.helpers.tiny import golden
from ui.session import runs
from ui.session.selection import DEPTHS, STAGES
from ui.stages.cross_attention import alignment

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
    while len(target) < 12:
        logits_V = forward(config, weights, ids_L, target_ids_L=target, rows=-1)["head.logits"][0]
        memory_MD = forward(config, weights, ids_L, target_ids_L=[config.start_id])["encoder.out"]
        np.testing.assert_allclose(
            decoded(config, weights, memory_MD, target), logits_V, rtol=1e-12, atol=1e-12
        )
        if (likeliest := int(logits_V.argmax())) == config.end_id:
            break
        target.append(likeliest)
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


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("stage", range(STAGES))
def test_the_five_steps_are_drawn_across(marian, depth, stage):
    app = page(marian, depth=depth, stage=str(stage), layer="1", head="1", token="2")
    assert not app.exception and not app.warning
    told = " ".join(element.value for element in app.markdown)
    assert ("differences" in told) == (depth == "story")
    drawn = {title for data in parts(app, "glass_heatmap") for title in data["titles"]}
    assert any(title.startswith("b: the source, out of the encoder") for title in drawn)
    if stage == 3:
        weights = next(
            data for data in parts(app, "glass_table") if "÷ sum = weight" in data["columns"]
        )
        assert len(weights["rows"]) == len(SOURCE.split()) and weights["foot"]


def test_a_position_shows_what_is_written_the_source_and_the_next_word(marian):
    app = page(marian, token="1", layer="1", head="1")
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


def test_the_stepper_goes_from_word_to_word(marian):
    app = page(marian, token="0")
    assert app.button(key="previous").disabled
    app.button(key="next").click().run()
    app.button(key="next").click().run()
    assert app.session_state["token"] == 2 and address(app)["token"] == "2"
    assert any("position 2 of 3" in each.value for each in app.subheader)
    app.button(key="next").click().run()
    assert app.button(key="next").disabled and not app.exception
    app.button(key="play").click().run()  # from the end it begins anew
    assert app.session_state["token"] == 0 and app.session_state["memory"].playing
    app.button(key="play").click().run()
    assert not app.session_state["memory"].playing


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
    app = page(marian, layer="1", head="1", token="2")
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
    view = SimpleNamespace(tokens=lambda side: source)
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
    app = page(marian)
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    likely = table(app, "The target, word by word")
    assert likely["rows"][:3] == ["#4", "#6", "#8"] and len(likely["rows"]) == 4
    assert likely["shares"] == pytest.approx(np.exp(trace["head.written"]).tolist())
    assert "The target that it writes by itself" in " ".join(
        element.value for element in app.markdown
    )
    app.button(key="cross_own").click().run()
    assert (
        app.session_state["target"] == ""
        and app.button(key="cross_own").disabled
        and not app.exception
    )
    own = load(marian).target_ids([3, 5, 7, 2, 9], None)
    assert len(parts(app, "glass_lines")[0]["rows"]) == len(own)


def test_the_page_looks_at_the_decoder(marian):
    app = page(marian, side="encoder", token="4")
    assert (
        app.session_state["side"] == "decoder"
        and app.session_state["token"] == 3
        and not app.warning
    )


def test_a_mask_that_shows_the_future_is_not_said_to_be_the_moment_of_writing(marian):
    apps = [page(marian, mask=mask, token="1") for mask in ("trained", "encoder")]
    told = [" ".join(element.value for element in app.markdown) for app in apps]
    assert "the same but for rounding" in told[0] and "the same but for rounding" not in told[1]
    assert "the very word that it is to guess" in told[1] and "the very word" not in told[0]
    assert [len(table(app, "Self-attention")["rows"]) for app in apps] == [
        2,
        4,
    ]  # all that is seen, so it sums to 1


def test_what_follows_in_a_target_that_was_given_is_not_said_to_be_what_the_model_expects(marian):
    trace = runs.trace_of(runs.RunRequest(marian, SOURCE, target=TARGET))
    best = int(trace["head.probs"][1].argmax())
    told = " ".join(element.value for element in page(marian, token="1").markdown).replace("\\", "")
    follows = f"**#6** ({percent(trace['head.probs'][1, 6])}) follows"
    assert best != 6 and f"{follows}; the likeliest is **#{best}**" in told


def test_a_long_target_keeps_only_its_last_guess_and_a_long_source_keeps_all(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "GLASSFORMER_MODELS", str(folder := golden("t5_gated").write(tmp_path / "t5"))
    )
    st.cache_data.clear()
    long = " ".join(["4"] * 70)
    app = page(str(folder), sentence=long)
    assert not app.exception and len(table(app, "The target")["rows"]) == 4
    app = page(str(folder), target=long, token="3")
    assert not app.exception and len(table(app, "The target")["rows"]) == 1
    assert "was not kept" in " ".join(element.value for element in app.caption)
    app = page(
        str(folder), sentence=long, target=long, change="norms", layer="1", head="1", stage="1"
    )
    told = " ".join(element.value for element in app.markdown)
    assert not app.exception and "overflowed" in told and "nan%" not in told
    st.cache_data.clear()


@pytest.mark.parametrize(
    "family, lacks",
    [("bert", "only an encoder"), ("gpt2", "only a decoder"), ("llama", "only a decoder")],
)
def test_a_model_without_it_says_what_is_missing_and_leads_to_one_that_has_it(
    family, lacks, tmp_path, monkeypatch
):
    folders = [golden(name).write(tmp_path / name) for name in (family, "marian")]
    monkeypatch.setenv("GLASSFORMER_MODELS", ":".join(map(str, folders)))
    monkeypatch.setattr("ui.stages.cross_attention.alignment.TRANSLATORS", (str(folders[1]),))
    st.cache_data.clear()
    app = opened(PAGE, model=str(folders[0]), sentence=SOURCE)
    assert lacks in app.info[0].value and not app.exception
    app.button(key="cross_switch").click().run()
    assert (
        app.session_state["memory"].shown.model == str(folders[1])
        and app.session_state["sentence"] == SOURCE
    )
    assert parts(app, "glass_lines") and not app.exception
    st.cache_data.clear()


def test_where_no_translator_is_on_this_machine_none_is_offered(minilm, monkeypatch):
    find = catalogue.find
    monkeypatch.setattr(
        catalogue,
        "find",
        lambda name: None if name in ("study-translator", "marian") else find(name),
    )
    app = opened(PAGE, model="minilm")
    assert "cross_switch" not in [button.key for button in app.button]
    assert "Choose a translator" in " ".join(element.value for element in app.caption)
