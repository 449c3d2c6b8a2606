"""Any cell of any step of any family, recomputed from its operands; and the walk from an output
down to the weights.
"""

import ast
import math
import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from core import GlassError, explain
from core.source import lines_that_made
from core.step_ref import parse
from core.steps import LEARNED, about, gradients, kind_of, kinds
from core.steps.letters import INDICES, LETTERS, letters_in, symbols
from core.text import number, root
from tests.helpers import lstm
from tests.helpers.calculator import agrees, calculated
from tests.helpers.made_up import MADE_UP, made_up
from tests.helpers.names import every_name
from tests.helpers.recomputed import check_cells
from tests.helpers.shapes import SHAPES, shape_trace
from tests.helpers.tiny import FAMILIES, golden

OF_RELATIONS = ("roberta", "xlm-roberta", "distilbert", "electra", "mpnet", "m2m_100")
CASES = {"as trained": {}, "every token but itself": {"mask": "others"}}


@pytest.mark.one_in(6)
@pytest.mark.parametrize("cells", (1, pytest.param(12, marks=pytest.mark.slow)))
@pytest.mark.parametrize("case", CASES)
def test_cells_are_recomputed_from_their_operands(tiny_trace, family, case, cells):
    options = CASES[case]
    if case != "as trained" and "target_ids_L" in golden(family).inputs:
        options = {"mask": {"encoder": "others"}}
    n_tokens, rng = len(golden(family).inputs["ids_L"]), np.random.default_rng(3)
    words_L = [None if i in (0, n_tokens - 1) else i // 2 for i in range(n_tokens)]
    trace = tiny_trace(family, **options, words_L=words_L)
    check_cells(trace, every_name(trace), cells, rng)


def test_a_formula_is_calculated_as_it_is_written():
    assert agrees("1 / 1.002456 = 0.99755") and not agrees("1 / 1.0025 = 0.99755")
    assert calculated("exp(2 − (−1)) / √4 = 0") == pytest.approx(math.exp(3) / 2)
    assert calculated("√((2² + [the other 3 terms: 5]) / 1) = 3") == 3
    assert calculated("passed on unchanged = 1") is None and not agrees("2·3 + 1 = 8")


def test_a_wrong_operand_would_show(tiny_trace):
    """The value is recomputed, not copied: with an edited q the score no longer agrees with what
    was recorded.
    """
    trace = tiny_trace("bert", edits={"encoder.0.attn.scores.dot": lambda dot_HLM: dot_HLM + 1})
    edited = explain(trace, "encoder.0.attn.scores.dot", (0, 1, 2))
    assert edited.edited and edited.error == pytest.approx(1)
    assert not explain(trace, "encoder.0.attn.scores.scaled", (0, 1, 2)).edited


def test_the_walk_ends_at_learned_numbers_and_inputs(tiny_trace, family):
    """From the last vector down, always to the first operand: it must end, and at a weight or an
    input.
    """
    trace = tiny_trace(family)
    name, index, steps = f"{trace.config.sides[-1]}.out", (1, 2), 0
    while operands := [o for o in explain(trace, name, index).operands if o.name]:
        name, index, steps = operands[0].name, operands[0].index, steps + 1
        assert steps < 200
    assert name.startswith("weights/") or name.endswith(".position")


def test_blocked_scores_are_minus_infinity_and_say_so(tiny_trace):
    explanation = explain(tiny_trace("gpt2"), "decoder.0.attn.scores", (0, 0, 1))
    assert explanation.value == explanation.recomputed == -math.inf and explanation.error == 0
    assert "blocked" in explanation.formula


def test_long_sums_name_their_largest_terms_and_the_rest(tiny_trace):
    explanation = explain(tiny_trace("bert"), "encoder.0.mlp.out", (1, 2))
    x, w, bias = explanation.groups
    assert f"the other {len(x.values_N) - 6} terms" in explanation.formula
    assert (
        len(x.values_N) == len(w.values_N) == tiny_trace("bert").config.d_mlp
        and len(bias.values_N) == 1
    )


@pytest.mark.parametrize("index", [(0,), (0, 0, 99), (0, -1, 0), (0.5, 0, 0), "abc", (0, 0, 0, 0)])
def test_cells_that_are_not_there(tiny_trace, index):
    with pytest.raises(GlassError):
        explain(tiny_trace("bert"), "encoder.0.attn.q", index)


@pytest.mark.parametrize(
    "name", ["encoder.0.attn.qq", "weights/nothing", "weights/", "", "__class__"]
)
def test_names_that_are_not_there(tiny_trace, name):
    with pytest.raises(KeyError):
        explain(tiny_trace("bert"), name, (0, 0, 0))


@pytest.mark.one_in(4)
def test_every_step_has_words_and_lines_of_core(tiny_trace, family):
    trace = tiny_trace(family)
    for name in every_name(trace):
        assert about(trace, name).story.endswith(".")
        snippet, *called = lines_that_made(trace, name)
        marked = [snippet.lines[n - snippet.first] for n in sorted(snippet.highlighted)]
        leaf = name.rsplit(".", 1)[1]
        assert name not in trace.names or any(leaf in line for line in marked), (name, marked)
        ast.parse(dedent(snippet.text))


def test_the_lines_shown_are_those_of_the_file(tiny_trace):
    for snippet in lines_that_made(tiny_trace("bert"), "encoder.0.attn.pattern"):
        lines = (Path(__file__).parents[2] / snippet.path).read_text().splitlines()
        assert (
            tuple(lines[snippet.first - 1 : snippet.first - 1 + len(snippet.lines)])
            == snippet.lines
        )
    names = [s.function for s in lines_that_made(tiny_trace("bert"), "encoder.0.attn.q")]
    assert names == ["attention", "project"]
    assert [s.function for s in lines_that_made(tiny_trace("bert"), "encoder.0.attn.pattern")] == [
        "attention",
        "softmax",
    ]


@pytest.mark.parametrize("kind", [*kinds(), LEARNED], ids=lambda kind: kind.leaf)
def test_the_letters_of_every_formula_are_explained(kind):
    """Whatever is left of a formula without commands and words is a letter, and has a meaning."""
    letters = letters_in(kind)
    assert all(letters.values())
    bare = re.sub(r"\\(text|begin|end)\{[^}]*\}|\\mathrm\{\w\w+\}|\\[A-Za-z]+", " ", kind.latex)
    explained = re.sub(r"\\mathrm\{\w\w+\}|\\[A-Za-z]+", " ", " ".join(letters))
    assert set(re.findall("[A-Za-z]", bare)) == set(re.findall("[A-Za-z]", explained))
    assert set(kind.letters) <= letters.keys(), "a meaning for a letter that does not occur"


@pytest.mark.parametrize("kind", [*kinds(), LEARNED], ids=lambda kind: kind.leaf)
def test_a_letter_has_one_meaning_in_a_formula(kind):
    """It counts something or it is a number, not both; what it means elsewhere, the kind says."""
    letters, (above, below) = letters_in(kind), symbols(kind.latex)
    numbers = {symbol[0] for symbol in above if symbol in LETTERS}
    assert not numbers & {symbol[0] for symbol in below if symbol[0] in INDICES}
    words = list(letters.values())
    assert len(words) == len(set(words)), "two letters with one meaning"
    tables = {symbol: LETTERS.get(symbol, INDICES.get(symbol)) for symbol in letters}
    assert all(tables[symbol] != word for symbol, word in kind.letters.items())


def test_letters_that_are_no_index_are_no_index(tiny_trace):
    value = kind_of(tiny_trace("bert").config, parse("encoder.0.attn.v"))
    assert letters_in(value)["v"] == "value", "and no word of the vocabulary"
    assert list(letters_in(value)) == ["v", "x", "W^V", "b^V", "m", "j", "d"]


def test_a_letter_without_a_meaning_is_an_error():
    with pytest.raises(KeyError, match="Q"):
        letters_in(replace(LEARNED, latex=r"Q_{l}"))


@pytest.mark.parametrize(
    "x, text",
    [
        (0, "0"),
        (1 / 3, "0.33333"),
        (9.41384e-5, "0.000094138"),
        (-2.5e-7, "−2.5e−7"),
        (123456.7, "123460"),
        (-math.inf, "−∞"),
        (1e20, "1e+20"),
    ],
)
def test_numbers_are_written_as_a_reader_would(x, text):
    assert number(x) == text


def test_words_are_written_for_every_kind():
    for kind in kinds():
        assert kind.title and kind.story and kind.latex, kind


def test_one_of_each_kind_is_tried(tiny_trace):
    """So that the tests above leave no recipe out."""
    traces = [tiny_trace(family) for family in FAMILIES] + [made_up(name) for name in MADE_UP]
    traces += [shape_trace(shape) for shape in SHAPES]  # these are tried in test_layer_shapes.py
    # These are tried in test_encoders.py and test_further_families.py.
    traces += [tiny_trace(family) for family in OF_RELATIONS]
    tried = {about(trace, name) for trace in traces for name in every_name(trace)}
    small = lstm.small().trace(ids_L=[1, 2])
    tried |= {about(small, name) for name in small}  # these are tried in test_lstm.py
    left_out = set(kinds()) - tried - set(gradients.KINDS)  # these are in test_gradients.py
    # Updates without their norms, and no positions but segments, are what-ifs, which no family was
    # trained with: test_whatif tries them.
    assert {(kind.leaf, kind.story) for kind in left_out} == {
        ("out.norm.out", "The vector passes unchanged: in this run no norm stands here."),
        ("sum", "The token’s embedding plus that of its segment."),
    }


@pytest.mark.parametrize(
    "name",
    [
        "encoder.embed.near.999999",
        "encoder.0.attn.pattern.heat.0",
        "encoder.0.attn.scores.terms.99.0.0",
        "encoder.0.attn.scores.terms.1.1",
        "encoder.0.mlp.promotes.0.0",
        "head.sampled.0.100.5.0",
    ],
)
def test_derived_values_that_are_not_there(tiny_trace, name):
    with pytest.raises(KeyError):
        explain(tiny_trace("bert"), name, (0, 0, 0))


def test_a_root_is_said_to_be_exact_only_where_it_is():
    assert root(64) == "√64 = 8" and root(576) == "√576 = 24"
    assert root(20) == "√20 ≈ 4.47" and root(528) == "√528 ≈ 23"  # 22.978
