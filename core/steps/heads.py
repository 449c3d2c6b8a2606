"""What each head does and adds: where it looks, in tokens and in words, and what it writes; and the
weights of all heads, averaged.
"""

from __future__ import annotations

import math

import numpy as np

from ..operands import ALL, Cell, Result, added, average, constant, sum_of_products, total
from ..step_ref import StepRef
from ..text import factor, operand
from ..vectors import TINY
from ..why.norms import bias_as_added, through_update_norm
from .attention import BY_HEAD
from .kind import ATTENTION, SELF, StepKind
from .norm import length_of

ROLES = ("previous token", "next token", "itself", "duplicate", "induction", "separator", "broad")


def word_groups(trace, side: str, hide_special: int, merge_pieces: int) -> list[list[int]]:
    """The positions that stand together: pieces of a word if `merge_pieces`, and no special tokens
    such as [CLS] if `hide_special`.
    """
    found: dict = {}
    for i, word in enumerate(words_of(trace, side)):
        if word is not None or not hide_special:
            merged = merge_pieces and word is not None
            found.setdefault(("word", word) if merged else ("place", i), []).append(i)
    # A text of nothing but special tokens keeps them.
    return list(found.values()) or word_groups(trace, side, 0, merge_pieces)


def words_of(trace, side: str) -> list[int | None]:
    """For each token the word it belongs to, None for special tokens such as [CLS]; where that is
    not known, each is a word.
    """
    if side == trace.config.sides[0] and trace.words_L is not None:
        return list(trace.words_L)
    return list(range(trace.shape(f"{side}.embed.ids")[0]))


def in_words(trace, ref: StepRef, hide_special: int, merge_pieces: int):
    """The weights between words: summed over the pieces that are looked at, averaged over those
    that look; where special tokens are hidden, each row is shared out anew over what is left,
    (H, I, J).
    """
    pattern_HLM = trace[f"{ref.path}.pattern"].astype(np.float64)
    parts = word_groups(trace, ref.side, hide_special, merge_pieces)
    places = range(pattern_HLM.shape[1])
    member_IL = np.array([[l in part for l in places] for part in parts], dtype=np.float64)
    words_HIJ = member_IL / member_IL.sum(axis=1, keepdims=True) @ pattern_HLM @ member_IL.T
    if not hide_special:
        return words_HIJ
    return words_HIJ / np.maximum(words_HIJ.sum(axis=-1, keepdims=True), TINY)


def explain_in_words(cell: Cell) -> Result:
    """Summed over the pieces looked at, averaged over those that look, and shared out anew where
    special tokens are hidden.
    """
    (h, i, j), (hide_special, merge_pieces) = cell.index, cell.args
    parts = word_groups(cell.trace, cell.ref.side, hide_special, merge_pieces)
    rows = np.repeat(parts[i], len(parts[j]))
    own = cell.get("weight", f"{cell.path}.pattern", h, rows, np.tile(parts[j], len(parts[i])))
    summed, n = total(own), len(parts[i])
    if not hide_special:
        return Result(summed.value / n, f"({summed.formula}) / {n}", (own,))
    shown = np.concatenate(parts)
    row = cell.get(
        "all shown", f"{cell.path}.pattern", h, np.repeat(parts[i], len(shown)), np.tile(shown, n)
    )
    whole = float(row.values_N.sum())
    return Result(
        summed.value / whole if whole else 0.0, f"({summed.formula}) / {operand(whole)}", (own, row)
    )


def words_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many words look, and are looked at."""
    words = len(word_groups(trace, ref.side, *ref.args))
    return {"I": words, "J": words}


# --- the weights of all heads ---------------------------------------------------------------------


def weights_of_others(trace, ref: StepRef):
    """The weights without a token's own, the rest shared out anew, (H, L, M); 0 where nothing else
    may be seen.
    """
    others_HLM = trace[f"{ref.path}.pattern"] * ~np.eye(
        trace.shape(f"{ref.path}.pattern")[1], dtype=bool
    )
    return others_HLM / np.maximum(
        others_HLM.sum(axis=-1, keepdims=True), np.finfo(others_HLM.dtype).tiny
    )


def explain_others(cell: Cell) -> Result:
    """A weight as a share of all but the token's own."""
    h, l, m = cell.index
    away = np.delete(np.arange(cell.trace.shape(f"{cell.path}.pattern")[2]), l)
    rest = cell.get("others", f"{cell.path}.pattern", h, l, away)
    if l == m or not rest.values_N.sum():
        return Result(
            0.0, "its own weight is left out" if l == m else "nothing else may be seen", (rest,)
        )
    weight = cell.get("weight", f"{cell.path}.pattern", h, l, m)
    return Result(
        float(weight.values_N[0] / rest.values_N.sum()),
        f"{operand(weight.values_N[0])} / {operand(rest.values_N.sum())}",
        (weight, rest),
    )


