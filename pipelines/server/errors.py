"""What can keep the server from being there."""

from __future__ import annotations


class ServerError(Exception):
    """It cannot be served as asked; the message is one line that says why and what to do."""

    kind = "settings"


class PortTaken(ServerError):
    """Another program has the port."""
