"""What became of each line of a replayed conversation: its latency in the audio, and where the time went.

The ledger is the loop's own account. What is measured here is measured in the sound. Voice-to-voice runs from the last
voiced sample that the caller played to the first audible sample that the sink was handed. The ledger's contributions
are then laid between these two instants. The true instants replace its ``voice_end`` (which is the voice detector's)
and ``captured``. ``played`` is kept, so that whatever the ledger gets wrong shows as the residue.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipelines.records import results
from pipelines.records.results import ENVELOPE_SECONDS, Happened, Turn, Unit, pack_envelope
from pipelines.replay.listener import Listener
from pipelines.replay.recorded_tools import NOT_RECORDED
from pipelines.scenarios.caller import Caller, Said
from pipelines.scenarios.scenario import Line, Talk
from pipelines.scenarios.words import word_errors
from pipelines.telemetry.ledger import PLAYED, VOICE_END, Count, Ledger, Outcome
from sophia.audio import EAR_RATE

SLACK = 0.3
"""How far the voice detector may err and still mean the same line, in seconds."""

AFTERMATH = 1.5
"""Seconds after a line in which stopping her is blamed on it."""

PLAIN = {
    Outcome.CALLED: "she called a tool and said nothing",
    Outcome.REPROMPTED: "not understood: she asked again",
    Outcome.DROPPED: "taken for nothing worth a reply",
    Outcome.FAILED: "a service failed and she apologised",
    None: "the conversation ended first",
}


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A line that was never said, and why."""

    line: int
    reason: str


def score(
    talk: Talk,
    unit: Unit,
    caller: Caller,
    listener: Listener,
    *,
    began: float,
    unsaid: Sequence[Unsaid],
    ended: str,
    language: str,
) -> list[Turn]:
    """A record for each line of ``talk``.

    ``began`` is the ``loop.time()`` of the run's beginning, ``ended`` why lines were not said that should have been.
    """
    said = sorted(caller.said, key=lambda said: said.start)
    books = _assigned(said, listener.ledgers)
    why = {item.line: item.reason for item in unsaid}
    turns = []
    for number, line in enumerate(talk.lines):
        place = next((i for i, one in enumerate(said) if one.line is line), None)
        common = {
            "talk": talk.name,
            "line": number,
            "name": line.name,
            "round": unit.round,
            "session": unit.session,
            "seconds": line.seconds,
            "voiced": None if line.voiced is None else tuple(sample / EAR_RATE for sample in line.voiced),
            "transcript": line.transcript,
        }
        if place is None:
            reason = why.get(number, ended)
            turns.append(Turn(**common, at=max(0.0, listener.idle_since - began), outcome="missed", reason=reason))
            continue
        case = _Case(said, place, books, listener, language)
        turns.append(Turn(**common, at=said[place].start - began, **case.found()))
    return turns


def _assigned(said: Sequence[Said], ledgers: Sequence[Ledger]) -> list[list[Ledger]]:
    """For each line the turns whose voice ended in it (or after it, before the next)."""
    books: list[list[Ledger]] = [[] for _ in said]
    for ledger in ledgers:
        end = ledger.marks.get(VOICE_END, ledger.marks.get("voice_start"))
        begun = [i for i, one in enumerate(said) if end is not None and (one.first_voiced or one.start) <= end + SLACK]
        if begun:
            books[begun[-1]].append(ledger)
    return books


