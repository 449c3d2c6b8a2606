"""The trail from a word back to the words of the sentence: with every way kept it explains all."""

from __future__ import annotations

import pytest

from core import GlassError, load, why
from tests.helpers.documents import document, figure
from tests.helpers.tiny import FAMILIES

WITH_WORDS = [family for family in FAMILIES if family != "bert_bare"]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("through", (None, True, False))
@pytest.mark.parametrize("family", WITH_WORDS)
def test_with_every_way_kept_the_trail_explains_everything(tiny_trace, family, through):
    trace = tiny_trace(family)
    found = why.trail(trace, 7, 9, 2, threshold=0, through=through)
    logits_V = trace["head.logits"][2]
    assert found.total == pytest.approx(logits_V[7] - logits_V[9], abs=1e-9)
    assert found.explained == pytest.approx(1, abs=1e-9)
    assert found.nodes[-1].part == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("family", WITH_WORDS)
def test_what_enters_a_node_is_what_it_gives(tiny_trace, family):
    """With every way kept; the word gets the whole."""
    found = why.trail(tiny_trace(family), 7, 9, 2, threshold=0)
    enters = dict.fromkeys(range(len(found.nodes)), 0.0)
    for edge in found.edges:
        enters[edge.taker] += edge.part
    for i, node in enumerate(found.nodes[:-1]):
        assert node.ends or enters[i] == pytest.approx(node.part, abs=1e-9), node
    assert found.nodes[0].name == "head.logits" and found.nodes[0].part == found.total


@pytest.mark.parametrize("family", WITH_WORDS)
def test_every_step_of_the_trail_gives_at_least_the_threshold(tiny_trace, family):
    found = why.trail(tiny_trace(family), 7, None, 2, threshold=0.05)
    assert all(abs(found.share(edge.part)) >= 0.05 for edge in found.edges)
    assert found.nodes[-1].name == "the rest"
    ends = sum(node.part for node in found.nodes if node.ends)
    assert ends == pytest.approx(found.total)  # the rest among them
    assert found.explained == pytest.approx(1 - found.nodes[-1].part / found.total)


def test_a_trail_of_direct_parts_has_the_parts(tiny_trace):
    """What goes straight into the word is what direct attribution says."""
    trace = tiny_trace("llama")
    found, parts = why.trail(trace, 7, 9, 2, threshold=0), why.parts(trace, 7, 9, 2)
    direct = {found.nodes[e.giver].name: e.part for e in found.edges if e.taker == 0}
    assert direct.keys() == set(parts.names)
    for name, part in direct.items():
        assert part == pytest.approx(parts.of(name), abs=1e-9)


def through_network(trace, layer: int, head: int, word: int, rival: int) -> float:
    """What the study decoder's network makes of a head of its last layer, step by step: through
    both norms, with their scales held, and with the share that each neuron lets through.
    """
    w, at = trace.weights, f"decoder.{layer}"

    def normed(update_D, sublayer):
        scale = trace[f"{sublayer}.norm.scale"][-1]
        return (update_D - update_D.mean()) / scale * w[f"{sublayer}.norm.weight"]

    read_D = normed(trace[f"{at}.attn.heads"][head, -1], f"{at}.attn")
    open_F = trace[f"{at}.mlp.hidden"][-1] / trace[f"{at}.mlp.pre"][-1]
    wrote_D = (read_D @ w[f"{at}.mlp.pre.weight"] * open_F) @ w[f"{at}.mlp.out.weight"]
    table_VD = w["head.logits.weight"]
    return float(normed(wrote_D, f"{at}.mlp") @ (table_VD[word] - table_VD[rival]))


@pytest.mark.parametrize("threshold", (0.2, 0.1, 0.05, 0.02))
def test_are_comes_from_books(threshold):
    """Through the head that gives most, which read it, and what the network made of that."""
    model = load("study-decoder")
    trace, id_of = model.trace("The books that the student recommended"), model.tokenizer.id_of
    are, is_ = int(id_of("are")), int(id_of("is"))
    found = why.trail(trace, are, is_, threshold=threshold)
    side, token, part = found.tokens()[0]
    assert (side, trace["decoder.embed.ids"][token]) == ("decoder", id_of("books"))
    assert found.share(part) > 0.5
    most = next(name for name, _ in why.parts(trace, are, is_).largest() if ".head." in name)
    layer, head = int(most.split(".")[1]), int(most.split(".")[-1])
    assert trace[f"decoder.{layer}.attn.pattern"][head, -1].argmax() == token
    names = [node.name for node in found.nodes]
    by_network = [
        edge.part
        for edge in found.edges
        if (names[edge.giver], names[edge.taker]) == (most, f"decoder.{layer}.mlp")
    ]
    wanted = through_network(trace, layer, head, are, is_)
    assert layer == 3 and by_network == [pytest.approx(wanted, abs=1e-4)]


def test_the_figures_of_the_trail_in_the_document_are_those_of_the_page():
    model = load("study-decoder")
    trace, id_of = model.trace("The books that the student recommended"), model.tokenizer.id_of
    are, is_ = int(id_of("are")), int(id_of("is"))
    found, text = why.trail(trace, are, is_, threshold=0.1), document("why.md")
    names = [node.name for node in found.nodes]
    shares = {
        why.in_words(names[edge.giver]): f"{found.share(edge.part):.0%}".replace("%", " %")
        for edge in sorted(found.edges, key=lambda each: -each.part)
        if names[edge.taker] == "decoder.3.mlp" and ".head." in names[edge.giver]
    }
    (one, first), (other, second) = list(shares.items())[:2]
    made = f"{first} of the difference is what the network makes of {one}'s writing"
    assert f"{made}, {second} what it makes of {other}'s" in text
    assert f"explains {found.explained:.0%}".replace("%", " %") in text
    ends = [node for node in found.nodes if node.ends and node is not found.nodes[-1]]
    assert {trace["decoder.embed.ids"][node.token] for node in ends} == {id_of("books")}
    books = why.ends(trace, are, is_).largest(1)[0]
    assert f"With every way counted, “books” gives {figure(books[2])}" in text


def test_verte_comes_from_green():
    model = load("study-translator")
    trace = model.trace("The small black cat sleeps on the green chair.")
    ids_L = trace["decoder.embed.ids"].tolist()
    verte = ids_L.index((model.target_tokenizer or model.tokenizer).id_of("verte"))
    found = why.trail(trace, ids_L[verte], row=verte - 1, threshold=0.05)
    side, token, part = found.tokens()[0]
    green = model.tokenizer.id_of("green")
    assert (side, trace["encoder.embed.ids"][token]) == ("encoder", green)
    assert found.share(part) > 0.5
    assert any(".cross.head." in node.name for node in found.nodes)


def test_paris_comes_from_france(smollm2):
    """In a gated model the trail ends at feed-forward networks, where they write."""
    trace = smollm2.trace("The capital of France is")
    paris, london = (smollm2.ids(word).item() for word in (" Paris", " London"))
    found = why.trail(trace, paris, london, threshold=0.05)
    tokens = {token: found.share(part) for _, token, part in found.tokens()}
    assert max(tokens, key=tokens.__getitem__) == 3 and tokens[3] > 0.5
    assert "decoder.23.attn.head.4" in {node.name for node in found.nodes}


@pytest.mark.parametrize("threshold", (-0.1, float("nan")))
def test_thresholds_that_cannot_be(tiny_trace, threshold):
    with pytest.raises(GlassError, match="threshold"):
        why.trail(tiny_trace("gpt2"), 7, threshold=threshold)
