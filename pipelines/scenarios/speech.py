"""Lines that are written instead of recorded: spoken by the project's own engines on this machine.

The same text and voice give the same samples each time on a machine; another engine gives other samples, and so
another scenario.
"""

from __future__ import annotations

import asyncio
import ctypes
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr

from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.speakable import speakable
from pipelines.embedded.speech.voice.voices import Engine, Manner, find_voice
from pipelines.scenarios.room import noise
from pipelines.settings.layers import did_you_mean
from sophia.audio import EAR_RATE, Pcm
from sophia.soundbite import voiced_span

DEFAULT_VOICE: Final = "English-US.Male-1"
"""Hers is female, so one can tell them apart; each engine has this one."""

LONGEST_PAUSE: Final = 30.0
"""Seconds of one pause inside a line."""

_ROOM_TONE = 12.0  # root mean square: -69 dBFS, a quiet room; no microphone gives digital silence
_PAUSE = re.compile(r"\[\s*(\d+(?:\.\d+)?)\s*\]")
_ENDS = (",", ".", "?", "!", ";", ":", "…")


class CannotSay(Exception):
    """A text cannot be spoken; the message is a few words that say why and what to change.

    ``each`` has them for single texts, by their place.
    """

    def __init__(self, message: str, each: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.each = each or {}


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Phrases and, after each but the last, the seconds of silence that follow it."""

    phrases: tuple[str, ...]
    pauses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said, in whose voice (Riva's name or the engine's own), and how fast: 1.2 is a fifth faster."""

    text: MarkedText
    voice: str = DEFAULT_VOICE
    speed: float = 1.0


def parse(text: str) -> MarkedText:
    """Reads ``I would like [0.8] a table``; raises :class:`CannotSay`."""
    if "|" in text:
        raise CannotSay("a pause in what is said needs its length: [0.5], not |")
    pieces = _PAUSE.split(text)
    phrases, pauses = [piece.strip() for piece in pieces[::2]], [float(seconds) for seconds in pieces[1::2]]
    if re.search(r"[\[\]]", "".join(phrases)):
        raise CannotSay("a pause is written with its seconds in brackets: [0.5]")
    if too_long := next((seconds for seconds in pauses if seconds > LONGEST_PAUSE), None):
        raise CannotSay(f"a pause of {too_long:g} s is too long; {LONGEST_PAUSE:g} s at most")
    if not all(speakable(phrase) for phrase in phrases):
        raise CannotSay("there are no words to speak " + ("between its pauses" if pauses else "in it"))
    return MarkedText(tuple(phrases), tuple(pauses))


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was made: a sound at 16 kHz for each of the texts, and the engine that spoke."""

    sounds: Sequence[Pcm]
    engine: str


def say(sayings: Sequence[Saying], engine: Callable[[], Engine] = open_engine) -> Spoken:
    """Speaks one after another; blocks for about a tenth of their length.

    Raises :class:`CannotSay`. May be called from a running event loop.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="say") as thread:  # the engines are for event loops: here is one
        return thread.submit(lambda: asyncio.run(_all(sayings, engine))).result()


async def _all(sayings: Sequence[Saying], make: Callable[[], Engine]) -> Spoken:
    try:
        engine = make()
    except (OSError, RuntimeError) as error:
        raise CannotSay(f"this machine has no voice ({error})") from None
    try:
        if wrong := {place: why for place, saying in enumerate(sayings) if (why := _refusal(engine, saying))}:
            raise CannotSay("; ".join(dict.fromkeys(wrong.values())), wrong)
        ctypes.CDLL(None).srand(1)  # flite's breath is the C library's chance, from which others here draw, too
        return Spoken([await _line(engine, saying) for saying in sayings], engine.name)
    except RuntimeError as error:
        raise CannotSay(str(error)) from None
    finally:
        await engine.aclose()


def _voice(engine: Engine, asked: str) -> str:
    """Riva's name of a voice that is called by it or by the engine's own; raises ``KeyError``."""
    own = {name: full for full, name in engine.voices.items()}
    return own.get(asked) or find_voice(engine, asked)


def _refusal(engine: Engine, saying: Saying) -> str | None:
    """Why it cannot be said in this voice or so fast."""
    try:
        voice = _voice(engine, saying.voice)
    except KeyError:
        names = [*engine.voices, *engine.voices.values()]
        guess = did_you_mean(saying.voice, names)
        return f"{engine.name} has no voice {saying.voice!r}" + (
            f"; did you mean {guess}?" if guess else f"; it has {', '.join(names)}"
        )
    if beyond := engine.beyond(voice, Manner(rate=saying.speed)):
        return f"{saying.voice} cannot change {' and '.join(beyond)}"
    return None


async def _line(engine: Engine, saying: Saying) -> Pcm:
    """The phrases over a little room tone, exactly their pauses between the voiced samples of one and the next."""
    marked, voice, manner = saying.text, _voice(engine, saying.voice), Manner(rate=saying.speed)
    out: list[Pcm] = []
    carried = 0  # samples of silence at the end of the phrase before
    for place, phrase in enumerate(marked.phrases):
        text = engine.speakable(phrase)
        if place < len(marked.pauses) and not text.endswith(_ENDS):
            text += ","  # the voice stays up: there is more to come
        pcm = np.concatenate(
            [piece.pcm async for piece in engine.speak(text, voice, manner)] or [np.zeros(0, np.int16)]
        )
        if engine.rate != EAR_RATE:
            pcm = soxr.resample(pcm, engine.rate, EAR_RATE)
        span = voiced_span(pcm) or (0, len(pcm))
        if place:
            silent = round(marked.pauses[place - 1] * EAR_RATE) - carried
            cut = min(span[0], max(0, span[0] - silent))
            out.append(np.zeros(max(0, silent - span[0]), np.int16))
            pcm, span = pcm[cut:], (span[0] - cut, span[1] - cut)
        carried = len(pcm) - span[1]
        out.append(pcm)
    speech = np.concatenate(out)
    tone = noise("white", len(speech), zlib.crc32(" ".join(marked.phrases).encode())) * _ROOM_TONE
    return np.clip(np.rint(speech + tone), -32768, 32767).astype(np.int16)
