"""The very lines of core/ that made a step, read from the source files at run time."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache
from inspect import getsourcefile, getsourcelines
from pathlib import Path

from .step_ref import GRAD, GRAD_OF_WEIGHT, parse
from .steps import kind_of

_CORE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Snippet:
    """A function of core/: its file, the number of its first line, its lines, and the line numbers
    to point at.
    """

    path: str
    function: str
    first: int
    lines: tuple[str, ...]
    highlighted: frozenset[int]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def source_path(file: str) -> str:
    """A file of core/ as it is named on the screen."""
    return Path(file).relative_to(_CORE.parent).as_posix()


def lines_that_made(trace, name: str) -> tuple[Snippet, ...]:
    """The function that recorded the step, its statement marked, then the functions of core/ which
    that statement calls.

    Empty for a learned weight: no line made it.
    """
    if name not in trace:
        return ()
    if (kind := kind_of(trace.config, parse(name))) and kind.compute:
        file, (_, line) = getsourcefile(kind.compute), getsourcelines(kind.compute)
        return (_function(str(file), line, ()),)
    put = trace.provenance(name)
    if name.startswith(GRAD_OF_WEIGHT):
        return (_function(put.file, put.line, ()),)
    names = trace.gradients.steps if name.startswith(GRAD) else trace.names
    begin = GRAD if name.startswith(GRAD) else ""
    ran = frozenset(trace.provenance(begin + other).line for other in names)
    return _snippets(put.file, put.line, ran)


@lru_cache(maxsize=256)
def _snippets(file: str, line: int, ran: frozenset[int]) -> tuple[Snippet, ...]:
    function = _enclosing(file, line)
    statements = _statements(function, line, ran)
    marked = [n for s in statements for n in _lines(s)]
    called = [
        _called(file, node.func.id)
        for s in statements
        for node in ast.walk(s)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return (
        _function(file, line, marked),
        *dict.fromkeys(_function(*place, ()) for place in called if place),
    )


def _statements(function: ast.FunctionDef, line: int, ran: frozenset[int]) -> list[ast.stmt]:
    """The statement at that line; where it only passes a name on, also the statement that gave the
    name its value.

    ran: the lines that recorded a step. A branch without one of them was not taken: nothing in it
    made this value.
    """
    simple = [s for s in ast.walk(function) if isinstance(s, ast.stmt) and not hasattr(s, "body")]
    here = next(s for s in simple if line in _lines(s))
    calls = [n for n in ast.walk(here) if isinstance(n, ast.Call)]
    put = next((n for n in calls if getattr(n.func, "attr", "") == "put"), None)
    if put is None or not isinstance(passed := put.args[1], ast.Name):
        return [here]
    skipped = _branches_not_taken(function, ran)
    before = [
        s
        for s in simple
        if _lines(s).stop <= here.lineno
        and isinstance(s, ast.Assign)
        and any(_names(target, passed.id) for target in s.targets)
        and not any(s.lineno in lines for lines in skipped)
    ]
    return [*sorted(before, key=lambda s: s.lineno)[-1:], here]


def _lines(node: ast.stmt, last: ast.stmt | None = None) -> range:
    """The numbers of the lines from a statement to the end of the last, or of itself."""
    end = last or node
    return range(node.lineno, (end.end_lineno or end.lineno) + 1)


def _names(target: ast.expr, name: str) -> bool:
    """Whether an assignment gives that name a value."""
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(target))


def _branches_not_taken(function: ast.FunctionDef, ran: frozenset[int]) -> list[range]:
    """The lines of each branch in which no step was recorded."""
    branches = [
        _lines(branch[0], branch[-1])
        for node in ast.walk(function)
        if isinstance(node, ast.If)
        for branch in (node.body, node.orelse)
        if branch
    ]
    return [lines for lines in branches if not any(n in lines for n in ran)]


def _called(file: str, function: str) -> tuple[str, int] | None:
    """Where a function called by that name in that file is written, if it is one of core/'s own."""
    code = getattr(getattr(_module(file), function, None), "__code__", None)
    return (
        (code.co_filename, code.co_firstlineno)
        if code and Path(code.co_filename).is_relative_to(_CORE)
        else None
    )


@lru_cache(maxsize=64)
def _module(file: str):
    """The module that was read from a file of core/."""
    every = list(sys.modules.values())
    return next((m for m in every if getattr(m, "__file__", None) == file), None)


def _function(file: str, line: int, marked) -> Snippet:
    node = _enclosing(file, line)
    lines = Path(file).read_text(encoding="utf-8").splitlines()[node.lineno - 1 : node.end_lineno]
    return Snippet(source_path(file), node.name, node.lineno, tuple(lines), frozenset(marked))


def _enclosing(file: str, line: int) -> ast.FunctionDef:
    """The innermost function around a line."""
    inside = [
        n for n in ast.walk(_parsed(file)) if isinstance(n, ast.FunctionDef) and line in _lines(n)
    ]
    return max(inside, key=lambda n: n.lineno)


@lru_cache(maxsize=16)
def _parsed(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"))
