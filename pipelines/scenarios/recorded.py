"""A recording made by ``--record`` as a scenario: the user's voice, cut into lines where the ledgers have its turns.

Each line keeps its place in the conversation. What was said after her reply is said after her reply again. What was
said over it is said as long after her first sound as it was. Nobody wrote down what was really said, so the transcript
is what the recogniser made of it then. Word errors compare recognisers, not a recogniser with a person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.scenarios.alignment import align
from pipelines.scenarios.scenario import Cue, Line, Scenario, SpokenWord, Talk
from pipelines.scenarios.spec import Unreadable, printable
from pipelines.takes.sealing import SealError, opened
from pipelines.takes.tool_results import tool_results
from pipelines.takes.writer import SCHEMA
from pipelines.telemetry.ledger import PLAYED, READABLE, VOICE_END, Outcome, words_of
from sophia.audio import EAR_RATE, Pcm
from sophia.soundbite import voiced_span
from sophia.wav import WavError, read_wav

MARGIN: Final = 0.3
"""Seconds that are kept before and after a voice: the detector may have dated its edges late or early."""

MOST_SECONDS: Final = 7200.0
_MOST_BYTES = 256 << 20
_TRUSTED = 0.25  # seconds by which the level may put an end of a voice elsewhere than the detector did
_SHORTEST = 0.08  # seconds of a voice; less was a click


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    schema_: int = Field(alias="schema")
    complete: bool = False
    loop_time: float = Field(allow_inf_nan=False)


class _Ledger(BaseModel):
    model_config = ConfigDict(extra="ignore")

    schema_: int = Field(alias="schema")
    turn: int = Field(0, ge=0)
    outcome: str | None = None
    user: str = Field("", max_length=10_000)
    marks: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Utterance:
    """A voice: ``start`` and ``end`` in seconds from the recording's beginning, and her reply to it, if any.

    ``played`` is her first sample, ``over`` when her reply was over. ``reply`` is whether it was a turn of its own, and
    ``turn`` which.
    """

    start: float
    end: float
    text: str = ""
    played: float | None = None
    over: float | None = None
    reply: bool = True
    turn: int = 0


def is_recording(folder: Path) -> bool:
    """Whether a folder was made by ``--record``."""
    return (folder / "manifest.json").is_file() or (
        (folder / "user.wav").is_file() and (folder / "turns.jsonl").is_file()
    )


def line_name(turn: int) -> str:
    """What the line of a turn is called."""
    return f"turn_{turn:02}"


def load_recording(folder: Path, name: str) -> Scenario:
    """The recording as one talk. Raises :class:`Unreadable`.

    A recording that was cut short gives what is there, and a note. One that is sealed is opened with its key.
    """
    try:
        with opened(folder) as plain:
            return _scenario(plain, folder, name)
    except SealError as error:
        raise Unreadable([str(error)]) from None


def _scenario(folder: Path, named: Path, name: str) -> Scenario:
    manifest = _manifest(folder / "manifest.json")
    notes = [] if manifest.complete else ["the recording was cut short; what is there is used"]
    try:
        sound = read_wav(folder / "user.wav", EAR_RATE, MOST_SECONDS)
    except WavError as error:
        raise Unreadable([str(error)]) from None
    if sound.note:
        notes.append(f"user.wav: {sound.note}")
    turns = list(_turns(folder / "turns.jsonl", manifest.loop_time, notes))
    utterances = sorted([*turns, *_asides(folder / "events.jsonl", turns, manifest.loop_time)], key=lambda u: u.start)
    whole = [u for u in utterances if 0 <= u.start < u.end <= sound.seconds + MARGIN]
    if len(whole) < len(utterances):
        notes.append(f"{len(utterances) - len(whole)} utterances lie outside of user.wav and are left out")
    lines = list(_lines(sound.pcm, whole, notes))
    if not any(line.reaction == "reply" for line in lines):
        raise Unreadable([f"{named} holds no turn that can be replayed; record a conversation with at least one"])
    notes.append("transcripts are what was recognised when it was recorded; nobody checked them")
    return Scenario(name, [Talk(name, lines, tools=tool_results(folder))], tuple(notes))


def _manifest(path: Path) -> _Manifest:
    try:
        content = json.loads(_read(path))
    except ValueError:
        raise Unreadable([f"{path} is not JSON; it may be cut short, record the conversation again"]) from None
    schema = content.get("schema") if isinstance(content, Mapping) else None
    if schema != SCHEMA:
        raise Unreadable(
            [f"{path} has schema {schema!r}, this version reads {SCHEMA}; use the version that recorded it"]
            if isinstance(schema, int)
            else [f"{path} is not the manifest of a recording; name a folder that --record made"]
        )
    try:
        return _Manifest.model_validate(content)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Unreadable([f"{path}: {key} is missing or wrong; record the conversation again"]) from None


def _turns(path: Path, beginning: float, notes: list[str]) -> Iterator[_Utterance]:
    """The utterances that became turns."""
    unusable = 0
    for row in _rows(path, notes):
        try:
            ledger = _Ledger.model_validate({**row, "user": words_of(row).get("user", "")})
        except ValidationError:
            unusable += 1
            continue
        if ledger.schema_ not in READABLE:
            versions = " and ".join(map(str, READABLE))
            raise Unreadable([f"{path} has ledgers of schema {ledger.schema_}, this version reads {versions}"])
        if ledger.outcome in (Outcome.DROPPED, Outcome.JOINED, Outcome.KEPT):
            continue  # what was said over her is found by its voice, and a piece is part of the turn before it
        at = {mark: time - beginning for mark, time in ledger.marks.items() if np.isfinite(time)}
        if "voice_start" not in at or VOICE_END not in at or at[VOICE_END] - at["voice_start"] < _SHORTEST:
            unusable += 1
            continue
        over = at.get("silenced", at.get("end"))
        yield _Utterance(
            at["voice_start"], at[VOICE_END], printable(ledger.user), at.get(PLAYED), over, turn=ledger.turn
        )
    if unusable:
        notes.append(f"{unusable} turns do not tell when the user spoke and are left out")


def _asides(path: Path, turns: Sequence[_Utterance], beginning: float) -> Iterator[_Utterance]:
    """Voices over her reply that became no turn: backchannels, noises. She went on, and has to go on again."""
    started: float | None = None
    for row in _rows(path, []) if path.is_file() else ():
        data = row.get("data")
        time = data.get("time") if isinstance(data, Mapping) else None
        if not isinstance(time, int | float):
            continue
        if row.get("kind") == "voice_started":
            started = time - beginning
        elif row.get("kind") == "voice_stopped" and started is not None:
            start, end, started = started, time - beginning, None
            of_a_turn = any(start < turn.end + 0.05 and turn.start - 0.05 < end for turn in turns)
            over_her = any(t.played is not None and t.over is not None and t.played < start < t.over for t in turns)
            if over_her and not of_a_turn and end - start >= _SHORTEST:
                yield _Utterance(start, end, reply=False)


def _rows(path: Path, notes: list[str]) -> Iterator[Mapping[str, Any]]:
    """The objects of a file of JSON lines; a line that is cut short is left out, and noted."""
    broken = 0
    for line in _read(path).splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            broken += 1
            continue
        if isinstance(row, Mapping):
            yield row
    if broken:
        notes.append(f"{path.name}: {broken} lines are cut short and are left out")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Unreadable([f"{path} cannot be read: {error.strerror or error}; is this a whole recording?"]) from None
    if len(raw) > _MOST_BYTES:
        raise Unreadable([f"{path} is larger than {_MOST_BYTES >> 20} MiB; record shorter conversations"])
    return raw.decode("utf-8", "replace")


def _lines(pcm: Pcm, utterances: Sequence[_Utterance], notes: list[str]) -> Iterator[Line]:
    """Each utterance as a line, cut in the middle of the silence to its neighbours or :data:`MARGIN` away."""
    seconds = len(pcm) / EAR_RATE
    edges = [0.0, *((a.end + b.start) / 2 for a, b in pairwise(utterances)), seconds]
    answered: _Utterance | None = None  # the turn whose reply was the last to begin
    before: tuple[_Utterance, float] | None = None  # the line before, and where its sound ends
    for number, this in enumerate(utterances):
        begin = max(min(edges[number], this.start), this.start - MARGIN, 0.0)
        end = min(max(edges[number + 1], this.end), this.end + MARGIN, seconds)
        piece = pcm[round(begin * EAR_RATE) : round(end * EAR_RATE)]
        if not piece.any():
            notes.append(f"turn {number + 1}: its sound is lost; left out")
            continue
        cue = _cue(begin, this.start, answered, before)
        voiced = _voiced(piece, this.start - begin, this.end - begin)
        words = align(piece[voiced[0] : voiced[1]], this.text) if this.text else ()
        shift = voiced[0] / EAR_RATE
        yield Line(
            line_name(this.turn) if this.reply else f"aside_{number + 1:02}",
            piece,
            voiced,
            this.text or None,
            tuple(SpokenWord(w.text, round(w.start + shift, 3), round(w.end + shift, 3)) for w in words),
            None,
            "reply" if this.reply else "ignore",
            cue,
        )
        before = (this, end)
        if this.played is not None:
            answered = this


def _cue(begin: float, voice: float, answered: _Utterance | None, before: tuple[_Utterance, float] | None) -> Cue:
    """When a sound that began at ``begin``, its voice at ``voice``, is played: related to what was before as it was."""
    if before is None:
        return Cue("reply", begin)
    last, last_end = before
    if answered is None or (last.reply and last.played is None) or answered.played is None or answered.over is None:
        return Cue("gap", begin - last_end)  # she had not replied to it: nothing to wait for
    if voice < answered.played:
        return Cue("gap", begin - last_end)
    if voice < answered.over:
        return Cue("over", max(0.0, begin - answered.played))
    return Cue("reply", max(0.0, begin - answered.over))


def _voiced(piece: Pcm, start: float, end: float) -> tuple[int, int]:
    """The voice in the piece: by level where that agrees with the detector, else (in a noisy room) as it said."""
    told = (max(0, round(start * EAR_RATE)), min(len(piece), round(end * EAR_RATE)))
    span = voiced_span(piece)
    if span is None:
        return told
    near = _TRUSTED * EAR_RATE
    return (
        span[0] if abs(span[0] - told[0]) < near else told[0],
        span[1] if abs(span[1] - told[1]) < near else told[1],
    )
