"""A run as OTLP: the spans that the voice loop itself emits, in a file that an OpenTelemetry collector reads.

Each line is an ``ExportTraceServiceRequest`` in OTLP's JSON encoding: what the collector's ``otlpjsonfile`` receiver
takes, and what may be posted to ``/v1/traces``. The spans are written by :mod:`pipelines.telemetry.spans` and encoded
by OpenTelemetry's own exporter; nothing here knows the format but for one of its peculiarities.

A line is of one conversation: a talk, played once in a session. It and each of its turns have a trace of their own.
What was said is in it only if the run's settings say ``telemetry.capture_content``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from pipelines.records.results import Run, Turn
from pipelines.replay.exports.ledgers import CONTENT, attributes, extent, ledger_of
from pipelines.telemetry import names
from pipelines.telemetry.spans import ConversationSpan, EpochClock, Labels

MOST_SPANS: Final = 500
"""Spans of one line at most: the collector cuts lines of more than 1 MiB unless it is told otherwise."""

LONGEST_TEXT: Final = 4096
"""Characters of an attribute at most."""

_LATEST = 2**63 - 2**60
"""Nanoseconds since 1970, in the year 2225: a date beyond is a mistake."""


def otlp_lines(run: Run) -> Iterator[str]:
    """The lines of the file, each a request of one conversation; the same run gives the same lines.

    Ids are hashes of the run; times count from its ``date``, or from 1970 without one.
    """
    resource = Resource(_present({
        "service.name": names.SERVICE,
        "service.version": _versions(run).get("sophia-avatar"),
        names.REPLAY + "scenario": run.scenario,
        names.REPLAY + "fingerprint": run.fingerprint,
        names.REPLAY + "config_hash": run.config_hash,
        names.REPLAY + "simulated": run.simulated,
    }))  # fmt: skip
    for turns in _conversations(run):
        spans = _spans(run, turns, resource)
        for first in range(0, len(spans), MOST_SPANS):
            yield json.dumps(_request(spans[first : first + MOST_SPANS]), separators=(",", ":"))


def _conversations(run: Run) -> list[list[Turn]]:
    found: dict[tuple[int, int, str], list[Turn]] = {}
    for turn in run.turns:
        found.setdefault((turn.session, turn.round, turn.talk), []).append(turn)
    return [sorted(turns, key=lambda turn: turn.line) for turns in found.values()]


def _spans(run: Run, turns: list[Turn], resource: Resource) -> list[ReadableSpan]:
    """The finished spans of a conversation, in the order of their beginnings."""
    id = hashlib.sha256(
        json.dumps([_date(run), run.config_hash, run.fingerprint, turns[0].talk, turns[0].round, turns[0].session])
        .encode()
    ).hexdigest()[:32]  # fmt: skip
    finished = _Finished()
    limits = SpanLimits(max_events=1000, max_attribute_length=LONGEST_TEXT)
    # All that the environment could change is given, so that a run always makes the same file.
    provider = TracerProvider(ALWAYS_ON, resource, False, None, _Ids(id), limits)
    provider.add_span_processor(finished)
    clock = _Clock(_date(run))
    ledgers = [ledger_of(turn) for turn in turns]
    extents = [extent(turn, ledger) for turn, ledger in zip(turns, ledgers, strict=True)]
    content = _section(run, "telemetry").get("capture_content") is True
    clock.at = min(start for start, _ in extents)
    conversation = ConversationSpan(provider.get_tracer(names.SCOPE), clock, id, _labels(run), capture_content=content)
    for turn, ledger, (start, end) in zip(turns, ledgers, extents, strict=True):
        clock.at = end
        live = conversation.start_turn(ledger.turn, start)
        told = {name: value for name, value in attributes(turn).items() if content or name not in CONTENT}
        trace.get_current_span(live.context).set_attributes(told)
        live.end(ledger)
    clock.at = max(end for _, end in extents)
    conversation.end()
    return sorted(finished.spans, key=lambda span: (span.start_time or 0, -(span.end_time or 0)))


def _request(spans: list[ReadableSpan]) -> dict[str, Any]:
    request: dict[str, Any] = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for resource in request["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for holder in (span, *span.get("links", ())):
                    for name in {"traceId", "spanId", "parentSpanId"} & holder.keys():
                        # OTLP's JSON writes ids in hexadecimal, where protobuf's writes base64.
                        holder[name] = base64.b64decode(holder[name]).hex()
    return request


def _labels(run: Run) -> Labels:
    mind, recognizer, voice = (_section(run, name) for name in ("llm", "asr", "tts"))
    return Labels(
        model=str(mind.get("model", "")),
        provider=str(mind.get("backend", "")),
        language=str(recognizer.get("language", "")),
        voice=str(voice.get("voice", "")),
    )


def _section(run: Run, name: str) -> dict[str, Any]:
    section = run.config.get(name)
    return section if isinstance(section, dict) else {}


def _versions(run: Run) -> dict[str, Any]:
    versions = run.environment.get("versions")
    return versions if isinstance(versions, dict) else {}


def _present(values: dict[str, str | None]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value}


def _date(run: Run) -> int:
    """The run's date in nanoseconds since 1970; 0 without one."""
    try:
        date = datetime.fromisoformat(str(run.environment.get("date")))
    except ValueError:
        return 0
    seconds = int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    return seconds * 10**9 if 0 < seconds * 10**9 < _LATEST else 0


class _Clock(EpochClock):
    """``at`` is now, in seconds from the run's beginning, which was ``epoch`` nanoseconds after 1970."""

    def __init__(self, epoch: int) -> None:
        self.at = 0.0
        self._epoch = epoch
        super().__init__(lambda: self.at)

    def nanoseconds(self, at: float) -> int:
        return self._epoch + round(at * 1e9)


class _Ids(IdGenerator):
    """Traces and spans are counted, and their ids hashed from ``id``."""

    def __init__(self, id: str) -> None:
        self._id = id
        self._traces = self._spans = 0

    def generate_trace_id(self) -> int:
        self._traces += 1
        return int.from_bytes(hashlib.sha256(f"{self._id} trace {self._traces}".encode()).digest()[:16])

    def generate_span_id(self) -> int:
        self._spans += 1
        return int.from_bytes(hashlib.sha256(f"{self._id} {self._spans}".encode()).digest()[:8])


class _Finished(SpanProcessor):
    """Keeps what is finished."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)
