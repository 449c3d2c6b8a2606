"""A trace as the picture of the overview reads it, without a session."""

from __future__ import annotations

from dataclasses import dataclass

from ui.session.runs import RunRequest


@dataclass
class Seen:
    """What the picture needs of a view, without a session."""

    trace: object
    side: str
    layer: int = 0
    head: int = 1
    token: int = 2

    request: RunRequest = RunRequest("", "")
    mask: str = "trained"
    encoding: None = None  # nothing was typed

    @property
    def config(self):
        return self.trace.config

    @property
    def key_head(self) -> int:
        return self.head * self.config.n_kv_heads // self.config.n_heads

    def at(self, leaf: str) -> str:
        return f"{self.side}.{self.layer}.{leaf}"

    def tokens(self, side: str) -> list[str]:
        return [f"#{i}" for i in self.trace[f"{side}.embed.ids"]]

    def word(self, i: int) -> str:
        return f"#{i}"

    def side_of(self, name: str, letter: str) -> str:
        if ".cross." in name:
            return "encoder" if letter == "M" else "decoder"
        side = name.split(".")[0]
        return side if side in self.config.sides else self.config.sides[-1]


def sides(trace) -> list[Seen]:
    return [Seen(trace, side) for side in trace.config.sides]
