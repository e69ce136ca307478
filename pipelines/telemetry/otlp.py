"""The way to a collector by OTLP over gRPC. Imported only if the settings ask for it."""

from __future__ import annotations

from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from pipelines.settings.telemetry import TelemetrySettings

EXPORT_SECONDS = 1.5
"""Deadline of one export. Below the two seconds in which everything must have stopped."""

METRICS_INTERVAL = 10.0
"""Seconds between two exports of metrics."""


def span_exporter(settings: TelemetrySettings) -> OTLPSpanExporter:
    """Sends spans to the collector. Raises ``OSError`` if the CA file cannot be read."""
    return OTLPSpanExporter(**_collector(settings))


def meter_provider(settings: TelemetrySettings, resource: Resource) -> MeterProvider:
    """Sends metrics to the collector every :data:`METRICS_INTERVAL`."""
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(**_collector(settings)), export_interval_millis=METRICS_INTERVAL * 1e3
    )
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False)


def _collector(settings: TelemetrySettings) -> dict[str, Any]:
    encrypted = settings.endpoint.startswith("https://")
    roots = settings.ca.expanduser().read_bytes() if encrypted and settings.ca is not None else None
    return {
        "endpoint": settings.endpoint.rstrip("/"),
        "insecure": not encrypted,
        "credentials": grpc.ssl_channel_credentials(roots) if encrypted else None,
        "timeout": EXPORT_SECONDS,
    }
