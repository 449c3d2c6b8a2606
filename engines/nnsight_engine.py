"""nnsight as an engine: the same layers by way of nnsight (Fiotto-Kaufman et al. 2024), which can
also ask the NDIF cluster for them.

remote=True hands the run to NDIF, where the model has to be offered under `repository`; it needs a
key of theirs and was not tested here. Without it the model runs on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from nnsight import LanguageModel, NNsight

from core.errors import GlassError
from core.models.weights import layer_modules
from engines import torch_engine


def outputs(
    model,
    inputs: Mapping[str, np.ndarray],
    *,
    dtype: str = "float32",
    remote: bool = False,
    repository: str | None = None,
) -> dict[str, np.ndarray]:
    """What every layer of a model gives out, (L, D) by the step's name (core/models/engines.py).

    repository: the model's name on the Hub, for a remote run of a model that writes.
    """
    folder = torch_engine.folder_of(model)
    paths = layer_modules(folder)
    if remote:
        return remote_outputs(model, paths, inputs, repository)
    network = torch_engine.loaded(str(folder), dtype)
    given = torch_engine.arguments(network, model.config, inputs)
    return traced(NNsight(network), modules_by_step(network, paths), given)


def modules_by_step(network, paths: Mapping[str, str]) -> dict[str, str]:
    """For each layer's output the path of its module, in the order in which they run."""
    return {
        f"{side}.{layer}.out": f"{path}.{layer}"
        for side, path in paths.items()
        for layer in range(len(network.get_submodule(path)))
    }


def traced(wrapped, modules: Mapping[str, str], given: Mapping[str, Any], **how: Any) -> dict:
    """Runs the model once and keeps what these modules give out."""
    envoys = {step: wrapped.get(path) for step, path in modules.items()}
    with torch.no_grad(), wrapped.trace(**given, **how):
        saved = {step: envoy.output.save() for step, envoy in envoys.items()}.save()
    return {step: torch_engine.as_numbers(value) for step, value in saved.items()}


def remote_outputs(model, paths: Mapping[str, str], inputs, repository: str | None) -> dict:
    """The same from NDIF, for models with a decoder alone; not tested here."""
    if repository is None or model.config.sides != ("decoder",):
        raise GlassError("A remote run needs a model that writes, and its name on the Hub.")
    wrapped = LanguageModel(repository, trust_remote_code=False)
    base = type(wrapped._model).base_model_prefix  # the model without its head
    modules = {
        f"decoder.{layer}.out": f"{base}.{paths['decoder']}.{layer}"
        for layer in range(model.config.decoder_layers)
    }
    given = {"input_ids": torch.from_numpy(inputs["decoder"])[None]}
    return traced(wrapped, modules, given, remote=True)
