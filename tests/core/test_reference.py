"""The forward pass against `transformers`, in float64: every hidden state, every attention map,
every output, at 1e-9.

Tiny random models with no two axes of the same size, so that nothing transposed, and no wrong
activation, epsilon or scale, can pass. The stored comparison runs everywhere; the live one, on
other sizes and numbers, where PyTorch and `transformers` are installed. As shipped, Llama, T5 and
Marian compute in float32 in places: `reference.without_casts` says where, and takes it out.
"""

from __future__ import annotations

import numpy as np
import pytest

from core.forward_pass import forward
from core.models.weights import read_folder, read_gguf
from core.ops import relative_buckets
from tests.helpers import tiny
from tests.helpers.model_files import write_gguf
from tests.helpers.tiny import check


@pytest.mark.parametrize("family", tiny.EVERY)
def test_stored_reference(family, tmp_path):
    golden = tiny.golden(family)
    config, weights = read_folder(golden.write(tmp_path), dtype=np.float64)
    assert {"trained", "masked"} <= set(golden.cases) or {"trained", "others", "matrix"} <= set(
        golden.cases
    )
    for mask, steps in golden.cases.values():
        check(forward(config, weights, **golden.inputs, mask=mask), steps)


@pytest.mark.parametrize("family", tiny.EVERY)
def test_every_mask_changes_the_output(family):
    """Otherwise the comparison above would prove less than it says."""
    outputs = [
        steps["head.logits" if "head.logits" in steps else "encoder.out"]
        for _, steps in tiny.golden(family).cases.values()
    ]
    assert all(abs(a - b).max() > 1e-3 for i, a in enumerate(outputs) for b in outputs[:i])


@pytest.mark.one_in(4)
@pytest.mark.parametrize("family", tiny.EVERY)
def test_a_tensor_of_the_file_is_read_to_its_last_digit(family, tmp_path):
    """A nudge of 1e-12 to a tensor arrives in the weights: it is not left out, and it does not pass
    through float32.
    """
    golden = tiny.golden(family)
    _, weights = read_folder(golden.write(tmp_path / "as it was"), dtype=np.float64)
    for name in list(golden.tensors)[::5]:
        nudged = tiny.Golden(
            golden.config, golden.tensors | {name: golden.tensors[name] + 1e-12}, {}, {}
        )
        _, changed = read_folder(nudged.write(tmp_path / "nudged"), dtype=np.float64)
        assert any((changed[key] != weights[key]).any() for key in weights), name


BARTS = ("marian", "bart", "mbart", "pegasus", "m2m_100")


