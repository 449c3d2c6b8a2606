"""How long do clicks take when many read at once, and how much memory does that take?

    python benchmarks/load.py [--readers 10 25 50] [--processes 1 2] [--screens 1] [--seconds 60]
                              [--every 3] [--after 60] [--root .]

Starts the app of --root for each number of readers: one process, or several behind nginx
(deploy/serve.py). Each reader opens a page of one of the models, then every so many seconds clicks
(a head, a layer, a token, a cell of a map), types another sentence (one time in six), or opens
another page (one in six). Readers are visitors without a browser (tests/helpers/visitor.py), so
what is measured is the server alone: from the message that a click sends to the one that says that
nothing runs any more. --screens of them are real Chromium tabs on study-decoder besides, in which
the screen is measured, from the mouse button to the last change that was painted.

click, typed        milliseconds of the server: the half, 95 of 100, and the longest
screen              milliseconds until the last change in Chromium (p50, p95)
clicks, errors      how many there were, and how many ended in an error
MB                  memory of all processes of the app together: when all pages are open, the most,
                    and so many seconds (--after) after all have left

Readers, Chromium and the server share the cores of one machine, so the figures are an upper bound.
Compare two versions in one go on a quiet machine: the figures of another day mean little.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (after the paths)

from benchmarks.clicks import WATCH  # noqa: E402
from deploy.serve import free_ports  # noqa: E402
from tests.helpers.browser import Tab, chromium, started, wait_for_health, watch  # noqa: E402
from tests.helpers.visitor import Visitor, megabytes  # noqa: E402

MODELS = ("study-encoder", "study-decoder", "study-translator", "minilm", "smollm2")
PAGES = ("", "Tokens", "Attention", "Heads", "Feed_forward", "Layers", "Output", "Every_number")
LAYERS = {"smollm2": 30, "minilm": 6}
TEXT = "the river bank was quiet and the old man sat there with his dog until it rained".split()
UNLIMITED = {"GLASSFORMER_BUDGET": "0"}  # all readers have one address here
HEAD = (
    "| processes | readers | click p50 | p95 | longest | typed p50 | p95 | screen p50 | p95"
    " | clicks | errors | MB open | MB most | MB after |"
)


@dataclass
class Seen:
    """What all readers of one run have seen together."""

    clicks: list[float] = field(default_factory=list)
    typed: list[float] = field(default_factory=list)
    screen: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """How the readers behave: seconds in all, and between two clicks of one."""

    address: str
    seconds: float
    every: float
    seen: Seen
    ready: threading.Barrier


# --- the server -----------------------------------------------------------------------------------


@contextmanager
def app(root: Path, processes: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """A running app: its address, and what tells the megabytes that it takes."""
    if processes == 1:
        with started(root) as (address, process):
            yield address, lambda: megabytes(process.pid)
        return
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "deploy.serve", "--processes", str(processes)]
    command += ["--port", str(port), "--log", "/dev/null"]
    with tempfile.NamedTemporaryFile() as said:
        server = subprocess.Popen(command, cwd=root, env=UNLIMITED | environ, stdout=said)
        try:
            wait_for_health(f"http://127.0.0.1:{port}", server, 120)
            pids = re.findall(r"is pid (\d+)", Path(said.name).read_text(encoding="utf-8"))
            yield f"http://127.0.0.1:{port}", lambda: sum(megabytes(int(pid)) for pid in pids)
        finally:
            server.terminate()
            server.wait(30)


# --- the readers ----------------------------------------------------------------------------------


def opened(plan: Plan, number: int, chance: random.Random) -> Visitor:
    """A page of the app, in a session of its own. The cookie leads to a process, as a browser's."""
    cookie = {"Cookie": f"glassformer={chance.getrandbits(128):032x}"}
    visitor = Visitor(plan.address, headers=cookie)
    visitor.open(chance.choice(PAGES), model=model_of(number), sentence=words(chance))
    return visitor


def model_of(number: int) -> str:
    """The model that a reader reads with."""
    return MODELS[number % len(MODELS)]


def words(chance: random.Random) -> str:
    """A sentence that nobody else has."""
    return " ".join(chance.sample(TEXT, 12))


def click(visitor: Visitor, model: str, chance: random.Random) -> None:
    """One click as a reader would make it."""
    if "place" not in visitor.components:
        visitor.problems.append("The page has nothing to click.")
        return
    maps = [key for key in visitor.components if key.startswith("map")]
    tokens = visitor.data("place")["tokens"]
    kind = chance.choice(("layer", "head", "token", "cell"))
    if kind == "token" and tokens:
        visitor.trigger("place", "token", [tokens[0]["side"], chance.randrange(4)])
    elif kind == "cell" and maps:
        visitor.trigger(chance.choice(maps), "cell", [0, 0, chance.randrange(4)])
    elif kind == "head":
        visitor.trigger("place", "step", ["head", chance.randrange(5)])
    else:
        layers = LAYERS.get(model, 4)
        visitor.trigger("place", "step", ["layer", chance.randrange(layers)])


