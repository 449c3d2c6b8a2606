"""The gradients of all steps and of all learned numbers, each opened by the chain rule: one file a
part, as everywhere in core/steps.
"""

from . import attention, ends, stream, weights

KINDS = (*stream.KINDS, *attention.KINDS, *ends.KINDS, *weights.KINDS)
