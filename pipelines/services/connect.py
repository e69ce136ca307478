"""The services of a conversation, connected: channels, clients, and one warm-up for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

import grpc.aio
import numpy as np

from aurora.bridge import Audio2Face
from pipelines.conversation.generation import StageFailed
from pipelines.conversation.phrases import Phrases
from pipelines.services.channels import metadata_for, open_channel
from pipelines.services.minds import WarmMind, connect_mind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import Settings
from sophia.audio import Pcm
from sophia.recognition import RivaRecognizer
from sophia.synthesis import RivaSynthesizer

WARM_UP_SECONDS = 20.0
"""Longest wait for a service at the start; a NIM's first request is slow."""


@dataclass(slots=True)
class Services:
    """Clients on open channels, and the sentences that must be there when a service is not.

    ``new_recognizer`` makes the one recogniser of a conversation; the other clients serve any number of them.
    """

    new_recognizer: Callable[[], RivaRecognizer]
    llm: WarmMind
    tts: RivaSynthesizer
    face: Audio2Face | None
    phrases: Phrases


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """Where each service of a conversation is."""
    found: dict[str, Endpoint] = {
        "asr": settings.asr.endpoint,
        "llm": settings.llm.endpoint,
        "tts": settings.tts.endpoint,
    }
    if settings.face.enabled:
        found["face"] = settings.face.endpoint
    return found


@asynccontextmanager
async def connected(settings: Settings, trouble: Callable[[Exception, float], None]) -> AsyncIterator[Services]:
    """Opens the channels and makes the clients; closes the channels at the end.

    ``trouble`` hears of a recogniser's stream that broke and is being mended. Raises
    :class:`~pipelines.conversation.generation.StageFailed` naming a service whose credentials cannot be used.
    """
    channels: dict[str, grpc.aio.Channel] = {}
    async with AsyncExitStack() as stack:

        def channel(endpoint: Endpoint) -> grpc.aio.Channel:
            key = endpoint.model_dump_json()
            if key not in channels:  # recogniser and voice of one server share a connection
                channels[key] = open_channel(endpoint)
                stack.push_async_callback(channels[key].close, 0)
            return channels[key]

        s, service = settings, "asr"
        try:
            ears = channel(s.asr.endpoint), s.asr, metadata_for(s.asr.endpoint), trouble
            service = "tts"
            voice = RivaSynthesizer(channel(s.tts.endpoint), s.tts, metadata_for(s.tts.endpoint))
            service = "llm"
            mind = await stack.enter_async_context(connect_mind(s.llm, channel))
            service = "face"
            face = None
            if s.face.enabled:
                face = Audio2Face(channel(s.face.endpoint), s.face, metadata_for(s.face.endpoint))
        except Exception as error:
            raise StageFailed(service, error) from error
        yield Services(lambda: RivaRecognizer(*ears), mind, voice, face, Phrases(s.turns.language))


async def warm_up(services: Services) -> list[StageFailed]:
    """Makes every service answer once, all at the same time, so that the first turn is as quick as the second.

    Connected is not warm: each path is used for real. Returns what failed.
    """
    face = services.face
    jobs: dict[str, Callable[[], Awaitable[object]]] = {
        "asr": services.new_recognizer().describe,
        "llm": services.llm.warm_up,
        "tts": lambda: services.phrases.prepare(services.tts, WARM_UP_SECONDS),
    }
    if face is not None:
        jobs["face"] = lambda: _first_frame(face, services.tts.rate)

    async def use(service: str, job: Callable[[], Awaitable[object]]) -> StageFailed | None:
        try:
            async with asyncio.timeout(WARM_UP_SECONDS):
                await job()
        except Exception as error:
            return StageFailed(service, error)
        return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(use(service, job)) for service, job in jobs.items()]
    return [failure for task in tasks if (failure := task.result())]


async def _first_frame(face: Audio2Face, rate: int) -> None:
    async def silence() -> AsyncIterator[Pcm]:
        yield np.zeros(rate // 5, np.int16)

    async with aclosing(face.animate(silence(), rate)) as frames:
        async for _ in frames:
            return