class _Case:
    """One line, everything that is known about it."""

    def __init__(
        self, said: Sequence[Said], place: int, books: list[list[Ledger]], listener: Listener, language: str
    ) -> None:
        self.said = said[place]
        self.line: Line = self.said.line
        self.ears = listener
        self.ledgers = books[place]
        self.following = said[place + 1] if place + 1 < len(said) else None
        self.after = books[place + 1] if self.following else []
        self.all = [ledger for book in books for ledger in book]
        self.language = language
        self.end = self.said.last_voiced if self.said.last_voiced is not None else self.said.end
        self.onset = self.said.first_voiced if self.said.first_voiced is not None else self.said.start

    def found(self) -> dict[str, object]:
        """Everything of :class:`Turn` that had to be found out."""
        replied = [x for x in self.ledgers if x.marks.get(PLAYED, -1.0) >= self.end and x.outcome in _HEARD]
        early = [x for x in self.ledgers if PLAYED in x.marks and x.marks[PLAYED] < self.end]
        books = replied or early or self.ledgers
        ledger = books[0] if books else None
        outcome, reason = self._outcome(replied, early)
        found: dict[str, object] = {"outcome": outcome, "reason": reason, **self._booked(ledger)}
        if outcome == "answered":
            found |= self._latency(replied[0])
        if (stopped := self._stopped()) is not None and self.line.reaction == "reply":
            found["barge_in"] = self._silenced(stopped) - self.onset
        return found

    def _outcome(self, replied: list[Ledger], early: list[Ledger]) -> tuple[results.Outcome, str]:
        if self.line.reaction == "ignore":
            if replied or early:
                return "disturbed", "it was answered"
            if (stopped := self._stopped()) is not None:
                return "disturbed", f"it stopped her: {_why(stopped, 'interrupt')}"
            return "ignored", ""
        if replied:
            return "answered", ""
        if early:
            return "cut off", f"answered before its end: {_why(early[0], 'commit')}"
        if self._joined():
            return "joined", ""
        if faults := [fault.line for ledger in self.ledgers for fault in ledger.faults]:
            return "missed", faults[0]
        if self.ledgers:
            return "missed", PLAIN.get(self.ledgers[-1].outcome, "no reply was heard")
        return "missed", self.ears.faults[-1] if self.ears.faults else "nothing was understood"

    def _joined(self) -> bool:
        """Whether the next line's turn began in this one."""
        return any(x.marks.get("voice_start", self.end) < self.end for x in self.after)

    def _stopped(self) -> Ledger | None:
        """The turn whose reply this line stopped."""
        for ledger in self.all:
            at = next((d.time for d in ledger.decisions if d.kind == "interrupt"), None)
            if at is not None and ledger not in self.ledgers and self.onset <= at <= self._until():
                return ledger
        return None

    def _until(self) -> float:
        """Until when what happens is blamed on this line."""
        until = self.said.end + AFTERMATH
        following = self.following
        return until if following is None else min(until, following.first_voiced or following.start)

    def _silenced(self, stopped: Ledger) -> float:
        """When her last audible sample before she gave way was over."""
        marked = stopped.marks["silenced"]
        heard = self.ears.last_audible(marked + ENVELOPE_SECONDS)
        return heard if heard is not None else marked

    def _latency(self, ledger: Ledger) -> dict[str, object]:
        since = self.end
        if (stopped := self._stopped()) is not None:
            since = max(since, self._silenced(stopped))  # until then it is the old reply that sounds
        onset = self.ears.first_audible(since)
        if onset is None:
            return {}
        account = copy.copy(ledger)
        account.marks = dict(ledger.marks)
        account.mark(VOICE_END, self.end, replace=True)
        if self.said.captured is not None:
            account.mark("captured", self.said.captured, replace=True)
        parts = account.contributions()
        heard_end = ledger.marks.get(VOICE_END)
        return {
            "voice_to_voice": onset - self.end,
            "contributions": parts,
            "residue": onset - self.end - sum(parts.values()),
            "end_error": None if heard_end is None else heard_end - self.end,
        }

    def _booked(self, ledger: Ledger | None) -> dict[str, object]:
        """What the loop's own books say."""
        zero, line = self.said.start, self.line
        books = self.ledgers

        def total(what: Count) -> int:
            return sum(x.counts[what] for x in books)

        heard = " ".join(x.user for x in books if x.user)
        tongue = line.language or self.language
        errors, words = (None, 0) if line.transcript is None else word_errors(line.transcript, heard, tongue)
        reply = ledger.reply if ledger else ""
        until = max([zero + line.seconds, *(x.marks.get("end", 0.0) for x in books)])
        return {
            "heard": heard,
            "word_errors": errors if line.reaction == "reply" else None,
            "words": words,
            "reply": reply,
            "as_expected": None if not line.expect else bool(re.search(line.expect, reply, re.IGNORECASE)),
            "false_cutoffs": sum(
                1 for x in books for d in x.decisions if d.kind == "commit" and d.time < self.end - ENVELOPE_SECONDS
            ),
            "speculations": total(Count.SPECULATIONS_STARTED),
            "speculations_dropped": total(Count.SPECULATIONS_DROPPED),
            "wasted_tokens": total(Count.WASTED_TOKENS),
            "tokens": total(Count.TOKENS),
            "sound_seconds": sum(x.sound_seconds for x in books),
            "wasted_seconds": sum(x.wasted_seconds for x in books),
            "underruns": total(Count.UNDERRUNS),
            "backchannels": total(Count.BACKCHANNELS),
            "tool_calls": total(Count.TOOL_CALLS),
            "tool_failures": total(Count.TOOL_FAILURES),
            "tool_calls_wasted": total(Count.TOOL_CALLS_WASTED),
            "tool_calls_unrecorded": sum(NOT_RECORDED in run.output for x in books for run in x.tools),
            "lip_skew": ledger.lip_skew if ledger else None,
            "face_missing": ledger.face_missing if ledger else None,
            "face_lateness": ledger.face_lateness if ledger else None,
            "marks": {} if ledger is None else {name: at - zero for name, at in ledger.as_dict()["marks"].items()},
            "decisions": _happened(zero, ((d.time, d.kind, d.reason) for x in books for d in x.decisions)),
            "faults": _happened(zero, ((f.time, f.service, f.line) for x in books for f in x.faults)),
            "user_envelope": _voice(line.pcm.tobytes()),
            "reply_envelope": self._sounded(zero, until),
        }

    def _sounded(self, since: float, until: float) -> str:
        levels = np.full(max(0, round((until - since) / ENVELOPE_SECONDS)), -96.0)
        for heard in self.ears.within(since, until):
            levels[min(len(levels) - 1, int((heard.time - since) / ENVELOPE_SECONDS))] = heard.level
        return pack_envelope(levels)


_HEARD = (Outcome.REPLIED, Outcome.INTERRUPTED, Outcome.BROKEN)


def _why(ledger: Ledger, kind: str) -> str:
    return next((d.reason for d in ledger.decisions if d.kind == kind), "no reason was kept")


def _happened(zero: float, all: Iterable[tuple[float, str, str]]) -> tuple[Happened, ...]:
    return tuple(Happened(at=time - zero, kind=kind, reason=reason) for time, kind, reason in all)


@lru_cache(maxsize=256)
def _voice(sound: bytes) -> str:
    return pack_envelope(list(_levels(np.frombuffer(sound, np.int16))))


def _levels(pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Iterator[float]:
    size = round(EAR_RATE * ENVELOPE_SECONDS)
    for first in range(0, len(pcm), size):
        square = float(np.mean(pcm[first : first + size].astype(np.float64) ** 2))
        yield 10 * np.log10(max(square, 1e-3) / 32768**2)
