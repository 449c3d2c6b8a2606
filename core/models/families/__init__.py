"""The families that can be read, one file each: its config's keys, its tensors' names, its layout.

A folder says in config.json which of FAMILIES it is ("model_type"). docs/models.md says how to add
one.
"""

from core.models.families import bert, gpt2, llama, llama_gguf, marian, study, t5

FAMILIES = {
    "bert": bert.FAMILY,
    "gpt2": gpt2.FAMILY,
    "llama": llama.FAMILY,
    "t5": t5.FAMILY,
    "marian": marian.FAMILY,
    "glassformer": study.FAMILY,
}
KEYS = {kind: family.keys for kind, family in FAMILIES.items()} | {"gguf": llama_gguf.KEYS}
