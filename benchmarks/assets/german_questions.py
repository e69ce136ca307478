"""Makes the German soundbites: a user's questions for machines without a microphone.

``python -m benchmarks.assets.german_questions`` rewrites ``pipelines/soundbites/german/``. Pico speaks, a fourth lower
than the reply's voice, over a little room tone. Needs the extra ``german``; the result is always the same.
"""

from __future__ import annotations

import asyncio
import csv
import sys
import wave
from pathlib import Path

import numpy as np

from pipelines.embedded.speech.german.pico import PicoEngine
from pipelines.embedded.speech.voice.voices import Manner
from sophia.audio import Pcm

FOLDER = Path(__file__).parents[2] / "pipelines" / "soundbites" / "german"

_ROOM_TONE = 12.0  # root mean square of 32768: -69 dBFS, a quiet room; no microphone gives digital silence
_LOWER = Manner(pitch=-41.0)
_QUESTIONS = [
    ("01_wie_heisst_du", "Hallo Sophia, wie heißt du?", "Ich bin Sophia"),
    ("02_wie_spaet", "Wie spät ist es jetzt?", "Es ist .* Uhr"),
    ("03_rechnen", "Was ist siebzehn mal dreiundzwanzig?", "391"),
    ("04_umrechnen", "Wie viele Kilometer sind zehn Meilen?", "16,1"),
    ("05_hauptstadt", "Was ist die Hauptstadt von Frankreich?", "Paris"),
    ("06_geschichte", "Erzähl mir eine kurze Geschichte.", "Leuchtturm"),
    ("07_was_habe_ich_gesagt", "Was habe ich gerade gesagt?", "Du hast gesagt"),
]


async def soundbite(engine: PicoEngine, text: str) -> Pcm:
    """A sentence at 16 kHz with room tone."""
    voice = next(iter(engine.voices))
    speech = np.concatenate([piece.pcm async for piece in engine.speak(engine.speakable(text), voice, _LOWER)])
    tone = np.random.default_rng(len(text)).normal(0.0, _ROOM_TONE, len(speech))
    return np.clip(np.rint(speech + tone), -32768, 32767).astype(np.int16)


async def make(folder: Path) -> None:
    """Writes the soundbites and their manifest into ``folder``, which must exist."""
    engine = PicoEngine()
    rows = []
    for name, text, expected in _QUESTIONS:
        pcm = await soundbite(engine, text)
        with wave.open(str(folder / f"{name}.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(engine.rate)
            out.writeframes(pcm.astype("<i2").tobytes())
        rows.append([f"{name}.wav", text, expected, "de-DE", "Pico, py-nanotts 0.1.1"])
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "transcript", "expect", "language", "source"])
        table.writerows(rows)
    await engine.aclose()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
