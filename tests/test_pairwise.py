"""The rows that stand for a full product hold every pair."""

from itertools import combinations, product

import pytest

from tests.helpers.pairwise import pairwise

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
