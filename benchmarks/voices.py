"""The embedded voices beside each other: errors, first sound, work, level, silence; and the first sound over TLS.

    python -m benchmarks.voices [--json FILE]

Each voice says the sentences of :mod:`benchmarks.wer` and some with numbers. The embedded recogniser hears them, whole
and in silence, so its own errors count as well. Processor time is the engine's alone. Over TLS the service's default
voice says them to NVIDIA's client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soxr
from riva.client.proto import riva_tts_pb2 as pb
from riva.client.proto.riva_tts_pb2_grpc import RivaSpeechSynthesisStub

from benchmarks.wer import RATE, SENTENCES, serving
from pipelines.embedded.speech.ears.moonshine import Moonshine
from pipelines.embedded.speech.prepare import prepared_ears
from pipelines.embedded.speech.voice.flite import FliteEngine
from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.embedded.speech.voice.speakable import sentences
from pipelines.embedded.speech.voice.voices import Engine
from pipelines.home import home
from pipelines.scenarios.words import word_errors
from sophia.audio import Pcm

NUMBERS = """That is about 16.1 kilometers.|Seventeen times 23 is 391.|It is 3:27 PM.|The ticket costs $4.50.
    On March 3, 2026, it will be -5 °C.|About 50% of 1,234 people agreed.|I'm Sophia. You talk, I listen."""

Heard = Callable[[Pcm], str]


@dataclass(frozen=True)
class Row:
    """A voice's figures; times in ms, levels in dBFS over the voiced 20 ms frames."""

    voice: str
    engine: str
    words: int
    wer_percent: float
    first_sound_median: float
    first_sound_p95: float
    cpu_per_second: float
    words_a_minute: int
    level: float
    peak: float
    silence_before_median: float
    silence_before_p95: float
    silence_behind_median: float


def texts() -> list[str]:
    """The sentences, each as one."""
    blocks = [*SENTENCES.values(), NUMBERS]
    return [text.strip() for block in blocks for line in block.split("\n") for text in line.split("|")]


def ears() -> Heard:
    """Moonshine, prepared before."""
    folder, _ = prepared_ears(home())
    if folder is None:
        raise SystemExit("the recogniser is not prepared: make prepare")
    model = Moonshine(folder)

    def heard(pcm: Pcm) -> str:
        decoded = model.decode(np.pad(pcm, RATE // 3))
        return decoded.text if decoded else ""

    return heard


async def measured(engine: Engine, voice: str, heard: Heard) -> Row:
    """All sentences, one after another."""
    first, before, behind, voiced = list[float](), list[float](), list[float](), list[float]()
    wrong = words = peak = 0
    cpu = seconds = 0.0
    for sentence in [part for text in texts() for part in sentences(engine.speakable(text))]:
        begin, worked = time.perf_counter(), time.process_time()
        pieces, came = list[Pcm](), 0.0
        async for piece in engine.speak(sentence, voice):
            came = came or 1000 * (time.perf_counter() - begin)
            pieces.append(piece.pcm)
        cpu += time.process_time() - worked
        pcm = np.concatenate(pieces)
        sound = np.abs(pcm.astype(float))
        first.append(came)
        seconds += len(pcm) / engine.rate
        peak = max(peak, int(sound.max()))
        audible = np.flatnonzero(sound > 0.01 * sound.max())  # 40 dB below its peak
        before.append(1000 * audible[0] / engine.rate)
        behind.append(1000 * (len(pcm) - audible[-1]) / engine.rate)
        step = engine.rate // 50
        power = np.mean(sound[: len(sound) // step * step].reshape(-1, step) ** 2, axis=1)
        voiced += list(power[power > 0.01 * power.max()])
        found = word_errors(sentence, heard(pcm if engine.rate == RATE else soxr.resample(pcm, engine.rate, RATE)))
        wrong, words = wrong + found[0], words + found[1]
    return Row(
        voice, f"{engine.name} {engine.voices[voice]}", words, round(100 * wrong / words, 1), at(first, 50),
        at(first, 95), round(cpu / seconds, 4), round(60 * words / seconds), decibels(float(np.mean(voiced))),
        decibels(peak**2), at(before, 50), at(before, 95), at(behind, 50),
    )  # fmt: skip


async def over_tls() -> list[float]:
    """First sound of each sentence at a client of the service, in ms."""
    waits = []
    async with serving() as (channel, _):
        stub = RivaSpeechSynthesisStub(channel)
        for text in ["Ready.", *texts()]:
            request = pb.SynthesizeSpeechRequest(text=text, language_code="en-US", encoding=1)
            begin, came = time.perf_counter(), 0.0
            async for _ in stub.SynthesizeOnline(once(request)):
                came = came or 1000 * (time.perf_counter() - begin)
            waits.append(came)
    return waits[1:]  # the first call makes the connection


async def once(request: pb.SynthesizeSpeechRequest) -> AsyncIterator[pb.SynthesizeSpeechRequest]:
    """A stream of one request."""
    yield request


def at(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1)


def decibels(power: float) -> float:
    """Of full scale of 16 bits."""
    return round(float(10 * np.log10(power / 32768**2)), 1)


async def run() -> dict[str, object]:
    heard, rows = ears(), list[Row]()
    for make in (HibariEngine, FliteEngine):
        try:
            engine: Engine = make()
        except (OSError, RuntimeError) as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for voice in engine.voices:
            async for _ in engine.speak("Ready.", voice):
                pass
            rows.append(await measured(engine, voice, heard))
        await engine.aclose()
    waits = await over_tls()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average_1min": round(os.getloadavg()[0], 2),
        "voices": [asdict(row) for row in rows],
        "over_tls_ms": {"median": at(waits, 50), "p95": at(waits, 95), "most": at(waits, 100)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    result = asyncio.run(run())
    print(json.dumps(result, indent=1))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
