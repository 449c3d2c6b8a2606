"""Questions of the chapter Output, why, and learning."""

from __future__ import annotations

import math

import numpy as np

from core.course import why_not_taught
from core.decoding import next_tokens
from core.operands import WEIGHTS
from core.ops import softmax
from core.step_ref import GRAD_OF_WEIGHT, ref_of
from core.steps.sources import source_names
from core.text import number, percent
from core.why import in_words
from ui.kit.quiz import quiz_of_most
from ui.session.navigation import HOW_IT_LEARNED, OUTPUT, WHY
from ui.session.runs import trace_of
from ui.stages.exercises.attention import times
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, begun, leads, two_largest
from ui.stages.exercises.layers import at_word
from ui.text import HIDING

CLEAR = 0.05  # of a probability: by so much the likeliest leads
HEATS = (0.5, 2.0)
RATE = 0.1  # of learning: large, so that a step can be seen
LONGEST_TAUGHT = 64  # tokens


def place(d: Draw, row: int) -> Place:
    """The page Output at a row."""
    return Place(OUTPUT, {"side": d.config.sides[-1], "token": int(d.trace.rows[row])})


def comes_first(d: Draw) -> Exercise | None:
    """Which word is the likeliest."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    t, probs_V = int(d.trace.rows[row]), d.trace["head.probs"][row]
    if side == "encoder" and d.view.tokens(side)[t] not in HIDING:
        return None
    ids, shares = next_tokens(d.trace, 5, row)
    answer = d.shuffle(d.view.word(int(ids[0])), [d.view.word(int(i)) for i in ids[1:]])
    if answer is None or shares[0] - shares[1] < CLEAR:
        return None
    return Exercise(
        f"Which word comes first {at_word(d, side, t)}?",
        answer,
        "Read the text up to there: what would you say?"
        if side == "decoder"
        else "Read the words on both sides: what would you put there?",
        f"{d.says(int(ids[0]))} gets {percent(shares[0], 0)},"
        f" {d.says(int(ids[1]))}, the next, {percent(shares[1], 0)}. The other"
        f" {len(probs_V) - 2:,} words share the rest.",
        place(d, row),
        ("head.probs", (row, int(ids[0]))),
    )


def how_many_words(d: Draw) -> Exercise | None:
    """How many probabilities come out."""
    row, side, c = d.row(), d.config.sides[-1], d.config
    if row is None:
        return None
    t = int(d.trace.rows[row])
    others = d.shuffled("sizes", [c.d_model, c.d_mlp, len(d.view.tokens(side)), c.d_head])
    answer = d.numbers(c.n_vocab, others)
    return answer and Exercise(
        f"Into how many probabilities is the last vector of {d.named(side, t)} turned?",
        answer,
        "Which words of the vocabulary can come out?",
        f"**{c.n_vocab:,}**: one for each piece of the vocabulary. Together they are 100%.",
        place(d, row),
        ("head.probs", (row, int(d.trace["head.probs"][row].argmax()))),
    )


def one_vector(d: Draw) -> Exercise | None:
    """How many numbers the one vector of a whole text has."""
    side, c = d.config.sides[-1], d.config
    n = len(d.view.tokens(side))
    if side != "encoder":
        return None
    answer = d.numbers(c.d_model, d.shuffled("sizes", [n, n * c.d_model, c.d_head, c.d_mlp]))
    return answer and Exercise(
        f"One vector can stand for your whole text: the mean of the {n} last vectors. How many"
        " numbers does it have?",
        answer,
        "A mean is taken number by number.",
        f"**{c.d_model:,}**, as each of the {n} vectors has. So texts of any length can be"
        " compared.",
        Place(OUTPUT, {"cards": "output-mean"}),
        (f"{side}.out", (0, 0)),
    )


def warmer(d: Draw) -> Exercise | None:
    """What a temperature does to the likeliest word."""
    row, side = d.row(), d.config.sides[-1]
    if row is None or side == "encoder":
        return None
    heat = d.one("heat", HEATS)
    logits_V = d.trace["head.logits"][row].astype(np.float64)
    best, now = int(logits_V.argmax()), float(d.trace["head.probs"][row].max())
    hot, cold = (float(softmax(logits_V / x)[best]) for x in (2.0, 0.5))
    if not 0.15 < now < 0.95 or min(now - hot, cold - now) < 0.03:
        return None
    then, t, word = (cold if heat < 1 else hot), int(d.trace.rows[row]), d.says(best)
    options = [f"it falls to {percent(hot, 0)}", f"it stays at {percent(now, 0)}"]
    options.append(f"it rises to {percent(cold, 0)}")
    return Exercise(
        f"After {d.named(side, t)}, {word} comes first with {percent(now, 0)}. What becomes of that"
        f" at a temperature of {heat:g}?",
        d.choice(options, 2 if heat < 1 else 0),
        "The logits are divided by the temperature. Do their differences grow or shrink?",
        f"Divided by {heat:g}, the differences of the logits {'double' if heat < 1 else 'halve'}:"
        f" {word} goes to **{percent(then, 0)}**, and the others"
        f" {'lose' if heat < 1 else 'gain'} together what it {'gains' if heat < 1 else 'loses'}.",
        place(d, row),
        ("head.logits", (row, best)),
    )


def times_as_likely(d: Draw) -> Exercise | None:
    """What a difference of logits does to probabilities."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    logits_V = d.trace["head.logits"][row].astype(np.float64)
    order = np.argsort(-logits_V, kind="stable")[:6].tolist()
    pairs = [(a, b) for a in order for b in order if 0.7 < logits_V[a] - logits_V[b] < 4]
    if not pairs:
        return None
    a, b = d.one("pair", pairs)
    more, less = float(logits_V[a]), float(logits_V[b])
    answer = times(d, more - less, [more / less] if less > 0.1 else [])
    if answer is None or d.view.word(a) == d.view.word(b):
        return None
    t, (one, other) = int(d.trace.rows[row]), (d.says(i) for i in (a, b))
    one_share, other_share = (percent(d.trace["head.probs"][row, i]) for i in (a, b))
    seen = f": {one_share} against {other_share}" if not other_share.startswith("<") else ""
    apart = number(more - less, 3)
    return Exercise(
        f"{begun(at_word(d, side, t))}, {one} has the logit {number(more, 3)}, {other}"
        f" {number(less, 3)}. How many times as likely is {one}?",
        answer,
        "Softmax works on logits as it does on scores.",
        f"e^{apart} ≈ **{number(math.exp(more - less), 2)}** times{seen}. Only the difference of"
        " two logits counts.",
        place(d, row),
        ("head.probs", (row, a)),
    )


