"""tokenizer.json together with tokenizer_config.json: the ids are those of AutoTokenizer.

Random pairs of files are compared live where transformers is installed; what each key does stands
here by hand, as AutoTokenizer of transformers 5.24 gave it.
"""

from __future__ import annotations

import importlib.util
import json
import random

import pytest
from tokenizers import Tokenizer

from core import GlassError, load
from core.models.auto_tokenizer import from_folder, notes_on_pieces
from tests.helpers import tiny
from tests.helpers.tokenizer_files import CLASSES, FAMILY, MAKERS, write


def pieces(folder, family: str, text: str) -> str:
    return " ".join(from_folder(folder, FAMILY[family])[0].encode(text).pieces)


def added(content: str, **flags: bool) -> dict:
    plain = dict.fromkeys(("lstrip", "rstrip", "normalized", "single_word"), False)
    return plain | {"content": content, "special": True} | flags


@pytest.mark.parametrize(
    "family, config, text, expected",
    [
        ("bert", {"do_lower_case": False}, "Hello café", "[CLS] Hello café [SEP]"),
        ("bert", {"do_lower_case": True}, "Hello café", "[CLS] hello cafe [SEP]"),
        ("bert", {}, "Hello café", "[CLS] hello cafe [SEP]"),
        ("bert", {"strip_accents": False}, "Hello café", "[CLS] hello café [SEP]"),
        ("bert", {"do_lower_case": False, "strip_accents": True}, "Ab café", "[CLS] Ab cafe [SEP]"),
        ("bert", {"tokenize_chinese_chars": False}, "a漢b", "[CLS] a ##漢 ##b [SEP]"),
        ("bert", {"tokenize_chinese_chars": True}, "a漢b", "[CLS] a 漢 b [SEP]"),
        ("bert", {"cls_token": "[MASK]"}, "a", "[MASK] a [SEP]"),
        ("bert", {"tokenizer_class": "PreTrainedTokenizerFast"}, "Hello", "[CLS] Hello [SEP]"),
        ("bert", {"split_special_tokens": True}, "a[MASK]", "[CLS] a [ [UNK] ] [SEP]"),
        ("gpt2", {"add_prefix_space": True}, "ab<x>", " ab < x >"),
        ("gpt2", {"add_prefix_space": False}, "ab", "ab"),
        ("gpt2", {"add_bos_token": True}, "ab", "ab"),
        ("gpt2", {"bos_token": "<x>"}, "ab<x>", "ab <x>"),
        ("gpt2", {"additional_special_tokens": ["<x>"]}, "ab<x>", "ab <x>"),
        ("gpt2", {"image_token": "<x>"}, "ab<x>", "ab <x>"),
        ("gpt2", {"added_tokens_decoder": {"262": added("<x>", lstrip=True)}}, "ab <x>", "ab <x>"),
        ("gpt2", {"added_tokens_decoder": {"262": added("<x>")}}, "ab <x>", "ab   <x>"),
        ("llama", {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False}, "ab", "<s> ab"),
        ("llama", {"tokenizer_class": "LlamaTokenizer"}, "ab<s>ab", "<s> ▁ab <s> ab"),
        (
            "llama",
            {"tokenizer_class": "LlamaTokenizer", "legacy": True},
            "ab<s>ab",
            "<s> ▁ab <s> ▁ab",
        ),
        ("t5", {}, "ab <extra_id_3>", "▁ab <extra_id_3> </s>"),
        ("t5", {"eos_token": "<pad>"}, "ab", "▁ab <pad>"),
    ],
)
def test_what_a_key_does(family, config, text, expected, tmp_path):
    folder = write(tmp_path, family, config)
    assert pieces(folder, family, text) == expected
    if importlib.util.find_spec("transformers"):
        from transformers import AutoTokenizer

        ours = from_folder(folder, FAMILY[family])[0].encode(text)
        assert AutoTokenizer.from_pretrained(folder)(text).input_ids == ours.ids_L.tolist()


