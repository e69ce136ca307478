"""A conversation goes on at another server: she knows what was said, as it was heard, and the session is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wire_memory import Remembering, create, replay
from wire_rules import Rules
from wire_talk import OFFSET, RATE, REPLY, Talk, of, only

from nova.history import INTERRUPTED, History
from pipelines.conversation.events import ToolAnswered, ToolCalled
from pipelines.conversation.past import record
from pipelines.server.realtime.items import words
from pipelines.server.realtime.reading import Refused
from pipelines.server.realtime.wire import Wire

TOOL = {"type": "function", "name": "get_weather", "description": "Tells it.", "parameters": {"type": "object"}}


class Called(Remembering):
    """A talk whose history knows of calls, too."""

    def _pass_on(self, happening):
        if isinstance(happening, ToolCalled | ToolAnswered):
            record(self.history, happening)
        return super()._pass_on(happening)


def wire(open_token=None, **options):
    return Wire(began=OFFSET, voice_rate=RATE, open_token=open_token, **options)


def elsewhere(talk, **options):
    """The same client at another server, with what was kept."""
    kept = talk.wire.resuming.kept()
    other = Called(wire=wire(lambda token: kept, **options))
    other.history = History("You are Nova.")
    other.client("session.update", session={"sophia": {"resume": "a token"}})
    return other


def judged(talk):
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def texts(talk):
    return {item["id"]: words(item) for item in talk.wire.resuming.kept().items if item["type"] == "message"}


def test_she_knows_what_was_said_and_the_items_have_their_ids():
    talk = Called().asks("how is the weather").writes().ends()
    talk.types_message("and tomorrow").writes().ends()
    other = elsewhere(talk.extended("sophia.resume"))
    assert other.given() == talk.given()
    kept = list(texts(talk))
    assert only(other, "sophia.resume.restored")["item_ids"] == kept
    (event,) = other.client("conversation.item.retrieve", item_id=kept[1]).sent[-1]
    assert event["item"]["content"][0]["transcript"] == REPLY
    other.types_message("thanks").writes().ends()
    assert of(other, "conversation.item.added")[0]["previous_item_id"] == kept[-1]
    assert other.given() == [*talk.given(), ("user", "thanks"), ("assistant", REPLY)]
    judged(other)


def test_what_was_not_heard_when_the_server_died_is_not_known():
    talk = Called().extended("sophia.playout", "sophia.resume").asks().writes().sounds(2.0)
    item = of(talk, "response.output_item.added")[0]["item"]["id"]
    talk.client("sophia.playout.position", item_id=item, audio_ms=750)  # three words of a quarter of a second
    heard = " ".join(REPLY.split()[:3])
    assert texts(talk)[item] == heard
    assert elsewhere(talk).given() == [("user", "where is my order"), ("assistant", heard + INTERRUPTED)]


def test_a_client_that_tells_no_positions_has_heard_what_was_sent_less_its_lead():
    talk = Called().asks().writes().sounds(1.05)
    assert elsewhere(talk).given()[-1] == ("assistant", " ".join(REPLY.split()[:3]) + INTERRUPTED)


def test_her_last_sentence_that_was_heard_is_worth_a_token(monkeypatch):
    talk = Called().extended("sophia.playout", "sophia.resume").asks().writes().sounds(60.0)
    item = of(talk, "response.output_item.added")[0]["item"]["id"]
    before = talk.wire.resuming.mark
    talk.client("sophia.playout.position", item_id=item, audio_ms=500)
    assert talk.wire.resuming.mark == before
    talk.client("sophia.playout.position", item_id=item, audio_ms=60_000)
    assert talk.wire.resuming.mark != before


def test_calls_and_what_came_of_them():
    talk = Called()
    talk.client("session.update", session={"type": "realtime", "tools": [TOOL]})
    talk.asks("how is it in ulm").calls(alone=False).ends().answers_call().client("response.create")
    talk.writes().ends()
    other = elsewhere(talk)
    assert other.given() == talk.given()
    assert [role for role, _ in other.given()] == ["user", "assistant", "tool", "assistant"]
    assert other.wire.tools == talk.wire.tools
    (error,) = other.answers_call().sent[-1]
    assert error["error"]["code"] == "invalid_value", "it has its output already"


def test_a_question_that_nobody_answered_is_answered_when_asked_for():
    talk = Called().asks("where is my order")
    other = elsewhere(talk.extended("sophia.resume"))
    assert only(other, "sophia.resume.restored")["unanswered"] is False  # she had begun, and nothing was heard
    talk = Called().extended("sophia.resume")
    create(talk, "u1", "user", type="input_text", text="where is my order")
    other = elsewhere(talk)
    assert only(other, "sophia.resume.restored")["unanswered"] is True
    other.client("response.create")
    assert not of(other, "error")
    assert other.given() == [("user", "where is my order")]


@pytest.mark.parametrize("may", [True, False])
def test_instructions_count_where_the_server_allows_them(may):
    talk = Talk(wire=wire(instructions=True))
    talk.client("session.update", session={"type": "realtime", "instructions": "Be brief."})
    create(talk, "s1", "system", type="input_text", text="It is late.")
    other = elsewhere(talk, instructions=may)
    assert other.wire.manner.instructions == ("Be brief.\n\nIt is late." if may else "")


def test_what_the_update_says_itself_counts_more_than_the_token():
    talk = Talk().extended("sophia.floor")
    other = Talk(wire=wire(lambda token: talk.wire.resuming.kept()))
    other.client(
        "session.update",
        session={"type": "realtime", "extensions": ["sophia.words"], "sophia": {"resume": "a token", "lead_ms": 80}},
    )
    assert (other.wire.extensions, other.wire.lead_ms) == ({"sophia.words"}, 80)


def test_a_token_that_is_refused_is_an_error_and_the_session_goes_on():
    def no(token):
        raise Refused("No.", "resume_invalid")

    talk = Talk(wire=wire(no))
    talk.client("session.update", session={"type": "realtime", "sophia": {"resume": "x", "lead_ms": 80}})
    error = only(talk, "error")["error"]
    assert (error["code"], error["param"]) == ("resume_invalid", "session.sophia.resume")
    assert only(talk, "session.updated")["session"]["sophia"]["lead_ms"] == 80
    assert "resume" not in only(talk, "session.updated")["session"]["sophia"]["ignored"]
    talk.types_message("hello").writes().ends()
    judged(talk)


@pytest.mark.parametrize("token", [7, [], {}, True])
def test_what_is_no_text_is_no_token(token):
    talk = Talk(wire=wire(lambda token: pytest.fail("it was read")))
    talk.client("session.update", session={"type": "realtime", "sophia": {"resume": token}})
    assert only(talk, "error")["error"]["code"] == "invalid_type"


def test_a_token_comes_before_everything_else():
    talk = replay(Called(wire=wire(lambda token: pytest.fail("it was read"))))
    talk.client("session.update", session={"type": "realtime", "sophia": {"resume": "x"}})
    assert only(talk, "error")["error"]["code"] == "resume_too_late"
    assert len(talk.given()) == 4


def test_who_watches_gets_no_token_and_takes_up_nothing():
    talk = Talk(wire=wire(lambda token: pytest.fail("it was read"), watch=True)).extended()
    assert "sophia.resume" not in talk.wire.extensions
    talk.client("session.update", session={"type": "realtime", "sophia": {"resume": "x"}})
    assert only(talk, "error")["error"]["code"] == "watching"


def test_who_only_transcribes_carries_no_words():
    talk = Talk()
    talk.client("session.update", session={"type": "transcription"})
    assert talk.asks().wire.resuming.kept().items == []


SESSIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(("realtime", "transcription")),
        "output_modalities": st.sampled_from((["text"], ["audio"])),
        "max_output_tokens": st.sampled_from((1, 50, "inf")),
        "instructions": st.text(max_size=20),
        "tools": st.sampled_from(([], [TOOL])),
        "tool_choice": st.sampled_from(("none", "required", {"type": "function", "name": "get_weather"})),
        "extensions": st.sampled_from(([], ["sophia.face", "sophia.resume"])),
        "sophia": st.fixed_dictionaries(
            {"lead_ms": st.integers(0, 3000), "headphones": st.booleans(), "own_tools": st.booleans()}
        ),
        "audio": st.fixed_dictionaries(
            {
                "input": st.fixed_dictionaries(
                    {
                        "format": st.sampled_from(({"type": "audio/pcma"}, {"type": "audio/pcm", "rate": 16_000})),
                        "turn_detection": st.sampled_from(
                            (
                                None,
                                {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False},
                                {"type": "server_vad", "threshold": 0.7, "idle_timeout_ms": 6000},
                                {"type": "server_vad", "create_response": False},
                            )
                        ),
                    }
                ),
                "output": st.fixed_dictionaries({"format": st.sampled_from(({"type": "audio/pcmu"}, None))}),
            }
        ),
    },
)


@given(SESSIONS)
def test_any_session_is_the_same_elsewhere(session):
    talk = Talk(wire=wire(instructions=True))
    talk.client("session.update", session=session)
    other = elsewhere(talk, instructions=True)
    same, there = (only(one, "session.updated")["session"] for one in (talk, other))
    for one in (same, there):
        del one["id"], one["sophia"]["now_ms"], one["sophia"]["ignored"]
    assert (there, other.wire.policy) == (same, talk.wire.policy)
