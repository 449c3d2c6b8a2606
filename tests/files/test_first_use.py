"""A tokenizer from elsewhere may cost a message, but neither minutes nor gigabytes."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import sentencepiece
from tokenizers import Regex, normalizers, pre_tokenizers

from core.models import any_tokenizer, catalogue, first_use, gguf_tokenizer, tokenizer
from core.models.any_tokenizer import tokenizer_in_gguf, tokenizers_in
from core.models.auto_tokenizer import from_folder
from core.models.fields import read_json
from core.models.plain_rules import are_plain, is_plain, is_plain_table, table_in
from core.models.sentencepiece_model import SentencePieces
from tests.helpers import hostile_tokenizers as hostile
from tests.helpers.model_files import cheap_refusal, refusal
from tests.helpers.texts import header
from tests.helpers.tokenizer_files import MAKERS, gpt2

pytestmark = pytest.mark.usefixtures("alone")
limited = pytest.mark.skipif(sys.platform != "linux", reason="this system has no such limits")


@pytest.fixture
def asked(monkeypatch):
    """Grows with each question to a process of its own."""
    questions, real = [], first_use.answer_of

    def answer_of(program, question, bounds):
        questions.append(question)
        return real(program, question, bounds)

    monkeypatch.setattr(first_use, "answer_of", answer_of)
    monkeypatch.setattr(first_use, "_seen", set())
    return questions


@pytest.fixture
def impatient(monkeypatch):
    """A second for each text, a few to set a tokenizer up, and as long on a busy machine as it
    takes.
    """
    monkeypatch.setattr(first_use, "TEXT_SECONDS", 1)
    monkeypatch.setattr(first_use, "SECONDS", 5)
    monkeypatch.setattr(first_use, "WAIT", 300)


# The files of the issue, and their kind.


def gguf_file(folder: Path) -> Path:
    """A file in the place of a GGUF file whose header is given beside it."""
    (folder / "model.gguf").write_bytes(b"GGUF")
    return folder / "model.gguf"


def test_a_gguf_header_with_a_piece_of_a_million_letters_is_refused_at_once(tmp_path, asked):
    metadata = header()
    metadata["tokenizer.ggml.tokens"][-2] = "a" * 1_000_000
    began = time.process_time()
    found = tokenizer_in_gguf(gguf_file(tmp_path), metadata)
    assert found.source is None and asked == [] and time.process_time() - began < 1
    assert "a piece of 1,000,000 letters; the limit is 4,096" in found.refusal
    assert found.refusal in refusal(gguf_tokenizer.from_gguf, metadata)


@limited
def test_a_pattern_that_backtracks_costs_a_message_and_other_texts_are_cut(tmp_path, impatient):
    library = hostile.pattern_that_backtracks()
    found = tokenizers_in(hostile.in_folder(tmp_path / "m", library), "GPT-2", 99).source
    said = refusal(found.encode, "a" * 4000)
    assert said == "The tokenizer of this model cannot be used on this text: it takes too long."
    assert found.encode("a bad cab").ids_L.tolist() == library.encode("a bad cab").ids


@limited
@pytest.mark.one_in(2)
@pytest.mark.parametrize("letter", ("ж", "q"))
def test_nested_replacements_cost_a_message(letter, tmp_path, impatient):
    folder = hostile.in_folder(tmp_path / "m", hostile.nested_replacements(letter))
    assert len(json.loads((folder / "tokenizer.json").read_text())["normalizer"]) < 700
    found = tokenizers_in(folder, "GPT-2", 99)
    if letter == "q":  # it stands in the sentence that is tried at the first use
        assert found.source is None and "it takes too long" in found.refusal
        return
    said = refusal(found.source.encode, "a ж")
    assert "too long, or too much memory" in said or "too long" in said
    assert found.source.encode("a b").pieces == ("a", " ", "b")


@limited
def test_what_swells_on_the_way_back_costs_a_message(tmp_path, impatient):
    folder = hostile.in_folder(tmp_path / "m", hostile.nested_decoders())
    found = tokenizers_in(folder, "GPT-2", 99).source
    assert found.encode("ж").pieces == ("ж",)
    assert "cannot be used on this text" in refusal(found.decode, found.encode("ж").ids_L)
    assert found.decode(found.encode("ab").ids_L) == "ab"


@limited
@pytest.mark.slow
@pytest.mark.parametrize("kind", (hostile.repeated_texts, hostile.long_words))
def test_other_rules_that_swell_or_hang_cost_a_message(kind, tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(first_use, "SECONDS", 3)
    found = tokenizers_in(hostile.in_folder(tmp_path / "m", kind()), "GPT-2", 99)
    said = refusal(found.source.encode, "a" * 200_000) if found.source else found.refusal
    assert "The tokenizer of this model cannot be used" in said


def test_json_that_would_swell_is_refused_before_it_is_read(tmp_path, asked):
    folder = hostile.swollen_json(tmp_path / "m")
    assert (folder / "tokenizer.json").stat().st_size > 28 << 20
    said = cheap_refusal(tokenizer.from_file, folder / "tokenizer.json")
    assert "holds more than 4,000,000 values" in said
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_bytes(b'{"a": [' + b"0," * 1_000_000 + b"0]}")
        assert "more than 1,000,000 values" in cheap_refusal(read_json, folder / name)


def test_a_piece_of_a_tokenizer_json_has_a_bound(tmp_path):
    longest = tokenizer.LONGEST_PIECE
    assert from_folder(hostile.long_piece(tmp_path / "fits", longest), "GPT-2")
    folder = hostile.long_piece(tmp_path / "long", longest + 1)
    assert "a piece of 4,097 letters" in refusal(from_folder, folder, "GPT-2")


def test_the_number_of_pieces_has_a_bound(monkeypatch):
    monkeypatch.setattr(tokenizer, "MOST_PIECES", 10)
    assert "a vocabulary of 260 pieces; the limit is 10" in refusal(
        gguf_tokenizer.from_gguf, header()
    )


# What is asked of the process, and how often.


def test_a_tokenizer_that_passed_is_not_tried_again_until_its_files_change(tmp_path, asked):
    folder = hostile.in_folder(tmp_path / "m", gpt2())
    for _ in range(3):
        first_use._seen.clear()  # as another process would
        assert tokenizers_in(folder, "GPT-2", 264).source
    assert len(asked) == 1
    config = folder / "tokenizer_config.json"
    config.write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    assert tokenizers_in(folder, "GPT-2", 264).source and len(asked) == 2
    metadata = header()
    for _ in range(2):
        assert tokenizer_in_gguf(gguf_file(tmp_path), metadata).source
    assert len(asked) == 3


def test_a_tokenizer_that_did_not_pass_is_tried_again(tmp_path, monkeypatch):
    folder, tried = hostile.in_folder(tmp_path / "m", gpt2()), []

    def fails(*given):
        tried.append(given)
        raise first_use.EndedError("it takes too\u202e long")

    monkeypatch.setattr(first_use, "answer_of", fails)
    for _ in range(2):
        found = tokenizers_in(folder, "GPT-2", 264)
        assert found.source is None
        assert (
            found.refusal == "The tokenizer of this model cannot be used: it takes too\ufffd long."
        )
    assert len(tried) == 2


def test_what_comes_with_the_program_and_a_folder_without_a_tokenizer_are_not_tried(
    tmp_path, asked, monkeypatch
):
    (tmp_path / "assets").mkdir()
    folder = hostile.in_folder(tmp_path / "assets" / "m", gpt2())
    assert folder.is_relative_to(catalogue.MODELS) and tokenizers_in(folder, "GPT-2", 264).source
    (tmp_path / "empty").mkdir()
    assert "no tokenizer.json" in tokenizers_in(tmp_path / "empty", "GPT-2", 264).refusal
    assert asked == []


def test_a_process_that_breaks_off_costs_a_message(tmp_path, monkeypatch):
    (tmp_path / "breaks_off.py").write_text(
        "import os\n\ndef answer(asked):\n    os.kill(os.getpid(), 11)\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(first_use, "READER", "breaks_off")
    monkeypatch.setattr(first_use, "_seen", set())
    found = tokenizers_in(hostile.in_folder(tmp_path / "m", gpt2()), "GPT-2", 264)
    assert found.source is None and "breaks off" in found.refusal


def test_each_text_is_tried_once(tmp_path, monkeypatch):
    library = hostile.pattern_that_backtracks()
    found = tokenizers_in(hostile.in_folder(tmp_path / "m", library), "GPT-2", 99).source
    questions, ask = [], first_use.Helper.ask
    monkeypatch.setattr(
        first_use.Helper, "ask", lambda self, asked: questions.append(asked) or ask(self, asked)
    )
    for _ in range(3):
        found.encode("ab")
        found.encode("ab", special=False)
        found.decode([1, 2])
    assert len(questions) == 3


# Which rules are plain.


@pytest.mark.parametrize("kind", MAKERS)
def test_the_rules_of_all_known_classes_are_plain(kind, tmp_path):
    library = MAKERS[kind]()
    assert is_plain(tokenizer.Tokenizer(library))


def state(part) -> dict:
    return json.loads(part.__getstate__())


@pytest.mark.parametrize(
    "part, plain",
    (
        (normalizers.Replace("a", "b" * 64), True),
        (normalizers.Replace("a", "b" * 65), False),
        (normalizers.Sequence([normalizers.Replace("a", "b" * 10)] * 2), False),
        (normalizers.Sequence([normalizers.Replace("``", '"')] * 3), True),
        (normalizers.Sequence([normalizers.NFC()] * 33), False),
        (normalizers.Replace(Regex(" {2,}"), " "), True),
        (normalizers.Replace(Regex("(a|aa)+$"), ""), False),
        (normalizers.Replace("", "b"), False),
        (normalizers.Prepend("▁"), True),
        (normalizers.Prepend("a" * 65), False),
        (pre_tokenizers.Split(" ", "isolated"), True),
        (pre_tokenizers.Split(Regex("(a+)+b"), "isolated"), False),
    ),
)
def test_which_rules_are_plain(part, plain):
    assert are_plain(state(part)) == plain


def test_no_hostile_tokenizer_is_plain():
    for kind in (
        hostile.pattern_that_backtracks,
        hostile.nested_replacements,
        hostile.nested_decoders,
        hostile.repeated_texts,
        hostile.long_words,
    ):
        assert not is_plain(tokenizer.Tokenizer(kind())), kind


def spm(folder: Path, rule: str) -> Path:
    """A SentencePiece model that replaces the letter b by that text."""
    folder.mkdir()
    codes = " ".join(f"{ord(letter):X}" for letter in rule)
    (folder / "rules.tsv").write_text(f"62\t{codes}\n")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c abc cab", "c b a", "ab bc ca"] * 20),
        model_prefix=str(folder / "spiece"),
        vocab_size=12,
        model_type="unigram",
        hard_vocab_limit=False,
        normalization_rule_tsv=str(folder / "rules.tsv"),
        minloglevel=3,
    )
    return folder / "spiece.model"


def test_a_sentencepiece_model_with_a_long_rule_is_not_plain(tmp_path):
    for rule, plain in (("cc", True), ("c" * 300, False)):
        file = spm(tmp_path / str(len(rule)), rule)
        library = sentencepiece.SentencePieceProcessor(model_proto=file.read_bytes())
        assert rule.encode() in table_in(file.read_bytes())
        assert is_plain(SentencePieces(library)) == plain


def test_a_table_of_letters_is_looked_at_behind_its_trie():
    trie = bytes(range(1, 256)) * 4
    head = len(trie).to_bytes(4, "little") + trie
    assert is_plain_table(b"") and is_plain_table(head + b"ab\0" * 1000)
    assert not is_plain_table(head + b"a" * 257 + b"\0")


def test_a_sentencepiece_model_with_strange_fields_is_not_plain():
    """A group (kind 3) is a field that nobody writes any more, and a length leads past the end."""
    for model in (b"\x0b", b"\x18\x80"):
        strange = SentencePieces.__new__(SentencePieces)
        strange.library = SimpleNamespace(serialized_model_proto=lambda model=model: model)
        assert not is_plain(strange)


def test_a_text_for_sentencepiece_is_tried_as_well(tmp_path, monkeypatch):
    file = spm(tmp_path / "m", "c" * 300)
    (file.parent / "rules.tsv").unlink()
    found = tokenizers_in(file.parent, "T5", 200)
    assert found.source is not None and found.source.guard is not None
    alone = any_tokenizer.read_tokenizers(file.parent, "T5", 200).source
    assert found.source.encode("abc").pieces == alone.encode("abc").pieces
    shutil.rmtree(file.parent)
