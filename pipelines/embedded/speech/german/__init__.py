"""German: its ears, its voice, and how its numbers are read. An extra."""
