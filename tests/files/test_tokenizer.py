"""Token ids against outside tokenizers on 1,200 strings of all kinds, and the way back to the
characters that were typed.

The stored ids were made by `transformers` (MiniLM) and by llama.cpp (SmolLM2, from the same GGUF):
see make_golden.py.
"""

from __future__ import annotations

import importlib.util
import json
import random

import numpy as np
import pytest
import tokenizers

from core import GlassError, load
from core.models import catalogue, sentencepiece_model, tokenizer
from core.models.gguf_cuts import CUTS
from core.models.gguf_tokenizer import from_gguf
from core.models.tokenizer import Tokenizer, check_text, from_file, spell_bytes
from tests.helpers import llama_cpp, tiny
from tests.helpers.texts import T5_IDS, header, printable, stored, trained
from ui.session.runs import ids_of


@pytest.mark.parametrize("name", ("minilm", "smollm2"))
def test_ids_are_those_of_an_outside_tokenizer(name, request):
    model, (texts, ids) = request.getfixturevalue(name), stored()
    assert len(texts) >= 1000 and len(set(texts)) > 1000
    wrong = [
        text
        for text, expected in zip(texts, ids[name], strict=True)
        if model.ids(text).tolist() != expected
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ("study-encoder", "study-decoder", "study-translator"))
def test_spelling_does_not_depend_on_the_order_of_the_vocabulary(name):
    """The letters, syllables and ##pieces of the shipped models stay the same under any ids."""
    file = catalogue.MODELS / name / "tokenizer.json"
    shipped, data = from_file(file), json.loads(file.read_text(encoding="utf-8"))
    spelled_with = {shipped.piece(number) for number in shipped.spelling}
    assert {"b", "ü", "7", "zu", "##s", "##ness"} <= spelled_with
    assert not {"a", "i", "we", "the", "king", ".", "[MASK]"} & spelled_with
    # In the files the pieces stand together, from the first letter that is no word by itself on.
    assert shipped.spelling == set(range(shipped.id_of("b"), shipped.id_of("##ss") + 1))
    pieces = list(data["model"]["vocab"])
    random.Random(1).shuffle(pieces)
    data["model"]["vocab"] = {piece: number for number, piece in enumerate(pieces)}
    data["added_tokens"] = []
    shuffled = Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(data)))
    assert {shuffled.piece(number) for number in shuffled.spelling} == spelled_with


def test_the_stored_texts_are_varied():
    letters = set("".join(stored()[0]))
    for kind in "é漢🙂П½²Ⅷ٣३\t\n\x00\u200b\u202e\u0301<{ש":
        assert kind in letters, ascii(kind)


@pytest.mark.parametrize("name", ("minilm", "smollm2"))
def test_every_piece_knows_its_place_in_the_text_and_its_word(name, request):
    model = request.getfixturevalue(name)
    for text in stored()[0]:
        found = model.encode(text)
        assert len(found.ids_L) == len(found.pieces) == len(found.spans) == len(found.words_L)
        spans = [span for span in found.spans if span]
        assert all(0 <= start <= stop <= len(text) for start, stop in spans)
        assert [start for start, _ in spans] == sorted(start for start, _ in spans)
        words = [word for word in found.words_L if word is not None]
        assert words == sorted(words) and all(found.word(word) for word in words)
        if name == "smollm2":  # it has a piece for every byte: nothing of a text is lost
            assert {i for start, stop in spans for i in range(start, stop)} == set(range(len(text)))
            assert model.tokenizer.decode(found.ids_L) == text


def test_pieces_of_one_word_are_held_together(minilm):
    found = minilm.encode("Unbelievably, CAFÉS")
    assert found.pieces[:8] == ("[CLS]", "un", "##bel", "##ie", "##va", "##bly", ",", "cafes")
    assert found.word(0) == [1, 2, 3, 4, 5] and found.words_L[0] is None and found.spans[0] is None
    assert [found.characters(i) for i in (0, 1, 5, 7)] == ["", "Un", "bly", "CAFÉS"]
    assert len(minilm.encode("Unbelievably", special=False).ids_L) == 5


