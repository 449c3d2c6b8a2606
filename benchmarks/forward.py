"""How fast is the forward pass that keeps everything? Against transformers, and against the matrix
products alone.

    python benchmarks/forward.py [--rounds 7]

One run, the same number of threads on every side. OpenBLAS threads spin for about 0.1 s after a
product and slow down whatever runs next, so there is a pause of 0.4 s between the sides. Printed
are medians and their ratios; only the ratios mean something on another machine. Without PyTorch and
transformers (requirements-reference.txt) that side is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from functools import partial
from pathlib import Path

THREADS = str(os.cpu_count())
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402  (after the thread settings)

from core import load  # noqa: E402
from core.models.catalogue import find  # noqa: E402

PAUSE = 0.4
LENGTHS = (16, 64, 256)


def products(config, weights, length: int):
    """The matrix products of one forward pass and nothing else, on arrays of the same shapes and
    layouts.
    """
    c, rng = config, np.random.default_rng(0)
    x = {
        width: rng.normal(size=(length, width)).astype(np.float32)
        for width in {c.d_model, c.n_heads * c.d_head, c.d_mlp}
    }
    group = c.n_heads // c.n_kv_heads * length
    q_GNK = rng.normal(size=(c.n_kv_heads, group, c.d_head)).astype(np.float32)
    k_GKM = rng.normal(size=(c.n_kv_heads, length, c.d_head)).astype(np.float32).transpose(0, 2, 1)
    v_GMK = rng.normal(size=(c.n_kv_heads, length, c.d_head)).astype(np.float32)
    names = [
        n
        for side in c.sides
        for layer in range(c.layers(side))
        for n in (
            f"{side}.{layer}.attn.qkv",
            f"{side}.{layer}.attn.out",
            f"{side}.{layer}.mlp.{'gated' if c.gated else 'pre'}",
            f"{side}.{layer}.mlp.out",
        )
    ]

    def run():
        for name in names:
            weight = weights[f"{name}.weight"]
            x[len(weight)] @ weight
            if name.endswith(".qkv"):
                (q_GNK @ k_GKM) @ v_GMK
        if c.head:
            x[c.d_model] @ weights["head.logits.weight"].T

    return run


def reference_model(name: str):
    """The same model in transformers with eager attention, or None where that is not installed."""
    try:
        import torch
        import transformers
    except ImportError:
        return None
    torch.set_num_threads(int(THREADS))
    path = find(name)
    where, kind = (path.parent, {"gguf_file": path.name}) if path.suffix == ".gguf" else (path, {})
    auto = transformers.AutoModelForCausalLM if kind else transformers.AutoModel
    return auto.from_pretrained(
        where, attn_implementation="eager", dtype=torch.float32, **kind
    ).eval()


def reference(name: str):
    """What runs that model with every hidden state and attention kept; None where there is none."""
    if (model := reference_model(name)) is None:
        return None
    import torch

    def run(ids_L):
        with torch.inference_mode():
            model(torch.from_numpy(ids_L)[None], output_attentions=True, output_hidden_states=True)

    return run


def medians(sides: dict, rounds: int) -> dict[str, float]:
    """Milliseconds of each side, a round of all sides after the other, with pauses between them."""
    times = {name: [] for name in sides}
    for round_number in range(rounds + 1):
        for name, run in sides.items():
            time.sleep(PAUSE)
            run()  # wakes the threads and fills the caches; not counted
            start = time.perf_counter()
            run()
            if round_number:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(
        f"{'':10}{'tokens':>7}{'ours':>9}{'layers':>9}{'reference':>11}{'products':>10}  "
        " ours/reference  ours/products"
    )
    for name in ("minilm", "smollm2"):
        model, rival = load(name), reference(name)
        for length in LENGTHS:
            ids_L = np.random.default_rng(1).integers(200, model.config.n_vocab - 200, length)
            sides = {
                "ours": partial(model.trace, ids_L=ids_L),
                "layers": partial(model.trace, ids_L=ids_L, keep="layers"),
                "products": products(model.config, model.weights, length),
            }
            if rival:
                sides["reference"] = partial(rival, ids_L)
            ms = medians(sides, rounds)
            beside = f"{ms['ours'] / ms['reference']:16.2f}" if rival else f"{'—':>16}"
            print(
                f"{name:10}{length:7}{ms['ours']:9.1f}{ms['layers']:9.1f}"
                f"{ms.get('reference', float('nan')):11.1f}{ms['products']:10.1f}"
                f" {beside}{ms['ours'] / ms['products']:15.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
