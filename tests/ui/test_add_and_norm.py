"""The page Add and norm: the token's vectors on their way, numbers that open, and the run without
norms, overflow included.
"""

import json
from itertools import product

import numpy as np
import pytest

from core import load
from core.text import number
from tests.helpers.pages import OTHERS, address, click, opened, parts, prose, read_sent, values_in
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from tests.helpers.words import MOST, question, words_below
from ui.session import runs
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.add_and_norm.without_norms import lengths_figure, with_norms

PAGE = "pages/5_Add_and_norm.py"
CARDS = "addnorm-norm.addnorm-tokens.addnorm-plane.addnorm-order.addnorm-none"
BOOKS = "The books that the student recommended"


def components(app, name: str) -> list[dict]:
    return [
        read_sent(element.proto)
        for element in app.get("bidi_component")
        if element.proto.component_name.endswith(name)
    ]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "model, order",
    (
        ("study-decoder", ["in", "out", "sum", "norm.out"]),
        ("minilm", ["in", "out", "sum", "norm.out"]),
        ("smollm2", ["in", "norm.out", "out", "sum"]),
    ),
)
@pytest.mark.parametrize("part", ("attn", "mlp"))
def test_the_vectors_stand_in_the_order_of_the_model(smollm2, model, order, part):
    app = opened(PAGE, model=model, sentence=BOOKS, token="5", layer="3", addnorm_sublayer=part)
    trace = runs.trace_of(app.session_state["memory"].shown)
    (shown,), side = parts(app, "vectors"), trace.config.sides[0]
    vectors_RD = values_in(shown)
    expected = [trace[f"{side}.3.{part}.{leaf}"][5] for leaf in order]
    np.testing.assert_array_equal(vectors_RD, expected)
    lengths_R = values_in({"values": shown["lengths"], "shape": [4]})
    np.testing.assert_allclose(lengths_R, np.linalg.norm(expected, axis=1), rtol=1e-4)
    before, update, after = (vectors_RD[order.index(leaf)] for leaf in ("in", "out", "sum"))
    np.testing.assert_allclose(before + update, after, atol=1e-4)


@pytest.mark.parametrize(
    "tiny_folder, part, steps",
    (
        ("gemma2", "mlp", ["mlp.in", "mlp.norm.out", "mlp.out.unnormed", "mlp.out", "mlp.sum"]),
        ("gpt_neox", "attn", ["attn.in", "attn.norm.out", "attn.out", "attn.sum"]),
        ("gpt_neox", "mlp", ["attn.sum", "mlp.norm.out", "mlp.out", "mlp.sum"]),
    ),
    indirect=["tiny_folder"],
)
def test_where_norms_stand_around_or_sublayers_run_side_by_side(tiny_folder, part, steps):
    """Before and update make the sum, and the lengths that are told are those of the run."""
    told = {"model": tiny_folder, "sentence": "3 5 7 2 9", "token": "3", "layer": "1"}
    app = opened(PAGE, **told, addnorm_sublayer=part, cards="addnorm-order")
    trace = runs.trace_of(app.session_state["memory"].shown)
    expected = [trace[f"decoder.1.{step}"][3] for step in steps]
    vectors_RD = values_in(parts(app, "vectors")[0])
    np.testing.assert_array_equal(vectors_RD, np.float32(expected))
    np.testing.assert_allclose(vectors_RD[0] + vectors_RD[-2], vectors_RD[-1], atol=1e-5)
    said = " ".join(words_below(app))
    for step in ("mlp.norm.out", "mlp.out") if part == "mlp" else ("attn.out",):
        assert number(trace[f"decoder.1.{step}.length"][3], 3) in said, step
    (ways,) = (data["ways"] for data in components(app, "norm_order"))
    boxes = [box["text"] for box in ways[0]["boxes"]]
    assert boxes.count("norm") == (2 if trace.config.norms_update else 1)
    assert ("in parallel" in prose(app)) == trace.config.parallel
    assert ("beside attention" in said) == (trace.config.parallel and part == "mlp")


