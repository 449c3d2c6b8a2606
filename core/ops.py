"""The arithmetic of a transformer: functions of arrays that know nothing of layers, names or
files.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

# x · sigmoid(x · Q(x²)) is the exact GELU to 2e-7 in float32, at a fifth of the cost of an error
# function. Q was fitted once over |x| ≤ 5.5; beyond it GELU is 0 or x to the last float32 digit.
_GELU_Q = (
    1.5957684322447632,
    0.0726685670108175,
    -6.625997936365749e-05,
    -1.1048031870891023e-4,
    7.938219114273886e-06,
    -2.6689282969389656e-07,
    3.6112330685477827e-09,
)
_MINUS_Q = tuple(np.float32(-coefficient) for coefficient in _GELU_Q)
_GELU_EDGE = np.float32(5.5**2)
_CHUNK = 1 << 16  # numbers of a few rows: 256 KB in float32
_erf = np.frompyfunc(math.erf, 1, 1)


def linear(x, weight, bias):
    """x · W + b, over the last axis (in) of x; weight is (in, out)."""
    y = x @ weight
    if bias.strides != (
        0,
    ):  # a bias that a family does not have is one zero with stride 0: nothing to add
        y += bias
    return y


def softmax(x):
    """exp(x) / Σ exp(x) over the last axis."""
    y = np.empty(x.shape, x.dtype)
    x_NM, y_NM = (array.reshape(-1, x.shape[-1]) for array in (x, y))
    for rows in few_rows(x_NM):
        softmax_into(y_NM[rows], x_NM[rows])
    return y


def softmax_into(y_NM, x_NM):
    """Writes exp(x) / Σ exp(x) of each row into y.

    Where a sum leaves the middle of what floats can hold, the largest value of each row is taken
    off first: the ratio is the same. Two passes over the numbers less, where it is not needed.
    """
    with np.errstate(over="ignore"):
        np.exp(x_NM, out=y_NM)
        sums_N = y_NM.sum(axis=-1)
    if not (sums_N.min() > 1e-3 and sums_N.max() < 1e30):
        np.exp(x_NM - x_NM.max(axis=-1, keepdims=True), out=y_NM)
        sums_N = y_NM.sum(axis=-1)
    y_NM /= sums_N[:, None]


def log_softmax(x):
    """log softmax over the last axis, without the exponentials' rounding to 0."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sigmoid(x):
    """1 / (1 + e⁻ˣ): between 0 and 1, as far as a gate is open."""
    return sigmoid_product(1, -x)


def sigmoid_product(x, minus_gate):
    """x · sigmoid(gate), written into `minus_gate`, which is −gate."""
    with np.errstate(over="ignore"):  # exp(+large) is inf, and x / inf is the 0 that is meant
        np.exp(minus_gate, out=minus_gate)
    minus_gate += 1
    return np.divide(x, minus_gate, out=minus_gate)


def gelu(x):
    """x · Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016). Exact in float64, to 2e-7 in
    float32.
    """
    if x.dtype != np.float32:
        return x * gelu_gate(x)
    return sigmoid_product(x, minus_gate_of_gelu(x))


def gelu_gate(x):
    """Φ(x), as exact as `gelu` is."""
    if x.dtype != np.float32:
        return (1 + np.asarray(_erf(x / math.sqrt(2))).astype(x.dtype)) / 2
    return sigmoid_product(1, minus_gate_of_gelu(x))


def minus_gate_of_gelu(x):
    """−x · Q(x²), in float32."""
    square = x * x
    np.minimum(square, _GELU_EDGE, out=square)
    minus_gate = square * _MINUS_Q[-1]
    for coefficient in _MINUS_Q[-2:0:-1]:
        minus_gate += coefficient
        minus_gate *= square
    minus_gate += _MINUS_Q[0]
    minus_gate *= x
    return minus_gate


