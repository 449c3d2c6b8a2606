"""Questions of the chapter Tokens and positions."""

from __future__ import annotations

import math

import numpy as np

from core.ops import frequencies, wave_rates
from core.steps.embedding import nearest
from core.text import counted, number
from ui.kit.quiz import quiz_of_most
from ui.session.navigation import POSITIONS, TOKENS
from ui.session.view import is_word
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, leads, two_largest
from ui.text import plain

SHOWN = 20  # tokens that are listed
WAVES, NAMES = {"sin": math.sin, "cos": math.cos}, {"sin": "sine", "cos": "cosine"}
ALIKE = 0.02  # of a cosine: by so much the most alike leads
LEAST_ALIKE = 0.05  # of a cosine: what is less is not alike
LEAST = 0.15  # of an operand and of a sum, so that it counts
WITHIN = 0.02


def tokens_read(d: Draw) -> Exercise | None:
    """How many tokens the text has."""
    side, text = d.config.sides[0], d.view.sentence
    count, typed = len(d.view.tokens(side)), len(text.split())
    seen = f"{side}.0.attn.mask.seen"
    if not d.finite(seen) or d.trace[seen][-1] != count:  # where the mask hides some
        return None
    letters = sum(not letter.isspace() for letter in text)
    answer = d.numbers(count, [typed, letters, count - 1, count + 1, count + 2])
    listed = " · ".join(plain(token) for token in d.view.tokens(side)[:SHOWN])
    return answer and Exercise(
        f"You typed {counted(typed, 'word')}. How many tokens does the model read?",
        answer,
        "A sign is a token, too, a rare word may be cut in pieces, and some tokens stand for no"
        " text.",
        f"**{count}**: {listed}{' · …' if count > SHOWN else ''}. The"
        " last one may look at all of them, and the number here counts these.",
        Place(TOKENS, {"side": side}),
        (seen, (count - 1,)),
    )


def cosine_of_two(d: Draw) -> Exercise | None:
    """The cosine of two embeddings, from their product and their lengths."""
    side = d.config.sides[0]
    t, path = d.word(side, 1), f"{d.config.sides[0]}.embed.token"
    if t is None or not d.finite(f"{path}.similarity", f"{path}.length"):
        return None
    alike_M, long_M = d.trace[f"{path}.similarity"][t], d.trace[f"{path}.length"]
    tokens = d.view.tokens(side)
    fit = [m for m, x in enumerate(tokens) if is_word(x) and 0.05 < abs(alike_M[m]) < 0.95]
    if not fit:
        return None
    m = d.one("other", fit)
    (one, other), value = (float(long_M[i]) for i in (t, m)), float(alike_M[m])
    return Exercise(
        f"The embedding of {d.named(side, t)} is {number(one, 4)} long, that of"
        f" {d.named(side, m)} {number(other, 4)}, and their product is"
        f" {number(value * one * other, 4)}. What is the cosine of the two?",
        Typed(value, WITHIN),
        "A cosine leaves the lengths out of the product: 1 if both point the same way.",
        f"{number(value * one * other, 4)} / ({number(one, 4)} · {number(other, 4)}) ="
        f" **{number(value, 3)}**. So words are compared, however long their vectors are.",
        Place(TOKENS, {"side": side, "token": t, "cards": "tokens-alike"}),
        (f"{path}.similarity", (t, m)),
    )


def alike(d: Draw) -> Exercise | None:
    """Which other word of the sentence has the most similar embedding."""
    side = d.config.sides[0]
    t, step = d.word(side), f"{side}.embed.token.similarity"
    if t is None or not d.finite(step):
        return None
    tokens = d.view.tokens(side)
    offered_M = [is_word(token) and token != tokens[t] for token in tokens]
    alike_M = np.where(offered_M, d.trace[step][t], -np.inf)
    answer = quiz_of_most(d.view, d.view.names_of(side), alike_M, ALIKE)
    if answer is None or not leads(alike_M, ALIKE) or alike_M.max() < LEAST_ALIKE:
        return None
    best, next_m = two_largest(alike_M)
    return Exercise(
        f"Which of these words has the embedding most like that of {d.named(side, t)}?",
        answer,
        "Words that are used alike get embeddings that point alike. Which of them could stand where"
        f" {d.named(side, t)} stands?",
        f"{d.named(side, best)}: the cosine of the two embeddings is"
        f" {number(alike_M[best], 2)}. Next comes {d.named(side, next_m)} with"
        f" {number(alike_M[next_m], 2)}.",
        Place(TOKENS, {"side": side, "token": t, "cards": "tokens-alike"}),
        (step, (t, best)),
    )


