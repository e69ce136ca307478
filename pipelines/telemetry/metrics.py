"""Counters and histograms: for Prometheus with exemplars, and the same by OTLP when there is a meter.

Recorded at the end of each turn, from its ledger, so that a long or crashed session shows what it did. Prometheus's
own client does the work because it takes a microsecond where the SDK's reader takes eight, and because it exposes
exemplars. Series are kept below 300, tools aside: a scrape runs in its own thread, but takes turns with the event loop
for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import prometheus_client as prom
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from prometheus_client.registry import Collector

from pipelines.telemetry.ledger import CONTRIBUTIONS, LOSSES, Count, Ledger, Outcome

VOICE_BUCKETS = (
    0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0,
)  # fmt: skip
"""Seconds. Fine where people notice: a turn gap among humans is around 200 ms, and beyond a second it is an absence."""

STAGE_BUCKETS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 10.0)
"""Seconds, for one contribution: steps of about 1.6, so that a quantile is never further off than that."""

TOOL_BUCKETS = (0.1, 0.8, 2.0, 5.0, 10.0)
"""Seconds of a tool. After 0.8 she says that she is at it, and most may take no longer than 10."""

MOST_TOOLS = 8
"""Tools that have series of their own: those that ran first."""

LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Seconds that the event loop was late. One frame is 0.02."""

SKEW_BUCKETS = (-0.125, -0.08, -0.045, -0.02, 0.0, 0.02, 0.045, 0.08, 0.125)
"""Seconds that the lips lead the sound. ITU-R BT.1359 puts detection at -0.045 and +0.125."""

MISSING_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Share of her audible speech, 0 to 1, without a frame of the face. Above 0.2 it is a fault of the turn."""

LAG_INTERVAL = 0.25
"""Seconds between two looks at the event loop's lag."""


_Where = tuple[prom.CollectorRegistry, Meter | None]
"""Where an instrument is registered: always with Prometheus, with OpenTelemetry if there is a meter."""


class _Otel(Protocol):
    """The part of an OpenTelemetry instrument that is used here."""

    def __call__(self, amount: float, attributes: Mapping[str, str] | None, context: Context | None, /) -> None: ...


class _Histogram:
    def __init__(
        self,
        name: str,
        text: str,
        buckets: Sequence[float],
        where: _Where,
        *,
        labels: Sequence[str] = (),
        unit: str = "s",
    ) -> None:
        registry, meter = where
        self._labels = tuple(labels)
        self._prom = prom.Histogram(name, text, self._labels, buckets=buckets, registry=None)
        registry.register(_Signed(self._prom) if buckets[0] < 0 else self._prom)
        self._otel: _Otel | None = None
        if meter is not None:
            suffix = "_seconds" if unit == "s" else "_ratio"  # a collector puts the unit back
            self._otel = meter.create_histogram(
                name.removesuffix(suffix).replace("_", ".", 1),
                unit,
                text,
                explicit_bucket_boundaries_advisory=list(buckets),
            ).record

    def prepare(self, values: Sequence[str]) -> None:
        """Makes the series of these label values exist at 0, so that rates are right from the first turn."""
        for value in values:
            self._prom.labels(value)

    def observe(
        self, seconds: float, *values: str, exemplar: dict[str, str] | None = None, context: Context | None = None
    ) -> None:
        (self._prom.labels(*values) if self._labels else self._prom).observe(seconds, exemplar)
        if self._otel is not None:
            self._otel(seconds, dict(zip(self._labels, values, strict=True)) or None, context)


class _Signed(Collector):
    """A histogram of values that may be negative, as OpenMetrics wants it: it has no sum, and so no count either."""

    def __init__(self, histogram: prom.Histogram) -> None:
        self._histogram = histogram

    def collect(self) -> Iterable[prom.Metric]:
        for metric in self._histogram.collect():
            metric.samples = [sample for sample in metric.samples if sample.name.endswith("_bucket")]
            yield metric


class _Counter:
    def __init__(self, name: str, text: str, where: _Where, label: str = "") -> None:
        registry, meter = where
        self._label = label
        self._prom = prom.Counter(name, text, [label] if label else [], registry=registry)
        self._otel: _Otel | None = None
        if meter is not None:
            self._otel = meter.create_counter(name.replace("_", ".", 1), description=text).add

    def prepare(self, values: Sequence[str]) -> None:
        for value in values:
            self._prom.labels(value)

    def add(self, amount: float, value: str = "") -> None:
        if amount <= 0:
            return
        (self._prom.labels(value) if self._label else self._prom).inc(amount)
        if self._otel is not None:
            self._otel(amount, {self._label: value} if self._label else None, None)


