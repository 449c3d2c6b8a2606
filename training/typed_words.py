"""What a model makes of words that its vocabulary lacks, as a reader may type them: common nouns
that no sentence of the corpus holds, each cut into pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from training import vocabulary
from training.vocabulary import START

NOUNS = """laptop dragon goblin lizard carpet volcano comet planet satellite engine turbine lantern
anchor kayak scooter skateboard banjo ukulele drummer astronaut janitor beekeeper surgeon senator
hippo otter badger beaver raccoon hedgehog panther leopard gorilla llama alpaca koala tortoise
lobster crab shrimp beetle cricket moth hornet sparrow falcon vulture flamingo peacock turkey
toaster blender spatula napkin tablet monitor router modem drone webcam podcast blog
emoji""".split()
FRAMES = (
    "the {}",
    "the old {}",
    "the {} that the boy saw",
    "the {} that the boys saw",
    "the {} near the house",
    "the {} near the houses",
)
FORMS = ("is", "are")


def sentences() -> Iterator[tuple[str, str, str]]:
    """(beginning of a sentence, the verb that agrees, the verb that does not) for each noun in both
    numbers in each frame.
    """
    for noun in NOUNS:
        for text, (right, wrong) in ((noun, FORMS), (noun + "s", FORMS[::-1])):
            for frame in FRAMES:
                yield frame.format(text), right, wrong


def agreement(model) -> list[bool]:
    """Whether the form that agrees is likelier, for each of the sentences."""
    known = vocabulary.tokens("english")
    cutter = vocabulary.tokenizer("english", "$A")
    found = []
    for text, right, wrong in sentences():
        ids_L = np.array([START, *cutter.encode(text).ids])
        logits_V = model.trace(ids_L=ids_L)["head.logits"][-1]
        found.append(bool(logits_V[known[right]] > logits_V[known[wrong]]))
    return found
