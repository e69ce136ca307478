"""The workshops that the settings ask for, opened with the runtime and closed with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from nova.tools import Tool
from pipelines.settings.model import Settings
from pipelines.tools.bundled import Bundled
from pipelines.tools.workshop import Joined, Ready, Workshop


@asynccontextmanager
async def opened(settings: Settings, tools: Sequence[Tool], notice: Callable[[str], None]) -> AsyncIterator[Workshop]:
    """A workshop with ``tools`` and those of the settings; ``notice`` is handed lines worth telling."""
    yield Joined((Ready(tools), Bundled(settings)), notice)
