"""One clip of the Audio2Face protocol without its transport: messages in, messages out, limits kept. No I/O.

Two sides meet in one queue. :meth:`Clip.take` is quick and belongs to whoever reads the client; :meth:`Clip.animate` is
slow and belongs to a worker. So a client's sound is read as it comes, however long a solver takes.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from aurora.wire import audio2face_pb2 as wire
from pipelines.embedded.face.animator import Animator
from pipelines.embedded.face.engine import FPS, Engine
from pipelines.embedded.face.limits import Limits, OutOfOrder, Pace, Refused

LATE_SECONDS = 0.5
"""A frame that is made so long after its sound could have been played at the earliest is late."""


class Clip:
    """Takes a client's messages in order, and makes the answers of what they hold.

    ``now`` is in seconds on any clock that doesn't go back. The queue between the two sides is bounded by the limits'
    ``clip_seconds``.
    """

    def __init__(self, limits: Limits, engine: Engine) -> None:
        self._limits = limits
        self.ended = False
        """The client has said that its sound is complete."""
        self._closed = False
        self._rate = 0
        self._samples = 0
        self._taken: deque[Any] = deque()
        self._pace: Pace | None = None
        self._first = math.inf
        self._animator = Animator(engine)
        self._timed = self._late = 0
        self._worst = 0.0

    def take(self, message: Any, now: float) -> None:
        """Checks a message and keeps it to be animated; raises :class:`Refused` or :class:`OutOfOrder`."""
        part = message.WhichOneof("stream_part")
        if part == "audio_stream_header":
            self._begin(message.audio_stream_header)
        elif not self._rate:
            raise OutOfOrder("the first message has to be an audio_stream_header")
        elif part == "audio_with_emotion":
            self._hear(message.audio_with_emotion, now)
        elif part == "end_of_audio":
            if self.ended:
                raise OutOfOrder("a second end_of_audio")
            self.ended = self._closed = True
        else:
            raise OutOfOrder("a message without a known part")
        self._taken.append(message)

    def hang_up(self) -> None:
        """No further message comes."""
        self._closed = True

    def patience(self, now: float) -> float:
        """Seconds to wait for the client's next message before :meth:`waited` is to be called."""
        idle = self._limits.idle_seconds
        return idle if self._pace is None else min(idle, max(0.0, self._pace.deadline - now))

    def waited(self, now: float) -> None:
        """Raises :class:`Refused` because the client let the time pass."""
        if self._pace is not None:
            self._check_pace(self._pace, now)
        raise Refused(f"no audio for {self._limits.idle_seconds:g} s")

    def animate(self) -> list[Any]:
        """The next answers, a batch of frames at most; empty where it needs more messages, or all is done."""
        while True:
            for answers in self._animator.work:
                if answers:
                    return answers
            if not self._taken:
                return []
            self._animator.begin(self._taken.popleft())

    @property
    def done(self) -> bool:
        """Whether everything that can be answered has been, provided that :meth:`animate` gave nothing just now."""
        return self._closed and not self._taken

    def keep_time(self, now: float) -> float:
        """How late the batch that was just made is, in seconds after its first frame could have been played.

        To be called after each batch: with more than :data:`LATE_SECONDS` its frames count as late.
        """
        made = self._animator.frames
        behind = max(0.0, min(self._samples / (self._rate or 1), now - self._first) - self._timed / FPS)
        if behind > LATE_SECONDS:
            self._late += made - self._timed
            self._worst = max(self._worst, behind)
        self._timed = made
        return behind

    def last_word(self) -> Any:
        """The status after everything has gone well."""
        code = wire.Status.SUCCESS if self.ended else wire.Status.WARNING
        words = f"{self._animator.frames} frames sent" if self.ended else "the stream was closed without end_of_audio"
        if self._late:
            words += f", {self._late} of them late, by up to {self._worst:.1f} s"
        return wire.AnimationDataStream(status=wire.Status(code=code, message=words))

    def _begin(self, header: Any) -> None:
        if self._rate:
            raise OutOfOrder("a second audio_stream_header")
        audio = header.audio_header
        low, high = self._limits.lowest_rate, self._limits.highest_rate
        if audio.audio_format != wire.AudioHeader.AUDIO_FORMAT_PCM or audio.bits_per_sample != 16:
            raise Refused(f"only 16-bit PCM is supported, not {audio.bits_per_sample} bits")
        if audio.channel_count != 1:
            raise Refused(f"only mono is supported, not {audio.channel_count} channels")
        if not low <= audio.samples_per_second <= high:
            raise Refused(f"sample rate {audio.samples_per_second} Hz is outside {low} to {high} Hz")
        self._rate = int(audio.samples_per_second)

    def _hear(self, message: Any, now: float) -> None:
        if self.ended:
            raise OutOfOrder("audio after end_of_audio")
        size = len(message.audio_buffer)
        if size % 2:
            raise Refused(f"{size} bytes are not whole 16-bit samples")
        seconds, limits = size / 2 / self._rate, self._limits
        if seconds > limits.message_seconds:
            raise Refused(f"an audio buffer of {seconds:.1f} s is longer than {limits.message_seconds:g} s")
        if (self._samples + size // 2) / self._rate > limits.clip_seconds:
            raise Refused(f"the clip is longer than {limits.clip_seconds:g} s")
        if self._pace is None:
            self._pace = Pace(limits.low_fps, limits.low_fps_seconds, now)
            self._first = now
        self._check_pace(self._pace, now)
        self._pace.came(seconds * FPS, now)
        self._samples += size // 2

    def _check_pace(self, pace: Pace, now: float) -> None:
        if pace.too_slow(now):
            fps, seconds = self._limits.low_fps, self._limits.low_fps_seconds
            raise Refused(f"audio comes too slowly: below {fps:g} frames a second for {seconds:g} s")