@pytest.mark.parametrize("model", ("study-decoder", "minilm", "smollm2"))
@pytest.mark.parametrize("part, name", (("attn", "attention"), ("mlp", "feed-forward")))
def test_the_page_asks_one_question_and_says_little(smollm2, model, part, name):
    app = opened(PAGE, model=model, sentence=BOOKS, token="5", layer="3", addnorm_sublayer=part)
    trace = runs.trace_of(app.session_state["memory"].shown)
    word = "␣recommended" if model == "smollm2" else "student"  # token 5
    assert question(app) == f"How much does {name} change **{word}** in layer 3?"
    assert 0 < len(words_below(app)) <= MOST and not app.get("plotly_chart")
    for leaf in ("in", "out", "sum", "norm.out"):
        length = trace[f"{trace.config.sides[0]}.3.{part}.{leaf}.length"][5]
        assert number(length, 3) in " ".join(words_below(app)), leaf


def test_a_number_of_the_vectors_opens():
    app = click(opened(PAGE, token="6", layer="1"), "addnorm-way", cell=[1, 17])
    assert address(app)["cell"] == "encoder.1.attn.out:6,17"
    for wrong in ([4, 0], [0, 384], [-1, 0], [0], "x", None):
        click(app, "addnorm-way", cell=wrong)
        assert not app.exception and address(app)["cell"] == "encoder.1.attn.out:6,17"


@pytest.mark.parametrize(
    "model, name", (("study-decoder", "deviation"), ("smollm2", "root mean square"))
)
def test_the_deviation_is_said_to_include_epsilon_and_does(smollm2, model, name):
    app = opened(PAGE, model=model, sentence=BOOKS, token="5", layer="2", cards="addnorm-norm")
    trace = runs.trace_of(app.session_state["memory"].shown)
    path, before = "decoder.2.attn.norm", "in" if model == "smollm2" else "sum"
    x_D = trace[f"decoder.2.attn.{before}"][5].astype(np.float64)
    x_D = x_D - x_D.mean() if name == "deviation" else x_D
    scale = np.sqrt((x_D**2).mean() + trace.config.norm_eps)
    np.testing.assert_allclose(trace[f"{path}.scale"][5], scale, rtol=1e-5)
    text = prose(app)
    assert f"{name}, {number(scale, 3)}, which includes ε = 0.00001" in text
    columns = [data["columns"] for data in components(app, "table")]
    assert any(f"{name} with ε" in each for each in columns)
    unit_D = trace[f"{path}.unit"][5]
    root = "√100 = 10" if model == "study-decoder" else "√576 = 24"
    assert f"The length is now about {root}" in text
    assert np.linalg.norm(unit_D) == pytest.approx(len(unit_D) ** 0.5, rel=1e-3)


@pytest.mark.one_in(7)
@pytest.mark.parametrize(
    "tiny_folder, depth, change",
    one_in(5, product(FAMILIES, DEPTHS, ("", "norms"))),
    indirect=["tiny_folder"],
)
def test_every_family_part_and_depth(tiny_folder, depth, change):
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
        for part in ["attn", *(["cross"] if config.crosses and side == "decoder" else []), "mlp"]:
            app.session_state["addnorm_sublayer"] = part
            app.run()
            assert not app.exception and not app.error, (side, part)
            named = next(each["name"] for each in parts(app) if "name" in each)
            assert f"{side}.1.{part}." in named


def test_a_click_chooses_the_part_of_the_layer_and_closes_the_number():
    app = opened(PAGE, model="study-decoder", sentence=BOOKS, cell="decoder.0.attn.sum:1,2")
    (shown,) = parts(app, "choice")
    assert (shown["options"], shown["chosen"]) == (["Attention", "Feed-forward"], 0)
    for forged in ([2], [-1], [True], "1", None):
        click(app, "addnorm-part", choice=forged)
        assert not app.exception and app.session_state["addnorm_sublayer"] == "attn"
    click(app, "addnorm-part", choice=[1])
    assert "feed-forward change" in question(app) and parts(app, "choice")[0]["chosen"] == 1
    assert address(app)["addnorm_sublayer"] == "mlp" and "cell" not in address(app)


