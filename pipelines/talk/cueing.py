"""When the next soundbite is spoken: once the reply to the one before is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sophia.soundbite import Soundbite

SETTLED_SECONDS = 0.5
"""Quiet after a reply, before the next soundbite is played or the talk ends."""

UNANSWERED_SECONDS = 3.0
"""Quiet after a soundbite that nobody answers, before it counts as not understood."""

LOOK_SECONDS = 0.05
"""Between two looks whether it is quiet."""


async def cue_in_turn(
    source: Soundbite, busy: Callable[[], bool], answers: Callable[[], int], unanswered: Callable[[str], None]
) -> None:
    """Plays the soundbites of ``source`` in turn, and returns after the reply to the last one.

    ``busy`` says whether somebody speaks, or is about to. ``answers`` counts the turns that are over, and
    ``unanswered`` is told of each soundbite that none came of, in a line for people. The first one of a source that is
    held comes once she has said what she has to say first.
    """
    loop = asyncio.get_running_loop()
    if source.held:
        quiet_since = loop.time()
        while loop.time() - quiet_since < SETTLED_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            quiet_since = loop.time() if busy() else quiet_since
        source.cue()
    quiet_since, answered, begun = loop.time(), answers(), 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = loop.time()
        over = len(source.spoken) > begun and now >= (source.spoken[-1].last_voiced or 0.0)
        if busy() or not over:
            quiet_since = now
            continue
        if now - quiet_since < (SETTLED_SECONDS if answers() > answered else UNANSWERED_SECONDS):
            continue
        if answers() == answered:
            unanswered(f"{source.spoken[-1].bite.name}: nothing was understood.")
        if not source.left:
            return
        answered, begun = answers(), len(source.spoken)
        source.cue()
