"""The page Encoder and decoder: masks drawn by hand, what they do to the tokens and the guess, and
what padding does.
"""

from itertools import product

import numpy as np
import pytest

from core import load, masks, whatif
from core.text import number, percent
from core.vectors import cosines
from tests.helpers.cards import CARDS
from tests.helpers.pages import (
    READY,
    address,
    click,
    components,
    data_of,
    opened,
    parts,
    said,
    values_in,
)
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from ui.session import runs
from ui.session.memory import Memory
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.encoder_and_decoder import editor
from ui.text import plain

PAGE = "pages/8_Encoder_and_decoder.py"
OPEN = {"cards": CARDS[PAGE]}
SENTENCE = EXAMPLES[0]["text"]


def table_of(app, start: str) -> dict:
    """The table whose title begins so."""
    return next(table for table in parts(app, "glass_table") if table["title"].startswith(start))


def drawn_on(view_mask_LM, grid="", trained="encoder"):
    """A drawing whose run is never looked at."""
    trained_LM = masks.build_mask(trained, *view_mask_LM.shape)
    return editor.DrawnMask(FakeView(), "encoder", grid, trained_LM, view_mask_LM)


class FakeView:
    request, side = runs.RunRequest("minilm", "a b c"), "encoder"

    @staticmethod
    def names_of(side):
        return list("abc")


@pytest.fixture
def session(monkeypatch):
    """What a callback finds and leaves in the session."""
    session = {"mask": "trained", "mask_cells": "", "change": "", "memory": Memory()}
    monkeypatch.setattr(editor.st, "session_state", session)
    return session


@pytest.mark.parametrize("name", masks.NAMED)
def test_cells_drawn_from_a_mask_are_that_mask_again(minilm, name):
    wanted_LM = masks.build_mask(name, 5, 5)
    text = whatif.drawn("d1-0,e9-9", "encoder", masks.build_mask("encoder", 5, 5), wanted_LM)
    assert text.startswith("d1-0") and "e9-9" not in text  # what was drawn on the other stack stays
    grid = ",".join(cell for cell in text.split(",") if cell[0] == "e")
    made = whatif.masks_of(minilm.config, {"encoder": 5}, f"own:{grid}", 0)["encoder"]
    assert np.array_equal(made, wanted_LM)


def test_padding_is_taken_out_of_a_what_if_and_nothing_else():
    assert (
        whatif.without("norms+pad:3+head:encoder.0.1", "pad", "open-pad")
        == "norms+head:encoder.0.1"
    )
    assert whatif.without("open-pad:3", "open-pad") == "" == whatif.without("", "pad")
    assert (
        whatif.also("", "pad:3") == "pad:3" == whatif.also("pad:3", "")
        and whatif.also("norms", "pad:3") == "norms+pad:3"
    )


def test_a_click_blocks_a_cell_and_a_second_one_allows_it(session):
    now_LM = np.ones((3, 3), dtype=bool)
    editor.flip_cell(drawn_on(now_LM), 2, 0)
    assert (
        session["mask"] == "own"
        and session["mask_cells"] == "e2-0"
        and not session["memory"].mask_message
    )
    now_LM[2, 0] = False
    editor.flip_cell(drawn_on(now_LM, "e2-0"), 2, 0)
    assert session["mask_cells"] == ""


def test_a_row_keeps_what_it_sees_last_and_padding_can_not_be_drawn_on(session):
    now_LM = np.tri(3, dtype=bool)
    editor.flip_cell(drawn_on(now_LM, "", "decoder"), 0, 0)
    assert (
        session["mask_cells"] == ""
        and "“a” (0) would have nothing left" in session["memory"].mask_message
    )
    editor.set_column(drawn_on(now_LM, "", "decoder"), 0, False)  # row 0 stays, the others lose it
    assert session["mask_cells"] == "e1-0,e2-0"
    editor.flip_cell(drawn_on(now_LM), 1, 3)
    assert "padding" in session["memory"].mask_message


def test_buttons_make_the_masks_they_are_named_after_and_all_pages_show_them():
    app = opened(PAGE, **OPEN)
    app.button(key="masking_decoder").click().run()
    assert app.session_state["mask"] == "own" and address(app)["grid"].startswith("e0-1,e0-2")
    causal, own = (
        runs.trace_of(runs.RunRequest("minilm", SENTENCE, mask))
        for mask in ("decoder", f"own:{app.session_state['mask_cells']}")
    )
    assert np.array_equal(causal["encoder.out"], own["encoder.out"])
    app.button(key="masking_column").click().run()
    assert not app.exception and "e10-8" in app.session_state["mask_cells"] and not app.warning
    app.button(key="masking_clear").click().run()
    assert address(app) == OPEN and not app.exception


