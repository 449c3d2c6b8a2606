"""What the study models have learnt, measured on sentences that they have never seen.

    python -m training.evaluate                 the table of docs/models.md, and
                                                assets/models/*/links.json
    python -m training.evaluate study-decoder --count 300       quicker; links.json stays as it is

Only the shipped weights and the NumPy forward pass are used, so that what is measured is what the
app shows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from core import load, lstm
from core.decoding import greedy_target
from core.models import catalogue
from core.models.model import Model
from core.ops import log_softmax
from core.trace import Trace
from training import corpus, entropy, typed_words, vocabulary
from training.grammar import Sample, Site
from training.vocabulary import END, MASK, START

COUNT = 1_000  # sentences of each half of the test set
HALVES = ("test", "new")
RELATIONS = (
    "verb of a relative clause to its object",
    "verb of a relative clause to its subject",
    "relative pronoun",
    "verb to its subject",
    "verb to its subject, past a relative clause",
    "predicate to its subject",
    "predicate to its subject, past a relative clause",
    "pronoun",
    "owner",
    "named again",
    "said again",
    "what came next",
)
ACROSS = ("object relative", "subject relative")
CLAUSE = "agreement across a clause"
INVENTED = "agreement with an invented noun"
TYPED = "agreement with a typed noun"
COPIED = "invented words copied"


class Score(NamedTuple):
    """How often something was right, or a mean; of how many."""

    value: float
    count: int


def mean(values: Iterable[float]) -> Score:
    """The mean of numbers or of yes and no, and how many they are."""
    values = np.array(list(values), float)
    return Score(float(values.mean()) if len(values) else float("nan"), len(values))


@dataclass(frozen=True, eq=False)
class Cut:
    """A sentence as a model reads it. Positions count special tokens too."""

    ids: list[int]
    first: list[int]  # the position of each word's first token
    word_of_L: np.ndarray  # each token's word; −1: [START]; one more than the last word: [END]


def cut(
    words: tuple[str, ...], language: str = "english", begin: tuple[int, ...] = (START,)
) -> Cut:
    """The ids of words, after those they begin with, and before [END]."""
    ids, first = [*begin], []
    for word in words:
        first.append(len(ids))
        ids += corpus.ids((word,), language)
    word_of_L = np.searchsorted(first, np.arange(len(ids)), side="right") - 1
    return Cut([*ids, END], first, np.append(word_of_L, len(first)))


# --- next word ------------------------------------------------------------------------------------


def next_word(model, samples: list[Sample]) -> dict[str, Score]:
    """Loss in nats a token, and whether the right form of a word is likelier than the wrong
    ones.
    """
    losses: list[float] = []
    right: dict[str, list[bool]] = defaultdict(list)
    for made in samples:
        read = cut(made.english)
        logits_LV = model.trace(ids_L=read.ids[:-1])["head.logits"]
        losses.extend(-log_softmax(logits_LV)[np.arange(len(read.ids) - 1), read.ids[1:]])
        for site in made.sites:
            note(right, made, site, chosen(logits_LV[read.first[site.place] - 1], made, site))
    return {"loss": mean(losses), **{name: mean(values) for name, values in right.items()}}


def chosen(logits_V, made: Sample, site: Site) -> bool:
    """Whether the right form is likelier than each wrong one."""
    known = vocabulary.tokens("english")
    return all(
        logits_V[known[made.english[site.place]]] > logits_V[known[word]] for word in site.wrong
    )


def note(right: dict[str, list[bool]], made: Sample, site: Site, answer: bool) -> None:
    """Sorts an answer under all headings that it belongs to."""
    right[site.kind].append(answer)
    if is_hard(site):
        right[CLAUSE].append(answer)
    if site.kind == "agreement" and is_invented(made.english[site.decided_by]):
        right[INVENTED].append(answer)


def is_invented(word: str) -> bool:
    """Whether a word of the grammar is none of the lexicon's."""
    return word not in vocabulary.tokens("joint")


# --- masked word ----------------------------------------------------------------------------------


def masked_word(model: Model, samples: list[Sample]) -> dict[str, Score]:
    """The word guessed from both sides: one of each sentence by a fixed choice (no invented one),
    and every site.
    """
    chance = np.random.default_rng(0)
    losses, hits, right = [], [], defaultdict(list)
    for made in samples:
        read = cut(made.english)
        at = read.first[entropy.known_place(made, chance)]
        logits_V = guess(model, read, at)
        losses.append(-log_softmax(logits_V)[read.ids[at]])
        hits.append(logits_V.argmax() == read.ids[at])
        for site in made.sites:
            answer = chosen(guess(model, read, read.first[site.place]), made, site)
            note(right, made, site, answer)
    return {
        "loss": mean(losses),
        "masked word": mean(hits),
        **{name: mean(values) for name, values in right.items()},
    }


def guess(model: Model, read: Cut, at: int):
    """The logits in place of a masked token, (V,)."""
    ids = [MASK if i == at else token for i, token in enumerate(read.ids)]
    return model.trace(ids_L=ids, keep="output", rows=at)["head.logits"][0]


