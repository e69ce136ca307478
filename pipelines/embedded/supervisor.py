"""Starts the embedded services together, watches over them, and ends all of them with the program.

Each is its own process behind TLS on a loopback port of its own. One that dies, or answers no health calls any more, is
started again on the same port, a few times; the conversation goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from pipelines.certs import make_development_pki
from pipelines.embedded.health import hangs
from pipelines.embedded.process import PROCESSES, ServiceFailed, ServiceProcess, module_command
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import Service, Settings

BACKOFF = (0.2, 1.0, 3.0)
"""Seconds before the first, second and third restart of a service; after that it stays down."""

CALM_SECONDS = 60.0
"""A service that lasted this long since its restart has its restarts back."""


class Command(Protocol):
    """Makes the command line of a service."""

    def __call__(self, name: str, tls: Path, home: Path, port: int = 0) -> list[str]: ...


SERVED: dict[str, tuple[Service, ...]] = {"speech": ("asr", "tts"), "triton": ("llm",), "face": ("face",)}
"""What each process serves."""


def needed(settings: Settings) -> tuple[str, ...]:
    """The processes that serve the embedded services of ``settings``; one is enough for recogniser and voice."""
    return tuple(name for name in PROCESSES if set(SERVED[name]) & set(settings.embedded_services))


class EmbeddedServices:
    """The embedded services for as long as the ``async with`` lasts.

    ``report`` is called with a line whenever a service died, hung, came back, or takes long to start. After entering,
    ``settings`` are the given ones with the endpoints of the embedded services filled in, and ``running`` maps names to
    processes. ``only`` names the processes to start and to talk to, whatever the settings embed. Entering raises
    :class:`ServiceFailed` if a service does not start within the settings' ``embedded_start_seconds``; leaving takes
    2 s at most. To be used from the main thread, see :meth:`ServiceProcess.start`.
    """

    def __init__(
        self,
        settings: Settings,
        home: Path,
        report: Callable[[str], None],
        *,
        only: Sequence[str] | None = None,
        command: Command = module_command,
    ) -> None:
        self.settings = settings
        self.running: dict[str, ServiceProcess] = {}
        self.tls = home / "tls"
        self._home = home
        self._report = report
        self._only = needed(settings) if only is None else tuple(only)
        self._embedded = settings.embedded_services if only is None else sum((SERVED[name] for name in only), ())
        self._command = command
        self._watchers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> EmbeddedServices:
        await asyncio.to_thread(make_development_pki, self.tls)
        try:
            async with asyncio.TaskGroup() as starting:
                for name in self._only:
                    starting.create_task(self._start(name))
        except BaseException as error:
            await self._stop()
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from None  # the first failure; the others were cancelled for it
            raise
        self.settings = self._filled(self.settings)
        self._watchers = [asyncio.create_task(self._watch(name), name=f"watch {name}") for name in self._only]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def endpoint(self, name: str) -> Endpoint:
        """Where the service ``name`` is reached by gRPC."""
        return Endpoint(
            target=f"127.0.0.1:{self.running[name].port}", tls=TlsSettings(ca=(self.tls / "ca.crt").absolute())
        )

    async def _start(self, name: str, port: int = 0) -> None:
        limit = self.settings.embedded_start_seconds
        command = self._command(name, self.tls.absolute(), self._home.absolute(), port)
        command += ["--start-seconds", f"{limit:g}"]
        if name == "speech":
            command += ["--language", self.settings.language]
        if name == "face":
            command += self.settings.face.network.arguments()
        log = self._home / "logs" / f"{name}.log"
        self.running[name] = service = await ServiceProcess.start(name, command, log, limit, self._report)
        if notice := service.ready.get("notice"):
            self._report(f"The embedded {name} service: {notice}.")

    async def _stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers = []
        await asyncio.gather(*(service.stop() for service in self.running.values()))

    async def _watch(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        restarts = 0
        while True:
            since = loop.time()
            how = await self._lost(name)
            await self.running[name].stop(0.0)  # what it may have left behind
            if loop.time() - since > CALM_SECONDS:
                restarts = 0
            told = f"The embedded {name} service {how}"
            while True:
                if restarts == len(BACKOFF):
                    self._report(f"{told}; it is not started again, see {self.running[name].log}.")
                    return
                self._report(f"{told}; it is started again.")
                await asyncio.sleep(BACKOFF[restarts])
                restarts += 1
                try:
                    await self._start(name, self.running[name].port)
                except ServiceFailed as failure:
                    told = f"T{str(failure)[1:]}"  # "the embedded …" begins a sentence here
                else:
                    self._report(f"The embedded {name} service is back.")
                    break

    async def _lost(self, name: str) -> str:
        """Waits until the service ends, or hangs; returns which, in words."""
        service = self.running[name]
        ended = asyncio.create_task(service.ended())
        hanging = asyncio.create_task(hangs(service.port, self.tls / "ca.crt"))
        try:
            await asyncio.wait({ended, hanging}, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else "does not answer any more"
        finally:
            for task in (ended, hanging):
                task.cancel()
            await asyncio.gather(ended, hanging, return_exceptions=True)

    def _filled(self, settings: Settings) -> Settings:
        """``settings`` with the endpoints of the embedded services; the others keep theirs."""
        changes: dict[str, Any] = {}
        for process in self._only:
            endpoint = self.endpoint(process)
            if process == "triton" and settings.llm.backend == "triton-rest":  # without TLS, and bound to loopback
                http = int(self.running["triton"].ready["http_port"])
                endpoint = Endpoint(target=f"127.0.0.1:{http}", tls=TlsSettings(enabled=False))
            for service in set(SERVED[process]) & set(self._embedded):
                changes[service] = getattr(settings, service).model_copy(update={"endpoint": endpoint})
        return settings.model_copy(update=changes)
