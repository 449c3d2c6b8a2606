"""Exercises: every question has one right answer, which is computed here once more, straight from
the recorded steps and the weights; nothing tells it before the reader has answered; and how far one
has come is kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from math import erf, exp, sqrt

import numpy as np
import pytest
import streamlit as st

from core.explanation import explain
from core.step_ref import GRAD_OF_WEIGHT
from core.text import number, percent
from core.why import in_words
from core.why.logit_parts import parts as logit_parts
from tests.helpers.pages import (
    HOSTILE,
    address,
    click,
    data_of,
    opened,
    page_title,
    parts,
    prose,
    said,
)
from ui.kit.explanation_panel import parse_cell, spell_cell
from ui.kit.quiz import Quiz
from ui.session.navigation import CROSS_ATTENTION, WHY
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import MOST, fits
from ui.session.view import View, is_word
from ui.stages.exercises.chapters import CHAPTERS, SLOTS, drawn, key_of
from ui.stages.exercises.exercise import Draw, Exercise, Typed
from ui.stages.exercises.sheet import mixed

PATH = "pages/18_Exercises.py"
SENTENCES = {
    "study-decoder": ("The books that the student recommended", "The girl lost her keys because"),
    "study-encoder": (
        "The book that the student [MASK] is expensive.",
        "The key to the old houses is in the garden.",
    ),
    "study-translator": ("The keys that the boy found are old.", "The red car is fast."),
}
ASKS = {ask.__name__: ask for c in CHAPTERS for slot in c.slots for ask in slot.asks}


def view_of(model: str, sentence: str = "", **more) -> View:
    view = View(RunRequest(model, sentence or SENTENCES[model][0], **more), "encoder", 0, 0, 0)
    return replace(view, side=view.config.sides[0])


def right(e: Exercise) -> str | float:
    return e.answer.options[e.answer.right] if isinstance(e.answer, Quiz) else e.answer.value


def plainly(text: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


# --- each question once more ----------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A question, and the run that it is about."""

    e: Exercise
    view: View

    def __getitem__(self, name: str) -> np.ndarray:
        return self.view.trace[name]

    @property
    def side(self) -> str:
        if self.e.place.page is CROSS_ATTENTION:
            return "decoder"
        return self.e.place.choices.get("side", self.view.config.sides[-1])

    @property
    def names(self) -> list[str]:
        return self.view.names_of(self.side)

    @property
    def words(self) -> list[str]:
        """The tokens that the question names, told apart."""
        found = re.findall(r"\*\*(.+?)\*\*”?(?: \((\d+)\))?", self.e.asks)
        return [f"{plainly(word)} ({at})" if at else plainly(word) for word, at in found]

    @property
    def at(self) -> list[int]:
        """Where they stand."""
        return [self.names.index(word) for word in self.words if word in self.names]

    def said(self, pattern: str) -> int:
        """A number that the question says."""
        found = re.search(pattern.replace("N", r"(\d+)"), self.e.asks)
        assert found, self.e.asks
        return int(found[1])

    @property
    def layer(self) -> int:
        return self.said("layer N")

    @property
    def head(self) -> int:
        return self.said("head N")

    def of(self, leaf: str) -> np.ndarray:
        """A step of the layer that the question names."""
        return self[f"{self.side}.{self.layer}.{leaf}"]

    @property
    def row(self) -> int:
        """The row of the output that it is about."""
        return self.view.trace.rows.tolist().index(self.at[0])

    @property
    def options(self) -> tuple[str, ...]:
        return self.e.answer.options

    def weight(self, name: str) -> np.ndarray:
        return np.asarray(self.view.trace.weights[name], dtype=np.float64)


def cosine(a, b) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def clear_first(values, names, by: float = 0.0) -> str:
    """The name of the largest value, which no other comes near."""
    order = np.argsort(-np.asarray(values))
    assert values[order[0]] - values[order[1]] > by
    return names[order[0]]


def tokens_read(w):
    return f"{len(w[f'{w.side}.embed.ids'])}"


def cosine_of_two(w):
    table = w.weight(f"{w.side}.embed.token.weight")[w[f"{w.side}.embed.ids"]]
    return cosine(*table[w.at])


