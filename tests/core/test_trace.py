"""What a trace says it has can be had, shapes cost nothing, and many readers may share it."""

import sys
from contextlib import nullcontext
from threading import Barrier, Thread

import numpy as np
import pytest

from core import GlassError, load, why
from core.recorder import KEEP
from core.trace import bytes_of
from tests.helpers.names import every_name
from tests.helpers.study import write_study
from tests.helpers.tiny import EVERY, golden

OUTSIDE = (
    "encoder.0.attn.scores.terms.99.0.0",
    "encoder.0.attn.scores.terms.0.99.0",
    "encoder.0.attn.scores.terms.0.0.99",
    "encoder.0.attn.pattern.heat.0",
    "encoder.0.attn.pattern.words.2.0",
    "encoder.0.mlp.writes.0.9999",
    "encoder.0.mlp.pre.terms.99.0",
    "encoder.0.mlp.promotes.0.0",
    "encoder.9.attn.pattern.exp",
    "encoder.embed.near.999999",
    "encoder.embed.arithmetic.0.0.999999",
    "head.tempered.99.100",
    "head.tempered.0.0",
    "head.sampled.0.100.5.0",
    "head.sampled.0.100.5.1001",
    "head.sampled.99.100.5.500",
    "encoder.0.attn.scores.pairs.0.0.0",
    "encoder.0.attn.scores.terms.00.0.0",
    "encoder.0.attn.scores.terms.٣.0.0",
    "head.written",
    "",
)


@pytest.mark.one_in(7)
@pytest.mark.parametrize("every", (7, pytest.param(1, marks=pytest.mark.slow)))
@pytest.mark.parametrize("keep", KEEP)
def test_a_name_is_in_the_trace_if_and_only_if_it_can_be_had(tiny_trace, family, keep, every):
    whole, trace = tiny_trace(family), tiny_trace(family, keep=keep)
    first = EVERY.index(family) % every  # other names of the next family
    for name in (*every_name(whole)[first::every], *OUTSIDE):
        try:
            value = trace[name]
        except KeyError:
            assert name not in trace, name
            with nullcontext() if name in trace.names else pytest.raises(KeyError):
                trace.shape(name)  # a step that was not kept still has one
        else:
            assert name in trace and trace.shape(name) == value.shape, name
            assert np.array_equal(value, whole[name])
    assert all(
        name not in trace for name in OUTSIDE if name.startswith("encoder.0.attn.scores.terms")
    )


