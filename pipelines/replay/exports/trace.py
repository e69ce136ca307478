"""A run as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing show: Chrome's Trace Event Format, as JSON.

Each session is a process with these rows:

    user              what the caller said
    turn              each turn, in it the spans of the telemetry, and in those the contributions of the ledger
    Sophia            what she said; an arrow leads from the user's voice to hers: voice-to-voice
    beside            the face's lateness, interruptions
    turn taking       decisions with their reasons, failures

and the machine is one with a counter track for each of its quantities. What overlaps in a row goes into a second one.
Slices on a row nest, as the format demands. Times are whole microseconds from the run's beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any, Final

from pipelines.records.results import Counter, Happened, Run, Turn
from pipelines.replay.exports.ledgers import attributes, extent, ledger_of, placed
from pipelines.telemetry import names
from pipelines.telemetry.ledger import CHAIN, PLAYED, Ledger

Event = dict[str, Any]

USER: Final = "user"
TURN: Final = "turn"
SOPHIA: Final = "Sophia"
BESIDE: Final = "beside"
DECISIONS: Final = "turn taking"
ROWS: Final = (USER, TURN, SOPHIA, BESIDE, DECISIONS)

MACHINE_PID: Final = 1
FIRST_SESSION_PID: Final = 2  # Perfetto takes 0 for the kernel's idle process

ARROW: Final = "voice-to-voice"


@dataclass(slots=True)
class _Slice:
    name: str
    start: int
    end: int
    args: dict[str, Any] = field(default_factory=dict)
    inside: list[_Slice] = field(default_factory=list)
    tid: int = 0


@dataclass(slots=True)
class _Shown:
    """A turn's slices and instants, by row."""

    rows: dict[str, list[_Slice]]
    instants: list[Event]
    arrow: tuple[_Slice, _Slice] | None


def chrome_trace(run: Run) -> dict[str, Any]:
    """The whole trace, ready for JSON; the same run gives the same trace."""
    sessions = sorted({turn.session for turn in run.turns})
    pids = range(FIRST_SESSION_PID, FIRST_SESSION_PID + len(sessions))
    # Perfetto takes a thread that has the number of a process for its main thread, and shows it first.
    threads, arrows = count(pids.stop), count(1)
    simulated = "" if run.simulated is None else f" (simulated: {run.simulated})"
    events = list(_machine(run.counters))
    for pid, session in zip(pids, sessions, strict=True):
        turns = [turn for turn in run.turns if turn.session == session]
        events += _session(pid, f"session {session}{simulated}", turns, threads, arrows)
    # Metadata first; then by time, and of slices that begin together the outer one first.
    events.sort(key=lambda event: (event["ph"] != "M", event.get("ts", 0), -event.get("dur", 0)))
    about = {
        "scenario": run.scenario,
        "fingerprint": run.fingerprint,
        "config_hash": run.config_hash,
        "simulated": run.simulated or "no",
    }
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": about}


def _machine(counters: Sequence[Counter]) -> Iterator[Event]:
    if not counters:
        return
    yield from _process(MACHINE_PID, "machine")
    for counter in counters:
        # Latencies read better in milliseconds, and the format has no units but what the name says.
        unit, scale = ("ms", 1000.0) if counter.unit == "s" else (counter.unit or "value", 1.0)
        for at, value in _since(counter):
            if math.isfinite(shown := value * scale):
                args = {unit: shown}
                yield {"ph": "C", "pid": MACHINE_PID, "tid": 0, "ts": _us(at), "name": counter.name, "args": args}


def _since(counter: Counter) -> Iterator[tuple[float, float]]:
    """Each value from the sample before on: it tells of the time up to its own, and viewers draw it to the next."""
    samples = list(zip(counter.times, counter.values, strict=False))
    if len(samples) == 1:
        yield samples[0]
    elif samples and (before := 2 * samples[0][0] - samples[1][0]) >= 0:
        yield before, samples[0][1]
    yield from ((at, value) for (at, _), (_, value) in pairwise(samples))


def _session(
    pid: int, name: str, turns: Sequence[Turn], threads: Iterator[int], arrows: Iterator[int]
) -> Iterator[Event]:
    yield from _process(pid, name)
    shown = [_show(turn) for turn in turns]
    for row in ROWS:
        lanes = _lanes([slice for one in shown for slice in one.rows.get(row, ())])
        if row == DECISIONS:
            lanes = [[]]
        for number, lane in enumerate(lanes, 1):
            tid = next(threads)
            yield from _thread(pid, tid, row if number == 1 else f"{row} {number}")
            for slice in lane:
                slice.tid = tid
                yield from _complete(pid, slice)
            if row == DECISIONS:
                yield from ({**event, "pid": pid, "tid": tid} for one in shown for event in one.instants)
    for one in shown:
        if one.arrow is not None:
            yield from _flow(pid, *one.arrow, next(arrows))


