"""One clip of the Audio2Face protocol without its transport: messages in, messages out, limits kept. No I/O."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from aurora.names import PASCAL_CASE
from aurora.wire import audio2face_pb2 as wire
from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.moods import Mood, MoodSettings
from pipelines.embedded.face.rig import MOODS, USUAL_LOWER_STRENGTH, Rig, Tuning
from pipelines.embedded.face.solver import FPS, LipSolver

EMOTION_TYPE = "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"
"""What the real service calls the message in ``metadata["emotion_aggregate"]``; its clients look for this name."""

SOLVED_AT_ONCE = 0.5
"""Seconds of sound solved before others get a turn: about 3 ms of work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the real service refuses; the values are its defaults."""

    lowest_rate: int = 16_000
    highest_rate: int = 144_000
    message_seconds: float = 10.0
    clip_seconds: float = 300.0
    idle_seconds: float = 30.0
    low_fps: float = 29.0
    low_fps_seconds: float = 7.0
    streams: int = 10


class Refused(Exception):
    """The clip breaks a limit; the message goes to the client in a status ERROR."""


class OutOfOrder(Exception):
    """The client breaks the protocol; the RPC ends with INVALID_ARGUMENT."""


class Clip:
    """Takes a client's messages in order and gives the answers to each.

    ``now`` is in seconds on any clock that doesn't go back.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.ended = False
        self._started = False
        self._frames = 0
        self._samples = 0
        self._unsent: deque[bytes] = deque()
        self._unsent_samples = 0
        self._pace: Pace | None = None

    def take(self, message: Any, now: float) -> Iterator[Any]:
        """Answers to a message, one after another; raises :class:`Refused` or :class:`OutOfOrder`."""
        part = message.WhichOneof("stream_part")
        if part == "audio_stream_header":
            yield from self._begin(message.audio_stream_header)
        elif not self._started:
            raise OutOfOrder("the first message has to be an audio_stream_header")
        elif part == "audio_with_emotion":
            yield from self._hear(message.audio_with_emotion, now)
        elif part == "end_of_audio":
            yield from self._end()
        else:
            raise OutOfOrder("a message without a known part")

    def patience(self, now: float) -> float:
        """Seconds to wait for the client's next message before :meth:`waited` is to be called."""
        idle = self._limits.idle_seconds
        return idle if self._pace is None else min(idle, max(0.0, self._pace.deadline - now))

    def waited(self, now: float) -> None:
        """Raises :class:`Refused` because the client let the time pass."""
        if self._pace is not None:
            self._check_pace(self._pace, now)
        raise Refused(f"no audio for {self._limits.idle_seconds:g} s")

    def last_word(self) -> Any:
        """The status after everything has gone well."""
        code = wire.Status.SUCCESS if self.ended else wire.Status.WARNING
        words = f"{self._frames} frames sent" if self.ended else "the stream was closed without end_of_audio"
        return wire.AnimationDataStream(status=wire.Status(code=code, message=words))

    def _begin(self, header: Any) -> Iterator[Any]:
        if self._started:
            raise OutOfOrder("a second audio_stream_header")
        audio = header.audio_header
        low, high = self._limits.lowest_rate, self._limits.highest_rate
        if audio.audio_format != wire.AudioHeader.AUDIO_FORMAT_PCM or audio.bits_per_sample != 16:
            raise Refused(f"only 16-bit PCM is supported, not {audio.bits_per_sample} bits")
        if audio.channel_count != 1:
            raise Refused(f"only mono is supported, not {audio.channel_count} channels")
        if not low <= audio.samples_per_second <= high:
            raise Refused(f"sample rate {audio.samples_per_second} Hz is outside {low} to {high} Hz")
        self._started = True
        self._rate = int(audio.samples_per_second)
        self._solver = LipSolver(self._rate)
        self._rig = Rig(_tuning(header))
        self._mood = Mood(_mood_settings(header), header.emotion_params.beginning_emotion)
        yield wire.AnimationDataStream(
            animation_data_stream_header=wire.AnimationDataStreamHeader(
                audio_header=audio,
                skel_animation_header=wire.SkelAnimationHeader(blend_shapes=PASCAL_CASE),
                start_time_code_since_epoch=time.time(),
            )
        )

    def _hear(self, message: Any, now: float) -> Iterator[Any]:
        if self.ended:
            raise OutOfOrder("audio after end_of_audio")
        sound = message.audio_buffer
        if len(sound) % 2:
            raise Refused(f"{len(sound)} bytes are not whole 16-bit samples")
        seconds, limits = len(sound) / 2 / self._rate, self._limits
        if seconds > limits.message_seconds:
            raise Refused(f"an audio buffer of {seconds:.1f} s is longer than {limits.message_seconds:g} s")
        if (self._samples + len(sound) // 2) / self._rate > limits.clip_seconds:
            raise Refused(f"the clip is longer than {limits.clip_seconds:g} s")
        for key in message.emotions:
            self._mood.add(key.time_code, key.emotion)
        if self._pace is None:
            self._pace = Pace(limits.low_fps, limits.low_fps_seconds, now)
        self._check_pace(self._pace, now)
        step = 2 * int(SOLVED_AT_ONCE * self._rate)
        for start in range(0, len(sound), step):
            piece = sound[start : start + step]
            self._samples += len(piece) // 2
            self._unsent.append(piece)
            self._unsent_samples += len(piece) // 2
            controls = self._solver.push(np.frombuffer(piece, "<i2"))
            yield from self._answers(controls)
            self._pace.made(len(controls), now)

    def _end(self) -> Iterator[Any]:
        if self.ended:
            raise OutOfOrder("a second end_of_audio")
        self.ended = True
        total = math.ceil(self._samples * FPS / self._rate)
        yield from self._answers(self._solver.finish()[: max(0, total - self._frames)])
        yield wire.AnimationDataStream(event=wire.Event(event_type=wire.END_OF_A2F_AUDIO_PROCESSING))

    def _answers(self, controls: Floats) -> Iterator[Any]:
        if len(controls) == 0:
            return
        moods = np.array([self._mood.at((self._frames + i) / FPS, 1 / FPS) for i in range(len(controls))])
        for pose, mood in zip(self._rig.poses(controls, moods), moods, strict=True):
            yield self._frame(pose, mood)

    def _frame(self, pose: Floats, mood: Floats) -> Any:
        due = self._frames / FPS
        self._frames += 1
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
        last = self.ended and self._frames >= math.ceil(self._samples * FPS / self._rate)
        until = self._samples if last else min(self._samples, round(self._frames * self._rate / FPS))
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

    def _check_pace(self, pace: Pace, now: float) -> None:
        if pace.too_slow(now):
            fps, seconds = self._limits.low_fps, self._limits.low_fps_seconds
            raise Refused(f"audio comes too slowly: below {fps:g} frames a second for {seconds:g} s")


class Pace:
    """Watches that sound comes as fast as it plays: too few frames, second after second, means that it doesn't."""

    def __init__(self, fps: float, seconds: float, now: float) -> None:
        self._fps = fps
        self._seconds = seconds
        self._until = now + 1.0
        self._made = 0
        self._low = 0

    def made(self, frames: int, now: float) -> None:
        self._roll(now)
        self._made += frames

    def too_slow(self, now: float) -> bool:
        self._roll(now)
        return self._low >= self._seconds

    @property
    def deadline(self) -> float:
        """When it is too slow if no further frame is made."""
        missing = self._seconds if self._made >= self._fps else self._seconds - self._low - 1
        return self._until + missing

    def _roll(self, now: float) -> None:
        while now >= self._until:
            self._low = self._low + 1 if self._made < self._fps else 0
            self._made = 0
            self._until += 1.0


def _tuning(header: Any) -> Tuning:
    shapes, face = header.blendshape_params, header.face_params.float_params
    return Tuning(
        multipliers=dict(shapes.bs_weight_multipliers),
        offsets=dict(shapes.bs_weight_offsets),
        clamp=shapes.enable_clamping_bs_weight,
        lower_strength=face.get("lowerFaceStrength", USUAL_LOWER_STRENGTH),
        upper_strength=face.get("upperFaceStrength", 1.0),
    )


def _mood_settings(header: Any) -> MoodSettings:
    def told_or(part: Any, name: str, usual: float) -> float:
        value = float(getattr(part, name)) if part.HasField(name) else usual
        return value if math.isfinite(value) else usual

    usual = MoodSettings()
    mixing = header.emotion_post_processing_params
    return MoodSettings(
        preferred=bool(told_or(mixing, "enable_preferred_emotion", usual.preferred)),
        preferred_strength=min(1.0, max(0.0, told_or(mixing, "preferred_emotion_strength", usual.preferred_strength))),
        strength=min(1.0, max(0.0, told_or(mixing, "emotion_strength", usual.strength))),
        most=min(6, max(1, round(told_or(mixing, "max_emotions", usual.most)))),
        transition_seconds=told_or(header.emotion_params, "live_transition_time", usual.transition_seconds),
    )
