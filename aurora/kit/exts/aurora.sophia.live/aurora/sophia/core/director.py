"""What the extension does at every update, without Kit: the line, the performance and the face on the stage.

The stage, the clock and the bus are handed in, so all of it runs in a test with usd-core alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pxr import Usd

from aurora.sophia.core.connection import Connection, ask, say, stop, tell
from aurora.sophia.core.face import LiveFace, NoFace
from aurora.sophia.core.life import Life, direction
from aurora.sophia.core.performance import Performance
from aurora.sophia.core.tools import Action, StageTools

LOOK_FOR_A_FACE_SECONDS = 1.0
"""How often a stage without a face is looked through again: a traversal of a big stage takes a while."""


class Director:
    """Plays her on ``stage()``. ``announce`` is given the name and payload of what happens.

    ``timeline`` plays, pauses or stops the stage's animation, if the application has one.
    """

    def __init__(
        self,
        stage: Callable[[], Usd.Stage | None],
        announce: Callable[[str, Mapping[str, Any]], None],
        path: str = "",
        lip_offset: float = 0.0,
        *,
        seed: int = 0,
        timeline: Callable[[Action], None] | None = None,
    ) -> None:
        self.connection: Connection | None = None
        self.performance = Performance(lip_offset)
        self.problem = ""
        """Why she is not on the stage, in words; empty if she is."""
        self._stage = stage
        self._announce = announce
        self._path = path
        self._lip_offset = lip_offset
        self._life = Life(seed)
        self._face: LiveFace | None = None
        self._looked = -LOOK_FOR_A_FACE_SECONDS
        self._target = ""
        self._mood: dict[str, float] = {}
        self._tools = StageTools(stage, self._look_at, timeline)

    @property
    def face(self) -> LiveFace | None:
        """Her face on the stage, if there is one."""
        return self._face

    def connect(self, connection: Connection) -> None:
        """Ends the line there was, and listens to ``connection``."""
        self.disconnect()
        self.connection = connection
        self.performance = Performance(self._lip_offset)
        connection.start()

    def disconnect(self) -> None:
        """Ends the line, and gives the stage back."""
        if self.connection:
            self.connection.stop()
            self.connection = None
            if self.performance.floor in ("speaking", "ducked", "paused"):
                self._announce("stopped", {})
        self._leave()

    def command(self, name: str, argument: str) -> bool:
        """``say``, ``ask``, ``tell``, ``stop`` or ``look_at``; false if it cannot be done now, or is none of these."""
        if name == "look_at":
            self._look_at(argument)
            return True
        makers: dict[str, Callable[[], Sequence[dict[str, Any]]]] = {
            "say": lambda: say(argument),
            "ask": lambda: ask(argument),
            "tell": lambda: tell(argument),
            "stop": stop,
        }
        if self.connection is None or name not in makers or (name != "stop" and not argument.strip()):
            return False
        return all(self.connection.send(event) for event in makers[name]())

    def _look_at(self, path: str) -> None:
        self._target = path

    def update(self, now: float) -> None:
        """One update at ``now``, of the clock that the connection dates its events by."""
        if self.connection is None:
            return
        for arrived in self.connection.drain():
            if answer := self._tools.answer(arrived.event):
                self.connection.send(answer)
            for name, payload in self.performance.told(arrived.event, arrived.at):
                self._announce(name, payload)
        if (mood := self.performance.mood(now)) != self._mood:
            self._mood = mood
            self._announce("emotion", mood)
        if (face := self._find_face(now)) is not None:
            self._show(face, now)

    def _show(self, face: LiveFace, now: float) -> None:
        spoken = self.performance.weights(now)
        names, values = spoken if spoken else ((), ())
        looked_at = face.target(self._target) if self._target else None
        self._life.attend(self.performance.attention)
        while self.performance.nods:
            self._life.nod(now, *self.performance.nods.popleft())
        gaze = self._life.at(now, direction(*looked_at) if looked_at else None)
        face.apply(names, values, gaze.lid, gaze.brows)
        face.turn((gaze.eye_yaw, gaze.eye_pitch), (gaze.head_yaw, gaze.head_pitch))

    def _find_face(self, now: float) -> LiveFace | None:
        stage = self._stage()
        if self._face is not None and stage is not None and self._face.stage == stage and self._face.there:
            return self._face
        self._leave()
        if stage is None:
            self.problem = "no stage is open"
        elif now - self._looked >= LOOK_FOR_A_FACE_SECONDS:
            self._looked = now
            try:
                self._face, self.problem = LiveFace(stage, self._path), ""
            except NoFace as error:
                self.problem = str(error)
        return self._face

    def _leave(self) -> None:
        if self._face:
            self._face.detach()
            self._face = None
            self._looked = -LOOK_FOR_A_FACE_SECONDS