def nearest_word(d: Draw) -> Exercise | None:
    """Which piece of the vocabulary has the most similar embedding."""
    side = d.config.sides[0]
    t = d.word(side)
    if t is None:
        return None
    own = int(d.trace[f"{side}.embed.ids"][t])
    step = f"{side}.embed.near.{own}"
    if not d.finite(step):
        return None
    near = [i for i in nearest(d.trace[step], 30, leave_out=(own,)) if d.view.word(i).isalpha()]
    if len(near) < 5 or d.trace[step][near[0]] - d.trace[step][near[1]] < ALIKE / 2:
        return None
    others = d.shuffled("words", near[1:])
    answer = d.shuffle(d.view.word(near[0]), [d.view.word(i) for i in others])
    return answer and Exercise(
        f"Which of these words has the embedding most like that of {d.named(side, t)}?",
        answer,
        "Words that are used alike get embeddings that point alike.",
        f"{d.says(near[0])}: the cosine of the two embeddings is"
        f" {number(d.trace[step][near[0]], 2)}. Next comes {d.says(near[1])} with"
        f" {number(d.trace[step][near[1]], 2)}.",
        Place(TOKENS, {"side": side, "token": t}),
        (step, (near[0],)),
    )


# --- positions ------------------------------------------------------------------------------------


def wave(d: Draw) -> Exercise | None:
    """What a wave of the position vectors holds at a word."""
    side = d.config.sides[0]
    t, step, rates_D, wave_D = d.word(side, 1), f"{side}.embed.position", *waves_of(d)
    if t is None or d.config.positions != "sinusoid" or not d.finite(step):
        return None
    held_D, place = d.trace[step][t].astype(np.float64), d.config.sinusoid_first + t
    fit = [
        i
        for i, (rate, wave_at) in enumerate(zip(rates_D, wave_D, strict=True))
        if 0.1 < rate * place < 6 and abs(held_D[i]) > LEAST
        if abs(WAVES[wave_at](rate * place) - held_D[i]) < 1e-4
    ]
    if not fit:
        return None
    i = d.one("dimension", fit)
    named, angle, value = wave_D[i], float(rates_D[i] * place), float(held_D[i])
    wrong = [WAVES[other](angle) for other in WAVES if other != named]
    far = [x for x in (*wrong, angle, -value, float(rates_D[i])) if abs(x - value) > 0.05]
    answer = d.shuffle(number(value, 3), [number(x, 3) for x in far])
    return answer and Exercise(
        f"Dimension {i} of the position vectors is a wave: the {NAMES[named]} of"
        f" {number(rates_D[i], 4)} times the position. What does it hold at {d.named(side, t)},"
        f" position {place}?",
        answer,
        "The wave swings between −1 and 1. How far has it come? A half turn is 3.14 radians.",
        f"{named} {number(angle, 3)} = **{number(value, 3)}**. Fast waves tell neighbours apart,"
        " slow ones tell how far into a text a word stands.",
        Place(POSITIONS, {"side": side, "token": t}),
        (step, (t, i)),
    )


def waves_of(d: Draw) -> tuple[np.ndarray, list[str]]:
    """How far each dimension of the position vectors turns a position, in radians, and whether it
    is a sine or a cosine.
    """
    rates_W = wave_rates(d.config.embed_width, d.config.sinusoid_whole)
    return np.tile(rates_W, 2), ["sin"] * len(rates_W) + ["cos"] * len(rates_W)


def position_length(d: Draw) -> Exercise | None:
    """How long the learned vector of a position is."""
    side = d.config.sides[0]
    t, step = d.word(side), f"{side}.embed.position"
    if t is None or d.config.positions != "learned" or not d.finite(step, f"{step}.length"):
        return None
    value, width = float(d.trace[f"{step}.length"][t]), d.trace[step].shape[1]
    mean = value * value / width
    return Exercise(
        f"{d.named(side, t)} gets the vector of position {t}: {width} numbers, whose squares are"
        f" {number(mean, 4)} on average. How long is it?",
        Typed(value, float(f"{0.03 * value:.0e}")),
        "A length is the root of the sum of the squares.",
        f"√({width} · {number(mean, 4)}) = **{number(value, 3)}**. Beside the vector of the word it"
        " says where the word stands.",
        Place(POSITIONS, {"side": side, "token": t}),
        (f"{step}.length", (t,)),
    )


def sum_of_two(d: Draw) -> Exercise | None:
    """Word plus position, in one dimension."""
    side = d.config.sides[0]
    path, t = f"{side}.embed", d.word(side, 1)
    parts = ["token", "position", *(["segment"] if f"{path}.segment" in d.trace else [])]
    if t is None or not d.finite(f"{path}.sum", *(f"{path}.{part}" for part in parts)):
        return None
    parts_PD = np.stack([d.trace[f"{path}.{part}"][t] for part in parts])
    both_D = (np.abs(parts_PD[:2]) >= LEAST).all(axis=0)
    clear = np.flatnonzero(both_D & (np.abs(d.trace[f"{path}.sum"][t]) >= LEAST))
    if not len(clear):
        return None
    i = d.one("dimension", clear.tolist())
    total = float(d.trace[f"{path}.sum"][t, i])
    said = [f"its {part} {number(x, 4)}" for part, x in zip(parts, parts_PD[:, i], strict=True)]
    said[0] = f"the word gives {number(parts_PD[0, i], 4)}"
    added = " + ".join(f"({number(x, 4)})" if x < 0 else number(x, 4) for x in parts_PD[:, i])
    return Exercise(
        f"Dimension {i} of {d.named(side, t)}: {', '.join(said)}. What is their sum?",
        Typed(total, WITHIN),
        "The parts are added number by number: nothing is set beside anything.",
        f"{added} = **{number(total, 3)}**. One vector now holds the word and where it stands.",
        Place(POSITIONS, {"side": side, "token": t}),
        (f"{path}.sum", (t, i)),
    )


