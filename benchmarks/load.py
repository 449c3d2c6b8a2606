"""How long do clicks take when many read at once, and how much memory does that take?

    python benchmarks/load.py [--sessions 10 25] [--seconds 60] [--every 3] [--root .] [--after 60]

Starts the app of --root for each number of sessions. Each session opens a page of one of the
models, then clicks every so many seconds (a head, a layer, a token, a cell of a map) and now and
then opens another page. Sessions are visitors without a browser (tests/helpers/visitor.py), so
what is measured is the server alone: from the message that a click sends to the one that says that
nothing runs any more.

p50, p95, longest   milliseconds of a click
clicks, errors      how many clicks there were, and how many ended in an error page
MB                  memory of the server's process: when all pages are open, the most, and so many
                    seconds (--after) after all have left

Compare two versions in one go on a quiet machine: the figures of another day mean little.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (after the paths)

from tests.helpers.browser import started  # noqa: E402
from tests.helpers.visitor import Visitor, megabytes  # noqa: E402

MODELS = ("study-encoder", "study-decoder", "study-translator", "minilm", "smollm2")
PAGES = ("", "Tokens", "Attention", "Heads", "Feed_forward", "Layers", "Output", "Every_number")
LAYERS = {"smollm2": 30, "minilm": 6}
TEXT = "the river bank was quiet and the old man sat there with his dog until it rained".split()


HEAD = "| sessions | p50 | p95 | longest | clicks | errors | MB open | MB most | MB after |"


@dataclass
class Seen:
    """What all sessions of one run have seen together."""

    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


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


def read(
    address: str, number: int, until: float, every: float, seen: Seen, ready: threading.Barrier
) -> None:
    """One session: a model, a text of its own, a click every so many seconds, and another page
    after five of them."""
    chance, model = random.Random(number), MODELS[number % len(MODELS)]
    text = " ".join(chance.sample(TEXT, 12))
    visitor = opened(address, model, text, chance)
    ready.wait(300)
    time.sleep(every * chance.random())
    end, clicks = time.monotonic() + until, 0
    while time.monotonic() < end:
        begun = time.monotonic()
        if clicks % 6 == 5:
            visitor.leave()
            seen.problems += visitor.problems
            visitor = opened(address, model, text, chance)
        else:
            click(visitor, model, chance)
            seen.seconds.append(visitor.seconds[-1])
        clicks += 1
        time.sleep(max(0, every - (time.monotonic() - begun)))
    seen.problems += visitor.problems
    visitor.leave()


def opened(address: str, model: str, text: str, chance: random.Random) -> Visitor:
    """A page of the app, in a session of its own."""
    visitor = Visitor(address)
    visitor.open(chance.choice(PAGES), model=model, sentence=text)
    return visitor


def measure(root: Path, sessions: int, seconds: float, every: float, after: float) -> str:
    """One row of the table."""
    seen, ready = Seen(), threading.Barrier(sessions + 1)
    with started(root) as (address, process), ThreadPoolExecutor(sessions) as pool:
        done = [pool.submit(read, address, n, seconds, every, seen, ready) for n in range(sessions)]
        for each in done:
            each.add_done_callback(lambda each: each.exception() and ready.abort())
        ready.wait(300)
        memory = [megabytes(process.pid)]
        while not all(each.done() for each in done):
            time.sleep(0.5)
            memory.append(megabytes(process.pid))
        for each in done:
            each.result()
        time.sleep(after)
        left = megabytes(process.pid)
    p50, p95, longest = np.percentile(seen.seconds, (50, 95, 100)) * 1000
    return (
        f"| {sessions} | {p50:.0f} | {p95:.0f} | {longest:.0f} | {len(seen.seconds)} "
        f"| {len(seen.problems)} | {memory[0]:.0f} | {max(memory):.0f} | {left:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[10, 25])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--every", type=float, default=3, help="seconds between two clicks of a session"
    )
    parser.add_argument(
        "--after", type=float, default=60, help="seconds until the memory is read for the last time"
    )
    parser.add_argument("--root", type=Path, nargs="+", default=[ROOT], help="copies of the app")
    given = parser.parse_args()
    for root in given.root:
        print(f"\n{root.resolve()}\n\n{HEAD}\n{'|---' * HEAD.count(' | ')}|---|")
        for sessions in given.sessions:
            print(measure(root, sessions, given.seconds, given.every, given.after), flush=True)


if __name__ == "__main__":
    main()
