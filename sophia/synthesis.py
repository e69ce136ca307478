"""Riva's voice: clauses in, sound out, one ``SynthesizeOnline`` call for each clause.

While one clause's sound still comes in, the next is already asked for. It is not asked for before the first sound of
the one ahead, so that it does not slow down what the user waits for. At most ``ahead`` clauses wait to be taken. A
clause is received as fast as the service speaks, whatever the listener does. So calls are short, and a deadline on each
is meaningful. A clause's sound is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import grpc
import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from riva.client.proto import riva_audio_pb2, riva_tts_pb2, riva_tts_pb2_grpc

from sophia.audio import Pcm
from sophia.calls import Metadata, calling
from sophia.joins import FIRST_LEAD_SECONDS, LEAD_SECONDS, Trim, pause
from sophia.languages import language as table
from sophia.mood_clauses import mood_of
from sophia.mood_voice import Ability, Delivery, deliver, reads_ssml
from sophia.moods import Showing
from sophia.speech import SpeechChunk, SpokenWord
from sophia.spoken import spoken

SYNTHESIZE = "nvidia.riva.tts.RivaSpeechSynthesis/SynthesizeOnline"

CLAUSE_SECONDS = 120
"""The longest sound of one clause that is taken from the service; 2,000 characters last about as long."""

CLOSE_SECONDS = 1.0
"""How long cancelled calls may take to end."""


class VoiceError(Exception):
    """The voice answered, but not with sound in time; the message says what to do."""

    kind = "broken"


class VoiceSilent(VoiceError):
    """The sound did not begin, or stopped in the middle, for longer than it may."""

    kind = "silent"


class SynthesizerSettings(BaseModel):
    """How to speak with Riva."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: str = Field("", description="voice name, such as English-US.Female-1; empty: the service's default")
    language: str = Field("en-US", description="language of the voice, as a BCP 47 tag")
    by_language: dict[str, str] = Field(
        {}, description="voice names for the other languages of a user (language: auto); empty: the service's default"
    )
    rate: int = Field(22_050, ge=8_000, le=48_000, description="sample rate of the speech in Hz")
    ahead: int = Field(2, ge=2, le=8, description="clauses that are synthesised before the listener needs them")
    piece_characters: int = Field(400, ge=50, le=2000, description="longest text in one request to the service")
    first_audio_seconds: float = Field(5.0, gt=0, le=60, description="wait for a clause's first sound")
    chunk_seconds: float = Field(5.0, gt=0, le=60, description="wait for each further piece of sound")
    word_times: bool = Field(True, description="ask for word times; off for a service that refuses the question")
    pronunciations: dict[str, str] = Field({}, description="words and how they are spoken, in the service's phonemes")

    def of(self, language: str) -> Self:
        """The same in one of the other languages."""
        return self.model_copy(update={"language": language, "voice": self.by_language[language]})


@dataclass(frozen=True, slots=True)
class Voice:
    """What the service can speak with: a ``model``'s ``languages``, its own ``rate`` in Hz, and voice ``names``."""

    model: str
    languages: tuple[str, ...]
    names: tuple[str, ...]
    rate: int | None


@dataclass(slots=True)
class _Clause:
    """A clause under way, and what has arrived of it; the last chunk ends it, an exception ends the reply."""

    number: int
    text: str
    arrived: asyncio.Queue[SpeechChunk | Exception] = field(default_factory=asyncio.Queue)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)  # or over
    pause: float | None = None  # seconds that belong after it; None if it has no sound
    silence: int = 0  # samples of that which it already holds