def alike(w):
    rows = w.weight(f"{w.side}.embed.token.weight")[w[f"{w.side}.embed.ids"]]
    tokens, t = w.view.tokens(w.side), w.at[0]
    others = [i for i, x in enumerate(tokens) if is_word(x) and x != tokens[t]]
    values = [cosine(rows[t], rows[i]) for i in others]
    best = others[int(np.argmax(values))]
    equal = [i for i in others if tokens[i] != tokens[best]]
    assert all(max(values) - cosine(rows[t], rows[i]) >= 0.019 for i in equal)
    return w.names[best]


def nearest_word(w):
    table = w.weight(f"{w.side}.embed.token.weight")
    own = int(w[f"{w.side}.embed.ids"][w.at[0]])
    values = table @ table[own] / np.linalg.norm(table, axis=1)
    order = [int(i) for i in np.argsort(-values) if i != own and w.view.word(i).isalpha()]
    return w.view.word(order[0])


def wave(w):
    """The formula of the paper: sines in the first half, cosines in the second."""
    i, place = w.said("Dimension N"), w.said("position N")
    half = w[f"{w.side}.embed.position"].shape[1] // 2
    angle = place * 10000.0 ** -((i % half) / half)
    return number(float((np.sin if i < half else np.cos)(angle)), 3)


def position_length(w):
    return float(np.linalg.norm(w[f"{w.side}.embed.position"][w.at[0]]))


