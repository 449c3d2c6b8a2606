"""A model in our own format is written as files and read again, number for number."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from core import GlassError, load
from core.course import Course, taught
from core.models.saving import can_be_saved, zipped


def test_a_taught_model_is_saved_and_read_again(tmp_path):
    model = load("study-decoder")
    weights = taught(model, Course("adamw", 2, 0.001, "The books are green.")).weights
    learned = replace(model, weights=weights)
    with zipfile.ZipFile(io.BytesIO(zipped(learned, "study-decoder-taught"))) as file:
        file.extractall(tmp_path)
    again = load(str(tmp_path / "study-decoder-taught"))
    assert all(np.array_equal(again.weights[name], weights[name]) for name in weights)
    one, other = (each.trace("The books that")["head.probs"] for each in (learned, again))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, model.trace("The books that")["head.probs"])


def test_a_model_in_another_format_is_not_saved():
    minilm = load("minilm")
    assert not can_be_saved(minilm) and not can_be_saved(replace(minilm, place=None))
    with pytest.raises(GlassError, match="not in Glassformer’s own format"):
        zipped(minilm, "x")