def test_a_letter_of_several_bytes_is_in_all_of_its_pieces(smollm2):
    found = smollm2.encode("a Ⅷ")
    assert found.pieces == ("a", " ", "<E2>", "<85>", "<A7>")
    assert [found.characters(i) for i in range(5)] == ["a", " ", "Ⅷ", "Ⅷ", "Ⅷ"]
    assert (
        smollm2.tokenizer.piece(0) == "<|endoftext|>"
        and smollm2.tokenizer.piece(10**8) == "#100000000"
    )


def test_bytes_are_spelled_and_other_pieces_are_left_alone():
    assert (
        spell_bytes("Ġthe") == " the"
        and spell_bytes("Ċ") == "\n"
        and spell_bytes("Ã©") == "é"
        and spell_bytes("ðŁĻĤ") == "🙂"
    )
    assert spell_bytes("ðŁ") == "<F0 9F>" and spell_bytes("▁the") == "▁the"
    assert sorted(tokenizer.byte_letters().values()) == list(range(256))


def test_long_texts_are_neither_cut_nor_padded(minilm):
    assert len(minilm.ids("word " * 700)) == 702 and len(minilm.ids("word")) == 3


@pytest.mark.parametrize(
    "text, says",
    [
        (None, "sentence"),
        (b"bytes", "bytes"),
        ("a\ud800b", "character 1"),
        ("a" * 1_000_001, "1,000,001"),
    ],
)
def test_what_is_no_text_is_refused(text, says):
    with pytest.raises(GlassError, match=says):
        check_text(text)


# --- from a GGUF header ---------------------------------------------------------------------------


def test_a_byte_level_vocabulary_from_a_header():
    found = from_gguf(header())
    assert found.encode("the the<s>12").pieces == ("the", " the", "<s>", "1", "2")
    assert from_gguf(header(add_bos_token=True)).encode("the").pieces == ("<s>", "the")
    assert from_gguf(header(add_bos_token=True)).encode("the", special=False).pieces == ("the",)


def test_cuts_of_llama_3():
    found = from_gguf(header(pre="llama-bpe"))

    def words(text: str) -> list[str]:
        cut = found.encode(text, special=False)
        pieces = list(zip(cut.pieces, cut.words_L, strict=True))
        return [
            "".join(piece for piece, word in pieces if word == number)
            for number in dict.fromkeys(cut.words_L)
        ]

    assert words("I'LL pay 12345 $..\n\n ok") == [
        "I",
        "'LL",
        " pay",
        " ",
        "123",
        "45",
        " $..\n\n",
        " ok",
    ]


@pytest.mark.parametrize(
    "unknown, says",
    [
        ({}, "no tokenizer"),
        (header(model="rwkv"), "“rwkv”.*tokenizer.ggml.model"),
        (header(model=[1]), "tokenizer.ggml.model"),
        (header(pre=["gpt-2"]), "tokenizer.ggml.pre"),
        (header(pre="something new"), "tokenizer.ggml.pre” = “something new”"),
        (header(pre=None), "tokenizer.ggml.pre” = nothing"),
        (header() | {"general.name": "My Phi-3 Mini"}, "swallow the spaces"),
        (header(add_eos_token=True), "eos_token_id"),
        (
            header(tokens=[*header()["tokenizer.ggml.tokens"][:-1], "the"]),
            "“the” twice, as 257 and as 259",
        ),
    ],
)
def test_a_tokenizer_of_an_unknown_kind_is_refused_by_name(unknown, says):
    unknown = unknown | ({"tokenizer.ggml.tokens": ["a"]} if says == "eos_token_id" else {})
    with pytest.raises(GlassError, match=says):
        from_gguf(unknown)


