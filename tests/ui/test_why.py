"""Why this word: every number shown is core.why's, every sum is the forward pass's, and each part
opens.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from core import load, whatif, why
from core.deciding_head import silence_each
from core.edits import ablate_head
from core.text import number, percent
from core.vectors import rank_correlation
from tests.helpers.pages import (
    address,
    click,
    components,
    data_of,
    opened,
    parts,
    prose,
    said,
    values_in,
)
from tests.helpers.words import MOST, question, words_below
from ui.stages.why import beside, effects, gradient_words, measures, silent
from ui.stages.why.measures import Measure, Measures
from ui.text import told_apart

PAGE = "pages/15_Why_this_word.py"
BOOKS = "The books that the student recommended"
HIDDEN = "The books that the student recommended [MASK] old."
GREEN = "The house is green."
AT_BOOKS, ROW = 2, 6  # the noun, and the last word


@cache
def model(name: str = "study-decoder"):
    return load(name)


@cache
def trace(sentence: str = BOOKS, name: str = "study-decoder"):
    return model(name).trace(sentence)


def id_of(word: str) -> int:
    return model().tokenizer.id_of(word)


ARE, IS = id_of("are"), id_of("is")


def needed_head() -> tuple[int, int]:
    """The layer and the head whose silence takes most from are − is."""
    heads_NH = why.effects(model(), trace(), ARE, IS)[:, :-1]
    layer, head = np.unravel_index(int(heads_NH.argmin()), heads_NH.shape)
    return int(layer), int(head)


LAYER, HEAD = needed_head()
PATH = f"decoder.{LAYER}.attn"
NAME, SILENT = f"{PATH}.head.{HEAD}", f"head:decoder.{LAYER}.{HEAD}"
SAID = why.in_words(NAME)  # such as head 3.1
OPENING = {"model": "study-decoder", "sentence": BOOKS}
AT = OPENING | {"layer": str(LAYER), "head": str(HEAD), "why_word": str(ARE), "why_rival": str(IS)}
CASES = [
    (AT, ROW),
    ({"model": "study-encoder", "sentence": HIDDEN}, 7),
    ({"model": "study-translator", "sentence": GREEN, "side": "decoder", "token": "3"}, 3),
]


def shown_map(app) -> dict:
    return data_of(app, "why-map", "why_map")


def effects_in(app) -> dict[str, float]:
    data = shown_map(app)
    values = np.frombuffer(b64decode(data["effects"]), "<f4").tolist()
    return {cell["name"]: value for cell, value in zip(data["cells"], values, strict=True)}


# --- the map --------------------------------------------------------------------------------------


def test_the_question_is_about_the_likeliest_word_and_the_one_that_the_deciding_head_decides():
    app, probs_V = opened(PAGE, **OPENING), trace()["head.probs"][-1]
    encoding = model().encode(BOOKS)
    text = whatif.Text(encoding.ids_L, encoding.words_L)
    found = silence_each(model(), text, probs_V).decision
    first, second = (model().tokenizer.piece(id) for id in (found.first, found.second))
    assert found.first == probs_V.argmax()
    assert question(app) == f"Why **{first}** and not **{second}**?"
    assert not app.exception and not app.warning
    words = shown_map(app)
    assert words["words"][words["word"]] == first and words["rivals"][words["rival"]] == second
    assert words["shares"] == [percent(probs_V[id_of(word)]) for word in words["words"]]
    assert not {"why_word", "why_rival"} & address(app).keys()


@pytest.mark.parametrize("asked, row", CASES, ids=lambda each: str(each)[:30])
def test_the_map_holds_every_part_and_they_add_up(asked, row):
    app = opened(PAGE, **asked)
    run = trace(asked["sentence"], asked["model"])
    word, rival = app.session_state["why_word"], app.session_state["why_rival"]
    wanted = why.parts(run, word, rival, row)
    data, values = shown_map(app), values_in(shown_map(app))
    logits_V = run["head.logits"][row]
    assert word == logits_V.argmax() and not app.exception
    assert np.array_equal(values, wanted.parts_S.astype("<f4"))
    assert [cell["name"] for cell in data["cells"]] == [why.in_words(n) for n in wanted.names]
    gap = float(logits_V[word]) - float(logits_V[rival])
    assert values.astype(float).sum() == pytest.approx(gap, abs=1e-4)
    text = prose(app)
    assert f"All {len(wanted.names)} parts add up to **{number(gap, 3)}**" in text
    assert f"({number(logits_V[word], 4)})" in text and f"({number(logits_V[rival], 4)})" in text
    for name, part in wanted.largest(3):
        assert f"**{why.in_words(name)}** {number(part, 3)}" in text
    assert [data["cells"][i]["name"] for i in data["named"]] == [
        why.in_words(name) for name, _ in wanted.largest(3)
    ]
    assert len(words_below(app)) <= MOST


def test_it_says_which_head_brought_what_the_largest_network_made_most_of():
    """Where the run shows it: without that head the whole falls, and the network loses its part."""
    changes = why.effects(model(), trace(), ARE, IS)
    heads_NH = changes[:, :-1]
    found = why.parts(trace(), ARE, IS)
    network, part = found.largest(1)[0]
    quiet = model().trace(BOOKS, edits=ablate_head("decoder", LAYER, HEAD))
    assert network.endswith(".mlp") and changes[LAYER, HEAD] == heads_NH.min()
    assert part > found.total / 2 and -changes[LAYER, HEAD] > found.total / 2
    assert part - why.parts(quiet, ARE, IS).of(network) > part / 2 > found.of(NAME) / 2
    text, directly = prose(opened(PAGE, **AT)), "A part is only what was written directly"
    said = why.in_words(network).capitalize()
    assert f"**{said}** wrote most, but from what **{SAID}** brought" in text
    assert f"the sum falls by {number(-changes[LAYER, HEAD], 3)}." in text and directly not in text
    next_NH = why.effects(model(), quiet, ARE, IS)[:, :-1]
    next_layer, next_head = divmod(int(next_NH.argmin()), next_NH.shape[1])
    silenced = prose(
        opened(PAGE, **AT | {"change": f"{SILENT}+head:decoder.{next_layer}.{next_head}"})
    )
    assert "brought" not in silenced and directly in silenced


def test_of_a_large_model_only_known_effects_are_spoken_of(monkeypatch):
    monkeypatch.setattr(effects, "at_once", lambda asked: False)
    monkeypatch.setattr(effects, "start", lambda asked, found: pytest.fail("no work begins"))
    app = opened(PAGE, **AT | {"sentence": f"{BOOKS} are"})
    assert not app.exception and "A part is only what was written directly" in prose(app)


def test_each_part_stands_in_its_layer_and_column():
    data = shown_map(opened(PAGE, model="study-translator", sentence=GREEN))
    places = {cell["name"]: (cell["row"], cell["column"]) for cell in data["cells"]}
    assert places["head 3.2"] == (3, 2) and places["cross-head 1.4"] == (1, 9)
    assert places["feed-forward 0"] == (0, 10) and places["the embedding"] == (-1, -1)
    titles = [(each["title"], each["count"]) for each in data["groups"]]
    assert titles[:3] == [("heads", 5), ("heads of cross-attention", 5), ("feed-forward", 1)]
    assert len(set(places.values())) == len(places) - 1  # both embeddings stand in their own row


def test_a_part_opens_and_its_head_is_looked_at_in_the_cards():
    app = opened(PAGE, **AT | {"layer": "0", "head": "0"})
    names = why.parts(trace(), ARE, IS).names
    at = names.index(NAME)
    click(app, "why-map", cell=at)
    step = f"head.logits.against.{ROW}.{ARE}.{IS}"
    assert app.session_state["cell"] == f"{step}:{at}"
    assert (app.session_state["layer"], app.session_state["head"]) == (LAYER, HEAD) != (0, 0)
    panel = parts(app)[0]
    assert panel["value"] == number(why.parts(trace(), ARE, IS).of(names[at]))
    assert panel["where"] == SAID and shown_map(app)["opened"] == at
    click(app, "why-map", cell=names.index("decoder.3.mlp"))
    assert parts(app)[0]["where"] == "feed-forward 3" and app.session_state["head"] == HEAD


@pytest.mark.slow
def test_another_word_another_rival_and_none_can_be_chosen():
    app = opened(PAGE, **OPENING)
    data = shown_map(app)
    other = data["rivals"][data["rival"]]
    click(app, "why-map", rival=data["rivals"].index("no rival"))
    assert question(app) == "Why **are**?" and address(app)["why_rival"] == "-1"
    wanted = why.parts(trace(), ARE)
    assert np.array_equal(values_in(shown_map(app)), wanted.parts_S.astype("<f4"))
    assert f"**{number(wanted.total, 3)}** = the logit of **are**" in prose(app)
    click(app, "why-map", rival=shown_map(app)["rivals"].index(other))
    click(app, "why-map", word=shown_map(app)["words"].index(other))
    # a rival that is asked about changes place
    assert question(app) == f"Why **{other}** and not **are**?"
    gap = why.parts(trace(), id_of(other), ARE).total
    assert f"**{number(gap, 3)}**" in prose(app) and gap < 0
    app.text_input(key="sentence").set_value("The dog that the students saw").run()
    assert (
        question(app).startswith("Why **")
        and app.session_state["why_word"]
        == trace("The dog that the students saw")["head.probs"][-1].argmax()
    )


def test_both_words_and_what_is_shown_stand_in_the_link_and_outlive_a_switch_of_pages():
    chosen = {"why_word": str(IS), "why_rival": "-1", "why_shows": "effect", "why_key": "3"}
    app = opened(PAGE, **AT | chosen)
    for _ in range(2):
        assert not app.exception and not app.warning and question(app) == "Why **is**?"
        assert shown_map(app)["shows"] == 1 and chosen.items() <= address(app).items()
        app.switch_page("app.py").run()
        app.switch_page(PAGE).run()


@pytest.mark.parametrize("forged", ([0], "3", -1, 10**9, None, True, 1.5))
def test_what_is_forged_is_no_choice(forged):
    app = opened(PAGE, **AT)
    before = dict(address(app))
    click(app, "why-map", cell=forged, word=forged, rival=forged, shows=forged)
    assert not app.exception and address(app) == before


def test_an_address_that_asks_for_a_word_that_there_is_not_is_told_so():
    app = opened(PAGE, **AT | {"why_word": "99999"})
    assert not app.exception and "why_word “99999”" in said(app)
    assert question(app) == "Why **are** and not **is**?"


def test_another_position_has_another_word():
    app = click(opened(PAGE, **OPENING), "place", token=["decoder", 2])
    assert app.session_state["why_word"] == trace()["head.probs"][2].argmax()
    assert not app.exception and shown_map(app)["words"][0] in question(app)


# --- effects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked, row", CASES, ids=lambda each: str(each)[:30])
def test_the_effects_of_silence_are_those_of_whole_runs(asked, row):
    app = opened(PAGE, **asked)
    click(app, "why-map", shows=1)
    word, rival = app.session_state["why_word"], app.session_state["why_rival"]
    run = trace(asked["sentence"], asked["model"])
    wanted = why.effects(model(asked["model"]), run, word, rival, row)
    found, cells = effects_in(app), shown_map(app)["cells"]
    assert not app.exception and len(found) == np.isfinite(wanted).sum()
    for cell in cells:
        assert found[cell["name"]] == pytest.approx(wanted[cell["row"], cell["column"]], abs=1e-6)
    most = max(found, key=lambda name: abs(found[name]))
    assert f"**{most}** {number(found[most], 3)}" in prose(app)
    assert len(words_below(app)) <= MOST


def test_in_a_large_model_the_page_stays_usable_while_parts_fall_silent(monkeypatch):
    monkeypatch.setattr(effects, "at_once", lambda asked: False)
    monkeypatch.setattr(effects, "start", lambda asked, found: None)  # the work has not begun yet
    app = opened(PAGE, **AT | {"sentence": "The books"}, why_shows="effect")
    assert not app.exception and np.isnan([*effects_in(app).values()]).all()
    assert app.button(key="why_stop") and app.get("progress")
    app.button(key="why_stop").click().run()
    asked = effects.SHELF._entries  # stopped: the work would end at its next part
    (found,) = [e.value for k, e in asked.items() if k[0] == "why" and "The books" in k[1]]
    assert found.stopped and not found.over
    effects.compute(asked_on(app), found)
    assert found.over and len(found.found) == 1 and not found.whole


def asked_on(app):
    """What is asked on a page about its third token, as the page asks it."""
    from ui.session.view import View
    from ui.stages.why.asked import Asked

    view = View(app.session_state["memory"].shown, "decoder", LAYER, HEAD, 2)
    return Asked(view, 2, 2, app.session_state["why_word"], app.session_state["why_rival"])


def test_work_that_nobody_asks_for_stops():
    found = beside.Work(total=24)
    found.wanted -= 2 * beside.FORGOTTEN
    app = opened(PAGE, **AT | {"sentence": "The books"})
    effects.compute(asked_on(app), found)
    assert found.stopped and len(found.found) == 1


def test_where_part_and_effect_differ_it_says_so():
    app = opened(PAGE, **AT, cards="why-silent")
    table = data_of(app, "why:silent", "table")
    parts_S = why.parts(trace(), ARE, IS)
    changes = why.effects(model(), trace(), ARE, IS)
    at = table["rows"].index(SAID)
    assert table["numbers"][at] == [number(parts_S.of(NAME)), number(changes[LAYER, HEAD])]
    both = {
        each.unit.step.removesuffix(".z").removesuffix(".out")
        + ("" if each.unit.head is None else f".head.{each.unit.head}"): each.change
        for each in why.each_effect(model(), trace(), ARE, IS)
    }
    most = max(both, key=lambda name: abs(parts_S.of(name) + both[name]))
    part, change = number(parts_S.of(most), 3), number(both[most], 3)
    said = f"It differs most for **{why.in_words(most)}**: part {part}, change {change}."
    assert said in prose(app)
    app.button(key="why_silence").click().run()
    assert app.session_state["change"] == SILENT and not app.exception


def test_what_reacts_is_said_of_a_large_model_before_all_its_parts_fall_silent(smollm2):
    sentence = "The cat sat on the mat. The cat"
    app = opened(PAGE, model="smollm2", sentence=sentence, layer="17", head="4", cards="why-silent")
    assert app.button(key="why_begin") and app.button(key="why_silence") and not app.exception
    words = app.session_state["why_word"], app.session_state["why_rival"]
    effect = 0.0
    for sign, edits in ((1, ablate_head("decoder", 17, 4)), (-1, None)):
        logits_V = smollm2.trace(sentence, edits=edits)["head.logits"][-1].astype(float)
        effect += sign * (logits_V[words[0]] - logits_V[words[1]])
    found = re.search(r"effect of its silence, \*\*(.+?)\*\*", prose(app))
    assert found and float(found[1].replace("−", "-")) == pytest.approx(effect, rel=2e-3, abs=1e-4)


def test_what_it_says_of_a_difference_follows_from_the_two_numbers():
    app = opened(PAGE, **AT)
    asked = asked_on(app)
    assert silent.is_last(asked, "decoder.3.mlp")
    assert not silent.is_last(asked, "decoder.2.mlp")
    assert not silent.is_last(asked, "decoder.3.attn.head.4")
    assert "made more of it" in silent.why_so(1.08, -7.7)
    assert "the opposite" in silent.why_so(2.0, 0.5)
    assert "the opposite" in silent.why_so(-0.09, -5.25)
    assert "make up for a share" in silent.why_so(4.0, -2.3)


def test_what_reacts_to_the_silence_of_the_chosen_head_adds_up_to_its_effect():
    app = opened(PAGE, **AT, cards="why-silent")
    before = why.parts(trace(), ARE, IS)
    after = why.parts(model().trace(BOOKS, edits=ablate_head("decoder", LAYER, HEAD)), ARE, IS)
    change = {n: after.of(n) - before.of(n) for n in before.names}
    effect = why.effects(model(), trace(), ARE, IS)[LAYER, HEAD]
    assert sum(change.values()) == pytest.approx(effect, abs=1e-4)
    text, own, network = prose(app), change[NAME], f"decoder.{LAYER}.mlp"
    assert f"Its part goes: {number(own, 3)}." in text and change[network] < 0
    less = f"gives {number(-change[network], 3)} less"
    assert f"**{why.in_words(network)}** {less}" in text
    scaled = sum(change[n] for n in before.names[: before.names.index(network)]) - own
    assert f"beside it anew: {number(scaled, 3)}" in text
    assert f"effect of its silence, **{number(effect, 3)}**" in text


# --- the cards ------------------------------------------------------------------------------------


def test_the_lens_shows_each_layer_s_guess_and_ends_in_the_output():
    app = opened(PAGE, **AT, cards="why-lens")
    data = data_of(app, "why-lens", "why_lens")
    wanted = why.guesses(trace(), -1, ARE, 3)
    other = why.guesses(trace(), -1, IS, 3)
    assert data["rows"] == ["embedding", "layer 0", "layer 1", "layer 2", "layer 3"]
    spelled = [[model().tokenizer.piece(int(i)) for i in ids] for ids in wanted.ids_NT]
    assert data["likeliest"] == spelled and data["asked"] == ["are", "is"]
    np.testing.assert_allclose(values_in(data)[:, :3], wanted.probs_NT, rtol=1e-5)
    np.testing.assert_allclose(values_in(data)[:, 3], wanted.prob_N, rtol=1e-5)
    ranks = [[int(x.replace(",", "")) - 1 for x in row] for row in data["ranks"]]
    assert ranks == np.stack([wanted.rank_N, other.rank_N], axis=1).tolist()
    output_V = trace()["head.probs"][-1]
    np.testing.assert_allclose(values_in(data)[-1, 3:], output_V[[ARE, IS]], rtol=1e-5)
    text = prose(app)
    assert f"The last row is the output: {percent(output_V[ARE])}." in text
    first = int(np.flatnonzero(wanted.rank_N > 0)[-1])  # the embedding stands before layer 0
    assert f"After **layer {first}**, the last one, **are** is the likeliest word." in text
    rise_N = np.diff(wanted.prob_N)
    layer, found = int(rise_N.argmax()), why.parts(trace(), ARE, IS)
    name, part = next(each for each in found.largest() if f".{layer}." in each[0] and each[1] > 0)
    shares = " to ".join(percent(share, 0) for share in wanted.prob_N[layer : layer + 2])
    said = f"rises most at **layer {layer}**, from {shares}: there **{why.in_words(name)}** gives"
    assert f"{said} most to **are** − **is**, {number(part, 3)}." in text
    click(app, "why-lens", cell=[4, 3])
    assert app.session_state["cell"] == f"decoder.3.out.lens.probs.{ROW}:{ARE}"


def test_the_head_that_is_needed_most_read_it_from_books():
    app = opened(PAGE, **AT, cards="why-reads")
    split, at = why.by_token(trace(), NAME, ARE, IS), BOOKS.split().index("books") + 1
    assert f"What did {SAID} read?" in [each.label for each in app.expander]
    assert split.parts_N.argmax() == AT_BOOKS == at
    text = prose(app)
    said = f"{SAID.capitalize()} gives **{number(split.total, 3)}** to **are** − **is**."
    assert said in text
    assert f"It took {number(split.parts_N[at], 3)} of it from **books**" in text
    click_point(app, "why:reads", at)
    assert app.session_state["cell"] == f"{PATH}.pattern.against.{HEAD}.{ROW}.{ARE}.{IS}:{at}"
    assert app.session_state["why_key"] == at
    assert parts(app)[0]["value"] == number(split.parts_N[at])


def click_point(app, key: str, at: int) -> None:
    """A click on a bar."""
    import json

    from streamlit.proto.WidgetStates_pb2 import WidgetState

    from tests.helpers.pages import send

    (chart,) = [e.proto for e in app.get("plotly_chart") if key in e.proto.id]
    selected = json.dumps({"selection": {"points": [{"point_index": at}]}})
    send(app, WidgetState(id=chart.id, string_value=selected))


@pytest.mark.parametrize("asked, row", CASES, ids=lambda each: str(each)[:30])
def test_the_neurons_of_a_network_add_up_to_its_part_in_the_map(asked, row):
    app = opened(PAGE, **asked, cards="why-neurons")
    run = trace(asked["sentence"], asked["model"])
    words = app.session_state["why_word"], app.session_state["why_rival"]
    found = why.parts(run, *words, row)
    network = next(name for name, _ in found.largest() if name.endswith(".mlp"))
    split = why.by_neuron(run, network, *words, row=row)
    order = np.argsort(-np.abs(split.parts_N), kind="stable")[:8]
    table, text = data_of(app, "why:neurons", "table"), prose(app)
    hidden_F = run[f"{network}.hidden"][row]
    for neuron, name, numbers in zip(order, table["rows"], table["numbers"], strict=True):
        part = split.parts_N[neuron]
        assert name == f"neuron {neuron}" and numbers[0] == number(hidden_F[neuron])
        assert numbers[2] == number(part) and float(hidden_F[neuron]) * float(
            numbers[1].replace("−", "-")
        ) == pytest.approx(part, rel=1e-3)
    assert table["foot"]["numbers"][2] == number(split.parts_N.sum())
    whole = found.of(network)
    assert split.rest and f"add up to {number(split.parts_N.sum(), 4)}, and its bias" in text
    assert f"together **{number(whole, 4)}**, the part of {why.in_words(network)}" in text
    assert split.total == pytest.approx(whole, abs=1e-4)


def test_a_network_is_chosen_in_the_map_and_each_number_of_its_neurons_opens():
    app = opened(PAGE, **AT, cards="why-neurons")
    names = why.parts(trace(), ARE, IS).names
    click(app, "why-map", cell=names.index("decoder.1.mlp"))
    part = why.parts(trace(), ARE, IS).of("decoder.1.mlp")
    did = "lowered" if part < 0 else "raised"
    assert f"Which neurons of feed-forward 1 {did} it?" in [each.label for each in app.expander]
    assert address(app)["why_mlp"] == "1" and app.session_state["head"] == HEAD
    split = why.by_neuron(trace(), "decoder.1.mlp", ARE, IS)
    best, path = int(np.abs(split.parts_N).argmax()), "decoder.1.mlp.hidden"
    wanted = (
        f"{path}:{ROW},{best}",
        *(f"{path}.against{unit}.{ROW}.{ARE}.{IS}:{best}" for unit in (".unit", "")),
    )
    for column, cell in enumerate(wanted):
        click(app, "why:neurons", cell=[0, column])
        assert app.session_state["cell"] == cell
        assert data_of(app, "why:neurons", "table")["opened"] == [0, column]
    assert parts(app)[0]["value"] == number(split.parts_N[best])
    assert app.button(key="why_neuron").label == f"See what neuron {best} does"


@pytest.mark.slow
def test_neurons_without_a_bias_are_summed_once_and_a_network_that_gave_less_lowered_it(smollm2):
    sentence = "The cat sat on the mat. The cat"
    app = opened(PAGE, model="smollm2", sentence=sentence, cards="why-neurons")
    words = app.session_state["why_word"], app.session_state["why_rival"]
    found = why.parts(smollm2.trace(sentence), *words)
    seen = set()
    for n in range(0, 30, 6):
        app.session_state["why_mlp"] = n
        part, did = found.of(f"decoder.{n}.mlp"), "lowered"
        did = did if part < 0 else "raised"
        seen.add(did)
        labels = [each.label for each in app.run().expander]
        assert f"Which neurons of feed-forward {n} {did} it?" in labels
        said = f"neurons add up to **{number(part, 4)}**, the part of feed-forward {n} in the map."
        assert said in prose(app) and "together" not in prose(app)
    assert seen == {"raised", "lowered"}


def test_the_panel_says_that_a_part_is_not_the_effect_that_the_map_shows():
    says = "This is its direct part, not the effect of its silence."
    app = opened(PAGE, **AT, why_shows="effect")
    assert says in parts(app)[0]["hint"]
    click(app, "why-map", cell=0)
    assert app.session_state["cell"] and parts(app)[0]["hint"] == says
    click(app, "why-map", shows=0)
    assert says not in parts(app)[0]["hint"]


@pytest.mark.parametrize("forged", ("4", "99"))
def test_a_network_that_there_is_not_is_none(forged):
    app = opened(PAGE, **AT, cards="why-neurons", why_mlp=forged)
    assert not app.exception and "feed-forward 3 raised" in " ".join(e.label for e in app.expander)


def test_a_look_is_compared_with_one_at_another_token():
    app = opened(PAGE, **AT, cards="why-look", why_other="5")
    looked = why.look(trace(), PATH, HEAD, ROW, AT_BOOKS, rival=5)
    data, text = data_of(app, "why:look", "heatmap"), prose(app)
    weights_M = trace()[f"{PATH}.pattern"][HEAD, ROW]
    assert f"that of **books** is **{number(looked.total, 3)}** higher" in text
    assert f"**student** {percent(weights_M[5], 0)}" in text
    times = float(weights_M[2]) / float(weights_M[5])
    assert f"its attention {number(times, 3)} times as large" in text
    assert np.exp(looked.total) == pytest.approx(times, rel=1e-4)
    names_S = [why.in_words(name, "recommended") for name in looked.query_names]
    names_T = [why.in_words(name) for name in looked.key_names]
    for r, row in enumerate(data["rows"]):
        for c, column in enumerate(data["columns"]):
            wanted = looked.parts_ST[names_S.index(row), names_T.index(column)]
            assert values_in(data)[0, r, c] == pytest.approx(wanted, rel=1e-6)
    part = looked.largest(1)[0][2]
    assert f"- **{number(part, 3)}**" in text and "less what it is at **student**" in text
    click(app, "why:look", cell=[0, 0, 0])
    assert app.session_state["cell"].startswith(f"{PATH}.scores.against.{HEAD}.{ROW}.2.5:")
    app.selectbox(key="why_other").set_value(-1).run()
    assert "why_other" not in address(app) and "**books** is **" not in prose(app)
    app.selectbox(key="why_key").set_value(5).run()
    one = why.look(trace(), PATH, HEAD, ROW, 5)
    assert f"**{number(one.total, 3)}**, is the sum" in prose(app)


def test_smollm2_says_what_was_written_into_sat(smollm2):
    sentence = "The cat sat on the mat. The cat"
    app = opened(PAGE, model="smollm2", sentence=sentence, layer="17", head="4", cards="why-look")
    part = why.look(smollm2.trace(sentence), "decoder.17.attn", 4, 8, 2).largest(1)[0][2]
    text = prose(app)
    assert "was found because head 16.0 had written *the token before me is " in text
    assert f"gives {number(part, 3)} of the score" in text


@pytest.mark.parametrize("key", (0, 1, 3, 4, 5, 6))
def test_only_of_the_token_that_is_looked_at_most_is_it_said_that_it_was_found(key):
    app = opened(PAGE, **AT, cards="why-look", why_key=str(key))
    assert "was found" not in prose(app) and not app.exception


def test_a_look_is_opened_into_sources():
    app = opened(PAGE, **AT, cards="why-look")
    looked = why.look(trace(), PATH, HEAD, ROW, AT_BOOKS)
    data, text = data_of(app, "why:look", "heatmap"), prose(app)
    score = trace()[f"{PATH}.scores.scaled"][HEAD, ROW, AT_BOOKS]
    S, T = looked.parts_ST.shape
    assert f"**{number(score, 3)}**, is the sum of {S} × {T} pairs" in text
    names_S = [why.in_words(name, "recommended") for name in looked.query_names]
    names_T = [why.in_words(name, "books") for name in looked.key_names]
    for r, row in enumerate(data["rows"]):
        for c, column in enumerate(data["columns"]):
            wanted = looked.parts_ST[names_S.index(row), names_T.index(column)]
            assert values_in(data)[0, r, c] == pytest.approx(wanted, rel=1e-6)
    for query, key, part in looked.largest(3):
        line = f"- **{number(part, 3)}**: {why.in_words(query)} at **recommended**"
        assert line in text and f"× {why.in_words(key)} at **books**" in text
    for names, sums in ((names_S, looked.by_query()), (names_T, looked.by_key())):
        at = int(np.abs(sums).argmax())
        assert f"**{names[at]}** ({number(sums[at], 3)})" in text
    assert sum(looked.by_query()) == pytest.approx(float(score), abs=1e-4)


@pytest.mark.parametrize("share", ("0.1", "0.3"))
def test_the_trail_is_drawn_with_what_it_explains(share):
    app = opened(PAGE, **AT, cards="why-trail", why_share=share)
    data = data_of(app, "why-trail", "why_trail")
    trail = why.trail(trace(), ARE, IS, -1, float(share))
    given = np.frombuffer(b64decode(data["given"]), "<f4")
    wanted = [node.part for node in trail.nodes] + [edge.part for edge in trail.edges]
    np.testing.assert_allclose(given, wanted, rtol=1e-6)
    assert data["edges"] == [[edge.giver, edge.taker] for edge in trail.edges]
    text = prose(app)
    assert f"give **{percent(trail.explained, 0)}** of **are** − **is**" in text
    rest = trail.total - trail.explained * trail.total
    assert rest == pytest.approx(trail.nodes[-1].part, abs=1e-4)
    more = f": more than the whole. Weaker ones take {number(-rest, 3)} back."
    assert (
        more if trail.explained > 1 else f"; weaker ones give the rest, {number(rest, 3)}."
    ) in text
    ends = why.ends(trace(), ARE, IS, -1)
    (_, token, part), *others = ends.largest(3)
    assert data["tokens"] and token == 2
    tokens = told_apart(["[START]", *BOOKS.lower().split()])
    named = ", ".join(f"**{tokens[i]}** {number(each, 3)}" for _, i, each in others)
    assert f"most comes from **books** {number(part, 3)}, {named}." in text
    biases = "comes from no word: the model’s biases at **recommended** add it."
    assert f" {number(ends.frame, 3)} {biases} What heads take from **[START]**" in text
    assert given[0] == pytest.approx(trail.total) and data["nodes"][0]["name"] == "“are” − “is”"
    for giver, taker in data["edges"]:  # a curve runs to the right
        assert data["nodes"][giver]["column"] < data["nodes"][taker]["column"]


def test_a_node_of_the_trail_opens():
    app = opened(PAGE, **AT, cards="why-trail")
    names = [node["name"] for node in data_of(app, "why-trail", "why_trail")["nodes"]]
    click(app, "why-trail", cell=names.index(SAID))
    assert app.session_state["cell"] == f"{PATH}.pattern:{HEAD},{ROW},{AT_BOOKS}"
    click(app, "why-trail", cell=names.index("the rest"))
    assert app.session_state["cell"] == f"{PATH}.pattern:{HEAD},{ROW},{AT_BOOKS}"


# --- colours by gradients -------------------------------------------------------------------------


COLOURS = {"cards": "why-gradients", "why_steps": "32"}


def colours(app) -> dict:
    return data_of(app, "why-colours", "saliency")


def by_hand(app, run, row: int) -> list[dict[str, np.ndarray]]:
    """What core says that stands in the five columns, by side."""
    words = app.session_state["why_word"], app.session_state["why_rival"]
    path = "{side}.{layer}.{block}".format(
        side=run.config.sides[-1],
        layer=app.session_state["layer"],
        block="cross" if run.config.crosses else "attn",
    )
    grads = run.backward(of=(row, *words))
    looks_M = why.looks_by_gradient(grads, path)[app.session_state["head"]].sum(axis=0)
    return [
        dict(why.times_input(None, run, *words, row).by_token),
        dict(why.integrated(None, run, *words, row, steps=32).by_token),
        {"encoder" if run.config.crosses else run.config.sides[-1]: looks_M},
        why.ends(run, *words, row).parts,
        dict(why.without_each(None, run, *words, row).by_token),
    ]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("asked, row", CASES, ids=lambda each: str(each)[:30])
def test_colours_by_gradients_are_core_s_beside_what_was_measured(asked, row):
    app = opened(PAGE, **asked | COLOURS)
    run = trace(asked["sentence"], asked["model"])
    wanted, data, shown = by_hand(app, run, row), colours(app), values_in(colours(app))
    places = [(side, t) for side in run.config.sides for t in range(run.sizes(side)["L"])]
    hung = [place for place in places if wanted[0][place[0]][place[1]]]
    assert len(data["rows"]) == len(hung) >= row + 1 and not app.exception and not app.warning
    for column, given in enumerate(wanted):
        numbers = [given[side][t] if side in given else np.nan for side, t in hung]
        np.testing.assert_allclose(shown[:, column], numbers, rtol=1e-3, atol=2e-4)
        total = sum(each_L.sum() for each_L in given.values())
        assert data["foot"][0]["numbers"][column] == number(total, 3)
        assert any(data["opens"][n][column] for n in range(len(hung))) == (column in (0, 2))
    assert data["limit"] == pytest.approx(np.nanmax(np.abs(shown[:, colours_of(data)])), rel=1e-6)
    text, found = (
        prose(app),
        why.integrated(
            None, run, *(app.session_state[key] for key in ("why_word", "why_rival")), row, steps=32
        ),
    )
    assert f"All tokens together: {number(found.total, 4)}. From the blank text (" in text
    assert f"gained {number(found.gained, 4)}. After 32 steps the error is" in text
    assert f"**{number(found.error, 3)}**" in text
    at = int(np.abs(shown[:, 4]).argmax())
    lost = abs(float(shown[at, 4]))
    assert f"Without **{data['rows'][at]}**," in text and f"most, by **{number(lost, 3)}**" in text
    answer = text[text.index("sentence") - 20 : text.index("**Do integrated gradients")]
    assert sum(any(map(str.isalnum, word)) for word in answer.split()) <= MOST + 2  # “es them.”


def colours_of(data: dict) -> list[int]:
    """The columns that have colours."""
    return [column for column, faint in enumerate(data["faint"]) if not faint]


@pytest.mark.parametrize("steps", (32, 128))
def test_the_answer_says_which_token_is_strongest_where_and_how_the_orders_agree(steps):
    app = opened(PAGE, **AT | COLOURS | {"why_steps": str(steps)})
    data, shown, text = colours(app), values_in(colours(app)), prose(app)
    strongest = [data["rows"][int(np.nan_to_num(np.abs(shown[:, c])).argmax())] for c in range(5)]
    found = why.integrated(None, trace(), ARE, IS, steps=steps)
    close = 0.1 * max(abs(found.gained), np.abs(shown[:, 1]).max())
    comes_out = abs(shown[:, 1].sum() - found.gained) <= close
    inked = [c for c in range(4) if c != 1 or comes_out]
    places = dict.fromkeys(strongest[c] for c in inked)  # in the order of the columns
    named = (
        f"**{place}** in {listed([COLUMNS[c] for c in inked if strongest[c] == place])}"
        for place in places
    )
    assert f"Strongest colour: {'; '.join(named)}." in text and len(places) > 1
    agree = [rank_correlation(shown[:, c], shown[:, 4]) for c in (0, 1)]
    same = [c for c in (0, 1) if c in inked and strongest[c] == strongest[4]]
    right = [c for c in same if agree[c] >= 0.7]
    answers = ("Not for this sentence.", f"only {COLUMNS[right[0]]}." if right else "", "yes.")
    assert answers[len(right)] in text[: text.index("Strongest colour")]
    by_way = f", integrated gradients {number(agree[1], 2)}."
    said = f"gradient × input {number(agree[0], 2)}"
    said += by_way if comes_out else ". Integrated gradients do not add up."
    assert f"Agreement in order: {said}" in text
    assert data["foot"][1]["numbers"][:2] == [number(each, 2) for each in agree]


COLUMNS = ("gradient × input", "integrated gradients", "attention × gradient", "the exact parts")


def listed(names: list[str]) -> str:
    """Names with commas, and “and” before the last."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def columns_of(*numbers: Sequence[float]) -> Measures:
    """Measures of one side, made up: as many columns as are given."""
    made = [Measure(str(n), {"decoder": np.array(each)}) for n, each in enumerate(numbers)]
    return Measures(*made, places=tuple(("decoder", t) for t in range(len(numbers[0]))))


