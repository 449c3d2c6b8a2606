"""From a file's tensors to the weights of the forward pass: found, checked, laid side by side.

Loading supplies what a family lacks (zero biases, position tables that are computed) and lays side
by side what is multiplied together. Shapes are compared before any memory is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np

from ..config import Config, weight_shapes
from ..errors import GlassError
from ..ops import sinusoids
from .families.common import Layout, Rows, any_layer
from .fields import quote
from .stored import Stored

_IGNORED = re.compile(  # buffers that hold nothing learned; the fourth is never read by T5 itself
    r"embeddings\.position_ids|h\.\d+\.attn\.(attention\.)?(bias|masked_bias)|"
    r"(layers\.\d+\.(self_attn|attention)\.)?rotary_emb\.inv_freq|"
    r"layers\.\d+\.attention\.(bias|masked_bias)|"
    r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight|"
    r"(encoder|decoder)\.(version|embed_positions\.weights)"
)
_CHUNK = 1 << 18  # numbers converted at a time: they stay in the processor's cache


@dataclass(frozen=True)
class StoredWeight:
    """Where a weight lies in a file, and how it lies there."""

    stored: Stored
    transposed: bool = False  # PyTorch and GGUF keep a projection as (out, in)
    third: int | None = None  # GPT-2 keeps q, k and v side by side
    heads: int | None = None  # GGUF has the rows of each head's q and k in another order
    rows: Rows | None = None  # the tensor holds others as well, or in another order
    plus: float = 0.0  # what is added to each number
    skipped: int = 0  # rows at the top that are not used: BART's table of positions has two
    scale: float = 1.0  # what the numbers are multiplied by

    def shape_in_file(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """What the tensor in the file must look like for a weight of that shape."""
        shape = shape[::-1] if self.transposed else shape
        shape = (self.rows.of if self.rows else shape[0] + self.skipped, *shape[1:])
        return shape if self.third is None else (*shape[:-1], shape[-1] * 3)

    def write(self, target: np.ndarray) -> None:
        """Converts the numbers into an array of the weight's shape, a few rows at a time."""
        if self.rows:
            self.write_rows(target, self.rows.order_N)
            return
        n_rows, columns = len(self.stored.raw_RB), self.columns(target.shape[-1])
        if target.ndim == 1:
            row = self.stored.numbers()[0, columns]
            target[...] = row[self.order(len(row))] if self.heads else row
            return
        order = self.order(n_rows) if self.heads else None
        first, step = self.skipped, max(1, _CHUNK // max(1, self.stored.shape[-1]))
        for start in range(first, n_rows, step):
            chunk = slice(start, start + step)
            values = self.stored.numbers(chunk if order is None else order[chunk])[:, columns]
            if self.transposed:
                target[:, chunk] = values.T
            else:
                target[start - first : start - first + step] = values

    def write_rows(self, target: np.ndarray, order_N: np.ndarray) -> None:
        """Those rows of the tensor, in that order; of a bias, its numbers."""
        if target.ndim == 1:
            target[...] = self.stored.numbers()[0][order_N]
            return
        rows_NX = target.T if self.transposed else target  # as they lie in the file
        step = max(1, _CHUNK // max(1, self.stored.shape[-1]))
        for start in range(0, len(order_N), step):
            chunk = slice(start, start + step)
            rows_NX[chunk] = self.stored.numbers(order_N[chunk])

    def columns(self, width: int) -> slice:
        """The columns of the tensor in the file that hold a weight of that width."""
        if self.third is None:
            return slice(None)
        return slice(self.third * width, (self.third + 1) * width)

    def order(self, n_rows: int) -> np.ndarray:
        """Where our rows lie in a GGUF file.

        It rotates neighbouring pairs (2j, 2j + 1) of a head, we rotate (j, j + K/2).
        """
        return np.arange(n_rows).reshape(self.heads or 1, -1, 2).swapaxes(1, 2).reshape(-1)


Weight = np.ndarray | StoredWeight  # an array that was computed, or one still in a file
Shapes = Mapping[str, tuple[int, ...]]


def assemble(layout: Layout, tensors: Mapping[str, Stored], dtype) -> dict[str, np.ndarray]:
    """All weights of a model, found, checked and read into memory."""
    return fuse(layout.config, find_all(layout, tensors, dtype), dtype)


def find_all(layout: Layout, tensors: Mapping[str, Stored], dtype) -> dict[str, Weight]:
    """Finds every weight among the tensors, and checks that none is missing, misshapen or left
    over. Nothing is converted yet.
    """
    weights, used = locate(layout, tensors, dtype)
    if left := [
        tensors[name].name for name in tensors if name not in used and not _IGNORED.fullmatch(name)
    ]:
        raise GlassError(
            f"{len(left)} of the file’s tensors do not belong to this model:"
            f" {first_five(map(quote, left))}"
        )
    config = layout.config
    if missing := [name for name in weight_shapes(config) if name not in weights]:
        weights |= dict.fromkeys(missing, sine_table(config).astype(dtype))
    return weights


def locate(
    layout: Layout, tensors: Mapping[str, Stored], dtype
) -> tuple[dict[str, Weight], set[str]]:
    """Where each weight is (but for sinusoids to be computed), and which tensors are used."""
    check_shapes(layout, tensors)
    weights: dict[str, Weight] = {}
    used = set(layout.unread)
    for name, shape in weight_shapes(layout.config).items():
        there = [each for each in layout.names[name] if each in tensors]
        if there:
            key, same = choose_tensor(layout.names[name], tensors)
            used |= same
            weights[name] = stored_weight(layout, name, tensors[key])
        elif not layout.names[name] and not is_computed(layout.config, name):
            weights[name] = absent_bias(shape, dtype)
    return weights, used


def check_shapes(layout: Layout, tensors: Mapping[str, Stored]) -> None:
    """Raises GlassError for a weight that is missing, or whose tensor has another shape. What
    files say is compared, and not a byte of a tensor is read.
    """
    for name, shape in weight_shapes(layout.config).items():
        theirs = layout.names[name]
        there = [tensors[each] for each in theirs if each in tensors]
        if not there:
            if theirs and not is_computed(layout.config, name):
                raise GlassError(
                    f"The tensor {' or '.join(map(quote, theirs))} is missing from the file."
                )
            continue
        wanted = stored_weight(layout, name, there[0]).shape_in_file(shape)
        if there[0].shape != wanted:
            raise GlassError(
                f"The tensor {quote(there[0].name)} has the shape {there[0].shape}; config.json"
                f" calls for {wanted}."
            )


def sine_table(config: Config) -> np.ndarray:
    """The table of sinusoids that a model adds for its positions, (P, D), in float64."""
    c = config
    return sinusoids(c.n_positions or 0, c.embed_width, c.sinusoid_first, c.sinusoid_whole)


def is_computed(config: Config, name: str) -> bool:
    """Whether a weight is a table of sinusoids, which a file need not have."""
    return config.positions == "sinusoid" and name.endswith("embed.position.weight")


def choose_tensor(names: tuple[str, ...], tensors: Mapping[str, Stored]) -> tuple[str, set[str]]:
    """Which of a weight's possible names to read, and all that hold the same numbers. One of them
    is in the file.

    A copy of a table is read from where it is most shared (see Layout).
    """
    there = [name for name in names if name in tensors]
    same = [name for name in there if is_copy(tensors[name], tensors[there[0]])]
    return next((name for name in names[1:] if name in same), there[0]), set(same)


def is_copy(one: Stored, other: Stored) -> bool:
    """Whether two tensors hold the same numbers; their bytes are read only where nothing else
    tells them apart.
    """
    if one is other:
        return True
    alike = (one.kind, one.shape) == (other.kind, other.shape)
    return alike and same_bytes(one.raw_RB.reshape(-1), other.raw_RB.reshape(-1))


def same_bytes(one_B: np.ndarray, other_B: np.ndarray) -> bool:
    """Whether as many bytes are equal, a few megabytes at a time, however long a row is."""
    step = _CHUNK << 4
    starts = range(0, len(one_B), step)
    return all(np.array_equal(one_B[i : i + step], other_B[i : i + step]) for i in starts)


def stored_weight(layout: Layout, name: str, stored: Stored) -> StoredWeight:
    """How the tensor of one of our weights lies in this family's files."""
    if layout.ours:
        return StoredWeight(stored)
    module, _, kind = name.rpartition(".")
    leaf = module.rpartition(".")[2]
    if layout.side_by_side and not name.startswith("task."):  # its heads lie as in other families
        projection = ".attn." in name and leaf in ("q", "k", "v")
        return StoredWeight(stored, third="qkv".index(leaf) if projection else None)
    if name.endswith("embed.position.weight"):
        return StoredWeight(stored, skipped=layout.skipped_positions)
    is_table = (
        ".embed." in name
        and leaf != "out"
        or name.endswith(("relative.weight", "head.logits.weight"))
    )
    weight = StoredWeight(
        stored,
        transposed=kind == "weight" and not is_table and "norm" not in module,
        rows=layout.rows.get(any_layer(module)),
        scale=layout.scales.get(any_layer(module), 1.0),
    )
    if layout.norms_less_one and "norm" in module:
        return replace(weight, plus=1.0)
    if layout.permuted and ".attn." in name and leaf in ("q", "k"):
        config = layout.config
        return replace(weight, heads=config.n_heads if leaf == "q" else config.n_kv_heads)
    return weight


# --- arrays ---------------------------------------------------------------------------------------


def fuse(config: Config, weights: Mapping[str, Weight], dtype) -> dict[str, np.ndarray]:
    """All weights of a model, read-only and laid out for large products.

    The q, k and v of a sublayer are columns of one matrix, there also under the name `qkv`; so are
    `kv` where q comes from elsewhere, and `gated`, the two projections of a gated feed-forward. A
    bias that a family lacks is one zero with stride 0. weights: one for every name of
    weight_shapes(config).
    """
    shapes = weight_shapes(config)
    fused: dict[str, np.ndarray] = {}
    for whole, names in fused_names(config).items():
        fused |= fuse_side_by_side(whole, names, shapes, weights, dtype)
    tied: dict[object, np.ndarray] = {}  # tables that are tied are one array
    for name, shape in shapes.items():
        if name not in fused:
            weight = weights[name]
            if (key := identity(weight)) not in tied:
                tied[key] = lone_array(weight, shape, dtype)
            fused[name] = tied[key]
    return fused


def identity(weight: Weight) -> object:
    """Equal for two weights that are the same numbers in the same place."""
    if isinstance(weight, StoredWeight):
        w = weight
        how = w.transposed, w.third, w.heads, w.plus, w.skipped, w.scale
        return id(w.stored), id(w.rows), *how
    return id(weight)


def lone_array(weight: Weight, shape: tuple[int, ...], dtype) -> np.ndarray:
    """The array of a weight that stands by itself."""
    if is_absent(weight):
        return weight
    return fill(np.empty(shape, dtype), [(slice(None), weight)])


def fused_groups(config: Config) -> dict[str, list[str]]:
    """Which projections lie side by side in one matrix, under which name."""
    found = {}
    for side in config.sides:
        for layer in range(config.layers(side)):
            place = f"{side}.{layer}"
            found[f"{place}.attn.qkv"] = [f"{place}.attn.{name}" for name in "qkv"]
            if side == "decoder" and config.crosses:
                found[f"{place}.cross.kv"] = [f"{place}.cross.{name}" for name in "kv"]
            if config.gated:
                found[f"{place}.mlp.gated"] = [f"{place}.mlp.pre", f"{place}.mlp.hidden.up"]
    return found


def fused_names(config: Config) -> dict[str, list[str]]:
    """The same for each weight and bias: the name of the whole -> the names that lie in it."""
    return {
        f"{whole}.{kind}": [f"{member}.{kind}" for member in members]
        for whole, members in fused_groups(config).items()
        for kind in ("weight", "bias")
    }


def fuse_side_by_side(
    whole: str, names: list[str], shapes: Shapes, weights: Mapping[str, Weight], dtype
) -> dict[str, np.ndarray]:
    """One array for all these weights, and each of them as its columns there."""
    members = [weights[name] for name in names]
    ends = np.cumsum([shapes[name][-1] for name in names]).tolist()
    shape = (*shapes[names[0]][:-1], ends[-1])
    lacking = [weight for weight in members if is_absent(weight)]
    if len(lacking) == len(names):
        return {whole: absent_bias(shape, dtype)} | dict(zip(names, lacking, strict=True))
    starts = [0, *ends[:-1]]
    columns = [(..., slice(start, stop)) for start, stop in zip(starts, ends, strict=True)]
    array = fill(np.empty(shape, dtype), list(zip(columns, members, strict=True)))
    return {whole: array} | {name: array[place] for name, place in zip(names, columns, strict=True)}


def with_arrays(
    config: Config, weights: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The same weights with some arrays replaced, read-only: of a matrix in which several lie, each
    is its columns; names of one table stay names of one. new: by one of the names of each array.
    """
    shapes, members = weight_shapes(config), fused_names(config)
    replaced = dict(weights)
    for name, array in new.items():
        array.setflags(write=False)
        replaced |= {other: array for other, old in weights.items() if old is weights[name]}
        ends = np.cumsum([shapes[member][-1] for member in members.get(name, ())]).tolist()
        for member, start, stop in zip(members.get(name, ()), [0, *ends], ends, strict=False):
            replaced[member] = array[..., start:stop]
    return replaced


def absent_bias(shape: tuple[int, ...], dtype) -> np.ndarray:
    """A bias that a family does not have: zeros that take the memory of one number."""
    return np.broadcast_to(np.zeros(1, dtype), shape)


def is_absent(weight: Weight) -> TypeGuard[np.ndarray]:
    """Whether this stands for a bias that the family does not have."""
    return isinstance(weight, np.ndarray) and not any(weight.strides)


def fill(array: np.ndarray, parts: Sequence[tuple]) -> np.ndarray:
    """Writes each weight into its place, and makes the array read-only. parts: places, weights.
    Raises GlassError where a tensor has a number that is none.
    """
    with np.errstate(all="ignore"):  # numbers too large for float32 become infinite
        for place, weight in parts:
            if isinstance(weight, StoredWeight):
                weight.write(array[place])
                check_finite(weight.stored.name, array[place])
                if weight.plus:
                    array[place] += weight.plus
                if weight.scale != 1:
                    array[place] *= weight.scale
            else:
                array[place] = weight
    array.setflags(write=False)
    return array


def check_finite(name: str, numbers: np.ndarray) -> None:
    """Raises GlassError where one of a tensor's numbers is infinite or NaN: whatever is computed
    from it would be, too.
    """
    if numbers.size and not (np.isfinite(numbers.min()) and np.isfinite(numbers.max())):
        raise GlassError(
            f"The tensor {quote(name)} holds NaN, infinity, or a number too large for"
            f" {numbers.dtype}: the model cannot be run."
        )


def plain_arrays(
    tensors: Mapping[str, Stored], shapes: Shapes, dtype=np.float32
) -> dict[str, np.ndarray]:
    """The tensors of a file as read-only arrays of these names and shapes: for a model that is no
    transformer. GlassError names what is missing, too much, or of the wrong shape, before any
    memory is taken.
    """
    if missing := [name for name in shapes if name not in tensors]:
        raise GlassError(f"These weights are missing: {first_five(missing)}")
    if extra := [name for name in tensors if name not in shapes]:
        raise GlassError(f"These weights belong to no part of the model: {first_five(extra)}")
    for name, shape in shapes.items():
        if tensors[name].shape != tuple(shape):
            raise GlassError(
                f"The tensor {quote(name)} has the shape {tensors[name].shape}; it should be"
                f" {tuple(shape)}."
            )
    return {
        name: fill(np.empty(shape, dtype), [(slice(None), StoredWeight(tensors[name]))])
        for name, shape in shapes.items()
    }


def first_five(names: Iterable[str]) -> str:
    """A few names, and whether there are more."""
    names = list(names)
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else ".")
