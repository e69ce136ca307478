"""NVIDIA's open network as an engine of the service: the model, a pace that this machine keeps, and a solver a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from pipelines.embedded.face.engine import FPS, Frames
from pipelines.embedded.face.features import RATE, Floats
from pipelines.embedded.face.moods import Mood
from pipelines.embedded.face.network.folder import Folder, ModelUnusable
from pipelines.embedded.face.network.layout import Layout
from pipelines.embedded.face.network.model import Model
from pipelines.embedded.face.network.parameters import RANGES, Parameters
from pipelines.embedded.face.network.poses import Poses
from pipelines.embedded.face.network.session import Session
from pipelines.embedded.face.network.windows import Windows
from pipelines.embedded.face.wishes import Finish, Wishes
from pipelines.settings.network import NetworkSettings, Rate

GROUPS = ("active_poses", "cancel_poses", "symmetry_poses")

SHARE = 0.8
"""The part of a second that the network may take for a second of sound; the rest is for solves, and for others."""


class NetworkEngine:
    """An :class:`~pipelines.embedded.face.engine.Engine` of the model in ``folder``, run as ``options`` say.

    Opening it takes seconds and blocks. Raises :class:`~pipelines.embedded.face.network.folder.ModelUnusable` for a
    folder, an onnxruntime or a machine that will not do.
    """

    def __init__(self, folder: Path, options: NetworkSettings | None = None) -> None:
        options = options or NetworkSettings()
        files = Folder.find(folder)
        layout = Layout.read(files.info)
        if options.verify:
            files.verify(layout.actor, layout.version)
        self.model = Model(files, layout)
        self.session = Session(files.network, layout, options.provider, options.threads)
        self.milliseconds = self.session.measure()
        self.fps = chosen(self.milliseconds, options.fps, self._title)
        self.tongue = options.tongue
        self.names = self.model.skin.shapes + (self.model.tongue.shapes if options.tongue else ())
        self._parts = [self.model.skin, self.model.tongue] if options.tongue else [self.model.skin]
        self.multipliers = np.concatenate([part.multipliers for part in self._parts])
        self.offsets = np.concatenate([part.offsets for part in self._parts])
        self._parameters = self.model.parameters
        usual = self._parameters.wished(Wishes())  # within NVIDIA's ranges
        Poses(self.model, usual, tongue=options.tongue)  # folds now what the first clip would wait for

    @property
    def _title(self) -> str:
        layout = self.model.layout
        return f"{layout.actor.capitalize()} v{layout.version.removeprefix('v')} on {self.session.place}"

    def solver(self, rate: int, wishes: Wishes, mood: Mood) -> _Clip:
        return _Clip(self, rate, wishes, mood)

    def about(self) -> dict[str, object]:
        pace = f"{self.fps} frames a second"
        if self.fps < FPS:
            pace = f"too slow for {FPS} a second; network at {self.fps} a second, the frames between interpolated"
        if self.milliseconds * self.fps > 1000.0 * SHARE:
            pace += ", and too slow for that"
        return {"notice": f"{self._title}: {self.milliseconds:.0f} ms a frame, {pace}"}

    def stylization(self) -> dict[str, Any]:
        layout, p = self.model.layout, self._parameters
        exported = {"eyelid_open_offset": "eyelid_offset", "lip_open_offset": "lip_close_offset"}
        face = {exported.get(name, name): getattr(p, name) for name in ("input_strength", *RANGES)}
        return {
            "inference_type": "regression",
            "regression_model": {"inference_model_id": f"{layout.actor.lower()}_v{layout.version.removeprefix('v')}"},
            "face_params": face,
            "blendshape_params": {
                "enable_clamping_bs_weight": False,
                "weight_multipliers": self._named(self.multipliers),
                "weight_offsets": self._named(self.offsets),
                **{key: self._named(np.concatenate([part.groups[key] for part in self._parts])) for key in GROUPS},
            },
        }

    def _named(self, values: NDArray[Any]) -> dict[str, float]:
        return dict(zip(self.names, values.tolist(), strict=True))


def chosen(milliseconds: float, wanted: Rate, title: str) -> int:
    """Frames a second that the network is run for; raises :class:`ModelUnusable` where not even 15 can be kept."""
    if wanted != "auto":
        return int(wanted)
    for fps in (FPS, FPS // 2):
        if milliseconds * fps <= 1000.0 * SHARE:
            return fps
    raise ModelUnusable(
        f"{title}: {milliseconds:.0f} ms a frame, too slow even for {FPS // 2} a second; use a GPU "
        "(face.network.provider: cuda) or the small lips (leave face.network.folder empty)"
    )


class _Clip:
    """The solver of one clip."""

    def __init__(self, engine: NetworkEngine, rate: int, wishes: Wishes, mood: Mood) -> None:
        self._engine, self._rate, self._mood = engine, rate, mood
        self._resample = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="LQ") if rate != RATE else None
        parameters: Parameters = engine.model.parameters.wished(wishes)
        self._strength = np.float32(parameters.input_strength)
        self._windows = Windows(engine.model.layout, engine.fps)
        self._poses = Poses(engine.model, parameters, tongue=engine.tongue)
        self._finish = Finish(engine.names, wishes, engine.multipliers, engine.offsets)
        self._between = Between(FPS // engine.fps)
        self._samples = 0
        self._asked = 0  # frames of the network

    def push(self, pcm: NDArray[np.int16]) -> Iterator[Frames]:
        self._samples += len(pcm)
        self._hear(pcm.astype(np.float32) / 32768.0, last=False)
        return self._solved()

    def finish(self) -> Iterator[Frames]:
        self._hear(np.zeros(0, np.float32), last=True)
        self._windows.finish()
        frames = -(-self._samples * FPS // self._rate)
        return self._solved(-(-(frames - 1) * self._engine.fps // FPS) + 1 if frames else 0)

    def _hear(self, sound: Floats, *, last: bool) -> None:
        if self._resample is not None:
            sound = self._resample.resample_chunk(sound, last=last)
        self._windows.push(sound)

    def _solved(self, until: int | None = None) -> Iterator[Frames]:
        """Batch by batch what can be solved; ``until`` is the number of the network's frames in the whole clip."""
        engine = self._engine
        while True:
            most = engine.session.batch if until is None else min(engine.session.batch, until - self._asked)
            windows = self._windows.take(most)
            if not len(windows):
                return
            times = (np.arange(len(windows)) + self._asked) / engine.fps
            self._asked += len(windows)
            moods = np.array([self._mood.at(time, 1.0 / engine.fps) for time in times], np.float32)
            answers = engine.session.run(windows * self._strength, engine.model.feelings(moods))
            answers, moods = self._between(answers, moods)
            weights = np.array([self._poses(answer) for answer in answers], np.float32)
            yield Frames(self._finish(weights.reshape(-1, len(engine.names))), moods)


class Between:
    """Frames between the network's: its answers are linear in the face, so this interpolates the face."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._last: tuple[Floats, Floats] | None = None

    def __call__(self, answers: Floats, moods: Floats) -> tuple[Floats, Floats]:
        """All frames up to the last of ``answers``, those before each of them first."""
        if self._steps == 1:
            return answers, moods
        result: list[tuple[Floats, Floats]] = []
        for now in zip(answers, moods, strict=True):
            if self._last is not None:
                for step in range(1, self._steps):
                    share = np.float32(step / self._steps)
                    a, b = (old + (new - old) * share for old, new in zip(self._last, now, strict=True))
                    result.append((a, b))
            result.append(now)
            self._last = now
        return np.array([answer for answer, _ in result]), np.array([mood for _, mood in result])
