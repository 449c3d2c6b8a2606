"""Positions: the vectors, biases and rotations that tell a model where a token stands, and how
a rotation makes a score depend on distance.
"""

from __future__ import annotations

import math

import numpy as np

from ..operands import ALL, Cell, Result, constant, product, same, sum_of_products, total
from ..ops import alibi_slopes, relative_buckets, rotate, sinusoids, wave_rates, waves_of
from ..step_ref import StepRef
from ..text import factor, operand
from ..turning import rope_at, turn_rates
from .embedding import explain_similarity, similarity
from .kind import ATTENTION, EMBED, SELF, STACK, StepKind

FURTHEST = 64  # the distances that are tried out
PAIRS = {"P": "number of rotary pairs"}
POSITION_BIAS = {"b": "learned position bias"}


def rotates(config, ref: StepRef) -> bool:
    """Whether positions rotate the queries and keys of a layer."""
    return ref.layer is not None and config.rope(ref.layer) is not None


def projects(config, ref: StepRef) -> bool:
    """Whether they stay as they are."""
    return not rotates(config, ref)


def explain_learned_position(cell: Cell) -> Result:
    """A row of the position table."""
    return same(cell.weight("table", "position.weight", *cell.index))


def explain_sinusoid(cell: Cell) -> Result:
    """The sine or the cosine of the place times a frequency."""
    (l, d), c = cell.index, cell.config
    rates = wave_rates(c.embed_width, c.sinusoid_whole)
    if d >= len(rates) + c.embed_width // 2:
        return Result(0.0, "one dimension too many for pairs of waves", ())
    rate, place = float(rates[d % len(rates)]), c.sinusoid_first + l
    wave, sign = (math.sin, "sin") if d < len(rates) else (math.cos, "cos")
    return Result(
        wave(place * rate),
        f"{sign}({place} · {operand(rate)})",
        (constant("position", place), constant("frequency", rate)),
    )


def linear_positions(config) -> bool:
    """Whether scores fall with the distance, by a slope for each head."""
    return config.positions == "alibi"


def explain_linear_bias(cell: Cell) -> Result:
    """A head's slope times the distance."""
    h, l, m = cell.index
    slope = float(alibi_slopes(cell.config.n_heads)[h])
    return product(constant("slope of the head", slope), constant("m − l", m - l))


def explain_relative_bias(cell: Cell) -> Result:
    h, l, m = cell.index
    c, n = cell.config, cell.trace.shape(str(cell.ref))[1]
    bucket = relative_buckets(
        n, n, c.relative_buckets, c.relative_distance, cell.ref.side == "encoder"
    )[l, m]
    return same(cell.weight("table", "relative.weight", bucket, h))


def explain_biased_score(cell: Cell) -> Result:
    return total(
        cell.get("scaled", f"{cell.path}.scores.scaled", *cell.index),
        cell.get("bias", cell.config.relative_step(cell.path), *cell.index),
    )


def explain_rotated(cell: Cell) -> Result:
    """A pair of the query or the key before rotation, rotated by the position's angle."""
    (head, l, k), rate_P = cell.index, turn_rates(cell.trace, cell.path, cell.ref.leaf)
    before, half = f"{cell.path}.{cell.ref.leaf}.unrotated", len(rate_P)
    if k >= 2 * half:
        return same(cell.get("not rotated", before, head, l, k))
    angle, size = l * rate_P[k % half], size_of(cell.trace, cell.path)
    ahead, partner = (-1, k + half) if k < half else (1, k - half)
    times = "" if size == 1 else f", times {factor(size)}"
    return sum_of_products(
        cell.get("this and its partner", before, head, l, np.array([k, partner])),
        constant(
            f"cos and {'−' if ahead < 0 else ''}sin of {l}·θ{times}",
            size * math.cos(angle),
            size * ahead * math.sin(angle),
        ),
    )


def size_of(trace, path: str) -> float:
    """What turned numbers are multiplied by: 1, but for angles that are stretched in some ways."""
    rope = rope_at(trace.config, path)
    return rope.size if rope else 1.0


# --- readings -------------------------------------------------------------------------------------


def sinusoid(trace, ref: StepRef):
    """The sines and cosines of "Attention Is All You Need" (section 3.5) for these places, (L, D),
    whatever the model has; the model's own waves, where it has others.
    """
    c = trace.config
    length, width = trace.shape(f"{ref.path}.sum")
    return sinusoids(length, width, c.sinusoid_first, c.sinusoid_whole)


def unrotated(trace, ref: StepRef, head: int, looks: int, looked_at: int):
    """The query and the key of one pair before rotation, (K,) each, in float64."""
    group = trace.config.group(head)
    return (
        trace[f"{ref.path}.q.unrotated"][head, looks].astype(np.float64),
        trace[f"{ref.path}.k.unrotated"][group, looked_at].astype(np.float64),
    )


