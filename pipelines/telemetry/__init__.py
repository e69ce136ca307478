"""The ledger, and spans, metrics and profiler ranges as views of it. No view measures anything itself.

Start with :class:`~pipelines.telemetry.setup.Telemetry`.
"""
