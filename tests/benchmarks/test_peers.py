"""How answers of servers beside each other are judged: by the true times of the questions, and by nothing they say."""

from types import SimpleNamespace

import pytest

from benchmarks.peers.callers import WARM_UP, judged
from benchmarks.scene import IDEAL, Says

BEGAN = 100.0


def ask(*seconds):
    """Questions that begin so long after the warm-up, and take a second."""
    return [Says(WARM_UP + at, "", seconds=1.0) for at in seconds]


def judge(said, heard, until=60.0):
    times = [BEGAN + WARM_UP + at for at in heard]
    return judged(SimpleNamespace(started=BEGAN), said, times, BEGAN + WARM_UP + until)


def test_an_answer_counts_from_the_end_of_its_question():
    found = judge(ask(1.0, 9.0), [2.0 + IDEAL + 0.1, 10.0 + IDEAL + 0.2])
    assert found["added"] == pytest.approx([0.1, 0.2])
    assert (found["cut_off"], found["missed"]) == (0, 0)


def test_who_is_answered_in_the_middle_was_cut_off():
    found = judge(ask(1.0), [1.5, 2.5])
    assert (found["cut_off"], found["missed"]) == (1, 0)


def test_what_nobody_answers_is_missed_and_what_has_no_time_left_does_not_count():
    found = judge(ask(1.0, 9.0, 17.0), [2.5], until=20.0)
    assert (len(found["added"]), found["missed"]) == (1, 1)


def test_questions_of_the_warm_up_do_not_count():
    assert judge([Says(1.0, "", seconds=1.0)], []) == {"added": [], "cut_off": 0, "missed": 0}
