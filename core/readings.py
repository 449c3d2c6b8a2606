"""Recipes for the derived values: how each number that is read out of a trace is made from the
steps that ran.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from core.analysis import heads, neurons, positions, sampling
from core.operands import (
    ALL,
    Cell,
    Group,
    Made,
    added,
    average,
    constant,
    product,
    quotient,
    sum_of_products,
    total,
)
from core.text import factor, number


def size(group: Group) -> float:
    """The length of a vector."""
    return float(np.linalg.norm(group.values_N))


# --- vectors --------------------------------------------------------------------------------------


def cosine(a: Group, b: Group) -> Made:
    """a·b / (‖a‖ ‖b‖)."""
    products, lengths = sum_of_products(a, b), size(a) * size(b)
    return Made(
        products.value / lengths if lengths else 0.0,
        f"({products.formula}) / ({number(size(a))} · {number(size(b))})",
        (a, b),
    )


def length(cell: Cell) -> Made:
    """√Σ x²."""
    x = cell.get("x", cell.name.removesuffix(".length"), *cell.index, ALL)
    return Made(size(x), f"√({added(x.values_N**2, lambda i: f'{factor(x.values_N[i])}²')})", (x,))


def similarity_between(cell: Cell) -> Made:
    (a, b), step = cell.index, cell.name.removesuffix(".similarity")
    return cosine(cell.get("this", step, a, ALL), cell.get("other", step, b, ALL))


def similarity(cell: Cell) -> Made:
    (l,) = cell.index
    return cosine(
        cell.get("now", f"{cell.path}.out", l, ALL),
        cell.get("at first", f"{cell.path.split('.')[0]}.embed.out", l, ALL),
    )


def turned(cell: Cell) -> Made:
    (l,) = cell.index
    return cosine(
        cell.get("after", f"{cell.path}.out", l, ALL),
        cell.get("before", f"{cell.path}.attn.in", l, ALL),
    )


def step_length(cell: Cell) -> Made:
    """The length of what a layer added, against the length of what there was."""
    (l,) = cell.index
    after, before = (
        cell.get("after", f"{cell.path}.out", l, ALL),
        cell.get("before", f"{cell.path}.attn.in", l, ALL),
    )
    moved_N = after.values_N - before.values_N
    written = added(
        moved_N**2, lambda i: f"({number(after.values_N[i])} − {factor(before.values_N[i])})²"
    )
    return Made(
        float(np.linalg.norm(moved_N)) / size(before),
        f"√({written}) / {number(size(before))}",
        (after, before),
    )


def relative(cell: Cell) -> Made:
    """The length of an update against the length of what it is added to."""
    (l,) = cell.index
    update, before = (
        cell.get("update", f"{cell.path}.out", l, ALL),
        cell.get("before", f"{cell.path}.in", l, ALL),
    )
    return Made(
        size(update) / size(before) if size(before) else 0.0,
        f"{number(size(update))} / {number(size(before))}",
        (update, before),
    )


def pooled(cell: Cell) -> Made:
    return average(cell.get("x", f"{cell.path}.out", ALL, *cell.index))


# --- the vocabulary -------------------------------------------------------------------------------


def near(cell: Cell) -> Made:
    (v,), (token_id,) = cell.index, cell.asked
    return cosine(
        cell.weight("this", "token.weight", token_id, ALL),
        cell.weight("other", "token.weight", v, ALL),
    )


def arithmetic(cell: Cell) -> Made:
    """The cosine with a − b + c, whose three rows stand beside it."""
    (v,) = cell.index
    a, b, c = (
        cell.weight(sign, "token.weight", i, ALL)
        for sign, i in zip(("a", "− b", "+ c"), cell.asked)
    )
    sum_ = constant("a − b + c", *(a.values_N - b.values_N + c.values_N))
    made = cosine(sum_, cell.weight("word", "token.weight", v, ALL))
    return Made(made.value, made.formula, (*made.groups, a, b, c))


# --- positions ------------------------------------------------------------------------------------


def sinusoid(cell: Cell) -> Made:
    """The sine or the cosine of the place times a frequency."""
    (l, d), width = cell.index, cell.config.d_model
    half = (width + 1) // 2
    rate = 10000.0 ** (-2 * (d % half) / width)
    wave, sign = (math.sin, "sin") if d < half else (math.cos, "cos")
    return Made(
        wave(l * rate),
        f"{sign}({l} · {number(rate)})",
        (constant("position", l), constant("frequency", rate)),
    )


def frequency_pair(cell: Cell) -> Made:
    (p,), (h, l, m), half = cell.index, cell.asked, cell.config.d_head // 2
    both = np.array([p, p + half])
    return sum_of_products(
        cell.get("q", f"{cell.path}.q", h, l, both),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, both),
    )


def falls(cell: Cell) -> Made:
    """The query times the key turned back by the distance."""
    (s,), (h, l, m) = cell.index, cell.asked
    k = cell.get("k", f"{cell.path}.k.unrotated", cell.group(h), m, ALL)
    turned_K = positions.apart(cell.trace, k.values_N, [s])[0]
    made = sum_of_products(
        cell.get("q", f"{cell.path}.q.unrotated", h, l, ALL),
        constant(f"k turned back {s} places", *turned_K),
    )
    return Made(made.value, made.formula, (*made.groups, k))


# --- attention ------------------------------------------------------------------------------------


def term(cell: Cell) -> Made:
    (k,), (h, l, m) = cell.index, cell.asked
    return product(
        cell.get("q", f"{cell.path}.q", h, l, k),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, k),
    )


def pattern_exp(cell: Cell) -> Made:
    h, l, m = cell.index
    score, row = (
        cell.get(role, f"{cell.path}.scores", h, l, at) for role, at in (("score", m), ("row", ALL))
    )
    largest = row.values_N.max()
    return Made(
        math.exp(score.values_N[0] - largest),
        f"exp({number(score.values_N[0])} − {factor(largest)})",
        (score, exponentials(row)),
    )


def pattern_total(cell: Cell) -> Made:
    return total(cell.get("exp", f"{cell.path}.pattern.exp", *cell.index, ALL))


def exponentials(row: Group, scale: float = 1.0) -> Group:
    """The scores of a row, each counting as much as its exponential does."""
    scores_N = row.values_N * scale
    return replace(row, parts_N=np.exp(scores_N - scores_N.max()))


def softmax_of(cell: Cell, scale: float, written: str) -> Made:
    """softmax(score · scale) over the row."""
    h, l, m = cell.index
    row = cell.get("row", f"{cell.path}.scores", h, l, ALL)
    scores_N = row.values_N * scale
    mine, whole = math.exp(scores_N[m] - scores_N.max()), np.exp(scores_N - scores_N.max()).sum()
    return Made(
        float(mine / whole),
        f"exp({number(row.values_N[m])} {written} − {factor(scores_N.max())}) / {number(whole)}",
        (cell.get("score", f"{cell.path}.scores", h, l, m), exponentials(row, scale)),
    )


def heated(cell: Cell) -> Made:
    (percent,) = cell.asked
    return softmax_of(cell, 100 / percent, f"/ {number(percent / 100)}")


def unscaled(cell: Cell) -> Made:
    return softmax_of(cell, 1 / cell.config.score_scale, f"· {number(1 / cell.config.score_scale)}")


def others(cell: Cell) -> Made:
    """A weight as a share of all but the token's own."""
    h, l, m = cell.index
    away = np.delete(np.arange(cell.trace.shape(f"{cell.path}.pattern")[2]), l)
    rest = cell.get("others", f"{cell.path}.pattern", h, l, away)
    if l == m or not rest.values_N.sum():
        return Made(
            0.0, "its own weight is left out" if l == m else "nothing else may be seen", (rest,)
        )
    weight = cell.get("weight", f"{cell.path}.pattern", h, l, m)
    return Made(
        float(weight.values_N[0] / rest.values_N.sum()),
        f"{number(weight.values_N[0])} / {number(rest.values_N.sum())}",
        (weight, rest),
    )


