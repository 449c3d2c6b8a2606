"""The output: a score for every word of the vocabulary, its probability, what is left of it in a
draw, and the sentence vector.
"""

from __future__ import annotations

import math

import numpy as np

from ..operands import (
    ALL,
    Cell,
    Result,
    capped,
    constant,
    exponentials_of,
    product,
    quotient,
    same,
    sum_of_products,
    total,
)
from ..ops import log_softmax, softmax
from ..sampling import kept
from ..step_ref import StepRef
from ..text import factor, operand
from .feed_forward import explain_activated
from .kind import HEAD, POOLER, StepKind
from .letters import OUTPUT_TABLE, PROBABILITY


def explain_head_in(cell: Cell) -> Result:
    r, d = cell.index
    x = cell.get("stream", f"{cell.config.sides[-1]}.out", cell.trace.rows[r], d)
    return (
        same(x)
        if cell.config.head_scale == 1
        else product(x, constant("scale", cell.config.head_scale))
    )


def explain_head_pre(cell: Cell) -> Result:
    r, d = cell.index
    return sum_of_products(
        cell.get("x", "head.in", r, ALL),
        cell.weight("W", "pre.weight", ALL, d),
        cell.weight("bias", "pre.bias", d),
    )


def logit_of(cell: Cell, reads: str) -> Result:
    """The vector of a step, compared with the row of a word."""
    r, v = cell.index
    return sum_of_products(
        cell.get("x", reads, r, ALL),
        cell.weight("word", "logits.weight", v, ALL),
        cell.weight("bias", "logits.bias", v),
    )


def explain_logit(cell: Cell) -> Result:
    reads = "head.pre" if cell.config.d_embed else "head.in"
    return logit_of(cell, "head.norm.out" if cell.config.head == "transform" else reads)


def explain_capped_logit(cell: Cell) -> Result:
    return capped(cell.get("logit", "head.logits.uncapped", *cell.index), cell.config.logit_cap)


def caps_logits(config) -> bool:
    """Whether logits are bent to stay below a cap."""
    return "lstm" not in config.sides and bool(config.logit_cap)


def explain_probability(cell: Cell) -> Result:
    return softmax_of(cell, "head.logits", cell.index[:-1])


def softmax_of(cell: Cell, logits: str, place: tuple[int, ...]) -> Result:
    """One probability, of the word that the last index names, from a row of logits."""
    v = cell.index[-1]
    row = cell.get("logits", logits, *place, ALL)
    largest = row.values_N.max()
    mine, whole = math.exp(row.values_N[v] - largest), np.exp(row.values_N - largest).sum()
    formula = f"exp({operand(row.values_N[v])} − {factor(largest)}) / {operand(whole)}"
    logit = cell.get("logit", logits, *place, v)
    return Result(mine / whole, formula, (logit, exponentials_of(row)), "softmax")


def explain_pooler_pre(cell: Cell) -> Result:
    (d,) = cell.index
    return sum_of_products(
        cell.get("x", "encoder.out", 0, ALL),
        cell.weight("W", "pre.weight", ALL, d),
        cell.weight("bias", "pre.bias", d),
    )


def explain_pooler_out(cell: Cell) -> Result:
    x = cell.get("x", "pooler.pre", *cell.index)
    formula = f"tanh({operand(x.values_N[0])})"
    return Result(math.tanh(x.values_N[0]), formula, (x,), "activation tanh")


def explain_next_sentence(cell: Cell) -> Result:
    (c,) = cell.index
    return sum_of_products(
        cell.get("x", "pooler.out", ALL),
        cell.weight("W", "logits.weight", ALL, c),
        cell.weight("bias", "logits.bias", c),
    )


def pair_probabilities(trace, ref: StepRef):
    """Softmax of the two next-sentence scores, (C,)."""
    return softmax(trace[f"{ref.path}.logits"].astype(np.float64))


def explain_pair_probability(cell: Cell) -> Result:
    return softmax_of(cell, "pooler.logits", ())


# --- the draw -------------------------------------------------------------------------------------


def probabilities_at_temperature(trace, ref: StepRef, row: int, percent: int):
    """Softmax of logits / T over the whole vocabulary, T = percent / 100, (V,)."""
    return softmax(trace[f"{ref.path}.logits"][row].astype(np.float64) * (100 / percent))


def explain_probability_at_temperature(cell: Cell) -> Result:
    (v,), (r, percent) = cell.index, cell.args
    row = cell.get("logits", f"{cell.path}.logits", r, ALL)
    heat, largest = percent / 100, row.values_N.max()
    mine, whole = (
        math.exp((row.values_N[v] - largest) / heat),
        np.exp((row.values_N - largest) / heat).sum(),
    )
    return Result(
        float(mine / whole),
        f"exp(({operand(row.values_N[v])} − {factor(largest)}) / {operand(heat)})"
        f" / {operand(whole)}",
        (cell.get("logit", f"{cell.path}.logits", r, v), exponentials_of(row, 1 / heat)),
    )


