"""The pure part of voice activity: hysteresis, dated edges and the sharpened end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sophia.vad import VadSettings, VoiceActivity, VoiceStarted, VoiceStopped, Window, last_voiced

STEP = 0.032


def edges(probabilities: list[float], settings: VadSettings) -> list[VoiceStarted | VoiceStopped]:
    activity = VoiceActivity(settings)
    windows = [Window(p, i * STEP, (i + 1) * STEP) for i, p in enumerate(probabilities)]
    return [event for w in windows if (event := activity.step(w, at=w.end + 0.001)) is not None]


def test_two_windows_start_a_voice_and_date_it_back() -> None:
    (started,) = edges([0.1, 0.6, 0.7], VadSettings())
    assert started == VoiceStarted(time=STEP, at=3 * STEP + 0.001)


def test_two_windows_stop_it_and_date_it_back() -> None:
    _, stopped = edges([0.6, 0.7, 0.9, 0.1, 0.2], VadSettings())
    assert stopped == VoiceStopped(time=3 * STEP, at=5 * STEP + 0.001)


def test_a_lone_voiced_window_starts_nothing() -> None:
    assert edges([0.9, 0.1, 0.9, 0.4, 0.9], VadSettings()) == []


def test_between_the_thresholds_a_voice_goes_on_but_does_not_start() -> None:
    assert edges([0.4] * 10, VadSettings()) == []
    assert len(edges([0.9, 0.9] + [0.4] * 10, VadSettings())) == 1


def test_a_single_dip_does_not_stop_it() -> None:
    assert len(edges([0.9, 0.9, 0.1, 0.9, 0.1, 0.9], VadSettings())) == 1


@given(
    st.lists(st.floats(0, 1), max_size=200),
    st.integers(1, 4),
    st.integers(1, 6),
)
def test_edges_alternate_and_never_run_ahead_of_what_was_heard(
    probabilities: list[float], onset_windows: int, offset_windows: int
) -> None:
    events = edges(probabilities, VadSettings(onset_windows=onset_windows, offset_windows=offset_windows))
    for i, event in enumerate(events):
        assert isinstance(event, VoiceStarted if i % 2 == 0 else VoiceStopped)
        assert event.time < event.at
    times = [event.time for event in events]
    assert times == sorted(times)


def test_silence_is_counted_only_when_clear() -> None:
    activity = VoiceActivity(VadSettings())
    for i, p in enumerate([0.1] * 4 + [0.4] + [0.1] * 2):
        activity.step(Window(p, i * STEP, (i + 1) * STEP), at=0)
    assert activity.silence == pytest.approx(2 * STEP)


def test_offset_above_onset_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not be above onset"):
        VadSettings(onset=0.4, offset=0.6)


def tone(seconds: float, level: float) -> np.ndarray:
    return (level * np.sin(np.arange(round(seconds * 16_000)) * 0.3)).astype(np.int16)


@pytest.mark.parametrize("noise", [0, 20])
def test_the_end_is_where_the_level_falls(noise: int) -> None:
    pcm = np.concatenate([tone(0.6, 8000), np.zeros(round(0.2 * 16_000), np.int16)])
    pcm = pcm + np.random.default_rng(0).normal(0, noise, len(pcm)).astype(np.int16)
    ends = 50.0  # so the sound's last sample was at 49.8
    assert last_voiced(pcm, ends, edge=49.88) == pytest.approx(49.8, abs=0.0101)


def test_in_noise_as_loud_as_the_voice_the_edge_stands() -> None:
    pcm = np.random.default_rng(0).normal(0, 1000, 16_000).astype(np.int16)
    assert last_voiced(pcm, 10.0, edge=9.9) == 9.9


@given(st.integers(0, 5000), st.floats(-1, 2))
def test_the_end_is_never_after_the_edge_nor_far_before(samples: int, before: float) -> None:
    edge = 10.0 - before
    assert edge - 0.22 <= last_voiced(tone(samples / 16_000, 9000), 10.0, edge) <= edge


@pytest.mark.parametrize(("onset", "offset"), [(0.8, 0.65), (0.05, 0.01), (0.3, 0.15)])
def test_a_threshold_moves_both_and_keeps_their_distance_where_there_is_room(onset, offset):
    moved = VadSettings().moved_to(onset)
    assert (moved.onset, moved.offset) == (onset, pytest.approx(offset))
    assert VadSettings(onset=0.6, offset=0.6).moved_to(onset).offset == onset
