"""What is done with each key of a model's config: computed, without effect, or refused by name.

Each file in families/ has one table of its keys. A key that is in no table is a note of
whoever wrote the file: `transformers` ignores it, and so does this reader. docs/model-files.md
prints the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from ..errors import GlassError
from .fields import Fields, quote


@dataclass(frozen=True)
class Keys:
    """The keys of one kind of config, each in one list."""

    computed: tuple[str, ...]
    refused: Mapping[str, tuple]  # key -> the values that change nothing: no other may be
    no_effect: tuple[str, ...]
    null: tuple[str, ...] = ()  # computed, and null stands for the default
    also: Mapping[str, str] = field(default_factory=dict)  # another name for a key -> the key
    closed: str | None = None  # unknown keys that begin so are refused, too

    @property
    def known(self) -> frozenset[str]:
        """Every key that is in a list."""
        return frozenset((*self.computed, *self.refused, *self.no_effect, *self.also))


def check_keys(data: Fields, keys: Keys) -> Fields:
    """The config, each value under its key's first name. GlassError names what is not computed."""
    values = under_first_names(data, keys.also)
    for key, value in values.items():
        if key in keys.refused and not harmless(value, keys.refused[key]):
            refuse(data, key, value)
        if keys.closed is not None and key.startswith(keys.closed) and key not in keys.known:
            raise GlassError(
                f"{data.where} has the key {quote(key)}, which Glassformer does not know."
            )
        if value is None and key in keys.computed and key not in keys.null:
            raise GlassError(f"{data.where} says null for “{key}”; a value is needed.")
    return replace(data, values=values)


def under_first_names(data: Fields, also: Mapping[str, str]) -> dict:
    """The values, those under another name also under the first; the two must not differ."""
    values = dict(data.values)
    for other, name in also.items():
        if other in values:
            value = values[other]
            if values.get(name, value) != value:
                raise GlassError(
                    f"{data.where} says {quote(values[name])} for “{name}” but {quote(value)} for"
                    f" “{other}”, which mean the same."
                )
            values[name] = value
    return values


def harmless(value, allowed: tuple) -> bool:
    """Whether a value changes nothing: it is one of those, or a list of nothing else."""
    items = value if isinstance(value, list) and value else [value]
    return value in allowed or all(item in allowed for item in items)


_WHY = {
    "auto_map": (
        "names its own Python code (“auto_map”). Glassformer never runs code from a model’s"
        " files, so it cannot know what that would compute"
    ),
    "quantization_config": (
        "says that the weights are quantised in a way that Glassformer cannot read"
        " (“quantization_config”); use the unquantised safetensors, or a GGUF file"
    ),
    "is_causal": (
        "sets “is_causal” (whether a token sees only those before it) to a value that"
        " Glassformer does not compute"
    ),
    "llama.attention.causal": (
        "sets “llama.attention.causal” (whether a token sees only those before it) to a value"
        " that Glassformer does not compute"
    ),
    "split.count": "is split over several files (“split.count”), which Glassformer cannot read",
}


def refuse(data: Fields, key: str, value) -> NoReturn:
    """Raises the error of a key whose value would change the numbers."""
    plain = value is None or isinstance(value, (str, int, float))
    said = f"says {quote(value)} for" if plain else "has a value for"
    why = _WHY.get(key, f"{said} “{key}”, which Glassformer does not compute")
    raise GlassError(f"{data.where} {why}.")


# What all of the configs that `transformers` writes have in common (versions 4 and 5).

