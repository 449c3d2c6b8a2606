"""What does it cost that a tokenizer from elsewhere is first used in a process of its own?

    python benchmarks/first_use.py [--rounds 5]

Reads tokenizers as a model does (core/models/any_tokenizer.py): those of a study model, of MiniLM
and of SmolLM2, where they are on this machine, and two made on the spot: one like GPT-2's, with
50,257 pieces and 50,000 merges, and the same with a pattern of its own, which is not plain. Seconds
of processor time, of this process and of those that it started, medians of the rounds, in an empty
cache.

unchecked   reading it, and nothing else
first       the first time: in the other process, then here
later       every other time: the SHA-256 of its files is compared
text        a new text (milliseconds of wall-clock time); where a rule is not plain, the other
            process cuts it first
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tokenizers import Regex, pre_tokenizers  # noqa: E402  (after the path)

from core.models import any_tokenizer, catalogue, first_use, gguf_tokenizer  # noqa: E402
from core.models.gguf import open_gguf  # noqa: E402
from tests.helpers.tokenizer_files import gpt2, write  # noqa: E402

MERGES = 50_000
OWN_PATTERN = r"\p{L}+| ?[^\s\p{L}]+|\s+(?!\S)|\s"


def like_gpt2(folder: Path, pattern: str = "") -> Path:
    """A folder with a byte-level vocabulary of GPT-2's size. pattern: of its own."""
    library = gpt2()
    if pattern:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        spelling = pre_tokenizers.ByteLevel(False, use_regex=False)
        library.pre_tokenizer = pre_tokenizers.Sequence([split, spelling])
    write(folder, "gpt2", {"tokenizer_class": "TokenizersBackend"}, library)
    whole = json.loads((folder / "tokenizer.json").read_text())
    vocab, merges = whole["model"]["vocab"], whole["model"]["merges"]
    for left, right in product(list(vocab), repeat=2):
        if len(merges) == MERGES:
            break
        if left + right not in vocab and not set("<|>") & set(left + right):
            vocab[left + right] = len(vocab)
            merges.append([left, right])
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    return folder


def seconds(work: Callable[[], object]) -> float:
    """The processor time that it takes."""
    began = sum(os.times()[:4])  # in this process and in others that have ended
    work()
    return sum(os.times()[:4]) - began


def median(work: Callable[[], object], rounds: int) -> float:
    """The median of so many rounds."""
    return statistics.median(seconds(work) for _ in range(rounds))


def row(name: str, read: Callable, unchecked: Callable, rounds: int) -> None:
    """Measures and prints one tokenizer."""
    alone = median(unchecked, rounds)
    firsts = []
    for _ in range(rounds):
        os.environ["GLASSFORMER_CACHE"] = tempfile.mkdtemp()
        first_use._seen.clear()
        firsts.append(seconds(read))
    first, later = statistics.median(firsts), median(read, rounds)
    found = read().source
    found.encode("The first text starts what it needs.")
    began = time.perf_counter()
    for number in range(50):
        found.encode(f"The book is expensive, number {number}.")
    text = (time.perf_counter() - began) / 50
    print(f"{name:<28}{alone:>10.2f}{first:>10.2f}{later:>10.2f}{1e3 * text:>10.2f}", flush=True)


def in_folder(name: str, folder: Path, family: str, rounds: int) -> None:
    """Measures the tokenizer of a folder."""
    given = folder, family, 1 << 16
    row(
        name,
        lambda: any_tokenizer.tokenizers_in(*given),
        lambda: any_tokenizer.read_tokenizers(*given),
        rounds,
    )


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    places = {name: catalogue.find(name) for name in ("study-decoder", "minilm", "smollm2")}
    print(f"{'':<28}{'unchecked':>10}{'first':>10}{'later':>10}{'text, ms':>10}")
    in_folder("study-decoder (ours)", catalogue.embedded("study-decoder"), "study", rounds)
    with tempfile.TemporaryDirectory() as home:
        in_folder("like GPT-2", like_gpt2(Path(home) / "a"), "GPT-2", rounds)
        own = like_gpt2(Path(home) / "b", OWN_PATTERN)
        in_folder("with a pattern of its own", own, "GPT-2", rounds)
    if places["minilm"]:
        in_folder("MiniLM", places["minilm"], "BERT", rounds)
    if file := places["smollm2"]:
        metadata, _ = open_gguf(file)
        row(
            "SmolLM2 (GGUF)",
            lambda: any_tokenizer.tokenizer_in_gguf(file, metadata),
            lambda: any_tokenizer.Tokenizers(gguf_tokenizer.from_gguf(metadata)),
            rounds,
        )


if __name__ == "__main__":
    main()
