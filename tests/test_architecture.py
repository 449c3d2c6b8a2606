"""The house stays straight: imports run one way, functions stay short, nothing random, no host and
no machine in a file.
"""

import ast
import re
import subprocess
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

import pytest

from core.text import number

ROOT = Path(__file__).resolve().parents[1]
APP = sorted(
    path.relative_to(ROOT)
    for path in (
        ROOT / "app.py",
        *(each for room in ("core", "ui", "pages") for each in (ROOT / room).rglob("*.py")),
    )
)
FOLDERS = {
    folder: [path for path in APP if path.parent == folder]
    for folder in {each.parent for each in APP}
}
FREE_OF_STREAMLIT = ("ui/kit/plotly_figures.py", "ui/kit/theme.py", "ui/stages/overview/picture.py")
MAY_IMPORT = {
    "core": {
        "core",
        "numpy",
        "tokenizers",
        "sentencepiece",
        "gguf",
        "huggingface_hub",
        "platformdirs",
        "jinja2",
    },
    "notebook": {"core", "ui", "numpy", "anywidget", "traitlets"},
    "plain": {"core", "ui", "numpy", "plotly"},
    "ui": {"core", "ui", "numpy", "plotly", "streamlit", "prometheus_client"},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All that a file is made of."""
    return tuple(ast.walk(tree(path)))


@cache
def imports(path: Path) -> set[str]:
    """The packages that a file imports, anywhere in it, without those of Python itself."""
    names = [
        alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names
    ]
    names += [source(path, node) for node in nodes(path) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names} - stdlib_module_names


def source(path: Path, node: ast.ImportFrom) -> str:
    """What a file imports from, written out: core/ is a package of its own, and its files name each
    other from where they stand.
    """
    home = path.parts[: len(path.parts) - node.level] if node.level else ()
    return ".".join((*home, *filter(None, [node.module])))


EACH_FOLDER = pytest.mark.parametrize("folder", sorted(FOLDERS), ids=str)
EACH_OF_CORE = pytest.mark.parametrize(
    "folder", [folder for folder in sorted(FOLDERS) if folder.parts[:1] == ("core",)], ids=str
)


@EACH_FOLDER
def test_imports_run_one_way(folder):
    for path in FOLDERS[folder]:
        layer = (
            "core"
            if path.parts[0] == "core"
            else "plain"
            if path.as_posix() in FREE_OF_STREAMLIT
            else "notebook"
            if path.parts[:2] == ("ui", "notebook")
            else "ui"
        )
        assert imports(path) <= MAY_IMPORT[layer], path


@cache
def modules_imported(path: Path) -> set[str]:
    """The modules of the app that a file imports, written out."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            home = source(path, node)
            found |= {f"{home}.{alias.name}" for alias in node.names} | {home}
    return {name for name in found if module_of(name)}


@cache
def module_of(name: str) -> Path | None:
    """The file of a module of the app; None, if it is none."""
    path = Path(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file in APP), None)


