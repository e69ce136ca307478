"""One connection's view of a conversation: our events become events of the OpenAI Realtime protocol, and back.

Pure: no asyncio, no clock, no sockets. Whoever owns the connection

- sends what :meth:`Wire.opened` returns, first of all;
- is an observer of the conversation, hands each happening to :meth:`Wire.told`, and sends what that returns;
- hands each message of the client to :meth:`Wire.said`, sends the answers first, and then carries out the wishes in
  their order (``Session.tell`` for events of ours; what follows from them comes by :meth:`Wire.told`);
- hands over what is pulled from the playout, and what the voice and the face make, and sends what that returns.

Sound that was pulled before a happening is handed over before it: what ends a reply is told once its last block is
pulled. All of it on one thread. Nothing here raises because of what a client sent.

``at`` and ``began`` are ``loop.time()``. A sample position is one of the generation's own sound, counted at the voice's
rate, as :class:`sophia.playout.Playout` counts; only ``pcm`` is at the session's output rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aurora.face import FaceFrame
from nova.tools import Toolbox
from pipelines.conversation.events import Happening
from pipelines.conversation.manner import Manner
from pipelines.server.realtime.agreed import Agreed
from pipelines.server.realtime.answers import Answers
from pipelines.server.realtime.asides import Asides
from pipelines.server.realtime.extras import Extras
from pipelines.server.realtime.ids import Ids, random_id
from pipelines.server.realtime.projection import Projection
from pipelines.server.realtime.questions import Questions
from pipelines.server.realtime.requests import Requests
from pipelines.server.realtime.resuming import Open, Resuming
from pipelines.server.realtime.schema import Writer
from pipelines.server.realtime.session import Session
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event, Wish
from pipelines.settings.insights import Consent
from sophia.floor_policy import FloorPolicy
from sophia.heard import TimedWord


class Wire:
    """The protocol of one connection.

    ``began`` is when the session began: times on the wire count from there. ``voice_rate`` is the playout's rate in
    Hz. ``model``, ``voice`` and ``language`` are what the session tells. ``watch``: the client watches a conversation
    that has its own microphone and speaker; it gets no sound, and its own is refused. ``extensions`` are those that
    the address asks for. ``instructions`` says that the client may tell her how to speak, ``tools`` that it may bring
    tools of its own, which a client that watches may not. ``cancels``: its echo can be cancelled here.
    ``barge_in``: a voice stops her. ``emotions`` is her mood, a share of 0 to 1 each. ``tracks``: both voices go beside
    the events (WebRTC), and what was sent of hers was heard.

    ``audio_ms`` says which position in the sound that the client has sent, in ms, belongs to a ``loop.time()`` of
    the ears; None where the ears' clock is the session's. ``trace`` is a turn's trace id, empty if there is none.
    ``wished`` is an update of the session before it begins; what of it cannot be is in :attr:`problems`.
    ``open_token`` reads what a client kept of an earlier conversation. ``consents`` is what its user may agree to.
    """

    def __init__(
        self,
        *,
        began: float,
        voice_rate: int,
        model: str = "sophia",
        voice: str = "sophia",
        language: str = "en",
        watch: bool = False,
        extensions: Sequence[str] = (),
        instructions: bool = False,
        tools: bool = True,
        cancels: bool = False,
        tracks: bool = False,
        barge_in: bool = True,
        budget_ms: float = 800.0,
        host: str = "",
        emotions: Mapping[str, float] = MappingProxyType({}),
        lead_ms: float = 300.0,
        audio_ms: Callable[[float], float] | None = None,
        trace: Callable[[int], str] = lambda turn: "",
        ids: Ids = random_id,
        wished: Mapping[str, Any] = MappingProxyType({}),
        open_token: Open | None = None,
        consents: Sequence[Consent] = (),
    ) -> None:
        self._session = Session(
            ids("sess"),
            model=model,
            voice=voice,
            language=language,
            role="watch" if watch else "talk",
            interrupts=barge_in,
            instructions=instructions,
            tools=tools and not watch,
            cancels=cancels and not watch,
            extensions=extensions,
            lead_ms=0.0 if tracks else lead_ms,
            tracks=tracks,
            told={"budget_ms": budget_ms, "host": host, "emotions": dict(emotions)},
        )
        self.problems = self._session.update(wished) if wished else []
        """What was wrong with what was wished."""
        self._write = Writer(ids)
        self._write.extensions = frozenset(self._session.extensions)
        self._state = State(self._write, ids, self._session, voice_rate)
        self._extras = Extras(self._write, ids, began, trace)
        self._answers = Answers(self._state, self._extras, sends_sound=not (watch or tracks))
        questions = Questions(self._state, audio_ms or self._extras.ms)
        self.asides = Asides(self._state)
        """Responses beside the conversation: whoever makes them hands over what comes of them."""
        self._projection = Projection(self._state, questions, self._answers)
        self.resuming = Resuming(self._state, self._answers, None if watch else open_token)
        """What the client may carry to another server."""
        self._agreed = Agreed(self._write, consents)
        self._requests = Requests(
            self._state,
            questions,
            self._answers,
            self._extras,
            asides=self.asides,
            resuming=self.resuming,
            agreed=self._agreed,
            watch=watch,
            lends=watch and tools,
            may_instruct=instructions,
        )

    @property
    def input_rate(self) -> int:
        """Rate of the sound that :class:`~pipelines.server.realtime.wishes.AppendAudio` holds, in Hz."""
        return self._session.input_format.rate

    @property
    def output_rate(self) -> int:
        """Rate at which :meth:`sound` wants her voice, in Hz."""
        return self._session.output_format.rate

    @property
    def policy(self) -> FloorPolicy:
        """How the client wants the floor to be shared: what turn taking is told first, unless it is as usual."""
        return self._session.policy()

    @property
    def lead_ms(self) -> float:
        """How far ahead of real time the client wants sound, in ms."""
        return self._session.lead_ms

    @property
    def own_tools(self) -> bool:
        """Whether replies may call the runtime's own tools."""
        return self._session.own_tools

    def lent_call(self, call_id: str, name: str, arguments: str) -> list[Event]:
        """She calls a tool that this client lends; ``arguments`` is the text of a JSON object."""
        return self._write.extra("sophia.tool.call", call_id=call_id, name=name, arguments=arguments)

    def lent_cancel(self, call_id: str) -> list[Event]:
        """Nobody waits for this call any more."""
        return self._write.extra("sophia.tool.cancel", call_id=call_id)

    @property
    def announcements(self) -> bool:
        """Whether the client wants to hear what programs announce."""
        return self._session.announcements

    @property
    def headphones(self) -> bool:
        """Whether the client says that her voice cannot come back through its microphone."""
        return self._session.headphones

    @property
    def cancel_echo(self) -> bool:
        """Whether the client wishes that her voice is kept out of its microphone's sound here."""
        return self._session.cancel_echo

    @property
    def tools(self) -> Toolbox:
        """The client's tools, and whether she may or must call one."""
        return self._session.tools

    @property
    def transcribes(self) -> bool:
        """Whether the session only transcribes, and she says nothing in it."""
        return self._session.transcribes

    @property
    def manner(self) -> Manner:
        """How the client wants replies to be made."""
        return self._answers.manners.usual

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions in force, such as ``sophia.face``: nobody need make what nobody asked for."""
        return self._write.extensions

    # From the conversation

    def opened(self, at: float) -> list[Event]:
        """What the client is sent first: ``session.created``."""
        created = self._write.event("session.created", session=self._session.in_force(self._extras.ms(at)))
        return [created, *self._agreed.opened()]

    def recording(self, consent: Consent, *, recording: bool) -> list[Event]:
        """What its user agrees to now, and whether the voice is being recorded."""
        return self._agreed.changed(consent, recording)

    def told(self, happening: Happening) -> list[Event]:
        """What happened or was decided. Must be called for each happening, in order, before the next one."""
        events = self._projection.told(happening) + self._requests.told(happening)
        return events + self._extras.told(happening, lambda turn: self._state.turn(turn).items)

    def sound(self, generation: int, first: int, pcm: bytes) -> list[Event]:
        """A block of her voice that is sent now: int16 little-endian mono at :attr:`output_rate` Hz, at most 1 s.

        What the client gets is in the format of its session.

        ``first`` is the position of its first sample; after a resume that is earlier than where the last block ended.
        Where a client watches, or has it by a track, nothing is sent of ``pcm``. The words go with it all the same.
        """
        return self._answers.sound(generation, first, pcm)

    def words(self, generation: int, words: Sequence[TimedWord]) -> list[Event]:
        """The next words of a generation, in order, as :meth:`sophia.heard.Script.news` gives them; also guesses'."""
        return self._answers.words(generation, words)

    def frames(self, generation: int, frames: Sequence[FaceFrame]) -> list[Event]:
        """The next frames of a generation's face, in order; also of one that may yet be dropped."""
        return self._answers.frames(generation, frames)

    def position(self, generation: int, sample: int, playing: bool, at: float) -> list[Event]:
        """Where a conversation with a speaker of its own is, for a client that watches: ten times a second."""
        response = self._answers.by_generation(generation)
        return self._extras.position(response, sample, playing, at) if response else []

    def levels(self, user: float, agent: float, at: float) -> list[Event]:
        """Levels of the last moments, dB relative to full scale, ten times a second."""
        return self._extras.levels(user, agent, at)

    # From the client

    def said(self, message: object, at: float) -> tuple[list[Wish], list[Event]]:
        """A client's event, as JSON gave it: what the connection must do, in order, and the answers.

        Anything that is no event, or asks for what cannot be, is answered by an ``error``.
        """
        return self._requests.said(message, at)
