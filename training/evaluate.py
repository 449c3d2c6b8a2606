"""What the study models have learnt, measured on sentences that they have never seen.

    python -m training.evaluate                 the table of the README, and assets/models/links.json
    python -m training.evaluate study-decoder --count 300

Only the shipped weights and the NumPy forward pass are used, so that what is measured is what the app shows.
"""
from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core import load, recurrent
from core.generate import greedy_target
from core.loading import Model
from training import corpus, entropy, vocabulary
from training.grammar import Sample, Site

COUNT = 1_000                   # sentences of each half of the test set
START, END, MASK = (vocabulary.SPECIAL.index(sign) for sign in ("[START]", "[END]", "[MASK]"))
RELATIONS = ("verb of a relative clause to its object", "verb of a relative clause to its subject", "relative pronoun",
             "verb to its subject", "verb to its subject, past a relative clause", "predicate to its subject",
             "predicate to its subject, past a relative clause", "pronoun", "owner", "named again")
ACROSS = ("object relative", "subject relative")


@dataclass(frozen=True)
class Score:
    """How often something was right, or a mean; of how many."""
    value: float
    count: int


def mean(values: Iterable[float]) -> Score:
    """The mean of numbers or of yes and no, and how many they are."""
    values = np.array(list(values), float)
    return Score(float(values.mean()) if len(values) else float("nan"), len(values))


@dataclass(frozen=True)
class Cut:
    """A sentence as a model reads it. first[i]: the position of the first token of word i, the sign at the start counted."""
    ids: list[int]
    first: list[int]


def cut(words: tuple[str, ...], language: str = "english") -> Cut:
    """The ids of words between the signs for start and end."""
    ids, first = [START], []
    for word in words:
        first.append(len(ids))
        ids += corpus.ids((word,), language)
    return Cut([*ids, END], first)


# --- next word ------------------------------------------------------------------------------------------------------

def next_word(model, samples: list[Sample]) -> dict[str, Score]:
    """Loss in nats a token, and whether the right form of a word is likelier than the wrong ones."""
    losses: list[float] = []
    right: dict[str, list[bool]] = defaultdict(list)
    for made in samples:
        read = cut(made.english)
        logits_LV = model.trace(ids_L=read.ids[:-1])["head.logits"]
        losses.extend(-log_softmax(logits_LV)[np.arange(len(read.ids) - 1), read.ids[1:]])
        for site in made.sites:
            note(right, site, chosen(logits_LV[read.first[site.place] - 1], made, site))
    return {"loss": mean(losses), **{name: mean(values) for name, values in right.items()}}


