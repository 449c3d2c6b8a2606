"""A report as a program reads it: its facts, and its arrays as NumPy has them."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import numpy as np

from ui.report.stages import STAGES
from ui.session.opening import first_token
from ui.session.runs import RunRequest
from ui.session.view import View

KINDS = {"f2": "<f2", "f4": "<f4", "f8": "<f8", "i4": "<i4", "u1": "u1"}
SENTENCE = "The books that the student recommended"
SIXTEEN = "The books that the student recommended to the teachers of the old school are very"


def looked_at(model: str, sentence: str = SENTENCE, layer: int = 0, head: int = 0, **asked) -> View:
    """A run, looked at from the token that the app opens at."""
    request = RunRequest(model, sentence, **asked)
    side = View(request, "decoder", 0, 0, 0).config.sides[-1]
    view = View(request, side, layer, head, 0)
    return View(request, side, layer, head, first_token(view.config, view.tokens(side)))


def held(text: str, block: str) -> dict:
    """One of the two blocks of a report: facts, contents."""
    (found,) = re.findall(
        rf'<script type="application/json" id="{block}">(.*?)</script>', text, re.S
    )
    return json.loads(found)


def array(steps: dict, name: str) -> np.ndarray:
    """A step or a weight of a report."""
    entry = steps[name]
    if "same" in entry:
        return array(steps, entry["same"])
    if entry["kind"] == "zeros":
        return np.zeros(entry["shape"], np.float32)
    return np.frombuffer(b64decode(entry["data"]), KINDS[entry["kind"]]).reshape(entry["shape"])


ALL = tuple(STAGES)
