"""What runs in a process of its own: `core.models.apart` starts it, and asks it line by line.

A chat template is a program; a tokenizer may hold a pattern that takes hours, or rules that make
gigabytes of a sentence; and a library that reads either may break off. So this process first limits
itself (seconds of processor for each question, bytes of memory, no files), then answers with the
function `answer` of the module that it was given: one JSON object a line, in and out.

It is run by its path, alone, and ends when nobody asks: when whoever started it has gone, or after
a while without a question.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module


def limit(name: str, soft: int, hard: int) -> None:
    """Sets a limit of this process, or a lower one that the system has. Windows knows none: there
    the time alone is bounded, by who waits for this process.
    """
    try:
        import resource

        most = resource.getrlimit(getattr(resource, name))[1]
        hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(getattr(resource, name), (min(soft, hard), hard))
    except (ImportError, AttributeError, ValueError, OSError):
        pass


def limit_resources(memory: int) -> None:
    """From here on this process has so many bytes of memory, and writes no files."""
    for name, most in (("RLIMIT_AS", memory), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        limit(name, most, most)


def limit_time(seconds: int) -> None:
    """From here on this process has so many more seconds of processor time."""
    import time

    limit("RLIMIT_CPU", int(time.process_time()) + seconds + 1, 1 << 40)


def answered(program, asked: dict) -> dict:
    """What the program answers, or {"error": …} in its words."""
    try:
        return program.answer(asked)
    except MemoryError:
        return {"error": "it needs too much memory"}
    except RecursionError:
        return {"error": "it calls itself too often"}
    except Exception as error:
        return {"error": str(error)[:200] or type(error).__name__}


def idle(seconds: float) -> bool:
    """Whether nobody asks for so long. Windows can't tell: there it waits until whoever started it
    ends it.
    """
    try:
        import select

        return not select.select([sys.stdin.buffer], [], [], seconds)[0]
    except (ImportError, OSError, ValueError):
        return False


def answers():
    """Where answers are written; what a library prints goes nowhere from here on."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return out


def main() -> None:
    """Limits itself as the first line says, and answers that one and those after it."""
    out = answers()
    asked = json.loads(sys.stdin.buffer.readline())
    sys.path[:], sys.dont_write_bytecode = asked["path"], True
    limit_resources(asked["memory"])
    limit_time(asked["seconds"])
    program = import_module(asked["program"])
    while True:
        out.write(json.dumps(answered(program, asked["question"])) + "\n")
        out.flush()
        if not asked["stay"] or idle(asked["stay"]) or not (line := sys.stdin.buffer.readline()):
            return
        asked |= {"question": json.loads(line)}
        limit_time(asked["again"])


if __name__ == "__main__":
    main()