SERVICES = ("microphone", "asr", "llm", "tts", "face", "speaker")
"""Names under which failures are counted, so that each shows a 0 before its first."""

PAGE_ROLES = ("talk", "watch")
"""What a client of the server does."""

COUNTED: Mapping[Count, str] = {
    Count.SPECULATIONS_STARTED: "Replies started before the turn was decided",
    Count.SPECULATIONS_DROPPED: "Of those, dropped unheard",
    Count.WASTED_TOKENS: "Pieces of text of replies that were dropped",
    Count.TOKENS: "Pieces of text of replies that were accepted",
    Count.FALSE_CUTOFFS: "Turns decided while the user meant to go on",
    Count.FALSE_INTERRUPTIONS: "Interruptions that turned out to be none",
    Count.RESUMES: "Replies resumed after a false interruption",
    Count.BACKCHANNELS: "Backchannels of the user, which do not stop her",
    Count.UNDERRUNS: "Times that playout ran out of sound in mid-reply",
    Count.OVERFLOWS: "Frames and blocks of the microphone that were lost",
    Count.DROPPED_FRAMES: "Frames that the recogniser never got, its service being away",
    Count.REOPENED_STREAMS: "Streams of the recogniser that were opened because another had broken",
    Count.LATE_FRAMES: "Frames of the face that reached a page after their time",
    Count.UNDERFLOWS: "Blocks that came to the sound card too late",
    Count.TOOL_CALLS: "Calls of the runtime's own tools",
    Count.TOOL_FAILURES: "Of those, without a result",
    Count.TOOL_CALLS_WASTED: "Of those, made for replies that were dropped",
}


