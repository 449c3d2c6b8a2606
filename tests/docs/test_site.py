"""The documentation site is built without a network, and nothing in it leads nowhere or outside."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from deploy.docs import figures, hook
from tests.helpers.reports import held
from tests.helpers.site import APP, ROOT, Read, asked_outside, broken, built, pages_of
from ui.report.stages import STAGES, stages_named
from ui.session.navigation import PAGES, path_of
from ui.session.selection import CODECS

CONCEPTS = ROOT / "docs/concepts"
ADDRESSES = {path_of(page).removeprefix("./"): page for page in PAGES}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built once for all tests."""
    return built(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def pages(site):
    return pages_of(site)


# --- links ----------------------------------------------------------------------------------------


def test_no_link_within_the_site_is_broken(site, pages):
    assert len(pages) > 30 and sum(len(page.links) for page in pages.values()) > 1000
    assert list(broken(pages, site)) == []


def test_no_page_asks_another_host_for_anything(site, pages):
    assert sum(len(page.loaded) for page in pages.values()) > 100
    assert list(asked_outside(pages, site)) == []


@pytest.mark.parametrize(
    "html, fault",
    [
        ('<a href="other.html">', "broken"),
        ('<a href="#nowhere">', "broken"),
        ('<a href="a.html#nowhere">', "broken"),
        ('<img src="no.png">', "broken"),
        ('<a id="here" href="a.html#here">', ""),
        ('<a href="https://example.org/">', ""),
        ('<script src="https://example.org/a.js">', "outside"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "outside"),
        ('<iframe src="http://example.org">', "outside"),
        ('<p style="background: url(https://example.org/a.png)">', "outside"),
        ('<img src="data:image/png;base64," srcset="https://example.org/a.png 2x">', "outside"),
        ('<link rel="canonical" href="https://example.org/">', ""),
    ],
)
def test_a_broken_link_and_a_request_are_noticed(tmp_path, html, fault):
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    read = pages_of(tmp_path)
    assert bool(list(broken(read, tmp_path))) == (fault == "broken")
    assert bool(list(asked_outside(read, tmp_path))) == (fault == "outside")


def test_a_style_sheet_that_asks_another_host_is_noticed(tmp_path):
    (tmp_path / "a.css").write_text('@import "https://example.org/a.css";', encoding="utf-8")
    assert list(asked_outside({}, tmp_path))


def test_a_strict_build_refuses_a_file_that_is_no_page():
    """What leads to no page stays as it is, and MkDocs warns of it."""
    assert hook.relinked("[x](../core/ops.py)", "why.md") == "[x](../core/ops.py)"


@pytest.mark.parametrize(
    "uri, link, shown",
    [
        ("index.md", "docs/why.md#what-is-exact", "why.md#what-is-exact"),
        ("contributing.md", "docs/glossary.md", "glossary.md"),
        ("changelog.md", "CONTRIBUTING.md", "contributing.md"),
        ("models.md", "../CONTRIBUTING.md", "contributing.md"),
        ("models.md", "../README.md#models", "index.md#models"),
        ("concepts/why.md", "../why.md", "../why.md"),
        ("concepts/why.md", "../../CHANGELOG.md", "../changelog.md"),
        ("why.md", "https://example.org/docs/why.md", "https://example.org/docs/why.md"),
    ],
)
def test_links_between_files_become_links_between_pages(uri, link, shown):
    assert hook.relinked(f"[x]({link})", uri) == f"[x]({shown})"
    listing = f"```\n[x]({link})\n```"
    assert hook.relinked(listing, uri) == listing


# --- the app --------------------------------------------------------------------------------------


def test_links_to_the_app_open_a_page_and_choose_what_it_knows(pages):
    links = {link for page in pages.values() for link in page.links if link.startswith(APP)}
    assert len(links) > 2 * len(PAGES) - 10
    for link in links:
        assert urlsplit(link).path.strip("/") in ADDRESSES, link
        for name, value in parse_qsl(urlsplit(link).query, strict_parsing=True):
            assert CODECS[name].fits(CODECS[name].parse(value)), link


def test_every_page_of_the_app_has_its_place_among_the_concepts(site):
    read = Read()
    read.feed((site / "concepts/index.html").read_text("utf-8"))
    linked = {urlsplit(link).path.strip("/") for link in read.links if link.startswith(APP)}
    assert linked == set(ADDRESSES)


def test_each_concept_leads_to_its_pages_in_the_app():
    """Those of its row in the table, under their titles."""
    table = (CONCEPTS / "index.md").read_text("utf-8")
    rows = re.findall(r"^\| \[[^\]]+\]\(([\w-]+\.md)\) \| (.*) \|$", table, re.M)
    assert {name for name, _ in rows} == {each.name for each in CONCEPTS.glob("*.md")} - {
        "index.md"
    }
    for name, links in rows:
        text = (CONCEPTS / name).read_text("utf-8")
        for title, address in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", links):
            assert ADDRESSES[address.removeprefix(APP)].title == title
            assert f"[{title}]({address}?" in text, (name, title)


# --- figures --------------------------------------------------------------------------------------


def test_each_figure_is_a_report_of_what_was_asked_for(site, pages):
    sources = [*(ROOT / "docs").rglob("*.md")]
    wanted = [f for source in sources for f in figures.figures_in(source.read_text("utf-8"))]
    wanted += figures.figures_in(hook.RIVER)
    frames = {
        (file.parent / frame["src"]).resolve(): frame
        for file, page in pages.items()
        for frame in page.frames
    }
    assert len(wanted) > 12 and {path.name for path in frames} == {each.file for each in wanted}
    assert set(frames) == set((site / "figures").resolve().glob("*"))
    for figure in wanted:
        path = site.resolve() / "figures" / figure.file
        told = held(path.read_text("utf-8"), "facts")
        asked = figure.arguments[figure.arguments.index("--stages") + 1]
        assert [stage["name"] for stage in told["stages"]] == list(stages_named(asked))
        assert told["sentence"] == figure.arguments[1]
        assert frames[path]["title"] == figure.title and frames[path]["loading"] == "lazy"


def test_the_figures_show_every_stage_of_a_report_that_has_a_picture(pages):
    shown = set()
    for source in (ROOT / "docs").rglob("*.md"):
        for figure in figures.figures_in(source.read_text("utf-8")):
            shown |= {*figure.arguments[figure.arguments.index("--stages") + 1].split(",")}
    assert shown == {name for name, stage in STAGES.items() if stage.figures}


def command(stages: str = "heads", file: str = "a.html") -> str:
    return f'python -m core report "The books are old." --stages {stages} --out {file}'


def block(*asked: str) -> str:
    return "\n\n".join(f'```sh figure="A title"\n{each}\n```' for each in asked)


def test_a_figure_is_made_once_and_again_where_its_command_or_the_code_changed(
    tmp_path, monkeypatch
):
    runs = []

    def make(missing):
        runs.append([figure.file for figure, _ in missing])
        for _, file in missing:
            file.write_text("a report", encoding="utf-8")

    monkeypatch.setattr(figures, "make", make)
    sources = ["one"]
    monkeypatch.setattr(figures, "digest_of_sources", lambda: sources[0])
    both = block(command(), command("river", "b.html"))
    for text in (both, both, block(command("output"), command("river", "b.html"))):
        figures.made(figures.figures_in(text), tmp_path)
    assert runs == [["a.html", "b.html"], [], ["a.html"]]
    assert len(list(tmp_path.iterdir())) == 2  # what is no longer asked for is gone
    sources[0] = "two"
    figures.made(figures.figures_in(both), tmp_path)
    assert runs[-1] == ["a.html", "b.html"]


def test_the_digest_of_the_sources_changes_with_any_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    (tmp_path / "core").mkdir()
    found = [figures.digest_of_sources()]
    for name, text in (("a.py", "1"), ("a.py", "2"), ("b.py", "2"), ("c.pyc", "")):
        (tmp_path / "core" / name).write_text(text, encoding="utf-8")
        found.append(figures.digest_of_sources())
    assert len(set(found[:4])) == 4 and found[4] == found[3]


@pytest.mark.parametrize(
    "asked, said",
    [
        (["python -m core trace hello --out a.html"], "report"),
        (["python -m core report hello"], "--out"),
        ([command(file="../a.html")], "name"),
        ([command("heads"), command("river")], "Two figures"),
        (["rm -r docs --out a.html"], "report"),
    ],
)
def test_what_is_no_figure_is_refused(tmp_path, monkeypatch, asked, said):
    monkeypatch.setattr(figures, "make", lambda missing: pytest.fail("It was run."))
    with pytest.raises(ValueError, match=said):
        figures.made(figures.figures_in(block(*asked)), tmp_path)


# --- the reference --------------------------------------------------------------------------------


def test_the_reference_finds_the_package_under_its_installed_name(tmp_path, monkeypatch):
    monkeypatch.setattr(hook, "CACHE", tmp_path)
    for _ in range(2):
        hook.on_startup(command="build", dirty=False)
        assert (tmp_path / "package/glassformer").resolve() == ROOT / "core"
    assert not (tmp_path / "package/glassformer").readlink().is_absolute()


def test_the_reference_names_what_the_package_exports(site):
    import core
    from core import decoding, why

    text = "".join(file.read_text("utf-8") for file in (site / "api").glob("*.html"))
    headings = set(re.findall(r"doc-symbol-heading[^>]*></code>\s+([\w.]+)", text))
    assert {f"glassformer.{name}" for name in core.__all__} <= headings
    for name in ("parts", "by_token", "lens", "look", "trail", "ends", "effects", "patch"):
        assert name in why.__all__ and f"why.{name}" in headings
    assert {f"decoding.{name}" for name in ("next_tokens", "read_on", "beam_search")} <= headings
    assert "beam_search" in decoding.__all__
    assert "Runs the model on token ids and returns the trace of every value." in text


def test_every_page_says_what_the_site_is_and_has_the_icon(site, pages):
    icon = (ROOT / "assets/icon.svg").read_bytes()
    assert (site / "assets/icon.svg").read_bytes() == icon
    for file, page in pages.items():
        if file.name != "404.html":
            assert any(Path(address).name == "icon.svg" for _, address in page.loaded), file
