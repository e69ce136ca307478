"""What is asked, and when: the same conversations of different lengths in every run, and arrivals at random."""

from __future__ import annotations

import random
from collections.abc import Iterator

from nova.mind import Message

Conversation = tuple[Message, ...]

_QUESTIONS = (
    "Tell me a story.",
    "I would like to hear a story about the sea, please.",
    "Could you tell me a story that I do not know yet, about somebody who lives far away from everybody else?",
    "Before we go on with the rest of the day, which will be a long one as you know, I would like to sit down, have a "
    "cup of tea and listen to a story. It may be about whatever you like, as long as it takes its time.",
)
"""All ask for more text than the tokens that are allowed, so that answers are equally long wherever they come from."""

_BEFORE = (
    ("Hello.", "Hello. It is good to hear you. What can I do for you?"),
    ("How are you today?", "I am well, thank you for asking. I have been looking forward to talking to somebody."),
    ("It has been raining all morning.", "Then it is a good day to stay inside. Shall we do something together?"),
    ("What can you do?", "I can talk about many things, do sums, convert units, tell the time, and tell a story."),
)
"""What may have been said before; the more of it, the longer the prompt."""


class Workload:
    """Conversations by the dozen. The n-th of every :meth:`take` has the same shape, which ``seed`` decides.

    Only a number in the system message tells two of the same shape apart: a server that keeps prefixes of prompts must
    not answer the second client faster because the first has asked the same.
    """

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._listener = 0

    def take(self, count: int) -> list[Conversation]:
        """``count`` conversations that were not asked yet."""
        shapes = random.Random(self.seed)
        return [self._conversation(shapes) for _ in range(count)]

    def arrivals(self, count: int, rate: float) -> Iterator[float]:
        """``count`` instants in seconds from the start, a Poisson process of ``rate`` in the mean for each second."""
        gaps, at = random.Random(self.seed), 0.0
        for _ in range(count):
            at += gaps.expovariate(rate)
            yield at

    def _conversation(self, shapes: random.Random) -> Conversation:
        self._listener += 1
        messages = [Message("system", f"Listener {self._listener:07d}. You are Nova, and you like to tell stories.")]
        for asked, answered in _BEFORE[: shapes.randrange(len(_BEFORE) + 1)]:
            messages += [Message("user", asked), Message("assistant", answered)]
        return (*messages, Message("user", shapes.choice(_QUESTIONS)))
