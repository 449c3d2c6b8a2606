"""The page Feed-forward: the neurons of every family, the choice of one, where it fires, what
changes without it, the words it pushes, and each token alone.
"""

from itertools import product

import numpy as np
import pytest

from core import load
from core.ops import ACTIVATIONS
from core.steps.feed_forward import reaches_words
from core.text import number
from tests.helpers.pages import address, click, opened, parts, prose, said, values_in
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from tests.helpers.words import MOST, question, words_below
from ui.session import runs
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.feed_forward.activation import activation_figure
from ui.stages.feed_forward.alone import difference_text
from ui.stages.feed_forward.firing import example_texts, examples_of

PAGE = "pages/6_Feed_forward.py"
CARDS = "ff-neuron.ff-examples.ff-silenced.ff-activation.ff-gate.ff-strongest.ff-alone"
BOOKS = "The books that the student recommended"


def labels(app) -> list[str]:
    """The questions of the cards."""
    return [each.label for each in app.expander]


@pytest.mark.one_in(7)
@pytest.mark.parametrize(
    "tiny_folder, depth, change",
    one_in(7, product(FAMILIES, DEPTHS, ("", "norms"))),
    indirect=["tiny_folder"],
)
def test_every_family_and_depth(tiny_folder, depth, change):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            depth=depth,
            change=change,
            cards=CARDS,
        )
        assert not app.exception and not app.error
        pushes = side == "decoder" and reaches_words(load(tiny_folder).config)
        raised = [part for part in parts(app, "table") if " raises most" in part["title"]]
        assert change or bool(raised) == pushes
        assert ("An encoder’s vectors" in prose(app)) == (side == "encoder")
        assert ("What does the gate let through?" in labels(app)) == config.gated
        lines = parts(app, "firing")[0]["lines"]
        assert len(lines) == 1 and len(lines[0]["words"]) == len(
            app.session_state["memory"].shown
            and parts(app, "place")[0]["tokens"][-1 if side == "decoder" else 0]["tokens"]
        )


def test_a_number_that_relu_leaves_as_it_is_has_a_bar_as_long_as_before():
    app = opened(PAGE, model="study-decoder")
    shown = next(iter(parts(app, "neurons")))
    values_R3, (before, after, _) = values_in(shown), shown["limits"]
    assert before == after == pytest.approx(np.abs(values_R3[:, :2]).max())
    kept = values_R3[:, 0] > 0
    assert kept.any() and np.array_equal(values_R3[kept, 0], values_R3[kept, 1])


def test_the_table_holds_the_neurons_that_reach_furthest():
    app = opened(PAGE, depth="numbers", token="5", layer="2", cards="ff-strongest")
    trace = runs.trace_of(runs.RunRequest("minilm", EXAMPLES[0]["text"]))
    reach_F = trace["encoder.2.mlp.hidden.reach"][5]
    table = next(
        data for data in parts(app, "table") if data["columns"] == ["before", "after", "reach"]
    )
    shown = [int(row) for row in table["rows"]]
    assert sorted(reach_F)[-8:] == sorted(reach_F[shown]) and reach_F[shown[0]] == reach_F.max()
    assert table["numbers"] == [
        [number(trace[f"encoder.2.mlp.{leaf}"][5, f]) for leaf in ("pre", "hidden", "hidden.reach")]
        for f in shown
    ]
    assert app.session_state["ff_neuron"] == shown[0] and table["chosen"] == 0


def test_a_neuron_can_be_chosen_and_another_token_begins_with_its_own():
    app = opened(PAGE, depth="numbers", token="5", cards="ff-neuron")
    app.number_input(key="ff_neuron").set_value(700).run()
    assert not app.exception and "What does neuron 700 do here?" in labels(app)
    app.session_state["token"] = 6
    app.run()
    trace = runs.trace_of(runs.RunRequest("minilm", EXAMPLES[0]["text"]))
    assert app.session_state["ff_neuron"] == trace["encoder.0.mlp.hidden.reach"][6].argmax()


def test_the_words_of_a_neuron_are_those_that_it_raises_and_lowers_most():
    app = opened(PAGE, model="smollm2", layer="28", token="4", cards="ff-neuron")
    trace = runs.trace_of(runs.RunRequest("smollm2", EXAMPLES[0]["text"]))
    neuron = app.session_state["ff_neuron"]
    adds_V = trace[f"decoder.28.mlp.promotes.4.{neuron}"]
    raised, lowered = (part["numbers"] for part in parts(app, "table"))
    assert raised == [[number(adds)] for adds in sorted(adds_V)[:-9:-1]]
    assert lowered == [[number(adds)] for adds in sorted(adds_V)[:8]]
    values_L = values_in(parts(app, "firing")[0])
    np.testing.assert_array_equal(values_L, trace["decoder.28.mlp.hidden"][:, neuron])


