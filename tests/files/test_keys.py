"""Every key of a config is computed, without effect, or refused by name, as in `transformers`.

A key that `transformers` knows and that is in no table would be a wrong number without a word.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.errors import GlassError
from core.forward_pass import forward
from core.models import keys
from core.models.assembly import assemble
from core.models.families import KEYS, llama_gguf
from core.models.fields import Fields
from core.models.gguf import open_gguf
from core.models.weights import load_folder, read_folder
from tests.helpers import tiny
from tests.helpers.model_files import refusal, write_gguf, written
from tests.helpers.tiny import check, golden

STORED = json.loads((tiny.GOLDEN / "keys.json").read_text())
KINDS = {
    "bert": "bert",
    "gpt2": "gpt2",
    "llama": "llama",
    "t5": "t5_relu",
    "marian": "marian",
    **{kind: kind for kind in tiny.FURTHER},
}  # kind -> tiny model
VERSION_4 = (  # what PretrainedConfig of version 4 took beside the generation's keys
    "output_hidden_states",
    "output_attentions",
    "return_dict",
    "torchscript",
    "torch_dtype",
    "use_bfloat16",
    "tf_legacy_loss",
    "pruned_heads",
    "tie_word_embeddings",
    "chunk_size_feed_forward",
    "is_encoder_decoder",
    "is_decoder",
    "cross_attention_hidden_size",
    "add_cross_attention",
    "tie_encoder_decoder",
    "architectures",
    "finetuning_task",
    "id2label",
    "label2id",
    "num_labels",
    "tokenizer_class",
    "prefix",
    "bos_token_id",
    "pad_token_id",
    "eos_token_id",
    "sep_token_id",
    "decoder_start_token_id",
    "task_specific_params",
    "problem_type",
    "name_or_path",
    "_commit_hash",
    "attn_implementation",
    "transformers_version",
    "gradient_checkpointing",
    "auto_map",
    "quantization_config",
    "xla_device",
    "custom_pipelines",
)
READ_BY_GETATTR = (
    "is_causal",
    "layer_types",
    "mlp_layer_types",
    "sliding_window",
    "attention_chunk_size",
    "text_config",
    "tie_last_hidden_states",
    "transformers_weights",
    "fusion_config",
    "distributed_config",
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_that_transformers_knows_is_in_a_table(kind):
    assert [
        key for key in (*STORED[kind], *VERSION_4, *READ_BY_GETATTR) if key not in KEYS[kind].known
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_the_transformers_that_is_installed_is_in_a_table(kind):
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    assert [key for key in reference.config_keys(kind) if key not in KEYS[kind].known] == []


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_in_one_list(kind):
    table = KEYS[kind]
    lists = (*table.computed, *table.refused, *table.no_effect, *table.also)
    assert sorted(lists) == sorted(set(lists))
    assert set(table.null) <= set(table.computed) and set(table.also.values()) <= set(
        table.computed
    )


def test_the_document_holds_the_tables():
    """docs/model-files.md is written by hand around the tables that core/models/keys.py prints."""
    text = (Path(keys.__file__).parents[2] / "docs" / "model-files.md").read_text(encoding="utf-8")
    for table in (keys.common_markdown(), *map(keys.markdown, KEYS.values())):
        assert f"\n{table}\n" in text, f"The document lacks this table:\n{table}"


# Values that change numbers, and are refused.

HARMFUL = {
    "is_decoder": True,
    "add_cross_attention": True,
    "tie_encoder_decoder": True,
    "is_decoder_only_encoder": True,
    "scale_attn_by_inverse_layer_idx": True,
    "reorder_and_upcast_attn": True,
    "position_embedding_type": "relative_key",
    "layer_types": ["full_attention", "sliding_attention"],
    "mlp_layer_types": ["sparse"],
    "pruned_heads": {"0": [1]},
    "auto_map": {"AutoModel": "modeling.Model"},
    "per_layer_config": {"0": {"hidden_act": "relu"}},
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "rope_parameters": {"rope_theta": 5.0},
    "rope_theta": 5.0,
    "sliding_window": 4,
    "partial_rotary_factor": 0.5,
    "quantization_config": {"quant_method": "gptq"},
    "normalize_before": True,
    "normalize_embedding": True,
    "add_final_layer_norm": True,
    "static_position_embeddings": False,
}


def other_than(harmless: tuple, key: str):
    """A value of the key that changes the numbers."""
    if key in ("is_causal", "is_encoder_decoder"):
        return True not in harmless
    value = HARMFUL.get(key, 7)
    return not value if value in harmless else value


@pytest.mark.one_in(3)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_computed_is_refused_by_its_name(kind, tmp_path):
    for key, harmless in KEYS[kind].refused.items():
        said = refusal(
            read_folder, written(KINDS[kind], tmp_path, **{key: other_than(harmless, key)})
        )
        assert f"“{key}”" in said or key == "quantization_config" and "quantised" in said


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_changes_nothing_may_stand_there(kind, tmp_path):
    wanted = read_folder(written(KINDS[kind], tmp_path))[0]
    for key, harmless in KEYS[kind].refused.items():
        for value in harmless:
            assert read_folder(written(KINDS[kind], tmp_path, **{key: value}))[0] == wanted, (
                key,
                value,
            )


@pytest.mark.parametrize("value", (False, None, 0, [], [False]))
@pytest.mark.parametrize("family", ("gpt2", "llama", "t5_relu", "marian"))
def test_a_decoder_that_is_not_causal_is_refused(family, value, tmp_path):
    """`transformers` gives it a mask without a triangle for any value that is not true."""
    said = refusal(read_folder, written(family, tmp_path, is_causal=value))
    assert "“is_causal” (whether a token sees only those before it)" in said


@pytest.mark.parametrize("kind", KINDS)
def test_code_of_the_models_own_is_refused(kind, tmp_path):
    said = refusal(
        read_folder, written(KINDS[kind], tmp_path, auto_map={"AutoModel": "modeling_own.OwnModel"})
    )
    assert "“auto_map”" in said and "never runs code" in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_note_of_ones_own_is_passed_over(kind, tmp_path):
    assert (
        read_folder(written(KINDS[kind], tmp_path, my_note={"is_causal": False}))[0]
        == read_folder(written(KINDS[kind], tmp_path))[0]
    )


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind", KINDS)
def test_null_is_no_value_for_what_is_computed(kind, tmp_path):
    """A default in its place would be a number that nobody wrote; `transformers` refuses it."""
    for key in KEYS[kind].computed:
        if key not in (*KEYS[kind].null, "model_type"):
            assert f"“{key}”" in refusal(read_folder, written(KINDS[kind], tmp_path, **{key: None}))


def test_null_is_called_null(tmp_path):
    said = refusal(read_folder, written("gpt2", tmp_path, reorder_and_upcast_attn=None))
    assert "says null for “reorder_and_upcast_attn”" in said
    said = refusal(read_folder, written("gpt2", tmp_path, num_attention_heads=None))
    assert "null for “num_attention_heads”" in said


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0}


@pytest.mark.parametrize(
    "rope, says",
    (
        ({"rope_type": "default", "factor": 4.0}, "“factor”"),
        ({"factor": 4.0}, "“factor”"),
        ({"rope_type": "linear"}, "“factor”"),
        ({"rope_type": "linear", "factor": 0}, "“factor”"),
        ({"type": "linear", "rope_type": "default"}, "“linear”"),
        ({"rope_type": "proportional", "factor": 2.0}, "“proportional”"),
        ({"rope_type": ["linear"]}, "a list"),
        ({"rope_type": "linear", "factor": 2.0, "low_freq_factor": 1.0}, "“low_freq_factor”"),
        (LLAMA3 | {"high_freq_factor": None}, "“high_freq_factor”"),
        (LLAMA3 | {"high_freq_factor": 1.0}, "between fast and slow"),
        (YARN | {"beta_fast": "32"}, "“beta_fast”"),
        (YARN | {"rope_theta": 1.0}, "no slow pairs"),
        ({"rope_type": "longrope", "short_factor": [1.0], "long_factor": [2.0]}, "divisors"),
        ({"rope_type": "longrope", "short_factor": [1.0]}, "“long_factor”"),
        ({"rope_type": "default", "rope_theta": None}, "“rope_theta”"),
        ({"attention_factor": 2.0}, "“attention_factor”"),
        ({"full_attention": {"rope_theta": 5.0}}, "“full_attention”"),
        ({"partial_rotary_factor": 0.5}, "“partial_rotary_factor”"),
    ),
)
@pytest.mark.parametrize("key", ("rope_scaling", "rope_parameters"))
def test_stretched_rotary_positions_are_refused(key, rope, says, tmp_path):
    assert says in refusal(read_folder, written("llama", tmp_path, **{key: rope}))


# Names that mean the same.

ALSO = [(kind, other, name) for kind in KINDS for other, name in KEYS[kind].also.items()]


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kind, other, name", ALSO)
def test_a_key_may_stand_under_its_other_name(kind, other, name, tmp_path):
    """The second spelling alone, both, and both with different values."""
    config = golden(KINDS[kind]).config
    wanted = read_folder(written(KINDS[kind], tmp_path))[0]
    alone = {key: value for key, value in config.items() if key != name} | {other: config[name]}
    model = replace(golden(KINDS[kind]), config=alone)
    assert read_folder(model.write(tmp_path))[0] == wanted
    assert read_folder(written(KINDS[kind], tmp_path, **{other: config[name]}))[0] == wanted
    said = refusal(read_folder, written(KINDS[kind], tmp_path, **{other: config[name] + 1}))
    assert f"“{name}”" in said and f"“{other}”" in said


# GGUF.


def header(key: str, value, tmp_path: Path):
    """Reads the tiny Llama's GGUF file with another value in its header."""
    if not (tmp_path / "model.gguf").exists():
        write_gguf(golden("llama"), tmp_path / "model.gguf")
    metadata, tensors = open_gguf(tmp_path / "model.gguf")
    layout = llama_gguf.layout(Fields(metadata | {key: value}, "model.gguf"), tensors)
    assemble(layout, tensors, np.float32)
    return layout.config


