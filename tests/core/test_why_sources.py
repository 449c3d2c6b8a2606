"""The stream is the sum of its sources: in every family, at every place, under experiments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import GlassError, load, lstm, why
from core.edits import ablate_head
from core.forward_pass import forward
from core.models.weights import read_folder
from core.step_ref import parse
from core.why.norms import back_through_norm, through_norm
from tests.helpers.sums import check_sums
from tests.helpers.tiny import golden


def test_sources_add_up_to_the_stream(tiny_trace, family):
    check_sums(tiny_trace(family), 1e-9)


def test_in_float32_they_add_up_to_its_rounding(family, tmp_path):
    config, weights = read_folder(golden(family).write(tmp_path), np.float32)
    check_sums(forward(config, weights, **golden(family).inputs), 1e-5)


@pytest.mark.parametrize(
    "name, place, count, tolerance",
    [
        ("study-decoder", "decoder.3.attn", 29, 1e-6),
        ("minilm", "encoder.5.attn", 84, 1e-6),
        ("smollm2", "decoder.29.attn", 291, 1e-6),
    ],
)
def test_the_sources_of_real_models(name, place, count, tolerance):
    trace = load(name).trace("The books that the student recommended")
    found = why.sources(trace, place)
    sides = [trace[f"{place.split('.')[0]}.{n}.out"] for n in range(int(place.split(".")[1]))]
    error = abs(found.vectors_SLD.sum(axis=0) - trace[found.step]).max()
    assert len(found) == count
    assert error <= tolerance * max(abs(x_LD).max() for x_LD in sides)


def test_a_source_is_named_after_what_wrote_it(tiny_trace):
    names = why.sources(tiny_trace("gpt2"), "decoder.1.attn").names
    heads = tuple(f"decoder.0.attn.head.{h}" for h in range(tiny_trace("gpt2").config.n_heads))
    assert names == (
        "decoder.embed.token",
        "decoder.embed.position",
        *heads,
        "decoder.0.attn.bias",
        "decoder.0.mlp",
    )
    post_norm = why.sources(tiny_trace("bert"), "encoder.0.mlp").names
    assert post_norm[:4] == tuple(
        f"encoder.embed.{leaf}" for leaf in ("token", "position", "segment", "norm.bias")
    )
    assert post_norm[-2:] == ("encoder.0.attn.bias", "encoder.0.attn.norm.bias")
    assert "decoder.0.attn.bias" not in why.sources(tiny_trace("llama"), "decoder.out").names


def test_what_a_head_wrote_is_its_source_until_a_norm_has_been_passed(tiny_trace):
    trace = tiny_trace("marian")
    head_LD = why.sources(trace, "decoder.0.cross").of("decoder.0.attn.head.1")
    passed_LD = through_norm(
        trace, "decoder.0.attn.norm", trace["decoder.0.attn.heads"][1], slice(None)
    )
    np.testing.assert_allclose(head_LD, passed_LD, rtol=1e-9)
    trace = tiny_trace("llama")
    head_LD = why.sources(trace, "decoder.1.out").of("decoder.0.attn.head.1")
    np.testing.assert_allclose(head_LD, trace["decoder.0.attn.heads"][1], rtol=1e-12)


def test_some_tokens_alone(tiny_trace, family):
    trace = tiny_trace(family)
    place = f"{trace.config.sides[-1]}.1.mlp"
    whole, some = why.sources(trace, place), why.sources(trace, place, [-1, 2])
    assert some.rows_L.tolist() == [whole.vectors_SLD.shape[1] - 1, 2]
    np.testing.assert_allclose(some.vectors_SLD, whole.vectors_SLD[:, [-1, 2]], rtol=1e-12)


def test_a_trace_that_kept_only_layers_has_the_same_sources(tiny_trace, family):
    trace, light = tiny_trace(family), tiny_trace(family, keep="layers")
    place = f"{trace.config.sides[-1]}.out"
    np.testing.assert_array_equal(
        why.sources(trace, place).vectors_SLD, why.sources(light, place).vectors_SLD
    )


def test_a_silenced_head_is_a_source_of_nothing(tiny_trace):
    trace = tiny_trace("bert", edits=ablate_head("encoder", 0, 1))
    check_sums(trace, 1e-9)
    found = why.sources(trace, "encoder.1.attn")
    assert (found.of("encoder.0.attn.head.1") == 0).all()
    assert not any(name.endswith("edit") for name in found.names)


def test_a_silenced_network_is_a_source_of_nothing(tiny_trace):
    trace = tiny_trace("llama", edits={"decoder.0.mlp.out": lambda x: x * 0})
    check_sums(trace, 1e-9)
    found = why.sources(trace, "decoder.1.attn")
    assert (found.of("decoder.0.mlp") == 0).all()
    assert not any(name.endswith("edit") for name in found.names)


@pytest.mark.parametrize(
    "family, leaf, source",
    [
        ("gpt2", "embed.out", "embed.out"),
        ("bert", "embed.norm.out", "embed.out"),
        ("gpt2", "0.attn.out", "0.attn.sum"),
        ("llama", "0.mlp.in", "0.mlp.in"),
        ("llama", "1.attn.in", "1.attn.in"),
        ("t5_relu", "0.mlp.sum", "0.mlp.sum"),
        ("marian", "0.cross.norm.unit", "0.cross.norm.out"),
        ("bert", "0.out", "0.out"),
        ("gpt2", "norm.out", "out"),
    ],
)
def test_what_an_experiment_puts_into_the_stream_is_a_source(tiny_trace, family, leaf, source):
    side = tiny_trace(family).config.sides[-1]
    trace = tiny_trace(family, edits={f"{side}.{leaf}": lambda x: x + 1})
    check_sums(trace, 1e-9)
    assert f"{side}.{source}.edit" in why.sources(trace, f"{side}.out").names


@pytest.mark.parametrize("family", ("bert", "gpt2", "llama", "t5_gated", "marian"))
@pytest.mark.parametrize("left_out", ({"norm": "none"}, {"positions": "none"}))
def test_what_ifs_that_leave_a_part_out(family, left_out, tmp_path):
    config, weights = read_folder(golden(family).write(tmp_path), np.float64)
    check_sums(forward(replace(config, **left_out), weights, **golden(family).inputs), 1e-9)


def test_a_reading_before_a_norm_reads_what_it_reads_after_it(tiny_trace, family):
    """The one is the other's transpose."""
    trace = tiny_trace(family)
    D, side = trace.config.d_model, trace.config.sides[-1]
    vectors_SLD = np.cos(np.arange(3 * D)).reshape(3, 1, D)
    reads_D = np.sin(np.arange(D) ** 2)
    norm = next(
        name for name in trace if name.startswith(f"{side}.0.mlp.") and "norm.scale" in name
    )
    norm = norm.removesuffix(".scale")
    after_S = through_norm(trace, norm, vectors_SLD, [2])[:, 0] @ reads_D
    before_S = vectors_SLD[:, 0] @ back_through_norm(trace, norm, reads_D, 2)
    np.testing.assert_allclose(after_S, before_S, rtol=1e-9)


