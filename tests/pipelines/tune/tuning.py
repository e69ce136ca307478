"""A made-up set of lines and a made-up loop in closed form, so that a whole search takes a fraction of a second."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pipelines.records.results import Run, Turn
from pipelines.scenarios.scenario import Line, Scenario, SpokenWord, Talk
from pipelines.settings.model import Settings
from pipelines.simulation.distribution import exactly
from pipelines.simulation.profile import (
    AsrDelays,
    LlmDelays,
    Reply,
    ServiceProfile,
    TtsDelays,
)
from sophia.audio import EAR_RATE

PROFILE = ServiceProfile(
    name="made-up",
    asr=AsrDelays(final=exactly(0.06)),
    llm=LlmDelays(first_token=exactly(0.12), token=exactly(0.015), replies=(Reply(text="Yes."),)),
    tts=TtsDelays(first_sound=exactly(0.08), speed=exactly(8.0)),
)


def line(name: str, *pauses: float) -> Line:
    """A line of words of 0.3 s, the first ones followed by ``pauses``; its sound is of no matter here."""
    words, at = [], 0.1
    for number, pause in enumerate((*pauses, 0.0)):
        words.append(SpokenWord(f"word{number}", at, at + 0.3))
        at += 0.3 + pause
    pcm = np.zeros(round((at + 0.2) * EAR_RATE), np.int16)
    transcript = " ".join(word.text for word in words)
    return Line(name, pcm, (round(0.1 * EAR_RATE), round(at * EAR_RATE)), transcript, tuple(words))


def scenario(*pauses: float, plain: int = 6) -> Scenario:
    """``plain`` lines without a pause, and one for each of ``pauses``."""
    lines = [line(f"plain {n}", 0.0) for n in range(plain)] + [line(f"pause {pause}", pause) for pause in pauses]
    return Scenario("made-up", [Talk("talk", lines)])


SCENARIO = scenario(0.3, 0.45, 0.5, 0.7, 0.9, 1.1)


def simulated(
    scenario: Scenario,
    settings: Settings,
    profile: ServiceProfile,
    *,
    rounds: int = 1,
    seed: int = 0,
    jobs: int | None = None,
) -> Run:
    """As the loop does, roughly: a pause longer than ``pause_open`` cuts off, one longer than ``eou`` is guessed at."""
    turns = []
    patience, guess = settings.turns.pause_open, settings.asr.stop_history_eou / 1000
    for talk in scenario.talks:
        for number, one in enumerate(talk.lines):
            pauses = [later.start - earlier.end for earlier, later in pairwise(one.words)]
            guesses = sum(pause > guess for pause in pauses) if settings.turns.speculate else 0
            ready = (guess if settings.turns.speculate else patience) + 0.3
            missed = settings.microphone.vad.onset > 0.7
            turns.append(
                Turn(
                    talk=talk.name,
                    line=number,
                    name=one.name,
                    round=0,
                    session=0,
                    at=0.0,
                    seconds=one.seconds,
                    voiced=(0.1, 1.0),
                    outcome="missed" if missed else "answered",
                    reason="a soft voice" if missed else "",
                    voice_to_voice=None if missed else max(patience, ready) + number / 1000,
                    false_cutoffs=sum(pause > patience for pause in pauses),
                    speculations=1 + guesses,
                    speculations_dropped=min(guesses, settings.turns.max_speculations),
                )
            )
    return Run(
        scenario=scenario.name,
        fingerprint=scenario.fingerprint,
        lines=scenario.lines,
        rounds=rounds,
        turns=tuple(turns),
    )