def mean_of_heads(trace, ref: StepRef):
    """The weights of all heads, averaged, (L, M)."""
    return trace[f"{ref.path}.pattern"].mean(axis=0)


def explain_mean_of_heads(cell: Cell) -> Result:
    return average(cell.get("head", f"{cell.path}.pattern", ALL, *cell.index))


def mean_of_layers(trace, ref: StepRef):
    """The weights of cross-attention, averaged over all heads of all layers, (L, M)."""
    return np.mean(
        [
            trace[f"{ref.path}.{layer}.cross.pattern.mean"]
            for layer in range(trace.config.layers(ref.side))
        ],
        axis=0,
    )


def explain_mean_of_layers(cell: Cell) -> Result:
    """The means of the layers, averaged."""
    layers = range(cell.config.layers(cell.ref.side))
    groups = [
        cell.get(f"layer {n}", f"{cell.path}.{n}.cross.pattern.mean", *cell.index) for n in layers
    ]
    summed = total(*groups)
    return Result(summed.value / len(layers), f"({summed.formula}) / {len(layers)}", summed.groups)


def entropy(trace, ref: StepRef):
    """How evenly a token looks at all it may see: −Σ a ln a / ln n, from 0 (one token) to 1 (all
    the same), (H, L).
    """
    pattern_HLM, seen_L = trace[f"{ref.path}.pattern"], trace[f"{ref.path}.mask"].sum(axis=1)
    # One head after the other: a long text's weights of all heads are much to hold twice.
    spread_HL = np.stack([spread(pattern_LM.astype(np.float64)) for pattern_LM in pattern_HLM])
    return spread_HL / np.maximum(np.log(seen_L), np.log(2))


def spread(pattern_LM) -> np.ndarray:
    """−Σ a ln a of every row, (L,)."""
    logs_LM = np.log(pattern_LM, out=np.zeros_like(pattern_LM), where=pattern_LM > 0)
    return -(pattern_LM * logs_LM).sum(axis=-1)


def explain_entropy(cell: Cell) -> Result:
    """−Σ a ln a / ln n."""
    h, l = cell.index
    row = cell.get("weight", f"{cell.path}.pattern", h, l, ALL)
    seen = int(cell.trace[f"{cell.path}.mask"][l].sum())
    a_N = row.values_N[row.values_N > 0]
    terms_N, most = -a_N * np.log(a_N), math.log(max(seen, 2))
    formula = added(terms_N, lambda i: f"{operand(a_N[i])} · {factor(-math.log(a_N[i]))}")
    return Result(float(terms_N.sum()) / most, f"({formula}) / ln {max(seen, 2)}", (row,))


# --- what each head does --------------------------------------------------------------------------


def targets(trace, ref: StepRef, role: int) -> np.ndarray:
    """The cells that would be looked at by a head that does nothing but one of ROLES, (L, M).

    The first token is left out, as one that looks and as one that is looked at: it is the attention
    sink, and where it is all that may be seen, looking at it says nothing.
    """
    ids_L = trace[f"{ref.side}.embed.ids"]
    places, special_L = np.arange(len(ids_L)), special_tokens(trace, ref.side)
    away_LM, copy_LM = places - places[:, None], earlier_copies(ids_L, special_L)
    after_copy_LM = np.zeros_like(copy_LM)
    after_copy_LM[:, 1:] = copy_LM[:, :-1] & (away_LM[:, 1:] < 0)
    found_LM = (
        away_LM == -1,
        away_LM == 1,
        away_LM == 0,
        copy_LM,
        after_copy_LM,
        special_L & np.ones_like(copy_LM),
    )[role]
    counts_L = places > 0
    return found_LM & counts_L & counts_L[:, None] & trace[f"{ref.path}.mask"]


