"""The voice loop's run: from settings and options to an exit code; whatever fails is shown, nothing is raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pipelines.command.stopping import until_stopped
from pipelines.conversation.events import (
    DeviceBack,
    DeviceLost,
    EarsBack,
    EarsLost,
    Failed,
    Happening,
    Retrying,
    TurnEnded,
)
from pipelines.conversation.observers import Observer
from pipelines.failures import EXIT_CODES, Place, StageFailed, blamed, explain
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.services.found_model import servers_beside
from pipelines.settings.layers import SettingsError
from pipelines.settings.model import Settings, shareable
from pipelines.settings.outputs import shown
from pipelines.takes.writer import TakeWriter
from pipelines.talk.cueing import cue_in_turn
from pipelines.talk.devices import Bites, Devices, open_devices, read_bites
from pipelines.talk.face_stream import FaceStream
from pipelines.talk.ledger_lines import LedgerLines
from pipelines.talk.runtime import DEVICE_PATIENCE, SOUNDBITE_PATIENCE, Runtime
from pipelines.talk.session import Session
from pipelines.telemetry.ledger import Outcome
from pipelines.terminal.display import Display
from pipelines.terminal.observer import Shown
from sophia.decisions import Announce, Commit, Notify, Say
from sophia.resting import RestingSource
from sophia.soundbite import Soundbite


class Beside(Protocol):
    """Something that runs beside the conversation, such as her page; it gives those who are to watch."""

    def __call__(
        self,
        runtime: Runtime,
        rest: Callable[[bool], None],
        say: Callable[[str], None],
        session: Callable[[], Session | None],
    ) -> AbstractAsyncContextManager[Sequence[Observer]]:
        """``rest`` is told whether the microphone is to rest, ``say`` lines for people; ``session`` may give None."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for beside the settings."""

    config: str
    soundbites: tuple[Path, ...] = ()
    once: bool = False
    json: Path | None = None
    reply: Path | None = None
    record: Path | None = None


async def talk(settings: Settings, options: Options, display: Display, beside: Beside | None = None) -> int:
    """Holds a conversation until it ends, ``beside`` something else, and returns the exit code."""
    run = VoiceLoop(settings, options, display, beside)
    return await until_stopped(run.run(), run.stop, last=display.close)  # else a terminal is left without its cursor


class _Outcomes(Observer):
    """Counts turns and remembers the worst exit code; nothing here grows with the number of turns."""

    def __init__(self, places: Mapping[str, Place], answered: Callable[[], None]) -> None:
        self.turns = 0
        self.exit_code = 0
        self._places = places
        self._answered = answered
        self._deaf_code = 0
        self._mended_code = 0
        self._unasked = 0
        self._lost: dict[str, int] = {}

    @property
    def deaf(self) -> bool:
        """Whether her ears are away."""
        return self._deaf_code != 0

    @property
    def worst(self) -> int:
        """The exit code that these events ask for."""
        return max(self.exit_code, self._deaf_code, self._mended_code, *self._lost.values())

    def told(self, happening: Happening) -> None:
        match happening:
            case TurnEnded(ledger=ledger) if ledger.outcome not in (Outcome.DROPPED, Outcome.JOINED, Outcome.KEPT):
                if ledger.outcome is Outcome.REPLIED:
                    self._mended_code = 0  # what broke has been mended
                if ledger.turn != self._unasked:
                    self.turns += 1
                    self._answered()
            case Announce(turn=turn) | Notify(turn=turn) | Say(turn=turn) | Commit(turn=turn, unasked=True):
                self._unasked = turn  # she spoke by herself, which answers nobody
            case Failed(service=service, error=error, again=True) | Retrying(service=service, error=error):
                self._mended_code = explain(error, service, self._places.get(service)).exit_code
            case Failed(service=service, error=error):
                self.exit_code = max(self.exit_code, explain(error, service, self._places.get(service)).exit_code)
            case EarsLost(error=error):
                self._deaf_code = explain(error, "asr", self._places.get("asr")).exit_code
            case EarsBack():
                self._deaf_code = 0
            case DeviceLost(service=service, error=error):
                self._lost[service] = explain(error, service).exit_code
            case DeviceBack(service=service):
                self._lost.pop(service, None)
            case _:
                pass


