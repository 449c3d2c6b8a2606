"""Why: exact answers from one trace, by addition.

    from core import load, why
    trace = load("study-decoder").trace("The books that the student recommended")
    why.sources(trace, "decoder.3.attn")    # the stream as the sum of what wrote it
"""

from core.why.sources import Sources, sources

__all__ = ["Sources", "sources"]
