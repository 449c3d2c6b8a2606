"""The names of all numbers of a trace."""

from __future__ import annotations

ASKED = (
    "embed.near.7",
    "embed.arithmetic.3.5.2",
    "1.attn.scores.terms.1.3.2",
    "1.attn.scores.pairs.1.3.2",
    "1.attn.scores.falls.1.3.2",
    "1.attn.pattern.heat.250",
    "1.attn.pattern.words.0.1",
    "1.attn.pattern.words.1.1",
    "1.mlp.pre.terms.2.5",
    "1.mlp.writes.2.5",
    "1.mlp.promotes.2.5",
    "0.attn.in.sources.2",
    "1.attn.in.sources.2",
    "1.cross.in.sources.2",
    "1.mlp.in.sources.2",
    "1.out.sources.2",
    "out.sources.2",
    "1.attn.q.sources.1.3",
    "1.attn.k.sources.1.2",
    "1.cross.q.sources.1.3",
    "1.cross.k.sources.1.2",
    "1.attn.scores.sources.1.3.2",
    "1.cross.scores.sources.1.3.2",
    "1.attn.scores.against.1.3.2.4",
    "embed.out.lens.1",
    "0.out.lens.1",
    "embed.out.lens.probs.1",
    "1.out.lens.probs.1",
    "1.attn.pattern.parts.1.1.7",
    "1.cross.pattern.against.1.1.7.9",
    "0.attn.pattern.against.1.1.7.9",
    "1.mlp.hidden.parts.1.7",
    "1.mlp.hidden.parts.unit.1.7",
    "0.mlp.hidden.against.1.7.9",
    "0.mlp.hidden.against.unit.1.7.9",
)  # derived values whose names end in numbers, one of each kind


def every_name(trace) -> list[str]:
    """All steps, all derived values, and of those of which there are too many one of each kind."""
    asked = [f"{side}.{leaf}" for side in trace.config.sides for leaf in ASKED] + [
        "head.tempered.1.70",
        "head.sampled.1.130.9.900",
        "head.sampled.0.100.0.500",
        "head.logits.parts.1.7",
        "head.logits.against.1.7.9",
    ]
    return [*trace.names, *trace.derived, *(name for name in asked if has(trace, name))]


def has(trace, name: str) -> bool:
    """Whether this family has such a value; of a stack it may lack, or of a decoder that compares
    nothing with words.
    """
    try:
        return name in trace and trace[name] is not None
    except KeyError:
        return False
