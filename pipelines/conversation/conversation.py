"""One conversation: ears, turn taking, mind, voice, face and playout joined in a graph, one direction, no cycle.

The graph is built from objects (:class:`Parts`), each behind a protocol, so that a simulated service can stand in for
any of them. Here lives only the wiring: what comes in is told to turn taking, whose decisions the
:class:`~pipelines.conversation.floor.Floor` carries out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aurora.face import Face
from aurora.idle import IdleFace
from aurora.performer import Performer
from aurora.timeline import FaceTimeline
from nova.history import History
from nova.mind import Mind
from pipelines.conversation.face_show import FaceShow
from pipelines.conversation.floor import Floor, Tools
from pipelines.conversation.generation import Speakers, StageFailed, first_failure
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.watcher import Watcher
from pipelines.telemetry.spans import ConversationSpan
from sophia.audio import AudioSource, Frame, Pcm, dbfs
from sophia.decisions import Decision
from sophia.echo import EchoGuard
from sophia.playout import Finished, Playout, PlayoutEvent, Started
from sophia.sinks import Sink
from sophia.speech import Synthesizer
from sophia.transcripts import Recognizer
from sophia.turns import Phase, TurnTaking
from sophia.vad import VoiceStarted, VoiceStopped

NOTHING: Pcm = np.zeros(0, np.int16)

ARRIVALS = 200
"""Frames whose arrival is remembered, to date the capture of the last voiced sample: 4 s."""

LEVELS_EVERY = 5
"""Frames between two readings of the level meters: ten a second."""

CUSHION_SECONDS = 0.04
"""Sound that must be there before she begins: two blocks, which a voice that is faster than real time has at once."""

LAST_WORDS_SECONDS = 6.0
"""Longest wait for a reply to go on sounding once the source is exhausted, or for a farewell to be heard."""


class Detector(Protocol):
    """Voice activity of one session."""

    def push(self, frame: Frame) -> None: ...


@dataclass(slots=True)
class Parts:
    """What a conversation is built from. ``detector`` makes a voice detector that reports to the given function."""

    source: AudioSource
    asr: Recognizer
    detector: Callable[[Callable[[VoiceStarted | VoiceStopped], None]], Detector]
    turns: TurnTaking
    llm: Mind
    history: History
    tts: Synthesizer
    phrases: Phrases
    sink: Sink
    face: Face | None = None
    echo: EchoGuard | None = None


class Conversation:
    """A conversation from its first frame to :meth:`stop`, or until its source is exhausted.

    Must be made in the loop that runs it. ``playout`` is its clock.
    """

    def __init__(self, parts: Parts, watcher: Watcher | None = None, span: ConversationSpan | None = None) -> None:
        self._parts = parts
        self._watcher = watcher or Watcher()
        self._loop = asyncio.get_running_loop()
        self._turns = parts.turns
        self._group = asyncio.TaskGroup()
        self._stopping = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=ARRIVALS)  # end of the frame, its arrival
        self._last_block = NOTHING
        self.playout = Playout(parts.tts.rate, self._on_playout, cushion_seconds=CUSHION_SECONDS, tap=self._on_block)
        timeline = FaceTimeline()
        self._show = FaceShow(self.playout, timeline, Performer(timeline, IdleFace()), self._watcher.posed)
        speakers = Speakers(parts.llm, parts.tts, self.playout, timeline, parts.face, parts.turns.settings.language)
        self._floor = Floor(
            Tools(
                speakers,
                parts.history,
                parts.phrases,
                self._watcher,
                span,
                self._group,
                parts.asr.finish_utterance,
                self._show.skew,
            )
        )

    @property
    def phase(self) -> Phase:
        """What she is doing."""
        return self._turns.phase

    def stop(self) -> None:
        """Ends the conversation; :meth:`run` returns soon after."""
        self._stopping.set()

    async def run(self) -> None:
        """Runs it to its end; turns that are open then are closed and told to the watcher.

        Raises :class:`~.StageFailed` when it cannot go on: the microphone, the recogniser or the
        loudspeaker is lost for good.
        """
        try:
            async with self._group:
                workers = [
                    self._group.create_task(self._serve("microphone", self._listen())),
                    self._group.create_task(self._serve("asr", self._read())),
                    self._group.create_task(self._serve("speaker", self._parts.sink.run(self.playout))),
                ]
                if self._parts.face:
                    workers.append(self._group.create_task(self._serve("face", self._show.run())))
                await self._stopping.wait()
                for worker in workers:
                    worker.cancel()
                self._floor.hush()
        except* StageFailed as failures:
            raise first_failure(failures) from None
        finally:
            self._floor.hush()
            if self._timer:
                self._timer.cancel()

    async def _serve(self, service: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._watcher.fault(service, error)
            if service == "asr":
                await self._farewell()
            raise StageFailed(service, error) from error

    async def _farewell(self) -> None:
        """Says that she cannot hear any more, if she still has a voice for it."""
        self._floor.hush()
        sound = self._parts.phrases.sound("asr")
        if sound is not None:
            generation = self.playout.newest + 1
            self.playout.open(generation)
            self.playout.release(generation)
            await self.playout.push(generation, sound)
            self.playout.finish(generation)
            await asyncio.sleep(min(len(sound) / self.playout.rate + 0.1, LAST_WORDS_SECONDS))

    # Ears

    async def _listen(self) -> None:
        parts, loop = self._parts, self._loop
        detector = parts.detector(self._on_voice)
        count = 0
        async for heard in parts.source.frames():
            self._arrivals.append((heard.end, loop.time()))
            frame = parts.echo.process(heard) if parts.echo else heard
            parts.asr.push(frame)
            detector.push(frame)
            self._watcher.listened(frame)
            count += 1
            if count % LEVELS_EVERY == 0:
                self._watcher.levels(dbfs(frame.pcm), dbfs(self._last_block))
                self._last_block = NOTHING
                if self.playout.audible:
                    self._watcher.heard(self._floor.heard_so_far())
        await self._until_quiet()
        self.stop()

    async def _until_quiet(self) -> None:
        """Waits until the last turn is over, or until nothing has sounded for a while."""
        since = self._loop.time()
        while self._turns.phase != "idle":
            if self._loop.time() > max(since, self._floor.last_sound) + LAST_WORDS_SECONDS:
                return
            await asyncio.sleep(0.05)

    async def _read(self) -> None:
        async for transcript in self._parts.asr.transcripts():
            now = self._loop.time()
            self._watcher.happened(now, transcript)
            if transcript.text.strip():
                self._floor.text_at = now
            if transcript.final:
                self._floor.final(now)
            self._carry_out(self._turns.transcript(now, transcript))
            if text := self._turns.text:
                self._watcher.partial(text)

    def _on_voice(self, event: VoiceStarted | VoiceStopped) -> None:
        now = self._loop.time()
        self._watcher.happened(now, event)
        self._parts.asr.expect_answer()
        if isinstance(event, VoiceStarted):
            self._floor.listen(event.time, afresh=not self._turns.hearing)
            self._carry_out(self._turns.voice_started(now, event.time))
        else:
            captured = next((arrival for end, arrival in self._arrivals if end >= event.time), now)
            self._floor.voice_ended(event.time, captured)
            self._carry_out(self._turns.voice_stopped(now, event.time))

    # Playout

    def _on_playout(self, event: PlayoutEvent) -> None:
        now = self._loop.time()
        self._watcher.happened(now, event)
        match event:
            case Started():
                self._floor.audible(event.generation, event.time)
                self._carry_out(self._turns.reply_audible(now, event.generation))
            case Finished():
                self._floor.finished(event.generation, event.samples)
                self._carry_out(self._turns.reply_ended(now, event.generation))
            case _:
                self._floor.underrun(event.generation)

    def _on_block(self, pcm: Pcm, time: float) -> None:
        if pcm.any():
            self._floor.last_sound = time + len(pcm) / self.playout.rate
            self._last_block = pcm
        if self._parts.echo:
            self._parts.echo.reference(pcm, self.playout.rate, time)
        self._watcher.played(pcm, time)

    # Turn taking

    def _carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self._watcher.happened(decision.at, decision)
            self._floor.obey(decision)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._turns.deadline) is not None:
            self._timer = self._loop.call_at(deadline, self._tick)
        self._watcher.phase(self._turns.phase)

    def _tick(self) -> None:
        self._carry_out(self._turns.tick(self._loop.time()))
