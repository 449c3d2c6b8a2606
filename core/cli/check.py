"""python -m core models check: whether a model can be read, what it is, and what is not run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from .. import lstm
from ..config import Config, weight_shapes
from ..errors import GlassError
from ..lstm import Lstm, LstmConfig
from ..models.assembly import is_absent
from ..models.model import Model
from ..models.streaming import Streamed
from .run import model_of
from .screen import as_json, say, table


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
    config, weights = model.config, model.weights
    streams = isinstance(weights, Streamed)
    sizes = sizes_of(config) if isinstance(config, Config) else {"units": config.n_units}
    return {
        "family": config.family,
        **sizes,
        "vocabulary": config.n_vocab,
        "positions": config.n_positions,
        **({} if streams else {"learned_numbers": learned_numbers(config, weights)}),
        "read_layer_by_layer": streams,
        "tokenizer": model.tokenizer is not None,
        "notes": list(model.notes) if isinstance(model, Model) else [],
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


def learned_numbers(config: Config | LstmConfig, weights: Mapping[str, Any]) -> int:
    """How many numbers training found: tables that are used twice count once, and waves and biases
    that the model does not have count as none.
    """
    waves = isinstance(config, Config) and config.positions == "sinusoid"
    made = tuple(f"{side}.embed.position.weight" for side in config.sides) if waves else ()
    shapes = weight_shapes(config) if isinstance(config, Config) else lstm.weight_shapes(config)
    arrays = [weights[name] for name in shapes if name not in made]
    sizes = {each.ctypes.data: each.size for each in arrays if not is_absent(each)}
    return sum(sizes.values())


def shown(value: Any) -> str:
    """A value in a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "no limit" if value is None else str(value)
