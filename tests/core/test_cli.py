"""python -m core: what is printed is what the engine computed, errors are one line, and nothing
that was typed steers a terminal.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import explain, load, why
from core.cli import attend, screen
from core.cli import models as models_command
from core.cli.main import COMMANDS, main, opened
from core.models.catalogue import CATALOGUE
from core.places import APP
from core.source import lines_that_made
from core.text import number, on_one_line, percent
from tests.helpers import make_command_line
from tests.helpers.study import tokenizer_of, write_study
from tests.helpers.tiny import golden

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "The books that the student recommended"
HOSTILE = "The \x1b[31mred\x1b]0;title\x07 books\u202e\x9b2J\x7f\r\nthat\u2028it\x00"
SHADED = re.compile(r"[ ░▒▓█]( *[<>]?\d+)|(·)")


@pytest.fixture(scope="module")
def study():
    return load("study-decoder")


@pytest.fixture(scope="module")
def trace(study):
    return study.trace(SENTENCE)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def answer(capsys, *arguments: str) -> str:
    """What a command that succeeds prints."""
    assert main(arguments) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def in_json(capsys, *arguments: str):
    """The same with --json."""
    return json.loads(answer(capsys, *arguments, "--json"))


def is_harmless(text: str) -> bool:
    """Whether lines hold only letters that can be seen, and spaces."""
    return all(line.isprintable() for line in text.split("\n"))


# --- how one asks ---------------------------------------------------------------------------------


def helps() -> list[list[str]]:
    """All places at which --help can be asked for."""
    return [[], *([name] for name in COMMANDS), *(["models", s] for s in models_command.SORTS)]


@pytest.mark.parametrize("asked", helps(), ids=" ".join)
def test_help_has_an_example(capsys, asked):
    with pytest.raises(SystemExit) as caught:
        main([*asked, "--help"])
    printed = capsys.readouterr()
    assert caught.value.code == 0 and printed.err == ""
    assert f"usage: {' '.join(['python -m core', *asked])}" in printed.out
    assert " ".join(["  python -m core", *asked]) in printed.out.partition("example:")[2]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("models", "app")])
def test_the_examples_of_the_help_run(capsys, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main([name, "--help"])
    lines = capsys.readouterr().out.partition("example:")[2].splitlines()
    ran = 0
    for line in filter(None, map(str.strip, lines)):
        typed, _, command = line.rpartition(" | ")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode()[6:-1])))
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "core"] and main(words[3:]) == 0, command
        assert capsys.readouterr().out
        ran += 1
    assert ran >= 2


@pytest.mark.parametrize(
    "asked, options",
    (
        ([], []),
        (["--port", "8600", "--no-browser"], ["--server.port=8600", "--server.headless=true"]),
        (["--address", "0.0.0.0"], ["--server.address=0.0.0.0"]),
    ),
)
def test_the_app_is_opened_from_its_own_folder(monkeypatch, tmp_path, asked, options):
    """tests/package opens it; here nobody waits for a server to end."""
    monkeypatch.chdir(tmp_path)
    ran = []
    monkeypatch.setattr(
        "streamlit.web.cli.main", lambda words, **more: ran.append((words, Path.cwd()))
    )
    assert main(["app", *asked]) == 0
    assert ran == [(["run", "app.py", *options], APP)]


def test_the_command_alone_opens_the_app(monkeypatch):
    ran = []
    monkeypatch.setattr("core.cli.main.main", lambda words: ran.append(words) or 0)
    for words in (["glassformer"], ["glassformer", "models", "list"]):
        monkeypatch.setattr(sys, "argv", words)
        assert opened() == 0
    assert ran == [["app"], ["models", "list"]]


@pytest.mark.parametrize(
    "asked",
    (
        [],
        ["bring"],
        ["app", "--port", "0"],
        ["app", "--port", "eight"],
        ["\x1b[31mbring"],
        ["trace"],
        ["trace", "a", "--out", "run.txt"],
        ["trace", "a", "--\x1b[31m", "b"],
        ["explain", "decoder.0.out", "--sentence", "a"],
        ["explain", "decoder.0.out", "0", "0"],
        ["explain", "decoder.0.out", "0,x\x07", "--sentence", "a"],
        ["attend", "a", "--layer", "first"],
        ["attend", "a", "--side", "left"],
        ["why", "a", "--top", "-1"],
        ["models"],
        ["models", "check"],
    ),
    ids=lambda asked: on_one_line(" ".join(asked)),
)
def test_who_asks_wrongly_is_told_how_to_ask(capsys, asked):
    with pytest.raises(SystemExit) as caught:
        main(asked)
    printed = capsys.readouterr()
    assert caught.value.code == 2 and printed.out == ""
    assert printed.err.startswith("usage: python -m core") and is_harmless(printed.err)


NO_FOLDER = "nowhere/run.npz"
REFUSED = {
    "There is no model “nothing”": ["trace", "a", "--model", "nothing"],
    "is empty": ["trace", " \t"],
    "no mask called “half”": ["trace", "a", "--mask", "half"],
    "no change called “upside”": ["trace", "a", "--change", "upside"],
    "has one side": ["trace", "a", "--target", "b"],
    "cannot be written": ["trace", "a", "--out", NO_FOLDER],
    "No step fits “decoder.9.*”": ["trace", "a", "--only", "decoder.9.*"],
    "no step “decoder.0.attn.queue”": ["explain", "decoder.0.attn.queue", "0"],
    "the cell (0, 9, 0) is outside": ["explain", "decoder.0.attn.q", "0", "9", "0"],
    "the cell (-1, 0, 0) is outside": ["explain", "decoder.0.attn.q", "-1", "0", "0"],
    "a cell is named by 3 whole numbers": ["explain", "decoder.0.attn.q", "0"],
    "no attention “decoder.4.0”": ["attend", "a", "--layer", "4"],
    "no head “decoder.0.5”": ["attend", "a", "--head", "5"],
    "no head “decoder.-1.0”": ["attend", "a", "--layer", "-1"],
    "no attention “encoder.0.0”": ["attend", "a", "--side", "encoder"],
    "is an LSTM": ["attend", "a", "--model", "study-lstm"],
    "has no masks": ["trace", "a", "--model", "study-lstm", "--mask", "full"],
    "is not one token": ["why", "a", "--word", "books are"],
    "it reads [UNK]": ["why", "a", "--word", "ж"],
    "The vocabulary goes from 0 to": ["why", "a", "--word", "#99999999"],
    "are both “are”": ["why", "a", "--word", "are", "--rival", "are"],
    "there is none at 7": ["why", "a", "--at", "7"],
    "cannot tell two texts apart": ["why", "a", "--second", "b"],
    "has no chat template": ["trace", "a", "--chat"],
    "is not on this machine yet": ["models", "check", "gpt2"],
}


@pytest.mark.parametrize("says", REFUSED)
def test_a_refusal_is_one_line_on_stderr(capsys, monkeypatch, tmp_path, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    asked = REFUSED[says]
    assert main([*asked, *(["--sentence", "a"] if asked[0] == "explain" else [])]) == 1
    printed = capsys.readouterr()
    assert says in printed.err and printed.out == ""
    assert printed.err.count("\n") == 1


def test_a_text_too_long_for_the_memory_is_refused_before_it_runs(capsys, monkeypatch):
    monkeypatch.setenv("GLASSFORMER_MEMORY", "8")
    assert main(["trace", "book " * 100]) == 1
    assert "does not fit into 8 MB of memory" in capsys.readouterr().err
    assert main(["trace", "book " * 9_000, "--model", "study-lstm"]) == 1
    assert "does not fit into 8 MB of memory" in capsys.readouterr().err
    monkeypatch.delenv("GLASSFORMER_MEMORY")
    assert main(["trace", "book " * 200]) == 1
    assert "positions for only 128" in capsys.readouterr().err


# --- what is printed ------------------------------------------------------------------------------


def test_trace_lists_the_steps_and_their_shapes(capsys, trace):
    _, *lines = answer(capsys, "trace", SENTENCE).splitlines()
    assert [line.split()[:2] for line in lines] == [[n, trace.axes(n)] for n in trace.names]
    said = in_json(capsys, "trace", SENTENCE)
    assert said["sentence"] == SENTENCE and said["model"] == "study-decoder"
    assert said["tokens"] == {"decoder": ["[START]", *SENTENCE.lower().split()]}
    assert {n: tuple(a["shape"]) for n, a in said["steps"].items()} == {
        n: trace.shape(n) for n in trace.names
    }


def test_trace_writes_the_run_and_only_what_is_wanted(capsys, trace, tmp_path):
    path = tmp_path / "run.npz"
    wanted = ("--only", "decoder.3.attn.*", "--only", "head.logits")
    said = answer(capsys, "trace", SENTENCE, "--out", str(path), *wanted)
    with np.load(path) as file:
        names = [n for n in trace.names if n.startswith("decoder.3.attn.") or n == "head.logits"]
        assert set(file.files) == {"trace.json", *names} and f"{len(names)} arrays" in said
        assert all(np.array_equal(file[name], trace[name]) for name in names)
        assert list(json.loads(file["trace.json"])["steps"]) == names


def test_a_run_is_named_by_mask_change_model_and_target(capsys, study, tmp_path):
    path = tmp_path / "run.npz"
    asked = ("--mask", "full", "--change", "head:decoder.3.4")
    answer(capsys, "trace", SENTENCE, *asked, "--out", str(path))
    with np.load(path) as file:
        assert file["decoder.0.attn.mask"].all() and not file["decoder.3.attn.z"][4].any()
        said = json.loads(file["trace.json"])
    assert (said["mask"], said["change"]) == ("full", "head:decoder.3.4")
    assert (
        "decoder.0.attn.mask" not in in_json(capsys, "trace", "x", "--model", "study-lstm")["steps"]
    )
    translator = load("study-translator")
    written = in_json(capsys, "trace", SENTENCE, "--model", "study-translator")["tokens"]
    ids_L = translator.trace(SENTENCE)["decoder.embed.ids"]
    assert written["decoder"] == [translator.tokenizer.piece(i) for i in ids_L]
    asked = ("--model", "study-translator", "--target", "les livres")
    given = in_json(capsys, "trace", SENTENCE, *asked)
    assert given["target"] == "les livres"
    assert len(given["tokens"]["decoder"]) < len(written["decoder"])


@pytest.mark.parametrize(
    "name, index",
    (
        ("decoder.3.attn.pattern", (4, 6, 2)),
        ("decoder.2.mlp.out", (5, 17)),
        ("decoder.1.attn.scores", (0, 1, 4)),
        ("head.probs", (6, 40)),
        ("weights/decoder.0.attn.q.weight", (3, 2)),
        ("head.logits.against.6.40.41", (3,)),
    ),
)
def test_explain_says_what_the_engine_says(capsys, trace, name, index):
    made, cell = explain(trace, name, index), list(map(str, index))
    said = answer(capsys, "explain", name, *cell, "--sentence", SENTENCE)
    assert said.startswith(f"{name}[{', '.join(cell)}] = {number(made.value)}\n")
    assert made.formula in said and number(made.recomputed, 9) in said and made.story in said
    assert all(f"{group.role}: " in said for group in made.groups)
    code = lines_that_made(trace, name)
    marked = [line[8:] for line in said.splitlines() if line.startswith(">")]
    wanted = [s.lines[n - s.first] for s in code for n in sorted(s.highlighted)]
    assert marked == [on_one_line(line).rstrip() for line in wanted]
    read = in_json(capsys, "explain", name, ",".join(cell), "--sentence", SENTENCE)
    value = made.value if np.isfinite(made.value) else "-Infinity"
    assert (read["value"], read["index"]) == (value, list(index))
    assert len(read["operands"]) == len(made.operands)
    assert [each["function"] for each in read["code"]] == [each.function for each in code]


def test_explain_names_the_largest_operands_and_counts_the_others(capsys, trace):
    made = explain(trace, "decoder.0.mlp.out", (1, 2))
    said = answer(capsys, "explain", "decoder.0.mlp.out", "1", "2", "--sentence", SENTENCE)
    first = made.groups[0]
    assert f"and {len(first.values_N) - 12} smaller ones" in said
    largest = first.indices_NI[np.abs(first.values_N).argmax()].tolist()
    below = said.partition(f"{first.role}: {first.name}")[2].splitlines()
    assert below[1].split("  ")[1] == str(largest)


def test_attend_prints_the_weights(capsys, monkeypatch, trace):
    monkeypatch.setenv("COLUMNS", "100")
    pattern_LM = trace["decoder.3.attn.pattern"][4]
    asked = ("attend", SENTENCE, "--layer", "3", "--head", "4")
    lines = answer(capsys, *asked).splitlines()
    assert [line.split()[1] for line in lines[5:]] == lines[4].split()
    for l, line in enumerate(lines[5:]):
        cells = [found[1] or found[2] for found in SHADED.finditer(line[14:])]
        wanted = [
            percent(w, 0).removesuffix("%") if m <= l else "·" for m, w in enumerate(pattern_LM[l])
        ]
        assert [cell.strip() for cell in cells] == wanted
    read = in_json(capsys, *asked)
    assert np.array_equal(np.array(read["weights"], np.float32), pattern_LM)
    assert np.array_equal(np.array(read["hidden"]), ~trace["decoder.3.attn.mask"])


def test_a_translator_looks_across(capsys):
    asked = ("--model", "study-translator", "--layer", "3", "--head", "1")
    read = in_json(capsys, "attend", "The books are old.", *asked, "--side", "cross")
    tokens = in_json(capsys, "trace", "The books are old.", *asked[:2])["tokens"]
    assert read["name"] == "decoder.3.cross.pattern"
    assert (read["rows"], read["columns"]) == (tokens["decoder"], tokens["encoder"])


def test_why_adds_up_to_the_difference(capsys, study, trace):
    are, is_ = (study.tokenizer.id_of(word) for word in ("are", "is"))
    parts = why.parts(trace, are, is_)
    read = in_json(capsys, "why", SENTENCE, "--word", "are", "--rival", "is")
    assert [each["part"] for each in read["parts"]] == parts.parts_S.tolist()
    assert sum(each["part"] for each in read["parts"]) == pytest.approx(read["recorded"], abs=1e-4)
    said = answer(capsys, "why", SENTENCE, "--word", "are", "--rival", "is", "--top", "3")
    lines = said.splitlines()
    assert lines[0] == "“are” − “is” after “recommended” (6)"
    named = [line.split()[-1] for line in lines[3:6]]
    assert named == [name for name, _ in parts.largest(3)]
    shown = [float(line.split()[0].replace("−", "-")) for line in lines[3:7]]
    assert sum(shown) == pytest.approx(parts.total, abs=1e-3)
    every = answer(capsys, "why", SENTENCE, "--word", "are", "--rival", "is", "--top", "0")
    assert len(every.splitlines()) == len(parts.names) + 4 and "smaller parts" not in every


def test_why_asks_for_the_two_likeliest_words_by_itself(capsys, trace):
    read = in_json(capsys, "why", SENTENCE)
    best = np.argsort(-trace["head.probs"][-1])[:2]
    assert [read["word"]["id"], read["rival"]["id"]] == best.tolist()
    alone = in_json(capsys, "why", SENTENCE, "--alone", "--word", f"#{best[1]}", "--at", "2")
    assert alone["rival"] is None and alone["position"] == 2
    logits_V = trace["head.logits"][2].astype(np.float64)
    assert alone["recorded"] == pytest.approx(logits_V[best[1]])


def test_why_of_an_encoder_is_about_the_hidden_word(capsys):
    said = answer(capsys, "why", "The books [MASK] old .", "--model", "study-encoder")
    assert said.splitlines()[0].endswith("at “[MASK]” (3)")


# --- models ---------------------------------------------------------------------------------------


def test_models_are_listed_in_json_as_well(capsys):
    listed = in_json(capsys, "models", "list")
    assert {each["name"] for each in listed} >= set(CATALOGUE)
    study = next(each for each in listed if each["name"] == "study-decoder")
    assert study["path"].endswith("study-decoder") and study["download_bytes"] is None


@pytest.mark.parametrize("family", ("bert", "gpt2", "llama_tied", "t5_gated", "marian", "albert"))
def test_check_says_what_a_folder_is(capsys, tmp_path, family):
    folder = str(golden(family).write(tmp_path / family))
    said, model = in_json(capsys, "models", "check", folder), load(folder)
    assert said["read"] and said["family"] == model.config.family
    assert said["learned_numbers"] == sum(each.size for each in golden(family).tensors.values())
    assert said["notes"] == list(model.notes)
    assert not said["tokenizer"] and any("Type token ids" in note for note in said["notes"])
    assert answer(capsys, "models", "check", folder).startswith(f"{folder} is read.\n")


def test_check_says_why_a_folder_is_refused(capsys, tmp_path):
    model = golden("gpt2")
    folder = str(model.write(tmp_path / "model"))
    config = model.config | {"scale_attn_by_inverse_layer_idx": True}
    (tmp_path / "model/config.json").write_text(json.dumps(config))
    assert main(["models", "check", folder]) == 1
    printed = capsys.readouterr()
    assert "scale_attn_by_inverse_layer_idx" in printed.err and printed.out == ""
    assert main(["models", "check", folder, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "name": folder,
        "read": False,
        "why": printed.err.rstrip("\n"),
    }


def test_a_model_without_a_tokenizer_reads_token_ids(capsys, tmp_path):
    folder = str(golden("gpt2").write(tmp_path / "model"))
    said = in_json(capsys, "trace", "3 1, 2", "--model", folder)
    assert said["tokens"] == {"decoder": ["#3", "#1", "#2"]}
    assert "after “#2” (2)" in answer(capsys, "why", "3 1 2", "--model", folder, "--rival", "#5")
    assert main(["trace", "words", "--model", folder]) == 1
    assert "type token ids" in capsys.readouterr().err


# --- the terminal ---------------------------------------------------------------------------------


def hostile_model(folder: Path) -> str:
    """A study model whose vocabulary holds what steers a terminal, in a folder named like it."""
    at = write_study(folder / "a\x1b[2Jb", "study-decoder")
    library = json.loads(tokenizer_of("study-decoder").to_str())
    words = library["model"]["vocab"]
    for word, evil in (("books", "\x1b[31mred\x07"), ("old", "\u202e\x9b")):
        words[evil] = words.pop(word)
    (at / "tokenizer.json").write_text(json.dumps(library))
    return str(at)


EVERY = (
    ["trace", HOSTILE],
    ["explain", "decoder.1.attn.pattern", "0", "2", "1", "--sentence", HOSTILE],
    ["explain", "head.logits", "0", "5", "--sentence", HOSTILE],
    ["explain", "decoder.0.\x1b[31m", "0", "--sentence", HOSTILE],
    ["attend", HOSTILE],
    ["why", HOSTILE],
    ["why", HOSTILE, "--word", "\x1b[31mbooks"],
    ["trace", HOSTILE, "--change", "\x1b[31m"],
    ["trace", HOSTILE, "--only", "\x1b[31m"],
    ["trace", HOSTILE, "--mask", "\x1b[31m"],
)


@pytest.mark.parametrize("json_too", ((), ("--json",)), ids=("text", "json"))
@pytest.mark.parametrize("model", ("study-decoder", "hostile"))
@pytest.mark.parametrize("asked", EVERY, ids=lambda asked: on_one_line(" ".join(asked[:2])))
def test_no_text_of_others_steers_the_terminal(capsys, tmp_path, asked, model, json_too):
    name = hostile_model(tmp_path) if model == "hostile" else model
    main([*asked, "--model", name, *json_too])
    printed = capsys.readouterr()
    assert printed.out + printed.err and is_harmless(printed.out) and is_harmless(printed.err)


def test_pieces_that_steer_a_terminal_are_written_as_numbers(capsys, tmp_path):
    name = hostile_model(tmp_path)
    piece = load(name).tokenizer.id_of("\x1b[31mred\x07")
    said = answer(capsys, "why", "The book", "--model", name, "--word", f"#{piece}")
    assert "U+001B[31mredU+0007" in said
    said = answer(capsys, "models", "check", name)
    assert "aU+001B[2Jb" in said and is_harmless(said)


def a_map(tokens: list[str], share: float = 0.3) -> attend.Map:
    """A map of made-up weights under the causal mask."""
    size = len(tokens)
    mask_LM = np.tri(size, dtype=bool)
    return attend.Map("", "", 0, np.where(mask_LM, share, 0.0), mask_LM, tokens, tokens)


@pytest.mark.parametrize("columns", (20, 40, 80, 200))
@pytest.mark.parametrize("tokens", (1, 7, 12, 40, 130))
@pytest.mark.parametrize("word", ("book", "漢字", "e\u0301te\u0301", "unbelievably long words"))
def test_a_map_fits_the_terminal_and_shows_every_cell_once(columns, tokens, word):
    drawn = a_map([word] * tokens)
    lines = attend.picture(drawn, attend.Paper(columns, attend.SHADES, False))
    assert max(map(screen.columns_of, lines)) <= columns
    shades = sum(line.count("▒") for line in lines)
    hidden = sum(line.count("·") for line in lines)
    assert (shades, hidden) == (tokens * (tokens + 1) // 2, tokens * (tokens - 1) // 2)


def test_columns_stand_below_their_tokens_whatever_letters_these_have():
    drawn = a_map(["a", "漢字", "e\u0301", "b"])
    *_, head, _, _, _, last = attend.picture(drawn, attend.Paper(60, attend.SHADES, False))
    starts = [screen.columns_of(head[: head.index(token)]) for token in drawn.columns]
    cells = [screen.columns_of(last[: found.start()]) for found in re.finditer("▒", last)]
    assert starts == cells


@pytest.mark.parametrize(
    "weight, drawn",
    [
        (0, " "),
        (1e-9, "░"),
        (0.25, "░"),
        (0.2501, "▒"),
        (0.5, "▒"),
        (0.75, "▓"),
        (0.8, "█"),
        (1, "█"),
    ],
)
def test_a_shade_is_a_quarter(weight, drawn):
    assert attend.SHADES[attend.shade(weight)] == drawn
    assert attend.cell(weight, True, attend.Paper(80, attend.SHADES, False), 1) == drawn


def attended(monkeypatch, out, *more: str) -> str:
    """A map on a stream."""
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["attend", SENTENCE, "--layer", "3", *more]) == 0
    return out.getvalue()


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = attended(monkeypatch, Terminal())
    bare = attended(monkeypatch, io.StringIO())
    assert "\x1b[94m" in coloured and "\x1b" not in bare
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == bare
    assert attended(monkeypatch, Terminal(), "--no-color") == bare
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            assert attended(changed, Terminal()) == bare


def test_a_terminal_without_shades_has_signs(monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="ascii"))
    assert main(["attend", SENTENCE, "--layer", "3", "--head", "4"]) == 0
    sys.stdout.flush()
    assert b"#>99" in data.getvalue() and b"\\u25" not in data.getvalue()


def test_progress_is_shown_on_a_terminal_and_wiped_away(monkeypatch, capsys, tmp_path):
    asked = ["trace", SENTENCE, "--out", str(tmp_path / "run.npz")]
    assert main(asked) == 0 and capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    assert main(asked) == 0
    lines = shown.getvalue().split("\r")
    assert any("run.npz … 100 of 122" in line for line in lines)
    assert lines[-1] == "" and set(lines[-2]) == {" "}
    assert len(lines[-2]) >= max(map(len, lines))


# --- how it ends ----------------------------------------------------------------------------------


def test_a_sentence_may_stand_on_stdin(capsys, monkeypatch):
    for data in (SENTENCE, SENTENCE + "\n", SENTENCE + "\r\n"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        assert in_json(capsys, "trace", "-")["sentence"] == SENTENCE
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"book\xff")))
    assert main(["attend", "-"]) == 1
    assert "byte 4 begins no letter" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"book " * 900_000)))
    assert main(["attend", "-"]) == 1
    assert "1,000,000 characters; stdin holds more" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["attend", "-"]) == 1
    assert "no stdin" in capsys.readouterr().err


def test_ctrl_c_ends_quietly_and_leaves_no_file(capsys, monkeypatch, tmp_path):
    def stop(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", stop)
    assert main(["trace", "a", "--out", str(tmp_path / "run.npz")]) == 128 + signal.SIGINT
    printed = capsys.readouterr()
    assert printed.out + printed.err == "" and list(tmp_path.iterdir()) == []


def test_too_little_memory_is_one_line(capsys, monkeypatch):
    def fail(*given, **more):
        raise MemoryError

    monkeypatch.setattr("core.whatif.forward", fail)
    assert main(["attend", "a"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def process(*arguments: str, **more) -> subprocess.CompletedProcess:
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, check=False, **more)


def test_as_a_program_it_reads_stdin_and_gives_its_exit_code():
    given = {"input": SENTENCE.encode(), "stdout": subprocess.PIPE}
    found = process("explain", "decoder.3.attn.pattern", "4", "6", "2", "--sentence", "-", **given)
    assert found.returncode == 0 and found.stderr == b""
    assert found.stdout.decode().startswith("decoder.3.attn.pattern[4, 6, 2] = 0.955")
    refused = process("trace", "a", "--model", "nothing", **given)
    assert refused.returncode == 1 and refused.stdout == b"" and b"Traceback" not in refused.stderr


def test_whoever_reads_the_output_may_stop():
    reads, writes = os.pipe()
    os.close(reads)
    try:
        found = process("trace", SENTENCE, "--json", stdout=writes)
    finally:
        os.close(writes)
    assert found.returncode == 0 and found.stderr == b""


def test_a_closed_output_is_no_error():
    closed = ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m core attend a >&- 2>&-"]
    assert subprocess.run(closed, cwd=ROOT, check=False).returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "wb") as full:
        found = process("models", "list", stdout=full)
    assert found.returncode == 1 and found.stderr == b"The output: No space left on device.\n"


def test_the_models_are_listed_without_the_engine():
    """They are in a hurry who only want the list: NumPy takes a tenth of a second."""
    code = (
        "import sys; from core.cli.main import main; main(['models', 'list']);"
        " sys.exit('numpy' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 0 and b"study-decoder" in found.stdout


# --- the documents --------------------------------------------------------------------------------

NUMBER = re.compile(r"[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-−+]?\d+)?")
LINE_OF_CODE = re.compile(r"^[> ] +\d+  |(?<=\.py:)\d+")
EXAMPLES = make_command_line.examples(make_command_line.FILE.read_text(encoding="utf-8"))


def words_and_numbers(text: str) -> tuple[str, list[float]]:
    """A text without its numbers and without what depends on their length, and the numbers."""
    lines = [LINE_OF_CODE.sub("", line) for line in text.splitlines()]
    bare = "\n".join(lines)
    numbers = [float(each.replace("−", "-").replace(",", "")) for each in NUMBER.findall(bare)]
    return re.sub(r"\s+", " ", NUMBER.sub("#", bare)), numbers


@pytest.mark.parametrize("command, below", EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_the_documents_show_what_is_printed(command, below):
    """After a change: python -m tests.helpers.make_command_line. Another machine may round
    otherwise, and lines of code may move.
    """
    words, numbers = words_and_numbers(make_command_line.printed(command))
    shown_words, shown = words_and_numbers(below)
    assert words == shown_words and numbers == pytest.approx(shown, rel=1e-3, abs=1e-4)


def test_the_documents_show_every_command():
    shown = {shlex.split(command)[3] for command, _ in EXAMPLES}
    assert shown == set(COMMANDS)


def test_the_documents_read_a_run_back_as_they_say(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("run.npz", "run.safetensors"):
        answer(capsys, "trace", "The books are old.", "--out", name)
    text = make_command_line.FILE.read_text(encoding="utf-8")
    names: dict = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(compile(code, "docs/command-line.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed == re.findall(r"print\(.*\)  # (.+)", text)
    assert names["pattern"].shape == (5, 6, 6)
