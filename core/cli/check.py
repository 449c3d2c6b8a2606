"""python -m core models check: whether a model can be read, what it is, and what is not run."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from core.cli.run import model_of
from core.cli.screen import as_json, say, table
from core.config import Config
from core.errors import GlassError
from core.lstm import Lstm
from core.models.model import Model
from core.models.streaming import Streamed, nbytes_of_all


def run(given: Namespace) -> int:
    """Loads the model and says what it is. Raises GlassError, with the reason, for one that is
    refused.
    """
    try:
        found = model_of(given.name)
    except GlassError as error:
        if given.json:
            as_json({"name": given.name, "read": False, "why": str(error)})
        raise
    about = described(found)
    if given.json:
        as_json({"name": given.name, "read": True, **about})
    else:
        notes = about.pop("notes")
        rows = [(f"  {name.replace('_', ' ')}", shown(value)) for name, value in about.items()]
        say(f"{given.name} is read.", *table(rows, "<<"), *(f"  {note}" for note in notes))
    return 0


def described(model: Model | Lstm) -> dict[str, Any]:
    """The family, the sizes, and what is not run, by name."""
    if isinstance(model, Lstm):
        config, sizes = model.config, {"units": model.config.n_units}
        count, streamed, notes = model.nbytes // 4, False, []
    else:
        config, sizes = model.config, sizes_of(model.config)
        count, streamed = numbers_in(model), isinstance(model.weights, Streamed)
        notes = list(model.notes)
    cut = model.tokenizer
    return {
        "family": config.family,
        **sizes,
        "vocabulary": config.n_vocab,
        "positions": config.n_positions,
        "learned_numbers": count,
        "read_layer_by_layer": streamed,
        "tokenizer": cut is not None,
        "notes": notes,
    }


def sizes_of(config: Config) -> dict[str, Any]:
    """The sizes of a transformer."""
    return {
        **{f"{side}_layers": config.layers(side) for side in config.sides},
        "width": config.d_model,
        "heads": config.n_heads,
        "key_value_heads": config.n_kv_heads,
        "width_of_a_head": config.d_head,
        "neurons": config.d_mlp,
        "guesses_words": config.head is not None,
        "labels": list(config.task.labels) if config.task else [],
    }


def numbers_in(model: Model) -> int:
    """How many learned numbers a model has."""
    if isinstance(model.weights, Streamed):
        return nbytes_of_all(model.config, np.float32) // 4
    return model.nbytes // 4


def shown(value: Any) -> str:
    """A value in a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "no limit" if value is None else str(value)
