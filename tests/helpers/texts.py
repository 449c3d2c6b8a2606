"""Texts of all kinds with their token ids, and SentencePiece models trained on them."""

from __future__ import annotations

import json

import numpy as np
import sentencepiece

from core.models import tokenizer
from tests.helpers.tiny import GOLDEN

# A sentence of 250 characters
LONG = " ".join(
    "the river bank was quiet and the old man sat there with his dog until it rained".split() * 4
)[:250]
T5_IDS = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}


def stored() -> tuple[list[str], dict[str, list[list[int]]]]:
    """The texts, and for each model the ids of each of them."""
    with np.load(GOLDEN / "tokens.npz") as file:
        lists = {
            name: np.split(
                file[name].astype(int), np.cumsum(file[f"{name}_lengths"].astype(int))[:-1]
            )
            for name in ("minilm", "smollm2")
        }
        return json.loads(str(file["texts"])), {
            name: [ids.tolist() for ids in found] for name, found in lists.items()
        }


def trained(folder, name: str = "m", **options) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece model trained on the stored texts, in a file of that name."""
    texts = [text for text in stored()[0] if printable(text)]
    (folder / "texts").write_text("\n".join(texts))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"),
        model_prefix=str(folder / name),
        vocab_size=900,
        minloglevel=2,
        character_coverage=0.98,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.model"))


def printable(text: str) -> bool:
    return bool(text) and not any(ord(c) < 32 or c in "\u2028\x85\x7f" for c in text)


def header(**more) -> dict:
    """A small byte-level vocabulary: all bytes, and “the” in two merges."""
    tokens = [*tokenizer.byte_letters(), "th", "the", "Ġthe", "<s>"]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": ["t h", "th e", "Ġ the"],
        "tokenizer.ggml.bos_token_id": len(tokens) - 1,
        "tokenizer.ggml.token_type": [1] * (len(tokens) - 1) + [3],
    } | {f"tokenizer.ggml.{key}": value for key, value in more.items()}
