"""Laboratory: changes add up and go one by one, and both runs are what the model gives."""

import numpy as np
import pytest

from core import load, whatif, why
from core.influence import moved
from core.text import number, percent
from core.why import induction
from tests.helpers.marked import drawn
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
from ui.kit.explanation_panel import spell_cell
from ui.session.selection import LAB_KINDS
from ui.stages.laboratory import patching, repetition
from ui.text import told_apart

PAGE, BOOKS = "pages/16_Laboratory.py", "The books that the student recommended"
HEAD, MLP = "head:decoder.3.4", "mlp:decoder.1"


def lab(model="study-decoder", sentence=BOOKS, **asked):
    app = opened(PAGE, model=model, sentence=sentence, **{"layer": "3", "head": "4"} | asked)
    assert not app.exception
    return app


def runs(change="", mask="trained", sentence=BOOKS):
    """The two traces that the page lays side by side, made by core alone."""
    model = load("study-decoder")
    read = model.encode(sentence)
    text = whatif.Text(read.ids_L, read.words_L)
    return [whatif.run(model, text, None, *under) for under in (("trained", ""), (mask, change))]


def chips(app) -> list[str]:
    return [b.label.replace("\\", "") for b in app.button if str(b.key).startswith("lab_remove_")]


def add(app, kind: str, **parameters):
    app.selectbox(key="lab_kind").set_value(kind).run()
    for name, value in parameters.items():
        widget = next(
            w
            for k in ("selectbox", "number_input", "text_input")
            for w in app.get(k)
            if w.key == name
        )
        widget.set_value(value).run()
    app.button(key="lab_add").click().run()
    assert not app.exception
    return app


def test_the_question_is_asked_of_the_reader_s_own_sentence():
    assert "Does it still say **are** if you change the model?" in prose(lab())
    assert "What happens to **book** if you" in prose(
        lab("minilm", "The old book is good.", token="3")
    )
    hidden = lab("study-encoder", "The [MASK] was good.")
    assert "still the hidden word" in prose(hidden)


def test_without_a_change_both_sides_are_equal_and_it_says_so():
    app = lab()
    values_WB = values_in(data_of(app, "lab:guesses", "guesses"))[0, 0]
    assert np.array_equal(values_WB[:, 0], values_WB[:, 1])
    assert "Nothing is changed yet" in prose(app) and not chips(app)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "kind, parameters, part",
    [
        ("head", {}, HEAD),
        ("attn", {}, "attn:decoder.3"),
        ("mlp", {}, "mlp:decoder.3"),
        ("neuron", {"lab_neuron": 7}, "neuron:decoder.3.7"),
        ("freeze", {}, "freeze:decoder.3.4"),
        ("temp", {"lab_heat": 0.5}, "temp:decoder.3.4=0.5"),
        ("swap", {"lab_other": 1}, "swap:6=1"),
        ("positions", {}, "positions"),
        ("norms", {}, "norms"),
        ("scale", {}, "scale"),
        ("order", {}, "order"),
    ],
)
def test_each_kind_of_change_runs_and_stands_in_the_link(kind, parameters, part):
    app = add(lab(), kind, **parameters)
    assert address(app)["change"] == part and app.session_state["memory"].shown.change == part
    assert len(chips(app)) == 1
    offered = app.button(key="lab_add").label.replace("\\", "")
    assert offered == f"Already in the list: {chips(app)[0].removesuffix(' ✕')}"


def test_a_word_that_is_typed_is_read_in_the_token_s_place():
    app = add(lab(token="2"), "token", lab_word="book")
    book = load("study-decoder").tokenizer.id_of("book")
    assert address(app)["change"] == f"token:2={book}"
    assert chips(app) == ["“books” (2) read as “book” ✕"]


