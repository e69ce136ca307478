"""The few sentences she must be able to say whatever becomes of a service: synthesised at the start, kept as sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import numpy as np

from sophia.audio import Pcm
from sophia.heard import Script
from sophia.languages import ENGLISH, Phrase
from sophia.languages import language as table
from sophia.speech import Synthesizer


class Phrases:
    """Canned sentences in one language; until :meth:`prepare` has run, none has a sound.

    In a language without a table there are none, but for the notice of a recording: nobody may miss that.
    """

    def __init__(self, language: str = "en-US") -> None:
        self.texts: Mapping[Phrase, str] = table(language).phrases or {"recorded": ENGLISH.phrases["recorded"]}
        self._sounds: dict[Phrase, Pcm] = {}

    def text(self, phrase: Phrase) -> str:
        """The phrase's words; empty where she knows none."""
        return self.texts.get(phrase, "")

    def sound(self, phrase: Phrase) -> Pcm | None:
        """The phrase at the voice's rate, or None if it could not be synthesised."""
        return self._sounds.get(phrase)

    def script(self, phrase: Phrase, rate: int) -> Script:
        """The phrase's words along its sound, at ``rate`` Hz."""
        sound = self.sound(phrase)
        script = Script(rate)
        script.add(self.text(phrase), 0, 0 if sound is None else len(sound))
        return script

    async def prepare(self, voice: Synthesizer, seconds: float = 10.0) -> None:
        """Synthesises them all; what is not ready after ``seconds`` stays silent. Raises what the voice raises."""
        try:
            async with asyncio.timeout(seconds):
                for phrase, text in self.texts.items():
                    async with aclosing(voice.speak(_once(text))) as chunks:
                        pieces = [chunk.pcm async for chunk in chunks]
                    self._sounds[phrase] = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        except TimeoutError:
            return


async def _once(text: str) -> AsyncIterator[str]:
    yield text
