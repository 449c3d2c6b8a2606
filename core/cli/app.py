"""python -m core app: opens the app in the browser, as `glassformer` alone does."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from importlib import import_module
from importlib.util import find_spec

from ..errors import GlassError
from ..places import APP
from .screen import new_parser


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Opens the app in the browser. It listens on this machine alone, unless --address names"
        " another of its addresses; visitors from outside choose from the models that are here.",
        f"  {prog}\n  {prog} --port 8600 --no-browser",
    )
    made.add_argument(
        "--port", type=port, metavar="N", help="where it listens (first free from 8501)"
    )
    made.add_argument("--address", metavar="A", help="the address it listens at (127.0.0.1)")
    made.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    return made


def port(text: str) -> int:
    """A port that may be listened at."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise ArgumentTypeError("a whole number from 1 to 65535")
    return int(text)


def run(given: Namespace) -> int:
    """Runs the server in this process until it is stopped; its exit code. Streamlit reads its
    settings from the folder that it is started in, so that is the app's.
    """
    if find_spec("streamlit") is None or not (APP / "app.py").exists():
        raise GlassError(
            "This copy lacks Streamlit or the app itself: get a complete copy and what"
            " requirements.txt lists."
        )
    os.chdir(APP)
    streamlit = import_module("streamlit.web.cli")
    return streamlit.main(["run", "app.py", *options(given)], standalone_mode=False) or 0


def options(given: Namespace) -> list[str]:
    """What was asked for, in Streamlit's words."""
    asked = {"port": given.port, "address": given.address}
    found = [f"--server.{name}={value}" for name, value in asked.items() if value]
    return found + ["--server.headless=true"] * given.no_browser
