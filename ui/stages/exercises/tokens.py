"""Questions of the chapter Tokens and positions."""

from __future__ import annotations

import numpy as np

from core.ops import frequencies
from core.steps.embedding import nearest
from core.text import counted, number
from ui.kit.quiz import quiz_of_most
from ui.session.navigation import POSITIONS, TOKENS
from ui.session.view import is_word
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, leads, two_largest
from ui.text import plain

SHOWN = 20  # tokens that are listed
BANDS = 4  # of the dimensions, from which one each is offered
ALIKE = 0.02  # of a cosine: by so much the most alike leads
LEAST_ALIKE = 0.05  # of a cosine: what is less is not alike
LEAST = 0.15  # of an operand and of a sum, so that it counts
WITHIN = 0.02


def tokens_read(d: Draw) -> Exercise | None:
    """How many tokens the text has."""
    side, text = d.config.sides[0], d.view.sentence
    count, typed = len(d.view.tokens(side)), len(text.split())
    letters = sum(not letter.isspace() for letter in text)
    answer = d.numbers(count, [typed, letters, count - 1, count + 1, count + 2])
    listed = " · ".join(plain(token) for token in d.view.tokens(side)[:SHOWN])
    return answer and Exercise(
        f"You typed {counted(typed, 'word')}. How many tokens does the model read?",
        answer,
        "A sign is a token, too, a rare word may be cut in pieces, and some tokens stand for no"
        " text.",
        f"**{count}**: {listed}{' · …' if count > SHOWN else ''}",
        Place(TOKENS, {"side": side}),
        (f"{side}.embed.ids", (count - 1,)),
    )


def width(d: Draw) -> Exercise | None:
    """How many numbers a token's vector has."""
    side = d.config.sides[0]
    c, t = d.config, d.word(side)
    others = d.shuffled("sizes", [c.d_head, c.d_mlp, len(d.view.tokens(side)), c.n_vocab])
    answer = d.numbers(c.d_model, others)
    if t is None or answer is None:
        return None
    return Exercise(
        f"How many numbers make up the vector of {d.named(side, t)} as it enters layer 0?",
        answer,
        "All tokens have vectors of one width. The map of a vector on Tokens shows it.",
        f"**{c.d_model:,}**, as for every token, from the first layer to the last.",
        Place(TOKENS, {"side": side, "token": t, "cards": "tokens-rows"}),
        (f"{side}.embed.out", (t, 0)),
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


def waves(d: Draw) -> Exercise | None:
    """Which dimension of the position vectors is the fastest wave."""
    side = d.config.sides[0]
    if d.config.positions != "sinusoid":
        return None
    table_LD = np.asarray(d.trace.weights[f"{side}.embed.position.weight"])
    crossings_D = (np.diff(np.sign(table_LD), axis=0) != 0).sum(axis=0)
    quarters = np.array_split(np.argsort(crossings_D, kind="stable"), BANDS)
    dims = sorted(d.one(f"band {n}", quarter.tolist()) for n, quarter in enumerate(quarters))
    counts = crossings_D[dims]
    if not leads(counts, 2):
        return None
    best, next_n = two_largest(counts)
    return Exercise(
        "Which dimension of the position vectors goes up and down fastest, from word to word?",
        d.choice([f"dimension {i}" for i in dims], best),
        "On the map of the waves a fast one changes its colour at nearly every position.",
        f"**Dimension {dims[best]}** changes its sign {counts[best]} times in {len(table_LD)}"
        f" positions, dimension {dims[next_n]} only {counts[next_n]}. Fast waves tell"
        " neighbours apart, slow ones tell how far into a text a word stands.",
        Place(POSITIONS, {"side": side}),
        (f"{side}.embed.position", (len(d.view.tokens(side)) - 1, dims[best])),
    )


def longer_part(d: Draw) -> Exercise | None:
    """Whether the vector of the word or that of the position is longer."""
    side = d.config.sides[0]
    t, path = d.word(side), f"{side}.embed"
    if t is None or not d.finite(f"{path}.token.length", f"{path}.position.length"):
        return None
    word, place = (float(d.trace[f"{path}.{x}.length"][t]) for x in ("token", "position"))
    if min(word, place) > 0.9 * max(word, place):
        return None
    best = "token" if word > place else "position"
    return Exercise(
        f"{d.named(side, t)} enters as the sum of two vectors. Which is longer?",
        d.choice(["the word’s", "the position’s"], int(place > word)),
        "Positions shows both as strips of colour: the longer one has the stronger colours.",
        f"**The {'word' if word > place else 'position'}’s**: the vector of the word is"
        f" {number(word, 3)} long, that of position {t} {number(place, 3)}.",
        Place(POSITIONS, {"side": side, "token": t}),
        (f"{path}.{best}.length", (t,)),
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
        (f"{side}.{layer}.attn.q", (0, later, pair)),
    )


def pairs(d: Draw) -> Exercise | None:
    """Which pair of a query's numbers turns fastest."""
    side = d.config.sides[0]
    t, layer = d.word(side), d.layer(side)
    rope = d.config.rope(layer)
    if t is None or rope is None:
        return None
    rates_P = frequencies(rope, d.config.d_head, len(d.view.tokens(side)))
    quarters = np.array_split(np.arange(len(rates_P)), BANDS)
    offered = [d.one(f"band {n}", quarter.tolist()) for n, quarter in enumerate(quarters)]
    rates = rates_P[offered]
    if not leads(rates, 0.001):
        return None
    best, next_n = two_largest(rates)
    return Exercise(
        "Queries and keys are turned by their position, pair of numbers by pair. Which of these"
        " pairs turns fastest?",
        d.choice([f"pair {p}" for p in offered], best),
        "Each pair is a clock. Compare their hands at one token and at the next.",
        f"**Pair {offered[best]}**, by {number(rates[best], 2)} radians from one position to the"
        f" next; pair {offered[next_n]} by {number(rates[next_n], 2)}. Fast pairs tell neighbours"
        " apart, slow ones tell far from near.",
        Place(POSITIONS, {"side": side, "layer": layer, "token": t}),
        (f"{side}.{layer}.attn.q", (0, t, offered[best])),
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
        f"From which row of the table of embeddings does the vector of {d.named(side, t)} come?",
        answer,
        "Each piece of the vocabulary has a number, and a row of its own.",
        f"**Row {word:,}**, the number of {d.says(word)} in the vocabulary, wherever it stands.",
        Place(TOKENS, {"side": side, "token": t}),
        (f"{path}.ids", (t,)),
    )
