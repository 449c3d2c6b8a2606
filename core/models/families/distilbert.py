"""DistilBERT (Sanh et al. 2019): half of BERT's layers, without segments and pooler."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Config
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import bert, tasks
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes, tensor_names
from .tasks import Head

KEYS = keys.family_keys(
    computed=(
        "vocab_size dim n_layers n_heads hidden_dim activation max_position_embeddings "
        "tie_word_embeddings"
    ),
    also={"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads"},
    refused={
        "is_decoder": (None, False),
        "is_encoder_decoder": (None, False),
        "is_causal": (None, False),
    },
    no_effect=(  # sines are what the table of positions begins as: the file holds it
        "sinusoidal_pos_embds dropout attention_dropout qa_dropout seq_classif_dropout "
        "initializer_range"
    ),
)
NAMES = {
    "encoder.embed.token": "embeddings.word_embeddings",
    "encoder.embed.position": "embeddings.position_embeddings",
    "encoder.embed.norm": "embeddings.LayerNorm",
    "encoder.{}.attn.q": "transformer.layer.{}.attention.q_lin",
    "encoder.{}.attn.k": "transformer.layer.{}.attention.k_lin",
    "encoder.{}.attn.v": "transformer.layer.{}.attention.v_lin",
    "encoder.{}.attn.out": "transformer.layer.{}.attention.out_lin",
    "encoder.{}.attn.norm": "transformer.layer.{}.sa_layer_norm",
    "encoder.{}.mlp.pre": "transformer.layer.{}.ffn.lin1",
    "encoder.{}.mlp.out": "transformer.layer.{}.ffn.lin2",
    "encoder.{}.mlp.norm": "transformer.layer.{}.output_layer_norm",
    "head.pre": "vocab_transform",
    "head.norm": "vocab_layer_norm",
    "head.logits": "vocab_projector",
}
HEADS = {
    "DistilBertForSequenceClassification": Head(
        "first", "text", "classifier", "pre_classifier", "relu"
    ),
    "DistilBertForTokenClassification": Head("each", "tokens", "classifier"),
    "DistilBertForQuestionAnswering": Head("each", "span", "qa_outputs"),
    "DistilBertForMultipleChoice": Head("first", "choice", "classifier", "pre_classifier", "relu"),
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A DistilBERT model's config and names."""
    found = tasks.find_head(data, tensors, HEADS)
    config = Config(
        **sizes(
            data,
            "DistilBERT",
            D=("dim", 768),
            H=("n_heads", 12),
            F=("hidden_dim", 3072),
            V=30522,
            encoder_layers=layer_count(data, "n_layers", 6),
        ),
        n_positions=data.whole("max_position_embeddings", 512),
        positions="learned",
        norm_at="after",
        norm_eps=1e-12,
        activation=data.choice("activation", "gelu", ACTIVATIONS),
        embed_norm=True,
        task=found.task,
        head="transform" if bert.has_module(tensors, "vocab_transform") else None,
    )
    exact = {"head.logits.weight": ("vocab_projector.weight", *bert.tied_table(data))}
    return Layout(config, tensor_names(config, NAMES | found.names, exact))


FAMILY = Family(("distilbert.",), KEYS, layout)
