"""The outside source: tiny random models of every family, built and run by `transformers` in
float64.

As shipped, parts of the reference compute in float32 whatever the model's type: the
root-mean-square norm (Llama, T5, mT5, uMT5), the rotary angles and the softmax (Llama), the
sinusoids (Marian, Pegasus, M2M100). `without_casts` takes these casts out, and nothing else: inside
it, where those modules say torch.float32 they get torch.float64. M2M100 casts its sinusoids by
`.float()`, which `exact_sinusoids` takes out.

Only `make_golden.py` and the live tests import this file; it needs PyTorch and transformers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import types
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import modeling_rope_utils
from transformers.models.bloom import modeling_bloom
from transformers.models.gemma import modeling_gemma
from transformers.models.gemma2 import modeling_gemma2
from transformers.models.gemma3 import modeling_gemma3
from transformers.models.gpt_neo import modeling_gpt_neo
from transformers.models.gpt_neox import modeling_gpt_neox
from transformers.models.gptj import modeling_gptj
from transformers.models.granite import modeling_granite
from transformers.models.llama import modeling_llama
from transformers.models.marian import modeling_marian
from transformers.models.mistral import modeling_mistral
from transformers.models.modernbert import modeling_modernbert
from transformers.models.mt5 import modeling_mt5
from transformers.models.olmo2 import modeling_olmo2
from transformers.models.opt import modeling_opt
from transformers.models.pegasus import modeling_pegasus
from transformers.models.phi import modeling_phi
from transformers.models.phi3 import modeling_phi3
from transformers.models.qwen2 import modeling_qwen2
from transformers.models.qwen3 import modeling_qwen3
from transformers.models.smollm3 import modeling_smollm3
from transformers.models.stablelm import modeling_stablelm
from transformers.models.t5 import modeling_t5
from transformers.models.umt5 import modeling_umt5

from tests.helpers.tiny import OTHER_SHAPES

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
ASK = {"output_hidden_states": True, "output_attentions": True}
CASTING = (
    modeling_bloom,
    modeling_gemma,
    modeling_gemma2,
    modeling_gemma3,
    modeling_gpt_neo,
    modeling_gpt_neox,
    modeling_gptj,
    modeling_opt,
    modeling_phi,
    modeling_rope_utils,  # stretched angles
    modeling_llama,
    modeling_mistral,
    modeling_qwen2,
    modeling_qwen3,
    modeling_phi3,
    modeling_smollm3,
    modeling_granite,
    modeling_olmo2,
    modeling_stablelm,
    modeling_modernbert,
    modeling_t5,
    modeling_mt5,
    modeling_umt5,
    modeling_marian,
    modeling_pegasus,
)
TASK = re.compile(
    r"For(SequenceClassification|TokenClassification|MultipleChoice)|Electra\w+PreTraining"
)


@contextlib.contextmanager
def without_casts():
    """Inside, the modules in CASTING compute in float64 from end to end."""
    double = types.ModuleType("torch")
    double.__dict__.update(
        vars(torch), float32=torch.float64, float=torch.float64, FloatTensor=torch.DoubleTensor
    )
    plain = torch.Tensor.float
    for module in CASTING:
        module.torch = double
    torch.Tensor.float = torch.Tensor.double  # numbers and positions of the rotary angles
    try:
        yield
    finally:
        torch.Tensor.float = plain
        for module in CASTING:
            module.torch = torch


@contextlib.contextmanager
def in_float64():
    """The same, and a whole number divided by another is a float64, too: the length of a text that
    stretches the rotary angles (“dynamic”), GPT-J's table of angles; so is a new tensor (Gemma's
    scale of the embeddings), and what .float() makes (Gemma's norms). Bloom's GELU and
    its slope have their constant in full.
    """
    plain, gelu = torch.Tensor.float, modeling_bloom.GeLUFunction
    with without_casts():
        torch.set_default_dtype(torch.float64)
        torch.Tensor.float = torch.Tensor.double
        exact = partial(torch.nn.functional.gelu, approximate="tanh")
        modeling_bloom.GeLUFunction = types.SimpleNamespace(apply=exact)
        try:
            yield
        finally:
            torch.set_default_dtype(torch.float32)
            torch.Tensor.float = plain
            modeling_bloom.GeLUFunction = gelu


def sizes(seed: int) -> dict[str, int]:
    """Axis sizes by letter, no two the same, so that nothing transposed can pass. T: what the
    decoder reads.
    """
    rng = np.random.default_rng(seed)
    encoder, decoder = rng.permutation([2, 3])
    while True:
        G, times, K = rng.integers(2, 4), rng.integers(2, 4), 2 * rng.integers(2, 5)
        H = G * times
        s = {
            "G": G,
            "K": K,
            "H": H,
            "D": H * K,
            "wide": H * (K + 1),
            "F": rng.integers(25, 50),
            "V": rng.integers(50, 75),
            "L": rng.integers(5, 14),
            "T": rng.integers(5, 14),
        }
        if len(set(s.values())) == len(s) and s["D"] <= 32:
            return {
                name: int(size)
                for name, size in {**s, "encoder": encoder, "decoder": decoder}.items()
            }


def bert(s, cls=transformers.BertForPreTraining):
    return cls(
        transformers.BertConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            type_vocab_size=2,
            layer_norm_eps=1e-3,
        )
    )


def encoder(s, cls: str, kind: str, **more):
    """A relation of BERT. kind: what its config's class begins with."""
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=s["V"],
        hidden_size=s["D"],
        num_hidden_layers=s["decoder"],
        num_attention_heads=s["H"],
        intermediate_size=s["F"],
        max_position_embeddings=s["L"] + s["T"],
        layer_norm_eps=1e-3,
        **more,
    )
    return getattr(transformers, f"{kind}{cls}")(config)