@pytest.mark.parametrize(
    "key, value",
    (
        ("rope.scaling.type", "ntk"),
        ("rope.scaling.type", 3),
        ("rope.scaling.yarn_ext_factor", 1.0),
        ("rope.scaling.yarn_log_multiplier", 0.1),
        ("rope.scaling.yarn_attn_factor", 1.5),
        ("rope.scaling.alpha", 1000.0),
        ("rope.scaling.invented", 1),
        ("attention.causal", False),
        ("attention.scale", 0.5),
        ("attention.clamp_kqv", 3.0),
        ("logit_scale", 0.5),
        ("expert_count", 8),
        ("invented", 1),
    ),
)
def test_a_gguf_that_says_what_is_not_computed_is_refused(key, value, tmp_path):
    said = refusal(header, f"llama.{key}", value, tmp_path)
    assert f"“llama.{key}”" in said


def test_every_key_of_the_gguf_package_is_in_a_table_or_refused(tmp_path):
    """A value that changes numbers under every key that a Llama's header might have."""
    table, seen = KEYS["gguf"], 0
    for group in vars(gguf.constants.Keys).values():
        for key in vars(group).values() if isinstance(group, type) else ():
            key = (
                key.format(arch="llama", dense="dense")
                if isinstance(key, str) and key.startswith("{arch}")
                else ""
            )
            if key and key not in (*table.computed, *table.no_effect):
                assert f"“{key}”" in refusal(header, key, 7.5, tmp_path)
                seen += 1
    assert seen > 80


