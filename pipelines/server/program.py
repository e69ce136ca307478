"""The server by itself: pages talk to her, and this machine needs neither microphone nor loudspeaker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pipelines.command.stopping import until_stopped
from pipelines.failures import EXIT_CODES, StageFailed, blamed
from pipelines.server.errors import ServerError
from pipelines.server.serving import serving
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.model import Settings
from pipelines.talk.runtime import Runtime

Say = Callable[[str], None]


async def serve(settings: Settings, say: Say) -> int:
    """Serves until it is told to stop, and returns the exit code; ``say`` is handed lines for people."""
    program = _Program(settings, say)
    return await until_stopped(program.run(), program.stop)


class _Program:
    """One run."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._stopped: asyncio.Event | None = None

    def stop(self) -> bool:
        """Lets those who are there leave, and ends; false if nobody is served yet."""
        if self._stopped:
            self._stopped.set()
        return self._stopped is not None

    async def run(self) -> int:
        """The whole run."""
        runtime = Runtime(self._settings, sessions=self._settings.server.sessions, notice=self._say)
        try:
            async with runtime:
                if lost := runtime.faceless:
                    self._say(f"{lost.line} She goes on without a face. {lost.hint}")
                async with serving(runtime) as address:
                    self._stopped = asyncio.Event()
                    self._say(f"Talk to her in a browser: {address}")
                    await self._stopped.wait()
        except ServerError as error:
            self._say(f"{error}.")
            return EXIT_CODES["settings"]
        except Exception as error:
            service, cause = (error.service, error.cause) if isinstance(error, StageFailed) else blamed(error, "server")
            failure = await diagnose(cause, service, endpoints(runtime.settings).get(service))
            self._say(failure.line)
            if failure.hint:
                self._say(failure.hint)
            return failure.exit_code
        return 0
