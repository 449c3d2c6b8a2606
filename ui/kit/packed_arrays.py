"""Arrays as they travel to the browser: base64, bit for bit, or coarse where no number is read.

base64_of(array), packed(values), coarse(values, limit)
exactly(rows)                                   a table of numbers, in which some may be missing
panels(values_PRC, kind, limit, blocked_RC)     several maps of one size on one scale
thumbnails(patterns_HLM)                        patterns small enough to be many
"""

from __future__ import annotations

from base64 import b64encode

import numpy as np

# Cells along a thumbnail's side; longer sentences show the largest weight of each block.
THUMBNAIL = 24


def base64_of(array) -> str:
    """The bytes of an array as text."""
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def packed(values) -> dict:
    """An array as it travels: its float32 values, unchanged, in base64, and its shape."""
    values = np.asarray(values, dtype="<f4")
    return {"values": base64_of(values), "shape": list(values.shape)}


def exactly(rows) -> dict:
    """A table of numbers to the last bit: in float32 where all of them are such numbers, else in
    float64. None leaves a place empty.
    """
    flat = [value for row in rows for value in row]
    numbers_N = np.array([np.nan if value is None else float(value) for value in flat])
    with np.errstate(over="ignore"):
        single = np.array_equal(numbers_N.astype(np.float32), numbers_N, equal_nan=True)
    kind, empty = "f4" if single else "f8", [i for i, value in enumerate(flat) if value is None]
    found = {"numbers": base64_of(numbers_N.astype(f"<{kind}")), "kind": kind}
    return found | ({"empty": empty} if empty else {})


def coarse(values, limit: float) -> dict:
    """Shades in place of numbers, a quarter of the size, for maps too small to read a number
    from.
    """
    shades = np.clip(np.nan_to_num(np.round(values * (255 / limit))), 0, 255).astype(np.uint8)
    return {"shades": base64_of(shades), "shape": list(shades.shape)}


def panels(values_PRC, kind: str, limit: float | None, blocked_RC=None) -> dict:
    """Several maps of one size on one scale. blocked_RC: the cells that a mask hides, the same in
    all of them.
    """
    finite = np.abs(values_PRC[np.isfinite(values_PRC)])
    limit = limit if limit and np.isfinite(limit) else finite.max(initial=0)  # JSON knows no NaN
    limit = 1.0 if kind == "mask" else float(limit or 1.0)
    blocked = None if blocked_RC is None else base64_of(np.asarray(blocked_RC, dtype=np.uint8))
    return packed(values_PRC) | {"kind": kind, "limit": limit, "blocked": blocked}


def thumbnails(patterns_HLM) -> np.ndarray:
    """Patterns small enough to be many: of each block of cells the largest weight."""
    H, L, M = np.shape(patterns_HLM)
    a, b = -(-L // THUMBNAIL), -(-M // THUMBNAIL)
    padded = np.zeros((H, -(-L // a) * a, -(-M // b) * b), dtype=np.float32)
    padded[:, :L, :M] = patterns_HLM
    return padded.reshape(H, padded.shape[1] // a, a, padded.shape[2] // b, b).max(axis=(2, 4))