def test_older_files_beside_it_are_read(tmp_path):
    folder = write(
        tmp_path, "gpt2", {}, special_tokens_map={"pad_token": "<x>"}, added_tokens={"<y>": 263}
    )
    found = from_folder(folder, "GPT-2")[0].encode("<x>ab<y>")
    assert found.pieces == ("<x>", "ab", "<y>") and found.ids_L.tolist() == [262, 256, 263]
    listed = {"added_tokens_decoder": {"261": added("<|endoftext|>")}}
    (folder / "tokenizer_config.json").write_text(json.dumps(listed))  # then they say nothing
    assert len(from_folder(folder, "GPT-2")[0].encode("<x>ab<y>").pieces) == 7


def test_where_the_two_files_disagree_it_is_said(tmp_path):
    said = from_folder(write(tmp_path / "a", "bert", {"do_lower_case": True}), "BERT")[1]
    assert len(said) == 1 and "disagree on how characters are changed" in said[0]
    assert from_folder(write(tmp_path / "b", "bert", {"do_lower_case": False}), "BERT")[1] == ()
    known = {"tokenizer_class": "XLNetTokenizer"}
    assert "“XLNetTokenizer”" in from_folder(write(tmp_path / "c", "gpt2", known), "GPT-2")[1][0]
    folder = write(tmp_path / "d", "bert", None)  # transformers would read it in lower case
    assert pieces(folder, "bert", "Hello") == "[CLS] Hello [SEP]"
    assert "no tokenizer_config.json" in from_folder(folder, "BERT")[1][0]
    for family in ("gpt2", "llama", "t5"):
        library = (
            None
            if family != "t5"
            else from_folder(write(tmp_path / "e", "t5", {}), "T5")[0].library
        )
        assert from_folder(write(tmp_path / family, family, None, library), FAMILY[family])[1] == ()


@pytest.mark.parametrize(
    "config",
    [
        {"do_lower_case": "no"},
        {"tokenizer_class": 3},
        {"auto_map": {"AutoTokenizer": ["x.y", None]}},
        {"fast_tokenizer_files": ["tokenizer.4.0.json"]},
        {"added_tokens_decoder": {"x": 1}},
        {"added_tokens_decoder": [1]},
        {"added_tokens_decoder": {"1": {"content": 7}}},
        {"cls_token": "[NOWHERE\ud800]"},
        {"extra_ids": 10**9, "tokenizer_class": "T5Tokenizer"},
        {"tokenizer_class": "GPT2Tokenizer"},
        {"additional_special_tokens": 3},
        {"unk_token": [1]},
        {"split_special_tokens": 1},
        {"extra_special_tokens": "abc"},
        {"additional_special_tokens": "abc"},
    ],
)
def test_damaged_options_are_said_and_the_model_runs_by_ids(config, tmp_path):
    folder = tiny.golden("bert").write(tmp_path / "model")
    write(folder, "bert", config, config=json.loads((folder / "config.json").read_text()))
    with pytest.raises(GlassError):
        from_folder(folder, "BERT")
    model = load(folder)
    assert model.tokenizer is None and len(model.notes) == 1 and model.no_tokenizer
    assert model.trace(ids_L=[3, 4])["encoder.out"].ndim == 2


def test_special_tokens_that_are_no_texts_are_refused_beside_sentencepiece_models(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"bos_token": 5, "eos_token": "</s>"}')
    with pytest.raises(GlassError, match="tokenizer_config.json cannot be read"):
        notes_on_pieces(tmp_path, set())


# --- random files, live ---------------------------------------------------------------------------

