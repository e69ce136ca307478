"""The user's utterance on the wire, while it is being heard: its item, and the words that are told before it ends.

The protocol cannot take words back. So only words are told on which two hypotheses in a row agree. Clients that asked
for ``sophia.words`` get every hypothesis, and how much of it is sure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.server.realtime.items import Items, voiced
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.wishes import Event
from sophia.utterance import beyond

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_WORD = re.compile(r"\S+")


@dataclass(slots=True)
class Hearing:
    """An utterance that is not over. ``since_ms`` is where it began in the sound that the client sent.

    ``before`` are words that the turn had in an item before this one: the turn was reopened. ``started`` says that
    the client knows of it.
    """

    write: Writer
    items: Items
    item_id: str
    turn: int
    since_ms: float
    before: str = ""
    started: bool = False
    hypothesis: list[str] = field(default_factory=list)
    sure: int = 0
    """Characters of ``text`` on which two hypotheses agree."""
    text: str = ""
    told: str = ""
    """The words that were told as deltas."""

    def start(self) -> list[Event]:
        """Tells the client that speech began, and the words that were heard meanwhile."""
        if self.started:
            return []
        self.started = True
        at = max(0, round(self.since_ms))
        begin = self.write.event("input_audio_buffer.speech_started", item_id=self.item_id, audio_start_ms=at)
        return [begin, *(self._news() if self.text else [])]

    def hear(self, whole: str) -> list[Event]:
        """Takes the words of the turn so far."""
        text = rest(whole.strip(), self.before)
        pieces = _WORD.findall(text)
        agreed = _agreement(self.hypothesis, pieces)
        self.hypothesis, self.text = pieces, text
        self.sure = 0 if not agreed else [word.end() for word in _WORD.finditer(text)][agreed - 1]
        return self._news() if self.started else []

    def finish(self, whole: str, until_ms: float, *, kept: bool) -> list[Event]:
        """The end. ``whole`` are the turn's words by now; unless it is ``kept``, no item comes of it."""
        until = max(0, round(self.since_ms), round(until_ms))
        events = self.start()
        events.append(self.write.event("input_audio_buffer.speech_stopped", item_id=self.item_id, audio_end_ms=until))
        return events + self.commit(whole, until) if kept else events

    def commit(self, whole: str, until: int) -> list[Event]:
        """An item comes of it; ``until`` is where it ends in the client's sound, in ms."""
        previous = self.items.last
        item = voiced(self.item_id, None)
        self.items.put(item)
        events = [
            self.write.event("input_audio_buffer.committed", item_id=self.item_id, previous_item_id=previous),
            self.write.event("conversation.item.added", item=item, previous_item_id=previous),
            self.write.event("conversation.item.done", item=item, previous_item_id=previous),
        ]
        self.text = rest(whole.strip(), self.before)
        self.sure = len(self.text)
        events += self._news()
        self.items.put(voiced(self.item_id, self.text))
        seconds = round((until - max(0.0, self.since_ms)) / 1000, 3)
        completed = self.write.event(
            f"{_TRANSCRIPTION}.completed",
            item_id=self.item_id,
            content_index=0,
            transcript=self.text,
            usage={"type": "duration", "seconds": max(0.0, seconds)},
            sophia={"turn": self.turn},
        )
        return [*events, completed]

    def _news(self) -> list[Event]:
        events = self.write.extra(
            "sophia.transcript", turn=self.turn, item_id=self.item_id, text=self.text, sure=self.sure
        )
        agreed = self.text[: self.sure]
        if len(agreed) > len(self.told) and agreed.startswith(self.told):
            delta, self.told = agreed[len(self.told) :], agreed
            event = self.write.event(f"{_TRANSCRIPTION}.delta", item_id=self.item_id, content_index=0, delta=delta)
            events.insert(0, event)
        return events


def rest(whole: str, before: str) -> str:
    """What of a turn's words does not belong to ``before``, which stood in an earlier item."""
    if not before:
        return whole
    return whole[len(before) :].strip() if whole.startswith(before) else beyond(whole, before)[1]


def _agreement(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count