@pytest.mark.parametrize(
    "by_input, integrated, error, answer",
    [
        ([1, 3, 2], [1, 3, 2], 0.0, "For this sentence, yes"),
        ([1, 3, 2], [3, 1, 2], 0.0, "only 0"),
        ([-9, 3, 2], [1, 3, 2], 0.0, "only 1"),
        ([-9, 3, 2], [1, 3, 2], 5.0, "Not for this sentence"),  # it does not add up
        ([2, 9, 1, 0, -1, -2], [5, 9, -1, -2, 4, 3], 0.0, "only 0"),  # another order
    ],
)
def test_trust_needs_the_token_that_was_measured_its_order_and_a_sum(
    by_input, integrated, error, answer
):
    measured = [1, 3, 2] if len(by_input) == 3 else [2, 9, 1, 0, -1, -2]
    found = columns_of(by_input, integrated, measured, measured, measured)
    total = float(sum(integrated))
    known = {
        "measured": why.Saliency({"decoder": np.array(measured)}),
        "integrated": why.Saliency({"decoder": np.array(integrated)}, total - error),
    }
    assert answer in gradient_words.verdict(found, beside.Work(found=known))


def test_integrated_gradients_that_do_not_add_up_have_no_colours(monkeypatch):
    monkeypatch.setattr(measures, "adds_up", lambda work: False)
    monkeypatch.setattr(gradient_words, "adds_up", lambda work: False)
    app = opened(PAGE, **AT | COLOURS | {"sentence": "The dogs that"})
    data, text = colours(app), prose(app)
    assert data["faint"] == [False, True, False, False, False]
    assert data["columns"][1] == "integrated gradients, which do not add up"
    assert "too far off to read them" in text and "Integrated gradients do not add up." in text
    assert " in integrated gradients" not in text
    shown = values_in(data)
    assert data["limit"] == pytest.approx(np.nanmax(np.abs(shown[:, [0, 2, 3, 4]])), rel=1e-6)


