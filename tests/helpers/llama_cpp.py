"""llama.cpp's own tokenizer on a vocabulary of ours: a tiny model around a GGUF header."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from random import Random

import gguf
import numpy as np

from core.models.tokenizer import byte_letters

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
PARTS = ("a", "b", "c", "a", "b", "ca", " ", "  ", "é", "漢", "<", ">", "▁", "\n", "\r\n", "\0",
         ".!", "'s", "'S", "12345", "<s>", "</s>", "<unk>", "<|im_end|>", "<0x41>")  # fmt: skip


def write_vocabulary(path: Path, header: dict) -> Path:
    """A Llama of one layer, all weights zero, with this tokenizer: tokenizer.ggml.… -> value."""
    writer, V, D = gguf.GGUFWriter(path, "llama"), len(header["tokenizer.ggml.tokens"]), 32
    writer.add_context_length(256), writer.add_embedding_length(D), writer.add_block_count(1)
    writer.add_feed_forward_length(D), writer.add_head_count(1), writer.add_layer_norm_rms_eps(1e-5)
    for key, value in header.items():
        add = {
            bool: writer.add_bool,
            str: writer.add_string,
            int: writer.add_uint32,
            list: writer.add_array,
        }
        add[type(value)](key, value)
    shapes = {
        "token_embd.weight": (V, D),
        "output_norm.weight": (D,),
        "blk.0.attn_norm.weight": (D,),
        "blk.0.ffn_norm.weight": (D,),
    } | {
        f"blk.0.{name}.weight": (D, D)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    }
    for name, shape in shapes.items():
        writer.add_tensor(name, np.zeros(shape, np.float32))
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file()
    writer.close()
    return path


def llama_cpp_ids(path: Path, texts: list[str], special: bool = True) -> list[list[int]]:
    """The ids of each text as llama.cpp cuts it, with special tokens that are typed read as such.

    special: with the tokens that the header asks for at the beginning and the end.
    """
    server = server_of(path)

    def ask(text: str) -> list[int]:
        question = {"content": text, "add_special": special, "parse_special": True}
        return answer(server, "tokenize", question)["tokens"]

    return [ask(text) for text in texts]


def server_of(path: Path):
    """A server of llama.cpp that has loaded that file, and computes in float32."""
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path, options.n_ctx, options.warmup = str(path), 256, False
    options.n_parallel = 1
    options.cache_type_k = options.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    options.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return xllamacpp.Server(options)


def answer(server, what: str, question: dict) -> dict:
    """What the server says."""
    call = urllib.request.Request(
        f"{server.listening_address}/{what}",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(call, timeout=60) as given:
        return json.load(given)


def log_probabilities(path: Path, ids_L, n_vocab: int) -> np.ndarray:
    """What llama.cpp gives every word of the vocabulary after these tokens, (V,)."""
    question = {
        "prompt": list(map(int, ids_L)),
        "n_predict": 1,
        "n_probs": n_vocab,
        "cache_prompt": False,
    }
    (next_word,) = answer(server_of(path), "completion", question)["completion_probabilities"]
    found_V = np.full(n_vocab, np.nan)
    for word in next_word["top_logprobs"]:
        found_V[word["id"]] = word["logprob"]
    return found_V


def add_vocabulary(writer, n_vocab: int) -> None:
    """A vocabulary of words that mean nothing: llama.cpp loads no model without one."""
    words = ["<unk>", "<s>", "</s>", *(f"word{i}" for i in range(3, n_vocab))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * n_vocab)
    writer.add_token_types([2, 3, 3] + [1] * (n_vocab - 3))


def log_probs_after(path: Path, ids: list[int]) -> np.ndarray:
    """What llama.cpp expects after those tokens: the logarithm of each token's probability, (V,).
    It keeps keys and values in half precision.
    """
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path, options.n_ctx, options.warmup = str(path), 256, False
    server = xllamacpp.Server(options)
    question = {"prompt": ids, "n_predict": 1, "n_probs": 1 << 16, "temperature": 0}
    call = urllib.request.Request(
        f"{server.listening_address}/completion",
        json.dumps(question | {"cache_prompt": False}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(call, timeout=60) as answer:
        (found,) = json.load(answer)["completion_probabilities"]
    by_id = {each["id"]: each["logprob"] for each in found["top_logprobs"]}
    return np.array([by_id[i] for i in range(len(by_id))])


def vectors_of(path: Path, ids: list[int]) -> np.ndarray:
    """What llama.cpp's encoder leaves of those tokens, (L, D)."""
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path, options.n_ctx, options.warmup = str(path), 64, False
    options.embedding, options.n_parallel = True, 1
    options.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_NONE
    options.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    question = {"content": ids, "embd_normalize": -1}
    (found,) = answer(xllamacpp.Server(options), "embedding", question)
    return np.array(found["embedding"])


# --- vocabularies and texts drawn at random -------------------------------------------------------


