"""Model files that nobody wrote: small valid ones with something changed, drawn by a seed.

Each function gives a forged file and, in a few words, what was done to it.
"""

from __future__ import annotations

import copy
import json
import struct
from random import Random
from typing import Any

import numpy as np

from core.models import gguf
from tests.helpers.model_files import flipped

NUMBERS = (0, 1, -1, 2, 3, 5, 7, 8, 24, 64, 255, 1 << 16, 1 << 24, 1 << 31, 1 << 32, 1 << 53)
NUMBERS += (1 << 63, (1 << 64) - 1, 1 << 64, -(1 << 63), 10**30, 0.5, -0.5, 2.0, 1e-300, 1e300)
TEXTS = ("", "24", "gelu", "relu", "F32", "\u202e\x1b[31m<b>", "a" * 5000, "\ud800", "../../x")
WRONG = (None, True, False, *NUMBERS, *TEXTS, [], [1], [None, {}], {}, {"a": 1}, [[[]]], [-1, 1e9])
REMOVED = object()


def changed(rng: Random, value: Any) -> Any:
    """Another value: a wrong one, or one that is near."""
    way = rng.random()
    if way < 0.7 or value is None:
        return rng.choice(WRONG)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return rng.choice((value + 1, value - 1, value * 2, value // 2, -value, value + 0.5))
    if isinstance(value, str):
        return rng.choice((value[:-1], value + value, value.upper(), value + "\0"))
    if isinstance(value, list):
        return rng.choice((value[::-1], value[1:], value + value, value + [None]))
    return rng.choice((list(value), {}, {"x": value}, dict(list(value.items())[1:])))


# --- JSON -----------------------------------------------------------------------------------------


def places(tree: Any, few: int = 12) -> list[tuple]:
    """Where the values of a JSON tree stand, as keys from its root; of a long list the first and
    the last few.
    """
    if not isinstance(tree, (dict, list)):
        return []
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    keys = keys if len(keys) <= 2 * few else keys[:few] + keys[-few:]
    return [place for key in keys for place in ((key,), *((key, *p) for p in places(tree[key])))]


def with_value(tree: Any, place: tuple, value: Any) -> Any:
    """A copy of a tree with another value at a place; REMOVED: with none."""
    new = copy.copy(tree)
    if len(place) > 1:
        new[place[0]] = with_value(tree[place[0]], place[1:], value)
    elif value is REMOVED and isinstance(new, dict):
        new.pop(place[0], None)
    elif value is REMOVED:
        del new[place[0]]
    else:
        new[place[0]] = value
    return new


def value_at(tree: Any, place: tuple) -> Any:
    """The value at a place; None where the tree has no such key."""
    *above, last = place
    for key in above:
        tree = tree[key]
    return tree.get(last) if isinstance(tree, dict) else tree[last]


def forged_json(rng: Random, tree: Any, spots: list[tuple]) -> tuple[str, Any]:
    """One value of a tree is another, or is gone; now and then two. spots: of `places`."""
    said, new = [], tree
    for place in rng.sample(spots, min(len(spots), rng.choice((1, 1, 1, 2)))):
        try:
            found = value_at(new, place)
        except (KeyError, IndexError, TypeError):
            continue  # it went with the other
        value = REMOVED if rng.random() < 0.1 else changed(rng, found)
        new = with_value(new, place, value)
        said.append(f"{place} = {'gone' if value is REMOVED else repr(value)[:80]}")
    return "; ".join(said), new


# --- safetensors ----------------------------------------------------------------------------------


def parted(whole: bytes) -> tuple[dict, bytes]:
    """The header of a safetensors file and its body."""
    end = 8 + int.from_bytes(whole[:8], "little")
    return json.loads(whole[8:end]), whole[end:]


def joined(header: Any, body: bytes, length: int | None = None) -> bytes:
    """A safetensors file. header: text, or what to write as JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    return (size & (1 << 64) - 1).to_bytes(8, "little") + text + body


def forged_safetensors(rng: Random, whole: bytes) -> tuple[str, bytes]:
    """A safetensors file with something changed."""
    way = rng.choice(WAYS)
    return way.__name__, way(rng, whole)


def bytes_of_header(rng: Random, whole: bytes) -> bytes:
    return flipped(whole, 8 + int.from_bytes(whole[:8], "little"), rng)


def length_of_header(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    size = len(json.dumps(header))
    wrong = (0, 1, size - 1, size + 1, size + 8, len(body), 1 << 25, 1 << 31, 1 << 63, -1)
    return joined(header, body, rng.choice((*wrong, rng.randrange(len(whole)))))


def entry_of_header(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    return joined(forged_json(rng, header, places(header, 40))[1], body)


def kind_of_tensor(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    kinds = ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "Q4_0", "Q8_0", "IQ2_XS", "f32")
    header[rng.choice([*header])]["dtype"] = rng.choice(kinds)
    return joined(header, body)


def shape_of_tensor(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    shape = (entry := header[rng.choice([*header])]).get("shape", [1])
    ways = (shape[::-1], [*shape, 1], [1, *shape], shape[1:], [*shape, 0], [-n for n in shape])
    ways += ([2 * n for n in shape], [*shape[:-1], *shape[-1:], 1 << 40], [1] * 90, [1 << 63, 2])
    entry["shape"] = rng.choice(ways)
    return joined(header, body)


def place_of_tensor(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    entry = header[rng.choice([name for name in header if name != "__metadata__"])]
    start, stop = entry["data_offsets"]
    by = rng.choice((-8, -4, -1, 1, 4, 8, 1 << 20, 1 << 40, 1 << 64, -start - 1))
    ways = ([start + by, stop + by], [start, stop + by], [start + by, stop], [stop, start])
    entry["data_offsets"] = rng.choice(ways)
    return joined(header, body)


def exchanged_tensors(rng: Random, whole: bytes) -> bytes:
    """Two tensors under each other's names, or in each other's place: a model that may load."""
    header, body = parted(whole)
    one, other = rng.sample([name for name in header if name != "__metadata__"], 2)
    if rng.random() < 0.5:
        header[one], header[other] = header[other], header[one]
    else:
        header[one]["data_offsets"] = header[other]["data_offsets"]
    return joined(header, body)


def repeated_name(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    name = rng.choice([*header])
    again = json.dumps({name: rng.choice((header[name], None, {}))}).encode()
    return joined(json.dumps(header).encode()[:-1] + b"," + again[1:], body)


def nested_header(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    depth, sign = rng.choice((2, 500, 990, 5_000, 100_000)), rng.choice((b"[", b'{"a":'))
    close = b"]" if sign == b"[" else b"}"
    deep = sign * depth + b"1" + close * (depth if rng.random() < 0.8 else 0)
    if rng.random() < 0.5:
        return joined(deep, body)
    return joined(json.dumps(header).encode()[:-1] + b',"deep":' + deep + b"}", body)


def more_or_fewer_bytes(rng: Random, whole: bytes) -> bytes:
    cut = rng.choice((1, 2, 4, 8, 100, rng.randrange(len(whole))))
    return rng.choice((whole[:-cut], whole + bytes(cut), whole[: 8 + cut], whole[cut:]))


def numbers_of_body(rng: Random, whole: bytes) -> bytes:
    """Some numbers are the largest there are, or none at all."""
    header, body = parted(whole)
    new = bytearray(body)
    for _ in range(rng.choice((1, 1, 10, 100))):
        odd = rng.choice((np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 1e30, 0.0))
        kind = rng.choice(("<f", "<d"))
        at = rng.randrange(len(new) - 8) & -8
        struct.pack_into(kind, new, at, odd)
    return joined(header, bytes(new))


def bytes_of_body(rng: Random, whole: bytes) -> bytes:
    header, body = parted(whole)
    start = rng.randrange(len(body))
    noise = rng.randbytes(min(400, len(body) - start))
    return joined(header, body[:start] + noise + body[start + len(noise) :])


WAYS = (
    bytes_of_header,
    bytes_of_header,
    length_of_header,
    entry_of_header,
    entry_of_header,
    kind_of_tensor,
    shape_of_tensor,
    place_of_tensor,
    exchanged_tensors,
    repeated_name,
    nested_header,
    more_or_fewer_bytes,
    numbers_of_body,
    bytes_of_body,
)


# --- GGUF -----------------------------------------------------------------------------------------


def numbers_of(whole: bytes, path, monkeypatch) -> tuple[list[tuple[int, str]], int]:
    """Where the header of a GGUF file has its counts, lengths, kinds and values, and how each is
    written; and where it ends.
    """
    found, plain, ends = [], gguf._Cursor.number, []

    def number(cursor, code="<Q", most=None):
        found.append((cursor.position, code))
        value = plain(cursor, code, most)
        ends.append(cursor.position)
        return value

    path.write_bytes(whole)
    with monkeypatch.context() as patch:
        patch.setattr(gguf._Cursor, "number", number)
        gguf.open_gguf(path)
    return found, max(ends)


def forged_gguf(rng: Random, whole: bytes, numbers: list[tuple[int, str]], end: int) -> tuple:
    """A GGUF file with something changed. numbers, end: of `numbers_of`."""
    way = rng.random()
    if way < 0.25:
        return "bytes", flipped(whole, end, rng)
    if way < 0.35:
        cut = rng.choice((4, 8, 24, end, rng.randrange(end), rng.randrange(len(whole))))
        return f"cut at {cut}", whole[:cut]
    new, said = bytearray(whole), []
    for place, code in rng.sample(numbers, rng.choice((1, 1, 1, 2))):
        value = other_number(rng, code, struct.unpack_from(code, whole, place)[0])
        struct.pack_into(code, new, place, value)
        said.append(f"{code} at {place} = {value}")
    return "; ".join(said), bytes(new)


def other_number(rng: Random, code: str, value) -> Any:
    """Another number that can be written so."""
    if code in ("<f", "<d"):
        return rng.choice((0.0, -1.0, np.nan, np.inf, -np.inf, 1e-30, 3e38, value * 2, 0.5))
    if code == "<?":
        return not value
    bits, signed = 8 * struct.calcsize(code), code[1].islower()
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    near = (0, 1, 2, 7, 8, 9, 12, 13, value + 1, value - 1, value * 2, value // 2, low, high)
    return min(max(rng.choice((*near, high // 2, 1 << 20, rng.randint(low, high))), low), high)