# --- translation ----------------------------------------------------------------------------------


def translation(model: Model, samples: list[Sample]) -> dict[str, Score]:
    """Loss on the French of the grammar, sentences translated without a fault, and what
    cross-attention looks at.
    """
    losses, exact, copied, aligned, best = [], [], [], defaultdict(list), best_aligned(model)
    for made in samples:
        source, target, trace = read_both(model, made)
        losses.extend(
            -log_softmax(trace["head.logits"])[np.arange(len(target.ids) - 1), target.ids[1:]]
        )
        written = greedy_target(
            model.config, model.weights, source.ids, longest=model.config.n_positions
        )
        exact.append(written[1:] == target.ids[1:-1])
        copied += copies(made, written)
        for name, answers in alignment(made, source, target, trace).items():
            aligned[name] += answers
    return {
        "loss": mean(losses),
        "exact": mean(exact),
        COPIED: mean(copied),
        **{f"alignment, {name}": mean(aligned[name]) for name in (best, "mean of all heads")},
    }


def copies(made: Sample, written: list[int]) -> list[bool]:
    """Whether each invented word of the French stands in what was written, piece by piece."""

    def joined(ids: list[int]) -> str:
        return f" {' '.join(map(str, ids))} "

    return [
        joined(corpus.ids((word,), "joint")) in joined(written)
        for word in made.french
        if is_invented(word)
    ]


def read_both(model: Model, made: Sample) -> tuple[Cut, Cut, Trace]:
    """The English and the French as the translator reads them, and the trace of that."""
    source, target = cut(made.english, begin=()), cut(made.french, "joint")
    return source, target, model.trace(ids_L=source.ids, target_ids_L=target.ids[:-1])


def best_aligned(model: Model, count: int = 100) -> str:
    """The head, or the mean of a layer, that is aligned best: chosen on other sentences than those
    it is measured on.
    """
    found = [alignment(made, *read_both(model, made)) for made in corpus.samples("train", count)]
    return max(
        found[0], key=lambda name: np.mean([answer for each in found for answer in each[name]])
    )


def alignment(made: Sample, source: Cut, target: Cut, trace: Trace) -> dict[str, list[bool]]:
    """For each French word with content: as it is written, does most of the weight lie on an
    English word that it translates? In a list said twice that is the word of either time. So for
    every head, for the mean of each layer, and for the mean of all.
    """
    gold = defaultdict(set)
    for french, english in made.alignment:
        gold[french] |= {english, *other_times(made, english)}
    at_P = [
        target.first[place] - 1 for place in made.content
    ]  # the positions whose output these words are
    layers, heads = range(trace.config.decoder_layers), range(trace.config.n_heads)
    pattern_NHPM = np.stack([trace[f"decoder.{layer}.cross.pattern"][:, at_P] for layer in layers])
    weights = {
        f"layer {layer} head {head}": pattern_NHPM[layer, head]
        for layer in layers
        for head in heads
    }
    weights |= {f"mean of layer {layer}": pattern_NHPM[layer].mean(0) for layer in layers}
    weights["mean of all heads"] = pattern_NHPM.mean((0, 1))
    return {
        name: [
            word in gold[place]
            for place, word in zip(
                made.content, source.word_of_L[weight_PM.argmax(-1)].tolist(), strict=True
            )
        ]
        for name, weight_PM in weights.items()
    }


def other_times(made: Sample, word: int) -> list[int]:
    """Where else a word of a list stands: the list is said twice."""
    if made.relations[word] != "listed":
        return []
    return [place for place, other in enumerate(made.english) if other == made.english[word]]


# --- what heads link ------------------------------------------------------------------------------


def named_links(made: Sample) -> list[tuple[str, int, int]]:
    """The gold links of a sentence that point back, as a decoder looks (in questions a verb may
    stand before its subject); verbs and predicates that a relative clause parts from their subject
    once more.
    """
    links = [(name, a, b) for name, a, b in made.links if b < a]
    clauses = [(noun, that) for name, that, noun in links if name == "relative pronoun"]
    for name, a, b in list(links):
        if (
            name in ("verb to its subject", "predicate to its subject")
            and not depends_on(made, a, b)
            and any(noun == b < that < a for noun, that in clauses)
        ):
            links.append((f"{name}, past a relative clause", a, b))
    return links


def depends_on(made: Sample, place: int, top: int) -> bool:
    """Whether a word depends on another one, directly or through others: so the words of a clause
    on the noun it is about.
    """
    while place not in (top, -1):
        place = made.heads[place]
    return place == top


