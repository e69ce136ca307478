"""Events of conversations that hypothesis makes up: in any order, twice, late, within one tick of the clock."""

from hypothesis import strategies as st

from sophia.completeness import words
from sophia.decisions import Announce, Commit, Drop, Interrupt, Notify, Reopen, Reprompt, Say
from sophia.events import (
    AnswerRequested,
    AskRequested,
    CancelRequested,
    CommitRequested,
    EarsBack,
    EarsLost,
    Failed,
    ForgetRequested,
    HoldEnded,
    HoldStarted,
    PolicyChanged,
    RecordingStarted,
    ReplyText,
    SayRequested,
    SoundJudged,
    TextTyped,
    Tick,
    Transcribed,
)
from sophia.floor_policy import FloorPolicy
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript, Word
from sophia.turn_settings import TurnSettings
from sophia.vad import VoiceStarted, VoiceStopped

TEXTS = st.sampled_from(
    ["", "mhm", "where is my order", "and", "stop", "the blue box", "order for the shoes", "Yes.", "7 × 23?", "."]
)
TONGUES = {"stop": "de-DE", "order for the shoes": "de-AT", "the blue box": "fr-FR", "and": "", "7 × 23?": "ja-JP"}
"""What a recogniser that knows several languages takes a text for; any other is English."""
KINDS = (
    "start", "stop", "partial", "stable", "final", "again", "reworded", "audible", "end", "typed", "commit", "cancel",
    "hold", "unhold", "says", "asks", "llm fails", "face fails", "deaf", "hears", "wait", "say", "tell", "recorded",
    "answer", "policy", "forget", "judged",
)  # fmt: skip
GAPS = st.one_of(st.sampled_from([0.0, 0.0004, 0.001, 0.02]), st.floats(0.0, 1.5, allow_nan=False))
EVENTS = st.lists(st.tuples(st.sampled_from(KINDS), GAPS, TEXTS, st.integers(0, 1)), max_size=40)


def _values(field):
    """The least, the usual and the greatest value of a setting, and any between."""
    if field.annotation is bool:
        return st.booleans()
    if field.annotation is str:
        return st.sampled_from(["en-US", "de-DE"])
    if field.annotation == tuple[str, ...]:
        return st.sampled_from([(), ("de-DE",), ("fr-FR", "de-DE")])
    least, greatest = field.metadata[0].ge, field.metadata[1].le
    between = st.integers if field.annotation is int else st.floats
    return st.one_of(st.just(field.default), st.sampled_from([least, greatest]), between(least, greatest))


SETTINGS = st.one_of(
    st.just(TurnSettings()),
    st.builds(TurnSettings, **{name: _values(field) for name, field in TurnSettings.model_fields.items()}),
)
POLICIES = (
    FloorPolicy(),
    FloorPolicy(ends="commit"),
    FloorPolicy(answers=False),
    FloorPolicy(interrupts=False),
    FloorPolicy(ends="silence", silence=0.2, answers=False, interrupts=False),
    FloorPolicy(ends="silence", silence=1.0, idle=5.0),
    FloorPolicy(patience=2.0, longest=8.0, interrupts=False),
)
QUIET = 60.0
"""Seconds in which every wait that can be set is over."""


