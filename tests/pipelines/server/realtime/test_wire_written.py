"""Replies that are written: their orders on the wire, and what a whole conversation makes of them."""

import pytest
from table import REPLY as SAID
from table import Table
from test_wire_in_a_conversation import Client
from wire_rules import Rules
from wire_talk import REPLY, Talk, of, only

from pipelines.conversation.events import CancelRequested, LimitReached, TextTyped
from pipelines.conversation.manner import Manner, Manners
from pipelines.server.realtime.wire import Wire
from pipelines.simulation.exact import Delays, Says
from pipelines.telemetry.ledger import Outcome

BEGINS = [
    "response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added",
]  # fmt: skip
ENDS = [
    "response.output_text.done", "response.content_part.done", "conversation.item.done", "response.output_item.done",
    "response.done",
]  # fmt: skip


@pytest.fixture
def talk():
    talk = Talk()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def set_text(talk):
    talk.client("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    assert only(talk, "session.updated")["session"]["output_modalities"] == ["text"]
    return talk


def test_a_session_that_is_written(talk):
    set_text(talk).asks().writes(3)
    assert talk.types()[-5:] == [*BEGINS, "response.output_text.delta"]
    talk.ends()
    assert talk.types()[-len(ENDS) :] == ENDS
    assert "".join(event["delta"] for event in of(talk, "response.output_text.delta")) == REPLY
    done = only(talk, "response.done")["response"]
    assert done["output"][0]["content"] == [{"type": "output_text", "text": REPLY}]
    item = talk.client("conversation.item.retrieve", item_id=done["output"][0]["id"]).sent[-1][0]["item"]
    assert item["content"] == [{"type": "output_text", "text": REPLY}]
    assert of(talk, "response.output_audio.delta") == []
    (ledger,) = talk.ledgers
    assert (ledger.heard, ledger.voice_to_voice) == (REPLY, None)


def test_one_response_that_is_written(talk):
    talk.types_message("hello", response={"output_modalities": ["text"]}).writes().ends()
    talk.types_message("hello").writes().sounds(0.5).ends()
    modalities = [event["response"]["output_modalities"] for event in of(talk, "response.done")]
    assert modalities == [["text"], ["audio"]]


def test_a_guess_that_was_spoken_is_not_the_answer_that_is_written(talk):
    talk.voice(0.8).says("where is my order").writes()
    guess = talk.generation
    assert guess
    talk.client("response.create", response={"output_modalities": ["text"]}).wait(1.0).writes().ends()
    assert talk.generation != guess
    assert only(talk, "response.done")["response"]["output_modalities"] == ["text"]


def test_what_was_read_is_not_taken_back(talk):
    set_text(talk).asks().writes(4)
    before = len(talk.sent)
    talk.starts().wait(0.4).says("no the other one", final=False, stable=True)
    kinds = talk.types(before)
    assert kinds[:1] == ["input_audio_buffer.speech_started"]
    assert kinds[-len(ENDS) :] == ENDS
    done = only(talk, "response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert done["output"][0]["content"][0]["text"] == "Here it is, as"
    retrieved = talk.client("conversation.item.retrieve", item_id=done["output"][0]["id"]).sent[-1][0]["item"]
    assert (retrieved["status"], retrieved["content"][0]["text"]) == ("incomplete", "Here it is, as")
    talk.stops().says("no the other one").wait(3)


@pytest.mark.parametrize("written", [True, False])
def test_a_response_ends_at_its_limit(talk, written):
    modalities = ["text"] if written else ["audio"]
    talk.types_message("hello", response={"max_output_tokens": 3, "output_modalities": modalities}).writes().sounds(0.5)
    talk.tell(LimitReached(at=talk.now, generation=talk.generation)).ends()
    done = only(talk, "response.done")["response"]
    assert (done["status"], done["max_output_tokens"]) == ("incomplete", 3)
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"output_modalities": ["video"]}, "response.output_modalities"),
        ({"max_output_tokens": 0}, "response.max_output_tokens"),
        ({"max_output_tokens": True}, "response.max_output_tokens"),
    ],
)
def test_what_cannot_be_is_refused(talk, response, param):
    talk.client("response.create", event_id="e1", response=response)
    error = only(talk, "error")["error"]
    assert (error["param"], error["event_id"]) == (param, "e1")


