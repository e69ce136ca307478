"""Recordings: what a conversation leaves behind to be heard again, replayed and learned from."""
