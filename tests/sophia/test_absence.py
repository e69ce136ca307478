"""Turn taking while her ears are away: nobody is asked to say it again, and she says once that she cannot hear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, drive
from turn_table import Table

from sophia.decisions import Announce, Begin, Commit, Dismiss, Farewell, Interrupt, Reprompt
from sophia.events import EarsBack, EarsLost, Failed, Transcribed
from sophia.playout_events import PlayoutFinished
from sophia.transcripts import Transcript
from sophia.turns import TurnTaking

GONE = RuntimeError("gone")


def lost(table: Table, at: float) -> None:
    table._until(at)
    table.tell(EarsLost(at=at, error=GONE))


def back(table: Table, at: float) -> None:
    table._until(at)
    table.tell(EarsBack(at=at))


def heard(table: Table, at: float, text: str) -> None:
    table._until(at)
    table.tell(Transcribed(at=at, transcript=Transcript(text, final=True)))


def made(table: Table, *kinds: type) -> list[type]:
    return [type(decision) for decision in table.decisions if isinstance(decision, kinds)]


def test_words_that_come_late_belong_to_the_turn_that_waited_for_them() -> None:
    table = Table()
    table.voice(1.0, 2.0)
    lost(table, 2.1)  # a second of silence without text would be asked about
    back(table, 4.0)
    heard(table, 4.1, "where is my order")
    table._until(6.0)
    assert made(table, Begin, Reprompt, Announce, Commit, Dismiss) == [Begin, Commit]


def test_ears_that_come_back_have_their_time_to_say_what_they_heard() -> None:
    table = Table()
    table.voice(1.0, 2.0)
    lost(table, 2.1)
    back(table, 4.5)
    heard(table, 5.3, "where is my order")  # 0.8 s after they came back
    table._until(8.0)
    assert made(table, Reprompt, Commit) == [Commit]


def test_an_outage_is_told_once_and_voices_in_it_come_to_nothing() -> None:
    table = Table()
    table.voice(1.0, 2.0)
    lost(table, 2.1)
    table._until(5.2)
    (told,) = [decision for decision in table.decisions if isinstance(decision, Announce)]
    table.tell(PlayoutFinished(told.generation, 6.5, 1, 6.5))
    for start in (10.0, 20.0, 30.0):
        table.voice(start, start + 2)
    table._until(40.0)
    assert made(table, Announce, Reprompt) == [Announce]
    assert made(table, Begin, Dismiss).count(Dismiss) == 4  # each voice; she had a turn of her own, too
    assert table.turns.phase == "idle"
    back(table, 40.0)
    lost(table, 50.0)
    table._until(60.0)
    assert made(table, Announce) == [Announce, Announce]


def test_a_short_outage_is_told_nobody() -> None:
    table = Table()
    lost(table, 1.0)
    back(table, 3.9)
    table._until(20.0)
    assert table.decisions == []


def test_she_does_not_talk_over_what_is_heard_again() -> None:
    table = Table()
    lost(table, 1.0)
    table._until(4.5)
    assert made(table, Announce) == [Announce]
    back(table, 4.6)
    heard(table, 4.7, "where is my order")
    table._until(8.0)
    assert made(table, Announce, Interrupt, Commit) == [Announce, Interrupt, Commit]


def test_ears_that_are_lost_for_good_after_all_are_told_as_a_last_word() -> None:
    table = Table()
    lost(table, 1.0)
    table._until(20.0)
    table.tell(Failed(at=20.0, service="asr", error=GONE, fatal=True))
    assert made(table, Announce, Farewell) == [Announce, Farewell]


@given(EVENTS, SETTINGS, st.booleans())
def test_whatever_happens_nobody_is_asked_again_while_she_is_deaf(events, settings, starts_deaf) -> None:
    class Listening:
        def __init__(self) -> None:
            self.turns = TurnTaking(settings)
            self.deaf = False
            self.announced = 0

        def tell(self, event):
            if isinstance(event, EarsBack):
                self.deaf, self.announced = False, 0
            decided = self.turns.tell(event)
            self.deaf = self.deaf or isinstance(event, EarsLost)
            if self.deaf:
                assert not [d for d in decided if isinstance(d, Reprompt)]
                self.announced += sum(isinstance(d, Announce) for d in decided)
                assert self.announced <= 1
            else:
                assert not [d for d in decided if isinstance(d, Announce)]
            return decided

    machine = Listening()
    if starts_deaf:
        machine.tell(EarsLost(at=0.0, error=GONE))
    drive(machine, events)


def test_words_that_come_before_she_is_heard_to_say_so_are_a_turn_of_their_own() -> None:
    table = Table()
    lost(table, 1.0)
    table._until(5.0)
    assert made(table, Announce) == [Announce]
    heard(table, 5.1, "where is my order")  # of a stream that is not quite dead
    table._until(8.0)
    assert made(table, Begin, Announce, Interrupt, Commit) == [Begin, Announce, Begin, Interrupt, Commit]
    turns = [decision.turn for decision in table.decisions if isinstance(decision, Begin | Commit | Interrupt)]
    assert turns == [1, 2, 1, 2]
