"""Turn taking in any conversation, with any settings: the rules that its decisions keep."""

from hypothesis import given, settings
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, Ears, drive

from sophia.completeness import words
from sophia.decisions import (
    Announce,
    Apologise,
    Begin,
    Commit,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Duck,
    Interrupt,
    Keep,
    Notify,
    Pause,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
    Unduck,
)
from sophia.events import PolicyChanged, Stopped
from sophia.floor_policy import FloorPolicy
from sophia.turns import TurnTaking


@settings(max_examples=400)
@given(SETTINGS, EVENTS, st.booleans())
def test_any_conversation_with_any_settings_keeps_the_rules(chosen, events, timed):
    machine = Machine(chosen)
    ears = Ears(timed)
    now = drive(machine, events, ears)
    follows_the_rules(machine.decisions)
    # A quiet minute later nothing hangs: no guess is left undecided, nobody is paused, nothing is waited for.
    assert machine.turns.phase in ("idle", "thinking", "speaking") or machine.policy.commits_only
    assert machine.turns.deadline is None
    machine.tell(Stopped(at=now))
    assert machine.turns.phase == "idle"
    every_word_is_named(ears.finals, machine.decisions)


def every_word_is_named(finals, decisions):
    """Each final with words is in the text of decisions: as a whole, or in two parts, the answered and the new one."""
    named = [" ".join(words(d.text)) for d in decisions if getattr(d, "text", "")]
    for final in finals:
        said = words(final.text)
        parts = [(" ".join(said[:cut]), " ".join(said[cut:])) for cut in range(len(said))]
        assert any(all(any(part in text for text in named) for part in both) for both in parts), (final, named)


class Machine:
    """Turn taking that keeps what it decided."""

    def __init__(self, chosen):
        self.turns = TurnTaking(chosen)
        self.decisions = []
        self.policy = FloorPolicy()

    def tell(self, event):
        if isinstance(event, PolicyChanged):
            self.policy = event.policy
        decided = self.turns.tell(event)
        self.decisions += decided
        return decided


def follows_the_rules(decisions):
    live, committed, paused, ducked, last, generations, turns = None, False, False, False, 0.0, 0, 0
    open_turns = set()
    for decision in decisions:
        assert decision.at >= last - 1e-3
        assert decision.reason
        last = max(last, decision.at)
        if not isinstance(decision, Begin | Refuse | Disregard | Correct):
            assert decision.turn in open_turns, decision
        match decision:
            case Begin(turn=turn):
                assert turn == turns + 1
                turns = turn
                open_turns.add(turn)
            case Start(generation=generation):
                if committed:
                    live = None  # ended by the sink's word
                assert live is None
                assert generation == generations + 1
                generations = live = generation
                committed, paused = False, False
            case (
                Reprompt(generation=generation)
                | Announce(generation=generation)
                | Notify(generation=generation)
                | Say(generation=generation)
            ):
                assert generation == generations + 1
                generations = live = generation
                committed, paused = True, False
            case Commit(generation=generation):
                assert generation == live
                assert not committed
                committed = True
            case Keep():
                pass
            case Drop(generation=generation):
                assert generation == live
                live, committed, paused, ducked = None, False, False, False
            case Interrupt(generation=generation, turn=turn):
                assert generation == live
                assert committed
                live, committed, paused, ducked = None, False, False, False
                open_turns.remove(turn)
            case Reopen(generation=generation, joined=joined):
                assert generation == live
                assert committed
                live, committed, paused, ducked = None, False, False, False
                open_turns.remove(joined)
            case Dismiss(turn=turn):
                open_turns.remove(turn)
            case Pause(generation=generation):
                assert generation == live
                assert not paused
                paused = True
            case Resume(generation=generation):
                assert generation == live
                assert paused
                paused = False
            case Duck(generation=generation):
                assert generation == live
                assert not ducked
                ducked = True
            case Unduck(generation=generation):
                assert generation == live
                assert ducked
                ducked = False
            case Apologise(generation=generation):
                assert generation == live
            case _:
                pass
