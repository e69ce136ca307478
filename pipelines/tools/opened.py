"""The workshops that the settings ask for, opened with the runtime and closed with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from nova.tools import Tool
from pipelines.settings.model import Settings
from pipelines.tools.bundled import Bundled
from pipelines.tools.modules import tools_of
from pipelines.tools.workshop import Joined, Ready, Workshop


@asynccontextmanager
async def opened(settings: Settings, tools: Sequence[Tool], notice: Callable[[str], None]) -> AsyncIterator[Workshop]:
    """A workshop with ``tools`` and those of the settings; ``notice`` is handed lines worth telling.

    Raises :class:`~pipelines.settings.layers.SettingsError` for a module that has no tools.
    """
    yield Joined((Ready(tools), Ready(tools_of(settings.tools.modules)), Bundled(settings)), notice)
