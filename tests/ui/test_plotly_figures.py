"""The figures show the numbers they are given, to the bit, with labels that stay data; colours can
be told apart.
"""

import colorsys
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.planes import principal_plane
from core.text import number
from ui.kit import plotly_figures, theme
from ui.text import label, plain

ROOT = Path(__file__).parents[2]
HOSTILE = ["the", "the", "<b>bold</b>", '<a href="javascript:alert(1)">x</a>', "%{x}", "&lt;"]
rng = np.random.default_rng(7)


def points(figure):
    """{(row, column): text} of what can be clicked and rested on."""
    over = figure.data[-1]
    places = zip(over.y.tolist(), over.x.tolist(), strict=True)
    return dict(zip(places, over.text, strict=True))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plotly_figures.bars(
            np.arange(6), HOSTILE, title=HOSTILE[2], value_title=HOSTILE[3]
        ),
        lambda: plotly_figures.vectors_plane(
            principal_plane(np.eye(6)), np.eye(6), np.full(6, 1 / 6), np.ones(6), HOSTILE
        ),
        lambda: plotly_figures.arrows_sum(principal_plane(np.eye(3)), *np.eye(3), HOSTILE[3]),
    ],
)
def test_labels_are_never_markup(draw):
    spec = draw().to_json()
    tags = set(re.findall(r"<[^>]*>", json.dumps(json.loads(spec), ensure_ascii=False)))
    assert tags <= {"<b>", "</b>", "<br>", "<extra>", "</extra>"} and "&lt;" in spec
    assert "<b>bold" not in spec and "<b>%{" not in spec


def test_bars_lie_beside_words_and_stand_over_dimensions():
    values_N = np.array([0.5, -2.0, 1.0], dtype=np.float32)
    words, numbers = (
        plotly_figures.bars(values_N, ["a", "b", "c"]),
        plotly_figures.bars(values_N, ["0", "1", "2"], "q"),
    )
    assert np.array_equal(words.data[0].x, values_N) and list(points(words)) == [
        (0, 0),
        (1, 0),
        (2, 0),
    ]
    assert np.array_equal(numbers.data[0].y, values_N) and list(points(numbers)) == [
        (0, 0),
        (0, 1),
        (0, 2),
    ]
    assert numbers.data[0].marker.color == theme.COLOURS["q"]
    low, high = words.layout.xaxis.range
    assert low < -2 and high > 1


def test_the_sum_lies_where_the_weights_put_it():
    values_MK, weights_M = rng.normal(size=(5, 8)), np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    plane = principal_plane(values_MK)
    figure = plotly_figures.vectors_plane(
        plane, values_MK, weights_M, weights_M @ values_MK, list("abcde")
    )
    at, z = figure.data[-2], figure.data[-1]
    assert np.allclose([z.x[0], z.y[0]], weights_M @ np.column_stack((at.x, at.y)))
    assert np.argsort(at.marker.size).tolist() == np.argsort(weights_M).tolist()


def test_names_keep_clear_of_each_other_and_the_least_important_one_gives_way():
    at_N2, sizes_N, names = (
        np.array([[0, 0], [0, 0], [300, 0]]),
        [10, 10, 10],
        {0: "violin", 1: "bed", 2: "far"},
    )
    spots = plotly_figures.name_spots(at_N2, sizes_N, names)
    assert set(spots) == {0, 1, 2} and spots[0] != spots[1]
    assert (
        plotly_figures.name_spots([[0, 0], [30, 0]], [10, 10], {0: "violin"})[0] != "middle right"
    )  # a dot is in the way
    names = dict.fromkeys(range(30), "name")
    crowd = plotly_figures.name_spots(np.zeros((30, 2)), [10] * 30, names)
    assert 0 in crowd and len(crowd) < 30


