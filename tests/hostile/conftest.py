"""No network, no pip and a cache of its own, as the tests of files have it."""

from tests.helpers.alone import alone

__all__ = ["alone"]