def test_a_coloured_number_opens_its_gradient_and_what_many_runs_made_opens_nothing():
    app = opened(PAGE, **AT | COLOURS)
    run = trace()
    grads = run.backward(of=(ROW, ARE, IS))
    click(app, "why-colours", cell=[2, 0])
    d = int(np.abs(run["decoder.embed.token"][2] * grads["decoder.embed.token"][2]).argmax())
    assert app.session_state["cell"] == f"grad.decoder.embed.token:2,{d}" and not app.warning
    panel = parts(app)[0]
    assert panel["value"] == number(grads["decoder.embed.token"][2, d])
    assert "gradient of “are” − “is”" in panel["where"] and colours(app)["opened"] == [2, 0]
    click(app, "why-colours", cell=[2, 2])
    assert app.session_state["cell"] == f"grad.{PATH}.pattern:{HEAD},{ROW},2"
    for forged in ([2, 1], [2, 4], [99, 0], "0"):
        click(app, "why-colours", cell=forged)
        assert app.session_state["cell"] == f"grad.{PATH}.pattern:{HEAD},{ROW},2"
    click(app, "number", open=f"{PATH}.pattern:{HEAD},6,2")  # on to what has no gradients
    assert parts(app)[0]["canChange"] and not app.exception and not app.warning


