"""What somebody asks her to say is said, heard, remembered and recorded like any reply."""

import asyncio

from table import Table

from nova.history import UNCLEAR
from pipelines.conversation.events import CancelRequested, SayRequested
from pipelines.simulation.exact import Delays, Says, SimulatedVoice
from pipelines.takes.reader import ledgers, read_events
from pipelines.takes.writer import TakeWriter
from pipelines.talk.program import _Outcomes
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Say
from sophia.synthesis import VoiceError

TEXT = "The door is open. Please come in."


def ask(text=TEXT):
    return lambda at: SayRequested(at=at, text=text)


def talk(table, *events):
    table.events = list(events)
    return table.talk()


def remembered(table):
    return [(message.role, message.content) for message in table.history.messages()][1:]


def test_she_says_it_word_for_word_without_asking_the_model():
    table = Table([], seconds=12)
    (ledger,) = talk(table, (1.0, ask())).turns
    assert (ledger.outcome, ledger.user) == (Outcome.REPLIED, "")
    assert ledger.reply == ledger.heard == TEXT
    assert ledger.voice_to_voice is None
    assert table.mind.calls == []
    assert remembered(table) == [("user", UNCLEAR), ("assistant", TEXT)]


def test_it_waits_for_the_users_turn_and_both_are_in_the_history():
    table = Table([Says(1.0, "where is my order")], seconds=40)
    first, second = talk(table, (1.5, ask())).turns
    assert (first.user, first.outcome) == ("where is my order", Outcome.REPLIED)
    assert (second.heard, second.outcome) == (TEXT, Outcome.REPLIED)
    assert second.marks["released"] >= first.marks["end"] - 0.02
    assert [content for _, content in remembered(table)] == ["where is my order", first.heard, UNCLEAR, TEXT]


def test_what_was_heard_of_it_is_what_is_remembered_when_it_is_stopped():
    table = Table([], seconds=12)
    (ledger,) = talk(table, (1.0, ask()), (2.2, lambda at: CancelRequested(at=at))).turns
    assert ledger.outcome is Outcome.INTERRUPTED
    assert TEXT.startswith(ledger.heard)
    assert 0 < len(ledger.heard) < len(TEXT)
    assert remembered(table)[-1] == ("assistant", ledger.heard + " —")


def test_a_voice_that_fails_in_it_is_a_fault_of_the_turn_and_an_apology():
    class Silent(SimulatedVoice):
        def __init__(self, delays):
            super().__init__(Delays())

        async def speak(self, clauses):
            async for _ in clauses:
                raise VoiceError("gone")
            yield

    table = Table([], seconds=12, make_voice=Silent)
    (ledger,) = talk(table, (1.0, ask())).turns
    assert ledger.outcome is Outcome.FAILED
    assert ledger.spoilt_by.service == "tts"


def test_a_take_knows_it_and_its_ledger_can_be_computed_again(tmp_path):
    table = Table([], seconds=8)
    (ledger,) = talk(table, (1.0, ask())).ledgers

    async def record():
        take = TakeWriter(tmp_path / "take", {}, start=table.notes.start, reply_rate=22_050)
        for happening in table.notes.happened:
            take.told(happening)
        await take.aclose()

    asyncio.run(record())
    assert [happening.text for happening in read_events(tmp_path / "take") if isinstance(happening, Say)] == [TEXT]
    (again,) = ledgers(tmp_path / "take")
    assert again.as_dict() == ledger.as_dict()


def test_it_is_no_turn_that_she_answered():
    answered = []
    watch = _Outcomes({}, lambda: answered.append(1))
    talk(Table([], seconds=12, observers=[watch]), (1.0, ask()))
    assert (answered, watch.turns) == ([], 0)
