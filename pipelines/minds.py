"""Connects the mind that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import grpc.aio

from nova.mind import Mind
from nova.prompts import BUILT_IN, ChatTemplate, load_template
from nova.services.triton_client import TritonMind
from pipelines.channels import metadata_for, open_http
from pipelines.endpoint import Endpoint
from pipelines.settings import MindSection


class WarmMind(Mind, Protocol):
    """A mind that can be used once before it is needed."""

    async def warm_up(self) -> float: ...


@asynccontextmanager
async def connect_mind(
    settings: MindSection, channel: Callable[[Endpoint], grpc.aio.Channel]
) -> AsyncIterator[WarmMind]:
    """The mind behind ``settings.endpoint``; ``channel`` opens gRPC channels, which stay the caller's."""
    endpoint = settings.endpoint
    metadata = metadata_for(endpoint)
    match settings.backend:
        case "triton":
            yield TritonMind(channel(endpoint), settings, metadata=metadata, template=_template(settings))
        case "triton-rest":
            from nova.services.triton_rest import TritonRestMind  # noqa: PLC0415 - an HTTP client is slow to import

            async with open_http(endpoint) as client:
                yield TritonRestMind(client, settings, metadata=metadata, template=_template(settings))
        case "openai":
            from nova.services.openai_client import OpenAIMind  # noqa: PLC0415 - as above, and an extra

            async with open_http(endpoint, "/v1") as client:
                yield OpenAIMind(client, settings, metadata=metadata)


def _template(settings: MindSection) -> ChatTemplate | None:
    """The chat template where it is a file; the built-in ones are known to the client by name."""
    return None if settings.template in BUILT_IN else load_template(Path(settings.template))
