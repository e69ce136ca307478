"""Which weights are due: by what was heard, never by arrival; and what is told to Kit's bus."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_events import FPS, NAMES, floor, frames, heard, named

from aurora.sophia.core.life import EYE_LIMIT, HEAD_LIMIT, Life, direction
from aurora.sophia.core.performance import LEAD_SECONDS, RELEASE_SECONDS, STALE_SECONDS, Happening, Performance


def playing(performance: Performance, item: str = "a", now: float = 100.0) -> None:
    """A reply of a second whose jaw opens by 5 a frame begins to be heard at ``now``."""
    performance.told(named(), now)
    performance.told(frames(item, 0.0, [5 * n for n in range(30)]), now)  # in one burst, ahead of its time
    performance.told(heard(item, 0.0, 5000.0), now)


def jaw(performance: Performance, now: float) -> float:
    weights = performance.weights(now)
    assert weights is not None
    assert weights.names == tuple(NAMES)
    return 255 * weights.values[0]


@given(st.floats(0.0, 0.9))
def test_the_frame_of_the_moment_that_is_heard(since: float) -> None:
    performance = Performance()
    playing(performance)
    assert jaw(performance, 100.0 + since) == pytest.approx(5 * FPS * (since + LEAD_SECONDS), abs=0.01)


def test_a_burst_and_a_trickle_look_the_same() -> None:
    burst, trickle = Performance(), Performance()
    playing(burst)
    trickle.told(named(), 100.0)
    for n in range(30):
        trickle.told(frames("a", 1000 / FPS * n, [5 * n]), 100.0)
    trickle.told(heard("a", 0.0, 5000.0), 100.0)
    for n in range(50):
        assert jaw(burst, 100 + n / 60) == pytest.approx(jaw(trickle, 100 + n / 60))


def test_positions_that_come_late_move_nothing_once_one_came_in_time() -> None:
    performance = Performance()
    playing(performance)
    performance.told(heard("a", 100.0, 5100.0), 100.25)  # 150 ms under way
    assert jaw(performance, 100.3) == pytest.approx(5 * FPS * (0.3 + LEAD_SECONDS), abs=0.01)


def test_the_lips_can_be_moved() -> None:
    later = Performance(lip_offset=0.1)
    playing(later)
    assert jaw(later, 100.4) == pytest.approx(5 * FPS * (0.3 + LEAD_SECONDS), abs=0.01)


def test_a_pause_closes_the_mouth_and_sound_opens_it_again() -> None:
    performance = Performance()
    playing(performance)
    open_jaw = jaw(performance, 100.5)
    performance.told({"type": "sophia.playout.pause", "item_id": "a", "audio_ms": 500.0}, 100.5)
    assert 0 < jaw(performance, 100.5 + RELEASE_SECONDS / 2) < open_jaw
    assert performance.weights(100.5 + RELEASE_SECONDS) is None
    performance.told(heard("a", 450.0, 6000.0), 101.0)
    assert jaw(performance, 101.0) == pytest.approx(5 * FPS * (0.45 + LEAD_SECONDS), abs=0.01)


def test_what_was_cleared_stays_cleared() -> None:
    performance = Performance()
    playing(performance)
    performance.told({"type": "sophia.playout.clear", "item_id": "a", "audio_ms": 500.0}, 100.5)
    performance.told(frames("a", 0.0, [200] * 30), 100.55)
    performance.told(heard("a", 550.0, 5550.0), 100.55)
    assert performance.weights(100.7) is None


def test_the_second_reply_after_an_interruption_moves_the_mouth() -> None:
    performance = Performance()
    playing(performance)
    performance.told({"type": "sophia.playout.clear", "item_id": "a", "audio_ms": 500.0}, 100.5)
    performance.told(frames("b", 0.0, [5 * n for n in range(30)]), 101.0)
    performance.told(heard("b", 0.0, 6000.0), 101.0)
    assert jaw(performance, 101.2) == pytest.approx(5 * FPS * (0.2 + LEAD_SECONDS), abs=0.01)


def test_a_line_that_stalls_closes_the_mouth() -> None:
    performance = Performance()
    performance.told(named(), 100.0)
    performance.told(frames("a", 0.0, [200] * 90), 100.0)
    performance.told(heard("a", 0.0, 5000.0), 100.0)
    assert performance.weights(100.0 + STALE_SECONDS) is not None
    assert performance.weights(100.2 + STALE_SECONDS) is None


def test_an_event_of_far_too_many_frames_is_ignored() -> None:
    performance = Performance()
    playing(performance)
    performance.told(frames("b", 0.0, [9] * 3000), 100.0)
    performance.told(heard("b", 0.0, 5000.0), 100.0)
    assert performance.weights(100.05) is None


def test_late_frames_are_counted_and_skipped() -> None:
    performance = Performance()
    playing(performance)
    performance.told(frames("a", 0.0, [255] * 3), 100.5)
    assert performance.late == 3
    assert jaw(performance, 100.5) < 255


def test_the_floor_becomes_events() -> None:
    performance = Performance()
    states = ["hearing", "thinking", "speaking", "ducked", "speaking", "paused", "interrupted", "hearing"]
    told = [event for state in states for event in performance.told(floor(state), 0.0)]
    assert told == [Happening("started", {}), Happening("interrupted", {}), Happening("stopped", {})]


def test_a_turn_and_a_mood_are_told() -> None:
    performance = Performance()
    ledger = {
        "type": "sophia.turn.ledger", "turn": 3, "user": "Hello", "heard": "Hi.", "outcome": "replied",
        "voice_to_voice_ms": 412.5, "trace_id": "abc",
    }  # fmt: skip
    (turn,) = performance.told(ledger, 0.0)
    assert turn.name == "turn"
    assert turn.payload["voice_to_voice_ms"] == 412.5
    assert performance.latency_ms == 412.5
    (silent,) = performance.told({**ledger, "voice_to_voice_ms": None}, 0.0)
    assert silent.payload["voice_to_voice_ms"] == -1.0
    updated = {"type": "session.updated", "session": {"sophia": {"emotions": {"joy": 0.3}}}}
    assert performance.told(updated, 0.0) == [Happening("emotion", {"joy": 0.3})]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "item_id",
    "names",
    "audio_start_ms",
    "fps",
    "weights",
    "audio_ms",
    "at_ms",
    "playing",
    "state",
    "turn",
    "session",
)
TYPES = (
    "sophia.face.names", "sophia.face.frames", "sophia.playout.position", "sophia.playout.clear", "sophia.floor",
    "sophia.turn.ledger", "session.updated", "sophia.emotion", "error",
)  # fmt: skip


@given(
    st.lists(st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(KEYS, JSON)), max_size=8)
)
def test_whatever_comes_she_keeps_her_countenance(events: list[dict[str, Any]]) -> None:
    performance = Performance()
    playing(performance)
    for number, event in enumerate(events):
        performance.told(event, 100.0 + number / 10)
        weights = performance.weights(100.0 + number / 10)
        if weights is not None:
            assert all(0.0 <= value <= 1.0 for value in weights.values)
        json.dumps([happening.payload for happening in performance.told(event, 101.0)])


# Eyes and lids


def test_she_blinks_and_looks_about_within_reason() -> None:
    life = Life(seed=3)
    gazes = [life.at(50.0 + n / 60) for n in range(60 * 60)]
    blinks = sum(1 for a, b in pairwise(gazes) if a.lid < 0.5 <= b.lid)
    assert 10 <= blinks <= 30  # in a minute
    assert max(gaze.lid for gaze in gazes) > 0.9
    assert all(abs(gaze.eye_yaw) <= EYE_LIMIT[0] and gaze.head_yaw == 0 for gaze in gazes)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_eyes_and_head_together_look_at_it_as_far_as_they_reach(yaw: float, pitch: float) -> None:
    life = Life()
    for n in range(300):
        gaze = life.at(n / 60, (yaw, pitch))
        assert abs(gaze.eye_yaw) <= EYE_LIMIT[0] + 1e-9
        assert abs(gaze.head_yaw) <= HEAD_LIMIT[0] + 1e-9
    reach = EYE_LIMIT[0] + HEAD_LIMIT[0]
    assert gaze.eye_yaw + gaze.head_yaw == pytest.approx(max(-reach, min(reach, yaw)), abs=0.1)
    reach = EYE_LIMIT[1] + HEAD_LIMIT[1]
    assert gaze.eye_pitch + gaze.head_pitch == pytest.approx(max(-reach, min(reach, pitch)), abs=0.1)


@pytest.mark.parametrize(
    ("target", "yaw", "pitch"), [((0, 0, 5), 0, 0), ((5, 0, 5), 45, 0), ((0, 5, 5), 0, 45), ((-5, 0, 0), -90, 0)]
)
def test_directions(target: tuple[float, float, float], yaw: float, pitch: float) -> None:
    assert direction((0, 0, 0), target) == pytest.approx((yaw, pitch))


# Gestures


def test_she_looks_at_who_speaks_and_away_and_up_to_think() -> None:
    def gazes(about: str, seed: int) -> list[tuple[float, float]]:
        life = Life(seed)
        life.at(10.0)
        life.attend(about)
        lived = [life.at(10.0 + n / 60) for n in range(1, 60 * 30)]
        return [(gaze.eye_yaw + gaze.head_yaw, gaze.eye_pitch + gaze.head_pitch) for gaze in lived[60:]]

    for seed in range(5):
        assert all(abs(yaw) < 1.5 for yaw, _ in gazes("hearing", seed))
        thinking = gazes("thinking", seed)
        assert all(abs(yaw) > 5 for yaw, _ in thinking)
    assert sum(pitch > 0 for seed in range(5) for _, pitch in gazes("thinking", seed)) > 0.6 * 5 * len(thinking)


def test_she_nods_and_her_eyes_stay_where_they_were() -> None:
    life, still = Life(1), Life(1)
    life.at(10.0)
    still.at(10.0)
    life.nod(10.5, 0.06, True)
    pairs = [(life.at(10.0 + n / 60), still.at(10.0 + n / 60)) for n in range(1, 150)]
    dips = [resting.head_pitch - nodding.head_pitch for nodding, resting in pairs]
    assert max(dips) == pytest.approx(math.degrees(0.06), rel=0.05)
    assert sum(a < b > c for a, b, c in zip(dips, dips[1:], dips[2:], strict=False)) == 2
    assert all(a.eye_pitch + a.head_pitch == pytest.approx(b.eye_pitch + b.head_pitch) for a, b in pairs)


@given(
    st.lists(st.tuples(st.sampled_from(["listening", "hearing", "thinking", "speaking", "asleep"]), st.integers(1, 40)))
)
def test_brows_and_head_never_jump(steps: list[tuple[str, int]]) -> None:
    life, n = Life(2), 0
    before = life.at(0.0)
    for about, pictures in steps:
        life.attend(about)
        life.nod(n / 60, 0.075, True)
        for _ in range(pictures):
            n += 1
            now = life.at(n / 60)
            assert all(0.0 <= now.brows[name] <= 1.0 for name in now.brows)
            assert all(abs(now.brows[name] - before.brows[name]) < 0.02 for name in now.brows)
            assert abs(now.head_pitch - before.head_pitch) < 1.5
            before = now


def test_the_mood_is_that_of_what_is_heard() -> None:
    performance = Performance()
    playing(performance)
    for start, mood, share in ((0, "joy", 0.6), (500, "", 0), (700, "sadness", 2)):
        event = {"type": "sophia.mood", "item_id": "a", "audio_start_ms": start, "mood": mood, "share": share}
        assert performance.told(event, 100.0) == []
    assert [performance.mood(100.0 + at) for at in (0.1, 0.6, 0.8)] == [{"joy": 0.6}, {}, {"sadness": 1.0}]
    assert performance.mood(100.0 + 2 * STALE_SECONDS) == {}


def test_attention_and_nods_are_kept_and_nonsense_is_not() -> None:
    performance = Performance()
    performance.told({"type": "sophia.attention", "to": "thinking", "at_ms": 1}, 1.0)
    for depth in (0.05, 9, "deep", float("nan")):
        performance.told({"type": "sophia.nod", "depth": depth, "twice": True, "at_ms": 1}, 1.0)
    assert performance.attention == "thinking"
    assert list(performance.nods) == [(0.05, True), (0.2, True)]
    for _ in range(20):
        performance.told({"type": "sophia.nod", "depth": 0.05, "twice": False, "at_ms": 1}, 1.0)
    assert len(performance.nods) == 4
