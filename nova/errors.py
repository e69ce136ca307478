"""What can go wrong with a mind beyond the transport's own errors, each in one line that says what to do.

    MindError
    ├── MindTimeout           kept silent too long
    └── ModelError            answered, but not with a usable answer
        ├── AccessDenied      401, 403: the key is missing or wrong
        ├── UnknownModel      404: the server has other models
        ├── Rejected          400, 422 …: it does not take the request as it is
        ├── Overloaded        429, 502, 503, 504, 529: it may work in a moment
        ├── NoModelServer     a web page, a redirect, another protocol
        ├── BrokenOff         the answer ended before it was complete
        └── MalformedCall     it called a tool in a form that nobody can read, or one that it does not have

Transport failures are not here: they reach the caller as ``grpc.aio.AioRpcError`` or the HTTP library's error.
"""

from __future__ import annotations


class MindError(Exception):
    """Base of everything a mind raises itself.

    ``kind`` is what it means to whoever has to mend it, ``hint`` what that person can do, if anything is known.
    """

    kind = "broken"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ModelError(MindError):
    """The server answered, but with an error instead of text, or in a form nobody can use."""


class AccessDenied(ModelError):
    """The server does not let us in."""

    kind = "denied"


class UnknownModel(ModelError):
    """The server does not have the model."""

    kind = "unknown"


class Rejected(ModelError):
    """The server does not take the request as it is."""

    kind = "rejected"


class Overloaded(ModelError):
    """The server cannot answer now; ``retry_after`` is after how many seconds it may, if it said so."""

    kind = "busy"

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class NoModelServer(ModelError):
    """What answers is no server of language models."""

    kind = "unsupported"


class BrokenOff(ModelError):
    """The answer ended before it was complete."""

    kind = "lost"


class MalformedCall(ModelError):
    """The model called a tool, but nobody can tell which, or with what; ``called`` is its name, if that is known."""

    def __init__(self, message: str, hint: str = "", called: str = "unknown") -> None:
        super().__init__(message, hint)
        self.called = called


class MindTimeout(MindError):
    """The model kept silent longer than it may: its time limit for the first or for the next token is over."""

    kind = "silent"
