"""A table at which turn taking is tried: what the user does and when, and what is decided."""

from sophia.decisions import Begin, Commit, Dismiss, Disregard, Notify, Reprompt, Say, Start
from sophia.events import AskRequested, ReplyText, SayRequested, SoundJudged, Tick, Transcribed
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript, Word
from sophia.turns import TurnTaking
from sophia.vad import VoiceStarted, VoiceStopped


class Table:
    """Drives the machine as a conversation would: events in time order, ticks at each deadline."""

    def __init__(self, settings=None):
        self.turns = TurnTaking(settings)
        self.now = 0.0
        self.decisions = []

    def tell(self, event):
        self.decisions += self.turns.tell(event)
        return self

    def _until(self, at):
        for _ in range(100):
            due = self.turns.deadline
            if due is None or due > at:
                break
            self.now = due
            self.tell(Tick(at=due))
        else:
            raise AssertionError("the machine asks for ticks without end")
        self.now = at

    def voice(self, start, end):
        """A stretch of voice; edges are detected 64 ms late, as Silero does."""
        self.starts(start)
        self.stops(end)
        return self

    def starts(self, onset):
        self._until(onset + 0.064)
        self.tell(VoiceStarted(onset, self.now))
        return self

    def stops(self, last):
        self._until(last + 0.064)
        self.tell(VoiceStopped(last, self.now))
        return self

    def says(self, at, text, final=False, stable=False, sound=None, *, language="en-US"):
        """The recogniser says ``text``; ``sound`` is when it was said, from and to, if it tells times as Riva does."""
        self._until(at)
        start, end = sound or (0.0, 0.0)
        said = text.split() if final and sound else []
        step = (end - start) / max(1, len(said))
        words = tuple(Word(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(said))
        stability = 1.0 if stable else 0.1
        told = Transcript(
            text, final=final, stability=stability, words=words, audio_processed=end and end + 0.24, language=language
        )
        self.tell(Transcribed(at=at, transcript=told))
        return self

    def judged(self, at, complete, until=1.0):
        """The turn model on audio says how probable the sound up to ``until`` makes it that the turn is over."""
        self._until(at)
        return self.tell(SoundJudged(at=at, time=until, complete=complete))

    def replies(self, text):
        """The reply's text, all at once."""
        self.tell(ReplyText(at=self.now, generation=self.generation, delta=text))
        return self

    def asked(self, at, text):
        """Somebody asks her to say ``text``."""
        self._until(at)
        return self.tell(SayRequested(at=at, text=text))

    def told(self, at, about):
        """Somebody asks her to tell the user about something."""
        self._until(at)
        return self.tell(AskRequested(at=at, about=about))

    def audible(self, at):
        self._until(at)
        self.tell(PlayoutStarted(self.generation, at, at))
        return self

    def ends(self, at):
        self._until(at)
        self.tell(PlayoutFinished(self.generation, at, 0, at))
        return self

    def wait(self, until):
        self._until(until)
        return self

    @property
    def generation(self):
        return [d for d in self.decisions if isinstance(d, Start | Reprompt | Notify | Say)][-1].generation

    def kinds(self):
        """What was decided, without where turns begin and what comes to nothing."""
        return [type(d) for d in self.decisions if not isinstance(d, Begin | Dismiss | Disregard)]

    def only(self, kind):
        found = [d for d in self.decisions if isinstance(d, kind)]
        assert len(found) == 1, self.decisions
        return found[0]


def answered(settings=None, text="where is my order"):
    """A turn that ended at 1.0 and was answered; the reply sounds since 1.4."""
    table = Table(settings).voice(0.2, 1.0).says(1.24, text, stable=True).wait(1.35).audible(1.4)
    assert table.kinds() == [Start, Commit]
    table.decisions = [d for d in table.decisions if isinstance(d, Start)]  # keeps the generation
    return table


def asking(text, settings=None, question="where is my order"):
    """Her reply sounds since 1.4 and has this text; what the user said is settled."""
    return answered(settings, question).says(1.6, question, final=True).replies(text)