def test_a_token_is_hidden_from_another_and_seen_again():
    app = add(lab(), "cell", lab_other=2)
    assert address(app)["mask"] == "own" and address(app)["grid"] == "d6-2"
    assert chips(app) == ["“recommended” (6) does not see “books” (2) ✕"]
    assert app.button(key="lab_add").label.endswith(
        "sees “books” (2)".replace("(", "\\(").replace(")", "\\)")
    )
    app.button(key="lab_add").click().run()
    assert "mask" not in address(app) and "grid" not in address(app) and not chips(app)


def test_changes_add_up_go_one_by_one_and_outlive_a_switch_of_pages():
    app = add(add(lab(), "head"), "positions")
    assert address(app)["change"] == f"{HEAD}+positions"
    assert chips(app) == ["head 4 of layer 3 silent ✕", "without positions ✕"]
    app.switch_page("pages/4_Heads.py").run()
    assert app.session_state["memory"].shown.change == f"{HEAD}+positions"
    app.switch_page(PAGE).run()
    assert len(chips(app)) == 2
    app.button(key="lab_remove_0").click().run()
    assert address(app)["change"] == "positions" and chips(app) == ["without positions ✕"]
    assert "lab_restore" not in {button.key for button in app.button}  # one is undone as well
    add(app, "head")
    app.button(key="lab_restore").click().run()
    assert "change" not in address(app) and not chips(app)


def test_the_last_change_is_undone_whatever_it_was():
    app = add(add(lab(), "cell", lab_other=2), "head")
    app.button(key="lab_undo").click().run()
    assert chips(app) == ["“recommended” (6) does not see “books” (2) ✕"]
    app.button(key="lab_undo").click().run()
    assert not chips(app) and "change" not in address(app) and "grid" not in address(app)
    linked = lab(change=f"{HEAD}+{MLP}")  # no click made these
    linked.button(key="lab_undo").click().run()
    assert address(linked)["change"] == HEAD


def test_another_temperature_of_a_head_takes_the_place_of_the_first():
    app = add(add(lab(), "temp", lab_heat=2.0), "temp", lab_heat=4.0)
    assert address(app)["change"] == "temp:decoder.3.4=4"


@pytest.mark.parametrize(
    "change, mask, grid", [(HEAD, "trained", ""), (f"{HEAD}+{MLP}", "own", "d6-2")]
)
def test_both_guesses_and_the_map_are_those_of_the_two_runs(change, mask, grid):
    under = {"mask": mask, "grid": grid} if grid else {}
    app = lab(change=change, **under)
    before, after = runs(change, f"own:{grid}" if grid else mask)
    shown = data_of(app, "lab:guesses", "guesses")
    values_GWB, words = values_in(shown)[0], shown["words"][0][0]
    word_of = load("study-decoder").tokenizer.id_of
    for side in (0, 1):  # on either side both, each run's own filled
        for word, pair in zip(words, values_GWB[side], strict=True):
            assert pair.tolist() == [
                trace["head.probs"][-1, word_of(word)] for trace in (before, after)
            ]
    assert (
        shown["solid"] == [0, 1]
        and "Before" in shown["titles"][0]
        and "After" in shown["titles"][1]
    )
    tops = {int(p) for trace in (before, after) for p in np.argsort(-trace["head.probs"][-1])[:3]}
    assert {word_of(word) for word in words} == tops
    wanted_NL = [moved(before[f"decoder.{n}.out"], after[f"decoder.{n}.out"]) for n in range(4)]
    shown_NL = values_in(data_of(app, "lab:moved", "heatmap")).reshape(4, -1)
    assert np.allclose(shown_NL, wanted_NL, rtol=1e-6)


def test_what_changed_first_and_most_is_said_as_core_finds_it():
    app = lab(change=MLP)
    found = why.first_and_most(*runs(MLP))
    assert (
        found.first.name == "decoder.1.mlp.out"
        and "First to change: update by the feed-forward" in prose(app).replace("*", "")
    )
    layer, place = found.vector.name.split(".")[1], found.vector.index[0]
    word = told_apart(["[START]", *BOOKS.lower().split()])[place]
    assert (
        f"the vector of {word} moves by {percent(found.vector.share)} of its length after layer"
        f" {layer}" in prose(app).replace("*", "")
    )


