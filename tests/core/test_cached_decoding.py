"""Reading on with kept keys and values is the same computation: every step, every family."""

import numpy as np
import pytest

from core import GlassError, load
from core.decoding import greedy_target, read, read_on
from core.decoding.greedy import greedy
from core.forward_pass import forward
from core.models.generation_rules import no_rules
from core.models.weights import read_folder
from tests.helpers.tiny import FURTHER, golden

ENCODERS = ("roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "mpnet")
WRITERS = (
    *("gpt2", "llama", "llama_tied", "t5_gated", "t5_relu", "marian"),
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in FURTHER
        if name not in (*ENCODERS, "modernbert", "phi3")  # Phi-3's angles grow: test_rotary
    ),
)
SOURCE = [3, 5, 7, 2, 9, 4]


@pytest.fixture(scope="module", params=WRITERS)
def writer(request, tmp_path_factory):
    """A tiny model that writes, in float64: its config and weights."""
    folder = tmp_path_factory.mktemp(request.param)
    return read_folder(golden(request.param).write(folder), np.float64)


def source_of(config) -> dict:
    return {"source_ids_L": SOURCE} if config.crosses else {}


def whole_run(config, weights, ids_L, **options):
    """The same tokens read at once."""
    if config.crosses:
        return forward(config, weights, SOURCE, target_ids_L=ids_L, **options)
    return forward(config, weights, ids_L, **options)


def some_ids(config, count: int) -> list[int]:
    return np.random.default_rng(3).integers(0, config.n_vocab, count).tolist()


def test_every_step_of_the_new_tokens_is_that_of_the_whole_run(writer):
    config, weights = writer
    ids_L = some_ids(config, 8)
    whole = whole_run(config, weights, ids_L)
    reading = read(config, weights, ids_L[:3], keep="all", **source_of(config))
    for first, new in ((3, ids_L[3:4]), (4, ids_L[4:7]), (7, ids_L[7:])):
        reading = read_on(config, weights, reading, new, keep="all")
        names = [name for name in whole.names if name.split(".")[0] in ("decoder", "head")]
        assert set(names) == set(reading.values)
        for name in names:
            rows = new_rows(whole, name, first, first + len(new))
            np.testing.assert_allclose(
                reading.values[name], rows, rtol=1e-9, atol=1e-11, err_msg=name
            )


def new_rows(whole, name: str, first: int, until: int):
    """What a step of the whole run has of the tokens from first to until, and of those that they
    look at.
    """
    value, axes, across = whole[name], whole.axes(name), ".cross." in name
    for axis, letter in enumerate(axes):
        if letter in "LR":
            start = until - 1 if name.startswith("head.") else first
            value = value.take(range(start, until), axis)
        if letter == "M" and not across:
            value = value.take(range(until), axis)
    return value


def test_a_reading_is_not_changed_by_what_goes_on_from_it(writer):
    config, weights = writer
    a, b, c, d = some_ids(config, 4)
    before = read(config, weights, [a, b], **source_of(config))
    one = read_on(config, weights, before, [c]).logits
    read_on(config, weights, before, [d])
    assert np.array_equal(read_on(config, weights, before, [c]).logits, one)
    assert before.n_tokens == 2
    assert {kept.shape[1] for name, kept in before.cache.items() if "attn" in name} == {2}


def test_sixty_four_tokens_are_written_alike(writer):
    """As many as the model has positions for, if these are fewer."""
    config, weights = writer
    start, room = some_ids(config, 2), min(66, config.n_positions or 66)
    text = list(start)
    for token in greedy(config, weights, start, room, no_rules(config), **source_of(config)):
        logits_V = whole_run(config, weights, text, rows=-1)["head.logits"][0]
        assert token == int(logits_V.argmax())
        text.append(token)
    assert (
        len(text) == room
        or int(whole_run(config, weights, text, rows=-1)["head.logits"][0].argmax())
        in no_rules(config).ends
    )


def test_the_encoders_keys_are_made_once(tiny_folder_translator):
    config, weights = tiny_folder_translator
    first = read(config, weights, [config.start_id], source_ids_L=SOURCE)
    second = read_on(config, weights, first, [6])
    for layer in range(config.decoder_layers):
        for leaf in "kv":
            name = f"decoder.{layer}.cross.{leaf}"
            assert np.array_equal(first.values[name], second.values[name])
            assert first.values[name].shape[1] == len(SOURCE)


@pytest.fixture
def tiny_folder_translator(tmp_path):
    return read_folder(golden("marian").write(tmp_path), np.float64)


@pytest.mark.slow
def test_smollm2_writes_the_same_sixty_four_tokens(smollm2):
    config, weights = smollm2.config, smollm2.weights
    text = smollm2.ids("The cat sat on the mat. The cat").tolist()
    until = len(text) + 64
    for token in greedy(config, weights, list(text), until, no_rules(config)):
        logits_V = forward(config, weights, text, keep="output", rows=-1)["head.logits"][0]
        assert token == int(logits_V.argmax())
        text.append(token)
    assert len(text) == until


def test_what_cannot_be_read_is_said(tmp_path):
    encoder = read_folder(golden("bert").write(tmp_path / "bert"))
    with pytest.raises(GlassError, match="Only a model with a decoder"):
        read(*encoder, [3])
    config, weights = read_folder(golden("gpt2").write(tmp_path / "gpt2"))
    with pytest.raises(GlassError, match="ids go from 0"):
        read(config, weights, [config.n_vocab])
    full = read(config, weights, some_ids(config, config.n_positions))
    with pytest.raises(GlassError, match=f"positions for only {config.n_positions}"):
        read_on(config, weights, full, [1])


def test_the_study_translator_writes_as_before():
    """Token by token, by whole runs."""
    model = load("study-translator")
    source = model.ids("The red house that the woman bought is old.")
    target = [model.config.start_id]
    while len(target) < 32:
        trace = forward(model.config, model.weights, source, target_ids_L=target, rows=-1)
        if (token := int(trace["head.logits"][0].argmax())) == model.config.end_id:
            break
        target.append(token)
    assert greedy_target(model.config, model.weights, source, rules=model.decoding) == target
