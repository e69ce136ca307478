"""The eyes live always, the mouth only from speech, and it falls shut when its speech is gone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.face import ARKIT, FaceFrame, Weights
from aurora.idle import BLINK_GAP, EYE_REACH, NOTICE, SACCADE_SECONDS, IdleFace
from aurora.performer import CALM, RELEASE, Performer
from aurora.timeline import FaceTimeline

JAW, BLINK = ARKIT.index("jawOpen"), ARKIT.index("eyeBlinkLeft")
MOUTH = np.array([name.startswith(("jaw", "mouth", "tongue", "cheek", "nose")) for name in ARKIT])


def minute(seed: int = 0) -> Weights:
    face = IdleFace(seed)
    return np.array([face.at(i / 60) for i in range(60 * 60)])


def test_the_same_seed_lives_the_same_life() -> None:
    assert np.array_equal(minute(1), minute(1))
    assert not np.array_equal(minute(1), minute(2))


def test_blinks_as_often_as_people_do_with_both_lids() -> None:
    face = minute()
    lid = face[:, BLINK]
    assert np.array_equal(lid, face[:, ARKIT.index("eyeBlinkRight")])
    shut = (lid[1:] > 0.8) & (lid[:-1] <= 0.8)
    assert 60 / (BLINK_GAP[1] + 0.4) <= shut.sum() <= 2 * 60 / BLINK_GAP[0]
    assert (lid == 0).mean() > 0.85


def test_looks_about_and_breathes_but_leaves_the_mouth_alone() -> None:
    face = minute()
    assert (face[:, MOUTH] == 0).all()
    assert face[:, ARKIT.index("eyeLookOutLeft")].max() > 0.05
    assert np.array_equal(face[:, ARKIT.index("eyeLookOutLeft")], face[:, ARKIT.index("eyeLookInRight")])
    both_ways = np.minimum(face[:, ARKIT.index("eyeLookOutLeft")], face[:, ARKIT.index("eyeLookInLeft")])
    assert (both_ways == 0).all()
    brow = face[:, ARKIT.index("browInnerUp")]
    assert 0 < brow.max() < 0.05


@given(st.lists(st.floats(0, 500), min_size=1, max_size=30))
def test_any_moments_give_a_pose(times: list[float]) -> None:
    face = IdleFace()
    for time in times:  # even going back or far ahead
        weights = face.at(time)
        assert ((weights >= 0) & (weights <= 1)).all()


def speaking(jaw: float = 0.8, seconds: float = 1.0) -> FaceTimeline:
    timeline = FaceTimeline(lead=0.0)
    weights = np.zeros(len(ARKIT), np.float32)
    weights[JAW] = jaw
    weights[ARKIT.index("eyeLookUpLeft")] = 0.9  # no business of speech
    for i in range(int(seconds * 30) + 1):
        timeline.add(1, 0.0, FaceFrame(i / 30, weights))
    return timeline


def test_speech_moves_the_mouth_while_the_eyes_go_on() -> None:
    performer = Performer(speaking(seconds=8), IdleFace())
    poses = np.array([performer.pose(i / 60, 1, i / 60) for i in range(8 * 60)])
    assert np.allclose(poses[:, JAW], 0.8)
    assert poses[:, BLINK].max() > 0.8
    assert poses[:, ARKIT.index("eyeLookUpLeft")].max() < 0.2


def test_the_mouth_falls_shut_after_a_clear() -> None:
    timeline = speaking()
    performer = Performer(timeline, IdleFace())
    assert np.isclose(performer.pose(5.0, 1, 0.5)[JAW], 0.8)
    timeline.clear(1)
    half = performer.pose(5.0 + RELEASE / 2, 1, 0.55)[JAW]
    assert np.isclose(half, 0.4)
    assert performer.pose(5.0 + RELEASE, None)[JAW] < 1e-6
    assert performer.pose(6.0, 1, 0.5)[JAW] == 0


def test_the_mouth_rests_in_a_pause_and_after_the_end() -> None:
    performer = Performer(speaking(), IdleFace())
    performer.pose(1.0, 1, 0.9)
    assert performer.pose(1.2)[JAW] == 0, "paused"
    assert np.isclose(performer.pose(1.3, 1, 0.9)[JAW], 0.8), "resumed"
    assert performer.pose(1.6, 1, 1.2)[JAW] == 0, "past the last frame"


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2)), max_size=40))
def test_no_pose_leaves_its_range(steps: list[tuple[bool, float]]) -> None:
    performer = Performer(speaking(jaw=1.0), IdleFace(3))
    now = 0.0
    for audible, position in steps:
        now += 0.016
        pose = performer.pose(now, 1 if audible else None, position)
        assert pose.shape == (52,)
        assert ((pose >= 0) & (pose <= 1)).all()


ATTENTIONS = ("idle", "hearing", "thinking", "speaking")
OUT, IN = ARKIT.index("eyeLookOutLeft"), ARKIT.index("eyeLookInLeft")
UP, DOWN = ARKIT.index("eyeLookUpLeft"), ARKIT.index("eyeLookDownLeft")
BROWS = [ARKIT.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browDownRight")]


def looks(face: IdleFace, weights: Weights) -> tuple[float, float]:
    """Where she looks, seen from her body: radians to her left and up."""
    pitch, yaw = face.head
    across = EYE_REACH[0] * float(weights[OUT] - weights[IN]) + yaw
    return across, EYE_REACH[1] * float(weights[UP] - weights[DOWN]) - pitch


def attending(to: str, seed: int, seconds: float = 40.0) -> list[tuple[float, float]]:
    face = IdleFace(seed)
    face.at(0.0)
    face.attend(to, 0.0)
    return [looks(face, face.at(i / 60)) for i in range(60, int(60 * seconds))]


def test_she_looks_at_who_speaks_and_away_while_she_thinks_mostly_up() -> None:
    for seed in range(6):
        hearing, thinking = attending("hearing", seed), attending("thinking", seed)
        assert np.mean([np.hypot(*look) < 0.06 for look in hearing]) > 0.8
        assert np.mean([np.hypot(*look) > 0.1 for look in thinking]) > 0.85
    assert np.mean([look[1] > 0 for seed in range(6) for look in attending("thinking", seed)]) > 0.7


def test_she_looks_back_soon_when_she_is_about_to_speak() -> None:
    for seed in range(20):
        face = IdleFace(seed)
        for i in range(180):
            face.at(i / 60)
            if i == 10:
                face.attend("thinking", i / 60)
        face.attend("speaking", 3.0)
        assert np.hypot(*looks(face, face.at(3.0 + NOTICE + SACCADE_SECONDS))) < 0.03


def test_a_nod_dips_the_head_and_the_eyes_stay_where_they_were() -> None:
    face, still = IdleFace(1), IdleFace(1)
    face.nod(1.0, 0.06, twice=True)
    dips, off = [], []
    for i in range(4 * 60):
        nodding, resting = face.at(i / 60), still.at(i / 60)
        dips.append(face.head[0] - still.head[0])
        off.append(np.subtract(looks(face, nodding), looks(still, resting)))
    assert max(dips) == pytest.approx(0.06, rel=0.05)
    assert min(dips) >= 0.0
    assert dips[: 60 + 1] == [0.0] * 61
    assert dips[2 * 60] == 0.0
    assert sum(a < b > c for a, b, c in zip(dips, dips[1:], dips[2:], strict=False)) == 2
    assert np.abs(off).max() < 1e-5


@given(
    st.integers(0, 99),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from((*ATTENTIONS, "nod", "nonsense"))), max_size=30),
)
def test_head_and_brows_never_jump_whatever_is_asked(seed: int, steps: list[tuple[int, str]]) -> None:
    face, frame = IdleFace(seed), 0
    pose, head = face.at(0.0), face.head
    for pictures, what in steps:
        if what == "nod":
            face.nod(frame / 60, 0.075, twice=True)
        else:
            face.attend(what, frame / 60)
        for _ in range(pictures):
            frame += 1
            now = face.at(frame / 60)
            assert ((now >= 0) & (now <= 1)).all()
            assert np.abs(now[BROWS] - pose[BROWS]).max() < 0.02, "a brow"
            assert np.abs(np.subtract(face.head, head)).max() < 0.03, "the head"
            assert (now[MOUTH] == 0).all()
            pose, head = now, face.head


def test_a_mood_goes_more_slowly_than_a_word() -> None:
    timeline, weights = FaceTimeline(lead=0.0), np.zeros(len(ARKIT), np.float32)
    smile, frown = ARKIT.index("mouthSmileLeft"), ARKIT.index("browDownLeft")
    weights[[JAW, smile, frown]] = 0.5
    for i in range(31):
        timeline.add(1, 0.0, FaceFrame(i / 30, weights))
    performer = Performer(timeline, IdleFace())
    poses = [performer.pose(1.0, 1, 0.9)] + [performer.pose(1.0 + i / 60) for i in range(1, 40)]
    assert poses[round(60 * RELEASE) + 1][JAW] == 0.0
    for shape in (smile, frown):
        curve = [pose[shape] for pose in poses]
        assert curve[round(60 * CALM / 2)] == pytest.approx(0.25, abs=0.01)
        assert curve[round(60 * CALM) + 1] == 0.0
        assert max(a - b for a, b in itertools.pairwise(curve)) < 0.025
