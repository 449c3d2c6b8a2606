"""The page Heads: vectors split between heads, attention between words, measured roles, what each
head adds, a silent head.
"""

import numpy as np
import pytest

from core import load
from core.steps.heads import ROLES, word_groups
from core.text import number, percent
from tests.helpers.pages import address, data_of, opened, parts, prose, values_in
from ui.kit import word_grouping
from ui.session import runs
from ui.session.runs import RunRequest
from ui.session.selection import EXAMPLES
from ui.stages import heads

PAGE = "pages/4_Heads.py"
LONG = "Unbelievably, the hippopotamus slept."


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


def test_signs_are_hidden_and_pieces_merged_at_the_left_and_in_the_address():
    app = opened(PAGE, sentence=LONG)
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
    assert "signs hidden, each row shared out anew" in prose(
        app
    ) and "pieces merged into words" in prose(app)
    assert data_of(app, "lines", "lines")["rows"] == shown["rows"]
    app.switch_page("pages/3_Attention.py").run()
    app.session_state["stage"] = 3
    app.run()
    assert any(
        "signs hidden" in title for data in parts(app, "glass_heatmap") for title in data["titles"]
    )
    app.switch_page(PAGE).run()
    app.toggle(key="toggle_hide_special").set_value(False).run()
    assert "bare" not in address(app) and "signs hidden" not in prose(app)


def test_a_hidden_sign_that_is_chosen_is_said():
    app = opened(PAGE, sentence=LONG, bare="1", token="0")
    assert data_of(app, "heads", "heatmap")["row"] is None and "its row is hidden" in prose(app)


def test_what_cannot_be_hidden_or_merged_is_not_offered(tiny_folder):
    app = opened(PAGE, model=tiny_folder, sentence="3 5 7 2 9", target="4 6 8", bare="1", merge="1")
    assert not app.exception and not [
        toggle
        for toggle in app.toggle
        if toggle.key in ("toggle_hide_special", "toggle_merge_pieces")
    ]
    assert "shared out anew" not in prose(app)


def test_a_click_on_a_word_chooses_its_first_piece_and_opens_the_number(monkeypatch):
    here, opened_numbers = {}, []
    monkeypatch.setattr(heads.st, "session_state", here)
    monkeypatch.setattr(heads, "open_number", lambda *cell: opened_numbers.append(cell))
    drawn = word_grouping.Weights(
        "encoder.0.attn.pattern.words.1.1", "", ["a", "b"], [[1, 2], [3]], 0, ""
    )
    heads.open_weight(drawn, 4, 1, 0)
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


def test_roles_are_drawn_from_the_trace_and_the_best_is_named():
    app, trace = (
        opened(PAGE, layer="0", head="2"),
        runs.trace_of(RunRequest("minilm", EXAMPLES[0]["text"])),
    )
    shown, score_HO = (
        data_of(app, "Share of attention", "heatmap"),
        trace["encoder.0.attn.pattern.roles"],
    )
    np.testing.assert_array_equal(values_in(shown)[0], score_HO.astype(np.float32))
    assert shown["columns"] == list(ROLES) and score_HO[2, 0] > heads.STRONG
    assert f"mostly at the token just before: {percent(score_HO[2, 0], 0)}" in prose(app)
    assert f"strong from {heads.STRONG:g}" in prose(app)


def test_a_head_without_a_strong_role_is_said_to_have_none():
    trace = runs.trace_of(RunRequest("minilm", EXAMPLES[0]["text"]))
    score_HO = trace["encoder.0.attn.pattern.roles"]
    head = int(
        np.flatnonzero(
            (score_HO[:, :-1].max(axis=1) < heads.STRONG) & (score_HO[:, -1] < heads.BROAD)
        )[0]
    )
    assert "has no strong role here" in prose(opened(PAGE, layer="0", head=str(head)))


def test_the_heads_are_added_up_on_screen_and_the_difference_is_rounding():
    app, trace = (
        opened(PAGE, layer="3", depth="numbers"),
        runs.trace_of(RunRequest("minilm", EXAMPLES[0]["text"])),
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
    table = data_of(app, "share", "table")
    assert [row[1] for row in table["numbers"]] == [
        number(x) for x in trace[f"{at}.heads.share"][:, t]
    ]


def test_a_silent_head_is_a_run_that_all_pages_show_and_it_can_speak_again():
    app = opened(PAGE, layer="1", head="3")
    app.button(key="heads_silence").click().run()
    assert (
        not app.exception
        and address(app)["change"] == "head:encoder.1.3"
        and "before and now" in prose(app)
    )
    assert app.button(key="heads_silence").disabled
    app.slider(key="head").set_value(5).run()
    app.button(key="heads_silence").click().run()
    assert address(app)["change"] == "head:encoder.1.5"
    app.button(key="heads_speak").click().run()
    assert "change" not in address(app)


def test_other_changes_stay_when_a_head_falls_silent():
    asked = heads.without_head(
        RunRequest("minilm", "a", change="norms+head:encoder.0.1+pad:3"), "encoder.2.2"
    )
    assert (
        asked.change == "norms+pad:3+head:encoder.2.2"
        and heads.without_head(asked).change == "norms+pad:3"
    )


def test_a_decoder_shows_the_next_token_before_and_now(tiny_folder):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            change=f"head:{side}.0.1",
        )
        assert not app.exception
        assert ("next token" in prose(app)) == bool(config.head and config.decoder_layers)


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
