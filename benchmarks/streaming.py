"""Does a model run that is larger than the memory it may take? And how much do long texts take?

    python benchmarks/streaming.py [--layers 8] [--tokens 64] [--folder DIR] [--long 1024]

Makes a Llama on the spot, in bfloat16 and several files: sparse ones, in which only a few rows of
each matrix are written and the rest are zeros that take no disk. It is larger than what a process
of its own may take: RLIMIT_DATA is set to what that process has with NumPy started, 1.5 times the
largest layer in float32, and the trace. RLIMIT_DATA counts what a program writes to (its heap and
its arrays) and not the pages of mapped files, which the kernel drops when memory is short and reads
again; RLIMIT_AS would count the whole file as soon as it is mapped. The process runs the model,
then looks at one layer again, number by number. The same limit stops the model when it is not
streamed, which shows that the limit holds. All is removed afterwards.

Then SmolLM2, if it is on this machine, reads --long tokens, as it is loaded by itself and streamed.

limit       megabytes that may be written to, beyond NumPy's own
peak        the most that was: anonymous pages in memory (RssAnon), looked up every few milliseconds
resident    the most that was in memory with all pages of mapped files (VmHWM)
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from core import GlassError, load  # noqa: E402
from core.models.catalogue import find  # noqa: E402
from core.models.streaming import largest_layer, nbytes_of_all  # noqa: E402

LARGE = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
WRITTEN = 64  # rows of each matrix that are not zero
SLACK = 48 << 20  # for what NumPy and the conversion keep beside arrays


# --- a model of sparse files ----------------------------------------------------------------------


def shapes_in_file(config: dict) -> dict[str, tuple[int, ...]]:
    """The tensors of a Llama, as PyTorch keeps them: (out, in)."""
    D, F, V = (config[key] for key in ("hidden_size", "intermediate_size", "vocab_size"))
    narrow = D // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": (V, D), "model.norm.weight": (D,)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{x}_proj.weight": (D, D) for x in "qo"}
        shapes |= {f"{at}.self_attn.{x}_proj.weight": (narrow, D) for x in "kv"}
        shapes |= {f"{at}.mlp.{x}_proj.weight": (F, D) for x in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (D, F)}
        shapes |= {f"{at}.{x}_layernorm.weight": (D,) for x in ("input", "post_attention")}
    return shapes | {"lm_head.weight": (V, D)}


def write_sparse(folder: Path, config: dict, files: int = 3) -> int:
    """The model's folder; gives the bytes that its files claim."""
    (folder / "config.json").write_text(json.dumps(config))
    shapes, draw, places, total = shapes_in_file(config), np.random.default_rng(0), {}, 0
    for nth in range(files):
        name = f"model-{nth + 1:05}-of-{files:05}.safetensors"
        some = dict(list(shapes.items())[nth::files])
        places |= dict.fromkeys(some, name)
        total += write_shard(folder / name, some, draw)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return total


def write_shard(path: Path, shapes: dict, draw: np.random.Generator) -> int:
    """One file of the model: its header, a few rows of each tensor, and holes; gives its size."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            file.seek(8 + len(text) + header[name]["data_offsets"][0])
            file.write(rows_drawn(shape, draw))
        file.truncate(8 + len(text) + end)
    return 8 + len(text) + end


def rows_drawn(shape: tuple[int, ...], draw: np.random.Generator) -> bytes:
    """The first rows of a matrix, or a vector of ones, in bfloat16: a float32's upper half."""
    if len(shape) == 1:
        rows = np.ones(shape, np.float32)
    else:
        rows = draw.normal(0, 0.05, (min(WRITTEN, shape[0]), shape[1])).astype(np.float32)
    return (rows.view(np.uint32) >> 16).astype("<u2").tobytes()


# --- a run of its own process ---------------------------------------------------------------------


def status(key: str) -> int:
    """What the kernel says of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) << 10
    raise KeyError(key)


@contextmanager
def watched() -> Iterator[list[int]]:
    """The most anonymous memory that the process has while this lasts, as the list's only item."""
    most, going = [status("RssAnon")], True

    def watch():
        while going:
            most[0] = max(most[0], status("RssAnon"))
            time.sleep(0.003)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        going = False
        thread.join()


def warmed() -> None:
    """Products large enough that the matrix library has taken the memory it works in."""
    for rows in (1, 64, 512):
        assert not (np.zeros((rows, 2048), np.float32) @ np.zeros((2048, 4096), np.float32)).any()