def mean(cell: Cell) -> Made:
    return average(cell.get("head", f"{cell.path}.pattern", ALL, *cell.index))


def mean_across(cell: Cell) -> Made:
    """The means of the layers, averaged."""
    layers = range(cell.config.layers(cell.path))
    groups = [
        cell.get(f"layer {n}", f"{cell.path}.{n}.cross.pattern.mean", *cell.index) for n in layers
    ]
    summed = total(*groups)
    return Made(summed.value / len(layers), f"({summed.formula}) / {len(layers)}", summed.groups)


def entropy(cell: Cell) -> Made:
    """−Σ a ln a / ln n."""
    h, l = cell.index
    row = cell.get("weight", f"{cell.path}.pattern", h, l, ALL)
    seen = int(cell.trace[f"{cell.path}.mask"][l].sum())
    a_N = row.values_N[row.values_N > 0]
    terms_N, most = -a_N * np.log(a_N), math.log(max(seen, 2))
    formula = added(terms_N, lambda i: f"{number(a_N[i])} · {factor(-math.log(a_N[i]))}")
    return Made(float(terms_N.sum()) / most, f"({formula}) / ln {max(seen, 2)}", (row,))


def role(cell: Cell) -> Made:
    """The mean over the tokens that have such a target, of what they give it."""
    h, o = cell.index
    if o == len(heads.ROLES) - 1:
        each = cell.get("entropy", f"{cell.path}.pattern.entropy", h, ALL)
        count = len(each.values_N)
    else:
        rows, columns = np.nonzero(heads.targets(cell.trace, cell.path, o))
        each = cell.get("weight", f"{cell.path}.pattern", h, rows, columns)
        count = max(len(set(rows.tolist())), 1)
    summed = total(each)
    return Made(summed.value / count, f"({summed.formula or '0'}) / {count}", (each,))