def test_keys_of_a_gguf_that_change_nothing(tmp_path):
    wanted = header("general.name", "any", tmp_path)
    for key, harmless in KEYS["gguf"].refused.items():
        for value in harmless:
            assert header(key, value, tmp_path) == wanted, key
    for key in KEYS["gguf"].no_effect:
        assert header(key, 7, tmp_path) == wanted, key


def test_a_gguf_whose_norm_has_a_bias_is_refused(tmp_path):
    """No norm of the family has one; it would be read and never added."""
    write_gguf(golden("llama"), tmp_path / "model.gguf")
    metadata, tensors = open_gguf(tmp_path / "model.gguf")
    for name in ("output_norm.bias", "blk.0.attn_norm.bias", "output.bias"):
        stored = replace(tensors["output_norm.weight"], name=name)
        with pytest.raises(GlassError, match=name):
            assemble(
                llama_gguf.layout(Fields(metadata, "model.gguf"), tensors | {name: stored}),
                tensors | {name: stored},
                np.float32,
            )


def test_one_key_under_all_of_its_names_gives_the_numbers_of_the_file(tmp_path):
    """The base of the rotary angles, as old and new files spell it."""
    rope = golden("llama").config["rope_parameters"]
    rest = {key: value for key, value in golden("llama").config.items() if key != "rope_parameters"}
    for spelled in (
        {"rope_parameters": rope},
        {"rope_scaling": rope},
        {"rope_theta": 700.0},
        {"rope_theta": 700.0, "rope_scaling": None},
        {"rope_theta": 5.0, "rope_parameters": {"rope_theta": 700.0}},
        {"rope_theta": 5.0, "rope_scaling": {"rope_type": "default", "rope_theta": 700.0}},
        {"rope_theta": 700.0, "rope_scaling": {"rope_type": "default"}},
        {"rope_scaling": {"rope_theta": 700.0}, "rope_parameters": {"rope_theta": 5.0}},
    ):
        folder = replace(golden("llama"), config=rest | spelled).write(tmp_path)
        mask, steps = golden("llama").cases["trained"]
        check(forward(*read_folder(folder, np.float64), **golden("llama").inputs, mask=mask), steps)


# Against `transformers`, in float64: each key that is computed, and those without effect, changed.

