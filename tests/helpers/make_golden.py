"""Writes tests/golden: what `transformers` computes, so that the tests run where it is not
installed.

    python -m tests.helpers.make_golden            # all of it
    python -m tests.helpers.make_golden bert gpt2  # some: a family of tests/helpers/tiny.py,
                                                   # "beams", "buckets", "cuts", "gradients",
                                                   # "keys", "minilm", "smollm2", "tokens", or a
                                                   # study model,
                                                   # after it was trained: study-encoder …

Needs requirements-reference.txt; the two real models come from the catalogue (python -m core.models
fetch …).
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from core.forward_pass import forward
from core.models import catalogue
from core.models.weights import read_folder
from tests.helpers import beams as beam_cases
from tests.helpers import llama_cpp, reference, tiny
from tests.helpers.gradients import by_torch, sample, some_given

# For the real models: English, a chat, other scripts, code, digits, spaces, and one sentence twice
# as long as the rest.
SENTENCES = (
    "The book that the student recommended is",
    "The animal didn't cross the street because it was too tired.",
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "def add(a, b):\n    return a + b\n\nprint(add(2, 40))",
    "In 1969, 3.14159 metres and 12,345 kilograms were",
    "Où est la bibliothèque ? Elle est près de l'église.",
    "Привет, как дела? 你好，世界",
    "the the the the the the the the",
    "   two   spaces\tand a tab 🙂",
    (
        "Once upon a time, in a small village at the foot of a tall mountain, there lived an old"
        " clockmaker who had never once been late, until the morning on which"
    ),
)
LOVELY = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
SEED, GRID = 23, 2.0**-9


def family(name: str) -> None:
    """One tiny model with every case of its masks."""
    model, inputs = reference.build(name, SEED, GRID)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "config.json").read_text())
        tensors = load_file(Path(folder) / "model.safetensors")
    cases = {
        case: (mask, reference.run(model, inputs, mask))
        for case, mask in reference.cases(inputs, SEED, name).items()
    }
    tiny.write_golden(name, config, tensors, inputs, cases)


def gradients() -> None:
    """What PyTorch has as gradients of the first families' models: some cells of each step and of
    each tensor.
    """
    found = {}
    for name in tiny.FAMILIES:
        inputs, rng = tiny.golden(name).inputs, np.random.default_rng(SEED)
        with tempfile.TemporaryDirectory() as folder:
            path = tiny.golden(name).write(Path(folder) / name)
            model, run = reference.from_folder(path), read_folder(path, np.float64)
        trace = forward(*run, **inputs)
        asked = [{"given": some_given(trace)}, {"targets": {0: 3, 2: 1}}]
        found[name] = []
        for each in asked[: 1 + bool(trace.config.head)]:
            loss, steps, weights = by_torch(model, inputs, each)
            steps = {step: g for step, g in steps.items() if g.any()}
            weights = {key: weights[key] for key in tiny.golden(name).tensors if key in weights}
            cells = {"steps": sample(steps, rng), "weights": sample(weights, rng)}
            found[name].append({"asked": next(iter(each)), "loss": loss} | cells)
    (tiny.GOLDEN / "gradients.json").write_text(json.dumps(found) + "\n")


def buckets() -> None:
    """T5's bucket for every distance m - l from -600 to 600, with the published 32 buckets up to
    128.
    """
    distance = reference.torch.arange(-600, 601)
    np.savez_compressed(
        tiny.GOLDEN / "buckets.npz",
        distance=distance.numpy(),
        **{
            side: (
                reference.modeling_t5.T5Attention._relative_position_bucket(
                    distance, both_ways, 32, 128
                ).numpy()
            )
            for side, both_ways in (("encoder", True), ("decoder", False))
        },
    )


def keys() -> None:
    """Every key that the families' config classes of `transformers` have a place for."""
    found = {kind: reference.config_keys(kind) for kind in reference.CONFIGS}
    (tiny.GOLDEN / "keys.json").write_text(json.dumps(found, indent=1) + "\n")


def beams() -> None:
    """What beam search finds on tiny models."""
    with tempfile.TemporaryDirectory() as folder:
        found = {str(case): beam_cases.generated(case, Path(folder)) for case in beam_cases.CASES}
    beam_cases.FILE.write_text(json.dumps(found) + "\n")


