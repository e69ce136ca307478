"""Soundbites are spoken in turn: each after the reply to the one before, on the virtual clock."""

import asyncio

import numpy as np

from pipelines.talk.cueing import SETTLED_SECONDS, UNANSWERED_SECONDS, cue_in_turn
from pipelines.virtual_time import run
from sophia.soundbite import Bite, Soundbite, SoundbiteSettings

VOICE = np.full(16_000, 8000, np.int16)
SLACK = 0.2


class Talk:
    """Two soundbites, of which those at ``answered`` get a reply of 2 s, begun 1 s after their end."""

    def __init__(self, answered, says_first=0.0):
        settings = SoundbiteSettings(lead_seconds=0, pause_seconds=0, tail_seconds=None, wait_for_cue=True)
        self.source = Soundbite([Bite("one.wav", VOICE), Bite("two.wav", VOICE)], settings)
        self.answered = answered
        self.lines = []
        self.replies = []  # begin and end of each
        self.says_first = says_first  # seconds, of what is a turn, too
        if says_first:
            self.source.hold()

    def busy(self):
        now, spoken = asyncio.get_running_loop().time(), self.source.spoken
        for at, bite in enumerate(spoken):
            if at in self.answered and len(self.replies) == at:
                self.replies.append((bite.last_voiced + 1, bite.last_voiced + 3))
        ends = [bite.last_voiced + 1.5 for bite in spoken]  # she listens, and thinks, for a moment
        return any(now < end for end in [self.says_first, *ends, *(end for _, end in self.replies)])

    async def hold(self):
        async def listen():
            async for _ in self.source.frames():
                pass

        hearing = asyncio.create_task(listen())

        def over():
            ends = [self.says_first] * bool(self.says_first) + [end for _, end in self.replies]
            return sum(end <= asyncio.get_running_loop().time() for end in ends)

        await cue_in_turn(self.source, self.busy, over, self.lines.append)
        hearing.cancel()
        return asyncio.get_running_loop().time()


def test_the_next_one_comes_when_the_reply_is_over_and_the_last_reply_ends_it():
    async def main():
        talk = Talk({0, 1})
        end = await talk.hold()
        second = talk.source.spoken[1]
        assert abs(second.first_voiced - talk.replies[0][1] - SETTLED_SECONDS) < SLACK
        assert abs(end - talk.replies[1][1] - SETTLED_SECONDS) < SLACK
        assert talk.lines == []

    run(main())


def test_one_that_nobody_answers_is_told_of():
    async def main():
        talk = Talk({0})
        end = await talk.hold()
        quiet = talk.source.spoken[-1].last_voiced + 1.5
        assert abs(end - quiet - UNANSWERED_SECONDS) < SLACK
        assert talk.lines == ["two.wav: nothing was understood."]

    run(main())


def test_the_first_one_of_a_held_source_comes_when_she_has_said_what_comes_first():
    async def main():
        talk = Talk(set(), says_first=4.0)
        await talk.hold()
        first, second = talk.source.spoken
        assert abs(first.first_voiced - 4.0 - SETTLED_SECONDS) < SLACK
        assert abs(second.first_voiced - first.last_voiced - 1.5 - UNANSWERED_SECONDS) < SLACK
        assert talk.lines == [f"{name}.wav: nothing was understood." for name in ("one", "two")]

    run(main())
