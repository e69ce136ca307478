"""What a speech synthesis engine is, and what it hands over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from pipelines.embedded.speech.nvidia_names import nearest_voice
from sophia.audio import Pcm

DEFAULT_VOICE = "English-US.Female-1"


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound of the sentence, in the engine's alphabet; times in seconds from the first sample handed out.

    ``word`` counts the sentence's spoken words from 0, or is -1 in a pause.
    """

    name: str
    start: float
    end: float
    word: int = -1


@dataclass(frozen=True, slots=True)
class Timeline:
    """All sounds of a sentence and the spoken words that they belong to."""

    phones: tuple[Phone, ...] = ()
    words: tuple[str, ...] = ()

    def word_times(self) -> list[tuple[str, float, float]]:
        """Each word that sounds, with its start and end in seconds."""
        times: dict[int, tuple[float, float]] = {}
        for phone in self.phones:
            if phone.word >= 0:
                start, _ = times.get(phone.word, (phone.start, 0.0))
                times[phone.word] = (start, phone.end)
        return [(self.words[i], start, end) for i, (start, end) in sorted(times.items())]

    def later(self, seconds: float) -> Timeline:
        """The same, ``seconds`` later."""
        phones = (replace(phone, start=phone.start + seconds, end=phone.end + seconds) for phone in self.phones)
        return Timeline(tuple(phones), self.words)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is said, next to the voice's own way.

    ``rate`` 2 is twice as fast. ``pitch`` in Hz and ``gain`` in dB are added. ``phones`` gives the sounds of single
    words, by their place among the words between spaces, as :func:`~.pronunciation.sounds_of` makes them.
    """

    rate: float = 1.0
    pitch: float = 0.0
    gain: float = 0.0
    phones: tuple[tuple[int, str], ...] = ()


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a sentence's sound at the engine's rate. The first piece carries the timeline.

    Where an engine says a very long sentence in parts, each part's first piece carries the timeline of that part.
    """

    pcm: Pcm
    timeline: Timeline | None = None


class Engine(Protocol):
    """Speaks one sentence at a time for each voice.

    ``voices`` maps Riva's names to the engine's own, the default first. ``speakable`` makes of any text that of which
    sentences for ``speak`` are cut; it is empty where nothing can be said. Closing the generator that ``speak`` returns
    stops the synthesis at once. ``beyond`` names what of a manner the voice cannot do; ``speak`` leaves that out.
    """

    name: str
    rate: int
    voices: Mapping[str, str]

    def speakable(self, text: str) -> str: ...

    def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]: ...

    def beyond(self, voice: str, manner: Manner) -> list[str]: ...

    async def aclose(self) -> None: ...


def find_voice(engine: Engine, asked: str, language: str = "en-US") -> str:
    """Riva's full name of the voice ``asked`` for; raises ``KeyError`` when there is none that is like it.

    Empty means the default; dashes and dots are taken for each other, as Riva's own names changed that way. For other
    voices of NVIDIA's that speak ``language`` it is the nearest.
    """
    if not asked:
        return next(iter(engine.voices))
    plain = asked.replace(".", "-").lower()
    for name in engine.voices:
        if name.replace(".", "-").lower() == plain:
            return name
    if nearest := nearest_voice(asked, tuple(engine.voices), language):
        return nearest
    raise KeyError(asked)
