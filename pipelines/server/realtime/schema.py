"""The events that the server sends: one table, and the only place where an event is made.

Validators of clients are stricter than OpenAI's own server, and drop a nearly right event in silence. So each event has
exactly the fields of its row. A field that may be left out stands after those that must be there. Events of our own are
sent only to a client that asked for the extension they belong to.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.server.realtime.ids import Ids
from pipelines.server.realtime.wishes import Event

_PART: Final = ("response_id", "item_id", "output_index", "content_index")

STANDARD: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "error": (("error",), ()),
    "session.created": (("session",), ()),
    "session.updated": (("session",), ()),
    "input_audio_buffer.speech_started": (("item_id", "audio_start_ms"), ()),
    "input_audio_buffer.speech_stopped": (("item_id", "audio_end_ms"), ()),
    "input_audio_buffer.timeout_triggered": (("item_id", "audio_start_ms", "audio_end_ms"), ()),
    "input_audio_buffer.committed": (("item_id", "previous_item_id"), ()),
    "input_audio_buffer.cleared": ((), ()),
    "conversation.item.added": (("item", "previous_item_id"), ()),
    "conversation.item.done": (("item", "previous_item_id"), ()),
    "conversation.item.retrieved": (("item",), ()),
    "conversation.item.truncated": (("item_id", "content_index", "audio_end_ms"), ("sophia",)),
    "conversation.item.deleted": (("item_id",), ()),
    "conversation.item.input_audio_transcription.delta": (("item_id", "content_index", "delta"), ()),
    "conversation.item.input_audio_transcription.completed": (
        ("item_id", "content_index", "transcript", "usage"),
        ("sophia",),
    ),
    "response.created": (("response",), ("sophia",)),
    "response.done": (("response",), ()),
    "response.output_item.added": (("response_id", "output_index", "item"), ("sophia",)),
    "response.output_item.done": (("response_id", "output_index", "item"), ()),
    "response.content_part.added": ((*_PART, "part"), ()),
    "response.content_part.done": ((*_PART, "part"), ()),
    "response.output_audio.delta": ((*_PART, "delta"), ("sophia",)),
    "response.output_audio.done": (_PART, ()),
    "response.output_audio_transcript.delta": ((*_PART, "delta"), ()),
    "response.function_call_arguments.delta": (("response_id", "item_id", "output_index", "call_id", "delta"), ()),
    "response.function_call_arguments.done": (
        ("response_id", "item_id", "output_index", "call_id", "name", "arguments"),
        (),
    ),
    "response.output_text.delta": ((*_PART, "delta"), ()),
    "response.output_text.done": ((*_PART, "text"), ()),
    "response.output_audio_transcript.done": ((*_PART, "transcript"), ()),
    "output_audio_buffer.started": (("response_id",), ()),
    "output_audio_buffer.stopped": (("response_id",), ()),
    "output_audio_buffer.cleared": (("response_id",), ()),
}
"""OpenAI's events that are sent: fields that must be there, and fields of ours that may be."""

OURS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "sophia.face.names": ("sophia.face", ("names_id", "names")),
    "sophia.face.frames": (
        "sophia.face",
        ("response_id", "item_id", "names_id", "audio_start_ms", "fps", "count", "weights"),
    ),
    "sophia.words": ("sophia.words", ("item_id", "words")),
    "sophia.transcript": ("sophia.words", ("turn", "item_id", "text", "sure")),
    "sophia.floor": ("sophia.floor", ("state", "at_ms")),
    "sophia.turn.mark": ("sophia.ledger", ("turn", "generation", "mark", "at_ms")),
    "sophia.turn.decision": ("sophia.ledger", ("turn", "generation", "decision", "reason", "at_ms")),
    "sophia.turn.ledger": (
        "sophia.ledger",
        ("turn", "user", "heard", "outcome", "voice_to_voice_ms", "contributions", "marks", "zero_at_ms", "decisions",
         "lip_skew_ms", "face_missing", "trace_id", "item_ids"),
    ),
    "sophia.playout.pause": ("sophia.playout", ("item_id", "audio_ms")),
    "sophia.playout.resume": ("sophia.playout", ("item_id", "audio_ms")),
    "sophia.playout.clear": ("sophia.playout", ("item_id", "audio_ms")),
    "sophia.playout.position": ("sophia.playout", ("item_id", "audio_ms", "playing", "at_ms")),
    "sophia.levels": ("sophia.levels", ("user_db", "agent_db", "at_ms")),
    "sophia.resume.token": ("sophia.resume", ("token", "expires_at", "dropped", "settings")),
    "sophia.resume.restored": ("sophia.resume", ("item_ids", "unanswered")),
    "sophia.recording": ("sophia.recording", ("consent", "recording", "offered")),
    "sophia.attention": ("sophia.gestures", ("to", "at_ms")),
    "sophia.nod": ("sophia.gestures", ("depth", "twice", "at_ms")),
    "sophia.mood": ("sophia.gestures", ("item_id", "audio_start_ms", "mood", "share")),
    "sophia.tool.call": ("sophia.tools", ("call_id", "name", "arguments")),
    "sophia.tool.cancel": ("sophia.tools", ("call_id",)),
    "sophia.notice": ("sophia.notice", ("service", "state", "message", "hint")),
}  # fmt: skip
"""Events of our own: the extension that asks for them, and their fields."""

FACE: Final = "sophia.face"
"""The extension of clients that show her face."""

RESUME: Final = "sophia.resume"
"""The extension of clients that go on at another server."""

EXTENSIONS: Final = tuple(sorted({extension for extension, _ in OURS.values()}))


class Writer:
    """Makes events. ``extensions`` are those in force; an event of one that is not comes to nothing."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.extensions: frozenset[str] = frozenset()

    def event(self, kind: str, **fields: Any) -> Event:
        """One of OpenAI's events. Raises ``TypeError`` for fields that its row has not, or lacks."""
        must, may = STANDARD[kind]
        if not fields.keys() >= set(must) or not fields.keys() <= {*must, *may}:
            raise TypeError(f"{kind} has {', '.join(must)}, not {', '.join(fields)}")
        return {"type": kind, "event_id": self._ids("event"), **fields}

    def extra(self, kind: str, **fields: Any) -> list[Event]:
        """One of our events, if it was asked for. Raises ``TypeError`` for fields other than its row's."""
        extension, names = OURS[kind]
        if fields.keys() != set(names):
            raise TypeError(f"{kind} has {', '.join(names)}, not {', '.join(fields)}")
        if extension not in self.extensions:
            return []
        return [{"type": kind, "event_id": self._ids("event"), **fields}]

    def error(self, message: str, code: str, *, cause: str | None = None, param: str | None = None,
              kind: str = "invalid_request_error") -> Event:  # fmt: skip
        """An ``error``; ``cause`` is the id of the client's event. What is not known is left out, never null."""
        known = {"type": kind, "code": code, "message": message, "param": param, "event_id": cause}
        return self.event("error", error={name: value for name, value in known.items() if value is not None})