class RivaSynthesizer:
    """A :class:`sophia.speech.Synthesizer` over a ready channel to a Riva speech service.

    ``mood`` is how much of a clause's mood is heard. ``metadata`` is called for each call. Text that cannot be said
    (markup, emoji) is left out; a clause of nothing else yields one empty chunk. Failures of the transport are raised
    as ``grpc.aio.AioRpcError``, a service that answers without sound as :class:`VoiceError`, or :class:`VoiceSilent` if
    it does not in time. What was spoken before is yielded first; whoever wants the clauses after it speaks them anew.
    """

    def __init__(
        self, channel: grpc.aio.Channel, settings: SynthesizerSettings, metadata: Metadata, mood: Showing = "off"
    ) -> None:
        self.rate = settings.rate
        self._settings = settings
        self._metadata = metadata
        self._mood: Showing = mood
        self._ability: Ability | None = None  # not asked yet
        self._stub: Any = riva_tts_pb2_grpc.RivaSpeechSynthesisStub(channel)

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[SpeechChunk, None]:
        queue: asyncio.Queue[_Clause | Exception | None] = asyncio.Queue()  # bounded by the slots
        slots = asyncio.Semaphore(self._settings.ahead)
        feeding = asyncio.create_task(self._feed(clauses, queue, slots))
        try:
            missing = 0  # samples of silence that belong before the next clause
            while isinstance(clause := await queue.get(), _Clause):
                padding, shift = np.zeros(missing, np.int16), missing / self.rate
                last = False
                while not last:
                    chunk = await clause.arrived.get()
                    if isinstance(chunk, Exception):
                        raise chunk
                    last = chunk.last
                    if missing:
                        words = _shifted(chunk.words, shift)
                        if len(chunk.pcm):
                            chunk = replace(chunk, pcm=np.concatenate((padding, chunk.pcm)))
                            padding = _NOTHING
                        chunk = replace(chunk, words=words)
                    yield chunk
                slots.release()
                if clause.pause is not None:
                    missing = max(0, round(clause.pause * self.rate) - clause.silence)
            if clause is not None:
                raise clause
        finally:
            feeding.cancel()
            await asyncio.wait([feeding], timeout=CLOSE_SECONDS)

    async def describe(self) -> list[Voice]:
        """Asks the service for its voices."""
        request = riva_tts_pb2.RivaSynthesisConfigRequest()
        timeout = self._settings.first_audio_seconds
        answer = await self._stub.GetRivaSynthesisConfig(request, metadata=tuple(self._metadata()), timeout=timeout)
        return [_voice(model) for model in answer.model_config]

    async def warm(self) -> float:
        """Speaks a sentence to nobody; returns the seconds to its first sound."""
        loop = asyncio.get_running_loop()
        if self._mood != "off":
            await self._learn()
        begin = loop.time()
        heard = begin
        speech = self.speak(_once(table(self._settings.language).trial))
        async with contextlib.aclosing(speech):
            async for chunk in speech:
                if len(chunk.pcm):
                    heard = loop.time()
                    break
        return heard - begin

    # --- asking ahead ---------------------------------------------------------------------------------------------

    async def _feed(
        self,
        clauses: AsyncIterator[str],
        queue: asyncio.Queue[_Clause | Exception | None],
        slots: asyncio.Semaphore,
    ) -> None:
        """Opens one call after the other; ends when all of them have ended."""
        end: Exception | None = None
        try:
            async with asyncio.TaskGroup() as calls:
                number = 0
                try:
                    async for text in clauses:
                        await slots.acquire()
                        clause = _Clause(number, text)
                        queue.put_nowait(clause)
                        calls.create_task(self._receive(clause))
                        await clause.flowing.wait()
                        number += 1
                except Exception as error:  # the mind's; what it had said before is still spoken
                    end = error
        finally:
            queue.put_nowait(end)

    async def _receive(self, clause: _Clause) -> None:
        """Receives one clause whole; a failure is handed to the listener, in its place."""
        try:
            if said := spoken(clause.text, self._settings.language):
                with calling(SYNTHESIZE, self._metadata) as metadata:
                    delivery = await self._delivery(clause.text, said)
                    try:
                        await self._call(clause, said, delivery, metadata)
                    except grpc.aio.AioRpcError as error:
                        refused = error.code() == grpc.StatusCode.INVALID_ARGUMENT and not clause.flowing.is_set()
                        if not refused or (delivery.text == said and delivery.voice == self._settings.voice):
                            raise
                        self._ability = Ability()  # it can do less than it said: from now on it is asked plainly
                        await self._call(clause, said, Delivery(self._settings.voice, said), metadata)
            else:
                clause.arrived.put_nowait(SpeechChunk(_NOTHING, clause.number, clause.text, last=True))
        except Exception as error:
            clause.arrived.put_nowait(error)
            return  # nothing more is asked for; the listener ends it all when it gets here
        clause.flowing.set()

    async def _delivery(self, clause: str, said: str) -> Delivery:
        """How a clause is asked for in its mood; one that is too long for one request, plainly."""
        mood, own = mood_of(clause), self._settings
        if self._mood == "off" or not mood.name or len(said) > own.piece_characters:
            return Delivery(own.voice, said)
        return deliver(said, mood, self._mood, own.voice, self._ability or await self._learn())

    async def _learn(self) -> Ability:
        """Asks once what the service can do; one that does not say can do nothing of it."""
        self._ability = Ability()
        with contextlib.suppress(grpc.aio.AioRpcError):
            voices = await self.describe()
            names = tuple(name for voice in voices for name in voice.names)
            self._ability = Ability(names, bool(voices) and all(reads_ssml(voice.model) for voice in voices))
        return self._ability

    async def _call(self, clause: _Clause, said: str, delivery: Delivery, metadata: Sequence[tuple[str, str]]) -> None:
        rate = self.rate
        after = pause(said) - LEAD_SECONDS  # the next clause brings the rest
        trim = Trim(rate, LEAD_SECONDS if clause.number else FIRST_LEAD_SECONDS, after)
        words: tuple[SpokenWord, ...] = ()
        odd, received, sent = b"", 0, 0
        now = asyncio.get_running_loop().time
        deadline = now() + self._settings.first_audio_seconds
        call = self._stub.SynthesizeOnline(self._requests(delivery), metadata=metadata, timeout=CLAUSE_SECONDS)
        try:
            while (answer := await self._read(call, deadline, received > 0)) is not grpc.aio.EOF:
                sound = odd + answer.audio
                odd = sound[len(sound) & ~1 :]
                received += len(sound) // 2
                if received > CLAUSE_SECONDS * rate:
                    raise VoiceError(f"the voice does not stop: over {CLAUSE_SECONDS} s for {_length(said)}")
                words += _words(answer.meta)
                if answer.audio:
                    deadline = now() + self._settings.chunk_seconds
                pcm = trim.push(np.frombuffer(sound[: len(sound) & ~1], "<i2").astype(np.int16, copy=False))
                if len(pcm):
                    sent += len(pcm)
                    chunk = SpeechChunk(pcm, clause.number, clause.text, words=_shifted(words, -trim.cut / rate))
                    clause.arrived.put_nowait(chunk)
                    words = ()
                    clause.flowing.set()
            rest = trim.finish()
            if not sent and not len(rest):
                raise VoiceError(f"the voice said nothing for {_length(said)}; try another voice")
            clause.pause, clause.silence = after, trim.silence
            clause.arrived.put_nowait(
                SpeechChunk(rest, clause.number, clause.text, last=True, words=_shifted(words, -trim.cut / rate))
            )
        finally:
            call.cancel()

    async def _read(self, call: Any, deadline: float, begun: bool) -> Any:
        try:
            async with asyncio.timeout_at(deadline):
                return await call.read()
        except TimeoutError:
            seconds = self._settings.chunk_seconds if begun else self._settings.first_audio_seconds
            what = "stopped for" if begun else "did not begin within"
            raise VoiceSilent(f"the voice {what} {seconds:g} s; is the speech service overloaded?") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if call.cancelled() and not (task and task.cancelling()):  # its channel was closed, which looks like ours
                raise grpc.aio.AioRpcError(
                    await call.code(),
                    await call.initial_metadata(),
                    await call.trailing_metadata(),
                    await call.details(),
                ) from None
            raise

    def _requests(self, delivery: Delivery) -> Iterator[riva_tts_pb2.SynthesizeSpeechRequest]:
        """The first request carries the configuration; what is too long for it follows in further ones."""
        own = self._settings
        text = delivery.text
        for piece in (text,) if text.startswith("<speak>") else _pieces(text, own.piece_characters):
            yield riva_tts_pb2.SynthesizeSpeechRequest(
                text=piece,
                language_code=own.language,
                encoding=riva_audio_pb2.AudioEncoding.LINEAR_PCM,
                sample_rate_hz=own.rate,
                voice_name=delivery.voice,
                custom_dictionary=",".join(f"{word}  {phonemes}" for word, phonemes in own.pronunciations.items()),
                enable_word_time_offsets=own.word_times,
            )


