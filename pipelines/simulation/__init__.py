"""Simulated services with measured delays: the whole loop on a virtual clock, deterministic to the byte."""
