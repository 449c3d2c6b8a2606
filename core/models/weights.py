"""From a model's files to its config and its weights: which family it is, where its tensors are.

Every key of a config is in its family's table (families/): computed, without effect, or refused by
name. Every tensor of a file is used, or is an exact copy of one that is, or is a buffer or a head
on a short list, or the error names it; and shapes are compared before any memory is taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..errors import GlassError
from ..memory import room
from . import keys, prepared
from .assembly import check_shapes, find_all
from .catalogue import shards_of
from .families import FAMILIES, bert_gguf, llama_gguf
from .families.common import Layout, fine_tuned_head
from .fields import Fields, quote, read_json
from .gguf import open_gguf
from .safetensors import open_safetensors, open_shards
from .stored import Stored
from .streaming import Streamed, nbytes_of_all

_WHOLE = "model.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model from a folder, and what of the folder is not run: a sentence each, for the reader."""

    config: Config
    weights: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def read_folder(
    folder: str | Path, dtype=np.float32, stream: bool | None = None
) -> tuple[Config, Mapping[str, Any]]:
    """The config and the weights of `load_folder`."""
    loaded = load_folder(folder, dtype, stream)
    return loaded.config, loaded.weights


def load_folder(folder: str | Path, dtype=np.float32, stream: bool | None = None) -> Loaded:
    """Reads config.json and the safetensors of a folder. stream: see `weights_of`. Raises
    GlassError with a sentence if that can't be done.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):  # unlike Path's own, it never raises
        raise GlassError(f"There is no folder {folder}.")
    layout, tensors, heads = layout_of(folder)
    tensors = {name: tensors[name] for name in tensors if name not in heads}
    notes = (*fine_tuned_notes(heads), *layout.notes)
    weights = weights_of(weight_files(folder), layout, tensors, dtype, stream)
    return Loaded(layout.config, weights, notes)


def layout_of(folder: Path) -> tuple[Layout, dict[str, Stored], list[str]]:
    """What the files of a folder are: the layout, the tensors, and those of a fine-tuned head."""
    data = Fields(read_json(folder / "config.json"), "config.json")
    kind = family_of(data)
    family = FAMILIES[kind]
    data = keys.check_keys(data, family.keys)
    tensors = without_prefix(open_tensors(folder), family.prefixes)
    layout = family.layout(data, tensors)
    return layout, tensors, heads_not_run(layout, tensors)


def check_config(path: Path) -> str:
    """The family that a config.json names. Raises GlassError where it says what is not computed."""
    data = Fields(read_json(path), "config.json")
    kind = family_of(data)
    keys.check_keys(data, FAMILIES[kind].keys)
    return kind


def layer_modules(folder: Path) -> dict[str, str]:
    """For each side the path of the list of its layers in the model of transformers, without the
    prefix of its heads: "encoder.layer" for BERT. GlassError for a model of our own.
    """
    layout, *_ = layout_of(folder)
    if layout.ours:
        raise GlassError("Only NumPy runs the study models: transformers does not know them.")
    first = {side: f"{side}.0.attn.out.weight" for side in layout.config.sides}
    return {side: layout.names[name][0].split(".0.")[0] for side, name in first.items()}


def read_gguf(
    path: str | Path, dtype=np.float32, stream: bool | None = None
) -> tuple[Config, Mapping[str, Any], dict]:
    """Reads a GGUF file: config, weights, and the header's keys (the tokenizer is among them)."""
    metadata, tensors = open_gguf(Path(path))
    is_bert = metadata.get("general.architecture") == bert_gguf.ARCHITECTURE
    family = bert_gguf if is_bert else llama_gguf
    layout = family.layout(Fields(metadata, Path(path).name), tensors)
    weights = weights_of([Path(path)], layout, tensors, dtype, stream)
    return layout.config, weights, metadata