def test_instructions_for_one_response_replace_the_sessions_and_leave_what_the_system_wrote():
    talk = Talk(wire=Wire(began=100.0, voice_rate=22_050, instructions=True))
    talk.client("session.update", session={"type": "realtime", "instructions": "Be brief."})
    note = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "It rains."}]}
    talk.client("conversation.item.create", item=note)
    talk.client("response.create", response={"instructions": "Sing."})
    (manner,) = [wish.manner for wish in talk.wishes if hasattr(wish, "manner")]
    assert manner == Manner(instructions="Sing.\n\nIt rains.")
    assert talk.wire.manner.instructions == "Be brief.\n\nIt rains."


def table(manners, *events, script=(), **options):
    client = Client()
    client.table = Table(
        list(script), seconds=30, events=list(events), observers=[client], manners=manners,
        make_voice=Untouched if manners.usual.written else None,
        make_face=Untouched if manners.usual.written else None, **options,
    )  # fmt: skip
    client.table.talk()
    return client


class Untouched:
    """A voice or a face that nobody may ask for anything."""

    rate = 24_000

    def __init__(self, delays):
        pass


def typed(at):
    return TextTyped(at=at, text="where is my order")


def test_neither_voice_nor_face_is_asked_for_what_is_written():
    client = table(Manners(Manner(written=True)), (0.5, typed))
    (turn,) = client.table.notes.ledgers
    assert (turn.outcome, turn.voice_to_voice, turn.sound_seconds) == (Outcome.REPLIED, None, 0.0)
    assert turn.heard == SAID
    assert client.table.history.messages()[-1].content == SAID


def test_a_spoken_question_is_answered_in_writing():
    client = table(Manners(Manner(written=True)), script=[Says(1.0, "where is my order")])
    (turn,) = client.table.notes.ledgers
    assert (turn.user, turn.heard, turn.voice_to_voice) == ("where is my order", SAID, None)


def test_a_cancelled_one_keeps_what_was_read():
    client = table(Manners(Manner(written=True)), (0.5, typed), (0.9, lambda at: CancelRequested(at=at)))
    (turn,) = client.table.notes.ledgers
    assert turn.outcome is Outcome.INTERRUPTED
    assert 0 < len(turn.heard) < len(SAID)
    assert SAID.startswith(turn.heard)
    assert client.table.history.messages()[-1].content == f"{turn.heard} —"


def test_a_limit_ends_the_model_and_the_rest_is_never_asked_for():
    client = table(Manners(Manner(most_tokens=3)), (0.5, typed))
    (turn,) = client.table.notes.ledgers
    assert SAID.startswith(turn.heard)
    assert len(turn.heard.split()) <= 3


def test_instructions_stand_below_the_persona_for_one_answer():
    manners = Manners(once=Manner(instructions="Sing."))
    client = table(manners, (0.5, typed), (12.0, typed))
    systems = [messages[0].content for messages in client.table.mind.calls]
    assert systems == ["You are Nova.\n\nSing.", "You are Nova."]


def test_words_over_a_written_answer_are_a_turn_of_their_own():
    script = [Says(1.0, "where is my order"), Says(3.6, "no the blue one")]
    client = table(Manners(Manner(written=True)), script=script, delays=Delays(token=0.2))
    first, second = client.table.notes.ledgers
    assert first.outcome is Outcome.INTERRUPTED
    assert (first.user, second.user) == ("where is my order", "no the blue one")
    said = [message.content for message in client.table.history.messages()[1:]]
    assert said == ["where is my order", f"{first.heard} —", "no the blue one", SAID]
    assert SAID.startswith(first.heard)
    assert first.heard