@pytest.mark.slow
def test_blank_text_and_steps_stand_in_the_link_and_outlive_a_switch_of_pages(monkeypatch):
    chosen = {"why_blank": "pad", "why_steps": "32"}
    app = opened(PAGE, **AT | COLOURS | chosen)
    padded = why.integrated(None, trace(), ARE, IS, baseline=0, steps=32)
    for _ in range(2):
        assert not app.exception and not app.warning and chosen.items() <= address(app).items()
        assert f"the error is **{number(padded.error, 3)}**" in prose(app)
        app.switch_page("app.py").run()
        app.switch_page(PAGE).run()
    monkeypatch.setattr("core.whatif.own_padding_id", lambda model: None)  # never padded
    app = opened(PAGE, **AT | COLOURS | chosen)
    assert app.session_state["why_blank"] == "mean" and "pad" in said(app)


def test_with_a_large_model_the_reader_begins_the_runs_of_gradients(monkeypatch):
    monkeypatch.setattr(beside, "is_small", lambda view: False)
    monkeypatch.setattr(measures, "start", measures.compute)  # the work ends before it is drawn
    app = opened(PAGE, **AT | COLOURS | {"sentence": "The books"})
    assert "why-colours" not in components(app) and "This takes 36 runs" in prose(app)
    app.button(key="why_colours_begin").click().run()
    assert "why-colours" in components(app) and "the error is" in prose(app)


