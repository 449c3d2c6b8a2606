"""Trains a study model, and writes it where the app finds it.

    python -m training.train study-encoder
        [--threads 1] [--steps N] [--minutes N] [--out FOLDER] [--run FOLDER] [--keep FOLDER]

What comes out depends on the plan below, on the sentences and on the kind of processor alone:
batches, masks and first weights follow from one seed and the number of the step. So a run that was
killed, or paused (--minutes), goes on from its last checkpoint to the very same weights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from training import corpus, networks, vocabulary
from training.corpus import Sequences
from training.loss import PRECISION, word_loss
from training.vocabulary import END, MASK, PAD, START

ROOT = Path(__file__).resolve().parents[1]
# The share of words that are to be guessed by the encoder, drawn for each sentence: few, as when a
# reader hides one word, and many, since each of them teaches something.
CHOSEN = (0.05, 0.5)
RUN_ON = 0.5  # of the lists said twice, the share that the next-word models read without a pause
SAVE_EVERY = 120.0  # seconds
KEPT = {0} | {each * 10**power for each in (10, 15, 20, 30, 40, 50, 70) for power in range(5)}


@dataclass(frozen=True)
class Plan:
    """How a model is trained."""

    steps: int
    rate: float  # AdamW's highest: it rises to it, then falls to 0 in a straight line
    warm_up: int  # steps
    muon: float = 0.0  # Muon's highest rate, for the matrices of the layers; 0: AdamW for all
    tokens: int = 4096  # a batch, on each side
    language: str = "english"  # whose vocabulary
    frame: str = "[START] $A"  # what the tokenizer puts around what is typed
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.0  # a sentence is seen a few times only
    validate: int = 1000  # steps
    seed: int = 1


# With Muon at 0.02 the heads of the first layer put all their weight on [START] and keep it there.
MUON = 0.007
PLANS = {
    "study-encoder": Plan(12_000, 2e-3, 1000, MUON, frame="[START] $A [END]"),
    "study-decoder": Plan(7_000, 2e-3, 1000, MUON),
    "study-translator": Plan(
        5_000, 2e-3, 1000, MUON, tokens=2048, language="joint", frame="$A [END]"
    ),
    "study-lstm": Plan(8_000, 3e-3, 500),
}


# --- batches --------------------------------------------------------------------------------------


def batches(data: Sequences, plan: Plan, epoch: int) -> list[np.ndarray]:
    """The sentences of one pass by number. Those of a batch have the same length in English and
    about the same in French.
    """
    chance = np.random.default_rng([plan.seed, epoch])
    english, french = np.diff(data.english_starts), np.diff(data.french_starts)
    order = np.lexsort((chance.random(len(english)), french, english))
    cut: list[np.ndarray] = []
    for group in np.split(order, np.flatnonzero(np.diff(english[order])) + 1):
        most = max(1, plan.tokens // (int(english[group[0]]) + 2))
        cut += np.split(group, range(most, len(group), most))
    return [cut[i] for i in chance.permutation(len(cut))]


def framed(flat: np.ndarray, starts: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """[START] words [END], and [PAD] where others are longer: (B, L)."""
    length_B1 = (starts[chosen + 1] - starts[chosen])[:, None]
    place_L = np.arange(-1, length_B1.max() + 1)
    words_BL = flat[np.clip(starts[chosen][:, None] + place_L, 0, len(flat) - 1)].astype(np.int64)
    return np.select(
        [place_L < 0, place_L < length_B1, place_L == length_B1], [START, words_BL, END], PAD
    )


def run_on(ids_BL: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The same sentences; some lists said twice lose the full stop between the two times, so that
    nothing but a word that returns tells that the second time has begun.

    ids_BL: all of one length, with [START] and [END], as framed makes them.
    """
    half = ids_BL.shape[1] // 2 - 1
    if ids_BL.shape[1] % 2 or half < 1:
        return ids_BL
    first_BL, second_BL = ids_BL[:, 1 : 1 + half], ids_BL[:, 1 + half : -1]
    lists_B1 = (first_BL == second_BL).all(1, keepdims=True)
    joined_B1 = lists_B1 & (chance.random(lists_B1.shape) < RUN_ON)
    shorter_BL = np.delete(ids_BL, half, axis=1)
    shorter_BL = np.append(shorter_BL, np.full((len(ids_BL), 1), PAD), axis=1)
    return np.where(joined_B1, shorter_BL, ids_BL)