def in_words(cell: Cell) -> Made:
    """Summed over the pieces looked at, averaged over those that look, and shared out anew where
    signs are left out.
    """
    (h, i, j), (bare, merge) = cell.index, cell.asked
    parts = heads.groups(cell.trace, cell.path.split(".")[0], bare, merge)
    rows = np.repeat(parts[i], len(parts[j]))
    own = cell.get("weight", f"{cell.path}.pattern", h, rows, np.tile(parts[j], len(parts[i])))
    summed, n = total(own), len(parts[i])
    if not bare:
        return Made(summed.value / n, f"({summed.formula}) / {n}", (own,))
    shown = np.concatenate(parts)
    row = cell.get(
        "all shown", f"{cell.path}.pattern", h, np.repeat(parts[i], len(shown)), np.tile(shown, n)
    )
    whole = float(row.values_N.sum())
    return Made(
        summed.value / whole if whole else 0.0, f"({summed.formula}) / {number(whole)}", (own, row)
    )


def contribution(cell: Cell) -> Made:
    h, l, d = cell.index
    rows = h * cell.config.d_head + np.arange(cell.config.d_head)
    return sum_of_products(
        cell.get("z", f"{cell.path}.z", h, l, ALL), cell.weight("Wo", "out.weight", rows, d)
    )


def share(cell: Cell) -> Made:
    """u_h · u / ‖u‖²."""
    h, l = cell.index
    own, whole = (
        cell.get("head", f"{cell.path}.heads", h, l, ALL),
        cell.get("update", f"{cell.path}.out", l, ALL),
    )
    products, square = sum_of_products(own, whole), float(whole.values_N @ whole.values_N)
    return Made(
        products.value / square if square else 0.0,
        f"({products.formula}) / {number(square)}",
        (own, whole),
    )


def rollout(cell: Cell) -> Made:
    """Half of what the tokens that are looked at had gathered, and half of what it had gathered
    itself.
    """
    l, m = cell.index
    side, layer = cell.path.split(".")
    if layer == "0":
        weight = cell.get("weight", f"{cell.path}.attn.pattern.mean", l, m)
        return Made(
            (weight.values_N[0] + (l == m)) / 2,
            f"({number(weight.values_N[0])} + {int(l == m)}) / 2",
            (weight,),
        )
    before = f"{side}.{int(layer) - 1}.rollout"
    own = cell.get("own", before, l, m)
    made = sum_of_products(
        cell.get("weight", f"{cell.path}.attn.pattern.mean", l, ALL),
        cell.get("before", before, ALL, m),
        own,
    )
    return Made(made.value / 2, f"({made.formula}) / 2", made.groups)


# --- neurons --------------------------------------------------------------------------------------


def neuron_term(cell: Cell) -> Made:
    """One number of the vector that the network reads times its weight."""
    (d,), (l, f) = cell.index, cell.asked
    reads = f"{cell.path}.norm.out" if cell.config.norm_first else f"{cell.path}.in"
    return product(cell.get("x", reads, l, d), cell.weight("W", "pre.weight", d, f))


def reach(cell: Cell) -> Made:
    l, f = cell.index
    neuron, row = (
        cell.get("neuron", f"{cell.path}.hidden", l, f),
        cell.weight("row", "out.weight", f, ALL),
    )
    return Made(
        abs(float(neuron.values_N[0])) * size(row),
        f"|{number(neuron.values_N[0])}| · {number(size(row))}",
        (neuron, row),
    )