def test_the_cosines_are_those_of_the_two_runs_and_the_pair_shows_what_they_are_made_of(minilm):
    app = opened(PAGE, **OPEN, mask="own", grid="e3-4,e2-0", token="3")
    trained = minilm.trace(SENTENCE)["encoder.out"]
    own = runs.trace_of(runs.RunRequest("minilm", SENTENCE, "own:e3-4,e2-0"))["encoder.out"]
    cosine_L = cosines(trained, own)
    shown = table_of(app, "Cosine of each")
    assert shown["columns"] == ["Under the decoder’s mask", "Under your mask"]
    assert [row[1] for row in shown["numbers"]] == [number(value) for value in cosine_L]
    words = " ".join(element.value for element in app.markdown)
    assert f"= **{number(cosine_L[3])}**" in words
    assert f"{number(np.linalg.norm(own[3].astype(np.float64)))})" in words


@pytest.mark.parametrize("mask, model", [("trained", "minilm"), ("decoder", "minilm")])
def test_hidden_padding_changes_nothing_and_seen_padding_does_where_tokens_look_ahead(mask, model):
    app = opened(PAGE, **OPEN, mask=mask, model=model)
    numbers = table_of(app, "Each token’s last vector with padding")["numbers"]
    hidden, seen = (max(float(row[place].replace("−", "-")) for row in numbers) for place in (1, 3))
    assert hidden < 1e-4 and (seen > 0.05 if mask == "trained" else seen < 1e-4)
    words = " ".join(element.value for element in app.markdown)
    assert ("looks ahead" in words) == (mask == "decoder")
    app.slider(key="padding_count").set_value(5).run()
    maps = [each for each in parts(app, "glass_heatmap") if "padding" in each["titles"][0]]
    assert (
        maps[0]["shape"] == [1, 16, 16]
        and maps[0]["columns"][-5:] == [f"[PAD] ({i})" for i in range(11, 16)]
        and not app.exception
    )


def test_a_what_if_that_is_already_there_stays():
    app = opened(PAGE, **OPEN, change="norms+open-pad:4", depth="numbers", token="14")
    assert not app.exception and not app.error and app.slider(key="padding_count").value == 4
    assert len(table_of(app, "Each token’s last vector with padding")["rows"]) == 11
    assert whatif.parts(app.session_state["change"]) == (("norms", ""), ("open-pad", "4"))


def test_cells_that_the_text_does_not_have_are_said_and_nothing_breaks():
    app = opened(PAGE, **OPEN, mask="own", grid="e99-9")
    assert not app.exception and "which does not exist" in said(app)


def story_of(app, start: str) -> str:
    return next(each.value for each in app.markdown if start in each.value)


@pytest.mark.parametrize("head", range(0, 12, 5))
def test_the_story_counts_the_weights_that_become_0_in_at_most_45_words(minilm, head):
    app = opened(PAGE, layer="2", head=str(head))
    words, L = story_of(app, "An **encoder**"), 11
    labels = [minilm.tokenizer.piece(i) for i in minilm.ids(SENTENCE)]
    before_LM, after_LM = (
        minilm.trace(SENTENCE, mask=mask)["encoder.2.attn.pattern"][head]
        for mask in (None, "decoder")
    )
    above_LM = np.triu(np.ones((L, L), dtype=bool), 1)
    assert f"**{above_LM.sum()} of {L * L}** weights become 0" in words
    assert (after_LM[above_LM] == 0).all() and (after_LM[~above_LM] > 0).all()
    lost_L = np.where(above_LM, before_LM, 0).sum(axis=1)
    assert f"{percent(lost_L.max(), 0)} of its attention was on later tokens" in words
    assert f"**{plain(labels[lost_L.argmax()])}**" in words
    assert len(words.split()) <= 45


def test_a_click_on_the_figure_opens_a_weight_or_blocks_its_cell():
    app = opened(PAGE, layer="1", head="3")
    second = next(key for key in components(app) if key.startswith("map:shown-decoder:"))
    click(app, second, cell=[0, 6, 4])
    assert app.session_state["cell"] == "encoder.1.attn.pattern:3,6,4"
    assert app.session_state["mask"] == "decoder"
    app.segmented_control(key="masks_click").set_value("draw").run()
    second = next(key for key in components(app) if key.startswith("map:draw-decoder:"))
    click(app, second, cell=[0, 6, 4])
    assert app.session_state["mask"] == "own" and address(app)["grid"] == "decoder,e6-4"
    assert [each.value for each in app.title] == ["What does your mask hide?"]
    assert "**56 of 121** weights become 0" in story_of(app, "Grey cells")
    third = next(key for key in components(app) if key.startswith("map:draw-own:"))
    click(app, third, cell=[0, 0, 0])  # the only one that the first token sees
    assert "nothing left to look at" in said(app) and address(app)["grid"] == "decoder,e6-4"


def masks_in(app) -> dict[str, np.ndarray]:
    """The mask of every attention of the run that is shown, in its first layer."""
    trace = runs.trace_of(app.session_state["memory"].shown)
    stacks = ("encoder.0.attn", "decoder.0.attn", "decoder.0.cross")
    return {stack: trace[f"{stack}.mask"] for stack in stacks if f"{stack}.mask" in trace}


