"""The life of one response: created, filled with sound and words, ended by exactly one ``response.done``. Pure.

Each ``added`` is followed by its ``done``, however the response ends, and nothing comes after the end. It is bound to
a generation, but outlives it: a reply that is made again before anything of it was heard goes on in the same response.

What she says is one item, each call of a tool another. Where she may call, the item of what she says waits for its
first word or sound: there may be none.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nova.tools import ToolCall
from pipelines.server.realtime.delivered import Delivered
from pipelines.server.realtime.formats import Format
from pipelines.server.realtime.items import Item, Items, called, shown, spoken
from pipelines.server.realtime.orders import Ordered
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.wishes import Event
from sophia.heard import TimedWord

Status = Literal["completed", "cancelled", "incomplete", "failed"]
Reason = Literal["turn_detected", "client_cancelled", "max_output_tokens"]

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
    conversation_id: str | None
    """None: it is beside the conversation, and its item is in nobody's list."""
    generation: int
    turn: int
    output: dict[str, Any]
    delivered: Delivered
    order: Ordered = field(default_factory=Ordered)
    asks: bool = False
    may_call: bool = False
    written: bool = False
    most_tokens: int | None = None
    limited: bool = False
    """It has as many tokens as the client let it have."""
    status: Status | None = None
    """How it ended; None while it runs."""
    settled: bool = False
    """All of it was played, or cut off: its item says what was heard."""
    apologised: bool = False
    sounds: bool = False
    """The client was told that she begins to sound: where its sound goes by a track."""
    failure: tuple[str, str] | None = None
    """The service that failed in it, and a line for people."""
    _output: dict[str, Item] = field(default_factory=dict)
    """Its items by id, in the order in which they were begun."""

    @property
    def opened(self) -> bool:
        """Whether the client knows of the item of what she says."""
        return self.item_id in self._output

    @property
    def has_called(self) -> bool:
        """Whether she has called a tool."""
        return len(self._output) > self.opened

    def begin(self) -> list[Event]:
        """Everything that stands before the first sound."""
        created = self.write.event(
            "response.created", response=self._as_it_is("in_progress", []), sophia={"turn": self.turn}
        )
        return [created, *([] if self.may_call else self.open())]

    def open(self) -> list[Event]:
        """Begins the item of what she says, unless it is begun."""
        if self.opened:
            return []
        added = self._added(self.item("in_progress", None))
        return [*added, self._part("response.content_part.added", part=self._content(""))]

    def call(self, item_id: str, call: ToolCall) -> list[Event]:
        """All of a call: it is complete when it is told."""
        added = self._added(called(item_id, call, "in_progress"))
        item = called(item_id, call)
        place = {"response_id": self.id, "item_id": item_id, "output_index": self._at(item_id), "call_id": call.id}
        return [
            *added,
            self.write.event("response.function_call_arguments.delta", **place, delta=call.arguments),
            self.write.event(
                "response.function_call_arguments.done", **place, name=call.name, arguments=call.arguments
            ),
            *self._done(item),
        ]

    def _added(self, item: Item) -> list[Event]:
        name = item["id"]
        self._output[name] = item
        place, ours = {"response_id": self.id, "output_index": self._at(name)}, {"turn": self.turn}
        added = self.write.event("response.output_item.added", **place, item=item, sophia=ours)
        if self.conversation_id is None:
            return [added]
        self.items.put(item)
        previous = self.items.before(name)
        return [added, self.write.event("conversation.item.added", item=item, previous_item_id=previous)]

    def _done(self, item: Item) -> list[Event]:
        name, previous = item["id"], None
        self._output[name] = item
        if name in self.items:
            self.items.put(item)
            previous = self.items.before(name)
        place = {"response_id": self.id, "output_index": self._at(name)}
        done = self.write.event("response.output_item.done", **place, item=item)
        if self.conversation_id is None:
            return [done]
        return [self.write.event("conversation.item.done", item=item, previous_item_id=previous), done]

    def _at(self, item_id: str) -> int:
        return list(self._output).index(item_id)

    def item(self, status: str, text: str | None) -> Item:
        """The item of what she says, or writes; ``text`` is None before there is any."""
        return (shown if self.written else spoken)(self.item_id, status, text)

    def show(self, text: str) -> list[Event]:
        """The next piece of what she writes."""
        begun = self.open()
        self.delivered.text += text
        if self.written:
            return [*begun, self._part("response.output_text.delta", delta=text)]
        return begun + self._transcript(text)

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
        events = self.open()
        if send:
            delta = base64.b64encode(to.encode(pcm)).decode("ascii")
            events.append(self._part("response.output_audio.delta", delta=delta, sophia={"audio_start_ms": start}))
        return events + self._transcript(self.delivered.due())

    def end(self, status: Status, reason: Reason | None = None) -> list[Event]:
        """The end; what was spoken to its end has told all its words by then."""
        rest = "" if status == "cancelled" else self.delivered.rest()
        events = [*([] if self.has_called and not rest else self.open()), *self._transcript(rest)]
        self.status = status
        if self.opened:
            text = self.delivered.text
            events += [
                *self._closed(text),
                self._part("response.content_part.done", part=self._content(text)),
                *self._done(self.item("completed" if status == "completed" else "incomplete", text)),
            ]
        details: dict[str, Any] = {"type": status}
        if reason:
            details["reason"] = reason
        if status == "failed" and self.failure:
            service, line = self.failure
            details["error"] = {"type": "server_error", "code": f"{service}_failed", "message": line}
        done = self.write.event("response.done", response=self._as_it_is(status, list(self._output.values()), details))
        return [*events, done]

    def _content(self, text: str) -> dict[str, str]:
        return {"type": "text", "text": text} if self.written else {"type": "audio", "transcript": text}

    def _closed(self, text: str) -> list[Event]:
        if self.written:
            return [self._part("response.output_text.done", text=text)]
        return [
            self._part("response.output_audio.done"),
            self._part("response.output_audio_transcript.done", transcript=text),
        ]

    def _transcript(self, text: str) -> list[Event]:
        return [self._part("response.output_audio_transcript.delta", delta=text)] if text else []

    def _part(self, kind: str, **fields: Any) -> Event:
        return self.write.event(
            kind,
            response_id=self.id,
            item_id=self.item_id,
            output_index=self._at(self.item_id),
            content_index=0,
            **fields,
        )

    def _as_it_is(self, status: str, output: list[Item], details: dict[str, Any] | None = None) -> dict[str, Any]:
        response = {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": output,
            "conversation_id": self.conversation_id,
            "output_modalities": ["text" if self.written else "audio"],
            "max_output_tokens": self.most_tokens or "inf",
            "audio": {"output": self.output},
            "usage": None,
            "metadata": self.order.metadata,
        }
        if self.conversation_id is None:
            del response["conversation_id"]  # some validators take no null
        return response | {"sophia": {"ignored": list(self.order.ignored)}} if self.order.ignored else response
