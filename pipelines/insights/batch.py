"""Many ledgers' lines as columns: what they measured, in integer microseconds that add up in every turn.

The edges of a turn's contributions are rounded, relative to ``voice_end``, and not the contributions themselves. So
their differences add up to voice-to-voice exactly. Texts of a line are codes and names: whatever does not look like one
is replaced or shortened here, so that no words get into a table.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, compress
from operator import attrgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.insights.lines import Conversation, Line
from pipelines.insights.tables import COUNTS, KEYS, LENGTHS, SCHEMAS
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS, PLAYED, VOICE_END, Outcome

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST: Final = 2**31 - 1
"""Microseconds, 36 minutes: what lasts longer is as long as this."""

EARLIEST, LATEST = 946_684_800_000_000, 4_102_444_800_000_000
"""Microseconds since 1970 between which a turn may end: the years 2000 to 2100."""

CONSENTS: Final = ("numbers", "words", "sound")

_CHAIN = tuple(CHAIN)
_MARKS = (*_CHAIN, VOICE_END, "voice_start", "end")
_ID = re.compile(r"[0-9a-f]{32}\Z")
_PERSON = re.compile(r"[0-9a-f]{0,64}\Z")
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
_OUTCOMES = frozenset(map(str, Outcome))
_LONGEST_NAME = 80

_marks_of = attrgetter(*(f"marks.{name}" for name in _MARKS))
_counts_of = attrgetter(*(f"counts.{name}" for name in COUNTS))
_seconds_of = attrgetter(
    "utterance.seconds", "barge_in_latency", "lip_skew", "face_lateness", "face_missing",
    "sound_seconds", "wasted_seconds",
)  # fmt: skip


class Batch:
    """Lines on their way into tables.

    ``refused`` is how many could not be placed: their conversation has no id or no date, or their times cannot be.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._lines: list[Line] = []
        self._of: list[int] = []
        self._known: dict[tuple[Any, ...], int] = {}
        self._conversations: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: Line) -> bool:
        """Takes a line; false for one that is refused."""
        conversation, models = line.conversation, line.conversation.models
        names = (
            conversation.id, conversation.began, conversation.loop_time, conversation.person, conversation.site,
            conversation.language, conversation.mode, conversation.sophia, models.asr, models.llm, models.tts,
            models.face, conversation.settings, conversation.arm, conversation.consent,
        )  # fmt: skip
        number = self._known.get(names)
        if number is None:
            placed = _placed(conversation)
            number = self._known[names] = -1 if placed is None else len(self._conversations)
            if placed is not None:
                self._conversations.append(placed)
        if number < 0:
            self.refused += 1
            return False
        self._lines.append(line)
        self._of.append(number)
        return True

    @np.errstate(all="ignore")  # instants may be as far apart as numbers go: what comes of them is bounded
    def tables(self) -> dict[str, pa.Table]:
        """The rows of each table that the lines make; days and repetitions are as they came."""
        marks = np.array([_marks_of(line) for line in self._lines], dtype=np.float64).reshape(-1, len(_MARKS))
        ended, last = self._ended(marks)
        good = np.isfinite(last) & (ended >= EARLIEST) & (ended < LATEST)
        self.refused += int(len(good) - good.sum())
        lines = list(compress(self._lines, good.tolist()))
        of, marks, ended, last = np.array(self._of, np.int64)[good], marks[good], ended[good], last[good]
        if not lines:
            return {}
        at = dict(zip(_MARKS, marks.T, strict=True))
        turn = [line.turn for line in lines]
        common = {"conversation": self._column(0, of), "turn": _ints(turn), "date": _dates(ended)}
        common |= {name: self._column(3 + place, of) for place, name in enumerate(KEYS)}
        base = np.where(np.isnan(at[VOICE_END]), np.fmin.reduce(marks, axis=1), at[VOICE_END])
        parts = {
            "silences": _silences(lines),
            "decisions": _elapsed(lines, "decisions", base),
            "faults": _elapsed(lines, "faults", base),
        }
        made = {
            "conversations": self._begun(of, np.array(turn)),
            "turns": _table("turns", common | _measured(lines, at, last) | _when(ended)),
        }
        for name, (rows, columns) in parts.items():
            made[name] = _table(name, {key: values.take(rows) for key, values in common.items()} | columns)
        return made

    def _ended(self, marks: Floats) -> tuple[Integers, Floats]:
        """When each turn was over: since 1970, and by its own clock."""
        began = np.array([row[1] for row in self._conversations], np.int64)[self._of]
        loop_time = np.array([row[2] for row in self._conversations], np.float64)[self._of]
        end = marks[:, _MARKS.index("end")]
        last: Floats = np.where(np.isnan(end), np.fmax.reduce(marks, axis=1), end)
        return began + np.clip(_micros(last - loop_time), -LATEST, LATEST), last

    def _column(self, place: int, of: Integers) -> pa.Array:
        return pa.array([row[place] for row in self._conversations], pa.string()).take(pa.array(of))

    def _begun(self, of: Integers, turn: Integers) -> pa.Table:
        """The conversations; how many turns one has is the number of the last that was seen."""
        highest = np.zeros(len(self._conversations), np.int64)
        np.maximum.at(highest, of, turn)
        there = np.unique(of)
        began = np.array([row[1] for row in self._conversations])[there]
        columns = {"conversation": self._column(0, there), "date": _dates(began), "began_at": pa.array(began)}
        columns |= {name: self._column(3 + place, there) for place, name in enumerate(KEYS)}
        columns["person"] = self._column(3 + len(KEYS), there)
        columns["schema"] = pa.array(np.full(len(there), 3))
        return _table("conversations", columns | {"turns": pa.array(highest[there])})


