"""The worked notebook: its cells run in an environment with the package alone, and give what is
written in it.
"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.helpers import make_notebook

NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


@pytest.fixture(scope="module")
def notebooks(installed):
    """The notebook as it is written, and as it was run just now."""
    copy = installed.elsewhere / "notebook.ipynb"
    shutil.copy(make_notebook.FILE, copy)
    installed.run("python", str(Path(make_notebook.__file__)), str(copy))
    return nbformat.read(make_notebook.FILE, as_version=4), nbformat.read(copy, as_version=4)


def outputs(notebook) -> list[dict]:
    """What all cells give, by MIME type, or as text that was printed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells)
    given = [output for cell in cells for output in cell.outputs]
    return [dict(output.get("data") or {"text": output.text}) for output in given]


def test_its_cells_give_what_is_written_below_them(notebooks):
    """To three digits: machines differ in the last ones."""
    written, now = map(outputs, notebooks)
    assert [list(each) for each in written] == [list(each) for each in now]
    for before, after in zip(written, now, strict=True):
        for kind, text in before.items():
            assert NUMBER.sub("#", text) == NUMBER.sub("#", after[kind])
            numbers = [[float(x) for x in NUMBER.findall(each)] for each in (text, after[kind])]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-3, abs=2e-3)


def test_it_has_pictures_where_no_widget_runs(notebooks):
    for notebook in notebooks:
        kinds = [kind for output in outputs(notebook) for kind in output]
        assert kinds.count("image/svg+xml") == 2 and kinds.count("text/html") == 2


def test_what_its_text_says_is_so(notebooks):
    """Between the cells: are beats is, the head leads to books, and without it, are loses."""
    told = [output.get("text/plain", "") for output in outputs(notebooks[1])]
    guess, weight, changed = (ast.literal_eval(told[n]) for n in (1, 3, -2))
    assert guess["are"] > 10 * guess["is"] and weight > 0.9
    assert changed["as trained"] > 2 * changed["head silent"]


def test_it_holds_no_widget_and_nothing_of_a_machine():
    text = make_notebook.FILE.read_text("utf-8")
    assert "widget-view" not in text and "stderr" not in text
    assert make_notebook.FILE.stat().st_size < 100_000
