"""Pictures of every page, light and dark, on a wide and a narrow screen, into screenshots/.

python -m tests.helpers.make_screenshots [folder] [Overview Attention …]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.helpers.browser import ROOT, chromium, serve, tab
from ui.session.navigation import PAGES

SIZES = ((1280, 900), (390, 844))
ASKED = {
    "Cross-attention": (
        "?v=2&model=study-translator&sentence=The%20small%20black%20cat%20sleeps%20on%20the%20green%20chair."
    )
}


def main(folder: Path, titles: list[str]) -> None:
    """Writes PAGE-THEME-WIDTH.png for each page; says what went wrong in the browser, if anything
    did.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with serve() as address, chromium() as browser:
        for page in PAGES:
            stem = Path(page.path).stem
            url = (
                address
                if page.path == "app.py"
                else f"{address}/{stem.split('_', 1)[1]}{ASKED.get(page.title, '')}"
            )
            for theme in ("light", "dark") if not titles or page.title in titles else ():
                for width, height in SIZES:
                    with tab(browser, url, width, height, theme) as opened:
                        opened.view.wait_for_timeout(
                            800
                        )  # charts arrive after the script has ended
                        name = page.title.lower().replace(" ", "-")
                        opened.picture(folder / f"{name}-{theme}-{width}.png")
                        print(f"{name}-{theme}-{width}.png", *opened.problems, sep="\n  ")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "screenshots", sys.argv[2:])