def special_tokens(trace, side: str) -> np.ndarray:
    """Which tokens belong to no word, (L,)."""
    return np.array([word is None for word in words_of(trace, side)])


def earlier_copies(ids_L, special_L) -> np.ndarray:
    """Where the same token stands earlier in the text, (L, M); special tokens have no copies."""
    places = np.arange(len(ids_L))
    return (ids_L == ids_L[:, None]) & (places < places[:, None]) & ~special_L


def roles(trace, ref: StepRef):
    """How much of its attention each head gives, on average, to each of ROLES; the average is over
    the tokens that have such a target. The last is how evenly it looks at all it may see: its
    entropy, as a share of the largest. (H, O)

    Clark et al. 2019, "What Does BERT Look At?", section 3; induction and duplicate token: Olsson
    et al. 2022, "In-context Learning and Induction Heads", and Wang et al. 2023,
    "Interpretability in the Wild".
    """
    pattern_HLM, columns = trace[f"{ref.path}.pattern"], []
    for role in range(len(ROLES) - 1):
        looks_N, seen_N = np.nonzero(targets(trace, ref, role))
        given_HN = pattern_HLM[:, looks_N, seen_N].astype(np.float64)
        columns.append(given_HN.sum(axis=1) / max(len(np.unique(looks_N)), 1))
    evenness_HL = trace[f"{ref.path}.pattern.entropy"][:, 1:]
    return np.stack([*columns, mean_of_rows(evenness_HL)], axis=1)


def mean_of_rows(values_HL) -> np.ndarray:
    """The mean over the tokens, (H,); 0 where there are none."""
    return values_HL.sum(axis=1) / max(values_HL.shape[1], 1)


def explain_role(cell: Cell) -> Result:
    """The mean over the tokens that have such a target, of what they give it."""
    h, o = cell.index
    if o == len(ROLES) - 1:
        looks = np.arange(1, cell.trace.shape(f"{cell.path}.pattern")[1])
        each = cell.get("entropy", f"{cell.path}.pattern.entropy", h, looks)
        count = max(len(looks), 1)
    else:
        rows, columns = np.nonzero(targets(cell.trace, cell.ref, o))
        each = cell.get("weight", f"{cell.path}.pattern", h, rows, columns)
        count = max(len(set(rows.tolist())), 1)
    summed = total(each)
    return Result(summed.value / count, f"({summed.formula or '0'}) / {count}", (each,))


def sink(trace, ref: StepRef):
    """How much of its attention each head leaves on the first token, averaged over the others, (H,)
    (Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks").
    """
    return mean_of_rows(trace[f"{ref.path}.pattern"][:, 1:, 0].astype(np.float64))


def explain_sink(cell: Cell) -> Result:
    """The mean over all tokens but the first, of what they give it."""
    looks = np.arange(1, cell.trace.shape(f"{cell.path}.pattern")[1])
    each = cell.get("weight", f"{cell.path}.pattern", cell.index[0], looks, 0)
    summed, count = total(each), max(len(looks), 1)
    return Result(summed.value / count, f"({summed.formula or '0'}) / {count}", (each,))


# --- what each head adds --------------------------------------------------------------------------


def contributions(trace, ref: StepRef):
    """What each head alone writes into the stream: z_h · W_O[h], (H, L, D), through the norm of the
    update where there is one. Their sum, and the bias, is `out` (Elhage et al. 2021, "A
    Mathematical Framework for Transformer Circuits").
    """
    z_HLK = trace[f"{ref.path}.z"]
    out_HKD = trace.weights[f"{ref.path}.out.weight"].reshape(*z_HLK.shape[::2], -1)
    return through_update_norm(trace, ref.path, z_HLK @ out_HKD, slice(None))


def explain_contribution(cell: Cell) -> Result:
    h, l, d = cell.index
    rows = h * cell.config.d_head + np.arange(cell.config.d_head)
    z, column = cell.get("z", f"{cell.path}.z", h, l, ALL), cell.weight("Wo", "out.weight", rows, d)
    if not cell.config.norms_update:
        return sum_of_products(z, column)
    rows_KD = cell.trace.weights[f"{cell.path}.out.weight"][rows]
    column_K = through_update_norm(cell.trace, cell.path, rows_KD[:, None], [l])[:, 0, d]
    made = sum_of_products(z, constant("Wo, through the norm", *column_K))
    return Result(made.value, made.formula, (*made.groups, column))


