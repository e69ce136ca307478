"""The SDK's side of spans: where they go, in its worker threads and never on the loop. Imported only if used."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from pipelines.settings.telemetry import TelemetrySettings

QUEUE = 4096
"""Finished spans that wait for export at most; beyond it the oldest are dropped and a warning says so."""


class JsonLines(SpanExporter):
    """Writes each span as one line of JSON. Times are nanoseconds since 1970, ids as in W3C traceparent."""

    def __init__(self, stream: TextIO, *, ours: bool) -> None:
        self._stream = stream
        self._ours = ours

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Writes and flushes. An error of the file, such as a full disk, is raised for the SDK to report."""
        for span in spans:
            self._stream.write(json.dumps(as_dict(span), ensure_ascii=False) + "\n")
        self._stream.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Closes the file if it is ``ours``, which the console is not."""
        if self._ours:
            self._stream.close()


def as_dict(span: ReadableSpan) -> dict[str, Any]:
    """A span, ready for JSON."""
    context = span.get_span_context()
    return {
        "name": span.name,
        "kind": span.kind.name.lower(),
        "trace_id": "" if context is None else format(context.trace_id, "032x"),
        "span_id": "" if context is None else format(context.span_id, "016x"),
        "links": [format(link.context.trace_id, "032x") for link in span.links],
        "parent_id": None if span.parent is None else format(span.parent.span_id, "016x"),
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
        "events": [
            {"name": event.name, "time": event.timestamp, "attributes": dict(event.attributes or {})}
            for event in span.events
        ],
    }


def resource(settings: TelemetrySettings) -> Resource:
    """Who emits: the service's name and version, and the host."""
    try:
        ours = version("sophia-avatar")
    except PackageNotFoundError:
        ours = "unknown"
    return Resource.create(
        {"service.name": settings.service_name, "service.version": ours, "host.name": platform.node()}
    )


def tracer_provider(settings: TelemetrySettings, exporter: SpanExporter | None) -> TracerProvider:
    """Spans to ``exporter``, or to the one that the settings name. Raises ``OSError`` if a file cannot be opened."""
    provider = TracerProvider(resource=resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(exporter or _exporter(settings), max_queue_size=QUEUE, schedule_delay_millis=1000)
    )
    return provider


def _exporter(settings: TelemetrySettings) -> SpanExporter:
    if settings.exporter == "otlp":
        from pipelines.telemetry import otlp  # noqa: PLC0415 - a quarter of a second that only this exporter costs

        return otlp.span_exporter(settings)
    if settings.exporter == "json":
        settings.file.parent.mkdir(parents=True, exist_ok=True)
        # With ``capture_content`` it holds what was said: its owner's business alone.
        file = os.open(settings.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return JsonLines(os.fdopen(file, "a", encoding="utf-8"), ours=True)
    return JsonLines(sys.stderr, ours=False)
