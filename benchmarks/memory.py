"""Does the server stay within its memory, whatever is read with it?

    python benchmarks/memory.py [--sentences 500] [--megabytes 1536] [--visitors 5] [--root .]

Starts the app of --root with GLASSFORMER_MEMORY=--megabytes. So many visitors (without a browser:
tests/helpers/visitor.py) read one new sentence after the other, of 5 to 60 words, with every model
that is on this machine in turn, each on a page of its own choice, and look at another layer. What
is measured is the server's process: resident memory (all that is in memory now, also what it maps
from files) and the part of it that is its own, looked at ten times a second.

peak    the most that was seen
bound   GLASSFORMER_MEMORY; the shelf (ui/session/shelf.py) keeps a quarter of it free for what is
        being computed
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.models import catalogue  # noqa: E402  (after the path)
from tests.helpers.browser import started  # noqa: E402
from tests.helpers.visitor import Visitor  # noqa: E402

PAGES = (
    *("", "Tokens", "Positions", "Attention", "Heads", "Add_and_norm", "Feed_forward", "Layers"),
    *("Encoder_and_decoder", "Output", "Why_this_word", "Laboratory", "Compare", "Every_number"),
)
WORDS = (
    "the a old young tall small river house letter teacher farmer student book that was in near"
    " carried read saw found by and who slowly often never because when with from many people"
).split()


@dataclass
class Memory:
    """The most that a process had, in megabytes."""

    resident: float = 0.0
    own: float = 0.0
    now: float = 0.0
    rows: list[tuple[int, float, float]] = field(default_factory=list)

    def look(self, pid: int) -> None:
        """Reads what the process has now."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        self.now = int(sizes["VmRSS"].split()[0]) / 1024
        self.resident = max(self.resident, self.now)
        self.own = max(self.own, int(sizes["RssAnon"].split()[0]) / 1024)


@contextmanager
def watched(pid: int) -> Iterator[Memory]:
    """Looks at a process ten times a second."""
    seen, over = Memory(), threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.look(pid)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def sentence(chance: random.Random, number: int) -> str:
    """A new sentence of 5 to 60 words."""
    words = chance.choices(WORDS, k=chance.randint(5, 60))
    return f"{number} {' '.join(words)}.".capitalize()


def models() -> list[str]:
    """Every model that is on this machine."""
    return [entry.name for entry in catalogue.listed() if catalogue.find(entry.name)]


def read(address: str, chance: random.Random, number: int, name: str) -> tuple[Visitor, list[str]]:
    """A visitor who opens a page with a model on a new sentence, and looks at another layer."""
    visitor, page = Visitor(address), chance.choice(PAGES)
    try:
        visitor.open(page, model=name, sentence=sentence(chance, number), ask=0)
        if "place" in visitor.components:
            visitor.trigger("place", "step", ["layer", chance.randint(0, 3)])
    except TimeoutError as error:  # on a machine with more to do than it can
        visitor.problems.append(f"{page} with {name}: {error}")
    return visitor, visitor.problems


def measure(address: str, pid: int, sentences: int, visitors: int, out=print) -> Memory:
    """The most that the server took while so many sentences were read."""
    chance, here, problems = random.Random(7), [], []
    names, began = models(), time.monotonic()
    with watched(pid) as seen:
        for number in range(sentences):
            if len(here) >= visitors:
                here.pop(0).leave()
            visitor, wrong = read(address, chance, number, names[number % len(names)])
            here.append(visitor)
            problems += wrong
            if (number + 1) % 50 == 0 or number + 1 == sentences:
                passed = time.monotonic() - began
                out(
                    f"| {number + 1} | {seen.now:.0f} | {seen.resident:.0f} | {seen.own:.0f} |"
                    f" {passed:.0f} |"
                )
    for visitor in here:
        visitor.leave()
    if problems:
        out(f"{len(problems)} pages ended in an error: {problems[0]}")
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--megabytes", type=int, default=1536)
    parser.add_argument("--visitors", type=int, default=5)
    parser.add_argument("--root", type=Path, default=ROOT)
    given = parser.parse_args()
    print(f"Models: {', '.join(models())}. Bound: {given.megabytes} MB.")
    print("| sentences | MB now | MB at most | of these its own | seconds |")
    with started(given.root.resolve(), GLASSFORMER_MEMORY=str(given.megabytes)) as (
        address,
        process,
    ):
        seen = measure(address, process.pid, given.sentences, given.visitors)
    print(f"peak {seen.resident:.0f} MB (its own: {seen.own:.0f}), bound {given.megabytes} MB")


if __name__ == "__main__":
    main()
