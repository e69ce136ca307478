"""Word errors of answers that begin right after her end, on open speakers with the half-duplex guard.

    python -m benchmarks.quick_answers [--json FILE]

She speaks through a simulated room into the microphone; the user answers 0.05 to 1 s after her last sample. What the
guard lets through goes to the embedded recogniser over TLS. Both voices are embedded ones. The rooms
differ in how late her voice comes back, and in how long it lasts. The user is as loud as her echo. The answers come in
mixed order, since the recogniser adapts to what it heard before: what that costs falls on every gap alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from riva.client.proto.riva_asr_pb2_grpc import RivaSpeechRecognitionStub

from benchmarks.wer import Clip, Score, recognise, serving
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.voices import Engine
from pipelines.machine.environment import environment
from sophia.audio import EAR_RATE, Frame, Pcm, dbfs
from sophia.half_duplex import HalfDuplexGuard

HERS, USERS = "English-US.Female-1", "English-US.Male-1"
SENTENCE = "I have found your order, and it should be with you tomorrow. Shall I tell you more about it?"
ANSWERS = (
    "what is the weather like in paris",
    "tell me a story about a robot",
    "go forward ten meters",
    "please tell me a joke",
    "turn left ninety degrees",
    "could you repeat that please",
    "how are you doing today",
    "stop talking and wait",
)
GAPS = (0.05, 0.1, 0.2, 0.3, 0.4, 1.0)
"""Seconds from her last sample to the user's first."""
ROOMS = ((0.03, 0.25), (0.06, 0.4))
"""Seconds until her voice comes back, and in which it decays by 60 dB."""
ECHO_DBFS = -32.0
LEAD = 0.5
SEED = 4

Sound = NDArray[np.float64]


def response(delay: float, decay: float) -> Sound:
    """A room's impulse response at 16 kHz, with unit energy."""
    length = round(1.5 * decay * EAR_RATE)
    tail = np.random.default_rng(3).standard_normal(length) * 10 ** (-3 * np.arange(length) / EAR_RATE / decay)
    tail[0] = 3
    return np.concatenate([np.zeros(round(delay * EAR_RATE)), tail / np.sqrt(np.sum(tail**2))])


def at_level(sound: Pcm, level: float) -> Sound:
    """The sound scaled to ``level`` dB relative to full scale."""
    return sound.astype(np.float64) * 10 ** ((level - dbfs(sound)) / 20)


def voiced(sound: Pcm) -> Pcm:
    """The sound from its first to its last audible sample."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 200)
    return sound[loud[0] : loud[-1] + 1]


def guarded(hers: Pcm, answer: Pcm, gap: float, room: tuple[float, float]) -> tuple[Pcm, float]:
    """What the ears get, and where in it she ends, in seconds. She speaks at 16 kHz from :data:`LEAD` on."""
    echo = np.convolve(at_level(hers, ECHO_DBFS), response(*room))
    end = LEAD + len(hers) / EAR_RATE
    begin = round((end + gap) * EAR_RATE)
    heard = np.random.default_rng(5).normal(0, 8, begin + len(answer) + EAR_RATE)
    at = round(LEAD * EAR_RATE)
    heard[at : at + len(echo)] += echo[: len(heard) - at]
    heard[begin : begin + len(answer)] += at_level(answer, ECHO_DBFS)
    pcm = np.clip(heard, -32768, 32767).astype(np.int16)
    guard, out = HalfDuplexGuard(), []
    for i in range(0, len(pcm) - 319, 320):
        piece = hers[max(0, i - at) : max(0, i + 320 - at)]
        if len(piece):
            guard.reference(piece, EAR_RATE, max(i, at) / EAR_RATE)
        out += [frame.pcm for frame in guard.process(Frame(pcm[i : i + 320], i / EAR_RATE))]
    return np.concatenate(out), end


async def spoken(engine: Engine, text: str, voice: str) -> Pcm:
    """The text at 16 kHz."""
    pieces = [piece async for piece in engine.speak(text, voice)]
    sound = np.concatenate([piece.pcm for piece in pieces])
    return voiced(soxr.resample(sound, engine.rate, EAR_RATE) if engine.rate != EAR_RATE else sound)


async def clips() -> list[Clip]:
    """Every answer after every gap, in every room."""
    engine = open_engine()
    hers = await spoken(engine, SENTENCE, HERS)
    answers = [(text, await spoken(engine, text, USERS)) for text in ANSWERS]
    await engine.aclose()
    found = []
    for gap in GAPS:
        for room in ROOMS:
            for text, answer in answers:
                pcm, end = guarded(hers, answer, gap, room)
                after = pcm[round((end - 0.2) * EAR_RATE) :]
                found.append(Clip(f"{gap:g} s", text, after.astype("<i2").tobytes()))
    return found


async def run() -> dict[str, object]:
    scores: dict[str, Score] = {}
    everything = await clips()
    groups = dict.fromkeys(clip.group for clip in everything)
    random.Random(SEED).shuffle(everything)
    async with serving() as (channel, _):
        await recognise(RivaSpeechRecognitionStub(channel), everything, scores, fast=True)
    scores = {group: scores[group] for group in groups}
    return {
        "machine": {**environment(), "services": "embedded"},
        "word_error_percent": {gap: round(100 * score.errors / score.words, 1) for gap, score in scores.items()},
        "words": {gap: score.words for gap, score in scores.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    results = asyncio.run(run())
    print(json.dumps(results["word_error_percent"]))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