def test_a_number_of_either_side_opens_in_its_own_run_and_no_change_is_lost():
    app, (before, after) = lab(change=HEAD), runs(HEAD)
    words = data_of(app, "lab:guesses", "guesses")["words"][0][0]
    token = load("study-decoder").tokenizer.id_of(words[1])
    for side, trace in ((0, before), (1, after)):
        click(app, "lab:guesses", cell=[0, side, 1, side])
        head = parts(app)[0]
        assert head["name"] == f"head.probs:6,{token}"
        assert head["value"] == number(trace["head.probs"][6, token])
        assert ("head 4 of layer 3 silent" in head["where"]) == bool(side)
        assert address(app)["change"] == HEAD and len(chips(app)) == 1
        assert data_of(app, "lab:guesses", "guesses")["opened"] == [0, side, 1, side]


def test_a_vector_opens_where_it_moved_most():
    app, (before, after) = lab(change=MLP), runs(MLP)
    click(app, "lab:moved", cell=[0, 2, 3])
    change_D = np.abs(after["decoder.2.out"][3] - before["decoder.2.out"][3])
    assert address(app)["cell"] == f"decoder.2.out:3,{change_D.argmax()}"
    assert address(app)["layer"] == "2" and address(app)["token"] == "3"


@pytest.mark.parametrize("model, cards", (("study-decoder", "lab-looks"), ("minilm", "")))
def test_the_chosen_head_s_maps_stand_side_by_side_each_in_its_own_run(model, cards):
    side = load(model).config.sides[0]
    change = f"head:{side}.0.2"
    app = lab(model, change=change, cards=cards, layer="1", head="4")
    name = f"{side}.1.attn.pattern"
    text = load(model).encode(BOOKS)
    traces = [
        whatif.run(load(model), whatif.Text(text.ids_L, text.words_L), None, "trained", under)
        for under in ("", change)
    ]
    for run, trace in zip(("before", "after"), traces, strict=True):
        shown = values_in(data_of(app, f"Head 4 of layer 1, {run}", "heatmap"))
        assert np.array_equal(shown.reshape(trace[name][4].shape), trace[name][4])
    gone_L = np.abs(traces[1][name][4].astype(float) - traces[0][name][4]).sum(axis=-1) / 2
    assert f"At most, **{percent(gone_L.max())}** of the attention" in prose(app)
    key = next(key for key in components(app) if "map:lab-before" in key)
    click(app, key, cell=[0, 3, 1])
    assert parts(app)[0]["value"] == number(traces[0][name][4, 3, 1])
    assert address(app)["change"] == change and address(app)["lab_reads"] == "before"


# --- what can't be done ---------------------------------------------------------------------------


def test_the_same_change_twice_is_not_offered_and_the_button_says_why():
    app = add(lab(), "head")
    button = app.button(key="lab_add")
    assert button.disabled and button.label == "Already in the list: head 4 of layer 3 silent"
    assert chips(app) == ["head 4 of layer 3 silent ✕"]
    app.selectbox(key="lab_kind").set_value("mlp").run()
    assert not app.button(key="lab_add").disabled


def test_a_word_that_is_typed_is_listed_once_and_its_box_names_the_token():
    app = add(lab(token="2"), "token", lab_word="book")
    assert app.text_input(key="lab_word").label == "Read **books** (2) as"
    assert app.button(key="lab_add").disabled and len(chips(app)) == 1
    app.text_input(key="lab_word").set_value("student").run()
    assert app.button(key="lab_add").label.replace("\\", "") == "Add: “books” (2) read as “student”"
    assert not app.button(key="lab_add").disabled
    app.selectbox(key="lab_kind").set_value("swap").run()
    assert app.selectbox(key="lab_other").label == "Read **books** (2) as"


@pytest.mark.parametrize("word", ("two words", "xqzzy", "![x](y)"))
def test_a_word_that_is_no_token_is_refused_and_stays_to_be_mended(word):
    app = add(lab(token="2", change=HEAD), "token", lab_word=word)
    assert "is not one token of this model’s vocabulary" in said(app)
    assert app.text_input(key="lab_word").value == word and address(app)["change"] == HEAD
    assert not any("![x](" in each.value for each in app.warning)


