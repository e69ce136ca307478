"""The server by itself: pages talk to her, and this machine needs neither microphone nor loudspeaker."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import nullcontext

from pipelines.command.endings import STOPPED
from pipelines.command.stopping import STOP_SECONDS, over_within, told_to_stop
from pipelines.failures import EXIT_CODES, StageFailed, blamed
from pipelines.server.errors import ServerError
from pipelines.server.hall import Hall
from pipelines.server.serving import serving
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.services.found_model import servers_beside
from pipelines.settings.model import Settings
from pipelines.talk.face_stream import FaceStream
from pipelines.talk.runtime import Runtime

REPLY_SECONDS = 10.0
"""How long replies that sound may go on after Ctrl+C."""

Say = Callable[[str], None]


async def serve(settings: Settings, say: Say, opened: Callable[[str], None] | None = None) -> int:
    """Serves until it is told to stop, and returns the exit code; ``say`` is handed lines for people.

    ``opened`` is told the address in place of an invitation for people, with the key in its fragment if there is one.
    Ctrl+C lets replies that sound come to their end, SIGTERM conversations; both within bounds. A second signal ends it
    at once.
    """
    program = _Program(settings, say, opened or (lambda address: _invite(address, say)))
    task = asyncio.create_task(program.run())
    with (
        told_to_stop(lambda: program.stop(task, REPLY_SECONDS, replies=True), within=None, signals=(signal.SIGINT,)),
        told_to_stop(
            lambda: program.stop(task, settings.server.drain_seconds, replies=False),
            within=None,
            signals=(signal.SIGTERM,),
        ),
    ):
        try:
            return await task
        except asyncio.CancelledError:
            return STOPPED


class _Program:
    """One run."""

    def __init__(self, settings: Settings, say: Say, opened: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._opened = opened
        self._hall: Hall | None = None
        self._draining: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    def stop(self, task: asyncio.Task[int], seconds: float, *, replies: bool) -> None:
        """The first time, lets nobody in any more and waits; the second time, or where nobody is served yet, ends."""
        if self._hall is None:
            task.cancel()
        elif self._draining is None and self._hall.somebody(replies=replies):
            over_within(seconds + STOP_SECONDS)
            what = "replies" if replies else "conversations"
            self._say(f"Stopping: {what} may come to their end, for {seconds:g} s at most. Once more ends it at once.")
            self._draining = asyncio.create_task(self._drain(self._hall, seconds, replies=replies))
            return
        over_within(STOP_SECONDS)
        self._stopped.set()

    async def _drain(self, hall: Hall, seconds: float, *, replies: bool) -> None:
        await hall.drain(seconds, replies=replies)
        self._stopped.set()

    async def run(self) -> int:
        """The whole run."""
        runtime = Runtime(self._settings, sessions=self._settings.server.sessions, notice=self._say)
        try:
            async with runtime:
                if lost := runtime.faceless:
                    self._say(f"{lost.line} She goes on without a face. {lost.hint}")
                for line in await servers_beside(runtime.settings):
                    self._say(line)
                target = self._settings.face.stream
                stream = FaceStream(target, self._say) if target else None
                hall = Hall(runtime, stream=stream)
                async with stream or nullcontext(), serving(runtime, hall) as address:
                    self._hall = hall
                    self._opened(address)
                    await self._stopped.wait()
                    if self._draining:
                        self._draining.cancel()
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


def _invite(address: str, say: Say) -> None:
    for line in invitation(address):
        say(line)


def invitation(address: str) -> list[str]:
    """What to open, and how a program talks to her: ``address`` has the key in its fragment, if there is one."""
    url, _, key = address.partition("#key=")
    shown = key or "none"  # OpenAI's library insists on one
    base = f"{url}v1"
    return [
        f"Talk to her in a browser: {address}",
        f'From a program: openai.AsyncOpenAI(base_url="{base}", api_key="{shown}").realtime.connect(model="sophia")',
    ]
