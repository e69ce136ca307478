"""A conversation and its turns as spans, written from the ledger with the times that it holds.

    conversation
      turn                       from the user's first sound to the end of the reply; live while it happens, so that
        |                        RPCs made in its context carry its traceparent and servers' spans join it
        capture | asr | endpointing | llm | clause | tts | hold | playout     the ledger's contributions: tiles from
        |                        the user's last sound to her first, whose durations add up to voice-to-voice
        face, speaking, interruption                     beside the tiles

Nothing here reads a clock but for the span of the conversation itself. Only the OpenTelemetry API; no SDK.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from pipelines.telemetry import names
from pipelines.telemetry.ledger import CHAIN, PLAYED, Count, Ledger, Outcome


class EpochClock:
    """Maps ``loop.time()`` seconds to nanoseconds since 1970. The two clocks are tied together once, here."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._offset = time.time_ns() - round(clock() * 1e9)

    def nanoseconds(self, at: float) -> int:
        """The instant ``at`` (``loop.time()`` seconds) in nanoseconds since 1970."""
        return self._offset + round(at * 1e9)

    def now(self) -> int:
        """This instant in nanoseconds since 1970."""
        return self.nanoseconds(self.clock())


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of a conversation's services, for attributes; empty strings are left out."""

    model: str = ""
    provider: str = ""
    language: str = ""
    voice: str = ""


class ConversationSpan:
    """The span of a whole conversation: the parent of its turns."""

    def __init__(self, tracer: Tracer, clock: EpochClock, id: str, labels: Labels, *, capture_content: bool) -> None:
        self._tracer = tracer
        self._clock = clock
        self._labels = labels
        self._capture_content = capture_content
        self.id = id
        # A root of its own, whatever span happens to be current where the conversation is started.
        self._span = tracer.start_span(names.CONVERSATION, Context(), start_time=clock.now())
        _set(
            self._span,
            {
                names.CONVERSATION_ID: id,
                names.AGENT_NAME: "Sophia",
                names.OPERATION: "invoke_agent",
                names.PROVIDER: labels.provider,
                names.LANGUAGE: labels.language,
            },
        )
        self.context = trace.set_span_in_context(self._span, Context())

    def start_turn(self, number: int, time: float) -> TurnSpan:
        """Opens the span of turn ``number``, which began at ``time`` (the user's first sound)."""
        span = self._tracer.start_span(names.TURN, self.context, start_time=self._clock.nanoseconds(time))
        _set(span, {names.TURN_NUMBER: number, names.CONVERSATION_ID: self.id})
        return TurnSpan(span, self._tracer, self._clock, self._labels, capture_content=self._capture_content)

    def end(self) -> None:
        """Closes the conversation now."""
        self._span.end(self._clock.now())


