"""Where a layer's norms stand, and whether its sublayers run side by side: the equations by hand,
and in every shape the sums that are taken apart.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from core import explain, why
from core.decoding.key_value_cache import read, read_on
from core.edits import ablate_sublayer
from core.ops import alibi_slopes, gelu
from core.why.places import sublayers
from tests.helpers.calculator import agrees
from tests.helpers.names import every_name
from tests.helpers.sample import one_in
from tests.helpers.shapes import IDS_L, SHAPES, shape_trace, shaped
from tests.helpers.sums import check_looks, check_sums

close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


def norm_by_hand(config, weights, path: str, x_LD):
    if config.norm == "layer":
        x_LD = x_LD - x_LD.mean(axis=-1, keepdims=True)
    unit_LD = x_LD / np.sqrt((x_LD**2).mean(axis=-1, keepdims=True) + config.norm_eps)
    shift_D = weights[f"{path}.bias"] if config.norm == "layer" else 0
    return unit_LD * weights[f"{path}.weight"] + shift_D


def attention_by_hand(config, weights, path: str, x_LD):
    q_LX, k_LX, v_LX = (
        x_LD @ weights[f"{path}.{name}.weight"] + weights[f"{path}.{name}.bias"] for name in "qkv"
    )
    K, found = config.d_head, []
    for head in range(config.n_heads):
        mine, shared = slice(head * K, head * K + K), slice(head // 2 * K, head // 2 * K + K)
        scores_LM = q_LX[:, mine] @ k_LX[:, shared].T * config.score_scale
        if config.positions == "alibi":
            slope = (1 / 4, 1 / 16, 1 / 64, 1 / 256)[head]  # of four heads, as the paper has them
            scores_LM = scores_LM + slope * (np.arange(6) - np.arange(6)[:, None])
        if config.score_cap:
            scores_LM = config.score_cap * np.tanh(scores_LM / config.score_cap)
        weights_LM = np.tril(np.exp(scores_LM))
        found.append(weights_LM / weights_LM.sum(axis=1, keepdims=True) @ v_LX[:, shared])
    return np.concatenate(found, axis=1) @ weights[f"{path}.out.weight"]


def network_by_hand(config, weights, path: str, x_LD):
    made_LF = gelu(x_LD @ weights[f"{path}.pre.weight"] + weights[f"{path}.pre.bias"])
    if config.gated:
        up = f"{path}.hidden.up"
        made_LF = made_LF * (x_LD @ weights[f"{up}.weight"] + weights[f"{up}.bias"])
    return made_LF @ weights[f"{path}.out.weight"]


def layer_by_hand(config, weights, layer: str, x_LD):
    """The equations of the papers, one shape after the other."""

    def update(sublayer, path, read_LD):
        normed = partial(norm_by_hand, config, weights)
        if config.norm_at in ("before", "around"):
            read_LD = normed(f"{path}.norm", read_LD)
        made_LD = sublayer(config, weights, path, read_LD) + weights[f"{path}.out.bias"]
        return normed(f"{path}.out.norm", made_LD) if config.norms_update else made_LD

    def after(path, x_LD):
        if config.norm_at != "after":
            return x_LD
        return norm_by_hand(config, weights, f"{path}.norm", x_LD)

    attn, mlp = f"{layer}.attn", f"{layer}.mlp"
    if config.parallel:
        return x_LD + update(attention_by_hand, attn, x_LD) + update(network_by_hand, mlp, x_LD)
    x_LD = after(attn, x_LD + update(attention_by_hand, attn, x_LD))
    return after(mlp, x_LD + update(network_by_hand, mlp, x_LD))


def test_a_layer_is_what_its_equation_says(shape):
    (config, weights), trace = shaped(shape), shape_trace(shape)
    x_LD = weights["decoder.embed.token.weight"][IDS_L]
    if config.positions == "learned":
        x_LD = x_LD + weights["decoder.embed.position.weight"][: len(IDS_L)]
    if config.embed_norm:
        x_LD = norm_by_hand(config, weights, "decoder.embed.norm", x_LD)
    for layer in range(config.decoder_layers):
        x_LD = layer_by_hand(config, weights, f"decoder.{layer}", x_LD)
        close(trace[f"decoder.{layer}.out"], x_LD)
    x_LD = norm_by_hand(config, weights, "decoder.norm", x_LD)
    logits_LV = x_LD @ weights["head.logits.weight"].T + weights["head.logits.bias"]
    if config.logit_cap:
        logits_LV = config.logit_cap * np.tanh(logits_LV / config.logit_cap)
    close(trace["head.logits"], logits_LV)


def test_every_stream_score_and_logit_is_the_sum_of_its_sources(shape):
    trace = shape_trace(shape)
    check_sums(trace, 1e-9)
    check_looks(trace, 1e-9)
    logits_V = trace["head.logits"][3]
    for rival in (None, 9):
        found = why.parts(trace, 7, rival, 3)
        wanted = logits_V[7] - (0 if rival is None else logits_V[rival])
        assert found.total == pytest.approx(wanted, abs=1e-9)
    for path in sublayers(trace.config, "decoder"):
        if path.endswith(".mlp"):
            split = why.by_neuron(trace, path, 7, 9, 3)
            assert split.total == pytest.approx(found.of(path), abs=1e-9)
        for name in (each for each in found.names if each.startswith(f"{path}.head.")):
            assert why.by_token(trace, name, 7, 9, 3).total == pytest.approx(
                found.of(name), abs=1e-9
            )


@pytest.mark.parametrize("through", (True, False))
def test_the_trail_with_every_way_kept_ends_at_what_each_token_gives(shape, through):
    trace = shape_trace(shape)
    found = why.ends(trace, 7, 9, 3, through)
    trail = why.trail(trace, 7, 9, 3, threshold=0, through=through)
    given_L, frame = np.zeros(len(IDS_L)), 0.0
    for node in trail.nodes[:-1]:
        if node.ends and node.name.endswith(".bias") and node.token == 3:
            frame += node.part
        elif node.ends:
            given_L[node.token] += node.part
    logits_V = trace["head.logits"][3]
    assert trail.nodes[-1].part == pytest.approx(0, abs=1e-9)
    assert found.total == pytest.approx(logits_V[7] - logits_V[9], abs=1e-9)
    close(found.parts["decoder"], given_L)
    assert found.frame == pytest.approx(frame, abs=1e-9)


@pytest.mark.one_in(3)
def test_every_number_opens(shape):
    trace, rng = shape_trace(shape), np.random.default_rng(3)
    for name in every_name(trace):
        cell = tuple(rng.integers(trace.shape(name)).tolist())
        explained, recorded = explain(trace, name, cell), float(trace[name][cell])
        assert explained.value == recorded
        assert explained.error <= 1e-9 * max(abs(recorded), 1e-3), (name, explained.formula)
        assert agrees(explained.formula), (name, explained.formula)


def test_the_heads_and_their_bias_add_up_to_the_update(shape):
    trace = shape_trace(shape)
    for path in sublayers(trace.config, "decoder"):
        if path.endswith(".attn"):
            close(trace[f"{path}.heads.sum"], trace[f"{path}.out"])
            shares_L = trace[f"{path}.heads.share"].sum(axis=0) + trace[f"{path}.heads.share.bias"]
            close(shares_L, 1)
        else:
            close(trace[f"{path}.alone"], trace[f"{path}.out"])


EDITED = ("attn.in", "attn.z", "attn.out", "mlp.in", "mlp.hidden", "mlp.out", "mlp.sum")
OF_NORMED_UPDATES = ("attn.out.unnormed", "mlp.out.norm.unit")
EXPERIMENTS = [
    (shape, leaf)
    for shape, fields in SHAPES.items()
    for leaf in (*EDITED, *OF_NORMED_UPDATES * (fields["norm_at"] in ("around", "update")))
]


@pytest.mark.parametrize("shape, leaf", one_in(5, EXPERIMENTS))
def test_under_an_experiment_the_sums_hold(shape, leaf):
    name = f"decoder.0.{leaf}"
    edits = {name: lambda value: value + np.cos(np.arange(value.size)).reshape(value.shape)}
    trace = shape_trace(shape, edits=edits)
    assert abs(trace["decoder.out"] - shape_trace(shape)["decoder.out"]).max() > 1e-3
    check_sums(trace, 1e-9)
    logits_V = trace["head.logits"][3]
    assert why.parts(trace, 7, 9, 3).total == pytest.approx(logits_V[7] - logits_V[9], abs=1e-9)
    for step in ("decoder.0.attn.in", "decoder.0.mlp.in", "decoder.0.out", "decoder.out"):
        sources = f"{step}.sources.2"
        for x in range(trace.shape(sources)[0]):
            assert explain(trace, sources, (x, 1)).error <= 1e-9


def test_the_rest_of_a_run_is_the_whole_run_bit_for_bit(shape):
    trace = shape_trace(shape, keep="layers")
    for layer in range(trace.config.decoder_layers):
        for sublayer in ("attn", "mlp"):
            edits = ablate_sublayer("decoder", layer, sublayer)
            whole = shape_trace(shape, edits=edits, rows=[3])
            part = trace.rerun("decoder", layer, edits, [3])
            np.testing.assert_array_equal(part["head.logits"], whole["head.logits"])
            close(whole[f"decoder.{layer}.{sublayer}.out"], 0)


def test_a_stream_patched_into_a_layer_is_what_both_sublayers_read():
    x_LD = np.ones((len(IDS_L), 12))
    trace = shape_trace("layer before parallel", edits={"decoder.1.attn.in": x_LD}, rows=[3])
    np.testing.assert_array_equal(trace["decoder.1.mlp.in"], x_LD)
    given = shape_trace("layer before parallel").rerun("decoder", 1, {}, [3], x_LD)
    np.testing.assert_array_equal(given["head.logits"], trace["head.logits"])


def test_reading_on_is_reading_all_at_once(shape):
    config, weights = shaped(shape)
    first = read(config, weights, IDS_L[:4])
    then = read_on(config, weights, first, IDS_L[4:])
    close(then.logits, shape_trace(shape)["head.logits"][-1])


def test_slopes_of_other_numbers_of_heads_lie_between_those_of_twice_as_many():
    np.testing.assert_allclose(alibi_slopes(8), 0.5 ** np.arange(1, 9))
    np.testing.assert_allclose(alibi_slopes(6)[:4], alibi_slopes(4))
    np.testing.assert_allclose(alibi_slopes(6)[4:], alibi_slopes(8)[[0, 2]])
