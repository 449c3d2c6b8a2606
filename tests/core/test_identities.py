"""What must hold in every trace of every family, whatever the weights."""

import numpy as np
import pytest

from core import GlassError, steps
from core.edits import ablate_head, freeze, mask, replace
from core.steps import about, kinds
from core.steps.norm import added_to
from tests.helpers.made_up import MADE_UP, made_up
from tests.helpers.shapes import SHAPES, shape_trace
from tests.helpers.tiny import EVERY

close = {"rtol": 1e-9, "atol": 1e-11}


def test_softmax_rows_sum_to_one_and_blocked_cells_are_zero(tiny_trace, family):
    trace = tiny_trace(family)
    for name in (n for n in trace.names if n.endswith(".pattern")):
        at = name[: -len(".pattern")]
        np.testing.assert_allclose(trace[name].sum(axis=-1), 1, **close)
        assert (trace[name][:, ~trace[f"{at}.mask"]] == 0).all()
        np.testing.assert_allclose(
            trace[f"{name}.exp"] / trace[f"{name}.total"][..., None], trace[name], **close
        )


def test_heads_add_up_to_the_update_and_the_stream_to_its_sum(tiny_trace, family):
    trace = tiny_trace(family)
    for name in (n for n in trace.names if n.endswith(".z")):
        at = name[:-2]
        bias_D = trace.weights[f"{at}.out.bias"]
        np.testing.assert_allclose(
            trace[f"{at}.heads"].sum(axis=0) + bias_D, trace[f"{at}.out"], **close
        )
    for name in (n for n in trace.names if n.endswith((".attn.sum", ".cross.sum", ".mlp.sum"))):
        at = name[: -len(".sum")]
        before_LD = trace[added_to(trace.config, at)]
        np.testing.assert_array_equal(before_LD + trace[f"{at}.out"], trace[name])


def test_every_norm_gives_vectors_of_size_one(tiny_trace, family):
    """Of size one but for ε, which takes ε / scale² off the mean square."""
    trace = tiny_trace(family)
    units = [name for name in trace.names if name.endswith(".norm.unit")]
    assert units
    for name in units:
        missing_L = trace.config.norm_eps / trace[name.replace(".unit", ".scale")] ** 2
        np.testing.assert_allclose((trace[name] ** 2).mean(axis=-1), 1 - missing_L, **close)
        assert (missing_L < 0.1).all()


ENDS = ("head.probs", "pooler.out", "pooler.logits", "task.logits", "task.probs")


def outputs(trace):
    """Everything that leaves the model."""
    last = trace.config.sides[-1]
    return np.concatenate([trace[name].ravel() for name in (f"{last}.out", *ENDS) if name in trace])


def disturbed(value):
    """Another value of the same shape and kind; a mask still leaves each row something to see."""
    if value.dtype == bool:
        first_LM = np.arange(value.shape[1]) == 0
        return np.where(first_LM, ~value, value) | np.eye(*value.shape, dtype=bool)
    if value.dtype.kind == "i":
        return 1 - np.minimum(value, 1)
    return value + np.cos(np.arange(value.size)).reshape(value.shape)


@pytest.mark.one_in(2)
def test_every_recorded_step_lies_on_the_way_to_the_output(tiny_trace, family):
    """Disturb any step and the output changes: nothing is recorded beside the computation."""
    trace = tiny_trace(family)
    for name in trace.names:
        value = trace[name]
        assert not np.array_equal(
            outputs(trace), outputs(tiny_trace(family, edits={name: disturbed(value)}))
        ), name


def test_an_edit_that_changes_nothing_changes_nothing(tiny_trace, family):
    trace = tiny_trace(family)
    again = tiny_trace(family, edits=freeze(trace, *trace.names))
    for name in trace.names:
        np.testing.assert_array_equal(trace[name], again[name], err_msg=name)


@pytest.mark.one_in(2)
def test_keeping_only_layers_gives_the_same_numbers(tiny_trace, family):
    trace, light = tiny_trace(family), tiny_trace(family, keep="layers")
    assert light.names == trace.names
    assert len(light._run.values) < len(trace.names) / 2
    for name in trace.names + trace.derived:
        np.testing.assert_array_equal(trace[name], light[name], err_msg=name)
        assert trace.axes(name) == light.axes(name) and trace.shape(name) == light[name].shape


def test_recomputed_layers_keep_their_edits(tiny_trace):
    edit = ablate_head("encoder", 1, 0)
    assert (tiny_trace("bert", edits=edit, keep="layers")["encoder.1.attn.z"][0] == 0).all()


def test_no_array_can_be_written_to(tiny_trace, family):
    trace = tiny_trace(family)
    for name in trace.names + trace.derived:
        with pytest.raises(ValueError, match="read-only"):
            trace[name][...] = 0


def test_a_wrong_name_lists_the_near_ones(tiny_trace):
    trace = tiny_trace("bert")
    with pytest.raises(KeyError, match=r"encoder\.0\.attn\.pattern"):
        trace["encoder.0.atn.patern"]
    with pytest.raises(GlassError, match=r"encoder\.0\.attn\.z"):
        tiny_trace("bert", edits={"encoder.0.attn.zz": lambda z: z})


