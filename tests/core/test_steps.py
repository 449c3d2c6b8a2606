"""That one record in one file is all there is to a kind of number, and that names are read as they
are written.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import explain, steps
from core.operands import ALL, Cell, Result
from core.source import lines_that_made
from core.step_ref import StepRef, parse, ref_of
from core.steps import about, computed_after, kind_of, kinds, norm
from core.steps.kind import RANGES, SUBLAYER, StepKind
from tests.helpers import lstm
from tests.helpers.names import every_name
from tests.helpers.tiny import FAMILIES
from ui.kit.theme import COLOURS


def largest(trace, at: StepRef, power: int):
    """The largest number of each token's vector, to a power, (L,)."""
    return trace[f"{at.path}.in"].max(axis=-1) ** power


def explain_largest(cell: Cell) -> Result:
    (l,), (power,) = cell.index, cell.args
    x = cell.get("x", f"{cell.path}.in", l, ALL)
    return Result(float(x.values_N.max() ** power), f"max(…)^{power}", (x,))


LARGEST = StepKind(
    leaf="in.largest",
    axes="L",
    place=SUBLAYER,
    recipe=explain_largest,
    title="Largest number",
    story="The largest number of the token's vector.",
    latex=r"\max_d x_{l,d}^n",
    colour="mlp",
    scale="weight",
    compute=largest,
    after="in",
    args="B",
)


def test_a_new_kind_of_number_is_one_record_in_one_file(tiny_trace, family, monkeypatch):
    trace = tiny_trace(family)
    side = trace.config.sides[-1]
    name = f"{side}.1.mlp.in.largest.1"
    assert name not in trace
    monkeypatch.setattr(norm, "KINDS", (*norm.KINDS, LARGEST))
    wanted_L = trace[f"{side}.1.mlp.in"].max(axis=-1)
    assert name in trace and f"{side}.1.mlp.in.largest.2" not in trace
    assert trace.shape(name) == wanted_L.shape and trace.axes(name) == "L"
    np.testing.assert_array_equal(trace[name], wanted_L)
    made = explain(trace, name, (2,))
    assert made.value == made.recomputed == wanted_L[2] and made.title == "Largest number"
    assert {operand.name for operand in made.operands} == {f"{side}.1.mlp.in"}
    assert (about(trace, name).colour, about(trace, name).scale) == ("mlp", "weight")
    assert [snippet.function for snippet in lines_that_made(trace, name)] == ["largest"]
    unnumbered = [ref.leaf for ref in computed_after(trace.config, ref_of(f"{side}.1.mlp.in"))]
    assert "in.largest" not in unnumbered  # of values whose names end in numbers there are too many


def test_a_kind_without_numbers_is_listed_with_its_step(tiny_trace, monkeypatch):
    plain = StepKind(
        **vars(LARGEST) | {"args": "", "compute": lambda trace, at: largest(trace, at, 1)}
    )
    monkeypatch.setattr(norm, "KINDS", (*norm.KINDS, plain))
    trace = tiny_trace("bert")
    assert "encoder.0.attn.in.largest" in trace.derived


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.place[0]}.{kind.leaf}")
def test_a_record_is_complete(kind):
    assert kind.colour in COLOURS and kind.scale in ("signed", "weight", "mask")
    assert bool(kind.compute) == bool(kind.after)
    assert kind.compute or not kind.args
    assert all(letter in RANGES or letter.isupper() for letter in kind.args)
    assert parse(f"head.{kind.leaf}") == StepRef("head", None, "", kind.leaf)


def test_one_kind_fits_a_name_and_no_other(tiny_trace, family):
    """Variants of a leaf leave nothing open: in each model exactly one of them stands for it."""
    trace = tiny_trace(family)
    for name in every_name(trace):
        ref = ref_of(name)
        fitting = [
            kind
            for kind in kinds()
            if kind.leaf == ref.leaf
            and {ref.place, f"{ref.side}.{ref.place}"} & set(kind.place)
            and kind.stands(trace.config, ref)
        ]
        assert fitting == [kind_of(trace.config, ref)], name


# --- names ----------------------------------------------------------------------------------------


def test_a_name_is_read_as_it_is_written(tiny_trace):
    traces = [*map(tiny_trace, FAMILIES), lstm.small().trace(ids_L=[1, 2])]
    for name in {name for trace in traces for name in every_name(trace)}:
        ref = ref_of(name)
        assert str(ref) == name and name.startswith(f"{ref.path}.{ref.leaf}")


@pytest.mark.parametrize(
    "name, ref",
    [
        ("encoder.3.cross.q", StepRef("encoder", 3, "cross", "q")),
        ("decoder.0.attn.norm.out", StepRef("decoder", 0, "attn", "norm.out")),
        ("encoder.embed.near.7", StepRef("encoder", None, "embed", "near", (7,))),
        ("decoder.cross.pattern.mean", StepRef("decoder", None, "", "cross.pattern.mean")),
        ("decoder.11.out.length", StepRef("decoder", 11, "", "out.length")),
        ("head.sampled.0.100.5.900", StepRef("head", None, "", "sampled", (0, 100, 5, 900))),
        ("lstm.embed.ids", StepRef("lstm", None, "", "embed.ids")),
    ],
)
def test_the_parts_of_a_name(name, ref):
    assert parse(name) == ref


@pytest.mark.parametrize(
    "name",
    [
        "",
        "encoder",
        "encoder.",
        "encoder.00.out",
        "encoder.0.attn.scores.terms.03.1.2",
        "encoder.0.attn.scores.terms.٣.0.0",
        "encoder.0.attn..q",
        "middle.0.attn.q",
        "weights/encoder.0.attn.q.weight",
        "encoder.0.attn.q\n",
        "encoder.0.attn.3",
        "encoder.1234567.out",
    ],
)
def test_what_is_no_name(name):
    assert parse(name) is None
    with pytest.raises(ValueError, match="no step can be called"):
        ref_of(name)


def test_the_place_of_a_name():
    q = ref_of("decoder.3.cross.q.unrotated")
    assert (q.path, q.place, q.axis_group, str(q.parent)) == (
        "decoder.3.cross",
        "cross",
        "cross",
        "decoder.3.cross.q",
    )
    assert str(q.with_layer(5)) == "decoder.5.cross.q.unrotated"
    assert str(q.with_leaf("scores.terms", 1, 2, 3)) == "decoder.3.cross.scores.terms.1.2.3"
    assert q.inside_layer and not ref_of("decoder.3.out").inside_layer
    assert ref_of("decoder.cross.pattern.mean").axis_group == "cross"
    assert [ref_of(name).place for name in ("encoder.out", "encoder.0.out", "pooler.pre")] == [
        "stack",
        "layer",
        "pooler",
    ]


def test_the_parts_are_the_files_of_the_folder():
    files = {path.parent.name for path in Path(steps.__file__).parent.glob("*/__init__.py")}
    files |= {path.stem for path in Path(steps.__file__).parent.glob("*.py")}
    parts = {part.__name__.rpartition(".")[2] for part in steps.PARTS}
    assert parts == files - {"__init__", "kind", "letters"}


def test_what_is_grey_where_the_mask_hides_it_has_a_cell_for_each_of_its_cells():
    masked = [kind for kind in kinds() if kind.masked]
    assert {kind.leaf for kind in masked} == {
        "pattern",
        "pattern.heat",
        "pattern.unscaled",
        "pattern.others",
    }
    assert all(kind.axes[-2:] == "LM" and set(kind.place) <= {"attn", "cross"} for kind in masked)
