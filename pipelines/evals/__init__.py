"""Scripted conversations with tools, by the real conversation graph and judged: what was said, called, and when."""
