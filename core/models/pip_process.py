"""Runs pip in a process that ends with whoever started it: `core.models.download` starts it.

A pip of its own would go on when its parent is killed, and write into a folder that nobody looks at
any more. This one reads from its parent, who never writes: the end of that is the parent's end.

It is run by its path, alone, with the arguments of pip.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def end_with_parent() -> None:
    """Waits for the end of what the parent writes, and ends this process at once."""
    while os.read(0, 1):  # not by sys.stdin, whose lock Python wants at its own end
        pass
    os._exit(1)


def main() -> None:
    """Runs pip."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.path.pop(0)  # this file's folder, whose modules pip must not take for others
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
