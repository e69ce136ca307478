"""A simulated recogniser: it knows what the caller says and when, and tells it as Riva's two passes would.

Words are heard when their end has been pushed, and go into interims. After ``stop_history_eou`` of silence the words so
far are a stable partial. After ``stop_history`` they are a final, which closes the utterance. Being asked for the final
closes it too. So a pause within a line gives a stable partial, or a final, of half a sentence, and the text goes on.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.scenarios.alignment import align
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Line, SpokenWord
from pipelines.simulation.chance import Chance
from pipelines.simulation.distribution import Distribution
from pipelines.simulation.profile import ServiceProfile
from pipelines.simulation.service_load import ServiceLoad
from sophia.audio import Frame
from sophia.recognition_wire import RecognizerSettings
from sophia.transcripts import Transcript, Word

UNREAD = 256
"""Transcripts that wait for a reader (policy when full: it is an error; the reader of a simulation is never late)."""


@dataclass(frozen=True, slots=True, order=True)
class _Heard:
    end: float  # loop.time(), like start
    start: float
    text: str  # empty if the word got lost


def words_of(line: Line) -> tuple[SpokenWord, ...]:
    """The line's words with their times; of one that has only a transcript they are guessed from its sound."""
    if line.words or not line.transcript:
        return line.words
    return align(line.pcm, line.transcript)


def windows(settings: RecognizerSettings) -> tuple[float, float]:
    """Seconds of silence until the stable partial and until the final; -1, the model's own, counts as our default."""
    defaults = RecognizerSettings()
    stable, final = settings.stop_history_eou, settings.stop_history
    return (
        (stable if stable >= 0 else defaults.stop_history_eou) / 1000,
        (final if final >= 0 else defaults.stop_history) / 1000,
    )


class TwoPassRecognizer:
    """A :class:`sophia.transcripts.Recognizer` for one ``caller``.

    ``words`` maps the ``id`` of each line to its words; lines without are noise, and nothing is told of them: that is
    what the real client makes of an answer without words.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        words: Mapping[int, Sequence[SpokenWord]],
        profile: ServiceProfile,
        settings: RecognizerSettings,
        chance: Chance,
        load: ServiceLoad,
    ) -> None:
        self.dropped = 0
        self.listening = True
        self._caller = caller
        self._words = words
        self._profile = profile
        self._stable_after, self._final_after = windows(settings)
        self._assumed = settings.assumed
        self._chance = chance
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Transcript | None] = asyncio.Queue(UNREAD)
        self._lines = 0  # of the caller's, whose words are known here
        self._coming: list[_Heard] = []  # in the order of their ends
        self._utterance: list[_Heard] = []
        self._stable = False  # the words so far were told as a stable partial
        self._told_at = 0.0  # when the last stable partial or final is due
        self._interims: list[asyncio.TimerHandle] = []
        self._pushed = 0.0

    def push(self, frame: Frame) -> None:
        """Hears what the frame adds."""
        self._pushed = frame.end
        while self._lines < len(self._caller.said):
            self._expect(self._lines)
            self._lines += 1
        if self._coming or self._utterance:
            self._endpoint(frame.end)
            self._hear(frame.end)

    def finish_utterance(self) -> None:
        """Closes the utterance with the words that were heard to their end; nothing if there are none."""
        if self._utterance:
            delays = self._profile.asr
            self._tell(self._loop.time(), "forced", delays.forced or delays.final, final=True)

    def expect_answer(self, *, goes_on: bool = False) -> None:
        """It always answers."""

    async def transcripts(self) -> AsyncIterator[Transcript]:
        with self._load.streams:
            while (transcript := await self._queue.get()) is not None:
                yield transcript

    async def aclose(self) -> None:
        for timer in self._interims:
            timer.cancel()
        if not self._queue.full():
            self._queue.put_nowait(None)

    def _expect(self, number: int) -> None:
        """Notes the words of a line that has begun."""
        said = self._caller.said[number]
        words = self._words.get(id(said.line), ())
        chance = self._chance.of("words")
        for place, word in enumerate(words):
            start, end = said.start + word.start, said.start + word.end
            if place == len(words) - 1 and said.last_voiced is not None:
                end = max(start, said.last_voiced)  # the voice ends with its last word, to the sample
            insort(self._coming, _Heard(end, start, self._misheard(place, words, chance)))

    def _misheard(self, place: int, words: Sequence[SpokenWord], chance: Callable[[], float]) -> str:
        """The word as it is recognised: half of the errors lose it, half take another of the line for it."""
        wrong = chance() < self._profile.asr.word_error_rate
        lost = chance() < 0.5
        if not wrong:
            return words[place].text
        return "" if lost or len(words) == 1 else words[place - 1].text

    def _endpoint(self, until: float) -> None:
        """Tells what the silence up to ``until`` means."""
        if not self._utterance:
            return
        silent_until = min([until, *(word.start for word in self._coming)])
        voice_end = max(word.end for word in self._utterance)
        delays = self._profile.asr
        if silent_until - voice_end >= self._stable_after - 1e-9 and not self._stable and delays.stable:
            self._stable = True
            self._tell(voice_end + self._stable_after, "stable", delays.stable, final=False)
        if silent_until - voice_end >= self._final_after - 1e-9:
            self._tell(voice_end + self._final_after, "final", delays.final, final=True)

    def _hear(self, until: float) -> None:
        """Takes in the words that are over."""
        while self._coming and self._coming[0].end <= until + 1e-9:
            word = self._coming.pop(0)
            self._utterance.append(word)
            self._stable = False
            interim = Transcript(self._text(), audio_processed=self._processed(word.end), language=self._language())
            due = max(word.end + self._delay("interim", self._profile.asr.interim), self._told_at)
            if interim.text:
                self._interims = [timer for timer in self._interims if timer.when() > self._loop.time()]
                self._interims.append(self._loop.call_at(due, self._deliver, interim))

    def _language(self) -> str:
        """The language of who told last, where the ears find it out; else the one that they were told."""
        return self._assumed or next((said.line.language for said in reversed(self._caller.said)), "")

    def _tell(self, since: float, kind: str, delay: Distribution, *, final: bool) -> None:
        """Tells the words so far, ``delay`` after ``since``; interims that would come later are superfluous."""
        due = max(since + self._delay(kind, delay), self._loop.time(), self._told_at)
        self._told_at = due
        text, processed = self._text(), self._processed(since)
        for timer in self._interims:
            if timer.when() >= due:
                timer.cancel()
        if final:
            start = self._caller.started
            words = tuple(Word(w.text, w.start - start, w.end - start, 1.0) for w in self._utterance if w.text)
            told = Transcript(text, True, 0.0, 1.0, words, processed, self._language())
            self._utterance, self._stable = [], False
        else:
            told = Transcript(text, stability=1.0, audio_processed=processed, language=self._language())
        if text:
            self._loop.call_at(due, self._deliver, told)

    def _deliver(self, transcript: Transcript) -> None:
        self._queue.put_nowait(transcript)

    def _delay(self, kind: str, delay: Distribution) -> float:
        network = self._profile.network.draw(self._chance.of("asr network"))
        return delay.draw(self._chance.of(kind)) * self._load.asr + 2 * network

    def _text(self) -> str:
        return " ".join(word.text for word in self._utterance if word.text)

    def _processed(self, until: float) -> float:
        return min(until, self._pushed) - self._caller.started