def gelu_tanh(x):
    """GELU with the tanh approximation (Hendrycks & Gimpel 2016, section 2): ½ x (1 + tanh u) is x
    · sigmoid(2u).
    """
    minus_gate = x * x
    minus_gate *= 0.044715
    minus_gate += 1
    minus_gate *= x
    minus_gate *= -2 * math.sqrt(2 / math.pi)
    return sigmoid_product(x, minus_gate)


def silu(x):
    """x · sigmoid(x), also called swish (Elfwing et al. 2017)."""
    return sigmoid_product(x, -x)


def relu(x):
    """max(x, 0)."""
    return np.maximum(x, 0)


def few_rows(x):
    """Slices of a few rows each, so that what is made of them on the way stays in the processor's
    cache: a third less time for the GELU of 256 tokens.
    """
    step = max(1, _CHUNK * len(x) // x.size)
    return (slice(start, start + step) for start in range(0, len(x), step))


def by_rows(function, x):
    """function(x), a few rows at a time."""
    if x.size <= _CHUNK:
        return function(x)
    y = np.empty_like(x)
    for rows in few_rows(x):
        y[rows] = function(x[rows])
    return y


ACTIVATIONS = {
    "gelu": partial(by_rows, gelu),
    "gelu_tanh": partial(by_rows, gelu_tanh),
    "silu": partial(by_rows, silu),
    "relu": relu,
}
HEAD_ACTIVATIONS = {**ACTIVATIONS, "tanh": np.tanh}  # of a layer in a fine-tuned head


def frequencies(rope, width: int, length: int):
    """By how many radians each pair turns from one token to the next, (P,), in a text of that
    length: theta^(-2i / K) (Su et al. 2021, section 3.2.2), stretched as rope.kind says.

    rope: a core.config.Rope; width: K, the numbers of a head.
    """
    turned = rope.width or width
    theta, share_P = rope.theta, np.arange(0, turned, 2) / turned
    if rope.kind == "dynamic":  # the base grows with the text ("NTK-aware"; Peng et al. 2023, 3.1)
        longer = rope.factor * max(length, rope.trained) / rope.trained - (rope.factor - 1)
        theta = theta * longer ** (turned / (turned - 2))
    rate_P = theta**-share_P
    if rope.kind == "longrope":  # a divisor for each pair (Ding et al. 2024)
        return rate_P / np.array(rope.long if length > rope.trained else rope.short)
    if rope.kind in ("linear", "llama3", "yarn"):
        kept_P = unstretched(rope, turned, rate_P)
        return kept_P * rate_P + (1 - kept_P) * rate_P / rope.factor
    return rate_P


def unstretched(rope, turned: int, rate_P):
    """How much of each pair's turn is left as it was trained, (P,): all of those that turn fast,
    nothing of the slow ones, with a ramp between, over turns (Llama 3.1) or over pairs (YaRN, Peng
    et al. 2023, section 3.2).
    """
    if rope.kind == "linear":
        return np.zeros_like(rate_P)
    if rope.kind == "llama3":
        turns_P = rope.trained * rate_P / (2 * math.pi)
        return np.clip((turns_P - rope.slow) / (rope.fast - rope.slow), 0, 1)

    def pair(turns: float) -> float:
        return turned * math.log(rope.trained / (turns * 2 * math.pi)) / (2 * math.log(rope.theta))

    first, last = pair(rope.fast), pair(rope.slow)
    if rope.whole:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, turned - 1)
    last += 0.001 if first == last else 0  # as in the published code: no division by zero
    return 1 - np.clip((np.arange(len(rate_P)) - first) / (last - first), 0, 1)


@lru_cache(maxsize=32)  # every layer of a run asks for the same
def turns(rope, width: int, first: int, until: int, dtype):
    """The cosines and sines of the angles by which positions first … until − 1 turn a vector of
    that width, as `waves_of` gives them. rope: a core.config.Rope.
    """
    angle_LP = np.arange(first, until)[:, None] * frequencies(rope, width, until)
    return waves_of(angle_LP, width, dtype, rope.size)