def nbytes_of_trace(config, tokens: int) -> int:
    """What a run that keeps the layers' inputs holds, and the values of one layer looked at: the
    stream, the scores of all heads, the neurons, and logits for one token.
    """
    c, layers = config, config.decoder_layers
    stream = (layers + 14) * tokens * c.d_model
    layer = 5 * c.n_heads * tokens**2 + 6 * tokens * c.d_mlp + 3 * tokens * c.n_heads * c.d_head
    return 4 * (stream + layer + 4 * c.n_vocab)


def run_limited(folder: str, tokens: int, stream: bool) -> dict:
    """Runs the model of a folder under the limit; its figures in bytes and seconds."""
    warmed()
    model = load(folder, stream=True)
    layer, trace = largest_layer(model.config, np.float32), nbytes_of_trace(model.config, tokens)
    before, anonymous = status("VmData"), status("RssAnon")
    limit = layer * 3 // 2 + trace + SLACK
    resource.setrlimit(resource.RLIMIT_DATA, (before + limit, before + limit))
    start = time.perf_counter()
    with watched() as most:
        try:
            model = model if stream else load(folder, stream=False)
            text = model.trace(ids_L=np.arange(tokens) % WRITTEN, keep="layers", rows=-1)
            last = model.config.decoder_layers - 1
            values = text.layer(last)
            assert all(np.isfinite(value).any() for value in values.values())
            done = True
        except MemoryError:
            done = False
    return {
        "done": done,
        "layer": layer,
        "trace": trace,
        "whole": nbytes_of_all(model.config, np.float32),
        "limit": limit,
        "peak": most[0] - anonymous,
        "resident": status("VmHWM"),
        "seconds": time.perf_counter() - start,
    }


def run_long(name: str, tokens: int, stream: bool) -> dict:
    """A text of that many tokens, read by a model of this machine."""
    with watched() as most:
        model = load(name, fetch=False, stream=stream)
        ids_L = np.arange(tokens) * 37 % model.config.n_vocab
        model.trace(ids_L=ids_L, keep="layers", rows=-1).layer(model.config.decoder_layers - 1)
    return {"peak": most[0], "resident": status("VmHWM")}


def in_a_process(*command: object) -> dict:
    """What this script prints of one run, made in a process of its own."""
    words = [sys.executable, __file__, *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GlassError(f"The run failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --- the tables -----------------------------------------------------------------------------------


def large_model(config: dict, tokens: int, folder: str | None = None) -> tuple[int, dict, dict]:
    """The bytes of the files, the figures of the streamed run, and those of the other."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        size = write_sparse(Path(made), config)
        return size, *(in_a_process("--limited", made, tokens, way) for way in (1, 0))


def megabytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / (1 << 20):,.0f}"


def print_large(config: dict, tokens: int, folder: str | None) -> None:
    """The table of the large model."""
    size, streamed, whole = large_model(config, tokens, folder)
    print(
        f"\n{config['num_hidden_layers']} layers, {megabytes(size)} MB of files,"
        f" {megabytes(streamed['whole'])} MB in float32; {tokens} tokens\n"
        f"limit = 1.5 × {megabytes(streamed['layer'])} (largest layer)"
        f" + {megabytes(streamed['trace'])} (trace) + {megabytes(SLACK)} MB\n"
    )
    print(
        "| | done | limit | peak | resident with file pages | seconds |\n|---|---|---|---|---|---|"
    )
    for name, found in {"streamed": streamed, "all in memory": whole}.items():
        done = "yes" if found["done"] else "no: out of memory"
        figures = " | ".join(megabytes(found[key]) for key in ("limit", "peak", "resident"))
        print(f"| {name} | {done} | {figures} | {found['seconds']:.1f} |")


def print_long(tokens: int) -> None:
    """The table of long texts."""
    print(f"\nSmolLM2, {tokens} tokens\n\n| | peak | resident with file pages |\n|---|---|---|")
    for name, stream in {"all in memory": 0, "streamed": 1}.items():
        found = in_a_process("--whole", "smollm2", tokens, stream)
        print(f"| {name} | {megabytes(found['peak'])} | {megabytes(found['resident'])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=LARGE["num_hidden_layers"])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--long", type=int, default=1024)
    parser.add_argument("--folder", help="where the large model is made for a while")
    parser.add_argument("--limited", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--whole", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    for run, words in ((run_limited, given.limited), (run_long, given.whole)):
        if words:
            print(json.dumps(run(words[0], int(words[1]), words[2] == "1")))
            return
    print_large(LARGE | {"num_hidden_layers": given.layers}, given.tokens, given.folder)
    if find("smollm2"):
        print_long(given.long)


if __name__ == "__main__":
    main()
