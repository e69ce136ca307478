"""The life of one response: created, filled with sound and words, ended by exactly one ``response.done``. Pure.

Each ``added`` is followed by its ``done``, however the response ends, and nothing comes after the end. It is bound to
a generation, but outlives it: a reply that is made again before anything of it was heard goes on in the same response.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.server.realtime.delivered import Delivered
from pipelines.server.realtime.formats import Format
from pipelines.server.realtime.items import Item, Items, spoken
from pipelines.server.realtime.orders import Ordered
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.wishes import Event
from sophia.heard import TimedWord

Status = Literal["completed", "cancelled", "failed"]
Reason = Literal["turn_detected", "client_cancelled"]

BYTES_A_SAMPLE = 2


@dataclass(slots=True)
class Response:
    """A response that is not over, until :meth:`end`.

    ``generation`` is 0 while its reply is being made again. ``asks``: it asks the user to say it again.
    """

    write: Writer
    items: Items
    id: str
    item_id: str
    conversation_id: str
    generation: int
    turn: int
    output: dict[str, Any]
    delivered: Delivered
    order: Ordered = field(default_factory=Ordered)
    asks: bool = False
    status: Status | None = None
    """How it ended; None while it runs."""
    apologised: bool = False
    failure: tuple[str, str] | None = None
    """The service that failed in it, and a line for people."""

    def begin(self) -> list[Event]:
        """Everything that stands before the first sound."""
        item = spoken(self.item_id, "in_progress", None)
        self.items.put(item)
        ours = {"turn": self.turn}
        return [
            self.write.event("response.created", response=self._as_it_is("in_progress", []), sophia=ours),
            self.write.event("response.output_item.added", response_id=self.id, output_index=0, item=item, sophia=ours),
            self.write.event("conversation.item.added", item=item, previous_item_id=self.items.before(self.item_id)),
            self._part("response.content_part.added", part={"type": "audio", "transcript": ""}),
        ]

    def called_off(self) -> list[Event]:
        """All of a response that is cancelled before it begins."""
        details = {"type": "cancelled", "reason": "client_cancelled"}
        return [
            self.write.event("response.created", response=self._as_it_is("in_progress", [])),
            self.write.event("response.done", response=self._as_it_is("cancelled", [], details)),
        ]

    def speak(self, words: Sequence[TimedWord]) -> list[Event]:
        """Takes the next words; those whose sound went out already are sent."""
        self.delivered.add(words)
        return self._transcript(self.delivered.due())

    def sound(self, first: int, pcm: bytes, to: Format, *, send: bool) -> list[Event]:
        """A block of sound in the format ``to``, and the words that are in it; without ``send`` the words alone."""
        seconds = len(pcm) / BYTES_A_SAMPLE / to.rate
        start = round(first * 1000 / self.delivered.rate, 3)
        self.delivered.deliver(first, seconds)
        events = []
        if send:
            delta = base64.b64encode(to.encode(pcm)).decode("ascii")
            events.append(self._part("response.output_audio.delta", delta=delta, sophia={"audio_start_ms": start}))
        return events + self._transcript(self.delivered.due())

    def end(self, status: Status, reason: Reason | None = None) -> list[Event]:
        """The end; what was spoken to its end has told all its words by then."""
        events = [] if status == "cancelled" else self._transcript(self.delivered.rest())
        self.status, text = status, self.delivered.text
        item = spoken(self.item_id, "completed" if status == "completed" else "incomplete", text)
        previous = None
        if self.item_id in self.items:
            self.items.put(item)
            previous = self.items.before(self.item_id)
        details: dict[str, Any] = {"type": status}
        if reason:
            details["reason"] = reason
        if status == "failed" and self.failure:
            service, line = self.failure
            details["error"] = {"type": "server_error", "code": f"{service}_failed", "message": line}
        return [
            *events,
            self._part("response.output_audio.done"),
            self._part("response.output_audio_transcript.done", transcript=text),
            self._part("response.content_part.done", part={"type": "audio", "transcript": text}),
            self.write.event("conversation.item.done", item=item, previous_item_id=previous),
            self.write.event("response.output_item.done", response_id=self.id, output_index=0, item=item),
            self.write.event("response.done", response=self._as_it_is(status, [item], details)),
        ]

    def _transcript(self, text: str) -> list[Event]:
        return [self._part("response.output_audio_transcript.delta", delta=text)] if text else []

    def _part(self, kind: str, **fields: Any) -> Event:
        return self.write.event(
            kind, response_id=self.id, item_id=self.item_id, output_index=0, content_index=0, **fields
        )

    def _as_it_is(self, status: str, output: list[Item], details: dict[str, Any] | None = None) -> dict[str, Any]:
        response = {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": output,
            "conversation_id": self.conversation_id,
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": self.output},
            "usage": None,
            "metadata": self.order.metadata,
        }
        return response | {"sophia": {"ignored": list(self.order.ignored)}} if self.order.ignored else response