def test_what_is_not_known_yet_has_no_colour_and_the_work_can_be_stopped(monkeypatch):
    monkeypatch.setattr(measures, "at_once", lambda asked, way: False)
    monkeypatch.setattr(measures, "start", lambda asked, way, found: begun.append(found))
    begun: list = []
    app = opened(PAGE, **AT | COLOURS | {"sentence": "The books that"})
    assert app.button(key="why-colours_stop") and "why-colours" not in components(app)
    begun[0].found["gradients"] = True
    shown = values_in(colours(app.run()))
    assert np.isnan(shown[:, [1, 4]]).all() and np.isfinite(shown[:, [0, 2, 3]]).all()
    app.button(key="why-colours_stop").click().run()
    assert begun[0].stopped and not app.exception


@pytest.mark.parametrize("forgotten, made", [(False, [0, 1, 2, 3]), (True, [0, 1, 0, 1, 2, 3])])
def test_work_that_was_stopped_goes_on_and_work_that_nobody_wants_begins_anew(forgotten, made):
    work, runs = beside.Work(holds=5_000), []

    def results():
        for n in range(4):
            runs.append(n)
            if n == 1 and len(runs) == 2:
                work.stopped, work.wanted = not forgotten, work.wanted - 99 * forgotten
            yield f"{n}", n, (n + 1) / 4

    beside.carry_out(work, measures.RUNNING, results)
    assert work.over and not work.whole and (work.nbytes > 5_000) is not forgotten
    work.stopped, work.wanted = False, time.monotonic()
    beside.carry_out(work, measures.RUNNING, results)
    assert work.whole and runs == made and work.found == {str(n): n for n in range(4)}
    assert work.nbytes < 5_000


