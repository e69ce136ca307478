"""One client's answers beside its conversation, one at a time: made here, and told on its wire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from pipelines.conversation.aside import Aside
from pipelines.failures import StageFailed, explain
from pipelines.server.outbox import Event
from pipelines.server.realtime.responses import Status
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import AskAside
from pipelines.server.sink import NetworkSink
from pipelines.server.voice import Voice
from pipelines.talk.session import Session
from sophia.audio import Pcm
from sophia.heard import TimedWord
from sophia.played import Piece

_log = logging.getLogger(__name__)


Send = Callable[[Sequence[Event], float], None]
"""Takes events, and the seconds of sound in them."""


class AsideTalk:
    """Makes them; ``rate`` is the voice's, in Hz."""

    def __init__(self, wire: Wire, session: Session, rate: int, send: Send) -> None:
        self._wire = wire
        self._session = session
        self._rate = rate
        self._send = send
        self._asked: _Asked | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, asked: AskAside) -> None:
        """Begins one, of which the wire has told; the one before it is over."""
        self._asked = one = _Asked(self._wire, self._rate, self._send)
        sink = NetworkSink(lead=self._wire.lead_ms / 1000)
        task = asyncio.create_task(one.run(self._session.aside(asked.messages, asked.manner, sink, one)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Ends the one that is being made, if there is one: nothing of it is told any more."""
        if self._asked and self._asked.alive:
            self._asked.over("cancelled")
            for task in self._tasks:
                task.cancel()

    async def close(self) -> None:
        """Ends it, and waits for that."""
        self.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def adapt(self) -> None:
        """The client's format has changed."""
        if self._asked:
            self._asked.voice.adapt(self._wire.output_rate)


class _Asked:
    """One of them, an :class:`~pipelines.conversation.aside.Asker`."""

    def __init__(self, wire: Wire, rate: int, send: Send) -> None:
        self.voice = Voice(rate, wire.output_rate, self._say)
        self.alive = True
        self._wire = wire
        self._send = send

    async def run(self, aside: Aside) -> None:
        failure: tuple[str, str] | None = None
        try:
            status: Status = await aside.run()
        except StageFailed as failed:
            status, failure = "failed", (failed.service, explain(failed.cause, failed.service).line)
        except TimeoutError:
            status, failure = "failed", ("llm", "The answer took too long.")
        except Exception as error:
            _log.exception("an answer beside the conversation failed")
            status, failure = "failed", ("llm", explain(error, "llm").line)
        self.voice.finish()
        self.over(status, failure)

    def over(self, status: Status, failure: tuple[str, str] | None = None) -> None:
        """Tells its end, once."""
        if self.alive:
            self.alive = False
            self._send(self._wire.asides.over(status, failure), 0.0)

    def wrote(self, text: str) -> None:
        if self.alive:
            self._send(self._wire.asides.wrote(text), 0.0)

    def scripted(self, words: Sequence[TimedWord]) -> None:
        if self.alive:
            self._send(self._wire.asides.words(words), 0.0)

    def sounded(self, pcm: Pcm, pieces: Sequence[Piece]) -> None:
        if self.alive:
            self.voice.take(pcm, pieces)

    def _say(self, generation: int, first: int, pcm: Pcm, seconds: float) -> None:
        if self.alive:
            self._send(self._wire.asides.sound(first, pcm.astype("<i2", copy=False).tobytes()), seconds)
