"""The ledger, and spans, metrics and profiler ranges as views of it. No view measures anything itself.

:class:`~pipelines.telemetry.setup.Telemetry` is the entrance.
"""