def test_a_layer_norm_and_a_root_mean_square_norm_are_told_apart(smollm2):
    text = prose(opened(PAGE, cards="addnorm-norm"))
    assert "**layer norm**" in text and "**shift** β" in text
    text = prose(opened(PAGE, model="smollm2", cards="addnorm-norm"))
    assert "**root-mean-square norm**" in text and "adds no shift" in text


def test_the_lengths_of_every_token_are_in_a_card():
    app = opened(PAGE, layer="2", cards="addnorm-tokens")
    trace = runs.trace_of(app.session_state["memory"].shown)
    (shown,) = components(app, "table")
    leaves = ("in.length", "out.length", "out.relative", "sum.length", "norm.out.length")
    columns = [trace[f"encoder.2.attn.{leaf}"] for leaf in leaves]
    assert shown["numbers"] == [[number(x) for x in row] for row in zip(*columns, strict=True)]


def test_the_table_of_lengths_is_that_of_both_runs():
    app = opened(PAGE, depth="numbers", token="3", cards="addnorm-none")
    asked = runs.RunRequest("minilm", EXAMPLES[0]["text"])
    traces = [runs.trace_of(asked), runs.trace_of(asked._replace(change="norms"))]
    table = next(
        data for data in components(app, "table") if data["columns"] == ["with norms", "norms off"]
    )
    names = ["encoder.embed.out.length", *(f"encoder.{n}.out.length" for n in range(6))]
    assert table["numbers"] == [[number(run[name][3]) for run in traces] for name in names]


def test_norms_are_taken_from_a_change_and_the_rest_of_it_stays():
    asked = runs.RunRequest("minilm", "x", change="positions+norms+head:encoder.0.3")
    assert with_norms(asked, True).change == "positions+head:encoder.0.3"
    assert with_norms(asked, False).change == "positions+head:encoder.0.3+norms"


def test_an_overflow_is_said_and_what_is_no_number_is_not_drawn():
    lengths = {"with norms": [1.0, 2, 3, 4], "norms off": [1.0, 1e20, np.inf, np.nan]}
    figure = lengths_figure(
        [
            (name, place, length)
            for name, line in lengths.items()
            for place, length in enumerate(line)
        ],
        "title",
    )
    assert [len(trace.x) for trace in figure.data] == [4, 2, 6]
    assert any("overflow" in note.text for note in figure.layout.annotations)
    assert figure.layout.shapes[0].x0 == 1.5
    calm = lengths_figure(
        [(name, place, 1.0 + place) for name in lengths for place in range(4)], "title"
    )
    assert not calm.layout.shapes and not any(
        "overflow" in note.text for note in calm.layout.annotations
    )


def test_a_run_whose_numbers_overflow_is_shown_and_said(smollm2):
    app = opened(PAGE, model="smollm2", change="norms", layer="6", cards="addnorm-none")
    assert not app.exception and any(
        "NaN, since an earlier value" in element.value for element in app.warning
    )
    assert "overflow" in " ".join(element.value for element in app.markdown)


@pytest.mark.slow
def test_such_a_run_is_shown_on_every_page_and_what_is_sent_can_be_read(smollm2):
    app = opened(model="smollm2", change="norms", layer="25", depth="numbers")
    for path, stage in [
        ("app.py", 0),
        *((page, 0) for page in OTHERS),
        *(("pages/3_Attention.py", at) for at in range(1, 5)),
    ]:
        app.session_state["stage"] = stage
        app.switch_page(path).run()
        assert not app.exception, (path, stage)
        for element in app.get("bidi_component"):
            json.loads(
                element.proto.json, parse_constant=pytest.fail
            )  # NaN and Infinity are no JSON