def rotated_back(trace, path: str, k_K, distances_S):
    """A key rotated back by so many places, (S, K): what a query so many places after it meets. Its
    numbers are multiplied by what both are.
    """
    distances_S = np.asarray(distances_S)
    angle_SP = -distances_S[:, None] * turn_rates(trace, path, "k")
    k_SK = np.broadcast_to(k_K, (len(distances_S), len(k_K)))
    size = size_of(trace, path) ** 2
    return rotate(k_SK, *waves_of(angle_SP, len(k_K), k_SK.dtype, size))


def scores_by_distance(trace, ref: StepRef, head: int, looks: int, looked_at: int):
    """q·k of one pair if the token that looks stood s places after the other, (S,) (Su et al.
    2021, section 3.4.3).
    """
    q_K, k_K = unrotated(trace, ref, head, looks, looked_at)
    return rotated_back(trace, ref.path, k_K, np.arange(FURTHEST)) @ q_K


def explain_score_at_distance(cell: Cell) -> Result:
    """The query times the key rotated back by the distance."""
    (s,), (h, l, m) = cell.index, cell.args
    k = cell.get("k", f"{cell.path}.k.unrotated", cell.group(h), m, ALL)
    key_K = rotated_back(cell.trace, cell.path, k.values_N, [s])[0]
    made = sum_of_products(
        cell.get("q", f"{cell.path}.q.unrotated", h, l, ALL),
        constant(f"k rotated back {s} positions", *key_K),
    )
    return Result(made.value, made.formula, (*made.groups, k))


def pairs(trace, ref: StepRef, head: int, looks: int, looked_at: int):
    """q·k of one pair split into the parts that its turning pairs of numbers give, the fastest
    first; last what the numbers give that don't turn, if there are any, (P,).
    """
    group = trace.config.group(head)
    terms_K = (
        trace[f"{ref.path}.q"][head, looks].astype(np.float64)
        * trace[f"{ref.path}.k"][group, looked_at]
    )
    half = len(turn_rates(trace, ref.path))
    by_pair = terms_K[: 2 * half].reshape(2, -1).sum(axis=0)
    still_K = terms_K[2 * half :]
    return np.append(by_pair, still_K.sum()) if len(still_K) else by_pair


def count_pairs(trace, ref: StepRef) -> dict[str, int]:
    """How many parts these are."""
    half = len(turn_rates(trace, ref.path))
    return {"P": half + (2 * half < trace.config.d_head)}


def explain_pair(cell: Cell) -> Result:
    (p,), (h, l, m), half = cell.index, cell.args, len(turn_rates(cell.trace, cell.path))
    still = np.arange(2 * half, cell.config.d_head)
    both = np.array([p, p + half]) if p < half else still
    return sum_of_products(
        cell.get("q", f"{cell.path}.q", h, l, both),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, both),
    )


# --- distances ------------------------------------------------------------------------------------


def put_back(shuffled_LM, places):
    """An attention matrix of a text with its words reversed, rows and columns back where the words
    stood, (L, M). places: where each token stood before (core.whatif.order).
    """
    back = np.argsort(places)
    return shuffled_LM[back][:, back]


def largest_gap(a_LM, b_LM) -> tuple[int, int]:
    """The cell in which two matrices differ most."""
    row, column = np.unravel_index(np.abs(a_LM - b_LM).argmax(), a_LM.shape)
    return int(row), int(column)


def pairs_by_distance(n: int) -> list[tuple[int, int, int]]:
    """For each distance m − l that n tokens have, from the farthest before to the farthest after:
    the distance, and one l and m that have it.
    """
    return [(s, max(-s, 0), max(s, 0)) for s in range(1 - n, n)]


