"""Two texts in one input: ids and segments are those of `transformers`, and each piece knows which
text it was typed in.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from core import GlassError, load, whatif
from core.forward_pass import forward
from core.models.auto_tokenizer import from_folder
from core.models.tokenizer import byte_letters
from tests.helpers.texts import stored
from tests.helpers.tokenizer_files import write

A, B = "The cat sleeps on the mat.", "An animal rests."
# As AutoTokenizer of transformers 5.24 gave them for MiniLM.
STORED = {
    (A, B): (
        [101, 1996, 4937, 25126, 2006, 1996, 13523, 1012, 102, 2019, 4111, 16626, 1012, 102],
        [0] * 9 + [1] * 5,
    ),
    ("", "b"): ([101, 102, 1038, 102], [0, 0, 1, 1]),
    ("a [SEP] b", ""): ([101, 1037, 102, 1038, 102], [0] * 5),  # an empty second text is none
}


def roberta() -> Tokenizer:
    """<s> A </s></s> B </s>, and no segments (Liu et al. 2019)."""
    signs = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = [*signs, *byte_letters(), "ab", "Ġa", "he", "Ġhe"]
    merges = [("a", "b"), ("Ġ", "a"), ("h", "e"), ("Ġ", "he")]
    library = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    library.add_special_tokens(signs)
    return library


def random_pairs(count: int) -> list[tuple[str, str]]:
    rng, texts = random.Random(3), stored()[0]
    return [(rng.choice(texts), rng.choice(texts)) for _ in range(count)]


@pytest.mark.parametrize("pair", STORED)
def test_ids_and_segments_of_a_pair_are_those_that_are_stored(minilm, pair):
    found, (ids, segments) = minilm.encode(*pair), STORED[pair]
    assert (found.ids_L.tolist(), list(found.segments_L)) == (ids, segments)


def test_ids_and_segments_of_many_pairs_are_those_of_transformers(minilm):
    pytest.importorskip("transformers", exc_type=ImportError)
    from transformers import AutoTokenizer

    from core.models import catalogue

    theirs = AutoTokenizer.from_pretrained(catalogue.find("minilm"))
    for pair in (*STORED, *random_pairs(120)):
        expected, found = theirs(*pair), minilm.encode(*pair)
        assert found.ids_L.tolist() == expected["input_ids"], pair
        assert list(found.segments_L) == expected["token_type_ids"], pair


def test_a_tokenizer_without_segments_parts_two_texts_as_its_file_says(tmp_path):
    folder = write(tmp_path / "m", "roberta", {"tokenizer_class": "RobertaTokenizer"}, roberta())
    ours, _ = from_folder(folder, "RoBERTa")
    found = ours.encode("ab he", second=" he")
    assert found.pieces == ("<s>", "ab", " he", "</s>", "</s>", " he", "</s>")
    assert ours.parts_texts and found.segments_L is None
    assert [found.in_second(i) for i in range(7)] == [i == 5 for i in range(7)]
    pytest.importorskip("transformers", exc_type=ImportError)
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder)
    for pair in random_pairs(100):
        assert ours.encode(pair[0], second=pair[1]).ids_L.tolist() == theirs(*pair)["input_ids"]


@pytest.mark.parametrize(
    "said, segments",
    [({}, [0, 0, 0, 1, 1]), ({"model_input_names": ["input_ids", "attention_mask"]}, None)],
)
def test_whether_a_model_is_told_of_segments_is_what_its_files_say(tmp_path, said, segments):
    folder = write(tmp_path / "m", "bert", {"tokenizer_class": "BertTokenizer"} | said)
    found = from_folder(folder, "BERT")[0].encode("ab", second="s")
    assert found.segments_L == (segments and tuple(segments))
    pytest.importorskip("transformers", exc_type=ImportError)
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(folder)("ab", "s").get("token_type_ids") == segments


def test_each_piece_knows_its_text_and_its_place_there(minilm):
    found = minilm.encode(A, "Unbelievably, CAFÉS")
    at = found.pieces.index("cafes")
    assert found.characters(at) == "CAFÉS" and found.in_second(at) and not found.in_second(2)
    assert found.characters(2) == "cat" and found.text_at(2) == A
    numbers = [word for word in found.words_L if word is not None]
    assert numbers == sorted(numbers) and found.words_L.count(numbers[-1]) == 1
    assert {found.in_second(i) for i in found.word(found.words_L[at])} == {True}


def test_a_pair_runs_with_its_segments(minilm):
    trace, found = minilm.trace(A, second=B), minilm.encode(A, B)
    again = forward(minilm.config, minilm.weights, found.ids_L, segments_L=found.segments_L)
    assert trace["encoder.embed.segment.ids"].tolist() == list(found.segments_L)
    np.testing.assert_array_equal(trace["encoder.out"], again["encoder.out"])
    alone = forward(minilm.config, minilm.weights, found.ids_L)
    assert abs(trace["encoder.out"] - alone["encoder.out"]).max() > 0.01


def test_models_that_read_one_text_say_so(minilm, smollm2):
    assert minilm.reads_pairs and not smollm2.reads_pairs
    assert not any(load(name).reads_pairs for name in ("study-encoder", "study-translator"))
    for model in (smollm2, load("study-encoder"), load("study-translator")):
        with pytest.raises(GlassError, match="cannot tell two texts apart"):
            model.encode("a", "b")
    with pytest.raises(GlassError, match="character 0"):
        minilm.encode("a", "\ud800")


@pytest.mark.parametrize(
    "change, same", [("order", 14), ("pad:2", 16), ("swap:3=5", 14), ("positions", 14)]
)
def test_a_what_if_keeps_each_token_s_segment(minilm, change, same):
    text = whatif.text_of(minilm, minilm.encode(A, B))
    trace = whatif.run(minilm, text, None, "trained", change)
    assert len(trace["encoder.embed.ids"]) == same
    assert trace["encoder.embed.segment.ids"].tolist() == STORED[A, B][1] + [0] * (same - 14)


def test_reversed_words_stay_in_their_text(minilm):
    text = whatif.text_of(minilm, minilm.encode(A, B))
    ids = whatif.run(minilm, text, None, "trained", "order")["encoder.embed.ids"].tolist()
    expected = STORED[A, B][0]
    assert ids == [101, *expected[7:0:-1], 102, *expected[12:8:-1], 102]


def test_a_patch_reads_its_text_beside_the_same_second_one(minilm):
    text = whatif.text_of(minilm, minilm.encode(A, B))
    other = A.replace("cat", "dog")
    patched = whatif.run(minilm, text, None, "trained", f"patch:encoder.0.stream[2]={other}")
    giver = minilm.trace(other, second=B)
    name = "encoder.0.attn.in"
    np.testing.assert_array_equal(patched[name][2], giver[name][2])
