"""The sentences by which is measured what a model forgets while it is taught something else: the
first short ones of the corpus' test split, which no study model was trained on.

    python -m training.held_sentences       writes assets/held_sentences.json
"""

from __future__ import annotations

import json
from pathlib import Path

from training import corpus

FILE = Path(__file__).parents[1] / "assets/held_sentences.json"
COUNT, LONGEST = 100, 24  # sentences; words of one
TRIED = 400  # sentences of the split, of which that many are short enough


def sentences() -> list[str]:
    """The sentences, in the order of the split, which never changes."""
    found = dict.fromkeys(
        " ".join(made.english)
        for made in corpus.samples("test", TRIED)
        if len(made.english) <= LONGEST
    )
    return list(found)[:COUNT]


if __name__ == "__main__":
    FILE.write_text(json.dumps(sentences(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