LINEAR, DYNAMIC = {"rope_type": "linear", "factor": 2.0}, {"type": "dynamic", "factor": 2.0}
STRETCHED = [
    LINEAR,
    LLAMA3,
    LLAMA3 | {"original_max_position_embeddings": 30, "rope_theta": 50.0},
    YARN,
    YARN | {"original_max_position_embeddings": 9, "beta_fast": 3, "beta_slow": 0.2},
    YARN | {"truncate": False, "rope_theta": 20.0, "original_max_position_embeddings": 40},
    YARN | {"mscale": 0.7, "mscale_all_dim": 0.3},
    YARN | {"attention_factor": 1.5, "type": "yarn"},
    {
        "rope_type": "longrope",
        "short_factor": [1.0, 1.5],
        "long_factor": [2.0, 4.0],
        "original_max_position_embeddings": 4,
    },
    {
        "rope_type": "longrope",
        "short_factor": [1.0, 1.5],
        "long_factor": [2.0, 4.0],
        "original_max_position_embeddings": 9,
        "factor": 3.0,
    },
]
CHANGED = {
    "bert": {
        "vocab_size": [80],
        "hidden_size": [36],
        "num_hidden_layers": [1],
        "num_attention_heads": [2],
        "intermediate_size": [33],
        "max_position_embeddings": [44],
        "type_vocab_size": [3],
        "layer_norm_eps": [0.1],
        "tie_word_embeddings": [False],
        "hidden_act": [
            "gelu_new",
            "relu",
            "silu",
            "gelu_fast",
            "gelu_pytorch_tanh",
            "gelu_python",
            "swish",
            "quick_gelu",
            "mish",
            "gelu_10",
            "relu2",
        ],
    },
    "gpt2": {
        "vocab_size": [80],
        "n_embd": [36],
        "n_layer": [1],
        "n_head": [2],
        "n_inner": [33, None],
        "n_positions": [44],
        "activation_function": ["gelu", "relu", "silu", "relu6"],
        "layer_norm_epsilon": [0.1],
        "scale_attn_weights": [False],
        "tie_word_embeddings": [False],
        "eos_token_id": [3, [4, 5], None],
        "pad_token_id": [3, None],
    },
    "llama": {
        "vocab_size": [80],
        "hidden_size": [36],
        "num_hidden_layers": [1],
        "num_attention_heads": [10],
        "num_key_value_heads": [1, None],
        "head_dim": [10, None],
        "intermediate_size": [33],
        "hidden_act": ["gelu", "relu"],
        "max_position_embeddings": [44],
        "rms_norm_eps": [0.1],
        "attention_bias": [True],
        "mlp_bias": [True],
        "tie_word_embeddings": [True],
        "eos_token_id": [3, None],
        "pad_token_id": [3, None],
        "rope_theta": [5.0],
        "rope_parameters": [{"rope_theta": 5.0}, *STRETCHED, None],
        "rope_scaling": [{"rope_type": "default", "rope_theta": 5.0}, DYNAMIC],
        "partial_rotary_factor": [1.0],
        "original_max_position_embeddings": [30],
    },
    "t5": {
        "vocab_size": [80],
        "d_model": [36],
        "d_kv": [10],
        "d_ff": [33],
        "num_layers": [1],
        "num_decoder_layers": [1, None],
        "num_heads": [5],
        "relative_attention_num_buckets": [6],
        "relative_attention_max_distance": [7],
        "layer_norm_epsilon": [0.1],
        "feed_forward_proj": ["gated-gelu", "gated-silu", "gelu_new", "gated-relu"],
        "dense_act_fn": ["gelu_new", "silu"],
        "is_gated_act": [True],
        "scale_decoder_outputs": [False],
        "tie_word_embeddings": [False, None],
        "decoder_start_token_id": [3],
        "pad_token_id": [3, None],
        "eos_token_id": [3],
    },
    "marian": {
        "vocab_size": [80],
        "d_model": [36],
        "encoder_layers": [1],
        "decoder_layers": [1],
        "encoder_attention_heads": [2],
        "decoder_attention_heads": [2],
        "encoder_ffn_dim": [33],
        "decoder_ffn_dim": [33],
        "decoder_vocab_size": [80, None],
        "max_position_embeddings": [44],
        "activation_function": ["gelu", "relu"],
        "scale_embedding": [False],
        "share_encoder_decoder_embeddings": [False],
        "tie_word_embeddings": [False],
        "decoder_start_token_id": [3],
        "eos_token_id": [3, None],
        "pad_token_id": [0],
    },
}
HALF = {"rope_type": "default", "rope_theta": 5.0, "partial_rotary_factor": 0.5}
WHOLE_HEADS = HALF | {"partial_rotary_factor": 1.0}
NEAR, FAR = "sliding_attention", "full_attention"
CHANGED |= {
    "gpt_neox": {
        "vocab_size": [80],
        "hidden_size": [48],
        "num_hidden_layers": [1],
        "num_attention_heads": [3],
        "intermediate_size": [33],
        "hidden_act": ["gelu_new", "relu", "gelu_fast", "quick_gelu"],
        "max_position_embeddings": [44],
        "layer_norm_eps": [0.1],
        "use_parallel_residual": [False],
        "attention_bias": [False],
        "tie_word_embeddings": [True],
        "eos_token_id": [3, None],
        "rotary_pct": [1.0, 0.5],
        "rotary_emb_base": [50.0],
        "rope_parameters": [HALF, WHOLE_HEADS, LINEAR | HALF | {"rope_type": "linear"}, None],
        "rope_scaling": [DYNAMIC | {"partial_rotary_factor": 0.5}, None],
        "original_max_position_embeddings": [30],
    },
    "gptj": {
        "vocab_size": [80],
        "n_embd": [36],
        "n_layer": [1],
        "n_head": [3],
        "n_inner": [33, None],
        "n_positions": [44],
        "rotary_dim": [4],
        "activation_function": ["gelu", "relu", "relu6"],
        "layer_norm_epsilon": [0.1],
        "tie_word_embeddings": [True],
        "eos_token_id": [3, None],
    },
    "gpt_neo": {
        "vocab_size": [80],
        "hidden_size": [36],
        "num_layers": [1],
        "num_heads": [2],
        "intermediate_size": [33, None],
        "attention_types": [[[["local"], 2]], [[["local", "global"], 1]], None],
        "attention_layers": [["local", "local"]],
        "window_size": [1, 5, 256],
        "max_position_embeddings": [44],
        "activation_function": ["gelu", "silu", "relu6"],
        "layer_norm_epsilon": [0.1],
        "tie_word_embeddings": [False],
        "eos_token_id": [3, None],
    },
    "phi": {
        "vocab_size": [80],
        "hidden_size": [48],
        "num_hidden_layers": [1],
        "num_attention_heads": [3],
        "num_key_value_heads": [1, None],
        "intermediate_size": [33],
        "hidden_act": ["gelu", "relu", "relu2"],
        "max_position_embeddings": [44],
        "layer_norm_eps": [0.1],
        "tie_word_embeddings": [True],
        "eos_token_id": [3, None],
        "rope_theta": [5.0],
        "rope_parameters": [{"rope_theta": 5.0}, WHOLE_HEADS, None],
        "rope_scaling": [DYNAMIC, HALF],
        "partial_rotary_factor": [1.0, 0.5],
        "original_max_position_embeddings": [30],
    },
    "opt": {
        "vocab_size": [80],
        "hidden_size": [36],
        "num_hidden_layers": [1],
        "num_attention_heads": [2],
        "ffn_dim": [33],
        "activation_function": ["gelu", "silu", "relu6"],
        "max_position_embeddings": [44],
        "do_layer_norm_before": [False],
        "_remove_final_layer_norm": [True],
        "enable_bias": [False],
        "word_embed_proj_dim": [None, 8],
        "tie_word_embeddings": [False],
        "eos_token_id": [3, None],
    },
    "bloom": {
        "vocab_size": [80],
        "hidden_size": [36],
        "n_layer": [1],
        "n_head": [2, 3, 4, 12],
        "layer_norm_epsilon": [0.1],
        "tie_word_embeddings": [False],
        "eos_token_id": [3, None],
    },
    "gemma": {
        "vocab_size": [80],
        "hidden_size": [36],
        "num_hidden_layers": [1],
        "num_attention_heads": [10],
        "num_key_value_heads": [1],
        "head_dim": [10],
        "intermediate_size": [33],
        "hidden_act": ["gelu", "relu", "gelu_new", "relu2"],
        "max_position_embeddings": [44],
        "rms_norm_eps": [0.1],
        "attention_bias": [True],
        "tie_word_embeddings": [False],
        "eos_token_id": [3, None],
        "rope_theta": [5.0],
        "rope_parameters": [{"rope_theta": 5.0}, LINEAR, LLAMA3, None],
        "rope_scaling": [DYNAMIC],
        "partial_rotary_factor": [1.0],
        "original_max_position_embeddings": [30],
    },
}
CHANGED["gemma2"] = {key: CHANGED["gemma"][key] for key in CHANGED["gemma"] if key != "hidden_act"}
CHANGED["gemma2"] |= {
    "hidden_activation": ["gelu", "silu", "relu2"],
    "query_pre_attn_scalar": [16, 1],
    "sliding_window": [1, 4096],
    "layer_types": [[FAR, NEAR], [FAR, FAR], None],
    "final_logit_softcapping": [None, 0.5],
    "attn_logit_softcapping": [None, 0.5],
}
OF_GEMMA_3 = ("attn_logit_softcapping", "partial_rotary_factor", "original_max_position_embeddings")
CHANGED["gemma3_text"] = {
    key: values for key, values in CHANGED["gemma2"].items() if key not in OF_GEMMA_3
} | {
    "sliding_window_pattern": [1, 2, None],
    "rope_parameters": [{FAR: {"rope_theta": 5.0}, NEAR: LINEAR}, {FAR: LLAMA3, NEAR: None}, None],
    "rope_scaling": [{"rope_type": "linear", "factor": 8.0}],
    "rope_theta": [5.0],
    "rope_local_base_freq": [5.0],
    "final_logit_softcapping": [0.5],
}
CHANGED |= {"umt5": CHANGED["t5"], "mt5": CHANGED["t5"] | {"tie_word_embeddings": [False]}}
CHANGED |= dict.fromkeys(("bart", "mbart", "pegasus", "m2m_100"), CHANGED["marian"])
LIKE_BERT = CHANGED["bert"] | {"pad_token_id": [0]}
CHANGED |= dict.fromkeys(("roberta", "xlm-roberta", "camembert"), LIKE_BERT)
CHANGED["electra"] = CHANGED["bert"] | {"embedding_size": [30, 24]}
CHANGED["albert"] = CHANGED["bert"] | {"embedding_size": [24, 30], "num_hidden_groups": [1, 2]}
CHANGED["mpnet"] = CHANGED["bert"] | {"relative_attention_num_buckets": [40]}
CHANGED["distilbert"] = {
    "vocab_size": [80],
    "dim": [36],
    "n_layers": [1],
    "n_heads": [2],
    "hidden_dim": [33],
    "max_position_embeddings": [44],
    "tie_word_embeddings": [False],
    "activation": ["relu", "gelu_new", "relu6"],
}
PLAIN = {"rope_theta": 700.0, "partial_rotary_factor": 1.0}  # where a family turns a part
PART = {"rope_theta": 700.0, "partial_rotary_factor": 0.5}
LONG = {"short_factor": [1.0], "long_factor": [2.0], "original_max_position_embeddings": 4}
LAYERED = ("qwen2", "qwen3", "smollm3")
LAYERS = [["sliding_attention", "full_attention"], None]
LIKE_LLAMA = {  # what differs from Llama's
    "mistral": {"sliding_window": [1, 4, None], "num_key_value_heads": [1]},
    "qwen2": {
        "use_sliding_window": [False],
        "sliding_window": [2],
        "max_window_layers": [0, 5],
        "layer_types": LAYERS,
        "head_dim": [10],
    },
    "qwen3": {
        "use_sliding_window": [True],
        "sliding_window": [2],
        "max_window_layers": [0],
        "layer_types": LAYERS,
        "attention_bias": [False],
        "tie_word_embeddings": [False],
        "head_dim": [10],
    },
    "phi3": {
        "num_attention_heads": [4],
        "sliding_window": [1, None],
        "rope_parameters": [PLAIN, PART, PART | LONG | {"type": "su"}, None],
        "rope_scaling": [PART | LONG | {"type": "yarn"}, LONG | PART | {"rope_type": "longrope"}],
        "original_max_position_embeddings": [30],
    },
    "smollm3": {
        "use_sliding_window": [False],
        "sliding_window": [2],
        "layer_types": LAYERS,
        "no_rope_layers": [[0, 1], [1, 1, 0], None],
        "no_rope_layer_interval": [1, 3],
        "tie_word_embeddings": [False],
        "head_dim": [10],
    },
    "granite": {
        "embedding_multiplier": [2.0],
        "attention_multiplier": [0.5],
        "residual_multiplier": [2],
        "logits_scaling": [3.0],
        "mlp_bias": [False],
        "head_dim": [10],
    },
    "olmo2": {"head_dim": [10]},
    "stablelm": {
        "num_attention_heads": [4],
        "num_key_value_heads": [1],
        "layer_norm_eps": [0.1],
        "use_qkv_bias": [False],
        "use_parallel_residual": [True],
        "rope_parameters": [PLAIN, PART | YARN, PART | LINEAR],
        "rope_scaling": [PART | LLAMA3],
    },
}
CHANGED["modernbert"] = {
    "vocab_size": [80],
    "hidden_size": [36],
    "num_hidden_layers": [1],
    "num_attention_heads": [2],
    "intermediate_size": [33],
    "hidden_activation": ["relu", "relu2"],
    "max_position_embeddings": [44],
    "norm_eps": [0.1],
    "norm_bias": [False],
    "attention_bias": [True],
    "mlp_bias": [False],
    "decoder_bias": [False],
    "classifier_bias": [True],
    "classifier_activation": ["relu"],
    "local_attention": [2, 4],
    "layer_types": [["full_attention", "sliding_attention"], None],
    "global_attn_every_n_layers": [1],
    "global_rope_theta": [50.0],
    "local_rope_theta": [5.0],
    "rope_parameters": [
        {"full_attention": {"rope_theta": 9.0}, "sliding_attention": {"rope_theta": 5.0}},
        {"full_attention": {"rope_type": "default"}},
        None,
    ],
    "tie_word_embeddings": [False],
}
for kind, own in LIKE_LLAMA.items():
    table, short = CHANGED["llama"], {"rope_parameters": [{"rope_theta": 5.0}, LLAMA3, None]}
    short["rope_scaling"] = [DYNAMIC]
    CHANGED[kind] = {key: table[key] for key in KEYS[kind].computed if key in table} | short | own
