"""Does the model notice a repetition? Random tokens come twice: the surprise at each of them, the
heads that find what followed last time, and the surprise without these heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic

import numpy as np
import streamlit as st

from core import whatif
from core.errors import GlassError
from core.text import moves, number, percent
from core.why import induction
from core.why.induction import Head, Repeated, Without
from ui.kit.charts import clickable_bars
from ui.kit.components import table
from ui.kit.terms import with_terms
from ui.session.actions import select_head
from ui.session.memory import memory
from ui.session.rationing import at_its_turn
from ui.session.runs import RunRequest, trace_of
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.laboratory.patching import PAUSE, SLICE, is_small, stopped
from ui.stages.laboratory.runs import Runs, open_of
from ui.text import plain

ROLES = ("previous token", "induction")
EACH = 4  # heads of each role
IS_ONE = 0.3  # of its attention a head gives to the target of its role, if it has it
FALLS = 0.75  # of the surprise at the first copy: below, the repetition was noticed


@dataclass(eq=False)
class Silenced:
    """The surprise without heads, group by group, as far as it is computed."""

    groups: list[tuple[Head, ...]]
    found: list[Without]

    @property
    def nbytes(self) -> int:
        """The bytes of the surprises."""
        return sum(each.loss_N.nbytes for each in self.found)

    @property
    def left(self) -> list[tuple[Head, ...]]:
        """The groups that are not silenced yet."""
        return self.groups[len(self.found) :]


def draw(both: Runs) -> None:
    """The card."""
    view = both.before
    try:
        repeated = repeated_in(view.request)
    except GlassError as error:
        st.info(plain(error))
        return
    loss_N = induction.losses(repeated.trace)
    st.markdown(with_terms(sentence(repeated, loss_N)))
    loss_bars(view, repeated, loss_N)
    silenced = silenced_in(view.request)
    if is_small(view):
        work(view.request, silenced, None)
    running = bool(silenced.left) and memory().computing == working(view.request)
    st.fragment(heads_shown, run_every=PAUSE if running else None)(view)


# --- computing ------------------------------------------------------------------------------------


def repeated_in(request: RunRequest) -> Repeated:
    """The run on random tokens that come twice. Raises GlassError for a model that does not guess
    the next word.
    """
    config = trace_of(request).config
    if config.crosses or not (config.decoder_layers and config.head):
        raise GlassError("Only a decoder that guesses the next word can be tried on a repetition.")
    trace = trace_of(twice(request))
    start, after = whatif.specials_around(trace.words_L or ())
    start, after = (start, after) if trace.words_L else (0, 0)
    return Repeated(trace, start, (trace.sizes("decoder")["L"] - start - after) // 2)


def twice(request: RunRequest) -> RunRequest:
    """The run on random tokens."""
    return request._replace(change="repeat", mask="trained")


def strongest(repeated: Repeated, role: str) -> list[Head]:
    """The heads that have a role most."""
    return induction.strongest(induction.scores(repeated.trace, role), EACH)


def groups_of(repeated: Repeated) -> list[tuple[Head, ...]]:
    """What is silenced: each of the strongest heads alone, and all of a role together."""
    by_role = [strongest(repeated, role) for role in ROLES]
    alone = [(head,) for heads in by_role for head in heads]
    return [*dict.fromkeys(alone), *map(tuple, by_role)]


def silenced_in(request: RunRequest) -> Silenced:
    """What is computed so far; all visitors share it."""

    def begin() -> Silenced:
        return Silenced(groups_of(repeated_in(request)), [])

    return SHELF.get(("without heads", request), begin)


def work(request: RunRequest, silenced: Silenced, seconds: float | None) -> None:
    """Silences groups for so long; None: all of them."""
    until = monotonic() + (seconds or 0)
    trace = repeated_in(request).trace
    for group in silenced.left:
        silenced.found.append(induction.without(trace, group))
        if seconds is not None and monotonic() > until:
            return


def working(request: RunRequest) -> tuple:
    """What is remembered while it is computed."""
    return "repetition", request


# --- what it says ---------------------------------------------------------------------------------


def sentence(repeated: Repeated, loss_N: np.ndarray) -> str:
    """Whether the surprise falls at the second copy."""
    first, second = repeated.copies(loss_N)
    opened = (
        f"{repeated.length} random tokens, then the same again. The surprise at each token (the"
        f" loss, in nats) is **{number(first, 3)}** on average in the first copy and"
        f" **{number(second, 3)}** in the second"
    )
    if second < FALLS * first:
        return f"{opened}: the model continues what it has seen once."
    return f"{opened}: this model does not notice that it has seen them."


def heads_words(repeated: Repeated, silenced: Silenced) -> str:
    """Which head is the strongest of the induction heads, if there is one, and what becomes of the
    second copy without those.
    """
    scores_NH = induction.scores(repeated.trace, "induction")
    layer, head = induction.strongest(scores_NH, 1)[0]
    share = percent(scores_NH[layer, head])
    if scores_NH[layer, head] < IS_ONE:
        return (
            f"It has no induction head: even head {head} of layer {layer} gives only {share} of its"
            " attention to what followed last time."
        )
    return (
        f"Its strongest induction head, head {head} of layer {layer}, gives {share} of its"
        f" attention to what followed last time. {without_words(repeated, silenced)}"
    )


def without_words(repeated: Repeated, silenced: Silenced) -> str:
    """How large the surprise is without the strongest induction heads together."""
    if silenced.left:
        return "Does the surprise come back without such heads?"
    with_all = repeated.copies(induction.losses(repeated.trace))[1]
    without = repeated.copies(silenced.found[-1].loss_N)[1]
    return (
        f"Without the {EACH} strongest together, the surprise in the second copy"
        f" {moves(number(with_all, 3), number(without, 3))}."
    )


# --- figures --------------------------------------------------------------------------------------


def loss_bars(view: View, repeated: Repeated, loss_N: np.ndarray) -> None:
    """The surprise at each position; a click opens the probability that the token had."""
    ids_L = repeated.trace["decoder.embed.ids"]

    def opened(place: int) -> None:
        if 0 < place < len(ids_L):
            open_of(3, "head.probs", (place - 1, int(ids_L[place])))

    clickable_bars(
        "lab:loss",
        np.concatenate([[np.nan], loss_N]),
        [str(place) for place in range(len(ids_L))],
        on_bar=opened,
        title="Surprise at each token",
        value_title="nats",
        places_title=f"position; the second copy begins at {repeated.start + repeated.length}",
    )


def heads_shown(view: View) -> None:
    """The heads of both roles, and the surprise without them, which comes in row by row."""
    silenced, repeated = silenced_in(view.request), repeated_in(view.request)
    if silenced.left and memory().computing == working(view.request):
        wrong = at_its_turn(partial(work, view.request, silenced, SLICE))
        if wrong:
            stopped(wrong)
        elif not silenced.left:
            memory().computing = None
            st.rerun()
    st.markdown(with_terms(heads_words(repeated, silenced)))
    if silenced.left:
        progress(view, silenced)
    heads_table(view, repeated, silenced)


def progress(view: View, silenced: Silenced) -> None:
    """How much is done, and a button that goes on or stops."""
    running, count = memory().computing == working(view.request), len(silenced.groups)
    if done := len(silenced.found):
        st.progress(done / count, text=f"{done} of {count} runs")
    label = "Stop" if running else "Go on" if done else f"Silence these heads: {count} runs"
    st.button(
        label,
        key="lab_silencing",
        on_click=compute,
        args=(None if running else working(view.request),),
    )


def compute(what: tuple | None) -> None:
    """Begins to compute, or stops."""
    memory().computing = what


def heads_table(view: View, repeated: Repeated, silenced: Silenced) -> None:
    """A row for each group: its share of attention and the surprise at the second copy without it;
    a click looks at the head.
    """
    scores = {role: induction.scores(repeated.trace, role) for role in ROLES}
    by_role = {role: strongest(repeated, role) for role in ROLES}
    with_all = repeated.copies(induction.losses(repeated.trace))[1]
    seconds = [repeated.copies(each.loss_N)[1] for each in silenced.found]
    seconds += [None] * len(silenced.left)
    labels, shares = [], []
    for group in silenced.groups:
        role = next(role for role in ROLES if group[0] in by_role[role])
        alone = len(group) == 1
        labels.append(head_words(role, group[0]) if alone else f"{role}: all {len(group)} together")
        shares.append(float(scores[role][group[0]]) if alone else None)

    def looked_at(row: int, _: int) -> None:
        select_head(*silenced.groups[row][0])

    table(
        {"attention to its target": shares, "surprise, second copy": seconds},
        labels,
        key="lab:heads",
        on_cell=looked_at,
        title=f"The second copy without heads; with all of them: {number(with_all, 3)}",
        corner="silent",
    )


def head_words(role: str, head: Head) -> str:
    """A head and its role."""
    return f"{role}: head {head[1]} of layer {head[0]}"
