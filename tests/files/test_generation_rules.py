"""What a decoder may write, by the rules in generation_config.json or config.json.

Live against `generate` of transformers where it is installed, and always against a plain loop over
the logits of whole runs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from core import GlassError, load
from core.decoding import ends_text, forbidden, greedy_target, written_next
from core.models.generation_rules import Decoding, barred, chosen
from core.step_ref import ref_of
from core.steps.output import sampled_without
from tests.helpers.pages import opened
from tests.helpers.tiny import golden
from ui.session import runs

SOURCE = [3, 5, 7, 2, 9, 4]
READ = {"sentence": "3 5 7", "target": "4 6", "side": "decoder"}
LONGEST = 12


def folder(tmp_path, family: str, config: dict, generation: dict | None):
    """A tiny model with more keys in config.json, and with a generation_config.json of its own."""
    path = golden(family).write(tmp_path / family)
    said = json.loads((path / "config.json").read_text()) | config
    (path / "config.json").write_text(json.dumps(said))
    if generation is not None:
        start = {"decoder_start_token_id": said["decoder_start_token_id"]}
        (path / "generation_config.json").write_text(json.dumps(start | generation))
    return path


def written(path, longest: int = LONGEST) -> list[int]:
    """What our decoder writes for the source."""
    model = load(path)
    return greedy_target(model.config, model.weights, SOURCE, longest, model.decoding)


def likeliest(path, count: int) -> list[int]:
    """What would be written if nothing were forbidden and nothing ended the text, by whole runs."""
    model = load(path)
    target = [model.config.start_id]
    while len(target) < count:
        trace = model.trace(ids_L=SOURCE, target_ids_L=target)
        target.append(int(trace["head.logits"][-1].argmax()))
    return target


def rules(base: list[int]) -> dict[str, dict]:
    """Keys that change what is written, made from what is written without them."""
    _, a, b, *_ = base
    return {
        "one bad word": {"bad_words_ids": [[a]]},
        "bad words in a row": {"bad_words_ids": [[a, b], [base[0], a, b, base[3]]]},
        "a bad word after the start": {"bad_words_ids": [base[:2]]},
        "an end that is a bad word": {"bad_words_ids": [[b]], "eos_token_id": [b]},
        "suppressed": {"suppress_tokens": [a, b, -1]},
        "suppressed at the beginning": {"begin_suppress_tokens": [a, b]},
        "forced first": {"forced_bos_token_id": 8},
        "forced first, then not b": {"forced_bos_token_id": 8, "begin_suppress_tokens": [b]},
        "forced first, though a bad word": {"forced_bos_token_id": 8, "bad_words_ids": [[8]]},
        "forced last": {"forced_eos_token_id": 0, "eos_token_id": 0},
        "forced last, another": {"forced_eos_token_id": 11, "eos_token_id": 0},
        "two ends": {"eos_token_id": [0, b]},
        "not before the fifth": {"eos_token_id": [b, a], "min_length": 5},
        "not before five more": {"eos_token_id": [b, a], "min_new_tokens": 5},
        "no token twice": {"no_repeat_ngram_size": 1},
        "no pair twice": {"no_repeat_ngram_size": 2},
        "no three twice": {"no_repeat_ngram_size": 3},
        "at most six": {"max_length": 6, "forced_eos_token_id": 0, "eos_token_id": 0},
    }


CASES = rules([1, 2, 3, 4])


@pytest.mark.one_in(21)
@pytest.mark.parametrize("family", ["marian", "t5_gated"])
@pytest.mark.parametrize("where", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_what_transformers_generates(case, where, family, tmp_path):
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    base = likeliest(folder(tmp_path, family, {"eos_token_id": 0}, None), 6)
    keys = rules(base)[case]
    path = folder(tmp_path, family, *((keys, None) if where == "config.json" else ({}, keys)))
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(path, dtype=torch.float32).eval()
    longest = min(LONGEST, keys.get("max_length", LONGEST))
    options = {"max_length": longest, "num_beams": 1, "do_sample": False}
    theirs = model.generate(torch.tensor([SOURCE]), **options)
    ends = json.loads((path / where).read_text()).get("eos_token_id", [])
    theirs, ends = theirs[0].tolist(), ends if isinstance(ends, list) else [ends]
    assert written(path) == (theirs[:-1] if theirs[-1] in ends else theirs)
    assert written(path) != likeliest(path, LONGEST)  # the keys do change something


def test_a_forbidden_token_is_never_written_though_it_is_the_likeliest(tmp_path):
    """Marian's <pad>: the published config.json forbids it by bad_words_ids."""
    base = likeliest(folder(tmp_path, "marian", {}, None), 4)
    path = folder(tmp_path, "marian", {"bad_words_ids": [[base[1]]]}, None)
    model = load(path)
    assert base[1] in forbidden(model, base[:1]) and base[1] not in written(path)
    logits_V = model.trace(ids_L=SOURCE, target_ids_L=base[:1])["head.logits"][-1]
    second = int(np.argsort(-logits_V)[1])
    assert written_next(model, logits_V, base[:1]) == second == written(path)[1]
    assert list(model.trace(ids_L=SOURCE)["decoder.embed.ids"][:2]) == [base[0], second]


