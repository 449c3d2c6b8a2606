"""How long does a model take from a click to its first map?

    python benchmarks/start.py [--model smollm2] [--rounds 3]

Each round is a process of its own that has shown another model already, as a server has. Then the
page Attention is opened with the model: its file is read, the sentence is run, the page is drawn
(by the server; the browser is not measured here). Once with its weights converted anew
(GLASSFORMER_PREPARED=0), and once with those that were kept. CPU seconds on one thread, which say
the same on a busy machine, and wall seconds; of these, what reading the model takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WAYS = {"converted": "0", "kept": ""}


def measured(model: str) -> dict[str, float]:
    """CPU and wall seconds of the first page with a model, and of reading the model alone."""
    from core import load
    from tests.helpers.pages import opened

    assert not opened("pages/3_Attention.py", model="study-decoder").exception
    cpu, wall = time.process_time(), time.perf_counter()
    assert not opened("pages/3_Attention.py", model=model, layer=None, head=None).exception
    page = time.process_time() - cpu, time.perf_counter() - wall
    cpu, wall = time.process_time(), time.perf_counter()
    load(model, fetch=False)
    read = time.process_time() - cpu, time.perf_counter() - wall
    return dict(
        zip(("page cpu", "page wall", "read cpu", "read wall"), (*page, *read), strict=True)
    )


def in_process(model: str, way: str) -> dict[str, float]:
    """The same in a fresh process."""
    command = [sys.executable, __file__, "--model", model, "--inside"]
    own = {"GLASSFORMER_PREPARED": WAYS[way], "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=os.environ | own, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(measured(asked.model)))
        return
    in_process(asked.model, "kept")  # now they are kept
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(asked.rounds):  # the ways in turn
        for way, rounds in found.items():
            rounds.append(in_process(asked.model, way))
    print(f"| seconds, {asked.model} | {' | '.join(WAYS)} | kept / converted |")
    for what in found["kept"][0]:
        one, other = (median(each[what] for each in found[way]) for way in WAYS)
        print(f"| {what} | {one:.2f} | {other:.2f} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
