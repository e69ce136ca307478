"""What a check finds: a place, a line, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``error``: it will not load or not answer; ``warning``: it will, but hardly as meant; ``note``: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about one place; ``where`` is a path within the repository."""

    level: Level
    where: str
    text: str


def error(where: str, text: str) -> Finding:
    """It will not load, or Nova cannot talk to it."""
    return Finding(Level.ERROR, where, text)


def warning(where: str, text: str) -> Finding:
    """It loads, but hardly as it is meant."""
    return Finding(Level.WARNING, where, text)


def note(where: str, text: str) -> Finding:
    """Nothing is wrong."""
    return Finding(Level.NOTE, where, text)
