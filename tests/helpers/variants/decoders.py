"""What the configs of decoders may say."""

from __future__ import annotations

from tests.helpers.variants.table import ACTIVATIONS, BOTH, EPSILONS, Variants, with_kinds

SIZES = {
    "vocab_size": "V",
    "hidden_size": "D",
    "num_hidden_layers": "N",
    "num_attention_heads": "H",
    "num_key_value_heads": "G",
    "intermediate_size": "F",
}
ENDS = {"eos_token_id": (3, None), "pad_token_id": (3, None)}
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
KEYS = {
    "hidden_act": ACTIVATIONS,
    "max_position_embeddings": (4, 12, 64, 64),  # some texts are longer than 4
    "tie_word_embeddings": BOTH,
    "rope_theta": (50.0, 10000.0),
    "rope_parameters": ROPES,
    "rope_scaling": ROPES,
    "attention_dropout": (0.3,),
    "original_max_position_embeddings": (6, 16),
    **ENDS,
}
PART = {"partial_rotary_factor": (1.0, 1.0, 0.5)}
RMS = {"rms_norm_eps": EPSILONS}
LAYER = {"layer_norm_eps": EPSILONS}
WINDOWS = {"sliding_window": (2, 3, 64), "use_sliding_window": BOTH, "max_window_layers": (0, 1, 2)}


def classes_of(name: str, heads: bool = True) -> str:
    """The classes of a family: bare, for the next word, and fine-tuned."""
    more = f" {name}ForTokenClassification" if heads else ""
    bare = "Gemma3TextModel" if name == "Gemma3" else f"{name}Model"  # the other one sees pictures
    return f"{name}ForCausalLM {bare}{more}"


def fit_llama(config: dict, rng) -> dict:
    """A head's width of its own; where there is none, it follows from the model's."""
    if rng.random() < 0.5:
        config |= {"head_dim": int(2 * rng.integers(1, 4)), "hidden_size": int(rng.choice((8, 10)))}
    return config


def fit_wide(config: dict, rng) -> dict:
    """A head's width of its own."""
    return config | {
        "head_dim": int(2 * rng.integers(1, 4)),
        "hidden_size": int(rng.choice((8, 10))),
    }


def fit_head(config: dict, rng) -> dict:
    """Now and then a head's width in words: what it is without them."""
    if rng.random() < 0.3:
        config["head_dim"] = config["hidden_size"] // config["num_attention_heads"]
    return config


def fit_kinds(config: dict, rng) -> dict:
    """A head's width of its own, and kinds of layers."""
    return with_kinds(fit_wide(config, rng), rng)


def fit_qwen2(config: dict, rng) -> dict:
    """A head's width in words, and kinds of layers."""
    return with_kinds(fit_head(config, rng), rng)


def fit_smollm3(config: dict, rng) -> dict:
    """Now and then a list that says which layers turn their queries and keys."""
    config = fit_head(config, rng)
    if rng.random() < 0.3:
        turns = rng.integers(0, 2, config["num_hidden_layers"])
        config["no_rope_layers"] = turns.tolist()
    return with_kinds(config, rng)


def fit_parts(config: dict, rng) -> dict:
    """Whole pairs in the part of a head that is turned, but for one config in twenty."""
    width, share = ((4, 0.5), (4, 1.0), (8, 0.25), (8, 0.5))[rng.integers(4)]
    key = "rotary_pct" if config["model_type"] == "gpt_neox" else "partial_rotary_factor"
    share = 0.25 if key != "rotary_pct" and rng.random() < 0.05 else share
    for name in ("rope_parameters", "rope_scaling"):
        if isinstance(config.get(name), dict):
            config[name] = config[name] | {"partial_rotary_factor": share}
    return config | {"hidden_size": config["num_attention_heads"] * width, key: share}


