"""What the files of the families have in common: how a family is described, sizes, names, heads.

A family is read by one file beside this one. It says what its config.json means (`layout`, which
gives a Config), which keys of it are known (`KEYS`), and under which names its tensors lie
(`NAMES`). Loading supplies what a family lacks, so that the forward pass can stay the equation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...config import Config, weight_shapes
from ...errors import GlassError
from ..fields import Fields
from ..keys import Keys
from ..stored import Stored

ACTIVATIONS = {  # as `transformers` calls them -> as core/ops.py does
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}
ANY_LENGTH = 1 << 31  # the most positions of a model that keeps no table of them
_MOST_LAYERS = 1000
_FINE_TUNED = re.compile(  # heads on a fine-tuned model: where they are not run, a note names them
    r"((pre_|sop_classifier\.)?classifier|classifier\.(dense|out_proj)|qa_outputs|score|sequence_summary\.summary|"
    r"discriminator_predictions\.(dense|dense_prediction)|multiple_choice_head\.summary|"
    r"classification_head\.(dense|out_proj))\.(weight|bias)"
)
_HEADLESS = re.compile(  # classes of `transformers` that give no score to a next word
    r"(GPT2|Llama|U?M?T5|Marian|M?Bart|Pegasus|M2M100)Model|U?M?T5EncoderModel|"
    r"(GPT2|Llama|U?M?T5|M?Bart)For(SequenceClassification|TokenClassification|QuestionAnswering)|"
    r"(Qwen2|Qwen3|Mistral|Phi3|SmolLM3|Granite|Olmo2|StableLm|"
    r"GPTNeoX?|GPTJ|Phi|OPT|Bloom|Gemma[23]?(Text)?)"
    r"(Model|For(SequenceClassification|TokenClassification|QuestionAnswering))"
)


@dataclass(frozen=True, eq=False)
class Rows:
    """Which rows of a tensor in the file a weight takes, in order, and how many the tensor has."""

    order_N: np.ndarray
    of: int


@dataclass(frozen=True)
class Layout:
    """One model's config, and for each of our weights the names it may have in the file.

    No name: the weight is zero. Several: the first is the weight's own, the others are tables that
    it may be tied to, the most shared first.
    """

    config: Config
    names: dict[str, tuple[str, ...]]
    side_by_side: bool = False  # GPT-2 keeps q, k and v in one tensor
    permuted: bool = False  # GGUF has the rows of each head's q and k in another order
    skipped_positions: int = 0  # rows at the top of a position table that no token gets
    # module, with {} for its layer -> its rows in a tensor that holds others, or in another order
    rows: Mapping[str, Rows] = field(default_factory=dict)
    norms_less_one: bool = False  # Gemma keeps what its norms stretch by less 1
    # module, with {} for its layer -> what its numbers are multiplied by
    scales: Mapping[str, float] = field(default_factory=dict)
    ours: bool = False  # files of our own: every tensor lies there as it is used
    unread: tuple[str, ...] = ()  # tensors that `transformers` keeps and does not read
    notes: tuple[str, ...] = ()  # what of the files is not run, a sentence each


@dataclass(frozen=True)
class Family:
    """How the folders of one family are read."""

    prefixes: tuple[str, ...]  # what may stand before the name of every tensor
    keys: Keys  # of its config.json
    layout: Callable[[Fields, Mapping[str, Stored]], Layout]


def with_defaults(data: Fields, defaults: Mapping[str, Any]) -> Fields:
    """The config, with what it leaves out as `transformers` takes it for the family."""
    return replace(data, values={**defaults, **data.values})


# --- sizes ----------------------------------------------------------------------------------------


def sizes(
    data: Fields,
    family: str,
    *,
    D: tuple[str, int],
    H: tuple[str, int],
    F: tuple[str, int | None],
    V: int,
    **more: Any,
) -> dict[str, Any]:
    """The fields of Config that every family gives, for plain attention unless `more` differs.

    D, H, F: the family's key for the model width, the heads and the feed-forward width, each with
    the default of `transformers` (F: None stands for 4 · D). V: the default vocabulary.
    """
    d_model, n_heads = data.whole(*D), data.whole(*H)
    if "d_head" not in more:
        more["d_head"] = head_width(data, d_model, n_heads)
    return {
        "family": family,
        "encoder_layers": 0,
        "decoder_layers": 0,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": n_heads,
        "d_mlp": data.whole(F[0], F[1] or 4 * d_model),
        "n_vocab": data.whole("vocab_size", V),
        "norm": "layer",
        "score_scale": more["d_head"] ** -0.5,
    } | more


def head_width(data: Fields, d_model: int, n_heads: int) -> int:
    """The width of one head where the heads share the model's width evenly."""
    if d_model % n_heads:
        raise GlassError(
            f"{data.where} asks for {n_heads} heads, which do not divide a width of {d_model}."
        )
    return d_model // n_heads


