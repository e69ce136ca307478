"""How much of a reply's sound went out, and with it which words; where a client stands in it. Pure.

A client counts all the sound that it got. After a rewind some of it was sent twice, so its count and the position in
the reply's own sound pull apart; both are known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from sophia.heard import TimedWord

SEAM_SECONDS = 0.005
"""A block that begins so near the end of the last one follows it: positions are rounded when rates are changed."""


class Delivered:
    """One reply's sound and words. Positions are samples at ``rate`` Hz.

    ``top`` is the furthest sample that went out, ``client_ms`` the sound that the client got, ``text`` the words that
    were sent with it. ``played`` is the sample up to which the client says that it has played, if it says so.
    """

    def __init__(self, rate: int) -> None:
        self.top = 0
        self.client_ms = 0.0
        self.text = ""
        self.played: int | None = None
        self.rate = rate
        self._words: list[TimedWord] = []
        self._sent = 0
        self._cursor: float | None = None
        self._stretches: list[tuple[float, int]] = []  # what the client had got, and the sample that went out then

    @property
    def cursor_ms(self) -> float:
        """The position of the next sample, in ms of the reply's sound."""
        return (self._cursor or 0.0) * 1000 / self.rate

    @property
    def heard_ms(self) -> float:
        """What was heard by now as far as anybody knows, in ms of the reply's sound."""
        return (self.top if self.played is None else min(self.played, self.top)) * 1000 / self.rate

    def restart(self) -> None:
        """Another generation goes on in this one's place; of this one nothing was heard."""
        self._words, self._sent, self._cursor, self._stretches = [], 0, None, []
        self.top, self.played = 0, None

    def add(self, words: Sequence[TimedWord]) -> None:
        """Words that were, or will be, spoken."""
        self._words += words

    def deliver(self, first: int, seconds: float) -> None:
        """Sound goes out, from sample ``first`` on."""
        if self._cursor is None or abs(first - self._cursor) > SEAM_SECONDS * self.rate:
            self._stretches.append((self.client_ms, first))
            self._cursor = first
        self._cursor += seconds * self.rate
        self.client_ms += seconds * 1000
        self.top = max(self.top, round(self._cursor))

    def due(self) -> str:
        """The words whose sound went out by more than half and that were not sent yet; they count as sent now."""
        return self._send(self._heard(self.top))

    def rest(self) -> str:
        """All words that were not sent yet; they count as sent now."""
        return self._send(len(self._words))

    def position(self, client_ms: float) -> int:
        """The sample at which a client is that has played so much of what it got; never beyond :attr:`top`."""
        at = bisect_right(self._stretches, client_ms, key=lambda stretch: stretch[0]) - 1
        if at < 0:
            return 0
        since, first = self._stretches[at]
        return min(first + round((client_ms - since) * self.rate / 1000), self.top)

    def heard(self, sample: int) -> str:
        """The words that were heard when ``sample`` samples were played."""
        return "".join(word.text for word in self._words[: self._heard(sample)])

    def _heard(self, sample: int) -> int:
        """How many words lie before ``sample`` by more than half."""
        return bisect_right(self._words, 2 * sample, key=lambda word: word.start + word.end)

    def _send(self, count: int) -> str:
        text = "".join(word.text for word in self._words[self._sent : count])
        self._sent = max(self._sent, count)
        self.text += text
        return text
