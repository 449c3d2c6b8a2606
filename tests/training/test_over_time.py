"""Snapshots of a training: picked evenly, small, and near what they were; and what is measured of
them is what the shipped model does.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core import load
from core.edits import ablate_head
from core.models import catalogue
from core.models.over_time import FOLDER, file_of, kept_in, read_measures, read_snapshot
from tests.helpers.study import write_study
from training import evaluate, head_roles, over_time, snapshots, vocabulary

KEPT = [0, 1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 7000]


@pytest.fixture
def kept(tmp_path):
    """Weights on the way from one small random decoder to another, and the folder of the latter."""
    folder = write_study(tmp_path, "study-decoder", seed=1)
    end = load_file(folder / "model.safetensors")
    start = load_file(write_study(tmp_path / "start", "study-decoder") / "model.safetensors")
    (home := tmp_path / "kept").mkdir()
    for n, step in enumerate(KEPT):
        far = n / (len(KEPT) - 1)
        mixed = {k: ((1 - far) * start[k] + far * end[k]).astype(np.float16) for k in end}
        save_file(end if step == KEPT[-1] else mixed, file_of(home, step))
    return home, folder


def test_the_steps_are_spaced_by_logarithm():
    picked = snapshots.spaced(KEPT, 10)
    assert len(set(picked)) == 10 and picked == sorted(picked)
    assert picked[0] == 0 and picked[-1] == 7000
    gaps = np.diff(np.log(np.add(picked, snapshots.SLOW)))
    assert gaps.max() < 3 * gaps.min(), picked
    assert snapshots.spaced(range(10), 10) == list(range(10))
    assert snapshots.spaced([0, 5000, 6000, 7000], 4) == [0, 5000, 6000, 7000]


def test_nine_files_are_written_and_old_ones_go(kept):
    home, folder = kept
    (folder / FOLDER).mkdir()
    file_of(folder / FOLDER, 77).write_bytes(b"old")
    files = snapshots.write(home, folder)
    steps = kept_in(folder / FOLDER)
    assert len(files) == len(steps) == 9 and steps == tuple(snapshots.picked(home, folder))
    assert steps[0] == 0 and KEPT[-1] not in steps and set(steps) < set(KEPT)
    for step in steps:
        before = load_file(file_of(home, step))
        after = read_snapshot(folder, file_of(folder / FOLDER, step))
        assert 0 < snapshots.farthest(before, after) <= 1.001 / 254


def test_rounding_leaves_the_ends_of_a_row_and_rows_of_zeros():
    rows_RN = np.array([[-2.0, 1.0, 2.0], [0, 0, 0], [1e-3, 5e-4, -1e-3]], np.float32)
    made = snapshots.rounded({"w": rows_RN, "b": np.array([0.1, 0.2])})
    assert made["w"].dtype == np.int8 and made["b"].dtype == np.float16
    assert made["w"].tolist()[0][::2] == [-127, 127] and not made["w"][1].any()
    back = made["w"] * made["w.scale"][:, None]
    assert snapshots.farthest({"w": rows_RN}, {"w": back}) <= 1.001 / 254
    assert snapshots.farthest({"w": rows_RN}, {"w": back + 0.1}) > 1


def test_a_folder_without_the_start_or_of_another_model_is_refused(kept, tmp_path):
    home, folder = kept
    other = write_study(tmp_path / "other", "study-decoder", seed=5)
    with pytest.raises(SystemExit, match="is not the model in"):
        snapshots.picked(home, other)
    file_of(home, 0).unlink()
    with pytest.raises(SystemExit, match="the random start"):
        snapshots.picked(home, folder)


# --- what is measured -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


@pytest.fixture(scope="module")
def few():
    """Sentences, and a few in which a clause parts a verb from its subject."""
    return over_time.sentences(40, 3)


@pytest.mark.slow
def test_all_steps_are_measured_and_the_file_is_read_again(decoder, few, tmp_path):
    end = load_file(catalogue.MODELS / "study-decoder/model.safetensors")
    start = {k: (0.1 * np.sign(v)).astype(np.float16) for k, v in end.items()}
    for step, tensors in ((0, start), (90, end)):
        save_file(tensors, file_of(tmp_path, step))
    found = over_time.over_time(tmp_path, decoder, few)
    (file := tmp_path / "over_time.json").write_text(json.dumps(found, allow_nan=False))
    known = read_measures(file, (4, 5))
    assert known.steps_S == (0, 90) and known.loss_S[0] > known.loss_S[1]
    assert known.loss_S[1] == pytest.approx(
        evaluate.next_word(decoder, few.all)["loss"].value, abs=1e-4
    )
    assert 0 < known.truth < known.loss_S[0] and known.agreement_S[1] > 0.95
    assert set(known.roles) == {"previous token", over_time.LINK, "induction"}
    right = evaluate.next_word(decoder, few.hard)[evaluate.CLAUSE]
    assert (known.decides.right, known.decides.count) == (round(right.value, 4), right.count)
    assert known.decides.without <= known.decides.right


def test_the_repeated_words_are_whole_and_come_twice():
    ids = head_roles.repeated_words(3)
    assert len(ids) == 1 + 2 * head_roles.WORDS and ids[1 : 1 + head_roles.WORDS] == ids[-20:]
    words = {i: word for word, i in vocabulary.tokens("english").items()}
    assert all(words[i].isalpha() for i in ids[1:]) and len(set(ids[1:])) == head_roles.WORDS
    assert ids != head_roles.repeated_words(4)


def test_the_scores_are_means_of_attention_weights(decoder, few):
    score_NH = head_roles.induction(decoder)
    wanted, size = np.zeros((4, 5)), head_roles.WORDS
    for seed in range(head_roles.TEXTS):
        trace = decoder.trace(ids_L=head_roles.repeated_words(seed))
        rows = np.arange(1 + size, 1 + 2 * size)
        for layer in range(4):
            wanted[layer] += trace[f"decoder.{layer}.attn.pattern"][:, rows, rows - size + 1].mean(
                1
            )
    assert np.allclose(score_NH, wanted / head_roles.TEXTS, atol=1e-6)
    before_NH = head_roles.previous_token(decoder, few.all[:1])
    trace = decoder.trace(ids_L=evaluate.cut(few.all[0].english).ids)
    rows = np.arange(2, trace.sizes("decoder")["L"])
    pattern_HLM = trace["decoder.2.attn.pattern"]
    assert np.allclose(before_NH[2], pattern_HLM[:, rows, rows - 1].mean(1), atol=1e-6)


def test_the_deciding_head_is_the_one_without_which_the_right_form_loses_most(decoder, few):
    found = head_roles.deciding(decoder, few.hard)
    sites = list(head_roles.hard_sites(few.hard))
    assert found.count == len(sites) >= 3
    falls = {}
    for layer, head in np.ndindex(4, 5):
        leads = []
        for made, site in sites:
            read = evaluate.cut(made.english)
            at = read.first[site.place]
            trace = decoder.trace(ids_L=read.ids[:at], edits=ablate_head("decoder", layer, head))
            leads.append(head_roles.lead(trace["head.logits"][-1], made, site))
        falls[layer, head] = np.mean(leads), np.mean(np.array(leads) > 0)
    most = min(falls, key=lambda place: falls[place][0])
    assert (found.layer, found.head) == most and found.without == falls[most][1]
