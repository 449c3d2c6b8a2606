"""Translators with codes for languages: what is put around a text, and how a reader chooses the
language that is written.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core import GlassError, load
from core.decoding import greedy_target
from core.decoding.next_word import longer
from core.models import languages, sentencepiece_model
from tests.helpers.texts import printable, stored, trained
from tests.helpers.tiny import golden
from tests.helpers.tokenizer_files import MAKERS, write

CLASSES = {"m2m_100": "NllbTokenizer", "mbart": "MBartTokenizer", "mbart50": "MBart50Tokenizer"}


def translator(kind: str, folder, rules: dict | None = None, said: dict | None = None, **config):
    """A tiny translator with a vocabulary that has the codes of its languages."""
    family, library = kind.removesuffix("50"), MAKERS[kind]()
    model, V = golden(family), library.get_vocab_size()
    D, rng = model.config["d_model"], np.random.default_rng(2)
    tensors = {name: each for name, each in model.tensors.items() if "logits_bias" not in name}
    tensors["model.shared.weight"] = rng.normal(size=(V, D))
    said = {"tokenizer_class": CLASSES[kind], **(said or {})}
    config = {**model.config, "vocab_size": V, **config}
    replace(model, config=config, tensors=tensors).write(folder)
    write(folder, family, said, library, config=config)
    if rules is not None:
        (folder / "generation_config.json").write_text(json.dumps(rules))
    return load(folder, np.float64)


def ids_of(model, *codes: str) -> list[int]:
    return [model.languages.ids[code] for code in codes]


def test_a_code_alone_is_the_language_that_is_written(tmp_path):
    model = translator("m2m_100", tmp_path, {"eos_token_id": 2, "decoder_start_token_id": 2})
    source = model.ids("ab he")
    french, german = ids_of(model, "fra_Latn", "deu_Latn")
    assert source[0] == model.languages.ids["eng_Latn"] and source[-1] == 2
    for code, i in (("fra_Latn", french), ("deu_Latn", german)):
        target = model.target_ids(source, code)
        assert target[:2] == [2, i] and len(target) > 2
        same = greedy_target(
            model.config, model.weights, source, rules=model.writing(code).decoding
        )
        assert target == same == model.writing(code).target_ids(source, None)
    assert model.target_ids(source, None)[:1] == [2]
    (note,) = [note for note in model.notes if "translate" in note]
    assert "name no language" in note and "such as fra_Latn" in note and "202 languages" in note


def test_a_target_may_begin_with_its_code(tmp_path):
    model = translator("m2m_100", tmp_path, {"eos_token_id": 2, "decoder_start_token_id": 2})
    a, (french,) = (
        model.tokenizer.encode("ab", special=False).ids_L.tolist(),
        ids_of(model, "fra_Latn"),
    )
    assert model.target_ids([5], "fra_Latn ab") == [2, french, *a]
    assert model.target_ids([5], "ab") == [2, *a]
    assert model.writing("fra_Latn").target_ids([5], "ab") == [2, french, *a]
    assert model.target_ids(None, "fra_Latn") == [2, french]
    trace = model.trace("ab", target="fra_Latn ab")
    assert trace["decoder.embed.ids"].tolist() == [2, french, *a]
    assert model.tokenizer.is_special(french)
    new = model.tokenizer.encode("he", special=False).ids_L.tolist()
    made = longer(model, [2, french, *a], "fra_Latn ab", *new)
    assert made.text == "fra_Latn ab he" and made.exact


def test_the_language_that_the_files_name_is_written(tmp_path):
    first = translator("m2m_100", tmp_path / "a").languages.ids["deu_Latn"]
    rules = {"eos_token_id": 2, "decoder_start_token_id": 2, "forced_bos_token_id": first}
    model = translator("m2m_100", tmp_path / "b", rules)
    assert model.target_ids(model.ids("ab"), None)[:2] == [2, first]
    a = model.tokenizer.encode("ab", special=False).ids_L.tolist()
    assert model.target_ids([5], "ab") == [2, first, *a]
    assert any(note.startswith("It translates into deu_Latn.") for note in model.notes)


def test_mbart_begins_with_the_code_of_the_language(tmp_path):
    model = translator("mbart", tmp_path, {"eos_token_id": 2, "decoder_start_token_id": 2})
    french, english = ids_of(model, "fr_XX", "en_XX")
    a = model.tokenizer.encode("ab", special=False).ids_L.tolist()
    assert model.ids("ab").tolist() == [*a, 2, english]
    assert model.target_ids([5], "fr_XX ab") == [french, *a]
    assert model.target_ids(model.ids("ab"), "fr_XX")[0] == french
    assert model.writing("fr_XX").config.start_id == french
    without = translator("mbart", tmp_path / "b", {}, decoder_start_token_id=None)
    assert without.config.start_id is None
    with pytest.raises(GlassError, match="which token its decoder begins with"):
        without.target_ids([5], "ab")
    assert without.target_ids([5], "fr_XX ab") == [french, *a]


def test_mbart_50_writes_the_code_after_its_start(tmp_path):
    model = translator("mbart50", tmp_path, {"eos_token_id": 2, "decoder_start_token_id": 2})
    french, english = ids_of(model, "fr_XX", "en_XX")
    a = model.tokenizer.encode("ab", special=False).ids_L.tolist()
    assert model.ids("ab").tolist() == [english, *a, 2]
    assert model.target_ids([5], "fr_XX ab") == [2, french, *a]


def test_a_code_that_is_none_is_refused(tmp_path):
    model = translator("mbart", tmp_path)
    with pytest.raises(GlassError, match="no code “xx_XX” of a language; it has: ar_AR, "):
        model.writing("xx_XX")
    with pytest.raises(GlassError, match="it has: none"):
        load(golden("marian").write(tmp_path / "marian")).writing("fr")
    said = {"src_lang": 5}
    assert "“src_lang”" in translator("mbart", tmp_path / "b", said=said).no_tokenizer
    said = {"src_lang": "xx_XX"}
    assert "“xx_XX”" in translator("mbart", tmp_path / "c", said=said).no_tokenizer


def test_m2m_100_is_read_from_its_sentencepiece_files(tmp_path):
    """Against M2M100Tokenizer where transformers is installed, and always against its files."""
    library = trained(tmp_path, "s", model_type="unigram", unk_id=0, bos_id=1, eos_id=2)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *map(library.id_to_piece, range(3, 400))]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "s.model").rename(tmp_path / "sentencepiece.bpe.model")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"src_lang": "de"}))
    files = tmp_path / "sentencepiece.bpe.model", tmp_path / "vocab.json"
    ours = sentencepiece_model.m2m_100_pieces(*files)
    german = len(pieces) + languages.M2M_100.index("de")
    found = ours.encode("hello 世界")
    assert (found.ids_L[0], found.ids_L[-1]) == (german, 2) and 3 in found.ids_L
    assert found.pieces[0] == "__de__" and found.spans[0] is None and ours.is_special(german)
    assert ours.languages.ids["__fr__"] == len(pieces) + languages.M2M_100.index("fr")
    theirs = pytest.importorskip("transformers").M2M100Tokenizer(
        str(files[1]), str(files[0]), src_lang="de"
    )
    signs = ("hello __fr__ a", "</s>ab<pad> c", "__fr__", "<s> a<unk>b")
    for text in (*signs, *filter(printable, stored()[0])):
        assert ours.encode(text).ids_L.tolist() == theirs(text).input_ids, text


def test_mt5_has_no_gaps_where_its_files_say_so(tmp_path):
    trained(tmp_path, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    count = len(sentencepiece_model.t5_pieces(tmp_path / "m.model", 5000))
    (tmp_path / "tokenizer_config.json").write_text('{"extra_ids": 0}')
    found = sentencepiece_model.t5_pieces(tmp_path / "m.model", 5000)
    assert len(found) == count - 100 and found.id_of("<extra_id_0>") is None