@pytest.mark.parametrize(
    "damage",
    [
        {"tokens": None},
        {"tokens": []},
        {"tokens": ["a", "a"]},
        {"tokens": [1, 2]},
        {"merges": ["t"]},
        {"merges": 3},
        {"merges": ["x yy"]},
        {"token_type": [1]},
        {"token_type": "all"},
        {"bos_token_id": "first"},
        {"add_bos_token": 1},
        {"model": "llama", "scores": [0.0]},
        {"model": "llama", "scores": [float("nan")] * 260},
    ],
)
def test_a_damaged_header_is_an_error(damage):
    with pytest.raises(GlassError):
        from_gguf(header(**damage))


@pytest.mark.parametrize("pre", ["llama-bpe", "llama3", "llama-v3"])
def test_llama_3_begins_with_its_sign_unless_the_header_says_no(pre):
    assert from_gguf(header(pre=pre)).encode("the").pieces == ("<s>", "the")
    assert from_gguf(header(pre=pre, add_bos_token=False)).encode("the").pieces == ("the",)
    assert from_gguf(header(pre="gpt-2")).encode("the").pieces == ("the",)


def test_the_sign_of_the_end_is_added_where_the_header_asks_for_it():
    number = len(header()["tokenizer.ggml.tokens"]) - 1
    for kind in (header(eos_token_id=number, add_eos_token=True), scored(add_eos_token=True)):
        found = from_gguf(kind).encode("the")
        assert found.pieces[-1] in ("<s>", "</s>") and found.spans[-1] is found.words_L[-1] is None
        assert from_gguf(kind).encode("the", special=False).pieces[-1] not in ("<s>", "</s>")


def scored(**more) -> dict:
    """A small SentencePiece vocabulary in which “bc” and “ab” have the same score."""
    tokens = ["<unk>", "<s>", "</s>", "▁", "c", "b", "a", "bc", "ab", *llama_cpp.BYTES]
    return {
        f"tokenizer.ggml.{key}": value
        for key, value in (
            {
                "model": "llama",
                "tokens": tokens,
                "scores": [0.0] * len(tokens),
                "token_type": [2, 3, 3] + [1] * 6 + [6] * 256,
            }
            | more
        ).items()
    }


def test_of_pieces_of_equal_score_the_leftmost_is_joined_first():
    assert from_gguf(scored()).encode("abc").pieces == ("<s>", "▁", "ab", "c")
    better = [0.0] * 7 + [1.0] + [0.0] * 257
    assert from_gguf(scored(scores=better)).encode("abc").pieces == ("<s>", "▁", "a", "bc")


def test_special_tokens_in_a_text_are_read_as_such_and_a_space_follows():
    found = from_gguf(scored()).encode("ab<unk>ab</s>é")
    assert found.pieces == ("<s>", "▁", "ab", "<unk>", "▁", "ab", "</s>", "▁", "<0xC3>", "<0xA9>")
    typed = [found.characters(i) for i in range(10)]
    assert typed == ["", "", "ab", "<unk>", "", "ab", "</s>", "", "é", "é"]
    assert found.words_L == (None, 0, 0, 1, 2, 2, 3, 4, 4, 4)
    assert from_gguf(scored(add_space_prefix=False)).encode("ab").pieces == ("<s>", "ab")


def test_llama_cpp_cuts_the_stored_texts_so():
    """Random vocabularies of both kinds, with tokens of all types and equal scores."""
    with np.load(tiny.GOLDEN / "cuts.npz") as file:
        cases = json.loads(str(file["cases"]))
    assert len(cases) == 12
    for case in cases:
        cut = from_gguf(case["header"])
        assert [cut.encode(text).ids_L.tolist() for text in case["texts"]] == case["ids"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CUTS)
