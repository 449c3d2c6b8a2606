"""What can be set from outside: every variable of the environment that Glassformer reads.

whole("MEMORY")     the number that GLASSFORMER_MEMORY names; its default where it names none
text("CACHE")       what GLASSFORMER_CACHE says; empty: nothing
"""

from __future__ import annotations

import os
from dataclasses import dataclass

PREFIX = "GLASSFORMER_"


@dataclass(frozen=True)
class Setting:
    """A setting, and what holds where the environment does not name a number for it.

    public: the same on a server that is open to strangers (ui.session.public). A default of None is
    that of a text: it says nothing.
    """

    words: str
    default: int | None = None
    public: int | None = None


SETTINGS = {
    "CACHE": Setting("the folder of fetched models, instead of the user's cache folder"),
    "MODELS": Setting("models in the list beside the catalogue, separated as in PATH"),
    "OPEN": Setting("1: every visitor may open any model; 0: nobody"),
    "PUBLIC": Setting("1: the server is open to strangers; 0: it is not"),
    "MEMORY": Setting("megabytes of its own that a process may take", 1536, 1536),
    "PREPARED": Setting("megabytes of prepared weights on the disk; 0: none are kept", 4096, 4096),
    "SECONDS": Setting("seconds that a run may take; 0: no limit", 300, 20),
    "AT_ONCE": Setting("pages that a process computes at once; 0: no limit", 0, 2),
    "WAITING": Setting("readers that may wait for their turn; more are turned away", 0, 100),
    "BUDGET": Setting("seconds of computing for an address in ten minutes; 0: no limit", 0, 120),
    "TAUGHT": Setting("models that an address may teach in an hour; 0: no limit", 0, 10),
    "METRICS": Setting("port of the figures for Prometheus; 0: none", 0, 0),
    "METRICS_ADDRESS": Setting("where that port listens; 127.0.0.1 if it says nothing"),
}


def text(name: str) -> str:
    """What the environment says; empty where it says nothing."""
    assert name in SETTINGS, name
    return os.environ.get(PREFIX + name, "").strip()


def whole(name: str, public: bool = False) -> int:
    """The whole number that the environment names, or the default. public: that of a server which
    is open to strangers. What is no whole number counts as not said.
    """
    setting, said = SETTINGS[name], text(name)
    default = setting.public if public else setting.default
    assert default is not None, f"{name} is a text"
    return int(said) if said.isdecimal() else default
