"""A microphone or a loudspeaker is lost in the middle of a conversation, and it goes on. On the virtual clock."""

import asyncio

from table import Table

from pipelines.conversation.events import DeviceBack, DeviceLost
from pipelines.simulation.exact import Says, SimulatedUser
from pipelines.telemetry.ledger import Outcome
from sophia.microphone import MicrophoneLost
from sophia.returning import ReturningMicrophone, ReturningSink
from sophia.sinks import NullSink, SinkError


class Blip(SimulatedUser):
    """A user whose microphone falls silent once, after so many frames; then it gives the rest of the script."""

    after = 1500
    _given = None

    async def frames(self):
        self._given = self._given or super().frames()
        count = 0
        async for frame in self._given:
            count += 1
            if count == self.after:
                self.after = -1
                raise MicrophoneLost("the microphone stopped; was it unplugged?")
            yield frame


def told(notes):
    devices = [event for event in notes.happened if isinstance(event, DeviceLost | DeviceBack)]
    return [(type(event).__name__, event.service) for event in devices]


def test_a_microphone_that_is_gone_for_a_second_does_not_end_the_conversation():
    table = Table([Says(1.0, "where is my order"), Says(40, "are you there")], seconds=60)

    class Returning(ReturningMicrophone):
        def __init__(self, script, seconds):
            self.user = Blip(script, seconds)
            loop = asyncio.get_running_loop()

            def tell(kind, **more):
                table.conversation.tell(kind(at=loop.time(), service="microphone", **more))

            super().__init__(
                lambda: self.user, 300.0, lambda error: tell(DeviceLost, error=error), lambda: tell(DeviceBack)
            )

        @property
        def started(self):
            return self.user.started

        def ended_in(self, frame):
            return self.user.ended_in(frame)

    table.make_user = Returning
    notes = table.talk()
    assert table.error is None
    assert [turn.user for turn in notes.turns] == ["where is my order", "are you there"]
    assert told(notes) == [("DeviceLost", "microphone"), ("DeviceBack", "microphone")]


def test_while_the_loudspeaker_is_gone_nothing_counts_as_heard():
    lost_at, cards = 5.0, []

    class Card(NullSink):
        def __init__(self):
            super().__init__()
            self.underflows = 1
            self.opened = asyncio.Event()
            cards.append(self)

        async def run(self, playout):
            if 1 < len(cards) < 5:
                raise SinkError("no sound card to play on")
            self.opened.set()
            try:
                async with asyncio.timeout_at(lost_at if len(cards) == 1 else None):
                    await super().run(playout)
            except TimeoutError:
                raise SinkError("the sound card stopped; was it unplugged?") from None

    table = Table([Says(1.0, "where is my order"), Says(20.0, "are you there")], seconds=40)

    def make_sink():
        def tell(kind, **more):
            table.conversation.tell(kind(at=asyncio.get_running_loop().time(), service="speaker", **more))

        return ReturningSink(
            Card, 300.0, lambda error: tell(DeviceLost, error=error), lambda: tell(DeviceBack), lambda error: None
        )

    table.make_sink = make_sink
    notes = table.talk()
    assert table.error is None
    assert told(notes) == [("DeviceLost", "speaker"), ("DeviceBack", "speaker")]
    first, second = notes.turns
    assert first.outcome is Outcome.REPLIED
    assert first.heard
    assert len(first.heard) < len(first.reply) / 2  # she was heard for a second of ten
    assert second.heard == second.reply.rstrip()
    assert first.heard.split()[-1] in table.mind.calls[-1][-2].content.rstrip(" .…")
