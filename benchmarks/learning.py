"""How long does one step of learning take? Against the forward pass of the same sentence.

    python benchmarks/learning.py [--rounds 15] [--threads 2]

study-decoder on 12 tokens. One run, the same number of threads on every side, the sides in turn
with pauses, as in benchmarks/forward.py: the forward pass that keeps everything; the way back from
the loss of all next words to every step; the same with the gradient of every weight; and a whole
step of SGD and of AdamW, which is the forward pass, the way back with all weights, and the new
weights. Printed are medians in milliseconds and their ratios to the forward pass; only the ratios
mean something on another machine. The aim is a step within 40 ms on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def asked() -> argparse.Namespace:
    """What the command asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


ASKED = asked() if __name__ == "__main__" else argparse.Namespace(rounds=1, threads=1)
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(ASKED.threads)  # before NumPy is loaded, which reads it once

from benchmarks.forward import medians  # noqa: E402
from core import load  # noqa: E402
from core.learning import Learner, Plan, learn  # noqa: E402

MODEL = "study-decoder"
TEXT = "The books that the student recommended to the boys are in the"
TOKENS, AIM = 12, 40  # ms


def sides(model, ids_L: list[int], targets: dict[int, int]) -> dict:
    """What is measured, each as a function without arguments."""
    trace, plans = model.trace(ids_L=ids_L), {name: Plan(name) for name in ("sgd", "adamw")}
    new = Learner(model.config, model.weights)
    # AdamW keeps its means from the second step on: that is the step one waits for
    begun = learn(new, plans["adamw"], ids_L, targets).after
    return {
        "forward": lambda: model.trace(ids_L=ids_L),
        "backward": lambda: trace.backward(targets),
        "backward, all weights": lambda: dict(trace.backward(targets).learned()),
        "a step of SGD": lambda: learn(new, plans["sgd"], ids_L, targets),
        "a step of AdamW": lambda: learn(begun, plans["adamw"], ids_L, targets),
    }


def main() -> None:
    model = load(MODEL)
    ids_L = model.ids(TEXT).tolist()[:TOKENS]
    if len(ids_L) != TOKENS:
        raise SystemExit(f"The text has {len(ids_L)} tokens, not {TOKENS}.")
    targets = dict(enumerate(ids_L[1:]))
    found = medians(sides(model, ids_L, targets), ASKED.rounds)
    print(f"{MODEL}, {TOKENS} tokens, {ASKED.threads} threads, {ASKED.rounds} rounds")
    for name, ms in found.items():
        missed = "   over the aim" if name.startswith("a step") and ms > AIM else ""
        ratio = ms / found["forward"]
        print(f"{name:24}{ms:8.2f} ms{ratio:8.2f} × forward{missed}", flush=True)


if __name__ == "__main__":
    main()
