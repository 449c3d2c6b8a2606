"""What a browser sends: clicks reach the page; what is late, foreign or forged changes nothing."""

from __future__ import annotations

import json
import math

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import (
    OTHERS,
    READY,
    click,
    components,
    data_of,
    look,
    opened,
    page_title,
    send,
)
from ui.session import runs
from ui.session.navigation import PAGES
from ui.session.selection import CODECS, fits
from ui.shell import page_shell

# --- clicks reach the page ------------------------------------------------------------------------


@pytest.mark.one_in(5)
@pytest.mark.parametrize("path", ["app.py", "pages/3_Attention.py", "pages/7_Layers.py"])
def test_every_token_of_each_side_can_be_chosen_where_the_encoder_reads_more(path):
    app = opened(
        path,
        model="study-translator",
        sentence="The key to the old houses is in the garden.",
        target="la clé",
    )
    trace = runs.trace_of(app.session_state["memory"].shown)
    sizes = {side: len(trace[f"{side}.embed.ids"]) for side in trace.config.sides}
    assert sizes["encoder"] > sizes["decoder"] + 2
    for side, size in sizes.items():
        for at in range(size):
            if path == "app.py":
                click(app, "river", act=f"token/{side}/{at}")
            else:
                click(app, "place", token=[side, at])
            assert not app.exception and (
                app.session_state["side"],
                app.session_state["token"],
            ) == (side, at)


# --- what is late, foreign or forged --------------------------------------------------------------

PATHS = ["app.py", *OTHERS]
NAMES = (
    "cell",
    "token",
    "chosen",
    "open",
    "all",
    "act",
    "changed",
    "answer",
)  # under which the components send
FORGED = (
    None,
    "3 · dog",
    "encoder.99.attn.q:0,0",
    "weights/encoder.0.attn.q.weight:9,9,9",
    True,
    10**30,
    math.nan,
    [math.nan] * 3,
    [True, True, True],
    [10**30, 0, 0],
    [-1, 0, 0],
    [[0], [0], [0]],
    ["0", "0", "0"],
    [0, 0],
    ["encoder.0.attn.q", 0, 10**9],
    ["word/0", None, 0],
    {"0": 0},
)
POINTS = (
    {},
    {"points": 5},
    {"points": {"a": 1}},
    {"points": [None]},
    {"points": ["x"]},
    *({"points": [{"point_index": wrong}]} for wrong in (None, "1", 1.0, True, -1, 10**30, [0])),
)
TEXTS = ("", "3 · dog", "14", "x" * 30_000, "<script>", "Your own mask")
WIDGETS = {
    "string_value": TEXTS,
    "string_array_value": [[text] for text in TEXTS] + [[]],
    "double_array_value": ([math.nan], [1e300], [-1.0], [], [0.0, 1.0]),
    "double_value": (1e300, -1.0),
    "int_value": (10**12, -1),
}
ROUNDS = max(map(len, WIDGETS.values()))


def sane(app: AppTest, path: str) -> None:
    """The page is drawn whole, and every choice is one."""
    title = next(page.title for page in PAGES if page.path == path)
    assert not app.exception and page_title(app) == title
    assert all(fits(key, app.session_state[key]) for key in CODECS)
    assert not CODECS.keys() & components(app).keys()  # the choice would hide what it sends
    assert (
        data_of(app, "foot", "page_links")["links"]
        and app.session_state["memory"].shown.model in READY
    )


def forged(value) -> str:
    return json.dumps(dict.fromkeys(NAMES, value))


@pytest.mark.one_in(9)
@pytest.mark.parametrize("every", (3, pytest.param(1, marks=pytest.mark.slow)))
@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_a_component_or_a_figure_sends_breaks_a_page(path, every, monkeypatch):
    monkeypatch.setattr(
        page_shell.st, "switch_page", lambda *page, **more: None
    )  # a good click may lead to another page
    app = opened(
        path, model="study-translator" if "Cross" in path else "minilm", depth="numbers", stage="3"
    )
    maps, figures = components(app), [element.proto.id for element in app.get("plotly_chart")]
    first = PATHS.index(path) % every  # another third of the values on the next page
    for value in FORGED[first::every]:
        send(app, *(WidgetState(id=at, json_value=forged(value)) for at in maps.values()))
        sane(app, path)
    for value in POINTS[first::every] if figures else ():
        send(
            app,
            *(WidgetState(id=at, string_value=json.dumps({"selection": value})) for at in figures),
        )
        sane(app, path)