def test_a_token_that_would_see_nothing_is_refused():
    app = add(lab("study-decoder", token="0"), "cell", lab_other=1)  # opens the future: no refusal
    assert address(app)["grid"] == "d0-1"
    full = lab(token="1", mask="own", grid="d1-1")
    add(full, "cell", lab_other=0)
    assert full.warning and address(full)["grid"] == "d1-1"


def test_more_changes_than_a_run_can_have_are_refused():
    many = "+".join(f"neuron:decoder.0.{n}" for n in range(whatif.MOST_PARTS))
    app = add(lab(change=many), "head")
    assert f"at most {whatif.MOST_PARTS}" in said(app) and address(app)["change"] == many


@pytest.mark.parametrize("kind", ("cross", "cross-head", "nonsense"))
def test_a_link_to_a_kind_of_change_that_is_not_there_says_so(kind):
    app = lab(lab_kind=kind)
    assert "asks for lab_kind" in said(app) and app.selectbox(key="lab_kind").value == "head"


def test_a_translator_s_decoder_can_lose_what_it_looks_across_with():
    app = opened(
        PAGE,
        model="study-translator",
        sentence="The house is green.",
        side="decoder",
        layer="1",
        head="2",
    )
    assert {"cross", "cross-head"} <= {
        k for k in LAB_KINDS if LAB_KINDS[k] in app.selectbox(key="lab_kind").options
    }
    assert address(add(app, "cross-head"))["change"] == "head:cross.1.2"
    assert chips(app) == ["cross-attention head 2 of layer 1 silent ✕"]
    assert address(add(app, "cross"))["change"] == "head:cross.1.2+cross:decoder.1"


@pytest.mark.parametrize("change", ("order", "pad:2", "repeat"))
def test_where_the_tokens_move_there_is_no_map_and_it_says_why(change):
    app = lab(change=change)
    assert not app.warning and any("laid side by side" in each.value for each in app.info)
    assert not any("lab:moved" in key for key in components(app))


# --- patching -------------------------------------------------------------------------------------

BOOK = "The book that the student recommended"


@pytest.mark.parametrize("what", ("stream", "attn", "mlp", "head"))
def test_the_map_of_patches_is_that_of_core(what):
    app, model = lab(cards="lab-patch", lab_patch=what, change=HEAD), load("study-decoder")
    assert app.session_state["lab_text"] == BOOK and "lab_text" not in address(app)
    are, is_ = (model.tokenizer.id_of(word) for word in ("are", "is"))
    name = "head:4" if what == "head" else what
    wanted_NP = why.patch(model, BOOKS, BOOK, are, is_, name)
    shown_NP = values_in(data_of(app, "lab:patch", "heatmap")).reshape(wanted_NP.shape)
    assert np.array_equal(shown_NP, wanted_NP.astype(np.float32)) and np.abs(wanted_NP).max() > 0.1
    layer, place = np.unravel_index(np.abs(wanted_NP).argmax(), wanted_NP.shape)
    word = model.tokenizer.piece(int(model.encode(BOOKS).ids_L[place]))
    near = np.flatnonzero(wanted_NP[:, place] / wanted_NP[layer, place] >= 0.9).tolist()
    where = {(0, 1, 2, 3): ", in every layer", (layer,): f" in layer {layer}"}
    where = where.get(tuple(near), f", in {patching.layers_named(near, 4)}")
    assert f"carried by **{word}**{where}: with" in prose(app), near
    assert len(near) == 1 or f"has there in layer {layer}, " in prose(app)
    assert "without your changes" in prose(app)


