"""Gradients by other ways than core/backward.py: by PyTorch, where it is installed, and by moving a
number a little to both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from core.forward_pass import forward
from core.gradients.start import given_steps, start_of
from core.models.assembly import fused_names
from core.models.weights import read_folder

STEP = 1e-4


def some_given(trace, seed: int = 0, scale: float = 1.0) -> dict[str, np.ndarray]:
    """A random gradient at everything that leaves the model, so that all of it is gone through."""
    rng = np.random.default_rng(seed)
    steps = [step for step in given_steps(trace.config) if step in trace.names]
    return {step: scale * rng.normal(size=trace.shape(step)) for step in steps}


def largest(grads) -> float:
    """The largest gradient of any step."""
    return max(float(abs(grads[step]).max()) for step in grads.steps)


# --- moving a number ------------------------------------------------------------------------------


def slope(loss: Callable[[float], float]) -> float:
    """How steep a function is at 0: central differences, with the next term of their error taken
    off.
    """
    near, far = (loss(h) - loss(-h) for h in (STEP, 2 * STEP))
    return (8 * near - far) / (12 * STEP)


def slope_at_step(config, weights, inputs: Mapping, asked: Mapping, trace, step: str, cell):
    """How what is asked for changes with one number of a step."""

    def loss(h: float) -> float:
        moved = trace[step].copy()
        moved[cell] += h
        run = forward(config, weights, **inputs, edits={step: moved})
        return start_of(run, **asked).value

    return slope(loss)


def slope_at_weight(config, weights, inputs: Mapping, asked: Mapping, name: str, cell):
    """How it changes with one learned number, under that name alone."""

    def loss(h: float) -> float:
        moved = np.array(weights[name])
        moved[cell] += h
        changed = {**weights, name: moved}
        for whole, members in fused_names(config).items():
            if name in members:
                changed[whole] = np.concatenate([changed[each] for each in members], axis=-1)
        return start_of(forward(config, changed, **inputs), **asked).value

    return slope(loss)


# --- the file’s tensors ---------------------------------------------------------------------------


def to_tensors(folder: Path, grads) -> dict[str, np.ndarray]:
    """The gradients of all weights, carried back to the tensors of the file that they were read
    from: the transpose of reading, found by reading files that hold nothing but numbered places.
    """
    tensors = load_file(folder / "model.safetensors")
    sizes = {name: value.size for name, value in tensors.items()}
    starts = dict(zip(sizes, np.cumsum([1, *sizes.values()]), strict=False))
    places = {
        name: starts[name] + np.arange(value.size, dtype=np.float64).reshape(value.shape)
        for name, value in tensors.items()
    }
    zeros, ones, placed = (
        read_with(folder, each, tensors)
        for each in (lambda name: 0.0, lambda name: 1.0, places.__getitem__)
    )
    total = np.zeros(1 + sum(sizes.values()))
    for name in (each.removeprefix("weights/") for each in grads.weight_names):
        times = ones[name] - zeros[name]  # what a number of the file is multiplied by
        at = np.divide(
            placed[name] - zeros[name], times, out=np.zeros(times.shape), where=times != 0
        )
        np.add.at(total, np.rint(at).astype(int), grads[f"weights/{name}"] * times)
    return {
        name: total[starts[name] : starts[name] + sizes[name]].reshape(value.shape)
        for name, value in tensors.items()
    }


def read_with(folder: Path, value: Callable, tensors: Mapping) -> Mapping[str, np.ndarray]:
    """The weights that are read where the file's tensors have those values."""
    there = folder / "placed"
    there.mkdir(exist_ok=True)
    (there / "config.json").write_text((folder / "config.json").read_text())
    filled = {name: np.zeros(old.shape) + value(name) for name, old in tensors.items()}
    save_file(filled, there / "model.safetensors", metadata={"format": "pt"})
    return read_folder(there, np.float64)[1]


# --- PyTorch --------------------------------------------------------------------------------------


def by_torch(model, inputs: Mapping, asked: Mapping, mask=None):
    """The gradients by PyTorch: of the steps that `transformers` hands out, and of every parameter
    by its name. asked: {"given": …} or {"targets": …}, as in `Trace.backward`.
    """
    from tests.helpers import reference

    torch = reference.torch
    for module in model.modules():  # which would get no gradient in their row
        if isinstance(module, torch.nn.Embedding):
            module.padding_idx = None
    steps = reference.tensors(model, inputs, mask)
    loss = torch_loss(torch, steps, asked)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    learned = {name: each for name, each in parameters.items() if each.requires_grad}
    whole = {name: value.whole for name, value in steps.items() if hasattr(value, "whole")}
    wanted = [*whole.values(), *learned.values()]
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    arrays = [
        np.zeros(tuple(x.shape)) if g is None else g.numpy()
        for g, x in zip(found, wanted, strict=True)
    ]
    of_steps = {name: g[0] for name, g in zip(whole, arrays, strict=False)}
    return float(loss.detach()), of_steps, dict(zip(learned, arrays[len(whole) :], strict=True))


def torch_loss(torch, steps: Mapping, asked: Mapping):
    """What is asked for, as a tensor."""
    if "targets" in asked:
        rows, ids = torch.tensor(list(asked["targets"].items())).T
        return torch.nn.functional.cross_entropy(steps["head.logits"][rows], ids)
    return sum((torch.tensor(g) * steps[name]).sum() for name, g in asked["given"].items())


# --- stored ---------------------------------------------------------------------------------------

CELLS = 4


def sample(values: Mapping[str, np.ndarray], rng) -> dict[str, dict]:
    """Some cells of each array: places in the flat array, and the numbers there; the largest among
    them.
    """
    found = {}
    for name, value in sorted(values.items()):
        places = rng.choice(value.size, min(CELLS, value.size), replace=False)
        places[0] = abs(value).argmax()
        found[name] = {
            "at": places.tolist(),
            "value": [float(f"{x:.13g}") for x in value.ravel()[places]],
        }
    return found


def off(value: np.ndarray, stored: Mapping, scale: float) -> float:
    """How far an array is from its stored cells, relative to a size."""
    return float(abs(value.ravel()[stored["at"]] - stored["value"]).max()) / scale


def size_of(values: Mapping[str, np.ndarray]) -> float:
    """The largest number in any of some arrays."""
    return max((float(abs(value).max()) for value in values.values()), default=math.nan)
