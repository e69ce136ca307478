"""Sophia's server beside others: the same callers, services with the same exact delays, one machine, one run."""