@pytest.mark.parametrize(
    "place", ["", "decoder", "decoder.9.attn", "encoder.0.attn", "decoder.0.cross", "head.in"]
)
def test_places_that_are_not_there(tiny_trace, place):
    with pytest.raises(GlassError, match="no place"):
        why.sources(tiny_trace("gpt2"), place)


def test_tokens_that_are_not_there_and_a_network_without_a_stream(tiny_trace):
    with pytest.raises(GlassError, match="tokens"):
        why.sources(tiny_trace("gpt2"), "decoder.out", 99)
    with pytest.raises(GlassError, match="transformer"):
        why.sources(lstm.load().trace(ids_L=[1, 2]), "decoder.out")


def test_names_in_words(tiny_trace, family):
    """Each source of each family has words of its own, and no name is left as it is."""
    trace = tiny_trace(family)
    for side in trace.config.sides:
        names = why.sources(trace, f"{side}.out").names
        said = [why.in_words(name) for name in names]
        assert len(set(said)) == len(said)
        assert not set(said) & set(names)
        assert all(parse(name) or ".head." in name for name in names)


@pytest.mark.parametrize(
    "name, token, words",
    [
        ("decoder.3.attn.head.4", "", "head 3.4"),
        ("decoder.3.cross.head.4", "", "cross-head 3.4"),
        ("decoder.2.mlp", "", "feed-forward 2"),
        ("decoder.embed.token", "books", "the embedding of “books”"),
        ("decoder.embed.position", "books", "the position"),
        ("decoder.1.attn.bias", "", "the bias of attention 1"),
        ("decoder.1.mlp.norm.bias", "", "the norm’s bias, feed-forward 1"),
        ("encoder.relative", "", "the bias for the distance"),
        ("encoder.0.attn.q.bias", "", "the query’s bias, attention 0"),
        ("decoder.norm.bias", "", "the last norm’s bias"),
        ("head.logits.bias", "", "the word’s bias"),
        ("decoder.1.attn.in.edit", "", "what an experiment put into 1.attn.in"),
        ("something else", "", "something else"),
    ],
)
def test_some_names_in_words(name, token, words):
    assert why.in_words(name, token) == words


def test_names_that_say_the_side():
    assert why.in_words("encoder.3.attn.head.4", side=True) == "the encoder’s head 3.4"
    said = why.in_words("encoder.embed.token", "green", side=True)
    assert said == "the encoder’s embedding of “green”"
