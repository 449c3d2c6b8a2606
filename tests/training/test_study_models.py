"""The study models: files of our own and how they can be wrong, what is shown first, words they do
not know, the other mask.

The models here are stand-ins with random weights (tests/helpers/study.py); the trained ones have
tests of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import streamlit as st
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest

from core import load
from core.config import Config, weight_shapes
from core.errors import GlassError
from core.models import catalogue, download, study_config
from core.models.head_links import read_links
from core.models.model import load_embedded
from core.models.weights import read_folder
from core.ops import sinusoids
from tests.helpers.pages import HARM, HOSTILE, SIGNED, address, opened, parts
from tests.helpers.study import LAYERS, ROOT, config_of, tokenizer_of, weights_of, write_study
from ui.session import runs
from ui.session.navigation import PAGES
from ui.session.selection import CODECS, DEPTHS, EXAMPLES, OPENING
from ui.session.shelf import SHELF


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """Stand-ins of the three models, instead of what lies in assets/models; study-decoder is the
    default.
    """
    for name in LAYERS:
        write_study(tmp_path, name)
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    first_model = replace(CODECS["model"], default=catalogue.default())
    monkeypatch.setitem(CODECS, "model", first_model)
    clear()
    yield tmp_path
    clear()


def clear() -> None:
    """Forgets models and traces: another test has other weights under the same names."""
    SHELF.forget()
    st.cache_data.clear()
    st.cache_resource.clear()


def first(**address: str) -> AppTest:
    """The app as it opens when nothing but this is asked for."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in (SIGNED | address).items():
        app.query_params[key] = value
    return app.run()


def written(app: AppTest) -> str:
    """All running text of a page, without the marks that escape it."""
    return " ".join(each.value for each in (*app.markdown, *app.caption)).replace("\\", "")


# --- the format -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_weights_come_as_they_were_written_with_one_table_and_computed_positions(name, tmp_path):
    folder = write_study(tmp_path, name)
    stored, (config, weights) = (
        load_file(folder / "model.safetensors"),
        read_folder(folder, np.float64),
    )
    assert config == config_of(name, tokenizer_of(name).get_vocab_size())
    for key, value in stored.items():
        assert value.dtype == np.float16 and np.array_equal(weights[key], value.astype(np.float64))
    for side in config.sides:
        assert weights[f"{side}.embed.token.weight"] is weights["head.logits.weight"]
        assert np.array_equal(
            weights[f"{side}.embed.position.weight"], sinusoids(128, config.d_model)
        )
    assert not weights["head.logits.bias"].any()
    assert set(weight_shapes(config)) <= set(weights)


@pytest.mark.parametrize("name", LAYERS)
def test_a_study_model_reads_and_guesses(name, assets):
    model = load(name)
    trace = model.trace("The book that the student recommended is expensive.")
    pieces = [model.tokenizer.piece(i) for i in trace[f"{model.config.sides[0]}.embed.ids"]]
    assert (pieces[0] == "[START]") == (name != "study-translator") and (pieces[-1] == "[END]") == (
        name != "study-decoder"
    )
    np.testing.assert_allclose(trace["head.probs"].sum(axis=-1), 1, rtol=1e-5)
    if name == "study-translator":
        assert trace["decoder.embed.ids"][0] == 2
        assert model.target_ids(trace["encoder.embed.ids"], "Le livre est cher.")[:2] == [
            2,
            model.tokenizer.id_of("le"),
        ]


def test_tables_of_their_own_and_a_bias_of_the_head_are_read_too(tmp_path):
    config = config_of("study-encoder", tokenizer_of("study-encoder").get_vocab_size())
    chance = np.random.default_rng(3)
    tensors = weights_of(config) | {
        "encoder.embed.token.weight": chance.normal(size=(config.n_vocab, 10)).astype(np.float32),
        "head.logits.bias": chance.normal(size=config.n_vocab).astype(np.float32),
    }
    _, weights = read_folder(write_study(tmp_path, "study-encoder", tensors))
    for name, value in tensors.items():
        assert np.array_equal(weights[name], value.astype(np.float32))


def test_every_field_of_a_config_is_read():
    assert set(study_config._FIELDS) == {field.name for field in fields(Config)}


