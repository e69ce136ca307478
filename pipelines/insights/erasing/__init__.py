"""Taking things out again: what somebody wants erased, and what was kept for long enough."""
