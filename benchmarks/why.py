"""How long do the answers of core.why take? Against one forward pass of the same sentence.

    python benchmarks/why.py [--rounds 7]

One run, the same number of threads on every side, with pauses between the sides, as in
benchmarks/forward.py. Printed are medians in milliseconds and their ratios to the forward pass that
keeps everything; only the ratios mean something on another machine. And, for each answer, how far
the sum of its parts is from the number in the trace.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from benchmarks.forward import medians  # noqa: E402
from core import load, why  # noqa: E402

CASES = (("study-decoder", 16), ("study-decoder", 64), ("smollm2", 16), ("smollm2", 64))
ANSWERS = ("lens", "parts", "look", "trail", "ends")


def ids_of(config, length: int) -> np.ndarray:
    """Tokens of which the second half repeats the first, so that heads have something to find."""
    half_L = np.random.default_rng(1).integers(200, config.n_vocab - 200, length // 2)
    return np.concatenate([half_L, half_L])


def answers(trace, length: int) -> dict:
    """What is asked of a trace, each as a function without arguments."""
    config, (word, rival) = trace.config, np.argsort(-trace["head.logits"][-1])[:2].tolist()
    path = f"decoder.{config.layers('decoder') * 17 // 30}.attn"
    return {
        "lens": lambda: why.lens(trace),
        "parts": lambda: why.parts(trace, word, rival),
        "look": lambda: why.look(trace, path, 4, length - 1, length // 2),
        "trail": lambda: why.trail(trace, word, rival, threshold=0.05),
        "ends": lambda: why.ends(trace, word, rival),
    }


def errors(trace, asked: dict) -> dict[str, float]:
    """How far each sum is from the recorded number."""
    logits_V, look = trace["head.logits"][-1], asked["look"]()
    parts = asked["parts"]()
    score = trace[f"{look.path}.scores.scaled"][look.head, look.query, look.key]
    return {
        "lens": float(abs(asked["lens"]()[-1] - logits_V).max()),
        "parts": float(abs(parts.total - (logits_V[parts.word] - logits_V[parts.rival]))),
        "look": float(abs(look.total - score)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'':15}{'tokens':>7}  {'':8}{'ms':>8}{'/ forward':>11}{'error':>11}")
    for name, length in CASES:
        model = load(name)
        ids_L = ids_of(model.config, length)
        trace = model.trace(ids_L=ids_L)
        asked = answers(trace, length)
        ms = medians({"forward": lambda m=model, ids=ids_L: m.trace(ids_L=ids)} | asked, rounds)
        found = errors(trace, asked)
        for side in ("forward", *ANSWERS):
            error = f"{found[side]:11.1e}" if side in found else ""
            ratio = ms[side] / ms["forward"]
            print(f"{name:15}{length:7}  {side:8}{ms[side]:8.1f}{ratio:11.2f}{error}", flush=True)


if __name__ == "__main__":
    main()
