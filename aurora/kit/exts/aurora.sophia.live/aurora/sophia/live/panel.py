"""A small window: where to connect, how it goes, and a line to say or ask."""

from __future__ import annotations

from collections.abc import Callable

from omni import ui

WIDTH, HEIGHT = 380, 230


class Panel:
    """The window. ``connect(url)`` and ``disconnect()`` are its switch, ``command(name, text)`` what she is told."""

    def __init__(
        self,
        url: str,
        connect: Callable[[str], None],
        disconnect: Callable[[], None],
        command: Callable[[str, str], bool],
    ) -> None:
        self._url = ui.SimpleStringModel(url)
        self._text = ui.SimpleStringModel("")
        self._command = command
        self._window = ui.Window("Sophia", width=WIDTH, height=HEIGHT)
        with self._window.frame, ui.VStack(spacing=6, height=0):
            with ui.HStack(height=24, spacing=6):
                ui.Label("Server", width=60)
                ui.StringField(self._url)
            with ui.HStack(height=26, spacing=6):
                ui.Button("Connect", clicked_fn=lambda: connect(self._url.as_string.strip()))
                ui.Button("Disconnect", clicked_fn=disconnect)
            self._state = ui.Label("", word_wrap=True)
            self._turn = ui.Label("", word_wrap=True)
            with ui.HStack(height=24, spacing=6):
                ui.StringField(self._text)
            with ui.HStack(height=26, spacing=6):
                ui.Button("Say", tooltip="She says exactly this", clicked_fn=lambda: self._tell("say"))
                ui.Button("Ask", tooltip="She answers it", clicked_fn=lambda: self._tell("ask"))
                ui.Button("Stop her", clicked_fn=lambda: self._command("stop", ""))

    def _tell(self, name: str) -> None:
        if self._command(name, self._text.as_string):
            self._text.set_value("")

    def show(self, state: str, turn: str) -> None:
        """What the two lines say."""
        if self._state.text != state:
            self._state.text = state
        if self._turn.text != turn:
            self._turn.text = turn

    def destroy(self) -> None:
        """Closes the window."""
        self._window.destroy()