POINT = json.dumps({"selection": {"points": [{"point_index": 13}]}})


@pytest.mark.one_in(21)
@pytest.mark.parametrize("path", PATHS)
def test_a_click_on_what_is_no_longer_drawn_changes_nothing(path):
    long = "The book that the student recommended to the teacher of the old school is expensive."
    app = opened(sentence=long, depth="numbers", stage="2", layer="5", head="11")
    app.switch_page(path).run()
    late = [*components(app).values()]
    figures = [element.proto.id for element in app.get("plotly_chart")]
    held = {
        element.key: element
        for kind in ("selectbox", "slider", "segmented_control", "select_slider")
        for element in app.get(kind)
    }
    old = [element._widget_state for element in held.values()]
    app.text_input(key="sentence").set_value("Hi.")
    if not path.endswith(("Glossary.py", "Exercises.py")):  # the pages without the line
        look(app, depth="story")
    app.selectbox(key="model").set_value("study-encoder").run()
    sane(app, path)
    for cell in ([0, 13, 13], [4, 3, 3], "encoder.5.attn.pattern:11,3,3", "layer/encoder/5", 13):
        clicks = [WidgetState(id=at, json_value=forged(cell)) for at in late]
        send(app, *clicks, *(WidgetState(id=at, string_value=POINT) for at in figures))
        sane(app, path)
    send(app, *old)
    sane(app, path)
    for other in (
        "pages/2_Positions.py" if "Heads" in path else "pages/4_Heads.py",
        "pages/12_Every_number.py",
        "app.py",
    ):
        app.switch_page(other).run()  # the same keys come back under other ids, and go again
        for cell in ([0, 0, 1], 1):
            send(app, *(WidgetState(id=at, json_value=forged(cell)) for at in late))
            sane(app, other)


@pytest.mark.one_in(9)
@pytest.mark.parametrize("rounds", (1, pytest.param(ROUNDS, marks=pytest.mark.slow)))
@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_a_widget_sends_breaks_a_page(path, rounds):
    """In each round, every widget is sent another wrong value; in the last, all have had all."""
    app = opened(path, depth="numbers", stage="3", softmax_of="heat")
    states = app._tree.get_widget_states().widgets
    for nth in range(PATHS.index(path), PATHS.index(path) + rounds):
        wrong = []
        for turn, each in enumerate(states):
            kind = each.WhichOneof("value")
            if kind in WIDGETS and "-example" not in each.id:
                value = WIDGETS[kind][(nth + turn) % len(WIDGETS[kind])]
                new = WidgetState(id=each.id)
                if kind.endswith("array_value"):
                    getattr(new, kind).data.extend(value)
                    getattr(new, kind).SetInParent()
                else:
                    setattr(new, kind, value)
                wrong.append(new)
        for each in wrong:
            send(app, each)
            assert not app.exception, (each.id, nth)
        sane(app, path)


@pytest.mark.parametrize("cell", ("encoder.0.attn.q", "", ":", "encoder.0.attn.q:", "a:b"))
def test_a_link_that_is_none_opens_nothing_and_leaves_the_address(cell):
    app = opened("pages/3_Attention.py", cell="encoder.0.attn.pattern:0,3,2")
    step = app.session_state["step"]
    click(app, "number", open=cell)
    sane(app, "pages/3_Attention.py")
    assert app.session_state["cell"] == "encoder.0.attn.pattern:0,3,2"
    assert app.session_state["step"] == step


def test_a_first_visit_to_a_model_that_fails_shows_another_and_says_why(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("GLASSFORMER_MODELS", str(tmp_path))
    runs.ready_of.clear()
    app = opened("pages/3_Attention.py", model=str(tmp_path))
    runs.ready_of.clear()
    said = " ".join(each.value.replace("\\", "") for each in app.warning)
    assert "model_type" in said and "You still see" in said
    assert app.session_state["memory"].shown.model == CODECS["model"].default and app.get(
        "bidi_component"
    )
