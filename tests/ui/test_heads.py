"""The page Heads: where all heads look, and in cards their roles on two texts, the attention sink,
what each adds, a silent head, lines, and a vector split between them.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from core import load
from core.steps.heads import ROLES, word_groups
from core.text import number, percent
from core.whatif import MOST_RANDOM
from tests.helpers.marked import not_of_the_trace
from tests.helpers.pages import (
    address,
    click,
    data_of,
    look,
    opened,
    parts,
    prose,
    unmarked,
    values_in,
)
from ui.kit import word_grouping
from ui.session import runs
from ui.session.runs import RunRequest
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.heads import additions, all_heads, every_layer, roles, silence
from ui.stages.overview import experiments

PAGE = "pages/4_Heads.py"
CARDS = ("roles", "every", "sink", "adds", "silent", "lines", "split")
TYPED = EXAMPLES[0]["text"]
CAT = "The cat sat on the mat. The cat"
LONG = "Unbelievably, the hippopotamus slept."


def carded(*cards: str, **asked: str):
    """The page with some of its cards open."""
    app = opened(PAGE, cards=".".join(f"heads-{card}" for card in cards), **asked)
    assert not app.exception
    return app


def story(app) -> str:
    """The text under the figure."""
    texts = (unmarked(each.value).replace("\\", "") for each in app.markdown)
    return next(text for text in texts if text.startswith("Each map"))


# --- the figure -----------------------------------------------------------------------------------


def test_words_are_summed_where_they_are_looked_at_and_averaged_where_they_look(minilm):
    trace = runs.trace_of(RunRequest("minilm", LONG))
    pattern_HLM, places = (
        trace["encoder.2.attn.pattern"].astype(float),
        word_groups(trace, "encoder", 1, 1),
    )
    assert (
        max(map(len, places)) > 2 and sum(map(len, places)) == pattern_HLM.shape[1] - 2
    )  # without [CLS] and [SEP]
    for i, looks in enumerate(places):
        row = [sum(pattern_HLM[5, l, m] for l in looks for m in seen) for seen in places]
        np.testing.assert_allclose(
            trace["encoder.2.attn.pattern.words.1.1"][5, i], np.divide(row, sum(row)), rtol=1e-6
        )


@pytest.mark.parametrize(
    "pieces, word",
    [
        (["hip", "##pop", "##ota"], "hippopota"),
        (["␣rec", "ommended"], "recommended"),
        (["␣"], "␣"),
        (["##s"], "##s"),
    ],
)
def test_a_word_is_written_without_the_marks_of_its_pieces(pieces, word):
    assert word_grouping.word_of_pieces(pieces) == word


def test_special_tokens_are_hidden_and_pieces_merged_by_settings_and_in_the_address():
    app = carded("lines", sentence=LONG)
    plain = data_of(app, "heads", "heatmap")
    app.toggle(key="toggle_hide_special").set_value(True).run()
    app.toggle(key="toggle_merge_pieces").set_value(True).run()
    assert not app.exception and address(app)["bare"] == address(app)["merge"] == "1"
    shown, trace = data_of(app, "heads", "heatmap"), runs.trace_of(RunRequest("minilm", LONG))
    assert "[CLS]" in plain["rows"]
    assert (
        shown["rows"]
        == shown["columns"]
        == ["unbelievably", ",", "the", "hippopotamus", "slept", "."]
    )
    np.testing.assert_array_equal(
        values_in(shown), trace["encoder.0.attn.pattern.words.1.1"].astype(np.float32)
    )
    assert "special tokens hidden, each row rescaled to add up to 1" in prose(
        app
    ) and "pieces merged into words" in prose(app)
    assert data_of(app, "lines", "lines")["rows"] == shown["rows"]
    app.switch_page("pages/3_Attention.py").run()
    app.session_state["stage"] = 3  # softmax, whose maps are those of the card and of the numbers
    app.session_state["cards"] = "attention-map"
    for depth, maps in (("story", 1), ("numbers", 2)):
        look(app, depth=depth)
        drawn = [
            data for data in parts(app, "heatmap") if "special tokens hidden" in data["titles"][0]
        ]
        assert [data["rows"] for data in drawn] == [shown["rows"]] * maps, depth
    look(app, depth="story")
    app.switch_page(PAGE).run()
    app.toggle(key="toggle_hide_special").set_value(False).run()
    assert "bare" not in address(app) and "special tokens hidden" not in prose(app)


def test_a_hidden_special_token_that_is_chosen_is_said():
    app = opened(PAGE, sentence=LONG, bare="1", token="0")
    assert data_of(app, "heads", "heatmap")["row"] is None
    assert "[CLS]**, the chosen token, is hidden" in story(app)


@pytest.mark.one_in(2)
def test_what_cannot_be_hidden_or_merged_is_not_offered(tiny_folder):
    app = opened(PAGE, model=tiny_folder, sentence="3 5 7 2 9", target="4 6 8", bare="1", merge="1")
    assert not app.exception and not [
        toggle
        for toggle in app.toggle
        if toggle.key in ("toggle_hide_special", "toggle_merge_pieces")
    ]
    assert "rescaled to add up" not in prose(app)


def test_a_click_on_a_word_chooses_its_first_piece_and_opens_the_number(monkeypatch):
    here, opened_numbers = {}, []
    monkeypatch.setattr("streamlit.session_state", here)
    monkeypatch.setattr(all_heads, "open_number", lambda *cell: opened_numbers.append(cell))
    drawn = word_grouping.Weights(
        "encoder.0.attn.pattern.words.1.1", "", ["a", "b"], [[1, 2], [3]], 0, ""
    )
    all_heads.open_weight(drawn, 4, 1, 0)
    assert here == {"head": 4, "token": 3} and opened_numbers == [(drawn.name, (4, 1, 0))]


def test_an_opened_number_between_words_says_which():
    head = parts(
        opened(
            PAGE, sentence=LONG, bare="1", merge="1", cell="encoder.0.attn.pattern.words.1.1:2,3,0"
        )
    )[0]
    assert (
        "“hippopotamus” (3) looks" in head["where"]
        and "“unbelievably” (0) is looked at" in head["where"]
    )


@pytest.mark.parametrize("model", ("minilm", "smollm2"))
@pytest.mark.parametrize("head", ("0", "5"))
def test_the_text_under_the_figure_is_short_and_says_what_the_trace_has(request, model, head):
    request.getfixturevalue(model)
    app = opened(PAGE, model=model, sentence=CAT, layer="2", head=head)
    trace, side = (
        runs.trace_of(RunRequest(model, CAT)),
        "encoder" if model == "minilm" else "decoder",
    )
    t, text = app.session_state["token"], story(app)
    weights_HM = trace[f"{side}.2.attn.pattern"][:, t]
    most_H = weights_HM.argmax(axis=1)
    own = weights_HM[int(head)].max()
    assert len(text.replace("*", "").split()) <= 45
    assert f"**Head {head}** looks most at" in text and f": {percent(own, 0)}." in text
    different = len(set(most_H.tolist()))
    count = np.bincount(most_H).max()
    assert f"look most at {different} different ones, {count} of the {len(most_H)} at" in text


def test_of_two_equal_tokens_the_heading_says_which():
    app = opened(PAGE, sentence="the cat saw the dog", token="4")
    assert app.title[0].value == "Where do the 12 heads look from **the** (4)?"
    app = opened(PAGE, sentence="the cat saw the dog", token="2")
    assert app.title[0].value == "Where do the 12 heads look from **cat**?"


def test_of_two_equal_tokens_the_pictures_say_which():
    app = carded("lines", sentence="the cat saw the dog", depth="numbers")
    words = ["[CLS]", "the (1)", "cat", "saw", "the (4)", "dog", "[SEP]"]
    assert data_of(app, "heads", "heatmap")["rows"] == words
    assert data_of(app, "lines", "lines")["columns"] == words
    assert data_of(app, "heads_weights", "table")["rows"] == words


def test_the_largest_weight_of_the_chosen_head_is_explained_at_first():
    app, trace = opened(PAGE, layer="3", head="7"), runs.trace_of(RunRequest("minilm", TYPED))
    t = app.session_state["token"]
    m = int(trace["encoder.3.attn.pattern"][7, t].argmax())
    assert parts(app)[0]["name"] == f"encoder.3.attn.pattern:7,{t},{m}"


def test_at_the_depth_numbers_all_weights_of_the_token_stand_in_a_table():
    app = opened(PAGE, layer="3", depth="numbers", token="2")
    trace, shown = (
        runs.trace_of(RunRequest("minilm", TYPED)),
        data_of(app, "heads_weights", "table"),
    )
    weights_MH = trace["encoder.3.attn.pattern"][:, 2].T
    assert shown["numbers"] == [[number(x) for x in row_H] for row_H in weights_MH]


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_card_opens_at_every_depth_and_draws_the_trace(minilm, handed_out, depth):
    app = carded(*CARDS, depth=depth, layer="1", head="2")
    assert not app.warning and not_of_the_trace(app, handed_out()) == {}
    assert data_of(app, "heads_every", "head_roles")["values"]


@pytest.mark.one_in(15)
@pytest.mark.parametrize("length", (1, 2, 5))
def test_every_card_opens_for_every_family(tiny_folder, length):
    config = load(tiny_folder).config
    ids = " ".join("35729"[:length])
    for side in config.sides:
        asked = {"model": tiny_folder, "sentence": ids, "target": ids, "side": side}
        app = carded(*CARDS, **asked)
        assert data_of(app, "heads_every", "head_roles")["shape"][1] == config.layers(side)
        carded(*CARDS, **asked, depth="numbers")


# --- roles ----------------------------------------------------------------------------------------


def random_trace(model: str):
    some = RunRequest(model, "a", target="a", change="repeat")
    return runs.trace_of(some)


def test_roles_are_drawn_from_the_trace_and_the_best_is_named():
    app, trace = carded("roles", layer="0", head="2"), runs.trace_of(RunRequest("minilm", TYPED))
    shown = data_of(app, "On this sentence", "heatmap")
    score_HO = trace["encoder.0.attn.pattern.roles"]
    np.testing.assert_array_equal(values_in(shown)[0], score_HO.astype(np.float32))
    assert shown["columns"] == list(ROLES) and score_HO[2, 0] > roles.STRONG
    assert f"looks mostly at the token before ({percent(score_HO[2, 0], 0)})" in prose(app)
    assert f"strong from {percent(roles.STRONG, 0)}" in prose(app)


def test_beside_them_stand_the_roles_on_a_random_text_of_which_each_number_opens():
    app = carded("roles", layer="2", head="9")
    shown, trace = data_of(app, "On random tokens, twice", "heatmap"), random_trace("minilm")
    score_HO = trace["encoder.2.attn.pattern.roles"]
    np.testing.assert_array_equal(values_in(shown)[0], score_HO.astype(np.float32))
    duplicate = ROLES.index("duplicate")
    click(app, "map:random:encoder.+0.attn.pattern.roles,:,:", cell=[0, 9, duplicate])
    assert not app.exception and address(app)["change"] == "repeat"
    assert address(app)["cell"] == f"encoder.2.attn.pattern.roles:9,{duplicate}"
    assert parts(app)[0]["value"] == number(score_HO[9, duplicate])


def test_it_is_said_what_no_token_can_look_at(smollm2):
    said = prose(carded("roles", model="smollm2", sentence="cat and dog"))
    lacking = ("the token after", "an earlier copy of the token", "special tokens such as [SEP]")
    assert all(target in said.partition("no token can look at")[2] for target in lacking)
    assert "no token can look at" not in prose(carded("roles", sentence="the cat saw the dog"))


def test_both_tables_explain_the_roles_that_have_names_of_their_own():
    said = [each.value for each in carded("roles", "every").caption]
    for name, shown in (("duplicate-token", "Duplicate"), ("induction-head", "induction")):
        assert sum(f"[{shown}](#term-{name}): " in each for each in said) == 2


@pytest.mark.parametrize(
    "model, text, here, there",
    [
        ("minilm", "the cat saw a dog", "none has", MOST_RANDOM),
        ("minilm", "the cat saw the dog", "1 has", MOST_RANDOM),
        (
            "smollm2",
            "cat and dog and cow and",
            "2 have",
            MOST_RANDOM - 1,
        ),  # the first token is left out
    ],
)
def test_it_is_said_how_many_tokens_have_an_earlier_copy(request, model, text, here, there):
    request.getfixturevalue(model)
    said = prose(carded("roles", model=model, sentence=text))
    assert f"{there} have an earlier copy to look at; in this sentence {here}." in said


def test_a_button_shows_the_random_text_on_all_pages():
    app = carded("roles", layer="2", head="9")
    app.button(key="heads_random").click().run()
    assert not app.exception and address(app)["change"] == "repeat"
    shown = data_of(app, "heads", "heatmap")["rows"]
    rows = [row.rpartition(" (")[0] or row for row in shown]
    assert len(set(shown)) == 2 + 2 * MOST_RANDOM
    assert rows[1 : 1 + MOST_RANDOM] == rows[1 + MOST_RANDOM : -1] and rows[0] == "[CLS]"
    assert not [button for button in app.button if button.key == "heads_random"]


def test_an_induction_head_is_called_one(smollm2):
    """Head 6 of layer 18: on a sentence it may rest; the random text shows what it is for."""
    app = carded("roles", model="smollm2", sentence=CAT, layer="18", head="6")
    share = random_trace("smollm2")["decoder.18.attn.pattern.roles"][6, ROLES.index("induction")]
    target = "the token after an earlier copy of this one"
    assert f"looks mostly at {target} ({percent(share, 0)}): an **induction head**" in prose(app)
    app = carded("roles", model="smollm2", sentence=CAT, layer="18", head="0")
    assert "induction head" not in prose(app)


def test_the_attention_sink_is_said_where_its_value_is_short_and_only_there(smollm2):
    trace, said = runs.trace_of(RunRequest("smollm2", CAT)), {}
    for layer, head in ((18, 6), (11, 4)):
        at = f"decoder.{layer}.attn"
        lengths_M = trace[f"{at}.v.length"][head // 3]
        app = carded("sink", model="smollm2", sentence=CAT, layer=str(layer), head=str(head))
        share, usual = trace[f"{at}.pattern.sink"][head], np.median(lengths_M[1:])
        said[layer] = prose(app)
        assert f"Head {head} leaves {percent(share, 0)} of its attention" in said[layer]
        assert (
            f"length {number(lengths_M[0], 2)}, the others’ about {number(usual, 2)}" in said[layer]
        )
        short = share >= 0.5 and lengths_M[0] < 0.5 * usual
        worth = percent(share * lengths_M[0] / usual, 0)
        assert (f"only as much as {worth} on another token" in said[layer]) == short
        assert ("attention sink" in said[layer]) == short == (layer == 18)


def test_a_head_without_a_strong_role_is_said_to_have_none():
    trace = runs.trace_of(RunRequest("minilm", TYPED))
    score_HO = trace["encoder.0.attn.pattern.roles"]
    head = int(
        np.flatnonzero(
            (score_HO[:, :-1].max(axis=1) < roles.STRONG) & (score_HO[:, -1] < roles.BROAD)
        )[0]
    )
    most = percent(score_HO[head, :-1].max(), 0)
    assert f"has no strong role: at most {most}" in prose(
        carded("roles", layer="0", head=str(head))
    )


def test_one_table_has_the_roles_of_all_heads_of_all_layers_on_both_texts():
    app, both = (
        carded("every"),
        (runs.trace_of(RunRequest("minilm", TYPED)), random_trace("minilm")),
    )
    shown = data_of(app, "heads_every", "head_roles")
    wanted = [
        [
            np.column_stack(
                [trace[f"encoder.{n}.attn.pattern.{leaf}"] for leaf in ("roles", "sink")]
            )
            for n in range(6)
        ]
        for trace in both
    ]
    np.testing.assert_array_equal(values_in(shown), np.array(wanted, dtype=np.float32))
    assert shown["shape"] == [2, 6, 12, len(ROLES) + 1] and shown["ranked"] == len(ROLES) - 1
    for text, counted in zip(wanted, shown["counts"], strict=True):
        strong = int((np.array(text)[..., :-2].max(axis=-1) >= roles.STRONG).sum())
        resting = int((np.array(text)[..., -1] >= roles.STRONG).sum())
        assert counted.startswith(f"{strong} of 72 heads") and f"{resting} heads leave" in counted


def test_a_click_in_that_table_chooses_the_head_and_opens_what_it_does_most():
    app, trace = carded("every"), runs.trace_of(RunRequest("minilm", TYPED))
    click(app, "heads_every", head=[1, 8])
    best = int(trace["encoder.1.attn.pattern.roles"][8, :-1].argmax())
    assert (address(app)["layer"], address(app)["head"]) == ("1", "8")
    assert address(app)["cell"] == f"encoder.1.attn.pattern.roles:8,{best}"
    before = address(app)
    click(app, "heads_every", head=[6, 0])
    assert not app.exception and address(app) == before  # there is no layer 6


@pytest.mark.parametrize(
    "shares_HO, words",
    [
        ([[0.6] + [0.0] * 7], "1 of 1 heads has a strong role: previous token (1). 0 heads leave"),
        (
            [[0.4] * 7 + [0.5]],
            "0 of 1 heads have a strong role. 1 head leaves at least half of its",
        ),
        ([[0.0] * 6 + [0.9, 0.0]], "0 of 1 heads have a strong role. 0 heads leave"),  # broad
    ],
)
def test_heads_are_counted_by_their_strongest_role(shares_HO, words):
    assert every_layer.in_words(np.array([shares_HO])).startswith(words)


# --- what each head adds --------------------------------------------------------------------------


@pytest.mark.parametrize("model, layer", (("minilm", "3"), ("smollm2", "18")))
def test_heads_bias_and_all_together_stand_in_one_picture(request, model, layer):
    request.getfixturevalue(model)
    app = carded("adds", model=model, sentence=CAT, layer=layer)
    trace, t = runs.trace_of(RunRequest(model, CAT)), app.session_state["token"]
    at = f"{'encoder' if model == 'minilm' else 'decoder'}.{layer}.attn"
    shown, biased = data_of(app, "heads_add", "head_shares"), model == "minilm"
    heads = [f"head {h}" for h in range(len(trace[f"{at}.heads"]))]
    assert shown["rows"] == [*heads, *["bias"] * biased, "together"]
    share_H, length_R2 = trace[f"{at}.heads.share"][:, t], values_in(shown)
    np.testing.assert_array_equal(length_R2[: len(heads), 1], share_H.astype(np.float32))
    assert length_R2[-1].tolist() == [np.float32(trace[f"{at}.out.length"][t]), 1]
    assert length_R2[:-1, 1].sum() == pytest.approx(1, abs=1e-4)  # the parts are the whole
    most = int(share_H.argmax())
    assert f"Of the heads, **head {most} adds most** ({percent(share_H[most], 0)})" in prose(app)
    bias = float(trace[f"{at}.heads.share.bias"][t])
    assert (f"; {additions.bias_text(bias)}" in prose(app)) == biased
    assert f"whose length is {number(trace[f'{at}.out.length'][t], 3)}" in prose(app)
    against = int((share_H < 0).sum())
    assert additions.working_against(against) in prose(app)


@pytest.mark.parametrize(
    "row, column, cell",
    [
        (2, 0, "encoder.3.attn.heads.length:2,1"),
        (2, 1, "encoder.3.attn.heads.share:2,1"),
        (12, 1, "encoder.3.attn.heads.share.bias:1"),
        (13, 0, "encoder.3.attn.out.length:1"),
        (13, 1, "encoder.3.attn.out.length:1"),
    ],
)
def test_each_number_of_that_picture_opens(row, column, cell):
    app = carded("adds", layer="3", token="1")
    click(app, "heads_add", cell=[row, column])
    assert not app.exception and address(app)["cell"] == cell
    if column == 0 or row < 13:
        assert data_of(app, "heads_add", "head_shares")["opened"] == [row, column]


def test_the_heads_are_added_up_on_screen_and_the_difference_is_rounding():
    app, trace = (
        carded("adds", layer="3", depth="numbers"),
        runs.trace_of(RunRequest("minilm", TYPED)),
    )
    t, at = app.session_state["token"], "encoder.3.attn"
    apart = np.abs(
        trace[f"{at}.heads"][:, t].sum(axis=0)
        + trace.weights[f"{at}.out.bias"]
        - trace[f"{at}.out"][t]
    ).max()
    assert apart < 1e-5 and number(apart) in prose(app)
    np.testing.assert_array_equal(
        values_in(data_of(app, "what each head writes", "heatmap"))[0], trace[f"{at}.heads"][:, t]
    )
    table = data_of(app, "heads_add", "table")
    assert [row[1] for row in table["numbers"]] == [
        *(number(x) for x in trace[f"{at}.heads.share"][:, t]),
        number(trace[f"{at}.heads.share.bias"][t]),
        "1",
    ]
    lengths = [row[0] for row in table["numbers"]]
    assert lengths[-2:] == [None, number(trace[f"{at}.out.length"][t])]


def test_a_bias_against_the_heads_is_said_to_be_one():
    assert additions.bias_text(0.36) == "the bias adds 36%"
    assert additions.bias_text(-0.09) == "the bias works against them (−9%)"


# --- how a vector is split ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, words",
    [
        ("minilm", "W_Q, W_K and W_V each make 384 numbers of"),
        ("smollm2", "W_K and W_V make 192 each: 3 heads share a set"),
    ],
)
def test_keys_and_values_are_said_to_be_as_many_as_they_are(request, model, words):
    request.getfixturevalue(model)
    app = carded("split", model=model)
    assert words in prose(app)
    config = load(model).config
    assert str(config.n_kv_heads * config.d_head) in words


# --- a silent head --------------------------------------------------------------------------------


def test_a_silent_head_is_a_run_that_all_pages_show_and_it_can_be_restored():
    app = carded("silent", layer="1", head="3")
    app.button(key="heads_silence").click().run()
    assert (
        not app.exception
        and address(app)["change"] == "head:encoder.1.3"
        and "before and now" in prose(app)
    )
    assert app.button(key="heads_silence").disabled
    click(app, "place", step=["head", 5])
    app.button(key="heads_silence").click().run()
    assert address(app)["change"] == "head:encoder.1.5"
    app.button(key="heads_speak").click().run()
    assert "change" not in address(app)


def test_several_heads_can_be_silent_and_are_restored_together():
    app = carded(
        "silent",
        layer="1",
        head="3",
        model="minilm",
        change="norms+head:encoder.1.3+head:encoder.0.2",
    )
    both = "head 3 of layer 1 and head 2 of layer 0 are silent"
    assert not app.exception and both in " ".join(prose(app).split()).replace("**", "")
    assert not app.button(key="heads_silence").disabled  # it would silence this one alone
    app.button(key="heads_speak").click().run()
    assert not app.exception and address(app)["change"] == "norms"


def test_the_overview_offers_to_restore_what_is_silent():
    def offered(change: str) -> list:
        view = SimpleNamespace(
            side="decoder",
            layer=1,
            head=2,
            config=SimpleNamespace(crosses=False),
            request=SimpleNamespace(change=change),
        )
        chip = experiments.head_chip(view)
        return [chip["words"], chip["on"]]

    assert offered("order") == ["Silence this head", False]
    assert offered("order+head:decoder.1.2") == ["Restore this head", True]
    assert offered("head:decoder.0.1") == ["Restore head 1 of layer 0", True]
    assert offered("head:decoder.0.1+head:decoder.1.2") == ["Restore the silent heads", True]


def test_other_changes_stay_when_a_head_falls_silent():
    asked = silence.without_head(
        RunRequest("minilm", "a", change="norms+head:encoder.0.1+pad:3"), "encoder.2.2"
    )
    assert (
        asked.change == "norms+pad:3+head:encoder.2.2"
        and silence.without_head(asked).change == "norms+pad:3"
    )


@pytest.mark.one_in(2)
def test_a_decoder_shows_the_next_token_before_and_now(tiny_folder):
    config = load(tiny_folder).config
    for side in config.sides:
        app = carded(
            "silent",
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            change=f"head:{side}.0.1",
        )
        assert ("next token" in prose(app)) == bool(config.head and config.decoder_layers)


@pytest.mark.one_in(2)
def test_a_number_without_operands_opens(minilm, tiny_folder):
    """A role that nothing here can have is a mean over no weights; a token alone has no others to
    share with.
    """
    side = load(tiny_folder).config.sides[0]
    for cell, ids in (
        (f"{side}.0.attn.pattern.roles:0,5", "3 5 7"),
        (f"{side}.0.attn.pattern.others:0,0,0", "3"),
    ):
        app = opened(PAGE, model=tiny_folder, sentence=ids, target="4", cell=cell)
        assert not app.exception and parts(app)[0]["name"] == cell and parts(app)[1]["groups"] == []
