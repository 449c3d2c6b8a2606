"""How much each token gives to the outcome, by five measures: three by gradients, the exact parts,
and what was measured; and the runs that they are made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core import whatif, why
from core.errors import GlassError
from core.gradients.start import check_run
from core.step_ref import GRAD
from core.vectors import rank_correlation
from core.why.by_gradient import TOKEN
from ui.session.runs import of_outcome, trace_of, why_not
from ui.session.selection import chosen, opened_cell
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.why import beside
from ui.stages.why.asked import Asked, asked_of, can_ask
from ui.stages.why.beside import Job, Results, Work

MOST = beside.FEW * 128  # tokens × steps that a study model takes at once
MEASURED = ("measured", "integrated")
FEWEST = 4  # tokens: of fewer, an order says little
CLOSE = 0.1  # of what was gained, or of the largest token: so near the sum has to come
RUNNING = Job(
    "why-colours",
    lambda work: f"{round(work.done * work.total)} of {work.total} runs",
    lambda work: f"Stopped after {round(work.done * work.total)} of {work.total} runs.",
    "Go on",
    "The runs forward and back failed",
)


# --- what is asked --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """From which blank text integrated gradients come, and in how many steps."""

    blank: str | int  # as core.why.integrated has it
    steps: int


def chosen_way(view: View) -> Way:
    """What the reader chose."""
    blank = chosen("why_blank")
    padding = whatif.own_padding_id(view.model)
    if blank == "pad":
        return Way("mean" if padding is None else padding, chosen("why_steps"))
    return Way(blank, chosen("why_steps"))


def refusal(view: View) -> str:
    """Why there are no gradients of this run, sentences; empty: there are."""
    try:
        check_run(view.trace)
    except GlassError as error:
        if any(map(callable, view.trace.edits.values())):
            return (
                "A gradient needs each number as the model computes it from others. In this what-if"
                " some were put in by hand. Go back to the model as it was trained, and the colours"
                " are there."
            )
        return str(error.args[0])
    return ""


def with_gradients(asked: Asked) -> View:
    """The same run with the gradients of the outcome."""
    return replace(asked.view, request=request_of(asked))


def request_of(asked: Asked):
    """The run with the gradients of the outcome, in plain words."""
    return of_outcome(asked.view.request, asked.position, *asked.words)


def owner(view: View) -> View:
    """The view in which the opened number stands: a gradient is in a run that has some."""
    if not (opened_cell() or "").startswith(GRAD) or not can_ask(view) or refusal(view):
        return view
    return with_gradients(asked_of(view))


# --- the runs -------------------------------------------------------------------------------------


def key_of(asked: Asked, way: Way) -> tuple:
    """What the runs depend on."""
    return "why colours", asked.view.request, asked.position, asked.words, way


def known(asked: Asked, way: Way) -> Work | None:
    """The runs; those of a small model begin by themselves, those of a large one when the reader
    says so: None until then.
    """
    if beside.is_small(asked.view) or SHELF.find(key_of(asked, way)) is not None:
        return settled(asked, way)
    return None


def settled(asked: Asked, way: Way) -> Work:
    """The runs as far as they are; they begin."""
    return beside.wanted(key_of(asked, way), lambda: begun(asked, way))


def at_once(asked: Asked, way: Way) -> bool:
    """Whether they take no time that a reader would mind."""
    return beside.is_small(asked.view) and way.steps * count(asked.view) <= MOST


def count(view: View) -> int:
    """How many tokens there are on all sides."""
    return sum(len(view.tokens(side)) for side in view.config.sides)


def begun(asked: Asked, way: Way) -> Work:
    """All that is needed, or work that has begun."""
    found = Work(total_of(asked, way), holds=asked.view.trace.nbytes)
    (compute if at_once(asked, way) else start)(asked, way, found)
    return found


def total_of(asked: Asked, way: Way) -> int:
    """How many runs there are: one with its gradients, one without each token, one for each step
    of the way."""
    return 1 + count(asked.view) + way.steps


def start(asked: Asked, way: Way, found: Work) -> None:
    """Runs beside the page."""
    beside.start(found, RUNNING, work_of(asked, way))


def compute(asked: Asked, way: Way, found: Work) -> None:
    """Runs now."""
    beside.carry_out(found, RUNNING, work_of(asked, way))


def work_of(asked: Asked, way: Way) -> partial[Results]:
    """What makes all runs, with all that it needs."""
    view = asked.view
    back, total = partial(why_not, request_of(asked)), total_of(asked, way)
    return partial(results, back, view.trace, asked.words, asked.position, way, total)


def results(back, trace, words, position: int, way: Way, total: int) -> Results:
    """What was found, run by run. back: puts the run with its gradients on the shelf, and says why
    there is none."""
    if error := back():
        raise GlassError(error)
    yield "gradients", True, 1 / total
    tokens = total - 1 - way.steps
    for found in why.each_without(None, trace, *words, position, way.blank):
        yield "measured", found, (1 + found.done * tokens) / total
    for found in why.each_integrated(None, trace, *words, position, way.blank, way.steps):
        yield "integrated", found, (1 + tokens + found.done * way.steps) / total


# --- the measures ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Measure:
    """What each token of each side gives, (L,), by one measure; a side that it knows nothing of is
    not there."""

    name: str  # as in a sentence: “integrated gradients”
    by_token: Mapping[str, np.ndarray]
    more: str = ""  # said in its title

    @property
    def title(self) -> str:
        """What stands over its column."""
        return ", ".join(filter(None, (self.name, self.more)))

    def total(self) -> float:
        """All tokens together; NaN where it is not known yet."""
        numbers = np.concatenate([np.zeros(0), *self.by_token.values()])
        return float(numbers.sum()) if len(numbers) else np.nan


@dataclass(frozen=True, eq=False)
class Measures:
    """All measures side by side, and for which tokens: those on which anything hangs."""

    input: Measure
    integrated: Measure
    attention: Measure
    exact: Measure
    measured: Measure
    places: tuple[tuple[str, int], ...]  # side and position

    def all(self) -> tuple[Measure, ...]:
        """In the order in which they are shown."""
        return self.input, self.integrated, self.attention, self.exact, self.measured

    def column(self, measure: Measure) -> np.ndarray:
        """The numbers of one, NaN where it says nothing, (N,)."""
        given = measure.by_token
        return np.array([given[s][t] if s in given else np.nan for s, t in self.places])

    def first(self, measure: Measure) -> tuple[str, int] | None:
        """The token with the strongest colour; None where there is none."""
        size_N = np.nan_to_num(np.abs(self.column(measure)))
        return self.places[int(size_N.argmax())] if size_N.any() else None

    def order(self, measure: Measure) -> float:
        """How far its order agrees with the measured one: a rank correlation; NaN where one of them
        is not known yet, and of so few tokens that it would say little.
        """
        one_N, other_N = self.column(measure), self.column(self.measured)
        there = np.isfinite(one_N)
        if there.sum() < FEWEST:
            return np.nan
        return rank_correlation(one_N[there], other_N[there])


def measures_of(asked: Asked, work: Work) -> Measures:
    """All five, those not known yet without numbers."""
    trace = trace_of(request_of(asked))
    gradients = {step: trace[step] for step in gradients_in(trace)}
    by_input = why.times_gradient(
        trace, {step.removeprefix(GRAD): g for step, g in gradients.items()}
    )
    looks_M = looks_of(asked, trace).sum(axis=0)
    return Measures(
        Measure("gradient × input", by_input.by_token),
        Measure("integrated gradients", given_by(work, "integrated", whole=True), off(work)),
        Measure("attention × gradient", {asked.seen_side: looks_M}, asked.head_words),
        Measure("the exact parts", why.ends(trace, *asked.words, asked.row).parts),
        Measure("measured", given_by(work, "measured"), "with the stand-in in its place"),
        tuple((step.split(".")[1], t) for step, g in gradients.items() for t in places_in(g)),
    )


def off(work: Work) -> str:
    """What is said of integrated gradients whose sum does not come out."""
    return "" if adds_up(work) or not all_known(work) else "which do not add up"


def gradients_in(trace) -> list[str]:
    """The gradients of the tokens' vectors, by name."""
    return [f"{GRAD}{side}.{TOKEN}" for side in trace.config.sides]


def places_in(gradient_LD) -> list[int]:
    """The tokens on which anything hangs: no others have a gradient."""
    return np.flatnonzero(gradient_LD.any(axis=-1)).tolist()


def given_by(work: Work, name: str, whole: bool = False) -> Mapping[str, np.ndarray]:
    """What the runs gave to each token so far; whole: nothing before they all have."""
    found = work.found.get(name)
    return {} if found is None or whole and found.done < 1 else found.by_token


def looks_of(asked: Asked, trace) -> np.ndarray:
    """The chosen head's attention weights times their gradients, (L, M)."""
    return why.looks_by_gradient(trace.gradients, asked.path)[asked.view.head]


def all_known(work: Work) -> bool:
    """Whether all that is run is known."""
    return all(name in work.found and work.found[name].done == 1 for name in MEASURED)


def adds_up(work: Work) -> bool:
    """Whether integrated gradients are known, and the sum of all tokens is close to what was
    gained.
    """
    if not all_known(work):
        return False
    found = work.found["integrated"]
    largest = max(float(np.abs(each_L).max()) for each_L in found.by_token.values())
    return abs(found.error) <= CLOSE * max(abs(found.gained), largest)
