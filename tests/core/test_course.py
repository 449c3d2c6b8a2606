"""What a model is taught, written in a what-if: the same steps as core.learning takes, one model
for all who follow the link, and a refusal by name where nothing can be taught.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load, whatif
from core.course import Course, course_of, lessons, targets_of, taught, written_course
from core.learning import Learner, learn, next_words

TEXT = "The books that the student recommended are expensive."


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


@pytest.mark.parametrize(
    "course",
    (
        Course("adamw", 20, 0.001, "50% + 50% = 1, %2B"),
        Course("sgd", 1, 0.0001, TEXT, 3),
        Course("sgd", 100, 1.0, "a=b[2]"),
    ),
)
def test_a_course_is_read_as_it_was_written(course):
    written = written_course(course)
    assert "+" not in written and whatif.parts(written) == (("learn", written[6:]),)
    assert course_of(written.removeprefix("learn:")) == course


@pytest.mark.parametrize(
    "text", ("adamw,0,0.1=a", "adamw,101,0.1=a", "adam,5,0.1=a", "sgd,5,0=a", "sgd,5,2=a", "sgd,5")
)
def test_what_is_no_course_is_refused(decoder, text):
    assert course_of(text) is None
    with pytest.raises(GlassError, match="learn:adamw,20"):
        whatif.model_taught(decoder, f"learn:{text}")


@pytest.mark.parametrize("method, rate", (("sgd", 0.01), ("adamw", 0.001)))
def test_the_taught_model_is_that_of_its_steps(decoder, method, rate):
    course, ids_L = Course(method, 3, rate, TEXT), decoder.ids(TEXT)
    learner = Learner(decoder.config, decoder.weights)
    for _ in range(3):
        learner = learn(learner, course.plan, ids_L, next_words(ids_L)).after
    before = {name: weight.copy() for name, weight in decoder.weights.items()}
    found = taught(decoder, course)
    assert all(np.array_equal(learner.weights[name], found.weights[name]) for name in before)
    assert all(np.array_equal(decoder.weights[name], before[name]) for name in before)
    text = whatif.text_of(decoder, decoder.encode("The girls"))
    run = whatif.run(decoder, text, None, "trained", written_course(course))
    own = decoder.trace("The girls")
    assert np.array_equal(run.weights["decoder.0.mlp.pre.weight"], found.weights[
        "decoder.0.mlp.pre.weight"
    ])  # fmt: skip
    assert not np.array_equal(run["head.probs"], own["head.probs"])


def test_one_position_alone_can_count(decoder):
    ids_L = decoder.ids(TEXT).tolist()
    assert targets_of(ids_L, 3) == {3: ids_L[4]}
    (lesson,) = lessons(decoder, Course("sgd", 1, 0.01, TEXT, 3))
    assert lesson.loss == pytest.approx(
        -float(np.log(decoder.trace(TEXT)["head.probs"][3, ids_L[4]])), rel=1e-5
    )
    with pytest.raises(GlassError, match="no word in this text"):
        targets_of(ids_L, len(ids_L) - 1)
    with pytest.raises(GlassError, match="at most 64 tokens"):
        targets_of([5] * 65)


def test_only_a_decoder_of_moderate_size_is_taught(decoder):
    for name in ("study-encoder", "study-translator", "minilm"):
        with pytest.raises(GlassError, match="next word, which only a decoder"):
            taught(load(name), Course("sgd", 1, 0.01, TEXT))


def test_a_lesson_holds_for_the_next_text_and_other_changes_do_not():
    learned = written_course(Course("sgd", 2, 0.01, TEXT))
    assert whatif.lasting(f"head:decoder.3.4+{learned}+pad:3") == learned
    assert (
        whatif.title(learned)
        == "taught “The books that the student recommended …” by 2 steps of SGD at rate 0.01"
    )  # noqa: E501
    with pytest.raises(GlassError, match="only once"):
        whatif.parts(f"{learned}+{written_course(Course('sgd', 3, 0.01, TEXT))}")
