"""The Riva synthesis service over an engine: ``SynthesizeOnline``, ``Synthesize`` and the configuration."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import grpc
from riva.client.proto import riva_tts_pb2 as pb
from riva.client.proto import riva_tts_pb2_grpc
from riva.client.proto.riva_audio_pb2 import AudioEncoding

from pipelines.embedded.endings import refuse, refusing
from pipelines.embedded.notices import notify
from pipelines.embedded.speech.languages import ENGLISH, alike
from pipelines.embedded.speech.voice.shaping import RateChanger
from pipelines.embedded.speech.voice.ssml import BadSsml
from pipelines.embedded.speech.voice.utterances import Utterance, dictionary_from, utterances
from pipelines.embedded.speech.voice.voices import Engine, Timeline, find_voice

LONGEST_TEXT = 2000
"""Characters in one request, as in NVIDIA's own services."""

LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000

_BLANK = "there is nothing to say in this text"

_MERGED_SECONDS = 0.1
"""After the first, pieces are merged into responses of about this length."""

Context = grpc.aio.ServicerContext


class BadRequest(ValueError):
    """A request the service cannot honour; the message says what it can."""


_CODES: dict[type[Exception], grpc.StatusCode] = {
    BadRequest: grpc.StatusCode.INVALID_ARGUMENT,
    BadSsml: grpc.StatusCode.INVALID_ARGUMENT,
    RuntimeError: grpc.StatusCode.INTERNAL,  # the engine's own process failed
}


@dataclass(frozen=True, slots=True)
class _Settings:
    """A stream's checked configuration. ``notices`` collects what is done otherwise than asked."""

    engine: Engine
    voice: str
    rate: int
    word_times: bool
    dictionary: dict[str, str]
    notices: dict[str, None] = field(default_factory=dict)


