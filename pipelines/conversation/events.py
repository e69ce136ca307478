"""Everything that happens in a conversation, as plain data with ``at``, the ``loop.time()`` at which it was known.

There are three kinds. What comes in from the world is in :mod:`sophia.events` (and the edges of a voice, and what was
played). What is decided is in :mod:`sophia.decisions`. What a reply tells of itself, and what is derived from all of
it, is here. Observers are told all three, in the order in which they happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from nova.tools import ToolCall
from pipelines.conversation.face_events import Attending, Felt, Nodded
from pipelines.telemetry.ledger import Count, Ledger, ToolFailure
from sophia.decisions import AnyDecision, Decision
from sophia.events import (
    AnswerRequested,
    AskRequested,
    CancelRequested,
    CommitRequested,
    EarsBack,
    EarsLost,
    Event,
    Failed,
    ForgetRequested,
    HoldEnded,
    HoldStarted,
    PolicyChanged,
    RecordingStarted,
    ReplyText,
    SayRequested,
    SoundJudged,
    Stopped,
    TextTyped,
    Tick,
    Transcribed,
    TurnEvent,
)
from sophia.playout_events import PlayoutFinished, PlayoutStarted, PlayoutUnderrun
from sophia.turns import Phase
from sophia.vad import VoiceStarted, VoiceStopped

__all__ = [
    "AnswerRequested",
    "AskRequested",
    "Attending",
    "CancelRequested",
    "ClauseSkipped",
    "CommitRequested",
    "Decision",
    "DeviceBack",
    "DeviceLost",
    "EarsBack",
    "EarsLost",
    "Event",
    "FaceShown",
    "Failed",
    "Felt",
    "ForgetRequested",
    "GenerationOver",
    "Happening",
    "HeardSoFar",
    "HoldEnded",
    "HoldStarted",
    "Levels",
    "Listening",
    "Lost",
    "Marked",
    "Nodded",
    "Phase",
    "PhaseChanged",
    "PlaybackAcknowledged",
    "PlaybackStarted",
    "PlayoutFinished",
    "PlayoutStarted",
    "PlayoutUnderrun",
    "PolicyChanged",
    "Reading",
    "RecordingStarted",
    "ReplyText",
    "Retrying",
    "SayRequested",
    "SoundJudged",
    "Stopped",
    "TextTyped",
    "Tick",
    "ToolAnswered",
    "ToolCalled",
    "ToolEnded",
    "ToolStarted",
    "Transcribed",
    "TurnEnded",
    "TurnEvent",
    "UserText",
    "VoiceStarted",
    "VoiceStopped",
]


# From outside, beside what turn taking is told


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackAcknowledged(Event):
    """A remote client has played ``samples`` of a generation, at the voice's rate: so much was heard, not more."""

    generation: int
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackStarted(Event):
    """A remote client has played a generation's first audible sample at ``time``: later, or earlier, than was thought.

    Told after :class:`~sophia.playout_events.PlayoutStarted`, and by those alone who play somewhere else.
    """

    generation: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceShown(Event):
    """How a generation's face goes with its sound where a remote client shows it, so far; the last word counts.

    ``skew`` is by how many seconds the lips led the sound, nearly worst; ``missing`` the share of audible sound, 0 to
    1, without a frame; ``late`` counts frames that came after their time. None where the client does not know.
    """

    generation: int
    skew: float | None = None
    missing: float | None = None
    late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswered(Event):
    """A client that ran the tool of an earlier :class:`ToolCalled` says what came of it."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(Event):
    """The runtime runs a tool that a generation called. ``guess``: its turn is not decided, so it only reads."""

    generation: int
    call: ToolCall
    guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded(Event):
    """What came of a tool that the runtime ran: ``output`` is what the model is given.

    ``failure`` says in a word why there is no result; the output then says it in a sentence. Told once after each
    :class:`ToolStarted`.
    """

    generation: int
    call_id: str
    output: str
    failure: ToolFailure = ""

    @property
    def failed(self) -> bool:
        """Whether there is no result, and none is to come once the user has said yes."""
        return self.failure not in ("", "asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying(Event):
    """A service failed with ``error`` and is tried again in ``seconds``; nothing is lost so far."""

    service: str
    error: Exception
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Event):
    """A device or a stream has lost ``by`` more of ``what``, one of :data:`~pipelines.telemetry.ledger.LOSSES`."""

    what: Count
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening(Event):
    """She hears from now on: the microphone delivers, and the recogniser takes what it delivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLost(Event):
    """``service``, the microphone or the speaker, is gone with ``error``; it is looked for, and the talk goes on."""

    service: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBack(Event):
    """The device that was lost works again."""

    service: str


