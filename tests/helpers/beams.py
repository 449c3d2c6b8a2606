"""Searches on tiny models that `generate` of transformers has made as well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.helpers.tiny import GOLDEN, golden

SOURCE, LONGEST = [3, 5, 7, 2, 9, 4], 12
FILE = GOLDEN / "beams.json"


@dataclass(frozen=True)
class Case:
    """A family of tests/helpers/tiny.py, the ids that end a text, how many beginnings are kept, and
    the power of the length that a sum is divided by.
    """

    family: str
    ends: tuple[int, ...]
    beams: int
    penalty: float

    def __str__(self) -> str:
        ends = ",".join(map(str, self.ends)) or "none"
        return f"{self.family}-{self.beams}-ends {ends}-{self.penalty:g}"


CASES = tuple(
    Case(family, ends, beams, penalty)
    for family in ("gpt2", "llama", "marian", "t5_gated")
    for ends, beams, penalty in (
        ((), 2, 1.0),
        ((5,), 3, 1.0),
        ((5,), 8, 0.0),
        ((5, 7, 9), 3, 2.0),
        ((5, 7, 9, 13, 29), 5, 1.0),
    )
)


def written(case: Case, folder: Path) -> Path:
    """The model's folder, whose files say what ends a text."""
    path = golden(case.family).write(folder / case.family)
    said = json.loads((path / "config.json").read_text())
    keys = {"pad_token_id": 0, "eos_token_id": list(case.ends) or None}
    keys |= {"decoder_start_token_id": said.get("decoder_start_token_id")}
    given = {name: value for name, value in keys.items() if value is not None}
    (path / "generation_config.json").write_text(json.dumps(given))
    return path


def start_of(config) -> list[int]:
    """What has been written before the search."""
    return [config.start_id] if config.crosses else SOURCE


def generated(case: Case, folder: Path) -> dict:
    """The texts that transformers finds, the best first, and what each is worth."""
    import torch
    import transformers

    path = written(case, folder)
    crosses = "decoder_start_token_id" in json.loads((path / "generation_config.json").read_text())
    kind = transformers.AutoModelForSeq2SeqLM if crosses else transformers.AutoModelForCausalLM
    found = (
        kind.from_pretrained(path, dtype=torch.float32)
        .eval()
        .generate(
            torch.tensor([SOURCE]),
            num_beams=case.beams,
            num_return_sequences=case.beams,
            do_sample=False,
            max_length=LONGEST,
            length_penalty=case.penalty,
            return_dict_in_generate=True,
            output_scores=True,
        )
    )
    first = 1 if crosses else len(SOURCE)
    texts = [until_end(text, first, case.ends) for text in found.sequences.tolist()]
    return {"texts": texts, "worths": [round(x, 6) for x in found.sequences_scores.tolist()]}


def until_end(text: list[int], first: int, ends: tuple[int, ...]) -> list[int]:
    """A text without what fills it up after its end."""
    places = [place for place in range(first, len(text)) if text[place] in ends]
    return text[: places[0] + 1] if places else text


@cache
def stored() -> dict:
    """What was generated, by the case."""
    return json.loads(FILE.read_text())