def test_generation_config_takes_the_place_of_config(tmp_path):
    """As in transformers: where there is such a file, the keys of config.json say nothing."""
    base = likeliest(folder(tmp_path, "marian", {}, None), 4)
    forbids = {"bad_words_ids": [[base[1]]], "eos_token_id": [0, base[2]]}
    assert base[1] not in written(folder(tmp_path, "marian", forbids, None))
    model = load(folder(tmp_path, "marian", forbids, {"eos_token_id": 5}))
    assert model.decoding == Decoding((5,)) and model.config.end_id == 5
    assert load(folder(tmp_path, "marian", {}, {"decoder_start_token_id": 7})).config.start_id == 7
    assert load(folder(tmp_path, "marian", forbids, {})).decoding.ends == ()


@pytest.mark.parametrize("family", ["marian", "gpt2"])
def test_every_end_ends_the_text(family, tmp_path):
    path = golden(family).write(tmp_path / family)
    (path / "generation_config.json").write_text(json.dumps({"eos_token_id": [4, 6]}))
    model = load(path)
    assert [token for token in range(10) if ends_text(model, token)] == [4, 6]


def test_a_target_is_read_without_its_end_even_if_nothing_ends_what_is_written(tmp_path):
    """A tokenizer ends every text with </s>; a generation_config.json may name no end."""

    class Tokenizer:
        def encode(self, text):
            return SimpleNamespace(ids_L=np.array([4, 6, 1]))

    model = load(folder(tmp_path, "t5_gated", {"eos_token_id": 1}, {}))
    assert model.decoding.ends == () and model.config.end_id == 1
    model = replace(model, tokenizer=Tokenizer())
    assert model.target_ids(SOURCE, "any") == [model.config.start_id, 4, 6]


def test_what_is_not_done_is_named(tmp_path):
    asked = {"num_beams": 6, "repetition_penalty": 1.3, "bad_words_ids": [[3]], "max_length": 512}
    (note,) = load(folder(tmp_path, "marian", asked, None)).notes[1:]
    assert "num_beams = 6 and repetition_penalty = 1.3" in note and "bad_words" not in note
    without = {"num_beams": 1, "repetition_penalty": 1.0, "do_sample": False, "eos_token_id": 0}
    assert len(load(folder(tmp_path, "marian", {}, without)).notes) == 1
    (note,) = load(folder(tmp_path, "marian", {}, {"num_beams": 1})).notes[1:]
    assert "eos_token_id" in note


@pytest.mark.parametrize(
    "damage",
    [
        {"bad_words_ids": 3},
        {"bad_words_ids": [3]},
        {"bad_words_ids": [[]]},
        {"bad_words_ids": [["a"]]},
        {"bad_words_ids": [[1 << 70]]},
        {"bad_words_ids": [[-1]]},
        {"suppress_tokens": "all"},
        {"eos_token_id": [True]},
        {"min_length": "long"},
        {"no_repeat_ngram_size": -5},
        {"max_length": 1.5},
        {"forced_bos_token_id": {}},
    ],
)
def test_damaged_rules_are_said_and_the_model_runs(damage, tmp_path):
    model = load(folder(tmp_path, "marian", {}, damage))
    assert "It is not known what the decoder may write" in model.notes[1]
    assert next(iter(damage)) in model.notes[1]
    assert model.decoding == Decoding((model.config.end_id,))
    assert model.trace(ids_L=SOURCE)["head.logits"].ndim == 2


def test_a_generation_config_that_is_no_json_is_said(tmp_path):
    path = folder(tmp_path, "marian", {}, {})
    (path / "generation_config.json").write_text("{")
    assert "generation_config.json is damaged" in load(path).notes[1]


def forbidding(tmp_path, monkeypatch, tokens: list[int]) -> str:
    """The tiny translator in the list of models, with tokens that it may not write."""
    path = folder(tmp_path, "marian", {"suppress_tokens": tokens}, None)
    monkeypatch.setenv("GLASSFORMER_MODELS", str(path))
    st.cache_data.clear()
    return str(path)


