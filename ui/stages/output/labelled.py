"""What a fine-tuned model says of the text: the figure that its head calls for."""

from __future__ import annotations

from collections.abc import Callable

from ui.kit.stage import card
from ui.kit.task_labels import overflows
from ui.session.view import View
from ui.stages.output.labels import overflowed_labels, text_labels, text_number, vector_to_labels
from ui.stages.output.token_labels import answer_in_text, token_labels


def labelled(view: View, of_text: Callable[[View], object]) -> tuple[str, tuple[int, ...]] | None:
    """Labels of the text or of each token, a number, or answers; a card about the vectors, and the
    cards about the whole text that every encoder has. Returns the cell that is explained first.
    """
    if overflows(view):
        overflowed_labels()
        return None
    task = view.config.task
    figures = {"span": answer_in_text, "number": text_number}
    first = figures.get(task.gives, token_labels if task.of_tokens else text_labels)(view)
    card("How does a vector become scores?", "output-label-vector", lambda: vector_to_labels(view))
    if not view.config.decoder_layers:
        of_text(view)
    return first
