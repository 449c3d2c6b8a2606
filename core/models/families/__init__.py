"""The families that can be read, one file each: its config's keys, its tensors' names, its layout.

A folder says in config.json which of FAMILIES it is ("model_type"). docs/models.md says how to add
one.
"""

from core.models.families import (
    bart,
    bert,
    distilbert,
    electra,
    gpt2,
    granite,
    llama,
    llama_gguf,
    m2m_100,
    marian,
    mbart,
    mistral,
    mpnet,
    mt5,
    olmo2,
    pegasus,
    phi3,
    qwen2,
    qwen3,
    roberta,
    smollm3,
    stablelm,
    study,
    t5,
    umt5,
)

FAMILIES = {
    "bert": bert.FAMILY,
    "roberta": roberta.FAMILY,
    "xlm-roberta": roberta.XLM,
    "camembert": roberta.CAMEMBERT,
    "distilbert": distilbert.FAMILY,
    "electra": electra.FAMILY,
    "mpnet": mpnet.FAMILY,
    "gpt2": gpt2.FAMILY,
    "llama": llama.FAMILY,
    "mistral": mistral.FAMILY,
    "qwen2": qwen2.FAMILY,
    "qwen3": qwen3.FAMILY,
    "phi3": phi3.FAMILY,
    "smollm3": smollm3.FAMILY,
    "granite": granite.FAMILY,
    "olmo2": olmo2.FAMILY,
    "stablelm": stablelm.FAMILY,
    "t5": t5.FAMILY,
    "mt5": mt5.FAMILY,
    "umt5": umt5.FAMILY,
    "marian": marian.FAMILY,
    "bart": bart.FAMILY,
    "mbart": mbart.FAMILY,
    "pegasus": pegasus.FAMILY,
    "m2m_100": m2m_100.FAMILY,
    "glassformer": study.FAMILY,
}
KEYS = {kind: family.keys for kind, family in FAMILIES.items()} | {"gguf": llama_gguf.KEYS}
