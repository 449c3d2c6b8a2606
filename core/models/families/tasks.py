"""The heads that models are fine-tuned with: which class of `transformers` has which, and what
config.json says of its labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...config import Task
from ..fields import Fields
from ..stored import Stored
from .common import classes_of

_MOST_LABELS = 10_000
_LONGEST_LABEL = 60  # characters of a label's name
_GIVES = {  # problem_type -> what the scores of a text's labels mean
    "regression": "number",
    "single_label_classification": "one",
    "multi_label_classification": "any",
}


@dataclass(frozen=True)
class Head:
    """A class's head: what it reads, what its scores are, and its modules in the file."""

    reads: str  # as in Task
    scores: str  # "text", "tokens", "span", "choice" or "replaced"
    logits: str
    pre: str | None = None
    hidden: str | None = None  # as in Task
    biased: bool = True  # whether the scores have a bias


@dataclass(frozen=True)
class Found:
    """The head of a model, and for our modules the file's."""

    task: Task | None = None
    table: Mapping[str, str] | None = None
    biased: bool = True

    @property
    def names(self) -> dict[str, str]:
        """Our modules and the file's; none without a head."""
        return dict(self.table or {})

    def has_bias(self, name: str) -> bool:
        """Whether the family has the bias of that name."""
        return self.biased or name != "task.logits.bias"


def find_head(data: Fields, tensors: Mapping[str, Stored], heads: Mapping[str, Head]) -> Found:
    """The head that the config's class names, if the file has it. heads: by class."""
    name = next((name for name in classes_of(data) if name in heads), None)
    head = heads[name] if name else None
    if head is None or not any(each.startswith(f"{head.logits}.") for each in tensors):
        return Found()
    table = {"task.logits": head.logits} | ({"task.pre": head.pre} if head.pre else {})
    return Found(task_of(data, head), table, head.biased)


def task_of(data: Fields, head: Head) -> Task:
    """What the head computes, as the config says."""
    task = Task(head.reads, "one", (), head.hidden)
    if head.scores == "span":
        if len(labels_of(data)) != 2:
            data.refuse("id2label", "two labels, for the start and the end of an answer,")
        return replace(task, gives="span", labels=("start", "end"))
    if head.scores == "choice":
        return replace(task, gives="number", labels=("this choice",))
    if head.scores == "replaced":
        return replace(task, gives="any", labels=("replaced",))
    labels = labels_of(data)
    if head.scores == "tokens":
        return replace(task, labels=labels)
    pad = data.get("pad_token_id") if head.reads == "last" else None
    if pad is not None and (isinstance(pad, bool) or not isinstance(pad, int)):
        data.refuse("pad_token_id", "the number of a token")
    return replace(task, gives=meaning(data, len(labels)), labels=labels, pad_id=pad)


def meaning(data: Fields, count: int) -> str:
    """What the scores of a text's labels mean, as the pipeline of `transformers` takes them: a
    single score is a probability of its own, unless the config calls it a number.
    """
    said = data.get("problem_type")
    if said is not None:
        said = data.choice("problem_type", None, _GIVES)
    if count == 1 and said == "one":
        data.refuse("problem_type", "another type for a single label")
    return said or ("any" if count == 1 else "one")


def labels_of(data: Fields) -> tuple[str, ...]:
    """The labels' names: those of id2label, or LABEL_0, LABEL_1 and so on."""
    names = data.get("id2label")
    if names is None:
        count = data.whole("num_labels", 2, high=_MOST_LABELS)
        return tuple(f"LABEL_{i}" for i in range(count))
    if not isinstance(names, dict) or not 0 < len(names) <= _MOST_LABELS:
        data.refuse("id2label", f"an object of 1 to {_MOST_LABELS} labels")
    if set(names) != set(map(str, range(len(names)))):
        data.refuse("id2label", "a label for each number from 0 on")
    return tuple(harmless(names[str(i)], i) for i in range(len(names)))


def harmless(name, index: int) -> str:
    """A label's name as it may be shown: short, of letters that can be printed."""
    text = "".join(letter if letter.isprintable() else "�" for letter in str(name))
    return text.strip()[:_LONGEST_LABEL] or f"LABEL_{index}"