def weights_of(
    files: list[Path], layout: Layout, tensors: Mapping[str, Stored], dtype, stream: bool | None
) -> Mapping[str, Any]:
    """A model's weights. files: all that they lie in. stream: they stay in their file, and are
    converted when they are asked for; None: if they would take more than half of the memory there
    is room for (core.memory).
    """
    check_shapes(layout, tensors)  # before a file is read to the end
    needed = nbytes_of_all(layout.config, dtype)
    if needed > room() // 2 if stream is None else stream:
        found = find_all(layout, tensors, dtype)
        return Streamed(layout.config, found, dtype, 0 if stream else room() // 8)
    return prepared.weights_of(files, layout, tensors, dtype)


def heads_not_run(layout: Layout, tensors: Mapping[str, Stored]) -> list[str]:
    """The tensors of a head that the model was fine-tuned with, and that is not run."""
    run = {name for names in layout.names.values() for name in names}
    return [] if layout.ours else [name for name in fine_tuned_head(tensors) if name not in run]


def fine_tuned_notes(heads: list[str]) -> tuple[str, ...]:
    """What the reader is told of a head that the model was fine-tuned with."""
    if not heads:
        return ()
    return (
        "Glassformer does not run the head that this model was fine-tuned with"
        f" ({', '.join(heads)}): you see the model up to the vectors that the head reads.",
    )


def family_of(data: Fields) -> str:
    """Which of FAMILIES a config.json says it is."""
    kind, known = data.get("model_type"), ", ".join(FAMILIES)
    if kind is None:
        raise GlassError(
            "config.json does not say what kind of model this is: it has no "
            f"“model_type”. If the model is one of {known}, add the line "
            '"model_type": "…" with that name; transformers writes it, too, when '
            "it saves a model with save_pretrained(…)."
        )
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise GlassError(
            f"config.json says that the model is of type {quote(kind)}; Glassformer reads {known}."
        )
    return kind


def open_tensors(folder: Path) -> dict[str, Stored]:
    """The tensors of model.safetensors, of the files that an index lists, or of the only
    safetensors file there is.
    """
    index = folder / f"{_WHOLE}.index.json"
    if not os.path.exists(folder / _WHOLE) and os.path.exists(index):
        return open_shards(index)
    return open_safetensors(single_file(folder))


def weight_files(folder: Path) -> list[Path]:
    """The files in which the tensors of `open_tensors` lie; others in the folder are not read."""
    index = folder / f"{_WHOLE}.index.json"
    if not os.path.exists(folder / _WHOLE) and os.path.exists(index):
        return [folder / name for name in shards_of(index)]
    return [single_file(folder)]


def single_file(folder: Path) -> Path:
    """The one safetensors file of a folder. Raises GlassError where it has none, or several."""
    if os.path.exists(folder / _WHOLE):
        return folder / _WHOLE
    if len(found := sorted(folder.glob("*.safetensors"))) == 1:
        return found[0]
    if found:
        raise GlassError(
            f"{folder} has several safetensors files and no {_WHOLE}.index.json that lists them."
        )
    if pickled := [path.name for pattern in _PICKLES for path in folder.glob(pattern)]:
        raise GlassError(
            f"{folder} has its weights only in {pickled[0]}. That file is a Python pickle, which"
            " can run any program when opened, so Glassformer does not open it. Look for"
            " model.safetensors on the model’s page (often under a refs/pr revision). If you"
            " trust the file, open it with transformers and save it with save_pretrained(…),"
            " which writes safetensors."
        )
    raise GlassError(f"{folder} has no {_WHOLE}.")


def without_prefix(tensors: Mapping[str, Stored], prefixes: tuple[str, ...]) -> dict[str, Stored]:
    """Names as the families' tables have them: without the model's own prefix, and with today's
    words for a norm's weights.
    """
    found: dict[str, Stored] = {}
    for name, stored in tensors.items():
        plain = name.removeprefix(next(filter(name.startswith, prefixes), ""))
        plain = plain.replace("LayerNorm.gamma", "LayerNorm.weight")
        plain = plain.replace("LayerNorm.beta", "LayerNorm.bias")
        if plain in found:
            raise GlassError(
                f"The file has the same tensor twice: {quote(found[plain].name)} and {quote(name)}."
            )
        if plain == "final_logits_bias" and stored.shape[:1] == (1,):
            stored = replace(stored, shape=stored.shape[1:])
        found[plain] = stored
    return found
