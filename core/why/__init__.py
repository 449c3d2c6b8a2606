"""Why this word, and why did it look there: exact answers from one trace, by addition.

from core import load, why
trace = load("study-decoder").trace("The books that the student recommended")
why.sources(trace, "decoder.3.attn")         # the stream as the sum of what wrote into it
why.lens(trace)                              # the logits after each layer
why.parts(trace, word, rival)                # the logit as the sum of what each source gave
why.by_token(trace, "decoder.3.attn.head.4", word, rival)   # a head's part, by token read
why.look(trace, "decoder.3.attn", 4, query=5, key=1)        # a score, source × source
"""

from core.why.lens import Guesses, guesses, lens
from core.why.look import Look, look, read_most
from core.why.names import in_words
from core.why.parts import Parts, Split, by_neuron, by_token, parts
from core.why.sources import Sources, sources
from core.why.trail import Edge, Node, Trail, trail

__all__ = [
    "Edge",
    "Guesses",
    "Look",
    "Node",
    "Parts",
    "Sources",
    "Split",
    "Trail",
    "by_neuron",
    "by_token",
    "guesses",
    "in_words",
    "lens",
    "look",
    "parts",
    "read_most",
    "sources",
    "trail",
]
