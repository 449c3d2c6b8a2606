"""A model of transformers in TransformerLens, for tests that compare with it."""

from __future__ import annotations


def bridge(model, folder):
    """The model of a folder in TransformerLens, in float64. It wants a tokenizer, and gets one
    whose pieces are the ids.
    """
    import torch
    from tokenizers import Tokenizer, models
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import PreTrainedTokenizerFast

    pieces = {str(i): i for i in range(model.config.vocab_size)}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(pieces, "0")),
        bos_token="1",
        eos_token="2",
        pad_token="3",
    ).save_pretrained(folder)
    return TransformerBridge.boot_transformers(
        str(folder), hf_model=model, dtype=torch.float64, device="cpu"
    )
