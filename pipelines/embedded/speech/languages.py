"""The languages of the embedded speech service: English, and German, or both, where its extra is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

ENGLISH: Final = "en-US"
GERMAN: Final = "de-DE"

AUTO: Final = "auto"
"""Both of them: what is heard says which one it is."""

MULTILINGUAL: Final = "multi"
"""What Riva's models of several languages call that."""

_EXTRA: Final = ("ctranslate2", "py_nanotts")
"""What the extra ``german`` installs, by module."""


def served(language: str) -> str:
    """What to serve for a configured language: both for ``auto``, German for ``de-AT``, else English."""
    if language == AUTO:
        return AUTO
    return GERMAN if alike(language, GERMAN) else ENGLISH


def alike(language: str, other: str) -> bool:
    """Whether two codes name the same language, wherever it is spoken: ``de`` and ``de-CH``."""
    return language.lower().partition("-")[0] == other.lower().partition("-")[0]


def check_extra() -> None:
    """Raises ``RuntimeError`` saying what to do where German is not installed."""
    if not all(map(find_spec, _EXTRA)):
        raise RuntimeError(
            "German is an extra that is not installed. With make: make talk EXTRAS=german CONFIG=embedded-de.yaml; "
            "without: .venv/bin/python -m pip install -e '.[german]'"
        )
