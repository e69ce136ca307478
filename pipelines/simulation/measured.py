"""A service profile out of a run: what the services took in it, as samples, so that it can be simulated elsewhere.

Every delay is the distance of two marks of a turn, less what the configuration made it wait. Marks are taken on our
side of the network, so what the network took is in the delays, and ``network`` is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from pipelines.configfile import SettingsError
from pipelines.replay.results import Happened, Run, Turn
from pipelines.simulation.distribution import LONGEST, Distribution, exactly
from pipelines.simulation.ears import windows
from pipelines.simulation.profile import (
    FaceDelays,
    MindDelays,
    RecognizerDelays,
    Reply,
    ServiceProfile,
    VoiceDelays,
)
from sophia.recognition_wire import RecognizerSettings

MOST_SAMPLES: Final = 200
"""Samples that are kept of a delay: as many quantiles at even distances."""

MOST_REPLIES: Final = 200

ASSUMED_INTERIM: Final = 0.1
ASSUMED_FACE_SPEED: Final = 2.0
"""Of interims and of the face's speed a run tells nothing."""


def profile_from(run: Run) -> ServiceProfile:
    """The delays of the services in ``run``.

    Counted are turns that were answered, without faults and false cut-offs. Raises
    :class:`~pipelines.configfile.SettingsError`, one line, if there are none, or a delay was never seen.
    """
    turns = [turn for turn in run.turns if _tells(turn)]
    if not turns:
        raise SettingsError([f"The run of {run.scenario} has no answered turn to take delays from; play it again."])
    frames = [delay for turn in turns if (delay := _between(turn, "first_audio", "first_frame")) is not None]
    return ServiceProfile(
        name=f"{run.scenario}, as measured" if run.simulated is None else f"{run.scenario}, as in {run.simulated}",
        about=f"delays of {len(turns)} turns, the network's included; interims and the face's speed are assumed",
        provenance=_provenance(run),
        recognizer=_recognizer(run, turns),
        mind=MindDelays(
            first_token=_required("first token", (_between(turn, "started", "first_token") for turn in turns)),
            token=_required("second token", (_gap(turn) for turn in turns)),
            letters=_letters(turns),
            replies=_replies(turns),
        ),
        voice=VoiceDelays(
            first_sound=_required("first sound", (_between(turn, "first_clause", "first_audio") for turn in turns)),
            speed=_required("end of a reply's sound", (_speed(turn) for turn in turns)),
            word=_seconds_of_a_word(turns),
        ),
        face=FaceDelays(first_frame=_thinned(frames), speed=exactly(ASSUMED_FACE_SPEED)) if frames else None,
    )


def _tells(turn: Turn) -> bool:
    accepted = {"transcript", "started", "first_token", "first_clause", "first_audio"}
    good = turn.outcome == "answered" and not turn.faults and not turn.false_cutoffs
    return good and turn.voiced is not None and accepted <= turn.marks.keys()


def _recognizer(run: Run, turns: Sequence[Turn]) -> RecognizerDelays:
    settings = RecognizerSettings(
        **{
            key: value
            for key, value in run.config.get("recognizer", {}).items()
            if key in ("stop_history", "stop_history_eou")
        }
    )
    stable_after, final_after = windows(settings)
    stable, final, forced = [], [], []
    for turn in turns:
        assert turn.voiced is not None
        voice_end = turn.voiced[1]
        if (start := _accepted_start(turn)) and "stable partial" in start.reason:
            stable.append(turn.marks["transcript"] - voice_end - stable_after)
        if (at := turn.marks.get("final", 0.0)) >= voice_end:
            asked = [d.at for d in turn.decisions if d.kind == "finishutterance" and voice_end <= d.at <= at]
            if asked:
                forced.append(at - asked[-1])
            else:
                final.append(at - voice_end - final_after)
    errors = sum(turn.word_errors for turn in turns if turn.word_errors is not None)
    words = sum(turn.words for turn in turns if turn.word_errors is not None)
    return RecognizerDelays(
        interim=exactly(ASSUMED_INTERIM),
        stable=_thinned(stable) if stable else None,
        final=_required("final", final or stable or forced),
        forced=_thinned(forced) if forced else None,
        word_error_rate=round(min(1.0, errors / words), 4) if words else 0.0,
    )


