"""Connects the mind that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc.aio

from nova.prompts import load_template
from nova.services.triton_client import TritonMind
from pipelines.services.channels import metadata_for, open_http
from pipelines.services.traced_mind import TracedMind, WarmMind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import LlmSection


@asynccontextmanager
async def connect_mind(
    settings: LlmSection, channel: Callable[[Endpoint], grpc.aio.Channel], *, capture_content: bool = False
) -> AsyncIterator[WarmMind]:
    """The mind behind ``settings.endpoint``; ``channel`` opens gRPC channels, which stay the caller's.

    Each of its requests is a span, which holds what was said if ``capture_content`` is on. The settings name the model:
    see :func:`~pipelines.services.found_model.with_model`.
    """
    async with _connected(settings, channel) as mind:
        yield TracedMind(mind, settings, capture_content=capture_content)


@asynccontextmanager
async def _connected(settings: LlmSection, channel: Callable[[Endpoint], grpc.aio.Channel]) -> AsyncIterator[WarmMind]:
    endpoint = settings.endpoint
    metadata = metadata_for(endpoint)
    match settings.backend:
        case "triton":
            yield TritonMind(channel(endpoint), settings, metadata=metadata, template=load_template(settings.template))
        case "triton-rest":
            from nova.services.triton_rest import TritonRestMind  # noqa: PLC0415 - an HTTP client is slow to import

            async with open_http(endpoint) as client:
                yield TritonRestMind(client, settings, metadata=metadata, template=load_template(settings.template))
        case "openai":
            from nova.services.openai_client import OpenAIMind  # noqa: PLC0415 - as above

            async with open_http(endpoint, "/v1") as client:
                yield OpenAIMind(client, settings, metadata=metadata)
