"""One run of the voice loop: from settings to an exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from nova.history import History
from pipelines.conversation.conversation import Conversation, Parts
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.failures import EXIT_CODES, blamed, diagnose, explain
from pipelines.home import home
from pipelines.services.certificates import watch_certificates
from pipelines.services.connect import Services, connected, endpoints, warm_up
from pipelines.settings.model import Settings, SettingsError, shareable
from pipelines.takes.recording import Recording
from pipelines.talk.audience import Audience
from pipelines.talk.devices import Bites, open_devices, read_bites
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.telemetry.setup import Telemetry
from pipelines.telemetry.spans import Labels
from pipelines.terminal.display import Display
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import SinkError
from sophia.soundbite import Soundbite
from sophia.turns import TurnTaking

STOP_SECONDS = 2.0
"""Ctrl+C ends the program within this time, whatever a peer does."""

SETTLED_SECONDS = 0.5
"""Quiet after a reply, before the next soundbite is played."""

TROUBLE_SECONDS = 30.0
"""A recogniser that breaks again and again is told about once in this time."""

UNANSWERED_SECONDS = 3.0
"""Quiet after a soundbite without any reaction, before it counts as not understood and the next one is played."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for beside the settings."""

    config: str
    soundbites: tuple[Path, ...] = ()
    once: bool = False
    json: Path | None = None
    reply: Path | None = None
    record: Path | None = None


async def talk(settings: Settings, options: Options, display: Display) -> int:
    """Holds a conversation until it ends, and returns the exit code; whatever fails is shown, nothing is raised."""
    loop = asyncio.get_running_loop()
    session = Session(settings, options, display)
    work = asyncio.create_task(session.run())

    def leave() -> None:
        display.close()  # else a terminal is left without its cursor
        os._exit(130)

    def stop() -> None:
        # Every part ends in bounded time, but perhaps not all of them in two seconds; the services die with us.
        loop.call_later(STOP_SECONDS - 0.2, leave)
        if not session.stop():
            work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await work
    except asyncio.CancelledError:
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def _named(option: str, path: Path | None) -> Iterator[None]:
    """Blames a file that cannot be written on the option that named it."""
    try:
        yield
    except OSError as error:
        raise SettingsError([f"{option} {path}: it cannot be written ({error.strerror or error})"]) from error


def _close(file: TextIO) -> None:
    with suppress(OSError):  # each line was flushed, so that whatever the disk refuses was told already
        file.close()


