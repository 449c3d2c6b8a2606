"""What a document says, to hold its figures against the models."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def document(name: str) -> str:
    """The text of docs/NAME on one line, so that no sentence is cut by a line's end."""
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def figure(value: float, digits: int = 2) -> str:
    """A number as the documents spell it: with a true minus."""
    return f"{value:.{digits}f}".replace("-", "−")
