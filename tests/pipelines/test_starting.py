"""She says that she is listening when she is: with a word and a soft sound, and not before. On the virtual clock."""

import io

import numpy as np
import pytest
from open_room import in_the_room
from table import Table

from pipelines.conversation.events import Listening
from pipelines.simulation.exact import Says, SimulatedRecognizer, SimulatedUser
from pipelines.telemetry.ledger import Outcome
from pipelines.terminal.display import HEARS, State
from pipelines.terminal.observer import Shown
from pipelines.terminal.plain import PlainDisplay
from pipelines.terminal.screen import View
from sophia.audio import EAR_RATE, dbfs
from sophia.cue import cue
from sophia.half_duplex import HalfDuplexGuard
from sophia.vad import VoiceStarted

RATE = 24_000
ORDER = Says(5.0, "where is my order")


def opens_after(seconds):
    """A recogniser whose stream is open so long after the start."""

    class Slow(SimulatedRecognizer):
        def __init__(self, user, delays, stable_first):
            super().__init__(user, delays, stable_first)
            self.listening = False
            self._loop.call_later(seconds, setattr, self, "listening", True)

    return Slow


class LateMicrophone(SimulatedUser):
    """One that delivers nothing in its first three seconds."""

    def __init__(self, script, seconds):
        super().__init__(script, seconds, phase=3.0)


def told(notes):
    return [event.at - notes.start for event in notes.happened if isinstance(event, Listening)]


@pytest.mark.parametrize("seconds", [0.0, 2.3, 4.0])
def test_she_is_listening_once_the_recogniser_has_a_stream(seconds):
    notes = Table([ORDER], make_recognizer=opens_after(seconds)).talk()
    assert told(notes) == [pytest.approx(seconds, abs=0.041)]
    assert [turn.outcome for turn in notes.turns] == [Outcome.REPLIED]


def test_she_is_not_listening_before_the_microphone_delivers():
    notes = Table([ORDER], make_user=LateMicrophone).talk()
    assert told(notes) == [pytest.approx(3.0, abs=0.041)]


def test_the_cue_is_a_short_soft_sound_at_that_moment_and_no_turn():
    notes = Table([ORDER], cue=cue(RATE), make_recognizer=opens_after(2.0)).talk()
    before = [(time, pcm) for time, pcm in notes.blocks if time < notes.start + 4 and pcm.any()]
    assert before[0][0] - notes.start == pytest.approx(2.0, abs=0.05)
    assert before[-1][0] - before[0][0] < 0.2
    assert -45 < dbfs(np.concatenate([pcm for _, pcm in before])) < -30
    assert [ledger.turn for ledger in notes.ledgers] == [1]
    assert [turn.outcome for turn in notes.turns] == [Outcome.REPLIED]


def test_without_a_cue_nothing_sounds():
    notes = Table([ORDER]).talk()
    assert not [time for time, pcm in notes.blocks if time < notes.start + 5 and pcm.any()]


@pytest.mark.parametrize("guard", [None, HalfDuplexGuard])
def test_the_cue_is_not_taken_for_the_user_and_does_not_close_the_ear(guard):
    """Through the room into the microphone, past Silero."""
    table = Table([], seconds=4, cue=cue(RATE))
    in_the_room(table, 30)
    table.echo = guard() if guard else None
    heard = []

    def played(pcm, time):
        table.user.played(np.interp(np.arange(0, len(pcm), RATE / EAR_RATE), np.arange(len(pcm)), pcm), time)

    table.notes.played = played
    table.notes.listened = lambda frame: heard.append(frame.pcm)
    notes = table.talk()
    assert not [event for event in notes.happened if isinstance(event, VoiceStarted)]
    assert max(np.abs(pcm).max() for pcm in heard[:25]) > 100  # it came back through the room
    assert all(pcm.any() for pcm in heard)  # and no frame was silenced


def test_the_screen_says_starting_until_then():
    assert View().state == State.STARTING
    stream = io.StringIO()
    display = PlainDisplay(stream)
    shown = Shown(display, {})
    shown.told(Listening(at=1.0))
    display.close()
    assert stream.getvalue() == HEARS + "\n"
