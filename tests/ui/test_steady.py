"""A choice outlives a change of its options' labels, whatever label the browser still sends."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.downloads import MODEL, shown_model, visitor
from tests.helpers.pages import opened
from ui.session import runs


def chooser(app: AppTest, key: str):
    """A list or a slider on the page."""
    every = app.get("selectbox") + app.get("select_slider")
    return next(each for each in every if each.key == key)


def shown(app: AppTest, key: str) -> str:
    """The label of the option that the session holds."""
    widget = chooser(app, key)
    return widget.format_func(app.session_state[key])


def click(app: AppTest, key: str, label: str) -> str:
    """Another click in a browser that knows a choice by this label: it sends the label along.
    Returns by which label it knows the choice afterwards: its own, unless it was sent another."""
    widget, states = chooser(app, key), app._tree.get_widget_states()
    sent = next(each for each in states.widgets if each.id == widget.id)
    if sent.WhichOneof("value") == "string_value":
        sent.string_value = label
    else:
        sent.string_array_value.data[:] = [label]
    app._run(states)
    assert not app.exception
    proto = chooser(app, key).proto
    return "".join(proto.raw_value) if proto.set_value else label  # a slider is sent a list


def test_the_model_that_was_fetched_stays_chosen_at_the_next_clicks(download):
    app = visitor()
    first = label = shown(app, "model")
    app.button(key="fetch").click().run()
    download.end()
    for _ in range(3):
        label = click(app, "model", label)
        assert app.session_state["model"] == shown_model(app) == MODEL
    assert label == shown(app, "model") != first
    click(app, "model", first)  # sent before the answer with the new label had come
    assert app.session_state["model"] == shown_model(app) == MODEL


def test_a_label_of_no_model_leaves_the_one_before():
    app = opened(model="minilm")
    click(app, "model", "<b>no model</b>")
    assert app.session_state["model"] == shown_model(app) == "minilm"


def test_two_models_of_one_title_have_labels_of_their_own(monkeypatch, tmp_path, minilm):
    folders = [tmp_path / name / "model" for name in "ab"]
    for folder in folders:
        folder.mkdir(parents=True)
    monkeypatch.setenv("GLASSFORMER_MODELS", ":".join(map(str, folders)))
    runs.ready_of.clear()
    labels = opened(model="minilm").selectbox(key="model").options
    runs.ready_of.clear()
    assert [label for label in labels if label.startswith("model")] == [
        f"model · {folder}" for folder in folders
    ]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "page, key, value, before, change",
    [
        (
            "pages/2_Positions.py",
            "places_other",
            3,
            {"model": "smollm2", "cards": "positions-turned"},
            {"sentence": "A dog barks today."},
        ),
        (
            "pages/11_Before_attention.py",
            "before_at",
            2,
            {"cards": "before-lstm"},
            {"before_reads": "other"},
        ),
    ],
)
def test_a_choice_stays_when_its_label_changes(smollm2, page, key, value, before, change):
    app = opened(page, sentence="The old man reads.", token="2", **before)
    app.session_state[key] = value
    first = label = shown(app.run(), key)
    ((what, to),) = change.items()
    app.session_state[what] = to
    for _ in range(3):
        label = click(app, key, label)
        assert app.session_state[key] == value
    assert label == shown(app, key) != first