def _show(turn: Turn) -> _Shown:
    ledger = ledger_of(turn)
    facts = attributes(turn)
    user = _user(turn, facts)
    speaking = _speaking(turn, ledger)
    rows = {
        USER: [user] if user else [],
        TURN: [_turn(turn, ledger, facts)],
        SOPHIA: [speaking] if speaking else [],
        BESIDE: list(_beside(ledger)),
    }
    instants = [
        *(_instant(turn, decision, names.DECIDED) for decision in turn.decisions),
        *(_instant(turn, fault, names.FAULT) for fault in turn.faults),
    ]
    arrow = (user, speaking) if user and speaking and turn.voice_to_voice is not None else None
    return _Shown(rows, instants, arrow)


def _user(turn: Turn, facts: dict[str, Any]) -> _Slice | None:
    if turn.outcome == "missed" and not turn.user_envelope:  # it was never said
        return None
    first, last = turn.voiced or (0.0, turn.seconds)
    told = {
        name: facts[names.REPLAY + name]
        for name in ("transcript", "heard", "word_errors")
        if names.REPLAY + name in facts
    }
    return _slice(turn.name, turn.at + first, turn.at + last, told)


def _speaking(turn: Turn, ledger: Ledger) -> _Slice | None:
    marks = ledger.marks
    if PLAYED not in marks:
        return None
    end = marks.get("silenced", marks.get("end", marks[PLAYED]))
    return _slice(names.SPEAKING, marks[PLAYED], end, {"reply": turn.reply} if turn.reply else {})


def _beside(ledger: Ledger) -> Iterator[_Slice]:
    marks = ledger.marks
    if "first_audio" in marks and "first_frame" in marks:
        start = min(marks["first_audio"], marks["first_frame"])
        yield _slice(names.FACE, start, marks["first_frame"], {names.FACE_LATENESS: ledger.face_lateness})
    if (latency := ledger.barge_in_latency) is not None:
        yield _slice(names.INTERRUPTION, marks["barge_in"], marks["silenced"], {names.BARGE_IN_LATENCY: latency})


def _turn(turn: Turn, ledger: Ledger, facts: dict[str, Any]) -> _Slice:
    whole = _slice(f"{names.TURN}: {turn.name}", *extent(turn, ledger), facts)
    edges = ledger.instants()
    tiles = [(CHAIN[name], at, until) for (_, at), (name, until) in pairwise(edges.items())]
    whole.inside = _lasting([_slice(*tile, {names.CRITICAL: PLAYED in edges}) for tile in tiles])
    return whole


def _slice(name: str, start: float, end: float, args: dict[str, Any] | None = None) -> _Slice:
    return _Slice(name, _us(start), max(_us(start), _us(end)), args or {})


def _lasting(slices: list[_Slice]) -> list[_Slice]:
    """Those in which any time went."""
    return [slice for slice in slices if slice.end > slice.start]


def _lanes(slices: Sequence[_Slice]) -> list[list[_Slice]]:
    """The slices on as few lanes as they need not to overlap; one lane at least."""
    lanes: list[list[_Slice]] = [[]]
    for slice in sorted(slices, key=lambda slice: (slice.start, slice.end)):
        free = next((lane for lane in lanes if not lane or lane[-1].end <= slice.start), None)
        if free is None:
            lanes.append(free := [])
        free.append(slice)
    return lanes


def _complete(pid: int, slice: _Slice, tid: int | None = None) -> Iterator[Event]:
    tid = slice.tid if tid is None else tid
    event = {"ph": "X", "pid": pid, "tid": tid, "ts": slice.start, "dur": slice.end - slice.start, "name": slice.name}
    yield {**event, "cat": "sophia", "args": slice.args}
    for inner in slice.inside:
        yield from _complete(pid, inner, tid)


def _flow(pid: int, said: _Slice, replied: _Slice, id: int) -> Iterator[Event]:
    common = {"pid": pid, "name": ARROW, "cat": ARROW, "id": id}
    # An arrow is bound to the slice around its end: just before the voice is over, and as hers begins.
    yield {"ph": "s", **common, "tid": said.tid, "ts": max(said.start, said.end - 1)}
    yield {"ph": "f", "bp": "e", **common, "tid": replied.tid, "ts": replied.start}


def _instant(turn: Turn, happened: Happened, kind: str) -> Event:
    args = {"reason": happened.reason, names.REPLAY + "name": turn.name}
    name = happened.kind if kind == names.DECIDED else f"{kind}: {happened.kind}"
    return {"ph": "i", "s": "t", "ts": _us(turn.at + happened.at), "name": name, "cat": kind, "args": args}


def _process(pid: int, name: str) -> Iterator[Event]:
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": name}}
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_sort_index", "args": {"sort_index": pid}}


def _thread(pid: int, tid: int, name: str) -> Iterator[Event]:
    yield {"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}}
    yield {"ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index", "args": {"sort_index": tid}}


def _us(seconds: float) -> int:
    return round(placed(seconds) * 1e6)
