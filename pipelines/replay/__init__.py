"""Replay: recorded voices through the same loop that people talk to, every turn measured in the audio itself."""
