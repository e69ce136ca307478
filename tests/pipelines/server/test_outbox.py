"""What waits for one client: in order, bounded by sound and by number, and never waited for."""

import asyncio

from pipelines.server.outbox import MOST_EVENTS, MOST_SOUND, Outbox
from pipelines.virtual_time import run


def event(kind, number=0):
    return {"type": kind, "number": number}


async def take(box, count):
    return [await box.get() for _ in range(count)]


def test_events_leave_in_order_and_sound_is_counted():
    box = Outbox()
    assert box.put([event("a", 1), event("b", 2)], 0.5)
    assert box.put([event("c", 3)], 0.25)
    assert (len(box), box.sound) == (3, 0.75)
    assert [one["number"] for one in run(take(box, 3))] == [1, 2, 3]
    assert (len(box), box.sound) == (0, 0.0)


def test_what_tells_of_this_moment_is_replaced():
    box = Outbox()
    for number in range(5):
        box.put([event("sophia.levels", number), event("a", number)])
        box.put([event("sophia.playout.position", number)])
    assert len(box) == 7
    left = run(take(box, 7))
    assert [one["number"] for one in left if one["type"] == "a"] == [0, 1, 2, 3, 4]
    assert [one for one in left if one["type"] != "a"] == [
        event("sophia.levels", 4),
        event("sophia.playout.position", 4),
    ]


def test_too_much_sound_is_too_much():
    box = Outbox()
    for _ in range(round(MOST_SOUND / 0.02) - 1):
        assert box.put([event("a")], 0.02)
    assert not box.put([event("a")], 0.05)
    assert box.overfull
    assert len(box) == 0, "what nobody takes is not kept"


def test_words_fit_where_sound_does_not_wait():
    box = Outbox()
    for number in range(MOST_EVENTS):
        assert box.put([event("a", number)])
    assert not box.put([event("a")])


def test_who_waits_is_woken():
    async def scenario():
        box = Outbox()
        waiting = asyncio.create_task(box.get())
        await asyncio.sleep(1)
        box.put([event("sophia.levels", 7)])
        return await waiting

    assert run(scenario()) == event("sophia.levels", 7)
