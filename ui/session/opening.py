"""Where a reader begins to look: at a layer and a head in which there is something to see.

settle_place()          chooses layer and head, until the reader does
turn_to(request, side)  before a link leads to a layer and a head of the other side
opening_place(request, side)    the layer and the head for a text: the head that decides which
                        word comes next, or else the one that shows most of what the token that
                        is looked at first looks at
decision_of(request)    which head decides; None where not exactly one does
silenced_of(request)    without which heads another word comes next; None where finding out is slow
plain_run(request)      the same text, as the model was trained
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.deciding_head import Decision, Silenced, aligning_head, silence_each, telling_head
from core.errors import GlassError
from core.models import catalogue
from core.models.model import Model
from core.whatif import Text
from ui.session.memory import memory
from ui.session.runs import (
    ALL_KEPT,
    RunRequest,
    as_it_reads,
    engine_here,
    limited,
    model_of,
    ready_models,
    run_of,
    trace_of,
)
from ui.session.selection import CODECS, chosen, select
from ui.session.shelf import SHELF
from ui.session.view import View, is_word
from ui.text import HIDING

LONGEST_SILENCED = 24  # tokens of a text in which each head is silenced in turn
PLACE = ("layer", "head")
ALIGNS = {"study-translator": (3, 1)}  # docs/study-models.md
LEAST_LETTERS = 4  # of a word that is worth looking at


@dataclass(frozen=True)
class Found:
    """What was found out about a run; nothing, perhaps."""

    silenced: Silenced | None

    @property
    def nbytes(self) -> int:
        """The bytes of what was found."""
        return self.silenced.nbytes if self.silenced else 0


def settle_place() -> None:
    """Layer and head follow the text until the reader chooses others; so do their values that a
    link need not name. A word that is appended moves neither.
    """
    firsts, link = memory().firsts, memory().link
    before, _ = memory().opening
    request = RunRequest(
        chosen("model"),
        chosen("sentence"),
        target=chosen("target"),
        second=chosen("second"),
        chat=chosen("chat"),
        engine=engine_here(chosen("engine")),
    )
    try:
        place = dict(zip(PLACE, remembered_place(request, chosen("side")), strict=True))
    except (GlassError, KeyError):  # the page says why there is no such run
        return
    follows = {name: chosen(name) == firsts.get(name, CODECS[name].default) for name in PLACE}
    if link:  # what a link does not name is as it would be without it
        select(**{n: place[n] for n in PLACE if follows[n] and CODECS[n].key not in link})
    elif all(follows.values()) and not goes_on(before and before[0], request):
        select(**place)
    firsts |= place


def turn_to(request: RunRequest, side: str) -> None:
    """Before a page is opened at a layer and a head of another side: what these are there at first.
    A link does not name what is so already.
    """
    memory().firsts |= dict(zip(PLACE, opening_place(request, side), strict=True))


def goes_on(before: RunRequest | None, now: RunRequest) -> bool:
    """Whether a text is the one before, longer by a word that Output has just appended, or with a
    word that an experiment has replaced: what the reader looks at stays there.
    """
    if before is None:
        return False
    if (compared := memory().compared_run) and all(
        getattr(compared[0], box) == getattr(now, box) for box in ("model", "sentence", "second")
    ):
        return True
    if not memory().appended:
        return False
    box, *texts, _ = memory().appended[-1]
    return now == before._replace(**{box: getattr(now, box)}) and texts == [
        getattr(before, box),
        getattr(now, box),
    ]


def remembered_place(request: RunRequest, side: str) -> tuple[int, int]:
    """The same as `opening_place`, which is asked again at every click."""
    key, place = memory().opening
    if key != (request, side):
        place = opening_place(request, side)
        memory().opening = (request, side), place
    return place


def opening_place(request: RunRequest, side: str) -> tuple[int, int]:
    """The layer and the head at which a text is looked at first. Raises GlassError where it can't
    be run.
    """
    if request.model not in ready_models():
        return 0, 0
    view = View(plain_run(request), side, 0, 0, 0)
    sides = view.config.sides
    side = side if side in sides and view.config.crosses else sides[0]
    decision = decision_of(view.request)
    if decision and side == decision.side:
        return decision.layer, decision.head
    tokens = view.tokens(side)
    if len(tokens) * view.config.layers(side) > ALL_KEPT:
        return 0, 0
    if view.config.crosses and side == "decoder":
        return aligning_place(view.request)
    at = first_token(view.config, tokens)
    worth_M = np.array([is_telling(token) and abs(i - at) > 1 for i, token in enumerate(tokens)])
    return telling_head(view.trace, side, at, worth_M) or (0, 0)


def aligning_place(request: RunRequest) -> tuple[int, int]:
    """The layer and the head of a translator that aligns: as it was measured on many sentences,
    else on this one.
    """
    trace = trace_of(request)
    layer, head = ALIGNS.get(request.model, (trace.config.decoder_layers, 0))
    if layer < trace.config.decoder_layers and head < trace.config.n_heads:
        return layer, head
    return aligning_head(trace, "decoder")


def is_telling(token: str) -> bool:
    """Whether a token is a word of some length."""
    return is_word(token) and sum(map(str.isalnum, token)) >= LEAST_LETTERS


def first_token(config, tokens: list[str]) -> int:
    """The token that is looked at first: of a decoder the last, which sees all; else a hidden word,
    or the last.
    """
    if hidden := [place for place, token in enumerate(tokens) if token in HIDING]:
        return hidden[0]
    words = [i for i, token in enumerate(tokens) if is_word(token)]
    writes = config.decoder_layers and not config.crosses
    return words[-1] if words and not writes else len(tokens) - 1


def plain_run(request: RunRequest) -> RunRequest:
    """The same text read by the model as it was trained."""
    request = as_it_reads(request)._replace(mask="trained", change="")
    return request if model_of(request.model).config.crosses else request._replace(target="")


def decision_of(request: RunRequest) -> Decision | None:
    """Which head decides on the next word; None where not exactly one does, or no one asked."""
    silenced = silenced_of(request)
    return silenced.decision if silenced else None


def silenced_of(request: RunRequest) -> Silenced | None:
    """What silencing each head does to the next word: of a small decoder on a short text; else
    None.
    """
    request = plain_run(request)
    model = model_of(request.model)
    if not isinstance(model, Model):
        return None
    config = model.config
    small = request.model in catalogue.CATALOGUE and catalogue.entry_of(request.model).embedded
    if not small or config.crosses or not (config.decoder_layers and config.head):
        return None

    def silence() -> Found:
        try:
            with limited(key):
                return Found(silenced_in(request))
        except GlassError:  # it took too long: nobody knows
            return Found(None)

    key = "silenced", request
    return SHELF.get(key, silence).silenced


def silenced_in(request: RunRequest) -> Silenced | None:
    """Silences each head in turn."""
    run, trace = run_of(request), trace_of(request)
    ids_L = trace["decoder.embed.ids"]
    if len(ids_L) > LONGEST_SILENCED:
        return None
    words_L = run.encoding.words_L if run.encoding else None
    return silence_each(run.model, Text(ids_L, words_L), trace["head.probs"][-1])
