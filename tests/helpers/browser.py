"""The app in a real browser: a server of its own, Chromium without a screen, and a way to wait
until a view settled.

with serve() as address, chromium() as browser, tab(browser, f"{address}/Attention?head=3") as page:
    page.do(lambda: page.view.get_by_text("Keys").click())
    assert not page.problems
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
PATIENCE = 120  # seconds that a loaded machine may take; what is there sooner is not waited for
UNDRAWN = "[aria-busy=true], [data-testid=stSkeleton]"  # a component or a chart that is to come
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
BEGUN = ".st-key-rail, [data-testid=stMain] h1"  # the frame of a page, or the welcome
MOUNTED = """() => [...document.querySelectorAll(".st-key-place")].every((each) =>
    each.querySelector("[data-testid=stBidiComponentIsolated]")?.shadowRoot?.querySelector(".root"))
"""  # the line over the page has its html, from which on it is busy until it is drawn
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def serve(root: Path = ROOT, log: str | Path = os.devnull, **environment: str) -> Iterator[str]:
    """Starts the app; gives its address, and stops it in the end."""
    with started(root, log, **environment) as (address, _):
        yield address


@contextmanager
def started(
    root: Path = ROOT, log: str | Path = os.devnull, **environment: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Starts the app on a free port with this interpreter; gives its address and its process, and
    stops it in the end. log: what the server says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
    ]
    with open(log, "wb") as said:
        server = subprocess.Popen(
            command, cwd=root, env=os.environ | environment, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        wait_for_health(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(PATIENCE)


def wait_for_health(address: str, server: subprocess.Popen, seconds: float = PATIENCE) -> None:
    """Returns when the server answers; raises if it ended or stays silent."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start (exit code {server.poll()}).")


@contextmanager
def chromium() -> Iterator:
    """A headless Chromium from this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def modules(browser) -> Iterator[Callable]:
    """run(code, given=None): what a piece of JavaScript returns in a blank page, from which it can
    import the modules in assets/components as they are: `await import("/numbers.js")`.
    """
    folder = partial(Files, directory=str(ROOT / "assets/components"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), folder)
    Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield lambda code, given=None: page.evaluate(f"async (given) => {{ {code} }}", given)
    finally:
        page.close()
        server.shutdown()
        server.server_close()


class Files(SimpleHTTPRequestHandler):
    """A folder, served without a word."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def log_message(self, *_) -> None:
        pass


@dataclass
class Tab:
    """One tab: `view` is Playwright's page, `begun` how many script runs have begun, `runs` how
    many have ended, `running` whether one is under way, `problems` what must not happen.
    """

    view: object
    address: str
    begun: int = 0
    runs: int = 0
    running: bool = False
    problems: list[str] = field(default_factory=list)

    def do(self, act: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Does something that starts a run of the page, and waits until that run, not one that had
        begun before, has ended and is drawn.
        """
        before = self.begun
        act()
        self.wait(lambda: self.begun > before and not self.running, seconds)
        self.settle()

    def settle(self, seconds: float = PATIENCE) -> None:
        """Waits until no run is under way, none follows at once, as after a change of page, and
        every component is drawn.
        """
        self.view.wait_for_selector(BEGUN, state="attached", timeout=seconds * 1000)
        for _ in range(2):
            before = self.begun
            self.view.wait_for_selector(SETTLED, state="attached", timeout=seconds * 1000)
            self.view.wait_for_timeout(150)
            if self.begun == before and not self.running:
                break
        self.wait(self.drawn, seconds)

    def drawn(self) -> bool:
        """Whether every component and chart is there."""
        return self.view.evaluate(MOUNTED) and not self.view.locator(UNDRAWN).count()

    def wait(self, done: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Lets the browser go on until done() holds."""
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise TimeoutError("The page did not do what was waited for.")
            self.view.wait_for_timeout(20)

    def picture(self, path: Path) -> None:
        """Saves the whole page, as long as it is, as PNG."""
        self.view.evaluate("document.activeElement?.blur()")
        grow = "document.querySelector('[data-testid=stMain]').scrollHeight"
        size = self.view.viewport_size
        self.view.set_viewport_size(
            size | {"height": min(max(size["height"], self.view.evaluate(grow)), 8000)}
        )
        self.view.wait_for_timeout(600)
        self.view.screenshot(path=str(path))
        self.view.set_viewport_size(size)


def new_tab(browser, address: str) -> Tab:
    """A tab that is watched and shows nothing yet; close_tab ends it."""
    opened = Tab(browser.new_context().new_page(), address)
    watch(opened)
    return opened


def close_tab(opened: Tab) -> None:
    opened.view.context.close()


def show(opened: Tab, url: str, size: tuple[int, int], theme: str = "light") -> None:
    """Opens an address in a tab, as in a fresh one."""
    opened.begun, opened.runs, opened.running, opened.problems[:] = 0, 0, False, ()
    opened.view.set_viewport_size({"width": size[0], "height": size[1]})
    opened.view.emulate_media(color_scheme=theme)
    opened.do(lambda: opened.view.goto(url))


def leave(opened: Tab) -> None:
    """Ends the session of a tab and forgets what it kept. The tab is as good as a fresh one, but
    for the scripts: to have them read already takes less than half the time.
    """
    for other in opened.view.context.pages:
        if other is not opened.view:
            other.close()
    opened.view.goto(f"{opened.address}/_stcore/health")
    opened.view.evaluate("localStorage.clear(), sessionStorage.clear()")
    opened.view.context.clear_cookies()
    opened.view.mouse.move(-99, -99)


@contextmanager
def tab(
    browser, url: str, width: int = 1280, height: int = 900, theme: str = "light"
) -> Iterator[Tab]:
    """Opens an address in a fresh session and watches it."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    opened = Tab(context.new_page(), "/".join(url.split("/")[:3]))
    watch(opened)
    try:
        opened.do(lambda: opened.view.goto(url))
        yield opened
    finally:
        context.close()


def watch(opened: Tab) -> None:
    """Counts the runs, and notes every error and every request that leaves the server."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    opened.view.set_default_timeout(1000 * PATIENCE)

    def received(payload) -> None:
        message = ForwardMsg()
        if isinstance(payload, bytes):
            message.ParseFromString(payload)
            kind = message.WhichOneof("type")
            opened.begun += kind == "new_session"
            opened.runs += kind == "script_finished"
            if kind in ("new_session", "script_finished"):
                opened.running = kind == "new_session"

    def said(message) -> None:
        own = (
            "/_stcore/" in message.location.get("url", "") and "404" in message.text
        )  # Streamlit's, on deep links
        if message.type == "error" and not own:
            opened.problems.append(
                f"console: {message.text[:300]} {message.location.get('url', '')}"
            )

    def requested(request) -> None:
        if not request.url.startswith(
            (opened.address, opened.address.replace("http", "ws"), "data:", "blob:")
        ):
            opened.problems.append(f"request: {request.url[:300]}")

    opened.view.on("websocket", lambda socket: socket.on("framereceived", received))
    opened.view.on("console", said)
    opened.view.on("pageerror", lambda error: opened.problems.append(f"page: {error}"))
    opened.view.on("request", requested)
