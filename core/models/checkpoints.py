"""From the files of five families to one set of weights: their tensor names -> ours, transposed,
split, filled in. And from files of our own, which have these names already.

A family is a Config read from its config.json and a table of names. Loading supplies what a family
lacks (zero biases, position tables that are computed) and lays side by side what is multiplied
together, so that the forward pass can stay the equation. Every key of a config is in its family's
table (core/models/keys.py): computed, without effect, or refused by name. Every tensor of a file is used,
or is an exact copy of one that is, or is a buffer or a head on the short lists below, or the error
names it; and shapes are compared before any memory is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.config import Config, weight_shapes
from core.errors import GlassError
from core.models import files, keys, study_config
from core.models.files import Fields, Stored, shown
from core.models.keys import Keys
from core.ops import sinusoids

_IGNORED = re.compile(  # buffers that hold nothing learned; the last one is never read by T5 itself
    r"embeddings\.position_ids|h\.\d+\.attn\.(bias|masked_bias)|(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq|"
    r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight"
)
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}
_HEADS = re.compile(  # what stands on a fine-tuned model: seen, named in a note, and not run
    r"(classifier|qa_outputs|score|multiple_choice_head\.summary|"
    r"classification_head\.(dense|out_proj))\.(weight|bias)"
)
_NO_WORDS = re.compile(  # classes of `transformers` that give no score to a next word
    r"(GPT2|Llama|T5|Marian)Model|T5EncoderModel|"
    r"(GPT2|Llama|T5)For(SequenceClassification|TokenClassification|QuestionAnswering)"
)
_ENCODER_ALONE = ("T5EncoderModel", "T5ForTokenClassification")
_MOST_LAYERS, _MOST_SINUSOIDS, _ANY_LENGTH = 1000, 1 << 14, 1 << 31
_CHUNK = 1 << 18  # numbers converted at a time: they stay in the processor's cache


@dataclass(frozen=True)
class Part:
    """Where a weight lies in a file, and how it lies there."""

    stored: Stored
    transposed: bool = False  # PyTorch and GGUF keep a projection as (out, in)
    third: int | None = None  # GPT-2 keeps q, k and v side by side
    heads: int | None = None  # GGUF has the rows of each head's q and k in another order

    def shape_in_file(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """What the tensor in the file must look like for a weight of that shape."""
        shape = shape[::-1] if self.transposed else shape
        return shape if self.third is None else (*shape[:-1], shape[-1] * 3)

    def write(self, target: np.ndarray) -> None:
        """Converts the numbers into an array of the weight's shape, a few rows at a time."""
        n_rows, width = len(self.stored.raw_RB), target.shape[-1]
        columns = (
            slice(None)
            if self.third is None
            else slice(self.third * width, (self.third + 1) * width)
        )
        if target.ndim == 1:
            row = self.stored.numbers()[0, columns]
            target[...] = row[self.order(len(row))] if self.heads else row
            return
        order = self.order(n_rows) if self.heads else np.arange(n_rows)
        step = max(1, _CHUNK // max(1, self.stored.shape[-1]))
        for start in range(0, n_rows, step):
            rows = order[start : start + step] if self.heads else slice(start, start + step)
            values = self.stored.numbers(rows)[:, columns]
            if self.transposed:
                target[:, start : start + step] = values.T
            else:
                target[start : start + step] = values

    def order(self, n_rows: int) -> np.ndarray:
        """GGUF turns neighbouring pairs (2j, 2j + 1) of a head, we turn (j, j + K/2): where our
        rows lie in the file.
        """
        return np.arange(n_rows).reshape(self.heads, -1, 2).swapaxes(1, 2).reshape(-1)


@dataclass(frozen=True)
class Recipe:
    """One model's config, and for each of our weights the names it may have in the file (none: it
    is zero).
    """

    config: Config
    names: dict[str, tuple[str, ...]]
    side_by_side: bool = False  # GPT-2
    permuted: bool = False  # GGUF
    ours: bool = False  # files of our own: everything lies there as it is used
    unread: tuple[str, ...] = ()  # tensors that `transformers` keeps and does not read
    notes: tuple[str, ...] = ()  # what of the files is not run, a sentence each


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model from a folder, and what of the folder is not run: a sentence each, for the reader."""

    config: Config
    weights: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()


def read_folder(folder: str | Path, dtype=np.float32) -> tuple[Config, dict[str, np.ndarray]]:
    """The config and the weights of `load_folder`."""
    loaded = load_folder(folder, dtype)
    return loaded.config, loaded.weights


def load_folder(folder: str | Path, dtype=np.float32) -> Loaded:
    """Reads config.json and the safetensors of a folder. Raises GlassError with a sentence if that
    can't be done.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):  # unlike Path's own, it never raises
        raise GlassError(f"There is no folder {folder}.")
    data = Fields(files.read_json(folder / "config.json"), "config.json")
    kind = family_of(data)
    data = keys.check(data, KEYS[kind])
    prefixes, recipe = FAMILIES[kind]
    tensors = without_prefix(read_tensors(folder), prefixes)
    heads = fine_tuned(tensors) if kind != "glassformer" else []
    recipe = recipe(data, tensors)
    said = (
        (
            (
                f"The head that this model was fine-tuned with ({', '.join(heads)}) is not run"
                " here: you see the model up to the vectors that the head reads."
            ),
        )
        if heads
        else ()
    )
    tensors = {name: tensors[name] for name in tensors if name not in heads}
    return Loaded(recipe.config, assemble(recipe, tensors, dtype), (*said, *recipe.notes))


def fine_tuned(tensors: Mapping[str, Stored]) -> list[str]:
    """The tensors of a head that a model was fine-tuned with."""
    return sorted(filter(_HEADS.fullmatch, tensors))


def family_of(data: Fields) -> str:
    """Which of FAMILIES a config.json says it is."""
    kind, known = data.get("model_type"), ", ".join(FAMILIES)
    if kind is None:
        raise GlassError(
            "config.json does not say what kind of model this is: it has no "
            f"“model_type”. If the model is one of {known}, add the line "
            '"model_type": "…" with that name; transformers writes it, too, when '
            "it saves a model with save_pretrained(…)."
        )
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise GlassError(
            f"config.json says the model is of the type {shown(kind)}; {known} can be read here."
        )
    return kind


def read_tensors(folder: Path) -> dict[str, Stored]:
    """The tensors of model.safetensors, of the files that an index lists, or of the only
    safetensors file there is.
    """
    if os.path.exists(folder / "model.safetensors"):
        return files.read_safetensors(folder / "model.safetensors")
    if os.path.exists(index := folder / "model.safetensors.index.json"):
        return files.read_shards(index)
    if len(found := sorted(folder.glob("*.safetensors"))) == 1:
        return files.read_safetensors(found[0])
    if found:
        raise GlassError(
            f"{folder} has several safetensors files and no model.safetensors.index.json that lists"
            " them."
        )
    if pickled := [
        path.name
        for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt")
        for path in folder.glob(pattern)
    ]:
        raise GlassError(
            f"{folder} has its weights only in {pickled[0]}. Such a file is a Python pickle, which"
            " can run any program when it is opened, so it isn't opened here. Look for"
            " model.safetensors on the model's page (often under a refs/pr revision), or open it"
            " with transformers where you trust it and save it again with save_pretrained(…),"
            " which writes safetensors."
        )
    raise GlassError(f"{folder} has no model.safetensors.")


def read_gguf(path: str | Path, dtype=np.float32) -> tuple[Config, dict[str, np.ndarray], dict]:
    """Reads a GGUF file of the Llama family: config, weights, and the header's keys (the tokenizer
    is among them).
    """
    metadata, tensors = files.read_gguf(Path(path))
    recipe = gguf_llama(Fields(metadata, Path(path).name), tensors)
    return recipe.config, assemble(recipe, tensors, dtype), metadata


# The families: their config.json, with the defaults that `transformers` gives to what is absent,
# and their names.


def sizes(data: Fields, family: str, D: str, H: str, F: str, V: int, **more) -> dict:
    """What every config says, under the keys of this family; the defaults of the rest are those of
    plain attention.
    """
    d_model, n_heads = (
        data.whole(D, more.pop("default_D", 768)),
        data.whole(H, more.pop("default_H", 12)),
    )
    if "d_head" not in more:
        if d_model % n_heads:
            raise GlassError(
                f"{data.where} wants {n_heads} heads for a width of {d_model}, which does not"
                " divide it."
            )
        more["d_head"] = d_model // n_heads
    more = {
        "n_kv_heads": n_heads,
        "score_scale": more["d_head"] ** -0.5,
        "encoder_layers": 0,
        "decoder_layers": 0,
        "d_mlp": data.whole(F, more.pop("default_F", 4 * d_model)),
        "norm": "layer",
    } | more
    return more | {
        "family": family,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_vocab": data.whole("vocab_size", V),
    }


def layers(data: Fields, key: str, default: int) -> int:
    """How many layers a stack has."""
    return data.whole(key, default, high=_MOST_LAYERS)


def without_words(data: Fields, tensors: Mapping[str, Stored]) -> str | None:
    """The class without an output head that the config names, where the file has no such head; or,
    where it names none, what the file has instead."""
    classes = data.get("architectures", [])
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        data.refuse("architectures", "a list of names")
    if "lm_head.weight" in tensors:
        return None
    if not classes:
        return next((f"but {name}" for name in fine_tuned(tensors)), None)
    return next(filter(_NO_WORDS.fullmatch, classes), None)


def no_words(name: str | None) -> tuple[str, ...]:
    """The notes about such a class."""
    return (
        (
            (
                f"This model has no output head ({name}), so it gives no scores to words: what you"
                " see ends with the last vectors."
            ),
        )
        if name
        else ()
    )


def writes_nothing(name: str | None) -> tuple[str, ...]:
    """The notes about such a class with an encoder and a decoder."""
    return (
        (
            *no_words(name),
            (
                "Where you give its decoder no text, it reads its start token alone: "
                "it can’t write one."
            ),
        )
        if name
        else ()
    )


def spell(
    config: Config,
    table: Mapping[str, str | tuple],
    biased: Callable[[str], bool] = lambda name: True,
    **exact: tuple[str, ...],
) -> dict[str, tuple[str, ...]]:
    """For each of our weights the names it may have in the file, from a table of modules; {} stands
    for the layer.

    biased: whether the family has the bias of that name. exact: names of single weights, with __
    for each dot.
    """
    exact = {name.replace("__", "."): names for name, names in exact.items()}
    names = {}
    for name in weight_shapes(config):
        layer = "".join(re.findall(r"\.(\d+)\.", name))
        module, _, kind = re.sub(r"\.\d+\.", ".{}.", name).rpartition(".")
        if name in exact:
            names[name] = exact[name]
        elif module not in table or kind == "bias" and not biased(name):
            names[name] = ()
        else:
            theirs = table[module] if isinstance(table[module], tuple) else (table[module],)
            names[name] = tuple(f"{each.replace('{}', layer)}.{kind}" for each in theirs)
    return names


_BERT = {
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
    "pooler.logits": "cls.seq_relationship",
    "head.pre": "cls.predictions.transform.dense",
    "head.norm": "cls.predictions.transform.LayerNorm",
}


# Where both are there, the first is added.
_BERT_BIASES = ("cls.predictions.decoder.bias", "cls.predictions.bias")
_BERT_KEYS = keys.family(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
        "hidden_act max_position_embeddings type_vocab_size layer_norm_eps "
        "tie_word_embeddings"
    ),
    refused={
        "is_decoder": (None, False),
        "is_encoder_decoder": (None, False),
        "is_causal": (None, False),
        "position_embedding_type": (None, "absolute"),
    },
    no_effect=(
        "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout initializer_range"
    ),
)


