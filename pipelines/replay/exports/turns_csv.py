"""A run as a table: one row a turn, for spreadsheets and data frames. Times are seconds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any, Final

from pipelines.records.results import Run, Turn
from pipelines.telemetry.ledger import CONTRIBUTIONS

_ELSEWHERE = {"marks", "decisions", "faults", "user_envelope", "reply_envelope"}
"""What is no single value; ``run.json`` has it."""

_SPREAD: dict[str, tuple[str, ...]] = {
    "voiced": ("voiced_start", "voiced_end"),
    "contributions": CONTRIBUTIONS,
}

COLUMNS: Final = (
    *(part for name in Turn.model_fields if name not in _ELSEWHERE for part in _SPREAD.get(name, (name,))),
    "simulated",
)
"""The header: the fields of :class:`~pipelines.records.results.Turn` by their names, a column for each contribution,
and the profile that was simulated (empty: real services)."""

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet take text for a formula (OWASP, CSV Injection)."""


def turns_csv(run: Run) -> str:
    """The whole table: UTF-8 text, comma-separated, with a header.

    What was said, recognised or reported comes from outside: line breaks and invisible characters become spaces, and
    text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in (*_values(turn), run.simulated)] for turn in run.turns)
    return table.getvalue()


def _values(turn: Turn) -> Iterator[Any]:
    for name in Turn.model_fields:
        value = getattr(turn, name)
        if name == "voiced":
            yield from value or (None, None)
        elif name == "contributions":
            yield from (value.get(stage) for stage in CONTRIBUTIONS)
        elif name not in _ELSEWHERE:
            yield value


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return ""
        case int() | float():
            return repr(value)
        case _:
            text = "".join(char if char.isprintable() else " " for char in str(value))
            return f"'{text}" if str(value).startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