class Metrics:
    """Everything that is counted and measured, in a registry of its own. Safe to use from the event loop only."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.registry = prom.CollectorRegistry()
        at = (self.registry, meter)
        self._voice_to_voice = _Histogram(
            "sophia_voice_to_voice_seconds",
            "The user's last voiced sample to the reply's first audible one, at the sink",
            VOICE_BUCKETS,
            at,
        )
        self._contribution = _Histogram(
            "sophia_contribution_seconds",
            "What each stage added to voice-to-voice; the stages add up to it",
            STAGE_BUCKETS,
            at,
            labels=("stage",),
        )
        self._contribution.prepare(CONTRIBUTIONS)
        self._barge_in = _Histogram(
            "sophia_barge_in_seconds", "Onset of the interrupting voice to her last sample", VOICE_BUCKETS, at
        )
        self._lip_skew = _Histogram(
            "sophia_lip_skew_seconds", "By how much the lips lead the sound, nearly worst of a turn", SKEW_BUCKETS, at
        )
        self._face_missing = _Histogram(
            "sophia_face_missing_ratio", "Share of a turn's speech without a frame", MISSING_BUCKETS, at, unit="1"
        )
        self._page_skew = _Histogram(
            "sophia_page_skew_seconds",
            "By how much the lips lead the sound in a page, nearly worst of a reply",
            SKEW_BUCKETS,
            at,
        )
        self._page_missing = _Histogram(
            "sophia_page_missing_ratio",
            "Share of a reply's speech for which a page had no frame",
            MISSING_BUCKETS,
            at,
            unit="1",
        )
        self._page_late = _Counter("sophia_page_late_frames", "Frames that reached a page after their time", at)
        self._page_underruns = _Counter("sophia_page_underruns", "Times that a page ran out of sound", at)
        self._pages = prom.Gauge("sophia_pages", "Clients that talk or watch now", ["role"], registry=self.registry)
        for role in PAGE_ROLES:
            self._pages.labels(role)
        self._lags: deque[float] = deque(maxlen=round(60 / LAG_INTERVAL))
        self._places = prom.Gauge("sophia_places", "Clients that may talk at a time", registry=self.registry)
        self._loop_lag = _Histogram("sophia_loop_lag_seconds", "How late the event loop was", LAG_BUCKETS, at)
        self._turns = _Counter("sophia_turns", "Turns by how they ended", at, label="outcome")
        self._turns.prepare([str(outcome) for outcome in Outcome])
        self._reprompts = _Counter("sophia_reprompts", "Turns in which speech was heard but no text came", at)
        self._errors = _Counter("sophia_errors", "Failures by service", at, label="service")
        self._errors.prepare(SERVICES)
        self._tools = _Histogram(
            "sophia_tool_seconds",
            "How long the runtime's own tools took that had a result, or failed",
            TOOL_BUCKETS,
            at,
            labels=("tool", "outcome"),
        )
        self._tool_names: set[str] = set()
        self._wasted = _Counter("sophia_wasted_seconds", "Sound synthesised for replies that were dropped", at)
        self._counts = {what: _Counter(f"sophia_{what}", text, at) for what, text in COUNTED.items()}
        self._expiry = prom.Gauge(
            "sophia_certificate_expiry_timestamp_seconds",
            "When the certificate that a service shows ends, in seconds since 1970",
            ["service"],
            registry=self.registry,
        )
        self._sessions = prom.Gauge("sophia_sessions", "Conversations going on now", registry=self.registry)
        self._otel_sessions = (
            None if meter is None else meter.create_up_down_counter("sophia.sessions", description="Conversations")
        )
        prom.ProcessCollector(registry=self.registry)

    def record(self, ledger: Ledger, *, trace_id: str = "", context: Context | None = None) -> None:
        """Takes in a finished turn. ``trace_id`` (32 hexadecimal digits) becomes the exemplar of its latencies."""
        exemplar = {"trace_id": trace_id} if trace_id else None
        total = ledger.voice_to_voice
        if total is not None and total >= 0:  # below zero she spoke over the user: no wait to measure
            self._voice_to_voice.observe(total, exemplar=exemplar, context=context)
        for stage, seconds in ledger.contributions().items():
            self._contribution.observe(seconds, stage, exemplar=exemplar, context=context)
        if (latency := ledger.barge_in_latency) is not None:
            self._barge_in.observe(max(latency, 0.0), exemplar=exemplar, context=context)
        if ledger.lip_skew is not None:
            self._lip_skew.observe(ledger.lip_skew, exemplar=exemplar, context=context)
        if ledger.face_missing is not None:
            self._face_missing.observe(ledger.face_missing, exemplar=exemplar, context=context)
        if ledger.outcome is not None:
            self._turns.add(1, str(ledger.outcome))
            self._reprompts.add(ledger.outcome is Outcome.REPROMPTED)
        for what, counter in self._counts.items():
            if what not in LOSSES:  # those were counted when they happened
                counter.add(ledger.counts[what])
        self._wasted.add(ledger.wasted_seconds)

    def error(self, service: str) -> None:
        """Counts a failure of a service, in a turn or beside."""
        self._errors.add(1, service)

    def tool(self, name: str, seconds: float, *, failed: bool) -> None:
        """Takes in a tool that ended by itself; beyond :data:`MOST_TOOLS` names the others are one."""
        if len(self._tool_names) < MOST_TOOLS:
            self._tool_names.add(name)
        known = name if name in self._tool_names else "other"
        self._tools.observe(seconds, known, "failed" if failed else "ok")

    def lost(self, what: Count, by: int) -> None:
        """Counts one of :data:`~pipelines.telemetry.ledger.LOSSES`, in a turn or beside."""
        self._counts[what].add(by)

    def certificate(self, service: str, expires: float) -> None:
        """Notes when a service's certificate ends, in seconds since 1970."""
        self._expiry.labels(service).set(expires)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Counts a conversation as going on for as long as the block runs."""
        self._session(1)
        try:
            yield
        finally:
            self._session(-1)

    @contextmanager
    def page(self, role: str) -> Iterator[None]:
        """Counts a client that talks or watches (:data:`PAGE_ROLES`) for as long as the block runs."""
        self._pages.labels(role).inc()
        try:
            yield
        finally:
            self._pages.labels(role).dec()

    def places(self, count: int) -> None:
        """Tells how many clients may talk at a time."""
        self._places.set(count)

    def page_reply(self, skew: float | None, missing: float | None, late: int) -> None:
        """Takes in how a reply went in a page: seconds that the lips led, share without a frame, late frames."""
        if skew is not None:
            self._page_skew.observe(skew)
        if missing is not None:
            self._page_missing.observe(missing)
        self._page_late.add(late)

    def page_underruns(self, by: int) -> None:
        """Counts times that a page ran out of sound."""
        self._page_underruns.add(by)

    async def watch_loop(self) -> None:
        """Measures the event loop's lag until cancelled: how much later than asked a timer fires."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self._lags.append(max(0.0, loop.time() - due))
            self._loop_lag.observe(self._lags[-1])

    def least_lag(self, seconds: float) -> float:
        """The least that the event loop was late in the last ``seconds`` (at most 60): one stall alone says nothing.

        Nothing is known, so 0, until it was watched for as long.
        """
        looks = round(seconds / LAG_INTERVAL)
        return min(list(self._lags)[-looks:]) if len(self._lags) >= looks else 0.0

    def _session(self, by: int) -> None:
        self._sessions.inc(by)
        if self._otel_sessions is not None:
            self._otel_sessions.add(by)
