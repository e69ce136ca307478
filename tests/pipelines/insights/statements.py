"""Every question that is asked of the tables; each has to read alike, and to find alike, in all engines."""

from __future__ import annotations

from pipelines.improve import data
from pipelines.insights.queries import each, histogram, stored
from pipelines.insights.report import asking, comparing
from pipelines.insights.report.grid import CELL, Bounds, scores
from pipelines.insights.tables import SCHEMAS

SINCE = "date >= '2026-11-02'"

STATEMENTS: dict[str, str] = {
    "histogram": histogram(("hour",)),
    "histogram of everything": histogram(()),
    "histogram by all keys": histogram(("date", "site", "language", "llm_model", "length", "arm")),
    "histogram of one model": histogram(("hour",), ("llm",), where=f"llm_model = 'nova-8' AND {SINCE}"),
    "stored histogram": stored(("hour", "llm_model")),
    "scores of days": scores("histograms", {"llm": Bounds(1000, 9000, 5000, 9000), "tts": Bounds(1, 2, 3, 4)}),
    "scores of days, from turns": scores(
        f"({each(('date', *CELL), where=SINCE)}) AS bins", {"llm": Bounds(1, 9, 5, 8)}
    ),
    "tallies": asking.tallied((), SINCE),
    "tallies by key": asking.tallied(
        ("site", "llm_model", "hour"), f"{SINCE} AND {asking.condition({'site': 'wien'})}"
    ),
    "outcomes": asking.OUTCOMES.format(when=SINCE),
    "newest turn": asking.NEWEST.format(when=SINCE),
    "first days": asking.FIRST_DAYS.format(key="settings", when=SINCE),
    "turns to compare": comparing.asked("date >= '2026-11-01' AND date <= '2026-11-02' AND hour = 12"),
    "turns of a trial": data._TURNS.format(where="arm IN ('canary:x', 'control:x')"),
    "turns that were interrupted": data._INTERRUPTED,
    "silences alike": data._SILENCES,
    "stored histogram of a day": stored((), where="date = '2026-11-01'"),
}
for table, schema in SCHEMAS.items():
    counted = ", ".join(f"COUNT({column}) AS {column}" for column in schema.names)
    STATEMENTS[f"every column of {table}"] = f"SELECT {counted} FROM {table}"
