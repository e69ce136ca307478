"""She begins: a greeting once she can hear, unless the user was quicker or goes on with an earlier conversation."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.conversation.events import Happening, Listening, Remembered
from pipelines.conversation.observers import Observer
from pipelines.settings.greeting import GreetingSettings
from sophia.decisions import Begin
from sophia.events import AskRequested, SayRequested


class Greeting(Observer):
    """Greets once, by ``settings``, with an event that it hands to ``tell``."""

    def __init__(self, settings: GreetingSettings, tell: Callable[[SayRequested | AskRequested], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._due = bool(settings.say or settings.ask)

    def told(self, happening: Happening) -> None:
        if not self._due:
            return
        by_user = isinstance(happening, Begin) and happening.origin != "agent"
        if by_user or isinstance(happening, Remembered):
            self._due = False
        elif isinstance(happening, Listening):
            self._due = False
            if self._settings.say:
                self._tell(SayRequested(at=happening.at, text=self._settings.say))
            elif self._settings.ask:
                self._tell(AskRequested(at=happening.at, about=self._settings.ask, order=True))
