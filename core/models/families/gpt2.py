"""GPT-2 (Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Config
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import tasks
from .common import (
    ACTIVATIONS,
    Family,
    Layout,
    headless_class,
    headless_notes,
    layer_count,
    sizes,
    tensor_names,
)
from .tasks import Head

KEYS = keys.family_keys(
    computed=(
        "vocab_size n_embd n_layer n_head n_inner n_positions activation_function "
        "layer_norm_epsilon scale_attn_weights tie_word_embeddings eos_token_id "
        "pad_token_id"
    ),
    null="n_inner eos_token_id pad_token_id",
    also={
        "hidden_size": "n_embd",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "n_positions",
    },
    refused={
        "is_encoder_decoder": (None, False),
        "is_causal": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "reorder_and_upcast_attn": (False,),
    },
    no_effect=(
        "resid_pdrop embd_pdrop attn_pdrop initializer_range is_decoder n_ctx summary_type "
        "summary_use_proj summary_activation summary_proj_to_labels summary_first_dropout"
    ),
)
NAMES = {
    "decoder.embed.token": "wte",
    "decoder.embed.position": "wpe",
    "decoder.{}.attn.norm": "h.{}.ln_1",
    "decoder.{}.attn.q": "h.{}.attn.c_attn",
    "decoder.{}.attn.k": "h.{}.attn.c_attn",
    "decoder.{}.attn.v": "h.{}.attn.c_attn",
    "decoder.{}.attn.out": "h.{}.attn.c_proj",
    "decoder.{}.mlp.norm": "h.{}.ln_2",
    "decoder.{}.mlp.pre": "h.{}.mlp.c_fc",
    "decoder.{}.mlp.out": "h.{}.mlp.c_proj",
    "decoder.norm": "ln_f",
}
HEADS = {
    "GPT2ForSequenceClassification": Head("last", "text", "score", biased=False),
    "GPT2ForTokenClassification": Head("each", "tokens", "classifier"),
    "GPT2ForQuestionAnswering": Head("each", "span", "qa_outputs"),
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A GPT-2 model's config and names."""
    headless, found = headless_class(data, tensors), tasks.find_head(data, tensors, HEADS)
    common = sizes(
        data,
        "GPT-2",
        D=("n_embd", 768),
        H=("n_head", 12),
        F=("n_inner", None),
        V=50257,
        decoder_layers=layer_count(data, "n_layer", 12),
    )
    if not data.flag("scale_attn_weights", True):
        common["score_scale"] = 1.0
    config = Config(
        **common,
        n_positions=data.whole("n_positions", 1024),
        positions="learned",
        norm_at="before",
        norm_eps=data.number("layer_norm_epsilon", 1e-5, high=1),
        activation=data.choice("activation_function", "gelu_new", ACTIVATIONS),
        final_norm=True,
        head=None if headless else "linear",
        task=found.task,
        end_id=data.token_id("eos_token_id", common["n_vocab"], 50256),
    )
    tied = ("wte.weight",) if data.flag("tie_word_embeddings", True) else ()
    exact = {"head.logits.weight": ("lm_head.weight", *tied)}
    names = tensor_names(config, NAMES | found.names, exact, found.has_bias)
    notes = () if found.task else headless_notes(headless)
    return Layout(config, names, side_by_side=True, notes=notes)


FAMILY = Family(("transformer.",), KEYS, layout)
