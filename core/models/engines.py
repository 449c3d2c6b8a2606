"""Who computes what the layers read: NumPy, or another engine; all else is NumPy in any case.

An engine is a plain function

    engine(model, inputs) -> {"decoder.0.out": x_LD, …}

inputs: token ids (L,) of each side and, where there are any, segments, as `forward` checks them; it
gives what every layer puts out. The embedding before the layers, the norm and the head behind them,
and each layer that is looked at are computed by NumPy, from the input that the engine gave. How far
NumPy's output of that layer is from the engine's, trace.off(side, layer) says.

ENGINES names those there are; `numpy_outputs` is the reference. Others are imported when they are
asked for, from packages that need not be there (requirements-engine.txt).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config, weight_shapes
from ..errors import GlassError
from ..forward_pass import (
    axis_sizes,
    check_inputs,
    check_masks,
    check_words,
    forward,
    layer_again,
    rest_again,
    run_ends,
)
from ..places import beside
from ..recorder import KEEP, Provenance, Run
from ..step_ref import ref_of
from ..trace import Trace
from ..transformer import layers_from, stack
from .assembly import fuse
from .weights import layer_modules

Engine = Callable[..., Mapping[str, np.ndarray]]  # of a model, its inputs, and options
_TORCH = ("torch", "transformers", "accelerate")
# The module that has the function `outputs`, and the packages that it needs
ENGINES = {
    "numpy": (__name__, ()),
    "torch": (beside("engines.torch_engine"), _TORCH),
    "nnsight": (beside("engines.nnsight_engine"), (*_TORCH, "nnsight")),
}


def installed() -> tuple[str, ...]:
    """The engines whose packages are there."""
    return tuple(name for name, (_, needs) in ENGINES.items() if all(map(find_spec, needs)))


@lru_cache(maxsize=64)
def is_known(place: Path) -> bool:
    """Whether engines can run the model that lies there: a folder of a family of transformers'."""
    try:
        return place.is_dir() and bool(layer_modules(place))
    except GlassError:
        return False


def engine_of(name: str | Engine) -> Engine:
    """An engine by its name; a function is one already."""
    if callable(name):
        return name
    if name not in ENGINES:
        raise GlassError(f"There is no engine “{name}”. There are {', '.join(ENGINES)}.")
    module, needs = ENGINES[name]
    if missing := [package for package in needs if not find_spec(package)]:
        raise GlassError(
            f"The engine “{name}” needs {', '.join(missing)}; requirements-engine.txt lists what to"
            " install."
        )
    return import_module(module).outputs


def outputs(model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The reference: what every layer gives out, as NumPy computes it."""
    ids, config = [inputs[side] for side in model.config.sides], model.config
    more = {"target_ids_L": ids[1]} if config.crosses else {}
    more |= {"segments_L": inputs["segments"]} if "segments" in inputs else {}
    trace = forward(config, model.weights, ids[0], keep="layers", rows=-1, **more)
    return {name: trace[name] for name in outputs_of(config)}


def outputs_of(config: Config) -> list[str]:
    """The steps that an engine gives."""
    return [f"{side}.{n}.out" for side in config.sides for n in range(config.layers(side))]


def trace_with(
    engine: str | Engine,
    model,
    ids_L,
    *,
    target_ids_L=None,
    segments_L=None,
    rows=None,
    words_L=None,
    engine_options: Mapping[str, Any] | None = None,
    **others: Any,
) -> Trace:
    """The trace of a run whose layers an engine has computed; the arguments are those of `forward`,
    and options of the engine. GlassError for what would change the run: an engine runs a model as
    it was trained.
    """
    refuse_changes(others)
    config = model.config
    inputs = check_inputs(config, ids_L, target_ids_L, segments_L)
    check_words(words_L, inputs[config.sides[0]])
    grids, last = check_masks(config, inputs, None), inputs[config.sides[-1]]
    rows = np.arange(len(last)) if rows is None else np.atleast_1d(np.arange(len(last))[rows])
    given = engine_of(engine)(model, inputs, **(engine_options or {}))
    run = run_around(model, inputs, grids, checked(given, config, inputs, model.weights), rows)
    kept = {"grids": grids, "kept": run.values}
    rest = partial(rest_again, inputs=inputs, **kept)
    name = engine if isinstance(engine, str) else getattr(engine, "__name__", "an engine")
    return Trace(run, partial(layer_again, **kept), rows, words_L, rest, engine=name)


def refuse_changes(others: Mapping[str, Any]) -> None:
    """A GlassError, where more is asked of a run than its inputs and what it keeps."""
    if changed := [name for name, value in others.items() if value and name != "keep"]:
        raise GlassError(
            f"Only NumPy runs a model with {' and '.join(changed)}: leave the engine out."
        )


def run_around(model, inputs, grids, given, rows) -> Run:
    """A run whose layers an engine has computed: what stands before and behind them."""
    sizes = axis_sizes(model.config, inputs, len(rows))
    recorded, last_LD = recorded_steps(model.config, sizes), None
    run = Run(model.config, model.weights, sizes, {}, KEEP["layers"], recorded, again=True)
    for side in model.config.sides:
        last_LD = whole_side(run, side, inputs, grids, given)
    run_ends(run, last_LD, rows)
    return run


def whole_side(run: Run, side: str, inputs, grids, given) -> np.ndarray:
    """One stack: what stands before its layers, what the engine gives of these, the last norm."""
    before = replace(run, config=replace(run.config, encoder_layers=0, decoder_layers=0))
    segments_L = inputs.get("segments") if side == "encoder" else None
    x_LD = stack(before, side, inputs[side], segments_L, grids[side])
    for layer in range(run.config.layers(side)):
        x_LD = run.at(f"{side}.{layer}").put("out_LD", given[f"{side}.{layer}.out"])
    return layers_from(run.at(side), run.config.layers(side), x_LD)


def checked(given, config: Config, inputs, weights) -> dict[str, np.ndarray]:
    """What an engine gave, in the kind of number that the weights have; a GlassError where
    something is missing or misshapen.
    """
    kind = weights[f"{config.sides[0]}.embed.token.weight"].dtype
    found = {}
    for name in outputs_of(config):
        shape = (len(inputs[name.split(".")[0]]), config.d_model)
        if name not in given or np.shape(given[name]) != shape:
            raise GlassError(f"The engine did not give {name} in the shape {shape}.")
        found[name] = np.array(given[name], dtype=kind)
    return found


def recorded_steps(config: Config, sizes) -> dict[str, Provenance]:
    """How each step of a run would be recorded, without running it: the same layers are run on one
    token with a single head and weights that are all zero.
    """
    narrow = {"d_model": 8, "d_mlp": 8, "n_heads": 1, "n_kv_heads": 1, "n_vocab": 2}
    tiny = replace(config, **narrow)
    zeros = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(tiny).items()}
    target = {"target_ids_L": [0]} if config.crosses else {}
    trace = forward(tiny, fuse(tiny, zeros, np.float32), [0], keep="output", **target)
    return {name: at_size(trace.provenance(name), name, sizes) for name in trace.names}


def at_size(found: Provenance, name: str, sizes) -> Provenance:
    """The same step in a run of other sizes."""
    axes = sizes[ref_of(name).axis_group]
    return found._replace(shape=tuple(axes[letter] for letter in found.axes))
