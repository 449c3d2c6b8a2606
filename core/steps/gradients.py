"""The gradients."""
KINDS = ()