def log_softmax(x):
    """log softmax over the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def chosen(logits_V, made: Sample, site: Site) -> bool:
    """Whether the right form is likelier than each wrong one."""
    known = vocabulary.tokens("english")
    return all(logits_V[known[made.english[site.place]]] > logits_V[known[word]] for word in site.wrong if word != made.english[site.place])


def note(right: dict[str, list[bool]], site: Site, answer: bool) -> None:
    """Sorts an answer under all headings that it belongs to."""
    right[site.kind].append(answer)
    if site.kind == "agreement" and site.distracted and site.how in ACROSS:
        right["agreement across a clause"].append(answer)


# --- masked word ----------------------------------------------------------------------------------------------------

def masked_word(model: Model, samples: list[Sample]) -> dict[str, Score]:
    """The word guessed from both sides: one of each sentence by a fixed choice, and every site."""
    place = np.random.default_rng(0)
    losses, hits, right = [], [], defaultdict(list)
    for made in samples:
        read = cut(made.english)
        at = int(place.integers(len(made.english)))
        logits_V = guess(model, read, read.first[at])
        losses.append(-log_softmax(logits_V)[read.ids[read.first[at]]])
        hits.append(logits_V.argmax() == read.ids[read.first[at]])
        for site in made.sites:
            note(right, site, chosen(guess(model, read, read.first[site.place]), made, site))
    return {"loss": mean(losses), "masked word": mean(hits), **{name: mean(values) for name, values in right.items()}}


def guess(model: Model, read: Cut, at: int):
    """The logits in place of a masked token, (V,)."""
    ids = [MASK if i == at else token for i, token in enumerate(read.ids)]
    return model.trace(ids_L=ids, keep="output", rows=at)["head.logits"][0]


# --- translation ----------------------------------------------------------------------------------------------------

def translation(model: Model, samples: list[Sample]) -> dict[str, Score]:
    """Loss on the French of the grammar, sentences translated without a fault, and what cross-attention looks at."""
    losses, exact, aligned = [], [], defaultdict(list)
    for made in samples:
        source, target = cut(made.english), cut(made.french, "joint")
        ids, first = source.ids[1:], [at - 1 for at in source.first]
        trace = model.trace(ids_L=ids, target_ids_L=target.ids[:-1])
        losses.extend(-log_softmax(trace["head.logits"])[np.arange(len(target.ids) - 1), target.ids[1:]])
        written = greedy_target(model.config, model.weights, ids, longest=100)
        exact.append(written[1:] == target.ids[1:-1])
        align(aligned, trace, made, first, target.first)
    best = max(aligned, key=lambda key: np.mean(aligned[key]))
    return {"loss": mean(losses), "exact": mean(exact), f"alignment, {best}": mean(aligned[best]),
            "alignment, mean of all heads": mean(aligned["mean of all heads"])}


def align(aligned: dict, trace, made: Sample, first_en: list[int], first_fr: list[int]) -> None:
    """For each French word with content: does the weight lie most on an English word that it translates, as it is written?"""
    layers = range(trace.config.decoder_layers)
    pattern_NHLM = np.stack([trace[f"decoder.{layer}.cross.pattern"] for layer in layers])
    gold = defaultdict(set)
    for french, english in made.alignment:
        gold[french].add(english)
    word_of_M = np.searchsorted(first_en, np.arange(pattern_NHLM.shape[-1]), side="right") - 1
    for place in made.content:
        at = first_fr[place] - 1            # the position whose output is this word
        for layer in layers:
            for head in range(trace.config.n_heads):
                aligned[f"layer {layer} head {head}"].append(word_of_M[pattern_NHLM[layer, head, at].argmax()] in gold[place])
            aligned[f"mean of layer {layer}"].append(word_of_M[pattern_NHLM[layer, :, at].mean(0).argmax()] in gold[place])
        aligned["mean of all heads"].append(word_of_M[pattern_NHLM[:, :, at].mean((0, 1)).argmax()] in gold[place])


# --- what heads link ------------------------------------------------------------------------------------------------

def named_links(made: Sample) -> list[tuple[str, int, int]]:
    """The gold links of a sentence; verbs and predicates that a relative clause parts from their subject once more."""
    far = {site.place for site in made.sites if site.kind == "agreement" and site.how in ACROSS}
    links = list(made.links)
    for name, a, b in made.links:
        if name in ("verb to its subject", "predicate to its subject") and any(b < place <= a for place in far):
            links.append((f"{name}, past a relative clause", a, b))
    return links


def links(model: Model, samples: list[Sample]) -> dict[str, dict]:
    """For each relation: in how many cases each head's largest weight on a word (signs and the word itself aside) lies
    on the right one, by layer and head, and the mean weight that lies there."""
    side, found, weight = model.config.sides[0], defaultdict(list), defaultdict(list)
    for made in samples:
        wanted = named_links(made)
        read = cut(made.english)
        trace = model.trace(ids_L=read.ids)
        pattern_NHLM = np.stack([trace[f"{side}.{layer}.attn.pattern"] for layer in range(model.config.layers(side))])
        for name, a, b in wanted:
            row_NHM = pattern_NHLM[:, :, read.first[a]].copy()
            weight[name].append(row_NHM[..., read.first[b]].copy())
            row_NHM[..., [0, read.first[a], len(read.ids) - 1]] = -1
            found[name].append(row_NHM.argmax(-1) == read.first[b])
    return {name: {"count": len(found[name]), "hits": np.mean(found[name], axis=0).round(4).tolist(),
                   "weight": np.mean(weight[name], axis=0).round(4).tolist(),
                   "by distance": by_distance(samples, name)} for name in RELATIONS if found[name]}


def by_distance(samples: list[Sample], name: str) -> float:
    """How often the most common distance alone would be right: what a head must beat."""
    distances = [b - a for made in samples for link, a, b in named_links(made) if link == name]
    return round(max(map(distances.count, set(distances))) / len(distances), 4)


# --- the table ------------------------------------------------------------------------------------------------------

MEASURES = {"study-encoder": masked_word, "study-decoder": next_word, "study-lstm": next_word, "study-translator": translation}


def loaded(name: str):
    """A shipped model."""
    return recurrent.load(name) if name == "study-lstm" else load(name)


def best(name: str, count: int) -> str:
    """What one who knows the grammar would reach."""
    if name == "study-translator":
        return "0 (the grammar's French follows from the English)"
    if name == "study-encoder":
        loss, right = entropy.masked([f"best {i}" for i in range(count // 2)])
        return f"{loss:.2f}, {right:.1%} right"
    samples = list(corpus.samples("test", count))
    return f"{entropy.per_token(samples, accepted=1 - 1 / 20):.2f}"


def main() -> None:
    """Prints the table and writes what the heads link."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("names", nargs="*", default=list(MEASURES))
    asked.add_argument("--count", type=int, default=COUNT)
    asked = asked.parse_args()
    halves = {half: list(corpus.samples(half, asked.count)) for half in ("test", "new")}
    for name in asked.names:
        model = loaded(name)
        found = {half: MEASURES[name](model, samples) for half, samples in halves.items()}
        print(f"\n{name}: best that the grammar allows: {best(name, asked.count)}")
        for key in found["test"]:
            print(f"  {key:32}" + "".join(f"{half}: {score(key, values.get(key))}   " for half, values in found.items()))
        if name in ("study-encoder", "study-decoder"):
            write_links(name, links(model, halves["test"] + halves["new"]))


def score(key: str, found: Score | None) -> str:
    """A loss as a number, a share in percent, with its count."""
    if found is None:
        return "-"
    return f"{found.value:.3f} ({found.count})" if key == "loss" else f"{found.value:.1%} ({found.count})"


def write_links(name: str, found: dict) -> None:
    """Keeps what the heads link, for the Layers page."""
    path = corpus.FOLDER.parents[1] / "assets/models" / name / "links.json"
    path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for relation, one in found.items():
        hits = np.array(one["hits"])
        layer, head = np.unravel_index(hits.argmax(), hits.shape)
        print(f"  {relation:50} layer {layer} head {head}: {hits.max():.1%} of {one['count']} (by distance {one['by distance']:.1%})")


if __name__ == "__main__":
    main()
