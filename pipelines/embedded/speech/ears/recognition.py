"""The Riva recognition service over the workers: ``StreamingRecognize``, ``Recognize`` and the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from riva.client.proto import riva_asr_pb2 as pb
from riva.client.proto import riva_asr_pb2_grpc, riva_common_pb2

from pipelines.embedded.endings import refuse, refusing
from pipelines.embedded.notices import notify
from pipelines.embedded.speech.ears.hypothesis import Heard, HeardWord
from pipelines.embedded.speech.ears.profanity import masked
from pipelines.embedded.speech.ears.recognition_config import (
    BadConfig,
    Recogniser,
    RecognitionSettings,
    settings_from,
)
from pipelines.embedded.speech.ears.sound_in import RATE, BadSound, SoundIn
from pipelines.embedded.speech.ears.workers import RecognizerFailed, Stream, TooManyStreams, Workers
from pipelines.embedded.speech.ears.written import with_digits, written
from pipelines.embedded.speech.german import spoken_german
from pipelines.embedded.speech.languages import GERMAN
from pipelines.embedded.speech.voice.spoken import spoken

LONGEST_OFFLINE = 600.0
"""Seconds of sound that ``Recognize`` takes in one request."""

_AGREED_STABILITY, _TAIL_STABILITY, _STABLE = 0.9, 0.1, 1.0

_CHUNK = RATE  # bytes: half a second
_CONVERTED_AT_ONCE = 64 * 1024  # bytes of a client's sound, some milliseconds of work before others get a turn
_OFFLINE_DEADLINE = 300.0

_CODES: dict[type[Exception], grpc.StatusCode] = {
    BadConfig: grpc.StatusCode.INVALID_ARGUMENT,
    BadSound: grpc.StatusCode.INVALID_ARGUMENT,
    TooManyStreams: grpc.StatusCode.RESOURCE_EXHAUSTED,
    TimeoutError: grpc.StatusCode.DEADLINE_EXCEEDED,
    RecognizerFailed: grpc.StatusCode.INTERNAL,
}

Context = grpc.aio.ServicerContext


class SpeechRecognition(riva_asr_pb2_grpc.RivaSpeechRecognitionServicer):  # type: ignore[misc]  # untyped stubs
    """Serves ``nvidia.riva.asr.RivaSpeechRecognition``; ``model`` is what it tells clients of them."""

    def __init__(self, workers: Workers, model: Recogniser) -> None:
        self._workers = workers
        self._model = model

    async def StreamingRecognize(  # noqa: N802  # the protocol's name
        self, requests: AsyncIterator[pb.StreamingRecognizeRequest], context: Context[Any, Any]
    ) -> AsyncIterator[pb.StreamingRecognizeResponse]:
        """Configuration first, then sound; interims, stable partials and finals come back while it flows."""
        async with refusing(context, _CODES):
            first = await anext(aiter(requests), None)
            if first is None or first.WhichOneof("streaming_request") != "streaming_config":
                raise BadConfig("the first message must hold streaming_config")
            asked = first.streaming_config
            settings = settings_from(asked.config, self._model, interims=asked.interim_results)
            notify(context, settings.notices)
            sound = SoundIn(settings.encoding, settings.rate, settings.channels)
            async with (
                self._workers.stream(settings.endpointing, boosts=settings.boosts) as stream,
                _alongside(_feed(requests, sound, stream)),
            ):
                async for heard in stream.results():
                    if results := _streaming_results(heard, settings):
                        yield _streaming_response(results, first.id)

    async def Recognize(self, request: pb.RecognizeRequest, context: Context[Any, Any]) -> pb.RecognizeResponse:  # noqa: N802
        """Recognises a whole recording, one result for each utterance in it."""
        response = pb.RecognizeResponse(id=request.id if request.HasField("id") else None)
        async with refusing(context, _CODES):
            settings = settings_from(request.config, self._model)
            notify(context, settings.notices)
            sound = SoundIn(settings.encoding, settings.rate, settings.channels)
            pcm = await whole(request.audio, sound)
            async for heard in self._heard(pcm, settings):
                response.results.add(
                    alternatives=_alternatives(heard, settings), channel_tag=1, audio_processed=heard.audio
                )
        return response

    async def _heard(self, pcm: bytes, settings: RecognitionSettings) -> AsyncIterator[Heard]:
        """The utterances of a recording; raises ``TimeoutError`` where that takes too long."""
        try:
            async with (
                asyncio.timeout(_OFFLINE_DEADLINE),
                self._workers.stream(settings.endpointing, boosts=settings.boosts, patient=True) as stream,
                _alongside(_send_all(pcm, stream)),
            ):
                async for heard in stream.results():
                    if heard.kind == "final" and heard.words:
                        yield heard
        except TimeoutError:
            limit = f"the recording took longer than {_OFFLINE_DEADLINE:.0f} s to recognise"
            raise TimeoutError(limit) from None

    async def GetRivaSpeechRecognitionConfig(  # noqa: N802
        self, request: pb.RivaSpeechRecognitionConfigRequest, context: Context[Any, Any]
    ) -> pb.RivaSpeechRecognitionConfigResponse:
        """The one model there is, once for streams and once for recordings, as Riva lists them."""
        if not self._model.answers_to(request.model_name):
            await refuse(context, grpc.StatusCode.NOT_FOUND, f"Model {request.model_name} is not available")
        shared = {
            "language_code": self._model.language,
            "sample_rate": str(RATE),
            "streaming": "True",
            "max_batch_size": "1",
        }
        config = pb.RivaSpeechRecognitionConfigResponse.Config
        return pb.RivaSpeechRecognitionConfigResponse(
            model_config=[
                config(model_name=self._model.name, parameters={**shared, "type": kind})
                for kind in ("online", "offline")
            ]
        )


@asynccontextmanager
async def _alongside(sending: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Sends while the body receives. If sending failed, that is the reason to tell, not the broken stream it left."""
    task = asyncio.create_task(sending)
    try:
        yield
        await task
    except RecognizerFailed:
        if task.done():
            await task
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _feed(requests: AsyncIterator[pb.StreamingRecognizeRequest], sound: SoundIn, stream: Stream) -> None:
    """Carries a client's messages to the worker; however it ends, the stream of results ends with it."""
    try:
        async for request in requests:
            kind = request.WhichOneof("streaming_request")
            if kind == "streaming_config":
                raise BadSound("streaming_config may only be the first message")
            async for pcm in _converted(request.audio_content, sound):
                await _send_all(pcm, stream, close=False)
            if request.runtime_config.get("force_eou", "").lower() == "true":
                await stream.end_utterance()
        if pcm := sound.finish():
            await stream.send(pcm)
        await stream.close_sound()
    except BadSound:
        stream.abort()
        raise


