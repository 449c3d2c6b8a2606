"""Glassformer's engine: one forward pass, one trace, every number explained. Knows nothing of
screens.

    from core import explain, load  # from glassformer, where the package is installed
    trace = load("minilm").trace("The book is expensive.", mask="decoder")
    trace["encoder.0.attn.pattern"]                      # (H, L, M)
    explain(trace, "encoder.0.attn.pattern", (3, 2, 1))  # that cell's operands, formula and value
"""

from importlib import import_module

from .malloc import keep_freed_memory

keep_freed_memory()

_HOMES = {
    "load": ".models.model",
    "Model": ".models.model",
    "forward": ".forward_pass",
    "explain": ".explanation",
    "GlassError": ".errors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Imports on first use, so that `python -m core.models` does not load the whole engine
    first.
    """
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
