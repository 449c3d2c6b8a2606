"""Runs docs/notebook.ipynb and writes down what its cells give: still pictures in place of widgets.
In an environment that has the package: `python tests/helpers/make_notebook.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FILE = Path(__file__).resolve().parents[2] / "docs/notebook.ipynb"
KEPT = ("text/html", "image/svg+xml", "text/plain")  # a widget's own data would be megabytes


def executed(path: Path):
    """The notebook with what its cells give now. Raises CellExecutionError where one fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, store_widget_state=False)
    client.execute(cwd=str(path.parent))
    return plain(notebook)


def plain(notebook):
    """The same without what differs from one run to the next."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            output |= {"data": {kind: data[kind] for kind in KEPT if kind in data}} if data else {}
    return notebook


def main(path: str = str(FILE)) -> None:
    """Writes the notebook anew."""
    text = nbformat.writes(executed(Path(path)))
    Path(path).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