def sum_again(trace, ref: StepRef):
    """The heads' contributions and the bias, added up: what `out` has to be, (L, D)."""
    return trace[f"{ref.path}.heads"].sum(axis=0) + bias_as_added(trace, ref.path)


def explain_sum_again(cell: Cell) -> Result:
    (l, d), bias = cell.index, "out.bias"
    heads = cell.get("head", f"{cell.path}.heads", ALL, l, d)
    if not cell.config.norms_update:
        return total(heads, cell.weight("bias", bias, d))
    through = constant("bias, through the norm", bias_as_added(cell.trace, cell.path)[l, d])
    return total(heads, through)


def shares(trace, ref: StepRef):
    """How much of a token's update each head makes: its own, along the whole, in lengths of the
    whole, (H, L). Below 0 it works against the others; with the bias's share they add up to 1.
    """
    heads_HLD, out_LD = (
        trace[f"{ref.path}.heads"].astype(np.float64),
        trace[f"{ref.path}.out"].astype(np.float64),
    )
    return np.vecdot(heads_HLD, out_LD) / np.maximum(
        np.vecdot(out_LD, out_LD), np.finfo(float).tiny
    )


def explain_share(cell: Cell) -> Result:
    """u_h · u / ‖u‖²."""
    h, l = cell.index
    own, whole = (
        cell.get("head", f"{cell.path}.heads", h, l, ALL),
        cell.get("update", f"{cell.path}.out", l, ALL),
    )
    products, square = sum_of_products(own, whole), float(whole.values_N @ whole.values_N)
    return Result(
        products.value / square if square else 0.0,
        f"({products.formula}) / {operand(square)}",
        (own, whole),
    )


def bias_share(trace, ref: StepRef):
    """How much of a token's update the bias makes, measured as the heads' shares are, (L,)."""
    bias_LD, out_LD = (
        bias_as_added(trace, ref.path).astype(np.float64),
        trace[f"{ref.path}.out"].astype(np.float64),
    )
    return np.vecdot(out_LD, bias_LD) / np.maximum(np.vecdot(out_LD, out_LD), np.finfo(float).tiny)


def explain_bias_share(cell: Cell) -> Result:
    """b · u / ‖u‖²."""
    (l,) = cell.index
    own, whole = (
        cell.weight("bias", "out.bias", ALL),
        cell.get("update", f"{cell.path}.out", l, ALL),
    )
    if cell.config.norms_update:
        added_D = bias_as_added(cell.trace, cell.path)[l]
        own = constant("bias, through the norm", *added_D)
    products, square = sum_of_products(own, whole), float(whole.values_N @ whole.values_N)
    return Result(
        products.value / square if square else 0.0,
        f"({products.formula}) / {operand(square)}",
        (own, whole),
    )