def sampled(trace, ref: StepRef, row: int, percent: int, k: int, permille: int):
    """The probabilities that are drawn from: at a temperature, of the k likeliest (0: of all) the
    fewest that hold p = permille / 1000, shared out anew over what is kept, (V,).
    """
    return shared_out(trace[f"{ref.path}.tempered.{row}.{percent}"], k, permille)


def shared_out(probs_V, k: int, permille: int):
    """What is left of probabilities in the draw, divided by its sum, (V,)."""
    kept_V = kept(probs_V, k, permille / 1000)
    return np.where(kept_V, probs_V, 0) / probs_V[kept_V].sum()


def explain_sampled(cell: Cell) -> Result:
    (v,), (r, percent, k, permille) = cell.index, cell.args
    step = f"{cell.path}.tempered.{r}.{percent}"
    kept_N = np.flatnonzero(kept(cell.trace[step], k, permille / 1000))
    own, left = cell.get("probability", step, v), cell.get("kept", step, kept_N)
    if v not in kept_N:
        return Result(0.0, f"{operand(own.values_N[0])}, dropped", (own, left))
    whole = constant("sum of the kept", left.values_N.sum())
    made = quotient(own, whole)
    return Result(made.value, made.formula, (own, left))


def sampled_without(trace, ref: StepRef, barred: set[int]):
    """What is drawn from, at a value of `sampled`, where some tokens are forbidden: they count as
    impossible before anything is cut away, (V,).
    """
    row, percent, k, permille = ref.args
    logits_V = trace[f"{ref.path}.logits"][row].astype(np.float64) * (100 / percent)
    logits_V[sorted(i for i in barred if i < len(logits_V))] = -np.inf
    if not barred or not np.isfinite(logits_V.max()):
        return trace[str(ref)]
    return shared_out(softmax(logits_V), k, permille)


# --- what was written -----------------------------------------------------------------------------


def next_ids(trace) -> np.ndarray:
    """Of what a decoder read, the token that follows each position, (R,): after the last of a
    translation the token that ends it; else, or where a model has none, the likeliest.
    """
    ids_L, end = trace["decoder.embed.ids"], trace.config.end_id if trace.config.crosses else None
    last = int(trace["head.logits"][-1].argmax()) if end is None else end
    return np.append(ids_L[1:], last)[trace.rows]


def log_prob_of_next(trace, ref: StepRef):
    """The logarithm of the probability that each position gave to the token that follows it,
    (R,).
    """
    log_probs_RV = log_softmax(trace[f"{ref.path}.logits"].astype(np.float64))
    return log_probs_RV[np.arange(len(log_probs_RV)), next_ids(trace)]


def explain_log_prob_of_next(cell: Cell) -> Result:
    """ln p = the logit, less the row's largest, less ln Σ e^(logit − largest)."""
    (r,) = cell.index
    row, next_id = (cell.get("logits", f"{cell.path}.logits", r, ALL), int(next_ids(cell.trace)[r]))
    largest, mine = row.values_N.max(), row.values_N[next_id]
    rest = math.log(np.exp(row.values_N - largest).sum())
    return Result(
        mine - largest - rest,
        f"{operand(mine)} − {factor(largest)} − {operand(rest)}",
        (cell.get("logit", f"{cell.path}.logits", r, next_id), exponentials_of(row)),
    )


def log_prob_so_far(trace, ref: StepRef):
    """The same, added up from the first position on, (R,): the last of them belongs to the whole
    sentence.
    """
    return np.cumsum(trace[f"{ref.path}.written"])


def explain_log_prob_so_far(cell: Cell) -> Result:
    return total(cell.get("ln p", f"{cell.path}.written", np.arange(cell.index[0] + 1)))


def writes(config) -> bool:
    """Whether a model writes text."""
    return "decoder" in config.sides


