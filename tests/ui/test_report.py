"""A report holds the run's own numbers, keeps within its limit, and lets nothing out."""

from __future__ import annotations

import io
import re
import shlex
from base64 import b64encode
from contextlib import redirect_stdout
from hashlib import sha256

import numpy as np
import pytest

from core.cli.main import main
from core.errors import GlassError
from core.explanation import explain
from core.text import number
from tests.helpers.pages import opened
from tests.helpers.reports import ALL, SENTENCE, SIXTEEN, array, held, looked_at
from ui.report import contents as contents_of
from ui.report.bundle import script
from ui.report.document import report, theme_named
from ui.report.stages import STAGES, belongs, stages_named
from ui.session.runs import LSTM, RunRequest
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.shell.report import key_of

HOSTILE = "</script><img src=x onerror=alert(1)> <!-- & \"the\" 'books' \u2028 ]]> {sentence}"


@pytest.fixture(scope="module")
def decoder():
    """The study model's report, with all stages, of 16 tokens."""
    view = looked_at("study-decoder", SIXTEEN, layer=3, head=4)
    return view, report(view, ALL)


def test_a_report_of_sixteen_tokens_holds_the_whole_run_of_the_study_model(decoder):
    view, made = decoder
    assert len(view.tokens("decoder")) == 16
    assert made.left_out == () and made.nbytes == len(made.text.encode()) <= 5_000_000
    steps = held(made.text, "contents")["steps"]
    outside = [name for name in view.trace.names if name not in steps]
    assert outside == []


def test_its_numbers_are_those_of_the_trace_to_the_last_bit(decoder):
    view, made = decoder
    steps = held(made.text, "contents")["steps"]
    for name in steps:
        if name.startswith("weights/"):
            own = np.asarray(view.trace.weights[name.removeprefix("weights/")])
        else:
            own = view.trace[name]
            assert steps[name]["axes"] == view.trace.axes(name)
        found = array(steps, name).astype(own.dtype)
        assert found.shape == own.shape and found.tobytes() == np.ascontiguousarray(own).tobytes()


def test_the_picture_of_the_model_has_every_layer_and_head(decoder):
    view, made = decoder
    found = held(made.text, "contents")
    c = view.config
    places = {
        f"decoder.{n}.attn.pattern|{h}"
        for n in range(c.layers("decoder"))
        for h in range(c.n_heads)
    }
    assert places <= set(found["maps"])
    assert set(found["opens"]) == {f"decoder.{n}" for n in range(c.layers("decoder"))}
    assert set(map(int, found["river"]["outputs"])) == set(range(16))


def test_the_sentence_is_text_wherever_it_stands():
    view = looked_at("study-encoder", HOSTILE)
    text = report(view, ("river", "output")).text
    assert held(text, "facts")["sentence"] == HOSTILE
    assert "<img" not in text and text.count("<script") == text.count("</script>") == 3
    assert "alert(1)" in text and "<!--" not in text.partition("<body>")[2]


def test_only_its_own_script_may_run_and_nothing_may_be_asked_for(decoder):
    _, made = decoder
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', made.text)
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'" and "connect-src" not in allowed
    code = made.text.rpartition("<script>")[2].partition("</script>")[0]
    look = made.text.partition("<style>")[2].partition("</style>")[0]
    for directive, text in (("script-src", code), ("style-src", look)):
        own = b64encode(sha256(text.encode()).digest()).decode()
        assert allowed[directive] == f"'sha256-{own}'"
    assert not re.search(r'(?:src|href)="(?!data:)', made.text.partition("<body>")[0])


def test_what_does_not_fit_is_left_out_and_named(monkeypatch):
    view = looked_at("study-decoder", layer=2)
    monkeypatch.setattr("ui.report.document.LIMIT", 700_000)
    made = report(view, ALL)
    assert made.nbytes <= 700_000
    assert made.left_out == tuple(held(made.text, "facts")["left_out"])
    assert any(line.startswith("Learned numbers: layer 2") for line in made.left_out)
    steps = held(made.text, "contents")["steps"]
    assert "decoder.2.attn.pattern" in steps and "weights/decoder.2.attn.q.weight" not in steps


def test_where_not_one_layer_fits_there_is_no_report(monkeypatch):
    monkeypatch.setattr("ui.report.document.LIMIT", 250_000)
    with pytest.raises(GlassError, match="at most 5 MB.*7 tokens.*Shorten"):
        report(looked_at("study-decoder"), ALL)