@pytest.mark.parametrize(
    "changes, words",
    [
        ([-2.0, -2.1, -2.0, -1.95], "every layer"),
        ([2.0, 2.1, 2.0, 0.1], "layers 0 to 2"),
        ([2.0, -1.9, 0.2, 2.0], "layers 0 and 3"),  # another sign is another effect
        ([np.nan, np.nan, 2.0, 1.9], "layers 2 and 3"),
        ([2.0, 0.1, 1.9, 1.9, 0.1], "layers 0, 2 and 3"),
    ],
)
def test_layers_that_carry_as_much_are_named_together(changes, words):
    found = np.array(changes)
    assert patching.layers_named(patching.layers_alike(found), len(found)) == words


def test_a_cell_of_the_map_leads_to_the_numbers_of_both_runs():
    app, model = lab(cards="lab-patch", change=HEAD), load("study-decoder")
    click(app, "lab:patch", cell=[0, 1, 2])
    assert address(app)["lab_cell"] == "1-2"
    one_D, other_D = (model.trace(text)["decoder.0.out"][2] for text in (BOOKS, BOOK))
    order = np.argsort(-np.abs(other_D.astype(float) - one_D), kind="stable")[:6]
    rows = data_of(app, "lab:cell", "table")["numbers"]
    assert rows == [[number(one_D[d]), number(other_D[d])] for d in order]
    for column, (vector_D, where) in enumerate(((one_D, "before"), (other_D, BOOK))):
        click(app, "lab:cell", cell=[3, column])
        head = parts(app)[0]
        assert head["value"] == number(vector_D[order[3]]) and where in head["where"]
        assert head["name"] == f"decoder.0.out:2,{order[3]}" and not head["canChange"]
        assert address(app)["change"] == HEAD


def test_other_texts_are_offered_and_one_of_another_length_is_refused():
    app = lab(cards="lab-patch")
    offered = [b.label for b in app.button if str(b.key).startswith("lab_propose_")]
    assert offered[0] == "books → book" and len(offered) > 2
    app.button(key="lab_propose_1").click().run()
    other = address(app)["lab_text"]
    ids = [load("study-decoder").encode(text).ids_L for text in (BOOKS, other)]
    assert len(ids[0]) == len(ids[1]) and (ids[0] != ids[1]).sum() == 1
    app.text_input(key="lab_text").set_value("The books are good.").run()
    assert any("only texts of equal length" in each.value for each in app.info)
    assert app.text_input(key="lab_text").value == "The books are good."
    same = lab(cards="lab-patch", lab_text=BOOKS)
    assert "No place carries a difference" in prose(same)


def test_a_translator_s_texts_are_patched_with_one_target():
    sentence, other = "The house is green.", "The house is red."
    app = opened(
        PAGE,
        model="study-translator",
        sentence=sentence,
        side="encoder",
        cards="lab-patch",
        lab_text=other,
    )
    assert not app.exception and not app.info
    model = load("study-translator")
    clean = model.trace(sentence)
    giver = model.trace(other, target_ids_L=clean["decoder.embed.ids"])
    one, two = (int(trace["head.logits"][-1].argmax()) for trace in (clean, giver))
    wanted_NP = why.patch(model, clean, giver, one, None if one == two else two)
    shown_NP = values_in(data_of(app, "lab:patch", "heatmap")).reshape(wanted_NP.shape)
    assert np.array_equal(shown_NP, wanted_NP.astype(np.float32))


def test_a_patch_is_kept_stands_in_the_link_and_all_pages_show_it():
    app, model = lab(cards="lab-patch", lab_patch="head", lab_cell="3-6"), load("study-decoder")
    app.button(key="lab_keep").click().run()
    part = f"patch:decoder.3.attn.4[6]={BOOK}"
    assert address(app)["change"] == part and not app.exception
    assert chips(app) == [
        f"what head 4 of layer 3 gathers at “recommended” (6) patched in from “{BOOK}” ✕"
    ]
    assert "lab_keep" not in {button.key for button in app.button}
    are, is_ = (model.tokenizer.id_of(word) for word in ("are", "is"))
    before, after = runs(part)
    lead = why.patch(model, BOOKS, BOOK, are, is_, "head:4")[3, 6]
    logits = [run["head.logits"][-1].astype(float) for run in (before, after)]
    gone = (logits[1][are] - logits[1][is_]) - (logits[0][are] - logits[0][is_])
    assert gone == pytest.approx(lead, abs=1e-5) and lead < -1  # “is” comes nearer
    best = model.tokenizer.piece(int(logits[1].argmax()))
    assert best in data_of(app, "lab:guesses", "guesses")["words"][0][0]
    add(app, "mlp")
    assert address(app)["change"] == f"{part}+mlp:decoder.3"
    app.switch_page("pages/4_Heads.py").run()
    assert app.session_state["memory"].shown.change == f"{part}+mlp:decoder.3"
    app.switch_page(PAGE).run()
    app.button(key="lab_remove_0").click().run()
    assert address(app)["change"] == "mlp:decoder.3"


