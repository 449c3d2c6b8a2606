"""Laboratory: changes to the model, one by one or together, and what they do: before beside after,
and how far each token's vector moved; in cards the chosen head's maps, patches from a second text,
and a repetition.
"""

from ui.kit.stage import card
from ui.session.navigation import LABORATORY
from ui.shell.page_shell import show_page
from ui.stages.laboratory import adding, changes, guess, looks, moved, patching, repetition, runs


def page(view):
    both = runs.runs_of(view)
    guess.question(both)
    first = guess.figure(both)
    if first is None:
        looks.draw(both)
    changes.draw(both)
    adding.row(both)
    moved.draw(both)
    if first is not None:
        look = f"Where does head {view.head} look, before and after?"
        card(look, "lab-looks", lambda: looks.draw(both))
    carries = "Which place carries the difference between two texts?"
    card(carries, "lab-patch", lambda: patching.draw(both))
    notices = "Does the model notice a repetition?"
    card(notices, "lab-repeat", lambda: repetition.draw(both))
    return first or moved.first_cell(both)


show_page(LABORATORY, page, settle=runs.settle_parameters, owner=runs.owner)
