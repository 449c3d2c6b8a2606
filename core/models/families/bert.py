"""BERT (Devlin et al. 2018), and what the encoders that came after it have in common with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...config import Config, Task
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import tasks
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes, tensor_names
from .tasks import Head

COMPUTED = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
    "max_position_embeddings layer_norm_eps tie_word_embeddings"
)
REFUSED = {
    "is_decoder": (None, False),
    "is_encoder_decoder": (None, False),
    "is_causal": (None, False),
    "position_embedding_type": (None, "absolute"),
}
NO_EFFECT = "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout initializer_range"
KEYS = keys.family_keys(f"{COMPUTED} type_vocab_size", REFUSED, NO_EFFECT)
BODY = {
    "encoder.embed.token": "embeddings.word_embeddings",
    "encoder.embed.position": "embeddings.position_embeddings",
    "encoder.embed.segment": "embeddings.token_type_embeddings",
    "encoder.embed.norm": "embeddings.LayerNorm",
    "encoder.{}.attn.q": "encoder.layer.{}.attention.self.query",
    "encoder.{}.attn.k": "encoder.layer.{}.attention.self.key",
    "encoder.{}.attn.v": "encoder.layer.{}.attention.self.value",
    "encoder.{}.attn.out": "encoder.layer.{}.attention.output.dense",
    "encoder.{}.attn.norm": "encoder.layer.{}.attention.output.LayerNorm",
    "encoder.{}.mlp.pre": "encoder.layer.{}.intermediate.dense",
    "encoder.{}.mlp.out": "encoder.layer.{}.output.dense",
    "encoder.{}.mlp.norm": "encoder.layer.{}.output.LayerNorm",
    "pooler.pre": "pooler.dense",
}
NAMES = BODY | {
    "pooler.logits": "cls.seq_relationship",
    "head.pre": "cls.predictions.transform.dense",
    "head.norm": "cls.predictions.transform.LayerNorm",
}
HEADS = {
    "BertForSequenceClassification": Head("pooled", "text", "classifier"),
    "BertForTokenClassification": Head("each", "tokens", "classifier"),
    "BertForQuestionAnswering": Head("each", "span", "qa_outputs"),
    "BertForMultipleChoice": Head("pooled", "choice", "classifier"),
}
# Where both are there, the first is added.
_HEAD_BIASES = ("cls.predictions.decoder.bias", "cls.predictions.bias")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A BERT model's config and names. Its pooler and its head are seen from the tensors."""
    found = tasks.find_head(data, tensors, HEADS)
    config = Config(
        **encoder_fields(data, "BERT", 30522),
        n_positions=data.whole("max_position_embeddings", 512),
        n_segments=data.whole("type_vocab_size", 2),
        pooler=pooler(tensors, found.task),
        task=found.task,
        head="transform" if has_module(tensors, "cls.predictions") else None,
    )
    exact = {
        "head.logits.weight": ("cls.predictions.decoder.weight", *tied_table(data)),
        "head.logits.bias": _HEAD_BIASES,
    }
    unread = _HEAD_BIASES[1:] if _HEAD_BIASES[0] in tensors else ()
    return Layout(config, tensor_names(config, NAMES | found.names, exact), unread=unread)


def encoder_fields(
    data: Fields,
    family: str,
    V: int,
    *,
    d_model: int = 768,
    n_heads: int = 12,
    d_mlp: int = 3072,
    activation: str = "gelu",
) -> dict[str, Any]:
    """The fields of Config that the config of an encoder gives under BERT's keys. The numbers are
    the defaults of `transformers`.
    """
    common = sizes(
        data,
        family,
        D=("hidden_size", d_model),
        H=("num_attention_heads", n_heads),
        F=("intermediate_size", d_mlp),
        V=V,
        encoder_layers=layer_count(data, "num_hidden_layers", 12),
    )
    return common | {
        "positions": "learned",
        "norm_at": "after",
        "norm_eps": data.number("layer_norm_eps", 1e-12, high=1),
        "activation": data.choice("hidden_act", activation, ACTIVATIONS),
        "embed_norm": True,
    }


def tied_table(data: Fields) -> tuple[str, ...]:
    """The table of tokens, where the head is tied to it."""
    return ("embeddings.word_embeddings.weight",) if data.flag("tie_word_embeddings", True) else ()


def pooler(tensors: Mapping[str, Stored], task: Task | None) -> str | None:
    """What reads the vector of the first token, as Config calls it."""
    if has_module(tensors, "cls.seq_relationship"):
        return "next"
    is_read = task is not None and task.reads == "pooled"
    return "dense" if is_read or has_module(tensors, "pooler") else None


def has_module(tensors: Mapping[str, Stored], module: str) -> bool:
    """Whether a file has a tensor of that module."""
    return any(name == module or name.startswith(f"{module}.") for name in tensors)


FAMILY = Family(("bert.",), KEYS, layout)