class Ears:
    """Makes up transcripts as a recogniser would tell them, with the times of the sound, or without any."""

    def __init__(self, timed):
        self._timed = timed
        self._from = 0.0
        self._last = None
        self.finals = []
        """Every final with words."""

    def hear(self, kind, text, now):
        match kind:
            case "partial" | "stable":
                stability = 1.0 if kind == "stable" else 0.1
                processed, tongue = now if self._timed else 0.0, TONGUES.get(text, "en-US")
                return Transcript(text, stability=stability, audio_processed=processed, language=tongue)
            case "again" if self._last:
                self.finals += [self._last] if words(self._last.text) else []
                return self._last
            case "reworded" if self._last:
                return self._final(text, self._last.words[0].start if self._last.words else 0.0, self._ended)
        begin, self._from, self._ended = self._from, now, now
        return self._final(text, begin, now)

    def _final(self, text, start, end):
        tongue = TONGUES.get(text, "en-US")
        if text and text not in ("mhm", "Yes.", "."):
            text += f" n{len(self.finals)}"  # so that a test can tell whose words they are
        said = text.split() if self._timed else []
        step = (end - start) / max(1, len(said))
        timed = tuple(Word(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(said))
        processed = end if self._timed else 0.0
        self._last = Transcript(text, final=True, words=timed, audio_processed=processed, language=tongue)
        if words(text):
            self.finals.append(self._last)
        return self._last


def drive(machine, events, ears=None):
    """Tells ``machine`` (which has ``tell`` and ``turns``) the events and the ticks between; returns the time it is.

    Ends with a quiet minute after the user fell silent at last.
    """
    ears = ears or Ears(timed=True)
    now, onset, stopped, decided = 0.0, 0.0, 0.0, []

    def wait(until):
        for _ in range(200):
            due = machine.turns.deadline
            if due is None or due > until:
                return
            decided.extend(machine.tell(Tick(at=max(due, now))))
        raise AssertionError("the machine asks for ticks without end")

    for kind, gap, text, back in events:
        wait(now + gap)
        now += gap
        generation = max(0, max([d.generation for d in decided], default=0) - back)
        event = None
        match kind:
            case "start":
                onset = now
                event = VoiceStarted(now, now)
            case "stop":
                stopped = max(now - 0.06, onset)
                event = VoiceStopped(stopped, now)
            case "partial" | "stable" | "final" | "again" | "reworded":
                event = Transcribed(at=now, transcript=ears.hear(kind, text, now))
            case "says" | "asks":
                event = ReplyText(at=now, generation=generation, delta="Shall I?" if kind == "asks" else "Here it is.")
            case "audible" if _heard(decided, generation):
                event = PlayoutStarted(generation, now, now)
            case "end" if _heard(decided, generation):
                event = PlayoutFinished(generation, now, 0, now)
            case "judged":  # of the voice that ended last, or of an older one
                event = SoundJudged(at=now, time=stopped - back, complete=len(text) / 20)
            case "typed":
                event = TextTyped(at=now, text=text)
            case "say":
                event = SayRequested(at=now, text=text)
            case "tell":
                event = AskRequested(at=now, about=text)
            case "recorded":
                event = RecordingStarted(at=now)
            case "commit":
                event = CommitRequested(at=now)
            case "answer":
                event = AnswerRequested(at=now)
            case "policy":
                event = PolicyChanged(at=now, policy=POLICIES[(len(text) + back) % len(POLICIES)])
            case "forget":
                event = ForgetRequested(at=now)
            case "cancel":
                event = CancelRequested(at=now)
            case "hold":
                event = HoldStarted(at=now, generation=generation)
            case "unhold":
                event = HoldEnded(at=now, generation=generation)
            case "deaf":
                event = EarsLost(at=now, error=RuntimeError("gone"))
            case "hears":
                event = EarsBack(at=now)
            case "llm fails" | "face fails":
                error = RuntimeError("gone")
                service, again = kind.split()[0], len(text) > 3
                event = Failed(at=now, service=service, error=error, generation=generation, again=again)
        if event is not None:
            decided.extend(machine.tell(event))
    machine.tell(VoiceStopped(now, now))
    wait(now + QUIET)
    return now + QUIET


def _heard(decided, generation):
    """Whether the playout may tell of this generation: it was released, and not cut off."""
    fate = [d for d in decided if d.generation == generation]
    return any(isinstance(d, Commit | Reprompt | Announce | Notify | Say) for d in fate) and not any(
        isinstance(d, Drop | Interrupt | Reopen) for d in fate
    )
