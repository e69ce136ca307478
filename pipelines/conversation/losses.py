"""What devices and streams lose: their own counters, told as events when they have risen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipelines.conversation.events import Lost
from pipelines.telemetry.ledger import Count
from sophia.audio import AudioSource
from sophia.sinks import Sink
from sophia.transcripts import Recognizer

COUNTERS: Final = {
    Count.OVERFLOWS: ("source", "overflows"),
    Count.DROPPED_FRAMES: ("asr", "dropped"),
    Count.REOPENED_STREAMS: ("asr", "reopened"),
    Count.UNDERFLOWS: ("sink", "underflows"),
}
"""Who counts what, and under which name."""


class Losses:
    """The counters of a conversation's parts, looked at now and then. A part that loses nothing need not have any."""

    def __init__(self, source: AudioSource, asr: Recognizer, sink: Sink) -> None:
        self._parts = {"source": source, "asr": asr, "sink": sink}
        self._known = self._read()

    def since_the_last_look(self, at: float) -> Iterator[Lost]:
        """An event for each counter that has risen; ``at`` is now."""
        now = self._read()
        for what, count in now.items():
            if count > self._known[what]:
                yield Lost(at=at, what=what, by=count - self._known[what])
        self._known = now

    def _read(self) -> dict[Count, int]:
        return {what: getattr(self._parts[part], name, 0) for what, (part, name) in COUNTERS.items()}
