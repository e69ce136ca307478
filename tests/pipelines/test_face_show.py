"""What is said of lips and sound is what was planted: by time codes, lateness, holes, a mouth that stands still."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest
from table import Table

from aurora.face import FaceFrame
from aurora.idle import IdleFace
from aurora.performer import Performer
from aurora.timeline import FaceTimeline
from pipelines.conversation.face_show import LOOKS_PER_SECOND, POSES_PER_SECOND, FaceShow
from pipelines.simulation.exact import Says, SimulatedFace
from pipelines.simulation.paced import FRAMES_PER_SECOND, Pace, PacedFace, tone
from pipelines.virtual_time import run
from sophia.playout import Playout
from sophia.sinks import NullSink

RATE = 24_000
SECONDS = 6.0
PIECE = 0.04
SPEED = 8
FRAME = 1 / FRAMES_PER_SECOND
GOOD = 0.015
SAMPLES = tone(RATE, SECONDS)


class Spoilt(SimulatedFace):
    """A good face whose frames are passed on as ``spoil`` makes them; None is lost."""

    def __init__(self, spoil):
        super().__init__()
        self.spoil = spoil

    async def animate(self, sound, rate, moods=None):
        async with aclosing(super().animate(sound, rate, moods)) as frames:
            async for frame in frames:
                if spoilt := self.spoil(frame):
                    yield spoilt


def shifted(seconds):
    return Spoilt(lambda frame: FaceFrame(frame.time + seconds, frame.weights))


def scaled(factor):
    return Spoilt(lambda frame: FaceFrame(frame.time * factor, frame.weights))


def only(since=0.0, until=SECONDS):
    return Spoilt(lambda frame: frame if since <= frame.time < until else None)


def frozen(since=0.0, until=SECONDS):
    weights = np.full(52, 0.25, np.float32)
    return Spoilt(lambda frame: FaceFrame(frame.time, weights) if since <= frame.time < until else frame)


def perform(face, pcm=SAMPLES, watched=True, interrupt=None, faceless=None):
    """Makes ``pcm`` :data:`SPEED` times faster than it sounds, moves the face with it, and says what was measured.

    ``interrupt`` is when the reply is cleared, ``faceless`` from where on its sound has no face, in seconds.
    """

    async def main():
        loop = asyncio.get_running_loop()
        playout = Playout(RATE, lambda event: None)
        timeline = FaceTimeline()
        poses = []

        def show(time, weights):
            poses.append(weights)

        performer = Performer(timeline, IdleFace() if watched else None)
        stage = FaceShow(playout, timeline, performer, show if watched else None)
        tasks = [asyncio.create_task(NullSink().run(playout)), asyncio.create_task(stage.run())]
        sound = asyncio.Queue()

        async def pieces():
            while (piece := await sound.get()) is not None:
                yield piece

        async def animate():
            async for frame in face.animate(pieces(), RATE):
                timeline.add(1, 0.0, frame)

        tasks.append(asyncio.create_task(animate()))
        playout.open(1)
        playout.release(1)
        size = round(PIECE * RATE)
        ends = loop.time() + (interrupt or len(pcm) / RATE + 0.5)
        for first in range(0, len(pcm), size):
            sound.put_nowait(pcm[first : first + size])
            await playout.push(1, pcm[first : first + size])
            await asyncio.sleep(PIECE / SPEED)
        playout.finish(1)
        sound.put_nowait(None)
        if faceless is not None:
            stage.faceless(1, faceless)
        await asyncio.sleep(ends - loop.time())
        playout.clear(1)
        timeline.clear(1)
        for task in tasks:
            task.cancel()
        return stage.sync(1), poses

    sync, poses = run(main())
    assert bool(poses) == watched
    return sync


@pytest.fixture(params=[True, False], ids=["watched", "unwatched"])
def watched(request):
    return request.param


@pytest.fixture
def grain(watched):
    """How exactly the share of missing speech is told: the time between two looks, at both ends of a hole."""
    return 2 / (POSES_PER_SECOND if watched else LOOKS_PER_SECOND) / SECONDS


def test_a_good_face_keeps_with_the_sound(watched):
    sync = perform(SimulatedFace(), watched=watched)
    assert abs(sync.skew) < GOOD
    assert sync.missing < 0.05


@pytest.mark.parametrize("by", [-1.0, -0.3, -0.08, -0.04, 0.04, 0.08, 0.2, 0.5, 1.0])
def test_time_codes_that_are_off_move_the_skew_by_as_much(by, watched, grain):
    sync = perform(shifted(by), watched=watched)
    good = perform(SimulatedFace(), watched=watched)
    assert sync.skew - good.skew == pytest.approx(-by, abs=FRAME)
    wait = max(0.0, -by) / SPEED  # frames for the beginning come when later sound is made
    assert sync.missing == pytest.approx((abs(by) + wait) / SECONDS, abs=grain)


@pytest.mark.parametrize("late", [0.0, 0.2, 0.5, 1.5])
def test_frames_that_arrive_late_are_missed(late, watched, grain):
    sync = perform(PacedFace(lambda: Pace(late + 0.01, 0.0)), watched=watched)
    assert sync.missing == pytest.approx(late / SECONDS, abs=grain), "it catches up at once"


def test_a_face_that_never_catches_up_is_missed_throughout(watched):
    sync = perform(PacedFace(lambda: Pace(1.5, 1.0)), watched=watched)
    assert sync.missing > 0.95
    assert sync.skew is None


@pytest.mark.parametrize("until", [0.5, 2.0, 5.0])
def test_a_stream_that_stops(until, watched, grain):
    sync = perform(only(until=until), watched=watched)
    assert sync.missing == pytest.approx(1 - until / SECONDS, abs=grain)
    assert abs(sync.skew) < GOOD + FRAME


@pytest.mark.parametrize("since", [0.3, 2.0])
def test_first_frames_that_are_lost_look_like_time_codes_that_are_late(since, watched, grain):
    sync = perform(only(since=since), watched=watched)
    assert sync.missing == pytest.approx(since / SECONDS, abs=grain)
    assert sync.skew == pytest.approx(-since, abs=FRAME)


def test_a_hole_in_the_middle_moves_no_lips(watched, grain):
    sync = perform(Spoilt(lambda frame: None if 2.0 < frame.time < 3.5 else frame), watched=watched)
    assert sync.missing == pytest.approx(1.5 / SECONDS, abs=grain)
    assert abs(sync.skew) < GOOD


def test_a_mouth_that_is_frozen(watched, grain):
    assert perform(frozen(), watched=watched).missing > 0.95
    assert perform(frozen(until=2.0), watched=watched).missing == pytest.approx(2.0 / SECONDS, abs=grain)
    assert perform(frozen(1.0, 1.3), watched=watched).missing < 0.05


def test_time_codes_in_milliseconds(watched):
    assert perform(scaled(1000.0), watched=watched).missing > 0.95


@pytest.mark.parametrize(("factor", "worst"), [(2.0, -3.0), (3.0, -4.0)])
def test_time_codes_at_a_wrong_pace(factor, worst, watched):
    sync = perform(scaled(factor), watched=watched)
    assert sync.skew == pytest.approx(0.95 * worst, abs=0.2)


def test_time_codes_at_half_their_pace_leave_half_of_the_speech_without_frames(watched, grain):
    assert perform(scaled(0.5), watched=watched).missing == pytest.approx(0.5, abs=grain)


def test_silence_needs_no_frames(watched, grain):
    pcm = SAMPLES.copy()
    pcm[2 * RATE : 5 * RATE] = 0
    sync = perform(Spoilt(lambda frame: None if 2.1 < frame.time < 4.9 else frame), pcm, watched)
    assert sync.missing < 1.5 * grain
    assert perform(SimulatedFace(), np.zeros_like(SAMPLES), watched) is None


def test_a_reply_that_is_cut_short_is_measured_as_far_as_it_was_heard(watched):
    sync = perform(only(until=1.0), watched=watched, interrupt=2.0)
    assert sync.missing == pytest.approx(0.5, abs=0.1)


def test_a_phrase_that_no_face_was_asked_for_does_not_count(watched, grain):
    assert perform(only(until=2.0), watched=watched, faceless=2.0).missing == pytest.approx(0.0, abs=3 * grain)
    assert perform(only(until=1.0), watched=watched, faceless=2.0).missing == pytest.approx(0.5, abs=3 * grain)


def test_of_what_was_not_heard_nothing_is_said():
    async def main():
        playout, timeline = Playout(RATE, lambda event: None), FaceTimeline()
        return FaceShow(playout, timeline, Performer(timeline, IdleFace()), None).sync(1)

    assert run(main()) is None


@pytest.mark.parametrize("by", [0.0, 0.3, -0.1])
def test_in_a_whole_conversation(by):
    table = Table([Says(1.0, "where is my order")], seconds=25, make_face=lambda delays: shifted(by))
    (ledger,) = table.talk().turns
    assert ledger.lip_skew == pytest.approx(1 / 150 - by, abs=0.01)
