"""A service profile out of a run: what the services took in it, as samples, so that it can be simulated elsewhere.

Every delay is the distance of two marks of a turn, less what the configuration made it wait. Marks are taken on our
side of the network, so what the network took is in the delays, and ``network`` is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from pipelines.records.results import Run, Turn
from pipelines.settings.layers import SettingsError
from pipelines.simulation.distribution import LONGEST, Distribution, exactly
from pipelines.simulation.ears import windows
from pipelines.simulation.profile import (
    LONGEST_NAME,
    AsrDelays,
    FaceDelays,
    LlmDelays,
    Reply,
    ServiceProfile,
    TtsDelays,
)
from sophia.recognition_wire import RecognizerSettings

MOST_SAMPLES: Final = 200
"""Samples that are kept of a delay: as many quantiles at even distances."""

MOST_REPLIES: Final = 200

ASSUMED_INTERIM: Final = 0.1
ASSUMED_SPEED: Final = 20.0
ASSUMED_FACE_SPEED: Final = 2.0
"""A run tells nothing of the face's speed, of interims only where a reply had to be started from one, and of the
voice's speed only if its sound came in more than one piece."""

SLOWEST: Final = 0.01
"""Times real time; what is slower is no measurement."""


def profile_from(run: Run) -> ServiceProfile:
    """The delays of the services in ``run``.

    Counted are turns that were answered, without faults and false cut-offs. Raises
    :class:`~pipelines.settings.layers.SettingsError`, one line, if there are none, or none that a transcript came for.
    """
    turns = [turn for turn in run.turns if _tells(turn)]
    if not turns:
        raise SettingsError([f"The run of {run.scenario} has no answered turn to take delays from; play it again."])
    frames = _known(_between(turn, "first_audio", "first_frame") for turn in turns)
    return ServiceProfile(
        name=f"{run.scenario}, as {f'in {run.simulated}' if run.simulated else 'measured'}"[-LONGEST_NAME:],
        about=f"delays of {len(turns)} turns, the network's included; the face's speed is assumed",
        provenance=_provenance(run),
        asr=_recognizer(run, turns),
        llm=LlmDelays(
            first_token=_thinned(_known(_between(turn, "started", _first_word(turn)) for turn in turns)),
            token=_thinned(_known(map(_gap, turns)) or [0.0]),
            replies=_replies(turns),
        ),
        tts=TtsDelays(
            first_sound=_thinned(_known(_between(turn, "first_clause", "first_audio") for turn in turns)),
            speed=_thinned(_known(map(_speed, turns)) or [ASSUMED_SPEED]),
            word=_seconds_of_a_word(turns),
        ),
        face=FaceDelays(first_frame=_thinned(frames), speed=exactly(ASSUMED_FACE_SPEED)) if frames else None,
    )


def _tells(turn: Turn) -> bool:
    accepted = {"transcript", "started", "first_token", "first_clause", "first_audio"}
    good = turn.outcome == "answered" and turn.reply.strip() and not turn.faults and not turn.false_cutoffs
    return bool(good) and turn.voiced is not None and accepted <= turn.marks.keys()


