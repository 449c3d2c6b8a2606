"""A study model that was trained, back in PyTorch: the measure of the NumPy forward pass."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file

from core.config import Config
from core.lstm import LstmConfig
from training import networks


def restore(folder: Path) -> networks.Transformer | networks.Lstm:
    """The model whose config.json and weights lie there, as `networks.export` writes them."""
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ours = fields.pop("model_type") == "glassformer"
    model = networks.build_network(Config(**fields) if ours else LstmConfig("LSTM", **fields))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model
