"""Where a replayed conversation's session comes from: a runtime with real services, or simulated ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pipelines.conversation.events import EarsLost, Happening, Retrying
from pipelines.conversation.observers import Observer
from pipelines.records.results import Unit
from pipelines.scenarios.caller import Caller
from pipelines.simulation.services import SimulatedComponents
from pipelines.talk.runtime import SOUNDBITE_PATIENCE, Runtime
from pipelines.talk.session import Session
from sophia.sinks import NullSink


class Sessions(Protocol):
    """Makes sessions. ``reply_rate`` is the voice's, in Hz; ``language`` is what turn taking listens for."""

    @property
    def reply_rate(self) -> int: ...

    @property
    def language(self) -> str: ...

    def session(self, caller: Caller, unit: Unit, observers: Sequence[Observer]) -> Session:
        """A session of this caller. It is closed by running it."""
        ...


class LiveSessions:
    """Sessions of a runtime. The voice is played to nobody, in real time; ``note`` is told of streams that broke."""

    def __init__(self, runtime: Runtime, note: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._note = note
        self.reply_rate = runtime.reply_rate
        self.language = runtime.settings.turns.language

    def session(self, caller: Caller, unit: Unit, observers: Sequence[Observer]) -> Session:
        return self._runtime.session(
            caller,
            NullSink(),
            [*observers, _Troubles(self._note)],
            provenance=self._runtime.provenance("replay"),
            patience=SOUNDBITE_PATIENCE,
        )


class _Troubles(Observer):
    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def told(self, happening: Happening) -> None:
        if isinstance(happening, EarsLost | Retrying):
            service = happening.service if isinstance(happening, Retrying) else "asr"
            self._note(f"{service}: {happening.error or type(happening.error).__name__}; trying again")


class SimulatedSessions:
    """Sessions without sockets, threads and wall clock."""

    def __init__(self, components: SimulatedComponents) -> None:
        self._components = components
        self.reply_rate = components.settings.tts.rate
        self.language = components.settings.turns.language

    def session(self, caller: Caller, unit: Unit, observers: Sequence[Observer]) -> Session:
        return Session(self._components.components(caller, unit), observers)