def as_published(family: str, golden: tiny.Golden) -> tiny.Golden:
    """The same model as older, published files spell it: other names, buffers, copies of tied
    tensors, older configs.
    """
    config, tensors = dict(golden.config), dict(golden.tensors)
    if family.startswith("bert"):  # bert-base-uncased
        tensors = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): value
            for name, value in tensors.items()
        }
        prefix = "" if family == "bert_bare" else "bert."
        tensors[prefix + "embeddings.position_ids"] = np.arange(config["max_position_embeddings"])[
            None
        ]
        if family != "bert_bare":
            tensors["cls.predictions.decoder.weight"] = tensors[
                "bert.embeddings.word_embeddings.weight"
            ].copy()
    if family == "gpt2":  # gpt2 has no prefix and a mask in every layer
        tensors = {name.removeprefix("transformer."): value for name, value in tensors.items()}
        n = config["n_positions"]
        tensors |= {
            f"h.{i}.attn.bias": np.tril(np.ones((1, 1, n, n))) for i in range(config["n_layer"])
        }
    if family.startswith("llama"):  # before version 5 of `transformers`
        config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
        tensors |= {
            f"model.layers.{i}.self_attn.rotary_emb.inv_freq": np.ones(config["head_dim"] // 2)
            for i in range(config["num_hidden_layers"])
        }
    if family.endswith("t5"):  # google/mt5-small, google/umt5-small
        config["tie_word_embeddings"] = config.pop("scale_decoder_outputs", False)
    if family.startswith("t5"):  # t5-small, google/t5-v1_1-small
        config["tie_word_embeddings"] = config.pop("scale_decoder_outputs")
        tensors |= {
            f"{side}.embed_tokens.weight": tensors["shared.weight"].copy()
            for side in ("encoder", "decoder")
        }
    if family in BARTS:  # Helsinki-NLP/opus-mt-en-fr, facebook/bart-large-cnn
        tensors["lm_head.weight"] = tensors["model.shared.weight"].copy()
        for side in ("encoder", "decoder"):
            tensors[f"model.{side}.embed_tokens.weight"] = tensors["model.shared.weight"].copy()
            tensors[f"model.{side}.version"] = np.ones(1)
            if family == "m2m_100":  # a table that is computed anew, whatever the file holds
                tensors[f"model.{side}.embed_positions.weights"] = np.ones((3, 2))
    return tiny.Golden(config, tensors, golden.inputs, golden.cases)


@pytest.mark.parametrize("family", tiny.EVERY)
def test_published_spelling_of_the_files(family, tmp_path):
    golden = as_published(family, tiny.golden(family))
    mask, steps = golden.cases["trained"]
    check(
        forward(*read_folder(golden.write(tmp_path), dtype=np.float64), **golden.inputs, mask=mask),
        steps,
    )


@pytest.mark.one_in(11)
@pytest.mark.parametrize("seed", (8, 11, 15))
@pytest.mark.parametrize("family", tiny.EVERY)
def test_live_reference(family, seed, tmp_path):
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    model, inputs = reference.build(family, seed)
    model.save_pretrained(tmp_path)
    config, weights = read_folder(tmp_path, dtype=np.float64)
    for mask in reference.cases(inputs, seed, family).values():
        check(forward(config, weights, **inputs, mask=mask), reference.run(model, inputs, mask))
    alone = {name: ids_L[:1] for name, ids_L in inputs.items()}
    check(forward(config, weights, **alone), reference.run(model, alone))


def test_distances_fall_into_the_buckets_of_t5():
    with np.load(tiny.GOLDEN / "buckets.npz") as file:
        golden = dict(file)
    n = len(golden["distance"]) // 2
    assert golden["distance"].tolist() == list(range(-n, n + 1))
    for side, both_ways in (("encoder", True), ("decoder", False)):
        bucket_LM = relative_buckets(n + 1, n + 1, 32, 128, both_ways)
        assert bucket_LM[-1].tolist() == golden[side][: n + 1].tolist()  # from the last: -n … 0
        assert bucket_LM[0].tolist() == golden[side][n:].tolist()  # from the first: 0 … n


@pytest.mark.parametrize("family", ("llama", "llama_tied"))
def test_gguf_gives_the_same_weights(family, tmp_path):
    """GGUF stores q and k with their rows in another order, for other rotary pairs; read back, they
    are the same.
    """
    golden = tiny.golden(family)
    config, weights = read_folder(golden.write(tmp_path / "folder"), dtype=np.float64)
    write_gguf(golden, tmp_path / "model.gguf")
    gguf_config, gguf_weights, _ = read_gguf(tmp_path / "model.gguf", dtype=np.float64)
    assert gguf_config.ropes == config.ropes and config.rope(0).theta == 700
    assert set(gguf_weights) == set(weights)
    assert [name for name in weights if not np.array_equal(weights[name], gguf_weights[name])] == []
    mask, steps = golden.cases["trained"]
    trace = forward(gguf_config, gguf_weights, **golden.inputs, mask=mask)
    # The file's epsilon is a float32: 1e-3 is not quite 1e-3 in it.
    assert abs(trace["head.logits"] - steps["head.logits"]).max() < 1e-6
