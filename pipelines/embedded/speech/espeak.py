"""espeak-ng as the fall-back voice, in a process of its own.

espeak-ng is GPLv3 and keeps one global state: both are reasons to talk to it through a pipe. The library and its
data come with the ``espeakng-loader`` wheel. It makes a second of speech in about a millisecond, so a whole sentence
is fetched at once; nothing is gained by cancelling it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator, Mapping

import numpy as np

from pipelines.embedded.speech.shaping import Shaper, Tone
from pipelines.embedded.speech.voices import DEFAULT_VOICE, PLAIN, Manner, Phone, Piece, Timeline
from sophia.audio import Pcm

RATE = 22_050
_TONE = Tone(gain_db=3.0)
_DEADLINE = 5.0


class EspeakEngine:
    """The :class:`~.voices.Engine` of espeak-ng. Starts its process with the first sentence."""

    name = "espeak-ng"
    rate = RATE
    voices: Mapping[str, str] = {DEFAULT_VOICE: "en-us+f3", "English-US.Male-1": "en-us"}

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        """Its sounds have other names."""
        return ["the pronunciation of single words"] if manner.phones else []

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        """The sentence in pieces of 100 ms; raises ``RuntimeError`` when espeak-ng cannot speak."""
        timeline, pcm = await self._fetch(
            {"text": sentence, "voice": self.voices[voice], "rate": manner.rate, "pitch": manner.pitch}
        )
        shaper = Shaper(Tone(gain_db=_TONE.gain_db + manner.gain))
        step = RATE // 10
        for at in range(0, len(pcm), step):
            yield Piece(shaper.shape(pcm[at : at + step]), timeline if at == 0 else None)

    async def _fetch(self, asked: dict[str, str | float]) -> tuple[Timeline, Pcm]:
        async with self._turn:
            try:
                async with asyncio.timeout(_DEADLINE):
                    process = await self._running()
                    assert process.stdin is not None
                    assert process.stdout is not None
                    process.stdin.write(json.dumps(asked).encode() + b"\n")
                    await process.stdin.drain()
                    answer = json.loads(await process.stdout.readline() or b'{"failed": "its process ended"}')
                    if "failed" in answer:
                        raise RuntimeError(f"espeak-ng cannot speak: {answer['failed']}")
                    sound = await process.stdout.readexactly(answer["bytes"])
            except TimeoutError:
                await self._end()
                raise RuntimeError(f"espeak-ng cannot speak: it said nothing within {_DEADLINE:g} s") from None
            except BaseException:  # a half-read answer must not be taken for the next one
                await self._end()
                raise
        phones = tuple(Phone(*phone) for phone in answer["phones"])
        return Timeline(phones, tuple(answer["words"])), np.frombuffer(sound, "<i2").astype(np.int16)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pipelines.embedded.speech.espeak_process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def aclose(self) -> None:
        await self._end()