def test_asking_for_the_last_row_only(tiny_trace):
    trace, last = tiny_trace("gpt2"), tiny_trace("gpt2", rows=-1)
    assert last["head.logits"].shape[0] == 1 and last.rows.tolist() == [len(trace.rows) - 1]
    np.testing.assert_allclose(last["head.probs"][0], trace["head.probs"][-1], **close)


def test_a_decoder_cannot_see_the_future_and_an_encoder_can(tiny_trace):
    ids_L = np.array([3, 1, 4, 1, 5])
    other = np.array([3, 1, 4, 1, 2])
    for family, side in (("gpt2", "decoder"), ("llama", "decoder"), ("bert", "encoder")):
        for name in ("decoder", "encoder"):
            a, b = (
                tiny_trace(family, ids_L=ids, mask=name, **segments(family, ids))[f"{side}.out"]
                for ids in (ids_L, other)
            )
            same = np.allclose(a[:4], b[:4], rtol=0, atol=1e-12)
            assert same == (name == "decoder"), (family, name)


def segments(family, ids_L):
    return {"segments_L": np.zeros_like(ids_L)} if family == "bert" else {}


def test_silencing_a_head_takes_away_exactly_its_contribution(tiny_trace):
    trace, without = tiny_trace("llama"), tiny_trace("llama", edits=ablate_head("decoder", 0, 1))
    np.testing.assert_allclose(
        trace["decoder.0.attn.out"] - trace["decoder.0.attn.heads"][1],
        without["decoder.0.attn.out"],
        **close,
    )
    with pytest.raises(GlassError, match="no head 99"):
        tiny_trace("llama", edits=ablate_head("decoder", 0, 99))


def test_a_mask_in_one_layer_alone_and_a_replaced_number(tiny_trace):
    n = tiny_trace("bert").shape("encoder.0.attn.mask")[0]
    edited = tiny_trace(
        "bert", edits=mask("encoder", 1, np.eye(n)) | replace("encoder.embed.out", (0, 2), 9.0)
    )
    np.testing.assert_array_equal(edited["encoder.1.attn.pattern"][0], np.eye(n))
    assert edited["encoder.0.attn.mask"].all() and edited["encoder.0.attn.in"][0, 2] == 9


@pytest.mark.parametrize(
    "edit, says",
    [
        ({"encoder.0.attn.z": np.zeros(3)}, "shape"),
        ({"encoder.0.attn.z": lambda z: z + 1j}, "complex"),
        ({"encoder.0.attn.mask": lambda m: m & False}, "row 0"),
    ],
)
def test_edits_that_cannot_be(tiny_trace, edit, says):
    with pytest.raises(GlassError, match=says):
        tiny_trace("bert", edits=edit)


@pytest.mark.parametrize(
    "given, says",
    [
        ({"ids_L": []}, "at least one"),
        ({"ids_L": [[1]]}, "at least one"),
        ({"ids_L": [0.5]}, "whole"),
        ({"ids_L": [-1]}, "outside"),
        ({"ids_L": [10**6]}, "outside"),
        ({"ids_L": [1] * 5000}, "positions"),
        ({"ids_L": [1, 2], "target_ids_L": [1]}, "one sequence"),
        ({"ids_L": [1], "mask": {"cross": "encoder"}}, "cross"),
    ],
)
def test_inputs_that_cannot_be(tiny_trace, given, says):
    with pytest.raises(GlassError, match=says):
        tiny_trace("gpt2", **given)


def test_a_transposed_value_stops_at_its_own_line(tiny_trace):
    run = tiny_trace("gpt2")._run
    with pytest.raises(ValueError, match="decoder.0.attn.out: axes LD"):
        run.at("decoder.0.attn").put("out_LD", np.zeros(run.sizes["decoder"]["L"]))


def test_a_trace_can_be_saved_and_read(tiny_trace, tmp_path):
    trace = tiny_trace("marian")
    trace.save(tmp_path / "trace.npz")
    with np.load(tmp_path / "trace.npz", allow_pickle=False) as saved:
        assert set(saved) == set(trace.names)
        np.testing.assert_array_equal(
            saved["decoder.0.cross.pattern"], trace["decoder.0.cross.pattern"]
        )


def test_every_step_has_a_kind_and_every_kind_a_step(tiny_trace):
    traces = [*map(tiny_trace, EVERY), *map(shape_trace, SHAPES), *map(made_up, MADE_UP)]
    met = {about(trace, name) for trace in traces for name in trace.names}
    others = {*steps.lstm.KINDS, *steps.gradients.KINDS}  # test_lstm.py, test_gradients.py
    recorded = {kind for kind in kinds() if kind.compute is None and kind not in others}
    # What-ifs: updates without their norms, and segments without positions.
    wanted = {"No norm: the update", "Sum of the embeddings"}
    assert {kind.title for kind in recorded - met} == wanted
    assert met <= recorded


def test_a_kind_has_the_axes_that_its_steps_are_recorded_with(tiny_trace, family):
    trace = tiny_trace(family)
    for name in trace.names:
        assert about(trace, name).axes == trace.axes(name), name
