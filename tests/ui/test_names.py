"""Equal words are told apart wherever they label a figure: “the (0)”, “the (4)”."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.helpers.pages import opened
from ui.session.navigation import PAGES
from ui.text import told_apart

TWICE = "The cat sat on the mat. The cat"
MODELS = ("minilm", "study-decoder", "study-translator")


def test_equal_tokens_are_told_apart_by_their_positions():
    assert told_apart(["a", "b", "a"]) == ["a (0)", "b", "a (2)"]
    assert told_apart(["a", "b", "a"], [1, 2, 5]) == ["a (1)", "b", "a (5)"]
    assert told_apart([]) == []


def labels_in(kind: str, data: dict) -> dict[str, list]:
    """Each list of labels that stand beside each other in a figure."""
    if kind == "overview":
        # The browser writes the position beside those that stand several times.
        tokens = data["parts"][0]["tokens"]
        return {
            side: list(zip(each["labels"], each["at"], strict=True))
            for side, each in tokens.items()
        }
    if kind == "guesses":
        lists = {
            f"{p}.{g}": words for p, at in enumerate(data["words"]) for g, words in enumerate(at)
        }
        return {"places": data["places"] or []} | {
            name: list(filter(None, words)) for name, words in lists.items()
        }
    if kind == "pieces":
        return {"names": [token["name"] for token in data["tokens"]]}
    if kind == "clocks":
        return {"tokens": [(token["text"], token["position"]) for token in data["tokens"]]}
    if kind == "firing":
        return {"own": [word for line in data["lines"] if line["own"] for word in line["words"]]}
    if kind == "why_map":  # a column's title stands below that of its group
        over = [group["title"] for group in data["groups"] for _ in range(group["count"])]
        columns = [f"{group}: {title}" for group, title in zip(over, data["titles"], strict=True)]
        return {"rows": data["rows"], "columns": columns}
    if kind == "saliency":  # a token's row stands below the side that it is on
        sides = [group["title"] for group in data["groups"] for _ in range(group["count"])]
        rows = [*zip(data["rows"], sides, strict=True)] if sides else data["rows"]
        return {"rows": rows, "columns": data["columns"]}
    names = ("rows", "columns", "words", "looks", "titles") if kind != "neurons" else ()
    return {
        name: [json.dumps(each) for each in data[name] if each != ""]
        for name in names
        if isinstance(data.get(name), list)
    }


def cards_of(app) -> str:
    """All cards of a page, as they stand in its address."""
    state = app.session_state._state.filtered_state
    return ".".join(key.removeprefix("card_") for key in state if key.startswith("card_"))


@pytest.mark.one_in(21)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
@pytest.mark.parametrize("model", MODELS)
def test_no_list_of_labels_of_a_figure_holds_two_equal_labels(page, model):
    choices = {"model": model, "sentence": TWICE}
    app = opened(page.path, **choices)
    app = opened(page.path, **choices, cards=cards_of(app))
    assert not app.exception
    found = [element.proto for element in app.get("bidi_component")]
    equal = {
        (proto.id.split("-", 2)[2], name): [label for label, n in Counter(labels).items() if n > 1]
        for proto in found
        for name, labels in labels_in(
            proto.component_name.removeprefix("glass_"), json.loads(proto.json)
        ).items()
    }
    for chart in app.get("plotly_chart"):
        for name, axis in json.loads(chart.proto.spec)["layout"].items():
            if "axis" in name and "ticktext" in axis:
                ticks = Counter(filter(None, axis["ticktext"]))
                equal[chart.proto.id, name] = [label for label, n in ticks.items() if n > 1]
    without = (
        page.title in ("Exercises", "Glossary")
        or (page.title, model) == ("Why this word?", "minilm")
        or page.title == "How it learned"
        and model != "study-decoder"
    )
    assert (equal or without) and not {place: labels for place, labels in equal.items() if labels}
