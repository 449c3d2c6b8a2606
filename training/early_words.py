"""How often an early word decides a later one rightly, in an LSTM and with attention, and three
sentences in which the LSTM loses it.

    python -m training.early_words                writes assets/before_attention.json
    python -m training.early_words --count 500    prints what it would write

Over held-out sentences of the corpus' test split: every pronoun that a noun before it decides, and
every verb before which a noun of the other number stands nearer than its subject; by how many words
stand between. A form is right if it is likelier than every form that would be wrong there.

Which sentences are chosen: those of at most LONGEST words, marks among them, that are all everyday
words (among the first EVERYDAY of MiniLM's vocabulary, which begins with the commonest). FAR or
more words stand between. The decoder gives the right form at least LEAST of its kind, and SURE
times as much as every wrong one; the LSTM gives a wrong one more. There are three kinds: a verb, a
pronoun for one person, a pronoun for a thing or for several. The sentence of each kind is taken in
which the two are farthest apart: by the right form's share of the right and the strongest wrong
form. What is missing to three comes from the rest in the same order, each with another right form.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core import load, lstm
from core.early_words import ATTENTION, KINDS, LSTM, Example
from training import corpus, evaluate, lexicon, vocabulary
from training.cases import Case, far_verbs, pronouns
from training.lexicon import Name, Noun

FILE = Path(__file__).parents[1] / "assets/before_attention.json"
COUNT = 10_000  # sentences
LONGEST, FAR, EVERYDAY = 16, 4, 15_000
LEAST, SURE = {"pronoun": 0.5, "verb": 0.05}, 5
CHOSEN = 3
ONE_PERSON = ("he", "she", "him", "her")
FORMS = {"him": "he", "her": "she", "them": "they"}  # of objects: what stands in the lexicon


@dataclass(frozen=True, eq=False)
class Answer:
    """What both models give to the forms of a word: by model, the probability of each form."""

    case: Case
    probabilities: dict[str, dict[str, float]]

    @property
    def kind(self) -> str:
        return "pronoun" if self.case.site.kind == "pronoun" else "verb"

    def is_right(self, model: str) -> bool:
        """Whether the right form is likelier than each wrong one."""
        given = self.probabilities[model]
        return all(given[self.case.right] > given[form] for form in self.case.site.wrong)

    def strongest_wrong(self, model: str) -> str:
        """The wrong form that a model gives most."""
        return max(self.case.site.wrong, key=self.probabilities[model].__getitem__)

    def share(self, model: str) -> float:
        """The right form's share of the right and the strongest wrong one."""
        given = self.probabilities[model]
        right, wrong = given[self.case.right], given[self.strongest_wrong(model)]
        return right / (right + wrong)


# --- measuring ------------------------------------------------------------------------------------


def answers(models: dict, samples: Iterable) -> Iterator[Answer]:
    """What both models say to every case of the sentences."""
    for made in samples:
        if cases := [*pronouns(made), *far_verbs(made)]:
            probs = {name: read(model, cases) for name, model in models.items()}
            for n, case in enumerate(cases):
                yield Answer(case, {name: probs[name][n] for name in models})


def read(model, cases: list[Case]) -> list[dict[str, float]]:
    """The probability of each form of each case of one sentence, which is read as far as needed."""
    made = cases[0].made
    cut, known = evaluate.cut(made.english), vocabulary.tokens("english")
    rows = [cut.first[case.site.place] - 1 for case in cases]
    probs_LV = model.trace(ids_L=cut.ids[: max(rows) + 1])["head.probs"]
    return [
        {form: float(probs_LV[row, known[form]]) for form in (case.right, *case.site.wrong)}
        for row, case in zip(rows, cases, strict=True)
    ]


def tried(found: list[Answer]) -> dict[str, list[dict]]:
    """How many were right, by kind and by how many words stand between."""
    sorted_out: dict[tuple[str, int], list[Answer]] = defaultdict(list)
    for each in found:
        sorted_out[each.kind, each.case.between].append(each)
    rows: dict[str, list[dict]] = {kind: [] for kind in KINDS}
    for (kind, between), those in sorted(sorted_out.items()):
        right = {name: sum(each.is_right(name) for each in those) for name in (LSTM, ATTENTION)}
        rows[kind].append({"between": between, "count": len(those), "right": right})
    return rows


# --- choosing -------------------------------------------------------------------------------------


def chosen(found: list[Answer], is_everyday: Callable[[str], bool]) -> list[Answer]:
    """Up to three answers by the rule above."""
    able = sorted((a for a in found if may_be_shown(a, is_everyday)), key=apart, reverse=True)
    kinds = {}
    for each in able:
        kinds.setdefault(sort_of(each), each)
    picked = sorted(kinds.values(), key=apart, reverse=True)
    for each in able:
        if each.case.right not in [other.case.right for other in picked]:
            picked.append(each)
    return picked[:CHOSEN]


def apart(answer: Answer) -> float:
    """How far the two models are apart."""
    return answer.share(ATTENTION) - answer.share(LSTM)


