"""A study model that was trained, back in PyTorch: the measure of the NumPy forward pass."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file

from core.lstm import LstmConfig
from core.models.fields import Fields
from core.models.study_config import read_config
from training import networks


def restore(folder: Path) -> networks.Transformer | networks.Lstm:
    """The model whose config.json and weights lie there, as `networks.export` writes them."""
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if fields["model_type"] == "glassformer":
        config = read_config(Fields(fields, "config.json"))
    else:
        del fields["model_type"]
        config = LstmConfig("LSTM", **fields)
    model = networks.build_network(config)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model
