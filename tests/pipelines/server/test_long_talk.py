"""Long talks on the virtual clock: a reply of ten minutes, and talks after which nothing has grown."""

import asyncio
import gc
from types import SimpleNamespace

import pytest
from line import RATE, Line
from table import TOKENS

from pipelines.server.outbox import MOST_EVENTS
from pipelines.server.realtime.schema import EXTENSIONS
from pipelines.server.realtime.state import TURNS
from pipelines.server.realtime.wire import Wire
from pipelines.server.watch import Hub
from pipelines.simulation.exact import Says
from pipelines.virtual_time import run

SENTENCE = "One more word of a story that goes on and on, and does not end. "


class Page:
    """Watches a hub, as a watcher does, and keeps what it is sent."""

    def __init__(self):
        self.wire = Wire(began=0.0, voice_rate=RATE, watch=True, extensions=EXTENSIONS)
        self.events = []

    def tell(self, telling):
        self.events += telling(self.wire)

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]


async def talked(line, seconds, visit=None):
    """Holds the talk; ``visit`` is called ``seconds`` after its beginning."""
    work = [asyncio.create_task(line.remote.run()), asyncio.create_task(line.talk.run(line))]
    if visit:
        line.loop.call_later(seconds, visit)
    await line.speak()
    line.end(None)
    await work[1]
    line.reports.close()
    work[0].cancel()


@pytest.mark.parametrize("seconds", [150])
def test_a_page_that_joins_a_long_reply_is_told_no_more_than_it_can_take(seconds):
    """In proportion: ten minutes are a third of what may wait for a page."""
    early, late, joined = Page(), Page(), SimpleNamespace()

    async def main():
        hub = Hub(RATE)
        hub.join(early)

        def join():
            hub.join(late)
            joined.events = len(late.events)

        story = [f"{word} " for word in (SENTENCE * seconds).split()][: round(seconds / 0.3)]
        line = Line([Says(1.0, "tell me a story")], seconds + 20, tokens=story, watched_by=hub)
        await talked(line, seconds - 2, join)
        return line

    line = run(main())
    assert [event["outcome"] for event in line.of("sophia.turn.ledger")] == ["replied"]
    assert line.remote.samples(0)[0][1] > (seconds - 5) * RATE
    assert joined.events / seconds < MOST_EVENTS / 3 / 600
    for kind in ("response.output_audio_transcript.done", "sophia.turn.ledger"):
        (one,), (other,) = early.of(kind), late.of(kind)
        assert one.get("transcript") == other.get("transcript")
        assert one.get("heard") == other.get("heard")
    frames = [sum(event["count"] for event in page.of("sophia.face.frames")) for page in (early, late)]
    assert frames[0] == frames[1] > 25 * seconds


def test_a_turn_that_began_where_nobody_could_watch_is_remembered_for_nobody():
    """The talk of another becomes the newest one, and so the one that is watched."""
    late, seen = Page(), SimpleNamespace(newest=False)

    async def main():
        hub = Hub(RATE, watchable=lambda: seen.newest)

        def join():
            seen.phase = line.talk.session.phase
            seen.newest = True
            hub.join(late)
            seen.at_first = [event["type"] for event in late.events]

        story = [f"{word} " for word in (SENTENCE * 5).split()]
        line = Line([Says(1.0, "tell me a story"), Says(40.0, "and another")], 80, tokens=story, watched_by=hub)
        await talked(line, 8, join)
        return line

    line = run(main())
    assert (seen.phase, seen.at_first) == ("speaking", ["sophia.floor"])
    second = line.of("sophia.turn.ledger")[-1]
    assert late.of("sophia.turn.ledger")[-1]["marks"] == second["marks"]
    assert late.of("response.output_audio_transcript.done")[-1]["transcript"] == second["heard"]
    assert late.of("sophia.face.frames")


def sizes(line):
    """How much is kept of a talk, by part."""
    talk = line.talk
    wire = talk.wire
    conversation = talk.session._conversation
    return {
        "items": len(wire._state.items._order),
        "turns": len(wire._state.turns),
        "past": len(wire._answers._past),
        "made": len(wire._answers._made),
        "marks": len(wire._extras._marks),
        "expected": len(wire._requests._questions.expected),
        "open": wire._extras._book.open + conversation._book.open,
        "sent": len(talk._sink._sent),
        "places": len(talk._source._places),
        "replies": len(conversation._replies._replies) + len(conversation._replies._heard._past),
    }


@pytest.mark.parametrize("minutes", [6])
def test_a_long_talk_keeps_no_more_than_a_short_one(minutes):
    kept, objects = [], []

    async def main():
        script = [Says(1.0 + 15 * turn, "where is my order") for turn in range(4 * minutes)]
        line = Line(script, 60 * minutes, tokens=TOKENS[:12])

        def look():
            line.events.clear()
            line.remote.heard.clear()
            gc.collect()
            kept.append(sizes(line))
            objects.append(len(gc.get_objects()))

        for minute in range(1, minutes + 1):
            line.loop.call_later(60 * minute - 2, look)
        await talked(line, 0)

    run(main())
    for name in kept[0]:
        assert name == "items" or kept[-1][name] <= max(TURNS, kept[1][name] + 2), name
    per_turn = (objects[-1] - objects[1]) / (4 * (minutes - 2))
    assert per_turn < 60, "items are kept, up to a bound, and a line of history; nothing else"
