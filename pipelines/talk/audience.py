"""Those who watch a conversation, as one: the display, a recording, the metrics and a file of ledgers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TextIO

from aurora.face import ARKIT, Weights
from pipelines.conversation.watcher import Happening, Watcher
from pipelines.failures import EXIT_CODES, Failure, explain
from pipelines.settings.endpoint import Endpoint
from pipelines.takes.recording import Recording
from pipelines.telemetry.ledger import Ledger
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.spans import TurnSpan
from pipelines.terminal.display import Display, State
from sophia.audio import Frame, Pcm
from sophia.turns import Phase

_STATES: Mapping[Phase, State] = {
    "idle": State.LISTENING,
    "hearing": State.HEARING,
    "thinking": State.THINKING,
    "speaking": State.SPEAKING,
    "paused": State.INTERRUPTED,
}


class Audience(Watcher):
    """Tells everybody; ``turn_over`` last, with each ledger. ``endpoints`` lets failures name their place."""

    def __init__(
        self,
        display: Display,
        metrics: Metrics,
        endpoints: Mapping[str, Endpoint],
        *,
        recording: Recording | None = None,
        ledgers: TextIO | None = None,
        turn_over: Callable[[Ledger], None] = lambda ledger: None,
    ) -> None:
        self.failures: list[Failure] = []
        self._told: list[Exception] = []
        self._display = display
        self._metrics = metrics
        self._endpoints = endpoints
        self._recording = recording
        self._ledgers = ledgers
        self._turn_over = turn_over
        self._reply = ""
        self._phase: Phase | None = None

    def phase(self, phase: Phase) -> None:
        if phase != self._phase:
            self._phase = phase
            self._display.state(_STATES[phase])

    def partial(self, text: str) -> None:
        self._display.partial(text)

    def final(self, text: str) -> None:
        self._display.final(text)

    def reply(self, text: str) -> None:
        self._reply = text
        self._display.reply(text, 0)

    def heard(self, text: str) -> None:
        self._display.reply(self._reply, len(text))

    def levels(self, user: float, sophia: float) -> None:
        self._display.levels(user, sophia)

    def happened(self, at: float, what: Happening) -> None:
        if self._recording:
            self._recording.happened(at, what)

    def listened(self, frame: Frame) -> None:
        if self._recording:
            self._recording.user(frame)

    def played(self, pcm: Pcm, time: float) -> None:
        if self._recording:
            self._recording.reply(pcm, time)

    def posed(self, time: float, weights: Weights) -> None:
        if self._recording:
            self._recording.pose(time, weights.tolist(), ARKIT)

    def turn(self, ledger: Ledger, span: TurnSpan | None) -> None:
        self._metrics.record(ledger, trace_id=span.trace_id if span else "", context=span.context if span else None)
        if self._recording:
            self._recording.turn(ledger)
        self._write(ledger)
        self._display.turn(ledger)
        self._turn_over(ledger)

    def fault(self, service: str, error: Exception) -> str:
        failure = explain(error, service, self._endpoints.get(service))
        self.failures.append(failure)
        self._told.append(error)
        self._metrics.error(service)
        self._display.error(failure.line, failure.hint)
        return failure.line

    def told(self, error: Exception) -> bool:
        """Whether this very error was shown when it happened."""
        return any(known is error for known in self._told)

    def _write(self, ledger: Ledger) -> None:
        if self._ledgers is None:
            return
        try:
            self._ledgers.write(json.dumps(ledger.as_dict(), ensure_ascii=False) + "\n")
            self._ledgers.flush()
        except OSError as error:
            self._ledgers = None
            line = f"The ledgers cannot be written: {error.strerror or error}."
            failure = Failure("ledgers", "disk", line, "What was written before is kept.", EXIT_CODES["disk"])
            self.failures.append(failure)
            self._display.error(failure.line, failure.hint)
