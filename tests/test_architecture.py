"""The house stays straight: imports run one way, functions stay short, nothing random, no host and
no machine in a file.
"""

import ast
import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

import pytest

from core.operands import number

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.py")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
APP = [path for path in SOURCES if path.parts[0] in ("core", "ui", "pages", "app.py")]
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
    },
    "plain": {"core", "ui", "numpy", "plotly"},
    "ui": {"core", "ui", "numpy", "plotly", "streamlit"},
}


def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """The packages that a file imports, anywhere in it, without those of Python itself."""
    names = [
        alias.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    names += [node.module for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names} - stdlib_module_names


@pytest.mark.parametrize("path", APP, ids=str)
def test_imports_run_one_way(path):
    layer = (
        "core"
        if path.parts[0] == "core"
        else "plain"
        if path.as_posix() in FREE_OF_STREAMLIT
        else "ui"
    )
    assert imports(path) <= MAY_IMPORT[layer]


def modules_imported(path: Path) -> set[str]:
    """The modules of core that a file imports, written out."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return {name for name in found if module_of(name)}


def module_of(name: str) -> Path | None:
    """The file of a module of core; None, if it is none."""
    path = Path(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file in SOURCES and file.parts[0] == "core"), None)


# Lowest first: a module of core imports only what stands before it.
ORDER = """
    malloc errors text config step_ref ops masks vectors planes sampling edits operands recorder
    word_vectors transformer steps.kind steps.letters steps.embedding steps.positions steps.norm
    steps.attention steps.heads steps.feed_forward steps.layers steps.output steps.lstm steps trace
    explanation source forward_pass influence whatif models decoding lstm
""".split()


def place_in_order(module: str) -> int:
    """Where a module stands in ORDER; the folder core/models stands together."""
    name = module.removeprefix("core.")
    return ORDER.index("models" if name.startswith("models") else name)


@pytest.mark.parametrize("path", [path for path in APP if path.parts[0] == "core"], ids=str)
def test_core_imports_in_one_direction(path):
    """So there is no circle, and none needs an import inside a function. A model asks core.decoding
    how its decoder writes, which reads the rules of core.models: these two stand side by side."""
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    if module == "core":
        return
    for name in modules_imported(path) - {"core", module}:
        beside = module.startswith("core.models") and name == "core.decoding"
        within = module.startswith("core.models") and name.startswith("core.models")
        assert beside or within or place_in_order(name) < place_in_order(module), name


@pytest.mark.parametrize("path", [path for path in APP if path.parts[0] == "core"], ids=str)
def test_core_imports_at_the_head_of_a_file(path):
    """But for core.models, whose readers of files load a library when a file asks for it."""
    local = [
        node
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert not local or path.parts[:2] == ("core", "models")


def test_what_is_imported_is_required_and_what_is_required_has_its_reason():
    required = set(re.findall(r"^([\w-]+)>=", (ROOT / "requirements.txt").read_text(), re.M))
    imported = set().union(*map(imports, APP)) - {"core", "ui"}
    packages = packages_distributions()
    assert {packages[name][0].replace("_", "-").lower() for name in imported} == {
        name.replace("_", "-") for name in required
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in required if f"| `{name}` |" not in readme] == []


@pytest.mark.parametrize("path", APP, ids=str)
def test_functions_are_short_and_public_ones_of_core_say_what_they_do(path):
    """A recipe, which takes a Cell, is named after its step and needs no more words."""
    module = tree(path)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, f"{node.name} is too long"
    for node in module.body if path.parts[0] == "core" else ():
        recipe = isinstance(node, ast.FunctionDef) and [arg.arg for arg in node.args.args] == [
            "cell"
        ]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not recipe:
            assert node.name.startswith("_") or ast.get_docstring(node), (
                f"{node.name} has no docstring"
            )


@pytest.mark.parametrize("path", APP, ids=str)
def test_nothing_that_is_shown_is_random_and_nothing_of_a_file_is_run(path):
    words = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    words |= {
        node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)
    } | imports(path)
    draws = (
        {"random"} if path.as_posix() == "core/sampling.py" else set()
    )  # the next word, from a seed that is shown
    assert (
        not words
        & {"random", "default_rng", "eval", "exec", "pickle", "torch", "unsafe_allow_html"} - draws
    )


@pytest.mark.parametrize(
    "path", [path for path in APP if path.parts[0] in ("pages", "app.py")], ids=str
)
def test_a_page_reads_downwards_and_computes_nothing(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80 and "import numpy" not in text


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
    assert "enableCORS" not in config and "enableXsrfProtection" not in config


def test_the_example_in_the_readme_runs(minilm, capsys):
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S
    )
    exec(compile(code, "README.md", "exec"), {})
    trace = minilm.trace("The book that the student recommended is expensive.", mask="decoder")
    weight = trace["encoder.0.attn.pattern"][3, 2, 1]
    assert capsys.readouterr().out.strip().endswith(f"= {number(weight)}")