def test_the_dots_are_the_neurons_and_lie_on_the_curve():
    pre_N = np.array([-2.0, 0.5, 3.0], dtype=np.float32)
    after_N = ACTIVATIONS["silu"](pre_N.copy())
    line, names, ring, dots = activation_figure(
        ACTIVATIONS["silu"], pre_N, after_N, [7, 1, 4], 1, "title"
    ).data
    assert list(dots.customdata) == [7, 1, 4] and list(ring.x) == [0.5]
    assert [text.strip() for text in names.text] == ["1", "7", "4"]  # the chosen one first
    np.testing.assert_allclose(np.interp(dots.x, line.x, line.y), dots.y, atol=0.01)


def test_each_token_alone_is_said_with_its_largest_difference():
    out_LD = np.array([[1.0, -4.0], [2.0, 3.0]], dtype=np.float32)
    assert "are identical" in difference_text(out_LD, out_LD)
    assert "0.00001, while they reach up to 4: that is rounding" in difference_text(
        out_LD.astype(float) + [[0, 1e-5], [0, 0]], out_LD
    )
    assert "rounding" not in difference_text(out_LD + 1, out_LD)
    assert "overflowed" in difference_text(out_LD * np.inf, out_LD)
    text = prose(opened(PAGE, cards="ff-alone"))
    assert "differs by more than" in text or "are identical" in text


def test_a_run_whose_numbers_overflow_is_shown_and_said(smollm2):
    app = opened(
        PAGE, model="smollm2", change="norms", layer="6", depth="numbers", cards="ff-alone"
    )
    assert (
        not app.exception
        and "NaN, since an earlier value" in said(app)
        and "overflowed" in prose(app)
    )


# --- the figure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ("study-decoder", "minilm", "smollm2"))
def test_the_page_asks_one_question_and_says_little(smollm2, model):
    app = opened(PAGE, model=model, sentence=BOOKS, token="5", layer="3")
    word = "␣recommended" if model == "smollm2" else "student"  # token 5
    assert question(app) == f"Which neurons does **{word}** switch on in layer 3?"
    assert 0 < len(words_below(app)) <= MOST and not app.get("plotly_chart")
    trace = runs.trace_of(app.session_state["memory"].shown)
    path = f"{trace.config.sides[0]}.3.mlp"
    below = int((trace[f"{path}.pre"][5] < 0).sum())
    text = " ".join(words_below(app))
    assert f"{number(trace[f'{path}.out.length'][5], 3)} long" in text
    if model == "study-decoder":
        zero = int((trace[f"{path}.hidden"][5] == 0).sum())
        assert f"ReLU sets {zero} to 0; each of the other {400 - zero} writes a vector" in text
    else:
        assert f"leaves little of the {below:,} below zero" in text
        gate = "hidden.gate" if model == "smollm2" else "hidden"
        assert np.abs(trace[f"{path}.{gate}"][5][trace[f"{path}.pre"][5] < 0]).max() < 0.3


@pytest.mark.parametrize("model", ("study-decoder", "smollm2"))
def test_the_bars_are_the_strongest_neurons_and_two_below_zero(smollm2, model):
    app = opened(PAGE, model=model, sentence=BOOKS, token="5", layer="2")
    trace = runs.trace_of(app.session_state["memory"].shown)
    (shown,), path = parts(app, "neurons"), "decoder.2.mlp"
    rows = [row["neuron"] for row in shown["rows"]]
    reach_F, pre_F = trace[f"{path}.hidden.reach"][5], trace[f"{path}.pre"][5]
    assert rows[:8] == np.argsort(-reach_F, kind="stable")[:8].tolist()
    assert {*np.argsort(pre_F)[:2].tolist()} <= set(rows)
    leaves = ("pre", "hidden", "hidden.reach")
    expected = [[trace[f"{path}.{leaf}"][5, f] for leaf in leaves] for f in rows]
    np.testing.assert_array_equal(values_in(shown), expected)
    update_D = values_in({"values": shown["update"], "shape": [trace.config.d_model]})
    np.testing.assert_array_equal(update_D, trace[f"{path}.out"][5])
    hidden_LF = trace[f"{path}.hidden"]
    for row in shown["rows"]:
        at = int(np.abs(hidden_LF[:, row["neuron"]]).argmax())
        assert row["strongest"].startswith(
            parts(app, "place")[0]["tokens"][0]["tokens"][at]["text"]
        )
    rest_F = np.delete(hidden_LF[5], rows)
    assert shown["others"].startswith(f"+ {int((rest_F != 0).sum()):,} more active")


def test_a_click_on_a_neuron_opens_what_it_does():
    app = opened(PAGE, model="study-decoder", sentence=BOOKS, token="6", layer="3")
    neuron = parts(app, "neurons")[0]["rows"][2]["neuron"]
    click(app, "ff:neurons", neuron=[2])
    assert app.session_state["ff_neuron"] == neuron
    assert address(app)["cell"] == f"decoder.3.mlp.hidden:6,{neuron}"
    assert address(app)["cards"] == "ff-neuron.ff-examples.ff-silenced"
    click(app, "ff:neurons", update=[17])
    assert address(app)["cell"] == "decoder.3.mlp.out:6,17"
    for wrong in ([99], [-1], "2", None, [1, 2], [True]):
        click(app, "ff:neurons", neuron=wrong)
        click(app, "ff:neurons", update=[400] if wrong == [99] else wrong)
        assert not app.exception and app.session_state["ff_neuron"] == neuron
        assert address(app)["cell"] == "decoder.3.mlp.out:6,17"
    click(app, "ff:own", token=[2])
    assert address(app)["cell"] == f"decoder.3.mlp.hidden:2,{neuron}"