def _accepted_start(turn: Turn) -> Happened | None:
    started = turn.marks["started"]
    return next((d for d in turn.decisions if d.kind == "start" and abs(d.at - started) < 1e-6), None)


def _between(turn: Turn, first: str, last: str) -> float | None:
    """Seconds between two marks; the face may have its first frame before the first sound is loud enough to count."""
    if last not in turn.marks:
        return None
    return max(0.0, turn.marks[last] - turn.marks[first])


def _gap(turn: Turn) -> float | None:
    """Mean seconds from one token to the next."""
    seconds = _between(turn, "first_token", "last_token")
    return None if seconds is None or turn.tokens < 2 else seconds / (turn.tokens - 1)


def _speed(turn: Turn) -> float | None:
    """How many times faster than real time the sound came; where the voice had to wait for text, that counts too."""
    seconds = _between(turn, "first_audio", "last_audio")
    return turn.sound_seconds / seconds if seconds and turn.sound_seconds else None


def _letters(turns: Sequence[Turn]) -> float | None:
    """Characters in a token; None if each word was one."""
    whole = [turn for turn in turns if turn.tokens and "last_token" in turn.marks]
    if all(turn.tokens == len(turn.reply.split()) for turn in whole):
        return None
    return round(min(100.0, max(1.0, sum(len(t.reply) for t in whole) / sum(t.tokens for t in whole))), 3)


def _seconds_of_a_word(turns: Sequence[Turn]) -> float:
    spoken = [turn for turn in turns if "last_audio" in turn.marks and turn.sound_seconds]
    words = sum(len(turn.reply.split()) for turn in spoken)
    return round(min(5.0, max(0.01, sum(turn.sound_seconds for turn in spoken) / words)), 4) if words else 0.3


def _replies(turns: Sequence[Turn]) -> tuple[Reply, ...]:
    """To each question one of the replies that it got: that of middling length."""
    given: dict[str, list[str]] = {}
    for turn in turns:
        question = " ".join((turn.transcript or turn.heard).split())
        if turn.reply.strip():
            given.setdefault(question, []).append(turn.reply[:20_000])
    # The longest question first: a short one may be the end of a long one.
    ordered = sorted(given.items(), key=lambda item: (-len(item[0]), item[0]))[:MOST_REPLIES]
    return tuple(
        Reply(text=sorted(texts, key=lambda text: (len(text), text))[len(texts) // 2], question=_exactly(question))
        for question, texts in ordered
    )


def _exactly(question: str) -> str | None:
    """An expression for what ends in ``question``; None where nobody knows what was asked."""
    words = [re.escape(word) for word in question.split()]
    return "(^|\\W)" + " ".join(words) + "\\W*$" if words else None


def _required(what: str, delays: Iterable[float | None]) -> Distribution:
    known = [delay for delay in delays if delay is not None]
    if not known:
        raise SettingsError([f"No turn of the run has a {what}, so there is no delay to take from it; play it again."])
    return _thinned(known)


def _thinned(values: Sequence[float]) -> Distribution:
    """The values, to a tenth of a millisecond; of many their quantiles, of which the first and last are kept too."""
    bounded = np.clip(np.asarray(values, float), -LONGEST, LONGEST)
    if len(bounded) > MOST_SAMPLES:
        bounded = np.quantile(bounded, np.linspace(0, 1, MOST_SAMPLES))
    samples = np.round(bounded, 4).tolist()
    return exactly(samples[0]) if len(set(samples)) == 1 else Distribution(samples=tuple(samples))


def _provenance(run: Run) -> dict[str, str]:
    told = {
        "scenario": run.scenario,
        "fingerprint": run.fingerprint,
        "sessions": run.sessions,
        **{key: run.environment.get(key) for key in ("date", "commit", "cpu", "cores", "gpus", "services")},
    }
    return {key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in told.items() if value}
