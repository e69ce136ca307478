"""The report as plain data: percentiles and counts, by whatever was asked for, by day, and what changed since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.insights.errors import InsightsError
from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report.asking import Asking, Tally, condition
from pipelines.insights.report.changes import LEAST, Change, changes
from pipelines.insights.report.drift import PAST, Day, Drifts, drifts
from pipelines.insights.tables import MODELS, STAGES, Insights

FEWEST: Final = 10
"""Conversations that a group needs to be shown: of fewer, somebody could be made out."""

WINDOW: Final = PAST + 2
"""Days in which changes are looked for, at the least: the judged day, those before it, and one that is not over."""

USUALLY_BY: Final = ("llm_model", "site", "language", "length", "hour")
"""What the turns are divided by, one after the other, if nobody says otherwise."""

PUBLISHED: Final[Mapping[str, str]] = {
    "p50": "1.5–1.7 s",
    "p95": "3.5–5 s",
    "reprompts": "< 10",
}
"""Figures of production calls that Hamming publishes: voice-to-voice, and counts per 100 turns."""

RELEASED: Final = ("sophia", "settings", *MODELS)
"""What may be the reason of a change, if it is new on the same day."""


@dataclass(frozen=True, slots=True)
class Group:
    """Turns that have ``values`` of the keys: how long their stages took, and what was counted."""

    values: tuple[Any, ...]
    times: Mapping[str, Percentiles]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Division:
    """All turns, divided by ``keys``. ``hidden`` groups had too few conversations to be shown."""

    keys: tuple[str, ...]
    groups: tuple[Group, ...]
    hidden: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A change, and the percentile before and after it in seconds; ``new`` is what was first seen on that day."""

    change: Change
    before: float
    after: float
    conversations: int
    new: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report tells. ``newest`` is when the last turn ended, in seconds since 1970."""

    first: str
    last: str
    newest: float
    whole: Group
    outcomes: Mapping[str, int]
    days: Division
    divisions: tuple[Division, ...]
    changed: tuple[Changed, ...]
    looked: int
    """Days in which changes were looked for."""
    drifts: Drifts | None
    """The guardrails of the last day that is over, against their own past; None if no day is."""

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; times in seconds."""
        return {
            "first": self.first,
            "last": self.last,
            "newest": dt.datetime.fromtimestamp(self.newest, dt.UTC).isoformat(),
            "fewest_conversations": FEWEST,
            "whole": _group(self.whole, ()),
            "outcomes": dict(self.outcomes),
            "days": _division(self.days),
            "by": [_division(one) for one in self.divisions],
            "changed": [_changed(one) for one in self.changed],
            "days_looked_at": self.looked,
            "guardrails": None if self.drifts is None else _drifts(self.drifts),
        }


class NothingToTell(InsightsError):
    """There are too few conversations for a report."""


def report(
    tables: Insights,
    *,
    by: Sequence[str] = (),
    days: int | None = None,
    engine: str = "duckdb",
    today: str = "9999-12-31",
    told: Callable[[str], None] = lambda what: None,
) -> Report:
    """Asks the tables everything. ``by`` are keys that divide the turns together. ``days``: only the last so many.

    ``today`` and what follows are not judged: these days are not over.

    Raises :class:`NothingToTell`, and ``EngineError`` where the engine cannot answer.
    """
    dates = tables.dates("turns")
    if not dates:
        raise NothingToTell(f"{tables.folder} has no turns yet: python -m pipelines.insights ingest … --into it first")
    last = dates[-1]
    first = dates[0] if days is None else max(dates[0], _earlier(last, days - 1))
    asking = Asking(tables, engine, first, told)
    tally = asking.tallies(())[()]
    if tally.conversations < FEWEST:
        raise NothingToTell(
            f"{tally.conversations} conversations since {first} are too few to show: {FEWEST} keep people from being "
            "made out"
        )
    divided = [tuple(by)] if by else [(key,) for key in USUALLY_BY]
    divisions = [_divide(asking, keys) for keys in divided]
    window = max(dates[0], min(first, _earlier(last, WINDOW - 1)))
    looking = Asking(tables, engine, window, told)
    by_day = _divide(asking, ("date",))
    judged = by_day if window == first else _divide(looking, ("date",))
    return Report(
        first=first,
        last=last,
        newest=asking.newest() / 1e6,
        whole=Group((), asking.times(()).get((), {}), tally),
        outcomes=asking.outcomes(),
        days=by_day,
        divisions=tuple(one for one in divisions if by or len(one.groups) + one.hidden > 1),
        changed=tuple(_what_changed(looking)),
        looked=len([date for date in dates if date >= window]),
        drifts=drifts([Day(one.values[0], one.times.get(STAGES[0]), one.tally) for one in judged.groups], today),
    )


