"""SVOX Pico: a German voice, small, quick and of 2005. An extra, ``german``.

It makes a sentence at once, in a two-hundredth of its length, and tells no times. It holds Python's lock meanwhile, so
it works in a process of its own (:mod:`.pico_process`).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Final

import numpy as np

from pipelines.embedded.speech.german.pico_process import HEADER, RATE
from pipelines.embedded.speech.german.speakable_german import speakable
from pipelines.embedded.speech.languages import check_extra
from pipelines.embedded.speech.voice.shaping import Shaper, Tone
from pipelines.embedded.speech.voice.voices import PLAIN, Manner, Piece, Timeline
from sophia.audio import Pcm

_TONE: Final = Tone(gain_db=-3.8, shelf_db=8.0)
"""Brings the voice to about -18 dBFS over its voiced 20 ms frames, and lifts what its dull spectrum lacks."""

_USUAL_HERTZ: Final = 165.0
"""The voice's median pitch."""

_SLOWEST, _FASTEST = 0.2, 5.0
_LOWEST, _HIGHEST = 0.5, 2.0
"""Rates and pitches that Pico takes, relative to its own."""

_DEADLINE: Final = 10.0
"""Seconds for a sentence, which takes at most one where a machine is very busy."""

_LOUD: Final = 200  # of 32768: what is softer is silence
_LEAD_KEPT, _TAIL_KEPT = round(0.02 * RATE), round(0.1 * RATE)
_PIECE: Final = round(0.15 * RATE)


class PicoEngine:
    """The :class:`~.voices.Engine` of Pico. Raises ``RuntimeError`` where the extra is not installed."""

    name = "pico"
    rate = RATE
    voices: Mapping[str, str] = {"German-DE.Female-1": "de-DE"}

    def __init__(self) -> None:
        check_extra()
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._asked = set[asyncio.Task[Pcm]]()

    def speakable(self, text: str) -> str:
        """Numbers are read before: Pico reads few of them as people do."""
        return speakable(text)

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        """It takes no sounds for single words."""
        return ["the pronunciation of single words"] if manner.phones else []

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        """Pieces of 150 ms. Who stops listening leaves the process to finish its sentence, some milliseconds later."""
        task = asyncio.create_task(self._said(sentence, manner))
        self._asked.add(task)
        task.add_done_callback(self._forget)
        pcm = _trimmed(await asyncio.shield(task))
        shaper = Shaper(Tone(_TONE.gain_db + manner.gain, _TONE.shelf_db))
        told: Timeline | None = Timeline()
        for at in range(0, len(pcm), _PIECE):
            yield Piece(shaper.shape(pcm[at : at + _PIECE]), told)
            told = None
        yield Piece(shaper.finish())

    def _forget(self, task: asyncio.Task[Pcm]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # whoever listened has been told

    async def _said(self, sentence: str, manner: Manner) -> Pcm:
        """The sound of a sentence; raises ``RuntimeError`` where the process fails, which is then started anew."""
        wish = {
            "text": sentence,
            "speed": min(_FASTEST, max(_SLOWEST, manner.rate)),
            "pitch": min(_HIGHEST, max(_LOWEST, 1.0 + manner.pitch / _USUAL_HERTZ)),
        }
        async with self._turn:
            try:
                async with asyncio.timeout(_DEADLINE):
                    self._process = self._process or await _started()
                    assert self._process.stdin is not None
                    assert self._process.stdout is not None
                    self._process.stdin.write(json.dumps(wish).encode() + b"\n")
                    await self._process.stdin.drain()
                    (size,) = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
                    return np.frombuffer(await self._process.stdout.readexactly(size), "<i2")
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise RuntimeError(f"the German voice failed: {error or type(error).__name__}") from None

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def aclose(self) -> None:
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        await self._end()


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pipelines.embedded.speech.german.pico_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def _trimmed(pcm: Pcm) -> Pcm:
    """Without most of the silence around the sentence."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > _LOUD)
    return pcm[max(0, loud[0] - _LEAD_KEPT) : loud[-1] + _TAIL_KEPT] if len(loud) else pcm[:0]