def test_a_kept_number_opens_as_what_it_was_replaced_by():
    cell = "decoder.3.attn.z:4,6,0"
    app = lab(change=f"patch:decoder.3.attn.4[6]={BOOK}", cell=cell)
    head, body, _ = parts(app)
    given = load("study-decoder").trace(BOOK)["decoder.3.attn.z"][4, 6, 0]
    assert head["value"] == number(given) and body["check"][0] == "Edited"


@pytest.mark.parametrize(
    "forged",
    (
        f"decoder.3.attn.9[6]={BOOK}",
        f"decoder.3.stream[7]={BOOK}",
        "decoder.3.stream[6]=The books",
        f"decoder.3.stream[6]={'x' * 401}",
        "decoder.3.stream[6]=\u0000 <script>",
    ),
)
def test_a_forged_patch_is_refused_with_a_message(forged):
    app = opened(PAGE, model="study-decoder", sentence=BOOKS, change=f"patch:{forged}")
    assert not app.exception and said(app) and app.session_state["memory"].shown.change == ""


def test_the_second_text_of_a_translator_opens_with_the_same_target():
    sentence, other = "The house is green.", "The house is red."
    app = opened(
        PAGE,
        model="study-translator",
        sentence=sentence,
        side="decoder",
        token="3",
        cards="lab-patch",
        lab_text=other,
        lab_patch="cross",
        lab_cell="3-3",
    )
    model = load("study-translator")
    clean = model.trace(sentence)
    giver = model.trace(other, target_ids_L=clean["decoder.embed.ids"])
    one_D, other_D = (run["decoder.3.cross.out"][3] for run in (clean, giver))
    order = np.argsort(-np.abs(other_D.astype(float) - one_D), kind="stable")[:6]
    rows = data_of(app, "lab:cell", "table")["numbers"]
    assert rows == [[number(one_D[d]), number(other_D[d])] for d in order]
    click(app, "lab:cell", cell=[0, 1])
    head = parts(app)[0]
    assert head["name"] == f"decoder.3.cross.out:3,{order[0]}"
    assert head["value"] == number(other_D[order[0]])


# --- the guess before the figure ------------------------------------------------------------------


def test_once_something_is_changed_it_asks_which_word_comes_first():
    assert not parts(lab(ask="1"), "quiz")
    app = lab(ask="1", change=HEAD)
    (quiz,) = parts(app, "quiz")
    after = runs(HEAD)[1]["head.probs"][-1]
    assert "".join(quiz["asks"]) == "Which word comes first with 1 change?"
    click(app, "quiz", act=0)
    verdict = parts(app, "quiz")[0]["verdict"]
    assert load("study-decoder").tokenizer.id_of(verdict["answer"]) == after.argmax()


def test_a_model_that_guesses_nothing_has_no_patches_and_says_so():
    app = lab("minilm", cards="lab-patch")
    assert any("guesses no words" in each.value for each in app.info)