class TurnSpan:
    """The live span of one turn. ``context`` is what the generation's RPCs should run in."""

    def __init__(self, span: Span, tracer: Tracer, clock: EpochClock, labels: Labels, *, capture_content: bool) -> None:
        self._span = span
        self._tracer = tracer
        self._clock = clock
        self._labels = labels
        self._capture_content = capture_content
        self.context = trace.set_span_in_context(span, Context())

    @property
    def trace_id(self) -> str:
        """The trace's id in 32 hexadecimal digits; empty when spans are not recorded."""
        context = self._span.get_span_context()
        return format(context.trace_id, "032x") if context.is_valid and context.trace_flags.sampled else ""

    def end(self, ledger: Ledger) -> None:
        """Writes the ledger as child spans, attributes and events, and closes the turn at its last instant."""
        if not self._span.is_recording():
            self._span.end()
            return
        self._tile(ledger)
        self._beside(ledger)
        self._describe(ledger)
        last = max(ledger.marks.values(), default=self._clock.clock())
        self._span.end(self._clock.nanoseconds(last))

    def _tile(self, ledger: Ledger) -> None:
        edges = ledger.instants()
        for (_, start), (mark, end) in pairwise(edges.items()):
            name = CHAIN[mark]
            span = self._child(name, start, {names.CRITICAL: PLAYED in edges})
            match name:
                case names.ASR:
                    _set(span, {names.LANGUAGE: self._labels.language, names.TRANSCRIPT: self._content(ledger.user)})
                case names.LLM:
                    _set(span, self._llm(ledger))
                case names.TTS:
                    _set(span, {names.OUTPUT_TYPE: "speech", names.VOICE: self._labels.voice})
                case _:
                    pass
            span.end(self._clock.nanoseconds(end))

    def _beside(self, ledger: Ledger) -> None:
        marks = ledger.marks
        if "first_audio" in marks and "first_frame" in marks:
            start = min(marks["first_audio"], marks["first_frame"])
            span = self._child(names.FACE, start, {names.FACE_LATENESS: ledger.face_lateness})
            span.end(self._clock.nanoseconds(marks["first_frame"]))
        if PLAYED in marks:
            end = max(marks[PLAYED], marks.get("silenced", marks.get("end", marks[PLAYED])))
            span = self._child(names.SPEAKING, marks[PLAYED], {names.HEARD: self._content(ledger.heard)})
            span.end(self._clock.nanoseconds(end))
        if (latency := ledger.barge_in_latency) is not None:
            span = self._child(names.INTERRUPTION, marks["barge_in"], {names.BARGE_IN_LATENCY: latency})
            span.end(self._clock.nanoseconds(max(marks["barge_in"], marks["silenced"])))

    def _describe(self, ledger: Ledger) -> None:
        parts = {names.CONTRIBUTION + name: seconds for name, seconds in ledger.contributions().items()}
        counts = {names.COUNT + what: ledger.counts[what] for what in Count if ledger.counts[what]}
        _set(
            self._span,
            {
                names.OUTCOME: None if ledger.outcome is None else str(ledger.outcome),
                names.GENERATIONS: list(ledger.generations),
                names.VOICE_TO_VOICE: ledger.voice_to_voice,
                names.BARGE_IN_LATENCY: ledger.barge_in_latency,
                **parts,
                **counts,
            },
        )
        for decision in ledger.decisions:
            # A reason may quote the words that led to it.
            attributes = {names.DECISION: decision.kind}
            if self._capture_content:
                attributes[names.REASON] = decision.reason
            self._span.add_event(names.DECIDED, attributes, self._clock.nanoseconds(decision.time))
        for fault in ledger.faults:
            attributes = {names.SERVICE_AT_FAULT: fault.service, names.FAULT_LINE: fault.line}
            self._span.add_event(names.FAULT, attributes, self._clock.nanoseconds(fault.time))
        if ledger.outcome is Outcome.FAILED:
            fault_of = ledger.faults[-1].service if ledger.faults else "unknown"
            self._span.set_attribute(names.ERROR_TYPE, fault_of)
            self._span.set_status(Status(StatusCode.ERROR, ledger.faults[-1].line if ledger.faults else None))

    def _llm(self, ledger: Ledger) -> dict[str, Any]:
        return {
            names.OPERATION: "chat",
            names.OUTPUT_TYPE: "text",
            names.PROVIDER: self._labels.provider,
            names.MODEL: self._labels.model,
            names.OUTPUT_TOKENS: ledger.counts[Count.TOKENS] or None,
            names.INPUT_MESSAGES: self._content(_messages("user", ledger.user)),
            names.OUTPUT_MESSAGES: self._content(_messages("assistant", ledger.reply)),
        }

    def _child(self, name: str, start: float, attributes: Mapping[str, Any]) -> Span:
        span = self._tracer.start_span(name, self.context, start_time=self._clock.nanoseconds(start))
        _set(span, attributes)
        return span

    def _content(self, text: str) -> str | None:
        return text if self._capture_content and text else None


def _messages(role: str, text: str) -> str:
    """One message in the form of the GenAI conventions: roles with typed parts, as JSON; empty for no text."""
    if not text:
        return ""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}], ensure_ascii=False)


def _set(span: Span, attributes: Mapping[str, Any]) -> None:
    """Sets the attributes that have a value."""
    span.set_attributes({name: value for name, value in attributes.items() if value not in (None, "", [])})
