"""Questions of the chapter Output, why, and learning."""

from __future__ import annotations

import math

import numpy as np

from core.course import Course, why_not_taught, written_course
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
from ui.stages.exercises.attention import by_difference, share_of_other
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, begun, leads, two_largest
from ui.stages.exercises.layers import at_word
from ui.text import HIDING

CLEAR = 0.05  # of a probability: by so much the likeliest leads
HEATS = (0.5, 2.0)
RATE = 0.1  # of learning: large, so that a step can be seen
LONGEST_TAUGHT = 64  # tokens
LEAST_SHARE = 0.03  # of a word that is asked about
LEAST_KNOWN = 1e-6  # of a word by which another is reckoned


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


def last_share(d: Draw) -> Exercise | None:
    """That the probabilities of all words add up to 100 %."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    probs_V = d.trace["head.probs"][row].astype(np.float64)
    best, v = two_largest(probs_V)
    others = 1 - probs_V[best] - probs_V[v]
    if min(others, probs_V[v]) < LEAST_SHARE:
        return None
    one, rest = (round(100 * share, 1) for share in (probs_V[best], others))
    left = round(100 - one - rest, 1)  # by the digits that are shown
    return Exercise(
        f"{begun(at_word(d, side, int(d.trace.rows[row])))}, {d.says(best)} gets {one:.1f}%, and"
        f" all {len(probs_V) - 2:,} words but {d.says(v)} get {rest:.1f}% together. How likely is"
        f" {d.says(v)}?",
        Typed(left, 0.5, "%"),
        "Softmax makes shares of one whole, here of all words of the vocabulary.",
        f"100% − {one:.1f}% − {rest:.1f}% = **{left:.1f}%**: all {len(probs_V):,} probabilities"
        " add up to 100%.",
        place(d, row),
        ("head.probs", (row, v)),
    )


def pooled(d: Draw) -> Exercise | None:
    """The one vector of a whole text, in one dimension."""
    side, step = d.config.sides[-1], f"{d.config.sides[-1]}.out"
    if side != "encoder" or not d.finite(step):
        return None
    n, sum_D = len(d.view.tokens(side)), d.trace[step].astype(np.float64).sum(axis=0)
    clear = np.flatnonzero(np.abs(sum_D / n) > 0.1)
    if not len(clear):
        return None
    i = d.one("dimension", clear.tolist())
    value = float(sum_D[i]) / n
    return Exercise(
        f"In dimension {i}, the last vectors of your {n} tokens add up to {number(sum_D[i], 4)}."
        " One vector can stand for the whole text: their mean. What does it hold there?",
        Typed(value, float(f"{0.03 * abs(value):.0e}")),
        "A mean is taken number by number.",
        f"{number(sum_D[i], 4)} / {n} = **{number(value, 3)}**. The mean has as many numbers as"
        " each of the vectors, so texts of any length can be compared.",
        Place(OUTPUT, {"cards": "output-mean"}),
        (f"{step}.pooled", (i,)),
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
        (f"head.tempered.{row}.{heat * 100:.0f}", (best,)),
    )


def other_share(d: Draw) -> Exercise | None:
    """What a difference of logits does to probabilities."""
    row, side = d.row(), d.config.sides[-1]
    if row is None:
        return None
    logits_V = d.trace["head.logits"][row].astype(np.float64)
    order = np.argsort(-logits_V, kind="stable")[:6].tolist()
    pairs = [(a, b) for a in order for b in order if 0.7 < logits_V[a] - logits_V[b] < 4]
    pairs = [(a, b) for a, b in pairs if d.trace["head.probs"][row, b] > LEAST_KNOWN]
    if not pairs:
        return None
    a, b = d.one("pair", pairs)
    scores = float(logits_V[a]), float(logits_V[b])
    shares = tuple(float(d.trace["head.probs"][row, i]) for i in (a, b))
    answer = share_of_other(d, scores, shares)
    if answer is None or d.view.word(a) == d.view.word(b):
        return None
    one, other = d.says(a), d.says(b)
    return Exercise(
        f"{begun(at_word(d, side, int(d.trace.rows[row])))}, {one} has the logit"
        f" {number(scores[0], 4)}, and {other} {number(scores[1], 4)}, which makes it"
        f" {number(100 * shares[1], 3)}% likely. How likely is {one}?",
        answer,
        "Softmax works on logits as it does on scores: only their difference counts.",
        by_difference(scores, shares),
        place(d, row),
        ("head.probs", (row, a)),
    )


def loss_of(d: Draw) -> Exercise | None:
    """The log probability of the word that follows, and so its loss."""
    side = d.config.sides[-1]
    if side != "decoder" or not d.finite("head.probs") or "head.written" not in d.trace:
        return None
    log_R, rows = d.trace["head.written"].astype(np.float64), d.trace.rows
    ids_L = d.trace["decoder.embed.ids"]
    fit = [r for r, log in enumerate(log_R[:-1]) if 0.002 < math.exp(log) < 0.9]
    if not fit:
        return None
    row = d.one("row", fit)
    t, log = int(rows[row]), float(log_R[row])
    p, word = math.exp(log), d.says(int(ids_L[t + 1]))
    wrong = [p - 1, -p, -1 / p, math.log10(p), math.log2(p)]
    far = [x for x in wrong if abs(x - log) > 0.1]
    answer = d.shuffle(number(log, 3), [number(x, 3) for x in d.shuffled("wrong", far)])
    return answer and Exercise(
        f"After {d.named(side, t)} comes {word}, to which the model gives {number(100 * p, 3)}%."
        " What is its log probability? (The loss is the same number without the minus.)",
        answer,
        "It is the natural logarithm of the probability of the right word: 0 for a model that is"
        " certain, −0.69 at 50%, −2.3 at 10%.",
        f"ln {number(p, 3)} = **{number(log, 3)}**, a loss of {number(-log, 3)} nats. The more a"
        " word surprises the model, the larger its loss.",
        place(d, row),
        ("head.written", (row,)),
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
    names, values_S = parts_offered(d, step)
    words = [in_words(name).removeprefix("the ") for name in names]
    near = 0.08 * max(float(values_S.max()), 0.0)
    answer = quiz_of_most(d.view, words, values_S, near)
    if answer is None or near <= 0 or not leads(values_S, near):
        return None
    best, next_s = two_largest(values_S)
    logits = logits_along(d, row, word)
    if not names[best].startswith(f"{side}.{int(np.diff(logits).argmax())}."):
        return None  # the hint would mislead
    return Exercise(
        f"{begun(at_word(d, side, t))}, {d.says(word)} comes first. Which part of"
        " the model raised its logit most?",
        answer,
        "A head is named by its layer and its number in it. The logit, read off the stream before"
        f" the first layer and after each: {', '.join(number(x, 3) for x in logits)}. Where does it"
        " rise most?",
        f"**{begun(words[best])}** gave {number(values_S[best], 3)}, {words[next_s]}, the next,"
        f" {number(values_S[next_s], 3)}. All parts together are the logit,"
        f" {number(d.trace['head.logits'][row, word], 3)}.",
        Place(WHY, {}, (row, word)),
        (step, (best,)),
    )


def parts_offered(d: Draw, step: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The sources of a logit by name, and what each gives, (S,); −∞: a bias, which is not asked
    about.
    """
    names = source_names(d.trace, ref_of(step))[d.trace.axes(step)[-1]]
    offered = [n.endswith(".mlp") or ".head." in n or ".embed." in n for n in names]
    return names, np.where(offered, np.array(d.trace[step], dtype=np.float64), -np.inf)


def logits_along(d: Draw, row: int, word: int) -> list[float]:
    """The logit of a word as the stream would give it before the first layer and after each."""
    side = d.config.sides[-1]
    places = ["embed", *range(d.config.layers(side))]
    return [float(d.trace[f"{side}.{at}.out.lens.{row}"][word]) for at in places]


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
            | {"learn_at": -1, "learn_reads": "after", "cards": "learned-step"},
        ),
        (WEIGHTS + name, tuple(int(i) for i in at)),
        {"change": written_course(Course("sgd", 1, RATE, d.view.sentence, None))},
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