def rotary_angle(d: Draw) -> Exercise | None:
    """How far apart rotary positions turn a query and a key."""
    side = d.config.sides[0]
    later, layer = d.word(side, 2), d.layer(side)
    rope = d.config.rope(layer)
    if later is None or rope is None:
        return None
    earlier = d.one("key", range(later))
    rates_P = frequencies(rope, d.config.d_head, len(d.view.tokens(side)))
    pairs = [int(p) for p in np.flatnonzero((rates_P < 1.001) & (rates_P > 0.05))]
    if not pairs:
        return None
    pair = d.one("pair", pairs)
    rate, apart = float(rates_P[pair]), later - earlier
    return Exercise(
        f"Pair {pair} of queries and keys turns by {number(rate, 3)} radians from one position to"
        f" the next. {d.named(side, later)} stands at {later}, {d.named(side, earlier)} at"
        f" {earlier}. By how many radians does one turn further than the other?",
        Typed(rate * apart, WITHIN),
        "Count the steps from one word to the other.",
        f"{counted(apart, 'step')} × {number(rate, 3)} = **{number(rate * apart, 3)}** radians. A"
        " score depends on how far apart two words stand, not on where.",
        Place(POSITIONS, {"side": side, "layer": layer, "token": later}),
        None,
    )


def turned(d: Draw) -> Exercise | None:
    """What rotary positions make of a number of a query."""
    side = d.config.sides[0]
    t, layer, head = d.word(side, 1), d.layer(side), d.head()
    path, rope = f"{side}.{layer}.attn", d.config.rope(layer)
    if t is None or rope is None or not d.finite(f"{path}.q", f"{path}.q.unrotated"):
        return None
    rate_P = frequencies(rope, d.config.d_head, len(d.view.tokens(side)))
    half, angle_P = len(rate_P), t * rate_P
    before_2P = d.trace[f"{path}.q.unrotated"][head, t, : 2 * half].reshape(2, half)
    made_P = before_2P[0] * np.cos(angle_P) - before_2P[1] * np.sin(angle_P)
    after_P = d.trace[f"{path}.q"][head, t, :half]
    clear = (np.abs(before_2P) > LEAST).all(axis=0) & (np.abs(after_P) > LEAST)
    clear &= (np.abs(made_P - after_P) < 1e-3) & (angle_P > 0.2)
    if not clear.any():
        return None
    i = d.one("pair", np.flatnonzero(clear).tolist())
    (one, other), value = (float(x) for x in before_2P[:, i]), float(after_P[i])
    signed = f"({number(other, 4)})" if other < 0 else number(other, 4)
    return Exercise(
        f"In head {head} of layer {layer}, a pair of numbers in the query of {d.named(side, t)} is"
        f" {number(one, 4)} and {number(other, 4)}. Its position turns the pair by"
        f" {number(angle_P[i], 4)} radians, of which the cosine is {number(np.cos(angle_P[i]), 4)}"
        f" and the sine {number(np.sin(angle_P[i]), 4)}. What does the first become?",
        Typed(value, WITHIN),
        "Turned, the first is the cosine times the first minus the sine times the second.",
        f"{number(np.cos(angle_P[i]), 4)} · {number(one, 4)} − {number(np.sin(angle_P[i]), 4)} ·"
        f" {signed} = **{number(value, 3)}**. The pair keeps its length: only its direction says"
        " where the word stands.",
        Place(POSITIONS, {"side": side, "layer": layer, "head": head, "token": t}),
        (f"{path}.q", (head, t, i)),
    )


def same_row(d: Draw) -> Exercise | None:
    """What two equal words have in common, where no vector of a position is added."""
    side = d.config.sides[0]
    path, t = f"{side}.embed", d.word(side)
    if t is None or f"{path}.position" in d.trace:
        return None
    word = int(d.trace[f"{path}.ids"][t])
    answer = d.numbers(word, [t, d.config.n_vocab, *map(int, d.trace[f"{path}.ids"])])
    return answer and Exercise(
        f"{d.named(side, t)} stands at position {t} and is number {word:,} of the"
        f" {d.config.n_vocab:,} pieces of the vocabulary. From which row of the table of embeddings"
        " does its vector come?",
        answer,
        "Does the vector depend on where the word stands?",
        f"**Row {word:,}**, the number of {d.says(word)} in the vocabulary, wherever it stands.",
        Place(TOKENS, {"side": side, "token": t}),
        (f"{path}.ids", (t,)),
    )
