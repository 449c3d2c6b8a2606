"""How it learned: the loss of each word, the way back of its gradient through the model, one number
that a step of training changes; in cards the reader's sentence, taught step after step, and the
model as it was during its own training.
"""

from ui.kit.stage import card
from ui.session.navigation import HOW_IT_LEARNED
from ui.shell.page_shell import show_page
from ui.stages.how_it_learned import (
    gradients,
    one_step,
    opened,
    over_time,
    place,
    teaching,
    way_back,
)


def page(view):
    if why := place.why_not(view):
        place.offer(view, why)
        return None
    shown = place.shown(view)
    way_back.question(shown)
    first = way_back.figure(shown)
    place.untouched(view)
    way_back.story(shown, first)
    card("What is a gradient?", "learned-gradient", lambda: gradients.draw(shown))
    place.step_controls()
    card("What did one step change?", "learned-step", lambda: one_step.step_card(shown))
    card("Can I teach it my sentence?", "learned-teach", lambda: teaching.draw(shown, view))
    card("When did it learn what?", "learned-training", lambda: over_time.draw(shown, view))
    return first


show_page(HOW_IT_LEARNED, page, settle=place.settle_step, owner=opened.owner, own=place.is_own)
