"""What the configs of encoders may say."""

from __future__ import annotations

from tests.helpers.variants.table import ACTIVATIONS, BOTH, EPSILONS, PROBLEMS, Variants, with_kinds

SIZES = {
    "vocab_size": "V",
    "hidden_size": "D",
    "num_hidden_layers": "N",
    "num_attention_heads": "H",
    "intermediate_size": "F",
    "max_position_embeddings": "P",
}
KEYS = {
    "hidden_act": ACTIVATIONS,
    "layer_norm_eps": EPSILONS,
    "tie_word_embeddings": BOTH,
    "hidden_dropout_prob": (0.4,),
    "problem_type": PROBLEMS,
}
OTHERS = {"is_decoder": True, "position_embedding_type": "relative_key"}


def classes_of(name: str, *more: str) -> str:
    """The classes of a family: bare, for words, and fine-tuned."""
    fine_tuned = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
    classes = [f"{name}For{task}" for task in ("MaskedLM", *fine_tuned)]
    return " ".join((f"{name}Model", *classes, *more))


def with_pads(config: dict, rng) -> dict:
    """Rows of the position table for the padding token and those before it."""
    more = config.get("pad_token_id", 1) + 1
    return config | {"max_position_embeddings": config["max_position_embeddings"] + more}


def fit_mpnet(config: dict, rng) -> dict:
    """Its padding token is 1, whatever the config says."""
    return config | {"max_position_embeddings": config["max_position_embeddings"] + 2}


def fit_albert(config: dict, rng) -> dict:
    """No more groups of layers than layers."""
    groups = min(config.get("num_hidden_groups", 1), config["num_hidden_layers"])
    return config | ({"num_hidden_groups": groups} if "num_hidden_groups" in config else {})


def roberta(name: str) -> Variants:
    """RoBERTa and what has its layout."""
    keys = {**KEYS, "type_vocab_size": (1, 2), "pad_token_id": (0, 1, 3)}
    return Variants(
        classes_of(name), SIZES, keys, with_pads, now_and_then=OTHERS, passes_over="pad_token_id"
    )


NEAR_AND_FAR = (
    {"full_attention": {"rope_theta": 70.0}, "sliding_attention": {"rope_theta": 5.0}},
    {"full_attention": {"rope_type": "default", "rope_theta": 9.0}},
    {"full_attention": {"rope_type": "linear", "factor": 2.0}},
)


VARIANTS = {
    "bert": Variants(
        classes_of("Bert", "BertForPreTraining"),
        SIZES,
        {**KEYS, "type_vocab_size": (1, 2, 3)},
        now_and_then=OTHERS,
    ),
    "roberta": roberta("Roberta"),
    "xlm-roberta": roberta("XLMRoberta"),
    "camembert": roberta("Camembert"),
    "distilbert": Variants(
        classes_of("DistilBert"),
        {
            "vocab_size": "V",
            "dim": "D",
            "n_layers": "N",
            "n_heads": "H",
            "hidden_dim": "F",
            "max_position_embeddings": "P",
        },
        {
            "activation": ("gelu", "relu", "gelu", "relu", "gelu_new", "silu", "mish"),
            "sinusoidal_pos_embds": BOTH,
            "tie_word_embeddings": BOTH,
            "dropout": (0.4,),
        },
    ),
    "mpnet": Variants(
        classes_of("MPNet"),
        SIZES,
        {**KEYS, "relative_attention_num_buckets": (32,), "pad_token_id": (1,)},
        fit_mpnet,
        now_and_then={"relative_attention_num_buckets": 16},
        passes_over=1,
    ),
    "electra": Variants(
        classes_of("Electra", "ElectraForPreTraining"),
        SIZES,
        {**KEYS, "embedding_size": (4, 6, 10), "type_vocab_size": (1, 2), "pad_token_id": (0, 3)},
        now_and_then=OTHERS,
    ),
    "albert": Variants(
        classes_of("Albert"),
        SIZES,
        {
            **KEYS,
            "embedding_size": (4, 6, 10),
            "type_vocab_size": (1, 2),
            "num_hidden_groups": (1, 1, 2),
            "inner_group_num": (1, 1, 2),
        },
        fit_albert,
        now_and_then=OTHERS,
    ),
    "modernbert": Variants(
        "ModernBertModel ModernBertForMaskedLM",
        {key: letter for key, letter in SIZES.items() if letter != "P"},
        {
            "hidden_activation": ACTIVATIONS,
            "max_position_embeddings": (16, 64),
            "norm_eps": EPSILONS,
            "norm_bias": BOTH,
            "attention_bias": BOTH,
            "mlp_bias": BOTH,
            "decoder_bias": BOTH,
            "classifier_bias": BOTH,
            "classifier_activation": ("gelu", "relu", "silu"),
            "classifier_pooling": ("cls", "mean"),
            "local_attention": (2, 4, 128),
            "global_attn_every_n_layers": (1, 2, 3),
            "global_rope_theta": (50.0, 160000.0),
            "local_rope_theta": (7.0, 10000.0),
            "rope_parameters": NEAR_AND_FAR,
            "tie_word_embeddings": BOTH,
        },
        with_kinds,
        always={"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3}
        | {"cls_token_id": 2, "sep_token_id": 3},
    ),
}
