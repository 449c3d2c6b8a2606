"""tokenizer.json together with tokenizer_config.json: the ids are those of AutoTokenizer.

Random pairs of files are compared live where transformers is installed; what each key does stands
here by hand, as AutoTokenizer of transformers 5.24 gave it.
"""

from __future__ import annotations

import importlib.util
import json
import random

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from core import GlassError, load
from core.models.auto_tokenizer import from_folder, notes_on_pieces
from core.models.languages import MBART, MBART_50, NLLB
from core.models.tokenizer import byte_letters
from tests.helpers import tiny

FAMILY = {
    "bert": "BERT",
    "gpt2": "GPT-2",
    "llama": "Llama",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "phi3": "Phi3",
    "mistral": "Mistral",
    "t5": "T5",
    "distilbert": "DistilBERT",
    "electra": "Electra",
    "mpnet": "MPNet",
    "roberta": "RoBERTa",
    "xlm-roberta": "XLM-RoBERTa",
    "camembert": "CamemBERT",
    "m2m_100": "M2M100",
    "mbart": "mBART",
    "mbart50": "mBART",
    "pegasus": "Pegasus",
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def bert(rng=None) -> Tokenizer:
    words = [*SPECIAL, *"abcéÀAB漢,!<>[]s", *("##" + c for c in "abcéAB漢s"), "ab", "Ab", "##bc"]
    words += ["cafe", "café", "Hello", "hello", "[EXTRA]"]
    library = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(
        lowercase=bool(rng and rng.random() < 0.5),
        strip_accents=rng.choice((None, True, False)) if rng else None,
    )
    library.pre_tokenizer, library.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    library.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    library.add_special_tokens(list(SPECIAL))
    return library


def gpt2(rng=None) -> Tokenizer:
    words = [*byte_letters(), "ab", "Ġa", "Ġab", "he", "Ġhe", "<|endoftext|>", "<x>"]
    merges = [("a", "b"), ("Ġ", "a"), ("Ġ", "ab"), ("h", "e"), ("Ġ", "he")]
    library = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(bool(rng and rng.random() < 0.4))
    library.decoder = decoders.ByteLevel()
    library.post_processor = processors.ByteLevel(trim_offsets=False)
    library.add_special_tokens(["<|endoftext|>"])
    return library


def llama(rng=None) -> Tokenizer:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "▁", *"abhe"]
    words += ["ab", "▁a", "▁ab", "he", "▁he", "<x>"]
    merges = [("a", "b"), ("▁", "a"), ("▁", "ab"), ("h", "e"), ("▁", "he")]
    library = Tokenizer(
        models.BPE(
            {w: i for i, w in enumerate(words)},
            merges,
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    if rng and rng.random() < 0.5:
        library.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        library.pre_tokenizer = pre_tokenizers.Metaspace("▁", "first", False)
    library.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 1)])
    library.add_special_tokens(["<unk>", "<s>", "</s>"])
    return library


def qwen2(rng=None) -> Tokenizer:
    library = gpt2(rng)
    if rng and rng.random() < 0.5:
        library.normalizer = normalizers.NFC()
    return library


def t5(rng=None) -> Tokenizer:
    gaps = [f"<extra_id_{i}>" for i in range(99, -1, -1)]
    words = ["▁", "a", "b", "▁a", "ab", "▁ab", "h", "e", "▁he"]
    pieces = [(sign, 0.0) for sign in ("<pad>", "</s>", "<unk>")]
    pieces += [(word, -1 - i / 10) for i, word in enumerate(words)] + [(gap, 0.0) for gap in gaps]
    library = Tokenizer(models.Unigram(pieces, unk_id=2))
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", True)
    library.post_processor = processors.TemplateProcessing(
        "$A </s>", "$A </s> $B </s>", [("</s>", 1)]
    )
    library.add_special_tokens(["<pad>", "</s>", "<unk>", *gaps])
    return library


def mpnet(rng=None) -> Tokenizer:
    signs = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    words = [*signs, *"abcéÀAB漢,!<>[]s", *("##" + c for c in "abcéAB漢s"), "ab", "Ab", "##bc"]
    words += ["cafe", "café", "Hello", "hello", "[EXTRA]"]
    library = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer()
    library.pre_tokenizer, library.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    library.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    library.add_special_tokens(signs)
    return library


def roberta(rng=None) -> Tokenizer:
    words = ["<s>", "<pad>", "</s>", "<unk>", *byte_letters(), "ab", "Ġa", "Ġab", "he", "Ġhe"]
    words += ["<mask>", "<x>"]
    merges = [("a", "b"), ("Ġ", "a"), ("Ġ", "ab"), ("h", "e"), ("Ġ", "he")]
    library = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(bool(rng and rng.random() < 0.4))
    library.decoder = decoders.ByteLevel()
    library.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    library.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    library.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return library