WRONG = {
    "unknown": {"surprise": 1},
    "no type": {"family": None},
    "another family": {"family": "BERT"},
    "no width": {"d_model": None},
    "text": {"d_model": "100"},
    "true": {"n_heads": True},
    "float": {"d_head": 2.5},
    "zero": {"n_vocab": 0},
    "negative": {"d_mlp": -1},
    "huge": {"d_model": 1 << 60},
    "layers": {"encoder_layers": 10**6},
    "no layers": {"encoder_layers": 0},
    "list": {"positions": ["sinusoid"]},
    "what-if positions": {"positions": "none"},
    "what-if norm": {"norm": "none"},
    "activation": {"activation": "__import__('os')"},
    "flag": {"norm_at": None, "norm_first": 1},
    "no place of the norms": {"norm_at": None},
    "another place of the norms": {"norm_at": "below"},
    "two places of the norms": {"norm_first": True},
    "parallel and normed after": {"parallel": True},
    "eps": {"norm_eps": -1},
    "text eps": {"norm_eps": "1e-5"},
    "scale": {"score_scale": 0},
    "head": {"head": "mlp"},
    "pooler": {"pooler": "max"},
    "no positions": {"n_positions": None},
    "many positions": {"n_positions": 1 << 20},
    "groups": {"n_kv_heads": 3},
    "rotary": {"positions": "rotary", "d_head": 3},
    "end": {"end_id": 10**6},
    "start": {"start_id": -1},
    "bool id": {"end_id": True},
    "buckets": {"relative_buckets": 200, "relative_distance": 5},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_hostile_config_costs_a_sentence(change, tmp_path):
    folder = write_study(tmp_path, "study-encoder")
    data = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(data | change))
    with pytest.raises(GlassError) as caught:
        read_folder(folder)
    assert (
        str(caught.value).isprintable()
        and str(caught.value)[-1] in ".…"
        and "config.json" in str(caught.value)
    )


def test_a_config_that_does_not_fit_its_tensors_is_refused(tmp_path):
    for change in (
        {"d_model": 12},
        {"d_mlp": 13},
        {"n_heads": 4, "n_kv_heads": 4},
        {"n_vocab": 50},
        {"encoder_layers": 3},
        {"head": None},
        {"encoder_layers": 1},
        {"gated": True},
        {"pooler": "dense"},
        {"decoder_layers": 1, "start_id": 2},
    ):
        folder = write_study(tmp_path, "study-encoder")
        data = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(data | change))
        with pytest.raises(GlassError):
            read_folder(folder)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", LAYERS)
def test_every_tensor_that_is_missing_too_much_or_misshapen_is_named(name, tmp_path):
    tensors = weights_of(config_of(name, tokenizer_of(name).get_vocab_size()))
    for key in tensors:
        for other in (
            {k: v for k, v in tensors.items() if k != key},
            tensors | {key: tensors[key][:-1]},
        ):
            with pytest.raises(GlassError, match=key):
                read_folder(write_study(tmp_path, name, other))
    for strange in ("encoder.9.attn.q.weight", "stranger", "encoder.0.attn.q.weight.lora"):
        with pytest.raises(GlassError, match="do not belong"):
            read_folder(write_study(tmp_path, name, tensors | {strange: np.ones(3)}))


def test_two_of_three_tables_are_refused(tmp_path):
    tensors = weights_of(
        config_of("study-translator", tokenizer_of("study-translator").get_vocab_size())
    )
    another = {"encoder.embed.token.weight": tensors["head.logits.weight"] + 1}
    with pytest.raises(GlassError, match="2 of the 3 token tables"):
        read_folder(write_study(tmp_path, "study-translator", tensors | another))