def loss_of(d: Draw) -> Exercise | None:
    """The loss, once the right word is known."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    probs_V, t = d.trace["head.probs"][row].astype(np.float64), int(d.trace.rows[row])
    fit = [int(i) for i in next_tokens(d.trace, 6, row)[0] if 0.002 < probs_V[i] < 0.9]
    if not fit:
        return None
    word = d.one("word", fit)
    p = float(probs_V[word])
    wrong = [1 - p, p, 1 / p, -math.log10(p), -math.log2(p)]
    far = [x for x in wrong if abs(x + math.log(p)) > 0.1]
    answer = d.shuffle(number(-math.log(p), 3), [number(x, 3) for x in d.shuffled("wrong", far)])
    return answer and Exercise(
        f"{begun(at_word(d, side, t))} the model gives {d.says(word)}"
        f" {number(100 * p, 3)}%. If that is the right word, how large is the loss?",
        answer,
        "The loss is minus the natural logarithm of the probability of the right word: 0 for a"
        " model that is certain, 0.69 at 50%, 2.3 at 10%.",
        f"−ln {number(p, 3)} = **{number(-math.log(p), 3)}** nats. The more a word surprises the"
        " model, the larger its loss.",
        place(d, row),
        ("head.probs", (row, word)),
    )


def gave_most(d: Draw) -> Exercise | None:
    """Which part of the model raised the likeliest word most."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    word, t = int(d.trace["head.probs"][row].argmax()), int(d.trace.rows[row])
    step = f"head.logits.parts.{row}.{word}"
    if not d.finite(step):
        return None
    ref = ref_of(step)
    names = source_names(d.trace, ref)[d.trace.axes(step)[-1]]
    parts_S = np.array(d.trace[step], dtype=np.float64)
    offered = [n.endswith(".mlp") or ".head." in n or ".embed." in n for n in names]
    values_S = np.where(offered, parts_S, -np.inf)
    words = [in_words(name).removeprefix("the ") for name in names]
    near = 0.08 * max(float(values_S.max()), 0.0)
    answer = quiz_of_most(d.view, words, values_S, near)
    if answer is None or near <= 0 or not leads(values_S, near):
        return None
    best, next_s = two_largest(values_S)
    return Exercise(
        f"{begun(at_word(d, side, t))}, {d.says(word)} comes first. Which part of"
        " the model raised its logit most?",
        answer,
        "A head is named by its layer and its number in it. What the last parts write, nothing"
        " changes any more.",
        f"**{begun(words[best])}** gave {number(parts_S[best], 3)}, {words[next_s]}, the next,"
        f" {number(parts_S[next_s], 3)}. All parts together are the logit,"
        f" {number(d.trace['head.logits'][row, word], 3)}.",
        Place(WHY, {}, (row, word)),
        (step, (best,)),
    )


