"""The worker's side of a clip: messages that were checked become answers, a batch of frames at a time. No I/O."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from aurora.wire import audio2face_pb2 as wire
from pipelines.embedded.face.engine import FPS, Engine, Frames, Solver
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import MOODS, Mood, MoodSettings
from pipelines.embedded.face.wishes import Wishes

EMOTION_TYPE = "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"
"""What the real service calls the message in ``metadata["emotion_aggregate"]``; its clients look for this name."""


class Animator:
    """Makes the answers of one clip."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.work: Iterator[list[Any]] = iter(())
        """Answers to the message that was begun last, batch by batch."""
        self.frames = 0
        """Frames made so far."""
        self._samples = 0
        self._unsent: deque[memoryview] = deque()
        self._unsent_samples = 0
        self._ended = False

    def begin(self, message: Any) -> None:
        """Makes ``work`` the answers to a message."""
        part = message.WhichOneof("stream_part")
        if part == "audio_stream_header":
            self.work = iter([[self._header(message.audio_stream_header)]])
        elif part == "audio_with_emotion":
            self.work = self._heard(message.audio_with_emotion)
        else:
            self.work = self._finish()

    def _header(self, header: Any) -> Any:
        self._rate = int(header.audio_header.samples_per_second)
        self._mood = Mood(MoodSettings.of(header), header.emotion_params.beginning_emotion)
        self._solver: Solver = self._engine.solver(self._rate, Wishes.of(header), self._mood)
        return wire.AnimationDataStream(
            animation_data_stream_header=wire.AnimationDataStreamHeader(
                audio_header=header.audio_header,
                skel_animation_header=wire.SkelAnimationHeader(blend_shapes=self._engine.names),
                start_time_code_since_epoch=time.time(),
            )
        )

    def _heard(self, message: Any) -> Iterator[list[Any]]:
        for key in message.emotions:
            self._mood.add(key.time_code, key.emotion)
        sound = message.audio_buffer
        self._samples += len(sound) // 2
        self._unsent.append(memoryview(sound))
        self._unsent_samples += len(sound) // 2
        for frames in self._solver.push(np.frombuffer(sound, "<i2")):
            yield list(self._answers(frames))

    def _finish(self) -> Iterator[list[Any]]:
        self._ended = True
        for frames in self._solver.finish():
            yield list(self._answers(frames))
        yield [wire.AnimationDataStream(event=wire.Event(event_type=wire.END_OF_A2F_AUDIO_PROCESSING))]

    @property
    def _total(self) -> int:
        return math.ceil(self._samples * FPS / self._rate)

    def _answers(self, frames: Frames) -> Iterator[Any]:
        for pose, mood in zip(frames.weights, frames.moods, strict=True):
            if self.frames < self._total:
                yield self._frame(pose, mood)

    def _frame(self, pose: Floats, mood: Floats) -> Any:
        due = self.frames / FPS
        self.frames += 1
        feelings = {name: float(strength) for name, strength in zip(MOODS, mood, strict=True)}
        aggregate = wire.EmotionAggregate(
            a2f_smoothed_output=[wire.EmotionWithTimeCode(time_code=due, emotion=feelings)]
        )
        begins = self._samples - self._unsent_samples
        data = wire.AnimationData(
            skel_animation=wire.SkelAnimation(
                blend_shape_weights=[wire.FloatArrayWithTimeCode(time_code=due, values=pose)]
            ),
            audio=wire.AudioWithTimeCode(time_code=begins / self._rate, audio_buffer=self._echo()),
        )
        data.metadata["emotion_aggregate"].type_url = EMOTION_TYPE
        data.metadata["emotion_aggregate"].value = aggregate.SerializeToString()
        return wire.AnimationDataStream(animation_data=data)

    def _echo(self) -> bytes:
        """The client's sound up to the next frame's time; with the last frame, all that is left."""
        last = self._ended and self.frames >= self._total
        until = self._samples if last else min(self._samples, round(self.frames * self._rate / FPS))
        wanted = 2 * (until - (self._samples - self._unsent_samples))
        parts = []
        while wanted > 0:
            piece = self._unsent.popleft()
            if len(piece) > wanted:
                self._unsent.appendleft(piece[wanted:])
                piece = piece[:wanted]
            parts.append(piece)
            wanted -= len(piece)
            self._unsent_samples -= len(piece) // 2
        return b"".join(parts)
