"""A conversation and its turns as spans, written from the ledger with the times that it holds.

    conversation                 a trace of its own; the recogniser's calls are its children
    turn                         a trace of its own, with a link to the conversation; from the user's first sound to the
      |                          end of the reply. Live while it happens, so that calls made in its context are its
      |                          children, carry its traceparent, and servers' spans join it
      capture | asr | endpointing | llm | tools | clause | tts | hold | playout     the ledger's contributions: tiles
      |                          from the user's last sound to her first, whose durations add up to voice-to-voice
      face, speaking, interruption                     beside the tiles

Nothing here reads a clock but for the span of the conversation itself. Only the OpenTelemetry API; no SDK.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode, Tracer

from pipelines.telemetry import names
from pipelines.telemetry.ledger import CHAIN, PLAYED, Count, Ledger


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
    """The span of a whole conversation, to which its turns link."""

    def __init__(self, tracer: Tracer, clock: EpochClock, id: str, labels: Labels, *, capture_content: bool) -> None:
        self._tracer = tracer
        self._clock = clock
        self._labels = labels
        self._capture_content = capture_content
        self.id = id
        self._place = otel.set_value(names.CAPTURE_CONTENT, capture_content, _of(id))
        # A root of its own, whatever span happens to be current where the conversation is started.
        self._span = tracer.start_span(names.CONVERSATION, Context(), start_time=clock.now())
        _set(
            self._span,
            {
                names.CONVERSATION_ID: id,
                names.SESSION: id,
                names.AGENT_NAME: "Sophia",
                names.LLM_MODEL: labels.model,
                names.LANGUAGE: labels.language,
            },
        )
        self.context = trace.set_span_in_context(self._span, self._place)

    def start_turn(self, number: int, time: float) -> TurnSpan:
        """Opens the span of turn ``number``, which began at ``time`` (the user's first sound)."""
        links = [Link(self._span.get_span_context())]
        begin = self._clock.nanoseconds(time)
        span = self._tracer.start_span(names.TURN, Context(), links=links, start_time=begin)
        told = {names.TURN_NUMBER: number, names.CONVERSATION_ID: self.id, names.SESSION: self.id}
        _set(span, {**told, names.AGENT_NAME: "Sophia"})
        place = trace.set_span_in_context(span, self._place)
        return TurnSpan(span, place, self._tracer, self._clock, self._labels, capture_content=self._capture_content)

    def end(self) -> None:
        """Closes the conversation now."""
        self._span.end(self._clock.now())


class TurnSpan:
    """The live span of one turn. ``context`` is what the generation's RPCs should run in."""

    def __init__(
        self, span: Span, context: Context, tracer: Tracer, clock: EpochClock, labels: Labels, *, capture_content: bool
    ) -> None:
        self._span = span
        self.context = context
        self._tracer = tracer
        self._clock = clock
        self._labels = labels
        self._capture_content = capture_content

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
                    _set(span, {names.LLM_MODEL: self._labels.model})
                case names.TTS:
                    _set(span, {names.VOICE: self._labels.voice})
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
            if reason := self._content(decision.reason):
                attributes[names.REASON] = reason
            self._span.add_event(names.DECIDED, attributes, self._clock.nanoseconds(decision.time))
        for fault in ledger.faults:
            # So may its line: services quote what they were asked to say.
            told: dict[str, str | int] = {
                names.SERVICE_AT_FAULT: fault.service,
                names.ERROR_TYPE: fault.kind,
                names.FAULT_COUNT: fault.count,
            }
            if line := self._content(fault.line):
                told[names.FAULT_LINE] = line
            self._span.add_event(names.FAULT, told, self._clock.nanoseconds(fault.time))
        if (spoilt_by := ledger.spoilt_by) is not None:
            self._span.set_attributes({names.SERVICE_AT_FAULT: spoilt_by.service, names.ERROR_TYPE: spoilt_by.kind})
            self._span.set_status(Status(StatusCode.ERROR))

    def _child(self, name: str, start: float, attributes: Mapping[str, Any]) -> Span:
        span = self._tracer.start_span(name, self.context, start_time=self._clock.nanoseconds(start))
        _set(span, attributes)
        return span

    def _content(self, text: str) -> str | None:
        # Half a surrogate pair has no bytes: OTLP would leave the whole attribute out, and warn.
        return text.encode(errors="replace").decode() if self._capture_content and text else None


def _of(conversation: str) -> Context:
    """A context that holds no span, only the conversation's id, for those who open spans of their own in it."""
    return otel.set_value(names.CONVERSATION_ID, conversation, Context())


def _set(span: Span, attributes: Mapping[str, Any]) -> None:
    """Sets the attributes that have a value."""
    span.set_attributes({name: value for name, value in attributes.items() if value not in (None, "", [])})