def _divide(asking: Asking, keys: tuple[str, ...]) -> Division:
    times, tallies = asking.times(keys), asking.tallies(keys)
    shown = {values: tally for values, tally in tallies.items() if tally.conversations >= FEWEST}
    groups = [Group(values, times.get(values, {}), tally) for values, tally in sorted(shown.items(), key=repr)]
    groups.sort(key=lambda group: [(isinstance(value, str), value) for value in group.values])
    return Division(keys, tuple(groups), len(tallies) - len(shown))


def _what_changed(asking: Asking) -> list[Changed]:
    found = []
    new = asking.first_days(RELEASED)
    for change in changes(asking.grids()):
        sides = []
        for sign in ("<", ">="):
            where = f"date {sign} '{change.since}'" + (f" AND {condition(change.where)}" if change.where else "")
            times, tally = asking.times((), where).get((), {}), asking.tallies((), where)[()]
            sides.append((times.get(change.stage), tally.conversations))
        (before, few), (after, many) = sides
        if before is None or after is None or min(few, many) < FEWEST:
            continue
        place = USUAL.index(0.5 if change.measure == "p50" else 0.95)
        was, now = before.values[place] / 1e6, after.values[place] / 1e6
        if abs(now - was) >= LEAST[change.measure].of(was) and (now > was) == (change.shift > 0):
            found.append(Changed(change, was, now, many, tuple(new.get(change.since, ()))))
    return found


def days_of(text: str) -> int:
    """``7d`` or ``7``: so many days. Raises ``ValueError``."""
    number = int(text.removesuffix("d"))
    if not 1 <= number <= 10_000:
        raise ValueError(text)
    return number


def _earlier(date: str, days: int) -> str:
    return str(dt.date.fromisoformat(date) - dt.timedelta(days=days))


def _group(group: Group, keys: Sequence[str]) -> dict[str, Any]:
    tally = group.tally
    return {
        **dict(zip(keys, group.values, strict=True)),
        "turns": tally.turns,
        "conversations": tally.conversations,
        "seconds": {
            stage: {"n": one.n, **{f"p{share * 100:g}": v / 1e6 for share, v in zip(USUAL, one.values, strict=True)}}
            for stage in STAGES
            if (one := group.times.get(stage)) is not None
        },
        "per_100_turns": {what: tally.per_100(what) for what in tally.counts},
    }


def _division(division: Division) -> dict[str, Any]:
    groups = [_group(group, division.keys) for group in division.groups]
    return {"keys": list(division.keys), "groups": groups, "hidden": division.hidden}


def _changed(one: Changed) -> dict[str, Any]:
    change = one.change
    return {
        "stage": change.stage,
        "measure": change.measure,
        "since": change.since,
        "where": dict(change.where),
        "before": one.before,
        "after": one.after,
        "conversations": one.conversations,
        "standard_errors": change.z,
        "new_that_day": dict(one.new),
    }


def _drifts(found: Drifts) -> dict[str, Any]:
    return {
        "date": found.date,
        "past_days": found.past,
        "of": [
            {
                "guardrail": one.guardrail,
                "unit": one.unit,
                "now": one.now,
                "usual": one.usual,
                "limit": one.limit,
                "drifted": one.drifted,
            }
            for one in found.guardrails
        ],
    }
