"""Tells a client what was done otherwise than it asked: in the call's trailing metadata, and once in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

KEY = "sophia-notice"
"""The metadata key, once for each notice; ASCII, one line."""

MOST_LOGGED = 200
"""Different notices that one process logs: clients make up names without end."""

log = logging.getLogger("sophia.embedded")
_logged: set[str] = set()


def notify(context: Any, notices: Iterable[str]) -> None:
    """Has the call of ``context`` end with ``notices`` in its trailing metadata."""
    lines = [_plain(notice) for notice in notices]
    if lines:
        context.set_trailing_metadata(tuple((KEY, line) for line in lines))
    for line in lines:
        if line not in _logged and len(_logged) < MOST_LOGGED:
            _logged.add(line)
            log.warning("%s", line)


def _plain(notice: str) -> str:
    """The notice as metadata may hold it, which a client's own words are part of: printable ASCII."""
    printable = "".join(c if c.isprintable() else " " for c in notice[:300])
    return " ".join(printable.split()).encode("ascii", "backslashreplace").decode()
