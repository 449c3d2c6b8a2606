"""RoBERTa (Liu et al. 2019), and with its layout XLM-RoBERTa (Conneau et al. 2019) and CamemBERT
(Martin et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ...config import Config
from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import bert, tasks
from .common import Family, Layout, tensor_names
from .tasks import Head

KEYS = keys.family_keys(
    f"{bert.COMPUTED} type_vocab_size pad_token_id", bert.REFUSED, bert.NO_EFFECT
)
NAMES = bert.BODY | {"head.pre": "lm_head.dense", "head.norm": "lm_head.layer_norm"}
# Where both are there, the first is added.
HEAD_BIASES = ("lm_head.decoder.bias", "lm_head.bias")


def heads_of(cls: str) -> dict[str, Head]:
    """The heads of the classes whose names begin so."""
    return {
        f"{cls}ForSequenceClassification": Head(
            "first", "text", "classifier.out_proj", "classifier.dense", "tanh"
        ),
        f"{cls}ForTokenClassification": Head("each", "tokens", "classifier"),
        f"{cls}ForQuestionAnswering": Head("each", "span", "qa_outputs"),
        f"{cls}ForMultipleChoice": Head("pooled", "choice", "classifier"),
    }


def layout_of(
    data: Fields, tensors: Mapping[str, Stored], family: str, cls: str, n_vocab: int
) -> Layout:
    """A config and names. Before the row of the first position stand those of the token that fills
    up short texts, which has no position, and of the ids below it: they are not read.
    """
    found, pad = tasks.find_head(data, tensors, heads_of(cls)), data.whole("pad_token_id", 1, low=0)
    rows = data.whole("max_position_embeddings", 512)
    if rows <= pad + 1:
        raise GlassError(
            f"{data.where} leaves no position for a token (“max_position_embeddings”)."
        )
    config = Config(
        **bert.encoder_fields(data, family, n_vocab),
        n_positions=rows - pad - 1,
        pad_id=pad,
        n_segments=data.whole("type_vocab_size", 2),
        pooler=bert.pooler(tensors, found.task),
        task=found.task,
        head="transform" if bert.has_module(tensors, "lm_head") else None,
        head_activation="gelu",
    )
    exact = word_head(data)
    return Layout(
        config,
        tensor_names(config, NAMES | found.names, exact),
        skipped_positions=pad + 1,
        unread=HEAD_BIASES[1:] if HEAD_BIASES[0] in tensors else (),
    )


def word_head(data: Fields) -> dict[str, tuple[str, ...]]:
    """The names of what compares vectors with words."""
    return {
        "head.logits.weight": ("lm_head.decoder.weight", *bert.tied_table(data)),
        "head.logits.bias": HEAD_BIASES,
    }


def family_of(name: str, cls: str, n_vocab: int = 30522) -> Family:
    """A family of this layout. n_vocab: the vocabulary where the config is silent."""
    return Family(("roberta.",), KEYS, partial(layout_of, family=name, cls=cls, n_vocab=n_vocab))


FAMILY = family_of("RoBERTa", "Roberta", 50265)
XLM = family_of("XLM-RoBERTa", "XLMRoberta")
CAMEMBERT = family_of("CamemBERT", "Camembert")
