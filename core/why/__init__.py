"""Why this word, and why did it look there: exact answers from one trace, by addition.

from core import load, why
trace = load("study-decoder").trace("The books that the student recommended")
why.sources(trace, "decoder.3.attn")         # the stream as the sum of what wrote into it
why.lens(trace)                              # the logits after each layer
why.parts(trace, word, rival)                # the logit as the sum of what each source gave
why.by_token(trace, "decoder.3.attn.head.4", word, rival)   # a head's part, by token read
why.look(trace, "decoder.3.attn", 4, query=5, key=1)        # a score, source × source

And what really happens without a part, or with another run's: the model runs on. Each of these also
comes one by one (each_effect, each_patch, each_saliency) and can be stopped.

why.effects(model, text, word, rival)        # (layers, heads + 1): each part silenced in turn
why.patch(model, text, other, word, rival)   # (layers, positions): put from one run into the other
why.saliency(model, text, word, rival)       # (words,): each replaced by padding
why.first_and_most(trace, other)             # what a change changed first, and what most
"""

from importlib import import_module

from core.why.lens import Guesses, guesses, lens
from core.why.look import Look, look, read_most
from core.why.names import in_words
from core.why.parts import Parts, Split, by_neuron, by_token, parts
from core.why.sources import Sources, sources
from core.why.trail import Edge, Node, Trail, trail

# What runs models stands above the steps, which read the sources: it is imported on first use.
_RUNS = {
    "effects": "core.why.silencing",
    "each_effect": "core.why.silencing",
    "patch": "core.why.patching",
    "each_patch": "core.why.patching",
    "saliency": "core.why.replacing",
    "each_saliency": "core.why.replacing",
    "first_and_most": "core.why.differences",
}
__all__ = [
    *_RUNS,
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


def __getattr__(name: str):
    """Imports on first use what runs models."""
    if name in _RUNS:
        return getattr(import_module(_RUNS[name]), name)
    raise AttributeError(f"module 'core.why' has no attribute '{name}'")
