"""What was really heard of the replies that are over, as a remote client acknowledges it, on its way to the history."""

from __future__ import annotations

from nova.history import History
from pipelines.conversation.reply import Reply

REMEMBERED = 4
"""Past generations of which a client may still tell how much it played."""

IN_FLIGHT_SECONDS = 1.0
"""The end of a reply that was on its way to a remote client when all was pulled: taken for heard until it says so."""

ROUNDING_SECONDS = 0.05
"""A client that stops so shortly before the end has played it all: it counts in milliseconds, or in blocks."""


class HeardReplies:
    """What was heard of the replies of one conversation. Samples are of ``rate`` Hz."""

    def __init__(self, history: History, rate: int) -> None:
        self._history = history
        self._rate = rate
        self._acknowledged: dict[int, int] = {}
        self._past: dict[int, Reply] = {}  # those in the history that a client may still correct

    def samples(self, generation: int, pulled: int) -> int:
        """How many of the samples that were pulled were heard: a remote client may have played less."""
        return min(pulled, self._acknowledged.get(generation, pulled))

    def at_the_end(self, generation: int, pulled: int, *, cut_off: bool) -> int:
        """The same of a reply that is over now; unless it was ``cut_off``, its end may still be on its way."""
        samples = self.samples(generation, pulled)
        self._acknowledged.pop(generation, None)
        return pulled if not cut_off and pulled - samples <= IN_FLIGHT_SECONDS * self._rate else samples

    def acknowledge(self, generation: int, samples: int, *, over: bool) -> None:
        """A client has played so many samples of a reply, which may be ``over``."""
        samples = max(0, samples)
        if not over:
            self._acknowledged[generation] = samples
        elif reply := self._past.get(generation):  # it plays later than was pulled: the history follows
            self.record(reply, min(samples, reply.pulled))

    def record(self, reply: Reply, samples: int) -> None:
        """Puts what was heard of it into the history, and keeps the reply in case that is corrected."""
        text = " ".join(filter(None, reply.texts(samples, self._rate)))
        short = reply.pulled - samples > ROUNDING_SECONDS * self._rate
        self._history.assistant(reply.number, text, interrupted=reply.interrupted or short)
        self._past[reply.number] = reply
        if len(self._past) > REMEMBERED:
            del self._past[next(iter(self._past))]