KINDS = (
    StepKind(
        leaf="in",
        axes="RD",
        place=HEAD,
        recipe=explain_head_in,
        title="Into the output head",
        story="The vector that the output head turns into a score for every word.",
        latex=r"x_{r,d}",
        colour="head",
    ),
    StepKind(
        leaf="pre",
        axes="RD",
        place=HEAD,
        recipe=explain_head_pre,
        title="Output transform",
        story="One more dense layer before the comparison with the words.",
        latex=r"\sum_{d'} x_{r,d'} W_{d',d} + b_d",
        colour="head",
    ),
    StepKind(
        leaf="hidden",
        axes="RD",
        place=HEAD,
        recipe=explain_activated,
        title="Output transform, activated",
        story="The output transform after its activation function.",
        latex=r"\mathrm{act}(p_{r,d})",
        letters={"p": "output transform"},
        colour="head",
    ),
    StepKind(
        leaf="logits",
        axes="RV",
        place=HEAD,
        recipe=explain_logit,
        title="Logit",
        story="How well the vector matches this word of the vocabulary.",
        latex=r"\ell_{r,v} = \sum_d x_{r,d}\, E_{v,d} + b_v",
        letters=OUTPUT_TABLE,
        colour="head",
        when=lambda config: "lstm" not in config.sides and not config.logit_cap,
    ),
    StepKind(
        leaf="logits.uncapped",
        axes="RV",
        place=HEAD,
        recipe=explain_logit,
        title="Logit before the cap",
        story="How well the vector matches this word of the vocabulary, before a tanh bends it.",
        latex=r"s_{r,v} = \sum_d x_{r,d}\, E_{v,d} + b_v",
        letters=OUTPUT_TABLE | {"s": "logit before the cap"},
        colour="head",
        when=caps_logits,
    ),
    StepKind(
        leaf="logits",
        axes="RV",
        place=HEAD,
        recipe=explain_capped_logit,
        title="Logit",
        story=(
            "How well the vector matches this word of the vocabulary, bent by a tanh so that no"
            " logit lies beyond the cap."
        ),
        latex=r"\ell_{r,v} = n \tanh\!\left(\frac{s_{r,v}}{n}\right)",
        letters={"s": "logit before the cap", "n": "the cap"},
        colour="head",
        when=caps_logits,
    ),
    StepKind(
        leaf="probs",
        axes="RV",
        place=HEAD,
        recipe=explain_probability,
        title="Probability",
        story="Softmax of the logits over the whole vocabulary.",
        latex=r"p_{r,v} = \frac{e^{\ell_{r,v}}}{\sum_{v'} e^{\ell_{r,v'}}}",
        letters=PROBABILITY,
        colour="head",
        scale="weight",
    ),
    StepKind(
        leaf="pre",
        axes="D",
        place=POOLER,
        recipe=explain_pooler_pre,
        title="Sentence vector before tanh",
        story="A dense layer on the first token’s vector.",
        latex=r"\sum_{d'} x_{0,d'} W_{d',d} + b_d",
        colour="head",
    ),
    StepKind(
        leaf="out",
        axes="D",
        place=POOLER,
        recipe=explain_pooler_out,
        title="Sentence vector",
        story="The first token’s vector after one more layer.",
        latex=r"\tanh(p_d)",
        letters={"p": "sentence vector before tanh"},
        colour="head",
    ),
    StepKind(
        leaf="logits",
        axes="C",
        place=POOLER,
        recipe=explain_next_sentence,
        title="Next-sentence score",
        story="Class 0: sentence B follows sentence A. Class 1: it does not.",
        latex=r"\sum_d y_d W_{d,c} + b_c",
        colour="head",
    ),
    StepKind(
        leaf="probs",
        axes="C",
        place=POOLER,
        recipe=explain_pair_probability,
        title="Next-sentence probability",
        story="Class 0: sentence B follows sentence A. Class 1: it does not. Both add up to 1.",
        latex=r"\frac{e^{\ell_c}}{e^{\ell_0} + e^{\ell_1}}",
        letters={r"\ell": "next-sentence score"},
        colour="head",
        scale="weight",
        compute=pair_probabilities,
        after="logits",
        when=lambda config: getattr(config, "pooler", None) == "next",
    ),
    StepKind(
        leaf="tempered",
        axes="V",
        place=HEAD,
        recipe=explain_probability_at_temperature,
        title="Probability at a temperature",
        story="Softmax of the logits divided by the temperature, over the whole vocabulary.",
        latex=r"\frac{e^{\ell_{r,v} / T}}{\sum_{v'} e^{\ell_{r,v'} / T}}",
        colour="head",
        scale="weight",
        compute=probabilities_at_temperature,
        after="logits",
        args="RT",
    ),
    StepKind(
        leaf="sampled",
        axes="V",
        place=HEAD,
        recipe=explain_sampled,
        title="Probability in the draw",
        story=(
            "The word’s probability once the unlikely words are dropped and the rest rescaled to"
            " add up to 1."
        ),
        latex=r"\frac{p_v}{\sum_{v'\,\mathrm{kept}} p_{v'}}\ \text{or}\ 0",
        letters={"p": "probability at the temperature", "v'": "each word that is kept"},
        colour="head",
        scale="weight",
        compute=sampled,
        after="probs",
        args="RTN‰",
    ),
    StepKind(
        leaf="written",
        axes="R",
        place=HEAD,
        recipe=explain_log_prob_of_next,
        title="Log probability of the next word",
        story=(
            "The natural logarithm of the probability that the model gives to the word that"
            " follows: 0 if the model is certain of it, further below 0 the less it expects it."
        ),
        latex=r"\ln p_{r,v} = \ell_{r,v} - \ln \sum_{v'} e^{\ell_{r,v'}}",
        letters={**PROBABILITY, "v": "the word that follows", "v'": "each word in turn"},
        colour="head",
        compute=log_prob_of_next,
        after="probs",
        when=writes,
    ),
    StepKind(
        leaf="written.sum",
        axes="R",
        place=HEAD,
        recipe=explain_log_prob_so_far,
        title="Log probability up to here",
        story=(
            "The log probabilities of all words up to here, added up. e to the power of this is"
            " the probability of the whole sequence."
        ),
        latex=r"\sum_{r' \le r} \ln p_{r'}",
        letters={"p": "probability of the word that follows", "r'": "each position up to r"},
        colour="head",
        compute=log_prob_so_far,
        after="probs",
        when=writes,
    ),
)
