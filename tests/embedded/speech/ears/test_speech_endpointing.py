from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.endpointing import FRAME_MS, LONGEST_MS, Decision, Endpointer, Endpointing

VOICE, SILENCE = 0.9, 0.01


def decisions(endpointer: Endpointer, *parts: tuple[float, int]) -> list[tuple[int, Decision]]:
    """Feeds (probability, ms) parts; gives each decision with the ms at which it fell."""
    out, now = [], 0
    for probability, ms in parts:
        for _ in range(round(ms / FRAME_MS)):
            now += FRAME_MS
            out += [(now, decision) for decision in endpointer.feed(probability)]
    return out


def test_two_passes_fall_at_their_silences() -> None:
    found = decisions(Endpointer(), (SILENCE, 320), (VOICE, 640), (SILENCE, 960))
    end = 960
    assert found == [
        (320 + 96, Decision.START),
        (end + 64, Decision.PAUSE),
        (end + 256, Decision.STABLE),
        (end + 512, Decision.FINAL),
    ]


def test_windows_are_honoured() -> None:
    settings = Endpointing(stop_history=960, stop_history_eou=320)
    found = {d: t for t, d in decisions(Endpointer(settings), (VOICE, 320), (SILENCE, 1600))}
    assert found[Decision.STABLE] - 320 == 320
    assert found[Decision.FINAL] - 320 == 960


def test_first_pass_can_be_off() -> None:
    found = decisions(Endpointer(Endpointing(stop_history_eou=0)), (VOICE, 320), (SILENCE, 640))
    assert [d for _, d in found] == [Decision.START, Decision.PAUSE, Decision.FINAL]


def test_going_on_after_the_first_pass_resumes_and_gives_a_second_stable() -> None:
    found = decisions(Endpointer(), (VOICE, 320), (SILENCE, 320), (VOICE, 320), (SILENCE, 640))
    assert [d.value for _, d in found] == ["start", "pause", "stable", "resume", "pause", "stable", "final"]


def test_click_does_not_start() -> None:
    assert decisions(Endpointer(), (SILENCE, 320), (VOICE, 64), (SILENCE, 640)) == []


def test_start_threshold_allows_gaps() -> None:
    patchy = [(VOICE, 96), (SILENCE, 32), (VOICE, 96), (SILENCE, 32)]
    assert not decisions(Endpointer(Endpointing(start_history=256)), *patchy)
    assert decisions(Endpointer(Endpointing(start_history=256, start_threshold=0.7)), *patchy)


def test_hysteresis_keeps_a_weak_voice() -> None:
    found = decisions(Endpointer(), (VOICE, 320), (0.4, 960), (SILENCE, 640))
    assert (320 + 960 + 512, Decision.FINAL) in found


def test_an_endless_utterance_is_closed() -> None:
    found = decisions(Endpointer(), (VOICE, LONGEST_MS + 640))
    assert [d for _, d in found][:2] == [Decision.START, Decision.FINAL]


def test_finish_closes_once() -> None:
    endpointer = Endpointer()
    decisions(endpointer, (VOICE, 320))
    assert endpointer.finish() == [Decision.FINAL]
    assert endpointer.finish() == []
    assert not endpointer.speaking


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop_history": 100},
        {"stop_history_eou": 600},
        {"start_threshold": 0.0},
        {"stop_threshold": 1.5},
        {"start_history": 0},
    ],
)
def test_absurd_windows_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Endpointing(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 1), max_size=400))
def test_decisions_always_follow_the_protocol(probabilities: list[float]) -> None:
    """START opens; PAUSE and RESUME alternate; STABLE only in a pause, once; FINAL closes."""
    endpointer = Endpointer()
    speaking = paused = stable = False
    for probability in probabilities:
        for decision in endpointer.feed(probability):
            match decision:
                case Decision.START:
                    assert not speaking
                    speaking, paused, stable = True, False, False
                case Decision.PAUSE:
                    assert speaking
                    assert not paused
                    paused = True
                case Decision.RESUME:
                    assert paused
                    paused = stable = False
                case Decision.STABLE:
                    assert paused
                    assert not stable
                    stable = True
                case Decision.FINAL:
                    assert speaking
                    speaking = False
        assert endpointer.speaking == speaking
