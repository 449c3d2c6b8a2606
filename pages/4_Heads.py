"""Heads: where each looks; in cards what each does on this sentence and on random tokens, the
attention sink, what each adds, a silent head, and how a vector is split between them.
"""

from ui.kit.stage import card
from ui.kit.word_grouping import grouped_weights
from ui.session.navigation import HEADS
from ui.shell.page_shell import show_page
from ui.stages.heads import additions, all_heads, every_layer, roles, silence, sink, split


def page(view):
    drawn, head, layer = grouped_weights(view), view.head, view.layer
    all_heads.question(view, drawn)
    first = all_heads.draw(view, drawn)
    card(f"What does each head of layer {layer} do?", "heads-roles", lambda: roles.draw(view))
    card("And the heads of all layers?", "heads-every", lambda: every_layer.draw(view))
    card("How much attention goes to the first token?", "heads-sink", lambda: sink.draw(view))
    card("How much does each head add?", "heads-adds", lambda: additions.draw(view))
    card(f"What if head {head} were silent?", "heads-silent", lambda: silence.draw(view))
    card(
        f"Which tokens does head {head} link?", "heads-lines", lambda: split.head_lines(view, drawn)
    )
    card("Why several heads, and what does each get?", "heads-split", lambda: split.draw(view))
    return first


show_page(HEADS, page)
