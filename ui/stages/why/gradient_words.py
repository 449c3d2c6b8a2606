"""What colours by gradients say of this sentence, in words: whether they can be trusted, whether
integrated gradients add up, and what each measure can tell.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import counted, number
from ui.kit.theme import coloured
from ui.stages.why.asked import Asked
from ui.stages.why.beside import Work
from ui.stages.why.measures import FEWEST, Measure, Measures, Way, adds_up
from ui.text import bold

TRUSTED = 0.7  # a rank correlation: so far two orders have to agree


def rule(asked: Asked) -> str:
    """When the colours of a gradient can be trusted, and what that allows to say."""
    return (
        "**When can I trust a gradient’s colours?** If its strongest token is the one without which"
        f" {asked.versus()} changes most, and if it puts the tokens in nearly the same order as"
        f" these measured changes (agreement {TRUSTED} or more: 1 is the same order, −1 the"
        " reverse). Even then they say which tokens count, not how the model uses them."
    )


def story(asked: Asked, found: Measures, work: Work) -> str:
    """Whether the colours of this sentence can be trusted, and which token is strongest in each."""
    first = found.first(found.measured)
    if first is None:
        return "With the stand-in in its place, no token changes anything here."
    lost = float(found.column(found.measured)[found.places.index(first)])
    return (
        f"{verdict(found, work)} Without {name_of(asked, first)}, {asked.versus()}"
        f" {'falls' if lost > 0 else 'rises'} most, by **{number(abs(lost), 3)}**. Strongest"
        f" colour: {strongest(asked, found, work)}.{orders(found, work)}"
    )


def verdict(found: Measures, work: Work) -> str:
    """The answer for this sentence."""
    right = trusted(found, work)
    if len(right) == 2:
        return "**For this sentence, yes.**"
    if right:
        return f"**For this sentence, only {right[0].name}.**"
    return "**Not for this sentence.**"


def trusted(found: Measures, work: Work) -> list[Measure]:
    """Of both gradients those that name the same token first as the runs without it and have nearly
    their order; of integrated gradients, if their sum comes out.
    """
    first, both = found.first(found.measured), (found.input, found.integrated)
    same = [m for m in both if m in coloured_in(found, work) and found.first(m) == first]
    return [m for m in same if not found.order(m) < TRUSTED]


def coloured_in(found: Measures, work: Work) -> list[Measure]:
    """All measures but integrated gradients whose sum does not come out."""
    return [m for m in found.all() if m is not found.integrated or adds_up(work)]


def strongest(asked: Asked, found: Measures, work: Work) -> str:
    """Which token has the strongest colour in which of the other columns."""
    by_place: dict[tuple[str, int], list[str]] = {}
    for measure in coloured_in(found, work):
        if measure is not found.measured and (place := found.first(measure)):
            by_place.setdefault(place, []).append(measure.name)
    if len(by_place) == 1:
        return f"{name_of(asked, *by_place)} in all other columns"
    return "; ".join(f"{name_of(asked, p)} in {listed(names)}" for p, names in by_place.items())


def listed(words: list[str]) -> str:
    """Words with commas, and “and” before the last."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def orders(found: Measures, work: Work) -> str:
    """How far the order of both gradients agrees with the measured one."""
    if len(found.places) < FEWEST:
        tokens = counted(len(found.places), "token")
        return f" With only {tokens} an order says little: only the strongest one is compared."
    both = [written(found.order(m), 2) for m in (found.input, found.integrated)]
    if not all(both):
        return ""
    of_input = f" Agreement in order: gradient × input {both[0]}"
    if not adds_up(work):
        return f"{of_input}. Integrated gradients do not add up."
    return f"{of_input}, integrated gradients {both[1]}."


def name_of(asked: Asked, place: tuple[str, int]) -> str:
    """A token in bold; which side it is of, where both have it."""
    side, token = place
    name = asked.view.names_of(side)[token]
    both = sum(name in asked.view.names_of(each) for each in asked.view.config.sides) > 1
    return f"{bold(name)} of the {side}" if both else bold(name)


def completeness(asked: Asked, work: Work, way: Way) -> str:
    """What integrated gradients add up to, what they should add up to, and the error."""
    integrated = work.found["integrated"]
    gained, here = float(integrated.gained), outcome(asked)
    close = "close enough to read them" if adds_up(work) else "too far off to read them"
    return (
        f"**Do integrated gradients add up?** All tokens together: {number(integrated.total, 4)}."
        f" From the blank text ({number(here - gained, 4)}) to this one ({number(here, 4)}),"
        f" {asked.versus()} gained {number(gained, 4)}. After {counted(way.steps, 'step')} the"
        f" error is **{number(integrated.error, 3)}**, {close}. With ever more steps it would"
        " vanish."
    )


def outcome(asked: Asked) -> float:
    """The logit asked about, or how far it is above the rival’s."""
    logits = [asked.view.trace["head.logits"][asked.row, i] for i in asked.words if i is not None]
    return float(logits[0]) - sum(map(float, logits[1:]))


def what_each_tells(asked: Asked, found: Measures, steps: int) -> str:
    """What each measure can tell, and what not."""
    held = "what networks write" if asked.view.config.gated else "the gates of neurons"
    together = written(found.measured.total())
    lines = (
        "- **Gradient × input**: what the outcome would gain if the token’s vector grew a little,"
        " stretched to its whole length. Where the model bends on that way, this misleads. The sum"
        " is nothing that a run shows.",
        f"- **Integrated gradients**: the mean of {steps:,} gradients on the way from the blank"
        " text (the stand-in in every place), times that way. They share out what was gained on"
        " it, up to the error above. Another stand-in gives other colours, and none is neutral.",
        f"- **Attention × gradient**: where one head looks, {asked.head_words}; the others may look"
        " elsewhere.",
        f"- **The exact parts**: a sum of this run, with attention and {held} held as they are. It"
        " says what was carried, not why the model looked there.",
        "- **Measured**: one more run for each token, with the stand-in in its place alone. Another"
        " stand-in changes these numbers, too. Tokens that do one work between them hide each"
        f" other, so the sum, {together}, says nothing.",
        "",
        "Underlined numbers open the gradient that counts most in them.",
    )
    return "\n".join(("**What can each tell, and what not?**", "", *lines))


def formulas() -> None:
    """The measures in letters."""
    for formula in (
        r"\text{gradient × input}_t = \sum_d x_{t,d}\, \nabla x_{t,d}",
        r"\text{integrated}_t = \sum_d (x_{t,d} - x'_{t,d}) \frac{1}{n} \sum_{k=1}^{n} \nabla"
        r" x_{t,d} \Big|_{x' + \frac{k - 1/2}{n} (x - x')}",
        r"\text{attention × gradient}_t = \sum_l a_{l,t}\, \nabla a_{l,t}",
        r"\text{measured}_t = f(x) - f(x_1, \dots, x'_t, \dots, x_L)",
    ):
        st.latex(coloured(formula))
    st.caption(
        "x: the tokens’ own vectors; x′: those of the blank text; f: the number asked about."
    )


def written(value: float | None, digits: int = 3) -> str:
    """A number of the foot; nothing, where it is not known."""
    return "" if value is None or np.isnan(value) else number(value, digits)