def _placed(conversation: Conversation) -> tuple[Any, ...] | None:
    """A conversation's row: id, beginning, its ``loop.time()``, and the keys; None where it has no place or time."""
    if not _ID.match(conversation.id) or not _PERSON.match(conversation.person):
        return None
    try:
        began = dt.datetime.fromisoformat(conversation.began)
    except ValueError:
        return None
    if began.tzinfo is None or not 2000 <= began.year < 2100:
        return None
    since = began - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    models = conversation.models
    consent = conversation.consent if conversation.consent in CONSENTS else CONSENTS[0]
    given = {"asr_model": models.asr, "llm_model": models.llm, "tts_model": models.tts, "face_model": models.face}
    given |= {name: getattr(conversation, name) for name in ("site", "language", "sophia", "settings", "arm")}
    names = {name: clean(text) for name, text in given.items()} | {"mode": code(conversation.mode), "consent": consent}
    return (conversation.id, micros, conversation.loop_time, *(names[name] for name in KEYS), conversation.person)


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """A name as it may stand in a table: printable, and not long."""
    return "".join(c for c in text[:_LONGEST_NAME] if c.isprintable())


def code(text: str) -> str:
    """One word of a fixed set, which a file may not have kept to."""
    return text if _CODE.match(text) else "other" if text else ""


def edges(at: dict[str, Floats]) -> tuple[Integers, Integers, npt.NDArray[np.bool_]]:
    """Voice-to-voice of each turn in microseconds, its contributions in a column each, and where she was heard.

    As :meth:`pipelines.telemetry.ledger.Ledger.instants` moves each instant between its neighbours.
    """
    heard = ~np.isnan(at[PLAYED]) & ~np.isnan(at[VOICE_END])
    whole = _bounded(at[PLAYED] - at[VOICE_END])
    edge = np.zeros_like(whole)
    parts = []
    for name in _CHAIN:
        noted = np.where(np.isnan(at[name]), edge, _bounded(at[name] - at[VOICE_END]))
        after = np.minimum(np.maximum(edge, noted), whole)
        parts.append(after - edge)
        edge = after
    return whole, np.stack(parts), heard