def smollm2() -> None:
    """SmolLM2 in float64 on ten sentences: a fixed sample of logits and hidden states, all logits
    of the last token.
    """
    path = catalogue.resolve("smollm2")
    model, rng = reference.pretrained(path, reference.torch.float64), np.random.default_rng(SEED)
    tokenizer = digits_split(path)
    columns = rng.choice(model.config.vocab_size, 300, replace=False)
    kept = {"sentences": np.array(SENTENCES), "columns": np.sort(columns)}
    for index, sentence in enumerate(SENTENCES):
        ids_L = np.array(tokenizer.encode(sentence).ids)
        steps = reference.run(model, {"ids_L": ids_L})
        # Logits in steps of 1e-4, as whole numbers: a third of the size, and finer than the
        # tolerance of the test.
        logits_LV = np.round(steps["head.logits"] * 1e4).astype(np.int32)
        values = {
            "ids_L": ids_L,
            "last_V": logits_LV[-1],
            "logits_LC": logits_LV[:, kept["columns"]],
        }
        kept |= {
            f"{index}/{name}": value
            for name, value in (values | sampled(steps, rng, np.float32)).items()
        }
    np.savez_compressed(tiny.GOLDEN / "smollm2.npz", **kept)


def sampled(steps: dict, rng, dtype) -> dict:
    """Of every hidden state: 8 columns, the one with the largest value among them; of every map:
    the last row.
    """
    hidden = {
        name: value
        for name, value in steps.items()
        if re.fullmatch(r"(en|de)coder\.(\w+\.)?out", name)
    }
    hidden_SLD = np.stack(list(hidden.values()))
    columns_SC = np.stack(
        [
            np.append(
                rng.choice(hidden_LD.shape[1], 7, replace=False), abs(hidden_LD).max(0).argmax()
            )
            for hidden_LD in hidden_SLD
        ]
    )
    last_NHM = np.stack([value[:, -1] for name, value in steps.items() if name.endswith("pattern")])
    return {
        "names": np.array(list(hidden)),
        "columns_SC": columns_SC,
        "last_NHM": last_NHM.astype(dtype),
        "hidden_SLC": np.take_along_axis(hidden_SLD, columns_SC[:, None], -1).astype(dtype),
        "largest_SL": abs(hidden_SLD).max(-1).astype(dtype),
    }


