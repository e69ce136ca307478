"""How long a recogniser has been away, when it is tried next, and who is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sophia.events import EarsBack, EarsLost

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds before the first and between later attempts; the pause doubles from one to the other."""


class Outage:
    """The outage there is, or none: then ``error`` is None.

    ``tell`` hears once that it began and once that it is over. It is an error after ``patience`` seconds.
    """

    def __init__(self, patience: float, tell: Callable[[EarsLost | EarsBack], None]) -> None:
        self.error: Exception | None = None
        """The newest reason."""
        self._patience = patience
        self._tell = tell
        self._since = 0.0
        self._tries = 0

    def goes_on(self, error: Exception) -> None:
        """The ears are away, for this reason; it begins with that, if they were not."""
        begins, self.error = self.error is None, error
        if begins:
            self._since = asyncio.get_running_loop().time()
            self._tell(EarsLost(at=self._since, error=error))

    def over(self) -> None:
        """The ears are there, if they were away."""
        if self.error is not None:
            self.error, self._tries = None, 0
            self._tell(EarsBack(at=asyncio.get_running_loop().time()))

    def pause(self) -> float:
        """Seconds until the next attempt; raises the newest reason if that would be later than is waited for."""
        pause: float = min(FIRST_PAUSE * 2 ** min(self._tries, 8), LONGEST_PAUSE)
        self._tries += 1
        if self.error is not None and asyncio.get_running_loop().time() + pause - self._since > self._patience:
            raise self.error
        return pause
