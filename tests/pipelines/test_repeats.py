"""What breaks again and again is one line a kind and minute, and nothing of it is kept for ever."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table import Table

from aurora.errors import FaceError
from nova.errors import MindTimeout, ModelError
from pipelines.conversation.events import Failed, Retrying
from pipelines.simulation.exact import Says, SimulatedFace
from pipelines.terminal.display import SilentDisplay
from pipelines.terminal.observer import Shown
from pipelines.terminal.repeats import QUIET_SECONDS
from sophia.events import Stopped


class Told(SilentDisplay):
    """The lines that a user was shown."""

    def __init__(self):
        self.lines = []

    def error(self, failure_line, hint=""):
        self.lines.append(failure_line)

    def notice(self, line):
        self.lines.append(line)


def failed(at, error=None, service="face", **more):
    return Failed(at=at, service=service, error=error or ModelError("it broke"), **more)


def test_a_failure_of_each_turn_is_told_once_a_minute_and_counted():
    told = Told()
    shown = Shown(told, {})
    for turn in range(9):
        shown.told(failed(15.0 * turn))
    assert told.lines == ["It broke.", "It broke. (3 more times in a minute.)", "It broke. (4 more times in a minute.)"]


def test_kinds_services_and_retries_are_told_apart():
    told = Told()
    shown = Shown(told, {})
    for _ in range(3):
        shown.told(failed(1.0))
        shown.told(failed(1.0, service="tts"))
        shown.told(failed(1.0, MindTimeout("it is silent")))
        shown.told(Retrying(at=1.0, service="face", error=ModelError("it broke"), seconds=1.0))
    assert sorted(told.lines) == ["It broke.", "It broke.", "It broke. Trying again.", "It is silent."]


def test_what_is_kept_back_when_the_conversation_ends_is_told():
    told = Told()
    shown = Shown(told, {})
    for at in (1.0, 5.0, 9.0):
        shown.told(failed(at))
    shown.told(Stopped(at=10.0))
    assert told.lines == ["It broke.", "It broke. (2 more times.)"]


def test_what_ends_the_conversation_is_always_told():
    told = Told()
    shown = Shown(told, {})
    shown.told(failed(1.0))
    shown.told(failed(2.0, fatal=True))
    assert told.lines == ["It broke.", "It broke."]


@given(
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from(["asr", "tts"]), st.booleans()), max_size=60),
    st.booleans(),
)
def test_every_failure_is_in_a_line_or_counted_and_lines_are_few(steps, stops):
    told = Told()
    shown = Shown(told, {})
    at, failures = 0.0, 0
    for gap, service, silent in steps:
        at += gap
        shown.told(failed(at, MindTimeout("silent") if silent else None, service))
        failures += 1
    if stops:
        for _ in range(2):  # it may be stopped by two
            shown.told(Stopped(at=at))
    else:
        shown.told(failed(at + 2 * QUIET_SECONDS, service="llm"))  # anything: it lets what was kept back be told
        told.lines.pop()
    counts = [int(line.rpartition("(")[2].split()[0]) for line in told.lines if " more time" in line]
    plain = [line for line in told.lines if " more time" not in line]
    assert len(plain) + sum(counts) == failures
    assert len(told.lines) <= 4 * (2 + at / QUIET_SECONDS)


class BrokenFace(SimulatedFace):
    errors: list

    async def animate(self, sound, rate, moods=None):
        async for frame in super().animate(sound, rate, moods):
            yield frame
            error = FaceError("face service refused")
            type(self).errors.append(weakref.ref(error))
            raise error


@pytest.mark.parametrize("turns", [12])
def test_no_error_is_kept_with_its_frames(turns):
    BrokenFace.errors = []
    table = Table(
        [Says(1.0 + 15 * turn, "where is my order") for turn in range(turns)], seconds=15 * turns, make_face=BrokenFace
    )
    told = Told()
    table.observers = [Shown(told, {})]
    notes = table.talk()
    assert len(BrokenFace.errors) == turns
    assert [fault.count for ledger in notes.turns for fault in ledger.faults] == [1] * turns
    notes.happened.clear()
    notes.faults.clear()
    gc.collect()
    assert sum(error() is not None for error in BrokenFace.errors) <= 4  # those of replies that may still be corrected
