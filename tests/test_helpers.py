"""How tests share work: rows that stand for a full product hold every pair, a part of the cases and
the others are all of them, and no test module is taken for a library.
"""

import re
from itertools import combinations, product
from pathlib import Path

import pytest

from tests.helpers.pairwise import pairwise
from tests.helpers.sample import one_in

SIZES = ((1, 1), (3, 2), (2, 2, 2), (5, 1, 4), (9, 4, 2, 13), (6, 6, 4, 13))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_two_values_of_any_two_parameters_meet(sizes):
    parameters = [[f"{i}.{n}" for n in range(size)] for i, size in enumerate(sizes)]
    rows = pairwise(*parameters)
    wanted = [pair for one, other in combinations(parameters, 2) for pair in product(one, other)]
    met = {pair for row in rows for pair in combinations(row, 2)}
    assert met == set(wanted) and all(len(row) == len(sizes) for row in rows)


@pytest.mark.parametrize("sizes", SIZES[-2:], ids=str)
def test_the_rows_are_few_and_each_time_the_same(sizes):
    rows = pairwise(*map(range, sizes))
    largest, second = sorted(sizes)[-1:-3:-1]
    assert largest * second <= len(rows) == len(set(rows)) < 1.3 * largest * second
    assert rows == pairwise(*map(range, sizes))


def test_values_that_are_equal_across_parameters_are_told_apart():
    assert set(pairwise((1, 2), (1, 2))) == {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize("every, first", [(1, 0), (3, 0), (3, 2)])
def test_a_part_of_the_cases_and_those_that_are_slow_are_all_of_them(every, first):
    found = one_in(every, [(n, -n) for n in range(10)], first)
    assert [each.values for each in found] == [(n, -n) for n in range(10)]
    quick = [each.values[0] for each in found if not each.marks]
    assert quick == list(range(first, 10, every))
    assert [each.values for each in one_in(2, "ab")] == [("a",), ("b",)]


def test_no_test_module_imports_another():
    files = sorted(Path(__file__).parent.rglob("*.py"))
    taken = re.compile(r"^\s*(from|import) (tests\.\w*\.?)?(test_|conftest)", re.M)
    assert len(files) > 50
    assert [path for path in files if taken.search(path.read_text(encoding="utf-8"))] == []
