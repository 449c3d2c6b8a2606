"""The LSTM against a loop that adds number by number and against PyTorch; each of its numbers
opens; its files are believed nothing.
"""

import math

import numpy as np
import pytest

from core import GlassError, explain
from core.lstm import GATES, load, weight_shapes
from core.models import catalogue
from core.source import lines_that_made
from core.steps import about
from tests.helpers.lstm import UNITS, small, write_lstm

IDS = (2, 7, 0, 10, 7, 3)


@pytest.fixture(scope="module")
def trace():
    return small().trace(ids_L=IDS)


def naive(model, ids) -> dict:
    """The equations, one number at a time."""
    w, found = model.weights, {name: [] for name in ("hidden", "cell", *GATES)}
    hidden, cell = [0.0] * UNITS, [0.0] * UNITS
    for token in ids:
        x, opened = w["lstm.embed.weight"][token], {}
        for gate in GATES:
            W, U, b = (w[f"lstm.{gate}.{kind}"] for kind in ("weight", "recurrent", "bias"))
            sums = [
                sum(x[d] * W[d][u] for d in range(UNITS))
                + sum(hidden[v] * U[v][u] for v in range(UNITS))
                + b[u]
                for u in range(UNITS)
            ]
            opened[gate] = [
                math.tanh(s) if gate == "candidate" else 1 / (1 + math.exp(-s)) for s in sums
            ]
        cell = [
            opened["forget"][u] * cell[u] + opened["input"][u] * opened["candidate"][u]
            for u in range(UNITS)
        ]
        hidden = [opened["output"][u] * math.tanh(cell[u]) for u in range(UNITS)]
        for name, value in (("hidden", hidden), ("cell", cell), *opened.items()):
            found[name].append(value)
    return found


def test_it_is_the_loop_of_the_paper(trace):
    for name, expected_LU in naive(small(), IDS).items():
        assert np.abs(trace[f"lstm.{name}"] - expected_LU).max() < 1e-12
    logits_RV = (
        trace["lstm.hidden"] @ trace.weights["lstm.embed.weight"].T
        + trace.weights["head.logits.bias"]
    )
    assert np.abs(trace["head.logits"] - logits_RV).max() < 1e-12
    assert np.allclose(trace["head.probs"].sum(axis=1), 1)


def test_it_is_that_of_pytorch(trace):
    torch = pytest.importorskip("torch")
    model, library = small(), torch.nn.LSTM(UNITS, UNITS, dtype=torch.float64)
    order = (
        "input",
        "forget",
        "candidate",
        "output",
    )  # in which PyTorch lays the gates one below the other
    joined = {
        kind: np.concatenate([model.weights[f"lstm.{gate}.{kind}"].T for gate in order])
        for kind in ("weight", "recurrent", "bias")
    }
    library.load_state_dict(
        {
            name: torch.tensor(value)
            for name, value in (
                ("weight_ih_l0", joined["weight"]),
                ("weight_hh_l0", joined["recurrent"]),
                ("bias_ih_l0", joined["bias"]),
                ("bias_hh_l0", np.zeros_like(joined["bias"])),
            )
        }
    )
    with torch.no_grad():
        hidden_LU, (_, cell_1U) = library(torch.tensor(trace["lstm.in"]))
    assert np.abs(trace["lstm.hidden"] - hidden_LU.numpy()).max() < 1e-12
    assert np.abs(trace["lstm.cell"][-1] - cell_1U.numpy()[0]).max() < 1e-12


def test_every_cell_is_recomputed_from_its_operands_which_are_cells_too(trace):
    chance = np.random.default_rng(1)
    for name in trace:
        cells = [
            tuple(cell)
            for cell in chance.integers(trace.shape(name), size=(8, len(trace.shape(name))))
        ]
        for index in (*cells, (0,) * len(trace.shape(name))):
            made = explain(trace, name, index)
            assert made.error <= 1e-9 * max(abs(made.value), 1e-3), (name, index, made.formula)
            assert made.title and made.story and made.latex
            assert all(
                explain(trace, each.name, each.index).value == each.value
                for each in made.operands
                if each.name
            )


