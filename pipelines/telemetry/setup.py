"""Telemetry of one process: builds what the settings ask for, hands out conversations, and always stops in time.

The SDK and the exporters are imported only if they are used. Exports run in daemon threads; a collector that is
down or hangs costs one warning line, and two seconds at the very end at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import prometheus_client as prom
from opentelemetry import propagate, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipelines.settings.proxies import RPC, proxy_before
from pipelines.settings.secrets import without_passwords
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry import names
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.spans import ConversationSpan, EpochClock, Labels

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace.export import SpanExporter

_LOG = logging.getLogger("opentelemetry.sophia")  # among the SDK's, so that one warning speaks for all

STOP_SECONDS = 2.0
"""How long :meth:`Telemetry.aclose` may take."""

NO_METRICS = ("Failed to export metrics", "UNIMPLEMENTED")
"""Parts of what the SDK logs where a collector has no service for metrics."""

SHORTEST_SECRET = 4
"""Characters of a header's value that is kept out of warnings; shorter ones are in ordinary words."""


class TelemetryError(Exception):
    """Telemetry cannot be set up as the settings ask; the message is one line that says what to change."""

    kind = "settings"


class Telemetry:
    """Spans and metrics of a process.

    ``clock`` is ``loop.time``; it is tied to wall clock once, here. ``warn`` is handed at most one line about a
    collector that does not take what is sent; it is called from another thread. ``exporter`` stands in for the one
    that the settings name, in tests. Raises :class:`TelemetryError`.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        *,
        clock: Callable[[], float],
        warn: Callable[[str], None] = lambda line: None,
        exporter: SpanExporter | None = None,
    ) -> None:
        self.settings = settings
        self._clock = EpochClock(clock)
        self._closers: list[Callable[[], None]] = []
        self._log: _OneWarning | None = None
        self._provider: trace.TracerProvider | None = None
        meter: Meter | None = None
        if exporter is not None or settings.exporter != "none":
            meter = self._start_sdk(warn, exporter)
        self._tracer = (self._provider or trace.NoOpTracerProvider()).get_tracer(names.SCOPE)
        self.metrics = Metrics(meter)
        if settings.metrics_port:
            self._serve_metrics()

    def install(self) -> None:
        """Makes this the process's tracer provider and W3C Trace Context its propagator. Once in a process.

        From then on the spans that the rooms emit join those of the turn in whose context they run.
        """
        propagate.set_global_textmap(TraceContextTextMapPropagator())
        if self._provider is not None:
            trace.set_tracer_provider(self._provider)

    def start_conversation(self, id: str, labels: Labels | None = None) -> ConversationSpan:
        """Opens the span of a conversation; its :meth:`~ConversationSpan.start_turn` opens a turn's."""
        return ConversationSpan(
            self._tracer, self._clock, id, labels or Labels(), capture_content=self.settings.capture_content
        )

    async def aclose(self) -> None:
        """Sends what is left and stops everything, within :data:`STOP_SECONDS` whatever the collector does."""
        closers, self._closers = self._closers, []
        loop = asyncio.get_running_loop()
        closing = [self._in_thread(loop, closer) for closer in closers]
        if closing:
            await asyncio.wait(closing, timeout=STOP_SECONDS)
        for future in closing:
            future.cancel()
        if self._log is not None:
            self._log.detach()

    def _start_sdk(self, warn: Callable[[str], None], exporter: SpanExporter | None) -> Meter | None:
        from pipelines.telemetry import exporters  # noqa: PLC0415 - the SDK is paid for by those who use it

        settings = self.settings
        self._log = _OneWarning(warn, settings)
        try:
            provider = exporters.tracer_provider(settings, exporter)
            self._provider = provider
            self._closers.append(provider.shutdown)
            if settings.exporter != "otlp" or exporter is not None:
                return None
            from pipelines.telemetry import otlp  # noqa: PLC0415 - as above

            meters = otlp.meter_provider(settings, exporters.resource(settings))
            self._closers.append(meters.shutdown)
            return meters.get_meter(names.SCOPE)
        except OSError as error:
            self._log.detach()
            key = "file" if settings.exporter == "json" else "ca"
            raise TelemetryError(f"telemetry.{key}: {error.filename}: {error.strerror}; name another file") from error

    def _serve_metrics(self) -> None:
        settings = self.settings
        # Creation times would make a scrape a third longer, and nothing shows them.
        prom.disable_created_metrics()  # type: ignore[no-untyped-call]
        try:
            # Its own thread: a scrape inside the loop would hold up the sound for as long as it takes.
            server, _ = prom.start_http_server(
                settings.metrics_port, addr=settings.metrics_host, registry=self.metrics.registry
            )
        except OSError as error:
            raise TelemetryError(
                f"telemetry.metrics_port: cannot serve /metrics on {settings.metrics_host}:{settings.metrics_port}"
                f" ({error.strerror or error}); choose another port, or 0 for none"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()

        self._closers.append(stop)

    def _in_thread(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> asyncio.Future[None]:
        """Runs ``work`` in a daemon thread; not in the loop's executor, for which the interpreter waits at its end."""
        future = loop.create_future()

        def done() -> None:
            if not future.done():
                future.set_result(None)

        def run() -> None:
            try:
                work()
            except Exception as error:  # whatever an exporter raises at the end must not become a traceback
                _LOG.warning("closing: %s", error)
            with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
                loop.call_soon_threadsafe(done)

        threading.Thread(target=run, name="telemetry-close", daemon=True).start()
        return future


class _OneWarning(logging.Handler):
    """Takes the SDK's log, which would run over the terminal, and passes on one line about the first trouble."""

    def __init__(self, warn: Callable[[str], None], settings: TelemetrySettings) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn
        remote = settings.exporter == "otlp"
        self._where = settings.endpoint if remote else settings.exporter
        self._proxy = proxy_before(urlsplit(settings.endpoint).hostname or "", RPC) if remote else ""
        self._warned = self._told_of_metrics = False
        self._logger = logging.getLogger("opentelemetry")
        self._propagated = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Warns once; the SDK repeats itself with every batch."""
        what = _without_headers(" ".join(record.getMessage().split()))[:200]
        if all(part in what for part in NO_METRICS):  # a viewer of traces; its spans may still fail
            if not self._told_of_metrics:
                self._told_of_metrics = True
                self._warn(f"{self._where} takes spans but no metrics; /metrics has them (telemetry.metrics_port)")
        elif not self._warned:
            self._warned = True
            way = f"the proxy {proxy} to {self._where}" if (proxy := self._proxy) else f"to {self._where}"
            self._warn(f"telemetry does not get through {way}, the conversation goes on: {what}")

    def detach(self) -> None:
        """Gives the log back to whoever had it."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated


def _without_headers(line: str) -> str:
    """``line`` without what the environment says that a collector is sent, and without passwords in addresses.

    The SDK repeats a header that it cannot read.
    """
    for name, value in os.environ.items():
        if name.startswith("OTEL_EXPORTER_OTLP") and name.endswith("HEADERS"):
            for secret in sorted({value, *re.split(r"[,=]", value)}, key=len, reverse=True):
                if len(secret.strip()) >= SHORTEST_SECRET:
                    line = line.replace(secret.strip(), "…")
    return without_passwords(line)