class SpeechSynthesis(riva_tts_pb2_grpc.RivaSpeechSynthesisServicer):  # type: ignore[misc]  # untyped stubs
    """Serves ``nvidia.riva.tts.RivaSpeechSynthesis``; ``others`` are engines by their language, beside the first."""

    def __init__(self, engine: Engine, language: str = ENGLISH, others: Mapping[str, Engine] | None = None) -> None:
        self._language = language
        self._engines = {language: engine, **(others or {})}

    async def SynthesizeOnline(  # noqa: N802  # the protocol's name
        self, requests: AsyncIterator[pb.SynthesizeSpeechRequest], context: Context[Any, Any]
    ) -> AsyncIterator[pb.SynthesizeSpeechResponse]:
        """Speaks each text as it comes, in order; the first request's configuration holds for all."""
        settings: _Settings | None = None
        spoken = 0  # samples sent so far, at the requested rate
        async with refusing(context, _CODES):
            async for request in requests:
                settings = settings or self._settings(request)
                async with aclosing(self._speak(request, settings, spoken)) as responses:
                    async for response in responses:
                        spoken += len(response.audio) // 2
                        yield response
            if settings is None or not spoken:
                raise BadRequest(_BLANK)
            notify(context, settings.notices)

    async def Synthesize(  # noqa: N802
        self, request: pb.SynthesizeSpeechRequest, context: Context[Any, Any]
    ) -> pb.SynthesizeSpeechResponse:
        """Speaks one text and answers when all of it is said."""
        whole = pb.SynthesizeSpeechResponse()
        async with refusing(context, _CODES):
            settings = self._settings(request)
            async with aclosing(self._speak(request, settings, 0)) as responses:
                parts = [response async for response in responses]
            if not parts:
                raise BadRequest(_BLANK)
            notify(context, settings.notices)
        whole.audio = b"".join(part.audio for part in parts)
        whole.meta.text = request.text
        whole.meta.processed_text = " ".join(p.meta.processed_text for p in parts if p.meta.processed_text)
        for part in parts:
            whole.meta.predicted_durations.extend(part.meta.predicted_durations)
            whole.meta.words.extend(part.meta.words)
        if request.HasField("id"):
            whole.id.CopyFrom(request.id)
        return whole

    async def GetRivaSynthesisConfig(  # noqa: N802
        self, request: pb.RivaSynthesisConfigRequest, context: Context[Any, Any]
    ) -> pb.RivaSynthesisConfigResponse:
        """The engine's voices, as Riva lists them: ``<voice_name>.<subvoice>``, a family of them in each entry."""
        models = {f"{engine.name}-{tag}-embedded": (tag, engine) for tag, engine in self._engines.items()}
        if request.model_name and request.model_name not in models:
            await refuse(context, grpc.StatusCode.NOT_FOUND, f"Model {request.model_name} is not available")
        answer = pb.RivaSynthesisConfigResponse()
        for model, (language, engine) in models.items():
            if request.model_name in ("", model):
                _describe(answer, model, language, engine)
        return answer

    def _settings(self, request: pb.SynthesizeSpeechRequest) -> _Settings:
        asked = request.language_code or self._language
        found = next(((tag, engine) for tag, engine in self._engines.items() if alike(asked, tag)), None)
        if found is None:
            spoken = " and ".join(self._engines)
            raise BadRequest(f"Model not found for language {asked}: the embedded voices speak {spoken} only")
        language, engine = found
        if request.encoding not in (AudioEncoding.ENCODING_UNSPECIFIED, AudioEncoding.LINEAR_PCM):
            raise BadRequest("only the encoding LINEAR_PCM is supported")
        rate = request.sample_rate_hz or engine.rate
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise BadRequest(f"sample_rate_hz must be {LOWEST_RATE} to {HIGHEST_RATE}, not {rate}")
        if request.HasField("zero_shot_data") and request.zero_shot_data.audio_prompt:
            raise BadRequest("zero-shot voices are not supported by the embedded service")
        try:
            dictionary = dictionary_from(request.custom_dictionary)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        try:
            voice = find_voice(engine, request.voice_name, language)
        except KeyError:
            known = ", ".join(engine.voices)
            raise BadRequest(f"Voice {request.voice_name} is not available; there are {known}") from None
        settings = _Settings(engine, voice, rate, request.enable_word_time_offsets, dictionary)
        if request.voice_name and voice.replace(".", "-").lower() != request.voice_name.replace(".", "-").lower():
            settings.notices[f"voice {request.voice_name} is not here; {voice} speaks in its place"] = None
        if request.custom_configuration:
            names = ", ".join(sorted(request.custom_configuration))
            settings.notices[f"custom_configuration has no effect on the embedded voices: {names}"] = None
        return settings

    async def _speak(
        self, request: pb.SynthesizeSpeechRequest, settings: _Settings, before: int
    ) -> AsyncGenerator[pb.SynthesizeSpeechResponse, None]:
        """The responses for one text; ``before`` samples of the stream came before it."""
        if len(request.text) > LONGEST_TEXT:
            raise BadRequest(f"a text may have at most {LONGEST_TEXT} characters, not {len(request.text)}")
        for utterance in utterances(request.text, settings.dictionary, settings.engine.speakable):
            if utterance.pause:
                silence = bytes(2 * round(utterance.pause * settings.rate))
                before += len(silence) // 2
                yield _response(request, silence)
                continue
            for what in settings.engine.beyond(settings.voice, utterance.manner):
                settings.notices[f"{settings.voice} cannot change {what}: that is left out"] = None
            async with aclosing(self._spoken(request, settings, utterance, before)) as responses:
                async for response in responses:
                    before += len(response.audio) // 2
                    yield response

    async def _spoken(
        self, request: pb.SynthesizeSpeechRequest, settings: _Settings, utterance: Utterance, before: int
    ) -> AsyncGenerator[pb.SynthesizeSpeechResponse, None]:
        """The responses for one sentence; ``before`` samples of the stream came before it."""
        changer = RateChanger(settings.engine.rate, settings.rate)
        response = _response(request)
        enough = 0  # bytes after which a response is sent; the first goes at once
        async with aclosing(settings.engine.speak(utterance.sentence, settings.voice, utterance.manner)) as pieces:
            async for piece in pieces:
                if piece.timeline is not None:
                    _tell(response, request.text, piece.timeline, settings, before / settings.rate)
                response.audio += changer.feed(piece.pcm).tobytes()
                if len(response.audio) > enough:
                    yield response
                    response = _response(request)
                    enough = 2 * int(_MERGED_SECONDS * settings.rate)
        response.audio += changer.finish().tobytes()
        if response.audio:
            yield response


def _describe(answer: pb.RivaSynthesisConfigResponse, model: str, language: str, engine: Engine) -> None:
    """Adds an engine's families of voices."""
    families: dict[str, list[str]] = {}
    for i, name in enumerate(engine.voices):
        family, subvoice = name.split(".", 1)
        families.setdefault(family, []).append(f"{subvoice}:{i}")
    for family, subvoices in families.items():
        parameters = {
            "language_code": f"{language[:2]}-{family[-2:]}",
            "voice_name": family,
            "subvoices": ",".join(subvoices),
            "sample_rate": str(engine.rate),
        }
        answer.model_config.add(model_name=model, parameters=parameters)


def _response(request: pb.SynthesizeSpeechRequest, audio: bytes = b"") -> pb.SynthesizeSpeechResponse:
    return pb.SynthesizeSpeechResponse(audio=audio, id=request.id if request.HasField("id") else None)


def _tell(
    response: pb.SynthesizeSpeechResponse, text: str, timeline: Timeline, settings: _Settings, offset: float
) -> None:
    """Fills the metadata: the phones as processed text with a duration in seconds each, and the words if asked for.

    Word times are milliseconds from the stream's first sample.
    """
    response.meta.text = text
    names = [response.meta.processed_text] if response.meta.processed_text else []
    response.meta.processed_text = " ".join([*names, *(phone.name for phone in timeline.phones)])
    response.meta.predicted_durations.extend(phone.end - phone.start for phone in timeline.phones)
    if settings.word_times:
        for word, start, end in timeline.word_times():
            start_ms, end_ms = round(1000 * (start + offset)), round(1000 * (end + offset))
            response.meta.words.add(word=word, start_time=start_ms, end_time=end_ms)
