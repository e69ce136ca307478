"""Whether a conversation kept its promises, whatever befell it: an observer that checks each event as it is told.

It can watch a conversation as it goes, or be told the events of a take afterwards. It keeps little: an endless
conversation does not make it grow. What it holds a conversation to:

* a turn that began ends in exactly one ledger, with an outcome;
* the contributions of a turn add up to its voice-to-voice, and none is below zero;
* a generation that was fenced off (dropped, interrupted, reopened, over) gives no sample any more, and the sound never
  goes back to an older generation;
* each generation that was begun is over once;
* what the history holds of a reply is what was heard of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nova.history import History
from nova.mind import Message
from pipelines.conversation.events import GenerationOver, Happening, PlayoutStarted, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.telemetry.ledger import Ledger, Outcome
from sophia.audio import Pcm
from sophia.decisions import Announce, Begin, Drop, Farewell, Interrupt, Notify, Reopen, Reprompt, Say, Start
from sophia.played import Piece

RESIDUE_SECONDS = 0.002
"""By how much contributions may miss voice-to-voice."""

MOST_TOLD = 20
"""Breaches that are kept in words; the others are counted."""

RECENT = 64
"""Generations of which it is remembered that they are over: late samples come soon or never."""

HEARD = (Outcome.REPLIED, Outcome.INTERRUPTED, Outcome.BROKEN)


class Checker(Observer):
    """Watches one conversation. ``history`` is the conversation's, where whoever made it can be looked into.

    ``breaches`` are sentences, the first :data:`MOST_TOLD` of them; ``count`` is how many there were. Call
    :meth:`close` when the conversation is over.
    """

    def __init__(self, history: History | None = None, told: Callable[[str], None] | None = None) -> None:
        self.breaches: list[str] = []
        self.count = 0
        self.turns = 0
        self._history = history
        self._told = told
        self._open: set[int] = set()
        self._newest_turn = 0
        self._making: set[int] = set()
        self._fenced: dict[int, str] = {}
        self._sounding = 0

    def told(self, happening: Happening) -> None:
        match happening:
            case Begin(turn=turn):
                self._hold(turn > self._newest_turn, f"turn {turn} began after turn {self._newest_turn}")
                self._newest_turn = max(self._newest_turn, turn)
                self._open.add(turn)
            case Start() | Reprompt() | Announce() | Notify() | Farewell() | Say():
                number = happening.generation
                self._hold(number not in self._making and number not in self._fenced, f"generation {number} twice")
                self._making.add(number)
            case Drop(generation=number) | Interrupt(generation=number) | Reopen(generation=number):
                self._fence(number, type(happening).__name__.lower())
            case PlayoutStarted(generation=number):
                self._sounds(number)
            case GenerationOver(generation=number):
                self._hold(number in self._making, f"generation {number} was over, and was not being made")
                self._making.discard(number)
                self._fence(number, "over")
            case TurnEnded(ledger=ledger):
                self._ended(ledger)
            case _:
                pass

    def sounded(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if piece.generation > 0 and piece.count:  # 0 is the cue
                self._sounds(piece.generation)

    def close(self) -> None:
        """The conversation is over: nothing may be open."""
        self._hold(not self._open, f"turns without an end: {sorted(self._open)}")
        self._hold(not self._making, f"generations without an end: {sorted(self._making)}")

    def _sounds(self, number: int) -> None:
        fate = self._fenced.get(number)
        self._hold(fate is None, f"generation {number} sounded after its fence ({fate})")
        self._hold(number >= self._sounding, f"generation {number} sounded after generation {self._sounding}")
        self._sounding = max(self._sounding, number)

    def _fence(self, number: int, how: str) -> None:
        if number:
            self._fenced[number] = how
        if len(self._fenced) > RECENT:
            del self._fenced[next(iter(self._fenced))]

    def _ended(self, ledger: Ledger) -> None:
        self.turns += 1
        self._hold(ledger.turn in self._open, f"turn {ledger.turn} ended, and was not open")
        self._open.discard(ledger.turn)
        for breach in of_a_ledger(ledger):
            self._breach(breach)
        if self._history is not None and ledger.heard and ledger.outcome in HEARD:
            known = self._history.messages()
            self._hold(remembers(known, ledger.heard), f"turn {ledger.turn}: the history lacks “{ledger.heard[:60]}”")

    def _hold(self, kept: bool, otherwise: str) -> None:
        if not kept:
            self._breach(otherwise)

    def _breach(self, line: str) -> None:
        self.count += 1
        if len(self.breaches) < MOST_TOLD:
            self.breaches.append(line)
        if self._told:
            self._told(line)


def of_a_ledger(ledger: Ledger) -> Iterable[str]:
    """What is wrong with one ledger, in sentences."""
    name, waited, parts = f"turn {ledger.turn}", ledger.voice_to_voice, ledger.contributions()
    if ledger.outcome is None:
        yield f"{name} ended without an outcome"
    if ledger.outcome is Outcome.REPLIED and not ledger.heard:
        yield f"{name} counts as replied, and nothing was heard"
    if waited is not None and waited >= 0:
        if abs(sum(parts.values()) - waited) > RESIDUE_SECONDS:
            yield f"{name}: contributions add up to {sum(parts.values()):.4f} s, voice-to-voice is {waited:.4f} s"
        if any(part < 0 for part in parts.values()):
            yield f"{name} has a contribution below zero"
    if ledger.outcome is Outcome.BROKEN and not ledger.faults:  # one that failed may be an announcement
        yield f"{name} broke off without a fault"


def remembers(messages: Sequence[Message], heard: str) -> bool:
    """Whether one of the last answers is what was heard."""
    answers = [message.content for message in messages if message.role == "assistant"]
    return any(answer.startswith(heard.strip()) for answer in answers[-3:])


def check(events: Iterable[Happening], ledgers: Iterable[Ledger]) -> list[str]:
    """Has a checker look at a conversation that is over: its events, as a take has them, and its ledgers."""
    checker = Checker()
    ends = {ledger.turn: ledger for ledger in ledgers}
    for event in events:
        checker.told(event)
    for ledger in ends.values():
        checker.told(TurnEnded(at=ledger.marks.get("end", 0.0), ledger=ledger))
    checker.close()
    return checker.breaches