def test_llama_cpp_cuts_texts_of_all_sorts_so(kind, tmp_path):
    pytest.importorskip("xllamacpp")
    for seed in range(2):
        rng = random.Random(f"{kind}{seed}")
        header, texts = (
            llama_cpp.many_merges(rng, kind),
            [llama_cpp.any_text(rng) for _ in range(200)],
        )
        path = llama_cpp.write_vocabulary(tmp_path / f"{seed}.gguf", header)
        cut = from_gguf(header)
        for text, ids in zip(texts, llama_cpp.llama_cpp_ids(path, texts), strict=True):
            assert cut.encode(text).ids_L.tolist() == ids, (seed, text)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [llama_cpp.random_pieces, llama_cpp.random_merges])
def test_llama_cpp_cuts_random_texts_so(draw, tmp_path):
    """The same live, with other vocabularies, where xllamacpp is installed."""
    pytest.importorskip("xllamacpp")
    for seed in range(100, 140):
        rng = random.Random(seed)
        header, texts = draw(rng), [llama_cpp.random_text(rng) for _ in range(20)]
        path = llama_cpp.write_vocabulary(tmp_path / f"{seed}.gguf", header)
        cut = from_gguf(header)
        for text, ids in zip(texts, llama_cpp.llama_cpp_ids(path, texts), strict=True):
            assert cut.encode(text).ids_L.tolist() == ids, (seed, text)


@pytest.mark.parametrize(
    "more, says",
    [
        ({"pre": "deepseek-llm"}, "tokenizer.ggml.pre” = “deepseek-llm”"),
        ({"model": "t5"}, "“t5”"),
        ({"tokens": [*header()["tokenizer.ggml.tokens"][:-1], "a"]}, "“a” twice"),
    ],
)
def test_a_gguf_whose_tokenizer_is_unknown_runs_by_ids_and_says_why(more, says, tmp_path):
    model = load(llama_cpp.write_vocabulary(tmp_path / "model.gguf", header(**more)))
    assert model.tokenizer is None and model.trace(ids_L=[3, 1, 2])["head.logits"].shape == (3, 260)
    assert len(model.notes) == 1 and says in model.notes[0]
    with pytest.raises(GlassError, match=says):
        model.trace("a text")
    with pytest.raises(GlassError, match=says):
        ids_of(model, "a text")
    assert list(ids_of(model, "3 1 2")) == [3, 1, 2]


@pytest.mark.parametrize(
    "files, says",
    [
        ({}, "no tokenizer.json"),
        ({"vocab.txt": "[PAD]"}, "vocab.txt alone"),
        ({"vocab.json": "{}", "merges.txt": ""}, "vocab.json and merges.txt alone"),
        ({"tokenizer.json": "{}"}, "tokenizer"),
    ],
)
def test_a_folder_whose_tokenizer_cannot_be_read_runs_by_ids_and_says_why(files, says, tmp_path):
    folder = tiny.golden("gpt2").write(tmp_path / "model")
    for name, text in files.items():
        (folder / name).write_text(text)
    model = load(folder)
    assert model.tokenizer is None and says in model.notes[0] and len(model.notes) == 1
    with pytest.raises(GlassError, match=says):
        ids_of(model, "a text")
    assert list(ids_of(model, "3 1 2")) == [3, 1, 2]


def test_sentencepiece_bpe_is_that_of_its_makers(tmp_path):
    """A vocabulary trained here by the `sentencepiece` package, written as a GGUF header, against
    that package.
    """
    theirs = trained(
        tmp_path,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
    )
    ids, texts = range(theirs.get_piece_size()), [text for text in stored()[0] if printable(text)]
    kinds = [
        6 if theirs.is_byte(i) else 3 if theirs.is_control(i) else 2 if theirs.is_unknown(i) else 1
        for i in ids
    ]
    ours = from_gguf(
        {
            f"tokenizer.ggml.{key}": value
            for key, value in {
                "model": "llama",
                "tokens": [theirs.id_to_piece(i) for i in ids],
                "scores": [theirs.get_score(i) for i in ids],
                "token_type": kinds,
                "bos_token_id": theirs.bos_id(),
            }.items()
        }
    )
    wrong = [
        text
        for text in texts
        if ours.encode(text).ids_L.tolist() != [theirs.bos_id(), *theirs.encode(text)]
    ]
    assert len(texts) > 500 and wrong == []
    assert ours.encode("hello").pieces[0] == "<s>"


