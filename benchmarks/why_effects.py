"""What does it cost to silence every head and feed-forward network in turn, in forward passes?

    python benchmarks/why_effects.py [--rounds 5]

Each run of the model begins at the layer that changes, so it is less than a forward pass; a run of
the whole model for each would be as many as there are heads and networks. Both sides are timed in
turn within one run, with a pause before each, and by the time of the processor as well as by the
clock: where other programs run, only the former means something, and of both only the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402  (after the path)

from core import load, why  # noqa: E402
from core.why.silencing import units  # noqa: E402

PAUSE = 0.4  # threads of OpenBLAS spin for 0.1 s and slow down what runs next
LENGTH = 16
MODELS = ("study-decoder", "smollm2")


def spent(work: Callable) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor."""
    time.sleep(PAUSE)
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000


def medians(sides: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """The medians of both times for each side, the sides in turn; a first round is not counted."""
    times: dict[str, list] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, work in sides.items():
            found = spent(work)
            if number:
                times[name].append(found)
    return {
        name: [statistics.median(t) for t in zip(*both, strict=True)]
        for name, both in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    names = ("runs", "pass", "all", "ratio", "pass cpu", "all cpu", "ratio")
    print(" " * 15 + "".join(f"{each:>10}" for each in names))
    for name in MODELS:
        model = load(name)
        ids_L = np.random.default_rng(1).integers(200, model.config.n_vocab - 200, LENGTH)
        trace = model.trace(ids_L=ids_L, keep="layers", rows=-1)
        sides = {
            "pass": partial(model.trace, ids_L=ids_L, keep="output", rows=-1),
            "all": partial(why.effects, model, trace, int(trace["head.logits"][0].argmax())),
        }
        ms = medians(sides, rounds if name == MODELS[0] else min(rounds, 3))
        runs = len(units(model.config))
        print(
            f"{name:15}{runs:10}{ms['pass'][0]:10.1f}{ms['all'][0]:10.1f}"
            f"{ms['all'][0] / ms['pass'][0]:10.1f}{ms['pass'][1]:10.1f}{ms['all'][1]:10.1f}"
            f"{ms['all'][1] / ms['pass'][1]:10.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
