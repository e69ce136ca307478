"""What turn taking is told: plain data, each with ``at``, the ``loop.time()`` at which it was known.

The edges of the user's voice come from :mod:`sophia.vad`, what was played from :mod:`sophia.playout`; the rest is here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sophia.floor_policy import FloorPolicy
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript
from sophia.vad import VoiceStarted, VoiceStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; known at ``at``."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribed(Event):
    """The recogniser said something."""

    transcript: Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundJudged(Event):
    """A turn model has heard the sound of the user's utterance up to ``time``, the end of a voice.

    ``complete`` is how probable it is by that sound, from 0 to 1, that the turn is over. It may come late.
    """

    time: float
    complete: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTyped(Event):
    """The user typed a message. It needs no endpointing and takes the floor at once."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SayRequested(Event):
    """Somebody wants her to say ``text`` word for word: once nobody speaks, and nothing is to be answered before.

    ``polite``: she also leaves the user a moment to go on, and says it again if it was cut off at once.
    """

    text: str
    polite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRequested(Event):
    """Somebody wants her to tell the user ``about`` something in her own words, politely as :class:`SayRequested`.

    ``order``: it is what she is to do, by whoever runs her. Else it is data, and no order in it counts.
    """

    about: str
    order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(Event):
    """The user's sound is recorded from now on, and the user is to hear of it before anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged(Event):
    """The floor is shared by another policy from now on."""

    policy: FloorPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequested(Event):
    """A client says that the user's turn is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequested(Event):
    """A client takes back what was said since its last commit. Where more than commits end a turn, nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequested(Event):
    """A client wants an answer to what stands in the conversation: the user need not have said anything new.

    If the user is speaking, the user's turn is over with it, and is what is answered. Refused while a reply is being
    made or heard, but for one that has called tools: then it waits for the end of that.
    ``anew``: an answer that was begun on a guess is not the one that is wanted, and is dropped.
    """

    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Event):
    """A client wants the reply that is being made or heard to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStarted(Event):
    """The reply waits for something that may take long, such as a tool.

    If it may have ``effects``, the reply's turn cannot be reopened from then on: what the user says is a turn of its
    own.
    """

    generation: int
    effects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded(Event):
    """The reply goes on; what it waited for may have had ``effects``, as in :class:`HoldStarted`."""

    generation: int
    effects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText(Event):
    """The next piece of a reply's text; it may still be unheard behind the gate."""

    generation: int
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """A service or a device failed with ``error``.

    ``service`` is one of asr, llm, tts, face, microphone, speaker. ``generation`` is the reply that it was working on,
    0 if none. ``fatal`` says that the conversation cannot go on without it, ``again`` that the reply may well succeed
    when it is made again: it was a guess, or the service went away in the middle of it.
    """

    service: str
    error: Exception
    generation: int = 0
    fatal: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarsLost(Event):
    """The recogniser cannot be relied on, because of ``error``: words may come late. Told once in an outage."""

    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class EarsBack(Event):
    """The recogniser is there again; what was said meanwhile may come now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Event):
    """The conversation ends: whatever is open is closed, and nothing begins any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Event):
    """Time has passed; due at :attr:`sophia.turns.TurnTaking.deadline`."""


TurnEvent = (
    VoiceStarted
    | VoiceStopped
    | Transcribed
    | SoundJudged
    | TextTyped
    | SayRequested
    | AskRequested
    | RecordingStarted
    | PolicyChanged
    | CommitRequested
    | ForgetRequested
    | AnswerRequested
    | CancelRequested
    | PlayoutStarted
    | PlayoutFinished
    | HoldStarted
    | HoldEnded
    | ReplyText
    | Failed
    | EarsLost
    | EarsBack
    | Stopped
    | Tick
)
"""Everything that :meth:`sophia.turns.TurnTaking.tell` takes."""