def bert(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """BERT (Devlin et al. 2018). What stands on top of the encoder (pooler, word scores) is seen
    from the tensors.
    """
    parts = {
        name.split(".")[1] if name.startswith("cls.") else name.split(".")[0] for name in tensors
    }
    config = Config(
        **sizes(
            data,
            "BERT",
            "hidden_size",
            "num_attention_heads",
            "intermediate_size",
            30522,
            default_F=3072,
            encoder_layers=layers(data, "num_hidden_layers", 12),
        ),
        n_positions=data.whole("max_position_embeddings", 512),
        positions="learned",
        norm_first=False,
        norm_eps=data.number("layer_norm_eps", 1e-12, high=1),
        activation=data.choice("hidden_act", "gelu", _ACTIVATIONS),
        n_segments=data.whole("type_vocab_size", 2),
        embed_norm=True,
        pooler="next" if "seq_relationship" in parts else "dense" if "pooler" in parts else None,
        head="transform" if "predictions" in parts else None,
    )
    tied = ("embeddings.word_embeddings.weight",) if data.flag("tie_word_embeddings", True) else ()
    return Recipe(
        config,
        spell(
            config,
            _BERT,
            head__logits__weight=("cls.predictions.decoder.weight", *tied),
            head__logits__bias=_BERT_BIASES,
        ),
        unread=_BERT_BIASES[1:] if _BERT_BIASES[0] in tensors else (),
    )


_GPT2 = {
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


_GPT2_KEYS = keys.family(
    computed=(
        "vocab_size n_embd n_layer n_head n_inner n_positions activation_function "
        "layer_norm_epsilon scale_attn_weights tie_word_embeddings eos_token_id"
    ),
    null="n_inner eos_token_id",
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


def gpt2(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """GPT-2 (Radford et al. 2019)."""
    bare = without_words(data, tensors)
    common = sizes(
        data,
        "GPT-2",
        "n_embd",
        "n_head",
        "n_inner",
        50257,
        decoder_layers=layers(data, "n_layer", 12),
    )
    if not data.flag("scale_attn_weights", True):
        common["score_scale"] = 1.0
    config = Config(
        **common,
        n_positions=data.whole("n_positions", 1024),
        positions="learned",
        norm_first=True,
        norm_eps=data.number("layer_norm_epsilon", 1e-5, high=1),
        activation=data.choice("activation_function", "gelu_new", _ACTIVATIONS),
        final_norm=True,
        head=None if bare else "linear",
        end_id=data.token_id("eos_token_id", common["n_vocab"], 50256),
    )
    tied = ("wte.weight",) if data.flag("tie_word_embeddings", True) else ()
    names = spell(config, _GPT2, head__logits__weight=("lm_head.weight", *tied))
    return Recipe(config, names, side_by_side=True, notes=no_words(bare))


_LLAMA = {
    "decoder.embed.token": "embed_tokens",
    "decoder.{}.attn.norm": "layers.{}.input_layernorm",
    "decoder.{}.attn.q": "layers.{}.self_attn.q_proj",
    "decoder.{}.attn.k": "layers.{}.self_attn.k_proj",
    "decoder.{}.attn.v": "layers.{}.self_attn.v_proj",
    "decoder.{}.attn.out": "layers.{}.self_attn.o_proj",
    "decoder.{}.mlp.norm": "layers.{}.post_attention_layernorm",
    "decoder.{}.mlp.pre": "layers.{}.mlp.gate_proj",
    "decoder.{}.mlp.hidden.up": "layers.{}.mlp.up_proj",
    "decoder.{}.mlp.out": "layers.{}.mlp.down_proj",
    "decoder.norm": "norm",
}


_LLAMA_KEYS = keys.family(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "head_dim intermediate_size hidden_act max_position_embeddings rms_norm_eps "
        "attention_bias mlp_bias tie_word_embeddings eos_token_id rope_theta rope_parameters "
        "rope_scaling partial_rotary_factor"
    ),
    null=(
        "num_key_value_heads head_dim eos_token_id rope_parameters rope_scaling "
        "partial_rotary_factor"
    ),
    refused={
        "is_encoder_decoder": (None, False),
        "is_causal": (True,),
        "is_decoder_only_encoder": (None, False),
    },
    no_effect=(
        "attention_dropout initializer_range is_decoder pretraining_tp "
        "original_max_position_embeddings"
    ),
)
_ROPE = ("rope_theta", "rope_type", "type", "partial_rotary_factor")  # where nothing is stretched


def llama(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """Llama (Touvron et al. 2023)."""
    tied = data.flag("tie_word_embeddings", False)
    bare = without_words(data, tensors) or unnamed_bare(data, tensors, tied)
    n_heads, d_model = data.whole("num_attention_heads", 32), data.whole("hidden_size", 4096)
    common = sizes(
        data,
        "Llama",
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        32000,
        default_D=4096,
        default_H=32,
        default_F=11008,
        norm="rms",
        decoder_layers=layers(data, "num_hidden_layers", 32),
        d_head=data.whole("head_dim", max(1, d_model // n_heads)),
        n_kv_heads=data.whole("num_key_value_heads", n_heads),
    )
    config = rotary(
        data,
        common,
        n_positions=data.whole("max_position_embeddings", 2048, high=_ANY_LENGTH),
        rope_theta=rope_theta(data),
        norm_eps=data.number("rms_norm_eps", 1e-6, high=1),
        activation=data.choice("hidden_act", "silu", _ACTIVATIONS),
        head=None if bare else "linear",
        end_id=data.token_id("eos_token_id", common["n_vocab"], 2),
    )
    in_attn, in_mlp = data.flag("attention_bias", False), data.flag("mlp_bias", False)
    table = ("embed_tokens.weight",) if tied else ()
    names = spell(
        config,
        _LLAMA,
        lambda name: (
            not name.endswith("norm.bias")
            and (in_attn and ".attn." in name or in_mlp and ".mlp." in name)
        ),
        head__logits__weight=("lm_head.weight", *table),
    )
    return Recipe(config, names, notes=no_words(bare))


def unnamed_bare(data: Fields, tensors: Mapping[str, Stored], tied: bool) -> str | None:
    """LlamaModel, where the config names no class: no prefix, and a head neither there nor tied."""
    headless = not data.get("architectures") and not tied and "lm_head.weight" not in tensors
    prefixed = any(stored.name.startswith("model.") for stored in tensors.values())
    return "LlamaModel" if headless and not prefixed else None


def rotary(data: Fields, common: dict, **more) -> Config:
    """A Llama config, with the two things that its sizes must allow."""
    config = Config(
        **common, **more, positions="rotary", norm_first=True, gated=True, final_norm=True
    )
    if config.d_head % 2:
        raise GlassError(
            f"{data.where} gives each head {config.d_head} numbers; rotary positions turn pairs."
        )
    if config.n_heads % config.n_kv_heads:
        raise GlassError(
            f"{data.where} wants {config.n_heads} query heads to share {config.n_kv_heads}"
            " key/value heads evenly, which is not possible."
        )
    return config


def rope_theta(data: Fields) -> float:
    """The base of the rotary angles, from where `transformers` takes it.

    `rope_scaling` goes before `rope_parameters`, and the base in either before the one beside them.
    Stretched positions are not computed here.
    """
    for key in ("rope_scaling", "rope_parameters"):
        if not isinstance(data.get(key, {}), dict):
            data.refuse(key, "an object")
        unstretched(data, key, Fields(data.get(key, {}), f"“{key}” in {data.where}"))
    if data.number("partial_rotary_factor", 1.0) != 1:
        raise GlassError(
            f"{data.where} turns only a part of each head, which is not computed here."
        )
    chosen = next((key for key in ("rope_scaling", "rope_parameters") if data.get(key)), None)
    rope = Fields(data.values[chosen], f"“{chosen}” in {data.where}") if chosen else data
    return (rope if "rope_theta" in rope.values else data).number("rope_theta", 10000.0, low=1e-3)


def unstretched(data: Fields, key: str, rope: Fields) -> None:
    """Raises an error unless every rotary angle is the plain one."""
    for kind in (rope.get("rope_type", "default"), rope.get("type", "default")):
        if kind != "default" or rope.number("partial_rotary_factor", 1.0) != 1:
            raise GlassError(
                f"{data.where} stretches or cuts the rotary positions (“{key}”: {shown(kind)}), "
                "which is not computed here."
            )
    for name, value in rope.values.items():
        if name not in _ROPE and value is not None:
            raise GlassError(f"{rope.where} holds {shown(name)}, which is not computed here.")
    if "rope_theta" in rope.values:
        rope.number("rope_theta", low=1e-3)


_GGUF = {
    "decoder.embed.token": "token_embd",
    "decoder.{}.attn.norm": "blk.{}.attn_norm",
    "decoder.{}.attn.q": "blk.{}.attn_q",
    "decoder.{}.attn.k": "blk.{}.attn_k",
    "decoder.{}.attn.v": "blk.{}.attn_v",
    "decoder.{}.attn.out": "blk.{}.attn_output",
    "decoder.{}.mlp.norm": "blk.{}.ffn_norm",
    "decoder.{}.mlp.pre": "blk.{}.ffn_gate",
    "decoder.{}.mlp.hidden.up": "blk.{}.ffn_up",
    "decoder.{}.mlp.out": "blk.{}.ffn_down",
    "decoder.norm": "output_norm",
}


def _of_llama(names: str) -> list[str]:
    """The keys of these names, parted by spaces."""
    return [f"llama.{name}" for name in names.split()]


_GGUF_KEYS = Keys(
    computed=(
        "general.architecture",
        "general.alignment",
        "tokenizer.ggml.eos_token_id",
        *_of_llama(
            "vocab_size context_length embedding_length block_count "
            "feed_forward_length attention.head_count attention.head_count_kv "
            "attention.key_length attention.value_length rope.freq_base "
            "attention.layer_norm_rms_epsilon rope.dimension_count"
        ),
    ),
    refused={
        "general.type": ("model",),
        "general.quantization_version": (2,),
        "split.count": (0, 1),
        "llama.attention.causal": (True,),
        "llama.use_parallel_residual": (False,),
        "llama.tensor_data_layout": ("Meta AI original pth",),
        "llama.rope.scaling.type": ("none", "linear"),
        "llama.rope.scaling.yarn_ext_factor": (-1, 0),
    }
    | dict.fromkeys(
        _of_llama(
            "attention.scale attention.clamp_kqv attention.max_alibi_bias attention.sliding_window "
            "attn_logit_softcapping final_logit_softcapping expert_count expert_used_count "
            "expert_shared_count nextn_predict_layers rope.scaling.alpha "
            "rope.scaling.yarn_log_multiplier"
        ),
        (0,),
    )
    | dict.fromkeys(
        _of_llama(
            "logit_scale residual_scale embedding_scale rope.scale_linear rope.scaling.factor"
        ),
        (0, 1),
    )
    | dict.fromkeys(_of_llama("rope.scaling.attn_factor rope.scaling.yarn_attn_factor"), (1,)),
    no_effect=(
        "general.file_type",
        "split.no",
        "split.tensors.count",
        # the last four count only where positions are stretched
        *_of_llama(
            "attention.layer_norm_epsilon pooling_type rope.scaling.finetuned "
            "rope.scaling.original_context_length rope.scaling.yarn_beta_fast "
            "rope.scaling.yarn_beta_slow"
        ),
    ),
    closed="llama.",
)


def gguf_llama(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """Llama in a GGUF file: the config stands in the header, a tied head is simply absent."""
    data.choice("general.architecture", None, {"llama": "llama"})
    data = keys.check(data, _GGUF_KEYS)
    if "rope_freqs.weight" in tensors:
        raise GlassError(
            f"{data.where} stretches the rotary positions, which is not computed here."
        )
    n_heads, d_model = (
        data.whole("llama.attention.head_count"),
        data.whole("llama.embedding_length"),
    )
    d_head = data.whole("llama.attention.key_length", max(1, d_model // n_heads))
    if d_head != data.whole("llama.rope.dimension_count", d_head) or d_head != data.whole(
        "llama.attention.value_length", d_head
    ):
        raise GlassError(
            f"{data.where} gives keys, values and rotary positions different widths; they are one"
            " here."
        )
    table = tensors.get("token_embd.weight")
    n_vocab = data.whole("llama.vocab_size", table.shape[0] if table and table.shape else None)
    config = rotary(
        data,
        dict(
            family="Llama",
            encoder_layers=0,
            decoder_layers=data.whole("llama.block_count", high=_MOST_LAYERS),
            d_model=d_model,
            n_heads=n_heads,
            n_kv_heads=data.whole("llama.attention.head_count_kv", n_heads),
            d_head=d_head,
            d_mlp=data.whole("llama.feed_forward_length"),
            n_vocab=n_vocab,
            norm="rms",
        ),
        score_scale=d_head**-0.5,
        n_positions=data.whole("llama.context_length", high=_ANY_LENGTH),
        rope_theta=data.number("llama.rope.freq_base", 10000.0, low=1e-3),
        activation="silu",
        head="linear",
        norm_eps=data.number("llama.attention.layer_norm_rms_epsilon", high=1),
        end_id=data.token_id("tokenizer.ggml.eos_token_id", n_vocab),
    )
    names = spell(config, _GGUF, head__logits__weight=("output.weight", "token_embd.weight"))
    there = {
        name: theirs
        for name, theirs in names.items()
        if name.endswith(".weight")
        or theirs
        and theirs[0] in tensors
        and not name.endswith("norm.bias")
    }
    return Recipe(config, {name: there.get(name, ()) for name in names}, permuted=True)


def _t5(side: str) -> dict:
    """The names of one side: a block's layer 0 is attention, then comes cross-attention in the
    decoder, then the mlp.
    """
    at, last = f"{side}.block.{{}}.layer", 2 if side == "decoder" else 1
    table = {
        f"{side}.embed.token": (f"{side}.embed_tokens", "shared"),
        f"{side}.norm": f"{side}.final_layer_norm",
        f"{side}.relative": f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias",
    }
    for ours, theirs in {
        "attn": f"{at}.0.SelfAttention",
        "cross": f"{at}.1.EncDecAttention",
    }.items():
        table |= {
            f"{side}.{{}}.{ours}.{name}": f"{theirs}.{name[0]}" for name in ("q", "k", "v", "out")
        }
    table |= {
        f"{side}.{{}}.{ours}.norm": f"{at}.{index}.layer_norm"
        for ours, index in (("attn", 0), ("cross", 1), ("mlp", last))
    }
    return table | {
        f"{side}.{{}}.mlp.{ours}": f"{at}.{last}.DenseReluDense.{theirs}"
        for ours, theirs in (
            ("pre", "wi"),
            ("pre_gated", "wi_0"),
            ("hidden.up", "wi_1"),
            ("out", "wo"),
        )
    }


_T5_KEYS = keys.family(
    computed=(
        "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads "
        "relative_attention_num_buckets relative_attention_max_distance layer_norm_epsilon "
        "feed_forward_proj dense_act_fn is_gated_act scale_decoder_outputs "
        "tie_word_embeddings decoder_start_token_id pad_token_id eos_token_id"
    ),
    null="num_decoder_layers tie_word_embeddings decoder_start_token_id pad_token_id eos_token_id",
    also={
        "hidden_size": "d_model",
        "num_hidden_layers": "num_layers",
        "num_attention_heads": "num_heads",
        "head_dim": "d_kv",
    },
    refused={"is_decoder": (False,), "is_causal": (True,)},
    no_effect="dropout_rate classifier_dropout initializer_factor is_encoder_decoder n_positions",
)


def t5(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """T5 (Raffel et al. 2019), and its version 1.1 with a gated feed-forward and an untied,
    unscaled head.
    """
    forms = {
        form: (form.startswith("gated-"), form.removeprefix("gated-"))
        for form in (*_ACTIVATIONS, *(f"gated-{name}" for name in _ACTIVATIONS))
    }
    gated, activation = forms[
        data.choice("feed_forward_proj", "relu", {form: form for form in forms})
    ]
    activation = "gelu_tanh" if gated and activation == "gelu" else _ACTIVATIONS[activation]
    if "dense_act_fn" in data.values:  # what `transformers` spells out once more goes first
        activation = data.choice("dense_act_fn", None, _ACTIVATIONS)
    gated = data.flag("is_gated_act", gated)
    n_layers, bare = layers(data, "num_layers", 6), without_words(data, tensors)
    alone = encoder_alone(data, tensors)
    common = sizes(
        data,
        "T5",
        "d_model",
        "num_heads",
        "d_ff",
        32128,
        default_D=512,
        default_H=8,
        default_F=2048,
        d_head=data.whole("d_kv", 64),
        encoder_layers=n_layers,
        score_scale=1.0,
        norm="rms",
        decoder_layers=0 if alone else layers(data, "num_decoder_layers", n_layers),
    )
    buckets = data.whole("relative_attention_num_buckets", 32, low=4)
    # Since transformers 5 a saved file always says that the head is tied, and this key tells T5
    # from T5 v1.1.
    tied = data.flag("tie_word_embeddings", True)
    scaled = data.flag("scale_decoder_outputs", tied)
    config = Config(
        **common,
        n_positions=None,
        positions="relative",
        norm_first=True,
        activation=activation,
        norm_eps=data.number("layer_norm_epsilon", 1e-6, high=1),
        gated=gated,
        final_norm=True,
        head=None if bare or alone else "linear",
        head_scale=common["d_model"] ** -0.5 if scaled else 1.0,
        relative_buckets=buckets,
        relative_distance=data.whole("relative_attention_max_distance", 128, low=buckets // 2 + 1),
        start_id=data.token_id(
            "decoder_start_token_id", common["n_vocab"], data.get("pad_token_id", 0)
        ),
        end_id=data.token_id("eos_token_id", common["n_vocab"], 1),
    )
    table = _t5("encoder") | _t5("decoder")
    if gated:
        table |= {
            f"{side}.{{}}.mlp.pre": table[f"{side}.{{}}.mlp.pre_gated"] for side in config.sides
        }
    shared = ("shared", "encoder.embed_tokens", "decoder.embed_tokens") if tied else ()
    names = spell(
        config,
        table,
        lambda name: False,
        head__logits__weight=tuple(f"{name}.weight" for name in ("lm_head", *shared)),
    )
    return Recipe(
        config,
        names,
        unread=shared_unread(config, tensors),
        notes=_ALONE if alone else writes_nothing(bare),
    )


_ALONE = (
    (
        "The files hold T5’s encoder and no tensor of its decoder, so the encoder is run alone: "
        "what you see ends with its last vectors."
    ),
)


def encoder_alone(data: Fields, tensors: Mapping[str, Stored]) -> bool:
    """Whether T5's decoder is not there, and the config does not expect it either."""
    classes = data.get("architectures", [])
    return (not classes or any(name in _ENCODER_ALONE for name in classes)) and not any(
        name.startswith("decoder.block.") for name in tensors
    )


def shared_unread(config: Config, tensors: Mapping[str, Stored]) -> tuple[str, ...]:
    """The table that all would share, where each has one of its own: nothing reads it."""
    own_tables = [f"{side}.embed_tokens.weight" for side in config.sides]
    own_tables += ["lm_head.weight"] if config.head else []
    return ("shared.weight",) if all(name in tensors for name in own_tables) else ()


def _marian(side: str) -> dict:
    """The names of one side."""
    at = f"{side}.layers.{{}}"
    table = {
        f"{side}.embed.token": (f"{side}.embed_tokens", "shared"),
        f"{side}.embed.position": f"{side}.embed_positions",
    }
    for ours, theirs in {"attn": "self_attn", "cross": "encoder_attn"}.items():
        table |= {
            f"{side}.{{}}.{ours}.{name}": f"{at}.{theirs}.{name}_proj"
            for name in ("q", "k", "v", "out")
        }
        table[f"{side}.{{}}.{ours}.norm"] = f"{at}.{theirs}_layer_norm"
    return table | {
        f"{side}.{{}}.mlp.{ours}": f"{at}.{theirs}"
        for ours, theirs in (("pre", "fc1"), ("out", "fc2"), ("norm", "final_layer_norm"))
    }


_MARIAN_KEYS = keys.family(
    computed=(
        "vocab_size d_model encoder_layers decoder_layers encoder_attention_heads "
        "decoder_attention_heads encoder_ffn_dim decoder_ffn_dim decoder_vocab_size "
        "max_position_embeddings activation_function scale_embedding "
        "share_encoder_decoder_embeddings tie_word_embeddings decoder_start_token_id "
        "eos_token_id"
    ),
    null="decoder_vocab_size eos_token_id",
    also={
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
        "num_attention_heads": "encoder_attention_heads",
    },
    # The last four are of version 3.
    refused={
        "is_decoder": (False,),
        "is_encoder_decoder": (True,),
        "is_causal": (True,),
        "normalize_before": (None, False),
        "normalize_embedding": (None, False),
        "add_final_layer_norm": (None, False),
        "static_position_embeddings": (None, True),
    },
    no_effect=(
        "dropout attention_dropout activation_dropout encoder_layerdrop decoder_layerdrop "
        "init_std classifier_dropout classif_dropout add_bias_logits"
    ),
)


def marian(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """Marian (Junczys-Dowmunt et al. 2018), as the OPUS-MT translators use it."""
    bare = without_words(data, tensors)
    common = sizes(
        data,
        "Marian",
        "d_model",
        "encoder_attention_heads",
        "encoder_ffn_dim",
        58101,
        default_D=1024,
        default_H=16,
        default_F=4096,
        encoder_layers=layers(data, "encoder_layers", 12),
        decoder_layers=layers(data, "decoder_layers", 12),
    )
    for key, default, here in (
        ("decoder_attention_heads", 16, "n_heads"),
        ("decoder_ffn_dim", 4096, "d_mlp"),
        ("decoder_vocab_size", common["n_vocab"], "n_vocab"),
    ):
        if data.whole(key, default) != common[here]:
            raise GlassError(
                f"{data.where} gives encoder and decoder different sizes (“{key}”); they are one"
                " here."
            )
    config = Config(
        **common,
        n_positions=data.whole("max_position_embeddings", 1024, high=_MOST_SINUSOIDS),
        positions="sinusoid",
        norm_first=False,
        norm_eps=1e-5,
        activation=data.choice("activation_function", "gelu", _ACTIVATIONS),
        embed_scale=common["d_model"] ** (data.flag("scale_embedding", False) / 2),
        head=None if bare else "linear",
        start_id=data.token_id("decoder_start_token_id", common["n_vocab"], 58100),
        end_id=data.token_id("eos_token_id", common["n_vocab"], 0),
    )
    shared = data.flag("share_encoder_decoder_embeddings", True)
    tied = data.flag("tie_word_embeddings", True)
    sides = {
        f"{side}__embed__token__weight": (f"{side}.embed_tokens.weight",) for side in config.sides
    }
    order = ("shared", "decoder.embed_tokens", "encoder.embed_tokens")
    order = order if shared else order[1:2]
    heads = ("lm_head", *order) if tied else ("lm_head",)
    names = spell(
        config,
        _marian("encoder") | _marian("decoder"),
        **({} if shared else sides),
        head__logits__weight=tuple(f"{name}.weight" for name in heads),
        head__logits__bias=("final_logits_bias",) if "final_logits_bias" in tensors else (),
    )
    unread = shared_unread(config, tensors) if shared else ()
    return Recipe(config, names, unread=unread, notes=writes_nothing(bare))


def glassformer(data: Fields, tensors: Mapping[str, Stored]) -> Recipe:
    """Files of our own: config.json has the fields of Config, the tensors have the names and shapes
    of `weight_shapes`.

    Of tables that are tied one is in the file; a bias that no layer has is zero; sinusoids are
    computed.
    """
    config = study_config.read_config(data)
    shapes, there = weight_shapes(config), {any_layer(name) for name in tensors}
    tables = [
        name for name in shapes if name.endswith(("embed.token.weight", "head.logits.weight"))
    ]
    if 1 < (count := sum(name in tensors for name in tables)) < len(tables):
        raise GlassError(
            f"The file has {count} of the {len(tables)} tables of tokens; all are needed, or one"
            " that they share."
        )
    names = {
        name: () if name.endswith(".bias") and any_layer(name) not in there else (name,)
        for name in shapes
    }
    return Recipe(config, names | {name: (name, *tables) for name in tables}, ours=True)


def any_layer(name: str) -> str:
    """The name of a weight without the number of its layer."""
    return re.sub(r"\.\d+\.", ".{}.", name)


FAMILIES = {
    "bert": (("bert.",), bert),
    "gpt2": (("transformer.",), gpt2),
    "llama": (("model.", "transformer."), llama),
    "t5": (("transformer.",), t5),
    "marian": (("model.",), marian),
    "glassformer": ((), glassformer),
}
KEYS = {
    "bert": _BERT_KEYS,
    "gpt2": _GPT2_KEYS,
    "llama": _LLAMA_KEYS,
    "t5": _T5_KEYS,
    "marian": _MARIAN_KEYS,
    "glassformer": study_config.KEYS,
    "gguf": _GGUF_KEYS,
}


# From names to arrays.


def without_prefix(tensors: dict[str, Stored], prefixes: tuple[str, ...]) -> dict[str, Stored]:
    """Names as the tables have them: without the model's own prefix, and with today's words for a
    norm's weights.
    """
    found: dict[str, Stored] = {}
    for name, stored in tensors.items():
        plain = name.removeprefix(next(filter(name.startswith, prefixes), ""))
        plain = plain.replace("LayerNorm.gamma", "LayerNorm.weight")
        plain = plain.replace("LayerNorm.beta", "LayerNorm.bias")
        if plain in found:
            raise GlassError(
                f"The file has the same tensor twice: {shown(found[plain].name)} and {shown(name)}."
            )
        if plain == "final_logits_bias" and stored.shape[:1] == (1,):
            stored = replace(stored, shape=stored.shape[1:])
        found[plain] = stored
    return found


def assemble(recipe: Recipe, tensors: Mapping[str, Stored], dtype) -> dict[str, np.ndarray]:
    """Finds every weight among the tensors, checks that none is missing, misshapen or left over,
    and reads them.
    """
    config, used, parts = recipe.config, set(recipe.unread), {}
    shapes = weight_shapes(config)
    for name, shape in shapes.items():
        if (
            config.positions == "sinusoid"
            and name.endswith("embed.position.weight")
            and not any(theirs in tensors for theirs in recipe.names[name])
        ):
            continue  # computed below
        if not recipe.names[name]:
            parts[name] = np.broadcast_to(np.zeros(1, dtype), shape)
            continue
        key, same = choose(recipe.names[name], tensors)
        used |= same
        parts[name] = part_of(recipe, name, tensors[key])
        if (found := tensors[key].shape) != (wanted := parts[name].shape_in_file(shape)):
            raise GlassError(
                f"The tensor {shown(tensors[key].name)} has the shape {found}; "
                f"after the config it should be {wanted}."
            )
    if left := [
        tensors[name].name for name in tensors if name not in used and not _IGNORED.fullmatch(name)
    ]:
        raise GlassError(
            f"{len(left)} of the file's tensors have no place in this model: "
            f"{', '.join(map(shown, left[:5]))}{', …' if len(left) > 5 else '.'}"
        )
    if missing := [name for name in shapes if name not in parts]:
        table_PD = sinusoids(config.n_positions, config.d_model).astype(dtype)
        parts |= dict.fromkeys(missing, table_PD)
    return fuse(config, parts, dtype)


def choose(names: tuple[str, ...], tensors: Mapping[str, Stored]) -> tuple[str, set[str]]:
    """Which of a weight's possible names to read, and all that hold the same numbers.

    The first name is the weight's own, the others are tables it may be tied to, the most shared
    first. A copy is read from where it is shared.
    """
    there = [name for name in names if name in tensors]
    if not there:
        raise GlassError(f"The tensor {' or '.join(map(shown, names))} is missing from the file.")
    first = tensors[there[0]]
    same = [
        name
        for name in there
        if tensors[name].kind == first.kind
        and tensors[name].shape == first.shape
        and np.array_equal(tensors[name].raw_RB, first.raw_RB)
    ]
    return next((name for name in names[1:] if name in same), there[0]), set(same)


def part_of(recipe: Recipe, name: str, stored: Stored) -> Part:
    """How the tensor of one of our weights lies in this family's files."""
    if recipe.ours:
        return Part(stored)
    module, _, kind = name.rpartition(".")
    is_table = ".embed." in name or name.endswith(("relative.weight", "head.logits.weight"))
    leaf = module.rpartition(".")[2]
    part = Part(stored, transposed=kind == "weight" and not is_table and "norm" not in module)
    if recipe.side_by_side:
        projection = ".attn." in name and leaf in ("q", "k", "v")
        return Part(stored, third="qkv".index(leaf) if projection else None)
    if recipe.permuted and ".attn." in name and leaf in ("q", "k"):
        return replace(
            part, heads=recipe.config.n_heads if leaf == "q" else recipe.config.n_kv_heads
        )
    return part


def plain_arrays(
    tensors: Mapping[str, Stored], shapes: Mapping[str, tuple[int, ...]], dtype=np.float32
) -> dict[str, np.ndarray]:
    """The tensors of a file as read-only arrays of these names and shapes: for a model that is no
    transformer. GlassError names what is missing, too much, or of the wrong shape, before any
    memory is taken.
    """
    parts = {name: Part(stored) for name, stored in tensors.items()}
    check_names_and_shapes(shapes, parts)
    for name, shape in shapes.items():
        if tensors[name].shape != tuple(shape):
            raise GlassError(
                f"The tensor {shown(name)} has the shape {tensors[name].shape}; it should be"
                f" {tuple(shape)}."
            )
    return {
        name: filled(np.empty(shape, dtype), [(slice(None), parts[name])])
        for name, shape in shapes.items()
    }


def fuse(
    config: Config, weights: Mapping[str, np.ndarray | Part], dtype=None
) -> dict[str, np.ndarray]:
    """All weights of a model, read-only and laid out for large products.

    The q, k and v of a sublayer are columns of one matrix, there also under the name `qkv`; so are
    `kv` where q comes from elsewhere, and `gated`, the two projections of a gated feed-forward. A
    bias that a family lacks is one zero with stride 0. weights: an array for every name of
    weight_shapes(config); GlassError names what is missing, too much, or of the wrong shape.
    """
    shapes = weight_shapes(config)
    check_names_and_shapes(shapes, weights)
    dtype = np.dtype(dtype or next(iter(weights.values())).dtype)
    made: dict[str, np.ndarray] = {}
    for whole, members in groups(config).items():
        for kind in ("weight", "bias"):
            made |= side_by_side(
                f"{whole}.{kind}",
                [f"{member}.{kind}" for member in members],
                shapes,
                weights,
                dtype,
            )
    alike: dict[object, np.ndarray] = {}  # tables that are tied are one array
    for name, shape in shapes.items():
        if name not in made:
            source = weights[name]
            key = (
                (id(source.stored), replace(source, stored=None))
                if isinstance(source, Part)
                else id(source)
            )
            if key not in alike:
                alike[key] = (
                    source
                    if is_absent(source)
                    else filled(np.empty(shape, dtype), [(slice(None), source)])
                )
            made[name] = alike[key]
    return made


def check_names_and_shapes(shapes: Mapping[str, tuple[int, ...]], weights: Mapping) -> None:
    """Every weight is there and no other, and each array has its shape."""
    if missing := [name for name in shapes if name not in weights]:
        raise GlassError(
            "These weights are missing:"
            f" {', '.join(missing[:5])}{', …' if len(missing) > 5 else '.'}"
        )
    if extra := [name for name in weights if name not in shapes]:
        raise GlassError(
            "These weights belong to nothing:"
            f" {', '.join(extra[:5])}{', …' if len(extra) > 5 else '.'}"
        )
    for name, source in weights.items():
        if not isinstance(source, Part) and source.shape != shapes[name]:
            raise GlassError(
                f"The weight {name} has the shape {source.shape}; {shapes[name]} is expected."
            )


def groups(config: Config) -> dict[str, list[str]]:
    """Which projections lie side by side in one matrix, under which name."""
    found = {}
    for side in config.sides:
        for layer in range(config.layers(side)):
            at = f"{side}.{layer}"
            found[f"{at}.attn.qkv"] = [f"{at}.attn.{name}" for name in "qkv"]
            if side == "decoder" and config.crosses:
                found[f"{at}.cross.kv"] = [f"{at}.cross.{name}" for name in "kv"]
            if config.gated:
                found[f"{at}.mlp.gated"] = [f"{at}.mlp.pre", f"{at}.mlp.hidden.up"]
    return found


def side_by_side(whole: str, names: list[str], shapes, weights, dtype) -> dict[str, np.ndarray]:
    """One array for all these weights, and each of them as its columns there."""
    ends = np.cumsum([shapes[name][-1] for name in names]).tolist()
    shape = (*shapes[names[0]][:-1], ends[-1])
    if all(is_absent(weights[name]) for name in names):
        return {whole: np.broadcast_to(np.zeros(1, dtype), shape)} | {
            name: weights[name] for name in names
        }
    columns = [(..., slice(start, stop)) for start, stop in zip([0, *ends], ends)]
    array = filled(
        np.empty(shape, dtype), [(place, weights[name]) for place, name in zip(columns, names)]
    )
    return {whole: array} | {name: array[place] for place, name in zip(columns, names)}


def is_absent(source) -> bool:
    """Whether this stands for a bias that the family does not have."""
    return not isinstance(source, Part) and not any(source.strides)


def filled(array: np.ndarray, parts: list) -> np.ndarray:
    """Writes each part into its place, and makes the array read-only."""
    with np.errstate(
        all="ignore"
    ):  # a file may hold numbers too large for float32: they become infinite
        for place, source in parts:
            if isinstance(source, Part):
                source.write(array[place])
            else:
                array[place] = source
    array.setflags(write=False)
    return array