KINDS = (
    StepKind(
        leaf="position",
        axes="LD",
        place=EMBED,
        recipe=explain_learned_position,
        title="Position embedding",
        story=("This position’s vector, the same for every word there."),
        latex=r"x^{\mathrm{pos}}_{l,d} = P_{l,d}",
        colour="position",
        when=lambda config: config.positions == "learned",
    ),
    StepKind(
        leaf="position",
        axes="LD",
        place=EMBED,
        recipe=explain_sinusoid,
        title="Position embedding",
        story=("This position’s vector, the same for every word there."),
        latex=r"x^{\mathrm{pos}}_{l,d} = P_{l,d}",
        colour="position",
        when=lambda config: config.positions == "sinusoid",
    ),
    StepKind(
        leaf="position.similarity",
        axes="LM",
        place=EMBED,
        recipe=explain_similarity,
        title="Similarity of two positions",
        story="The cosine between the vectors of two positions.",
        latex=r"\frac{P_l \cdot P_m}{\|P_l\| \, \|P_m\|}",
        letters={"l": "one position", "m": "another position"},
        colour="position",
        compute=similarity,
        after="position",
    ),
    StepKind(
        leaf="sinusoid",
        axes="LD",
        place=EMBED,
        recipe=explain_sinusoid,
        title="Sine wave of the position",
        story=(
            "Each dimension is a wave along the sentence, a little slower than the one before:"
            " sines in the first half of the vector, cosines in the second."
        ),
        latex=(
            r"\begin{gathered} P_{l,d} = \begin{cases} \sin(l\, \omega_d) & d < D/2 \\ "
            r"\cos(l\, \omega_{d - D/2}) & d \ge D/2 \end{cases} \\ \omega_d = 10000^{-2d/D}"
            r" \end{gathered}"
        ),
        colour="position",
        compute=sinusoid,
        after="sum",
        when=lambda config: not config.sinusoid_whole,
    ),
    StepKind(
        leaf="sinusoid",
        axes="LD",
        place=EMBED,
        recipe=explain_sinusoid,
        title="Sine wave of the position",
        story=(
            "Each dimension is a wave along the sentence, a little slower than the one before:"
            " sines in the first half of the vector, cosines in the second."
        ),
        latex=(
            r"\begin{gathered} P_{l,d} = \begin{cases} \sin((n + l)\, \omega_d) & d < D/2 \\ "
            r"\cos((n + l)\, \omega_{d - D/2}) & d \ge D/2 \end{cases} \\"
            r" \omega_d = 10000^{-d/(D/2 - 1)} \end{gathered}"
        ),
        letters={"n": "the number of position 0 in the waves"},
        colour="position",
        compute=sinusoid,
        after="sum",
        when=lambda config: config.sinusoid_whole,
    ),
    StepKind(
        leaf="relative",
        axes="HLM",
        place=STACK + SELF,
        recipe=explain_relative_bias,
        title="Relative position bias",
        story="A learned number for each head and distance, added to the score.",
        latex=r"b_{h,l,m} = B_{\mathrm{bucket}(m-l),\,h}",
        letters=POSITION_BIAS,
        colour="position",
        when=lambda config: not linear_positions(config),
    ),
    StepKind(
        leaf="relative",
        axes="HLM",
        place=STACK,
        recipe=explain_linear_bias,
        title="Linear position bias",
        story="The head’s slope times the distance: the farther back a token, the lower its score.",
        latex=r"b_{h,l,m} = n_h\,(m - l)",
        letters={"b": "position bias", "n": "slope of the head"},
        colour="position",
        when=linear_positions,
    ),
    StepKind(
        leaf="scores.biased",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_biased_score,
        title="Score with position bias",
        story="The score plus the number for this distance.",
        latex=r"s_{l,m} + b_{h,l,m}",
        letters={"b": "position bias"},
        colour="weight",
    ),
    StepKind(
        leaf="q",
        axes="HLK",
        place=ATTENTION,
        recipe=explain_rotated,
        title="Query, rotated",
        story=(
            "Each pair of the query’s numbers is rotated by an angle that grows with the position."
        ),
        latex=r"q'_{l,j} = q_{l,j}\cos(l\theta_j) \mp q_{l,j \pm P}\sin(l\theta_j)",
        letters=PAIRS,
        colour="q",
        where=rotates,
    ),
    StepKind(
        leaf="k",
        axes="GMK",
        place=ATTENTION,
        recipe=explain_rotated,
        title="Key, rotated",
        story=(
            "Each pair of the key’s numbers is rotated by an angle that grows with the position."
            " In q·k, only the distance between the two positions matters."
        ),
        latex=r"k'_{m,j} = k_{m,j}\cos(m\theta_j) \mp k_{m,j \pm P}\sin(m\theta_j)",
        letters=PAIRS,
        colour="k",
        where=rotates,
    ),
    StepKind(
        leaf="scores.pairs",
        axes="P",
        place=ATTENTION,
        recipe=explain_pair,
        title="One rotary pair’s part of the score",
        story="What the two dimensions that rotate together add to the score of these two tokens.",
        latex=r"q'_{l,j}\, k'_{m,j} + q'_{l,j + P}\, k'_{m,j + P}",
        letters=PAIRS,
        colour="weight",
        compute=pairs,
        after="q.unrotated",
        args="HLM",
        sizes=count_pairs,
    ),
    StepKind(
        leaf="scores.falls",
        axes="S",
        place=ATTENTION,
        recipe=explain_score_at_distance,
        title="Score at another distance",
        story=(
            "The same query and key, as if the query’s token came that many positions after the"
            " other."
        ),
        latex=r"q_l \cdot R_{-s}\, k_m",
        letters={"R": "rotation by so many positions"},
        colour="weight",
        compute=scores_by_distance,
        after="q.unrotated",
        args="HLM",
        sizes=lambda trace, ref: {"S": FURTHEST},
    ),
)
