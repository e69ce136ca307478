"""Takes made for tests: a voice, poses and events on one clock, written by the recorder's own code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from aurora.face import ARKIT
from pipelines.conversation.events import GenerationOver, PlayoutFinished, PlayoutStarted, TurnEnded
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import Ledger, Outcome

START, RATE, JAW = 100.0, 22_050, ARKIT.index("jawOpen")
SPOKEN = ((1.0, 2.0), (4.0, 4.5))
"""When she speaks, in seconds from the beginning."""


def pose(**weights: float) -> np.ndarray:
    values = np.zeros(len(ARKIT), np.float32)
    for name, weight in weights.items():
        values[ARKIT.index(name)] = weight
    return values


def make_take(folder: Path, *, face: bool = True, settings: dict | None = None) -> Path:
    """Two replies; the jaw opens by the sine of the time, the gaze rests on her left."""

    async def record() -> None:
        take = TakeWriter(folder, settings or {"face": {"enabled": face}}, start=START, reply_rate=RATE)
        for number, (begin, end) in enumerate(SPOKEN, 1):
            time = np.arange(round((end - begin) * RATE)) / RATE
            take.told(PlayoutStarted(number, START + begin, at=START + begin))
            take.played((8000 * np.sin(2 * np.pi * 220 * time)).astype(np.int16), START + begin)
            for tick in range(round((end - begin) * 60) + 1 if face else 0):
                at = begin + tick / 60
                take.posed(START + at, pose(jawOpen=jaw(at), eyeLookOutLeft=0.5, eyeLookInRight=0.5))
            take.told(PlayoutFinished(number, START + end, len(time), at=START + end))
            heard = ("Hello there. I am Sophia.", "Fine & <well>.")[number - 1]
            take.told(GenerationOver(at=START + end, generation=number, text=heard, heard=heard))
            ledger = Ledger(number, user="Hi?", reply=heard, heard=heard, outcome=Outcome.REPLIED)
            ledger.mark("voice_end", START + begin - 0.5)
            ledger.mark("played", START + begin)
            take.told(TurnEnded(at=START + end, ledger=ledger))
        await take.aclose()

    asyncio.run(record())
    return folder


def jaw(seconds: float) -> float:
    return round(0.5 + 0.5 * np.sin(7 * seconds), 4)