def name_of(path: Path) -> str:
    """The module that a file is."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


# Lowest first: a room imports only itself and what stands before it. The stages and the shell stand
# side by side.
ROOMS = (
    "core",
    "ui.text",
    "ui.session",
    "ui.kit",
    "ui.stages",
    "ui.report",
    "ui.notebook",
    "ui.shell",
    "pages",
    "app",
)


def room_of(module: str) -> str:
    """The room in which a module stands."""
    return next(room for room in ROOMS if module == room or module.startswith(f"{room}."))


@EACH_FOLDER
def test_rooms_import_in_one_direction(folder):
    for path in [path for path in FOLDERS[folder] if name_of(path) != "ui"]:
        room = room_of(name_of(path))
        beside = {"ui.stages"} if room == "ui.shell" else set()
        allowed = {*ROOMS[: ROOMS.index(room) + 1]} - beside
        assert {room_of(name) for name in modules_imported(path) - {"ui"}} <= allowed, path


def test_stages_do_not_import_each_other():
    stages = [path for path in APP if path.parts[:2] == ("ui", "stages")]
    assert len(stages) > 100
    for path in stages:
        stage = name_of(path).split(".")[:3]
        others = {name for name in modules_imported(path) if name.startswith("ui.stages.")}
        assert all(name.split(".")[:3] == stage for name in others), path


def test_no_modules_import_each_other_in_a_circle():
    """A package counts as what its __init__ imports; importing a module out of it asks for both."""
    graph = {name_of(path): modules_imported(path) - {name_of(path)} for path in APP}
    parents = {name for name in graph if any(other.startswith(f"{name}.") for other in graph)}
    wanted = {
        name: found - parents if name not in parents else found for name, found in graph.items()
    }
    assert list(TopologicalSorter(wanted).static_order())


# Lowest first: a module of core imports only what stands before it.
ORDER = """
    errors places settings malloc memory notebook time_limit text config step_ref ops masks vectors
    planes sampling edits operands recorder gradients gradients.slopes patches word_vectors
    comparison word_swaps
    transformer backward gradients.start gradients.weights gradients.result turning why why.places
    why.norms why.stream_sources why.head why.logit_parts why.logit_lens why.score_parts why.names
    why.word_trail why.word_ends steps.kind steps.letters steps.embedding steps.positions steps.norm
    steps.attention steps.query_norm steps.heads steps.feed_forward steps.layers steps.output
    steps.task steps.sources steps.lstm steps.gradients.chain steps.gradients.stream
    steps.gradients.attention steps.gradients.ends steps.gradients.weights steps.gradients steps
    trace run_size answers explanation source forward_pass interventions influence early_words
    models learning course whatif deciding_head decoding.next_word decoding.key_value_cache
    decoding.greedy
    decoding.beam_search decoding lstm why.outcome why.differences why.silencing why.patching
    why.replacing why.by_gradient why.induction plans run_file cli.screen cli.run cli.trace
    cli.explain cli.attend cli.why cli.report cli.app cli.check cli.models cli.main cli __main__
    models.__main__