def distilbert(s, cls: str, **more):
    return getattr(transformers, cls)(
        transformers.DistilBertConfig(
            vocab_size=s["V"],
            dim=s["D"],
            n_layers=s["decoder"],
            n_heads=s["H"],
            hidden_dim=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            **more,
        )
    )


def gpt2(s):
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=s["V"],
            n_embd=s["D"],
            n_layer=s["decoder"],
            n_head=s["H"],
            n_inner=s["F"],
            n_positions=s["L"] + s["T"],
            layer_norm_epsilon=1e-3,
            bos_token_id=1,
            eos_token_id=2,
        )
    )


def llama(s, tied=False):
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=s["V"],
            hidden_size=s["wide"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            num_key_value_heads=s["G"],
            head_dim=s["K"],
            intermediate_size=s["F"],
            tie_word_embeddings=tied,
            max_position_embeddings=s["L"] + s["T"],
            rms_norm_eps=1e-3,
            rope_parameters={"rope_type": "default", "rope_theta": 700.0},
        )
    )


def t5(s, feed_forward="gated-gelu", tied=False, kind="T5"):
    return getattr(transformers, f"{kind}ForConditionalGeneration")(
        getattr(transformers, f"{kind}Config")(
            vocab_size=s["V"],
            d_model=s["wide"],
            d_kv=s["K"],
            d_ff=s["F"],
            num_layers=s["encoder"],
            num_decoder_layers=s["decoder"],
            num_heads=s["H"],
            relative_attention_num_buckets=8,
            relative_attention_max_distance=10,
            feed_forward_proj=feed_forward,
            tie_word_embeddings=tied,
            layer_norm_epsilon=1e-3,
            decoder_start_token_id=0,
        )
    )


def marian(s):
    return transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=s["V"],
            d_model=s["D"],
            encoder_layers=s["encoder"],
            decoder_layers=s["decoder"],
            encoder_attention_heads=s["H"],
            decoder_attention_heads=s["H"],
            encoder_ffn_dim=s["F"],
            decoder_ffn_dim=s["F"],
            activation_function="swish",
            scale_embedding=True,
            pad_token_id=s["V"] - 1,
            decoder_start_token_id=s["V"] - 1,
            max_position_embeddings=s["L"] + s["T"],
        )
    )


