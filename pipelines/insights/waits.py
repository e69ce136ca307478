"""How long a conversation had its user wait: one figure of all its waits, for comparisons by conversations."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import geometric_mean, median
from typing import Final

SHORTEST: Final = 1000
"""µs that a wait counts as at the least: it may be none at all, and even less than that."""

MOST: Final = 2
"""Times the median: more than that no wait counts."""


def typical(waits: Iterable[int | None]) -> float | None:
    """The geometric mean of waits in µs, none of which counts for more than twice the median; None without any.

    No single turn moves it far. A median alone would be blind to what slows down some turns, such as those that sound
    unfinished.
    """
    known = [max(wait, SHORTEST) for wait in waits if wait is not None]
    if not known:
        return None
    most = MOST * median(known)
    return geometric_mean([min(wait, most) for wait in known])
