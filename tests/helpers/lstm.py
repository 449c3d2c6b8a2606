"""A small LSTM with random weights, as a stand-in for the trained one.

python -m tests.helpers.lstm FOLDER         writes study-lstm there, at its full width
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from core.lstm import Lstm, LstmConfig, shapes_in_file, tied
from tests.helpers.study import tokenizer_of

UNITS = 6


def small(dtype=np.float64, seed: int = 0, n_vocab: int = 11, units: int = UNITS) -> Lstm:
    """Random weights, no tokenizer."""
    config, chance = LstmConfig("LSTM", n_vocab, units, units), np.random.default_rng(seed)
    weights = {
        name: chance.normal(0, 0.8, shape).astype(dtype)
        for name, shape in shapes_in_file(config).items()
    }
    return Lstm("small", config, tied(weights), None)


def write_lstm(folder: Path, units: int = UNITS, seed: int = 0, **changed) -> Path:
    """Writes study-lstm into a folder and returns where. changed: fields of its config.json."""
    (at := folder / "study-lstm").mkdir(parents=True, exist_ok=True)
    cut = tokenizer_of("study-decoder")
    model = small(np.float16, seed, cut.get_vocab_size(), units)
    data = {
        "model_type": "glassformer-lstm",
        "n_vocab": model.config.n_vocab,
        "d_model": units,
        "n_units": units,
    } | changed
    (at / "config.json").write_text(json.dumps(data))
    save_file(
        {name: model.weights[name] for name in shapes_in_file(model.config)},
        at / "model.safetensors",
    )
    cut.save(str(at / "tokenizer.json"))
    return at


if __name__ == "__main__":
    print(write_lstm(Path(sys.argv[1]), units=100))