def hidden(
    ids_BL: np.ndarray, n_vocab: int, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Some words hidden, as in BERT (Devlin et al. 2019, 3.1): 80 % of them masked, 10 % another
    word, 10 % kept. How many differs from sentence to sentence.
    """
    share_B1 = chance.uniform(*CHOSEN, (len(ids_BL), 1))
    chosen_BL = (chance.random(ids_BL.shape) < share_B1) & (ids_BL != START) & (ids_BL != END)
    how_BL = chance.random(ids_BL.shape)
    other_BL = chance.integers(MASK + 1, n_vocab, ids_BL.shape)
    shown_BL = np.select([~chosen_BL | (how_BL < 0.1), how_BL < 0.2], [ids_BL, other_BL], MASK)
    return shown_BL, np.where(chosen_BL, ids_BL, PAD)


def examples(
    name: str, data: Sequences, chosen: np.ndarray, n_vocab: int, chance: np.random.Generator
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What a model reads, and what it should say at each place; PAD where that does not count."""
    english_BL = framed(data.english, data.english_starts, chosen)
    if name == "study-encoder":
        *read, target_BL = hidden(english_BL, n_vocab, chance)
    elif name == "study-translator":
        french_BL = framed(data.french, data.french_starts, chosen)
        read, target_BL = [english_BL[:, 1:], french_BL[:, :-1]], french_BL[:, 1:]
    else:
        english_BL = run_on(english_BL, chance)
        read, target_BL = [english_BL[:, :-1]], english_BL[:, 1:]
    return [torch.from_numpy(each) for each in read], torch.from_numpy(target_BL)


def endless(data: Sequences, plan: Plan, step: int) -> Iterator[np.ndarray]:
    """The batches from a step on, pass after pass."""
    per_pass = len(batches(data, plan, 0))  # the same in each
    while True:
        epoch, done = divmod(step, per_pass)
        for chosen in batches(data, plan, epoch)[done:]:
            yield chosen
            step += 1


# --- one step -------------------------------------------------------------------------------------


def loss_of(model, read: list[torch.Tensor], target_BL: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The loss summed over the places that count, in nats, and how many these are."""
    counts_BL = target_BL != PAD
    with torch.autocast("cpu", PRECISION, enabled=PRECISION is not torch.float32):
        last_BLD = model(*read)
    return word_loss(last_BLD.float()[counts_BL], *model.table(), target_BL[counts_BL]), int(
        counts_BL.sum()
    )


def share_at(plan: Plan, step: int) -> float:
    """The learning rate of a step, as a share of the highest."""
    return min((step + 1) / plan.warm_up, (plan.steps - step) / max(1, plan.steps - plan.warm_up))


def suits_muon(name: str, weight: torch.Tensor) -> bool:
    """Whether a weight is a matrix of a layer. The table of words is none, and what makes queries
    and keys stays with AdamW: equal steps in all directions drive scores apart too fast.
    """
    return weight.ndim == 2 and name.split(".")[-2] not in ("logits", "embed", "q", "k")


def optimizers_of(model, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon (Jordan et al. 2024) for the matrices of the layers where the plan has it."""
    weights = dict(model.named_parameters())
    matrices = [w for name, w in weights.items() if plan.muon and suits_muon(name, w)]
    others = [w for name, w in weights.items() if not (plan.muon and suits_muon(name, w))]
    adam = torch.optim.AdamW(others, plan.rate, plan.betas, weight_decay=plan.decay, fused=True)
    muon = [torch.optim.Muon(matrices, plan.muon, weight_decay=plan.decay)] if matrices else []
    return [adam, *muon]


def update(
    model, optimizers, plan: Plan, step: int, expected: float, read: list, target_BL: torch.Tensor
) -> float:
    """One step; the loss per token that counts. All tokens weigh the same, in small batches too."""
    torch.manual_seed(plan.seed * 1_000_003 + step)  # for dropout
    loss, count = loss_of(model.train(), read, target_BL)
    model.zero_grad()
    (loss / expected).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
    for optimizer, highest in zip(optimizers, (plan.rate, plan.muon), strict=False):
        optimizer.param_groups[0]["lr"] = highest * share_at(plan, step)
        optimizer.step()
    return float(loss.detach()) / max(count, 1)


@torch.no_grad()
def validate(model, name: str, plan: Plan, data: Sequences) -> float:
    """The loss per token on sentences that are not trained on; the same masks each time."""
    chance, model, total, tokens = np.random.default_rng(plan.seed), model.eval(), 0.0, 0
    for chosen in batches(data, plan, 0):
        loss, count = loss_of(model, *examples(name, data, chosen, model.config.n_vocab, chance))
        total, tokens = total + float(loss), tokens + count
    return total / tokens


# --- a run ----------------------------------------------------------------------------------------


def save(file: Path, plan: Plan, step: int, history: list, model, optimizers) -> None:
    """Writes a checkpoint whole or not at all. step: how many are done."""
    state = {
        "plan": asdict(plan),
        "step": step,
        "history": history,
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, half := file.with_suffix(".half"))
    os.replace(half, file)


def begin(name: str, plan: Plan, n_vocab: int, file: Path) -> tuple:
    """The model, its optimizers, the step to go on from and the validation losses so far."""
    torch.manual_seed(plan.seed)
    model = networks.build_network(networks.config_of(name, n_vocab), plan.dropout)
    optimizers = optimizers_of(model, plan)
    if not file.exists():
        return model, optimizers, 0, []
    state = torch.load(file, weights_only=True)
    if state["plan"] != asdict(plan):
        raise SystemExit(f"{file} was made under another plan. Remove it to begin anew.")
    model.load_state_dict(state["model"])
    for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)
    return model, optimizers, state["step"], state["history"]


def train(
    name: str,
    plan: Plan,
    data: Callable[[str], Sequences],
    n_vocab: int,
    run: Path,
    seconds: float = float("inf"),
    keep: Path | None = None,
):
    """Trains to the last step and returns the model; None where the time was up before. keep: the
    folder for the weights after each of the steps in KEPT, and after the last.
    """
    model, optimizers, first, history = begin(name, plan, n_vocab, file := run / "checkpoint.pt")
    sentences, unseen = data("train"), data("validation")
    began = saved = time.monotonic()
    for step, chosen in zip(
        range(first, plan.steps), endless(sentences, plan, first), strict=False
    ):
        if keep and step in KEPT:
            networks.write_weights(model, keep / f"{step:05d}.safetensors")
        loss = learn(name, model, optimizers, plan, step, sentences, chosen)
        done, last = step + 1, step + 1 == plan.steps
        if done % plan.validate == 0 or last:
            history.append([done, validate(model, name, plan, unseen)])
        if done % max(1, plan.validate // 10) == 0 or last:
            report(name, plan, done, loss, history, (time.monotonic() - began) / (done - first))
        up = time.monotonic() - began > seconds
        if up or last or time.monotonic() - saved > SAVE_EVERY:
            save(file, plan, done, history, model, optimizers)
            saved = time.monotonic()
        if up and not last:
            return None
    if keep:
        networks.write_weights(model, keep / f"{plan.steps:05d}.safetensors")
    return model


def learn(
    name: str, model, optimizers, plan: Plan, step: int, sentences: Sequences, chosen: np.ndarray
) -> float:
    """One step on the chosen sentences; the loss per token that counts."""
    chance = np.random.default_rng([plan.seed, 1, step])
    expected = plan.tokens * (sum(CHOSEN) / 2 if name == "study-encoder" else 1.0)
    read, target_BL = examples(name, sentences, chosen, model.config.n_vocab, chance)
    return update(model, optimizers, plan, step, expected, read, target_BL)


def report(name: str, plan: Plan, done: int, loss: float, history: list, each: float) -> None:
    """How far it is, and how long it will take."""
    unseen = f"; validation {history[-1][1]:.4f}" if history else ""
    print(
        f"{name}: step {done:,} of {plan.steps:,}, loss {loss:.3f}{unseen}; {1 / each:.1f} steps a"
        f" second, {each * (plan.steps - done) / 60:.0f} minutes left",
        flush=True,
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    given = argparse.ArgumentParser(description="Trains a study model.")
    given.add_argument("name", choices=PLANS)
    side_by_side = "two models can be trained side by side, with one each"
    given.add_argument("--threads", type=int, default=1, help=side_by_side)
    given.add_argument("--steps", type=int, help="instead of those of the plan")
    pause = "pause after so many; the same command goes on"
    given.add_argument("--minutes", type=float, default=float("inf"), help=pause)
    given.add_argument("--out", type=Path, help="where the model goes (assets/models/NAME)")
    given.add_argument("--run", type=Path, help="where the checkpoint is kept (training/runs/NAME)")
    given.add_argument("--keep", type=Path, help="where the weights of some early steps are kept")
    return given.parse_args()


def main() -> None:
    """Trains, and writes the model with its tokenizer."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    plan = PLANS[asked.name]
    plan = replace(plan, steps=asked.steps or plan.steps)
    run = asked.run or ROOT / "training/runs" / asked.name
    out = asked.out or ROOT / "assets/models" / asked.name
    n_vocab = corpus.vocabulary_size(plan.language)
    seconds = asked.minutes * 60
    model = train(asked.name, plan, corpus.sequences, n_vocab, run, seconds, asked.keep)
    if model is None:
        print("Paused. The same command goes on from here.")
        return
    networks.export(model, out)
    vocabulary.tokenizer(plan.language, plan.frame).save(str(out / "tokenizer.json"))
    print(f"Written to {out}.")


if __name__ == "__main__":
    main()
