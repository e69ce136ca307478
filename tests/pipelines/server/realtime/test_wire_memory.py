"""A client tells of the past, and makes her forget: what the model is given then."""

import pytest
from wire_rules import Rules
from wire_talk import REPLY, Talk, of, only

from nova.history import UNCLEAR, UNHEARD, History
from nova.mind import Message
from pipelines.conversation.events import Forgotten, GenerationOver, Remembered
from pipelines.conversation.past import record
from pipelines.server.realtime.wire import Wire
from sophia.decisions import Commit


class Remembering(Talk):
    """A talk with a history, kept as :class:`pipelines.conversation.replies.Replies` keeps it."""

    def __post_init__(self):
        super().__post_init__()
        self.history = History("You are Nova.")

    def _pass_on(self, happening):
        match happening:
            case Commit(generation=generation, text=text):
                self.history.user(generation, text)
            case GenerationOver(generation=generation, heard=heard):
                self.history.assistant(generation, heard)
            case Remembered() | Forgotten():
                record(self.history, happening)
        return super()._pass_on(happening)

    def given(self):
        return [(message.role, message.content) for message in self.history.messages()[1:]]


@pytest.fixture
def talk():
    talk = Remembering()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def create(talk, name, role, **part):
    return talk.client(
        "conversation.item.create", item={"id": name, "type": "message", "role": role, "content": [part]}
    )


def replay(talk):
    create(talk, "u1", "user", type="input_text", text="My name is Kim.")
    create(talk, "a1", "assistant", type="output_text", text="Hello Kim.")
    create(talk, "u2", "user", type="input_audio", transcript="I like tea.")
    create(talk, "a2", "assistant", type="output_audio", transcript="So do I.")
    return talk


def test_a_client_that_comes_back_tells_what_was_said(talk):
    replay(talk).types_message("What is my name?").writes().ends()
    assert talk.given() == [
        ("user", "My name is Kim."), ("assistant", "Hello Kim."), ("user", "I like tea."), ("assistant", "So do I."),
        ("user", "What is my name?"), ("assistant", REPLY),
    ]  # fmt: skip
    assert len(of(talk, "response.created")) == 1  # nothing of the past is answered
    item = talk.client("conversation.item.retrieve", item_id="a1").sent[-1][0]["item"]
    assert item["content"] == [{"type": "output_text", "text": "Hello Kim."}]


def test_a_greeting_needs_no_question(talk):
    create(talk, "a1", "assistant", type="output_text", text="Hello.")
    assert talk.given() == [("user", UNCLEAR), ("assistant", "Hello.")]


def test_a_reply_of_which_nothing_was_heard_leaves_its_question(talk):
    create(talk, "u1", "user", type="input_text", text="No, stop.")
    create(talk, "a1", "assistant", type="output_text", text="")
    create(talk, "u2", "user", type="input_text", text="Go on.")
    create(talk, "a2", "assistant", type="output_text", text="So be it.")
    assert talk.given() == [
        ("user", "No, stop."), ("assistant", UNHEARD), ("user", "Go on."), ("assistant", "So be it."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (["u1"], [("user", UNCLEAR), ("assistant", "Hello Kim.")]),
        (["a1"], [("user", "My name is Kim."), ("assistant", UNHEARD)]),
        (["a1", "u1"], []),
    ],
)
def test_what_is_deleted_is_forgotten(talk, gone, left):
    replay(talk)
    for name in gone:
        talk.client("conversation.item.delete", item_id=name)
    assert talk.given() == [*left, ("user", "I like tea."), ("assistant", "So do I.")]


def test_a_turn_that_was_spoken_is_forgotten(talk):
    talk.asks().writes().ends()
    question, answer = (event["item"]["id"] for event in of(talk, "conversation.item.added"))
    assert talk.given() == [("user", "where is my order"), ("assistant", REPLY)]
    talk.client("conversation.item.delete", item_id=question)
    assert talk.given() == [("user", UNCLEAR), ("assistant", REPLY)]
    talk.client("conversation.item.delete", item_id=answer)
    assert talk.given() == []


def test_what_is_deleted_while_it_is_said_is_not_remembered_later(talk):
    talk.asks().writes().sounds(0.5)
    talk.client("conversation.item.delete", item_id=of(talk, "response.output_item.added")[0]["item"]["id"])
    talk.ends()
    assert talk.given() == [("user", "where is my order"), ("assistant", UNHEARD)]


def test_of_one_question_in_two_items_no_part_can_be_forgotten(talk):
    create(talk, "u1", "user", type="input_text", text="one")
    create(talk, "u2", "user", type="input_text", text="two")
    create(talk, "a1", "assistant", type="output_text", text="three")
    talk.client("conversation.item.delete", item_id="u1")
    assert talk.given() == [("user", "one\ntwo"), ("assistant", "three")]


def test_sound_in_items_is_refused_with_a_way_out(talk):
    create(talk, "u1", "user", type="input_audio", audio="AAAA")
    error = only(talk, "error")["error"]
    assert error["code"] == "unsupported_content"
    assert "transcript" in error["message"]


def test_who_watches_neither_adds_to_her_memory_nor_takes_from_it():
    talk = Talk(wire=Wire(began=100.0, voice_rate=22_050, watch=True)).asks().writes().ends()
    create(talk, "a1", "assistant", type="output_text", text="Hello.")
    assert only(talk, "error")["error"]["code"] == "watching"
    talk.client("conversation.item.delete", item_id=of(talk, "conversation.item.added")[0]["item"]["id"])
    assert not [wish for wish in talk.wishes if isinstance(wish, Remembered | Forgotten)]


def test_a_forgotten_question_is_not_waiting_for_an_answer():
    history = History()
    history.remember(-1, "one", "two")
    history.forget(-1, said=False)
    assert history.messages("")[-1] == Message("user", UNCLEAR)
