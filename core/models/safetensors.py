"""Opens safetensors files: the header's length in eight bytes, the header in JSON, the numbers.

Files are memory-mapped, and each name, shape, format and place is checked against the size of the
file before it is used.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import GlassError
from .fields import LARGEST_HEADER, LARGEST_SIDE, map_file, parse_json, quote, read_json
from .stored import Stored, checked_tensor


def open_safetensors(path: Path) -> dict[str, Stored]:
    """The tensors of one file by name. Raises GlassError where the header and the file do not fit
    together.
    """
    data_B = map_file(path, 8)
    length = int.from_bytes(data_B[:8].tobytes(), "little")
    if length > min(len(data_B) - 8, LARGEST_HEADER):
        raise GlassError(
            f"{path.name} is damaged or cut off: its header claims {length} bytes, but the file"
            f" has {len(data_B)}."
        )
    header = parse_json(data_B[8 : 8 + length].tobytes(), f"The header of {path.name}")
    header.pop("__metadata__", None)
    body_B, end, tensors = data_B[8 + length :], 0, {}
    entries = [(name, *_entry(path, name, entry)) for name, entry in header.items()]
    for name, kind, shape, start, stop in sorted(entries, key=lambda entry: entry[3:]):
        if start != end:
            raise GlassError(
                f"{path.name} is damaged: the bytes of {quote(name)} do not follow those before"
                " them."
            )
        if stop > len(body_B):
            raise GlassError(
                f"{path.name} is damaged or cut off: {quote(name)} should end at byte {stop}, but"
                f" there are only {len(body_B)}."
            )
        tensors[name], end = checked_tensor(path, name, kind, shape, body_B[start:stop]), stop
    if end != len(body_B):
        raise GlassError(
            f"{path.name} is damaged: {len(body_B) - end} bytes at its end belong to no tensor."
        )
    return tensors


def _entry(path: Path, name: str, entry) -> tuple[str, tuple[int, ...], int, int]:
    """One entry of the header: format, shape, first and last byte."""
    try:
        kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = (*shape, start, stop)
        right = (
            isinstance(kind, str)
            and isinstance(shape, list)
            and len(shape) <= 8
            and len(entry) == 3
            and all(
                isinstance(number, int) and not isinstance(number, bool) and number >= 0
                for number in numbers
            )
        )
    except (TypeError, KeyError, ValueError):
        right = False
    if not right or max(numbers) > LARGEST_SIDE:
        raise GlassError(
            f"{path.name} is damaged: its header's entry for {quote(name)} makes no sense."
        )
    return kind, tuple(shape), start, stop


def open_shards(index: Path) -> dict[str, Stored]:
    """The tensors of a model that is spread over several safetensors files, by its index."""
    places = read_json(index).get("weight_map")
    if (
        not isinstance(places, dict)
        or not places
        or not all(isinstance(name, str) for name in places.values())
    ):
        raise GlassError(
            f"{index.name} is damaged: it does not list which file holds which tensor."
        )
    tensors: dict[str, Stored] = {}
    for shard in sorted(set(places.values())):
        if (
            Path(shard).name != shard
            or not shard.endswith(".safetensors")
            or not shard.isprintable()
        ):
            raise GlassError(
                f"{index.name} points to {quote(shard)}, which is not a safetensors file in the"
                " same folder."
            )
        found = open_safetensors(index.parent / shard)
        for name in found:
            if places.get(name) != shard:
                raise GlassError(
                    f"{index.name} and {shard} disagree about the tensor {quote(name)}."
                )
        tensors |= found
    for name in places:
        if name not in tensors:
            raise GlassError(
                f"{places[name]} lacks the tensor {quote(name)}, which {index.name} places there."
            )
    return tensors