def read(plan: Plan, number: int) -> None:
    """One reader, until the time is up."""
    chance = random.Random(number)
    visitor = opened(plan, number, chance)
    plan.ready.wait(300)
    time.sleep(plan.every * chance.random())
    end, turn = time.monotonic() + plan.seconds, chance.randrange(6)
    while time.monotonic() < end:
        begun = time.monotonic()
        visitor = act(plan, visitor, number, turn, chance)
        turn += 1
        time.sleep(max(0, plan.every - (time.monotonic() - begun)))
    plan.seen.problems += visitor.problems
    visitor.leave()


def act(plan: Plan, visitor: Visitor, number: int, turn: int, chance: random.Random) -> Visitor:
    """What a reader does next: another page after five clicks, another sentence before it."""
    if turn % 6 == 5:
        visitor.leave()
        plan.seen.problems += visitor.problems
        return opened(plan, number, chance)
    if turn % 6 == 4:
        visitor.type("sentence", words(chance))
        plan.seen.typed.append(visitor.seconds[-1])
    else:
        click(visitor, model_of(number), chance)
        plan.seen.clicks.append(visitor.seconds[-1])
    return visitor


def look(plan: Plan, number: int) -> None:
    """A reader with a screen, who goes from head to head of study-decoder."""
    choices = {"model": "study-decoder", "ask": "0", "layer": "1", "head": str(1 + number % 3)}
    url = f"{plan.address}/Attention?{urlencode(choices | {'sentence': ' '.join(TEXT[:12])})}"
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(WATCH)
        watch(tab := Tab(context.new_page(), plan.address))
        tab.do(lambda: tab.view.goto(url, timeout=120_000), 120)
        plan.ready.wait(300)
        end = time.monotonic() + plan.seconds
        while time.monotonic() < end:
            begun, way = time.monotonic(), ("greater", "less")[len(plan.seen.screen) % 2]
            tab.view.locator(f".st-key-place .stepper[aria-label=Head] .{way}").click()
            _, last, _ = tab.view.evaluate("untilRest(400, 30000)")
            plan.seen.screen.append(last / 1000)
            tab.view.wait_for_timeout(1000 * max(0, plan.every - (time.monotonic() - begun)))
        plan.seen.problems += tab.problems
        context.close()


# --- the table ------------------------------------------------------------------------------------


def measure(root: Path, processes: int, readers: int, given: argparse.Namespace) -> str:
    """One row of the table."""
    seen, ready = Seen(), threading.Barrier(readers + given.screens + 1)
    with (
        app(root, processes) as (address, memory),
        ThreadPoolExecutor(readers + given.screens) as pool,
    ):
        plan = Plan(address, given.seconds, given.every, seen, ready)
        done = [pool.submit(read, plan, number) for number in range(readers)]
        done += [pool.submit(look, plan, number) for number in range(given.screens)]
        for each in done:
            each.add_done_callback(lambda each: each.exception() and ready.abort())
        ready.wait(300)
        taken = [memory()]
        while not all(each.done() for each in done):
            time.sleep(0.5)
            taken.append(memory())
        seen.problems += [repr(each.exception()) for each in done if each.exception()]
        time.sleep(given.after)
        return row(processes, readers, seen, (taken[0], max(taken), memory()))


def row(processes: int, readers: int, seen: Seen, memory: tuple[float, ...]) -> str:
    """The row that this makes."""
    for problem in dict.fromkeys(seen.problems):
        print(f"error: {problem}", file=sys.stderr)
    cells = [
        processes,
        readers,
        *parts(seen.clicks, 50, 95, 100),
        *parts(seen.typed, 50, 95),
        *parts(seen.screen, 50, 95),
        len(seen.clicks) + len(seen.typed) + len(seen.screen),
        len(seen.problems),
        *(f"{each:.0f}" for each in memory),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def parts(seconds: list[float], *shares: int) -> list[str]:
    """Percentiles in milliseconds; a dash where nothing was measured."""
    if not seconds:
        return ["–"] * len(shares)
    return [f"{each * 1000:.0f}" for each in np.percentile(seconds, shares)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, nargs="+", default=[10, 25, 50])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--screens", type=int, default=1, help="real Chromium tabs besides")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=3, help="seconds between two clicks")
    parser.add_argument("--after", type=float, default=60, help="seconds until memory is read last")
    parser.add_argument("--root", type=Path, nargs="+", default=[ROOT], help="copies of the app")
    given = parser.parse_args()
    for root in given.root:
        print(f"\n{root.resolve()}\n\n{HEAD}\n{'|---' * (HEAD.count('|') - 1)}|")
        for processes in given.processes:
            for readers in given.readers:
                print(measure(root, processes, readers, given), flush=True)


if __name__ == "__main__":
    main()
