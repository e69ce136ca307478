"""What is measured of a turn under load, defined to stand beside the figures that NVIDIA publishes.

NVIDIA's table for its voice agent gives, for 1 to 64 streams, the means of five latencies. What each is there and here
stands at :data:`MEASURES`; where the two differ, it says so. All are taken from a turn's instants as they were, so that
work which speculation hid from the caller counts in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipelines.records.results import Turn
from sophia.recognition_wire import RecognizerSettings

E2E: Final = "e2e"


@dataclass(frozen=True, slots=True)
class Measure:
    """A latency: its ``key`` in files, its ``heading`` in the table, what it is ``published`` as, what it is here."""

    key: str
    heading: str
    published: str
    ours: str


MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        E2E,
        "E2E",
        "E2E latency: from the end of the caller's WAV to the first sound of the reply that reaches the caller",
        "voice-to-voice: from the last voiced sample to the first audible sample at the sink, both found in the audio",
    ),
    Measure(
        "asr",
        "ASR",
        "ASR latency: computing alone, sound sent less sound processed at the final transcript",
        "from the last voiced sample to the stable partial, or without one to the text that the reply was made from, "
        "less the silence that the recogniser was told to wait for (asr.stop_history_eou)",
    ),
    Measure(
        "ttft",
        "LLM TTFT",
        "LLM TTFT: from the request to the first token",
        "from the start of the accepted reply to the first output of the model",
    ),
    Measure(
        "first_clause",
        "first clause",
        "LLM first sentence: from the request to the first complete sentence",
        "from the start of the accepted reply to its first clause; clauses are cut at commas too, so they are shorter",
    ),
    Measure(
        "ttfb",
        "TTS TTFB",
        "TTS TTFB: from the text to the first byte of sound",
        "from the first clause to its first audible sound, which comes after the first byte",
    ),
)


def recogniser_pause(settings: RecognizerSettings) -> float:
    """Seconds of silence that the recogniser waits for on purpose before its first stable text; 0 if it decides."""
    waits = [ms for ms in (settings.stop_history_eou, settings.stop_history) if ms > 0]
    return waits[0] / 1000 if waits else 0.0


def latencies(turn: Turn, pause: float) -> dict[str, float]:
    """Seconds by key of :data:`MEASURES`, of an answered turn; what was not noted of it is left out.

    ``pause`` is :func:`recogniser_pause`. Nothing is clipped: a recogniser that is sure before its pause is over has a
    latency below zero.
    """
    if turn.outcome != "answered":
        return {}
    found: dict[str, float] = {}
    if turn.voice_to_voice is not None:
        found[E2E] = turn.voice_to_voice
    if turn.voiced is not None and "transcript" in turn.marks:
        stable = turn.marks.get("stable", -math.inf)  # of an earlier pause, if the last one brought none
        settled = stable if stable >= turn.voiced[1] else turn.marks["transcript"]
        found["asr"] = settled - turn.voiced[1] - pause
    for key, first, last in (
        ("ttft", "started", "first_token"),
        ("first_clause", "started", "first_clause"),
        ("ttfb", "first_clause", "first_audio"),
    ):
        if first in turn.marks and last in turn.marks:
            found[key] = turn.marks[last] - turn.marks[first]
    return found


def steady(turns: Iterable[Turn]) -> list[Turn]:
    """The turns that began while every session was talking: after the last one's first, before the first one's last.

    Sessions begin one after another and end when they are through; at both ends fewer of them are there than the step
    is about.
    """
    sessions: dict[int, list[Turn]] = {}
    everything = list(turns)
    for turn in everything:
        sessions.setdefault(turn.session, []).append(turn)
    if not sessions:
        return []
    start = max(min(turn.at for turn in one) for one in sessions.values())
    end = min(max(turn.at for turn in one) for one in sessions.values())
    return [turn for turn in everything if start <= turn.at <= end]


def kept(turns: Iterable[Turn], unsaid: int = 0) -> float | None:
    """The voice-to-voice that 95 % of the lines that want a reply kept to, a missing reply being an endless wait.

    So are the ``unsaid`` lines that nobody got to. Nearest rank, in seconds; None if the reply at that rank never came,
    or if no line wants one.
    """
    waits = [math.inf] * unsaid
    for turn in turns:
        if wants_reply(turn):
            wait = turn.voice_to_voice if turn.outcome == "answered" else None
            waits.append(math.inf if wait is None else wait)
    if not waits:
        return None
    slowest = sorted(waits)[math.ceil(0.95 * len(waits) - 1e-9) - 1]
    return None if math.isinf(slowest) else slowest


def wants_reply(turn: Turn) -> bool:
    """Whether a reply was due: not to a noise or a backchannel, nor to a line that the next one went on."""
    return turn.outcome in ("answered", "missed", "cut off")