def layer_count(data: Fields, key: str, default: int | None = None) -> int:
    """How many layers a stack has."""
    return data.whole(key, default, high=_MOST_LAYERS)


# --- names of tensors -----------------------------------------------------------------------------


def tensor_names(
    config: Config,
    table: Mapping[str, str | tuple[str, ...]],
    exact: Mapping[str, tuple[str, ...]],
    biased: Callable[[str], bool] = lambda name: True,
) -> dict[str, tuple[str, ...]]:
    """For each of our weights the names it may have in the file.

    table: our module -> the family's, with {} for the number of the layer. exact: names of single
    weights, which go before the table. biased: whether the family has the bias of that name.
    """
    names: dict[str, tuple[str, ...]] = {}
    for name in weight_shapes(config):
        layer = "".join(re.findall(r"\.(\d+)\.", name))
        module, _, kind = any_layer(name).rpartition(".")
        if name in exact:
            names[name] = exact[name]
        elif module not in table or kind == "bias" and not biased(name):
            names[name] = ()
        else:
            theirs = table[module]
            theirs = (theirs,) if isinstance(theirs, str) else theirs
            names[name] = tuple(f"{each.replace('{}', layer)}.{kind}" for each in theirs)
    return names


def any_layer(name: str) -> str:
    """The name of a weight, with {} for the number of its layer."""
    return re.sub(r"\.\d+\.", ".{}.", name)


def weights_of(modules: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the modules' weights."""
    return tuple(f"{module}.weight" for module in modules)


def unread_table(config: Config, tensors: Mapping[str, Stored]) -> tuple[str, ...]:
    """The table that an encoder, a decoder and a head would share, if each has one of its own.

    `transformers` keeps it in the file, and nothing reads it.
    """
    own_tables = [f"{side}.embed_tokens.weight" for side in config.sides]
    own_tables += ["lm_head.weight"] if config.head else []
    return ("shared.weight",) if all(name in tensors for name in own_tables) else ()


# --- heads that are not there, or not run ---------------------------------------------------------


def classes_of(data: Fields) -> list[str]:
    """The classes of `transformers` that a config names."""
    classes = data.get("architectures", [])
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        data.refuse("architectures", "a list of names")
    return classes


def headless_class(
    data: Fields, tensors: Mapping[str, Stored], head: tuple[str, ...] = ("lm_head",)
) -> str | None:
    """The class without an output head that the config names, if the file has no such head.

    Where the config names no class: what the file has instead of a head. head: its names.
    """
    classes = classes_of(data)
    if any(f"{name}.weight" in tensors for name in head):
        return None
    if not classes:
        return next((f"only {name}" for name in fine_tuned_head(tensors)), None)
    return next(filter(_HEADLESS.fullmatch, classes), None)


def headless_notes(name: str | None) -> tuple[str, ...]:
    """What the reader is told of such a class."""
    if not name:
        return ()
    return (
        f"This model has no output head ({name}), so it does not score words: you see the model"
        " up to its last vectors.",
    )


def headless_notes_of_two(name: str | None) -> tuple[str, ...]:
    """The same of a class with an encoder and a decoder."""
    if not name:
        return ()
    start_alone = (
        "If you give its decoder no text, it reads only its start token, because it cannot write"
        " any."
    )
    return (*headless_notes(name), start_alone)


def fine_tuned_head(tensors: Mapping[str, Stored]) -> list[str]:
    """The tensors of a head that a model was fine-tuned with."""
    return sorted(filter(_FINE_TUNED.fullmatch, tensors))