# What a reply tells of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Event):
    """A generation reached ``instant``, one of the ledger's, such as ``first_token``."""

    generation: int
    instant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(Event):
    """A reply called a tool that a client is to run. Told once its turn is decided, never of a guess.

    ``generation`` is 0 for a call that a client tells of, made in an earlier conversation.
    """

    generation: int
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered(Event):
    """A client tells of an exchange that was before: what the user ``said``, and what was ``heard`` of the answer.

    ``place`` is below zero, and none that was given before. ``interrupted``: the answer was not heard to its end.
    """

    place: int
    said: str
    heard: str
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Event):
    """A client wants the model to forget what the user ``said``, or else what was heard, in a generation or place."""

    place: int
    said: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Event):
    """The next piece of a reply that is decided and written, not spoken: from now on the user can read it."""

    generation: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(Event):
    """A reply has as many tokens as it may have, and ends there."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseSkipped(Event):
    """The voice could not say the clause ``text`` of a generation, with ``error``; the reply goes on without it."""

    generation: int
    text: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOver(Event):
    """A generation was played to its end, cut off or dropped: what was made of it, and what was heard.

    ``text`` is the reply and ``heard`` its part that was heard, ``said`` what was heard of a canned phrase after it or
    instead. ``tokens`` counts pieces of text, ``seconds`` the sound that was made. ``silenced`` is when her last
    sample was played, if she was cut off. ``lip_skew`` and ``face_missing`` are the ledger's.
    """

    generation: int
    text: str = ""
    heard: str = ""
    said: str = ""
    tokens: int = 0
    seconds: float = 0.0
    silenced: float | None = None
    lip_skew: float | None = None
    face_missing: float | None = None

    @property
    def all_heard(self) -> str:
        """What was heard of both, the reply and the phrase."""
        return " ".join(part for part in (self.heard, self.said) if part)


# What is derived, for those who watch


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded(Event):
    """A turn is over, and this is its ledger. Each turn that began ends in exactly one."""

    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged(Event):
    """What she is doing now."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class UserText(Event):
    """The user's words in this turn so far, as far as the recogniser knows."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardSoFar(Event):
    """How much of her reply was heard by now, in whole words."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels(Event):
    """Levels of the last moments, dB relative to full scale: the user's and hers."""

    user: float
    agent: float


Happening = (
    TurnEvent
    | AnyDecision
    | PlayoutUnderrun
    | PlaybackAcknowledged
    | PlaybackStarted
    | FaceShown
    | ToolCalled
    | ToolAnswered
    | ToolStarted
    | ToolEnded
    | Listening
    | DeviceLost
    | DeviceBack
    | Retrying
    | Lost
    | Marked
    | Remembered
    | Forgotten
    | Shown
    | LimitReached
    | Felt
    | ClauseSkipped
    | GenerationOver
    | TurnEnded
    | PhaseChanged
    | Attending
    | Nodded
    | UserText
)
"""Everything that an observer is told."""

Reading = HeardSoFar | Levels
"""What meters and captions show of the last moments: nothing that happened, and nothing is decided by it."""
