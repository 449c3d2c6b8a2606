"""The command line: python -m core trace | explain | attend | why | models."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
