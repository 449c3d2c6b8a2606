"""Why this word: what each part of the model gave to it, when it shows, what a head read, why it
looked there, and where it comes from.
"""

from ui.session.navigation import WHY
from ui.shell.page_shell import show_page
from ui.stages.why import parts_map
from ui.stages.why.asked import asked_of, can_ask, settle_asked
from ui.stages.why.cards import cards
from ui.stages.why.measures import owner
from ui.stages.why.no_word import no_word


def page(view):
    if not can_ask(view):
        return no_word(view)
    asked = asked_of(view)
    parts_map.question(asked)
    first = parts_map.draw(asked)
    cards(asked)
    return first


show_page(WHY, page, side="decoder", settle=settle_asked, owner=owner, own=lambda view: True)
