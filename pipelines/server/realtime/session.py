"""The session as it is in force, and what a client may change of it. Pure.

An update is applied in parts: what is understood takes effect at once, what is not is named, and nothing is dropped
with it. Only what a client gives changes, however deep it stands; ``null`` brings a default back. The echo tells what
is really in force, never what was wished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from nova.tools import Toolbox
from pipelines.server.realtime.detection import TurnDetection
from pipelines.server.realtime.formats import Format
from pipelines.server.realtime.orders import instructions, tokens, written
from pipelines.server.realtime.reading import Refused, clean, number
from pipelines.server.realtime.schema import EXTENSIONS, RESUME
from pipelines.server.realtime.tools import fitting, read_choice, read_tools, written_choice, written_tools
from sophia.floor_policy import FloorPolicy

VERSION: Final = 1
"""Version of the ``sophia.*`` events and fields."""

LEAST_LEAD_MS, MOST_LEAD_MS = 40.0, 2_000.0
KEPT: Final = ("lead_ms", "headphones", "cancel_echo", "own_tools", "announcements")
"""What of ``sophia`` a session has that takes up another one."""

ANSWERED: Final = ("response.create", "conversation.item.create", "sophia.say", "sophia.ask")
"""Events that ask for an answer, or are for one."""
MOST_IGNORED: Final = 100
"""Fields that are named as ignored at most."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of an update that cannot be applied, for an ``error`` event."""

    message: str
    code: str
    param: str


