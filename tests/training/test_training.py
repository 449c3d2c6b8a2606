"""The PyTorch models against the NumPy forward pass, in float64, every step; and a training that
goes on after a kill.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import load, lstm

torch = pytest.importorskip("torch", exc_type=ImportError)

from tests.helpers.trained import restore  # noqa: E402
from training import corpus, loss, networks, train, vocabulary  # noqa: E402
from training.corpus import Sequences  # noqa: E402

SHIPPED = Path(__file__).resolve().parents[2] / "assets/models"
NAMES = ("study-encoder", "study-decoder", "study-translator", "study-lstm")
SMALL = {"d_model": 10, "n_heads": 5, "n_kv_heads": 5, "d_head": 2, "d_mlp": 12}


def sizes_of(name: str) -> dict:
    return {"d_model": 6, "n_units": 6} if name == "study-lstm" else SMALL


def small(name: str, seed: int = 0):
    """A model with weights of which none is 0 or 1, so that each of them counts."""
    torch.manual_seed(seed)
    model = networks.build_network(networks.config_of(name, 17, **sizes_of(name)))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return model


def ids_for(model, seed: int = 0) -> list[list[int]]:
    """A sentence, and for a translator a second one of another length."""
    lengths = (7, 5) if getattr(model.config, "crosses", False) else (7,)
    return [
        np.random.default_rng(seed).integers(model.config.n_vocab, size=length).tolist()
        for length in lengths
    ]


def trace_of(folder: Path, name: str, ids):
    """What the program computes from the files there."""
    if name == "study-lstm":
        return lstm.load(name, np.float64).trace(ids_L=ids[0])
    return load(folder, dtype=np.float64).trace(
        ids_L=ids[0], target_ids_L=ids[1] if len(ids) > 1 else None
    )


def check_every_step(folder: Path, name: str) -> None:
    model = restore(folder).double()
    ids = ids_for(model)
    trace, steps = trace_of(folder, name, ids), networks.record(model, *ids)
    assert set(steps) == set(trace.names)
    for step in trace.names:
        ours, theirs = trace[step], steps[step].numpy()
        assert ours.shape == theirs.shape, step
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=step)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_that_of_the_numpy_forward_pass(name, tmp_path, monkeypatch):
    monkeypatch.setattr("core.models.catalogue.MODELS", tmp_path)
    networks.export(small(name), tmp_path / name)
    check_every_step(tmp_path / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_of_the_shipped_weights(name):
    if not (SHIPPED / name / "model.safetensors").exists():
        pytest.skip("not trained yet")
    check_every_step(SHIPPED / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_fused_operations_of_training_compute_what_is_recorded(name):
    model = small(name).double().eval()
    ids = ids_for(model)
    last = "lstm.hidden" if name == "study-lstm" else f"{model.config.sides[-1]}.out"
    fused_BLD = model(*(torch.tensor([each, each[::-1]]) for each in ids))
    assert (fused_BLD[0] - networks.record(model, *ids)[last]).abs().max() < 1e-12
    assert (
        fused_BLD[1] - networks.record(model, *(each[::-1] for each in ids))[last]
    ).abs().max() < 1e-12


# --- training -------------------------------------------------------------------------------------

N_VOCAB = 40
PLAN = train.Plan(steps=12, rate=1e-2, warm_up=3, muon=0.01, tokens=60, validate=4, dropout=0.1)


def sentences(split: str) -> Sequences:
    """A stand-in for the corpus: words by Zipf's law; the French is the English backwards, at times
    with a word more.
    """
    chance, english, french = np.random.default_rng(len(split)), [], []
    for _ in range(90 if split == "train" else 20):
        words = np.minimum(4 + chance.zipf(1.5, chance.integers(2, 7)), N_VOCAB - 1)
        english.append(words)
        french.append(np.concatenate([words[::-1], words[: chance.integers(2)]]))
    starts = [np.cumsum([0, *map(len, each)]) for each in (english, french)]
    return Sequences(
        np.concatenate(english).astype(np.uint16),
        starts[0],
        np.concatenate(french).astype(np.uint16),
        starts[1],
    )


@pytest.fixture
def tiny_models(monkeypatch):
    """Models of a size for tests, under the names of the real ones."""
    real = networks.config_of
    monkeypatch.setattr(
        networks, "config_of", lambda name, n_vocab: real(name, n_vocab, **sizes_of(name))
    )


def weights(model) -> dict:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    name, tiny_models, monkeypatch, tmp_path
):
    """Killed between two checkpoints, then while one was being written, then paused."""
    whole = weights(train.train(name, PLAN, sentences, N_VOCAB, tmp_path / "whole"))
    step, write = train.update, torch.save

    def killed_at(number):
        def update(model, optimizer, plan, at, *rest):
            if at == number:
                raise KeyboardInterrupt
            return step(model, optimizer, plan, at, *rest)

        return update

    def half_written(state, file):
        if state["step"] == 7:
            Path(file).write_bytes(b"half")
            raise KeyboardInterrupt
        write(state, file)

    def go_on(**how):
        return train.train(name, PLAN, sentences, N_VOCAB, tmp_path / "parts", **how)

    monkeypatch.setattr(train, "SAVE_EVERY", -1)
    for kill in ((train, "update", killed_at(5)), (torch, "save", half_written)):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(*kill)
            go_on()
    assert go_on(seconds=0) is None
    parts = weights(go_on())
    assert [key for key in whole if not np.array_equal(whole[key], parts[key])] == []
    assert (
        train.begin(name, PLAN, N_VOCAB, tmp_path / "parts/checkpoint.pt")[2:]
        == train.begin(name, PLAN, N_VOCAB, tmp_path / "whole/checkpoint.pt")[2:]
    )


def test_a_checkpoint_of_another_plan_is_not_gone_on_from(tiny_models, tmp_path):
    train.train("study-lstm", PLAN, sentences, N_VOCAB, tmp_path)
    with pytest.raises(SystemExit, match="another plan"):
        train.train("study-lstm", replace(PLAN, rate=1e-3), sentences, N_VOCAB, tmp_path)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name, tiny_models, tmp_path):
    plan = replace(PLAN, steps=60, validate=20, warm_up=10)
    train.train(name, plan, sentences, N_VOCAB, tmp_path)
    history = train.begin(name, plan, N_VOCAB, tmp_path / "checkpoint.pt")[3]
    assert [step for step, _ in history] == [20, 40, 60]
    assert history[-1][1] < history[0][1] < np.log(N_VOCAB)


def test_a_pass_has_every_sentence_once_and_its_batches_one_length():
    data, lengths = sentences("train"), np.diff(sentences("train").english_starts)
    first, second = (train.batches(data, PLAN, epoch) for epoch in (0, 1))
    assert sorted(np.concatenate(first)) == list(range(90)) and len(first) == len(second)
    assert all(
        len(set(lengths[chosen])) == 1 and len(chosen) * (lengths[chosen[0]] + 2) <= PLAN.tokens
        for chosen in first
    )
    assert [each.tolist() for each in first] != [each.tolist() for each in second]
    from_the_start, from_seven = train.endless(data, PLAN, 0), train.endless(data, PLAN, 7)
    steps = [next(from_the_start).tolist() for _ in range(7 + 2 * len(first))]
    assert steps[7:] == [next(from_seven).tolist() for _ in range(2 * len(first))]


def test_english_sentences_hold_no_token_of_another_vocabulary():
    """Not even an invented word that happens to be a French one: its pieces are English."""
    samples = [*corpus.samples("train", 300), *corpus.samples("new", 100)]
    known, both = vocabulary.tokens("english"), vocabulary.tokens("joint")
    invented = [word for made in samples for word in made.english if word not in known]
    assert len(invented) > 5
    french = [word for word in vocabulary.french_words() if word not in known and word.isalpha()]
    for words in (*(made.english for made in samples), invented, french):
        assert max(corpus.ids(tuple(words))) < len(known) < len(both)


def test_a_translator_reads_both_sentences_and_says_the_next_word():
    data = sentences("train")
    chosen = max(
        train.batches(data, PLAN, 0),
        key=lambda chosen: len(set(np.diff(data.french_starts)[chosen])),
    )
    (source_BL, read_BL), target_BL = train.examples(
        "study-translator", data, chosen, N_VOCAB, np.random.default_rng(0)
    )
    for row, number in enumerate(chosen):
        english, french = (
            list(flat[starts[number] : starts[number + 1]])
            for flat, starts in (
                (data.english, data.english_starts),
                (data.french, data.french_starts),
            )
        )
        assert source_BL[row].tolist() == [*english, train.END]
        assert read_BL[row].tolist()[: len(french) + 1] == [train.START, *french]
        assert [token for token in target_BL[row].tolist() if token != train.PAD] == [
            *french,
            train.END,
        ]
    assert (target_BL == train.PAD).any()


def test_lists_said_twice_lose_the_pause_between_at_times_and_nothing_else_changes():
    stop, chance = 9, np.random.default_rng(0)
    listed = [train.START, 5, 6, 7, stop, 5, 6, 7, stop, train.END]
    other = [train.START, 5, 6, 7, stop, 5, 6, 8, stop, train.END]
    read_BL = train.run_on(np.array([listed, other] * 200), chance)
    joined = [*listed[:4], *listed[5:], train.PAD]
    assert {tuple(row) for row in read_BL[::2]} == {tuple(listed), tuple(joined)}
    assert 60 < sum(row.tolist() == joined for row in read_BL[::2]) < 140
    assert (read_BL[1::2] == other).all()
    odd_BL = np.array([other[:-2] + [train.END]])
    assert (train.run_on(odd_BL, chance) == odd_BL).all()


def test_words_are_hidden_as_in_bert():
    ids_BL = np.full((400, 102), 7)
    ids_BL[:, 0], ids_BL[:, -1] = train.START, train.END
    shown_BL, target_BL = train.hidden(ids_BL, N_VOCAB, np.random.default_rng(0))
    chosen_BL = target_BL != train.PAD
    assert (
        (target_BL[chosen_BL] == 7).all()
        and not chosen_BL[:, [0, -1]].any()
        and (shown_BL == ids_BL)[~chosen_BL].all()
    )
    shares = chosen_BL.mean(), *((shown_BL[chosen_BL] == word).mean() for word in (train.MASK, 7))
    assert np.allclose(shares, (0.275 * 100 / 102, 0.8, 0.1 + 0.1 / 35), atol=0.02)
    share_B = chosen_BL[:, 1:-1].mean(1)
    assert share_B.min() < 0.12 and share_B.max() > 0.42  # few in one sentence, many in another
    assert shown_BL[chosen_BL].min() == train.MASK and shown_BL.max() == N_VOCAB - 1


def test_the_loss_and_its_gradient_are_those_of_pytorch(monkeypatch):
    monkeypatch.setattr(loss, "PRECISION", torch.float32)
    monkeypatch.setattr(loss, "AT_ONCE", 4)
    torch.manual_seed(0)
    given = [torch.randn(shape, requires_grad=True) for shape in ((11, 6), (9, 6), (9,))]
    target_N = torch.randint(0, 9, (11,))
    ours = loss.word_loss(*given, target_N)
    theirs = torch.nn.functional.cross_entropy(
        torch.nn.functional.linear(*given), target_N, reduction="sum"
    )
    for one, other in zip(
        torch.autograd.grad(3 * ours, given), torch.autograd.grad(3 * theirs, given), strict=True
    ):
        assert (one - other).abs().max() < 1e-5
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