def test_the_page_says_that_the_likeliest_next_word_is_forbidden(tmp_path, monkeypatch):
    free = forbidding(tmp_path / "free", monkeypatch, [60])
    trace = runs.trace_of(runs.RunRequest(free, "3 5 7", target="4 6"))
    best, second = np.argsort(-trace["head.probs"][1])[:2].tolist()
    path = forbidding(tmp_path, monkeypatch, [best])
    said = (
        f"files forbid **\\#{best}** here, though it is the likeliest: the model takes"
        f" **\\#{second}** instead"
    )
    for page, where in (("9_Cross_attention", "markdown"), ("10_Output", "caption")):
        app = opened(f"pages/{page}.py", model=path, token="1", **READ)
        assert not app.exception and any(said in each.value for each in app.get(where)), page
        other = opened(f"pages/{page}.py", model=path, token="0", **READ)
        there = int(trace["head.probs"][0].argmax()) == best
        assert any("files forbid" in each.value for each in other.get(where)) == there, page


@pytest.mark.slow
def test_a_forbidden_word_is_neither_drawn_nor_taken_as_the_likeliest(tmp_path, monkeypatch):
    free = forbidding(tmp_path / "free", monkeypatch, [60])
    probs_V = runs.trace_of(runs.RunRequest(free, "3 5 7", target="4 6"))["head.probs"][2]
    path = forbidding(tmp_path, monkeypatch, [i for i in range(len(probs_V)) if i not in (7, 9)])
    app = opened("pages/10_Output.py", model=path, cards="output-line", **READ)
    assert not app.exception and any("left out of the draw" in each.value for each in app.caption)
    app.button(key="output_likeliest").click().run()
    assert app.session_state["target"] == f"4 6 {max(7, 9, key=lambda i: probs_V[i])}"
    drawn = set()
    for seed in range(12):
        app = opened("pages/10_Output.py", model=path, cards="output-line", **READ)
        app.slider(key="output_heat").set_value(3.0).run()
        app.number_input(key="output_seed").set_value(seed).run()
        app.button(key="output_append").click().run()
        drawn.add(app.session_state["target"].split()[-1])
    assert drawn <= {"7", "9"}


def test_the_draw_without_forbidden_words_is_a_draw_among_the_others():
    """Temperature, top-k and top-p as if the forbidden words had no logit."""
    logits_V = np.random.default_rng(3).normal(size=20)
    trace = {"head.logits": logits_V[None], "head.sampled.0.80.5.900": None}
    rest_V = np.where(np.isin(np.arange(20), [int(logits_V.argmax()), 3]), -np.inf, logits_V)
    order = np.argsort(-rest_V)[:5]
    probs = np.exp(rest_V[order] / 0.8) / np.exp(rest_V[order] / 0.8).sum()
    n = int(np.searchsorted(np.cumsum(probs), 0.9)) + 1
    found_V = sampled_without(
        trace, ref_of("head.sampled.0.80.5.900"), {int(logits_V.argmax()), 3, 99}
    )
    np.testing.assert_allclose(found_V[order[:n]], probs[:n] / probs[:n].sum())
    assert np.count_nonzero(found_V) == n
    trace["head.logits"] = np.where(np.arange(20) == 3, 5000.0, logits_V)[None]  # all of it
    found_V = sampled_without(
        trace, ref_of("head.sampled.0.80.5.900"), {int(logits_V.argmax()), 3, 99}
    )
    np.testing.assert_allclose(found_V[order[:n]], probs[:n] / probs[:n].sum())


def test_rules_at_each_place():
    """Without a model: what is barred after which tokens, and what is chosen."""
    some = Decoding((0,), frozenset({9}), ((4, 5, 6),), frozenset({7}), shortest=3, no_repeat=2)
    assert barred(some, [1]) == {9, 0, 7} and barred(some, [1, 2]) == {9, 0}
    assert barred(some, [1, 4, 5]) == {9, 6} and barred(some, [5, 1, 5]) == {9, 1}
    logits_V = np.arange(10.0)
    assert [chosen(some, logits_V, ids) for ids in ([1], [1, 4, 5], [1, 8, 1])] == [8, 8, 7]
    assert chosen(replace(some, first=9), logits_V, [1]) == 9
    assert chosen(replace(some, last=(3, 2)), logits_V, [1, 1, 1], longest=4) == 2
    assert chosen(Decoding(never=frozenset({99})), logits_V, [1]) == 9


def test_tokens_that_a_gguf_suppresses_are_never_written(tmp_path):
    from tests.helpers.llama_cpp import write_vocabulary
    from tests.helpers.texts import header

    model = load(write_vocabulary(tmp_path / "model.gguf", header(suppress_tokens=[3, 5])))
    assert forbidden(model, [1, 2]) == {3, 5}
    more = header(eos_token_id=7, eot_token_id=9, eom_token_id=11)
    model = load(write_vocabulary(tmp_path / "model.gguf", more))
    assert [token for token in range(20) if ends_text(model, token)] == [7, 9, 11]
    with pytest.raises(GlassError, match="suppress_tokens"):
        load(write_vocabulary(tmp_path / "model.gguf", header(suppress_tokens="all")))