def _recognizer(run: Run, turns: Sequence[Turn]) -> AsrDelays:
    settings = RecognizerSettings(
        **{
            key: value
            for key, value in run.config.get("asr", {}).items()
            if key in ("stop_history", "stop_history_eou")
        }
    )
    stable_after, final_after = windows(settings)
    interim: list[float] = []
    stable: list[float] = []
    later: list[float] = []  # than this: the reply was started without
    final: list[float] = []
    forced: list[float] = []
    for turn in turns:
        assert turn.voiced is not None
        voice_end = turn.voiced[1]
        why = _reason_of_start(turn)
        settled = turn.marks.get("stable", turn.marks["transcript"] if "stable partial" in why else 0.0)
        if settled >= voice_end:
            stable.append(settled - voice_end - stable_after)
        else:
            later.append(turn.marks["started"] - voice_end - stable_after)
        if "decided" in why or "interim" in why:  # so the last words came in an interim
            interim.append(max(0.0, turn.marks["transcript"] - voice_end))
        if (at := turn.marks.get("final", 0.0)) >= voice_end:
            asked = [d.at for d in turn.decisions if d.kind == "finishutterance" and voice_end <= d.at <= at]
            if asked:
                forced.append(at - asked[-1])
            else:
                final.append(at - voice_end - final_after)
    if not (final or stable or forced):
        raise SettingsError([f"In no turn of the run of {run.scenario} a transcript came in time; play it again."])
    errors = sum(turn.word_errors for turn in turns if turn.word_errors is not None)
    words = sum(turn.words for turn in turns if turn.word_errors is not None)
    return AsrDelays(
        interim=_thinned(interim) if interim else exactly(ASSUMED_INTERIM),
        stable=_thinned(stable + later) if stable else None,  # late ones counted as if they had come just then
        final=_thinned(final or stable or forced),
        forced=_thinned(forced) if forced else None,
        word_error_rate=round(min(1.0, errors / words), 4) if words else 0.0,
    )


def _reason_of_start(turn: Turn) -> str:
    """Why the accepted reply was started."""
    started = turn.marks["started"]
    return next((d.reason for d in turn.decisions if d.kind == "start" and abs(d.at - started) < 1e-6), "")


def _between(turn: Turn, first: str, last: str) -> float | None:
    """Seconds between two marks; the face may have its first frame before the first sound is loud enough to count."""
    if last not in turn.marks:
        return None
    return max(0.0, turn.marks[last] - turn.marks[first])


def _first_word(turn: Turn) -> str:
    """The mark of the first text: a simulated model calls no tools, so their time is the model's."""
    return "first_word" if turn.tool_calls and "first_word" in turn.marks else "first_token"


def _gap(turn: Turn) -> float | None:
    """Mean seconds from one token to the next."""
    seconds = _between(turn, _first_word(turn), "last_token")
    return None if seconds is None or turn.tokens < 2 else seconds / (turn.tokens - 1)


def _speed(turn: Turn) -> float | None:
    """How many times faster than real time the sound came; where the voice had to wait for text, that counts too."""
    seconds = _between(turn, "first_audio", "last_audio")
    speed = turn.sound_seconds / seconds if seconds else 0.0
    return speed if speed >= SLOWEST else None


def _seconds_of_a_word(turns: Sequence[Turn]) -> float:
    spoken = [turn for turn in turns if "last_audio" in turn.marks and turn.sound_seconds]
    words = sum(len(turn.reply.split()) for turn in spoken)
    return round(min(5.0, max(0.01, sum(turn.sound_seconds for turn in spoken) / words)), 4) if words else 0.3


def _replies(turns: Sequence[Turn]) -> tuple[Reply, ...]:
    """To each question one of the replies that it got: that of middling length."""
    given: dict[str, list[tuple[int, str]]] = {}
    for turn in turns:
        question = " ".join((turn.transcript or turn.heard).split())
        given.setdefault(question, []).append((min(max(1, turn.tokens), 10_000), turn.reply.lstrip()[:20_000]))
    # The longest question first: a short one may be the end of a long one.
    ordered = sorted(given.items(), key=lambda item: (-len(item[0]), item[0]))[:MOST_REPLIES]
    middling = [(question, sorted(replies)[len(replies) // 2]) for question, replies in ordered]
    return tuple(Reply(text=text, question=_exactly(question), tokens=tokens) for question, (tokens, text) in middling)


def _exactly(question: str) -> str | None:
    """An expression for what ends in ``question``; None where nobody knows what was asked."""
    words = [re.escape(word) for word in question.split()]
    return "(^|\\W)" + " ".join(words) + "\\W*$" if words else None


def _known(delays: Iterable[float | None]) -> list[float]:
    return [delay for delay in delays if delay is not None]


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