def _measured(lines: Sequence[Line], at: dict[str, Floats], last: Floats) -> dict[str, pa.Array]:
    """The columns of a turn that its own line gives."""
    whole, parts, heard = edges(at)
    columns = {"voice_to_voice": _ints(whole, heard)}
    waited = heard & (whole >= 0)
    columns |= {name: _ints(part, waited) for name, part in zip(CONTRIBUTIONS, parts, strict=True)}
    seconds = np.array([_seconds_of(line) for line in lines], dtype=np.float64).T
    utterance, barge_in, lip_skew, face_lateness, face_missing, sound, wasted = seconds
    columns |= {
        "utterance": _time(utterance),
        "barge_in_latency": _time(barge_in),
        "lip_skew": _time(lip_skew),
        "face_lateness": _time(face_lateness),
        "face_missing_ppm": _time(np.clip(face_missing, 0.0, 1.0)),
        "sound": _time(sound),
        "wasted": _time(wasted),
        "since_voice": _time(last - at["voice_start"]),
        "since_heard": _time(last - at[PLAYED]),
    }
    classes = np.searchsorted(list(LENGTHS.values()), _bounded(utterance), side="right")
    names = np.where(np.isnan(utterance), len(LENGTHS) + 1, classes)
    columns["length"] = pa.array([*LENGTHS, "long", ""]).take(pa.array(names))
    counts = np.array([_counts_of(line) for line in lines], dtype=np.int64)
    columns |= {name: _ints(values) for name, values in zip(COUNTS, counts.T, strict=True)}
    columns["words"] = _ints([line.utterance.words for line in lines])
    columns["faults"] = _ints([min(MOST, sum(fault.count for fault in line.faults)) for line in lines])
    outcomes = [line.outcome if line.outcome in _OUTCOMES else "unknown" for line in lines]
    columns["outcome"] = pa.array(outcomes, pa.string())
    columns["explored"] = pa.array([any(silence.explored for silence in line.silences) for line in lines])
    columns["suspected_cutoff"] = pa.nulls(len(lines), pa.bool_())  # the next turn says, once the day is together
    return columns


def _when(ended: Integers) -> dict[str, pa.Array]:
    return {"ended_at": pa.array(ended), "hour": pa.array(ended // 3_600_000_000 % 24)}


def _silences(lines: Sequence[Line]) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Which line each silence is of, and its own columns."""
    found, rows, n = _flat(lines, "silences")
    columns = {
        "n": n,
        "length": _time(_floats(silence.length for silence in found)),
        "threshold": _time(_floats(silence.threshold for silence in found)),
        "sounds": _codes(silence.sounds for silence in found),
        "ended_by": _codes(silence.ended_by for silence in found),
        "explored": pa.array([silence.explored for silence in found], pa.bool_()),
    }
    return pa.array(rows), columns


def _elapsed(lines: Sequence[Line], name: str, base: Floats) -> tuple[pa.Array, dict[str, pa.Array]]:
    """The same for decisions and faults, which have a time and a kind each."""
    found, rows, n = _flat(lines, name)
    elapsed = pa.array(_bounded(_floats(part.time for part in found) - base[rows]))
    columns = {"n": n, "elapsed": elapsed, "kind": _codes(part.kind for part in found)}
    if name == "faults":
        columns["service"] = _codes(part.service for part in found)
        columns["count"] = _ints([part.count for part in found])
    return pa.array(rows), columns


def _flat(lines: Sequence[Line], name: str) -> tuple[list[Any], Integers, pa.Array]:
    """The parts of all lines, one after the other; which line each is of; and its number there, from 1."""
    lists = [getattr(line, name) for line in lines]
    many = np.array([len(parts) for parts in lists], np.int64)
    rows: Integers = np.repeat(np.arange(len(lines)), many)
    first = np.cumsum(many) - many
    return list(chain.from_iterable(lists)), rows, _ints(np.arange(len(rows)) - first[rows] + 1)


def _codes(texts: Iterable[str]) -> pa.Array:
    """Each text as a code; there are few different ones."""
    found = pa.array(list(texts), pa.string()).dictionary_encode()
    codes = pa.array([code(text) for text in found.dictionary.to_pylist()], pa.string())
    return codes.take(found.indices)


def _table(name: str, columns: dict[str, Any]) -> pa.Table:
    """The table's own columns, in its order and types."""
    return pa.table([columns[field.name].cast(field.type) for field in SCHEMAS[name]], schema=SCHEMAS[name])


def _dates(micros: Integers) -> pa.Array:
    """The day of each instant, as text."""
    days, of = np.unique(micros // 86_400_000_000, return_inverse=True)
    names = [str(dt.date(1970, 1, 1) + dt.timedelta(days=int(day))) for day in days]
    return pa.array(names, pa.string()).take(pa.array(of))


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def _micros(seconds: Floats) -> Integers:
    found: Integers = np.clip(np.nan_to_num(np.rint(seconds * 1e6), nan=0.0), -9e18, 9e18).astype(np.int64)
    return found


def _bounded(seconds: Floats) -> Integers:
    """Microseconds that an int32 holds; 0 where nothing is known."""
    return np.clip(_micros(seconds), -MOST, MOST)


def _ints(values: Any, known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(np.asarray(values, dtype=np.int64), mask=None if known is None else ~known).cast(pa.int32())


def _time(seconds: Floats) -> pa.Array:
    return _ints(_bounded(seconds), ~np.isnan(seconds))
