"""The tables of insights: what each column holds, and where its files lie. Numbers and codes alone; no words.

``DIR/<table>/date=2026-11-30/part-0.parquet``, zstd, sorted by conversation. The date is a column of the file, too, as
is every other key: readers need nothing of the path. Durations are int32 microseconds, so that sums and histograms are
the same in every engine and on every processor. ``ended_at`` and ``began_at`` are int64 microseconds since 1970, UTC.

Schemas only ever gain nullable columns. :data:`VERSION` counts that, and stands in each file. Every reader is given the
schema of today; in an older file a newer column is empty.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from pipelines.telemetry.ledger import CONTRIBUTIONS, Count

VERSION: Final = 2
"""Of the schemas below; raised whenever one of them gains a column."""

ROW_GROUP: Final = 131_072
"""Rows that a reader skips or decodes at once."""

STAGES: Final[tuple[str, ...]] = ("voice_to_voice", *CONTRIBUTIONS)
"""What has a histogram: the whole wait, and each contribution to it."""

COUNTS: Final[tuple[str, ...]] = tuple(str(count) for count in Count)
"""What a turn counts; each is a column of the turns."""

MODELS: Final[tuple[str, ...]] = ("asr_model", "llm_model", "tts_model", "face_model")

KEYS: Final[tuple[str, ...]] = ("site", "language", "mode", "sophia", *MODELS, "settings", "arm", "consent")
"""What is known of a conversation, and copied to each of its turns."""

LENGTHS: Final[Mapping[str, int]] = {"short": 1_500_000, "medium": 4_000_000}
"""Classes of utterances, and the microseconds below which each lies. What is longer is ``long``."""

_TEXT, _COUNT, _TIME, _FLAG = pa.string(), pa.int32(), pa.int64(), pa.bool_()


def _schema(needed: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    fields = [pa.field(name, kind, nullable=False) for name, kind in needed.items()]
    fields += [pa.field(name, kind) for name, kind in (optional or {}).items()]
    return pa.schema(fields, metadata={"sophia.insights": str(VERSION)})


_OF_A_TURN: Final = {"conversation": _TEXT, "turn": _COUNT, "date": _TEXT}
_OF_A_PART: Final = {"conversation": _TEXT, "turn": _COUNT, "n": _COUNT, "date": _TEXT}

SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    # A conversation, on the day on which it began. ``person`` is a pseudonym, or empty. ``schema`` is the ledger's.
    "conversations": _schema(
        {"conversation": _TEXT, "person": _TEXT, "date": _TEXT, "began_at": _TIME}
        | dict.fromkeys(KEYS, _TEXT)
        | {"turns": _COUNT, "schema": _COUNT}
    ),
    # A turn, on the day on which it ended. Contributions are empty where she was not heard. Else they add up to
    # voice_to_voice, exactly. ``length`` is a class of LENGTHS. ``words`` is how many the user said. A suspected
    # cut-off: the user spoke again within two seconds of her first sample, though nothing was reopened. ``since_voice``
    # and ``since_heard`` are from the user's first sample, and from hers, to the end of the turn.
    "turns": _schema(
        _OF_A_TURN
        | {"hour": _COUNT, "ended_at": _TIME}
        | dict.fromkeys(KEYS, _TEXT)
        | {"outcome": _TEXT, "length": _TEXT},
        {"utterance": _COUNT, "words": _COUNT}
        | dict.fromkeys(STAGES, _COUNT)
        | dict.fromkeys(("barge_in_latency", "lip_skew", "face_lateness", "face_missing_ppm"), _COUNT)
        | dict.fromkeys(("sound", "wasted", *COUNTS, "faults"), _COUNT)
        | {"explored": _FLAG, "suspected_cutoff": _FLAG}
        | dict.fromkeys(("since_voice", "since_heard"), _COUNT),
    ),
    # A silence of the user within an utterance or after it: how long it was, how long one had to be to end the turn,
    # what the sentence sounded like, and what ended it.
    "silences": _schema(
        _OF_A_PART | dict.fromkeys(("site", "language", "settings", "arm"), _TEXT) | {"length": _COUNT},
        {"threshold": _COUNT, "sounds": _TEXT, "ended_by": _TEXT, "explored": _FLAG},
    ),
    # Decisions and faults: their codes, and when, in microseconds from voice_end (else from the turn's first mark).
    # The column is not called offset, which SQL keeps for itself.
    "decisions": _schema(_OF_A_PART | {"elapsed": _TIME, "kind": _TEXT}),
    "faults": _schema(_OF_A_PART | {"elapsed": _TIME, "service": _TEXT, "kind": _TEXT, "count": _COUNT}),
    # Sound that may be heard again: where, which, and until which day.
    "recordings": _schema(
        {"conversation": _TEXT, "date": _TEXT, "take": _TEXT, "user_sha256": _TEXT, "seconds_us": _TIME}
        | {"consent": _TEXT, "expires": _TEXT}
    ),
    # How many turns lie in each bin of a duration (:func:`pipelines.insights.queries.histogram`).
    "histograms": _schema(
        {"date": _TEXT, "hour": _COUNT}
        | dict.fromkeys(("site", "language", "llm_model", "length", "stage"), _TEXT)
        | {"bin": _COUNT, "n": _TIME}
    ),
}
"""Each table's columns, by its name."""

ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "conversations": ("conversation",),
    "turns": ("conversation", "turn"),
    "silences": ("conversation", "turn", "n"),
    "decisions": ("conversation", "turn", "n"),
    "faults": ("conversation", "turn", "n"),
    "recordings": ("conversation", "take"),
    "histograms": ("hour", "site", "language", "llm_model", "length", "stage", "bin"),
}
"""What names a row of a day, and orders the day's file."""


def length_of(utterance: int | None) -> str:
    """The class of an utterance of so many microseconds; empty where nobody knows."""
    if utterance is None:
        return ""
    return next((name for name, end in LENGTHS.items() if utterance < end), "long")


_NAMES = re.compile(r"\b(" + "|".join(SCHEMAS) + r")\b")


def asked(sql: str) -> list[str]:
    """The tables that a text speaks of."""
    return sorted(set(_NAMES.findall(sql)))


@dataclass(frozen=True, slots=True)
class Insights:
    """A folder of tables."""

    folder: Path

    def dates(self, table: str) -> list[str]:
        """The days that a table has, from the first."""
        try:
            names = os.listdir(self.folder / table)
        except FileNotFoundError:
            return []
        return sorted(name.removeprefix("date=") for name in names if name.startswith("date="))

    def files(self, table: str) -> list[Path]:
        """The files of a table, by day."""
        days = [self.day(table, date) for date in self.dates(table)]
        return [file for day in days for file in sorted(day.glob("part-*.parquet"))]

    def day(self, table: str, date: str) -> Path:
        """The folder of a table's day, there or not."""
        return self.folder / table / f"date={date}"