def test_of_few_tokens_no_order_is_compared_and_why_is_said():
    app = opened(PAGE, **AT | COLOURS | {"sentence": "The books"})
    assert "With only 3 tokens an order says little" in prose(app)
    assert colours(app)["foot"][1]["numbers"] == [""] * 5


def test_a_run_that_was_changed_by_hand_has_no_gradients():
    app = opened(PAGE, **AT | COLOURS | {"change": SILENT})
    assert "A gradient needs each number as the model computes it" in prose(app)
    assert "why-colours" not in components(app) and not app.exception
    app = opened(PAGE, **AT | {"change": SILENT, "cell": "grad.decoder.out:0,0"})
    assert "cannot be opened here" in said(app) and not app.exception


# --- the translator, and all cards ----------------------------------------------------------------


def test_of_the_translator_it_says_which_english_word_it_was():
    app = opened(PAGE, **CASES[2][0], cards="why-reads")
    run = trace(GREEN, "study-translator")
    word, rival = app.session_state["why_word"], app.session_state["why_rival"]
    layer, head = app.session_state["layer"], app.session_state["head"]
    assert app.session_state["side"] == "decoder" and question(app).startswith("Why **verte**")
    name = f"decoder.{layer}.cross.head.{head}"
    split = why.by_token(run, name, word, rival, 3)
    read = ["the", "house", "is", "green", ".", "[END]"][int(np.abs(split.parts_N).argmax())]
    assert f"from **{read}** of the encoder" in prose(app).replace("“", "").replace("”", "")
    largest = next(n for n, _ in why.parts(run, word, rival, 3).largest() if ".cross.head." in n)
    app = opened(
        PAGE,
        **CASES[2][0],
        cards="why-reads",
        layer=largest.split(".")[1],
        head=largest.split(".")[-1],
    )
    assert "from **green** of the encoder" in prose(app)