def bart(s, kind="Bart", **more):
    return getattr(transformers, f"{kind}ForConditionalGeneration")(
        getattr(transformers, f"{kind}Config")(
            vocab_size=s["V"],
            d_model=s["D"],
            encoder_layers=s["encoder"],
            decoder_layers=s["decoder"],
            encoder_attention_heads=s["H"],
            decoder_attention_heads=s["H"],
            encoder_ffn_dim=s["F"],
            decoder_ffn_dim=s["F"],
            scale_embedding=True,
            pad_token_id=1,
            decoder_start_token_id=2,
            max_position_embeddings=s["L"] + s["T"],
            **more,
        )
    )


def part_of(K: int) -> int:
    """How many of a head's numbers are turned: an even number, and not all."""
    return 2 * (K // 4)


def gpt_neox(s, **more):
    return transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            layer_norm_eps=1e-3,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 700.0,
                "partial_rotary_factor": (part_of(s["K"]) + 0.1) / s["K"],
            },
            **more,
        )
    )


def gptj(s):
    return transformers.GPTJForCausalLM(
        transformers.GPTJConfig(
            vocab_size=s["V"],
            n_embd=s["D"],
            n_layer=s["decoder"],
            n_head=s["H"],
            n_inner=s["F"],
            n_positions=s["L"] + s["T"],
            rotary_dim=part_of(s["K"]),
            layer_norm_epsilon=1e-3,
            eos_token_id=2,
        )
    )


def gpt_neo(s):
    kinds = [[["global", "local"], 1], [["global"], s["decoder"] - 2]]
    return transformers.GPTNeoForCausalLM(
        transformers.GPTNeoConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_layers=s["decoder"],
            num_heads=s["H"],
            intermediate_size=s["F"],
            attention_types=kinds,
            window_size=3,
            max_position_embeddings=s["L"] + s["T"],
            layer_norm_epsilon=1e-3,
            eos_token_id=2,
        )
    )


def phi(s):
    return transformers.PhiForCausalLM(
        transformers.PhiConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            num_key_value_heads=s["G"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            layer_norm_eps=1e-3,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 700.0,
                "partial_rotary_factor": (part_of(s["K"]) + 0.1) / s["K"],
            },
        )
    )


def opt(s, **more):
    return transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            ffn_dim=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            **more,
        )
    )


def bloom(s):
    return transformers.BloomForCausalLM(
        transformers.BloomConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            n_layer=s["decoder"],
            n_head=s["H"],
            layer_norm_epsilon=1e-3,
        )
    )


def gemma(s, kind="Gemma", text="", **more):
    return getattr(transformers, f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}{text}Config")(
            vocab_size=s["V"],
            hidden_size=s["wide"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            num_key_value_heads=s["G"],
            head_dim=s["K"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            rms_norm_eps=1e-3,
            **more,
        )
    )


def like_llama(s, kind, width="wide", **more):
    """A family of the Llama kind. width: "D" where heads have the model's width, evenly shared."""
    return getattr(transformers, f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}Config")(
            vocab_size=s["V"],
            hidden_size=s[width],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            num_key_value_heads=s["G"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            **({"head_dim": s["K"]} if width == "wide" else {}),
            **{"rms_norm_eps": 1e-3, "rope_parameters": {"rope_theta": 700.0}} | more,
        )
    )


