"""Tokenizers of each class, made on the spot, and the files that a model's folder has of them."""

from __future__ import annotations

import json

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from core.models.languages import MBART, MBART_50, NLLB
from core.models.tokenizer import byte_letters

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