""".split()


def place_in_order(module: str) -> int:
    """Where a module stands in ORDER; the readers of core/models stand together, and what is run as
    a program stands above all.
    """
    name = module.removeprefix("core.")
    reads = name.startswith("models.") and not name.endswith(".__main__")
    return ORDER.index("models" if reads else name)


@EACH_OF_CORE
def test_core_imports_in_one_direction(folder):
    """So there is no circle, and none needs an import inside a function. A model asks core.decoding
    how its decoder writes, which reads the rules of core.models: these two stand side by side."""
    for path in [path for path in FOLDERS[folder] if name_of(path) != "core"]:
        module = name_of(path)
        for name in modules_imported(path) - {"core", module}:
            beside = module.startswith("core.models") and name == "core.decoding"
            within = name.startswith("core.models") and module.startswith("core.models")
            before = beside or within or place_in_order(name) < place_in_order(module)
            assert before, (path, name)


@EACH_OF_CORE
def test_core_imports_at_the_head_of_a_file(folder):
    """But for core.models, whose readers of files load a library when a file asks for it."""
    local = [
        (path, node.lineno)
        for path in FOLDERS[folder]
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert not local or folder.parts[:2] == ("core", "models")


def test_what_is_imported_is_required_and_what_is_required_has_its_reason():
    required = set(re.findall(r"^([\w-]+)>=", (ROOT / "requirements.txt").read_text(), re.M))
    extra = {"anywidget", "traitlets"}  # of a notebook alone: pyproject.toml has them
    imported = set().union(*map(imports, APP)) - {"core", "ui"} - extra
    packages = packages_distributions()
    assert {packages[name][0].replace("_", "-").lower() for name in imported} == {
        name.replace("_", "-") for name in required
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in required if f"| `{name}` |" not in readme] == []


@EACH_FOLDER
def test_functions_are_short(folder):
    for path in FOLDERS[folder]:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 35, f"{path}: {node.name} is too long"


@EACH_OF_CORE
def test_public_functions_of_core_say_what_they_do(folder):
    """A recipe, which takes a Cell, is named after its step and needs no more words."""
    for path in FOLDERS[folder]:
        for node in tree(path).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not is_recipe(node):
                said = node.name.startswith("_") or ast.get_docstring(node)
                assert said, f"{path}: {node.name} has no docstring"


def is_recipe(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and [arg.arg for arg in node.args.args] == ["cell"]


FORBIDDEN = {"random", "default_rng", "eval", "exec", "pickle", "torch", "unsafe_allow_html"}


@EACH_FOLDER
def test_nothing_that_is_shown_is_random_and_nothing_of_a_file_is_run(folder):
    for path in FOLDERS[folder]:
        words = {node.id for node in nodes(path) if isinstance(node, ast.Name)} | imports(path)
        words |= {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        draws = path.as_posix() == "core/sampling.py"  # the next word, from a seed that is shown
        assert not words & (FORBIDDEN - ({"random"} if draws else set())), path


def test_a_page_reads_downwards_and_computes_nothing():
    pages = [path for path in APP if path.parts[0] in ("pages", "app.py")]
    assert len(pages) > 15
    for path in pages:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 80 and "import numpy" not in text, path


def test_no_file_names_a_registry_or_a_machine():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    wrong = re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "python" + "hosted",
                r"deb\.debian",
                "/opt/" + "pypi",
                "/root" + "/",
                "/work" + "/",
            )
        )
    )
    text = [
        name
        for name in listed
        if not name.endswith((".npz", ".png", ".safetensors")) and (ROOT / name).exists()
    ]
    assert [name for name in text if wrong.search((ROOT / name).read_text(encoding="utf-8"))] == []


def test_the_server_keeps_to_itself():
    config = (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")
    assert "gatherUsageStats = false" in config and 'showErrorDetails = "none"' in config
    assert "showErrorLinks = false" in config
    assert "enableCORS" not in config and "enableXsrfProtection" not in config


def test_the_example_in_the_readme_runs(minilm, capsys):
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S
    )
    exec(compile(code, "README.md", "exec"), {})
    trace = minilm.trace("The book that the student recommended is expensive.", mask="decoder")
    weight = trace["encoder.0.attn.pattern"][3, 2, 1]
    assert capsys.readouterr().out.strip().endswith(f"= {number(weight)}")


def listed(*patterns: str) -> list[Path]:
    """The files in git; a copy without git has no list."""
    found = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not found:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in found if (ROOT / name).exists()]


def test_the_readme_is_short_and_the_pictures_in_git_are_few_and_small():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200
    tracked = {path.suffix for path in listed()}
    assert ".py" in tracked
    pictures = [
        path for path in listed() if path.suffix in (".png", ".jpg", ".gif", ".webp", ".mp4")
    ]
    assert 1 <= len(pictures) <= 2
    assert all(path.stat().st_size <= 400_000 for path in pictures)


def test_links_between_the_documents_lead_somewhere():
    links = [
        (path, link)
        for path in listed("*.md")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    ]
    assert len(links) > 10
    assert [(str(path), link) for path, link in links if not (path.parent / link).exists()] == []


def test_files_that_the_documents_name_exist():
    """In backquotes, with a slash, and no placeholder in capitals."""
    named = {
        (path.name, found)
        for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
        for found in re.findall(
            r"`((?:core|ui|pages|tests|training|docs|assets|benchmarks)/[\w./-]+)`",
            path.read_text(encoding="utf-8"),
        )
        if not re.search(r"[A-Z]{3,}|\bN_", found)
    }
    assert len(named) > 20
    assert [each for each in named if not (ROOT / each[1]).exists()] == []
