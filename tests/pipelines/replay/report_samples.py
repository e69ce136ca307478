"""Runs that nobody held, for the report's tests: plausible stages, some misses, every kind of record."""

from __future__ import annotations

import numpy as np

from pipelines.records.results import Counter, Happened, Run, Turn, pack_envelope
from pipelines.telemetry.ledger import CHAIN

QUESTIONS = (
    ("01_who_are_you", "who are you", "I am Sophia, and I am listening."),
    ("02_what_time", "what time is it", "It is eleven twenty six."),
    ("03_arithmetic", "what is seventeen plus six", "That makes twenty three."),
    ("04_units", "how many feet are in a mile", "There are five thousand two hundred eighty feet in a mile."),
    (
        "05_story",
        "tell me a short story about a lighthouse",
        "Once there was a lighthouse that was afraid of the dark.",
    ),
    ("06_what_did_i_say", "what did I just say", "You asked me for a story."),
)
USUAL = {
    "capture": 0.012,
    "asr": 0.070,
    "endpointing": 0.005,
    "llm": 0.110,
    "tools": 0.0,
    "clause": 0.060,
    "tts": 0.085,
    "hold": 0.120,
    "playout": 0.015,
}
HOSTILE = "</script><img src=x onerror=\"fetch('https://evil.example')\"><b>bold</b>&amp; \u202egnirts"


def sample_run(
    *, rounds: int = 1, lines: int = 6, seed: int = 0, slower: dict[str, float] | None = None, missed: float = 0.0,
    simulated: str | None = "exact", hostile: bool = False, counters: bool = True,
) -> Run:  # fmt: skip
    """``lines`` × ``rounds`` turns; ``slower`` adds seconds to stages, ``missed`` is the share without a reply."""
    draw = np.random.default_rng(seed)
    turns, at = [], 0.5
    for number in range(rounds):
        for line in range(lines):
            turn = _turn(draw, line, number, at, slower=slower or {}, missed=draw.random() < missed, hostile=hostile)
            turns.append(turn)
            at += turn.seconds + 4.0
    return Run(
        schema=2, scenario="bundled", fingerprint="0123456789abcdef", lines=lines, rounds=rounds, simulated=simulated,
        config={"llm": {"model": "nova"}, "asr": {"language": "en-US"}}, config_hash="feedc0de12345678",
        environment={"date": "2026-11-22T10:00:00Z", "commit": "0011fcf", "machine": {"cores": 2, "cpu": "Xeon"}},
        turns=tuple(turns), counters=_counters(draw, at) if counters else (),
    )  # fmt: skip


def _turn(
    draw: np.random.Generator,
    line: int,
    number: int,
    at: float,
    *,
    slower: dict[str, float],
    missed: bool,
    hostile: bool,
) -> Turn:
    name, said, reply = QUESTIONS[line % len(QUESTIONS)]
    name = name if line < len(QUESTIONS) else f"{name}_{line // len(QUESTIONS)}"
    seconds, end = 1.9 + 0.3 * (line % 5), 1.6 + 0.3 * (line % 5)
    common = {
        "talk": "questions", "line": line, "name": name, "round": number, "session": 0, "at": round(at, 4),
        "seconds": seconds, "voiced": (0.3, end), "transcript": said, "words": len(said.split()),
        "user_envelope": _envelope(draw, round(seconds / 0.02), 0.3, end),
    }  # fmt: skip
    if hostile:
        common |= {"name": f"{name} {HOSTILE}", "transcript": HOSTILE, "heard": HOSTILE}
        reply = HOSTILE
    if missed:
        fault = Happened(at=end + 0.4, kind="llm", reason=HOSTILE if hostile else "Nova did not answer within 5 s")
        return Turn(**common, outcome="missed", reason=fault.reason, faults=(fault,), marks={"voice_start": 0.31})
    parts = {stage: float(usual * draw.lognormal(0, 0.25) + slower.get(stage, 0.0)) for stage, usual in USUAL.items()}
    if draw.random() < 0.06:
        parts["llm"] += float(draw.uniform(0.1, 0.35))
    edge, marks = end, {"voice_start": 0.31, "voice_end": end + 0.004}
    for (instant, _), seconds_of_stage in zip(CHAIN.items(), parts.values(), strict=True):
        edge += seconds_of_stage
        marks[instant] = edge
    marks |= {
        "final": marks["transcript"] + 0.12, "decided": marks["released"] - 0.001, "end": edge + 2.1,
        "first_frame": marks["first_audio"] + 0.03, "last_token": marks["first_token"] + 0.4,
    }  # fmt: skip
    errors = int(draw.random() < 0.2)
    why = HOSTILE if hostile else f'"{said}" sounds finished, silent for 0.30 s'
    return Turn(
        **{"heard": said, **common},
        outcome="answered", voice_to_voice=edge - end + 0.0004, contributions=parts, residue=0.0004,
        end_error=float(draw.normal(0.004, 0.003)), word_errors=errors, reply=reply, as_expected=True, speculations=2,
        speculations_dropped=1, wasted_tokens=6, tokens=40, wasted_seconds=0.4, false_cutoffs=int(draw.random() < 0.02),
        underruns=int(draw.random() < 0.03), lip_skew=float(draw.normal(0.0, 0.012)), face_lateness=0.03,
        barge_in=float(draw.normal(0.18, 0.02)) if line == 2 else None, marks=marks,
        decisions=(
            Happened(at=marks["transcript"], kind="start", reason="a stable partial"),
            Happened(at=marks["released"], kind="commit", reason=why),
        ),
        reply_envelope=_envelope(draw, round((edge + 2.2) / 0.02), edge, edge + 2.1),
    )  # fmt: skip


def _envelope(draw: np.random.Generator, steps: int, start: float, end: float) -> str:
    times = np.arange(steps) * 0.02
    syllables = -32 + 14 * np.sin(times * 2 * np.pi * 3.7) + draw.normal(0, 3, steps)
    return pack_envelope(np.where((times >= start) & (times < end), np.clip(syllables, -60, -6), -96))


def _counters(draw: np.random.Generator, until: float) -> tuple[Counter, ...]:
    times = tuple(np.arange(0, until, 1.0).tolist())
    size = len(times)
    return (
        Counter(name="cpu of the process", unit="%", times=times, values=tuple(draw.normal(12, 3, size).clip(0))),
        Counter(name="event-loop lag", unit="s", times=times, values=tuple(draw.lognormal(-6.5, 0.6, size))),
        Counter(name="gpu memory", unit="B", times=times, values=tuple(np.linspace(2.1e10, 2.3e10, size))),
    )