@pytest.mark.slow
def test_all_cards_hold_at_every_depth_and_for_every_kind_of_model():
    cards = ".".join(
        f"why-{name}"
        for name in ("lens", "neurons", "reads", "look", "trail", "silent", "gradients")
    )
    for asked, _ in CASES:
        for depth in ("story", "numbers", "formula", "code"):
            app = opened(PAGE, **asked, depth=depth, cards=cards, why_steps="32")
            labels = [each.label for each in app.expander]
            assert not app.exception and not app.warning and "Where does it come from?" in labels
            if depth == "story":
                assert {"why-map", "why-lens", "why-trail"} <= components(app).keys()


def test_a_translator_opens_at_its_last_word_and_at_the_head_across_that_gives_most():
    app = opened(PAGE, model="study-translator", sentence=GREEN, layer="", head="")
    run = trace(GREEN, "study-translator")
    assert not app.exception and app.session_state["token"] == 3
    assert question(app).startswith("Why **verte**")
    word, rival = app.session_state["why_word"], app.session_state["why_rival"]
    name = next(n for n, _ in why.parts(run, word, rival, 3).largest() if ".cross.head." in n)
    at = (app.session_state[key] for key in ("side", "layer", "why_block", "head"))
    assert name == "{}.{}.{}.head.{}".format(*at)


