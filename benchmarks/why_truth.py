"""Does the trail of a verb's number end at its subject? On sentences whose grammar is known.

    python benchmarks/why_truth.py                  500 held-out sentences, 100 of each construction
    python benchmarks/why_truth.py --development    other sentences: those the rule was made on

The rule of `why.ends` was fixed on the development sentences, drawn from the validation split.
The held-out ones are drawn from the test split, by another seed, and were measured once.
A sentence counts once, with one verb: the study decoder reads what stands before it, and is asked
why this form and not that of the other number. A subject is its noun or pronoun; of two nouns with
"and", either or the "and". What names it, too, is what the pronoun stands for, the noun named
before, and "who" or "that" where it is the subject of its clause. Beside the rule: the token at
which the strongest ways alone end (`why.trail`), the token read most by the head that gives most,
and the nearest noun. The second table silences the trail's heads, all at once and at every token,
and as many others.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core import load, why  # noqa: E402  (after the path)
from core.edits import together  # noqa: E402
from core.why.silencing import silence, units  # noqa: E402
from training import corpus, evaluate, lexicon, vocabulary  # noqa: E402
from training.cases import Case, verbs  # noqa: E402
from training.grammar import Sample, sample  # noqa: E402
from training.lexicon import Name, Noun  # noqa: E402
from training.random_choices import Dice  # noqa: E402

SPLITS = {"development": "validation", "held out": "test"}
COUNT, EACH = 500, 100
THRESHOLD = 0.1  # of the trail that the page draws
CONSTRUCTIONS = (
    "beside its subject",
    "after a preposition",
    "after a preposition, a noun of the other number between",
    "after a clause",
    "after a clause, a noun of the other number between",
    "after two nouns with “and”",
)
PRONOUNS = ("he", "she", "it", "they")


def construction(case: Case) -> str:
    """What stands between a verb and its subject."""
    if case.site.how == "and":
        return CONSTRUCTIONS[5]
    far = {"directly": 0, "preposition": 1}.get(case.site.how, 3)
    return CONSTRUCTIONS[far + (far > 0 and case.site.distracted)]


@dataclass(frozen=True)
class Answer:
    """What was found for a case: by rule, the word at which it ends (−1: no word); the heads of the
    trail; and how far the right form is above the wrong one, by what is silent.
    """

    case: Case
    ends: dict[str, int]
    heads: int
    apart: dict[str, float]


# --- the sentences --------------------------------------------------------------------------------


def samples(part: str) -> Iterator[Sample]:
    """Sentences of the part's split, by a seed of its own."""
    for place in count():
        made = sample(Dice(f"why {part} {place}"))
        if corpus.split_of(made) == SPLITS[part] and len(made.english) <= corpus.LONGEST:
            yield made


def draw(part: str, number: int, each: int) -> tuple[list[Case], dict[str, list[Case]]]:
    """So many sentences as the grammar makes them, with one verb of each; and for each construction
    the first sentences that have one.
    """
    plain: list[Case] = []
    sorted_out: dict[str, list[Case]] = {name: [] for name in CONSTRUCTIONS}
    dice = random.Random(part)
    for made in samples(part):
        cases = verbs(made)
        if cases and len(plain) < number:
            plain.append(dice.choice(cases))
        for name, case in {construction(case): case for case in cases}.items():
            if len(sorted_out[name]) < each:
                sorted_out[name].append(case)
        if len(plain) == number and all(len(found) == each for found in sorted_out.values()):
            return plain, sorted_out
    raise AssertionError("The grammar never ends.")


# --- the answers ----------------------------------------------------------------------------------


def answer(model, case: Case, dice: random.Random) -> Answer:
    """Asks the model about a case, with all rules."""
    read, known = evaluate.cut(case.made.english), vocabulary.tokens("english")
    before = read.first[case.site.place]
    words_L = [None if word < 0 else int(word) for word in read.word_of_L[:before]]
    run = {"ids_L": read.ids[:before], "words_L": words_L}
    ids = known[case.right], known[case.site.wrong[0]]
    trace = model.trace(**run, rows=-1)
    trail = why.trail(trace, *ids, threshold=THRESHOLD)
    heads = {node.name for node in trail.nodes if ".head." in node.name}
    ends = {
        "every way": first_word(words_L, why.ends(trace, *ids)),
        "strongest ways": first_word(words_L, trail),
        "strongest head": read_by_strongest(trace, ids, words_L),
        "nearest noun": nearest_noun(case),
    }
    return Answer(case, ends, len(heads), apart(model, run, ids, heads, dice))


def first_word(words_L: list[int | None], found) -> int:
    """The word that gets most, its pieces added up; −1 for a special token, or none."""
    given: Counter = Counter()
    places = found.tokens() if isinstance(found, why.Trail) else found.largest()
    for _, token, part in places:
        word = words_L[token]
        given[-1 if word is None else word] += found.share(part)
    return max(given, key=given.__getitem__, default=-1)


def read_by_strongest(trace, ids, words_L) -> int:
    """The word that the head which gives most read most."""
    heads = [name for name, _ in why.parts(trace, *ids).largest() if ".head." in name]
    word = words_L[why.read_most(trace, heads[0], len(words_L) - 1)[1]]
    return -1 if word is None else word