def test_a_large_map_is_computed_on_demand_stopped_and_gone_on_with(smollm2, monkeypatch):
    monkeypatch.setattr(patching, "SLICE", 0.0)  # one run at a time
    app = lab("smollm2", "The cat sat", cards="lab-patch", lab_text="The dog sat")
    button = app.button(key="lab_patching")
    assert button.label == "Compute the map: 90 runs" and not app.get("progress")
    button.click().run()
    assert app.button(key="lab_patching").label == "Stop" and app.get("progress")
    shown_NP = values_in(data_of(app, "lab:patch", "heatmap")).reshape(30, 3)
    done = np.argwhere(np.isfinite(shown_NP))
    assert done[:, 0].tolist() == [29] * len(done) and 1 <= len(done) <= 2  # the last layer first
    texts = (smollm2.trace(text) for text in ("The cat sat", "The dog sat"))
    one, two = texts
    words = [int(trace["head.logits"][-1].argmax()) for trace in (one, two)]
    rival = None if words[0] == words[1] else words[1]
    first = next(iter(why.each_patch(smollm2, one, two, words[0], rival)))
    assert shown_NP[29, 0] == np.float32(first.change) and first.layer == 29
    app.button(key="lab_patching").click().run()
    assert app.button(key="lab_patching").label == "Go on"
    assert np.isfinite(values_in(data_of(app, "lab:patch", "heatmap"))).sum() == len(done)


# --- a repetition ---------------------------------------------------------------------------------


def test_what_is_said_of_a_repetition_is_what_the_study_model_does():
    app, repeated = lab(cards="lab-repeat"), induction.repeated(load("study-decoder"))
    loss_N = induction.losses(repeated.trace)
    first, second = repeated.copies(loss_N)
    assert second < repetition.FALLS * first  # it was trained on lists that come twice
    said_here = prose(app)
    assert f"**{number(first, 3)}** on average" in said_here
    assert f"**{number(second, 3)}** in the second: the model continues what it has" in said_here
    scores_NH = induction.scores(repeated.trace)
    layer, head = induction.strongest(scores_NH, 1)[0]
    assert scores_NH.max() >= repetition.IS_ONE
    share = percent(scores_NH.max())
    assert f"head {head} of layer {layer}, gives {share} of its attention" in said_here
    check_heads(app, repeated)
    assert repetition.sentence(repeated, np.ones_like(loss_N)).endswith(
        "this model does not notice that it has seen them."
    )


@pytest.mark.slow
def test_smollm2_notices_and_without_its_induction_heads_does_so_less(smollm2, monkeypatch):
    app = lab("smollm2", "The cat sat", cards="lab-repeat")
    assert "continues what it has seen once" in prose(app)
    assert "Does the surprise come back" in prose(app)
    button = app.button(key="lab_silencing")
    assert button.label == "Silence these heads: 10 runs"
    monkeypatch.setattr(repetition, "SLICE", None)  # all at once
    button.click().run()
    assert not app.exception and not app.get("progress")
    repeated = induction.repeated(smollm2)
    before = repeated.copies(induction.losses(repeated.trace))[1]
    after = float(check_heads(app, repeated)[-1][1])
    assert after > 2 * before  # the loss comes back
    assert f"goes from {number(before, 3)} to {number(after, 3)}." in prose(app)


def check_heads(app, repeated) -> list:
    """The table says what core finds: the strongest heads, and what is without each."""
    rows = data_of(app, "lab:heads", "table")
    roles = ("previous token", "induction")
    scores = {role: induction.scores(repeated.trace, role) for role in roles}
    best = {role: induction.strongest(scores[role], 4) for role in roles}
    wanted = [
        [number(scores[role][head]), number(second_copy(repeated, (head,)))]
        for role in roles
        for head in best[role]
    ]
    wanted += [[None, number(second_copy(repeated, best[role]))] for role in roles]
    assert rows["numbers"] == wanted
    assert rows["rows"][0].startswith("previous token: head ") and "all 4" in rows["rows"][-1]
    return rows["numbers"]


def second_copy(repeated, heads) -> float:
    return repeated.copies(induction.without(repeated.trace, heads).loss_N)[1]


