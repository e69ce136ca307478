"""What a reply's looks come to: the skew that was planted, the speech that was missed, in constant memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.sync import FAR, FROZEN, STEP, LipSync, Sync
from aurora.timeline import Shown

Look = tuple[float, Shown | None, bool]


def looks(seconds: float = 4.0, *, lead: float = 0.0, hz: float = 60.0) -> list[Look]:
    """Looks at poses that always move, ``lead`` seconds ahead of the sound."""
    return [(i / hz, Shown(i / hz + lead, i), True) for i in range(round(seconds * hz) + 1)]


def summed(given: list[Look], sync: LipSync | None = None) -> Sync | None:
    sync = sync or LipSync()
    for look in given:
        sync.look(*look)
    return sync.summary()


def measured(given: list[Look], sync: LipSync | None = None) -> Sync:
    summary = summed(given, sync)
    assert summary is not None
    return summary


def test_without_looks_or_speech_there_is_nothing_to_tell() -> None:
    assert summed([]) is None
    assert summed(looks()[:1]) is None, "nobody knows how long the last look stood"
    assert summed([(position, shown, False) for position, shown, _ in looks()]) is None


@pytest.mark.parametrize("lead", [-1.0, -0.125, -0.02, 0.0, 0.015, 0.045, 2.0])
def test_a_pose_is_compared_with_the_middle_of_its_time(lead: float) -> None:
    assert measured(looks(lead=lead)) == Sync(pytest.approx(lead - 1 / 120, abs=STEP), 0.0)
    assert measured(looks(lead=lead, hz=10)).skew == pytest.approx(lead - 1 / 20, abs=STEP)


def test_rare_looks_stand_for_pictures() -> None:
    assert measured(looks(lead=0.1, hz=10), LipSync(picture=1 / 60)).skew == pytest.approx(0.1 - 1 / 120, abs=STEP)


def test_a_pose_that_stands_long_counts_for_long() -> None:
    hung = [look for look in looks() if not 1.0 < look[0] < 1.4]
    assert measured(hung) == Sync(pytest.approx(-0.2, abs=0.01), 0.0)
    dead = [look for look in looks() if not 1.0 < look[0] < 2.0]
    assert measured(dead).missing == pytest.approx(0.25, abs=0.01), "a mouth that stands for a second is frozen"


def test_what_happens_five_times_in_a_hundred_is_not_told() -> None:
    some_late = [(p, Shown(p - (0.5 if i % 25 == 0 else 0.0), i), True) for i, (p, _, _) in enumerate(looks())]
    assert measured(some_late).skew == pytest.approx(-1 / 120, abs=STEP)


def test_the_share_of_speech_without_a_frame() -> None:
    half = [(p, shown if p < 2.0 else None, heard) for p, shown, heard in looks()]
    assert measured(half).missing == pytest.approx(0.5, abs=0.01)
    none = measured([(p, None, heard) for p, _, heard in looks()])
    assert none == Sync(None, pytest.approx(1.0))
    silent = [(p, shown if p < 2.0 else None, p < 2.0) for p, shown, _ in looks()]
    assert measured(silent).missing == 0.0, "silence needs no frame"


@pytest.mark.parametrize(("seconds", "missing"), [(0.9 * FROZEN, 0.0), (1.5 * FROZEN, 1.5 * FROZEN / 4), (4.0, 1.0)])
def test_a_mouth_that_is_frozen_counts_as_none(seconds: float, missing: float) -> None:
    still = [
        (p, Shown(p, -1 if 0.5 <= p < 0.5 + seconds or seconds == 4.0 else i), True)
        for i, (p, *_) in enumerate(looks())
    ]
    assert measured(still).missing == pytest.approx(missing, abs=0.02)


def test_a_mouth_may_rest_in_silence() -> None:
    pausing = [(p, Shown(p, -1 if 1.0 <= p < 3.0 else i), not 1.2 <= p < 2.9) for i, (p, *_) in enumerate(looks())]
    assert measured(pausing).missing == 0.0


def test_what_was_frozen_has_no_skew() -> None:
    assert measured([(p, Shown(p, 0), True) for p, *_ in looks()]) == Sync(None, pytest.approx(1.0))


def test_sound_that_goes_back_is_heard_again() -> None:
    again = looks(2.0) + [(p - 1.0, shown and Shown(shown.code - 1.0, shown.mouth), a) for p, shown, a in looks(2.0)]
    assert measured(again) == Sync(pytest.approx(-1 / 120, abs=STEP), 0.0)


def test_a_summary_takes_nothing_away() -> None:
    sync, moved = LipSync(), looks()
    for look in moved[:100]:
        sync.look(*look)
    sync.summary()
    assert measured(moved[100:], sync) == measured(moved)


def weighed(given: list[Look]) -> Sync | None:
    """The same in plain words, with all that was ever shown at hand."""
    audible = missing = 0.0
    runs: list[tuple[int, list[tuple[float, float]]]] = []
    for (position, shown, heard), (until, *_) in pairwise(given):
        if not heard or until <= position:
            continue
        audible += until - position
        if shown is None:
            missing += until - position
            continue
        if not runs or runs[-1][0] != shown.mouth:
            runs.append((shown.mouth, []))
        runs[-1][1].append((shown.code - (position + until) / 2, until - position))
    if not audible:
        return None
    frozen = [poses for _, poses in runs if sum(seconds for _, seconds in poses) > FROZEN]
    missing += sum(seconds for poses in frozen for _, seconds in poses)
    moving = sorted((pose for _, poses in runs if poses not in frozen for pose in poses), key=lambda pose: abs(pose[0]))
    if not moving:
        return Sync(None, missing / audible)
    within = np.cumsum([seconds for _, seconds in moving])
    place = int(np.searchsorted(within, 0.95 * within[-1]))
    return Sync(moving[min(place, len(moving) - 1)][0], missing / audible)


# On a grain of 1/64 s, so that neither sums nor percentiles hang on the last bit.
_GRAIN = st.integers(1, 40).map(lambda n: n / 64)


@given(
    st.lists(
        st.tuples(_GRAIN, st.none() | st.tuples(st.integers(-128, 128), st.integers(0, 2)), st.booleans()),
        max_size=60,
    )
)
def test_agrees_with_the_plain_sum(steps: list[tuple[float, tuple[int, int] | None, bool]]) -> None:
    position, given_looks = 0.0, list[Look]()
    for advance, pose, heard in steps:
        shown = pose and Shown(position + pose[0] / 64, pose[1])
        given_looks.append((position, shown, heard))
        position += advance
    summary, plain = summed(given_looks), weighed(given_looks)
    if plain is None or summary is None:
        assert summary is plain
        return
    assert 0.0 <= summary.missing <= 1.0
    assert summary.missing == pytest.approx(plain.missing, abs=1e-9)
    if plain.skew is None or summary.skew is None:
        assert summary.skew is plain.skew
    else:  # at equal distance either sign may be the more frequent one
        assert abs(summary.skew) == pytest.approx(min(FAR, abs(plain.skew)), abs=STEP)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e4, 1e4), st.integers(0, 3), st.booleans()), max_size=200))
def test_any_looks_in_constant_memory(steps: list[tuple[float, float, int, bool]]) -> None:
    sync = LipSync()
    for position, code, mouth, heard in steps:
        sync.look(position, Shown(code, mouth) if mouth else None, heard)
    assert len(sync._pending) <= 2 * (FAR / STEP + 1)
    if summary := sync.summary():
        assert 0.0 <= summary.missing <= 1.0
        assert summary.skew is None or abs(summary.skew) <= FAR
