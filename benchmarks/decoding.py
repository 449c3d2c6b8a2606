"""How fast does a model write? With the key/value cache and every value kept, against reading the
whole text anew for each token, and against `generate` of transformers and llama.cpp, that on the
file as it is and on the same numbers in float32.

    python benchmarks/decoding.py [--rounds 3] [--tokens 48]

One run, the same number of threads on every side, the sides in turn with pauses, as in
benchmarks/forward.py. Printed are tokens a second (medians) and their ratios; only the ratios mean
something on another machine. All sides write the same tokens, always the likeliest; where they
don't, it says so: llama.cpp computes with the file's quantised weights and rounds the activations,
too. What is not installed (requirements-reference.txt) is left out.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.forward import PAUSE, THREADS, reference_model  # noqa: E402
from core import load  # noqa: E402
from core.decoding.greedy import greedy  # noqa: E402
from core.models.catalogue import find  # noqa: E402
from core.models.generation_rules import Decoding  # noqa: E402

TEXTS = {
    "study-decoder": "The books that the student recommended",
    "smollm2": "The cat sat on the mat. The cat",
}
NO_END = Decoding()  # all sides write as many tokens as were asked for


def cached(model, ids: list[int], longest: int) -> list[int]:
    """The new token alone, all its values kept."""
    return list(greedy(model.config, model.weights, ids, longest, NO_END, keep="all"))


def anew(model, ids: list[int], longest: int) -> list[int]:
    """The whole text for each token, all values kept."""
    text = list(ids)
    while len(text) < longest:
        text.append(int(model.trace(ids_L=text, rows=-1)["head.logits"][0].argmax()))
    return text[len(ids) :]


def by_transformers(name: str) -> Callable | None:
    """`generate`, with its own cache; None where it is not installed or has no such model."""
    model = reference_model(name) if name != "study-decoder" else None
    if model is None:
        return None
    import torch

    def write(_, ids: list[int], longest: int) -> list[int]:
        options = {"max_length": longest, "min_length": longest, "do_sample": False}
        with torch.inference_mode():
            return model.generate(torch.tensor([ids]), **options)[0].tolist()[len(ids) :]

    return write


def by_llama_cpp(path: Path) -> Callable | None:
    """llama.cpp on a file; None where it is not installed, or the model is no such file."""
    if path.suffix != ".gguf":
        return None
    try:
        import xllamacpp
    except ImportError:
        return None
    options = xllamacpp.CommonParams()
    options.model.path, options.n_ctx, options.n_parallel = str(path), 512, 1
    options.cpuparams.n_threads = int(THREADS)
    server = xllamacpp.Server(options)

    def write(model, ids: list[int], longest: int) -> list[int]:
        asked = {"prompt": ids, "n_predict": longest - len(ids), "temperature": 0, "top_k": 1}
        made = server.handle_completions(asked | {"ignore_eos": True, "cache_prompt": False})
        text = model.tokenizer.decode(ids) + made["choices"][0]["text"]
        return model.ids(text).tolist()[len(ids) :]

    return write


def in_float32(path: Path, to: Path) -> Path:
    """A copy of a GGUF file whose weights are all stored as float32."""
    import gguf

    source = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(to, source.fields["general.architecture"].contents())
    for name, field in source.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            kind, *of = field.types
            writer.add_key_value(name, field.contents(), kind, of[0] if of else None)
    for tensor in source.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to


def others(name: str, folder: Path) -> dict[str, Callable]:
    """The sides that are not ours, as far as they are installed and have this model."""
    path, sides = find(name), {"transformers": by_transformers(name)}
    if sides["transformers"] and path.suffix == ".gguf":
        sides["llama.cpp"] = by_llama_cpp(path)
        sides["llama.cpp float32"] = by_llama_cpp(in_float32(path, folder / "float32.gguf"))
    return {side: write for side, write in sides.items() if write}


def timed(sides: dict[str, Callable], arguments: tuple, rounds: int) -> dict[str, tuple]:
    """For each side the tokens it writes, and the median of seconds; a first round is not
    counted.
    """
    times: dict[str, list] = {name: [] for name in sides}
    written: dict[str, list[int]] = {}
    for number in range(rounds + 1):
        for name, write in sides.items():
            time.sleep(PAUSE)
            begun = time.perf_counter()
            written[name] = write(*arguments)
            if number:
                times[name].append(time.perf_counter() - begun)
    return {name: (written[name], statistics.median(times[name])) for name in sides}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=48)
    asked = parser.parse_args()
    for name, text in TEXTS.items():
        model = load(name)
        ids = model.ids(text).tolist()
        with tempfile.TemporaryDirectory() as folder:
            sides = {"cached": cached, "anew": anew} | others(name, Path(folder))
            found = timed(sides, (model, ids, len(ids) + asked.tokens), asked.rounds)
        first = found["cached"]
        for side, (tokens, seconds) in found.items():
            same = "" if tokens == first[0] else "   other tokens"
            print(
                f"{name:15}{side:19}{len(tokens) / seconds:8.1f} tokens/s"
                f"{first[1] / seconds:8.2f} × cached{same}",
                flush=True,
            )


if __name__ == "__main__":
    main()
