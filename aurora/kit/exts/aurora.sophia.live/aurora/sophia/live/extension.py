"""The shell in Kit: settings, subscriptions and the window. All else is in :mod:`aurora.sophia.core`, without Kit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import carb
import carb.settings
import omni.ext
import omni.usd

from aurora.sophia.core.connection import Connection
from aurora.sophia.core.director import Director
from aurora.sophia.core.tools import Action, offer
from aurora.sophia.live import bus

NAME = "aurora.sophia"
"""Events are called ``aurora.sophia:turn``, commands ``aurora.sophia:command.say``."""

COMMANDS = {"say": "text", "ask": "text", "tell": "about", "stop": "", "look_at": "path"}
"""Each command and the key of its argument in the payload."""

PANEL_SECONDS = 0.2


def _timeline() -> Callable[[Action], None] | None:
    """What plays, pauses and stops the stage's animation; ``None`` in an application without a timeline."""
    try:
        import omni.timeline
    except ImportError:
        return None
    line = omni.timeline.get_timeline_interface()
    return lambda action: {"play": line.play, "pause": line.pause, "stop": line.stop}[action]()


class SophiaLiveExtension(omni.ext.IExt):
    """Her live face on the open stage."""

    def on_startup(self, ext_id: str) -> None:
        """Subscribes, opens the window where there is one, and connects if the settings say so."""
        self._director = Director(
            lambda: omni.usd.get_context().get_stage(),
            lambda name, payload: bus.send(f"{NAME}:{name}", payload),
            path=str(self._setting("anim_path") or ""),
            lip_offset=float(self._setting("lip_offset_ms") or 0.0) / 1000,
            timeline=_timeline(),
        )
        self._problem = ""
        self._panel_due = 0.0
        url = str(self._setting("url") or "")
        self._panel = self._make_panel(url)
        self._subscriptions: list[Any] = [bus.every_update(self._update)]
        for name, key in COMMANDS.items():
            self._subscriptions.append(bus.observe(f"{NAME}:command.{name}", self._handler(name, key)))
        if self._setting("autoconnect") and url:
            self.connect(url)

    def on_shutdown(self) -> None:
        """Gives the stage back; nothing stays."""
        self._subscriptions = []
        self._director.disconnect()
        if self._panel is not None:
            self._panel.destroy()
            self._panel = None

    def connect(self, url: str) -> None:
        """Connects to the runtime at ``url``, a ``ws:`` or ``wss:`` address."""
        first = [offer()] if self._setting("tools") else []
        self._director.connect(Connection(url, self._token(), str(self._setting("ca_file") or ""), first=first))

    def _setting(self, name: str) -> Any:
        return carb.settings.get_settings().get(f"/exts/aurora.sophia.live/{name}")

    def _token(self) -> str:
        """The key: from a file, so that it stands in no settings file of Kit, or from the environment."""
        path = os.path.expanduser(str(self._setting("key_file") or ""))
        if not path:
            return os.environ.get("SOPHIA_KEY", "")
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().strip()
        except OSError as error:
            carb.log_warn(f"[aurora.sophia.live] {path} cannot be read: {error.strerror or error}")
            return ""
        except ValueError:
            carb.log_warn(f"[aurora.sophia.live] {path} holds no key: it is no text")
            return ""

    def _handler(self, name: str, key: str) -> Any:
        def work(get: bus.Getter) -> None:
            if not self._director.command(name, str(get(key) or "") if key else ""):
                carb.log_warn(f"[aurora.sophia.live] {name}: not now; {self._state()}")

        return work

    def _make_panel(self, url: str) -> Any:
        try:
            from aurora.sophia.live.panel import Panel
        except ImportError:  # an application without windows
            return None
        return Panel(url, self.connect, self._director.disconnect, self._director.command)

    def _update(self) -> None:
        now = time.monotonic()
        self._director.update(now)
        if now >= self._panel_due:
            self._panel_due = now + PANEL_SECONDS
            self._tell()

    def _tell(self) -> None:
        state = self._state()
        if self._panel is not None:
            self._panel.show(state, self._turn())
        problem = self._director.problem or (self._director.connection.why if self._director.connection else "")
        if problem != self._problem:
            self._problem = problem
            if problem:
                carb.log_warn(f"[aurora.sophia.live] {problem}")

    def _state(self) -> str:
        connection = self._director.connection
        if connection is None:
            return "Not connected."
        if connection.state != "connected":
            return f"Connecting … {connection.why}".rstrip(" ")
        return f"Connected: {self._director.performance.floor}. {self._director.problem}".rstrip(" ")

    def _turn(self) -> str:
        performance = self._director.performance
        latency: float | None = performance.latency_ms
        silence = "" if latency is None else f"{latency:.0f} ms voice to voice. "
        return f"{silence}{performance.heard}"


__all__ = ["SophiaLiveExtension"]
