"""What MkDocs is told beyond mkdocs.yml, at the steps where it asks.

- README.md, CONTRIBUTING.md and CHANGELOG.md stand outside docs/: they become pages, and links lead
  from page to page as they lead from file to file.
- A block that holds the command of a figure becomes the figure (deploy/docs/figures.py).
- The API reference reads core/ under the name by which it is installed, glassformer.

Nothing is fetched, and nothing is copied in the repository: what is made lies in .cache/docs.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from functools import partial
from html import escape
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the program `mkdocs` does not look where it was started

from deploy.docs.figures import BLOCK, Figure, figure_of, figures_in, made  # noqa: E402

CACHE = ROOT / ".cache/docs"
PACKAGE = "glassformer"
OUTSIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
OUTSIDE |= {"CHANGELOG.md": "changelog.md"}  # file in the repository -> page of the site
ASSETS = {
    "assets/icon.svg": "assets/icon.svg",
    "assets/site.css": "deploy/docs/site.css",
    "assets/site.js": "deploy/docs/site.js",
    "assets/iframe-worker.js": "deploy/docs/iframe-worker.js",
}
# In the README a picture stands where the site has the living figure.
PICTURE = re.compile(r"^!\[[^\]\n]*\]\(docs/overview\.png\)$", re.MULTILINE)
RIVER = """```sh figure="The whole model on one sentence: every strip is a real vector"
python -m core report "The queen closed the book because" --stages river --out river.html
```"""
LINK = re.compile(r"\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
LISTING = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$", re.MULTILINE | re.DOTALL)
FIGURE = """\
<figure class="run">
<iframe src="{address}" title="{title}" loading="lazy"></iframe>
<figcaption>{title}. <a href="{address}">Open it alone</a>, or make it yourself:
<code>{command}</code></figcaption>
</figure>
"""


def on_startup(**_) -> None:
    """Lets the API reference find core/ as glassformer, before it looks where that is."""
    link = CACHE / "package" / PACKAGE
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        core = os.path.relpath(ROOT / "core", link.parent)  # so that a checkout can be moved
        link.symlink_to(core, target_is_directory=True)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what does not lie in docs/: pages, style, and the figures that the pages ask for."""
    for source, uri in OUTSIDE.items():
        text = PICTURE.sub(RIVER, (ROOT / source).read_text("utf-8"))
        files.append(File.generated(config, uri, content=text))
    for uri, source in ASSETS.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    try:
        asked = [each for page in files.documentation_pages() for each in figures_of(page)]
        for name, file in made(asked, CACHE / "figures").items():
            uri = f"figures/{name}"
            files.append(File.generated(config, uri, abs_src_path=str(file)))
    except (ValueError, OSError) as error:
        raise PluginError(str(error)) from error
    return files


def figures_of(file: File) -> list[Figure]:
    """The figures of a page."""
    return list(figures_in(file.content_string))


def on_page_markdown(markdown: str, page: Page, **_) -> str:
    """The text of a page with its figures, and with links that lead within the site. A page that
    stands alone in its part needs no list of pages beside it, and one with few headings, or with
    figures, which need the width, no list of these.
    """
    listed = markdown.count("\n## ") > 2
    hidden = {"navigation": page.parent is None, "toc": not listed and bool(BLOCK.search(markdown))}
    page.meta["hide"] = [name for name, hide in hidden.items() if hide]
    shown = BLOCK.sub(partial(figure_html, page), markdown)
    return relinked(shown, page.file.src_uri)


def figure_html(page: Page, found: re.Match) -> str:
    """A figure in place of its command."""
    figure = figure_of(found["title"], found["command"])
    address = get_relative_url(f"figures/{figure.file}", page.url)
    return FIGURE.format(
        address=escape(address), title=escape(figure.title), command=escape(figure.command)
    )


def relinked(markdown: str, uri: str) -> str:
    """A page's text in which each link to a file of the repository leads to the page that this file
    is. Listings stay as they are.
    """
    parts, end = [], 0
    for listing in LISTING.finditer(markdown):
        parts += [LINK.sub(partial(relink, uri), markdown[end : listing.start()]), listing[0]]
        end = listing.end()
    return "".join([*parts, LINK.sub(partial(relink, uri), markdown[end:])])


def relink(uri: str, found: re.Match) -> str:
    """One link. What leads to no page stays, so that a strict build complains."""
    pages = {page: file for file, page in OUTSIDE.items()}
    here = posixpath.dirname(pages.get(uri, f"docs/{uri}"))
    file = posixpath.normpath(posixpath.join(here, found["path"]))
    target = OUTSIDE.get(file) or (file[len("docs/") :] if file.startswith("docs/") else None)
    if target is None:
        return found[0]
    path = posixpath.relpath(target, posixpath.dirname(uri) or ".")
    return f"]({path}{found['anchor'] or ''})"