def fit_gptj(config: dict, rng) -> dict:
    """So many numbers of each head are turned, or all."""
    width = config["n_embd"] // config["n_head"]
    return config | {"rotary_dim": int(2 * rng.integers(1, width // 2 + 1))}


def fit_opt(config: dict, rng) -> dict:
    """The width of the embeddings: the model's, or now and then another."""
    width = 4 if rng.random() < 0.05 else (config["hidden_size"], None)[rng.integers(2)]
    return config | {"word_embed_proj_dim": width}


def fit_gpt_neo(config: dict, rng) -> dict:
    """A kind of attention for each layer."""
    kinds = (["global"], ["local"], ["global", "local"])[rng.integers(3)]
    times = config["num_layers"] if len(kinds) == 1 else 1
    config |= {"num_layers": times * len(kinds)}
    if rng.random() < 0.3:
        return config | {"attention_layers": kinds * times, "attention_types": [[kinds, times]]}
    return config | {"attention_types": [[kinds, times]]}


def llama(name: str, fit=fit_llama, heads: bool = True, **keys: tuple) -> Variants:
    """Llama and its relations."""
    return Variants(
        classes_of(name, heads),
        SIZES,
        {**KEYS, **(LAYER if "layer_norm_eps" in keys else RMS), **PART, **keys},
        fit,
    )


GEMMA = {
    "hidden_activation": ACTIVATIONS,
    "query_pre_attn_scalar": (4, 9),
    "sliding_window": (2, 3, 64),
    "final_logit_softcapping": (None, 2.0, 30.0),
    "attn_logit_softcapping": (None, 1.5, 50.0),
    "attention_bias": BOTH,
}
VARIANTS = {
    "gpt2": Variants(
        "GPT2LMHeadModel GPT2Model GPT2ForTokenClassification",
        {"vocab_size": "V", "n_embd": "D", "n_layer": "N", "n_head": "H", "n_positions": "P"},
        {
            "n_inner": (7, None),
            "activation_function": ACTIVATIONS,
            "layer_norm_epsilon": EPSILONS,
            "scale_attn_weights": BOTH,
            "tie_word_embeddings": BOTH,
            "attn_pdrop": (0.3,),
            **ENDS,
        },
        now_and_then={
            "scale_attn_by_inverse_layer_idx": True,
            "reorder_and_upcast_attn": True,
            "add_cross_attention": True,
        },
    ),
    "llama": llama("Llama", attention_bias=BOTH, mlp_bias=BOTH),
    "mistral": llama("Mistral", **{**WINDOWS, "sliding_window": (None, 2, 3, 64)}),
    "qwen2": llama("Qwen2", fit_qwen2, **WINDOWS),
    "qwen3": llama("Qwen3", fit_kinds, attention_bias=BOTH, **WINDOWS),
    "gemma": llama("Gemma", fit_wide, heads=False, attention_bias=BOTH),
    "gemma2": llama("Gemma2", fit_kinds, heads=False, **GEMMA, partial_rotary_factor=(1.0,)),
    "gemma3_text": llama(
        "Gemma3",
        fit_kinds,
        heads=False,
        **{**GEMMA, "attn_logit_softcapping": (None, None, None, 1.5)},
        rope_local_base_freq=(9.0, 10000.0),
        sliding_window_pattern=(1, 2, 6),
    ),
    "phi3": llama(
        "Phi3",
        fit=fit_parts,
        sliding_window=(None, 2, 64),
        original_max_position_embeddings=(4, 16),
    ),
    "phi": llama(
        "Phi",
        fit=fit_parts,
        heads=False,
        layer_norm_eps=EPSILONS,
        qk_layernorm=(False, False, True),
    ),
    "olmo2": llama("Olmo2", fit=fit_head, heads=False, attention_bias=BOTH),
    "granite": llama(
        "Granite",
        fit=fit_head,
        heads=False,
        attention_bias=BOTH,
        mlp_bias=BOTH,
        embedding_multiplier=(1.0, 3.0),
        logits_scaling=(1.0, 4.0),
        residual_multiplier=(1.0, 0.3),
        attention_multiplier=(1.0, 0.2),
    ),
    "smollm3": llama(
        "SmolLM3",
        fit_smollm3,
        attention_bias=BOTH,
        mlp_bias=BOTH,
        no_rope_layer_interval=(1, 2, 4),
        **{**WINDOWS, "sliding_window": (None, 2, 64)},
    ),
    "stablelm": llama(
        "StableLm",
        fit=fit_parts,
        layer_norm_eps=EPSILONS,
        use_qkv_bias=BOTH,
        qk_layernorm=(False, False, True),
        use_parallel_residual=BOTH,
    ),
    "gpt_neox": Variants(
        classes_of("GPTNeoX", heads=False),
        {key: letter for key, letter in SIZES.items() if letter != "G"},
        {
            **{key: values for key, values in KEYS.items() if key != "rope_theta"},
            **LAYER,
            "attention_bias": BOTH,
            "use_parallel_residual": BOTH,
            "rotary_emb_base": (50, 10000),
        },
        fit_parts,
    ),
    "gptj": Variants(
        "GPTJForCausalLM GPTJModel",
        {"vocab_size": "V", "n_embd": "D", "n_layer": "N", "n_head": "H", "n_positions": "P"},
        {
            "n_inner": (7, None),
            "activation_function": ACTIVATIONS,
            "layer_norm_epsilon": EPSILONS,
            "tie_word_embeddings": BOTH,
            **ENDS,
        },
        fit_gptj,
    ),
    "gpt_neo": Variants(
        "GPTNeoForCausalLM GPTNeoModel",
        {
            "vocab_size": "V",
            "hidden_size": "D",
            "num_layers": "N",
            "num_heads": "H",
            "max_position_embeddings": "P",
        },
        {
            "intermediate_size": (7, None),
            "activation_function": ACTIVATIONS,
            "layer_norm_epsilon": EPSILONS,
            "window_size": (1, 2, 3, 256),
            "tie_word_embeddings": BOTH,
            **ENDS,
        },
        fit_gpt_neo,
    ),
    "opt": Variants(
        "OPTForCausalLM OPTModel",
        {
            "vocab_size": "V",
            "hidden_size": "D",
            "num_hidden_layers": "N",
            "num_attention_heads": "H",
            "ffn_dim": "F",
            "max_position_embeddings": "P",
        },
        {
            "activation_function": ACTIVATIONS,
            "do_layer_norm_before": BOTH,
            "enable_bias": BOTH,
            "tie_word_embeddings": BOTH,
            "eos_token_id": (2, 3),
            "pad_token_id": (1, 3),
        },
        fit_opt,
        now_and_then={"_remove_final_layer_norm": True, "layer_norm_elementwise_affine": False},
    ),
    "bloom": Variants(
        "BloomForCausalLM BloomModel",
        {"vocab_size": "V", "hidden_size": "D", "n_layer": "N", "n_head": "H"},
        {
            "layer_norm_epsilon": EPSILONS,
            "tie_word_embeddings": BOTH,
            "pretraining_tp": (1, 2),
            **ENDS,
        },
        now_and_then={"slow_but_exact": True, "apply_residual_connection_post_layernorm": True},
    ),
}
