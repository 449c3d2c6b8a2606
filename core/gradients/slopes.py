"""How steep each activation function is at a number: its derivative."""

from __future__ import annotations

import math

import numpy as np

from ..ops import gelu_gate, sigmoid

_TANH_GELU = math.sqrt(2 / math.pi)


def gelu(x):
    """Φ(x) + x·φ(x), φ the density of the normal distribution. As exact as core.ops.gelu is."""
    bell = np.exp(x * x * -0.5)
    bell *= x / math.sqrt(2 * math.pi)
    return gelu_gate(x) + bell


def gelu_tanh(x):
    """Of x · s, s = sigmoid(2u), u = √(2/π) (x + 0.044715 x³): s + x · s (1 − s) · 2u′."""
    square = x * x
    gate = sigmoid(2 * _TANH_GELU * x * (1 + 0.044715 * square))
    return gate + x * gate * (1 - gate) * (2 * _TANH_GELU) * (1 + 3 * 0.044715 * square)


def silu(x):
    """s + x · s (1 − s), s = sigmoid(x)."""
    gate = sigmoid(x)
    return gate + x * gate * (1 - gate)


def relu(x):
    """1 above 0; 0 below and at it."""
    return (x > 0).astype(x.dtype)


def tanh(x):
    """1 − tanh²."""
    return 1 - np.tanh(x) ** 2


SLOPES = {"gelu": gelu, "gelu_tanh": gelu_tanh, "silu": silu, "relu": relu, "tanh": tanh}