def gemma2(s):
    caps = {"attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0}
    theta = {"rope_type": "default", "rope_theta": 700.0}
    return gemma(
        s, "Gemma2", sliding_window=3, query_pre_attn_scalar=7, rope_parameters=theta, **caps
    )


def gemma3(s):
    thetas = {
        kind: {"rope_type": "default", "rope_theta": theta}
        for kind, theta in (("sliding_attention", 50.0), ("full_attention", 700.0))
    }
    kinds = ["sliding_attention", "full_attention", "sliding_attention"][: s["decoder"]]
    return gemma(
        s,
        "Gemma3",
        "Text",
        sliding_window=3,
        query_pre_attn_scalar=7,
        rope_parameters=thetas,
        layer_types=kinds,
    )


def modernbert(s):
    return transformers.ModernBertForMaskedLM(
        transformers.ModernBertConfig(
            vocab_size=s["V"],
            hidden_size=s["D"],
            num_hidden_layers=s["decoder"],
            num_attention_heads=s["H"],
            intermediate_size=s["F"],
            max_position_embeddings=s["L"] + s["T"],
            norm_eps=1e-3,
            norm_bias=True,
            local_attention=5,
            mlp_bias=True,
            classifier_activation="silu",
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            cls_token_id=1,
            sep_token_id=2,
        )
    )


def long_rope(s, turned: int) -> dict:
    """LongRoPE with angles of its own for texts longer than four tokens."""
    pairs = turned // 2
    return {
        "rope_type": "longrope",
        "rope_theta": 700.0,
        "partial_rotary_factor": (turned + 0.01) / s["K"],
        "short_factor": [1.0 + 0.25 * i for i in range(pairs)],
        "long_factor": [1.5 + 0.75 * i for i in range(pairs)],
    }


WINDOWED = ("modernbert", "mistral", "qwen2", "phi3", "smollm3", "gemma2", "gemma3_text")
LIKE_LLAMA = {
    "mistral": lambda s: like_llama(s, "Mistral", sliding_window=3),
    "qwen2": lambda s: like_llama(
        s, "Qwen2", "D", use_sliding_window=True, sliding_window=4, max_window_layers=1
    ),
    "qwen3": lambda s: like_llama(s, "Qwen3", attention_bias=True, tie_word_embeddings=True),
    "phi3": lambda s: like_llama(
        s,
        "Phi3",
        "D",
        sliding_window=4,
        original_max_position_embeddings=4,
        rope_parameters=long_rope(s, 4 if s["K"] > 4 else 2),
    ),
    "smollm3": lambda s: like_llama(
        s, "SmolLM3", "D", no_rope_layer_interval=2, use_sliding_window=True, sliding_window=3
    ),
    "granite": lambda s: like_llama(
        s,
        "Granite",
        "D",
        embedding_multiplier=3.0,
        attention_multiplier=0.2,
        residual_multiplier=0.3,
        logits_scaling=0.7,
        mlp_bias=True,
    ),
    "olmo2": lambda s: like_llama(s, "Olmo2", "D"),
    "stablelm": lambda s: like_llama(
        s,
        "StableLm",
        "D",
        rms_norm_eps=None,
        layer_norm_eps=1e-3,
        use_qkv_bias=True,
        rope_parameters={"rope_theta": 700.0, "partial_rotary_factor": (s["K"] - 1.99) / s["K"]},
    ),
}
THREE = {"id2label": {0: "no", 1: "yes", 2: "maybe"}}
ANY = {"problem_type": "multi_label_classification"}
FAMILIES = {
    "bert": bert,  # with word and next-sentence heads
    "bert_bare": lambda s: bert(s, transformers.BertModel),  # no head, as in sentence encoders
    "bert_words": lambda s: bert(s, transformers.BertForMaskedLM),  # word head alone, no pooler
    "gpt2": gpt2,
    "llama": llama,
    "llama_tied": lambda s: llama(s, tied=True),
    "t5_gated": t5,  # version 1.1
    "t5_relu": lambda s: t5(s, "relu", tied=True),  # version 1.0
    "marian": marian,
    "mt5": lambda s: t5(s, "gated-silu", kind="MT5"),
    "umt5": lambda s: t5(s, "relu", tied=True, kind="UMT5"),
    "bart": bart,
    "mbart": lambda s: bart(s, "MBart", activation_function="relu"),
    "pegasus": lambda s: bart(s, "Pegasus"),
    "m2m_100": lambda s: bart(s, "M2M100"),
    "gpt_neox": gpt_neox,
    "gptj": gptj,
    "gpt_neo": gpt_neo,
    "phi": phi,
    "opt": opt,
    "bloom": bloom,
    "gemma": gemma,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    **LIKE_LLAMA,
    "modernbert": modernbert,
    "roberta": lambda s: encoder(s, "ForSequenceClassification", "Roberta", **THREE),
    "xlm-roberta": lambda s: encoder(s, "ForTokenClassification", "XLMRoberta", **THREE),
    "camembert": lambda s: encoder(s, "ForMaskedLM", "Camembert"),
    "distilbert": lambda s: distilbert(s, "DistilBertForSequenceClassification", **ANY, **THREE),
    "electra": lambda s: encoder(s, "ForPreTraining", "Electra", embedding_size=s["wide"]),
    "albert": lambda s: encoder(
        s, "ForMaskedLM", "Albert", embedding_size=s["wide"], num_hidden_groups=2
    ),
    "mpnet": lambda s: encoder(s, "ForQuestionAnswering", "MPNet"),
}
ENCODERS = (
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "distilbert",
    "mpnet",
    "electra",
    "albert",
)
ENCODERS += ("modernbert",)
SEGMENTS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "albert")


