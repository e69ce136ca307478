"""Shows a conversation on a display: an observer that knows what of it people want to see."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.conversation.events import (
    ClauseSkipped,
    DeviceBack,
    DeviceLost,
    EarsBack,
    EarsLost,
    Failed,
    Happening,
    Levels,
    Listening,
    Phase,
    PhaseChanged,
    Reading,
    ReplyText,
    Retrying,
    TurnEnded,
    UserText,
)
from pipelines.conversation.observers import Observer
from pipelines.failures import Place, explain
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.terminal.display import Display, State
from pipelines.terminal.repeats import Repeats
from pipelines.terminal.tools import ToolLines
from sophia.decisions import Announce, Commit, Say, Start, Switch
from sophia.events import Stopped
from sophia.languages import language as table

_STATES: Mapping[Phase, State] = {
    "idle": State.LISTENING,
    "hearing": State.HEARING,
    "thinking": State.THINKING,
    "speaking": State.SPEAKING,
    "paused": State.INTERRUPTED,
}


class Shown(Observer):
    """Shows everything on ``display``. ``places`` lets a failure say where its service is."""

    def __init__(self, display: Display, places: Mapping[str, Place]) -> None:
        self._display = display
        self._places = places
        self._reply = ""
        self._failures = Repeats()
        self._retries = Repeats()
        self._tools = ToolLines()
        self._phase: Phase = "idle"
        self._deaf: Exception | None = None
        self._told_deaf = False

    def told(self, happening: Happening) -> None:
        display = self._display
        for repeats in (self._failures, self._retries):
            for line in repeats.counted(happening.at, ending=isinstance(happening, Stopped)):
                display.notice(line)
        match happening:
            case PhaseChanged(phase=phase):
                self._phase = phase
                self._show_state()
            case UserText(text=text):
                display.partial(text)
            case Commit(text=text):
                display.final(text)
            case Start() | Say():
                self._reply = ""
            case ReplyText(delta=delta):
                self._reply += delta
                display.reply(self._reply, 0)
            case TurnEnded(ledger=ledger):
                if _worth_a_line(ledger):
                    display.turn(ledger)
            case Failed(at=at, service=service, error=error, again=True):
                self._trouble(at, service, error)
            case Failed(at=at, service=service, error=error, fatal=fatal):
                failure = explain(error, service, self._places.get(service))
                new = self._failures.is_new(service, failure.kind, failure.line, at)
                if new or fatal:  # the last line says why the conversation ends
                    display.error(failure.line, failure.hint)
            case Listening():
                self._show_state()
                display.hears()
            case DeviceLost(service=service, error=error):
                display.notice(f"{explain(error, service).line} She goes on and looks for it.")
            case DeviceBack(service=service):
                display.notice(f"The {service} is back.")
            case Retrying(at=at, service=service, error=error):
                self._trouble(at, service, error)
            case ClauseSkipped(text=text, error=error):
                line = explain(error, "tts", self._places.get("tts")).line
                display.notice(f"Left out, for the voice cannot say it: “{text}”. {line}")
            case EarsLost(error=error):
                self._deaf = error
                self._show_state()
            case Announce() if self._deaf:
                self._told_deaf = True
                display.notice(f"{explain(self._deaf, 'asr', self._places.get('asr')).line} She waits for her ears.")
            case Switch(language=language, heard=heard) if heard:
                display.notice(
                    f"You speak {heard}, and she has no voice for it: she goes on in {table(language).name}. "
                    "tts.by_language gives her one."
                )
            case EarsBack():
                if self._told_deaf:
                    display.notice("She can hear you again.")
                self._deaf, self._told_deaf = None, False
                self._show_state()
            case _:
                pass
        for line in self._tools.of(happening):
            display.notice(line)

    def _trouble(self, at: float, service: str, error: Exception) -> None:
        failure = explain(error, service, self._places.get(service))
        line = f"{failure.line} Trying again."
        if self._retries.is_new(service, failure.kind, line, at):
            self._display.notice(line)

    def _show_state(self) -> None:
        deaf = self._deaf is not None and self._phase in ("idle", "hearing")
        self._display.state(State.DEAF if deaf else _STATES[self._phase])

    def metered(self, reading: Reading) -> None:
        if isinstance(reading, Levels):
            self._display.levels(reading.user, reading.agent)
        else:
            self._display.reply(self._reply, _reach(self._reply, reading.text))


def _reach(reply: str, heard: str) -> int:
    """How far into her reply the words that were heard go; some of it may have been left out."""
    at = 0
    for word in heard.split():
        if (found := reply.find(word, at)) < 0:
            break
        at = found + len(word)
    return at


def _worth_a_line(ledger: Ledger) -> bool:
    """Noises come to nothing all the time, and a piece that was joined shows in the turn that it belongs to."""
    return ledger.outcome is not Outcome.JOINED and (ledger.outcome is not Outcome.DROPPED or bool(ledger.user))
