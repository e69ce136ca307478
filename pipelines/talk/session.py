"""What is one a user: a source, a sink, observers, and the conversation between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, nullcontext

from opentelemetry import context as otel

from nova.mind import Message
from nova.tools import Toolbox
from pipelines.conversation.aside import Aside, Asker
from pipelines.conversation.components import Components
from pipelines.conversation.conversation import Conversation
from pipelines.conversation.events import Happening, Phase
from pipelines.conversation.manner import Manner, Manners
from pipelines.conversation.measured import Measured
from pipelines.conversation.observers import Observer
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.provenance import Provenance
from sophia.events import AskRequested, SayRequested
from sophia.sinks import Sink


class Session:
    """A conversation with one user, once; :meth:`pipelines.talk.runtime.Runtime.session` makes it.

    Its components are its own, and are closed with it. ``closed`` is called at the end.
    """

    def __init__(
        self,
        components: Components,
        observers: Iterable[Observer] = (),
        measured: Measured | None = None,
        metrics: Metrics | None = None,
        closed: Callable[[], None] = lambda: None,
        *,
        provenance: Provenance | None = None,
    ) -> None:
        self.provenance = provenance
        """Which conversation this is; a runtime's sessions have one."""
        self._components = components
        self._place = measured.conversation if measured else None
        self._measured = measured
        self._metrics = metrics
        self._closed = closed
        everybody = [*([measured] if measured else []), *observers]
        self._conversation = Conversation(components, everybody, measured)

    @property
    def phase(self) -> Phase:
        """What she is doing."""
        return self._conversation.phase

    @property
    def recorded(self) -> bool:
        """Whether the user's sound was recorded from the beginning on."""
        return self._components.recorded

    @property
    def tools(self) -> Toolbox:
        """What replies may call that begin from now on; it may be changed."""
        return self._components.tools

    @property
    def manners(self) -> Manners:
        """How replies are made that begin from now on; it may be changed."""
        return self._components.manners

    def aside(self, messages: Sequence[Message] | None, manner: Manner, sink: Sink, asker: Asker) -> Aside:
        """An answer beside the conversation; None: to the conversation as it stands. Whoever asked runs it."""
        parts, history = self._components, self._components.history
        if messages is None:
            asked = history.messages("", manner.instructions)
        else:
            system = "\n\n".join(filter(None, (history.persona, manner.instructions)))
            asked = [*([Message("system", system)] if system else []), *messages]
        return Aside(parts.llm, parts.tts, asked, manner=manner, sink=sink, asker=asker)

    def trace_id(self, turn: int) -> str:
        """The id of a turn's trace, of the last few turns; empty where nothing is traced."""
        return self._measured.trace_id(turn) if self._measured else ""

    def stop(self) -> None:
        """Ends the conversation; :meth:`run` returns soon after."""
        self._conversation.stop()

    def tell(self, event: Happening) -> None:
        """Hands the conversation an event from outside, such as a typed message. On the loop's thread."""
        self._conversation.tell(event)

    def say(self, text: str) -> None:
        """Has her say ``text`` word for word, at a moment when nobody speaks."""
        self.tell(SayRequested(at=asyncio.get_running_loop().time(), text=text, polite=True))

    def ask(self, about: str) -> None:
        """Has her tell the user ``about`` something in her own words, at a moment when nobody speaks."""
        self.tell(AskRequested(at=asyncio.get_running_loop().time(), about=about))

    async def run(self) -> None:
        """Holds the conversation until it is stopped, its source is exhausted or it cannot go on.

        Raises :class:`~pipelines.failures.StageFailed` when the microphone, the recogniser or the speaker is lost for
        good; the observers were told before.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._closed)
            for part in (self._components.source, self._components.asr, self._components.sink):
                stack.push_async_callback(part.aclose)
            if self._place is not None:  # what serves no turn, such as the recogniser, is part of the conversation
                stack.callback(otel.detach, otel.attach(self._place))
            with self._metrics.session() if self._metrics else nullcontext():
                await self._conversation.run()
