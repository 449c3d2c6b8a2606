"""What a decoder writes: one token after the other.

next_word         what comes next, and the text with one more token
key_value_cache   reading on: only the new token runs, what is kept of the others is reused
greedy            always the likeliest
beam_search       several beginnings at a time, the likeliest together
"""

from .beam_search import Branch, Tree, beam_search
from .greedy import greedy_target, start_of
from .key_value_cache import Reading, read, read_on
from .next_word import Longer, ends_text, forbidden, longer, next_tokens, rules_of, written_next

__all__ = [
    "Branch",
    "Longer",
    "Reading",
    "Tree",
    "beam_search",
    "ends_text",
    "forbidden",
    "greedy_target",
    "longer",
    "next_tokens",
    "read",
    "read_on",
    "rules_of",
    "start_of",
    "written_next",
]
