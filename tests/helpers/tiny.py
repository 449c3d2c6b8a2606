"""The tiny random models in tests/golden, each with what the reference computed from it; needs only
NumPy.

A file holds the config and the tensors as `transformers` wrote them, the input, and for each mask
every hidden state, every attention map and the outputs, all in float64. `make_golden.py` writes
them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

GOLDEN = Path(__file__).parents[1] / "golden"
FAMILIES = (
    "bert",
    "bert_bare",
    "bert_words",
    "gpt2",
    "llama",
    "llama_tied",
    "t5_gated",
    "t5_relu",
    "marian",
)
# Near relations of others: a table tied, ReLU in place of a gate, a head of words alone. They are
# compared with the reference and read from files like all; elsewhere they are slow.
TWINS = ("bert_words", "llama_tied", "t5_relu")
FURTHER = (  # relations of these: compared like them, and slow where a test has many cases
    "mt5",
    "umt5",
    "bart",
    "mbart",
    "pegasus",
    "m2m_100",
    "mistral",
    "qwen2",
    "qwen3",
    "phi3",
    "smollm3",
    "granite",
    "olmo2",
    "stablelm",
    "modernbert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "distilbert",
    "electra",
    "albert",
    "mpnet",
)
OTHER_SHAPES = (  # decoders whose layers are wired otherwise: the same
    "gpt_neox",
    "gptj",
    "gpt_neo",
    "phi",
    "opt",
    "bloom",
    "gemma",
    "gemma2",
    "gemma3_text",
)
FURTHER = (*FURTHER, *OTHER_SHAPES)
EVERY = (*FAMILIES, *FURTHER)
STUDY = ("study-encoder", "study-decoder", "study-translator", "study-lstm")
STUDY_IDS = (
    [2, 13, 500, 64, 2400, 3],
    [2, 3100, 5000, 4200],
)  # any tokens; the second is what a translator's decoder reads
TOLERANCE = 1e-9
COMPARED = re.compile(  # the steps that `transformers` hands out as well
    r"(encoder|decoder)\.(embed\.out|\d+\.(attn|cross)\.pattern|\d+\.out|out)"
    r"|head\.logits|pooler\.(out|logits)|task\.logits"
)


@dataclass(frozen=True)
class Golden:
    config: dict  # config.json
    tensors: dict  # model.safetensors: name -> array
    inputs: dict  # ids_L and, where there are any, target_ids_L, segments_L
    cases: dict  # case -> (the mask to hand to forward, {step: value})

    def write(self, folder: Path) -> Path:
        """Writes the folder that `transformers` saved: config.json and model.safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config))
        save_file(self.tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder


@cache
def golden(family: str) -> Golden:
    """One of FAMILIES, read from its file, once: nobody changes it."""
    with np.load(GOLDEN / f"{family}.npz") as file:
        flat = dict(file)
    cases = {
        case: (as_argument(below(flat, f"mask/{case}")), below(flat, f"step/{case}"))
        for case in flat["cases"].tolist()
    }
    return Golden(
        json.loads(str(flat["config"])), below(flat, "tensor"), below(flat, "input"), cases
    )


def write_golden(family: str, config: dict, tensors: dict, inputs: dict, cases: dict) -> None:
    """The inverse of `golden`; a mask that is a matrix stands under its case, one for each
    attention below it.
    """
    flat = {"config": np.array(json.dumps(config, sort_keys=True)), "cases": np.array(list(cases))}
    flat |= {f"tensor/{name}": value for name, value in sorted(tensors.items())}
    flat |= {f"input/{name}": value for name, value in inputs.items()}
    for case, (mask, steps) in cases.items():
        masks = mask if isinstance(mask, dict) else {"all": mask} if mask is not None else {}
        flat |= {f"mask/{case}/{name}": np.array(value) for name, value in masks.items()}
        flat |= {f"step/{case}/{name}": value for name, value in steps.items()}
    np.savez_compressed(GOLDEN / f"{family}.npz", **flat)


def below(flat: dict, prefix: str) -> dict:
    """The entries whose names begin with that part, without it."""
    return {
        name[len(prefix) + 1 :]: value
        for name, value in flat.items()
        if name.startswith(prefix + "/")
    }


def as_argument(masks: dict):
    """None, a mask's name, a matrix, or a matrix for each attention."""
    masks = {
        name: str(value) if value.dtype.kind == "U" else value for name, value in masks.items()
    }
    return masks.get("all", masks or None)


def check(trace, steps: dict) -> None:
    """Each compared step of the trace is there and equal; the first that is not, in order of
    computation, is named.
    """
    names = [name for name in trace.names if COMPARED.fullmatch(name)]
    assert set(names) == set(steps)
    for name in names:
        assert trace[name].dtype == np.float64 and trace[name].shape == steps[name].shape, name
        error = abs(trace[name] - steps[name]).max() / max(1.0, abs(steps[name]).max())
        assert error < TOLERANCE, f"{name} is the first step that differs: by {error:.1e}"
