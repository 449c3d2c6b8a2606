"""Questions of the chapter Heads and masks."""

from __future__ import annotations

import numpy as np

from core import whatif
from core.decoding import next_tokens
from core.step_ref import ref_of
from core.steps.sources import source_names
from core.text import counted, number, percent
from core.why.silencing import Unit, silence
from ui.kit.quiz import Quiz, quiz_of_most
from ui.session.navigation import ENCODER_AND_DECODER, HEADS, WHY
from ui.stages.exercises.exercise import Draw, Exercise, Place, begun, leads, of_each, two_largest
from ui.text import bold_quoted

CLEAR = 0.05  # of an attention weight, or a probability: by so much the largest leads
WIDER = 0.1  # of an entropy
TRIED = 24  # heads that are silenced: asked is the one that the first word needs most
LARGE = 20  # layers: of such a model, only one
NEEDED = 4  # of these: those that are asked about if the hint leads to the answer


def hidden(d: Draw) -> Exercise | None:
    """Which token the mask hides."""
    side = d.config.sides[-1]
    layer, t = d.layer(side), d.word(side, 1)
    path = f"{side}.{layer}.attn"
    if t is None or not d.finite(f"{path}.pattern"):
        return None
    seen_M = d.trace[f"{path}.mask"][t]
    seen, unseen = np.flatnonzero(seen_M).tolist(), np.flatnonzero(~seen_M).tolist()
    weight_HM, names = d.trace[f"{path}.pattern"][:, t], d.view.names_of(side)
    if len(seen) < 2 or not unseen or not (weight_HM[:, seen] > 0).all():
        return None
    right = d.one("hidden", unseen)
    places = sorted([right, *d.shuffled("seen", seen)[:3]])
    head, most = divmod(int(weight_HM[:, places].argmax()), len(places))
    return Exercise(
        f"Which of these tokens gets a weight of exactly 0 from {d.named(side, t)}, in every head?",
        d.choice([names[m] for m in places], places.index(right)),
        "The mask decides it, not what the words mean. What may this token look at?",
        f"{d.named(side, right)}: the mask sets its score to −∞, and e^−∞ is 0. What may be seen"
        f" gets something: in head {head} of layer {layer}, {d.named(side, places[most])} gets"
        f" {percent(weight_HM[head, places[most]])}.",
        Place(ENCODER_AND_DECODER, {"side": side, "layer": layer, "head": head, "token": t}),
        (f"{path}.pattern", (head, t, right)),
    )


def how_many_seen(d: Draw) -> Exercise | None:
    """How many tokens another may look at."""
    side = d.config.sides[-1]
    layer, t, n = d.layer(side), d.word(side, 1, 1), len(d.view.tokens(side))
    if t is None:
        return None
    seen_M = d.trace[f"{side}.{layer}.attn.mask"][t]
    count = int(seen_M.sum())
    answer = d.numbers(count, [n, t + 1, n - t, t])
    later = "also those that come after it" if seen_M[t + 1 :].any() else "none that comes after it"
    return answer and Exercise(
        f"{d.named(side, t)} is token {t} of 0 to {n - 1}. How many tokens may it look at?",
        answer,
        "Each row of the mask says what one token may see.",
        f"**{count}** of {n}: {later}.",
        Place(ENCODER_AND_DECODER, {"side": side, "layer": layer, "token": t}),
        (f"{side}.{layer}.attn.mask.seen", (t,)),
    )


def reached(d: Draw) -> Exercise | None:
    """Which vectors change with a word."""
    side = d.config.sides[-1]
    t, n = d.word(side, 1, 1), len(d.view.tokens(side))
    if t is None or n < 4:
        return None
    found = reach(d, side, t)
    sets = {
        "only its own": {t},
        "its own and all before it": set(range(t + 1)),
        "its own and all after it": set(range(t, n)),
        "all": set(range(n)),
    }
    right = [words for words, places in sets.items() if places == found]
    if len(right) != 1:
        return None
    name = d.named(side, t)
    who = f"{len(found)} tokens of {n}" if len(found) < n else f"all {n} tokens"
    rest = f" {counted(n - len(found), 'vector')} cannot change." if len(found) < n else ""
    return Exercise(
        f"Another token stands in place of {name}. Whose vectors may differ after the last layer?",
        d.choice(list(sets), list(sets).index(right[0])),
        f"Only attention carries anything from token to token. Who may look at {name}?",
        f"**{begun(right[0])}**: {who} may look at {name}, directly or through others.{rest}",
        Place(ENCODER_AND_DECODER, {"side": side, "token": t}),
        None,
    )


