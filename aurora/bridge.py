"""The Audio2Face client: the voice's sound goes out, frames of the face come back, one RPC for each clip.

The service hangs up on a clip that is sent more slowly than it plays. So whenever the voice stalls, the client ends the
clip. The next sound starts another one, whose time codes are shifted to where it belongs. Callers see one stream of
frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import grpc

from aurora.calls import Metadata, calling
from aurora.errors import FaceError
from aurora.face import FaceFrame, Pcm
from aurora.feed import Feed, ended
from aurora.moods import Emotions, MoodTrack
from aurora.names import MouthClose, NameMap
from aurora.settings import FaceSettings
from aurora.wire import audio2face_pb2 as wire
from aurora.wire.audio2face_service_pb2_grpc import A2FControllerServiceStub

BEYOND_SECONDS = 5.0
"""Frames further than this after the end of the sound show that the service has lost its way."""

CHANGE_SECONDS = 1 / 30
"""A mood changes within so long. The service goes straight from one told mood to the next, so both ends are told."""

HANG_UP_SECONDS = 1.0
"""Wait for the end of the RPC once its status has come."""

ANIMATE = "nvidia_ace.services.a2f_controller.v1.A2FControllerService/ProcessAudioStream"


class Audio2Face:
    """An :class:`aurora.face.Face` on an Audio2Face-3D service.

    ``channel`` is ready to use and outlives this object; ``metadata`` is called for each RPC. A transport that fails
    raises ``grpc.aio.AioRpcError``; a service that refuses a clip, or doesn't answer in time, :class:`FaceError`;
    what ``sound`` raises comes through. Nothing is retried: the voice goes on without a face, and the next reply
    tries anew.
    """

    def __init__(
        self, channel: grpc.aio.Channel, settings: FaceSettings | None = None, metadata: Metadata = tuple
    ) -> None:
        self._stub: Any = A2FControllerServiceStub(channel)
        self._settings = settings or FaceSettings()
        self._metadata = metadata
        self._usual: Emotions = dict(self._settings.emotions.items())

    async def animate(
        self, sound: AsyncIterator[Pcm], rate: int, moods: MoodTrack | None = None
    ) -> AsyncGenerator[FaceFrame, None]:
        feed = Feed(sound, rate, self._settings.stall_seconds)
        last = -math.inf
        try:
            while await feed.has_more():
                with calling(ANIMATE, self._metadata) as metadata:
                    async with contextlib.aclosing(self._clip(feed, metadata, moods)) as frames:
                        async for frame in frames:
                            if frame.time > last:
                                last = frame.time
                                yield frame
        finally:
            await feed.aclose()

    async def _clip(
        self, feed: Feed, metadata: Sequence[tuple[str, str]], moods: MoodTrack | None
    ) -> AsyncGenerator[FaceFrame, None]:
        """One RPC: everything up to the next stall of the voice."""
        start = feed.seconds
        call = self._stub.ProcessAudioStream(metadata=metadata)
        complete = asyncio.Event()
        sender = asyncio.create_task(self._send(call, feed, complete, moods), name="audio2face sender")
        answers = _Answers(call, self._settings.mouth_close)
        try:
            while (message := await self._read(answers)) is not None:
                for time, weights in answers.frames(message, within=feed.seconds - start + BEYOND_SECONDS):
                    if not complete.is_set() or start + time < feed.seconds:  # what it pads would hide the next clip
                        yield FaceFrame(start + time, weights, clip=start)
        finally:
            call.cancel()
            await ended(sender)

    async def _read(self, answers: _Answers) -> Any:
        """The next message, or ``None`` at the end of the clip."""
        patience = HANG_UP_SECONDS if answers.finished else self._settings.answer_seconds
        try:
            async with asyncio.timeout(patience):
                return await anext(answers.messages, None)
        except TimeoutError:
            if answers.finished:
                return None
            raise FaceError(
                f"the face service has not answered for {patience:g} s; see whether it is overloaded, or raise "
                "face.answer_seconds"
            ) from None
        except grpc.aio.AioRpcError:
            if answers.finished:  # it had said its last word; sound still on its way then breaks the RPC
                return None
            raise

    async def _send(self, call: Any, feed: Feed, complete: asyncio.Event, moods: MoodTrack | None) -> None:
        """Header, sound as it comes, end of audio once it is ``complete``. A dead RPC is the reader's to report."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            start = at = feed.seconds
            await call.write(self._header(feed.rate, start, moods))
            longest = self._settings.clip_seconds
            begins = self._felt(moods, _before(start))
            emotions = [wire.EmotionWithTimeCode(time_code=0.0, emotion=begins)] if begins else []
            async with contextlib.aclosing(feed.clip(longest)) as pieces:
                async for pcm in pieces:
                    samples = pcm.astype("<i2", copy=False).tobytes()
                    before, at = at, feed.seconds
                    emotions += self._changes(moods, start, before, at)
                    sound = wire.AudioWithEmotion(audio_buffer=samples, emotions=emotions)
                    await call.write(wire.AudioWithEmotionStream(audio_with_emotion=sound))
                    emotions = []
            complete.set()
            await call.write(wire.AudioWithEmotionStream(end_of_audio=wire.AudioWithEmotionStream.EndOfAudio()))
            await call.done_writing()

    def _felt(self, moods: MoodTrack | None, second: float) -> Emotions:
        """The mood of the sound, or else the usual one."""
        return (moods.at(second) if moods else {}) or self._usual

    def _changes(self, moods: MoodTrack | None, start: float, before: float, until: float) -> list[Any]:
        """How the mood changes between two seconds of the reply, in time codes of the clip that begins at ``start``."""
        told: list[Any] = []
        for second, mood in moods.between(before, until) if moods else ():
            earlier = self._felt(moods, _before(second))
            code = second - start
            told.append(wire.EmotionWithTimeCode(time_code=code, emotion=earlier))
            felt = mood or self._usual
            told.append(wire.EmotionWithTimeCode(time_code=code + CHANGE_SECONDS, emotion=felt))
        return told

    def _header(self, rate: int, start: float, moods: MoodTrack | None) -> Any:
        settings = self._settings
        header = wire.AudioWithEmotionStreamHeader(
            audio_header=wire.AudioHeader(
                audio_format=wire.AudioHeader.AUDIO_FORMAT_PCM,
                channel_count=1,
                samples_per_second=rate,
                bits_per_sample=16,
            ),
            face_params=wire.FaceParameters(float_params=settings.parameters),
            emotion_post_processing_params=wire.EmotionPostProcessingParameters(
                emotion_strength=settings.emotion_strength,
                enable_preferred_emotion=True if moods else None,
                preferred_emotion_strength=moods.preference if moods else None,
            ),
            blendshape_params=wire.BlendShapeParameters(
                bs_weight_multipliers={name[0].upper() + name[1:]: f for name, f in settings.multipliers.items()},
                enable_clamping_bs_weight=True,
            ),
            emotion_params=wire.EmotionParameters(beginning_emotion=self._felt(moods, _before(start))),
        )
        return wire.AudioWithEmotionStream(audio_stream_header=header)


