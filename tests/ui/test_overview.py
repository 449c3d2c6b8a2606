"""The map on the overview: every number sent is in the trace, families are drawn as they are, a
click leads to its page.
"""

from __future__ import annotations

import base64
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from core import load
from core.operands import is_weight
from tests.helpers.pages import address, opened, parts
from tests.helpers.sample import one_in
from tests.helpers.seen import Seen, sides
from tests.helpers.shapes import shape_trace
from tests.helpers.tiny import FAMILIES
from ui.kit import components
from ui.session import navigation, sent
from ui.session.navigation import PAGES
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import DEPTHS
from ui.stages.overview import model_map
from ui.stages.overview import picture as overview_picture
from ui.stages.overview.picture import MOST, drawn_at, drawn_cell, drawn_places, picture, reduced

LONG = " ".join(f"word{n % 7} and" for n in range(60))
FIFTY = "The books and the keys " * 10  # tokens


def sent_by(view, monkeypatch) -> dict:
    """What reaches the browser."""
    mounted = {}
    monkeypatch.setattr(components, "_overview", lambda **options: mounted.update(options))
    components.overview_canvas(picture(view), key="river")
    return json.loads(json.dumps(mounted["data"]))["parts"][0]


def numbers(text: str, kind: str = "<f4") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def wrong_cells(data: dict, trace) -> list[str]:
    """The strips and maps with a number that does not stand, bit for bit, at the place in the trace
    that is named for it.
    """
    wrong = []
    for key, part in data["strips"].items():
        rows = data["tokens"][part["tokens"]]["at"]
        value = trace[key]
        sent = numbers(part["values"])
        rows = rows if value.ndim > 1 else [0]
        sent_RC = sent.reshape(len(rows), -1)
        at_RC = numbers(part["at"], "<u2" if part["block"] > 256 else "u1").reshape(sent_RC.shape)
        for (r, c), number in np.ndenumerate(sent_RC):
            block = c * part["block"]
            place = block + int(at_RC[r, c])
            row = value[tuple(part["index"])][rows[r]] if value.ndim > 1 else value
            sizes = sorted(abs(row[block : block + part["block"]]))
            meant = sizes[-1] if part.get("largest") else sizes[(len(sizes) - 1) // 2]
            if np.float32(row[place]).tobytes() != number.tobytes() or meant != abs(row[place]):
                wrong.append(f"{key} {r} {c}")
    for key, part in data["maps"].items():
        rows, columns = data["tokens"][part["tokens"]]["at"], data["tokens"][part["columns"]]["at"]
        value = trace[key][tuple(part["index"])][np.ix_(rows, columns)]
        if value.astype("<f4").tobytes() != numbers(part["values"]).tobytes():
            wrong.append(key)
    return wrong


def test_every_number_that_is_sent_is_in_the_trace_bit_for_bit(tiny_trace, family, monkeypatch):
    for view in sides(tiny_trace(family)):
        data = sent_by(view, monkeypatch)
        assert wrong_cells(data, view.trace) == []
        drawn = data["output"]["words"]
        assert bool(drawn) == ("head.probs" in view.trace or "task.probs" in view.trace)
        for word in drawn:
            assert word["share"] == view.trace[word["step"]][tuple(word["cell"])]
            assert word["step"] != "head.probs" or word["cell"] == [
                data["output"]["place"],
                word["id"],
            ]
        assert not any(is_weight(view.trace, key) for key in data["strips"])


@pytest.mark.parametrize(
    "model, text",
    [("minilm", "Birds sing when the sun comes up."), ("smollm2", "Birds sing."), ("minilm", LONG)],
)
def test_real_models_too(model, text, monkeypatch, request):
    request.getfixturevalue(model)
    trace = trace_of(RunRequest(model, text))
    assert (
        wrong_cells(
            sent_by(Seen(trace, trace.config.sides[0], layer=2, head=5), monkeypatch), trace
        )
        == []
    )


def test_a_number_of_the_picture_is_found_in_the_trace(tiny_trace, family):
    for view in sides(tiny_trace(family)):
        drawn = picture(view)
        for key, part in {**drawn["strips"], **drawn["maps"]}.items():
            for place, number in np.ndenumerate(part["values"]):
                name, index = drawn_cell(drawn, key, *place)
                assert view.trace[name][index] == number and len(index) == len(
                    view.trace.axes(name)
                )
                assert drawn_at(drawn, name, index) == [key, *place]
        for word in drawn["output"]["words"]:
            name, index = drawn_cell(drawn, f"word/{word['id']}", 0, 0)
            assert (
                view.trace[name][index] == np.float32(word["share"])
                or view.trace[name][index] == word["share"]
            )


@pytest.mark.parametrize(
    "cell",
    [
        ("q", -1, 0),
        ("q", 99, 0),
        ("q", 0, 99),
        ("nothing", 0, 0),
        ("q", True, 0),
        ("q", "0", 0),
        ("q", 0.0, 0),
    ],
)
def test_what_is_not_drawn_does_not_open(tiny_trace, cell):
    drawn = picture(Seen(tiny_trace("gpt2"), "decoder"))
    assert (
        drawn_cell(drawn, f"decoder.0.attn.{cell[0]}", *cell[1:]) is None
        and drawn_cell(drawn, "word/999999", 0, 0) is None
    )
    assert drawn_cell(drawn, "decoder.0.attn.q", 0, 0) is not None


def test_a_lie_would_be_found(tiny_trace, monkeypatch):
    view = Seen(tiny_trace("gpt2"), "decoder")
    data = sent_by(view, monkeypatch)
    strip = data["strips"]["decoder.0.attn.q"]
    values = numbers(strip["values"]).copy()
    values[3] = np.nextafter(values[3], np.float32(9))
    strip["values"] = base64.b64encode(values.tobytes()).decode()
    assert wrong_cells(data, view.trace) == ["decoder.0.attn.q 0 3"]


def test_a_block_keeps_its_number_of_middle_size_and_one_of_neurons_the_largest():
    values_RX = np.array([[1, -5, 2, 0, 0, 3, -4], [0, 0, 0, 0, 0, 0, -1.0]])
    kept_RC, at_RC, block = reduced(values_RX, 3)
    assert block == 3 and kept_RC.tolist() == [[2, 0, -4], [0, 0, -1]]
    assert at_RC.tolist() == [[2, 1, 0], [1, 1, 0]]
    kept_RC, at_RC, _ = reduced(values_RX, 3, largest=True)
    assert kept_RC[0].tolist() == [-5, 3, -4] and at_RC[0].tolist() == [1, 2, 0]
    even_R2, at_R2, block = reduced(np.array([[1.0, -3, 2, 8, 5, 6]]), 2)
    assert block == 3 and even_R2.tolist() == [[2, 6]] and at_R2.tolist() == [[2, 2]]
    pair_R1, _, _ = reduced(np.array([[-7.0, 4]]), 1)
    assert pair_R1.tolist() == [[4]]  # the smaller of the middle two


@pytest.mark.parametrize(
    "count, chosen",
    [(1, 0), (18, 17), (19, 0), (24, 23), (60, 30), (256, 255), (256, 5), (256, 120)],
)
def test_a_long_sentence_shows_its_ends_and_the_chosen_token(count, chosen):
    places = drawn_places(count, chosen)
    assert places == sorted(set(places)) and len(places) == min(count, MOST)
    assert {0, chosen, count - 1} <= set(places) <= set(range(count))


@pytest.mark.parametrize("count, chosen", [(52, 51), (52, 0), (256, 120), (20, 10)])
def test_a_long_sentence_shows_what_the_chosen_token_looks_at_most(count, chosen):
    seen = [count // 3, count // 2, (chosen + 9) % count]
    places = drawn_places(count, chosen, seen)
    assert places == sorted(set(places)) and len(places) == MOST
    assert {0, chosen, count - 1, *seen} <= set(places) <= set(range(count))


@pytest.mark.parametrize("model", ["study-decoder", "study-encoder"])
@pytest.mark.parametrize("token", [2, 40])
def test_the_three_largest_weights_of_the_chosen_token_are_drawn(model, token):
    trace = trace_of(RunRequest(model, FIFTY))
    (side,) = trace.config.sides
    for layer, head in ((0, 0), (1, 2), (3, 4)):
        view = Seen(trace, side, layer=layer, head=head, token=token)
        row_M = trace[f"{side}.{layer}.attn.pattern"][head, token]
        drawn = set(picture(view)["tokens"][side]["at"])
        assert {int(m) for m in np.argsort(-row_M)[:3] if row_M[m] > 0} <= drawn


def test_of_two_texts_the_words_that_are_looked_across_at_most_are_drawn():
    trace = trace_of(RunRequest("study-translator", FIFTY, target="le chat et le chien"))
    view = Seen(trace, "decoder", layer=3, head=1, token=2)
    row_M = trace["decoder.3.cross.pattern"][1, 2]
    assert len(row_M) > MOST
    assert set(np.argsort(-row_M)[:3].tolist()) <= set(picture(view)["tokens"]["encoder"]["at"])


@pytest.mark.parametrize("model", ["minilm", "smollm2"])
def test_what_is_sent_stays_small(model, monkeypatch, request):
    request.getfixturevalue(model)
    sizes = {}
    for tokens in (16, 64, 200):
        words = "bird " * (tokens - (2 if model == "minilm" else 0))
        trace = trace_of(RunRequest(model, words.strip()))
        sizes[tokens] = len(json.dumps(sent_by(Seen(trace, trace.config.sides[0]), monkeypatch)))
    assert sizes[16] < 60_000 and sizes[64] < 75_000 and sizes[200] < 75_000, sizes


# --- families are drawn as they are ---------------------------------------------------------------


def parts_of(tiny_trace, family: str, side: str) -> tuple[dict, list[dict]]:
    drawn = picture(Seen(tiny_trace(family), side))
    return drawn, drawn["open"]["parts"]


def test_each_family_is_another_picture(tiny_trace):
    _, (bert, bert_mlp) = parts_of(tiny_trace, "bert", "encoder")
    _, (gpt2, _) = parts_of(tiny_trace, "gpt2", "decoder")
    _, (llama, llama_mlp) = parts_of(tiny_trace, "llama", "decoder")
    t5, (t5_attn, t5_cross, t5_mlp) = parts_of(tiny_trace, "t5_gated", "decoder")
    stand = [[place for place, sign in part["norms"].items() if sign] for part in (bert, gpt2)]
    assert stand == [["after"], ["before"]]
    signs = [part["norms"]["before"]["title"] for part in (gpt2, llama)]
    assert signs == ["norm", "RMS norm"]
    assert (bert["turned"], llama["turned"], t5_attn["turned"]) == (False, True, False)
    assert (bert_mlp["gated"], llama_mlp["gated"], t5_mlp["gated"]) == (False, True, True)
    assert (t5_attn["kind"], t5_cross["kind"], t5_mlp["kind"]) == ("attention", "cross", "mlp")
    assert (
        t5["maps"]["decoder.0.cross.pattern"]["columns"] == "encoder" and t5["rivers"][0]["feeds"]
    )


def test_each_shape_of_a_layer_is_another_picture():
    """Where the norms stand, and whether the network reads what attention has read."""
    places = {"before": ["before"], "around": ["before", "update"], "update": ["update"]}
    for norm_at, wanted in places.items():
        for beside in ("", " parallel"):
            drawn = picture(Seen(shape_trace(f"rms {norm_at}{beside}"), "decoder"))
            attention, network = drawn["open"]["parts"]
            for part in (attention, network):
                assert [place for place, sign in part["norms"].items() if sign] == wanted
                signs = {sign["name"] for sign in part["norms"].values() if sign}
                assert all(name in shape_trace(f"rms {norm_at}{beside}") for name in signs)
            assert network["parallel"] == bool(beside)


def test_what_is_added_to_a_token_is_what_the_trace_added(tiny_trace):
    first = {family: sides(tiny_trace(family))[0] for family in FAMILIES}
    added = {family: picture(view)["rivers"][0]["added"] for family, view in first.items()}
    assert (
        added["gpt2"] == ["decoder.embed.position"]
        and added["llama"] == []
        and added["t5_relu"] == []
    )
    assert added["bert"] == ["encoder.embed.position", "encoder.embed.segment"]
    assert added["marian"] == ["encoder.embed.position"]


def test_the_note_says_for_how_many_numbers_a_stripe_stands(tiny_trace):
    drawn = picture(Seen(tiny_trace("gpt2"), "decoder"))
    blocks = {key: strip["block"] for key, strip in drawn["strips"].items()}
    most = max(blocks.values())
    assert most == max(-(-s["size"] // s["values"].shape[1]) for s in drawn["strips"].values()) > 1
    assert f"one number of a block of up to {most}." in model_map.note(drawn)
    single = {"strips": {"q": {"block": 1}}}
    assert model_map.note(single) == "A stripe is a number. Click to open one."


def test_what_comes_out(tiny_trace):
    gpt2 = picture(Seen(tiny_trace("gpt2"), "decoder"))["output"]
    bert = picture(Seen(tiny_trace("bert_bare"), "encoder"))["output"]
    shares = [word["share"] for word in gpt2["words"]]
    assert (
        shares == sorted(shares, reverse=True)
        and len(shares) == overview_picture.WORDS
        and gpt2["after"]
    )
    assert bert["words"] == [] and "encoder.out.pooled" in bert["pooled"]


def test_no_family_is_named_in_the_code():
    root = Path(overview_picture.__file__).parents[3]
    scripts = sorted(root.glob("assets/components/overview*.js"))
    assert len(scripts) == 7
    for file in (root / "ui/stages/overview/picture.py", *scripts):
        text = file.read_text(encoding="utf-8")
        assert not any(
            name in text.lower()
            for name in ("bert", "gpt", "llama", "t5", "marian", "config.family")
        )


# --- a click --------------------------------------------------------------------------------------


def test_only_what_is_drawn_can_be_clicked(monkeypatch, tiny_trace):
    mounted, state, heard = {}, {}, []
    monkeypatch.setattr(components, "_overview", lambda **options: mounted.update(options))
    monkeypatch.setattr(sent.st, "session_state", state)
    components.overview_canvas(
        picture(Seen(tiny_trace("gpt2"), "decoder")), key="river", on_act=heard.append
    )
    for act in (
        "decoder.0.attn.q",
        "decoder.7.attn.q",
        "layer/decoder/1",
        "layer/decoder/9",
        "token/decoder/0",
        "token/encoder/0",
        "token/decoder/-1",
        None,
        ["decoder.0.attn.q"],
        3,
        "<script>",
    ):
        state["river"] = {"act": act}
        mounted["on_act_change"]()
    assert heard == ["decoder.0.attn.q", "layer/decoder/1", "token/decoder/0"]


@pytest.mark.parametrize(
    "act, page, chosen",
    [
        ("encoder.embed.token", navigation.TOKENS, {}),
        ("encoder.embed.position", navigation.POSITIONS, {}),
        ("decoder.relative", navigation.POSITIONS, {}),
        ("decoder.1.attn.q", navigation.ATTENTION, {"stage": 0}),
        ("decoder.1.attn.k", navigation.ATTENTION, {"stage": 1}),
        ("decoder.1.attn.pattern", navigation.ATTENTION, {"stage": 3}),
        ("decoder.1.attn.v", navigation.ATTENTION, {"stage": 4}),
        ("decoder.1.attn.z", navigation.ATTENTION, {"stage": 4}),
        ("heads", navigation.HEADS, {}),
        ("decoder.1.attn.out", navigation.HEADS, {}),
        ("decoder.1.attn.mask", navigation.ENCODER_AND_DECODER, {}),
        ("decoder.1.attn.sum", navigation.ADD_AND_NORM, {}),
        ("decoder.1.mlp.norm.out", navigation.ADD_AND_NORM, {}),
        ("encoder.embed.norm.out", navigation.ADD_AND_NORM, {}),
        ("decoder.1.mlp.hidden.gate", navigation.FEED_FORWARD, {}),
        ("decoder.1.mlp.pre", navigation.FEED_FORWARD, {}),
        ("decoder.norm.out", navigation.ADD_AND_NORM, {}),
        ("decoder.1.cross.pattern", navigation.CROSS_ATTENTION, {"stage": 3}),
        ("decoder.1.cross.out", navigation.CROSS_ATTENTION, {"stage": 4}),
        ("encoder.out", navigation.OUTPUT, {}),
        ("encoder.out.pooled", navigation.OUTPUT, {}),
        ("pooler.out", navigation.OUTPUT, {}),
    ],
)
def test_a_part_leads_to_its_page(act, page, chosen):
    assert model_map.page_for_step(act) == (page, chosen) and page in PAGES


def test_a_token_and_a_layer_are_chosen_by_a_click():
    app = opened(head="5", cell="encoder.0.attn.q:5,1,2")
    assert parts(app, "glass_overview")[0]["open"]["layer"] == 0
    follow(app, "layer/encoder/2")
    follow(app, "token/encoder/4")
    (data,) = parts(app, "glass_overview")
    assert (
        data["open"]["layer"] == 2
        and data["open"]["head"] == 5
        and data["tokens"]["encoder"]["chosen"] == 4
    )
    assert address(app) == {"head": "5", "layer": "2", "token": "4"} and not app.exception


def follow(app, act: str) -> None:
    """A choice as the click makes it; AppTest can't send a component's trigger."""
    kind, side, at = act.split("/")
    app.session_state[kind] = int(at)
    app.session_state["cell"] = None
    app.run()


@pytest.mark.parametrize(
    "tiny_folder, depth", one_in(7, product(FAMILIES, DEPTHS)), indirect=["tiny_folder"]
)
def test_the_overview_of_every_family_at_every_depth(tiny_folder, depth):
    for side in load(tiny_folder).config.sides:
        app = opened(
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            head="1",
            depth=depth,
        )
        assert not app.exception and not app.warning and len(parts(app, "glass_overview")) == 1
        text = " ".join(element.value for element in app.markdown)
        assert (f"{side}.1.mlp.out" in text) == (depth == "numbers")
        (data,) = parts(app, "glass_overview")
        said = max(len(caption.split()) for caption in data["captions"].values())
        assert said + len(data["note"].split()) <= 45 and len(data["captions"]) == 6


def test_sizes_are_told_in_words(tiny_trace):
    trace = tiny_trace("llama")
    tokens, c = len(trace["decoder.embed.ids"]), trace.config
    assert (
        overview_picture.sized(trace, "decoder.out") == f"{tokens} tokens × {c.d_model} dimensions"
    )
    keys = overview_picture.counted_words(c.n_kv_heads, "set of keys and values")
    assert (
        overview_picture.sized(trace, "decoder.0.attn.k")
        == f"{keys} × {tokens} tokens × {c.d_head} dimensions"
    )
    assert overview_picture.counted_words(1, "token looked at") == "1 token looked at"