class Session:
    """One session's settings. ``interrupts`` says whether a voice stops her, ``instructions`` whether a client may
    tell her how to speak, ``tools`` whether it may bring tools of its own, ``cancels`` whether the server can keep her
    voice out of its microphone's sound. ``tracks``: sound goes beside the events, so its format and its lead are no
    business of theirs."""

    def __init__(
        self,
        session_id: str,
        *,
        model: str,
        voice: str,
        language: str,
        role: str,
        interrupts: bool,
        instructions: bool,
        tools: bool,
        cancels: bool,
        extensions: Iterable[str],
        lead_ms: float,
        told: Mapping[str, Any],
        tracks: bool = False,
    ) -> None:
        self.id = session_id
        self.tracks = tracks
        self.input_format = self.output_format = Format()
        self.instructions = ""
        self.transcribes = False
        """She only listens: there are no responses."""
        self.written = False
        """She writes, and says nothing."""
        self.most_tokens: int | None = None
        self.voice = voice
        self.lead_ms = self._usual_lead = lead_ms
        self.headphones = self.cancel_echo = False
        self.own_tools = True
        """Replies may call the runtime's own tools beside the client's."""
        self.announcements = True
        """She tells here what programs want told to everybody."""
        self.may_cancel = cancels
        self.extensions: tuple[str, ...] = ()
        self.tools = Toolbox()
        self.takes_tools = tools
        self.may_instruct = instructions
        self._model, self._language, self._role = model, language, role
        self._told = dict(told)
        self.changes = 0
        """Counts updates."""
        self._ignored: list[str] = []
        self._problems: list[Problem] = []
        self._extend(list(extensions))
        path = "audio.input.turn_detection"
        self.detection = TurnDetection(
            interrupts,
            lambda below: self._ignore(f"{path}{below}"),
            lambda below, message, code: self._wrong(f"{path}{below}", message, code),
        )
        made = {
            "output_modalities": lambda value: self._read("written", "output_modalities", value, written),
            "max_output_tokens": lambda value: self._read("most_tokens", "max_output_tokens", value, tokens),
        }
        carried: dict[str, Callable[[Any], None]] = {
            "sophia.lead_ms": self._set_lead,
            "audio.input.format": lambda value: self._set_format("input", value),
            "audio.output.format": lambda value: self._set_format("output", value),
        }
        self._settable: dict[str, Callable[[Any], None]] = {
            "type": self._set_type,
            "extensions": self._extend,
            "sophia.headphones": lambda value: self._switch("headphones", value),
            "sophia.cancel_echo": self._set_cancel_echo,
            "sophia.own_tools": lambda value: self._switch("own_tools", value is None or value),
            "sophia.announcements": lambda value: self._switch("announcements", value is None or value),
            "sophia.resume": lambda value: None,  # was taken up before everything else of the update
            "instructions": self._set_instructions,
            "tools": self._set_tools,
            "tool_choice": self._set_choice,
            path: self._set_detection,
            **({} if role == "watch" else made),
            **({} if tracks else carried),
        }

    def in_force(self, now_ms: float) -> dict[str, Any]:
        """The whole effective session. Fields without a value are left out: some validators take no ``null``."""
        whole = self._whole(now_ms)
        if not self.transcribes:
            return whole
        whole |= {"type": "transcription", "object": "realtime.transcription_session"}
        whole["audio"] = {"input": whole["audio"]["input"]}
        return {name: whole[name] for name in ("type", "object", "id", "audio", "extensions", "sophia")}

    def _whole(self, now_ms: float) -> dict[str, Any]:
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": self._model,
            "output_modalities": ["text" if self.written else "audio"],
            "instructions": self.instructions,
            "tools": written_tools(self.tools.specs),
            "tool_choice": written_choice(self.tools.choice),
            "max_output_tokens": self.most_tokens or "inf",
            "truncation": "auto",
            "audio": {
                "input": {
                    "format": self.input_format.told(),
                    "transcription": {"model": self._model, "language": self._language or None},
                    "turn_detection": self.detection.in_force(),
                },
                "output": {"format": self.output_format.told(), "voice": self.voice, "speed": 1.0},
            },
            "extensions": list(self.extensions),
            "sophia": {
                "version": VERSION,
                "ignored": list(self._ignored),
                "role": self._role,
                "lead_ms": self.lead_ms,
                "headphones": self.headphones,
                "cancel_echo": self.cancel_echo,
                "own_tools": self.own_tools,
                "announcements": self.announcements,
                "now_ms": round(now_ms, 3),
                **self._told,
            },
        }

    def update(self, wished: Mapping[str, Any]) -> list[Problem]:
        """Applies what of an update can be applied, and says what is wrong with the rest."""
        self._ignored, self._problems = [], []
        self.changes += 1
        first = {name: wished[name] for name in ("tools",) if name in wished}  # a choice may name one of them
        self._merge(first | dict(wished), self._whole(0.0), "")
        return self._problems

    def wishes(self) -> dict[str, Any]:
        """An update that makes a new session like this one."""
        whole = self._whole(0.0)
        made = ("output_modalities", "instructions", "tools", "tool_choice", "max_output_tokens", "extensions")
        heard, voice = whole["audio"]["input"], whole["audio"]["output"]
        return {
            "type": "transcription" if self.transcribes else "realtime",
            **{name: whole[name] for name in made},
            "audio": {
                "input": {name: heard[name] for name in ("format", "turn_detection")},
                "output": {"format": voice["format"]},
            },
            "sophia": {name: whole["sophia"][name] for name in KEPT},
        }

    def _merge(self, wished: Mapping[str, Any], present: Mapping[str, Any], above: str) -> None:
        for name, value in wished.items():
            path, is_there = f"{above}{name}", present.get(name)
            if path in self._settable:
                self._settable[path](value)
            elif isinstance(value, Mapping) and isinstance(is_there, Mapping):
                self._merge(value, is_there, f"{path}.")
            elif value != is_there and not (name not in present and value in (None, "", [], {})):
                self._ignore(path)

    def _ignore(self, path: str) -> None:
        if len(self._ignored) < MOST_IGNORED:
            self._ignored.append(clean(path)[:100])

    def _wrong(self, path: str, message: str, code: str = "invalid_value") -> None:
        self._problems.append(Problem(message, code, f"session.{path}"))

    def _set_type(self, value: Any) -> None:
        if value not in ("realtime", "transcription") or (value == "transcription" and self._role == "watch"):
            self._wrong("type", "A session is of type 'realtime' or 'transcription', and who watches has the first.")
        else:
            self.transcribes = value == "transcription"

    def must_serve(self, kind: str) -> None:
        """Refuses a client's event that a session which only transcribes has no use for."""
        if self.transcribes and kind in ANSWERED:
            raise Refused("This session transcribes; it makes no responses.", "transcription_session", "type")

    def policy(self) -> FloorPolicy:
        """How the floor is shared: where she only transcribes, nobody is answered and nothing is kept."""
        policy = self.detection.policy()
        return replace(policy, answers=False, remembers=False, idle=None) if self.transcribes else policy

    def _set_lead(self, value: Any) -> None:
        if value is None:
            self.lead_ms = self._usual_lead
        elif (lead := number(value)) is None:
            self._wrong("sophia.lead_ms", "lead_ms is a number of milliseconds.", "invalid_type")
        else:
            self.lead_ms = min(max(lead, LEAST_LEAD_MS), MOST_LEAD_MS)

    def _switch(self, name: str, value: Any) -> None:
        if value is None or isinstance(value, bool):
            setattr(self, name, bool(value))
        else:
            self._wrong(f"sophia.{name}", f"{name} is true or false.", "invalid_type")

    def _set_cancel_echo(self, value: Any) -> None:
        if value is True and not self.may_cancel:
            self._ignore("sophia.cancel_echo")
        else:
            self._switch("cancel_echo", value)

    def _set_instructions(self, value: Any) -> None:
        if isinstance(value, str) and not self.may_instruct:
            if value:
                self._ignore("instructions")
            return
        self._read("instructions", "instructions", value, instructions)

    def _read(self, name: str, path: str, value: Any, read: Callable[[object, str], Any]) -> None:
        """Sets what is read of a value."""
        try:
            setattr(self, name, read(value, path))
        except Refused as no:
            self._wrong(path, no.message, no.code)

    def _set_detection(self, value: Any) -> None:
        if self._role == "watch":  # the conversation is somebody else's
            if value != self.detection.in_force():
                self._ignore("audio.input.turn_detection")
        else:
            self.detection.update(value)

    def _extend(self, value: Any) -> None:
        if value is not None and not isinstance(value, list):
            self._wrong("extensions", "extensions is a list of names.", "invalid_type")
            return
        wished = value or []
        offered = [name for name in EXTENSIONS if name != RESUME or self._role == "talk"]
        self.extensions = tuple(name for name in offered if name in wished)
        for name in wished:
            if name not in offered:
                self._ignore(f"extensions.{name}" if isinstance(name, str) else "extensions")

    def _set_tools(self, value: Any) -> None:
        if not self.takes_tools:
            if value:
                self._ignore("tools")
            return
        try:
            specs, others = read_tools(value, "session.tools")
        except Refused as no:
            self._problems.append(Problem(no.message, no.code, no.param or "session.tools"))
            return
        self.tools = Toolbox(specs, fitting(self.tools.choice, specs))
        for path in others:
            self._ignore(path.removeprefix("session."))

    def _set_choice(self, value: Any) -> None:
        if not self.takes_tools:
            if value not in (None, "auto"):
                self._ignore("tool_choice")
            return
        try:
            self.tools = Toolbox(self.tools.specs, read_choice(value, self.tools.specs, "session.tool_choice"))
        except Refused as no:
            self._problems.append(Problem(no.message, no.code, no.param or "session.tool_choice"))

    def _set_format(self, way: str, value: Any) -> None:
        present: Format = getattr(self, f"{way}_format")
        try:
            updated, ignored = present.updated(value, f"audio.{way}.format")
        except Refused as no:
            self._wrong(no.param or "", no.message, no.code)
            return
        setattr(self, f"{way}_format", updated)
        for path in ignored:
            self._ignore(path)