class VoiceLoop:
    """One run; :meth:`run` returns the exit code."""

    def __init__(self, settings: Settings, options: Options, display: Display, beside: Beside | None = None) -> None:
        self._settings = settings
        self._options = options
        self._display = display
        self._beside = beside
        self._session: Session | None = None
        self._outcomes: _Outcomes | None = None
        self._exit_code = 0

    def stop(self) -> bool:
        """Ends the conversation; false if there is none yet."""
        if self._session:
            self._session.stop()
        return self._session is not None

    async def run(self) -> int:
        """The whole run."""
        try:
            bites = read_bites(self._options.soundbites)  # first, for a mistake should not have to wait for services
            sessions = 1 + (self._settings.server.sessions if self._beside else 0)
            runtime = Runtime(self._settings, sessions=sessions, notice=self._display.notice)
            try:
                async with runtime:
                    await self._converse(runtime, bites)
            finally:
                self._settings = runtime.settings  # where embedded services are, or were when they failed
        except StageFailed as failure:  # a conversation that began has told its observers, and so the display
            await self._tell(failure.service, failure.cause, told=self._session is not None)
        except Exception as error:
            await self._tell(*blamed(error, "voice loop"))
        return max(self._exit_code, self._outcomes.worst if self._outcomes else 0)

    async def _tell(self, service: str, error: Exception, *, told: bool = False) -> None:
        place = endpoints(self._settings).get(service)
        failure = explain(error, service, place) if told else await diagnose(error, service, place)
        if not told:
            self._display.error(failure.line, failure.hint)
        self._blame(failure.exit_code)

    def _blame(self, exit_code: int) -> None:
        self._exit_code = max(self._exit_code, exit_code)

    async def _converse(self, runtime: Runtime, bites: Bites) -> None:
        options, display = self._options, self._display
        loop = asyncio.get_running_loop()
        places = endpoints(runtime.settings)
        async with AsyncExitStack() as stack:
            with _named("--reply", options.reply):
                devices = open_devices(runtime.settings, bites, options.reply, runtime.reply_rate, self._device)
            outcomes = self._outcomes = _Outcomes(places, self._answered)
            soundbites = isinstance(devices.source, Soundbite)
            provenance = runtime.provenance("soundbite" if soundbites else "microphone")
            kept = runtime.keeping.keep(provenance)
            stack.push_async_callback(kept.aclose)
            observers: list[Observer] = [outcomes, Shown(display, places), kept]
            if options.record:
                take = TakeWriter(
                    options.record,
                    shareable(runtime.settings),
                    start=loop.time(),
                    reply_rate=runtime.reply_rate,
                    provenance=replace(provenance, consent="sound"),  # who asks for it agrees to it
                    warn=self._take_lost,
                )
                stack.push_async_callback(self._close_take, take)
                observers.append(take)
                if take.open_to_others:
                    display.notice(f"{options.record} is open to others; the files of the recording are not.")
            if options.json:
                with _named("--json", options.json):
                    lines = LedgerLines(options.json, provenance, self._ledgers_lost)
                stack.callback(lines.close)
                observers.append(lines)
            if target := runtime.settings.face.stream:
                observers.append(await stack.enter_async_context(FaceStream(target, display.notice)))
            display.header(options.config, {name: endpoint.target for name, endpoint in places.items()})
            for note in (*devices.notes, *await servers_beside(runtime.settings)):
                display.notice(note)
            if kept.recording:
                display.notice(f"This conversation is recorded (insights.consent), into {kept.folder}.")
                if isinstance(devices.source, Soundbite):
                    devices.source.hold()  # she says so first
            if lost := runtime.faceless:
                display.error(lost.line, f"She goes on without a face. {lost.hint}")
            microphone = RestingSource(devices.source)
            if self._beside:
                beside = self._beside(
                    runtime, lambda resting: self._rest(microphone, resting), display.notice, lambda: self._session
                )
                observers += await stack.enter_async_context(beside)
            self._session = runtime.session(
                microphone,
                devices.sink,
                observers,
                echo=devices.echo,
                cue=devices.cue,
                provenance=provenance,
                recorded=kept.recording,
                patience=SOUNDBITE_PATIENCE if soundbites else DEVICE_PATIENCE,
            )
            await self._hold(self._session, devices, outcomes)
        if devices.reply:
            display.notice(f"Her voice is in {shown(devices.reply)}.")

    async def _hold(self, session: Session, devices: Devices, outcomes: _Outcomes) -> None:
        lost: StageFailed | None = None
        async with asyncio.TaskGroup() as group:
            cue: asyncio.Task[None] | None = None
            if isinstance(devices.source, Soundbite):
                cue = group.create_task(self._cue(devices.source, session, outcomes))
            try:
                await session.run()
            except StageFailed as failure:
                lost = failure
            finally:
                if cue:
                    cue.cancel()
        if lost:
            raise lost

    def _rest(self, microphone: RestingSource, resting: bool) -> None:
        if resting == microphone.resting:
            return
        microphone.resting = resting
        what = (
            "Somebody talks to her in a page; this microphone rests." if resting else "This microphone is open again."
        )
        self._display.notice(what)

    def _answered(self) -> None:
        if self._options.once and self._session:
            self._session.stop()

    async def _close_take(self, take: TakeWriter) -> None:
        await take.aclose()
        if take.refused:
            self._display.notice(f"The recording lacks {take.refused} pieces: the disk was too slow for them.")

    def _take_lost(self, line: str) -> None:
        self._blame(EXIT_CODES["disk"])
        self._display.error(f"{line[:1].upper()}{line[1:]}.")

    def _ledgers_lost(self, error: OSError) -> None:
        self._blame(EXIT_CODES["disk"])
        self._display.error(
            f"The ledgers cannot be written: {error.strerror or error}.", "What was written before is kept."
        )

    def _device(self, event: DeviceLost | DeviceBack | Failed) -> None:
        if self._session:
            self._session.tell(event)

    async def _cue(self, source: Soundbite, session: Session, outcomes: _Outcomes) -> None:
        def busy() -> bool:
            return session.phase != "idle" or outcomes.deaf  # ears that come back hear what was said meanwhile

        def unanswered(line: str) -> None:
            self._display.notice(line)
            self._blame(1)  # a missed turn: whoever plays soundbites wants to know

        await cue_in_turn(source, busy, lambda: outcomes.turns, unanswered)
        session.stop()


@contextmanager
def _named(option: str, path: Path | None) -> Iterator[None]:
    """Blames a file that cannot be written on the option that named it."""
    try:
        yield
    except OSError as error:
        named = f" {shown(path)}" if path else ""
        raise SettingsError([f"{option}{named}: it cannot be written ({error.strerror or error})"]) from error
