"""The minds that can be asked: the embedded one in this process with exact delays, or whichever is configured."""

from __future__ import annotations

import asyncio
import importlib
import sys
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import grpc.aio

import nova
from nova.generation import Prompting, TritonSettings
from nova.mind import Message, Mind
from nova.tools import Choice, ToolCall, ToolSpec
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.home import home
from pipelines.services.channels import open_channel
from pipelines.services.found_model import with_model
from pipelines.services.minds import connect_mind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import Settings

FOLDER: Final = Path(nova.__file__).parent / "models" / "nova" / "1"
NOON: Final = datetime(2026, 12, 1, 12, 0)
"""What time it is for the embedded mind: always the same, so that it always says the same."""


class EmbeddedMind:
    """The model that the project brings, asked in this process: the same prompt, words and filter, without Triton.

    The first piece comes after ``first`` seconds, each further one after ``gap``.
    """

    def __init__(self, first: float = 0.12, gap: float = 0.015) -> None:
        self._prompting = Prompting(TritonSettings(), None, lambda: NOON)
        self._first, self._gap = first, gap
        self._talk, self._tokens = _part("talk"), _part("tokens")

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Streams the answer, as :class:`nova.mind.Mind`."""
        prompt = self._prompting.prompt(messages, tools, choice)
        cleaner = self._prompting.cleaner(prompt, cumulative=False, tools=tools, choice=choice)
        loop = asyncio.get_running_loop()
        due = loop.time() + self._first
        for piece in (*self._tokens.tokens(self._talk.answer(prompt)), None):
            await asyncio.sleep(max(0.0, due - loop.time()))
            for part in cleaner.take(piece):
                yield part
            due += self._gap


@asynccontextmanager
async def configured(settings: Settings, notice: Callable[[str], None]) -> AsyncIterator[Mind]:
    """The mind of the settings; an embedded one is started, as a process of its own."""
    async with AsyncExitStack() as stack:
        if "llm" in settings.embedded_services:
            embedded = EmbeddedServices(settings, home(), notice, only=("triton",))
            settings = (await stack.enter_async_context(embedded)).settings
        llm, chosen = await with_model(settings.llm)
        if chosen:
            notice(chosen)

        def channel(endpoint: Endpoint) -> grpc.aio.Channel:
            opened = open_channel(endpoint)
            stack.push_async_callback(opened.close, 0)
            return opened

        mind = await stack.enter_async_context(connect_mind(llm, channel))
        await mind.warm_up()
        yield mind


def _part(name: str) -> Any:
    """A module of the embedded mind, imported as Triton does, from a folder that is no package of ours."""
    package = "pipelines_evals_embedded_mind"
    if package not in sys.modules:
        made = types.ModuleType(package)
        made.__path__ = [str(FOLDER)]
        sys.modules[package] = made
    return importlib.import_module(f"{package}.{name}")
