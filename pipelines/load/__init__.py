"""Load: many sessions at once against the services of a configuration, and what becomes of the latency."""
