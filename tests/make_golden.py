"""Writes tests/golden: what `transformers` computes, so that the tests run where it is not installed.

    python tests/make_golden.py            # all of it
    python tests/make_golden.py bert gpt2  # some: a family of tests/tiny.py, "buckets", "gguf", "minilm" or "smollm2"

Needs requirements-reference.txt; the two real models come from the catalogue (python -m core.models fetch …).
"""
from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]
import reference
import tiny

SEED, GRID = 23, 2.0 ** -9


def family(name: str) -> None:
    """One tiny model with every case of its masks."""
    model, inputs = reference.build(name, SEED, GRID)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "config.json").read_text())
        tensors = load_file(Path(folder) / "model.safetensors")
    cases = {case: (mask, reference.run(model, inputs, mask)) for case, mask in reference.cases(inputs, SEED).items()}
    tiny.write_golden(name, config, tensors, inputs, cases)


def buckets() -> None:
    """T5's bucket for every distance m - l from -600 to 600, with the published 32 buckets up to 128."""
    distance = reference.torch.arange(-600, 601)
    np.savez_compressed(tiny.GOLDEN / "buckets.npz", distance=distance.numpy(), **{
        side: reference.modeling_t5.T5Attention._relative_position_bucket(distance, both_ways, 32, 128).numpy()
        for side, both_ways in (("encoder", True), ("decoder", False))})


def main(names: list[str]) -> None:
    tiny.GOLDEN.mkdir(exist_ok=True)
    jobs = {name: lambda name=name: family(name) for name in tiny.FAMILIES} | {"buckets": buckets}
    for name in names or jobs:
        jobs[name]()
        print(f"{name}: {(tiny.GOLDEN / name).with_suffix('.npz').stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
