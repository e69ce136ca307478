"""The way to a collector by OTLP over gRPC. Imported only if the settings ask for it."""

from __future__ import annotations

import base64
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers

from pipelines.settings.proxies import is_own
from pipelines.settings.telemetry import TelemetrySettings

EXPORT_SECONDS = 1.5
"""Deadline of one export. Below the two seconds in which everything must have stopped."""

METRICS_INTERVAL = 10.0
"""Seconds between two exports of metrics."""


class _Quiet(logging.Filter):
    """Keeps the exporters' words about a failure back while another try follows, for the thread that tries."""

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    @contextmanager
    def __call__(self, quiet: bool) -> Iterator[None]:
        self._here.quiet = quiet
        try:
            yield
        finally:
            self._here.quiet = False

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(self._here, "quiet", False)


_quiet = _Quiet()
# The first to look: the SDK's own filter takes what the next try says for the same once more, and drops it for 20 s.
logging.getLogger(OTLPExporterMixin.__module__).filters.insert(0, _quiet)


class _Renewing:
    """An exporter that is made anew after a failure: the old one would keep a connection that is dead.

    What fails after something was sent well is sent once more. Runs in the SDK's threads, one call at a time.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._inner = make()
        self._worked = False
        self._over = False

    def send(self, data: Any, **options: Any) -> Any:
        with _quiet(self._worked and not self._over):
            result = self._inner.export(data, **options)
        worked, self._worked = self._worked, result.name == "SUCCESS"
        if self._worked or self._over:
            return result
        self._inner.shutdown()
        self._inner = self._make()
        return self.send(data, **options) if worked else result

    def end(self) -> None:
        self._over = True
        self._inner.shutdown()


class _Spans(SpanExporter):
    def __init__(self, settings: TelemetrySettings) -> None:
        self._way = _Renewing(lambda: OTLPSpanExporter(**_collector(settings)))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult(self._way.send(spans))

    def shutdown(self) -> None:
        self._way.end()


class _Metrics(MetricExporter):
    def __init__(self, settings: TelemetrySettings) -> None:
        super().__init__()
        self._way = _Renewing(lambda: OTLPMetricExporter(**_collector(settings)))

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return MetricExportResult(self._way.send(metrics_data, timeout_millis=timeout_millis))

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True  # nothing waits here

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._way.end()


def span_exporter(settings: TelemetrySettings) -> SpanExporter:
    """Sends spans to the collector. Raises ``OSError`` if the CA file cannot be read."""
    return _Spans(settings)


def meter_provider(settings: TelemetrySettings, resource: Resource) -> MeterProvider:
    """Sends metrics to the collector every :data:`METRICS_INTERVAL`."""
    reader = PeriodicExportingMetricReader(_Metrics(settings), export_interval_millis=METRICS_INTERVAL * 1e3)
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False)


def _collector(settings: TelemetrySettings) -> dict[str, Any]:
    encrypted = settings.endpoint.startswith("https://")
    roots = settings.ca.read_bytes() if encrypted and settings.ca is not None else None
    options = [("grpc.use_local_subchannel_pool", 1)]  # else a new exporter is given the old one's dead connection
    if is_own(urlsplit(settings.endpoint).hostname or ""):
        options.append(("grpc.enable_http_proxy", 0))
    return {
        "endpoint": settings.endpoint.rstrip("/"),
        "insecure": not encrypted,
        "credentials": grpc.ssl_channel_credentials(roots) if encrypted else None,
        "timeout": EXPORT_SECONDS,
        "channel_options": tuple(options),
        "headers": _headers(settings),
    }


def _headers(settings: TelemetrySettings) -> dict[str, str] | None:
    """The environment's headers and our credentials; None: the exporter reads the environment itself."""
    if settings.credentials is None:
        return None
    told = base64.b64encode(settings.credentials.get_secret_value().encode()).decode()
    others = parse_env_headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), liberal=True)
    return {**others, "authorization": f"Basic {told}"}