@cache
def nouns() -> frozenset[str]:
    """All that can be a subject in the vocabulary."""
    named = [name.name for name in lexicon.table(Name)]
    forms = [form for noun in lexicon.table(Noun) for form in (noun.en, noun.en_plural)]
    return frozenset([*named, *forms, *PRONOUNS])


def nearest_noun(case: Case) -> int:
    """The noun, name or pronoun that stands nearest before the verb; an invented word is one."""
    known = vocabulary.tokens("english")
    for place in reversed(range(case.site.place)):
        word = case.made.english[place]
        if word in nouns() or word not in known:
            return place
    return -1


def apart(model, run: dict, ids, heads: set[str], dice: random.Random) -> dict[str, float]:
    """How far the right form is above the wrong one: as it is, without the trail's heads, and
    without as many others.
    """
    every = {f"{unit.step.removesuffix('.z')}.head.{unit.head}": unit for unit in head_units(model)}
    others = [name for name in every if name not in heads]
    others = dice.sample(others, min(len(heads), len(others)))
    silent = {
        "nothing": {},
        "zero": together(*(silence(every[name]) for name in heads)),
        "mean": together(*(silence(every[name], "mean") for name in heads)),
        "others": together(*(silence(every[name]) for name in others)),
    }
    found = {}
    for name, edits in silent.items():
        logits_V = model.trace(**run, rows=-1, keep="output", edits=edits)["head.logits"][0]
        found[name] = float(logits_V[ids[0]] - logits_V[ids[1]])
    return found


def head_units(model) -> list:
    """All heads of the model."""
    return [unit for unit in units(model.config) if unit.head is not None]


# --- the tables -----------------------------------------------------------------------------------

NAMED = "every way, or a word that names it"
RULES = ("every way", "strongest ways", "strongest head", "nearest noun")
SILENT = ("zero", "mean", "others")


def share(of: Iterable[bool]) -> str:
    """How often, in percent."""
    found = list(of)
    return f"{sum(found) / len(found):.1%}" if found else "–"


def right(answers: list[Answer], rule: str) -> list[bool]:
    """For each case, whether a rule ends at the subject."""
    if rule == NAMED:
        return [each.ends["every way"] in each.case.named for each in answers]
    return [each.ends[rule] in each.case.nouns for each in answers]


def turned(answers: list[Answer], silent: str) -> list[bool]:
    """For each verb that is right as it is, whether it turns."""
    kept = [each for each in answers if each.apart["nothing"] > 0]
    return [each.apart[silent] < 0 for each in kept]


def table(title: str, columns: tuple[str, ...], groups: dict, of: Callable) -> Iterator[str]:
    """The lines of a table: a line for each group of answers."""
    yield f"\n| {' | '.join((title, 'of', *columns))} |\n|{'---|' * (len(columns) + 2)}"
    for name, answers in groups.items():
        cells = (name, str(len(answers)), *(share(of(answers, column)) for column in columns))
        yield f"| {' | '.join(cells)} |"


def by_number(answers: list[Answer]) -> dict[str, list[Answer]]:
    """All of them, and those of each number."""
    found = {"as the grammar makes them": answers}
    for number in ("singular", "plural"):
        found[f"{number} among them"] = [a for a in answers if a.case.number == number]
    return found


def miss(each: Answer) -> str:
    """Where a trail with every way counted ends, when at no word that names the subject."""
    place, case = each.ends["every way"], each.case
    if place == case.noun + 1:
        return "the word right after the subject"
    if case.made.heads[place] == case.noun and place < case.noun:
        return "the subject’s article or adjective"
    if case.made.english[place] in (".", ",", "and", "but", "because", "when"):
        return "a mark or conjunction before it"
    clause = case.made.heads[case.word]
    return "the noun that its clause is about" if place == clause else "elsewhere"


def misses(groups: dict[str, list[Answer]]) -> Iterator[str]:
    """What the misses have in common, by number."""
    for name, answers in groups.items():
        found = Counter(miss(a) for a in answers if a.ends["every way"] not in a.case.named)
        yield f"misses, {name}: {dict(found.most_common())}"


def main() -> None:
    """Prints both tables, and what the misses have in common."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--development", action="store_true")
    asked.add_argument("--count", type=int, default=COUNT)
    asked.add_argument("--each", type=int, default=EACH)
    asked = asked.parse_args()
    part, model = "development" if asked.development else "held out", load("study-decoder")
    plain, sorted_out = draw(part, asked.count, asked.each)
    dice = random.Random(f"silence, {part}")
    groups = by_number([answer(model, case, dice) for case in plain])
    for name, cases in sorted_out.items():
        groups[name] = [answer(model, case, dice) for case in cases]
    print(f"{part}: {len(plain)} sentences, and {asked.each} of each construction")
    columns = ("every way", NAMED, *RULES[1:])
    print(*table("ends at the subject", columns, groups, right), sep="\n")
    print(*table("turns without its heads", SILENT, groups, turned), sep="\n")
    heads = [each.heads for each in groups["as the grammar makes them"]]
    print(f"\nheads on a trail: {sum(heads) / len(heads):.1f} of {len(head_units(model))}")
    print(*misses(groups), sep="\n")


if __name__ == "__main__":
    main()
