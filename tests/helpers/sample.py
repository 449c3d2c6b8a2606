"""A part of many cases for `make test`; `make test-all` takes the others as well."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def one_in(every: int, cases: Iterable, first: int = 0) -> list:
    """Parameters for a test: one in so many cases, and the others marked slow. A tuple stands for
    several parameters."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if nth % every == first else pytest.mark.slow,
        )
        for nth, case in enumerate(cases)
    ]