class Session:
    """Everything of one run; :meth:`run` returns the exit code."""

    def __init__(self, settings: Settings, options: Options, display: Display) -> None:
        self._settings = settings
        self._options = options
        self._display = display
        self._conversation: Conversation | None = None
        self._audience: Audience | None = None
        self._turns = 0
        self._troubled = -TROUBLE_SECONDS
        self._exit_codes = [0]
        self._deaf_code = 0

    def stop(self) -> bool:
        """Ends the conversation; false if there is none yet."""
        if self._conversation:
            self._conversation.stop()
        return self._conversation is not None

    async def run(self) -> int:
        """The whole run."""
        try:
            bites = read_bites(self._options.soundbites)  # first, for a mistake should not have to wait for services
            async with AsyncExitStack() as stack:
                if self._settings.embedded:
                    embedded = EmbeddedServices(self._settings, home(), self._display.notice)
                    self._settings = (await stack.enter_async_context(embedded)).settings
                services = await stack.enter_async_context(connected(self._settings, self._trouble))
                await self._warm_up(services)
                await self._converse(stack, services, bites)
        except Exception as error:
            return await self._tell(*blamed(error, "voice loop"))
        self._exit_codes.append(self._deaf_code)
        if self._audience:
            self._exit_codes += [failure.exit_code for failure in self._audience.failures]
        return max(self._exit_codes)

    async def _tell(self, service: str, error: Exception) -> int:
        place = endpoints(self._settings).get(service)
        if self._audience and self._audience.told(error):
            return explain(error, service, place).exit_code
        failure = await diagnose(error, service, place)
        self._display.error(failure.line, failure.hint)
        return failure.exit_code

    def _trouble(self, error: Exception, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._troubled >= TROUBLE_SECONDS:
            self._troubled = now
            failure = explain(error, "asr", self._settings.asr.endpoint)
            self._display.notice(f"{failure.line} Trying again.")
            self._deaf_code = failure.exit_code

    def _recording_lost(self, line: str) -> None:
        self._exit_codes.append(EXIT_CODES["disk"])
        self._display.error(f"{line[:1].upper()}{line[1:]}.")

    def _sink_lost(self, error: SinkError) -> None:
        if self._audience:
            self._audience.fault("speaker", error)

    async def _warm_up(self, services: Services) -> None:
        for failure in await warm_up(services):
            if failure.service != "face":
                raise failure
            told = await diagnose(failure.cause, "face", endpoints(self._settings)["face"])
            self._display.error(told.line, f"She goes on without a face. {told.hint}")
            services.face = None

    async def _converse(self, stack: AsyncExitStack, services: Services, bites: Bites) -> None:
        settings, options, display = self._settings, self._options, self._display
        loop = asyncio.get_running_loop()
        telemetry = Telemetry(settings.telemetry, clock=loop.time, warn=display.notice)
        telemetry.install()
        stack.push_async_callback(telemetry.aclose)
        with _named("--reply", options.reply):
            devices = open_devices(settings, bites, options.reply, services.tts.rate, self._sink_lost)
        recording: Recording | None = None
        if options.record:
            plain, rate = shareable(settings), services.tts.rate
            recording = Recording(options.record, plain, start=loop.time(), reply_rate=rate, warn=self._recording_lost)
            stack.push_async_callback(recording.aclose)
        ledgers: TextIO | None = None
        if options.json:
            with _named("--json", options.json):
                ledgers = options.json.open("w", encoding="utf-8")
            stack.callback(_close, ledgers)
        places = endpoints(settings)
        audience = Audience(
            display, telemetry.metrics, places, recording=recording, ledgers=ledgers, turn_over=self._turn_over
        )
        model, vad = SileroModel(), settings.microphone.vad
        recognizer = services.new_recognizer()
        parts = Parts(
            source=devices.source,
            asr=recognizer,
            detector=lambda emit: VoiceDetector(model, vad, emit),
            turns=TurnTaking(settings.turns),
            llm=services.llm,
            history=History(settings.llm.persona, settings.llm.history_tokens),
            tts=services.tts,
            phrases=services.phrases,
            sink=devices.sink,
            face=services.face,
            echo=devices.echo,
        )
        for part in (devices.source, recognizer, devices.sink):
            stack.push_async_callback(part.aclose)
        labels = Labels(settings.llm.model, settings.llm.backend, settings.asr.language, settings.tts.voice)
        span = telemetry.start_conversation(uuid.uuid4().hex, labels)
        stack.callback(span.end)
        display.header(options.config, {name: endpoint.target for name, endpoint in places.items()})
        for note in devices.notes:
            display.notice(note)
        self._audience = audience
        self._conversation = Conversation(parts, audience, span)
        gc.collect()
        gc.freeze()  # a full collection would walk all that was imported, which takes longer than a block lasts
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(telemetry.metrics.watch_loop())]
            if settings.telemetry.metrics_port:
                beside.append(group.create_task(watch_certificates(telemetry.metrics, places)))
            if isinstance(devices.source, Soundbite):
                beside.append(group.create_task(self._cue(devices.source, self._conversation)))
            with telemetry.metrics.session():
                await self._conversation.run()
            for task in beside:
                task.cancel()
        if devices.reply:
            display.notice(f"Her voice is in {devices.reply}.")

    def _turn_over(self, ledger: Ledger) -> None:
        self._turns += 1
        if ledger.outcome is Outcome.REPLIED:
            self._deaf_code = 0  # what broke has been mended
        if self._options.once:
            self.stop()

    async def _cue(self, source: Soundbite, conversation: Conversation) -> None:
        """Plays the next soundbite when the reply to the last one is over; ends the talk after the last reply."""
        loop = asyncio.get_running_loop()
        quiet_since, turns, begun = loop.time(), 0, 0
        while True:
            await asyncio.sleep(0.05)
            now = loop.time()
            over = len(source.spoken) > begun and now >= (source.spoken[-1].last_voiced or 0.0)
            if conversation.phase != "idle" or not over:
                quiet_since = now
                continue
            answered = self._turns > turns
            if now - quiet_since < (SETTLED_SECONDS if answered else UNANSWERED_SECONDS):
                continue
            if not answered:
                self._display.notice(f"{source.spoken[-1].bite.name}: nothing was understood.")
                self._exit_codes.append(1)  # a missed turn: whoever plays soundbites wants to know
            if not source.left:
                conversation.stop()
                return
            turns, begun = self._turns, len(source.spoken)
            source.cue()
