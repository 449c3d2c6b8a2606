"""The wheel: what is in it, and that an environment with it alone has the import, the command and
the app, without the repository.
"""

from __future__ import annotations

import ast
import json
import subprocess
import time
from urllib.request import urlopen
from zipfile import ZipFile

from core import explain, load
from deploy.serve import free_ports
from hatch_build import IMPORT, modules, renamed
from tests.helpers.browser import ROOT

SENTENCE = "The books that the student recommended"
STEP, CELL = "decoder.3.attn.pattern", (4, 3, 2)
OURS = {"core", "ui", "engines", "pages"}


def test_the_wheel_has_all_that_the_repository_has_of_the_app(wheel):
    with ZipFile(wheel) as file:
        names = set(file.namelist())
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "core").rglob("*.py")}
    wanted = {name.replace("core/", "glassformer/", 1) for name in here}
    wanted |= {f"glassformer/_app/{path.relative_to(ROOT).as_posix()}" for path in modules(ROOT)}
    assets = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    wanted |= {f"glassformer/_app/{path.relative_to(ROOT).as_posix()}" for path in assets}
    wanted |= {"glassformer/_app/.streamlit/config.toml"}
    about = {name for name in names if ".dist-info/" in name}
    assert wanted == names - about and len(assets) > 150


def test_nothing_in_the_wheel_asks_for_the_names_of_the_repository(wheel):
    with ZipFile(wheel) as file:
        for name in file.namelist():
            if name.endswith(".py"):
                assert not imported(file.read(name).decode()) & OURS, name


def imported(text: str) -> set[str]:
    """The packages that a file imports by their names from the top."""
    found = list(ast.walk(ast.parse(text)))
    names = [a.name for node in found if isinstance(node, ast.Import) for a in node.names]
    names += [
        str(node.module) for node in found if isinstance(node, ast.ImportFrom) and not node.level
    ]
    return {name.split(".")[0] for name in names}


def test_an_import_is_renamed_and_nothing_else_is():
    text = "from core import masks\nimport ui.text\n# from core\nfrom corebook import x\ncore = 1\n"
    assert renamed(text) == (
        "from glassformer import masks\nimport glassformer._app.ui.text\n# from core\n"
        "from corebook import x\ncore = 1\n"
    )
    # “import ui.text” would bind another name than before: the app has no such line
    plain = [
        path
        for path in modules(ROOT)
        for found in IMPORT.finditer(path.read_text("utf-8"))
        if found[1].strip() == "import"
    ]
    assert plain == []


def test_the_import_computes_what_the_repository_does(installed):
    code = f"""
import json
from glassformer import explain, load
trace = load("study-decoder").trace({SENTENCE!r})
made = explain(trace, {STEP!r}, {CELL})
print(json.dumps([trace[{STEP!r}].tolist(), float(made.value), made.name, len(trace)]))
"""
    there = json.loads(installed.run("python", "-c", code))
    trace = load("study-decoder").trace(SENTENCE)
    made = explain(trace, STEP, CELL)
    assert there == [trace[STEP].tolist(), float(made.value), made.name, len(trace)]


def test_the_command_is_there(installed):
    said = json.loads(installed.run("glassformer", "models", "list", "--json"))
    assert {each["name"] for each in said if each["path"]} >= {"study-decoder", "study-encoder"}
    assert "usage: glassformer [-h] COMMAND" in installed.run("glassformer", "--help")
    code = installed.run("glassformer", "explain", STEP, *map(str, CELL), "--sentence", SENTENCE)
    assert "glassformer/transformer.py:" in code


def test_the_command_writes_a_report(installed):
    installed.run("glassformer", "report", SENTENCE, "--stages", "heads", "--out", "report.html")
    text = (installed.elsewhere / "report.html").read_text("utf-8")
    assert STEP in text and "glassformer explain {cell}" in text


def test_the_app_opens_without_the_repository(installed):
    """The command starts a server from the folder it is called in; the first page is computed."""
    (port,) = free_ports(1)
    command = [installed.bin / "glassformer", "app", "--no-browser", "--port", str(port)]
    surroundings = installed.surroundings
    log = installed.elsewhere / "log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            command, cwd=installed.elsewhere, env=surroundings, stdout=said, stderr=said
        ) as process,
    ):
        try:
            assert is_up(f"http://127.0.0.1:{port}/_stcore/health"), log.read_text()
        finally:
            process.terminate()
    page = installed.run("python", "-c", FIRST_PAGE)
    assert json.loads(page) == [[], ["The queen closed the book because"]]


FIRST_PAGE = """
import json, os
from streamlit.testing.v1 import AppTest
from glassformer.places import APP
os.chdir(APP)
page = AppTest.from_file(str(APP / "app.py"), default_timeout=120).run()
wrong = [each.value for each in (*page.exception, *page.error)]
print(json.dumps([wrong, [each.value for each in page.text_input]]))
"""


def is_up(address: str) -> bool:
    """Whether a server answers, within two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            with urlopen(address) as answer:
                return answer.read() == b"ok"
        except OSError:
            time.sleep(0.2)
    return False
