"""How far a slow tool is: it tells whoever runs it, without either knowing the other."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str], None]
"""Takes how far it is, in a few words, such as "40 of 100: reading"."""


def _nobody(told: str) -> None:
    """Nobody asks how far it is."""


listener: ContextVar[Listener] = ContextVar("listener", default=_nobody)
"""Who is told of the tool that runs in this context."""
