"""How many bytes a run takes is known before it runs, and it never takes more."""

import tracemalloc

import numpy as np
import pytest

from core import forward
from core.models.weights import read_folder
from core.run_size import longest, nbytes_of_run
from tests.helpers.sample import one_in
from tests.helpers.tiny import golden


def peak_of(config, weights, tokens: int) -> int:
    """The most bytes while a text is read, and every layer is looked at afterwards."""
    ids_L = np.arange(tokens) % config.n_vocab
    target = {"target_ids_L": ids_L} if config.crosses else {}
    tracemalloc.start()
    try:
        trace = forward(config, weights, ids_L, keep="layers", rows=-1, **target)
        for side in config.sides:
            for layer in range(config.layers(side)):
                for leaf in ("attn.pattern", "attn.z", "mlp.out", "out.length"):
                    trace[f"{side}.{layer}.{leaf}"]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "family, tokens",
    one_in(
        4, [(family, n) for family in ("llama", "marian", "bert", "t5_gated") for n in (12, 40)]
    ),
)
def test_a_run_takes_what_was_said_and_no_more(family, tokens, tmp_path):
    config, weights = read_folder(golden(family).write(tmp_path))
    tokens = min(tokens, config.n_positions or tokens)
    taken, said = peak_of(config, weights, tokens), nbytes_of_run(config, tokens)
    assert taken < said + 50_000 and said < 3.5 * taken, (taken, said)


def test_the_longest_text_is_the_longest_that_fits(tmp_path):
    config, _ = read_folder(golden("t5_relu").write(tmp_path))
    for room in (1 << 20, 1 << 27):
        most = longest(lambda n: nbytes_of_run(config, n), room)
        assert nbytes_of_run(config, most) <= room < nbytes_of_run(config, most + 1)
    assert longest(lambda n: nbytes_of_run(config, n), -1) == 0