def build(family: str, seed: int, grid: float = 0.0):
    """A random model and its input: (model, {"ids_L", …}). Every parameter is drawn, biases and
    norm weights too.

    grid: the parameters are rounded to multiples of it, so that a file of them packs well; 0: not
    rounded.
    """
    s, rng = sizes(seed), np.random.default_rng(seed)
    torch.manual_seed(seed)
    with in_float64() if family in OTHER_SHAPES else without_casts():
        model = FAMILIES[family](s).double().eval()
    model.set_attn_implementation("eager")
    if family in ("t5_gated", "mt5"):
        # a head of its own, which `transformers` reads from files but no longer makes
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    fill(model, family, grid)
    # after the padding token, which is not read there
    first = 2 if family in ("m2m_100", "roberta", "xlm-roberta", "camembert", "mpnet") else 0
    inputs = {"ids_L": rng.integers(first, s["V"], s["L"])}
    if model.config.is_encoder_decoder:
        inputs["target_ids_L"] = rng.integers(first, s["V"], s["T"])
    if family.startswith(SEGMENTS):
        inputs["segments_L"] = np.sort(rng.integers(0, 2, s["L"]))
    return model, inputs


def fill(model, family: str, grid: float = 0.0) -> None:
    """Draws every parameter, by torch's seed."""
    # After a post-norm all tokens are of like size: it takes larger weights for attention to choose
    # among them.
    spread = 0.6 if family.startswith((*ENCODERS, "marian", "bart")) else 0.4
    with torch.no_grad():
        for parameter in (
            *model.parameters(),
            *(b for name, b in model.named_buffers() if "logits_bias" in name),
        ):
            if parameter.requires_grad or parameter.ndim == 2 and len(parameter) == 1:
                parameter.normal_(0, spread)
                parameter.copy_(torch.round(parameter / grid) * grid if grid else parameter)
    exact_sinusoids(model)


def exact_sinusoids(model) -> None:
    """Marian, Pegasus and M2M100 write them when the model is made, in its float32 type then: once
    more in float64.
    """
    if model.config.model_type not in ("marian", "pegasus", "m2m_100"):
        return
    with without_casts(), torch.no_grad():
        for stack in (model.get_encoder(), model.get_decoder()):
            table = stack.embed_positions
            if model.config.model_type == "m2m_100":
                with_double(lambda table=table: table.make_weights(len(table.weights), *of(table)))
            else:
                table.weight.copy_(table.create_weight())


