"""Processes that end with the one that started them, however it ends."""

from __future__ import annotations

import ctypes
import signal
import sys


def die_with_parent() -> None:
    """Asks the Linux kernel for SIGTERM at the parent's death (``prctl(PR_SET_PDEATHSIG)``); a no-op elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