def reach(d: Draw, side: str, t: int) -> set[int]:
    """The tokens that may know of one after the last layer: those that may look at it, at those,
    and so on, layer by layer.
    """
    knows_L = np.arange(len(d.view.tokens(side))) == t
    for layer in range(d.config.layers(side)):
        knows_L = knows_L | d.trace[f"{side}.{layer}.attn.mask"][:, knows_L].any(axis=1)
    return set(np.flatnonzero(knows_L).tolist())


def which_head(d: Draw) -> Exercise | None:
    """Which head gives a token most of another's attention."""
    side = d.side()
    layer, t = d.layer(side), d.word(side, 1)
    step = f"{side}.{layer}.attn.pattern"
    if t is None or not d.finite(step):
        return None
    mask_M = d.trace[f"{side}.{layer}.attn.mask"][t]
    seen = [int(m) for m in np.flatnonzero(mask_M) if m != t]
    if not seen:
        return None
    m = d.one("key", seen)
    weight_H = d.trace[step][:, t, m]
    answer = quiz_of_most(d.view, [f"head {h}" for h in range(len(weight_H))], weight_H, CLEAR)
    if answer is None or not leads(weight_H, CLEAR):
        return None
    best, next_h = two_largest(weight_H)
    offered = heads_of(answer)
    score_HM = np.where(mask_M, d.trace[f"{side}.{layer}.attn.scores"][:, t], -np.inf)
    own_H, most_H = score_HM[:, m], np.delete(score_HM, m, axis=1).max(axis=1)
    if int((own_H - most_H)[offered].argmax()) != offered.index(best):
        return None  # the hint would mislead
    return Exercise(
        f"Which head of layer {layer} gives {d.named(side, m)} most of the attention of"
        f" {d.named(side, t)}?",
        answer,
        f"Softmax compares the score of {d.named(side, m)} with the others of its row. In each head"
        " that score, and the largest of the others:"
        f" {of_each(answer.options, own_H[offered], most_H[offered])}.",
        f"**Head {best}**, with {percent(weight_H[best], 0)}. Head {next_h} comes next, with"
        f" {percent(weight_H[next_h], 0)}.",
        Place(HEADS, {"side": side, "layer": layer, "head": best, "token": t}),
        (step, (best, t, m)),
    )


def widest(d: Draw) -> Exercise | None:
    """Which head spreads a token's attention most widely."""
    side = d.side()
    layer, t = d.layer(side), d.word(side, 2)
    step = f"{side}.{layer}.attn.pattern.entropy"
    if t is None or not d.finite(step):
        return None
    entropy_H, weight_HM = d.trace[step][:, t], d.trace[f"{side}.{layer}.attn.pattern"][:, t]
    answer = quiz_of_most(d.view, [f"head {h}" for h in range(len(entropy_H))], entropy_H, WIDER)
    if answer is None or not leads(entropy_H, WIDER):
        return None
    best, least = int(entropy_H.argmax()), int(entropy_H.argmin())
    offered, largest_H = heads_of(answer), weight_HM.max(axis=1)
    if int(largest_H[offered].argmin()) != offered.index(best):
        return None  # the hint would mislead
    return Exercise(
        f"Which head of layer {layer} spreads the attention of {d.named(side, t)} most widely?",
        answer,
        "Where one token gets nearly all, little is left to spread. The largest weight in each"
        f" head: {of_each(answer.options, largest_H[offered])}.",
        f"**Head {best}**: its largest weight is {percent(weight_HM[best].max(), 0)}, and its"
        f" entropy {number(entropy_H[best], 3)}. That of head {least} is only"
        f" {number(entropy_H[least], 3)}.",
        Place(HEADS, {"side": side, "layer": layer, "head": best, "token": t}),
        (step, (best, t)),
    )


def heads_of(answer: Quiz) -> list[int]:
    """The heads that are offered."""
    return [int(option.split()[-1]) for option in answer.options]


# --- without a head -------------------------------------------------------------------------------


def silent(d: Draw) -> Exercise | None:
    """Which word comes first without a head."""
    side, config = d.config.sides[-1], d.config
    if not (config.head and config.decoder_layers) or not d.finite("head.probs"):
        return None
    row = d.one("row", range(len(d.trace.rows) - 1)) if config.crosses else len(d.trace.rows) - 1
    heads = [(layer, h) for layer in range(config.layers(side)) for h in range(config.n_heads)]
    heads = [at for at in heads if named(d, at) not in d.view.request.change.split("+")]
    tried = d.shuffled("heads", heads)[: 1 if config.layers(side) > LARGE else TRIED]
    runs = [(at, without(d, row, *at)) for at in tried]
    runs.sort(key=lambda run: -harm(d, row, run[1]))
    return next(filter(None, (silent_head(d, row, *run) for run in runs[:NEEDED])), None)