PROBES = [
    pytest.param(kind, key, value, marks=pytest.mark.slow if kind in tiny.FURTHER else ())
    for kind in KINDS
    for key in KEYS[kind].computed
    if key not in keys.COMPUTED  # the labels: tests/core/test_task_heads.py
    for value in CHANGED[kind][key]
]


def by_transformers(kind: str, config: dict, folder: Path, seed: int = 3):
    """A random model of that config.json, as `transformers` reads it, in a folder; its steps."""
    from tests.helpers import reference

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    cls = getattr(reference.transformers, config["architectures"][0])
    reference.torch.manual_seed(seed)
    with reference.in_float64() if kind in tiny.OTHER_SHAPES else reference.without_casts():
        model = cls(cls.config_class.from_pretrained(folder)).double().eval()
    model.set_attn_implementation("eager")
    reference.fill(model, kind)
    model.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    inputs = golden(KINDS[kind]).inputs
    return inputs, reference.run(model, inputs)


TOGETHER = {
    ("modernbert", "num_hidden_layers", "1"): {"layer_types": None},
    ("modernbert", "global_attn_every_n_layers", "1"): {"layer_types": None},
    ("modernbert", "global_rope_theta", "50.0"): {"rope_parameters": None},
    ("modernbert", "local_rope_theta", "5.0"): {"rope_parameters": None},
    **{
        (kind, key, value): more
        for kind in ("llama", *LIKE_LLAMA)
        for key, value, more in (
            ("head_dim", "None", {"hidden_size": 48}),
            ("rope_scaling", str(DYNAMIC), {"max_position_embeddings": 3}),
            *(
                [("original_max_position_embeddings", "30", {"rope_parameters": LLAMA3})]
                if kind not in ("phi3", "stablelm")
                else [("hidden_size", "36", {"rope_parameters": PLAIN})]
                + [("num_attention_heads", "4", {"rope_parameters": PLAIN})]
            ),
            ("num_hidden_layers", "1", {"layer_types": None} if kind in LAYERED else {}),
            ("no_rope_layer_interval", "1", {"no_rope_layers": None, "layer_types": None}),
            ("no_rope_layer_interval", "3", {"no_rope_layers": None, "layer_types": None}),
            ("max_window_layers", "0", {"layer_types": None, "use_sliding_window": True}),
            ("max_window_layers", "5", {"layer_types": None}),
            ("use_sliding_window", "False", {"layer_types": None}),
            ("use_sliding_window", "True", {"layer_types": None, "sliding_window": 2}),
            ("layer_types", str(LAYERS[0]), {"use_sliding_window": True, "sliding_window": 2}),
        )
    },
    ("marian", "vocab_size", "80"): {"decoder_vocab_size": 80},
    ("albert", "num_hidden_layers", "1"): {"num_hidden_groups": 1},
    ("gpt_neox", "rotary_pct", "1.0"): {"rope_parameters": None},
    ("gpt_neox", "rotary_pct", "0.5"): {"rope_parameters": None, "rotary_emb_base": 50.0},
    ("gpt_neox", "rotary_emb_base", "50.0"): {"rope_parameters": None, "hidden_size": 48},
    ("gpt_neox", "rope_parameters", "None"): {"hidden_size": 48},
    ("gpt_neo", "num_layers", "1"): {"attention_layers": ["local"]},
    ("phi", "num_attention_heads", "3"): {"num_key_value_heads": 3},
    ("phi", "rope_scaling", str(DYNAMIC)): {"hidden_size": 48},
    ("gpt_neox", "rope_scaling", str(DYNAMIC | {"partial_rotary_factor": 0.5})): {
        "hidden_size": 48
    },
    ("opt", "hidden_size", "36"): {"word_embed_proj_dim": 36},
    ("phi", "rope_parameters", str({"rope_theta": 5.0})): {"partial_rotary_factor": 0.5},
    ("phi", "rope_theta", "5.0"): {"rope_parameters": None},
    ("phi", "partial_rotary_factor", "1.0"): {"rope_parameters": None},
    ("phi", "partial_rotary_factor", "0.5"): {"rope_parameters": None},
    ("gemma", "rope_theta", "5.0"): {"rope_parameters": None},
    ("gemma2", "rope_theta", "5.0"): {"rope_parameters": None},
    ("gemma3_text", "rope_theta", "5.0"): {"rope_parameters": None},
    ("gemma3_text", "rope_local_base_freq", "5.0"): {"rope_parameters": None},
    ("gemma3_text", "sliding_window_pattern", "1"): {"layer_types": None},
    ("gemma3_text", "sliding_window_pattern", "2"): {"layer_types": None},
    **{
        (kind, "num_hidden_layers", "1"): {"layer_types": [NEAR]}
        for kind in ("gemma2", "gemma3_text")
    },
    **{
        (kind, f"encoder_{size}", value): {f"decoder_{size}": int(value)}
        for kind in ("marian", "bart", "mbart", "pegasus", "m2m_100")
        for size, value in (("attention_heads", "2"), ("ffn_dim", "33"))
    },
}
NOT_COMPUTED = {
    "hidden_act": ("quick_gelu", "mish", "gelu_10", "relu2"),
    "activation_function": ("relu6",),
    "hidden_activation": ("relu2",),
    "word_embed_proj_dim": (8,),
    "activation": ("relu6",),
    "relative_attention_num_buckets": (40,),
    "decoder_attention_heads": (2,),
    "decoder_ffn_dim": (33,),
    "decoder_vocab_size": (80,),
}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind, key, value", PROBES)
def test_what_is_computed_is_what_transformers_computes(kind, key, value, tmp_path):
    """Under each changed key, equal numbers or a refusal by name."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    config = golden(KINDS[kind]).config | {key: value} | TOGETHER.get((kind, key, str(value)), {})
    if key == "attention_types":  # the list of all layers would go before it
        config = {name: config[name] for name in config if name != "attention_layers"}
        config |= {"num_layers": 24} if value is None else {}
    inputs, steps = by_transformers(kind, config, tmp_path)
    if value in NOT_COMPUTED.get(key, ()):
        assert f"“{key}”" in refusal(read_folder, tmp_path)
    elif kind in ("t5", "mt5", "umt5") and (key, value) == ("tie_word_embeddings", False):
        # transformers ties it nonetheless
        assert "“lm_head.weight” is missing" in refusal(read_folder, tmp_path)
    else:
        loaded = load_folder(tmp_path, np.float64)
        check(forward(loaded.config, loaded.weights, **inputs), steps)
        assert loaded.notes == ()


ODD = {
    "classifier_pooling": "mean",
    "initializer_cutoff_factor": 2.0,  # another one draws other numbers
    "position_embedding_type": "sans_pos",
    "dtype": "float64",
    "torch_dtype": "float64",
    "label2id": {"no": 0},
    "architectures": None,
    "chunk_size_feed_forward": 1,
    "_attn_implementation": "eager",
    "attn_implementation": "eager",
    "_attn_implementation_internal": "eager",
    "task_specific_params": {},
    "custom_pipelines": {},
    "summary_type": "mean",
    "summary_activation": "tanh",
    "distributed_config": None,
    "_experts_implementation": "eager",
    "experts_implementation": "eager",
    "_experts_implementation_internal": "eager",
    "use_cache": False,
    "pretraining_tp": 2,
}
WHOLE = (
    "cls_token_id",
    "sparse_pred_ignore_index",
    "bos_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "eos_token_id",
    "pad_token_id",
    "sep_token_id",
    "decoder_start_token_id",
    "n_ctx",
    "n_positions",
    "max_length",
    "min_length",
    "top_k",
    "num_beams",
)
TEXT = (
    "_name_or_path",
    "name_or_path",
    "transformers_version",
    "tokenizer_class",
    "finetuning_task",
    "prefix",
    "_commit_hash",
)


def odd(key: str):
    """A value that the key does not have by default."""
    if key in WHOLE + TEXT:
        return 3 if key in WHOLE else "other"
    return ODD.get(key, 0.7 if any(part in key for part in ("drop", "init", "rate")) else True)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind", KINDS)
def test_keys_without_effect_have_none_in_transformers(kind, tmp_path):
    """All of them at once, with values that they do not have by default."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    config = golden(KINDS[kind]).config
    changed = config | {key: odd(key) for key in KEYS[kind].no_effect}
    inputs, steps = by_transformers(kind, config, tmp_path / "as it was")
    _, others = by_transformers(kind, changed, tmp_path / "changed")
    assert set(steps) == set(others) and all(
        abs(steps[name] - others[name]).max() < 1e-12 for name in steps
    )
    check(forward(*read_folder(tmp_path / "changed", np.float64), **inputs), steps)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kind, other, name", ALSO)
def test_another_name_is_what_transformers_reads(kind, other, name, tmp_path):
    """The tiny model's value is not the default: a name that is passed over is another model."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    config = golden(KINDS[kind]).config
    config = {key: value for key, value in config.items() if key != name} | {other: config[name]}
    inputs, steps = by_transformers(kind, config, tmp_path)
    check(forward(*read_folder(tmp_path, np.float64), **inputs), steps)