def unigrams(signs: list[str], *more: str) -> Tokenizer:
    words = ["▁", "a", "b", "▁a", "ab", "▁ab", "h", "e", "▁he", "<x>"]
    pieces = [(sign, 0.0) for sign in signs]
    pieces += [(word, -1 - i / 10) for i, word in enumerate(words)]
    pieces += [(word, 0.0) for word in (*more, "<mask>")]
    library = Tokenizer(models.Unigram(pieces, unk_id=3))
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", True)
    library.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    library.add_special_tokens([*signs[:4], AddedToken("<mask>", lstrip=True)])
    return library


def xlm_roberta(rng=None) -> Tokenizer:
    return unigrams(["<s>", "<pad>", "</s>", "<unk>"])


def camembert(rng=None) -> Tokenizer:
    return unigrams(["<s>", "<pad>", "</s>", "<unk>", "<s>NOTUSED", "</s>NOTUSED"])


def nllb(rng=None) -> Tokenizer:
    words = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abhe", "ab", "▁a", "▁ab", "he", "▁he", "<x>"]
    merges = [("a", "b"), ("▁", "a"), ("▁", "ab"), ("h", "e"), ("▁", "he")]
    words += [*NLLB, "<mask>"]
    library = Tokenizer(
        models.BPE({w: i for i, w in enumerate(words)}, merges, unk_token="<unk>", fuse_unk=True)
    )
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", True)
    library.post_processor = processors.TemplateProcessing(
        "eng_Latn $A </s>", "eng_Latn $A $B </s>", [sign(library, "eng_Latn"), ("</s>", 2)]
    )
    library.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", *NLLB])
    library.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True)])
    return library


def sign(library: Tokenizer, text: str) -> tuple[str, int]:
    return text, library.token_to_id(text)


def coded(codes: tuple[str, ...], before: bool) -> Tokenizer:
    library = unigrams(["<s>", "<pad>", "</s>", "<unk>"], *codes)
    library.add_special_tokens(list(codes))
    around = ("en_XX $A </s>" if before else "$A </s> en_XX"), "$A </s> $B"
    library.post_processor = processors.TemplateProcessing(
        *around, [sign(library, "en_XX"), ("</s>", 2)]
    )
    return library


def mbart(rng=None) -> Tokenizer:
    return coded(MBART, before=False)


def mbart50(rng=None) -> Tokenizer:
    return coded(MBART_50, before=True)


def pegasus(rng=None) -> Tokenizer:
    signs = ["<pad>", "</s>", "<mask_1>", "<mask_2>", *(f"<unk_{i}>" for i in range(2, 103))]
    words = ["<unk>", "▁", "a", "b", "▁a", "ab", "▁ab", "h", "e", "▁he"]
    pieces = [(sign, 0.0) for sign in signs]
    pieces += [(word, -i / 10) for i, word in enumerate(words)]
    library = Tokenizer(models.Unigram(pieces, unk_id=len(signs)))
    library.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", True)
    library.post_processor = processors.TemplateProcessing("$A </s>", "$A $B </s>", [("</s>", 1)])
    library.add_special_tokens([*signs, "<unk>"])
    return library


MAKERS = {
    "bert": bert,
    "gpt2": gpt2,
    "llama": llama,
    "qwen2": qwen2,
    "qwen3": qwen2,
    "phi3": llama,
    "mistral": llama,
    "t5": t5,
    "distilbert": bert,
    "electra": bert,
    "mpnet": mpnet,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
    "camembert": camembert,
    "m2m_100": nllb,
    "mbart": mbart,
    "mbart50": mbart50,
    "pegasus": pegasus,
}
CLASSES = {
    "m2m_100": "NllbTokenizer",
    "mbart": "MBartTokenizer",
    "mbart50": "MBart50Tokenizer",
    "pegasus": "PegasusTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "bert": "BertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "llama": "LlamaTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "phi3": "LlamaTokenizer",
    "mistral": "LlamaTokenizer",
    "t5": "T5Tokenizer",
}


def write(folder, family: str, said: dict | None, library: Tokenizer | None = None, **others):
    """A folder with the files of a tokenizer; said: tokenizer_config.json."""
    folder.mkdir(exist_ok=True)
    (library or MAKERS[family]()).save(str(folder / "tokenizer.json"))
    others = {"config": {"model_type": family}} | others
    others["config"]["model_type"] = others["config"]["model_type"].removesuffix("50")
    others |= {} if said is None else {"tokenizer_config": said}
    for name, data in others.items():
        (folder / f"{name}.json").write_text(json.dumps(data))
    return folder


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
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
        ours = from_folder(folder, FAMILY[family])[0]
        for text in ("".join(rng.choices(PARTS, k=rng.randint(0, 9))) for _ in range(15)):
            try:
                expected = theirs(text).input_ids
            except Exception:  # a sign for the unknown that is not in the vocabulary
                with pytest.raises(GlassError):
                    ours.encode(text)
                continue
            assert ours.encode(text).ids_L.tolist() == expected, (seed, text)
