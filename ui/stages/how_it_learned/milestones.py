"""When a model learned what, in words and as curves, by what was measured at the kept steps of its
training.
"""

from __future__ import annotations

import numpy as np

from core.models.over_time import Measures
from core.text import counted, number, percent
from ui.kit.theme import COLOURS, head_colour
from ui.text import bold

LEARNED = 0.95  # of the cases of agreement: from there on it is said to be learned
SEEN, GAINED = 0.25, 0.1  # what a head that plays a role scores, and how much of it is learned
MUCH = 0.2  # a head decides if without it so many of the cases more are wrong
SHORT = {  # roles as a curve names them
    "previous token": "previous token",
    "induction": "induction",
    "verb to its subject, past a relative clause": "verb → subject",
}
DOES = {  # and what such a head does, in words
    "previous token": "looks at the previous token",
    "induction": "looks at what followed the same word before (induction)",
    "verb to its subject, past a relative clause": "links a verb to its subject past a clause",
}


def holds_from(reached_S) -> int | None:
    """The first of the measured steps from which on something holds at each; None: it does not
    hold in the end.
    """
    missed = np.flatnonzero(~np.asarray(reached_S))
    first = int(missed[-1]) + 1 if len(missed) else 0
    return first if first < len(reached_S) else None


def score_of(known: Measures, role: str) -> np.ndarray:
    """The score, at each step, of the head that has most of a role in the end, (S,)."""
    layer, head = known.best(role)
    return known.roles[role][:, layer, head]


def appears(known: Measures, role: str) -> int | None:
    """The first of the steps from which on the head is halfway from the random start to its last
    score; 0: it scored about as much at the start; None: no head plays the role.
    """
    score_S = score_of(known, role)
    first, last = score_S[0], score_S[-1]
    if last < SEEN:
        return None
    return holds_from(score_S >= (first + last) / 2) if last - first >= GAINED else 0


# --- in words -------------------------------------------------------------------------------------


def words(known: Measures | None, own: str) -> str:
    """When it learned what is likeliest after the reader's words (own), when agreement, when the
    roles of heads appeared, and which head is needed most.
    """
    if known is None:
        return f"{own} Move the slider: the model of each **snapshot** reads your words."
    parts = (own, agreement_words(known), *roles_words(known), decides_words(known))
    return "\n".join(f"- {part}" for part in parts)


def own_words(steps: list[int], likeliest: list[str]) -> str:
    """Since when the word that the trained model holds likeliest is so. likeliest: the word of each
    snapshot, and at the end that of the trained model.
    """
    word, at = bold(likeliest[-1]), holds_from([each == likeliest[-1] for each in likeliest])
    if not at:
        return f"After your words, {word} is likeliest from the random start on."
    since = f"from step {steps[at]:,} on" if at < len(steps) else "in the trained model alone"
    return (
        f"After your words, {word} is likeliest {since}; in the snapshot before, of step"
        f" {steps[at - 1]:,}, it was {bold(likeliest[at - 1])}."
    )


def agreement_words(known: Measures) -> str:
    """When it learned which form of a verb is right."""
    at, count = holds_from(known.agreement_S >= LEARNED), counted(known.count, "case")
    if at is None:
        last = percent(known.agreement_S[-1])
        return f"It has not learned **agreement**: it is right in {last} of {count}."
    step, share = known.steps_S[at], percent(known.agreement_S[at])
    before = (
        f"; after {known.steps_S[at - 1]:,}, in {percent(known.agreement_S[at - 1])}" if at else ""
    )
    return (
        f"**Agreement** (“are”, not “is”) was learned by step {step:,}: there the right form of the"
        f" verb is likelier than the wrong one in {share} of {count}{before}."
    )


def roles_words(known: Measures) -> list[str]:
    """When the roles of heads appeared, the first one first; and what no head does."""
    found = {role: appears(known, role) for role in known.roles}
    there = sorted((at, role) for role, at in found.items() if at is not None)
    said = [f"{role_words(known, role)} {since(known.steps_S[at])}" for at, role in there]
    lacking = [lacking_words(known, role) for role, at in found.items() if at is None]
    return [*([f"**Roles**: a head {listed(said)}."] if said else []), *lacking]


def since(step: int) -> str:
    """From when on."""
    return f"by step {step:,}" if step else "from the random start on"


def role_words(known: Measures, role: str) -> str:
    """What a head does, and which one it is."""
    layer, head = known.best(role)
    return f"{DOES.get(role, role)} (layer {layer}, head {head})"


def lacking_words(known: Measures, role: str) -> str:
    """What no head does."""
    most = number(score_of(known, role)[-1], 2)
    return f"No head {DOES.get(role, role)}: the best scores {most} of 1."


def listed(said: list[str]) -> str:
    """Several clauses in one sentence."""
    return ", one ".join(said[:-1]) + (", and one " if said[1:] else "") + said[-1]


def decides_words(known: Measures) -> str:
    """Which head decides, and how much hangs on it."""
    d = known.decides
    still = "" if decides(known) else "still "
    return (
        f"Across a clause, the right form is likelier in {percent(d.right)} of"
        f" {counted(d.count, 'case')}; without head {d.head} of layer {d.layer}, whose map is drawn"
        f" below, {still}in {percent(d.without)}."
    )


def decides(known: Measures) -> bool:
    """Whether much hangs on the head that is needed most."""
    return known.decides.right - known.decides.without >= MUCH


def head_words(known: Measures) -> str:
    """What the head is whose map is drawn."""
    cases = counted(known.decides.count, "sentence")
    measured = f"Measured on {cases} in which a clause parts subject and verb:"
    if decides(known):
        return f"{measured} this head decides between “are” and “is”."
    return (
        f"{measured} in most of them no head alone decides between “are” and “is”; this one counts"
        " most."
    )


def how_measured(known: Measures) -> str:
    """What the curves are."""
    return (
        "Measured on sentences that it was not trained on. A head’s score is its mean attention"
        " weight on the previous token; on what followed the same word, in random words that come"
        " twice; or how often a verb’s largest weight on another word is on its subject. A"
        " role counts as there from the step at which its score has come halfway from the random"
        " start to the end, and stays there. The dashed line is the loss of someone who knows the"
        " grammar. It is estimated too high, since of the ways in which the grammar can make a"
        " sentence it counts one: the model may come below it."
    )


# --- as curves ------------------------------------------------------------------------------------


def curves(known: Measures, word: str, steps: list, share_P: list[float]) -> dict:
    """The curves as they travel to the browser. share_P: what a word has after the reader's text,
    at these steps.
    """
    own = {"name": f"“{word}” after your words", "values": share_P, "steps": steps}
    roles = [
        {
            "name": SHORT.get(role, role),
            "values": score_of(known, role).tolist(),
            "colour": head_colour(n),
        }
        for n, role in enumerate(known.roles)
    ]
    agreement = known.agreement_S.tolist()
    return {
        "steps": list(known.steps_S),
        "loss": known.loss_S.tolist(),
        "truth": known.truth,
        "lossColour": COLOURS["residual"],
        "lines": [
            own | {"colour": COLOURS["head"]},
            {"name": "agreement", "values": agreement, "colour": COLOURS["other"]},
            *roles,
        ],
    }