GENERATION = (  # how words are chosen, after the forward pass
    "assistant_confidence_threshold assistant_lookbehind bad_words_ids begin_suppress_tokens "
    "diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size "
    "encoder_repetition_penalty epsilon_cutoff eta_cutoff exponential_decay_length_penalty "
    "forced_bos_token_id forced_eos_token_id length_penalty max_length min_length "
    "no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule num_beam_groups "
    "num_beams num_return_sequences output_scores remove_invalid_values repetition_penalty "
    "return_dict_in_generate suppress_tokens target_lookbehind temperature top_k top_p "
    "typical_p"
).split()
# Which family and class, and the labels of a head that a model was fine-tuned with
COMPUTED = ("model_type", "architectures", "id2label", "num_labels", "problem_type")
NO_EFFECT = (  # what is returned, how it is run; weights are read as they are stored
    "_attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash "
    "_experts_implementation _experts_implementation_internal _name_or_path _num_labels "
    "allow_global_per_layer_attribute_access attn_implementation bos_token_id "
    "chunk_size_feed_forward custom_pipelines decoder_start_token_id distributed_config dtype "
    "eos_token_id experts_implementation finetuning_task gradient_checkpointing label2id "
    "name_or_path output_attentions output_hidden_states output_past pad_token_id "
    "prefix return_dict sep_token_id serialize_explicit_per_layer_config "
    "task_specific_params tf_legacy_loss tie_last_hidden_states tokenizer_class torch_dtype "
    "torchscript transformers_version use_bfloat16 use_cache xla_device"
).split() + GENERATION
REFUSED = {
    "add_cross_attention": (None, False),
    "attention_chunk_size": (None,),
    "auto_map": (None, {}),
    "cross_attention_hidden_size": (None,),
    "fusion_config": (None, {}),
    "is_heterogeneous": (),
    "layer_types": (None, "full_attention"),
    "mlp_layer_types": (None, "dense"),
    "partial_rotary_factor": (None,),
    "per_layer_attributes": (),
    "per_layer_config": (None, {}),
    "pruned_heads": (None, {}, []),
    "quantization_config": (None, {}, False),
    "rope_parameters": (None,),
    "rope_scaling": (None,),
    "rope_theta": (None,),
    "sliding_window": (None, False),
    "text_config": (None,),
    "tie_encoder_decoder": (None, False),
    "transformers_weights": (None,),
    "use_return_dict": (),
}


def family_keys(
    computed: str,
    refused: Mapping[str, tuple],
    no_effect: str,
    null: str = "",
    also: Mapping[str, str] | None = None,
) -> Keys:
    """The keys of a config that `transformers` writes, names parted by spaces.

    What a family says of a key goes before what all of them say.
    """
    own = {*COMPUTED, *computed.split(), *refused, *no_effect.split(), *(also or {})}
    shared = {key: values for key, values in REFUSED.items() if key not in own}
    return Keys(
        (*COMPUTED, *computed.split()),
        shared | dict(refused),
        (*no_effect.split(), *(key for key in NO_EFFECT if key not in own)),
        (*COMPUTED[1:], *null.split()),
        also or {},
    )


# The tables as Markdown, for docs/model-files.md.


def common_markdown() -> str:
    """What the families of `transformers` have in common."""
    return markdown_table(
        {
            "computed": as_code(COMPUTED),
            "without effect": as_code(NO_EFFECT),
            "refused, unless": conditions(REFUSED),
        }
    )


def markdown(keys: Keys) -> str:
    """One family's table, without what all families have in common."""
    own = {key: values for key, values in keys.refused.items() if REFUSED.get(key) != values}
    every = {None: "", "": "every other key"}
    return markdown_table(
        {
            "computed": as_code(key for key in keys.computed if key not in COMPUTED[1:]),
            "other names": ", ".join(
                f"`{other}` for `{name}`" for other, name in keys.also.items()
            ),
            "without effect": as_code(key for key in keys.no_effect if key not in NO_EFFECT),
            "refused, unless": conditions(own),
            "refused": every.get(keys.closed, f"every other key that begins with `{keys.closed}`"),
        }
    )


def markdown_table(rows: Mapping[str, str]) -> str:
    """The rows that say something."""
    lines = [f"| {name} | {text} |" for name, text in rows.items() if text]
    return "\n".join(["| | keys |", "|---|---|", *lines])


def as_code(keys) -> str:
    """The keys, each as code."""
    return ", ".join(f"`{key}`" for key in keys)


def conditions(refused: Mapping[str, tuple]) -> str:
    """Each key with the values that change nothing."""

    def said(value) -> str:
        return {"None": "null", "True": "true", "False": "false"}.get(str(value), f"`{value}`")

    return ", ".join(
        f"`{key}` ({' or '.join(map(said, values)) or 'never'})" for key, values in refused.items()
    )
