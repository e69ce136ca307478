"""Spans, metrics and profiler ranges: views of the ledger. Nothing in here measures anything itself.

:mod:`~pipelines.telemetry.setup` holds the entrance, ``Telemetry``; only the settings are imported with the package.
"""

from pipelines.telemetry.settings import TelemetrySettings

__all__ = ["TelemetrySettings"]
