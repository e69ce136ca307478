"""How each kind of service is used once, for ``--check``: through the very clients that a conversation uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import grpc.aio
import numpy as np

from aurora.bridge import Audio2Face
from nova.mind import Message, Mind
from nova.services.triton_client import TritonMind
from pipelines.services.channels import metadata_for, open_channel
from pipelines.services.found_model import with_model
from pipelines.services.minds import connect_mind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import AsrSection, FaceSection, LlmSection, Settings, TtsSection
from sophia.audio import Pcm
from sophia.recognition import RivaRecognizer
from sophia.recognition_wire import AUTO, MULTILINGUAL
from sophia.synthesis import RivaSynthesizer

MOST_NAMES = 8
"""Names of one kind that are listed; a Riva with every voice has dozens."""


@dataclass(frozen=True, slots=True)
class Use:
    """A service's first use: ``what`` came of it after ``seconds``, and what the service says it ``has``."""

    what: str
    seconds: float
    has: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """A service, where it is, and how to use it once over a channel that is connected.

    A service that is reached over HTTP (not ``grpc``) opens its own connection and ignores the channel.
    """

    service: str
    endpoint: Endpoint
    use: Callable[[grpc.aio.Channel], Awaitable[Use]]
    grpc: bool = True


def probes(settings: Settings) -> list[Probe]:
    """A probe for each service that a conversation with ``settings`` talks to."""
    s = settings
    if s.llm.backend == "triton":
        mind = Probe("llm", s.llm.endpoint, lambda channel: _triton(channel, s.llm))
    else:
        mind = Probe("llm", s.llm.endpoint, lambda channel: _mind_over_http(s.llm), grpc=False)
    found = [
        Probe("asr", s.asr.endpoint, lambda channel: _recognizer(channel, s.asr)),
        mind,
        Probe("tts", s.tts.endpoint, lambda channel: _voice(channel, s.tts)),
    ]
    if s.face.enabled:
        found.append(Probe("face", s.face.endpoint, lambda channel: _face(channel, s.face, s.tts.rate)))
    return found


def hears(codes: str, language: str) -> bool:
    """Whether a model with these language codes, as its service tells them, is one for a language.

    A service that tells none is taken at its word. Riva's multilingual models have several, or say "multi".
    """
    listed = [code.strip() for code in codes.split(",") if code.strip()]
    several = MULTILINGUAL in listed or len(listed) > 1
    return not listed or (several if language == AUTO else language in listed or MULTILINGUAL in listed)


async def _recognizer(channel: grpc.aio.Channel, settings: AsrSection) -> Use:
    recognizer = RivaRecognizer(channel, settings, metadata_for(settings.endpoint))
    try:
        began = _now()
        models = await recognizer.describe()
        seconds = _now() - began
    finally:
        await recognizer.aclose()
    fits = [model for model in models if hears(model.parameters.get("language_code", ""), settings.language)]
    has = [f"models: {_names([model.name for model in models])}"]
    if not fits:
        has.append(f"none of them for {settings.language}")
    return Use("models", seconds, tuple(has))


async def _voice(channel: grpc.aio.Channel, settings: TtsSection) -> Use:
    synthesizer = RivaSynthesizer(channel, settings, metadata_for(settings.endpoint))
    voices = await synthesizer.describe()
    seconds = await synthesizer.warm()
    names = [name for voice in voices for name in voice.names or (voice.model,)]
    has = [f"voices: {_names(names)}"]
    for name in (settings.voice, *settings.by_language.values()):
        if name and name not in names:
            has.append(f"{name} is not among them")
    spoken = {code for voice in voices for code in voice.languages}
    if spoken and (unspoken := [tag for tag in settings.by_language if tag not in spoken]):
        has.append(f"none of them for {', '.join(unspoken)}")
    return Use("first sound", seconds, tuple(has))


async def _triton(channel: grpc.aio.Channel, settings: LlmSection) -> Use:
    mind = TritonMind(channel, settings, metadata=metadata_for(settings.endpoint))
    about = await mind.describe()
    has = [f"{about.server} {about.version}".strip(), f"models: {_names(about.models or (about.model,))}"]
    if about.adapter:
        has.append(f"{about.model}: {about.adapter}{', decoupled' if about.decoupled else ''}")
    return Use("first token", await _first_token(mind), tuple(has))


async def _mind_over_http(settings: LlmSection) -> Use:
    settings, _ = await with_model(settings)
    async with connect_mind(settings, open_channel) as mind:
        return Use("first token", await mind.warm_up(), (f"{settings.backend}: {settings.model}",))


async def _first_token(mind: Mind) -> float:
    """Seconds until the mind begins to answer."""
    began = _now()
    async with aclosing(mind.reply([Message("user", "Hello.")])) as tokens:
        async for _ in tokens:
            break
    return _now() - began


async def _face(channel: grpc.aio.Channel, settings: FaceSection, rate: int) -> Use:
    async def silence() -> AsyncIterator[Pcm]:
        yield np.zeros(rate // 5, np.int16)

    face = Audio2Face(channel, settings, metadata_for(settings.endpoint))
    began, seconds, frames = _now(), 0.0, 0
    async with aclosing(face.animate(silence(), rate)) as stream:
        async for frame in stream:
            seconds = seconds or _now() - began
            frames += 1
            blendshapes = len(frame.weights)
    return Use("first frame", seconds, (f"{frames} frames of {blendshapes} blendshapes for 0.2 s" if frames else "",))


def _names(names: tuple[str, ...] | list[str]) -> str:
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - MOST_NAMES} more" if len(shown) > MOST_NAMES else ""
    return (", ".join(shown[:MOST_NAMES]) or "none") + more


def _now() -> float:
    return asyncio.get_running_loop().time()
