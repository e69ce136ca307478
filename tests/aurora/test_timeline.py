"""Frames are found by position in the sound, stale ones never, and what they are of is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aurora.face import ARKIT, FaceFrame, Weights
from aurora.timeline import GENERATIONS, HOLD, KEPT_SECONDS, MOST_PER_SECOND, FaceTimeline

JAW = ARKIT.index("jawOpen")


def pose(jaw: float) -> Weights:
    weights = np.zeros(len(ARKIT), np.float32)
    weights[JAW] = jaw
    return weights


def timeline(*frames: tuple[float, float], generation: int = 1) -> FaceTimeline:
    made = FaceTimeline(lead=0.0)
    for time, jaw in frames:
        assert made.add(generation, 0.0, FaceFrame(time, pose(jaw)))
    return made


def jaw_at(made: FaceTimeline, position: float, generation: int = 1) -> float | None:
    weights = made.at(generation, position)
    return None if weights is None else round(float(weights[JAW]), 6)


def test_interpolates_between_frames() -> None:
    made = timeline((0.0, 0.0), (0.04, 1.0))
    assert jaw_at(made, 0.0) == 0.0
    assert jaw_at(made, 0.01) == 0.25
    assert jaw_at(made, 0.03) == 0.75


def test_has_nothing_before_the_first_after_the_last_and_in_a_hole() -> None:
    made = timeline((0.1, 0.5), (0.5, 0.7))
    assert jaw_at(made, 0.09) is None
    assert jaw_at(made, 0.1 + 0.9 * HOLD) == 0.5
    assert jaw_at(made, 0.3) is None
    assert jaw_at(made, 0.5 + 0.9 * HOLD) == 0.7
    assert jaw_at(made, 0.6) is None


def test_the_offset_puts_a_clip_where_its_sound_is() -> None:
    made = FaceTimeline(lead=0.0)
    made.add(1, 2.0, FaceFrame(0.5, pose(0.3)))
    assert jaw_at(made, 2.5) == 0.3
    assert made.reach(1) == pytest.approx(2.5 + HOLD)
    assert made.reach(2) == 0.0


def test_the_lead_shows_what_is_heard_a_little_later() -> None:
    made = FaceTimeline(lead=0.02)
    made.add(1, 0.0, FaceFrame(0.0, pose(0.0)))
    made.add(1, 0.0, FaceFrame(0.04, pose(1.0)))
    assert jaw_at(made, 0.0) == 0.5


def test_frames_in_any_order_and_twice() -> None:
    made = timeline((0.06, 0.6), (0.0, 0.1), (0.03, 0.9), (0.03, 0.3))
    assert jaw_at(made, 0.03) == 0.3
    assert jaw_at(made, 0.06) == 0.6


def test_what_is_cleared_stays_cleared() -> None:
    made = timeline((0.0, 0.5), generation=3)
    made.clear(3)
    assert made.at(3, 0.0) is None
    assert not made.add(3, 0.0, FaceFrame(0.0, pose(0.9)))
    assert not made.add(2, 0.0, FaceFrame(0.0, pose(0.9)))
    assert made.add(4, 0.0, FaceFrame(0.0, pose(0.2)))
    assert jaw_at(made, 0.0, generation=4) == 0.2


@pytest.mark.parametrize("rate", [20, 30, 60, 100, 120])
def test_is_bounded_in_seconds_whatever_the_rate_of_frames(rate: int) -> None:
    made, still = FaceTimeline(lead=0.0), pose(0.0)
    for i in range(int(KEPT_SECONDS * rate) + 11):
        made.add(1, 0.0, FaceFrame(i / rate, still))
    assert made.at(1, 0.0) is None
    assert made.at(1, 11 / rate) is not None


def test_no_rate_of_frames_fills_the_memory() -> None:
    made, still = FaceTimeline(lead=0.0), pose(0.0)
    for i in range(int(KEPT_SECONDS * MOST_PER_SECOND) + 1000):
        made.add(1, 0.0, FaceFrame(i / 1000, still))
    assert made.at(1, 0.5) is None
    assert made.at(1, 2.0) is not None


def test_generations_are_bounded() -> None:
    made = timeline((0.0, 0.5), (10 / 30, 0.5))
    for generation in range(2, 2 + GENERATIONS):
        made.add(generation, 0.0, FaceFrame(0.0, pose(0.1)))
    assert made.at(1, 10 / 30) is None, "the oldest generation made room"
    assert not made.add(1, 0.0, FaceFrame(0.0, pose(0.1)))


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), min_size=1), st.floats(-1, 22))
def test_a_pose_lies_between_its_neighbours(frames: list[tuple[float, float]], position: float) -> None:
    made = timeline(*frames)
    jaw = jaw_at(made, position)
    earlier = [time for time, _ in frames if time <= position]
    if not earlier:
        assert jaw is None
    if jaw is not None:
        jaws = [j for time, j in frames if abs(time - position) <= 0.1]
        assert min(jaws) - 1e-5 <= jaw <= max(jaws) + 1e-5


class Generations(RuleBasedStateMachine):
    """However frames and clears interleave, a cleared generation never shows again."""

    def __init__(self) -> None:
        super().__init__()
        self.made = FaceTimeline(lead=0.0)
        self.cleared = -1

    @rule(generation=st.integers(0, 12), time=st.floats(0, 1))
    def add(self, generation: int, time: float) -> None:
        taken = self.made.add(generation, 0.0, FaceFrame(time, pose(1.0)))
        if generation <= self.cleared:
            assert not taken

    @rule(generation=st.integers(0, 12))
    def clear(self, generation: int) -> None:
        self.made.clear(generation)
        self.cleared = max(self.cleared, generation)

    @invariant()
    def nothing_stale_is_shown(self) -> None:
        showing = [g for g in range(13) if any(self.made.at(g, t / 50) is not None for t in range(52))]
        assert all(g > self.cleared for g in showing)
        assert len(showing) <= GENERATIONS


TestGenerations = Generations.TestCase
TestGenerations.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def code_at(made: FaceTimeline, position: float, sound: float = 4.0) -> float | None:
    shown = made.shown(1, position, sound)
    return None if shown is None else round(shown.code, 6)


def test_tells_the_time_code_of_what_is_shown() -> None:
    made = timeline((0.0, 0.0), (0.04, 1.0), (0.3, 0.5))
    assert code_at(made, 0.01) == 0.01, "between two frames, the time between"
    assert code_at(made, 0.06) == 0.04, "held, the frame's own"
    assert code_at(made, 0.2) is None
    assert code_at(made, 0.31) == 0.3
    assert made.shown(2, 0.0, 4.0) is None
    assert FaceTimeline().shown(1, 0.0, 4.0) is None


@pytest.mark.parametrize("late", [-0.3, -0.05, 0.05, 0.2, 1.0])
def test_a_clips_first_frame_belongs_to_its_first_sample(late: float) -> None:
    made = timeline(*((late + i / 30, i / 100) for i in range(90)))
    assert code_at(made, 1.5) == pytest.approx(1.5 - late)


def test_each_clip_is_judged_by_its_own_first_frame() -> None:
    made = FaceTimeline(lead=0.0)
    for i in range(30):
        made.add(1, 0.0, FaceFrame(i / 30, pose(0.1)))
    for i in range(30):
        made.add(1, 0.0, FaceFrame(2.1 + i / 30, pose(0.1), clip=2.0))
    assert code_at(made, 0.5) == 0.5
    assert code_at(made, 2.5) == pytest.approx(2.4)


def test_a_first_clip_without_frames_moves_nothing() -> None:
    made = FaceTimeline(lead=0.0)
    for i in range(30):
        made.add(1, 0.0, FaceFrame(0.3 + i / 30, pose(0.1), clip=0.3))
    assert code_at(made, 0.5) == 0.5


def test_a_stream_far_longer_than_its_sound_runs_at_a_wrong_pace() -> None:
    made = timeline(*((i / 15, i / 1000) for i in range(180)))  # six seconds at twice their time codes
    assert code_at(made, 3.0, sound=6.0) == pytest.approx(1.5, abs=0.01)
    padded = timeline(*((i / 30, i / 1000) for i in range(225)))  # six seconds and a second and a half of padding
    assert code_at(padded, 3.0, sound=6.0) == 3.0


def test_equal_mouths_are_told_whatever_the_brows_do() -> None:
    made = FaceTimeline(lead=0.0)
    brows = pose(0.5)
    brows[ARKIT.index("browInnerUp")] = 0.5
    for i, weights in enumerate((pose(0.5), brows, pose(0.6))):
        made.add(1, 0.0, FaceFrame(i * 0.5, weights))
    mouths = [shown.mouth for i in range(3) if (shown := made.shown(1, i * 0.5, 4.0))]
    assert len(mouths) == 3
    assert mouths[0] == mouths[1] != mouths[2]
