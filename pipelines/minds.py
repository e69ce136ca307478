"""Connects the mind that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import grpc.aio

from nova.mind import Mind
from nova.services.triton_client import TritonMind
from pipelines.channels import metadata_for
from pipelines.endpoint import Endpoint
from pipelines.settings import MindSection


class WarmMind(Mind, Protocol):
    """A mind that can be used once before it is needed."""

    async def warm_up(self) -> float: ...


@asynccontextmanager
async def connect_mind(
    settings: MindSection, channel: Callable[[Endpoint], grpc.aio.Channel]
) -> AsyncIterator[WarmMind]:
    """The mind behind ``settings.endpoint``; ``channel`` opens gRPC channels."""
    yield TritonMind(channel(settings.endpoint), settings, metadata=metadata_for(settings.endpoint))
