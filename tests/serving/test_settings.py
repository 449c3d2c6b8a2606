"""Every setting is read in one room, has its defaults there, and stands in docs/serving.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core import settings
from core.settings import PREFIX, SETTINGS, whole

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [name for name, setting in SETTINGS.items() if setting.default is not None]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("said", ["", " ", "many", "-1", "1.5", "²"])
def test_what_is_no_whole_number_counts_as_not_said(name, said, monkeypatch):
    monkeypatch.setenv(PREFIX + name, said)
    assert whole(name) == SETTINGS[name].default
    assert whole(name, public=True) == SETTINGS[name].public


@pytest.mark.parametrize("public", [False, True])
def test_what_is_said_holds_on_every_server(public, monkeypatch):
    monkeypatch.setenv("GLASSFORMER_BUDGET", " 7 ")
    assert whole("BUDGET", public) == 7
    monkeypatch.setenv("GLASSFORMER_BUDGET", "0")
    assert whole("BUDGET", public) == 0


def test_a_public_server_has_a_limit_wherever_there_is_one():
    for name in ("SECONDS", "AT_ONCE", "WAITING", "BUDGET", "TAUGHT"):
        assert whole(name, public=True) > 0


def test_no_other_file_reads_a_setting_from_the_environment():
    rooms = [path for room in ("core", "ui", "pages") for path in (ROOT / room).rglob("*.py")]
    read = re.compile(rf"(environ|getenv)\W[^\n]*{PREFIX}")
    found = [path.name for path in rooms if read.search(path.read_text(encoding="utf-8"))]
    assert len(rooms) > 100 and found == []
    assert "os.environ" in Path(settings.__file__).read_text(encoding="utf-8")


def test_every_setting_stands_in_the_document_with_its_defaults():
    text = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    for name, setting in SETTINGS.items():
        row = re.search(rf"^\| `{PREFIX}{name}` \|(.*)\|$", text, re.M)
        assert row, name
        said = ["" if each is None else str(each) for each in (setting.default, setting.public)]
        assert [cell.strip() for cell in row[1].split("|")][:2] == said, name
