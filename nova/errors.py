"""What can go wrong with a mind beyond the transport's own errors, each in one line that says what to do.

Transport failures are not here: they reach the caller as ``grpc.aio.AioRpcError`` or the HTTP library's error.
"""

from __future__ import annotations


class MindError(Exception):
    """Base of everything a mind raises itself. ``kind`` is what it means to whoever has to mend it."""

    kind = "broken"


class ModelError(MindError):
    """The server answered, but with an error instead of text, or in a form nobody can use."""


class MindTimeout(MindError):
    """The model kept silent longer than it may: its time limit for the first or for the next token is over."""

    kind = "silent"
