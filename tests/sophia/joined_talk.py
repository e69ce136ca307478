"""A user who pauses, and a recogniser that tells of it as Riva does, or as some that tell no times; for turn taking."""

import heapq
import itertools
from dataclasses import dataclass, field

from sophia.decisions import Commit, Correct, Drop, FinishUtterance, Interrupt, Keep, Reopen
from sophia.events import ReplyText, Tick, Transcribed
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript, Word
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.vad import VoiceStarted, VoiceStopped

WORD, EDGE, INTERIM, STABLE, FINAL, REPLY = 0.3, 0.08, 0.1, 0.28, 0.54, 4.0
"""Seconds: a word, how late an edge of the voice is known, and how long after a word's end what is told of it."""


@dataclass
class Talk:
    """``said`` has words, and pauses in seconds. ``times`` is what the recogniser tells: words, processed or none.

    ``marks`` are put behind what is told at a pause, in turn; ``late`` is how long finals take beyond the usual.
    ``sounds`` is how long after its commit a reply is heard. Before its final a word is ``misheard`` as what this says
    of its place in the utterance, in turn; None: rightly.
    """

    said: list
    times: str = "words"
    marks: str = "."
    late: float = 0.0
    sounds: float = 0.1
    misheard: list = field(default_factory=list)
    decisions: list = field(default_factory=list)

    def __post_init__(self):
        self.turns = TurnTaking(TurnSettings(pause_open=0.28))
        self._events, self._count = [], itertools.count()
        self._marks = itertools.cycle(self.marks or [""])
        self._open, self._live = [], None
        at, pauses = 0.2, iter([*(pause for pause in self.said if not isinstance(pause, str)), 9.0])
        for is_said, piece in itertools.groupby(self.said, key=lambda one: isinstance(one, str)):
            if not is_said:
                continue
            spoken, pause = list(piece), next(pauses)
            self._at(at + EDGE, self._starts, at)
            for number, word in enumerate(spoken):
                begin, end = at + number * WORD, at + (number + 1) * WORD
                self._at(end, self._hears, (word, begin, end))
            at += len(spoken) * WORD
            self._at(at + EDGE, self._stops, at)
            if pause > STABLE:
                self._at(at + STABLE, self._stable)
            if pause > FINAL:
                self._at(at + FINAL, self._final)
            at += pause

    def hold(self):
        """Talks to the end, and a while longer."""
        while self._events:
            due, _, what, thing = self._events[0]
            if (tick := self.turns.deadline) is not None and tick < due:
                self._tell(Tick(at=tick))
                continue
            heapq.heappop(self._events)
            self.now = due
            what(thing)
        for _ in range(50):
            if self.turns.deadline is None:
                return self
            self.now = self.turns.deadline
            self._tell(Tick(at=self.now))
            while self._events:
                self.now, _, what, thing = heapq.heappop(self._events)
                what(thing)
        raise AssertionError("the machine asks for ticks without end")

    @property
    def texts(self):
        """What each turn came to, in order; a turn that was joined to another one is none."""
        found = {}
        for decision in self.decisions:
            if isinstance(decision, Commit | Correct | Keep) and decision.text:
                found[decision.turn] = decision.text
            if isinstance(decision, Reopen):
                found.pop(decision.joined, None)
        return [found[turn] for turn in sorted(found)]

    def _at(self, due, what, thing=None):
        heapq.heappush(self._events, (due, next(self._count), what, thing))

    def _tell(self, event):
        decided = self.turns.tell(event)
        self.decisions += decided
        for decision in decided:
            if isinstance(decision, Commit):
                self._live = decision.generation
                self._at(decision.at + self.sounds, self._sounds, decision.generation)
            elif isinstance(decision, Drop | Interrupt | Reopen) and decision.generation == self._live:
                self._live = None
            elif isinstance(decision, FinishUtterance):
                self._at(event.at + 0.06, self._final)

    def _starts(self, onset):
        self._tell(VoiceStarted(onset, self.now))

    def _stops(self, last):
        self._tell(VoiceStopped(last, self.now))

    def _hears(self, heard):
        self._open.append(heard)
        self._at(self.now + INTERIM, self._interim, len(self._open))

    def _interim(self, _):
        if self._open:
            self._transcribed(self._live_words(), 0.1, self._open[-1][2])

    def _stable(self, _):
        if self._open:
            self._transcribed(self._live_words() + next(self._marks), 1.0, self.now)

    def _final(self, _):
        if not self._open:
            return
        text, words, heard = self._words() + next(self._marks), (), self.now
        if self.times == "words":
            words = tuple(Word(t, a, b) for t, (_, a, b) in zip(text.split(), self._open, strict=True))
        elif self.times == "shared":
            begin, end, said = self._open[0][1], self._open[-1][2], text.split()
            step = (end - begin) / len(said)
            words = tuple(Word(t, begin + n * step, begin + (n + 1) * step) for n, t in enumerate(said))
        self._open = []
        self._at(self.now + self.late, self._deliver, (text, words, heard))

    def _deliver(self, final):
        text, words, heard = final
        told = Transcript(text, final=True, words=words, audio_processed=0.0 if self.times == "none" else heard)
        self._tell(Transcribed(at=self.now, transcript=told))

    def _transcribed(self, text, stability, heard):
        told = Transcript(text, stability=stability, audio_processed=0.0 if self.times == "none" else heard)
        self._tell(Transcribed(at=self.now, transcript=told))

    def _words(self):
        return " ".join(word for word, _, _ in self._open)

    def _live_words(self):
        said = self._words().split()
        if self.misheard:
            heard = itertools.cycle(self.misheard)
            said = [word if other is None else other for word, other in zip(said, heard, strict=False)]
        return " ".join(word for word in said if word)

    def _sounds(self, generation):
        if self._live == generation:
            self._tell(ReplyText(at=self.now, generation=generation, delta="Certainly it is."))
            self._tell(PlayoutStarted(generation, self.now, self.now))
            self._at(self.now + REPLY, self._ends, generation)

    def _ends(self, generation):
        if self._live == generation:
            self._live = None
            self._tell(PlayoutFinished(generation, self.now, 0, self.now))
