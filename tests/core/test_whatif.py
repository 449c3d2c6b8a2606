"""What-if runs: what they leave out is out, what they leave alone is untouched, and every number of
theirs opens.
"""

import numpy as np
import pytest

from core import GlassError, explain, whatif
from core.models.model import Model
from core.models.weights import read_folder
from tests.helpers.tiny import FAMILIES, golden

IDS = np.array([3, 5, 7, 2, 9, 4])
WORDS = (None, 0, 1, 1, 2, None)  # signs at both ends, as [CLS] and [SEP]
CHANGES = (
    "positions",
    "norms",
    "scale",
    "head:{}.1.0",
    "neuron:{}.1.3",
    "order",
    "pad:2",
    "open-pad:2",
    "positions+order",
    "repeat",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {
        family: Model(
            family,
            *read_folder(golden(family).write(tmp_path_factory.mktemp(family)), np.float64),
            None,
        )
        for family in FAMILIES
    }


def run(model, change="", mask="trained", ids_L=IDS):
    return whatif.run(
        model,
        whatif.Text(ids_L, WORDS),
        np.array([1, 4, 6]) if model.config.crosses else None,
        mask,
        change,
    )


def side_of(model) -> str:
    return model.config.sides[0]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("change", CHANGES)
def test_every_number_of_a_what_if_is_recomputed_from_its_operands(models, family, change):
    trace, rng = (
        run(models[family], change.format(side_of(models[family]))),
        np.random.default_rng(5),
    )
    silenced = set(trace.edits)
    for name in trace.names + trace.derived:
        cell = rng.integers(trace.shape(name))
        made = explain(trace, name, cell)
        assert name in silenced or made.error <= 1e-9 * max(abs(made.value), 1e-3), (
            name,
            cell,
            made.formula,
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_without_positions_attention_shuffles_with_the_words_and_does_nothing_else(models, family):
    model, side, places = models[family], side_of(models[family]), whatif.order(WORDS)
    straight, turned = (
        run(model, change, mask="encoder") for change in ("positions", "positions+order")
    )
    for layer in range(model.config.layers(side)):
        name = f"{side}.{layer}.attn.pattern"
        assert np.allclose(turned[name], straight[name][:, places][:, :, places], atol=1e-12)
    assert np.allclose(turned[f"{side}.out"], straight[f"{side}.out"][places], atol=1e-10)
    with_places = [
        run(model, change, mask="encoder")[f"{side}.0.attn.pattern"] for change in ("", "order")
    ]
    assert not np.allclose(with_places[1], with_places[0][:, places][:, :, places], atol=1e-4)


def test_the_words_are_turned_round_and_the_signs_stay():
    assert whatif.order(WORDS).tolist() == [0, 4, 3, 2, 1, 5]


@pytest.mark.parametrize("family", FAMILIES)
def test_norms_pass_their_vector_on(models, family):
    model, side = models[family], side_of(models[family])
    trace = run(model, "norms")
    source = "in" if model.config.norm_first else "sum"
    assert np.array_equal(trace[f"{side}.0.attn.norm.out"], trace[f"{side}.0.attn.{source}"])
    assert f"{side}.0.attn.norm.scale" not in trace.names


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_that_is_hidden_changes_nothing_and_padding_that_is_seen_does(models, family):
    model, side, n = models[family], side_of(models[family]), len(IDS)
    bare, hidden, seen = (
        run(model, change)[f"{side}.out"] for change in ("", "pad:2", "open-pad:2")
    )
    assert hidden.shape == seen.shape == (n + 2, model.config.d_model)
    assert np.allclose(hidden[:n], bare, atol=1e-10)
    assert np.allclose(seen[:n], bare, atol=1e-10) == (side == "decoder")  # nobody looks ahead
    if model.config.crosses:
        assert np.allclose(
            run(model, "pad:2")["decoder.out"], run(model)["decoder.out"], atol=1e-10
        )


def test_a_silent_head_writes_nothing(models):
    trace = run(models["bert"], "head:encoder.1.0")
    assert not trace["encoder.1.attn.heads"][0].any() and trace["encoder.1.attn.heads"][1].any()


def test_a_mask_drawn_by_hand(models):
    trace = run(models["bert"], mask="own:e3-4,e5-1")
    mask_LM = np.ones((6, 6), bool)
    mask_LM[3, 4] = mask_LM[5, 1] = False
    assert np.array_equal(trace["encoder.0.attn.mask"], mask_LM)
    opened = run(models["gpt2"], mask="own:d0-3")
    assert opened["decoder.0.attn.mask"][0, 3] and not opened["decoder.0.attn.mask"][0, 4]


def test_a_mask_drawn_by_hand_may_begin_from_a_named_one(models):
    begun = run(models["bert"], mask="own:decoder,e3-4,e3-1")["encoder.0.attn.mask"]
    expected_LM = np.tri(6, dtype=bool)
    expected_LM[3, 4], expected_LM[3, 1] = True, False
    assert np.array_equal(begun, expected_LM)
    drawn = whatif.drawn("decoder,e3-4,d1-0", "encoder", np.tri(6, dtype=bool), expected_LM)
    assert drawn == "decoder,d1-0,e3-1,e3-4"
    assert whatif.begun_from("others") == ("others", "")
    assert whatif.begun_from("e3-4,d1-0") == ("trained", "e3-4,d1-0")


@pytest.mark.parametrize(
    "mask, change",
    [
        ("own:e9-9", ""),
        ("own:d0-0", ""),
        ("own:x", ""),
        ("own:e3-4,decoder", ""),
        ("own:trained,e3-4", ""),
        ("own:e0-0,", "pad:99"),
        ("trained", "pad:0"),
        ("trained", "head:encoder.9.0"),
        ("trained", "head:"),
        ("trained", "nonsense"),
        ("trained", "pad:2+open-pad:2"),
        ("own:e0-0,e0-1,e0-2,e0-3,e0-4,e0-5", ""),
        ("nonsense", ""),
    ],
)
def test_what_cannot_be_run_is_said(models, mask, change):
    with pytest.raises(GlassError):
        run(models["bert"], change, mask)


def test_changes_are_told_in_words():
    change = "positions+head:encoder.0.3"
    assert whatif.title(change) == "without positions, head 3 of the encoder’s layer 0 silent"
    assert whatif.title(change, two_stacks=False) == "without positions, head 3 of layer 0 silent"
    assert whatif.title("head:x") == "head x silent"
    assert whatif.title("") == "" and whatif.parts("pad:3+order") == {"pad": "3", "order": ""}