def test_nearer_layers_go_in_first():
    view = looked_at("study-decoder", layer=2)
    assert [layer for _, layer in contents_of.layers_around(view)] == [2, 1, 3, 0]
    both = contents_of.layers_around(looked_at("study-translator", layer=1))
    assert both[0] == ("decoder", 1) and both[-1][0] == "encoder"


def test_an_lstm_has_no_report():
    with pytest.raises(GlassError, match="LSTM"):
        report(View(RunRequest(LSTM, SENTENCE), "lstm", 0, 0, 0), ALL)


def test_stages_are_chosen_by_name():
    assert stages_named("heads, river") == ("river", "heads")
    for wrong in ("heads,river,everything", "", " , "):
        with pytest.raises(GlassError, match="river, heads, attention"):
            stages_named(wrong)
    view = looked_at("study-decoder")
    made = report(view, ("heads",))
    found = held(made.text, "contents")
    assert "river" not in found and "decoder.0.mlp.hidden" not in found["steps"]
    assert [stage["name"] for stage in held(made.text, "facts")["stages"]] == ["heads"]


def test_the_help_of_the_command_names_all_stages(capsys):
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    words = re.findall(r"\w+", capsys.readouterr().out)
    assert set(STAGES) <= set(words)


def test_each_step_of_a_layer_belongs_to_a_stage():
    names = looked_at("study-translator").trace.names
    ends = {name.split(".", 2)[2] for name in names if re.match(r"(en|de)coder\.\d", name)}
    assert [end for end in ends if not any(belongs(stage, end) for stage in STAGES)] == []


def test_the_script_has_no_module_left_to_ask_for():
    code = script()
    assert not re.search(r"^(import|export)\b", code, re.M)
    assert "import(" not in code and "fetch(" not in code and "XMLHttpRequest" not in code


def test_its_colours_are_those_of_the_app():
    light = theme_named("light")
    assert light["backgroundColor"] == "#ffffff"
    assert (
        light["chartDivergingColors"].count("#") == light["chartSequentialColors"].count("#") == 10
    )


def test_the_command_writes_what_the_app_writes(tmp_path, capsys):
    file = tmp_path / "r.html"
    place = ["--layer", "3", "--head", "4", "--stages", "heads,output"]
    assert main(["report", SENTENCE, "--out", str(file), *place]) == 0
    assert re.fullmatch(r".*r\.html: 0\.\d MB\.\n", capsys.readouterr().out)
    view = looked_at("study-decoder", layer=3, head=4)
    assert file.read_text("utf-8") == report(view, ("heads", "output")).text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--layer", "9"], "no layer 9: the last one is 3"),
        (["--token", "70"], "no token 70"),
        (["--stages", "rivers"], "no stage “rivers”"),
        (["--side", "encoder"], "has no encoder"),
        (["--model", "study-lstm"], "LSTM"),
        (["--change", "nonsense"], "nonsense"),
    ],
)
def test_a_wrong_request_is_refused_and_leaves_no_file(tmp_path, capsys, wrong, said):
    file = tmp_path / "r.html"
    assert main(["report", SENTENCE, "--out", str(file), *wrong]) == 1
    assert said in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_number_that_is_not_in_the_file_has_a_command_that_opens_it(decoder, capsys):
    view, made = decoder
    command = held(made.text, "facts")["command"]
    assert command.startswith("python -m core explain {cell} --sentence 'The books")
    words = shlex.split(command.replace("{cell}", "decoder.3.attn.q 0 1 2"))[3:]
    with redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0
    value = explain(view.trace, "decoder.3.attn.q", (0, 1, 2)).value
    assert out.getvalue().startswith(f"decoder.3.attn.q[0, 1, 2] = {number(value)}\n")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["study-encoder", "study-translator", "minilm"])
def test_every_model_of_the_list_keeps_within_the_limit(model):
    made = report(looked_at(model, SIXTEEN), ALL)
    assert made.nbytes <= 5_000_000
    assert not any(line.startswith(("All heads", "The whole model")) for line in made.left_out)


def test_the_window_in_the_app_makes_the_file_of_what_is_looked_at():
    app = opened(model="study-decoder", sentence=SENTENCE, layer="3", head="4")
    assert "make_report" not in {button.key for button in app.button}
    app = app.button(key="report").click().run()
    app = app.button(key="make_report").click().run()
    assert not app.exception and not app.error
    labels = [each.proto.label for each in app.get("download_button")]
    assert any(re.fullmatch(r"Save the file, \d\.\d MB", label) for label in labels)
    view = looked_at("study-decoder", layer=3, head=4)
    kept = SHELF.find(key_of(view, ALL))
    assert kept.text == report(view, ALL).text
