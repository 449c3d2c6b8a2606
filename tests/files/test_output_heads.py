"""Which table the head reads, and what is said of a head that is not run, beside `transformers`."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.forward_pass import forward
from core.models.model import load
from core.models.weights import load_folder, read_folder
from tests.helpers.model_files import refusal, written
from tests.helpers.tiny import check, golden

TABLES = {
    "t5_relu": (
        "shared.weight",
        "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight",
        "lm_head.weight",
    ),
    "marian": (
        "model.shared.weight",
        "model.encoder.embed_tokens.weight",
        "model.decoder.embed_tokens.weight",
        "lm_head.weight",
    ),
    "gpt2": ("transformer.wte.weight", "lm_head.weight"),
    "llama": ("model.embed_tokens.weight", "lm_head.weight"),
    "bert": ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
}
SUBSETS = [
    (family, there)
    for family, names in TABLES.items()
    for size in range(1, 5)
    for there in itertools.combinations(names, size)
]


def reference_or_skip():
    """tests/helpers/reference.py, where what it needs is installed."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    return reference


def with_tables(family: str, there: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The tiny model's tensors with these tables of tokens, each of other numbers."""
    model, rng = golden(family), np.random.default_rng(5)
    rest = {name: value for name, value in model.tensors.items() if name not in TABLES[family]}
    shape = next(value.shape for name, value in model.tensors.items() if name in TABLES[family])
    return rest | {name: rng.normal(size=shape) for name in there}


def readable(family: str, there: tuple[str, ...], ties: bool = True) -> bool:
    """Whether each side has a table: one of its own, or the one that all share."""
    sides = TABLES[family][1:3] if family in ("t5_relu", "marian") else TABLES[family][:1]
    own_table = [name in there or len(sides) == 2 and TABLES[family][0] in there for name in sides]
    return all(own_table) and (ties or TABLES[family][-1] in there)


@pytest.mark.one_in(21)
@pytest.mark.parametrize("ties", (True, False), ids=("tied", "untied"))
@pytest.mark.parametrize("family, there", SUBSETS)
def test_the_tables_of_tokens_are_those_that_transformers_reads(family, there, ties, tmp_path):
    """One to four tables of other numbers, with a config that ties them and one that does not."""
    reference = reference_or_skip()
    tensors = with_tables(family, there)
    if family == "bert":  # not tied: it would be drawn at random
        tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"]
    folder = written(family, tmp_path, tensors, tie_word_embeddings=ties)
    if not readable(family, there, ties):
        assert "is missing from the file" in refusal(read_folder, folder)
    else:
        inputs = golden(family).inputs
        steps = reference.run(reference.from_folder(folder), inputs)
        if not ties and family in ("t5_relu", "marian") and not {*TABLES[family][1:3]} <= {*there}:
            return  # a side without a table reads the shared one; version 5 draws it at random
        check(forward(*read_folder(folder, np.float64), **inputs), steps)


@pytest.mark.parametrize(
    "there",
    (
        ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
        (
            "model.encoder.embed_tokens.weight",
            "model.decoder.embed_tokens.weight",
            "lm_head.weight",
        ),
    ),
)
def test_a_translator_may_have_two_tables(there, tmp_path):
    reference = reference_or_skip()
    folder = written(
        "marian", tmp_path, with_tables("marian", there), share_encoder_decoder_embeddings=False
    )
    steps = reference.run(reference.from_folder(folder), golden("marian").inputs)
    check(forward(*read_folder(folder, np.float64), **golden("marian").inputs), steps)


@pytest.mark.parametrize("family", ("t5_relu", "marian"))
def test_a_head_that_is_tied_reads_the_table_that_all_share(family, tmp_path):
    """Also where the decoder reads another one; `transformers` ties all three to `shared`."""
    shared, _, decoder, _ = TABLES[family]
    tensors = with_tables(family, (shared, decoder))
    _, weights = read_folder(written(family, tmp_path, tensors), np.float64)
    assert np.array_equal(weights["head.logits.weight"], tensors[shared])
    assert np.array_equal(weights["encoder.embed.token.weight"], tensors[shared])
    assert np.array_equal(weights["decoder.embed.token.weight"], tensors[decoder])


def test_the_bias_of_berts_words_is_the_one_that_is_added(tmp_path):
    """Where a file has both of its names with other numbers."""
    reference = reference_or_skip()
    tensors = golden("bert").tensors | {"cls.predictions.decoder.bias": np.arange(57) / 57}
    folder = written("bert", tmp_path, tensors)
    steps = reference.run(reference.from_folder(folder), golden("bert").inputs)
    check(forward(*read_folder(folder, np.float64), **golden("bert").inputs), steps)


# Heads that are not run.

FINE_TUNED = (  # class, tiny model, where the class keeps the model without its head
    ("T5ForSequenceClassification", "t5_gated", "transformer"),
    ("T5ForQuestionAnswering", "t5_gated", None),
)
BARE = (
    ("GPT2Model", "gpt2", None),
    ("LlamaModel", "llama", None),
    ("T5Model", "t5_relu", None),
    ("MarianModel", "marian", None),
)


def saved(reference, cls: str, family: str, folder: Path):
    """A random model of that class, saved by `transformers`."""
    config = reference.transformers.AutoConfig.from_pretrained(
        golden(family).write(folder / "config")
    )
    reference.torch.manual_seed(4)
    with reference.without_casts():
        model = getattr(reference.transformers, cls)(config).double().eval()
    model.set_attn_implementation("eager")
    reference.fill(model, family)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("cls, family, inside", FINE_TUNED + BARE)
def test_a_model_without_an_output_head_is_run_up_to_its_last_vectors(
    cls, family, inside, tmp_path
):
    reference = reference_or_skip()
    model = saved(reference, cls, family, tmp_path)
    body = getattr(model, inside) if inside else model
    steps = reference.run(body, golden(family).inputs)
    loaded = load(tmp_path, np.float64)
    check(forward(loaded.config, loaded.weights, **golden(family).inputs), steps)
    assert loaded.config.head is None
    assert bool(loaded.notes) and all(
        note[-1] == "." and note.isprintable() for note in loaded.notes
    )
    if (cls, family, inside) in BARE:
        assert f"no output head ({cls})" in loaded.notes[0]
    else:
        heads = [
            name
            for name in (
                "classifier.weight",
                "score.weight",
                "qa_outputs.weight",
                "classification_head.dense.weight",
            )
            if name in loaded.notes[0]
        ]
        assert len(heads) == 1 and "does not run the head" in loaded.notes[0]


@pytest.mark.parametrize(
    "cls, named",
    (
        ("T5EncoderModel", True),
        ("T5EncoderModel", False),
        ("T5ForTokenClassification", False),  # whose head runs where the config names the class
    ),
)
def test_t5s_encoder_is_run_alone(cls, named, tmp_path):
    reference = reference_or_skip()
    model = saved(reference, cls, "t5_relu", tmp_path)
    if not named:
        config = {
            key: value for key, value in golden("t5_relu").config.items() if key != "architectures"
        }
        replace(golden("t5_relu"), config=config).write(tmp_path / "config")
        (tmp_path / "config.json").write_text((tmp_path / "config" / "config.json").read_text())
    ids, seen = reference.torch.tensor(golden("t5_relu").inputs["ids_L"])[None], {}
    encoder = model.get_encoder() if cls == "T5EncoderModel" else model.transformer.get_encoder()
    handles = reference.watch(encoder, seen)
    with reference.torch.no_grad(), reference.without_casts():
        out = encoder(ids, **reference.ASK)
    steps = reference.stack("encoder", out.hidden_states, out.attentions, seen["final_layer_norm"])
    loaded = load_folder(tmp_path, np.float64)
    assert len(handles) == 1 and loaded.config.sides == ("encoder",) and loaded.config.head is None
    check(
        forward(loaded.config, loaded.weights, golden("t5_relu").inputs["ids_L"]),
        {name: value.numpy() for name, value in steps.items()},
    )
    assert "only the encoder runs" in loaded.notes[-1]


def test_a_t5_that_should_have_a_decoder_is_not_read_without_it(tmp_path):
    tensors = {
        name: value
        for name, value in golden("t5_relu").tensors.items()
        if not name.startswith("decoder.")
    }
    assert "“decoder." in refusal(read_folder, written("t5_relu", tmp_path, tensors))


def test_a_head_beside_the_output_head_is_named_and_the_words_are_scored(tmp_path):
    reference = reference_or_skip()
    model = saved(reference, "GPT2DoubleHeadsModel", "gpt2", tmp_path)
    loaded = load_folder(tmp_path, np.float64)
    trace = forward(loaded.config, loaded.weights, **golden("gpt2").inputs)
    ids = reference.torch.tensor(golden("gpt2").inputs["ids_L"])[None]
    with reference.torch.no_grad():
        logits_LV = model.lm_head(model.transformer(ids).last_hidden_state)[0].numpy()
    assert abs(trace["head.logits"] - logits_LV).max() < 1e-9
    assert "multiple_choice_head.summary.weight" in loaded.notes[0]


def test_a_bare_llama_whose_config_names_no_class(tmp_path):
    """Its tensors have no prefix, its head is neither in the file nor tied."""
    tensors = {
        name.removeprefix("model."): value
        for name, value in golden("llama").tensors.items()
        if name != "lm_head.weight"
    }
    loaded = load_folder(written("llama", tmp_path, tensors, architectures=None))
    assert loaded.config.head is None and "no output head" in loaded.notes[0]


@pytest.mark.parametrize("family", ("gpt2", "llama_tied"))
def test_an_output_head_that_is_tied_needs_no_tensor(family, tmp_path):
    """Published files of GPT-2 have no prefix, and their config may name no class."""
    tensors = {
        name.removeprefix("transformer.").removeprefix("model."): value
        for name, value in golden(family).tensors.items()
    }
    for classes in (None, [], ["SomethingForCausalLM"]):
        loaded = load_folder(written(family, tmp_path, tensors, architectures=classes))
        assert loaded.config.head == "linear" and loaded.notes == ()


@pytest.mark.parametrize(
    "name",
    ("classifier.weight.lora", "classifier2.weight", "my_head.weight", "score.scale", "classifier"),
)
def test_a_head_that_is_not_known_is_an_error_by_name(name, family, tmp_path):
    tensors = golden(family).tensors | {name: np.ones((2, 24))}
    assert f"“{name}”" in refusal(read_folder, written(family, tmp_path, tensors))


@pytest.mark.parametrize("classes", (5, "GPT2Model", {"a": 1}, [5], [["GPT2Model"]]))
def test_classes_that_are_no_list_of_names_are_refused(classes, tmp_path):
    assert "“architectures”" in refusal(
        read_folder, written("gpt2", tmp_path, architectures=classes)
    )


def test_a_translator_without_a_head_reads_its_start_token_alone(tmp_path):
    """It can't write a target by itself; one that is given is read."""
    tensors = {k: v for k, v in golden("marian").tensors.items() if k != "final_logits_bias"}
    model = load(written("marian", tmp_path, tensors, architectures=["MarianModel"]))
    start = golden("marian").config["decoder_start_token_id"]
    assert model.trace(ids_L=[3, 5, 7])["decoder.embed.ids"].tolist() == [start]
    given = model.trace(ids_L=[3, 5, 7], target_ids_L=[start, 4])
    assert given["decoder.embed.ids"].tolist() == [start, 4]
    assert any("reads only its start token" in note for note in model.notes)


@pytest.mark.parametrize("family, prefix", (("llama", "model."), ("gpt2", "transformer.")))
def test_a_classifier_is_known_by_its_head_where_the_config_names_no_class(
    family, prefix, tmp_path
):
    width = golden(family).config.get("hidden_size") or golden(family).config["n_embd"]
    tensors = {
        name: value for name, value in golden(family).tensors.items() if name != "lm_head.weight"
    }
    assert any(name.startswith(prefix) for name in tensors)
    tensors["score.weight"] = np.ones((2, width))
    loaded = load_folder(written(family, tmp_path, tensors, architectures=None))
    assert loaded.config.head is None
    assert (
        "does not run the head that this model was fine-tuned with (score.weight)"
        in loaded.notes[0]
    )
    assert "no output head (only score.weight)" in loaded.notes[1]