def of(table) -> tuple[int, int]:
    """What M2M100's sinusoids are made of besides their number."""
    return table.embedding_dim, table.padding_idx


def with_double(make) -> None:
    """Calls a function in which .float() and new tensors are of type float64."""
    plain, default = torch.Tensor.float, torch.get_default_dtype()
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        make()
    finally:
        torch.Tensor.float = plain
        torch.set_default_dtype(default)


def from_folder(folder: Path):
    """What `transformers` makes of a folder: the class that its config names first, in float64."""
    config = transformers.AutoConfig.from_pretrained(folder)
    cls = getattr(transformers, config.architectures[0])
    with without_casts():
        model = cls.from_pretrained(
            folder, dtype=torch.float64, attn_implementation="eager", local_files_only=True
        ).eval()
    exact_sinusoids(model)
    return model


CONFIGS = {
    "bert": transformers.BertConfig,
    "gpt2": transformers.GPT2Config,
    "llama": transformers.LlamaConfig,
    "t5": transformers.T5Config,
    "marian": transformers.MarianConfig,
    "mt5": transformers.MT5Config,
    "umt5": transformers.UMT5Config,
    "bart": transformers.BartConfig,
    "mbart": transformers.MBartConfig,
    "pegasus": transformers.PegasusConfig,
    "m2m_100": transformers.M2M100Config,
    "gpt_neox": transformers.GPTNeoXConfig,
    "gptj": transformers.GPTJConfig,
    "gpt_neo": transformers.GPTNeoConfig,
    "phi": transformers.PhiConfig,
    "opt": transformers.OPTConfig,
    "bloom": transformers.BloomConfig,
    "gemma": transformers.GemmaConfig,
    "gemma2": transformers.Gemma2Config,
    "gemma3_text": transformers.Gemma3TextConfig,
    "mistral": transformers.MistralConfig,
    "qwen2": transformers.Qwen2Config,
    "qwen3": transformers.Qwen3Config,
    "phi3": transformers.Phi3Config,
    "smollm3": transformers.SmolLM3Config,
    "granite": transformers.GraniteConfig,
    "olmo2": transformers.Olmo2Config,
    "stablelm": transformers.StableLmConfig,
    "modernbert": transformers.ModernBertConfig,
    "roberta": transformers.RobertaConfig,
    "xlm-roberta": transformers.XLMRobertaConfig,
    "camembert": transformers.CamembertConfig,
    "distilbert": transformers.DistilBertConfig,
    "electra": transformers.ElectraConfig,
    "albert": transformers.AlbertConfig,
    "mpnet": transformers.MPNetConfig,
}


def config_keys(kind: str) -> list[str]:
    """The keys of a config class: its fields, other names, properties, and what it writes."""
    cls = CONFIGS[kind]
    properties = [name for name in dir(cls) if isinstance(getattr(cls, name, None), property)]
    fields = [field.name for field in dataclasses.fields(cls)]
    return sorted(
        {
            *fields,
            *cls.attribute_map,
            *properties,
            *cls().to_dict(),
            *transformers.GenerationConfig._get_default_generation_params(),
        }
    )


def pretrained(path: Path, dtype=torch.float32):
    """A real model, read by `transformers` from a folder (BERT) or a .gguf file (Llama)."""
    options = {"dtype": dtype, "attn_implementation": "eager", "local_files_only": True}
    with without_casts() if dtype == torch.float64 else contextlib.nullcontext():
        if path.suffix == ".gguf":
            return transformers.LlamaForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, **options
            ).eval()
        return transformers.BertModel.from_pretrained(path, **options).eval()


