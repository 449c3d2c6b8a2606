"""What a study model could do after each step at which its weights were kept.

    python -m training.over_time KEPT assets/models/study-decoder/over_time.json

KEPT has the weights that training/train.py kept, the last of which are those of the trained model
beside the file that is written. Each is read by the NumPy forward pass, and measured on the same
validation sentences, which no study model was trained on: the loss, agreement, and what each head
does. The page How it learned draws what is written here (core/models/over_time.py).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from core import load
from core.models.model import Model
from core.models.over_time import file_of, kept_in, read_snapshot
from training import corpus, entropy, head_roles
from training.evaluate import hard_samples, links, next_word
from training.grammar import Sample

SPLIT = "validation"
COUNT, HARD = 400, 40  # sentences; with a distracting clause, which are one in fifty
PATTERNS = 100  # of the sentences, on which the previous token is measured
LINK = "verb to its subject, past a relative clause"


@dataclass(frozen=True)
class Sentences:
    """What is measured on: sentences, and such in which a noun of the other number stands in a
    clause between a verb and its subject.
    """

    all: list[Sample]
    hard: list[Sample]


def sentences(count: int = COUNT, hard: int = HARD) -> Sentences:
    """The first of the validation sentences."""
    made = list(corpus.samples(SPLIT, count))
    return Sentences(made, list(islice(hard_samples(SPLIT), hard)))


def measured(model: Model, read: Sentences) -> dict:
    """All that is measured of a model at one step."""
    found, link = next_word(model, read.all), links(model, read.all)[LINK]
    return {
        "loss": found["loss"].value,
        "agreement": found["agreement"].value,
        "count": found["agreement"].count,
        "roles": {
            "previous token": head_roles.previous_token(model, read.all[:PATTERNS]),
            LINK: np.array(link["hits"]),
            "induction": head_roles.induction(model),
        },
    }


def over_time(kept: Path, model: Model, read: Sentences) -> dict:
    """All steps, as they are written. model: the trained one."""
    steps, found = kept_in(kept), []
    for step in steps:
        weights = read_snapshot(model.place, file_of(kept, step), np.float32)
        found.append(measured(replace(model, weights=weights), read))
        now = found[-1]
        print(
            f"step {step:,}: {now['loss']:.3f} nats, agreement {now['agreement']:.1%}", flush=True
        )
    roles = {name: [each["roles"][name] for each in found] for name in found[0]["roles"]}
    return {
        "steps": list(steps),
        "loss": [round(each["loss"], 4) for each in found],
        "truth": round(entropy.per_token(read.all, entropy.accepted()), 4),
        "agreement": [round(each["agreement"], 4) for each in found],
        "count": found[0]["count"],
        "roles": {name: np.round(score_SNH, 4).tolist() for name, score_SNH in roles.items()},
        "decides": rounded(asdict(head_roles.deciding(model, read.hard))),
    }


def rounded(record: dict) -> dict:
    """The same with four digits after the point."""
    return {name: round(value, 4) for name, value in record.items()}


def main() -> None:
    """Measures, and writes the file."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("kept", type=Path)
    asked.add_argument("file", type=Path)
    given = asked.parse_args()
    found = over_time(given.kept, load(given.file.parent), sentences())
    text = json.dumps(found, allow_nan=False)
    given.file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
