"""Random configs of every family against `transformers` in float64 at 1e-9: each gives equal
numbers, or is refused by the name of a key. None is silently different.

tests/helpers/variants/ says what the configs may be; a failure names the family and the seed.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.errors import GlassError
from core.forward_pass import forward
from core.models.families import FAMILIES, KEYS
from core.models.weights import load_folder
from tests.helpers.tiny import check
from tests.helpers.variants import VARIANTS, draw, keys_in

IN_ALL = 2000
BLOCK = 25  # configs a test
KINDS = [kind for kind in FAMILIES if kind != "glassformer"]
BLOCKS = -(-IN_ALL // (BLOCK * len(KINDS)))
# Not of every family; for those with labels, tests/core/test_task_heads.py has all cases.
NOT_DRAWN = {"model_type", "architectures", "id2label", "num_labels", "problem_type"}
QUICK = 40  # configs in `make test`


def test_every_family_joins():
    assert set(KINDS) <= set(VARIANTS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_that_is_computed_is_drawn(kind):
    """It has several values in the configs of the fuzz, or is there in some and not in others."""
    drawn = [draw(kind, seed) for seed in range(BLOCK * BLOCKS)]
    for key in set(KEYS[kind].computed) - NOT_DRAWN:
        values = {json.dumps(config.get(key, "absent")) for config in drawn}
        assert len(values) > 1, key


@pytest.mark.parametrize("nth, kind", [*enumerate(KINDS)])
def test_the_first_configs_are_equal_or_refused(nth, kind, tmp_path):
    """One of each family, and of the first families another one."""
    count = len(range(nth, QUICK, len(KINDS)))
    assert outcomes(kind, range(count), tmp_path).total() == count


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_random_config_is_equal_or_refused(kind, block, tmp_path):
    found = outcomes(kind, range(block * BLOCK, (block + 1) * BLOCK), tmp_path)
    assert found.total() == BLOCK and found["equal"] >= BLOCK // 5, found


def outcomes(kind: str, seeds: range, folder: Path) -> Counter:
    """How many of these configs were equal, and how many refused; the first that is neither is an
    error.
    """
    return Counter(outcome(kind, seed, folder / str(seed)) for seed in seeds)


def outcome(kind: str, seed: int, folder: Path) -> str:
    """One of the two words, for one config."""
    config, inputs, model = random_model(kind, seed, folder)
    said = f"family {kind}, seed {seed}: {config}"
    try:
        loaded = load_folder(folder, np.float64)
        trace = forward(loaded.config, loaded.weights, **inputs)
    except GlassError as error:
        there = keys_in(json.loads((folder / "config.json").read_text()))
        named = [key for key in there if f"“{key}”" in str(error)]
        assert named or "the model has positions for only" in str(error), f"{error} {said}"
        return "refused"
    try:
        check(trace, reference().run(model, inputs))
    except AssertionError as error:
        raise AssertionError(f"{error} {said}") from None
    return "equal"


@cache
def reference():
    """tests/helpers/reference.py, where what it needs is installed."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    return reference


def random_model(kind: str, seed: int, folder: Path):
    """A config, what is read, and the random model that `transformers` makes of it, in a folder.

    config.json is as it was drawn, or as `transformers` writes it. A config that `transformers`
    does not take itself is drawn again.
    """
    for attempt in range(50):
        config = draw(kind, seed + 100_000 * attempt)
        try:
            model = built(config, folder)
        except Exception:  # whatever `transformers` raises: it is no valid config
            continue
        rng = np.random.default_rng(seed)
        reference().torch.manual_seed(seed)
        reference().fill(model, kind)
        model.save_pretrained(folder)
        if rng.random() < 0.5:
            (folder / "config.json").write_text(json.dumps(config))
        return config, inputs_of(model, VARIANTS[kind].passes_over, rng), model
    raise AssertionError(f"{kind}, seed {seed}: no config that `transformers` takes")


def built(config: dict, folder: Path):
    """The model of a config, in float64."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    cls = getattr(reference().transformers, config["architectures"][0])
    with reference().in_float64():
        model = cls(cls.config_class.from_pretrained(folder)).double().eval()
    model.set_attn_implementation("eager")
    return model


def inputs_of(model, passes_over: str | int | None, rng) -> dict:
    """Three to six random tokens for each side, none of them one that is passed over."""
    skipped = getattr(model.config, passes_over) if isinstance(passes_over, str) else passes_over
    ids = np.array([i for i in range(model.config.vocab_size) if i != skipped])
    inputs = {"ids_L": rng.choice(ids, rng.integers(3, 7))}
    if model.config.is_encoder_decoder:
        inputs["target_ids_L"] = rng.choice(ids, rng.integers(3, 7))
    if segments := getattr(model.config, "type_vocab_size", 0):
        inputs["segments_L"] = rng.integers(0, segments, len(inputs["ids_L"]))
    return inputs
