"""One conversation: ears, turn taking, model, voice, face and playout joined in a graph, one direction, no cycle.

The graph is built from objects (:class:`Components`), each behind a protocol. So a simulated service can stand in for
any of them. :meth:`Conversation.tell` is the only door. Each event goes to turn taking, which decides. Events and
decisions go to the book of turns and to the observers. The replies carry the decisions out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from aurora.idle import IdleFace
from aurora.performer import Performer
from aurora.timeline import FaceTimeline
from pipelines.conversation.book import TurnBook
from pipelines.conversation.components import Components
from pipelines.conversation.events import (
    ClauseSkipped,
    Failed,
    Happening,
    HeardSoFar,
    Levels,
    Listening,
    PhaseChanged,
    PolicyChanged,
    RecordingStarted,
    ReplyText,
    SoundJudged,
    Stopped,
    Tick,
    Transcribed,
    TurnEnded,
    TurnEvent,
    UserText,
    VoiceStarted,
    VoiceStopped,
)
from pipelines.conversation.face_show import FaceShow
from pipelines.conversation.gestures import Gestures
from pipelines.conversation.losses import Losses
from pipelines.conversation.making import ReplyServices
from pipelines.conversation.observers import Observer, Observers, Tracing
from pipelines.conversation.replies import Replies, ReplyContext
from pipelines.conversation.tongues import Speech, Tongues
from pipelines.conversation.tool_calls import Errands
from pipelines.failures import StageFailed, explain, log_defect
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm, dbfs
from sophia.played import Piece
from sophia.playout import Playout
from sophia.turns import Phase
from sophia.vad import Detector

_log = logging.getLogger(__name__)

NOTHING: Pcm = np.zeros(0, np.int16)
SILENCE: Pcm = np.zeros(round(EAR_RATE * FRAME_SECONDS), np.int16)

ARRIVALS = 200
"""Frames whose arrival is remembered, to date the capture of the last voiced sample: 4 s."""

LEVELS_EVERY = 5
"""Frames between two readings of the level meters: ten a second."""

CUSHION_SECONDS = 0.04
"""Sound that must be there before she begins: two blocks, which a voice that is faster than real time has at once."""

CUE = 0
"""The generation of the cue: before the first that turn taking gives out."""

LAST_WORDS_SECONDS = 6.0
"""Longest wait for a reply to go on sounding once the source is exhausted, or for a farewell to be heard."""

CLOSE_SECONDS = 1.5
"""Longest wait for the devices and the ears to end; a card that hangs is left to itself, and to the process's end."""


