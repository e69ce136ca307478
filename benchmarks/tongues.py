"""How well the embedded ears tell English from German, and what short words become of (extra ``german``).

    python -m benchmarks.tongues [--json FILE]

hibari and Pico say sentences and short words. The ears of one stream hear each of them alone, after an English sentence
and after a German one. What counts is the language that they tell.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soxr

from pipelines.embedded.speech.german.whisper import InContext, Whisper
from pipelines.embedded.speech.languages import ENGLISH, GERMAN
from pipelines.embedded.speech.prepare import prepared_whisper
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.voices import Engine
from pipelines.home import home
from sophia.audio import EAR_RATE, Pcm

AROUND = 0.3
"""Seconds of silence before and after each sound, about what the service's voice detector keeps."""

SENTENCES = {
    ENGLISH: """Where is my order?|I would like to book a table for four.|Tell me a short story about the sea.
        How many kilometers are ten miles?|What will the weather be like tomorrow?|Please set a timer for ten minutes.
        I have never been to Berlin before.|Can you help me with something?""",
    GERMAN: """Wo ist meine Bestellung?|Ich möchte einen Tisch für vier Personen reservieren.
        Erzähl mir eine kurze Geschichte vom Meer.|Wie viele Kilometer sind zehn Meilen?|Wie wird das Wetter morgen?
        Stell bitte einen Timer auf zehn Minuten.|Ich war noch nie in Berlin.|Kannst du mir bei etwas helfen?""",
}
WORDS = {
    ENGLISH: "yes|no|okay|stop|thank you|go on|good morning|never mind|hello Sophia|really|all right|of course",
    GERMAN: "ja|nein|genau|halt|danke schön|mach weiter|guten morgen|na klar|hallo Sophia|wirklich|alles klar|stimmt",
}


@dataclass(frozen=True)
class Row:
    """How many of what was said, in which language and after which, were told rightly; the median of processor time."""

    said: str
    language: str
    after: str
    right: int
    of: int
    wrong: list[str]
    cpu_ms: float


def listed(text: str) -> list[str]:
    """The pieces of a text, parted by bars or lines."""
    return [piece.strip() for line in text.splitlines() for piece in line.split("|")]


async def sound(engine: Engine, text: str) -> Pcm:
    """A text at the ears' rate, with silence around it."""
    voice = next(iter(engine.voices))
    pieces = [piece.pcm async for piece in engine.speak(engine.speakable(text), voice)]
    loud = soxr.resample(np.concatenate(pieces).astype(np.float32), engine.rate, EAR_RATE)
    return np.pad(loud, round(AROUND * EAR_RATE)).astype(np.int16)


def told(
    model: Whisper, kind: str, language: str, *, after: str, sounds: Sequence[tuple[str, Pcm]], before: Pcm
) -> Row:
    """What one stream's ears make of each sound, alone or after another one."""
    wrong, spent = list[str](), list[float]()
    for text, pcm in sounds:
        ears = InContext(model)
        if after:
            ears.decode(before)
        began = time.process_time()
        heard = ears.decode(pcm)
        spent.append(time.process_time() - began)
        if heard is None or heard.language != language:
            wrong.append(f"{text}: {heard.text if heard else ''}")
    median = round(float(np.median(spent)) * 1000, 1)
    return Row(kind, language, after, len(sounds) - len(wrong), len(sounds), wrong, median)


async def run() -> dict[str, object]:
    model = Whisper(prepared_whisper(home()), (ENGLISH, GERMAN))
    sounds: dict[tuple[str, str], list[tuple[str, Pcm]]] = {}
    for language in (ENGLISH, GERMAN):
        engine = open_engine(language=language)
        for kind, texts in (("sentences", SENTENCES), ("words", WORDS)):
            sounds[kind, language] = [(text, await sound(engine, text)) for text in listed(texts[language])]
        await engine.aclose()
    rows = [
        told(model, kind, language, after=after, sounds=said, before=sounds["sentences", after or ENGLISH][0][1])
        for (kind, language), said in sounds.items()
        for after in ("", ENGLISH, GERMAN)
    ]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rows": [asdict(row) for row in rows],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    try:
        result = asyncio.run(run())
    except RuntimeError as error:
        parser.exit(1, f"{error}\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
