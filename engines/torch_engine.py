"""PyTorch as an engine: transformers over accelerate, on the processor, on one graphics card or on
several, with what does not fit offloaded.

Only folders that Glassformer's own reader has accepted come here; of them only safetensors are
loaded, and no code that lies beside them is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, PreTrainedModel

from core.errors import GlassError
from core.models.weights import layer_modules


def outputs(
    model, inputs: Mapping[str, np.ndarray], *, dtype: str = "float32", **options: Any
) -> dict[str, np.ndarray]:
    """What every layer of a model gives out, (L, D) by the step's name (core/models/engines.py).

    dtype: in which kind of number PyTorch computes ("auto": that of the file). options: more for
    `from_pretrained`, such as max_memory or offload_folder.
    """
    folder = folder_of(model)
    modules = layer_modules(folder)
    network = loaded(str(folder), dtype, hashable(options))
    found: dict[str, np.ndarray] = {}
    with ExitStack() as stack, torch.inference_mode():
        for side, path in modules.items():
            for layer, module in enumerate(network.get_submodule(path)):
                kept = keep_in(found, f"{side}.{layer}.out")
                stack.callback(module.register_forward_hook(kept).remove)
        network(**arguments(network, model.config, inputs))
    return found


def folder_of(model):
    """Where a model's files are; a GlassError where they are no folder of transformers'."""
    if model.place is None or not model.place.is_dir():
        raise GlassError("Engines read folders with config.json and safetensors; this is none.")
    return model.place


def hashable(options: Mapping[str, Any]) -> tuple:
    """Options such as max_memory={0: "20GiB"}, as a key."""
    return tuple(
        (name, hashable(value) if isinstance(value, Mapping) else value)
        for name, value in options.items()
    )


@lru_cache(maxsize=1)
def loaded(folder: str, dtype: str, options: tuple = ()) -> PreTrainedModel:
    """The model without its heads, laid out over what devices there are. The last one is kept."""
    try:
        network = AutoModel.from_pretrained(
            folder,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            device_map="auto",
            attn_implementation="eager",
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            **{name: dict(v) if isinstance(v, tuple) else v for name, v in options},
        )
    except (OSError, ValueError, KeyError) as error:
        raise GlassError(f"PyTorch cannot run this model: {str(error)[:200]}") from None
    return network.eval()


def arguments(network, config, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The inputs of one text, as transformers takes them."""
    device = network.get_input_embeddings().weight.device
    device = "cpu" if device.type == "meta" else device  # offloaded: a hook moves it
    given = {name: torch.from_numpy(ids)[None].to(device) for name, ids in inputs.items()}
    first = config.sides[0]
    named = {"input_ids": given[first], "attention_mask": torch.ones_like(given[first])}
    if config.crosses:
        named["decoder_input_ids"] = given["decoder"]
    if "segments" in given:
        named["token_type_ids"] = given["segments"]
    return named | {"use_cache": False} if config.decoder_layers else named


def keep_in(found: dict[str, np.ndarray], name: str):
    """A hook that keeps what a layer gives out."""

    def keep(module, args, output) -> None:
        found[name] = as_numbers(output)

    return keep


def as_numbers(output) -> np.ndarray:
    """The vectors of one text as NumPy has them, (L, D); some layers give more than these."""
    vectors = output[0] if isinstance(output, tuple) else output
    vectors = vectors.detach().to("cpu")
    vectors = vectors if vectors.dtype == torch.float64 else vectors.to(torch.float32)
    return vectors[0].numpy()