def digits_split(path: Path):
    """The tokenizer as SmolLM2 was trained: `transformers` reads it from GGUF but forgets to split
    digits first.
    """
    from tokenizers import pre_tokenizers

    tokenizer = reference.transformers.AutoTokenizer.from_pretrained(
        path.parent, gguf_file=path.name
    )
    steps = [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return tokenizer.backend_tokenizer


def minilm() -> None:
    """MiniLM in float64 on the three published sentences and one more: the same samples, kept in
    float64.
    """
    folder = catalogue.resolve("minilm")
    model, rng = reference.pretrained(folder, reference.torch.float64), np.random.default_rng(SEED)
    tokenizer = reference.transformers.AutoTokenizer.from_pretrained(folder)
    kept = {"sentences": np.array((*LOVELY, SENTENCES[1]))}
    for index, sentence in enumerate(kept["sentences"].tolist()):
        ids_L = np.array(tokenizer(sentence).input_ids)
        steps = reference.run(model, {"ids_L": ids_L, "segments_L": np.zeros_like(ids_L)})
        values = {"ids_L": ids_L} | sampled(steps, rng, np.float64)
        kept |= {f"{index}/{name}": value for name, value in values.items()}
    np.savez_compressed(tiny.GOLDEN / "minilm.npz", **kept)


# --- tokens: the texts are put together from these, by a seed -------------------------------------

TEXTS = 1200
SCRIPTS = (
    "The quick brown fox can't jump",
    "Ærøskøbing naïve façade Zürich Łódź",
    "Привет мир ёлка",
    "你好世界 漢字かな交じり",
    "नमस्ते दुनिया",
    "مرحبا بالعالم שלום",
    "สวัสดีชาวโลก",
    "안녕하세요 세계",
    "Γειά σου Κόσμε",
    "ℝ∀x∃y≤∞√π ⅷⅯ½⅓ﬁﬂ",
)
SIGNS = (
    "٠١٢٣٤٥٦٧٨٩",
    "०१२३४५६७८९",
    "²³¹①⑳Ⅷↈ",
    "0123456789",
    ".,;:!?…—–-_'\"`´’“”",
    "()[]{}<>|\\/@#$%^&*+=~",
    "\t\n\r\v\f \u00a0\u2003\u3000",
    "\x00\x01\x07\x1b\x7f\x85\u200b\u200d\u200e\u202e\ufeff\ufffd\u2028",
    "e\u0301o\u0308\u0327a\u20dd",
    "🙂👍🏽👩‍👩‍👧🇫🇷🏳️‍🌈☃️",
    "𝐀𝔅𝟘𐍈𓀀🀄",
    "ßİıſǅﬀ",
)
WHOLE = (
    "for i in range(10):\n    print(i ** 2)",
    "if (a<b && !c) { return x->y[0]; }",
    "SELECT * FROM t WHERE a='b';",
    "https://example.org/a?b=c&d=%20#e",
    "[CLS] [SEP] [MASK] [PAD]",
    "<|im_start|>user\nhi<|im_end|>",
    "<|endoftext|>",
    "I'LL we'll they've I'D it's 'tis don’t",
    "a" * 300,
    "1234567890" * 12,
    "    indented\n\t\ttwice\n\n\n",
    "",
    " ",
    "   ",
    "\n",
)


def texts() -> list[str]:
    """Strings of all kinds: the whole ones, then mixtures of words, signs and spaces in any
    order.
    """
    rng, made = np.random.default_rng(SEED), [*WHOLE, *SCRIPTS, *SIGNS, *SENTENCES]
    words = [word for script in SCRIPTS for word in script.split(" ")]
    while len(made) < TEXTS:
        parts = []
        for _ in range(rng.integers(1, 12)):
            letters = SIGNS[rng.integers(len(SIGNS))]
            run = "".join(letters[i] for i in rng.integers(len(letters), size=rng.integers(1, 4)))
            parts += [
                (words[rng.integers(len(words))], run, str(rng.integers(10**6)))[rng.integers(3)],
                ("", " ", " ", "  ")[rng.integers(4)],
            ]
        made.append("".join(parts))
    return made


def tokens() -> None:
    """The token ids of 1,200 texts: MiniLM's by `transformers`, SmolLM2's by llama.cpp from the
    same GGUF.
    """
    tokenizer = reference.transformers.AutoTokenizer.from_pretrained(catalogue.resolve("minilm"))
    lists = {
        "minilm": [tokenizer(text).input_ids for text in texts()],
        "smollm2": by_llama_cpp(texts()),
    }
    kept = {name: np.concatenate(ids).astype(np.uint16) for name, ids in lists.items()}
    kept |= {
        f"{name}_lengths": np.array(list(map(len, ids)), np.uint16) for name, ids in lists.items()
    }
    np.savez_compressed(tiny.GOLDEN / "tokens.npz", texts=np.array(json.dumps(texts())), **kept)


def by_llama_cpp(texts: list[str]) -> list[list[int]]:
    """The ids that llama.cpp's own tokenizer gives, without a first sign and with special signs
    read as such.
    """
    return llama_cpp.llama_cpp_ids(catalogue.resolve("smollm2"), texts, special=False)


def cuts() -> None:
    """What llama.cpp makes of a few texts with random vocabularies of both kinds."""
    found = []
    for seed in range(12):
        rng = random.Random(seed)
        header = (llama_cpp.random_pieces, llama_cpp.random_merges)[seed % 2](rng)
        texts = [llama_cpp.random_text(rng) for _ in range(12)]
        with tempfile.TemporaryDirectory() as folder:
            path = llama_cpp.write_vocabulary(Path(folder) / "model.gguf", header)
            ids = llama_cpp.llama_cpp_ids(path, texts)
        found.append({"header": header, "texts": texts, "ids": ids})
    np.savez_compressed(tiny.GOLDEN / "cuts.npz", cases=np.array(json.dumps(found)))


def study(name: str) -> None:
    """Every step of a shipped study model on a short sentence, by the PyTorch model that was
    trained, in float64.
    """
    from tests.helpers.trained import restore
    from training import networks

    ids = tiny.STUDY_IDS if name == "study-translator" else tiny.STUDY_IDS[:1]
    steps = networks.record(restore(catalogue.MODELS / name).double(), *ids)
    np.savez_compressed(
        tiny.GOLDEN / f"{name}.npz", **{step: value.numpy() for step, value in steps.items()}
    )


def main(names: list[str]) -> None:
    tiny.GOLDEN.mkdir(exist_ok=True)
    jobs = (
        {name: lambda name=name: family(name) for name in tiny.EVERY}
        | {name: lambda name=name: study(name) for name in tiny.STUDY}
        | {
            "beams": beams,
            "buckets": buckets,
            "gradients": gradients,
            "keys": keys,
            "minilm": minilm,
            "smollm2": smollm2,
            "tokens": tokens,
            "cuts": cuts,
        }
    )
    for name in names or jobs:
        jobs[name]()
        size = sum(path.stat().st_size for path in tiny.GOLDEN.glob(f"{name}.*"))
        print(f"{name}: {size / 1000:.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