def test_the_arrows_add_up():
    before_D, update_D = rng.normal(size=(2, 8))
    plane = principal_plane(np.stack((before_D, update_D, before_D + update_D)))
    figure = plotly_figures.arrows_sum(plane, before_D, update_D, before_D + update_D, "word")
    before, after, update = [note for note in figure.layout.annotations if note.showarrow]
    assert np.allclose((update.x, update.y), (after.x, after.y)) and np.allclose(
        (update.ax, update.ay), (before.x, before.y)
    )


def test_figures_need_no_streamlit():
    code = "import sys; from ui.kit import plotly_figures; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --- the theme ------------------------------------------------------------------------------------


def settings(section: str) -> dict[str, list[str]]:
    """The colours of a section of the configuration, by the name of the setting."""
    text = (
        (ROOT / ".streamlit/config.toml")
        .read_text(encoding="utf-8")
        .split(f"[{section}]\n")[1]
        .split("\n[")[0]
    )
    return {
        name: re.findall("#[0-9a-f]{6}", value)
        for name, value in re.findall(r"(\w+) = ((?:\[.*?\]|.*?))\n", text, re.S)
    }


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float(
        np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        @ [0.2126, 0.7152, 0.0722]
    )


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("section", ["theme.light", "theme.dark"])
@pytest.mark.parametrize("kind", theme.COLOURS)
def test_a_role_s_colour_is_read_as_letters_on_every_ground(section, kind):
    colours = settings(section)
    grounds = [colours[name][0] for name in ("backgroundColor", "secondaryBackgroundColor")]
    letters = theme.ink(theme.COLOURS[kind], grounds)
    assert min(contrast(letters, ground) for ground in grounds) >= 4.5
    near = min(theme.COLOURS, key=lambda each: apart(hue(letters), hue(theme.COLOURS[each])))
    assert kind in ("norm", "residual") or near == kind  # these two are greys


def hue(colour: str) -> float:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return colorsys.rgb_to_hsv(red, green, blue)[0]


def apart(one: float, other: float) -> float:
    return min(abs(one - other), 1 - abs(one - other))


def test_each_role_has_a_colour_of_its_own_and_the_documents_say_which():
    assert len(set(theme.COLOURS.values())) == len(theme.COLOURS)
    assert list(theme.COLOURS) == list(theme.MEANINGS)
    rows = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for kind, colour in theme.COLOURS.items():
        assert f"| `{kind}` | {theme.MEANINGS[kind]} | `{colour}` |" in rows


def test_formulas_have_the_letters_that_are_read():
    sheet = theme.css(lambda name: settings(name.rsplit(".", 1)[0])[name.rsplit(".", 1)[1]][0])
    for kind, colour in theme.COLOURS.items():
        assert f'[style*="color:{colour}"]' in sheet and f"--glass-{kind}-ink:light-dark(" in sheet


@pytest.mark.parametrize("section", ["theme.light", "theme.dark"])
def test_both_themes_have_ten_steps_and_every_kind_can_be_seen(section):
    colours = settings(section)
    page, text = colours["backgroundColor"][0], colours["textColor"][0]
    assert len(colours["chartSequentialColors"]) == len(colours["chartDivergingColors"]) == 10
    assert contrast(page, text) > 12 and contrast(page, colours["primaryColor"][0]) > 3
    assert {
        kind: contrast(page, colour)
        for kind, colour in theme.COLOURS.items()
        if contrast(page, colour) < 3
    } == {}
    away = [contrast(page, colour) for colour in colours["chartSequentialColors"]]
    assert away == sorted(away)  # more is always further from the page


def test_text_is_shown_letter_by_letter():
    assert plain("![x](http://a) *b*\n# c") == "\\!\\[x\\]\\(http\\:\u2060\\/\\/a\\) \\*b\\* \\# c"
    assert label(" the") == label("▁the") == "␣the" and label("\n") == "⏎" and label("") == "∅"
    assert label("a\u200bb\u202e") == "aU+200BbU+202E" and label("é漢🙂") == "é漢🙂"
    assert number(-0.123456) == "−0.12346" and number(-np.inf) == "−∞" and number(0) == "0"
