"""Stand-ins for the study models: their config and tokenizer in small, with random weights. The
real ones are trained.

    python -m tests.helpers.study FOLDER        writes study-encoder, study-decoder and
                                                study-translator there, at their full width
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from core.config import Config, weight_shapes

ROOT = Path(__file__).resolve().parents[2]
SIGNS = ("[PAD]", "[UNK]", "[START]", "[END]", "[MASK]")
WORDS = (
    "the a this that these those he she it they her his who is are was were not and but because in"
    " on with of to . , ? king queen book books student students teacher key keys boy girl man"
    " woman letter door house dog cat friend river recommended expensive old new red found read"
    " opened saw likes sleeps sleep lost on table"
).split()
FRENCH = "le la les livre étudiant que a est cher chère .".split()
LAYERS = {"study-encoder": (4, 0), "study-decoder": (0, 4), "study-translator": (4, 4)}
AROUND = {
    "study-encoder": "[START] $A [END]",
    "study-decoder": "[START] $A",
    "study-translator": "$A [END]",
}


def config_of(name: str, n_vocab: int, **changed) -> Config:
    """The config of a study model; small by default."""
    encoder, decoder = LAYERS[name]
    small = {"d_model": 10, "n_heads": 5, "n_kv_heads": 5, "d_head": 2, "d_mlp": 12}
    both = {"start_id": 2} if encoder and decoder else {}
    return Config(
        **{
            "family": "Study",
            "encoder_layers": min(encoder, 2),
            "decoder_layers": min(decoder, 2),
            "n_vocab": n_vocab,
            "n_positions": 128,
            "positions": "sinusoid",
            "norm": "layer",
            "norm_at": "after",
            "norm_eps": 1e-5,
            "activation": "relu",
            "head": "linear",
            "score_scale": 0.5,
            "embed_scale": 10.0,
            "end_id": 3,
        }
        | small
        | both
        | changed
    )


def tokenizer_of(name: str) -> Tokenizer:
    """Whole words, some pieces and letters; capitals do not count."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    french = FRENCH if name == "study-translator" else ()
    vocabulary = dict.fromkeys(
        [*SIGNS, *WORDS, *alphabet, "ba", *(f"##{letter}" for letter in alphabet), *french]
    )
    ids = {word: i for i, word in enumerate(vocabulary)}
    library = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    library.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    library.add_special_tokens(list(SIGNS))
    library.post_processor = processors.TemplateProcessing(
        single=AROUND[name], special_tokens=[(sign, ids[sign]) for sign in ("[START]", "[END]")]
    )
    return library


def weights_of(config: Config, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights in float16 under our own names: one table for all, no position table, no bias
    of the head.
    """
    chance, tensors = np.random.default_rng(seed), {}
    for name, shape in weight_shapes(config).items():
        if ".embed." in name or name == "head.logits.bias":
            continue
        size = 0.1 if name.startswith("head") else shape[0] ** -0.5
        value = chance.normal(0, size, shape) + (1.0 if "norm.weight" in name else 0.0)
        tensors[name] = value.astype(np.float16)
    return tensors


def write_study(
    folder: Path, name: str, tensors: dict | None = None, seed: int = 0, **changed
) -> Path:
    """Writes the folder of a study model and returns it. changed: fields of its config."""
    (at := folder / name).mkdir(parents=True, exist_ok=True)
    library = tokenizer_of(name)
    config = config_of(name, library.get_vocab_size(), **changed)
    (at / "config.json").write_text(json.dumps({"model_type": "glassformer"} | asdict(config)))
    save_file(weights_of(config, seed) if tensors is None else tensors, at / "model.safetensors")
    library.save(str(at / "tokenizer.json"))
    return at


if __name__ == "__main__":
    for model in LAYERS:
        encoder, decoder = LAYERS[model]
        print(
            write_study(
                Path(sys.argv[1]),
                model,
                encoder_layers=encoder,
                decoder_layers=decoder,
                d_model=100,
                d_head=20,
                d_mlp=400,
                score_scale=20**-0.5,
            )
        )