async def _converted(audio: bytes, sound: SoundIn) -> AsyncIterator[bytes]:
    """What ``sound`` makes of ``audio``, bit by bit: a message may hold an hour."""
    for at in range(0, len(audio), _CONVERTED_AT_ONCE):
        if pcm := sound.feed(audio[at : at + _CONVERTED_AT_ONCE]):
            yield pcm
            await asyncio.sleep(0)


async def whole(audio: bytes, sound: SoundIn) -> bytes:
    """A recording, converted; raises :class:`BadSound` where it is longer than :data:`LONGEST_OFFLINE`."""
    whole = bytearray()
    async for pcm in _converted(audio, sound):
        whole += pcm
        if len(whole) > LONGEST_OFFLINE * 2 * RATE:
            raise BadSound(f"Recognize takes at most {LONGEST_OFFLINE:.0f} s of sound; stream longer recordings")
    return bytes(whole + sound.finish())


async def _send_all(pcm: bytes, stream: Stream, *, close: bool = True) -> None:
    for i in range(0, len(pcm), _CHUNK):
        await stream.send(pcm[i : i + _CHUNK])
    if close:
        await stream.close_sound()


def _streaming_results(heard: Heard, settings: RecognitionSettings) -> list[pb.StreamingRecognitionResult]:
    """What Riva would send: an interim as up to two results (0.9 and 0.1 stable), the others as one.

    A transcript ends with a space where more may follow, so that clients may simply join them, as Riva's do.
    """
    if heard.kind == "final":
        alternatives = _alternatives(heard, settings)
        return [_result(heard, alternatives, is_final=True)]
    if not settings.interims:
        return []
    if heard.kind == "stable":
        words = _shown(heard, heard.words, settings)
        return (
            [_result(heard, [_alternative(words, heard.language or settings.language)], stability=_STABLE)]
            if words
            else []
        )
    parts = ((heard.agreed, _AGREED_STABILITY), (heard.tail, _TAIL_STABILITY))
    return [_result(heard, [_interim(text, heard, settings)], stability=stable) for text, stable in parts if text]


