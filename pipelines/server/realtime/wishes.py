"""What a client's event asks the connection to do, beside the events of ours that the session is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nova.mind import Message
from nova.tools import Toolbox
from pipelines.conversation.events import (
    AnswerRequested,
    CancelRequested,
    CommitRequested,
    ForgetRequested,
    Forgotten,
    PlaybackAcknowledged,
    PolicyChanged,
    Remembered,
    TextTyped,
    ToolAnswered,
    ToolCalled,
)
from pipelines.conversation.manner import Manner
from pipelines.server.realtime.lending import LendTools, LentResult
from pipelines.settings.insights import Consent
from sophia.events import AskRequested, SayRequested


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """Sound of the user: int16 little-endian mono at :attr:`~pipelines.server.realtime.wire.Wire.input_rate` Hz.

    Always whole samples; an odd byte waits for the next event.
    """

    pcm: bytes


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """Sound that was appended and not heard yet is to be forgotten."""


@dataclass(frozen=True, slots=True)
class MuteMicrophone:
    """While ``muted`` she is to hear silence, whatever is appended."""

    muted: bool


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The session's effective settings have changed; read the wire's ``input_rate``, ``output_rate``, ``lead_ms``,
    ``headphones``, ``cancel_echo``, ``tools``, ``own_tools`` and ``manner``."""


@dataclass(frozen=True, slots=True)
class OfferOnce:
    """The next reply that is begun and decided may call these tools; ``None``: it may call the session's after all."""

    tools: Toolbox | None


@dataclass(frozen=True, slots=True)
class OnceLike:
    """The next reply that is begun and decided is made like this; ``None``: as usual after all."""

    manner: Manner | None


@dataclass(frozen=True, slots=True)
class AskAside:
    """An answer beside the conversation is to be made: to ``messages``, or to the conversation as it stands if None.

    What comes of it is handed to :attr:`~pipelines.server.realtime.wire.Wire.asides`. One is made at a time.
    """

    messages: tuple[Message, ...] | None
    manner: Manner


@dataclass(frozen=True, slots=True)
class CancelAside:
    """The answer beside the conversation is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Agree:
    """The user agrees from now on that so much of the conversation is kept, and no more."""

    consent: Consent


@dataclass(frozen=True, slots=True)
class PlayoutReport:
    """How playing goes at the client, for measurement: what ``sophia.playout.position`` says beside the position.

    ``buffered_ms`` is the sound that waits at the client and ``underruns`` the gaps so far. ``face`` holds
    ``skew_mean_ms``, ``skew_p95_ms``, ``missing`` (0 to 1), ``late`` and ``frames``, those that the client knows.
    ``playing`` is false once it stopped there: told to pause, cleared, or at the end.
    """

    at: float
    generation: int
    audio_ms: float
    buffered_ms: float
    underruns: int
    face: dict[str, float]
    playing: bool = True


Event = dict[str, Any]
"""An event of the wire, ready for JSON."""

Wish = (
    TextTyped
    | PolicyChanged
    | CommitRequested
    | ForgetRequested
    | AnswerRequested
    | CancelRequested
    | PlaybackAcknowledged
    | SayRequested
    | AskRequested
    | ToolCalled
    | ToolAnswered
    | Remembered
    | Forgotten
    | AppendAudio
    | ClearAudio
    | MuteMicrophone
    | SessionChanged
    | OfferOnce
    | OnceLike
    | AskAside
    | CancelAside
    | Agree
    | PlayoutReport
    | LendTools
    | LentResult
)
"""What :meth:`~pipelines.server.realtime.wire.Wire.said` asks for. The first thirteen are for ``Session.tell``."""
