"""Every question that is asked of the tables; each has to read alike, and to find alike, in all engines."""

from __future__ import annotations

from pipelines.insights.queries import histogram, stored
from pipelines.insights.tables import SCHEMAS

STATEMENTS: dict[str, str] = {
    "histogram": histogram(("hour",)),
    "histogram of everything": histogram(()),
    "histogram by all keys": histogram(("date", "site", "language", "llm_model", "length", "arm")),
    "histogram of one model": histogram(("hour",), ("llm",), where="llm_model = 'nova-8' AND date >= '2026-11-02'"),
    "stored histogram": stored(("hour", "llm_model")),
    "stored histogram of a day": stored((), where="date = '2026-11-01'"),
}
for table, schema in SCHEMAS.items():
    counted = ", ".join(f"COUNT({column}) AS {column}" for column in schema.names)
    STATEMENTS[f"every column of {table}"] = f"SELECT {counted} FROM {table}"