def writes(cell: Cell) -> Made:
    (d,), (l, f) = cell.index, cell.asked
    return product(
        cell.get("neuron", f"{cell.path}.hidden", l, f), cell.weight("W", "out.weight", f, d)
    )


def promotes(cell: Cell) -> Made:
    """What the neuron writes, behind the last norm, times the word's row."""
    (v,), (l, f) = cell.index, cell.asked
    written = cell.get("written", f"{cell.path}.writes.{l}.{f}", ALL)
    normed_D = neurons.through_last_norm(cell.trace, written.values_N, l)
    made = sum_of_products(
        constant("written, behind the last norm", *normed_D),
        cell.get("word", "weights/head.logits.weight", v, ALL),
    )
    return Made(made.value, made.formula, (*made.groups, written))


# --- the draw -------------------------------------------------------------------------------------


def tempered(cell: Cell) -> Made:
    (v,), (r, percent) = cell.index, cell.asked
    row = cell.get("logits", f"{cell.path}.logits", r, ALL)
    heat, largest = percent / 100, row.values_N.max()
    mine, whole = (
        math.exp((row.values_N[v] - largest) / heat),
        np.exp((row.values_N - largest) / heat).sum(),
    )
    return Made(
        float(mine / whole),
        f"exp(({number(row.values_N[v])} − {factor(largest)}) / {number(heat)}) / {number(whole)}",
        (cell.get("logit", f"{cell.path}.logits", r, v), exponentials(row, 1 / heat)),
    )


def sampled(cell: Cell) -> Made:
    (v,), (r, percent, k, permille) = cell.index, cell.asked
    step = f"{cell.path}.tempered.{r}.{percent}"
    kept = np.flatnonzero(sampling.kept(cell.trace[step], k, permille / 1000))
    own, left = cell.get("probability", step, v), cell.get("kept", step, kept)
    if v not in kept:
        return Made(0.0, f"{number(own.values_N[0])}, cut away", (own, left))
    whole = constant("sum of the kept", left.values_N.sum())
    made = quotient(own, whole)
    return Made(made.value, made.formula, (own, left))


def written(cell: Cell) -> Made:
    """ln p = the logit, less the row's largest, less ln Σ e^(logit − largest)."""
    (r,) = cell.index
    row, next_id = (
        cell.get("logits", f"{cell.path}.logits", r, ALL),
        int(sampling.next_ids(cell.trace)[r]),
    )
    largest, mine = row.values_N.max(), row.values_N[next_id]
    rest = math.log(np.exp(row.values_N - largest).sum())
    return Made(
        mine - largest - rest,
        f"{number(mine)} − {factor(largest)} − {number(rest)}",
        (cell.get("logit", f"{cell.path}.logits", r, next_id), exponentials(row)),
    )


def written_sum(cell: Cell) -> Made:
    return total(cell.get("ln p", f"{cell.path}.written", np.arange(cell.index[0] + 1)))


RECIPES = {
    "length": length,
    "embed.token.similarity": similarity_between,
    "embed.position.similarity": similarity_between,
    "embed.near": near,
    "embed.arithmetic": arithmetic,
    "embed.sinusoid": sinusoid,
    "attn.scores.terms": term,
    "attn.scores.pairs": frequency_pair,
    "attn.scores.falls": falls,
    "attn.pattern.exp": pattern_exp,
    "attn.pattern.total": pattern_total,
    "attn.pattern.heat": heated,
    "attn.pattern.unscaled": unscaled,
    "attn.pattern.others": others,
    "attn.pattern.mean": mean,
    "stack.cross.pattern.mean": mean_across,
    "attn.pattern.entropy": entropy,
    "attn.pattern.roles": role,
    "attn.pattern.words": in_words,
    "attn.out.relative": relative,
    "mlp.out.relative": relative,
    "attn.heads": contribution,
    "attn.heads.share": share,
    "mlp.pre.terms": neuron_term,
    "mlp.hidden.reach": reach,
    "mlp.writes": writes,
    "mlp.promotes": promotes,
    "layer.out.similarity": similarity,
    "layer.out.turned": turned,
    "layer.out.step": step_length,
    "layer.rollout": rollout,
    "stack.out.pooled": pooled,
    "head.tempered": tempered,
    "head.sampled": sampled,
    "head.written": written,
    "head.written.sum": written_sum,
}
