"""A planted ground truth: what the methods that explain a model say, against the grammar that its
sentences were made by.

    python -m training.ground_truth                    of study-decoder, some minutes
    python -m training.ground_truth FOLDER FOLDER …    of other weights, such as those of snapshots
    python -m training.ground_truth --each 10 --links 100              quicker

The grammar knows which noun decides the form of a verb or a pronoun. So it can be asked which head
does it, of every head and in held-out sentences: by where it looks (most of all words at the noun;
at the decided word, or where that is guessed), by the exact part that it gives to right − wrong, by
whether the answer turns when it falls silent, and by how much of the answer comes back when what it
gathers is put into the run of the same sentence with the noun exchanged. And which word stands
first, in size, in the colours of the page Why this word?

Each case is one half of a minimal pair: with the noun in its other number (a name: with one of the
other gender) the sentence is right, too, and the other form is right in it. Nothing else before the
word gives that away. Heads are written layer.head.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from core import load, why
from core.models.model import Model
from core.trace import Trace
from core.why.by_gradient import TOKEN
from core.why.patching import pair_of
from training import corpus, evaluate, lexicon, vocabulary
from training.cases import RELATIVE, Case, far_verbs, pronouns, verbs
from training.english import OBJECTS
from training.grammar import Sample
from training.lexicon import Name, Noun

EACH, LINKS, STEPS = 50, 400, 128  # cases of each group; sentences for the links; steps of a way
GROUPS: dict[str, Callable[[Sample], list[Case]]] = {
    "verb, singular": lambda made: [each for each in verbs(made) if each.number == "singular"],
    "verb, plural": lambda made: [each for each in verbs(made) if each.number == "plural"],
    "verb past a noun of the other number": far_verbs,
    "pronoun": pronouns,
}
BOTH_NUMBERS = ("the", "my", "your", "our", "his", "her", "its", "their")
SIDE, MEASURED = "decoder", "measured: the average token in its place"
TO_ADJECTIVE = "noun to its adjective"
RELATIONS = (*evaluate.RELATIONS, TO_ADJECTIVE)


@dataclass(frozen=True, eq=False)
class Pair:
    """A case with the noun that would make another form right, and that form."""

    case: Case
    other: str
    wrong: str

    @property
    def exchanged(self) -> tuple[str, ...]:
        """The sentence with the other noun, up to the decided word."""
        words = list(self.case.made.english[: self.case.site.place])
        words[self.case.noun] = self.other
        return tuple(words)


@dataclass(frozen=True, eq=False)
class Found:
    """What the methods say of one case: of each layer and head, and the word that stands first in
    each colouring (−1: [START]).
    """

    pair: Pair
    apart: float  # right − wrong, in logits
    without: float  # the same with the other noun
    at_word_NH: np.ndarray  # whether the head looks most at the noun
    at_guess_NH: np.ndarray
    parts_NH: np.ndarray
    silent_NH: np.ndarray  # right − wrong without the head
    patched_NH: np.ndarray  # with the other noun, and what the head gathers with the right one
    first: dict[str, int]


# --- the cases ------------------------------------------------------------------------------------


def draw(each: int) -> dict[str, list[Pair]]:
    """So many pairs of each group, the first of the test split, and of one sentence one at most."""
    found: dict[str, list[Pair]] = {group: [] for group in GROUPS}
    for made in corpus.samples("test", sys.maxsize):
        for group, pairs in found.items():
            pair = next(pairs_of(made, group), None) if len(pairs) < each else None
            if pair is not None:
                pairs.append(pair)
        if all(len(pairs) >= each for pairs in found.values()):
            break
    return found


def pairs_of(made: Sample, group: str) -> Iterator[Pair]:
    """The cases of a group of which the other half is a right sentence, too."""
    for case in GROUPS[group](made):
        form = other_form(case)
        if form and form[1] in case.site.wrong and nothing_else_tells(case):
            yield Pair(case, *form)


def other_form(case: Case) -> tuple[str, str] | None:
    """What can stand in the place of the noun, and the form that is right then: its other number;
    where a pronoun stands for a name, the first name of the other gender.
    """
    word, as_object = case.made.english[case.noun], case.site.how == "object"
    if case.site.kind == "pronoun" and word in people():
        other = next(name for name, kind in people().items() if kind != people()[word])
        return other, in_case(people()[other], as_object)
    if word not in (numbers := in_number()):
        return None
    other, pronoun = numbers[word]
    if case.site.kind == "pronoun":
        return other, in_case(pronoun, as_object)
    return other, case.site.wrong[0]


def in_case(pronoun: str, as_object: bool) -> str:
    """He, or him."""
    return OBJECTS.get(pronoun, pronoun) if as_object else pronoun


@cache
def people() -> dict[str, str]:
    """The names of persons, and he or she for them."""
    return {name.name: name.kind for name in lexicon.table(Name) if name.kind in ("he", "she")}


@cache
def in_number() -> dict[str, tuple[str, str]]:
    """For each form of a noun the other number, and the pronoun for that."""
    nouns = [noun for noun in lexicon.table(Noun) if not noun.mass and noun.en != noun.en_plural]
    found = {noun.en: (noun.en_plural, "they") for noun in nouns}
    return found | {noun.en_plural: (noun.en, noun.pronoun) for noun in nouns}


def nothing_else_tells(case: Case) -> bool:
    """Whether the noun alone decides: no other word for the same stands before the decided word, no
    article that has a number, and no verb that agrees with the noun.
    """
    made, place = case.made, case.site.place
    if case.named - case.nouns - relative_pronouns(made) or case.nouns != {case.noun}:
        return False
    if made.english[case.noun] in people():
        return True
    articles = [word for i, word in enumerate(made.english) if is_article(made, i, case.noun)]
    agreeing = [each for each in verbs(made) if each.noun == case.noun and each.site.place < place]
    return set(articles) <= set(BOTH_NUMBERS) and not agreeing


def relative_pronouns(made: Sample) -> set[int]:
    """The places of who and that, which have no number."""
    return {a for name, a, _ in made.links if name == RELATIVE}


def is_article(made: Sample, place: int, noun: int) -> bool:
    """Whether a word is an article of that noun, or “all”."""
    return made.heads[place] == noun and made.relations[place] in ("article", "all")


# --- asking ---------------------------------------------------------------------------------------


def ask(model: Model, pair: Pair, steps: int = STEPS) -> Found:
    """What all methods say of one case."""
    case, known = pair.case, vocabulary.tokens("english")
    words = case.made.english[: case.site.place]
    forms = known[case.right], known[pair.wrong]
    clean, changed = run(model, words), run(model, pair.exchanged)
    before, apart = difference(changed, *forms), difference(clean, *forms)
    silent_NX = why.effects(model, clean, *forms)
    return Found(
        pair,
        apart,
        before,
        looks(run(model, (*words, case.right)), case.nouns, itself=False),
        looks(clean, case.nouns, itself=True),
        parts_of(clean, *forms),
        apart + silent_NX[:, :-1],
        patched(model, clean, changed, *forms),
        {
            name: first_word(clean, given_L)
            for name, given_L in colours(model, clean, *forms, steps)
        },
    )


def run(model: Model, words: tuple[str, ...]) -> Trace:
    """What the model makes of the beginning of a sentence."""
    cut = evaluate.cut(words)
    words_L = [None if word < 0 else int(word) for word in cut.word_of_L[:-1]]
    return model.trace(ids_L=cut.ids[:-1], words_L=words_L, rows=-1)


def difference(trace: Trace, right: int, wrong: int) -> float:
    """How far the right form is above the wrong one, in logits."""
    logits_V = trace["head.logits"][-1].astype(np.float64)
    return float(logits_V[right] - logits_V[wrong])


def looks(trace: Trace, nouns: set[int], itself: bool) -> np.ndarray:
    """Whether the last token's largest weight on a word lies on the noun, by layer and head.
    Special tokens are left out, and the last word, unless it counts itself.
    """
    words_L = np.array([-1 if word is None else word for word in trace.words_L or ()])
    layers = range(trace.config.layers(SIDE))
    row_NHM = np.stack([trace[f"{SIDE}.{layer}.attn.pattern"][:, -1] for layer in layers])
    aside = {-1} if itself else {-1, int(words_L[-1])}
    row_NHM[..., np.isin(words_L, list(aside))] = -1
    return np.isin(words_L[row_NHM.argmax(-1)], list(nouns))


def parts_of(trace: Trace, right: int, wrong: int) -> np.ndarray:
    """The exact part of right − wrong that each head gives, by layer and head."""
    parts, config = why.parts(trace, right, wrong), trace.config
    heads = range(config.n_heads)
    names = [[f"{SIDE}.{n}.attn.head.{h}" for h in heads] for n in range(config.layers(SIDE))]
    return np.array([[parts.of(name) for name in row] for row in names])


def patched(model: Model, clean: Trace, changed: Trace, right: int, wrong: int) -> np.ndarray:
    """Right − wrong in the run with the other noun, when one head gathers what it gathers with the
    right noun, at all tokens; by layer and head.
    """
    config, length = model.config, clean.sizes(SIDE)["L"]
    patched_NH = np.zeros((config.layers(SIDE), config.n_heads))
    for head in range(config.n_heads):
        pair = pair_of(model, changed, clean, right, wrong, f"head:{head}", -1, SIDE)
        for layer in range(config.layers(SIDE)):
            patched_NH[layer, head] = pair.after(layer, range(length))
    return patched_NH


def colours(
    model: Model, trace: Trace, right: int, wrong: int, steps: int
) -> Iterator[tuple[str, np.ndarray]]:
    """What each token gives to right − wrong, (L,), by each of the colourings."""
    grads = trace.backward(of=(int(trace.rows[-1]), right, wrong))
    layers = range(model.config.layers(SIDE))
    paths = [f"{SIDE}.{layer}.attn" for layer in layers]
    step = f"{SIDE}.{TOKEN}"
    yield "exact sums", why.ends(trace, right, wrong).parts[SIDE]
    way = why.integrated(model, trace, right, wrong, steps=steps)
    yield "integrated gradients", way.by_token[SIDE]
    yield "gradient × input", why.times_gradient(trace, {step: grads[step]}).by_token[SIDE]
    looks_HLM = np.sum([why.looks_by_gradient(grads, path) for path in paths], axis=0)
    yield "attention × gradient, all heads", looks_HLM.sum((0, 1))
    yield "mean attention", np.mean([trace[f"{path}.pattern"][:, -1] for path in paths], (0, 1))
    yield MEASURED, why.without_each(model, trace, right, wrong).by_token[SIDE]


def first_word(trace: Trace, given_L: np.ndarray) -> int:
    """The word with the largest sum in size, its pieces added up; −1: [START]."""
    sums: dict[int, float] = {}
    for word, given in zip(trace.words_L or (), given_L.tolist(), strict=True):
        place = -1 if word is None else word
        sums[place] = sums.get(place, 0.0) + given
    return max(sums, key=lambda place: abs(sums[place]))


# --- what they say together -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Best:
    """The head that a method names, and the share of cases, or of the difference, that it has."""

    layer: int
    head: int
    share: float

    def __str__(self) -> str:
        return f"{self.layer}.{self.head}: {self.share:.0%}" if self.share > 0 else "–"


def best(shares_NH: np.ndarray) -> Best:
    """The head with the largest share."""
    layer, head = np.unravel_index(int(shares_NH.argmax()), shares_NH.shape)
    return Best(int(layer), int(head), float(shares_NH[layer, head]))


def shares(found: list[Found]) -> dict[str, np.ndarray]:
    """By method, a share for each layer and head: of the cases in which it looks at the noun, gives
    most, turns the answer by its silence (of the answers that are right); and the part of the
    difference between both nouns that comes back with what it gathers (where both are answered
    right). 0 where there is no such case.
    """
    parts_CNH = np.array([each.parts_NH for each in found])
    most_CNH = parts_CNH == parts_CNH.max((1, 2), keepdims=True)
    none_NH = np.zeros(parts_CNH.shape[1:])
    right = [each.silent_NH < 0 for each in found if each.apart > 0]
    both = [each for each in found if each.apart > 0 > each.without]
    gained = sum(each.apart - each.without for each in both)
    back_NH = sum((each.patched_NH - each.without for each in both), none_NH)
    return {
        "looks, at the word": np.mean([each.at_word_NH for each in found], axis=0),
        "looks, where it is guessed": np.mean([each.at_guess_NH for each in found], axis=0),
        "gives most": most_CNH.mean(0),
        "turns it by silence": np.mean(right or [none_NH], axis=0),
        "brings it back": back_NH / (gained or 1),
    }


def at_noun(found: list[Found]) -> dict[str, float]:
    """By colouring, in what share of cases the noun that decides stands first."""
    return {
        name: float(np.mean([each.first[name] in each.pair.case.nouns for each in found]))
        for name in found[0].first
    }


def with_adjectives(made: Sample) -> Sample:
    """The sentence with one more relation: from a noun back to each of its adjectives."""
    adjectives = [i for i, name in enumerate(made.relations) if name == "adjective"]
    more = tuple((TO_ADJECTIVE, made.heads[i], i) for i in adjectives)
    return replace(made, links=(*made.links, *more))


# --- the tables -----------------------------------------------------------------------------------


def line(*cells) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def head_table(found: dict[str, list[Found]]) -> Iterator[str]:
    """Which head it is, by method."""
    methods = list(shares(next(iter(found.values()))))
    yield line("decided", "of", "right", "with the other noun", *methods)
    yield "|---" * (len(methods) + 4) + "|"
    for group, those in found.items():
        right, turned = (
            f"{np.mean(answers):.0%}"
            for answers in (
                [each.apart > 0 for each in those],
                [each.without < 0 for each in those],
            )
        )
        yield line(group, len(those), right, turned, *map(best, shares(those).values()))


def colour_table(found: dict[str, list[Found]]) -> Iterator[str]:
    """How often the noun stands first, by colouring."""
    yield line("the noun stands first in", *found)
    yield "|---" * (len(found) + 1) + "|"
    by_group = {group: at_noun(those) for group, those in found.items()}
    for name in next(iter(by_group.values())):
        yield line(name, *(f"{rates[name]:.0%}" for rates in by_group.values()))


def link_table(links: dict[str, dict]) -> Iterator[str]:
    """The head that links the words of each gold relation best by where it looks."""
    yield line("from a word to", "of", "best head", "by distance alone")
    yield "|---|---|---|---|"
    for name, one in links.items():
        yield line(name, one["count"], best(np.array(one["hits"])), f"{one['by distance']:.0%}")


def over_time(all_found: dict[str, dict[str, list[Found]]]) -> Iterator[str]:
    """The best head of each group and method, in a column for each model."""
    yield line("decided", "method", *(Path(name).name for name in all_found))
    yield "|---" * (len(all_found) + 2) + "|"
    groups = next(iter(all_found.values()))
    for group in groups:
        by_model = [shares(found[group]) for found in all_found.values()]
        for method in by_model[0]:
            yield line(group, method, *(best(each[method]) for each in by_model))


def main() -> None:
    """Prints the tables of each model; of several also how they compare."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("models", nargs="*", default=["study-decoder"])
    asked.add_argument("--each", type=int, default=EACH)
    asked.add_argument("--links", type=int, default=LINKS)
    asked.add_argument("--steps", type=int, default=STEPS)
    asked = asked.parse_args()
    drawn = draw(asked.each)
    samples = [with_adjectives(made) for made in corpus.samples("test", asked.links)]
    all_found = {}
    for name in asked.models:
        model = load(name, fetch=False)
        found = {
            group: [ask(model, pair, asked.steps) for pair in pairs]
            for group, pairs in drawn.items()
        }
        links = evaluate.links(model, samples, RELATIONS)
        print(f"\n{Path(name).name}", *head_table(found), sep="\n")
        print("", *colour_table(found), "", *link_table(links), sep="\n", flush=True)
        all_found[name] = found
    if len(all_found) > 1:
        print("", *over_time(all_found), sep="\n")


if __name__ == "__main__":
    main()
