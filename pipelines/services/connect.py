"""The services of conversations, connected: channels, clients, and one warm-up for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio
import numpy as np

from aurora.bridge import Audio2Face
from pipelines.failures import StageFailed
from pipelines.services.channels import metadata_for, open_channel
from pipelines.services.minds import connect_mind
from pipelines.services.renewal import RenewableChannel
from pipelines.services.traced_mind import WarmMind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import Settings
from sophia.audio import Pcm
from sophia.events import EarsBack, EarsLost
from sophia.recognition import RivaRecognizer
from sophia.recognition_wire import RecognizerSettings
from sophia.synthesis import RivaSynthesizer

WARM_UP_SECONDS = 20.0
"""Longest wait for a service at the start; a NIM's first request is slow."""

TellEars = Callable[[EarsLost | EarsBack], None]
"""Hears of each outage of the ears, when it begins and when it is over."""


@dataclass(slots=True)
class Services:
    """Clients on open channels. ``asr`` makes the one recogniser of a conversation; the others serve any number.

    It is handed who is told of its outages, for how many seconds one is waited out where the settings don't say, and
    the conversation's settings of it. ``voices`` are those for other languages than the first.
    ``channels`` are the connections by service; a mind behind HTTP has none.
    """

    asr: Callable[[TellEars, float, RecognizerSettings], RivaRecognizer]
    llm: WarmMind
    tts: RivaSynthesizer
    face: Audio2Face | None
    voices: Mapping[str, RivaSynthesizer] = field(default_factory=dict)
    channels: Mapping[str, grpc.aio.Channel] = field(default_factory=dict)

    def away(self) -> list[str]:
        """The services without which there is no conversation, and that cannot be connected to.

        A connection that has ended is opened again meanwhile, so the second question has the answer.
        """
        failing = grpc.ChannelConnectivity.TRANSIENT_FAILURE
        return [
            service
            for service, channel in self.channels.items()
            if service != "face" and channel.get_state(try_to_connect=True) is failing
        ]


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
async def connected(settings: Settings) -> AsyncIterator[Services]:
    """Opens the channels and makes the clients; closes the channels at the end.

    Raises :class:`~pipelines.failures.StageFailed` naming a service whose credentials cannot be used.
    """
    channels: dict[str, RenewableChannel] = {}
    async with AsyncExitStack() as stack:

        def suspect() -> None:  # what forgot one connection, such as a firewall, has likely forgotten the others
            for channel in channels.values():
                channel.suspect()

        def channel(endpoint: Endpoint) -> grpc.aio.Channel:
            key = endpoint.model_dump_json()
            if key not in channels:  # recogniser and voice of one server share a connection
                channels[key] = open_channel(endpoint, suspect)
                stack.push_async_callback(channels[key].close, 0)
            return channels[key]

        s, service = settings, "asr"
        try:
            ears, ears_metadata = channel(s.asr.endpoint), metadata_for(s.asr.endpoint)
            service = "tts"
            voice, voice_metadata = channel(s.tts.endpoint), metadata_for(s.tts.endpoint)
            tts = RivaSynthesizer(voice, s.tts, voice_metadata, s.mood)
            others = [tag for tag in s.turns.languages if tag != s.tts.language]
            voices = {tag: RivaSynthesizer(voice, s.tts.of(tag), voice_metadata, s.mood) for tag in others}
            service = "llm"
            llm = await stack.enter_async_context(
                connect_mind(s.llm, channel, capture_content=s.telemetry.capture_content)
            )
            service = "face"
            face = None
            if s.face.enabled:
                face = Audio2Face(channel(s.face.endpoint), s.face, metadata_for(s.face.endpoint))
        except Exception as error:
            raise StageFailed(service, error) from error
        used = {name: channels.get(endpoint.model_dump_json()) for name, endpoint in endpoints(s).items()}
        yield Services(
            lambda tell, patience, asr: RivaRecognizer(ears, asr, ears_metadata, tell, patience),
            llm,
            tts,
            face,
            voices,
            {name: channel for name, channel in used.items() if channel},
        )


async def warm_up(
    services: Services, asr: RecognizerSettings, speak: Callable[[], Awaitable[object]]
) -> list[StageFailed]:
    """Makes every service answer once, all at the same time, so that the first turn is as quick as the second.

    Connected is not warm: each path is used for real; ``speak`` is the voice's first use. Returns what failed.
    """
    face = services.face
    jobs: dict[str, Callable[[], Awaitable[object]]] = {
        "asr": services.asr(lambda event: None, 0.0, asr).describe,
        "llm": services.llm.warm_up,
        "tts": speak,
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
