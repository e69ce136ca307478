"""A run in other forms: CSV, OTLP, and a trace for Perfetto."""