def links(
    model: Model, samples: list[Sample], relations: tuple[str, ...] = RELATIONS
) -> dict[str, dict]:
    """For each relation: in how many cases each head's largest weight on a word (special tokens and
    the word itself aside) lies on the right one, by layer and head, and the mean weight there.
    """
    side, found, weight = model.config.sides[0], defaultdict(list), defaultdict(list)
    for made in samples:
        read = cut(made.english)
        words_L, trace = read.word_of_L, model.trace(ids_L=read.ids)
        pattern_NHLM = np.stack(
            [trace[f"{side}.{layer}.attn.pattern"] for layer in range(model.config.layers(side))]
        )
        for name, a, b in named_links(made):
            row_NHM = pattern_NHLM[:, :, read.first[a]].copy()
            weight[name].append(row_NHM[..., words_L == b].sum(-1))
            row_NHM[..., np.isin(words_L, (-1, a, len(read.first)))] = -1
            found[name].append(words_L[row_NHM.argmax(-1)] == b)
    return {
        name: {
            "count": len(found[name]),
            "hits": np.mean(found[name], axis=0).round(4).tolist(),
            "weight": np.mean(weight[name], axis=0).round(4).tolist(),
            "by distance": hits_by_distance(samples, name),
        }
        for name in relations
        if found[name]
    }


def hits_by_distance(samples: list[Sample], name: str) -> float:
    """How often the most common distance alone would be right: what a head must beat."""
    distances = [b - a for made in samples for link, a, b in named_links(made) if link == name]
    return round(max(map(distances.count, set(distances))) / len(distances), 4)


# --- the table ------------------------------------------------------------------------------------

MEASURES = {
    "study-encoder": masked_word,
    "study-decoder": next_word,
    "study-lstm": next_word,
    "study-translator": translation,
}


def loaded(name: str):
    """A shipped model."""
    return lstm.load(name) if name == "study-lstm" else load(name)


def best(name: str, count: int) -> dict[str, float]:
    """What one who knows the grammar would reach on sentences without combinations that are new."""
    if name == "study-translator":
        return {"loss": 0.0, "exact": 1.0}  # the grammar's French follows from the English
    if name == "study-encoder":
        loss, hits = entropy.masked([f"best {i}" for i in range(count // 2)])
        return {"loss": loss, "masked word": hits}
    return {"loss": entropy.per_token(list(corpus.samples("test", count)), entropy.accepted())}


def with_distractors(half: str, count: int) -> list[Sample]:
    """Sentences in which a noun of the other number stands in a clause between a verb and its
    subject; few have one.
    """
    return list(islice(hard_samples(half), count))


def hard_samples(split: str) -> Iterator[Sample]:
    """All such sentences of a split, one after the other."""
    return (made for made in corpus.samples(split, sys.maxsize) if any(map(is_hard, made.sites)))


def is_hard(site: Site) -> bool:
    """Whether the verb agrees across a clause with a distracting noun."""
    return site.kind == "agreement" and site.distracted and site.how in ACROSS


def measure(name: str, model, samples: list[Sample], hard: list[Sample]) -> dict[str, Score]:
    """All that is measured of a model on one half of the test set."""
    found = MEASURES[name](model, samples)
    if "agreement" in found:
        found |= {CLAUSE: MEASURES[name](model, hard)[CLAUSE]}
    if MEASURES[name] is next_word:
        found |= {TYPED: mean(typed_words.agreement(model))}
    return found


def main() -> None:
    """Prints the table, as docs/models.md has it, and writes what the heads link."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("names", nargs="*", default=list(MEASURES))
    asked.add_argument("--count", type=int, default=COUNT)
    asked = asked.parse_args()
    halves = {half: list(corpus.samples(half, asked.count)) for half in HALVES}
    hard = {half: with_distractors(half, asked.count // 2) for half in HALVES}
    print("| model | measure | best possible | unseen | new combinations |\n|---|---|---|---|---|")
    for name in asked.names:
        model = loaded(name)
        found = {half: measure(name, model, halves[half], hard[half]) for half in HALVES}
        most = best(name, asked.count)
        for key in found["test"]:
            cells = (
                f"`{name}`",
                key,
                score(key, most.get(key)),
                *(score(key, *found[half][key]) for half in HALVES),
            )
            print(f"| {' | '.join(cells)} |", flush=True)
        if name in ("study-encoder", "study-decoder"):
            report_links(
                name, links(model, halves["test"] + halves["new"]), keep=asked.count >= COUNT
            )


def score(key: str, value: float | None, count: int | None = None) -> str:
    """A loss as a number, a share in percent, and of how many."""
    shown = "" if value is None else f"{value:.3f}" if key == "loss" else f"{value:.1%}"
    return shown if count is None else f"{shown} of {count:,}"


def report_links(name: str, found: dict, keep: bool) -> None:
    """Says the best head for each relation beside the table. keep: all of it is written down, for
    the Layers page.
    """
    if keep:
        (catalogue.MODELS / name / "links.json").write_text(
            json.dumps(found, indent=1), encoding="utf-8"
        )
    for relation, one in found.items():
        hits_NH = np.array(one["hits"])
        layer, head = np.unravel_index(hits_NH.argmax(), hits_NH.shape)
        print(
            f"{name}, {relation}: layer {layer}, head {head}: {hits_NH.max():.1%} of"
            f" {one['count']:,} (by distance {one['by distance']:.1%})",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