# --- from the SentencePiece files of T5 and Marian ------------------------------------------------


def test_t5_has_signs_for_gaps_behind_its_pieces(tmp_path):
    theirs = trained(tmp_path, model_type="unigram", **T5_IDS)
    ours = sentencepiece_model.t5_pieces(tmp_path / "m.model", n_vocab=1000)
    for text in filter(printable, stored()[0]):
        found = ours.encode(text)
        assert found.ids_L.tolist() == [*theirs.encode(text), 1] and found.pieces[-1] == "</s>"
        assert (
            len(found.spans) == len(found.words_L) == len(found.ids_L) and found.spans[-1] is None
        )
    found = ours.encode("Łódź <extra_id_0> hello<extra_id_99>", special=False)
    at = [i for i, piece in enumerate(found.pieces) if piece.startswith("<extra")]
    assert found.ids_L[at].tolist() == [999, 900] and len(ours) == 1000
    assert [found.characters(i) for i in at] == ["<extra_id_0>", "<extra_id_99>"]
    assert "".join(found.characters(i) for i in found.word(0)).strip() == "Łódź"
    found = ours.encode("hello<pad></s> <unk><extra_id_3>")
    assert found.ids_L[-5:].tolist() == [0, 1, 2, 996, 1] and "<pad>" in found.pieces
    assert all(map(ours.is_special, (0, 1, 2, 996))) and not ours.is_special(3)
    if importlib.util.find_spec("transformers"):
        from transformers import AutoTokenizer

        (tmp_path / "m.model").rename(tmp_path / "spiece.model")
        (tmp_path / "config.json").write_text('{"model_type": "t5"}')
        theirs = AutoTokenizer.from_pretrained(tmp_path)
        for text in signed(["<extra_id_0>", "<extra_id_99>"]):
            assert ours.encode(text).ids_L.tolist() == theirs(text).input_ids, text


def signed(signs: list[str]) -> list[str]:
    """Texts with special tokens and the codes of languages in all places."""
    rng = random.Random(5)
    parts = [
        "hello",
        " ",
        "naïve ",
        "漢",
        ">>fra<<",
        ">>xyz<<",
        "<<",
        ">>",
        "</s>",
        "<unk>",
        "<pad>",
        *signs,
    ]
    return ["".join(rng.choices(parts, k=rng.randint(0, 7))) for _ in range(200)]


def test_marian_has_a_model_for_each_language_and_one_vocabulary(tmp_path):
    """Against MarianTokenizer where transformers is installed, and always against what its files
    say.
    """
    processors = [
        trained(tmp_path, name, model_type="unigram", unk_id=0, bos_id=-1, eos_id=1)
        for name in ("s", "t")
    ]
    pieces = dict.fromkeys(
        ["</s>", "<unk>", ">>fra<<", *(p.id_to_piece(i) for p in processors for i in range(2, 800))]
    )
    (tmp_path / "vocab.json").write_text(
        json.dumps({piece: i for i, piece in enumerate([*pieces, "<pad>"])})
    )
    for name, file in (("s", "source.spm"), ("t", "target.spm")):
        (tmp_path / f"{name}.model").rename(tmp_path / file)
    source, target = (
        sentencepiece_model.marian_pieces(tmp_path / file, tmp_path / "vocab.json")
        for file in ("source.spm", "target.spm")
    )
    found = source.encode(">>fra<< hello 🙂世界 naïve")
    assert found.pieces[0] == ">>fra<<" and found.ids_L[0] == 2 and found.ids_L[-1] == 0
    assert source.encode(">>xyz<< a").ids_L[0] == 1 and 2 not in source.encode("a >>fra<<").ids_L
    assert source.encode("<pad>>>fra<<").ids_L[1] == 2 and all(map(source.is_special, (0, 1, 2)))
    assert 1 in found.ids_L and source.piece(found.ids_L[-2]) == found.pieces[-2] == target.piece(
        found.ids_L[-2]
    )
    marian = pytest.importorskip("transformers").MarianTokenizer(
        str(tmp_path / "source.spm"),
        str(tmp_path / "target.spm"),
        str(tmp_path / "vocab.json"),
        source_lang="en",
        target_lang="fr",
    )
    for text in [*filter(printable, stored()[0]), *signed([])]:
        assert source.encode(text).ids_L.tolist() == marian(text).input_ids, text
        assert target.encode(text).ids_L.tolist() == marian(text_target=text).input_ids, text


