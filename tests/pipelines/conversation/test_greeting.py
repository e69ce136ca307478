"""She greets once she can hear, in words or in her own; a user who is quicker is answered instead."""

import pytest
from pydantic import ValidationError
from table import REPLY, Table

from pipelines.conversation.events import Remembered, TextTyped
from pipelines.settings.greeting import GreetingSettings
from pipelines.settings.model import Settings
from pipelines.simulation.exact import Says
from pipelines.talk.greeting import Greeting

HELLO = "Hello, I am Sophia."


def talk(script=(), seconds=20, events=(), **settings):
    table = Table(list(script), seconds=seconds)
    table.events = list(events)

    def tell(event):
        table.conversation.tell(event)

    table.observers = [Greeting(GreetingSettings(**settings), tell)]
    return table, table.talk()


def test_it_is_off_at_first():
    assert Settings().greeting == GreetingSettings()
    assert talk()[1].turns == []


def test_she_says_the_words():
    table, notes = talk(say=HELLO)
    (ledger,) = notes.turns
    assert ledger.heard == HELLO
    assert table.mind.calls == []


def test_the_mind_finds_the_words():
    table, notes = talk(ask="Greet the user.")
    (ledger,) = notes.turns
    assert ledger.heard == REPLY.strip()
    assert "Greet the user." in table.mind.calls[0][0].content


def test_who_speaks_over_it_is_heard_and_not_greeted_again():
    for wanted in ({"say": HELLO * 5}, {"ask": "Greet the user."}):
        _, notes = talk([Says(0.3, "where is my order")], seconds=40, **wanted)
        assert [ledger.user for ledger in notes.turns] == ["", "where is my order"]


def test_who_was_quicker_or_comes_back_is_not_greeted():
    _, notes = talk(events=[(-0.01, lambda at: TextTyped(at=at, text="hello"))], say=HELLO)
    assert [ledger.user for ledger in notes.turns] == ["hello"]
    _, notes = talk(events=[(-0.01, lambda at: Remembered(at=at, place=-1, said="hi", heard="Hi."))], say=HELLO)
    assert notes.turns == []


def test_words_and_a_task_are_one_too_many():
    with pytest.raises(ValidationError):
        GreetingSettings(say=HELLO, ask="Greet the user.")
