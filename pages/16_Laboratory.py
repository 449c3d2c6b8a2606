"""Laboratory: changes to the model, one by one or together, and what they do: before beside after,
and how far each token's vector moved.
"""

from ui.session.navigation import LABORATORY
from ui.shell.page_shell import show_page
from ui.stages.laboratory import adding, changes, guess, moved, runs


def page(view):
    both = runs.runs_of(view)
    guess.question(both)
    first = guess.figure(both)
    changes.draw(both)
    adding.row(both)
    moved.draw(both)
    return first or moved.first_cell(both)


show_page(LABORATORY, page, settle=runs.settle_parameters, owner=runs.owner)
