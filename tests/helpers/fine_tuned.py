"""Tiny models with a head that they were fine-tuned with, of random numbers: BERTs that
need only NumPy, and any that `transformers` can make, where it is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.tiny import Golden, golden

MODULES = {"BertForQuestionAnswering": "qa_outputs"}  # where it is not the classifier
CASES = {  # what the head gives -> its class, and what config.json says of its labels
    "one": ("BertForSequenceClassification", {"id2label": {"0": "no", "1": "yes", "2": "maybe"}}),
    "any": (
        "BertForSequenceClassification",
        {"id2label": {"0": "no", "1": "yes"}, "problem_type": "multi_label_classification"},
    ),
    "number": (
        "BertForSequenceClassification",
        {"id2label": {"0": "stars"}, "problem_type": "regression"},
    ),
    "tokens": ("BertForTokenClassification", {"id2label": {"0": "O", "1": "B-LOC", "2": "B-PER"}}),
    "span": ("BertForQuestionAnswering", {}),
}


def fine_tuned(folder: Path, cls: str, width: int = 2, **said) -> Path:
    """Writes the folder of a tiny BERT with that head. width: of the head in the file."""
    model, rng = golden("bert_bare"), np.random.default_rng(1)
    module = MODULES.get(cls, "classifier")
    tensors = {f"bert.{name}": value for name, value in model.tensors.items()}
    tensors[f"{module}.weight"] = rng.normal(size=(width, model.config["hidden_size"]))
    tensors[f"{module}.bias"] = rng.normal(size=width)
    return Golden(model.config | {"architectures": [cls]} | said, tensors, {}, {}).write(folder)


def case(folder: Path, name: str) -> Path:
    """One of CASES."""
    cls, said = CASES[name]
    return fine_tuned(folder, cls, len(said.get("id2label", "ab")), **said)


def saved(cls: str, family: str, folder: Path, **said):
    """A random model of that class, saved by `transformers`: the model, and what reads the folder
    makes of the same text."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    config = reference.transformers.AutoConfig.from_pretrained(
        golden(family).write(folder / "config"), **said
    )
    reference.torch.manual_seed(4)
    with reference.without_casts():
        model = getattr(reference.transformers, cls)(config).double().eval()
    model.set_attn_implementation("eager")
    reference.fill(model, family)
    model.save_pretrained(folder)
    return model, reference