def test_a_gate_is_made_of_the_word_the_state_before_and_a_bias(trace):
    parts = explain(trace, "lstm.forget.pre", (3, 2)).operands
    assert [part.name for part in parts] == [
        "lstm.forget.word",
        "lstm.forget.past",
        "weights/lstm.forget.bias",
    ]
    assert sum(part.value for part in parts) == pytest.approx(
        trace["lstm.forget.pre"][3, 2], abs=1e-12
    )
    assert {
        part.index[0]
        for part in explain(trace, "lstm.forget.past", (3, 2)).operands
        if part.name == "lstm.hidden"
    } == {2}
    assert trace["lstm.forget.past"][0].tolist() == [0] * UNITS


def test_the_walk_from_a_guess_goes_back_word_by_word_to_the_first(trace):
    """The last cell holds a part of the cell before, and so on: as many steps as there are words
    between.
    """
    name, index, words = "lstm.cell", (len(IDS) - 1, 0), []
    while name == "lstm.cell":
        words.append(index[0])
        _, held, *_ = explain(trace, name, index).operands
        name, index = held.name, held.index
    assert words == [5, 4, 3, 2, 1, 0] and name is None


def test_the_lines_that_are_shown_are_those_of_this_step(trace):
    cell, gate = lines_that_made(trace, "lstm.cell"), lines_that_made(trace, "lstm.forget")
    assert [each.function for each in gate] == ["read", "sigmoid", "gate"]
    assert [cell[0].lines[n - cell[0].first].strip() for n in cell[0].highlighted] == [
        'cell_U = at.put("cell_U", forget_U * cell_U + input_U * candidate_U)'
    ]
    assert "past_U" in "".join(lines_that_made(trace, "lstm.output.past")[0].text)


def test_its_names_axes_and_shapes(trace):
    assert [name for name in trace if name.count(".") == 1 and name.startswith("lstm.")] == [
        "lstm.in",
        "lstm.input",
        "lstm.forget",
        "lstm.candidate",
        "lstm.output",
        "lstm.cell",
        "lstm.hidden",
    ]
    assert (
        trace.axes("lstm.cell") == "LU"
        and trace.axes("head.probs") == "RV"
        and trace.shape("head.probs") == (6, 11)
    )
    assert (
        about(trace, "head.logits").latex != about(trace, "head.probs").latex
        and not trace["lstm.cell"].flags.writeable
    )


def test_weights_of_another_shape_stop_at_their_own_line():
    model = small()
    model.weights["lstm.input.bias"] = np.zeros(UNITS + 1)
    with pytest.raises(ValueError):
        model.trace(ids_L=IDS)


def test_it_is_read_from_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    with pytest.raises(GlassError, match="study-lstm"):
        load()
    write_lstm(tmp_path)
    model = load(dtype=np.float64)
    trace = model.trace("The book that the student recommended")
    assert set(model.weights) == set(weight_shapes(model.config))
    assert model.weights["head.logits.weight"] is model.weights["lstm.embed.weight"]
    assert trace.shape("lstm.hidden") == (7, UNITS) and trace.words_L == (None, 0, 1, 2, 3, 4, 5)
    again = small(np.float16, 0, model.config.n_vocab)
    assert np.array_equal(
        model.weights["lstm.forget.recurrent"], again.weights["lstm.forget.recurrent"]
    )


@pytest.mark.parametrize(
    "field, value", [("model_type", "bert"), ("n_units", 7), ("n_vocab", "many"), ("n_units", None)]
)
def test_files_that_are_wrong_are_refused_with_a_sentence(tmp_path, monkeypatch, field, value):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    write_lstm(tmp_path, **{field: value})
    with pytest.raises(GlassError):
        load()
