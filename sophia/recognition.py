"""Riva's streaming recogniser, over streams that are reopened when they break or hang.

One object serves a session for its whole life. Below it streams are opened on the first sound, renewed in silences,
tested when a voice goes unanswered, and reopened when they break. Sound that had no final yet is then sent again, and
times go on as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc

from sophia.audio import EAR_RATE, Frame
from sophia.calls import Metadata, calling
from sophia.events import EarsBack, EarsLost
from sophia.outage import Outage
from sophia.recognition_buffer import SoundBuffer
from sophia.recognition_errors import HOPELESS, RecognizerEnded, RecognizerError, RecognizerSilent, first_of, in_a_line
from sophia.recognition_health import Health
from sophia.recognition_wire import (
    FINISH_SILENCE,
    ModelDescription,
    RecognizerSettings,
    StreamClock,
    finish_message,
    first_message,
    read_response,
    sound_message,
)
from sophia.transcripts import Transcript

__all__ = ["ModelDescription", "RecognizerEnded", "RecognizerError", "RecognizerSettings", "RecognizerSilent"]
__all__ += ["RivaRecognizer"]

_log = logging.getLogger(__name__)

RECOGNIZE = "nvidia.riva.asr.RivaSpeechRecognition/StreamingRecognize"

_TICK = 0.25  # how often a stream looks at its deadlines
_IDLE_CHUNK = EAR_RATE // 5  # samples sent at once while nobody speaks: a message costs far more than its sound
_BACKLOG = EAR_RATE // 2  # samples sent at once when catching up
_MARGIN = EAR_RATE  # samples kept although nothing was recognised in them: a word may have begun there
_REFUSAL_SECONDS = 0.1
_CLOSE_SECONDS = 0.8
_UNREAD = 256
_UNHEARD = 0.6  # a voice without any answer for so long has the service asked whether it is there
_SETTLED = 1.0  # a stream that a service which answers has kept for so long is no broken one


@dataclass(slots=True)
class _Stream:
    """One RPC."""

    call: grpc.aio.StreamStreamCall[Any, Any]
    opened: float
    clock: StreamClock = field(default_factory=StreamClock)
    half_closed: bool = False
    open: bool = False  # it took a message
    writing: float | None = None  # since when one is being written


class RivaRecognizer:
    """A :class:`sophia.transcripts.Recognizer` over a ready ``channel``.

    ``metadata`` is asked for each RPC. ``tell`` hears of each outage: once when it begins, once when it is over.
    ``patience`` is how many seconds one is waited out where ``give_up_seconds`` is not set.

    ``transcripts()`` raises ``grpc.aio.AioRpcError`` at once for what retrying cannot cure (:data:`HOPELESS`), unless
    the service had worked before. For anything else it raises the newest error, that or a
    :class:`~sophia.recognition_errors.RecognizerError`, once the outage has lasted for too long.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        settings: RecognizerSettings,
        metadata: Metadata,
        tell: Callable[[EarsLost | EarsBack], None] = lambda event: None,
        patience: float = 20.0,
    ) -> None:
        self.audio_processed = 0.0
        """Seconds of pushed sound that the service has digested, as far as it said."""
        self.listening = False
        """Whether the service has taken a stream since the start."""
        self.reopened = 0
        """Streams opened because another had broken."""
        self._stub = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(channel)
        self._settings = settings
        self._metadata = metadata
        self._outage = Outage(patience if settings.give_up_seconds is None else settings.give_up_seconds, tell)
        self._health = Health(channel, settings.drain_seconds, metadata, self._outage)
        self._sound = SoundBuffer(settings.replay_seconds)
        self._chunk = EAR_RATE * settings.chunk_milliseconds // 1000
        self._unread: deque[Transcript] = deque(maxlen=_UNREAD)
        self._news = asyncio.Event()  # something to read, or the end
        self._wake = asyncio.Event()  # something to send, or to decide
        self._serving: asyncio.Task[None] | None = None
        self._closing = False
        self._streaming = False
        self._open_partial = False  # words were shown whose final has not come
        self._finish = False
        self._awaited: float | None = None  # since when a voice waits for an answer
        self._goes_on = False  # that voice has not ended
        self._shows_words = False  # before they are final
        self._worried = asyncio.Event()  # it does, and the service was not asked yet
        self._worked = False
        self._pushed_at = 0.0

    @property
    def dropped(self) -> int:
        """Frames that were given up unsent because the service was away for longer than ``replay_seconds``."""
        return self._sound.dropped

    def push(self, frame: Frame) -> None:
        """Takes a frame of 16 kHz; never waits."""
        if frame.rate != EAR_RATE:
            raise ValueError(f"the recogniser needs {EAR_RATE} Hz, not {frame.rate}; resample the source")
        if self._closing:
            return
        self._sound.push(frame)
        self._pushed_at = asyncio.get_running_loop().time()
        if not self._streaming or self._sound.waiting >= self._worth_sending:
            self._wake.set()

    def finish_utterance(self) -> None:
        """Asks for the final of what was pushed so far; models that cannot do it ignore it."""
        self._finish = True
        self._wake.set()

    def expect_answer(self, *, goes_on: bool = False) -> None:
        """Tells that a voice was heard: some answer is due within ``answer_seconds``.

        Call it at both edges of a voice, of which the first ``goes_on``. If no answer comes, the stream is closed for
        sending. A service that is well then ends it at once, and all goes on in a new stream; one that hangs does not,
        which is how the two are told apart. One that never showed words before their final may wait for the voice's
        end, as long as all of the voice could be sent again.
        """
        ends, self._goes_on = self._goes_on and not goes_on, goes_on
        if self._awaited is None or (ends and not self._shows_words):
            self._awaited = asyncio.get_running_loop().time()
            self._worried.set()
            self._wake.set()  # what was held back while nobody spoke

    async def transcripts(self) -> AsyncIterator[Transcript]:
        """Transcripts in order, until ``aclose``. To be iterated once, while frames are pushed.

        Interims that nobody has read give way to their successor; of finals the newest 256 wait.
        """
        if self._serving is not None:
            raise RuntimeError("transcripts() can be iterated only once")
        serving = self._serving = asyncio.create_task(self._serve(), name="recognition")
        serving.add_done_callback(lambda _: self._news.set())
        try:
            while True:
                while self._unread:
                    yield self._unread.popleft()
                if serving.done():
                    break
                self._news.clear()
                await self._news.wait()
            if not (self._closing and serving.cancelled()):
                await serving  # raises what made it end
        finally:
            serving.cancel()
            await asyncio.wait({serving}, timeout=_CLOSE_SECONDS)
            if serving.done() and not serving.cancelled():
                serving.exception()  # known by whoever iterated, or of no more interest

    async def aclose(self) -> None:
        """Ends the stream, waits a moment for its last words, and cancels it if they do not come; within 1 s."""
        self._closing = True
        self._wake.set()
        if self._serving is not None:
            _, pending = await asyncio.wait({self._serving}, timeout=_CLOSE_SECONDS)
            if pending:
                self._serving.cancel()
                await asyncio.wait(pending, timeout=1.0 - _CLOSE_SECONDS)

    async def describe(self) -> tuple[ModelDescription, ...]:
        """Asks the service for its models; raises ``grpc.aio.AioRpcError``, within ``open_seconds``."""
        request = riva_asr_pb2.RivaSpeechRecognitionConfigRequest(model_name=self._settings.model)
        answer = await self._stub.GetRivaSpeechRecognitionConfig(
            request, metadata=tuple(self._metadata()), timeout=self._settings.open_seconds
        )
        return tuple(ModelDescription(m.model_name, dict(m.parameters)) for m in answer.model_config)

    async def _serve(self) -> None:
        """Keeps a stream open for as long as there is sound, and mends it."""
        heard = 0  # samples that ended streams have had; kept sound alone is no reason to open another
        while not self._closing:
            if self._sound.pushed == heard:
                self._finish = False  # there is nothing to finish
                await self._woken(None)
                continue
            trouble: Exception | None = None
            try:
                await self._stream()
            except grpc.aio.AioRpcError as error:
                if error.code() in HOPELESS and not self._worked:
                    raise
                trouble = error
            except RecognizerError as error:
                trouble = error
            self._sound.rewind()
            if trouble is None:
                heard = self._sound.sent
                self._there()
            elif not self._closing:
                if self._outage.error is None:
                    _log.warning("recognition broke (%s); opening it again", in_a_line(trouble))
                self._outage.goes_on(trouble)
                await self._pause(self._outage.pause())
                self.reopened += 1

    def _there(self) -> None:
        """The service works."""
        self._worked = True
        self._outage.over()

    async def _stream(self) -> None:
        """One stream from its first to its last message. Returns where we ended it, raises where it broke."""
        with calling(RECOGNIZE, self._metadata) as metadata:
            call = self._stub.StreamingRecognize(metadata=metadata)
            await self._see_through(_Stream(call, asyncio.get_running_loop().time()))

    async def _see_through(self, stream: _Stream) -> None:
        self._streaming = True
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(stream))
                looking = [group.create_task(looks) for looks in (self._watch(), self._tick(stream))]
                reading.add_done_callback(lambda _: [task.cancel() for task in looking])
                group.create_task(self._write(stream, reading))
        except ExceptionGroup as errors:
            raise first_of(errors) from None
        finally:
            self._streaming = False
            stream.call.cancel()

    async def _write(self, stream: _Stream, reading: asyncio.Task[None]) -> None:
        await self._send(stream, first_message(self._settings))
        # A refusal comes at once. Writing into a refused call would hide its status behind an "internal error".
        await asyncio.wait({reading}, timeout=_REFUSAL_SECONDS)
        self.listening = self.listening or not reading.done()
        while not reading.done():
            if self._time_to_end(stream):
                await self._half_close(stream, reading)
                return
            over = asyncio.get_running_loop().time() - self._pushed_at > _TICK  # no more sound comes, for now
            flush = self._finish or self._closing or over
            piece = None
            if self._sound.waiting >= self._worth_sending or flush:
                piece = self._sound.take(self._chunk if self._sound.waiting < 2 * self._chunk else _BACKLOG)
            if piece is not None:
                stream.clock.sent(piece.start, piece.end - piece.start)
                await self._send(stream, sound_message(piece.sound))
            elif self._finish:
                self._finish = False
                stream.clock.padded(len(FINISH_SILENCE) // 2)
                await self._send(stream, finish_message())
            else:
                await self._woken(None)

    @property
    def _worth_sending(self) -> int:
        """How many samples are sent at once: a chunk while words are awaited, more while nobody speaks."""
        speaks = self._goes_on or self._open_partial or self._awaited is not None
        return self._chunk if speaks else max(self._chunk, _IDLE_CHUNK)

    async def _send(self, stream: _Stream, message: riva_asr_pb2.StreamingRecognizeRequest) -> None:
        """Writes a message; :meth:`_tick` is its deadline."""
        stream.writing = asyncio.get_running_loop().time()
        try:
            await stream.call.write(message)
            stream.open = True
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.sleep(_TICK)  # the RPC is over, and the reader raises why
        stream.writing = None

    async def _tick(self, stream: _Stream) -> None:
        """Has the writer look at its deadlines, and is the deadline of what it writes.

        Messages go out up to fifty times a second. A timer for each would cost more than the sound in it.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK)
            if stream.writing is not None and loop.time() - stream.writing > self._settings.open_seconds:
                does = "takes no more sound" if stream.open else "does not open a stream"
                raise RecognizerSilent(f"the recogniser {does}; look at its log, or restart it")
            self._wake.set()

    def _time_to_end(self, stream: _Stream) -> bool:
        now = asyncio.get_running_loop().time()
        if self._closing:
            return self._sound.waiting == 0
        if self._awaited is not None:
            patience = self._settings.answer_seconds
            if self._goes_on and not self._shows_words:
                patience = max(patience, self._settings.replay_seconds - patience - self._settings.drain_seconds)
            return now - max(self._awaited, stream.opened) > patience
        if self._open_partial or self._finish:
            return False
        if now - stream.opened > self._settings.max_stream_seconds:
            return True
        return self._sound.waiting == 0 and now - max(self._pushed_at, stream.opened) > self._settings.idle_seconds

    async def _half_close(self, stream: _Stream, reading: asyncio.Task[None]) -> None:
        """Says that no more comes; a service that is well then sends its last results and ends."""
        stream.half_closed = True
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await stream.call.done_writing()
        done, _ = await asyncio.wait({reading}, timeout=self._settings.drain_seconds)
        if not done:
            raise RecognizerSilent("the recogniser gives no answer; look at its log, or restart it")
        self._heard()

    async def _watch(self) -> None:
        """Learns soon whether anything comes back at all, where the stream itself would be waited for longer."""
        if isinstance(self._outage.error, grpc.aio.AioRpcError) and await self._health.answers():
            await asyncio.sleep(_SETTLED)
            self._there()
        while True:
            await self._worried.wait()
            await asyncio.sleep(_UNHEARD)
            if self._worried.is_set():
                self._worried.clear()
                await self._health.answers()

    async def _read(self, stream: _Stream) -> None:
        async for response in stream.call:
            self._heard()
            for transcript in read_response(response, stream.clock, self._settings.assumed):
                self._take(transcript)
        if not stream.half_closed:
            raise RecognizerEnded("the recogniser ended the stream by itself; look at its log")
        if not self._open_partial:
            self._sound.settle(self._sound.sent - _MARGIN)

    def _heard(self) -> None:
        """An answer to the voice."""
        self._awaited = None
        self._worried.clear()

    def _take(self, transcript: Transcript) -> None:
        """Keeps account of what is final, and hands the transcript on if it says anything."""
        if transcript.audio_processed > self.audio_processed:
            self.audio_processed = transcript.audio_processed
            self._there()
        elif transcript.text and isinstance(self._outage.error, RecognizerSilent):
            self._there()  # some services tell no times
        processed = round(transcript.audio_processed * EAR_RATE)
        if transcript.final:
            last_word = round(transcript.words[-1].end * EAR_RATE) if transcript.words else 0
            self._sound.settle(max(processed, last_word) or self._sound.sent)  # some services tell no times
            said_something = bool(transcript.text) or self._open_partial
            self._open_partial = False
            self._finish = False
        else:
            said_something = bool(transcript.text)
            self._open_partial = self._open_partial or said_something
            self._shows_words = self._shows_words or said_something
            if not self._open_partial:
                self._sound.settle(processed - _MARGIN)
        if not said_something:
            return
        if self._unread and not self._unread[-1].final:
            self._unread.pop()
        self._unread.append(transcript)
        self._news.set()

    async def _woken(self, seconds: float | None) -> None:
        """Waits until there is something new to send or to decide, or for ``seconds``."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _pause(self, seconds: float) -> None:
        """Waits out ``seconds``, or until closed; sound that comes meanwhile does not shorten it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._closing and loop.time() < until:
            await self._woken(until - loop.time())