STACKS = (
    ("minilm", "encoder", "encoder.0.attn"),
    ("study-decoder", "decoder", "decoder.0.attn"),
    ("study-translator", "encoder", "encoder.0.attn"),
    ("study-translator", "decoder", "decoder.0.attn"),
    ("study-translator", "decoder", "decoder.0.cross"),
)
RUNS = [
    (*stack, mask, change)
    for stack in STACKS
    for mask in ("trained", *masks.NAMED)
    for change in ("", "pad:3")
]


@pytest.mark.one_in(7)
@pytest.mark.parametrize("model, side, stack, mask, change", one_in(3, RUNS))
def test_the_first_cell_that_is_drawn_is_all_that_changes(model, side, stack, mask, change):
    app = opened(PAGE, **OPEN, model=model, side=side, mask=mask, change=change)
    if stack.endswith("cross"):
        app.session_state["masking_stack"] = "cross"
        app.run()
    before = masks_in(app)
    drawn = data_of(app, "map:own:", "heatmap")
    assert np.array_equal(values_in(drawn)[0], before[stack])  # what is drawn on is what is seen
    click(app, next(key for key in components(app) if key.startswith("map:own:")), cell=[0, 4, 2])
    assert not app.exception and app.session_state["mask"] == "own"
    linked = opened(
        PAGE, **OPEN, model=model, side=side, mask="own", grid=address(app)["grid"], change=change
    )
    for after in (masks_in(app), masks_in(linked)):
        changed = {name: np.argwhere(before[name] != after[name]).tolist() for name in before}
        assert changed == {name: [[4, 2]] if name == stack else [] for name in before}


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "tiny_folder, depth", one_in(7, product(FAMILIES, DEPTHS)), indirect=["tiny_folder"]
)
def test_every_family_at_every_depth(tiny_folder, depth):
    for side in load(tiny_folder).config.sides:
        app = opened(
            PAGE,
            **OPEN,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            depth=depth,
            side=side,
            layer="1",
            head="1",
            mask="own",
            grid=f"{side[0]}2-1",
        )
        assert not app.exception and not app.error and not app.warning, side


@pytest.mark.one_in(2)
def test_the_attention_across_can_be_drawn_on_as_well(tiny_folder):
    if not load(tiny_folder).config.crosses:
        pytest.skip("there is no attention across")
    app = opened(
        PAGE,
        **OPEN,
        model=tiny_folder,
        sentence="3 5 7 2 9",
        target="4 6 8",
        side="decoder",
        mask="own",
        grid="c2-1",
    )
    app.segmented_control(key="masking_stack").set_value("cross").run()
    drawn = data_of(app, "map:own:", "heatmap")
    assert (
        not app.exception
        and drawn["shape"][1:] == [len(drawn["rows"]), len(drawn["columns"])]
        and drawn["kind"] == "mask"
    )


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
def test_a_decoder_shows_its_guess_under_each_mask():
    app = opened(
        PAGE, **OPEN, model="smollm2", sentence="The capital of France is", mask="own", grid="d4-3"
    )
    trace = runs.trace_of(runs.RunRequest("smollm2", "The capital of France is", "own:d4-3"))
    shown = next(
        table for table in parts(app, "glass_table") if table["title"] == "Under your mask"
    )
    assert (
        shown["numbers"][0][0] == number(trace["head.probs"][-1].max()) and len(shown["rows"]) == 10
    )
    assert "changes nothing either" in " ".join(element.value for element in app.markdown)


@pytest.mark.parametrize("tiny_folder", ["modernbert"], indirect=True)
def test_a_layer_with_a_window_says_how_far_it_sees(tiny_folder):
    """A layer without one sees everything; what is drawn by hand is the mask, not the window."""
    here = {"model": tiny_folder, "sentence": "3 5 7 2 9 4 8 6", "cards": "masks-draw"}
    config = load(tiny_folder).config
    assert (config.window(0), config.window(1)) == (None, 2)
    near, far = (opened(PAGE, **here, layer=layer) for layer in ("1", "0"))
    near_words, far_words = (" ".join(each.value for each in app.markdown) for app in (near, far))
    assert "this layer, what is over 2 away" in near_words and "more than 2 tokens" in near_words
    assert "over 2 away" not in far_words and "tokens away" not in far_words
    (drawing,) = (
        part for part in parts(near, "glass_heatmap") if "Your mask" in " ".join(part["titles"])
    )
    l, m = np.mgrid[:8, :8]
    assert np.array_equal(values_in(drawing)[0], abs(l - m) <= 2)
    near.button(key="masking_decoder").click().run()  # the mask of a decoder, and no window in it
    cells = address(near)["grid"].split(",")
    assert near.session_state["mask"] == "own" and len(cells) == 28, cells
