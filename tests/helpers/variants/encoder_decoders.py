"""What the configs of models with an encoder and a decoder may say."""

from __future__ import annotations

from tests.helpers.variants.table import ACTIVATIONS, BOTH, EPSILONS, Variants

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
        *("relu", "gated-gelu", "gated-silu", "gelu_new", "gated-relu", "gelu", "gated-gelu_new"),
        *("gated-tanh", "quick_gelu"),
    ),
    "dense_act_fn": ("gelu_new", "silu", "relu", "tanh"),
    "is_gated_act": BOTH,
    "scale_decoder_outputs": BOTH,
    "tie_word_embeddings": BOTH,
    "decoder_start_token_id": (0, 3),
    "pad_token_id": (0, 3),
    "eos_token_id": (1, 3),
    "dropout_rate": (0.5,),
    "initializer_factor": (2.0,),
}


def fit_bart(config: dict, rng) -> dict:
    """The decoder's sizes, now and then others than the encoder's."""
    for size in ("attention_heads", "ffn_dim"):
        config[f"decoder_{size}"] = config[f"encoder_{size}"]
    if rng.random() < 0.04:
        config["decoder_ffn_dim"] += 1
    if rng.random() < 0.04:
        config["decoder_attention_heads"] = config["d_model"]
    return config


def fit_marian(config: dict, rng) -> dict:
    """The same, and a vocabulary for the decoder."""
    if "decoder_vocab_size" in config:
        config["decoder_vocab_size"] = config["vocab_size"]
    return fit_bart(config, rng)


def bart(name: str, **keys: tuple) -> Variants:
    """BART and its relations."""
    return Variants(
        f"{name}ForConditionalGeneration {name}Model",
        BART_SIZES,
        {**BART_KEYS, **keys},
        fit_bart,
        always={} if keys else {"pad_token_id": 1},
        now_and_then={"is_decoder": True},
        passes_over="pad_token_id" if name == "M2M100" else None,
    )


def t5(name: str) -> Variants:
    """T5 and its relations."""
    return Variants(f"{name}ForConditionalGeneration {name}Model", T5_SIZES, T5_KEYS)


VARIANTS = {
    "t5": t5("T5"),
    "mt5": t5("MT5"),
    "umt5": t5("UMT5"),
    "marian": Variants(
        "MarianMTModel MarianModel",
        BART_SIZES,
        {
            **BART_KEYS,
            "share_encoder_decoder_embeddings": BOTH,
            "decoder_vocab_size": (0,),
            "pad_token_id": (0, 4),
        },
        fit_marian,
        always={"pad_token_id": 4},
        now_and_then={"is_decoder": True},
    ),
    "bart": bart("Bart"),
    "mbart": bart("MBart"),
    "pegasus": bart("Pegasus", pad_token_id=(0, 4)),
    "m2m_100": bart("M2M100", pad_token_id=(0, 1, 4)),
}