def cases(inputs: dict, seed: int, family: str) -> dict:
    """What each test case hands to our forward pass as `mask`: nothing, a name, a matrix, one for
    each attention. Where a family has a window, each token sees itself. GPT-Neo hides what follows
    whatever mask it is given.
    """
    rng, L, T = (
        np.random.default_rng(seed),
        len(inputs["ids_L"]),
        len(inputs.get("target_ids_L", ())),
    )
    matrix_LM, target_LM, cross_LM = (rng.random(shape) < 0.5 for shape in ((L, L), (T, T), (T, L)))
    for mask_LM in (matrix_LM, target_LM, cross_LM):
        mask_LM[np.arange(len(mask_LM)), rng.integers(0, mask_LM.shape[1] or 1, len(mask_LM))] = (
            True
        )
    if family in WINDOWED:
        matrix_LM |= np.eye(L, dtype=bool)
    if T:
        return {
            "trained": None,
            "masked": {"encoder": matrix_LM, "decoder": target_LM, "cross": cross_LM},
        }
    if family == "gpt_neo":
        return {"trained": None, "masked": np.tril(matrix_LM) | np.eye(L, dtype=bool)}
    other = "decoder" if family.startswith(ENCODERS) else "encoder"
    return {"trained": None, other: other, "others": "others", "matrix": matrix_LM}


def additive(mask, length: int):
    """A mask as the 4-D tensor that `transformers` adds to the scores: 0 where one may look, -inf
    elsewhere.
    """
    if mask is None:
        return None
    l, m = np.mgrid[:length, :length]
    named = {"encoder": l == l, "decoder": m <= l, "others": m != l}
    mask_LM = named[mask] if isinstance(mask, str) else mask
    return torch.tensor(np.where(mask_LM, 0.0, -np.inf))[None, None].to(torch.float64)


def windowed(config, added):
    """A mask and the window: a family that is given a mask of four axes takes it as it is."""
    window = getattr(config, "sliding_window", None)
    if added is None or window is None:
        return added
    l, m = np.mgrid[: added.shape[-2], : added.shape[-1]]
    far = window + (config.model_type == "modernbert")  # which does not count the token itself
    near = torch.where(torch.tensor(abs(l - m) < far), added, -np.inf)
    kinds = getattr(config, "layer_types", None)
    return {"full_attention": added, "sliding_attention": near} if kinds else near


@contextlib.contextmanager
def slopes_whatever_the_mask(model, length: int):
    """Inside, Bloom makes its biases of positions for a text of that length: it would read them off
    a mask of one row.
    """
    if model.config.model_type == "bloom":
        make, ones = modeling_bloom.build_alibi_tensor, torch.ones(1, length)
        model.get_decoder().build_alibi_tensor = lambda _, *given, **named: make(
            ones, *given, **named
        )
    yield


def run(model, inputs: dict, mask=None, as_shipped: bool = False) -> dict[str, np.ndarray]:
    """Every hidden state, every attention map and the outputs, under our names. mask: as in
    `cases`.
    """
    with torch.no_grad():
        steps = tensors(model, inputs, mask, as_shipped)
    return {name: value.detach().numpy() for name, value in steps.items()}


def tensors(model, inputs: dict, mask=None, as_shipped: bool = False) -> dict[str, torch.Tensor]:
    """The same as tensors, each with what it was taken out of as `whole`."""
    ids, seen = {name: torch.tensor(np.array(value))[None] for name, value in inputs.items()}, {}
    handles = watch(model, seen)
    try:
        with contextlib.nullcontext() if as_shipped else in_float64():
            return (run_two if model.config.is_encoder_decoder else run_one)(model, ids, mask, seen)
    finally:
        for handle in handles:
            handle.remove()


def alone(value: torch.Tensor) -> torch.Tensor:
    """Of a batch of one text, that one."""
    one = value[0]
    one.whole = value
    return one