def random_text(rng: Random) -> str:
    """A text of the few letters that the vocabularies below know, and of their special tokens."""
    return "".join(rng.choice(PARTS) for _ in range(rng.randint(0, 14)))


def random_pieces(rng: Random) -> dict:
    """A SentencePiece vocabulary: pieces of all kinds, many of the same score."""
    letters = "abc▁é<>"
    pieces = set(rng.sample(letters, rng.randint(1, 7)))
    pieces |= {
        "".join(rng.choices(letters, k=rng.randint(2, 5))) for _ in range(rng.randint(3, 25))
    }
    pieces = rng.sample(sorted(pieces), len(pieces))
    kinds = [rng.choice([1] * 12 + [3, 4, 5] + [6] * (len(piece) > 3)) for piece in pieces]
    scores = [float(rng.choice((0, -1, -2, -3.5, 0.1))) for _ in pieces]
    flags = ("add_space_prefix", "add_bos_token", "add_eos_token")
    return named(
        rng,
        {
            "model": "llama",
            "pre": "default",
            "tokens": ["<unk>", "<s>", "</s>", *pieces, *BYTES],
            "scores": [0.0] * 3 + scores + [0.0] * 256,
            "token_type": [2, 3, 3, *kinds, *[6] * 256],
        },
        flags,
    )


KINDS = ("gpt-2", "smollm", "llama-bpe", "llama3", "llama-v3")
# What one way of cutting a text joins and another does not: letters, digits and signs of all sorts.
SORTS = (
    *(
        "a",
        "b",
        "A",
        "B",
        "aB",
        "AB",
        "é",
        "É",
        "ß",
        "漢",
        "かな",
        "가",
        "ا",
        "।",
        "…",
        "。",
        "ǅ",
        "ªº",
        "①",
    ),
    *(
        "½",
        "1",
        "12",
        "123",
        "1234",
        "٣",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u3000",
        "\u2028",
    ),
    *(
        '.,!?()|~`$+^<=>-_/\\*#@%&[]{};:"',
        "//",
        "'s",
        "'S",
        "'re",
        "'LL",
        "’s",
        "😀",
        "\u0301",
        "ि",
    ),
    *("€", "«", "»", ",", "-", "/", "(", "~"),
)


def any_text(rng: Random) -> str:
    """A text of letters, digits and signs of all sorts."""
    return "".join(rng.choice(SORTS) for _ in range(rng.randint(1, 14)))


def many_merges(rng: Random, cut: str) -> dict:
    """A byte-level vocabulary that joins most of what stands together, unless it is cut apart."""
    header, letter_of = random_merges(rng, (cut,)), {b: c for c, b in byte_letters().items()}
    tokens, kinds = header["tokenizer.ggml.tokens"], header["tokenizer.ggml.token_type"]
    merges = dict.fromkeys(header["tokenizer.ggml.merges"])
    for _ in range(400):
        first, *rest = (letter_of[b] for b in (rng.choice(SORTS) + rng.choice(SORTS)).encode())
        for letter in rest:
            merges[f"{first} {letter}"] = None
            first += letter
            if first not in tokens:
                tokens.append(first), kinds.append(1)
    return header | {"tokenizer.ggml.merges": [*merges]}


def random_merges(rng: Random, cuts: tuple[str, ...] = KINDS) -> dict:
    """A byte-level vocabulary: a few merges, words that no merge makes, tokens of all kinds."""
    tokens, merges = [*byte_letters()], []
    for _ in range(rng.randint(2, 30)):
        left, right = (
            rng.choice(rng.choice((tokens[256:] or ["a"], "abcĠ1'sÃ©Ċ"))) for _ in range(2)
        )
        if left + right not in tokens and len(left + right) < 9:
            tokens.append(left + right)
        merges += [f"{left} {right}"] if left + right in tokens else []
    tokens += [
        token
        for token in ("Ġab", "cab", "<s>", "</s>", "<unk>", "<|im_end|>")
        if token not in tokens
    ]
    kinds = [1] * 256 + [rng.choice([1] * 8 + [2, 3, 5]) for _ in tokens[256:]]
    return named(
        rng,
        {
            "model": "gpt2",
            "pre": rng.choice(cuts),
            "tokens": tokens,
            "merges": merges,
            "token_type": kinds,
        },
        ("add_bos_token", "add_eos_token"),
    )


def named(rng: Random, header: dict, flags: tuple[str, ...]) -> dict:
    """The header's keys in full, and some of the flags and signs that a file may leave out."""
    header |= {flag: rng.random() < 0.5 for flag in flags if rng.random() < 0.5}
    header |= {
        f"{sign}_token_id": rng.randrange(len(header["tokens"]))
        for sign in ("bos", "eos")
        if rng.random() < 0.4
    }
    return {f"tokenizer.ggml.{key}": value for key, value in header.items()}