_NOTHING: Pcm = np.zeros(0, np.int16)


async def _once(text: str) -> AsyncIterator[str]:
    yield text


def _length(said: str) -> str:
    """What an error says of a clause: not its words, which are for nobody's log."""
    return f"a clause of {len(said)} characters"


def _shifted(words: tuple[SpokenWord, ...], seconds: float) -> tuple[SpokenWord, ...]:
    return tuple(SpokenWord(word.text, max(0.0, word.start + seconds), max(0.0, word.end + seconds)) for word in words)


def _words(meta: riva_tts_pb2.SynthesizeSpeechResponseMetadata) -> tuple[SpokenWord, ...]:
    """Word times, which the service gives in milliseconds."""
    return tuple(SpokenWord(word.word, word.start_time / 1000, word.end_time / 1000) for word in meta.words)


def _pieces(text: str, longest: int) -> Iterator[str]:
    """The text in pieces of ``longest`` characters at most, cut at white space where there is any."""
    while len(text) > longest:
        cut = text.rfind(" ", longest // 2, longest + 1)
        cut = cut if cut > 0 else longest
        yield text[:cut]
        text = text[cut:].lstrip()
    if text:
        yield text


def _voice(model: Any) -> Voice:
    """Reads one model of the answer; ``subvoices`` is "Aria:0,Ray:1" or "Aria,Ray"."""
    parameters = dict(model.parameters)
    name = parameters.get("voice_name", "")
    subs = [entry.split(":")[0].strip() for entry in parameters.get("subvoices", "").split(",")]
    names = tuple(f"{name}.{sub}" for sub in subs if sub) or ((name,) if name else ())
    languages = tuple(code.strip() for code in parameters.get("language_code", "").split(",") if code.strip())
    rate = str(parameters.get("sample_rate", ""))
    return Voice(str(model.model_name), languages, names, int(rate) if rate.isdigit() else None)
