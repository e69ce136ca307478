"""Talks to a server from a terminal, perhaps on another machine: the Realtime protocol from a client's side."""
