"""A logit is the sum of what each source gave to it, a head's part that of the tokens it read, a
network's that of its neurons.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load, why
from core.edits import ablate_head
from core.why.places import sublayers
from tests.helpers.documents import document, figure
from tests.helpers.tiny import FAMILIES

WITH_WORDS = [family for family in FAMILIES if family != "bert_bare"]


def logit(trace, word: int, rival: int | None, row: int) -> float:
    logits_V = trace["head.logits"][row]
    return float(logits_V[word] - (0 if rival is None else logits_V[rival]))


@pytest.mark.parametrize("rival", (None, 9))
@pytest.mark.parametrize("family", WITH_WORDS)
def test_parts_add_up_to_the_logit(tiny_trace, family, rival):
    trace = tiny_trace(family)
    for row in (0, 2, -1):
        found = why.parts(trace, 7, rival, row)
        assert found.total == pytest.approx(logit(trace, 7, rival, row), abs=1e-9)
        assert len(found.names) == len(found.parts_S) == len(set(found.names))
        assert found.token == trace.rows[row]


@pytest.mark.parametrize("family", WITH_WORDS)
def test_a_part_is_that_of_its_tokens_or_neurons(tiny_trace, family):
    trace, row = tiny_trace(family), 1
    found = why.parts(trace, 7, 9, row)
    for path in sublayers(trace.config, trace.config.sides[-1]):
        if path.endswith(".mlp"):
            split = why.by_neuron(trace, path, 7, 9, row)
            assert split.parts_N.shape == (trace.config.d_mlp,)
            assert split.total == pytest.approx(found.of(path), abs=1e-9)
            continue
        for h in range(trace.config.n_heads):
            split = why.by_token(trace, f"{path}.head.{h}", 7, 9, row)
            assert len(split.parts_N) == trace.shape(f"{path}.pattern")[2]
            assert split.total == pytest.approx(found.of(split.name), abs=1e-9)


def test_what_the_words_bias_and_the_norms_shift_give(tiny_trace):
    trace = tiny_trace("marian")
    found, bias_V = why.parts(trace, 7, 9), trace.weights["head.logits.bias"]
    assert found.of("head.logits.bias") == pytest.approx(bias_V[7] - bias_V[9])
    trace = tiny_trace("gpt2")
    table_VD = trace.weights["head.logits.weight"]
    shift = trace.weights["decoder.norm.bias"] @ (table_VD[7] - table_VD[9])
    assert why.parts(trace, 7, 9).of("decoder.norm.bias") == pytest.approx(shift)


def test_what_is_held_is_named(tiny_trace):
    assert why.parts(tiny_trace("gpt2"), 7).held == ("decoder.norm.scale",)
    assert why.parts(tiny_trace("bert_words"), 7).held == ("head.hidden", "head.norm.scale")
    assert why.parts(tiny_trace("marian"), 7).held == ()


def test_a_silenced_head_moves_the_logit_by_its_part_where_nothing_comes_after_it(tiny_trace):
    """In the last layer of a model without norms, without a network after it."""
    trace = tiny_trace("gpt2")
    last = trace.config.layers("decoder") - 1
    zero = {f"decoder.{last}.mlp.out": lambda x: x * 0}
    scale = {"decoder.norm.scale": lambda x: x * 0 + 2, "decoder.norm.mean": lambda x: x * 0}
    before = tiny_trace("gpt2", edits=zero | scale)
    silent = {
        f"decoder.{last}.attn.z": lambda z_HLK: z_HLK * (np.arange(len(z_HLK)) != 1)[:, None, None]
    }
    after = tiny_trace("gpt2", edits=zero | scale | silent)
    heads_D = before[f"decoder.{last}.attn.heads"][1, -1]
    gain_D, row_D = before.weights["decoder.norm.weight"], before.weights["head.logits.weight"][7]
    moved = before["head.logits"][-1, 7] - after["head.logits"][-1, 7]
    assert moved == pytest.approx(heads_D / 2 * gain_D @ row_D)


def test_are_and_not_is_because_a_head_read_books():
    """The largest part of a head, and nearly all of it from one token: as docs/why.md has it."""
    model = load("study-decoder")
    trace, id_of = model.trace("The books that the student recommended"), model.tokenizer.id_of
    are, is_ = int(id_of("are")), int(id_of("is"))
    found = why.parts(trace, are, is_)
    assert found.total == pytest.approx(logit(trace, are, is_, -1), abs=1e-5)
    assert why.parts(trace, are).total == pytest.approx(logit(trace, are, None, -1), abs=1e-5)
    name, part = next(each for each in found.largest() if ".head." in each[0])
    split = why.by_token(trace, name, are, is_)
    books = trace["decoder.embed.ids"].tolist().index(id_of("books"))
    path, _, head = name.rpartition(".head.")
    assert trace[f"{path}.pattern"][int(head), -1].argmax() == split.parts_N.argmax() == books
    assert split.parts_N[books] == pytest.approx(part, rel=0.02) and part > 0
    network, most = found.largest(1)[0]
    said = f"are − is = {figure(found.total)}. The last feed-forward network gives {figure(most)}"
    gives = f"of it, {why.in_words(name)} gives {figure(part)}, of which"
    read = f"{figure(split.parts_N[books])} was read from “books”."
    assert network == "decoder.3.mlp" and f"{said} {gives} {read}" in document("why.md")


def test_what_reacts_to_a_silent_head_is_as_the_document_has_it():
    model = load("study-decoder")
    text, id_of = "The books that the student recommended", model.tokenizer.id_of
    are, is_ = int(id_of("are")), int(id_of("is"))
    before = why.parts(model.trace(text), are, is_)
    name, part = next(each for each in before.largest() if ".head." in each[0])
    silent = ablate_head("decoder", int(name.split(".")[1]), int(name.split(".")[-1]))
    after = why.parts(model.trace(text, edits=silent), are, is_)
    less = before.of("decoder.3.mlp") - after.of("decoder.3.mlp")
    said = f"without {why.in_words(name)}, whose part of are − is is {figure(part)}, the last"
    assert f"{said} network gives {figure(less)} less" in document("why.md")


def test_the_logit_of_smollm2(smollm2):
    trace = smollm2.trace("The cat sat on the mat. The cat")
    word = int(trace["head.logits"][-1].argmax())
    assert why.parts(trace, word).total == pytest.approx(logit(trace, word, None, -1), abs=1e-4)


@pytest.mark.parametrize(
    "family, step",
    [
        ("gpt2", "decoder.norm.out"),
        ("t5_relu", "decoder.out"),
        ("bert", "head.pre"),
        ("marian", "head.in"),
        ("llama", "head.logits"),
        ("gpt2", "decoder.0.mlp.out"),
        ("marian", "decoder.1.attn.sum"),
    ],
)
def test_what_an_experiment_puts_in_is_a_part(tiny_trace, family, step):
    trace = tiny_trace(family, edits={step: lambda x: x * 1.5 + np.arange(x.shape[-1])})
    found = why.parts(trace, 7, 9, 2)
    assert found.total == pytest.approx(logit(trace, 7, 9, 2), abs=1e-9)
    after = step.startswith(("head.", "decoder.norm.", "decoder.out"))
    assert ("head.logits.edit" in found.names) == after


@pytest.mark.parametrize(
    "name",
    ["decoder.0.mlp", "decoder.0.attn.head.99", "decoder.0.attn.head.x", "encoder.0.mlp", ""],
)
def test_sources_that_cannot_be_split_by_token(tiny_trace, name):
    with pytest.raises(GlassError):
        why.by_token(tiny_trace("gpt2"), name, 7)


@pytest.mark.parametrize("name", ["decoder.0.attn", "decoder.0.attn.head.1", "decoder.9.mlp", ""])
def test_sources_that_cannot_be_split_by_neuron(tiny_trace, name):
    with pytest.raises(GlassError):
        why.by_neuron(tiny_trace("gpt2"), name, 7)


@pytest.mark.parametrize("word, rival", [(-1, None), (10**6, None), (1, 10**6)])
def test_words_that_are_not_there(tiny_trace, word, rival):
    with pytest.raises(GlassError, match="outside"):
        why.parts(tiny_trace("gpt2"), word, rival)
