"""Her voice comes back through a room into her own ears: she must not interrupt herself. On the virtual clock."""

from pathlib import Path

import numpy as np
import pytest
from open_room import in_the_room
from table import Table

from pipelines.simulation.exact import Says, SimulatedVoice
from pipelines.telemetry.ledger import Outcome
from sophia.audio import EAR_RATE
from sophia.decisions import Duck, Interrupt, Pause, Reopen
from sophia.echo import EchoCanceller
from sophia.half_duplex import HalfDuplexGuard
from sophia.wav import read_wav

SPEECH = read_wav(Path(__file__).parents[1] / "data" / "where_is_my_order.wav").pcm


class SpeakingVoice(SimulatedVoice):
    """Says everything in a voice that a detector takes for one."""

    def __init__(self, delays):
        super().__init__(delays, rate=EAR_RATE)
        self._tone = np.tile(SPEECH, 12)


def converse(guard, script, seconds=22, delay=0.06):
    table = Table(script, seconds=seconds, make_voice=SpeakingVoice)
    in_the_room(table, seconds + 20, delay)
    table.echo = guard
    table.notes.played = lambda pcm, time: table.user.played(pcm, time)  # noqa: PLW0108 - there is no user yet
    table.talk()
    return table.notes


QUESTION = Says(1.0, "where is my order", pcm=SPEECH)
OVER_HERS = (Duck, Pause, Interrupt, Reopen)


@pytest.mark.parametrize("delay", [0.03, 0.06, 0.25])
@pytest.mark.parametrize("guard", [HalfDuplexGuard, EchoCanceller])
def test_on_open_speakers_she_never_interrupts_herself(guard, delay):
    notes = converse(guard(), [QUESTION], delay=delay)
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.REPLIED]
    assert not [decision for decision in notes.decisions if isinstance(decision, OVER_HERS)]


def test_without_a_guard_she_would():
    notes = converse(None, [QUESTION])
    assert [decision for decision in notes.decisions if isinstance(decision, OVER_HERS)]


def test_with_echo_cancelled_the_user_still_can():
    loud = np.clip(SPEECH.astype(float) * 2, -32768, 32767).astype(np.int16)
    notes = converse(EchoCanceller(), [QUESTION, Says(8.0, "no stop that now", pcm=loud)])
    assert notes.turns[0].outcome is Outcome.INTERRUPTED
