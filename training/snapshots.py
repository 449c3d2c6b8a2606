"""A study model as it was during its training, small enough to come with the program.

    python -m training.snapshots KEPT assets/models/study-decoder

KEPT has the weights that training/train.py kept: 00000.safetensors and so on, by the number of
steps done. Of these are picked so many that with the trained model itself there are ten, the random
start among them, spaced by logarithm. Each is written into the model's folder, as
core/models/over_time.py reads it: a matrix as whole numbers of 8 bits, with one scale for each row,
so that a number is off by at most 1/254 of the largest of its row; vectors stay in 16 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from core.models.over_time import FOLDER, SCALE, WEIGHTS, file_of, kept_in, read_snapshot

COUNT = 10  # with the trained model
SLOW = 50  # the first steps, in which a model learns little
MOST_BYTES = 8_000_000  # of all files together
FARTHEST = 1 / 254  # how far a number may be off, as a share of the largest of its row


def spaced(steps: Sequence[int], count: int) -> list[int]:
    """So many of the steps, the first and the last among them, as evenly spaced by the logarithm
    (of SLOW more, since it begins with 0) as they can be.
    """
    at = np.log(np.add(steps, SLOW))
    picked: list[int] = []
    for n, wanted in enumerate(np.linspace(at[0], at[-1], count)):
        free = range(picked[-1] + 1 if picked else 0, len(steps) - (count - 1 - n))
        picked.append(min(free, key=lambda i: abs(at[i] - wanted)))
    return [steps[i] for i in picked]


def rounded(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors as they are written: matrices in 8 bits with their scales, vectors in 16 bits."""
    found = {}
    for name, array in tensors.items():
        if array.ndim < 2:
            found[name] = array.astype(np.float16)
            continue
        rows_RN = array.astype(np.float32)
        scale_R = np.abs(rows_RN).max(axis=-1) / 127
        safe_R = np.where(scale_R > 0, scale_R, 1)
        found[name] = np.rint(rows_RN / safe_R[..., None]).astype(np.int8)
        found[name + SCALE] = scale_R.astype(np.float32)
    return found


def farthest(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> float:
    """How far a number of a matrix is off at most, as a share of the largest of its row."""
    most = 0.0
    for name, array in before.items():
        if array.ndim == 2:
            largest_R = np.abs(array.astype(np.float64)).max(axis=-1)
            off_R = np.abs(after[name] - array.astype(np.float64)).max(axis=-1)
            most = max(most, float((off_R / np.maximum(largest_R, 1e-30)).max()))
    return most


def is_trained(kept: Path, folder: Path) -> bool:
    """Whether kept weights are those of the trained model."""
    one, other = load_file(kept), load_file(folder / WEIGHTS)
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def picked(kept: Path, folder: Path) -> list[int]:
    """The steps whose weights are written: with the trained model, which ends the row, there are
    COUNT.
    """
    steps = kept_in(kept)
    if len(steps) < COUNT or steps[0]:
        raise SystemExit(f"{kept} needs the random start and, with it, at least {COUNT} files.")
    if not is_trained(file_of(kept, steps[-1]), folder):
        raise SystemExit(f"The last of {kept} is not the model in {folder}.")
    return spaced(steps, COUNT)[:-1]


def write(kept: Path, folder: Path) -> list[Path]:
    """Writes the snapshots of a model, in place of those that were there."""
    steps = picked(kept, folder)
    (home := folder / FOLDER).mkdir(exist_ok=True)
    for old in kept_in(home):
        file_of(home, old).unlink()
    for step in steps:
        tensors = load_file(file_of(kept, step))
        save_file(rounded(tensors), file := file_of(home, step))
        file.chmod(0o644)  # the library lets only the owner read it
        if (off := farthest(tensors, read_snapshot(folder, file))) > 1.001 * FARTHEST:
            raise SystemExit(f"{file} is off by {off:.2%} of a row's largest number.")
    return [file_of(home, step) for step in steps]


def main() -> None:
    """Writes them, and says how large they are."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("kept", type=Path)
    asked.add_argument("folder", type=Path)
    given = asked.parse_args()
    files = write(given.kept, given.folder)
    taken = sum(file.stat().st_size for file in files)
    print(f"{', '.join(file.stem for file in files)}: {taken:,} bytes.")
    if taken > MOST_BYTES:
        raise SystemExit(f"Together they may take {MOST_BYTES:,} bytes.")


if __name__ == "__main__":
    main()