class Conversation:
    """A conversation from its first frame to :meth:`stop`, or until its source is exhausted.

    Must be made in the loop that runs it. ``playout`` is its clock. ``observers`` are told everything; one of them may
    be ``tracing``, which is then asked for each turn's place in a trace.
    """

    def __init__(
        self, components: Components, observers: Iterable[Observer] = (), tracing: Tracing | None = None
    ) -> None:
        self._components = components
        self._observers = Observers(observers)
        self._loop = asyncio.get_running_loop()
        self._turns = components.turns
        self._book = TurnBook()
        self._group = asyncio.TaskGroup()
        self._stopping = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: deque[Happening] = deque()
        self._telling = False
        self._phase: Phase = "idle"
        self._idle = asyncio.Event()
        self._frames = 0
        self._listening = False
        self._detector: Detector | None = None
        self._threshold: float | None = None
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=ARRIVALS)  # end of the frame, its arrival
        self._last_block = NOTHING
        self._losses = Losses(components.source, components.asr, components.sink)
        self.playout = Playout(components.tts.rate, self.tell, cushion_seconds=CUSHION_SECONDS, tap=self._on_block)
        timeline = FaceTimeline()
        shown = self._observers.posed if self._observers.watch_the_face else None
        rested = self._observers.rested if self._observers.watch_the_rest else None
        idle = IdleFace()
        self._gestures = Gestures(self.tell, idle)
        performer, turn = Performer(timeline, idle), self._observers.turned
        self._show = FaceShow(self.playout, timeline, performer, shown, rested, turn=turn)
        policy = components.turns.settings
        self._replies = Replies(
            ReplyContext(
                services=ReplyServices(
                    llm=components.llm,
                    tts=components.tts,
                    playout=self.playout,
                    timeline=timeline,
                    face=components.face,
                    language=policy.language,
                    mood=components.mood,
                    felt=self.tell,
                    patience=policy.patience,
                    errands=Errands(self._group),
                    result_room=components.history.result_room,
                ),
                history=components.history,
                tools=components.tools,
                manners=components.manners,
                tongues=Tongues(policy.language, Speech(components.tts, components.phrases), components.others),
                show=self._show,
                group=self._group,
                finish_utterance=components.asr.finish_utterance,
                tell=self.tell,
                observers=self._observers,
                trace=tracing.context if tracing else lambda turn: None,
            )
        )

    @property
    def phase(self) -> Phase:
        """What she is doing."""
        return self._turns.phase

    def stop(self) -> None:
        """Ends the conversation; :meth:`run` returns within 2 s, whatever a device does. Nothing begins any more."""
        self.tell(Stopped(at=self._loop.time()))
        self._stopping.set()

    async def run(self) -> None:
        """Runs it to its end; turns that are open then are closed and told to the observers.

        Raises :class:`~pipelines.failures.StageFailed` when it cannot go on: the microphone, the recogniser or the
        speaker is lost for good.
        """
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "microphone": self._listen,
            "asr": self._read,
            "speaker": lambda: self._components.sink.run(self.playout),
        }
        if self._components.face or self._observers.watch_the_rest:
            work["face"] = self._show.run
        # No members of the group: it would wait for ever for one that does not end.
        workers = [self._loop.create_task(self._serve(name, does), name=name) for name, does in work.items()]
        try:
            async with self._group:
                if self._components.recorded:
                    self.tell(RecordingStarted(at=self._loop.time()))
                await self._stopping.wait()
                for worker in workers:
                    worker.cancel()
        finally:
            self._tell_losses()
            self.stop()
            if self._timer:
                self._timer.cancel()
            await self._end(workers)

    async def _end(self, workers: list[asyncio.Task[None]]) -> None:
        """Waits for the workers, at most :data:`CLOSE_SECONDS`; raises why one of them had failed."""
        for worker in workers:
            if not worker.cancelling():  # a second time would break off its closing
                worker.cancel()
        done, pending = await asyncio.wait(workers, timeout=CLOSE_SECONDS)
        for worker in pending:
            _log.warning("the %s does not end; it is left to itself", worker.get_name())
        for worker in workers:
            if worker in done and not worker.cancelled() and (error := worker.exception()):
                raise error

    def tell(self, event: Happening) -> None:
        """The only door: takes an event, carries out what is decided, and tells the observers of both.

        Must be called on the loop's thread. An event that is told while another is being dealt with waits for it.
        """
        self._waiting.append(event)
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                self._take(self._waiting.popleft())
        finally:
            self._telling = False

    def _take(self, event: Happening) -> None:
        if isinstance(event, Failed | ClauseSkipped):
            service = event.service if isinstance(event, Failed) else "tts"
            log_defect(explain(event.error, service), event.error)
        self._pass_on(event)
        if isinstance(event, PolicyChanged):
            self._threshold = event.policy.threshold
            if self._detector:
                self._detector.adapt(self._threshold)
        if not isinstance(event, TurnEvent):
            return
        for decision in self._turns.tell(event):
            self._pass_on(decision)
        if isinstance(event, ReplyText):
            return  # what is waited for is the same as before
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._turns.deadline) is not None:
            self._timer = self._loop.call_at(deadline, self._tick)
        if isinstance(event, Transcribed) and self._turns.text:
            self._pass_on(UserText(at=event.at, turn=self._turns.turn, text=self._turns.text))
        if (phase := self._turns.phase) != self._phase:
            self._phase = phase
            (self._idle.set if phase == "idle" else self._idle.clear)()
            self._pass_on(PhaseChanged(at=event.at, phase=phase))

    def _pass_on(self, happening: Happening) -> None:
        if isinstance(happening, Tick):
            return
        ended = self._book.tell(happening)
        self._observers.told(happening)
        self._replies.carry_out(happening)
        self._gestures.told(happening)
        for ledger in ended:
            self._observers.told(TurnEnded(at=happening.at, ledger=ledger))

    def _tick(self) -> None:
        self.tell(Tick(at=self._loop.time()))

    async def _serve(self, service: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self.tell(Failed(at=self._loop.time(), service=service, error=error, fatal=True))
            if service == "asr":
                await self._farewell()
            self.stop()
            raise StageFailed(service, error) from error

    async def _farewell(self) -> None:
        """Waits until her last words were heard, or could have been."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            return

    # Ears

    async def _listen(self) -> None:
        detector = self._detector = self._components.detector(self._on_voice)
        detector.adapt(self._threshold)
        async for frame in self._components.source.frames():
            self._hear(frame, detector)
        await self._trail_off(detector)
        self.stop()

    def _hear(self, heard: Frame, detector: Detector) -> None:
        components = self._components
        self._arrivals.append((heard.end, self._loop.time()))
        for frame in components.echo.process(heard) if components.echo else (heard,):
            components.asr.push(frame)
            detector.push(frame)
            self._observers.listened(frame)
            self._frames += 1
            if self._frames % LEVELS_EVERY == 0:
                self._tell_losses()
                if self._observers.watch_the_meters:
                    self._read_meters(frame)
        if not self._listening and components.asr.listening:
            self._listening = True
            self.tell(Listening(at=self._loop.time()))
            if components.cue is not None and self.playout.newest < CUE:
                self._group.create_task(self._play_cue(components.cue))

    async def _play_cue(self, sound: Pcm) -> None:
        self.playout.open(CUE)
        self.playout.release(CUE)
        await self.playout.push(CUE, sound)
        self.playout.finish(CUE)

    async def _trail_off(self, detector: Detector) -> None:
        """The source is exhausted: hears silence, in real time, until the last turn is over.

        Without it a voice that ends with the source's last sample would never end, and its words never be answered.
        """
        since = self._loop.time()
        at = self._arrivals[-1][0] if self._arrivals else since
        while self._turns.phase != "idle":
            if self._loop.time() > max(since, self._replies.last_sound) + LAST_WORDS_SECONDS:
                return
            await asyncio.sleep(max(0.0, at + FRAME_SECONDS - self._loop.time()))
            self._hear(Frame(SILENCE, at), detector)
            at += FRAME_SECONDS

    def _tell_losses(self) -> None:
        for lost in self._losses.since_the_last_look(self._loop.time()):
            self.tell(lost)

    def _read_meters(self, frame: Frame) -> None:
        now = self._loop.time()
        self._observers.metered(Levels(at=now, user=dbfs(frame.pcm), agent=dbfs(self._last_block)))
        self._last_block = NOTHING
        if self.playout.audible:
            turn, text = self._replies.heard_so_far()
            self._observers.metered(HeardSoFar(at=now, turn=turn, text=text))

    async def _read(self) -> None:
        async for transcript in self._components.asr.transcripts():
            self.tell(Transcribed(at=self._loop.time(), transcript=transcript))

    def _on_voice(self, edge: VoiceStarted | VoiceStopped | SoundJudged) -> None:
        now = self._loop.time()
        if isinstance(edge, SoundJudged):
            self.tell(edge)
            return
        self._components.asr.expect_answer(goes_on=isinstance(edge, VoiceStarted))
        if isinstance(edge, VoiceStopped):
            captured = next((arrival for end, arrival in self._arrivals if end >= edge.time), now)
            self.tell(replace(edge, at=now, captured=captured))
        else:
            self.tell(replace(edge, at=now))

    # Playout

    def _on_block(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        sounding = pcm.nonzero()[0]
        if len(sounding):
            self._replies.last_sound = time + (int(sounding[-1]) + 1) / self.playout.rate
            self._last_block = pcm
        # The cue is too soft to come back as a voice; told of it, a guard would close the ear that it says is open.
        if self._components.echo and self.playout.newest > CUE:
            self._components.echo.reference(pcm, self.playout.rate, time)
        self._observers.played(pcm, time)
        self._observers.sounded(pcm, time, pieces)
