"""How long until something is seen? From the command `streamlit run app.py` to the first attention
map, in a real Chromium.

    python benchmarks/first_start.py [--starts 5] [--root FOLDER]

Every start is the first one: a home folder, a cache and a Streamlit configuration that are empty,
and a network that does not answer (all proxies point to a closed port). What is timed begins with
the command and ends when a canvas with colours in it has been painted. The browser runs already, as
a reader's does, and asks for the page as soon as the server answers.

server      seconds until the server answers
overview    … until the overview's first picture, which holds the first head's attention map, is
            painted
attention   … until the attention map on the page Attention is painted (a start of its own, by a
            link to that page)

cold        without any compiled Python, neither of this program nor of the libraries (pip compiles
            those when it installs)
warm        with both compiled, as from the second start on

The medians of --starts starts are printed, in brackets the slowest. The aim is 5 seconds at most.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers.browser import chromium  # noqa: E402  (after the path)

AIM, LIMIT = 5.0, 60.0  # seconds
PAGES = {"overview": "", "attention": "Attention?v=2&stage=3"}
NOWHERE = "http://127.0.0.1:9"  # the discard port: closed nearly everywhere
# Components draw in shadow roots, so those are looked through, too.
PAINTED = """(() => {
  const all = (root) => [...root.querySelectorAll("*")]
    .flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])])
  const coloured = (canvas) => {
    if (canvas.width < 60 || canvas.height < 60 || !canvas.getClientRects().length) return false
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Set()
    for (let i = 0; i < data.length && seen.size < 8; i += 44)
      if (data[i + 3]) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`)
    return seen.size >= 8
  }
  return all(document).some((one) => one.tagName === "CANVAS" && coloured(one))
})()"""


def environment(home: Path, compiled: Path) -> dict[str, str]:
    """The variables of a machine that has never seen this program, and whose network does not
    answer.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    }
    proxies = {
        name: NOWHERE
        for each in ("http_proxy", "https_proxy", "all_proxy")
        for name in (each, each.upper())
    }
    return (
        kept
        | proxies
        | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PYTHONPYCACHEPREFIX": str(compiled),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
    )


@contextmanager
def started(root: Path, variables: dict[str, str]) -> Iterator[tuple[str, float]]:
    """The app, started by the command of the README; gives its address, and when the command was
    given.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
        "--server.address=127.0.0.1",
    ]
    begun = time.perf_counter()
    server = subprocess.Popen(
        command,
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", begun
    finally:
        server.terminate()
        server.wait(10)


def answers(address: str) -> None:
    """Returns as soon as the server does."""
    ask, until = (
        urllib.request.build_opener(urllib.request.ProxyHandler({})),
        time.monotonic() + LIMIT,
    )
    while time.monotonic() < until:
        try:
            with ask.open(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("The server did not start.")


def one_start(browser, root: Path, page: str, compiled: Path) -> tuple[float, float]:
    """Seconds until the server answers, and until a picture is painted."""
    with (
        tempfile.TemporaryDirectory() as home,
        started(root, environment(Path(home), compiled)) as (address, begun),
    ):
        answers(address)
        ready = time.perf_counter() - begun
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        try:
            view = context.new_page()
            view.goto(f"{address}/{PAGES[page]}", wait_until="commit")
            view.wait_for_function(PAINTED, polling=30, timeout=LIMIT * 1000)
            return ready, time.perf_counter() - begun
        finally:
            context.close()


def measure(
    browser, root: Path, starts: int
) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """For cold and warm, and each page, the seconds of all starts."""
    found = {}
    for page in PAGES:
        with tempfile.TemporaryDirectory() as compiled:
            for state in ("cold", "warm"):
                times = []
                for _ in range(starts):
                    if state == "cold":
                        shutil.rmtree(compiled, ignore_errors=True)
                    times.append(one_start(browser, root, page, Path(compiled)))
                found[state, page] = tuple(map(list, zip(*times, strict=True)))
                print(
                    f"{state} {page}: "
                    + ", ".join(f"{seconds:.2f}" for seconds in found[state, page][1]),
                    file=sys.stderr,
                )
    return found


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5, help="how often each is measured")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the app")
    asked = parser.parse_args()
    with chromium() as browser:
        found = measure(browser, asked.root.resolve(), asked.starts)
    print(f"{'':8}{'page':12}{'server':>8}{'picture':>9}{'slowest':>9}")
    for (state, page), (servers, pictures) in found.items():
        print(
            f"{state:8}{page:12}{median(servers):8.2f}{median(pictures):9.2f}{max(pictures):9.2f}"
        )
    print(f"Seconds from the command, medians of {asked.starts} first starts; the aim is {AIM:g}.")


if __name__ == "__main__":
    main()
