"""Electra (Clark et al. 2020): embeddings of their own width, a generator that guesses hidden words
and a discriminator that says which words were replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...config import Config
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import bert, tasks
from .common import ACTIVATIONS, Family, Layout, tensor_names
from .tasks import Head

KEYS = keys.family_keys(
    f"{bert.COMPUTED} type_vocab_size embedding_size",
    bert.REFUSED,
    f"{bert.NO_EFFECT} summary_type summary_use_proj summary_activation summary_last_dropout",
)
NAMES = bert.BODY | {
    "encoder.embed.out": "embeddings_project",
    "head.pre": "generator_predictions.dense",
    "head.norm": "generator_predictions.LayerNorm",
    "head.logits": "generator_lm_head",
}
HEADS = {
    "ElectraForPreTraining": Head(
        "each",
        "replaced",
        "discriminator_predictions.dense_prediction",
        "discriminator_predictions.dense",
    ),
    "ElectraForSequenceClassification": Head(
        "first", "text", "classifier.out_proj", "classifier.dense", "gelu"
    ),
    "ElectraForTokenClassification": Head("each", "tokens", "classifier"),
    "ElectraForQuestionAnswering": Head("each", "span", "qa_outputs"),
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An Electra model's config and names."""
    found = tasks.find_head(data, tensors, heads_of(data))
    fields = bert.encoder_fields(data, "Electra", 30522, d_model=256, n_heads=4, d_mlp=1024)
    width = data.whole("embedding_size", 128)
    config = Config(
        **fields,
        n_positions=data.whole("max_position_embeddings", 512),
        n_segments=data.whole("type_vocab_size", 2),
        d_embed=None if width == fields["d_model"] else width,
        task=found.task,
        head="transform" if bert.has_module(tensors, "generator_predictions") else None,
        head_activation="gelu",
    )
    exact = {"head.logits.weight": ("generator_lm_head.weight", *bert.tied_table(data))}
    return Layout(config, tensor_names(config, NAMES | found.names, exact))


def heads_of(data: Fields) -> dict[str, Head]:
    """The heads by class; that of the discriminator bends as the layers do."""
    name = "ElectraForPreTraining"
    bends = data.choice("hidden_act", "gelu", ACTIVATIONS)
    return HEADS | {name: replace(HEADS[name], hidden=bends)}


FAMILY = Family(("electra.",), KEYS, layout)
