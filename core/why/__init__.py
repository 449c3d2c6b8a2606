"""Why this word, and why did it look there: exact answers, by addition and by running again.

    from core import load, why
    model = load("study-decoder")
    books, book = (f"The {word} that the student recommended" for word in ("books", "book"))
    are, is_ = (model.tokenizer.id_of(word) for word in ("are", "is"))
    trace = model.trace(books)

What one trace adds up to:

    why.sources(trace, "decoder.3.attn")   the stream as the sum of what wrote into it
    why.lens(trace)                        the logits after each layer
    why.parts(trace, are, is_)             the logit as the sum of what each source gave
    why.by_token(trace, "decoder.3.attn.head.4", are, is_)     a head’s part, by token read
    why.look(trace, "decoder.3.attn", 4, query=5, key=1)       a score, source × source
    why.trail(trace, are, is_)             from a word back to the words of the sentence
    why.ends(trace, are, is_)              how much each of them gives, with every way counted

What becomes of a run without a part, or with another run’s:

    why.effects(model, books, are, is_)    (layers, heads + 1): each silenced in turn
    why.patch(model, books, book, are, is_)    (layers, positions): put from one into the other
    why.saliency(model, books, are, is_)   (words,): each replaced by padding
    why.times_input(model, books, are, is_)    each token’s vector times its gradient
    why.integrated(model, books, are, is_)     the same, summed on the way from a blank text
    why.without_each(model, books, are, is_)   what is lost with the blank in place of each token
    grads = trace.backward(of=(trace.rows[-1], are, is_))
    why.looks_by_gradient(grads, "decoder.3.attn")  how much it looked there, times the gradient
    why.first_and_most(trace, model.trace(book))   what differs, and what differs most
"""

from importlib import import_module

_HOMES = {
    "differences": ("Changed", "Differences", "Moved", "first_and_most"),
    "silencing": ("Effect", "Unit", "each_effect", "effects"),
    "logit_lens": ("Guesses", "guesses", "lens"),
    "score_parts": ("Look", "look", "read_most"),
    "names": ("in_words",),
    "logit_parts": ("Parts", "Split", "by_neuron", "by_token", "parts"),
    "patching": ("Patched", "each_patch", "patch"),
    "replacing": ("Replaced", "each_saliency", "saliency"),
    "by_gradient": (
        *("Saliency", "each_integrated", "each_without", "integrated", "looks_by_gradient"),
        *("times_gradient", "times_input", "without_each"),
    ),
    "stream_sources": ("Sources", "sources"),
    "word_ends": ("Ends", "ends"),
    "word_trail": ("Edge", "Node", "Trail", "trail"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    """Imports on first use: the kinds of numbers need some of these modules, and others need the
    whole engine.
    """
    if name in _HOME_OF:
        return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
