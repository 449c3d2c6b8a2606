"""A page in a real browser: its address bar, the cells of its maps, and the number in its panel."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from core.text import number
from tests.helpers.pages import SIGNED, UNSAID
from ui.kit.explanation_panel import parse_cell
from ui.session.navigation import PAGES

PATHS = {
    page.title: "" if page.path == "app.py" else Path(page.path).stem.split("_", 1)[1]
    for page in PAGES
}
DESK, TABLET, TELEPHONE = (1280, 900), (820, 1180), (390, 844)  # sizes of a screen


def choices(page) -> dict[str, str]:
    """What stands in the address bar, but for what is asked for without a word."""
    found = {key: values[0] for key, values in parse_qs(urlsplit(page.view.url).query).items()}
    return {key: value for key, value in found.items() if (UNSAID | SIGNED).get(key) != value}


def opened_number(page) -> tuple[str, tuple[int, ...], str]:
    """The number that stands in the panel: its step, its place there, and what the reader sees."""
    cell = page.view.locator(".number code.name").first.inner_text()
    return *parse_cell(cell), page.view.locator(".number output.value").first.inner_text()


def check_number(page, trace, step: str) -> tuple[int, ...]:
    """What the panel shows is what the trace holds, and stands in the address. Returns its
    place.
    """
    name, index, shown = opened_number(page)
    assert name == step and choices(page)["cell"] == f"{name}:{','.join(map(str, index))}"
    assert shown == number(trace[name][index])
    return index


def point_at(page, picture: int, row: int, column: int, columns: int) -> tuple[float, float]:
    """Rests on a cell of a map; returns where that is."""
    canvas = page.view.locator("canvas.picture").nth(picture)
    canvas.wait_for()
    width = canvas.bounding_box()["width"]
    inside = {"x": (column + 0.4) * (width - 3) / columns, "y": (row + 0.6) * 25}
    canvas.hover(position=inside)  # waits until the page has stopped moving
    box = canvas.bounding_box()
    return box["x"] + inside["x"], box["y"] + inside["y"]


def click_cell(page, picture: int, row: int, column: int, columns: int) -> None:
    at = point_at(page, picture, row, column, columns)
    page.do(lambda: page.view.mouse.click(*at))


def save(page, inside: str, kind: str, folder):
    """Saves the first picture of a part of the page; returns the file."""
    part = page.view.locator(inside)
    part.get_by_role("button", name="Save", exact=True).first.click()
    with page.view.expect_download() as saved:
        part.get_by_role("button", name=kind, exact=True).first.click()
    saved.value.save_as(file := folder / saved.value.suggested_filename)
    return file
