"""What turn taking decides: plain data. Each decision says when it was taken, for which turn and reply, and why.

Turns and generations count from 1 in each conversation. A turn begins with :class:`Begin` and ends in one of three
ways: its reply was played to its end, :class:`Interrupt`, or :class:`Dismiss`. A turn that :class:`Reopen` names as
``joined`` goes on in the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sophia.completeness import Sounds
from sophia.languages.table import Phrase

Origin = Literal["voice", "words", "typed", "asked", "idle", "agent"]
"""What a turn began with: a voice, words too soft for the voice detector, a typed message, a client that asked for an
answer without new words, a silence that lasted too long, or she herself."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What was waited for: a silence of ``seconds``, because the words sounded so.

    ``explored``: the settings alone would have waited for less (``turns.explore``).
    """

    seconds: float
    sounds: Sounds
    explored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, and why in words. ``at`` is ``loop.time()``; ``generation`` is 0 where no reply is concerned."""

    at: float
    reason: str
    turn: int
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin(Decision):
    """A turn begins. ``onset`` is when the user's voice set in; None where it began with something else."""

    origin: Origin
    onset: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Decision):
    """Begin a reply to ``text``; it stays behind the playout gate until its :class:`Commit`.

    Without a ``text`` it is a reply to the conversation as it stands. ``about`` is what she was asked to tell of by
    herself: then nobody said anything, and the turn is decided at once. ``order``: it is what she is to do.
    """

    text: str
    about: str = ""
    order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(Decision):
    """The turn is decided: the reply may be heard. ``silence`` is what the user had been silent for, seconds.

    ``wait`` is the silence that decided it; None where none did. ``unasked``: she speaks by herself.
    """

    text: str
    silence: float
    wait: Wait | None = None
    unasked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue(Decision):
    """The user goes on after a silence of ``silence`` seconds from ``since`` on, with words: the turn is not over.

    ``wait`` is the silence that would have decided it.
    """

    since: float
    silence: float
    wait: Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep(Decision):
    """The user's turn is over, and nobody asked for an answer so far: the words are kept, and the turn stays open.

    ``text`` holds them, after those that were kept before. ``silence`` and ``wait`` are as in :class:`Commit`.
    """

    text: str
    silence: float
    wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Decision):
    """Cancel a reply of which nothing was heard; another one follows or the user goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss(Decision):
    """The turn is over without a reply: there was nothing to answer. ``text`` is what was recognised of it.

    Words that were kept may be answered with those that came after them: in another turn.
    """

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disregard(Decision):
    """The recogniser's ``text`` changes nothing: it was said before, or is her own echo.

    ``turn`` is the turn that it belongs to; it may be over.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct(Decision):
    """The user had said ``text``, by the recogniser's last word. It came too late: the reply stays what it is.

    ``turn`` may be over.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duck(Decision):
    """Lower her voice: the user may be taking the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unduck(Decision):
    """Her voice back to full: it was nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Decision):
    """Stop sounding now, but keep the reply: it may go on. ``onset`` is when the user's voice set in."""

    onset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Decision):
    """Go on where she was, ``rewind`` seconds earlier. ``backchannel`` tells a "mhm" from a mere noise."""

    rewind: float
    backchannel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt(Decision):
    """The reply ends before its time: cancel it, keep what was heard in the history.

    ``onset`` is when the voice that took the floor set in; None if no voice did.
    """

    onset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Decision):
    """The turn was decided too early: cancel the reply and withdraw it from the history; the turn goes on.

    ``joined`` is the turn that had begun meanwhile, and is part of this one now.
    """

    joined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishUtterance(Decision):
    """Ask the recogniser for its last word now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprompt(Decision):
    """Speech was heard but no text: say that it was not understood. Committed from the start."""

    phrase: Phrase = "reprompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apologise(Decision):
    """A service failed in the middle of this reply: end it with ``phrase``."""

    phrase: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce(Decision):
    """The ears are away: say so. Committed from the start, in a turn without a user."""

    phrase: Phrase = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Decision):
    """The user's sound is recorded: say so. Committed from the start, in a turn without a user."""

    phrase: Phrase = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell(Decision):
    """The ears are lost for good: say so as a last word. Committed from the start, in a turn without a user."""

    phrase: Phrase = "asr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Decision):
    """Say ``text`` word for word, as somebody asked. Committed from the start, in a turn without a user."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Decision):
    """A client's request cannot be met; ``reason`` says why. ``turn`` is 0 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Decision):
    """From now on she speaks in ``language``, a BCP 47 tag, because the user does.

    ``heard`` is a language that the user speaks and she cannot follow; then ``language`` is the one that she stays in.
    """

    language: str
    heard: str = ""


AnyDecision = (
    Begin
    | Start
    | Commit
    | Continue
    | Keep
    | Drop
    | Dismiss
    | Disregard
    | Correct
    | Duck
    | Unduck
    | Pause
    | Resume
    | Interrupt
    | Reopen
    | FinishUtterance
    | Reprompt
    | Apologise
    | Announce
    | Notify
    | Farewell
    | Say
    | Refuse
    | Switch
)
"""Each kind of decision there is."""
