"""What links of older versions mean today: the one room for names and beginnings that changed.

A link names only what differs from where a choice begins. Once a choice begins elsewhere or has
another name, an older link would open another view. So each link says of which version it is, and
an older one is brought up to today here.

    VERSION                 of the links that are made today; `v` in a link
    of_today(link, title)   a link of any version, as one of today

Version 1 is every link that does not say its version; of those there are three kinds. Until
2026-11-26 links had only the names in FIRST_NAMES. Later ones have at least one other name, since
the button that copies a link adds `guess`; their choices begin where they do today, but for the
sentence and for three controls of the output before these had the names of today.

To give a choice another name, or another beginning: raise VERSION, and translate from the version
before. tests/ui/test_old_links.py holds where everything begins, and links of every version.
"""

from __future__ import annotations

import re

from ui.session.selection import CODECS, EXAMPLES

VERSION = 2
SIGN = "v"
NUMBER = re.compile("[0-9]{1,6}")
GUESS, SHOWN = "guess", "shown"  # who follows such a link sees its view, and need not guess

# --- version 1 ------------------------------------------------------------------------------------

# All names that a link had until 2026-11-26
FIRST_NAMES = frozenset(
    """
    sentence target model mask grid change side layer head token depth bare merge tour cell step
    stage swap part_rows part_columns tokens_map tokens_3d tokens_turn tokens_a tokens_a_id tokens_b
    tokens_b_id tokens_c tokens_c_id places_part places_other places_pair places_kept places_back
    softmax_of softmax_heat cross_weights cross_rows cross_words addnorm_sublayer ff_neuron ff_shows
    layers_role layers_length layers_drawn layers_link masking_stack padding_count padding_way
    output_heat output_k output_p output_seed output_stage output_hit output_pair output_a_study
    output_a_words output_a_ids output_b_study output_b_words output_b_ids output_word_study
    output_word_words output_word_ids output_lines_study output_lines_words output_lines_ids
    output_pool_study output_pool_words output_pool_ids output_query_study output_query_words
    output_query_ids before_word before_other before_reads before_at before_measure
    """.split()
)
BEGAN = {"sentence": EXAMPLES[0]["text"], "layer": "0", "head": "0"}  # but for the model
LATER_SENTENCE = "The books that the student recommended"  # where it began after the first days
# On the first day the model was MiniLM; from the second on, the study model, which is smaller
FIRST_MODEL, SECOND_MODEL, LAYERS, HEADS = "minilm", "study-encoder", 4, 5
# The controls of the output: how they were called, and where they began then
OLDER = {"output_heat": "0.8", "output_k": "20", "output_p": "0.95"}
OUTPUT = "Output"
# The tour had fourteen stops: for each the one of today that is about the same, or the one before
TOUR = (0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 7, 7, 8, 9)
# What then stood on the page stands in a card today: the card, for the start of a name
CARDS = {
    "tokens_map": "tokens-map",
    "tokens_3d": "tokens-map",
    "tokens_turn": "tokens-map",
    "tokens_a": "tokens-sums",
    "tokens_b": "tokens-sums",
    "tokens_c": "tokens-sums",
    "places_kept": "positions-order",
    "places_back": "positions-order",
    "softmax_": "attention-softmax",
    "ff_neuron": "ff-neuron",
    "layers_role": "layers-roles",
    "layers_length": "layers-path",
    "padding_": "masks-padding",
    "before_": "before-lstm",
}
# The part of Positions that was shown, where it has a card of its own today
PARTS = {part: f"positions-{part}" for part in ("distance", "sum", "waves", "order")}


def of_today(link: dict[str, str], title: str) -> dict[str, str]:
    """A link of any version as one of today. title: of the page that it leads to."""
    if link.get(SIGN, "1") != "1":
        return link
    named = link.keys() & (CODECS.keys() | {each.key for each in CODECS.values()} | FIRST_NAMES)
    named |= link.keys() & {GUESS}
    if named and named <= FIRST_NAMES:
        link = of_the_first_days(link, title)
    elif named:
        link = {"sentence": LATER_SENTENCE} | link
    return with_output_controls(link)


def of_the_first_days(link: dict[str, str], title: str) -> dict[str, str]:
    """A link from before 2026-11-26: where it names nothing, what then began there is named."""
    began = BEGAN | {"model": model_of_then(link)} | (OLDER if title == OUTPUT else {})
    cards = cards_for(link)
    meant = {**began, **link, GUESS: SHOWN} | ({"cards": ".".join(cards)} if cards else {})
    if "tour" in link:
        meant["tour"] = stop_of_today(link["tour"])
    if link.get("softmax_of") == "as":  # how the model does it: nothing is compared
        del meant["softmax_of"]
    return {key: text for key, text in meant.items() if key not in ("places_part", "ff_shows")}


def model_of_then(link: dict[str, str]) -> str:
    """Which model a link meant that names none: the study model, unless it is too small for the
    layer or the head that is asked for.
    """
    sizes = (("layer", LAYERS), ("head", HEADS))
    small = all(
        not NUMBER.fullmatch(text := link.get(key, "0")) or int(text) < n for key, n in sizes
    )
    return SECOND_MODEL if small else FIRST_MODEL


def stop_of_today(stop: str) -> str:
    """A stop of the tour; what was none then is none now."""
    known = stop.isascii() and stop.isdigit() and int(stop[:3]) < len(TOUR)
    return str(TOUR[int(stop)]) if known else stop


def cards_for(link: dict[str, str]) -> list[str]:
    """The cards in which a link's choices stand today, each once."""
    found = [card for start, card in CARDS.items() if any(key.startswith(start) for key in link)]
    part = PARTS.get(link.get("places_part", ""))
    return list(dict.fromkeys([*found, *filter(None, [part])]))


def with_output_controls(link: dict[str, str]) -> dict[str, str]:
    """The controls of the output by their names of today. An older link names one only where it
    differs from where it began then.
    """
    if not link.keys() & OLDER.keys():
        return link
    meant = {CODECS[name].key: link.get(name, first) for name, first in OLDER.items()}
    return meant | {key: text for key, text in link.items() if key not in OLDER}