def test_of_a_large_model_a_click_opens_only_what_is_there(smollm2):
    app = opened(PAGE, model="smollm2", sentence=BOOKS, token="5", layer="3")
    click(app, "ff:neurons", neuron=[0])
    assert address(app)["cards"] == "ff-neuron"


# --- where else it fires, and what changes without it ---------------------------------------------


def test_the_example_sentences_are_those_that_suit_the_model():
    assert EXAMPLES[0]["text"] in example_texts("minilm") and EXAMPLES[0]["text"] in example_texts(
        "study-decoder"
    )
    assert not {"pretrained"} & {
        name
        for each in EXAMPLES
        if each["text"] in example_texts("study-decoder")
        for name in each.get("for", [])
    }
    assert len(example_texts("minilm")) == 6 and len(example_texts("study-decoder")) > 8


def test_the_examples_show_where_the_neuron_fires_most():
    app = opened(
        PAGE, model="study-decoder", sentence=BOOKS, token="6", layer="3", cards="ff-examples"
    )
    (shown,), neuron = parts(app, "firing"), app.session_state["ff_neuron"]
    found = {}
    for text in example_texts("study-decoder"):
        trace = load("study-decoder").trace(text)
        pieces = [load("study-decoder").tokenizer.piece(int(i)) for i in trace["decoder.embed.ids"]]
        found[tuple(pieces)] = trace["decoder.3.mlp.hidden"][:, neuron]
    best = sorted(found, key=lambda pieces: -found[pieces].max())
    assert [tuple(line["words"]) for line in shown["lines"]] == best[:5]
    np.testing.assert_allclose(
        values_in(shown), np.concatenate([found[each] for each in best[:5]]), atol=1e-5
    )
    at = int(found[best[0]].argmax())
    text = prose(app)
    assert f"responds most to **{best[0][at]}** ({number(found[best[0]][at], 3)})" in text
    zeros = sum(int((values_L == 0).sum()) for values_L in found.values())
    tokens = sum(map(len, found.values()))
    assert f"It is 0 on {zeros:,} of their {tokens:,} tokens." in text
    assert examples_of("study-decoder") is examples_of("study-decoder")  # read once


def test_without_a_neuron_the_guesses_are_those_of_a_run_without_it():
    app = opened(
        PAGE, model="study-decoder", sentence=BOOKS, token="6", layer="3", cards="ff-silenced"
    )
    neuron, model = app.session_state["ff_neuron"], load("study-decoder")

    def silent(hidden_LF):
        hidden_LF[:, neuron] = 0
        return hidden_LF

    plain_V = model.trace(BOOKS)["head.probs"][6]
    without_V = model.trace(BOOKS, edits={"decoder.3.mlp.hidden": silent})["head.probs"][6]
    assert not np.allclose(plain_V, without_V, atol=1e-3)
    shown = next(part for part in parts(app, "table") if "Guesses" in part["title"])
    ids = [model.tokenizer.id_of(word) for word in shown["rows"]]
    assert sorted(plain_V)[-1] == plain_V[ids[0]]
    for i, (one, other, _) in zip(ids, shown["numbers"], strict=True):
        assert float(one) == pytest.approx(plain_V[i], rel=1e-3)
        assert float(other) == pytest.approx(without_V[i], rel=1e-3)
    app.button(key="ff_without").click().run()
    assert address(app)["change"] == f"neuron:decoder.3.{neuron}" and not app.exception
    trace = runs.trace_of(app.session_state["memory"].shown)
    assert not trace["decoder.3.mlp.hidden"][:, neuron].any()


def test_of_a_model_that_guesses_nothing_the_moved_vectors_are_shown(minilm):
    app = opened(PAGE, sentence=BOOKS, token="3", layer="2", cards="ff-silenced")
    neuron = app.session_state["ff_neuron"]

    def silent(hidden_LF):
        hidden_LF[:, neuron] = 0
        return hidden_LF

    before_LD, after_LD = (
        minilm.trace(BOOKS, edits=edits)["encoder.out"].astype(float)
        for edits in ({}, {"encoder.2.mlp.hidden": silent})
    )
    moved_L = np.linalg.norm(after_LD - before_LD, axis=1) / np.linalg.norm(before_LD, axis=1)
    shown = next(part for part in parts(app, "table") if "moves" in part["title"])
    assert [float(row[0]) for row in shown["numbers"]] == pytest.approx(
        sorted(moved_L)[::-1], rel=1e-2
    )
    assert "This model guesses no words." in prose(app)
