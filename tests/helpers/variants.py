"""Random configs of every family: what a config.json may say, and tiny sizes that fit each other.

A family joins with an entry in VARIANTS: its classes of `transformers`, the letter of each key that
is a size, and for each other key that changes numbers the values that are drawn, among them some
that Glassformer does not compute. `draw` makes a config of it by a seed. Needs only NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BOTH = (True, False)
COMPUTED = "gelu gelu_new gelu_fast gelu_python gelu_pytorch_tanh silu swish relu".split()
ACTIVATIONS = (*COMPUTED, *COMPUTED, *COMPUTED, "relu6", "quick_gelu", "gelu_10", "mish", "tanh")
EPSILONS = (1e-12, 1e-6, 1e-5, 1e-3, 0.1)
LABELS = (None, {"0": "no", "1": "yes"}, {"0": "a", "1": "b", "2": "c"})
PROBLEMS = (None, "single_label_classification", "multi_label_classification")


def unchanged(config: dict, rng) -> dict:
    """The config as it was drawn."""
    return config


@dataclass(frozen=True)
class Variants:
    """What the configs of one family may say.

    classes: of `transformers`, names parted by spaces. sizes: key -> a letter of `letters`. keys:
    key -> the values that are drawn, each of them valid. fit: makes of a drawn config one whose
    keys fit each other. passes_over: the key of a token that is not read, because it has no
    position.
    """

    classes: str
    sizes: Mapping[str, str]
    keys: Mapping[str, tuple]
    fit: Callable[[dict, Any], dict] = unchanged
    passes_over: str | None = None
    always: Mapping[str, Any] = field(default_factory=dict)


def letters(rng) -> dict[str, int]:
    """Tiny sizes: heads that share keys and values evenly, and a width that they share."""
    G, times, K = rng.integers(1, 3), rng.integers(1, 3), 2 * rng.integers(1, 4)
    H = int(G * times)
    sizes = {"G": G, "H": H, "K": K, "D": H * K, "W": rng.integers(3, 8) * 2, "F": 5 + H}
    more = {"V": rng.integers(17, 24), "N": rng.integers(1, 3), "M": rng.integers(1, 3)}
    return {letter: int(size) for letter, size in {**sizes, **more, "P": 8 + H}.items()}


def draw(kind: str, seed: int) -> tuple[dict, Variants]:
    """A random config of a family: about half of its keys are drawn, the others are not there."""
    variants, rng = VARIANTS[kind], np.random.default_rng((seed, *kind.encode()))
    sizes = letters(rng)
    config = {key: sizes[letter] for key, letter in variants.sizes.items()}
    share = rng.choice((0.15, 0.5, 0.85))
    for key, values in variants.keys.items():
        if rng.random() < share:
            config[key] = values[rng.integers(len(values))]
    classes = variants.classes.split()
    named = {"model_type": kind, "architectures": [classes[rng.integers(len(classes))]]}
    return named | dict(variants.always) | variants.fit(config, rng), variants


def keys_in(value) -> set[str]:
    """Every key of a config, those of objects inside it as well."""
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for each in value.values() for key in keys_in(each)}


# --- the families ---------------------------------------------------------------------------------


def now_and_then(config: dict, rng, **more) -> dict:
    """The config with one more key in ten, so that most of the others are computed."""
    return config | {key: value for key, value in more.items() if rng.random() < 0.1}


def fit_bart(config: dict, rng) -> dict:
    """The decoder's sizes, now and then others than the encoder's."""
    for size in ("attention_heads", "ffn_dim"):
        config[f"decoder_{size}"] = config[f"encoder_{size}"]
    other = config["d_model"] // config["encoder_attention_heads"]
    return now_and_then(config, rng, decoder_attention_heads=other, decoder_ffn_dim=7)


def fit_marian(config: dict, rng) -> dict:
    """The same, and a vocabulary for the decoder."""
    config = fit_bart(config, rng)
    size = config["vocab_size"]
    config |= {"decoder_vocab_size": (size, None)[rng.integers(2)]} if rng.random() < 0.3 else {}
    return now_and_then(config, rng, decoder_vocab_size=size + 1, is_decoder=True)


def fit_bert(config: dict, rng) -> dict:
    """Now and then what makes a BERT something else."""
    return now_and_then(config, rng, is_decoder=True, position_embedding_type="relative_key")


def fit_gpt2(config: dict, rng) -> dict:
    """Now and then other scales."""
    more = {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}
    return now_and_then(config, rng, **more)


def fit_llama(config: dict, rng) -> dict:
    """A head's width that may follow from the model's."""
    if rng.random() < 0.5:
        del config["head_dim"]
        config["hidden_size"] = config["num_attention_heads"] * 4
    return config


BART_SIZES = {
    "vocab_size": "V",
    "d_model": "D",
    "encoder_layers": "N",
    "decoder_layers": "M",
    "encoder_attention_heads": "H",
    "encoder_ffn_dim": "F",
    "max_position_embeddings": "P",
}
BART_KEYS = {
    "activation_function": ACTIVATIONS,
    "scale_embedding": BOTH,
    "tie_word_embeddings": BOTH,
    "decoder_start_token_id": (2, 5),
    "eos_token_id": (2, 3, None),
    "forced_eos_token_id": (2, None),
    "dropout": (0.3,),
    "encoder_layerdrop": (0.5,),
}
BART_IDS = {"pad_token_id": 1}
T5_SIZES = {
    "vocab_size": "V",
    "d_model": "W",
    "d_kv": "K",
    "d_ff": "F",
    "num_layers": "N",
    "num_heads": "H",
}
T5_KEYS = {
    "num_decoder_layers": (1, 2, None),
    "relative_attention_num_buckets": (4, 6, 8, 32),
    "relative_attention_max_distance": (17, 20, 128),
    "layer_norm_epsilon": EPSILONS,
    "feed_forward_proj": (
        "relu",
        "gated-gelu",
        "gated-silu",
        "gelu_new",
        "gated-relu",
        "gelu",
        "gated-gelu_new",
        "gated-tanh",
        "quick_gelu",
    ),
    "dense_act_fn": ("gelu_new", "silu", "tanh"),
    "is_gated_act": BOTH,
    "scale_decoder_outputs": BOTH,
    "tie_word_embeddings": BOTH,
    "decoder_start_token_id": (0, 3),
    "pad_token_id": (0, 3),
    "eos_token_id": (1, 3),
    "dropout_rate": (0.5,),
    "initializer_factor": (2.0,),
}
ROPES = (
    None,
    {"rope_type": "default", "rope_theta": 50.0},
    {"rope_theta": 7.0},
    {"rope_type": "linear", "factor": 2.0, "rope_theta": 100.0},
    {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 100.0},
    {
        "rope_type": "yarn",
        "factor": 4.0,
        "rope_theta": 100.0,
        "original_max_position_embeddings": 8,
    },
    {
        "rope_type": "llama3",
        "factor": 4.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8,
        "rope_theta": 100.0,
    },
)
VARIANTS = {
    "bert": Variants(
        "BertModel BertForPreTraining BertForMaskedLM BertForSequenceClassification"
        " BertForTokenClassification BertForQuestionAnswering",
        {
            "vocab_size": "V",
            "hidden_size": "D",
            "num_hidden_layers": "N",
            "num_attention_heads": "H",
            "intermediate_size": "F",
            "max_position_embeddings": "P",
        },
        {
            "hidden_act": ACTIVATIONS,
            "type_vocab_size": (1, 2, 3),
            "layer_norm_eps": EPSILONS,
            "tie_word_embeddings": BOTH,
            "hidden_dropout_prob": (0.4,),
            "problem_type": PROBLEMS,
        },
        fit_bert,
    ),
    "gpt2": Variants(
        "GPT2LMHeadModel GPT2Model GPT2ForTokenClassification",
        {"vocab_size": "V", "n_embd": "D", "n_layer": "N", "n_head": "H", "n_positions": "P"},
        {
            "n_inner": (7, None),
            "activation_function": ACTIVATIONS,
            "layer_norm_epsilon": EPSILONS,
            "scale_attn_weights": BOTH,
            "tie_word_embeddings": BOTH,
            "eos_token_id": (3, None),
            "pad_token_id": (3, None),
            "attn_pdrop": (0.3,),
        },
        fit_gpt2,
    ),
    "llama": Variants(
        "LlamaForCausalLM LlamaModel LlamaForTokenClassification",
        {
            "vocab_size": "V",
            "hidden_size": "W",
            "num_hidden_layers": "N",
            "num_attention_heads": "H",
            "num_key_value_heads": "G",
            "head_dim": "K",
            "intermediate_size": "F",
        },
        {
            "hidden_act": ACTIVATIONS,
            "max_position_embeddings": (12, 64),
            "rms_norm_eps": EPSILONS,
            "attention_bias": BOTH,
            "mlp_bias": BOTH,
            "tie_word_embeddings": BOTH,
            "eos_token_id": (3, None),
            "pad_token_id": (3, None),
            "rope_theta": (50.0, 10000.0),
            "rope_parameters": ROPES,
            "rope_scaling": ROPES,
            "partial_rotary_factor": (1.0,),
        },
        fit_llama,
    ),
    "t5": Variants("T5ForConditionalGeneration T5Model", T5_SIZES, T5_KEYS),
    "mt5": Variants("MT5ForConditionalGeneration MT5Model", T5_SIZES, T5_KEYS),
    "umt5": Variants("UMT5ForConditionalGeneration UMT5Model", T5_SIZES, T5_KEYS),
    "marian": Variants(
        "MarianMTModel MarianModel",
        BART_SIZES,
        {**BART_KEYS, "share_encoder_decoder_embeddings": BOTH, "pad_token_id": (0, 4)},
        fit_marian,
    ),
    "bart": Variants(
        "BartForConditionalGeneration BartModel", BART_SIZES, BART_KEYS, fit_bart, always=BART_IDS
    ),
    "mbart": Variants(
        "MBartForConditionalGeneration MBartModel", BART_SIZES, BART_KEYS, fit_bart, always=BART_IDS
    ),
    "pegasus": Variants(
        "PegasusForConditionalGeneration PegasusModel",
        BART_SIZES,
        {**BART_KEYS, "pad_token_id": (0, 4)},
        fit_bart,
    ),
    "m2m_100": Variants(
        "M2M100ForConditionalGeneration M2M100Model",
        BART_SIZES,
        {**BART_KEYS, "pad_token_id": (0, 1, 4)},
        fit_bart,
        passes_over="pad_token_id",
    ),
}
