"""Spans and metrics of a conversation, as an observer: views of the ledgers, written when a turn is over.

A turn's span is live from its first attempt at a reply on. So the calls made for it carry its traceparent.
"""

from __future__ import annotations

from opentelemetry.context import Context

from pipelines.conversation.events import Failed, Happening, Lost, ToolEnded, ToolStarted, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.spans import ConversationSpan, TurnSpan
from sophia.decisions import Announce, Begin, Farewell, Notify, Reprompt, Say, Start

TRACES = 16
"""Turns whose trace is remembered after they ended."""


class Measured(Observer):
    """Writes spans under ``span`` and counts in ``metrics``; either may be missing."""

    def __init__(self, metrics: Metrics | None = None, span: ConversationSpan | None = None) -> None:
        self._metrics = metrics
        self._span = span
        self._begun: dict[int, float] = {}  # turns that are open, and since when
        self._turns: dict[int, TurnSpan] = {}
        self._traces: dict[int, str] = {}
        self._tools: dict[str, ToolStarted] = {}  # those that are at work; each ends

    @property
    def conversation(self) -> Context | None:
        """The conversation's own place, for calls that serve no turn; None where there is no trace."""
        return self._span.context if self._span else None

    def context(self, turn: int) -> Context | None:
        """The turn's place in its trace; None where there is no trace."""
        span = self._turns.get(turn)
        return span.context if span else None

    def trace_id(self, turn: int) -> str:
        """The id of the trace of a turn, one of the last few; empty where there is none."""
        return self._traces.get(turn, "")

    def told(self, happening: Happening) -> None:
        match happening:
            case Begin(at=at, turn=turn, onset=onset):
                self._begun[turn] = at if onset is None else onset
            case Start() | Reprompt() | Announce() | Notify() | Farewell() | Say():
                turn = happening.turn
                if self._span and turn not in self._turns:
                    self._turns[turn] = self._span.start_turn(turn, self._begun[turn])
                    self._traces[turn] = self._turns[turn].trace_id
                    if len(self._traces) > TRACES:
                        del self._traces[next(iter(self._traces))]
            case TurnEnded(ledger=ledger):
                self._begun.pop(ledger.turn, None)
                span = self._turns.pop(ledger.turn, None)
                if span:
                    span.end(ledger)
                if self._metrics:
                    trace_id, context = (span.trace_id, span.context) if span else ("", None)
                    self._metrics.record(ledger, trace_id=trace_id, context=context)
            case ToolStarted(call=call):
                self._tools[call.id] = happening
            case ToolEnded(at=at, call_id=id, failure=failure):
                started = self._tools.pop(id, None)
                if started and self._metrics and failure not in ("cancelled", "refused", "asked"):
                    self._metrics.tool(started.call.name, at - started.at, failed=happening.failed)
            case Failed(service=service):
                if self._metrics:
                    self._metrics.error(service)
            case Lost(what=what, by=by):
                if self._metrics:
                    self._metrics.lost(what, by)
            case _:
                pass
