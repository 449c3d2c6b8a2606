"""The page Add and norm: the order of its sections, numbers that open, and the run without norms,
overflow included.
"""

import json
from itertools import product

import numpy as np
import pytest

from core import load
from core.text import number
from tests.helpers.pages import OTHERS, opened, parts
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from ui.session import runs
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.add_and_norm.without_norms import lengths_figure, with_norms

PAGE = "pages/5_Add_and_norm.py"


def components(app, name: str) -> list[dict]:
    return [
        json.loads(element.proto.json)
        for element in app.get("bidi_component")
        if element.proto.component_name.endswith(name)
    ]


def titles(app) -> list[str]:
    return [element.value for element in app.subheader]


def test_the_sections_stand_in_the_order_of_the_model(smollm2):
    assert [title[3:7] for title in titles(opened(PAGE))] == ["Add:", "Norm", "What"]
    assert [title[3:7] for title in titles(opened(PAGE, model="smollm2"))] == [
        "Norm",
        "Add:",
        "What",
    ]


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
        )
        assert not app.exception and not app.error
        for part in ["attn", *(["cross"] if config.crosses and side == "decoder" else []), "mlp"]:
            app.session_state["addnorm_sublayer"] = part
            app.run()
            assert not app.exception and not app.error, (side, part)
            named = next(each["name"] for each in parts(app) if "name" in each)
            assert f"{side}.1.{part}." in named


def test_a_layer_norm_and_a_root_mean_square_norm_are_told_apart(smollm2):
    text = " ".join(element.value for element in opened(PAGE).markdown)
    assert "**layer norm**" in text and "**shift** β" in text
    text = " ".join(element.value for element in opened(PAGE, model="smollm2").markdown)
    assert "**root-mean-square norm**" in text and "shifts nothing" in text


def test_the_table_of_lengths_is_that_of_both_runs():
    app = opened(PAGE, depth="numbers", token="3")
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
    app = opened(PAGE, model="smollm2", change="norms", layer="6")
    assert not app.exception and any(
        "no numbers any more" in element.value for element in app.warning
    )
    assert "overflow" in " ".join(element.value for element in app.markdown)


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