@pytest.mark.one_in(2)
@pytest.mark.parametrize("keep", ("all", "layers"))
def test_a_shape_costs_nothing(tiny_trace, family, keep, monkeypatch):
    words_L = [None if i % 3 == 0 else i // 2 for i in range(len(golden(family).inputs["ids_L"]))]
    whole, trace = (tiny_trace(family, keep=keep, words_L=words_L) for _ in range(2))
    shapes = {name: whole[name].shape for name in every_name(whole)}
    monkeypatch.setattr(trace, "_remembered", None)  # nothing can be computed from here on
    assert {name: trace.shape(name) for name in shapes} == shapes
    assert all(name in trace for name in shapes)


@pytest.mark.parametrize("keep", ("all", "layers"))
def test_many_readers_share_a_trace(tiny_trace, keep, monkeypatch):
    """Sixteen threads, switched at every chance, read all there is; the memory is too small."""
    monkeypatch.setattr("core.trace.LAYERS", 1 << 14)
    monkeypatch.setattr("core.trace.WRITTEN", 1 << 11)
    monkeypatch.setattr("core.trace.LOOKS", 1 << 11)
    monkeypatch.setattr("core.trace.DERIVED", 1 << 12)
    whole, trace = tiny_trace("llama"), tiny_trace("llama", keep=keep)
    wanted = {name: whole[name] for name in every_name(whole)}
    start, wrong = Barrier(16), []

    def read(seed: int) -> None:
        start.wait()
        try:
            for name in np.random.default_rng(seed).permutation(list(wanted)):
                if not np.array_equal(trace[str(name)], wanted[name]):
                    wrong.append(name)
        except Exception as error:
            wrong.append(repr(error))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [Thread(target=read, args=(seed,)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert not wrong and not any(thread.is_alive() for thread in threads)


def test_what_a_trace_remembers_stays_within_its_room(tiny_trace, monkeypatch):
    light = tiny_trace("llama", keep="layers")
    kept = light.nbytes
    rooms, held = {}, kept
    for room, leaf in (("LAYERS", "q"), ("WRITTEN", "z"), ("LOOKS", "pattern")):  # for one each
        light[f"decoder.0.attn.{leaf}"]
        rooms[room], held = light.nbytes - held, light.nbytes
        monkeypatch.setattr(f"core.trace.{room}", rooms[room])
    for name in light.names:
        light[name]
        assert light.nbytes <= kept + sum(rooms.values())
    assert rooms["LAYERS"] > rooms["WRITTEN"] + rooms["LOOKS"] and min(rooms.values()) > 0
    for memory in (light._layers, light._written, light._looks):
        assert list(memory) == [("decoder", 1)]
    one = light["decoder.0.attn.heads"].nbytes
    monkeypatch.setattr("core.trace.DERIVED", one)
    for name in light.derived:
        light[name]
        held = [value.nbytes for value in light._values.values()]
        assert sum(held) <= one or len(held) == 1


def test_a_walk_through_the_sources_runs_each_layer_again_only_once(tiny_trace, monkeypatch):
    """Also where there is no room for the layers themselves."""
    monkeypatch.setattr("core.trace.LAYERS", 0)
    light, runs = tiny_trace("llama", keep="layers"), []
    again = light._again
    monkeypatch.setattr(light, "_again", lambda *given: runs.append(given[1:]) or again(*given))
    for row in (1, 2, 3):
        why.parts(light, 5, row=row)
    assert runs == [("decoder", 0), ("decoder", 1)]
    whole = why.parts(tiny_trace("llama"), 3, row=2).parts_S
    assert np.array_equal(why.parts(light, 3, row=2).parts_S, whole)


def test_a_view_counts_as_all_that_it_keeps_and_weights_do_not_count():
    whole, table = np.zeros((10, 10)), np.zeros(100)
    assert bytes_of([whole[0], whole[1:3]]) == 800
    assert bytes_of([whole[0], table[:5]], but=[table[3:]]) == 800


# --- the words of a text --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """study-encoder with random weights, and a tokenizer with [START] and [END]."""
    return load(write_study(tmp_path_factory.mktemp("study"), "study-encoder"))


def test_python_and_the_app_read_the_same_numbers(study):
    """The app runs a text through core.whatif, the README through Model.trace."""
    from core import whatif

    text = "The book is expensive."
    encoding = study.encode(text)
    app = whatif.run(study, whatif.Text(encoding.ids_L, encoding.words_L), None, "trained", "")
    python = study.trace(text)
    assert python.words_L == encoding.words_L and None in python.words_L
    for name in (*app.names, *app.derived, "encoder.0.attn.pattern.words.1.1"):
        np.testing.assert_array_equal(python[name], app[name], err_msg=name)
    separator = python["encoder.0.attn.pattern.roles"][0, 5]
    assert separator > 0  # [END] is a separator only where it is known to be no word
    assert study.trace(ids_L=encoding.ids_L)["encoder.0.attn.pattern.roles"][0, 5] == 0


def test_the_separator_of_the_readme_s_example():
    """0.0994, as the page Heads shows it; without the words of the text it would be 0."""
    trace = load("study-encoder").trace("The book that the student recommended is expensive.")
    assert trace["encoder.0.attn.pattern.roles"][0, 5] == pytest.approx(0.0994, abs=5e-5)


def test_words_that_do_not_fit_the_tokens_are_refused(study):
    with pytest.raises(GlassError, match="one entry for each of the 3 tokens"):
        study.trace(ids_L=[2, 5, 3], words_L=[None, 0])