def test_what_is_no_transformer_is_read_by_its_own_shapes(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    with pytest.raises(GlassError, match="assets/models/study-lstm"):
        load_embedded("study-lstm", lambda data: {})
    folder = write_study(tmp_path, "study-decoder").rename(tmp_path / "study-lstm")
    save_file(
        {"a.weight": np.arange(6, dtype=np.float16).reshape(2, 3)}, folder / "model.safetensors"
    )
    data, weights, cut = load_embedded("study-lstm", lambda data: {"a.weight": (2, 3)})
    assert data.whole("d_model") == 10 and weights["a.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (
        weights["a.weight"].dtype == np.float32
        and not weights["a.weight"].flags.writeable
        and cut.id_of("[START]") == 2
    )
    for shapes in ({"a.weight": (3, 2)}, {}, {"a.weight": (2, 3), "b": (1,)}):
        with pytest.raises(GlassError):
            load_embedded("study-lstm", lambda data, shapes=shapes: shapes)


# --- what is shown first --------------------------------------------------------------------------


def test_the_app_opens_on_the_study_encoder_and_fetches_nothing(assets, monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *given: pytest.fail("something was fetched"))
    monkeypatch.setenv("GLASSFORMER_CACHE", str(assets / "cache"))
    app = first()
    assert not app.exception and not app.warning and not app.error
    assert (
        app.session_state["memory"].shown == runs.RunRequest("study-decoder", OPENING)
        and address(app) == {}
    )
    assert app.selectbox(key="model").options[:3] == list(LAYERS)
    assert "1,300 words" in written(app) and "real text" in written(app)


@pytest.mark.slow
def test_the_first_page_imports_neither_pandas_nor_the_hubs_client(assets, tmp_path):
    program = """
import sys
from pathlib import Path
from core.models import catalogue
catalogue.MODELS = Path(sys.argv[1])
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
assert not app.exception and app.session_state["memory"].shown.model == "study-decoder"
heavy = ("pandas", "huggingface_hub.file_download", "gguf")
print([name for name in heavy if name in sys.modules])
"""
    here = {
        "HOME": str(tmp_path / "home"),
        "GLASSFORMER_CACHE": str(tmp_path / "none"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(assets)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | here,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_page_opens_with_every_study_model(assets, name, depth):
    app = opened(model=name, depth=depth, layer="1", head="3")
    for page in PAGES[1:]:
        app.switch_page(page.path).run()
        assert not app.exception and not app.error and not app.warning, page.path
        assert app.session_state["memory"].shown.model == name


def test_a_damaged_study_model_is_said_and_another_can_be_chosen(assets):
    (assets / "study-decoder/config.json").write_text("{")
    app = first()
    assert not app.exception and "config.json" in app.warning[0].value.replace("\\", "")
    app.selectbox(key="model").set_value("study-encoder").run()
    assert not app.exception and app.session_state["memory"].shown.model == "study-encoder"


def test_a_pretrained_model_is_one_click_away(assets, monkeypatch):
    asked = []
    monkeypatch.setattr(download, "fetch", lambda name, progress: asked.append(name))
    monkeypatch.setenv("GLASSFORMER_CACHE", str(assets / "cache"))
    monkeypatch.setattr(catalogue, "installed", lambda *given: None)
    clear()
    app = first()
    assert (
        app.button(key="kinds_minilm").label.replace("\\", "") == "Fetch, 84 MB: all-MiniLM-L6-v2"
    )
    app.button(key="kinds_minilm").click().run()
    assert (
        not app.exception
        and asked == ["minilm"]
        and app.session_state["memory"].shown.model == "study-decoder"
    )
    assert app.session_state["model"] == "minilm"


# --- the mask of its training, and the twin -------------------------------------------------------


@pytest.mark.parametrize(
    "name, mask, twin",
    [("study-encoder", "decoder", "study-decoder"), ("study-decoder", "encoder", "study-encoder")],
)
def test_another_mask_is_said_and_the_twin_is_a_click_away(assets, name, mask, twin):
    app = first(model=name, mask=mask, layer="2")
    said = written(app).replace("*", "")
    assert f"Another mask: {name} was trained with" in said
    assert app.button(key="banner_twin").help.startswith("The same sizes, words and sentences")
    app.button(key="banner_twin").click().run()
    assert (
        not app.exception
        and app.session_state["memory"].shown.model == twin
        and app.session_state["mask"] == "trained"
    )
    assert app.session_state["layer"] == 1 and "Another mask" not in written(
        app
    )  # the stand-in has two layers


def test_the_banner_leads_back_to_the_mask_of_the_training(assets):
    app = first(mask="others")
    assert "Another mask" in written(app) and not any(
        button.key == "banner_twin" for button in app.button
    )
    app.button(key="as_trained").click().run()
    assert app.session_state["mask"] == "trained" and "Another mask" not in written(app)
    assert "Another mask" not in written(first(mask="decoder"))  # that is the one it learned under


def test_the_page_about_masks_names_the_twin(assets):
    page = "pages/8_Encoder_and_decoder.py"
    app = opened(page, model="study-encoder", cards="masks-trained")
    assert "For a fair comparison, **study-decoder**" in written(app)
    app.button(key="page_twin").click().run()
    assert not app.exception and app.session_state["memory"].shown.model == "study-decoder"
    translator = opened(page, model="study-translator", cards="masks-trained")
    assert not any(
        button.key == "page_twin" for button in translator.button
    ) and "was trained with" in written(translator)


# --- what was measured over many sentences --------------------------------------------------------


def measured(assets, *relations: str, **more: str) -> AppTest:
    """The page Layers, where those relations were measured; head 3 of layer 1 hits most often."""
    hits = np.where(np.arange(10).reshape(2, 5) == 8, 0.9, 0.1).tolist()
    one = {"count": 50, "hits": hits, "weight": hits, "by distance": 0.4}
    (assets / "study-encoder/links.json").write_text(json.dumps(dict.fromkeys(relations, one)))
    read_links.cache_clear()
    app = opened(
        "pages/7_Layers.py",
        model="study-encoder",
        sentence=EXAMPLES[0]["text"],
        cards="layers-links",
        **more,
    )
    read_links.cache_clear()
    assert not app.exception and not app.warning
    return app


def test_the_head_that_links_two_words_is_named_and_its_weight_here_is_the_traces(assets):
    app = measured(assets, "verb to its subject", "pronoun")
    assert "**Layer 1, head 3** attends most to the right word in **90%** of 50 cases" in written(
        app
    )
    (here,) = [data for data in parts(app, "table") if data["title"].startswith("The same links")]
    trace = load("study-encoder").trace(EXAMPLES[0]["text"])
    words = EXAMPLES[0]["text"].split()
    row, column = (
        words.index("recommended") + 1,
        words.index("student") + 1,
    )  # behind the sign that begins the text
    (verb,) = here["rows"]
    assert verb.startswith("“recommended” → “student”: layer 1, head 3")
    assert here["shares"] == pytest.approx([float(trace["encoder.1.attn.pattern"][3, row, column])])


def test_what_was_measured_is_not_said_of_another_run_nor_shown_where_no_pair_stands(assets):
    assert not any(
        data["title"].startswith("The same links")
        for data in parts(measured(assets, "pronoun"), "table")
    )
    for more in ({"mask": "decoder"}, {"change": "norms"}):
        assert "right word" not in written(measured(assets, "verb to its subject", **more))


# --- words it does not know -----------------------------------------------------------------------


def test_words_that_are_not_whole_are_named_under_the_box_and_marked(assets):
    app = opened(
        "pages/1_Tokens.py",
        model="study-encoder",
        sentence="The zorb ba saw a π near the book.",
        depth="story",
    )
    told = [each.value.replace("\\", "") for each in app.markdown]
    line = " ".join(text for text in told if re.match(r":orange|\*\*\S+\*\* \(", text))
    assert (
        "**4 words are new to this model** (zorb, ba, π and 1 more). It reads them in pieces and"
        " can’t know what they mean."
    ) in line
    assert (
        "**zorb** (z ##o ##r ##b)" in line
        and "**ba** (as letters" in line
        and "**π** (it reads [UNK])" in line
    )
    assert "**saw**" not in line and "**book**" not in line and "**near**" in line
    marked = {token["text"]: token["mark"] for token in parts(app, "pieces")[0]["tokens"]}
    assert (
        marked["##r"] == marked["ba"] == "never seen whole by this model"
        and "reads its unknown token" in marked["[UNK]"]
    )
    assert marked["the"] == marked["[START]"] == marked["book"] == ""
    assert any("Dashed: never seen whole by this model" in each.value for each in app.caption)
    assert any("zorb** is not among the words" in each.value for each in app.caption)


def test_nothing_is_said_where_every_word_is_known(assets):
    app = first(sentence="The book that the student recommended is expensive.")
    assert "never seen" not in written(app) and "new to this model" not in written(app)


def test_of_minilm_pieces_are_normal_and_only_unknown_signs_are_named():
    app = opened("pages/1_Tokens.py", sentence="Unbelievably, the hippopotamus outmanoeuvred.")
    assert "vocabulary**" not in written(app) and "never seen" not in written(app)
    assert not any(token["mark"] for token in parts(app, "pieces")[0]["tokens"])
    app = opened("pages/1_Tokens.py", sentence="The 🂡 is a card.")
    assert "**1 word is not in this model’s vocabulary** (🂡)." in written(app)
    assert "**🂡** (it reads [UNK])" in written(app)
    assert "reads its unknown token" in str(parts(app, "pieces"))


def test_a_target_that_was_typed_is_looked_at_too(assets):
    app = opened(
        model="study-translator", sentence="The book is expensive.", target="le qqzz est cher."
    )
    assert "**qqzz**" in written(app) and "**le**" not in written(app)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", LAYERS)
def test_hostile_sentences_do_no_harm(assets, name, text):
    app = opened("pages/1_Tokens.py", model=name, sentence=text, target=text)
    assert not app.exception
    for element in (*app.markdown, *app.caption, *app.warning):
        assert not any(harm in element.proto.body for harm in HARM)


def test_many_unknown_words_are_counted(assets):
    line = written(first(sentence=" ".join("zz" + letter for letter in "abcdefghij")))
    assert "and 7 more" in line


# --- examples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LAYERS, "minilm"])
def test_examples_suit_the_model(assets, name):
    app = opened(model=name)
    names = app.selectbox(key="example").options
    kind = name if name in LAYERS else "pretrained"
    assert [name.splitlines()[0] for name in names] == [
        each["name"] for each in EXAMPLES if kind in each.get("for", [kind])
    ] and len(names) >= 5
    app.selectbox(key="example").select(names[2]).run()
    text = names[2].splitlines()[1]
    assert app.session_state["sentence"] == text and not app.exception


def test_a_hidden_word_is_looked_at_first(assets):
    app = first(model="study-encoder", sentence="The keys that the boy found [MASK] old.")
    (data,) = parts(app, "glass_overview")
    question = "".join(words for words, _ in data["headline"])
    assert app.session_state["token"] == 7 and question.startswith("Which word is hidden? “")


def test_the_words_of_the_examples_are_in_the_grammar():
    vocabulary = pytest.importorskip("training.vocabulary")
    known = set(vocabulary.english_words())
    cut = vocabulary.tokenizer("english", "[START] $A [END]")
    for example in EXAMPLES:
        ours = set(example.get("for", LAYERS)) & set(LAYERS)
        if ours and "never seen" not in example["name"]:
            pieces = cut.encode(example["text"], add_special_tokens=False).tokens
            assert not [piece for piece in pieces if piece not in known and piece != "[MASK]"], (
                example
            )


def test_where_words_end_and_spelling_begins_is_found_in_the_real_vocabulary():
    vocabulary = pytest.importorskip("training.vocabulary")
    from core.models.tokenizer import Tokenizer

    for language in ("english", "joint"):
        cut = Tokenizer(vocabulary.tokenizer(language, "$A [END]"))
        assert not [word for word in vocabulary.english_words() if cut.id_of(word) in cut.spelling]
        assert all(
            cut.id_of(piece) in cut.spelling for piece in ("b", "z", "zu", "##s", "##zu", "7")
        )
        assert cut.unknown == 1 and cut.id_of("[MASK]") not in cut.spelling
        words = {*vocabulary.SPECIAL, *vocabulary.english_words(), *vocabulary.french_words()}
        pieces = [*vocabulary.ALPHABET, *vocabulary.SYLLABLES]
        pieces += [piece for piece in vocabulary.tokens(language) if piece.startswith("##")]
        spelled = {cut.piece(number) for number in cut.spelling}
        assert set(pieces) - set(vocabulary.english_words()) == spelled
        assert {cut.piece(number) for number in range(len(cut))} - spelled <= words
