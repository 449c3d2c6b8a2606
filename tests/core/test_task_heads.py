"""The heads that models are fine-tuned with, against `transformers` in float64 at 1e-9: the scores
of a text's labels, of each token's, of an answer's ends.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import explain
from core.answers import best_answers
from core.forward_pass import forward
from core.models.weights import load_folder
from tests.helpers.fine_tuned import fine_tuned, saved
from tests.helpers.model_files import golden, refusal
from tests.helpers.tiny import check

SEQUENCE = "BertForSequenceClassification"
LABELS = {"id2label": {0: "no", 1: "yes", 2: "maybe"}}
ANY = {**LABELS, "problem_type": "multi_label_classification"}
NUMBER = {"id2label": {0: "stars"}, "problem_type": "regression"}
TEXT = (LABELS, ANY, NUMBER, {"num_labels": 1}, {})
CASES = [  # class, tiny model, what its config says of the labels
    *(("BertForSequenceClassification", "bert", said) for said in TEXT),
    ("BertForTokenClassification", "bert", LABELS),
    ("BertForQuestionAnswering", "bert", {}),
    ("BertForMultipleChoice", "bert", {}),
    *(("GPT2ForSequenceClassification", "gpt2", said) for said in TEXT),
    ("GPT2ForTokenClassification", "gpt2", LABELS),
    ("GPT2ForQuestionAnswering", "gpt2", {}),
    ("LlamaForSequenceClassification", "llama", LABELS),
    ("LlamaForTokenClassification", "llama", LABELS),
    ("LlamaForQuestionAnswering", "llama", {}),
    *(
        (f"{kind}For{head}", family, said)
        for kind, family in (
            ("Roberta", "roberta"),
            ("XLMRoberta", "xlm-roberta"),
            ("Camembert", "camembert"),
            ("DistilBert", "distilbert"),
            ("MPNet", "mpnet"),
        )
        for head, said in (
            ("SequenceClassification", LABELS),
            ("SequenceClassification", ANY),
            ("SequenceClassification", NUMBER),
            ("TokenClassification", LABELS),
            ("QuestionAnswering", {"num_labels": 2}),
            ("MultipleChoice", {}),
        )
    ),
]
CASES += [
    ("ElectraForPreTraining", "electra", {"hidden_act": "relu"}),
    ("ElectraForSequenceClassification", "electra", LABELS),
    ("ElectraForTokenClassification", "electra", LABELS),
    ("ElectraForQuestionAnswering", "electra", {}),
]
CASES += [
    ("AlbertForSequenceClassification", "albert", LABELS),
    ("AlbertForTokenClassification", "albert", LABELS),
    ("AlbertForQuestionAnswering", "albert", {}),
    ("AlbertForMultipleChoice", "albert", {}),
]
OTHERS = [  # classes without a fine-tuned head
    (f"{kind}{cls}", family)
    for kind, family in (
        ("Roberta", "roberta"),
        ("XLMRoberta", "xlm-roberta"),
        ("Camembert", "camembert"),
        ("DistilBert", "distilbert"),
        ("Electra", "electra"),
        ("Albert", "albert"),
        ("MPNet", "mpnet"),
    )
    for cls in ("Model", "ForMaskedLM")
]


def probabilities(gives: str, logits):
    """What the scores mean, written once more."""
    if gives == "number":
        return None
    if gives == "any":
        return 1 / (1 + np.exp(-logits))
    axis = 0 if gives == "span" else -1
    parts = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return parts / parts.sum(axis=axis, keepdims=True)


@pytest.mark.one_in(7)
@pytest.mark.parametrize("cls, family, said", CASES, ids=lambda value: str(value)[:40])
def test_a_head_gives_the_scores_that_transformers_gives(cls, family, said, tmp_path):
    model, reference = saved(cls, family, tmp_path, **said)
    inputs = golden(family).inputs
    loaded = load_folder(tmp_path, np.float64)
    trace, task = forward(loaded.config, loaded.weights, **inputs), loaded.config.task
    if "Choice" in cls:
        inputs = {name: value[None] for name, value in inputs.items()}
        with reference.without_casts():
            wanted = {"task.logits": one_choice(model, reference, inputs)}
        assert abs(trace["task.logits"] - wanted["task.logits"]).max() < 1e-9
    else:
        wanted = reference.run(model, inputs)
        check(trace, wanted)
    assert loaded.notes == () and loaded.config.head is None and task is not None
    meant = probabilities(task.gives, wanted["task.logits"])
    assert ("task.probs" in trace) == (meant is not None)
    if meant is not None:
        assert abs(trace["task.probs"] - meant).max() < 1e-12
    if "id2label" in said:
        assert task.labels == tuple(said["id2label"].values())


@pytest.mark.one_in(5)
@pytest.mark.parametrize("cls, family", OTHERS)
def test_encoders_without_a_fine_tuned_head(cls, family, tmp_path):
    """With a head for words, and without any."""
    model, reference = saved(cls, family, tmp_path)
    loaded, inputs = load_folder(tmp_path, np.float64), golden(family).inputs
    check(forward(loaded.config, loaded.weights, **inputs), reference.run(model, inputs))
    assert loaded.config.task is None and loaded.notes == ()
    assert loaded.config.head == ("transform" if "Masked" in cls else None)


def one_choice(model, reference, inputs):
    """The score of one choice alone."""
    tensors = {name: reference.torch.tensor(value)[None] for name, value in inputs.items()}
    with reference.torch.no_grad():
        segments = {"token_type_ids": tensors["segments_L"]} if "segments_L" in tensors else {}
        out = model(tensors["ids_L"], **segments)
    return out.logits[0].numpy()


@pytest.mark.parametrize(
    "cls, family",
    (
        ("BertForSequenceClassification", "bert"),
        ("BertForQuestionAnswering", "bert"),
        ("GPT2ForTokenClassification", "gpt2"),
    ),
)
def test_every_number_of_a_head_opens_and_is_made_of_its_operands(cls, family, tmp_path):
    saved(cls, family, tmp_path)
    loaded = load_folder(tmp_path, np.float64)
    trace = forward(loaded.config, loaded.weights, **golden(family).inputs)
    names = [name for name in trace if name.startswith("task.")]
    assert names[0] == "task.in" and names[-1] == "task.probs"
    for name in names:
        for cell in np.ndindex(trace.shape(name)):
            made = explain(trace, name, cell)
            assert made.error < 1e-12 and made.groups and made.title
            operand = made.operands[0]
            assert explain(trace, operand.name, operand.index).value == operand.value


def test_an_edit_and_a_part_that_runs_again_reach_the_labels(tmp_path):
    saved("BertForSequenceClassification", "bert", tmp_path)
    loaded, inputs = load_folder(tmp_path, np.float64), golden("bert").inputs
    trace = forward(loaded.config, loaded.weights, **inputs)
    silent = {"encoder.0.mlp.out": np.zeros_like}
    edited = forward(loaded.config, loaded.weights, **inputs, edits=silent)
    again = trace.rerun("encoder", 0, silent, [0])
    assert abs(edited["task.probs"] - trace["task.probs"]).max() > 1e-6
    assert np.array_equal(again["task.probs"], edited["task.probs"])
    half = {"task.logits": lambda logits_C: logits_C / 2}
    assert forward(loaded.config, loaded.weights, **inputs, edits=half)["task.logits"][
        0
    ] == pytest.approx(trace["task.logits"][0] / 2)


def test_a_last_token_that_only_fills_up_is_refused(tmp_path):
    """`transformers` would read the token before it."""
    saved("GPT2ForSequenceClassification", "gpt2", tmp_path, pad_token_id=3)
    loaded = load_folder(tmp_path, np.float64)
    forward(loaded.config, loaded.weights, [3, 5])
    assert "must not end" in refusal(forward, loaded.config, loaded.weights, [5, 3])


@pytest.mark.parametrize(
    "said, says",
    (
        ({"id2label": {}}, "“id2label”"),
        ({"id2label": ["a", "b"]}, "“id2label”"),
        ({"id2label": {"0": "a", "2": "b"}}, "“id2label”"),
        ({"id2label": {"0": "a", "x": "b"}}, "“id2label”"),
        ({"id2label": {str(i): "a" for i in range(10_001)}}, "“id2label”"),
        ({"problem_type": "guess"}, "“problem_type”"),
        ({"problem_type": "single_label_classification", "id2label": {"0": "a"}}, "“problem_type”"),
        ({"id2label": None, "num_labels": 0}, "“num_labels”"),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, "classifier.weight"),
    ),
    ids=str,
)
def test_labels_that_cannot_be_are_refused_by_name(said, says, tmp_path):
    folder = fine_tuned(tmp_path, SEQUENCE, **said)
    assert says in refusal(load_folder, folder)


def test_names_of_labels_are_cut_and_printable(tmp_path):
    folder = fine_tuned(tmp_path, SEQUENCE, id2label={"0": "a\n\x00b", "1": "x" * 300})
    assert load_folder(folder).config.task.labels == ("a��b", "x" * 60)
    folder = fine_tuned(tmp_path, SEQUENCE, id2label={"0": 5, "1": " "})
    assert load_folder(folder).config.task.labels == ("5", "LABEL_1")


@pytest.mark.parametrize("classes", (None, ["BertModel"], ["BertForSomethingOfMyOwn"]))
def test_a_head_whose_class_is_not_known_is_named_and_not_run(classes, tmp_path):
    loaded = load_folder(fine_tuned(tmp_path, SEQUENCE, architectures=classes))
    assert loaded.config.task is None
    assert "does not run the head" in loaded.notes[0] and "classifier.weight" in loaded.notes[0]


def test_the_best_answers_are_those_of_the_highest_sums(tmp_path):
    """Tried one by one, as the pipeline of `transformers` ranks them: no longer than 15 tokens,
    none of the question, no special token at an end."""
    saved("BertForQuestionAnswering", "bert", tmp_path, max_position_embeddings=20)
    loaded, rng = load_folder(tmp_path, np.float64), np.random.default_rng(2)
    ids_L = rng.integers(0, loaded.config.n_vocab, 18)
    words_L = [None, *range(16), None]
    for segments_L in (np.zeros(18, int), np.repeat([0, 1], (5, 13))):
        trace = forward(
            loaded.config, loaded.weights, ids_L, segments_L=segments_L, words_L=words_L
        )
        start_L, end_L = trace["task.logits"].T
        probs_LC, first = trace["task.probs"], 5 if segments_L.any() else 1
        tried = {
            (l, m): start_L[l] + end_L[m]
            for l in range(first, 17)
            for m in range(l, min(l + 15, 17))
        }
        best = sorted(tried, key=lambda ends: -tried[ends])[:4]
        found = best_answers(trace, 4)
        assert [(each.start, each.end) for each in found] == best
        assert [each.score for each in found] == [tried[ends] for ends in best]
        l, m = best[0]
        assert found[0].probability == pytest.approx(probs_LC[l, 0] * probs_LC[m, 1], rel=1e-12)
    assert trace["task.answers"][9, 8] == -np.inf and trace["task.answers.probs"][9, 8] == 0


def test_a_model_that_answers_nothing_is_refused_answers(tmp_path):
    saved("BertForSequenceClassification", "bert", tmp_path)
    loaded = load_folder(tmp_path, np.float64)
    trace = forward(loaded.config, loaded.weights, **golden("bert").inputs)
    assert "not trained to mark" in refusal(best_answers, trace)