def turned(w):
    """The pair as a complex number, times e to the power of i times the angle."""
    c, (_, (head, t, i)) = w.view.config, w.e.cell
    q = w.of("attn.q.unrotated")[head, t].astype(np.complex128)
    rate = c.ropes[0].theta ** (-2 * i / c.d_head)
    return float(((q[i] + 1j * q[i + c.d_head // 2]) * np.exp(1j * t * rate)).real)


def sum_of_two(w):
    i, t, path = w.said("Dimension N"), w.at[0], f"{w.side}.embed"
    kinds = [x for x in ("token", "position", "segment") if f"{path}.{x}" in w.view.trace]
    return sum(float(w[f"{path}.{x}"][t, i]) for x in kinds)


def rotary_angle(w):
    c, pair = w.view.config, w.said("Pair N")
    return (w.at[0] - w.at[1]) * c.ropes[0].theta ** (-2 * pair / c.d_head)


def same_row(w):
    return f"{w[f'{w.side}.embed.ids'][w.at[0]]:,}"


def score_term(w):
    (t, m), i, c = w.at, w.said("dimension N"), w.view.config
    return float(w.of("attn.q")[w.head, t, i]) * float(w.of("attn.k")[c.group(w.head), m, i])


def scaled(w):
    (t, m), c = w.at, w.view.config
    q, k = w.of("attn.q")[w.head, t], w.of("attn.k")[c.group(w.head), m]
    return float(q @ k) / c.d_head**0.5


def softmaxed(scores) -> np.ndarray:
    e = np.exp(np.asarray(scores, dtype=np.float64) - np.max(scores))
    return e / e.sum()


def other_weight(w):
    t, a, b, again = w.at
    assert a == again
    scores = np.where(w.of("attn.mask")[t], w.of("attn.scores")[w.head, t], -np.inf)
    shares = 100 * softmaxed(scores)
    assert f"{number(shares[b], 3)}%" in w.e.asks
    return f"{number(shares[a], 3)}%"


def last_weight(w):
    t, a, b, again = w.at
    weights = w.of("attn.pattern")[w.head, t]
    assert {a, b} == set(np.argsort(-weights)[:2].tolist()) and b == again
    return 100 * float(weights[b])


def looks_most(w):
    return clear_first(w.of("attn.pattern")[w.head, w.at[0]], w.names, 0.049)


def gives_most(w):
    weights, z = w.of("attn.pattern")[w.head, w.at[0]], w.of("attn.z")[w.head, w.at[0]]
    given = weights * (w.of("attn.v")[w.view.config.group(w.head)] @ z) / (z @ z)
    return clear_first(np.where(weights > 0, given, -np.inf), w.names, 0.049)


def hidden(w):
    side = w.side
    patterns = [w[f"{side}.{n}.attn.pattern"] for n in range(w.view.config.layers(side))]
    never = [all((p[:, w.at[0], i] == 0).all() for p in patterns) for i in range(len(w.names))]
    (found,) = [name for name, off in zip(w.names, never, strict=True) if off and name in w.options]
    return found


def how_many_seen(w):
    return f"{(w[f'{w.side}.0.attn.pattern'][0, w.at[0]] > 0).sum()}"


def reached(w):
    """Another token is put there, and the model runs again."""
    t, side, n = w.at[0], w.side, len(w.names)
    ids = np.array(w[f"{side}.embed.ids"])
    ids[t] = (ids[t] + 17) % w.view.config.n_vocab
    other = w.view.trace.again({f"{side}.embed.ids": ids})
    moved = np.abs(other[f"{side}.out"] - w[f"{side}.out"]).max(axis=1) > 1e-5
    places = np.flatnonzero(moved).tolist()
    return {
        (t,): "only its own",
        (*range(t + 1),): "its own and all before it",
        (*range(t, n),): "its own and all after it",
        (*range(n),): "all",
    }[tuple(places)]


def which_head(w):
    m, t = w.at
    weights = w.of("attn.pattern")[:, t, m]
    return clear_first(weights, [f"head {h}" for h in range(len(weights))], 0.049)


def widest(w):
    weights = w.of("attn.pattern")[:, w.at[0]].astype(np.float64)
    spread = -(weights * np.log(np.maximum(weights, 1e-30))).sum(axis=1)
    return clear_first(spread, [f"head {h}" for h in range(len(spread))])


def silent(w):
    """The whole model runs again, without the head."""
    side = w.view.config.sides[-1]
    z = np.array(w[f"{side}.{w.layer}.attn.z"])
    z[w.head] = 0
    other = w.view.trace.again({f"{side}.{w.layer}.attn.z": z})
    row = w.view.trace.rows.tolist().index(w.view.names_of(side).index(w.words[-1]))
    return w.view.word(int(other["head.probs"][row].argmax()))


def residual(w):
    part = "mlp" if "feed-forward" in w.e.asks else "attn"
    i, t = w.said("Dimension N"), w.at[0]
    return float(w.of(f"{part}.in")[t, i] + w.of(f"{part}.out")[t, i])


def longer_update(w):
    lengths = [np.linalg.norm(w.of(f"{part}.out")[w.at[0]]) for part in ("attn", "mlp")]
    return ("attention", "feed-forward network")[int(np.argmax(lengths))]


def unnormed(w) -> np.ndarray:
    c, part = w.view.config, w.e.place.choices["addnorm_sublayer"]
    return w.of(f"{part}.{'in' if c.norm_first else 'sum'}")[w.at[0]].astype(np.float64)


def normed(w) -> np.ndarray:
    c, x = w.view.config, unnormed(w)
    x = x - x.mean() if c.norm == "layer" else x
    return x / np.sqrt((x * x).mean() + c.norm_eps)


def standardised(w):
    return float(normed(w)[w.said("dimension N")])


def unit_length(w):
    return number(np.linalg.norm(normed(w)), 3)


def bent(w):
    x = float(w.of("mlp.pre")[w.at[0], w.said("neuron N")])
    bend = {"relu": max(x, 0.0), "gelu": x * (1 + erf(x / sqrt(2))) / 2, "silu": x / (1 + exp(-x))}
    return number(bend[w.view.config.activation], 3)


def reads_alone(w):
    return "1"


def updates(w):
    added = re.compile(rf"{w.side}\.\d+\.(attn|cross|mlp)\.sum")
    return f"{sum(bool(added.fullmatch(name)) for name in w.view.trace.names)}"


def by_layer(w, value) -> str:
    values = [value(f"{w.side}.{n}") for n in range(w.view.config.layers(w.side))]
    return clear_first(values, [f"layer {n}" for n in range(len(values))], 0.019)


def turns_most(w):
    t = w.at[0]
    return by_layer(w, lambda at: -cosine(w[f"{at}.attn.in"][t], w[f"{at}.out"][t]))


def adds_most(w):
    t = w.at[0]
    size = np.linalg.norm
    return by_layer(w, lambda at: size(w[f"{at}.attn.out"][t]) / size(w[f"{at}.attn.in"][t]))


def if_last(w):
    c, side = w.view.config, w.view.config.sides[-1]
    t = w.view.names_of(side).index(w.words[-1])
    x = w[f"{side}.{w.layer}.out"][t].astype(np.float64)
    if c.final_norm:
        x = x / np.sqrt((x * x).mean() + c.norm_eps) * w.weight(f"{side}.norm.weight")
    logits = w.weight("head.logits.weight") @ x + w.weight("head.logits.bias")
    return w.view.word(int(logits.argmax()))


def other_mask(w):
    n, t = len(w.names), w.at[0]
    return f"{n if w.side == 'decoder' else t + 1}"


def keys_across(w):
    return f"{w['decoder.0.cross.k'].shape[1]}"


def looks_across(w):
    weights = w[f"decoder.{w.layer}.cross.pattern"][w.head, w.at[0]]
    return clear_first(weights, w.view.names_of("encoder"), 0.049)


def comes_first(w):
    return w.view.word(int(w["head.logits"][w.row].argmax()))


def last_share(w):
    a, b, again = offered_words(w)
    assert b == again
    return 100 * float(w["head.probs"][w.row, b])


def pooled(w):
    return float(w["encoder.out"].mean(axis=0)[w.said("dimension N")])


def warmer(w):
    heat = float(re.search(r"temperature of ([\d.]+)\?", w.e.asks)[1])
    p = w["head.probs"][w.row].astype(np.float64)
    then = p.max() ** (1 / heat) / (p ** (1 / heat)).sum()
    return f"it {'rises' if heat < 1 else 'falls'} to {percent(then, 0)}"


def offered_words(w) -> list[int]:
    """The words of the vocabulary that the question names, after the first token."""
    ids = np.argsort(-w["head.probs"][w.row])[:40].tolist()
    return [next(i for i in ids if w.view.word(i) == word) for word in w.words[1:]]


def other_share(w):
    a, b, again = offered_words(w)
    assert a == again
    shares = 100 * softmaxed(w["head.logits"][w.row])
    assert f"{number(shares[b], 3)}% likely" in w.e.asks
    return f"{number(shares[a], 3)}%"


def loss_of(w):
    word = int(w["decoder.embed.ids"][w.at[0] + 1])
    assert w.view.word(word) == w.words[1]
    return number(np.log(float(w["head.probs"][w.row, word])), 3)


def gave_most(w):
    row, word = w.e.place.guess
    assert word == int(w["head.logits"][row].argmax()) and w.view.word(word) == w.words[1]
    found = logit_parts(w.view.trace, word, None, row)
    real = [n for n in found.names if n.endswith(".mlp") or ".head." in n or ".embed." in n]
    values = dict(zip(found.names, found.parts_S, strict=True))
    assert sum(found.parts_S) == pytest.approx(float(w["head.logits"][row, word]), abs=0.01)
    return in_words(max(real, key=values.__getitem__)).removeprefix("the ")


def one_step(w):
    name, index = parse_cell(spell_cell(*w.e.cell))
    ids = w["decoder.embed.ids"].tolist()
    grads = w.view.trace.backward(dict(enumerate(ids[1:])))
    slope = float(
        grads[GRAD_OF_WEIGHT.removeprefix("grad.") + name.removeprefix("weights/")][index]
    )
    assert number(slope, 3) in w.e.asks
    return float(w.weight(name.removeprefix("weights/"))[index]) - 0.1 * slope


def surprised_most(w):
    ids, probs = w[f"{w.side}.embed.ids"], w["head.probs"]
    p = [float(probs[i, ids[i + 1]]) for i in range(len(ids) - 1)]
    return w.names[1 + int(np.argmin(p))]


CHECKS = {
    each.__name__: each
    for each in (
        *(tokens_read, cosine_of_two, alike, nearest_word, wave, position_length, turned),
        *(sum_of_two, rotary_angle, same_row, score_term, scaled, other_weight, last_weight),
        *(looks_most, gives_most, hidden, how_many_seen, reached, which_head, widest, silent),
        *(residual, longer_update, standardised, unit_length, bent, reads_alone, updates),
        *(turns_most, adds_most, if_last, other_mask, keys_across, looks_across, comes_first),
        *(last_share, pooled, warmer, other_share, loss_of, gave_most, one_step, surprised_most),
    )
}


def test_every_question_is_computed_once_more():
    assert CHECKS.keys() == ASKS.keys()
    assert len(SLOTS) == 30 and {len(chapter.slots) for chapter in CHAPTERS} == {5}


def check(name: str, e: Exercise, view: View) -> None:
    """One right answer, the same as by another way; what is said of it names it, and the hint does
    not."""
    world = World(e, view)
    expected = CHECKS[name](world)
    told = (name, e.asks, e.answer)
    if isinstance(e.answer, Typed):
        assert e.answer.value == pytest.approx(expected, abs=e.answer.within / 2), told
        assert e.answer.within < abs(expected), told
        assert any(f"**{number(e.answer.value, n)}" in plainly(e.why) for n in (2, 3, 4)) or (
            f"**{percent(e.answer.value / 100)}**" in e.why
        ), told
    else:
        assert 2 <= len(e.answer.options) == len(set(e.answer.options)) <= 5, told
        assert right(e) == expected, told
        core = re.sub(r"^it \w+ (to|at) | times$| \(\d+\)$", "", right(e))
        assert core.casefold() in plainly(e.why).casefold(), told
    assert hints_at_all_or_none(e), told
    check_number(name, e, view)
    assert all(fits(choice, value) for choice, value in e.place.choices.items()), told
    assert not re.search(r"\b(nan|None|inf)\b", f"{e.asks} {e.why} {e.hint}"), told


def hints_at_all_or_none(e: Exercise) -> bool:
    """Whether the hint gives the right answer no more away than the others."""
    if isinstance(e.answer, Typed):
        return f"**{number(e.answer.value, 3)}" not in e.hint
    bare = [re.sub(r" \(\d+\)$", "", option) for option in e.answer.options]
    return len({f"**{option}**" in plainly(e.hint) for option in bare}) == 1 or not any(
        f"**{option}**" in plainly(e.hint) for option in bare
    )


ANSWERED_BY_NONE = {"reached", "updates", "reads_alone", "rotary_angle"}


def check_number(name: str, e: Exercise, view: View) -> None:
    """The number that is opened is the answer, or is what is said of the right one; in the run that
    it stands in.
    """
    if e.cell is None:
        assert name in ANSWERED_BY_NONE
        return
    step, index = parse_cell(spell_cell(*e.cell))
    value = explain(e.seen_in(view).trace, step, index).value
    said, told = plainly(e.why), (name, value, e.why)
    if isinstance(e.answer, Typed):
        times = 100 if e.answer.unit == "%" else 1
        assert times * value == pytest.approx(e.answer.value, abs=e.answer.within / 4), told
        return
    as_written = [f"{value:,.0f}", percent(value), percent(value, 0), f"{number(100 * value, 3)}%"]
    as_written += [number(value, n) for n in (2, 3, 4)]
    numeric = re.sub(r"^it \w+ to ", "", right(e))
    if re.fullmatch(r"−?\d[\d.,]*%?", numeric):
        assert numeric in as_written, told
    else:
        assert name == "hidden" or any(each in said for each in as_written), told


def check_all(view: View, seeds) -> set[str]:
    """Every kind of question that the run can be asked; which ones these were."""
    found = set()
    for name, ask in ASKS.items():
        for seed in seeds:
            if e := ask(Draw(view, key_of(view, seed))):
                check(name, e, view)
                found.add(name)
    return found


@pytest.mark.parametrize("model", SENTENCES)
def test_what_is_right_is_so_in_the_trace(model):
    found = check_all(view_of(model), range(4))
    assert len(found) >= 24


@pytest.mark.slow
@pytest.mark.parametrize("at", (0, 1))
@pytest.mark.parametrize("model", SENTENCES)
def test_what_is_right_is_so_in_the_trace_by_many_draws(model, at):
    view = view_of(model, SENTENCES[model][at])
    found = check_all(view, range(60))
    assert len(found) >= 26


@pytest.mark.slow
@pytest.mark.parametrize("model", ("minilm", "smollm2"))
def test_so_it_is_in_pretrained_models(request, model):
    request.getfixturevalue(model)
    sentence = "When Mary and John went to the store, John gave a drink to Mary."
    found = check_all(view_of(model, sentence), range(12))
    assert len(found) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("change", ("head:decoder.3.4", "mlp:decoder.1+order", "positions"))
def test_so_it_is_after_a_change(change):
    view = view_of("study-decoder", change=change)
    assert view.trace.edits or change == "positions" or view.request.change
    for seed in range(12):
        for name in ("looks_most", "residual", "comes_first", "loss_of", "silent"):
            if e := ASKS[name](Draw(view, key_of(view, seed))):
                check(name, e, view)


def test_no_kind_of_question_is_never_asked(minilm, smollm2):
    asked = set()
    for model in (*SENTENCES, "minilm", "smollm2"):
        view = view_of(model, "" if model in SENTENCES else "The cat sat on the mat.")
        for name in ASKS.keys() - asked:
            draws = (Draw(view, key_of(view, seed)) for seed in range(6))
            asked |= {name} if any(ASKS[name](d) for d in draws) else set()
    assert ASKS.keys() - asked <= {"same_row", "reads_alone"}


# --- the set --------------------------------------------------------------------------------------


def asked_in(view: View, seed: int) -> list[str | None]:
    return [(e := drawn(view, seed, n)) and e.asks for n in range(30)]


def test_a_number_a_model_and_a_text_make_the_set():
    view = view_of("study-decoder")
    one = asked_in(view, 5)
    assert one == asked_in(replace(view, layer=3, head=2, token=4), 5)
    other_seed, other_text = asked_in(view, 6), asked_in(view_of("study-decoder", "The dogs"), 5)
    assert sum(a != b for a, b in zip(one, other_seed, strict=True)) > 15
    assert sum(a != b for a, b in zip(one, other_text, strict=True)) > 20
    assert len(set(filter(None, one))) == 29 == sum(map(bool, one))  # no cross-attention
    assert all(asked_in(view_of("study-translator"), 5)[:29])


@pytest.mark.parametrize("given", ({"sentence": "books"}, {"change": "norms"}, {"mask": "others"}))
def test_a_run_that_has_little_to_ask_asks_little(given):
    view = view_of("study-decoder", **given)
    for seed in range(3):
        for e in filter(None, (drawn(view, seed, n) for n in range(30))):
            assert not re.search(r"\b(nan|inf|∞)\b", f"{e.asks} {e.answer}"), e


# --- the page -------------------------------------------------------------------------------------


def page(**given):
    return opened(PATH, **{"model": "study-decoder", "exercises": "7"} | given)


def asked(app) -> str:
    return app.title[0].value


def sheet(app):
    return next(reversed(app.session_state["memory"].sheets.values()))


def to(app, at: int):
    return click(app, f"exercise-strip-{sheet(app).seed}", go=at)


def reply(app, given):
    return click(app, f"exercise-{sheet(app).seed}-{sheet(app).at}", answer=given)


def dots(app) -> list[str]:
    (strip,) = parts(app, "exercise_strip")
    return [state for chapter in strip["chapters"] for state in chapter["states"]]


def correct(app):
    e = sheet(app).made[sheet(app).at]
    return e.answer.right if isinstance(e.answer, Quiz) else e.answer.value


def sent_to_browser(app) -> str:
    """All that stands on the page, and all that its components got."""
    data = [each.proto.json for each in app.get("bidi_component")]
    return plainly(prose(app)) + " ".join(data)


@pytest.mark.parametrize("at", (0, 6, 29))
def test_nothing_tells_the_answer_before_it_is_given(at):
    app = to(page(), at)
    e = sheet(app).made[at]
    (shown,) = parts(app, "exercise")
    assert not app.exception and shown["verdict"] == {} and not parts(app)  # no number is opened
    assert plainly(e.why)[:30] not in sent_to_browser(app)
    assert plainly(e.hint) not in sent_to_browser(app)
    if isinstance(e.answer, Typed):
        assert shown["options"] == [] and number(e.answer.value, 4) not in json.dumps(shown)
    app.button(key="exercise_hint").click().run()
    assert not app.exception and plainly(e.why)[:30] not in sent_to_browser(app)
    assert e.place.page.title in app.button(key="exercise_see").label and not parts(app)
    reply(app, correct(app))
    assert "Right." in prose(app) and parts(app)[0]["name"] == spell_cell(*e.cell)
    assert parts(app)[0]["value"] == number(
        explain(e.seen_in(sheet(app).view).trace, *e.cell).value
    )


def test_answers_are_scored_and_the_first_one_counts():
    app = page()
    reply(app, correct(app))
    assert dots(app)[0] == "right" and parts(app, "exercise_strip")[0]["score"] == "1 of 1 right"
    app.button(key="exercise_next").click().run()
    reply(app, correct(app) + 1)  # a number that is typed
    assert "Not quite." in prose(app) and dots(app)[:3] == ["right", "wrong", "open"]
    reply(app, correct(app))
    assert dots(app)[1] == "wrong" and parts(app, "exercise_strip")[0]["score"] == "1 of 2 right"
    app.button(key="exercise_next").click().run()
    app.button(key="exercise_skip").click().run()
    assert dots(app)[2] == "skipped" and sheet(app).at == 3
    for late in (True, -1, 99, "0", [0], 0.5):
        to(reply(app, late), late)
    assert not app.exception and dots(app)[3] == "open" and sheet(app).at == 3


def test_a_number_is_right_within_what_is_said():
    for off, came in ((0.9, "right"), (-1.2, "wrong")):
        app = to(page(), 6)
        e = sheet(app).made[6].answer
        for nonsense in ("1", None, True, 1e300, [1.0]):
            reply(app, nonsense)
        assert dots(app)[6] == "open" and not app.exception
        reply(app, e.value + off * e.within)
        assert dots(app)[6] == came


def test_how_far_one_has_come_survives_other_pages_and_other_texts():
    app = page()
    reply(app, correct(app))
    app.button(key="exercise_next").click().run()
    before, question = dots(app), asked(app)
    app.switch_page("pages/4_Heads.py").run()
    assert address(app)["exercises"] == "7"
    app.switch_page(PATH).run()
    assert not app.exception and (dots(app), asked(app)) == (before, question)
    app.text_input(key="sentence").set_value("The dogs that the boy found").run()
    assert set(dots(app)) == {"open"} and sheet(app).seed == 7
    app.text_input(key="sentence").set_value(opened(PATH).session_state["sentence"]).run()
    app.selectbox(key="model").set_value("study-encoder").run()
    assert set(dots(app)) == {"open"} and not app.exception


def test_the_link_holds_the_set():
    app = page(exercises="123")
    one = asked(to(app, 10))
    assert asked(to(page(exercises="123"), 10)) == one != asked(to(page(exercises="124"), 10))
    app.button(key="exercise_new").click().run()  # nothing was answered: nothing is asked
    assert app.session_state["exercises"] == mixed(123) and set(dots(app)) == {"open"}
    assert address(app)["exercises"] == str(mixed(123))


def test_answers_go_only_once_the_reader_agrees():
    app = page(exercises="123")
    reply(app, correct(app))
    before = dots(app)
    app.button(key="exercise_new").click().run()
    assert "This ends your 1 answer." in prose(app) and dots(app) == before
    app.button(key="exercise_keep").click().run()
    assert app.session_state["exercises"] == 123 and "This ends" not in prose(app)
    app.button(key="exercise_new").click().run()
    app.button(key="exercise_anew").click().run()
    assert app.session_state["exercises"] == mixed(123) and set(dots(app)) == {"open"}


def test_answers_outlive_a_reload_and_belong_to_their_questions():
    app = page()
    reply(app, correct(app))
    e = (to(app, 6), sheet(app).made[6])[1].answer
    reply(app, e.value + 5)
    kept = dict(address(app))
    assert kept["answered"].count("~") == 2
    again = page(**kept)
    assert dots(again)[:7] == ["right", *["open"] * 5, "wrong"] and sheet(again).at == 6
    assert sheet(page(**kept | {"question": None})).at == 1  # the first that is open
    assert parts(again, "exercise_strip")[0]["score"] == "1 of 2 right"
    for other in ({"exercises": "8"}, {"sentence": "The dogs that the boy found"}):
        assert set(dots(page(**kept | other))) == {"open"}
    whose = kept["answered"].split("_")[0]
    for nonsense in (f"{whose}_0~9", f"{whose}_0~0.5", f"{whose}_99~1", "0_0~1", "<b>"):
        app = page(**kept | {"answered": nonsense})
        assert not app.exception and set(dots(app)) == {"open"}


def test_each_visit_has_a_set_of_its_own():
    app = page(exercises=None)
    seed = app.session_state["exercises"]
    assert 0 <= seed <= MOST and address(app)["exercises"] == str(seed)
    assert len({mixed(f"session {n}") for n in range(200)}) > 195


@pytest.mark.parametrize("seed", ("-1", "1e9", "99999999", "0x1", HOSTILE["script"]))
def test_a_number_that_is_none_is_refused(seed):
    app = page(exercises=seed)
    assert not app.exception and "exercises" in said(app) and "It was ignored" in said(app)
    assert 0 <= app.session_state["exercises"] <= MOST and parts(app, "exercise")


def test_what_a_model_lacks_is_said_and_another_is_offered():
    app = to(page(), 24)
    assert "no cross-attention" in prose(app) and not parts(app, "exercise")
    assert dots(app)[24] == "none"
    app.button(key="exercise_model").click().run()
    assert app.session_state["model"] == "study-translator" and not app.exception
    assert "cross-attention" in asked(to(to(app, 30), 24)) and parts(app, "exercise")
    app = to(page(sentence="books"), 12)
    assert "too short" in prose(app)
    app.button(key="exercise_text").click().run()
    assert not app.exception and "The book" in app.session_state["sentence"]


def test_the_summary_says_what_went_well_and_where_to_look_again():
    app = page()
    for n in range(5, 10):
        to(app, n)
        wrong = correct(app) + 1000 if n == 6 else correct(app)
        reply(app, wrong)
    to(app, 30)
    text = prose(app)
    assert "How did it go? 4 of 5 right" in text and "**Attention**: 4 of 5 right." in text
    again = [b.label for b in app.button if (b.key or "").startswith("exercise_again")]
    assert again == ["Attention"] and "**Heads and masks**: open." in text
    app.button(key="exercise_next").click().run()
    assert sheet(app).at == 0


def test_the_questions_are_about_the_run_that_all_pages_show():
    app = to(page(change="head:decoder.3.4"), 25)
    assert sheet(app).view.request.change == "head:decoder.3.4"
    assert "about the run that all pages show" in prose(app)
    assert "about the run" not in prose(page())


def follow(app, went: list, path: str) -> None:
    """The page that a button leads to, which Streamlit's test runner does not open by itself."""
    app.query_params.clear()
    for name, value in went[-1].items():
        app.query_params[name] = value
    app.switch_page(path).run()


PLACE = ("side", "layer", "head", "token", "change", "mask", "learn_rate", "why_word", "cards")


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "model, at", (*(("study-decoder", n) for n in (6, 14, 23, 28, 29)), ("study-translator", 24))
)
def test_a_look_leads_to_the_place_and_back(monkeypatch, model, at):
    went = []
    monkeypatch.setattr(st, "switch_page", lambda path, query_params: went.append(query_params))
    app = to(page(model=model, layer=None, head=None), at)
    e = sheet(app).made[at]
    reply(app, correct(app))
    before = {name: app.session_state[name] for name in PLACE}
    question, done = asked(app), dots(app)
    app.button(key="exercise_look").click().run()
    follow(app, went, e.place.page.path)
    assert not app.exception and page_title(app) == e.place.page.title and not said(app)
    sides = {"side": "encoder"} if model == "study-decoder" else {}  # of one stack none is chosen
    chosen = {name: app.session_state[name] for name in e.place.choices}
    assert chosen == e.place.choices | {n: s for n, s in sides.items() if n in chosen}
    assert parts(app)[0]["name"] == app.session_state["cell"] == spell_cell(*e.cell)
    assert shown_value(app) == number(explain(e.seen_in(sheet(app).view).trace, *e.cell).value)
    app.button(key="look_back").click().run()
    follow(app, went, PATH)
    assert not app.exception and not said(app) and (asked(app), dots(app)) == (question, done)
    assert {name: app.session_state[name] for name in PLACE} == before


def shown_value(app) -> str:
    """The opened number, as the panel writes it."""
    return parts(app)[0]["value"]


def test_what_the_reader_chose_after_a_look_stays(monkeypatch):
    went = []
    monkeypatch.setattr(st, "switch_page", lambda path, query_params: went.append(query_params))
    app = to(page(), 6)
    e = sheet(app).made[6]
    token = app.session_state["token"]
    reply(app, correct(app))
    app.button(key="exercise_look").click().run()
    follow(app, went, e.place.page.path)
    app.session_state["layer"] = layer = 3 - e.place.choices["layer"]
    app.run()
    app.switch_page("pages/4_Heads.py").run()
    assert "look_back" not in [each.key for each in app.button]
    app.switch_page(PATH).run()
    assert app.session_state["layer"] == layer and app.session_state["token"] == token


@pytest.mark.slow
@pytest.mark.parametrize("model", SENTENCES)
def test_every_look_opens_its_number_on_its_page(model):
    view = view_of(model)
    for n in range(30):
        e = drawn(view, 3, n)
        if e is None or e.cell is None:
            continue
        address = {k: str(int(v) if isinstance(v, bool) else v) for k, v in e.place.choices.items()}
        if e.place.page is WHY:
            row, word = e.place.guess
            side = view.config.sides[-1]
            address |= {
                "side": side,
                "token": str(int(view.trace.rows[row])),
                "why_word": str(word),
            }
        app = opened(
            e.place.page.path,
            **{"model": model, "sentence": view.sentence} | address | {"cell": spell_cell(*e.cell)},
        )
        assert not app.exception and not said(app), (e.asks, said(app))
        assert parts(app)[0]["name"] == spell_cell(*e.cell), e.asks


def test_the_page_computes_no_more_than_its_question(monkeypatch):
    app = page()
    assert list(sheet(app).made) == [0]
    assert list(sheet(to(app, 12)).made) == [0, 12]
    assert data_of(app, "exercise-strip", "exercise_strip")["at"] == 12
    assert trace_of(app.session_state["memory"].shown) is sheet(app).view.trace
