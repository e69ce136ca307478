"""What can go wrong with tables and questions: each is one line, which says what to change."""

from __future__ import annotations


class InsightsError(Exception):
    """The message is one line for people; ``lines`` is what programs end with."""

    kind = "settings"

    def __init__(self, line: str) -> None:
        self.lines = (line,)
        super().__init__(line)


class EngineError(InsightsError):
    """An engine cannot answer."""


class StoreError(InsightsError):
    """The tables cannot be written."""


class SourceMissing(InsightsError):
    """What was to be taken in is not there."""
