"""What the report says in words: sentences, reasons, facts; plain text that the page escapes."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from typing import Any, Final

from markupsafe import Markup

from pipelines.records.results import Run
from pipelines.replay.report.figures import explained, slow_turns
from pipelines.telemetry.ledger import CONTRIBUTIONS
from pipelines.terminal.text import clean

WENT_WELL: Final = frozenset({"answered", "ignored", "joined"})
"""Outcomes of lines that need no explanation."""

MEANING: Final[Mapping[str, str]] = {
    "capture": "the last voiced frame reaches the loop",
    "asr": "the text arrives",
    "endpointing": "the reply is started",
    "llm": "the model's first output arrives",
    "tools": "its first text to be said arrives; it waited for its tools",
    "clause": "its first clause goes to synthesis",
    "tts": "its first sound arrives",
    "hold": "the turn is decided; finished sound waited",
    "playout": "it is heard",
}
"""What ends each stage."""

_MENTIONED = 0.05  # share of a difference from which on a stage is named
_NAMED_LINES = 6  # of a reason for which lines went wrong; more are counted


def mean_bars(run: Run, base: Run | None) -> list[dict[str, Any]]:
    """A bar for each run: the share that each stage has in the mean wait."""
    bars = []
    for label, one in (("this run", run), ("baseline", base)):
        if one is None or len(parts := explained(one)[1]) == 0:
            continue
        bars.append((label, parts.mean(axis=0), float(parts.mean(axis=0).sum())))
    longest = max((total for *_, total in bars), default=0.0)
    return [
        {
            "label": f"{label}: {ms(total)} on average",
            "told": ", ".join(f"{stage} {ms(value)}" for stage, value in zip(CONTRIBUTIONS, means, strict=True)),
            "parts": [
                {
                    "stage": stage,
                    "percent": f"{value / longest * 100:.2f}",
                    "told": f"{stage}: {ms(value)}, {percent(value / total)} of the mean wait",
                    "label": stage if value / longest > 0.01 * len(stage) + 0.005 else "",
                }
                for stage, value in zip(CONTRIBUTIONS, means, strict=True)
            ],
        }
        for label, means, total in bars
        if total > 0
    ]


def slow_told(run: Run) -> str:
    """What makes the slow turns slow, in one sentence; empty if there are too few turns to tell."""
    more = slow_turns(run)
    total = sum(more.values()) if more else 0.0
    if not more or total <= 0:
        return ""
    largest = sorted(more.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(
        f"{stage} {ms(value)} ({percent(value / total)})" for stage, value in largest if value / total > _MENTIONED
    )
    return f"The slowest tenth of the turns waits {ms(total)} longer than the fastest half. Most of it: {told}."


def reasons(run: Run) -> list[dict[str, Any]]:
    """Why lines went wrong, the most frequent reason first, with the lines that it befell."""
    found: Tally[tuple[str, str]] = Tally()
    lines: dict[tuple[str, str], Tally[str]] = {}
    for turn in run.turns:
        if turn.outcome in WENT_WELL:
            continue
        why = (turn.outcome, clean(turn.reason))
        found[why] += 1
        lines.setdefault(why, Tally())[clean(turn.name)] += 1
    rows = []
    for (outcome, reason), count in found.most_common():
        names = [name for name, _ in lines[outcome, reason].most_common()]
        more = f" and {len(names) - _NAMED_LINES} more" if len(names) > _NAMED_LINES else ""
        told = ", ".join(names[:_NAMED_LINES]) + more
        rows.append({"count": count, "outcome": outcome, "reason": reason, "lines": told})
    return rows


def folds(run: Run, base: Run | None) -> list[dict[str, Any]]:
    """Facts that are looked up rather than read: machine, versions, settings."""
    found = []
    for label, one in (("", run), ("Baseline: ", base)):
        if one is None:
            continue
        facts = {"scenario": f"{one.scenario} ({one.fingerprint})", **one.environment}
        found.append({"title": f"{label}environment".capitalize(), "rows": list(_flat(facts))})
        if one.config:
            title = f"{label}settings" + (f" ({one.config_hash})" if one.config_hash else "")
            found.append({"title": title[0].upper() + title[1:], "rows": list(_flat(one.config))})
    return found


def warnings(run: Run) -> list[str]:
    """What one has to know before one reads on."""
    found = []
    if not run.turns:
        found.append("Nothing was played.")
    elif not run.complete:
        found.append("The run was interrupted: what follows is of the lines that were played until then.")
    return found


def size(run: Run) -> str:
    """How much was played."""
    parts = [_many(run.lines, "line"), _many(run.rounds, "round")]
    if run.sessions > 1:
        parts.append(f"{run.sessions} sessions side by side")
    return f"{' × '.join(parts)}: {_many(len(run.turns), 'turn')}"


def legend() -> Markup:
    """The stages and their colours."""
    keys = "".join(f'<li><span class="key {stage}"></span>{stage}</li>' for stage in CONTRIBUTIONS)
    return Markup(f'<ul class="legend">{keys}</ul>')


def ms(seconds: float | None) -> str:
    """Seconds as milliseconds, to one; a dash for what is not known."""
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def signed(seconds: float) -> str:
    """A difference in milliseconds, with its sign."""
    whole = round(seconds * 1000)
    return f"{whole:+d} ms".replace("-", "−") if whole else "0 ms"


def percent(share: float) -> str:
    """A share, 0 to 1, in percent."""
    return f"{share * 100:.0f} %"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        elif value is not None:
            yield clean(f"{before}{name}"), clean(str(value))
