"""What devices and streams lose is in the ledger of the turn, or of the next one, and told at once."""

from __future__ import annotations

import pytest
from table import Table

from pipelines.conversation.events import Lost
from pipelines.simulation.exact import Says, SimulatedRecognizer, SimulatedUser
from pipelines.telemetry.ledger import LOSSES, Count
from sophia.sinks import FallbackSink, NullSink

ORDER = Says(1.0, "where is my order")
AGAIN = Says(18.0, "where is my order")


def lossy(what, at, by):
    """A source, a recogniser and a sink one of which loses ``by`` at ``at`` seconds."""

    class User(SimulatedUser):
        async def frames(self):
            async for frame in super().frames():
                late = frame.time - self.started >= at
                self.overflows = by if what is Count.OVERFLOWS and late else 0
                Sink.underflows = by if what is Count.UNDERFLOWS and late else 0
                Recognizer.lost = by if late else 0
                yield frame

    class Recognizer(SimulatedRecognizer):
        lost = 0

        def push(self, frame):
            super().push(frame)
            if what is Count.DROPPED_FRAMES:
                self.dropped = self.lost
            if what is Count.REOPENED_STREAMS:
                self.reopened = self.lost

    class Sink(NullSink):
        underflows = 0

    return {"make_user": User, "make_recognizer": Recognizer, "make_sink": Sink}


@pytest.mark.parametrize("what", LOSSES)
@pytest.mark.parametrize(("at", "turn"), [(1.2, 0), (0.2, 0), (17.0, 1), (18.3, 1)])
def test_a_loss_is_in_the_ledger_of_its_turn_or_of_the_next(what, at, turn):
    table = Table([ORDER, AGAIN], seconds=34, **lossy(what, at, 7))
    notes = table.talk()
    assert [ledger.counts[what] for ledger in notes.turns] == [7 * (number == turn) for number in range(2)]
    (lost,) = (event for event in notes.happened if isinstance(event, Lost))
    assert (lost.what, lost.by) == (what, 7)
    assert lost.at - notes.start == pytest.approx(at, abs=0.15)
    others = [ledger.counts[other] for ledger in notes.turns for other in LOSSES if other is not what]
    assert not any(others)


@pytest.mark.parametrize("what", LOSSES)
def test_a_loss_after_the_last_turn_is_still_told(what):
    table = Table([], seconds=0.05, **lossy(what, 0.02, 3))
    notes = table.talk()
    assert [(event.what, event.by) for event in notes.happened if isinstance(event, Lost)] == [(what, 3)]


def test_a_sink_that_died_keeps_its_count():
    class Card(NullSink):
        underflows = 4

    assert FallbackSink(Card(), print).underflows == 4
