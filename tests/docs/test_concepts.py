"""What the pages of concepts and the tour say of a run is so."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pytest

from core import load, lstm, whatif, why
from core.cli.check import learned_numbers
from core.decoding import next_tokens
from core.forward_pass import forward
from core.learning import Learner, Plan, learn
from core.models.over_time import as_it_was
from core.ops import softmax
from core.text import number
from tests.helpers.documents import DOCS, document, figure
from ui.session.navigation import path_of
from ui.shell.tour import STOPS

BOOKS, QUEEN = "The books that the student recommended", "The queen closed the book because"
WHOLE = "The books that the student recommended are expensive."


@cache
def model(name: str = "study-decoder"):
    return load(name)


@cache
def run(sentence: str = BOOKS, change: str = ""):
    """A run of study-decoder, with a what-if."""
    read = whatif.text_of(model(), model().encode(sentence))
    return whatif.run(model(), read, None, "trained", change)


def word(token_id: int) -> str:
    return model().tokenizer.piece(int(token_id))


def first(trace) -> tuple[str, float]:
    """The likeliest next word, and its probability."""
    (token_id,), (share,) = next_tokens(trace, 1)
    return word(token_id), float(share)


def chance(trace, text: str, of=None) -> float:
    """The probability of a word at the end of a text."""
    return float(trace["head.probs"][-1, (of or model()).tokenizer.id_of(text)])


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def length(vector) -> float:
    return float(np.linalg.norm(vector))


def cosine(a, b) -> float:
    return float(a @ b) / (length(a) * length(b))


def assert_said(name: str, *phrases: str) -> None:
    """The page says each of these."""
    text = document(f"concepts/{name}.md")
    assert [phrase for phrase in phrases if phrase not in text] == []


# --- the pages ------------------------------------------------------------------------------------


def test_index():
    c = model().config
    assert_said("index", f"{c.decoder_layers} layers, {c.n_heads} heads, {c.d_model} dimensions")
    assert first(run())[0] == "are"


def test_tokens():
    trace = run()
    ids = [int(i) for i in trace["decoder.embed.ids"]]
    books = model().tokenizer.id_of("books")
    near = trace[f"decoder.embed.near.{books}"].copy()
    near[books] = -1
    assert word(near.argmax()) == "newspapers"
    assert_said(
        "tokens",
        f"knows {model().config.n_vocab:,} tokens",
        f"| token | {' | '.join(map(word, ids))} |",
        f"| id | {' | '.join(map(str, ids))} |",
        f"with a cosine of {figure(near.max())}",
    )


def test_positions():
    trace = run()
    token, out = trace["decoder.embed.token.unscaled"], trace["decoder.embed.out"]
    assert word(trace["decoder.embed.ids"][1]) == word(trace["decoder.embed.ids"][4]) == "the"
    assert np.array_equal(token[1], token[4])
    assert_said("tokens", f"“the” are {figure(length(out[1] - out[4]))} apart")
    angle_LI = np.arange(7)[:, None] / 10000 ** (2 * np.arange(50) / 100)
    waves = np.concatenate((np.sin(angle_LI), np.cos(angle_LI)), axis=1)
    assert_said("tokens", "x = 10 · E[id] + P[position]")
    assert np.allclose(10 * token + waves, out, atol=1e-5)


def test_attention():
    trace, at = run(), "decoder.3.attn"
    scaled, pattern = trace[f"{at}.scores.scaled"][4, 6], trace[f"{at}.pattern"]
    assert word(trace["decoder.embed.ids"][2]) == "books" and scaled.argmax() == 2
    assert_said(
        "attention",
        f"is {figure(trace[f'{at}.scores.dot'][4, 6, 2])}",
        f"that is {figure(scaled[2])}, the largest score",
        f"a weight of {percent(pattern[4, 6, 2], 1)}",
        f"to “books”, with {percent(pattern[1, 6, 2], 1)}",
        f"here {model().config.d_head}",
    )


def test_add_and_norm():
    trace = run()
    before, update, total, after = (
        figure(length(trace[f"decoder.3.attn.{leaf}"][6]))
        for leaf in ("in", "out", "sum", "norm.out")
    )
    without = length(run(change="norms")["decoder.3.out"][6])
    assert_said(
        "inside-a-layer",
        f"with a length of {before}. Attention’s update is {update} long, their sum {total};"
        f" the norm brings it back to {after}.",
        f"the vector is {without:,.0f} long",
    )
    assert model().config.norm_at == "after"


def test_feed_forward():
    hidden_F = run()["decoder.3.mlp.hidden"][6]
    assert model().config.activation == "relu" and not model().config.gated
    assert (run()["decoder.3.mlp.hidden"] == 0).mean() > 0.5
    assert_said(
        "inside-a-layer",
        f"{(hidden_F > 0).sum()} of the {len(hidden_F)} neurons of layer 3 are active;"
        f" neuron {hidden_F.argmax()} is the strongest, with {figure(hidden_F.max())}",
    )


def test_layers():
    trace = run()
    begun = trace["decoder.embed.out"][6]
    falls = [figure(cosine(trace[f"decoder.{n}.out"][6], begun)) for n in range(4)]
    assert_said("layers", f"{', '.join(falls[:3])}, and {falls[3]} after the last")
    lens = softmax(why.lens(trace))
    assert word(lens[3].argmax()) == "his" and word(lens[4].argmax()) == "are"
    assert_said("layers", f"“his”, with {percent(lens[3].max())}")
    assert_said("layers", f"“are”, with {percent(lens[4].max())}")
    looks = trace["decoder.3.attn.pattern"][:, 6, 2]
    assert (looks > 0.5).sum() == 2
    assert_said("layers", "two of its heads look from “recommended” back at “books”")


def test_encoder_and_decoder():
    encoder, sentence = model("study-encoder"), "The keys that the boy found [MASK] old."
    shares = []
    for mask in ("encoder", "decoder"):
        trace = encoder.trace(sentence, mask=mask)
        row = list(trace["encoder.embed.ids"]).index(encoder.tokenizer.id_of("[MASK]"))
        assert encoder.tokenizer.piece(int(trace["head.probs"][row].argmax())) == "are"
        shares.append(trace["head.probs"][row, encoder.tokenizer.id_of("are")])
    assert_said(
        "encoder-and-decoder",
        f"reads “{sentence}”",
        f"with {percent(shares[0])}",
        f"gives “are” {percent(shares[1])}",
    )


def test_cross_attention():
    translator = model("study-translator")
    trace = translator.trace("The red car is fast.")
    read = [translator.tokenizer.piece(int(i)) for i in trace["encoder.embed.ids"]]
    side = translator.target_tokenizer or translator.tokenizer
    written = [side.piece(int(i)) for i in trace["decoder.embed.ids"]]
    assert written == ["[START]", "la", "voiture", "rouge", "est", "rapide", "."]
    looks = trace["decoder.3.cross.pattern"].mean(axis=0)
    assert (read[looks[1].argmax()], read[looks[2].argmax()]) == ("car", "red")
    assert_said(
        "encoder-and-decoder",
        f"give “car” {percent(looks[1].max())} on average",
        f"give “red” {percent(looks[2].max())}",
    )


def test_output():
    ids, shares = next_tokens(run(), 10)
    assert [word(i) for i in ids[:2]] == ["are", "were"]
    assert "is" not in [word(i) for i in ids]
    logits = run()["head.logits"][-1].astype(float)
    cool, hot = (softmax(logits / t).max() for t in (0.5, 2))
    assert_said(
        "output",
        f"“are” {percent(shares[0])} and “were” {percent(shares[1])}",
        f"T = 0.5, “are” has {percent(cool)}; with T = 2, {percent(hot)}",
        f"the {len(logits):,} logits",
    )


def test_why():
    trace = run(QUEEN)
    she, it = map(model().tokenizer.id_of, ("she", "it"))
    shares = [percent(chance(trace, each)) for each in ("she", "it")]
    assert_said("why", f"“she” ({shares[0]}) rather than “it” ({shares[1]})")
    parts = why.parts(trace, she, it)
    largest = parts.largest(3)
    assert largest[0][0] == "decoder.3.attn.head.1" and largest[0][1] > parts.total > 0
    spelled = " ".join(f"− {abs(part):.2f}" for _, part in largest[1:])
    assert_said("why", f"= {largest[0][1]:.2f} {spelled} − … = {parts.total:.2f}")
    looks = trace["decoder.3.attn.pattern"][1, -1]
    assert word(trace["decoder.embed.ids"][looks.argmax()]) == "queen"
    assert_said("why", f"“queen” with {percent(looks.max())}")
    split = why.by_token(trace, largest[0][0], she, it)
    assert split.parts_N[looks.argmax()] > 0.95 * largest[0][1]


def test_silence():
    places = [(layer, head) for layer in range(4) for head in range(5)]
    silent = {(n, h): run(QUEEN, f"head:decoder.{n}.{h}") for n, h in places}
    assert [place for place, trace in silent.items() if first(trace)[0] != "she"] == [(3, 1)]
    assert_said("why", f"“it” has {percent(chance(silent[3, 1], 'it'), 1)}", "the twenty heads")


def test_learning():
    ids = run(WHOLE)["decoder.embed.ids"]
    targets = {i: int(ids[i + 1]) for i in range(len(ids) - 1)}
    step = learn(Learner(model().config, model().weights), Plan("sgd", 0.01), ids, targets)
    after = forward(model().config, step.after.weights, ids).backward(targets).loss
    probs = run(WHOLE)["head.probs"]
    losses = {word(right): -np.log(probs[at, right]) for at, right in targets.items()}
    assert min(losses, key=losses.get) == "." and max(losses, key=losses.get) == "books"
    assert_said(
        "learning",
        f"“{WHOLE}” it is {step.loss:.2f}",
        f"({losses['.']:.2f}), “books” most ({losses['books']:.2f})",
        f"η = 0.01, takes its loss from {step.loss:.2f} to {after:.2f}",
        f"{learned_numbers(model().config, model().weights):,} learned numbers",
    )


def test_over_time():
    early, later = run(change="trained:400"), run(change="trained:700")
    assert (first(early)[0], first(later)[0]) == ("the", "are")
    assert_said(
        "learning",
        f"recommended” ({percent(first(early)[1])})",
        f"“are” ({percent(first(later)[1])})",
        f"“are” has {percent(first(run())[1])}",
    )


def test_a_matrix_over_time():
    K, then = model().config.d_head, as_it_was(model(), 0)
    start, end = (
        np.float64(each.weights["decoder.3.attn.q.weight"][:, K : 2 * K]).ravel()
        for each in (then, model())
    )
    sizes = [number(np.sqrt(np.mean(each**2)), 2) for each in (start, end)]
    cosine = start @ end / length(start) / length(end)
    assert_said(
        "learning",
        f"layer 3, head 1 has {start.size:,} numbers, {sizes[0]} in size",
        f"and {sizes[1]} at the end",
        f"The cosine between the two is {number(cosine, 2)}",
    )


def test_before_attention():
    before = lstm.load()
    trace = before.trace(QUEEN)
    pronouns = whole("pronoun")
    assert_said(
        "before-attention",
        f"“it” with {percent(chance(trace, 'it', before))}",
        f"“she” with {percent(chance(trace, 'she', before))}",
        f"“she” with {percent(chance(run(QUEEN), 'she'))}",
        f"in {percent(pronouns['study-lstm'])} of {pronouns['count']:,} cases",
        f"the decoder in {percent(pronouns['study-decoder'], 1)}",
        f"here {before.config.d_model} numbers",
    )


def whole(kind: str) -> dict[str, float]:
    """How often each model was right, over all distances."""
    rows = json.loads((DOCS.parent / "assets/before_attention.json").read_text("utf-8"))
    tried = rows["tried"][kind]
    count = sum(row["count"] for row in tried)
    right = {name: sum(row["right"][name] for row in tried) for name in tried[0]["right"]}
    return {"count": count} | {name: found / count for name, found in right.items()}


# --- the tour, and Python -------------------------------------------------------------------------


def test_the_tour_has_the_stops_of_the_app():
    text = (DOCS / "tour.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| \[([^\]]+)\]\(http://localhost:8501/(\w*)\)", text, re.M)
    assert rows == [
        (str(n), stop.page.title, path_of(stop.page).removeprefix("./"))
        for n, stop in enumerate(STOPS, 1)
    ]
    assert len(STOPS) == 10 and "Ten stops" in text


def test_the_lines_of_python_print_what_stands_beside_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "python.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    exec(compile(code, "docs/python.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    said = re.findall(r"^print\(.*\)  # (.+)$", code, re.M)
    assert len(printed) == len(said) > 7
    assert [
        line for line, comment in zip(printed, said, strict=True) if not comment.startswith(line)
    ] == []
    assert (tmp_path / "run.npz").exists()


@pytest.mark.parametrize("page", sorted((DOCS / "concepts").glob("*.md")), ids=lambda p: p.stem)
def test_a_concept_is_told_shortly(page):
    text = re.sub(r"```.*?```|\]\([^)]*\)", "", page.read_text("utf-8"), flags=re.S)
    assert 120 <= len(text.split()) <= 420
