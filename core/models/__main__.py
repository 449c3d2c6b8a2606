"""The command line of the models: python -m core.models does what python -m core models does."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..cli.main import command


def main(arguments: Sequence[str] | None = None) -> int:
    """python -m core.models list | fetch NAME | remove NAME | tidy | check NAME"""
    arguments = sys.argv[1:] if arguments is None else arguments
    return command("models", arguments, "python -m core.models")


if __name__ == "__main__":
    sys.exit(main())