def test_it_says_that_it_chose_a_head_because_it_gives_most_and_keeps_the_reader_s_own():
    def reads(app) -> str:
        return next(each.label for each in app.expander if each.label.startswith("What did"))

    asked = {"model": "study-decoder", "sentence": "The old man", "layer": None, "head": None}
    at = opened("pages/3_Attention.py", **asked).session_state
    app, run = opened(PAGE, **asked), trace("The old man")
    words = app.session_state["why_word"], app.session_state["why_rival"]
    name = next(n for n, _ in why.parts(run, *words).largest() if ".head." in n)
    does = "gives" if why.parts(run, *words).of(name) > 0 else "takes"
    here = [app.session_state[key] for key in ("layer", "head")]
    assert here != [at["layer"], at["head"]] and name == "decoder.{}.attn.head.{}".format(*here)
    assert reads(app).endswith(f"{why.in_words(name)} read? (chosen because it {does} most)")
    for _ in range(2):
        app.session_state["head"] = (here[1] + 1) % 5
        assert "chosen because" not in reads(app.run())
        assert app.session_state["head"] == (here[1] + 1) % 5
    assert "chosen because" not in reads(opened(PAGE, **AT))


def test_it_asks_which_part_gave_most():
    app = opened(PAGE, **AT | {"ask": "1"})
    (quiz,) = parts(app, "quiz")
    assert "".join(quiz["asks"]) == "Which part of the model gave most to it?"
    click(app, "quiz", act=0)
    verdict, found = parts(app, "quiz")[0]["verdict"], why.parts(trace(), ARE, IS)
    assert verdict["answer"] == why.in_words(found.names[int(found.parts_S.argmax())])


# --- without words, and the way here --------------------------------------------------------------


def test_a_model_without_words_offers_one_that_has_some(minilm):
    app = opened(PAGE)
    assert not app.exception and question(app) == "Why this word?"
    assert "guesses no word" in app.info[0].value and "why-map" not in components(app)
    app.button(key="why_model_study-decoder").click().run()
    assert app.session_state["model"] == "study-decoder" and "why-map" in components(app)


@pytest.mark.parametrize("word", ("are", "were"))
def test_output_leads_here_with_the_word_that_was_clicked(word):
    """Where it leads is tested in the browser: here a button can’t change the page."""
    cell = {} if word == "are" else {"cell": f"head.probs:{ROW},{id_of(word)}"}
    app = opened("pages/10_Output.py", **AT, **cell)
    button = app.button(key="output_why")
    assert re.sub(r"\\", "", button.label) == f"Why **{word}**?"


def test_an_opened_probability_leads_to_why_its_word_came_out(monkeypatch):
    """From any page, at the row of the number; Output has a button of its own."""
    asked: dict = {}
    monkeypatch.setattr("ui.kit.guessed_place.go", lambda page, **choices: asked.update(choices))
    app = opened(**AT, cell=f"head.logits:4,{id_of('were')}")
    assert app.button(key="why_number").label == "Why **were**?"
    app.button(key="why_number").click().run()
    assert (asked["token"], asked["why_word"]) == (4, id_of("were"))
    for page, cell in (
        ("app.py", "decoder.0.attn.q:0,1,2"),
        ("pages/10_Output.py", "head.probs:6,66"),
    ):
        app = opened(page, **AT, cell=cell)
        assert not [button for button in app.button if button.key == "why_number"]