def sort_of(answer: Answer) -> str:
    """A verb, a pronoun for one person, or another pronoun."""
    if answer.kind == "verb":
        return "verb"
    return "person" if answer.case.right in ONE_PERSON else "others"


def may_be_shown(answer: Answer, is_everyday: Callable[[str], bool]) -> bool:
    """Whether the sentence is short and plain, and only the LSTM errs, clearly."""
    case, given = answer.case, answer.probabilities[ATTENTION]
    words, right = case.made.english, given[case.right]
    return (
        not answer.is_right(LSTM)
        and right >= LEAST[answer.kind]
        and all(right >= SURE * given[form] for form in case.site.wrong)
        and case.between >= FAR
        and len(words) <= LONGEST
        and case.nouns == {case.noun}
        and all(map(is_everyday, words))
        and other_noun(answer) is not None
    )


def everyday() -> Callable[[str], bool]:
    """Whether a word is among the commonest of MiniLM's vocabulary. GlassError where that model was
    not fetched (python -m core.models fetch minilm).
    """
    tokenizer = load("minilm", fetch=False).tokenizer

    def is_everyday(word: str) -> bool:
        known = tokenizer.id_of(word.removesuffix("n't"))
        return word in names() or known is not None and known < EVERYDAY

    return is_everyday


def other_noun(answer: Answer) -> str | None:
    """What may be put in the place of the noun, so that the form which the LSTM gave is right, or
    another one: a name for a name, he for she; else the noun in its other number. None where a
    noun has none that fits its article.
    """
    case, wrong = answer.case, answer.strongest_wrong(LSTM)
    word, before = case.made.english[case.noun], case.made.english[max(case.noun - 1, 0)]
    wanted = FORMS.get(wrong, wrong)
    options = [other for other in counterparts(word, wanted) if fits(before, word, other)]
    return nearest(word, options) if options else None


@cache
def names() -> dict[str, str]:
    """All names and their kinds: he, she, city."""
    return {name.name: name.kind for name in lexicon.table(Name)}


def counterparts(word: str, wanted: str) -> list[str]:
    """Names for a name and persons for a person, of whom that pronoun is said; else the other
    number.
    """
    if word in names():
        return [name for name, kind in names().items() if kind == wanted != names()[word]]
    for noun in lexicon.table(Noun):
        if word == noun.en and noun.pronoun in ("he", "she") and wanted in ("he", "she"):
            return [each.en for each in lexicon.nouns(noun.kind) if each.pronoun == wanted]
        if word in (noun.en, noun.en_plural) and not noun.mass:
            return [noun.en_plural if word == noun.en else noun.en]
    return []


def fits(before: str, word: str, other: str) -> bool:
    """Whether another word can stand after the same article."""
    return before not in ("a", "an") or (word[0] in "aeiou") == (other[0] in "aeiou")


def nearest(word: str, options: list[str]) -> str:
    """The option whose row of the LSTM's table is nearest to the word's."""
    unit_VD, known = rows_of_words(), vocabulary.tokens("english")
    return max(options, key=lambda other: float(unit_VD[known[other]] @ unit_VD[known[word]]))


@cache
def rows_of_words() -> np.ndarray:
    """The LSTM's table of words, each row at length 1, (V, D)."""
    table_VD = lstm.load(LSTM).weights["lstm.embed.weight"].astype(np.float64)
    return table_VD / np.linalg.norm(table_VD, axis=1, keepdims=True)


# --- writing --------------------------------------------------------------------------------------


def example(answer: Answer) -> Example:
    """A chosen answer as the page shows it."""
    case, wrong = answer.case, answer.strongest_wrong(LSTM)
    word, other = case.made.english[case.noun], str(other_noun(answer))
    capital = case.noun == 0 or word in names()
    given = {
        name: (round(each[case.right], 6), round(each[wrong], 6))
        for name, each in answer.probabilities.items()
    }
    return Example(
        written(case.made.english),
        answer.kind,
        case.noun,
        other.capitalize() if capital else other,
        case.site.place,
        case.right,
        wrong,
        case.between,
        given,
    )


def written(words: tuple[str, ...]) -> str:
    """A sentence as one writes it: names and beginnings with a capital, marks after the word."""
    text, begins = "", True
    for word in words:
        large = begins or word in names() or word == "i"
        text += "" if word in ".,?!" or not text else " "
        text += word.capitalize() if large else word
        begins = word in ".?!"
    return text


def measured(count: int) -> dict:
    """All that the page reads."""
    models = {LSTM: lstm.load(LSTM), ATTENTION: load(ATTENTION)}
    found = list(answers(models, corpus.samples("test", count)))
    examples = [asdict(example(each)) for each in chosen(found, everyday())]
    return {"sentences": count, "tried": tried(found), "examples": examples}


def main() -> None:
    """Measures, and writes the file where all sentences were read."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--count", type=int, default=COUNT)
    count = asked.parse_args().count
    text = json.dumps(measured(count), indent=1, ensure_ascii=False) + "\n"
    if count >= COUNT:
        FILE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