# --- learning -------------------------------------------------------------------------------------


def one_step(d: Draw) -> Exercise | None:
    """One learned number, and one step of SGD."""
    request, n = d.view.request, len(d.view.tokens(d.config.sides[-1]))
    changed = request.change or request.second or request.chat or request.engine != "numpy"
    if why_not_taught(d.view.model) or changed or d.view.mask != "trained":
        return None
    if not 2 <= n <= LONGEST_TAUGHT or not d.view.model.tokenizer:
        return None
    layer = d.one("layer", range(d.config.layers("decoder")))
    name = f"decoder.{layer}.mlp.out.weight"
    slope_FD = trace_of(request._replace(gradients="all"))[GRAD_OF_WEIGHT + name]
    at = np.unravel_index(int(np.abs(slope_FD).argmax()), slope_FD.shape)
    w, slope = float(d.trace.weights[name][at]), float(slope_FD[at])
    within = float(f"{abs(RATE * slope) / 8:.0e}")
    now = w - RATE * slope
    if not 1e-4 <= within < min(1, abs(now)):
        return None
    signed = f"({number(slope, 3)})" if slope < 0 else number(slope, 3)
    return Exercise(
        f"A learned number of layer {layer} is {number(w, 4)}; the gradient of the loss there is"
        f" {number(slope, 3)}. What is it after one step of SGD with a learning rate of {RATE:g}?",
        Typed(now, within),
        "The gradient says which way the loss grows. Which way should a step go?",
        f"{number(w, 4)} − {RATE:g} · {signed} = **{number(now, 3)}**: against the gradient, so"
        " that your sentence surprises the model less.",
        Place(
            HOW_IT_LEARNED,
            {"learn_method": "sgd", "learn_rate": f"{RATE:g}", "learn_weight": name}
            | {"learn_at": -1, "cards": "learned-step"},
        ),
        (WEIGHTS + name, tuple(int(i) for i in at)),
    )


def surprised_most(d: Draw) -> Exercise | None:
    """Which word of its own text surprised a decoder most."""
    side = d.config.sides[-1]
    if side != "decoder" or not d.config.head or not d.finite("head.probs"):
        return None
    ids_L, rows = d.trace[f"{side}.embed.ids"], d.trace.rows
    if len(rows) != len(ids_L) or len(ids_L) < 4:
        return None
    p_L = d.trace["head.probs"][np.arange(len(ids_L) - 1), ids_L[1:]].astype(np.float64)
    loss_L = -np.log(np.maximum(p_L, 1e-30))
    answer = quiz_of_most(d.view, d.view.names_of(side)[1:], loss_L, 0.1)
    if answer is None or not leads(loss_L, 0.1):
        return None
    worst, next_l = two_largest(loss_L)
    return Exercise(
        "Which of these did the model expect least, knowing what stands before it?",
        answer,
        "Where could the text have gone on in many ways?",
        f"{d.named(side, worst + 1)} had {percent(p_L[worst])}: a loss of"
        f" {number(loss_L[worst], 3)}. Next comes {d.named(side, next_l + 1)} with"
        f" {number(loss_L[next_l], 3)}.",
        Place(OUTPUT, {"side": side, "token": worst, "cards": "output-sure"}),
        ("head.probs", (worst, int(ids_L[worst + 1]))),
    )