def waves_of(angle_LP, width: int, dtype, size: float = 1.0):
    """size · cos of each number's angle, (L, K), 1 for numbers after the last pair; and size · sin
    of each pair's, (L, P).
    """
    cos_LP, sin_LP = (size * wave(angle_LP) for wave in (np.cos, np.sin))
    rest_LK = np.ones((len(angle_LP), width - 2 * angle_LP.shape[-1]))
    cos_LK = np.concatenate((cos_LP, cos_LP, rest_LK), axis=-1)
    return cos_LK.astype(dtype), sin_LP.astype(dtype)


def rotate(x_HLK, cos_LK, sin_LP):
    """Turns the pairs (j, j + P) of each vector by its position's angles, whose waves `turns` or
    `waves_of` gives (rotary positions, Su et al. 2021).
    """
    half = sin_LP.shape[-1]
    turned_HLK = x_HLK * cos_LK
    turned_HLK[..., :half] -= x_HLK[..., half : 2 * half] * sin_LP
    turned_HLK[..., half : 2 * half] += x_HLK[..., :half] * sin_LP
    return turned_HLK


def wave_rates(width: int, whole: bool = False):
    """How many radians each wave of a position table turns from one position to the next, the
    fastest first: 1 to about 1/10000, in the paper; whole: to 1/10000 itself, as in Tensor2Tensor.
    """
    if whole:
        return 10000.0 ** (-np.arange(width // 2) / (width // 2 - 1))
    return 10000.0 ** (-np.arange(0, width, 2) / width)


def sinusoids(length: int, width: int, first: int = 0, whole: bool = False):
    """The fixed position table of "Attention Is All You Need" (section 3.5), all sines first, then
    all cosines; (P, D). first: the number of its first position. whole: as in `wave_rates`; a
    dimension too many is 0 there.
    """
    angle = np.arange(first, first + length)[:, None] * wave_rates(width, whole)
    table_PD = np.concatenate((np.sin(angle), np.cos(angle[:, : width // 2])), axis=1)
    return np.pad(table_PD, ((0, 0), (0, width - table_PD.shape[1])))


def alibi_slopes(n_heads: int):
    """How much each head's scores lose from one token to the next, (H,): a geometric sequence, for
    which other numbers of heads than powers of two borrow from the next longer one (Press et al.
    2022, "Train Short, Test Long", section 3).
    """
    power = 1 << n_heads.bit_length() - 1
    base, longer = 2.0 ** (-8 / power), 2.0 ** (-4 / power)
    borrowed = longer ** np.arange(1, 2 * (n_heads - power), 2)
    return np.concatenate((base ** np.arange(1, power + 1), borrowed))


def soft_cap(x, cap: float):
    """cap · tanh(x / cap): near x where that is small, and never beyond ±cap."""
    return np.tanh(x / cap) * cap


def relative_buckets(n_looks: int, n_looked_at: int, buckets: int, furthest: int, both_ways: bool):
    """Which learned bias the distance m − l takes: near ones exactly, far ones on a log scale, (L,
    M) (T5, section 2.1).
    """
    distance_LM = np.arange(n_looked_at)[None, :] - np.arange(n_looks)[:, None]
    if both_ways:
        buckets //= 2
        base_LM = (distance_LM > 0) * buckets
        distance_LM = abs(distance_LM)
    else:
        base_LM = np.zeros_like(distance_LM)
        distance_LM = np.maximum(-distance_LM, 0)
    exact = buckets // 2
    # float32 and truncation as in the published code: a bucket border must fall on the same
    # distance as in training.
    ratio_LM = np.log(np.maximum(distance_LM, 1).astype(np.float32) / exact) / math.log(
        furthest / exact
    )
    far_LM = np.minimum(exact + (ratio_LM * (buckets - exact)).astype(int), buckets - 1)
    return base_LM + np.where(distance_LM < exact, distance_LM, far_LM)
