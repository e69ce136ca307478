"""Recorded conversations in which something goes wrong at known times: the user, or a service, is made to do it.

What is planted is what happens, not what a ledger says of it: a model that is slow, a user who goes on.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from table import Notes, Table

from pipelines.conversation.events import TextTyped
from pipelines.simulation.exact import Delays, Says, SimulatedMind, SimulatedRecognizer
from pipelines.simulation.paced import Answer
from pipelines.takes import writer
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.provenance import Provenance
from pipelines.virtual_time import run

EVERY = 9.0
"""Seconds from one line of the user's to the next."""

REPLY = ["It ", "left ", "this ", "morning ", "and ", "is ", "nearly ", "there."]
SLOW = 1.6
THINGS = (
    "red lamp",
    "blue table",
    "old piano",
    "garden hose",
    "winter coat",
    "silver kettle",
    "road bike",
    "tall mirror",
)
PLACES = ("kitchen", "cellar", "office", "hallway", "attic", "garage", "nursery", "studio")


class Moody(SimulatedMind):
    """Takes longer, or fails, where it is asked about certain things."""

    def __init__(self, tokens, delays):
        super().__init__(tokens, delays)
        self._answer = self.patient

    def patient(self, messages):
        asked = messages[-1].content
        first = 4.0 if "wait" in asked else SLOW if "slowly" in asked else 0.12
        return Answer(REPLY, first, lambda: 0.015)

    async def reply(self, messages, *offered):
        async for token in super().reply(messages, *offered):
            if "broken" in messages[-1].content:
                raise RuntimeError("the model ran out of memory")
            yield token


class Unsure(SimulatedRecognizer):
    """Settles on something else than it says in the end."""

    async def transcripts(self):
        async for heard in super().transcripts():
            yield (
                replace(heard, text=heard.text.replace("copper", "cobbler"))
                if heard.stable and "copper" in heard.text
                else heard
            )


@dataclass
class Planted:
    """A take, and which kind of trouble began at which second of it."""

    folder: object
    conversation: str
    began: float = 0.0
    troubles: dict = field(default_factory=dict)
    calm: list = field(default_factory=list)


def plant(folder, number, kinds, consent="sound", site="lab"):
    """Records a conversation: an ordinary turn, then each of ``kinds``, with an ordinary turn after it."""
    planted, spread = Planted(folder, f"{number:032x}"), (number % 5) / 5
    script, events, at = [], [], 1.0

    def says(text, **more):
        script.append(Says(at, text, **more))

    for place, kind in enumerate([None, *(turn for trouble in kinds for turn in (trouble, None))]):
        thing, room = THINGS[(number + place) % len(THINGS)], PLACES[(3 * number + place) % len(PLACES)]
        text = f"where is the {thing} of the {room}"
        if kind is None:
            planted.calm.append(at)
        else:
            planted.troubles[at] = kind
        match kind:
            case "cutoff":
                says(text)
                script.append(Says(at + 1.1 + 1.6 * spread, "and the little shelf beside it"))
            case "wait":
                says(f"how long must i wait for the {thing}")
            case "slow":
                says(f"why does the {thing} come so slowly")
            case "fault":
                says(f"is the {thing} broken in the {room}")
            case "reprompt":
                says("", seconds=0.9)
            case "misheard":
                says(f"where is the copper pot of the {room}")
            case "repeated":
                says(text)
                at += EVERY
                says(text)
            case "interrupted":
                says(text)
                events.append((at + 1.0 + 0.8 * spread, lambda now: TextTyped(at=now, text="stop that please")))
            case _:
                says(text)
        at += EVERY
    table = Table(script, seconds=at + 4, delays=Delays(), stable_first=0.24, make_mind=Moody, make_recognizer=Unsure)
    table.tokens, table.events = REPLY, events
    planted.began = _record(
        table,
        folder,
        Provenance(planted.conversation, datetime(2026, 11, 30, 12, tzinfo=UTC), 0.0, consent=consent, site=site),
    )
    return planted


class _Recorded(Notes):
    take = None

    def told(self, happening):
        super().told(happening)
        self.take.told(happening)

    def listened(self, frame):
        self.take.listened(frame)


def _record(table, folder, provenance):
    async def talk():
        start = asyncio.get_running_loop().time()
        table.notes = _Recorded()
        table.notes.take = TakeWriter(
            folder, {}, start=start, reply_rate=24_000, provenance=replace(provenance, loop_time=start)
        )
        await table._talk()

    room, writer.MOST_WAITING = writer.MOST_WAITING, 1_000_000  # virtual seconds are faster than a disk
    try:
        run(talk())
    finally:
        writer.MOST_WAITING = room
    table.notes.take._waiting.put(None)  # the writer is a real thread; the loop that could wait for it is over
    table.notes.take._thread.join(30)
    return table.notes.start