def test_the_surprise_at_a_token_leads_to_the_probability_it_had():
    app, repeated = lab(cards="lab-repeat", change=HEAD), induction.repeated(load("study-decoder"))
    probs_RV, ids_L = repeated.trace["head.probs"], repeated.trace["decoder.embed.ids"]
    asked = {"change": HEAD, "lab_reads": "repeat", "cell": f"head.probs:29,{ids_L[30]}"}
    opened_app = lab(cards="lab-repeat", **asked)
    head = parts(opened_app)[0]
    assert head["value"] == number(probs_RV[29, ids_L[30]]) and "random tokens" in head["where"]
    (shown_L,) = (np.asarray(values) for key, values in drawn(app) if key.endswith("lab:loss"))
    assert np.allclose(shown_L[1:], induction.losses(repeated.trace), rtol=1e-6)


@pytest.mark.parametrize("model", ("minilm", "study-translator", "study-encoder"))
def test_only_a_decoder_can_notice_a_repetition(model):
    app = lab(model, "The house is green.", cards="lab-repeat")
    assert any("Only a decoder" in each.value for each in app.info)


# --- change one number ----------------------------------------------------------------------------


def test_a_number_is_another_one_and_all_pages_show_that_run():
    cell = "decoder.1.mlp.hidden:6,3"
    app = opened("pages/6_Feed_forward.py", model="study-decoder", sentence=BOOKS, cell=cell)
    assert parts(app)[0]["canChange"]
    click(app, "number", set=1.5)
    assert address(app)["change"] == "set:decoder.1.mlp.hidden[6,3]=1.5"
    head, body, _ = parts(app)
    assert head["name"] == cell and head["value"] == "1.5" and body["check"][0] == "Edited"
    click(app, "number", set=-2)
    assert address(app)["change"] == "set:decoder.1.mlp.hidden[6,3]=-2"
    app.switch_page(PAGE).run()
    assert chips(app) == ["decoder.1.mlp.hidden[6, 3] set to −2 ✕"]
    (before, after), last = (
        runs("set:decoder.1.mlp.hidden[6,3]=-2"),
        data_of(app, "lab:guesses", "guesses"),
    )
    word = load("study-decoder").tokenizer.id_of(last["words"][0][0][0])
    assert values_in(last)[0, 1, 0].tolist() == [t["head.probs"][-1, word] for t in (before, after)]


@pytest.mark.parametrize("value", ("1", None, True, [1], {"a": 1}, 10**400))
def test_what_is_no_number_changes_nothing(value):
    app = opened(
        "pages/6_Feed_forward.py",
        model="study-decoder",
        sentence=BOOKS,
        cell="decoder.1.mlp.out:6,3",
    )
    click(app, "number", set=value)
    assert not app.exception and "change" not in address(app)


@pytest.mark.parametrize(
    "cell, value, why",
    [
        ("decoder.embed.ids:2", 0.5, "whole numbers"),
        ("decoder.0.mlp.out:1,1", 1e9, "written as"),
        ("decoder.0.mlp.out:1,1", -1e20, "written as"),
    ],
)
def test_a_number_that_can_t_stand_there_is_refused_with_the_reason(cell, value, why):
    app = opened(
        "pages/12_Every_number.py", model="study-decoder", sentence=BOOKS, cell=cell, change=HEAD
    )
    click(app, "number", set=value)
    assert why in said(app) and address(app)["change"] == HEAD and parts(app)[0]["name"] == cell


@pytest.mark.parametrize(
    "cell", ("weights/decoder.0.attn.q.weight:1,2", "decoder.0.attn.heads:1,2,3")
)
def test_what_the_pass_does_not_record_can_t_be_changed(cell):
    app = opened("pages/12_Every_number.py", model="study-decoder", sentence=BOOKS, cell=cell)
    assert parts(app)[0]["name"] == cell and not parts(app)[0]["canChange"]
    click(app, "number", set=0)
    assert "change" not in address(app)


def test_the_run_before_can_t_be_changed():
    app = lab(change=HEAD, cell=spell_cell("head.probs", (6, 5)), lab_reads="before")
    assert not parts(app)[0]["canChange"]
