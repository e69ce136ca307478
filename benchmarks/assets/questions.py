"""Makes the bundled soundbites: a user's questions for machines without a microphone.

``python -m benchmarks.assets.questions`` rewrites ``pipelines/soundbites/``. flite's male voices speak; the reply's
voice is female, so one can tell them apart. Below lies a little room tone, for no real microphone gives digital
silence. Needs flite; the result is always the same.
"""

from __future__ import annotations

import asyncio
import csv
import sys
import wave
from pathlib import Path

import numpy as np

from pipelines.embedded.speech.flite import RATE, FliteEngine
from sophia.audio import Pcm

FOLDER = Path(__file__).parents[2] / "pipelines" / "soundbites"

_ROOM_TONE = 12.0  # root mean square of 32768: -69 dBFS, a quiet room
_QUESTIONS = [
    ("01_who_are_you", "hello sophia who are you", "Hello Sophia, who are you?", "English-US.Male-1"),
    ("02_what_time", "what time is it", "What time is it?", "English-US.Male-1"),
    ("03_arithmetic", "what is seventeen times twenty three", "What is 17 times 23?", "English-US.Male-1"),
    ("04_units", "what is ten miles in kilometers", "What is ten miles in kilometers?", "English-US.Male-1"),
    ("05_story", "tell me a story", "Tell me a story.", "English-US.Male-1"),
    ("06_what_did_i_say", "what did i just say", "What did I just say?", "English-US.Male-1"),
]


async def soundbite(engine: FliteEngine, text: str, voice: str) -> Pcm:
    """A sentence at 16 kHz with room tone."""
    speech = np.concatenate([piece.pcm async for piece in engine.speak(text, voice)]).astype(np.float64)
    tone = np.random.default_rng(len(text)).normal(0.0, _ROOM_TONE, len(speech))
    return np.clip(np.rint(speech + tone), -32768, 32767).astype(np.int16)


async def make(folder: Path) -> None:
    """Writes the soundbites and their manifest into ``folder``, which must exist."""
    engine = FliteEngine()
    rows = []
    for name, transcript, text, voice in _QUESTIONS:
        pcm = await soundbite(engine, text, voice)
        with wave.open(str(folder / f"{name}.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(pcm.astype("<i2").tobytes())
        rows.append(
            [f"{name}.wav", transcript, RATE, 1, f"{len(pcm) / RATE:.2f}", f"flite 2.2, {engine.voices[voice]}"]
        )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "transcript", "sample_rate_hz", "channels", "seconds", "source"])
        table.writerows(rows)
    await engine.aclose()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