def _before(second: float) -> float:
    """The moment before: a mood that begins with a clip is come to, not begun with."""
    return math.nextafter(second, -1.0)


class _Answers:
    """What a clip's RPC answers; knows the names and whether the last word has come."""

    def __init__(self, call: Any, mouth_close: MouthClose) -> None:
        # The iterator hands out what has arrived even if a write has failed meanwhile; read() would hide it.
        self.messages = aiter(call)
        self.finished = False
        self._mouth_close = mouth_close
        self._names: NameMap | None = None

    def frames(self, message: Any, within: float) -> list[tuple[float, Any]]:
        """The frames in a message as (time code, weights); raises :class:`FaceError` on what cannot be a face."""
        part = message.WhichOneof("stream_part")
        if part == "animation_data_stream_header":
            try:
                named = message.animation_data_stream_header.skel_animation_header.blend_shapes
                self._names = NameMap(named, self._mouth_close)
            except ValueError as error:
                raise FaceError(f"{error}; is this an Audio2Face-3D endpoint?") from None
        elif part == "animation_data":
            return self._timed(message.animation_data.skel_animation.blend_shape_weights, within)
        elif part == "status":
            if message.status.code == wire.Status.ERROR:
                raise FaceError(
                    f"the face service refused the clip: {message.status.message[:200] or 'no reason given'}"
                )
            self.finished = message.status.code != wire.Status.INFO  # which may come at any time
        return []

    def _timed(self, frames: Any, within: float) -> list[tuple[float, Any]]:
        if self._names is None:
            raise FaceError("the face service sent frames before it named its blendshapes; is it an Audio2Face-3D NIM?")
        timed = []
        for frame in frames:
            if not math.isfinite(frame.time_code) or frame.time_code < 0.0:
                continue
            if frame.time_code > within:
                raise FaceError(
                    f"the face service sent a frame at {frame.time_code:.1f} s; the sound ended before "
                    f"{within - BEYOND_SECONDS:.1f} s"
                )
            timed.append((frame.time_code, self._names(frame.values)))
        return timed