def harm(d: Draw, row: int, probs_V: np.ndarray) -> float:
    """By how much the word that came first is behind the likeliest other without a head."""
    before = int(d.trace["head.probs"][row].argmax())
    return float(np.delete(probs_V, before).max() - probs_V[before])


def without(d: Draw, row: int, layer: int, head: int) -> np.ndarray:
    """How likely each word is at a row of the output, once a head is silent."""
    side = d.config.sides[-1]
    edits = silence(Unit(side, layer, "attn", head, 0, 0))
    return d.trace.rerun(side, layer, edits, [int(d.trace.rows[row])])["head.probs"][0]


def silent_head(d: Draw, row: int, at: tuple[int, int], probs_V: np.ndarray) -> Exercise | None:
    """The question about one head, at a layer and its number."""
    (layer, head), side, had_V = at, d.config.sides[-1], d.trace["head.probs"][row]
    (best, next_v), before = two_largest(probs_V), int(had_V.argmax())
    words = [d.view.word(int(i)) for i in (*next_tokens(d.trace, 4, row)[0], next_v)]
    answer = d.shuffle(d.view.word(best), words)
    offered = {
        d.view.word(int(i)): int(i) for i in (best, *next_tokens(d.trace, 4, row)[0], next_v)
    }
    if answer is None or probs_V[best] - probs_V[next_v] < CLEAR:
        return None
    logits, direct = direct_parts(d, row, at, [offered[word] for word in answer.options])
    if not leads_there(np.array(logits), np.array(direct), answer, d.view.word(before)):
        return None  # the hint would mislead
    t = int(d.trace.rows[row])
    now = "still" if best == before else "now"
    return Exercise(
        f"If head {head} of layer {layer} were silent, which word would come first after"
        f" {d.named(side, t)}?",
        answer,
        "The head writes into the logits directly, and through what comes after it. The logit of"
        " each word, and what the head gives to it directly:"
        f" {of_each(map(bold_quoted, answer.options), logits, direct)}.",
        f"{d.says(best)} {now} comes first: {percent(had_V[best], 0)} with the head,"
        f" {percent(probs_V[best], 0)} without it. Then comes {d.says(next_v)}, with"
        f" {percent(probs_V[next_v], 0)}.",
        seen_at(d, at, row, before),
        ("head.probs", (row, best)),
        {"change": changed(d, at)},
    )


def leads_there(logits_N, direct_N, answer: Quiz, before: str) -> bool:
    """Whether what a head gives to words directly leads to the right one: it gave more to the word
    that was first than to the one that is now; or that stays first without what it got.
    """
    was = answer.options.index(before) if before in answer.options else answer.right
    if was != answer.right:
        return bool(direct_N[was] > direct_N[answer.right])
    return int((logits_N - direct_N).argmax()) == was


def direct_parts(d: Draw, row: int, at: tuple[int, int], words: list[int]) -> tuple:
    """The logits of words at a row, and what a head gives to each directly."""
    source = f"{d.config.sides[-1]}.{at[0]}.attn.head.{at[1]}"
    parts = []
    for word in words:
        step = f"head.logits.parts.{row}.{word}"
        names = source_names(d.trace, ref_of(step))[d.trace.axes(step)[-1]]
        parts.append(float(d.trace[step][names.index(source)]))
    return [float(d.trace["head.logits"][row, word]) for word in words], parts


def changed(d: Draw, at: tuple[int, int]) -> str:
    """The what-if in which a head is silent, with those of the run."""
    return whatif.also(d.view.request.change, named(d, at))


def named(d: Draw, at: tuple[int, int]) -> str:
    """The what-if that silences a head."""
    return f"head:{d.config.sides[-1]}.{at[0]}.{at[1]}"


def seen_at(d: Draw, at: tuple[int, int], row: int, word: int) -> Place:
    """Where it is seen what the head changes: of a translator, on Why this word, at the word it
    wrote; in the run without it.
    """
    (layer, head), side = at, d.config.sides[-1]
    run = {"change": changed(d, at)}
    if d.config.crosses:
        return Place(WHY, {"cards": "why-silent"} | run, (row, word))
    there = {"side": side, "layer": layer, "head": head, "cards": "heads-silent"}
    return Place(HEADS, there | run)
