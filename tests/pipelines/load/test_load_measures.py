"""What a latency is: each definition against turns whose instants are known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from load_runs import turn

from pipelines.load.measures import MEASURES, kept, latencies, recogniser_pause, steady
from sophia.recognition_wire import RecognizerSettings


def test_each_latency_is_what_it_says() -> None:
    found = latencies(turn(wait=0.6), pause=0.24)
    assert found == {
        "e2e": 0.6,
        "asr": pytest.approx(0.03),  # 1.27 less the voice's true end at 1.0, less the pause; not the detector's 1.2
        "ttft": pytest.approx(0.12),
        "first_clause": pytest.approx(0.20),
        "ttfb": pytest.approx(0.08),
    }
    assert list(found) == [measure.key for measure in MEASURES]


def test_nothing_is_clipped() -> None:
    sure = turn(marks={"transcript": 1.1})
    assert latencies(sure, pause=0.24) == {"e2e": 0.4, "asr": pytest.approx(-0.14)}


@pytest.mark.parametrize("outcome", ["missed", "cut off", "ignored", "disturbed", "joined"])
def test_only_answered_turns_have_latencies(outcome: str) -> None:
    assert latencies(turn(outcome=outcome), pause=0.24) == {}


@pytest.mark.parametrize(
    ("eou", "history", "pause"), [(240, 500, 0.24), (0, 500, 0.5), (-1, 800, 0.8), (-1, -1, 0.0), (0, -1, 0.0)]
)
def test_the_pause_is_the_first_that_is_configured(eou: int, history: int, pause: float) -> None:
    settings = RecognizerSettings(stop_history=history, stop_history_eou=eou)
    assert recogniser_pause(settings) == pytest.approx(pause)


def test_only_turns_count_that_began_while_every_session_was_talking() -> None:
    early = [turn(at, session=0) for at in (0.0, 3.0, 6.0, 9.0)]
    late = [turn(at, session=1) for at in (4.0, 7.0, 10.0, 13.0)]
    assert [one.at for one in steady([*early, *late])] == [6.0, 9.0, 4.0, 7.0]
    assert steady([]) == []
    assert steady(early) == early


def test_sessions_that_never_met_have_no_steady_turns() -> None:
    assert steady([turn(0.0, session=0), turn(1.0, session=0), turn(5.0, session=1), turn(6.0, session=1)]) == []


@given(st.lists(st.none() | st.floats(0, 10), min_size=1, max_size=60), st.integers(0, 5))
def test_what_was_kept_to_covers_95_percent(waits: list[float | None], unsaid: int) -> None:
    answered, missed = turn(), turn(wait=None)
    turns = [missed if wait is None else answered.model_copy(update={"voice_to_voice": wait}) for wait in waits]
    found = kept(turns, unsaid)
    bound = math.inf if found is None else found
    within = sum(1 for wait in waits if wait is not None and wait <= bound)
    everything = len(waits) + unsaid
    if found is None:  # even the longest wait leaves more than 5 % out
        assert within < 0.95 * everything
    else:
        assert within >= 0.95 * everything - 1e-6
        below = sum(1 for wait in waits if wait is not None and wait < found)
        assert below < 0.95 * everything


def test_lines_that_want_no_reply_are_no_wait() -> None:
    assert kept([turn(outcome="ignored"), turn(outcome="joined")]) is None
    assert kept([turn(wait=0.5), turn(outcome="disturbed", voice_to_voice=9.0)]) == 0.5
    assert kept([turn(wait=0.5), turn(outcome="cut off")]) is None
