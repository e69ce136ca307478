"""Runs that nobody held, for the tests of the exports: one that is plain, and any amount of nonsense."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from pipelines.records.results import Counter, Happened, Run, Turn
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS, INSTANTS, Ledger

PARTS = dict(zip(CONTRIBUTIONS, (0.02, 0.24, 0.001, 0.04, 0.03, 0.04, 0.08, 0.0, 0.02), strict=True))
"""What each stage added in a plain turn; nothing was held back."""

HOSTILE = "=cmd|' /C calc'!A0</script>\x00\u202e\r\nsecond line"


def a_turn(**changes) -> Turn:
    """An answered line, 1.5 s of voice from 0.3 s on; its detector was 4 ms late."""
    edge, marks = 1.8, {"voice_start": 0.31, "voice_end": 1.804}
    for name, part in zip(
        CHAIN,
        PARTS.values(),
        strict=True,
    ):
        edge += part
        marks[name] = edge
    marks |= {"first_frame": marks["first_audio"] + 0.03, "end": edge + 2.0}
    fields = {
        "talk": "questions", "line": 0, "name": "01_who_are_you", "round": 0, "session": 0, "at": 0.5, "seconds": 2.0,
        "voiced": (0.3, 1.8), "outcome": "answered", "voice_to_voice": edge - 1.8 + 0.0004, "contributions": PARTS,
        "residue": 0.0004, "transcript": "who are you", "heard": "who are you", "words": 3, "word_errors": 0,
        "reply": "I am Sophia.", "tokens": 5, "speculations": 2, "speculations_dropped": 1, "marks": marks,
        "decisions": (Happened(at=2.06, kind="start", reason="a stable partial"),
                      Happened(at=2.2, kind="commit", reason="'who are you' sounds complete")),
    }  # fmt: skip
    return Turn(**{**fields, **changes})


def a_run(*turns: Turn, **changes) -> Run:
    """A run of these turns, a plain one by default, with a counter."""
    lag = Counter(name="event loop lag, worst", unit="s", times=(1.0, 2.0, 3.0), values=(0.001, 0.002, 0.0005))
    load = Counter(name="load", unit="tasks", times=(1.0, 2.0), values=(0.5, 0.75))
    fields = {
        "scenario": "bundled", "fingerprint": "0123456789abcdef", "lines": 1, "rounds": 1, "config_hash": "feedc0de",
        "environment": {"date": "2026-11-22T10:00:00+00:00", "versions": {"sophia-avatar": "0.1.0"}},
        "config": {"llm": {"model": "nova", "backend": "triton"}, "asr": {"language": "en-US"},
                   "tts": {"voice": "slt"}, "telemetry": {"capture_content": False}},
        "turns": turns or (a_turn(),), "counters": (lag, load),
    }  # fmt: skip
    return Run(**{**fields, **changes})


def from_ledger(ledger: Ledger, at: float, voiced: tuple[float, float]) -> Turn:
    """The record that replay makes of a ledger whose voice ended at ``at + voiced[1]``."""
    marks = {name: time - at for name, time in ledger.marks.items()}
    return a_turn(at=at, voiced=voiced, contributions=ledger.contributions(), marks=marks)


def chance_run(seed: int) -> Run:
    """A run of nonsense: turns that overlap, marks in any order, times that are none."""
    chance = random.Random(seed)
    turns = tuple(_chance_turn(chance) for _ in range(chance.randrange(6)))
    samples = [(_seconds(chance), _seconds(chance)) for _ in range(chance.randrange(4))]
    counter = Counter(name="x", unit="", times=tuple(t for t, _ in samples), values=tuple(v for _, v in samples[1:]))
    dates = ("2026-11-22T10:00:00Z", "2026-11-22", "1066-10-14", "9999-12-31", "yesterday", None, 7)
    return a_run(turns=turns, counters=(counter,), environment={"date": chance.choice(dates)})


any_run = st.integers(0, 2**32).map(chance_run)


def _chance_turn(chance: random.Random) -> Turn:
    def maybe(value: object) -> object:
        return chance.choice((None, value))

    def some(names: Sequence[str]) -> dict[str, float]:
        return {name: _seconds(chance) for name in chance.sample(names, chance.randrange(len(names) + 1))}

    def happened() -> tuple[Happened, ...]:
        kinds = ("start", "commit", "interrupt")
        return tuple(
            Happened(at=_seconds(chance), kind=chance.choice(kinds), reason=chance.choice(("", "why", HOSTILE)))
            for _ in range(chance.randrange(3))
        )

    return a_turn(
        talk=chance.choice(("questions", "barge-in")),
        line=chance.randrange(4),
        round=chance.randrange(2),
        session=chance.choice((-1, 0, 1, 10**6)),
        at=_seconds(chance),
        voiced=maybe((_seconds(chance), _seconds(chance))),
        outcome=chance.choice(("answered", "joined", "missed", "cut off", "ignored", "disturbed")),
        voice_to_voice=maybe(_seconds(chance)),
        contributions=some(CONTRIBUTIONS),
        residue=maybe(_seconds(chance)),
        lip_skew=maybe(_seconds(chance)),
        marks=some((*sorted(INSTANTS), "unheard of")),
        decisions=happened(),
        faults=happened(),
        reply=chance.choice(("", HOSTILE)),
        user_envelope=chance.choice(("", "YGBg")),
    )


def _seconds(chance: random.Random) -> float:
    odd = (0.0, -1.0, 1.0, 1e300, -1e300, float("nan"), float("inf"), float("-inf"))
    return chance.choice(odd) if chance.random() < 0.1 else chance.uniform(-2, 8)