KINDS = (
    StepKind(
        leaf="pattern.others",
        axes="HLM",
        place=SELF,
        recipe=explain_others,
        title="Attention weight without the token itself",
        story="What the token gives to another, as a share of what it gives to all others.",
        latex=r"\frac{a_{l,m}}{\sum_{m' \ne l} a_{l,m'}}",
        colour="weight",
        scale="weight",
        masked=True,
        compute=weights_of_others,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.mean",
        axes="LM",
        place=ATTENTION,
        recipe=explain_mean_of_heads,
        title="Attention weight, mean of the heads",
        story="The weights of all heads of this layer, averaged.",
        latex=r"\frac{1}{H}\sum_h a_{h,l,m}",
        colour="weight",
        scale="weight",
        compute=mean_of_heads,
        after="pattern",
    ),
    StepKind(
        leaf="cross.pattern.mean",
        axes="LM",
        place=("decoder.stack",),
        recipe=explain_mean_of_layers,
        title="Attention weight, mean of all layers",
        story="The weights of cross-attention of all heads in all layers, averaged.",
        latex=r"\frac{1}{n}\sum_i \bar a_{i,l,m}",
        letters={"i": "layer", "n": "number of layers"},
        colour="weight",
        scale="weight",
        compute=mean_of_layers,
        after="out",
        when=lambda config: config.crosses,
    ),
    StepKind(
        leaf="pattern.entropy",
        axes="HL",
        place=ATTENTION,
        recipe=explain_entropy,
        title="Breadth",
        story=(
            "How evenly the token spreads its attention: 0 if all goes to one token, 1 if all it"
            " may see get the same."
        ),
        latex=r"-\frac{1}{\ln n}\sum_m a_{l,m} \ln a_{l,m}",
        letters={"n": "how many tokens it may see"},
        colour="weight",
        scale="weight",
        compute=entropy,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.roles",
        axes="HO",
        place=SELF,
        recipe=explain_role,
        title="What a head does here",
        story=(
            "How much of its attention a head gives to the tokens of each role, such as the token"
            " before: the mean over all tokens that have one to look at. The first token is left"
            " out."
        ),
        latex=r"\frac{1}{n}\sum_{l,m} a_{h,l,m}",
        letters={"m": "each such token", "n": "how many tokens have such a token to look at"},
        colour="weight",
        scale="weight",
        compute=roles,
        after="pattern",
        sizes=lambda trace, ref: {"O": len(ROLES)},
    ),
    StepKind(
        leaf="pattern.sink",
        axes="H",
        place=SELF,
        recipe=explain_sink,
        title="Attention left on the first token",
        story="What the other tokens give to the first one, on average: the attention sink.",
        latex=r"\frac{1}{n}\sum_{l} a_{h,l,0}",
        letters={"l": "every position but the first", "n": "how many these are"},
        colour="weight",
        scale="weight",
        compute=sink,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.words",
        axes="HIJ",
        place=SELF,
        recipe=explain_in_words,
        title="Attention between words",
        story=(
            "Summed over the pieces that are looked at and averaged over those that look. If"
            " special tokens are hidden, each row is rescaled to add up to 1."
        ),
        latex=r"\frac{1}{n}\sum_{l,m} a_{l,m}",
        letters={
            "l": "each piece of the word that looks",
            "m": "each piece of the word that is looked at",
            "n": "how many pieces look, or the sum over all words shown",
        },
        colour="weight",
        scale="weight",
        compute=in_words,
        after="pattern",
        args="BB",
        sizes=words_axes,
    ),
    StepKind(
        leaf="heads",
        axes="HLD",
        place=ATTENTION,
        recipe=explain_contribution,
        title="One head’s own update",
        story="What this head alone adds to the token’s vector.",
        latex=r"u_{h,l,d} = \sum_j z_{h,l,j}\, W^O_{h,j,d}",
        letters={"u": "update by one head"},
        colour="weight",
        compute=contributions,
        after="z",
    ),
    StepKind(
        leaf="heads.sum",
        axes="LD",
        place=ATTENTION,
        recipe=explain_sum_again,
        title="The heads added up",
        story="Every head’s own update plus the bias: the whole update by attention.",
        latex=r"\sum_h u_{h,l,d} + b^O_d",
        letters={"u": "update by one head"},
        colour="weight",
        compute=sum_again,
        after="z",
    ),
    length_of("heads", ATTENTION, "u_{h,l}", "weight", axes="HL", after="z"),
    length_of("v", ATTENTION, "v_{m}", "v", axes="GM"),
    StepKind(
        leaf="heads.share",
        axes="HL",
        place=ATTENTION,
        recipe=explain_share,
        title="A head’s share of the update",
        story=(
            "How much of the update’s length comes from this head. Below 0 it works against the"
            " others. All heads and the bias add up to 1."
        ),
        latex=r"\frac{u_{h,l} \cdot u_l}{\|u_l\|^2}",
        letters=BY_HEAD,
        colour="weight",
        compute=shares,
        after="out",
    ),
    StepKind(
        leaf="heads.share.bias",
        axes="L",
        place=ATTENTION,
        recipe=explain_bias_share,
        title="The bias’s share of the update",
        story=(
            "How much of the update’s length comes from the bias, which is the same for every"
            " token."
        ),
        latex=r"\frac{b^O \cdot u_l}{\|u_l\|^2}",
        colour="weight",
        compute=bias_share,
        after="out",
    ),
)