def _interim(text: str, heard: Heard, settings: RecognitionSettings) -> pb.SpeechRecognitionAlternative:
    """Words that may still change: what the recogniser spoke stays so, for digits and capitals need the whole."""
    if heard.written:
        return _alternative(_shown(heard, _timeless(text), settings), settings.language)
    return pb.SpeechRecognitionAlternative(transcript=_clean(text, settings) + " ")


def _result(
    heard: Heard,
    alternatives: list[pb.SpeechRecognitionAlternative],
    *,
    is_final: bool = False,
    stability: float = 0.0,
) -> pb.StreamingRecognitionResult:
    return pb.StreamingRecognitionResult(
        alternatives=alternatives, is_final=is_final, stability=stability, channel_tag=1, audio_processed=heard.audio
    )


def _streaming_response(
    results: list[pb.StreamingRecognitionResult], request_id: riva_common_pb2.RequestId
) -> pb.StreamingRecognizeResponse:
    return pb.StreamingRecognizeResponse(results=results, id=request_id if request_id.value else None)


def _alternatives(heard: Heard, settings: RecognitionSettings) -> list[pb.SpeechRecognitionAlternative]:
    language = heard.language or settings.language
    words = _shown(heard, heard.words, settings)
    best = _alternative(words, language, confidence=heard.confidence, times=settings.word_times)
    shown = (_alternative(_shown(heard, _timeless(other), settings), language).transcript for other in heard.others)
    texts = dict.fromkeys(shown)
    texts.pop(best.transcript, None)
    others = [pb.SpeechRecognitionAlternative(transcript=text) for text in list(texts)[: settings.alternatives - 1]]
    return [best, *others]


def _timeless(text: str) -> list[HeardWord]:
    return [HeardWord(word, 0, 0, 0.0) for word in text.split()]


def _shown(heard: Heard, words: Sequence[HeardWord], settings: RecognitionSettings) -> list[HeardWord]:
    """The words in the form that was asked for."""
    if not heard.written:
        out = written(words, numbers=settings.numbers, punctuation=settings.punctuation)
    elif (heard.language or settings.language) == GERMAN:
        read = spoken_german.with_numbers_read
        out = spoken(words, numbers=settings.numbers, punctuation=settings.punctuation, read=read)
    else:
        words = with_digits(words) if settings.numbers else words
        out = spoken(words, numbers=settings.numbers, punctuation=settings.punctuation)
    if not settings.clean:
        return list(out)
    return [HeardWord(masked(w.text, heard.language or settings.language), w.start, w.end, w.confidence) for w in out]


def _clean(text: str, settings: RecognitionSettings) -> str:
    return " ".join(masked(word, settings.language) for word in text.split()) if settings.clean else text


def _alternative(
    words: Sequence[HeardWord], language: str, *, confidence: float = 0.0, times: bool = False
) -> pb.SpeechRecognitionAlternative:
    transcript = " ".join(w.text for w in words)
    alternative = pb.SpeechRecognitionAlternative(
        transcript=transcript + " " if transcript else "", confidence=confidence, language_code=[language]
    )
    if times:
        alternative.words.extend(
            pb.WordInfo(word=w.text, start_time=w.start, end_time=w.end, confidence=w.confidence) for w in words
        )
    return alternative