def translator(folder, trained_in, config: dict):
    """The tiny translator with tokenizers in the folder, and a tokenizer_config.json."""
    trained(trained_in, "source", model_type="unigram", unk_id=0, bos_id=-1, eos_id=1)
    path = tiny.golden("marian").write(folder)
    for language in ("source", "target"):
        (path / f"{language}.spm").write_bytes((trained_in / "source.model").read_bytes())
    ids = {"</s>": 0, "<unk>": 1, "▁the": 2, "<pad>": 3}
    (path / "vocab.json").write_text(json.dumps(ids))
    (path / "target_vocab.json").write_text(json.dumps(ids))
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return load(path)


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    "config, says",
    [
        ({"separate_vocabs": False, "eos_token": "</s>", "additional_special_tokens": []}, None),
        ({"separate_vocabs": True}, "separate_vocabs"),
        ({"sp_model_kwargs": {"nbest_size": 3}}, "sp_model_kwargs"),
        ({"additional_special_tokens": ["<mine>"]}, "“<mine>”"),
        ({"unk_token": "▁the"}, "“▁the”"),
        ({"added_tokens_decoder": {"7": {"content": "<added>"}}}, "“<added>”"),
    ],
)
def test_what_a_translators_tokenizer_config_asks_for_is_not_passed_over(config, says, tmp_path):
    model = translator(tmp_path / "model", tmp_path, config)
    assert (model.notes == ()) == (says is None)
    assert says is None or says in model.notes[0]
    assert (model.tokenizer is None) == (says in ("separate_vocabs", "sp_model_kwargs"))


@pytest.mark.parametrize("data", [b"", b"garbage" * 50])
def test_what_is_no_sentencepiece_model_is_an_error(tmp_path, data):
    (tmp_path / "m.model").write_bytes(data)
    with pytest.raises(GlassError, match="SentencePiece"):
        sentencepiece_model.t5_pieces(tmp_path / "m.model", 1000)
    with pytest.raises(GlassError):
        sentencepiece_model.t5_pieces(tmp_path / "absent.model", 1000)


@pytest.mark.parametrize("vocabulary", ["{}", '{"a": -1}', '{"a": "b"}', "[]", '{"a": 1}'])
def test_what_is_no_vocabulary_is_an_error(tmp_path, vocabulary):
    trained(tmp_path, model_type="unigram")
    (tmp_path / "vocab.json").write_text(vocabulary)
    with pytest.raises(GlassError):
        sentencepiece_model.marian_pieces(tmp_path / "m.model", tmp_path / "vocab.json")


# --- from a file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"model": {}}',
        '{"version": "1.0", "model": {"type": "Evil"}}',
        "null",
        '{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}',
    ],
)
def test_what_is_no_tokenizer_is_an_error(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(GlassError, match="tokenizer"):
        from_file(tmp_path / "tokenizer.json")
    with pytest.raises(GlassError):
        from_file(tmp_path / "absent.json")
