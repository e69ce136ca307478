"""Events of conversations that hypothesis makes up: in any order, twice, late, within one tick of the clock."""

from hypothesis import strategies as st

from sophia.decisions import Commit, Drop, Interrupt, Reopen, Reprompt
from sophia.events import (
    CancelRequested,
    CommitRequested,
    Failed,
    HoldEnded,
    HoldStarted,
    TextTyped,
    Tick,
    Transcribed,
)
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript
from sophia.turn_settings import TurnSettings
from sophia.vad import VoiceStarted, VoiceStopped

TEXTS = st.sampled_from(
    ["", "mhm", "where is my order", "and", "stop", "the blue box", "where is my order for the shoes", "Yes."]
)
KINDS = (
    "start", "stop", "partial", "stable", "final", "audible", "end", "typed", "commit", "cancel", "hold", "unhold",
    "llm fails", "face fails", "wait",
)  # fmt: skip
GAPS = st.one_of(st.sampled_from([0.0, 0.0004, 0.001, 0.02]), st.floats(0.0, 1.5, allow_nan=False))
EVENTS = st.lists(st.tuples(st.sampled_from(KINDS), GAPS, TEXTS, st.integers(0, 1)), max_size=40)
SETTINGS = st.builds(
    TurnSettings,
    language=st.sampled_from(["en-US", "de-DE"]),
    pause_complete=st.sampled_from([0.1, 0.28, 2.0]),
    pause_open=st.sampled_from([0.1, 0.6, 3.0]),
    pause_unfinished=st.sampled_from([0.1, 1.3, 5.0]),
    speculate=st.booleans(),
    max_speculations=st.integers(1, 4),
    settle=st.sampled_from([0.0, 0.45, 2.0]),
    final_timeout=st.sampled_from([0.0, 0.7]),
    text_timeout=st.sampled_from([0.2, 1.0]),
    reprompt_voice=st.sampled_from([0.0, 0.4]),
    max_reprompts=st.integers(0, 2),
    reopen_window=st.sampled_from([0.0, 1.0, 5.0]),
    barge_in=st.booleans(),
    barge_in_pause=st.sampled_from([0.0, 0.13, 2.0]),
    barge_in_voice=st.sampled_from([0.1, 0.7]),
    resume_timeout=st.sampled_from([0.1, 0.8]),
    resume_rewind=st.sampled_from([0.0, 0.2]),
)


def drive(machine, events):
    """Tells ``machine`` (which has ``tell`` and ``turns``) the events and the ticks between; returns the time it is.

    Ends with thirty quiet seconds after the user fell silent at last.
    """
    now, onset, decided = 0.0, 0.0, []

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
                event = VoiceStopped(max(now - 0.06, onset), now)
            case "partial" | "stable" | "final":
                stability = 1.0 if kind == "stable" else 0.1
                event = Transcribed(at=now, transcript=Transcript(text, final=kind == "final", stability=stability))
            case "audible":
                event = PlayoutStarted(generation, now, now)
            case "end" if _heard(decided, generation):
                event = PlayoutFinished(generation, now, 0, now)
            case "typed":
                event = TextTyped(at=now, text=text)
            case "commit":
                event = CommitRequested(at=now)
            case "cancel":
                event = CancelRequested(at=now)
            case "hold":
                event = HoldStarted(at=now, generation=generation)
            case "unhold":
                event = HoldEnded(at=now, generation=generation)
            case "llm fails" | "face fails":
                error = RuntimeError("gone")
                event = Failed(at=now, service=kind.split()[0], error=error, generation=generation)
        if event is not None:
            decided.extend(machine.tell(event))
    machine.tell(VoiceStopped(now, now))
    wait(now + 30)
    return now + 30


def _heard(decided, generation):
    """Whether the playout may tell of this generation's end: it was released, and not cut off."""
    fate = [d for d in decided if d.generation == generation]
    return any(isinstance(d, Commit | Reprompt) for d in fate) and not any(
        isinstance(d, Drop | Interrupt | Reopen) for d in fate
    )