PARTS = ("a", "b", "ab", " ", "  ", "he", "Hello", "café", "É", "漢字", "[CLS]", "[MASK]", "<s>",
         "</s>", "<unk>", "<|endoftext|>", "<x>", "<new>", "<added>", "<e1>", "<e2>", "[EXTRA]",
         "<img>", "\n", "<im>", "<extra_id_7>", "!", "Ab", " [SEP] ", "<mask>", " <mask> ", "<pad>",
         "<s>NOTUSED", "<unk>NOTUSED", "fra_Latn", "en_XX", "<unk_5>", "<mask_1>")  # fmt: skip


NAMED = ("NllbTokenizer", "MBart50Tokenizer")


def options(rng: random.Random, library: Tokenizer, name: str) -> dict:
    """A tokenizer_config.json that may contradict the tokenizer."""

    def flag() -> bool:
        return rng.random() < 0.5

    found, tokens = {}, library.get_added_tokens_decoder()
    if rng.random() < 0.8:
        found["tokenizer_class"] = rng.choice((name, f"{name}Fast", "PreTrainedTokenizerFast"))
    elif name in NAMED:
        found["tokenizer_class"] = name  # the kind of model does not say it
    keys = (
        "do_lower_case",
        "add_prefix_space",
        "tokenize_chinese_chars",
        "strip_accents",
        "legacy",
        "add_bos_token",
        "add_eos_token",
        "split_special_tokens",
    )
    found |= {key: flag() for key in keys if rng.random() < 0.25}
    for key in ("unk", "bos", "eos", "pad", "cls", "sep", "mask"):
        if rng.random() < 0.12:
            text = rng.choice([*(each.content for each in list(tokens.values())[:6]), "<new>"])
            whole = {"__type": "AddedToken"} | added(text, lstrip=flag(), rstrip=flag())
            found[f"{key}_token"] = text if flag() else whole
    if flag():
        listed = {
            str(i): added(
                each.content,
                rstrip=rng.random() < 0.1,
                special=rng.random() < 0.9,
                normalized=rng.random() < 0.1,
            )
            for i, each in tokens.items()
        }
        if flag():
            more = library.get_vocab_size() + rng.randint(0, 2)
            listed[str(more)] = added("<added>", rstrip=flag(), normalized=flag(), special=flag())
        found["added_tokens_decoder"] = listed
    extra = {
        "additional_special_tokens": ["<e1>", "[EXTRA]"],
        "image_token": "<im>",
        "extra_special_tokens": rng.choice((["<e2>"], {"image_token": "<img>"})),
    }
    return found | {key: value for key, value in extra.items() if rng.random() < 0.12}


SLOW = ("qwen2", "phi3", "mistral", "distilbert", "electra", "mpnet", "xlm-roberta", "mbart")
SLOW += ("mbart50", "pegasus")


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "family",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MAKERS],
)
def test_ids_are_those_of_autotokenizer(family, tmp_path):
    transformers = pytest.importorskip("transformers")
    for seed in range(25):
        rng = random.Random(f"{family} {seed}")
        library = MAKERS[family](rng)
        others = {
            "special_tokens_map": {
                "unk_token": rng.choice(("<new>", "<x>", "[UNK]")),
                "additional_special_tokens": ["<e1>"],
            },
            "added_tokens": {"<added>": library.get_vocab_size()},
        }
        others = {name: data for name, data in others.items() if rng.random() < 0.3}
        config = options(rng, library, CLASSES[family])
        folder = write(tmp_path / str(seed), family, config, library, **others)
        try:
            theirs = transformers.AutoTokenizer.from_pretrained(folder)
        except ValueError:  # Pegasus with such a sign: it can't be built
            assert family == "pegasus" and "special_tokens_map" in others
            continue
        ours = from_folder(folder, FAMILY[family])[0]
        for text in ("".join(rng.choices(PARTS, k=rng.randint(0, 9))) for _ in range(15)):
            try:
                expected = theirs(text).input_ids
            except Exception:  # a sign for the unknown that is not in the vocabulary
                with pytest.raises(GlassError):
                    ours.encode(text)
                continue
            assert ours.encode(text).ids_L.tolist() == expected, (seed, text)
