"""What a log can say about another pause, and what it cannot.

A log holds each silence until somebody ended it. A *shorter* pause would have ended some of those in which the user
went on: they are there, and can be counted. A *longer* one would have let some people go on who were cut off: of them
the log holds only those who went on over her. So it bounds the gain, and no more.

Turns in which she waited longer on purpose (``turns.explore``) do tell: the estimate of Kaplan and Meier (1958) takes
every silence as long as it was watched. Of any other setting the log says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipelines.improve.data import SilenceRow

Known = Literal["identified", "bounded", "unknown"]

SOUNDS: Final[Mapping[str, str]] = {
    "turns.pause_complete": "complete",
    "turns.pause_open": "open",
    "turns.pause_unfinished": "unfinished",
}
"""The kind of words after which each pause counts."""

FEWEST: Final = 100
"""Silences, or explored ones, without which nothing is said."""

FEWEST_REOPENS: Final = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What a log says about one change: how sure, and in words."""

    known: Known
    line: str


def said(key: str, was: float, now: float, rows: Iterable[SilenceRow]) -> Said:
    """What the silences of a log say about a change of ``key``; pauses in seconds."""
    if key not in SOUNDS:
        return Said("unknown", "a log of silences says nothing about it; the replay alone speaks for it")
    kind = [row for row in rows if row.sounds == SOUNDS[key]]
    number = _number(kind)
    if number < FEWEST:
        return Said("unknown", f"{number} silences of this kind are in the log; {FEWEST} are needed")
    before, after = round(was * 1e6), round(now * 1e6)
    if after <= before:
        return _shorter(kind, before, after, number)
    return _longer(kind, before, after, number)


def _shorter(kind: Sequence[SilenceRow], before: int, after: int, number: int) -> Said:
    """Those who went on after a silence between the two would be cut off."""
    more = _number([row for row in kind if row.ended_by == "voice" and after < row.length <= before])
    share = 100 * more / number
    return Said("identified", f"{share:.2f} more cut-offs for each 100 of {number} silences that were watched so long")


def _longer(kind: Sequence[SilenceRow], before: int, after: int, number: int) -> Said:
    explored = [row for row in kind if row.explored and row.threshold > before]
    watched = _number([row for row in explored if row.threshold >= after])
    if _number(explored) >= FEWEST and watched:
        fewer = 100 * (still_silent(explored, before) - still_silent(explored, after))
        return Said("identified", f"{fewer:.2f} fewer cut-offs for each 100, by {_number(explored)} explored silences")
    reopened = _number([row for row in kind if row.ended_by == "reopen" and before < row.length <= after])
    every = _number([row for row in kind if row.ended_by == "reopen"])
    if every < FEWEST_REOPENS:
        return Said("unknown", f"{every} users went on over her; who fell silent instead is not in the log")
    share = 100 * reopened / number
    return Said("bounded", f"at least {share:.2f} fewer cut-offs for each 100: who fell silent is not in the log")


def still_silent(rows: Iterable[SilenceRow], until: int) -> float:
    """The share of silences that last longer than ``until``, by Kaplan and Meier.

    Where the user went on the length is known. Elsewhere it was watched up to the threshold that ended the turn.
    """
    ended: dict[int, int] = {}
    watched: dict[int, int] = {}
    for row in rows:
        if row.ended_by == "voice":
            ended[row.length] = ended.get(row.length, 0) + row.number
        else:
            watched[row.threshold] = watched.get(row.threshold, 0) + row.number
    there, survival = sum(ended.values()) + sum(watched.values()), 1.0
    for time in sorted({*ended, *watched}):
        if time > until or not there:
            break
        survival *= 1 - ended.get(time, 0) / there
        there -= ended.get(time, 0) + watched.get(time, 0)
    return survival


def _number(rows: Iterable[SilenceRow]) -> int:
    return sum(row.number for row in rows)
