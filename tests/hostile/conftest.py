"""No network, no pip and a cache of its own, as the tests of files have it."""

from tests.files.conftest import alone

__all__ = ["alone"]
