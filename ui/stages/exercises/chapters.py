"""The thirty questions: six chapters of five, in the order of the pages.

A question may not fit a model or a text: it has one stack, or one word, or two numbers are too near
to each other. Then the lot falls elsewhere; in the end another question of the chapter stands in
its place, or none does, and why is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from core.course import why_not_taught
from ui.session.navigation import ADD_AND_NORM, ATTENTION, HEADS, LAYERS, OUTPUT, TOKENS, Page
from ui.session.view import View
from ui.stages.exercises import attention, heads, layers, norms_and_neurons, output, tokens
from ui.stages.exercises.exercise import Draw, Exercise

Ask = Callable[[Draw], Exercise | None]
Lacks = Callable[[View], str]
DRAWS = 12  # times that the lot may fall anew before another question takes the place


@dataclass(frozen=True)
class Slot:
    """A place for a question: the one that is meant for it, and those that may stand there.

    lacks: what a view lacks for it, as the end of a sentence, empty where it lacks nothing; by: a
    study model that has it.
    """

    asks: tuple[Ask, ...]
    lacks: Lacks
    by: str


@dataclass(frozen=True)
class Chapter:
    """Five questions, and the page on which they begin."""

    title: str
    page: Page
    slots: tuple[Slot, ...]


def slot(*asks: Ask, lacks: Lacks = lambda view: "", by: str = "study-decoder") -> Slot:
    """A slot with its questions, the first of which is meant for it."""
    return Slot(asks, lacks, by)


def words(view: View) -> str:
    """That a model has no words to say."""
    return "" if view.config.head else "it has no output over words"


def added_positions(view: View) -> str:
    """That no vector is added for the position."""
    added = view.config.positions in ("learned", "sinusoid")
    return "" if added else "it adds no vector for the position"


def division(view: View) -> str:
    """That scores are not divided by √K."""
    return "" if view.config.divides_by_root else "its scores are not divided by √K"


def several_heads(view: View) -> str:
    """That there is one head."""
    return "" if view.config.n_heads > 1 else "its layers have one head each"


def across(view: View) -> str:
    """That there is no cross-attention."""
    return "" if view.config.crosses else "it has one stack, and so no cross-attention"


def learning(view: View) -> str:
    """That a model can't be taught here, or is looked at in another state."""
    if why_not_taught(view.model):
        return "only a small decoder can be taught here"
    return (
        "the page How it learned begins from the model as it was trained"
        if view.request.change
        else ""
    )


CHAPTERS = (
    Chapter(
        "Tokens and positions",
        TOKENS,
        (
            slot(tokens.tokens_read),
            slot(tokens.cosine_of_two),
            slot(tokens.alike, tokens.nearest_word),
            slot(tokens.wave, tokens.position_length, tokens.turned, tokens.same_row),
            slot(tokens.sum_of_two, tokens.rotary_angle, lacks=added_positions),
        ),
    ),
    Chapter(
        "Attention",
        ATTENTION,
        (
            slot(attention.score_term),
            slot(attention.scaled, lacks=division),
            slot(attention.other_weight),
            slot(attention.last_weight),
            slot(attention.gives_most, attention.looks_most),
        ),
    ),
    Chapter(
        "Heads and masks",
        HEADS,
        (
            slot(attention.looks_most),
            slot(heads.which_head, heads.widest, lacks=several_heads),
            slot(heads.hidden, heads.how_many_seen),
            slot(heads.reached),
            slot(heads.silent, heads.widest, lacks=words),
        ),
    ),
    Chapter(
        "Add, norm and neurons",
        ADD_AND_NORM,
        (
            slot(norms_and_neurons.residual),
            slot(norms_and_neurons.longer_update, norms_and_neurons.reads_alone),
            slot(norms_and_neurons.standardised, norms_and_neurons.reads_alone),
            slot(norms_and_neurons.unit_length, norms_and_neurons.reads_alone),
            slot(norms_and_neurons.bent, norms_and_neurons.reads_alone),
        ),
    ),
    Chapter(
        "Layers and both stacks",
        LAYERS,
        (
            slot(layers.updates),
            slot(layers.turns_most),
            slot(layers.if_last, layers.adds_most),
            slot(layers.other_mask, layers.keys_across),
            slot(layers.looks_across, lacks=across, by="study-translator"),
        ),
    ),
    Chapter(
        "Output, why, learning",
        OUTPUT,
        (
            slot(
                output.comes_first,
                output.last_share,
                output.other_share,
                output.pooled,
                lacks=words,
            ),
            slot(output.warmer, output.other_share, lacks=words),
            slot(output.loss_of, output.other_share, lacks=words),
            slot(output.gave_most, lacks=words),
            slot(output.one_step, output.surprised_most, lacks=learning),
        ),
    ),
)
SLOTS = tuple(product(range(len(CHAPTERS)), range(5)))  # question number -> chapter, slot


def drawn(view: View, seed: int, number: int) -> Exercise | None:
    """The question of that number; None where none fits this model and this text."""
    chapter, at = SLOTS[number]
    for n, ask in enumerate(CHAPTERS[chapter].slots[at].asks):
        for again in range(DRAWS):
            if found := ask(Draw(view, key_of(view, seed, number, n, again))):
                return found
    return None


def key_of(view: View, *numbers: int) -> str:
    """What decides where the lot falls: the model, all that it reads, and what was changed."""
    request = view.request._replace(engine="numpy", gradients="")
    return "\0".join(map(str, (*request, *numbers)))
