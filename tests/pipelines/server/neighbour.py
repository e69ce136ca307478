"""Somebody who writes or speaks to her beside others, and sees to it that each spoken answer comes out whole."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from pathlib import Path

from lab import ANSWER, HEARD
from page_client import RATE, page

from sophia.wav import read_wav

QUESTION = read_wav(Path(__file__).parents[3] / "pipelines/soundbites/02_what_time.wav", 16_000).pcm

PATIENCE = 50.0
"""Seconds for a turn, on a machine with much else to do."""


class Neighbour:
    """A page; ``turns`` counts those that were whole."""

    def __init__(self, one, *, speaks=False):
        self.one = one
        self.turns = 0
        self._speaks = speaks

    async def turn(self):
        """Asks, and looks at all that came of it."""
        one, before = self.one, len(self.one.events)
        self.turns += 1
        if self._speaks:
            one.speak(QUESTION)  # the lab hears the same words whatever is said
        else:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HEARD}]}
            await one.say({"type": "conversation.item.create", "item": item})
            await one.say({"type": "response.create"})
        ledger = await one.wait("sophia.turn.ledger", self.turns, seconds=PATIENCE)
        await one.wait("response.done", self.turns, seconds=PATIENCE)
        assert (ledger["outcome"], ledger["user"]) == ("replied", HEARD), ledger
        events = one.events[before:]
        (done,) = [event for event in events if event["type"] == "response.done"]
        (item,) = done["response"]["output"]
        assert (done["response"]["status"], item["content"][0]["transcript"]) == ("completed", ANSWER)
        place = 0.0  # in ms: nothing of her voice is missing, and nothing comes twice
        for event in events:
            if event["type"] == "response.output_audio.delta":
                assert abs(event["sophia"]["audio_start_ms"] - place) < 1.0
                place += len(base64.b64decode(event["delta"])) / 2 * 1000 / RATE
        assert place > 500
        assert not [event for event in events if event["type"] == "error"]


@asynccontextmanager
async def neighbour(client, url, *, speaks=False):
    """One who has had a turn already, and has another one at the end."""
    async with page(client, url, microphone=speaks) as one:
        found = Neighbour(one, speaks=speaks)
        await found.turn()
        yield found
        await found.turn()