def watch(model, seen: dict) -> list:
    """Puts into `seen` what no output shows: what goes into the last norm, and what the pooler
    makes.
    """
    handles = []
    for name, module in model.named_modules():
        if ".layers." in name:
            continue
        ends = (
            "ln_f",
            "final_norm",
            "final_layernorm",
            "model.norm",
            "transformer.norm",
            "final_layer_norm",
            "coder.layer_norm",
        )
        if name.endswith(ends) or name == "norm":
            handles.append(
                module.register_forward_pre_hook(
                    lambda _, x, name=name: seen.update({name: alone(x[0])})
                )
            )
        if name.endswith("pooler"):
            handles.append(
                module.register_forward_hook(lambda _, x, made: seen.update(pooler=made[0]))
                if not isinstance(module, torch.nn.Linear)  # ALBERT's, before its tanh
                else module.register_forward_hook(
                    lambda _, x, made: seen.update(pooler=made[0].tanh())
                )
            )
    return handles


def run_one(model, ids, mask, seen) -> dict:
    """BERT, GPT-2, Llama: one stack."""
    segments = {"token_type_ids": ids["segments_L"]} if "segments_L" in ids else {}
    more, length = segments, ids["ids_L"].shape[1]
    if model.config.model_type == "opt":  # it would count them off a mask of one row
        more = {"position_ids": torch.arange(length)[None]}
    added = windowed(model.config, additive(mask, length))
    with slopes_whatever_the_mask(model, length):
        out = model(ids["ids_L"], attention_mask=added, **more, **ASK)
    side = "encoder" if model.config.model_type in ENCODERS else "decoder"
    into_norm = next((value for name, value in seen.items() if name != "pooler"), None)
    steps = stack(side, out.hidden_states, out.attentions, into_norm)
    scores = "task.logits" if TASK.search(type(model).__name__) else "head.logits"
    for name, key in (
        ("head.logits", "prediction_logits"),
        (scores, "logits"),
        ("pooler.logits", "seq_relationship_logits"),
    ):
        if key in out:
            steps[name] = alone(out[key])
    if type(model).__name__ == "ElectraForPreTraining":
        steps["task.logits"] = out.logits[0][:, None]
    if "start_logits" in out:
        steps["task.logits"] = torch.stack((out.start_logits[0], out.end_logits[0]), dim=-1)
    return steps | ({"pooler.out": seen["pooler"]} if "pooler" in seen else {})


def run_two(model, ids, mask, seen) -> dict:
    """T5, Marian, BART: the encoder first and by itself, because its mask and the cross mask share
    one argument.
    """
    mask = mask or {}
    encoder = model.get_encoder()
    memory = encoder(ids["ids_L"], attention_mask=additive(mask.get("encoder"), 0), **ASK)
    out = model(
        encoder_outputs=memory,
        attention_mask=additive(mask.get("cross"), 0),
        decoder_input_ids=ids["target_ids_L"],
        decoder_attention_mask=additive(mask.get("decoder"), 0),
        **ASK,
    )
    steps = stack(
        "encoder", memory.hidden_states, memory.attentions, into_last_norm(seen, "encoder")
    )
    steps |= stack(
        "decoder",
        out.decoder_hidden_states,
        out.decoder_attentions,
        into_last_norm(seen, "decoder"),
    )
    steps |= {
        f"decoder.{i}.cross.pattern": alone(value) for i, value in enumerate(out.cross_attentions)
    }
    return steps | ({"head.logits": alone(out.logits)} if "logits" in out else {})


def into_last_norm(seen: dict, side: str):
    """What goes into the last norm of a side, where it has one."""
    ends = (f"{side}.final_layer_norm", f"{side}.layer_norm")
    return next((value for name, value in seen.items() if name.endswith(ends)), None)


def stack(side: str, hidden, attentions, into_norm=None) -> dict:
    """One stack's values under our names. The reference's last hidden state is the one after the
    final norm.
    """
    steps = {f"{side}.{index}.attn.pattern": alone(value) for index, value in enumerate(attentions)}
    steps |= {
        f"{side}.{index - 1}.out" if index else f"{side}.embed.out": alone(value)
        for index, value in enumerate(hidden)
    }
    steps[f"{side}.out"] = alone(hidden[-1])
    if into_norm is not None:
        steps[f"{side}.{len(attentions) - 1}.out"] = into_norm
    return steps
