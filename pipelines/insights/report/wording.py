"""What the report says in words: plain text, which the terminal and the page show alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipelines.insights.report.drift import Drift
from pipelines.insights.report.figures import FEWEST, Changed, Division, Report
from pipelines.insights.report.noise import FEWEST_DAYS
from pipelines.terminal.text import clean

STAGE_NAMES: Final[Mapping[str, str]] = {"voice_to_voice": "voice-to-voice"}

OLD: Final = 36
"""Hours after which it is told that the data is old."""


def named(key: str, value: Any) -> str:
    """One value of one key, such as ``hour 14`` or ``llm nova-8``."""
    if key == "hour":
        return f"{value:02} h UTC"
    return clean(str(value)) or f"(no {key.removesuffix('_model')})"


def division(one: Division) -> str:
    """By what turns are divided."""
    return ", ".join(key.removesuffix("_model") for key in one.keys)


def change(one: Changed) -> str:
    """A change in a sentence."""
    found = one.change
    stage = STAGE_NAMES.get(found.stage, found.stage)
    where = ", ".join(f"{key} {value}" for key, value in found.where.items())
    moved = "slower" if one.after > one.before else "faster"
    told = (
        f"{stage} {moved} since {found.since}: {found.measure} {one.before * 1000:.0f} -> {one.after * 1000:.0f} ms "
        f"({(one.after - one.before) * 1000:+.0f})"
    )
    told += f", where {clean(where)}" if where else ", everywhere"
    if one.new:
        told += "; new that day: " + ", ".join(f"{key} {clean(value)}" for key, value in one.new)
    return told


def judged(report: Report) -> str:
    """Which day's guardrails are held against what; or why none are."""
    found = report.drifts
    if found is None:
        return "No day is over yet, so no guardrail is judged."
    if not found.guardrails:
        return f"{found.past} days before {found.date} are too few to judge its guardrails; {FEWEST_DAYS} are needed."
    return f"{found.date} against the {found.past} days before it"


def drift(one: Drift) -> tuple[str, ...]:
    """A guardrail: its name, now, what is usual, the limit, and whether that was passed; in ms, or per 100 turns."""
    form, scale = (".0f", 1000) if one.unit == "seconds" else (".2f", 100)
    values = (f"{value * scale:{form}}" for value in (one.now, one.usual, one.limit))
    return one.guardrail, *values, "drifted" if one.drifted else ""


def looked(report: Report) -> str:
    """What was looked at for changes, if none was found or could be."""
    if report.looked < FEWEST_DAYS:
        return f"{report.looked} days are too few to tell a change from chance; {FEWEST_DAYS} are needed."
    return f"Nothing changed that counts, in {report.looked} days."


def size(report: Report) -> str:
    """How much was measured, and when."""
    whole = report.whole.tally
    days = len(report.days.groups) + report.days.hidden
    return (
        f"{whole.turns:,} turns of {whole.conversations:,} conversations, {report.first} to {report.last} "
        f"({days} day{'' if days == 1 else 's'}), UTC"
    )


def freshness(report: Report, now: float) -> tuple[str, bool]:
    """How old the newest turn is at ``now``, in seconds since 1970; and whether that is old."""
    hours = max(0.0, now - report.newest) / 3600
    told = f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
    ended = dt.datetime.fromtimestamp(report.newest, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"newest turn {ended}, {told} ago", hours > OLD


def hidden(report: Report) -> Iterator[str]:
    """What is not shown, and why."""
    for one in (report.days, *report.divisions):
        if one.hidden:
            yield f"by {division(one)}: {one.hidden} not shown, with fewer than {FEWEST} conversations each"
