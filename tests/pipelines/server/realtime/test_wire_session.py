"""What a client may set, what it is told to be in force, and what is wrong with the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_talk import OFFSET, RATE, Talk, counting, of

from pipelines.server.realtime.schema import EXTENSIONS
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import SessionChanged


def wire(**options):
    return Wire(began=OFFSET, voice_rate=RATE, ids=counting(), **options)


def updated(talk, **session):
    talk.client("session.update", event_id="u1", session=session)
    return of(talk, "session.updated")[-1]["session"]


def test_an_update_answers_with_the_whole_session_and_names_what_it_ignored():
    talk = Talk()
    session = updated(
        talk,
        type="realtime",
        model="gpt-realtime",
        truncation="disabled",
        tools=[{"type": "mcp", "server_label": "x", "server_url": "http://x"}],
        tracing="auto",
        prompt=None,
        audio={
            "input": {"turn_detection": {"type": "server_vad", "threshold": 0.8}, "noise_reduction": None},
            "output": {"voice": "marin", "speed": 1},
        },
        extensions=["sophia.words", "sophia.visemes"],
        sophia={"patience": "great"},
    )
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad", "threshold": 0.8, "prefix_padding_ms": 300, "silence_duration_ms": 500,
        "create_response": True, "interrupt_response": True,
    }  # fmt: skip
    assert session["audio"]["output"]["voice"] == "sophia"
    assert session["extensions"] == ["sophia.words"]
    assert session["sophia"]["ignored"] == [
        "tools[0]", "model", "truncation", "tracing", "audio.output.voice",
        "extensions.sophia.visemes", "sophia.patience",
    ]  # fmt: skip
    assert "u1" not in str(of(talk, "session.updated"))  # an answer to nothing but the session


def test_only_what_is_given_changes_and_null_brings_the_default_back():
    talk = Talk()
    session = updated(talk, audio={"input": {"format": {"rate": 16_000}}}, sophia={"lead_ms": 100, "headphones": True})
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 16_000}
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert (talk.wire.input_rate, talk.wire.output_rate, talk.wire.lead_ms) == (16_000, 24_000, 100)
    assert talk.wire.headphones
    assert isinstance(talk.wishes[-1], SessionChanged)
    session = updated(talk, audio={"output": {"format": {"type": "audio/pcm", "rate": 48_000}}})
    assert (talk.wire.input_rate, talk.wire.output_rate, talk.wire.lead_ms) == (16_000, 48_000, 100)
    assert updated(talk, sophia={"own_tools": False})["sophia"]["own_tools"] is talk.wire.own_tools is False
    session = updated(talk, audio={"input": {"format": None}}, sophia={"lead_ms": None, "headphones": None})
    assert updated(talk, sophia={"own_tools": None})["sophia"]["own_tools"] is talk.wire.own_tools is True
    assert session["audio"]["input"]["format"]["rate"] == 24_000
    assert (talk.wire.output_rate, talk.wire.lead_ms, talk.wire.headphones) == (48_000, 300, False)


@pytest.mark.parametrize("may", [True, False])
def test_a_wish_for_an_echo_canceller_is_met_where_there_is_one(may):
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, cancels=may))
    session = updated(talk, sophia={"cancel_echo": True})
    assert (session["sophia"]["cancel_echo"], talk.wire.cancel_echo) == (may, may)
    assert session["sophia"]["ignored"] == ([] if may else ["sophia.cancel_echo"])
    assert updated(talk, sophia={"cancel_echo": False})["sophia"]["cancel_echo"] is False


@pytest.mark.parametrize(("given", "held"), [(0, 40), (-5.5, 40), (1e9, 2000), (10**400, 2000), (120.5, 120.5)])
def test_the_lead_is_kept_within_bounds(given, held):
    talk = Talk()
    assert updated(talk, sophia={"lead_ms": given})["sophia"]["lead_ms"] == held


@pytest.mark.parametrize(
    ("session", "param", "code"),
    [
        ({"type": "translation"}, "session.type", "invalid_value"),
        ({"audio": {"input": {"format": {"type": "audio/opus"}}}}, "session.audio.input.format.type", "invalid_value"),
        ({"audio": {"input": {"format": {"type": ["audio/pcm"]}}}}, "session.audio.input.format.type", "invalid_value"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcmu", "rate": 16_000}}}},
            "session.audio.input.format.rate",
            "invalid_value",
        ),
        ({"audio": {"output": {"format": "pcm16"}}}, "session.audio.output.format.type", "invalid_value"),
        ({"audio": {"input": {"format": {"rate": 7999}}}}, "session.audio.input.format.rate", "invalid_value"),
        ({"audio": {"input": {"format": {"rate": True}}}}, "session.audio.input.format.rate", "invalid_value"),
        ({"extensions": "sophia.face"}, "session.extensions", "invalid_type"),
        ({"sophia": {"lead_ms": float("nan")}}, "session.sophia.lead_ms", "invalid_type"),
        ({"sophia": {"cancel_echo": 1}}, "session.sophia.cancel_echo", "invalid_type"),
        ({"sophia": {"headphones": "yes"}}, "session.sophia.headphones", "invalid_type"),
        ({"instructions": 5}, "session.instructions", "invalid_type"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_applied(session, param, code):
    talk = Talk()
    talk.client("session.update", event_id="u1", session={**session, "odd": 1})
    error, answer = talk.sent[-1]
    assert (error["error"]["param"], error["error"]["code"], error["error"]["event_id"]) == (param, code, "u1")
    assert answer["session"]["sophia"]["ignored"] == ["odd"]
    assert (talk.wire.input_rate, talk.wire.output_rate) == (24_000, 24_000)


def test_an_update_without_a_session_is_an_error():
    error = Talk().client("session.update", event_id="u1").sent[-1][0]["error"]
    assert (error["code"], error["event_id"]) == ("missing_required_parameter", "u1")


def test_instructions_are_the_clients_right_only_where_the_server_says_so():
    talk = Talk()
    assert updated(talk, instructions="Be brief.")["sophia"]["ignored"] == ["instructions"]
    assert not talk.wire.manner.instructions
    talk = Talk(wire=wire(instructions=True))
    assert updated(talk, instructions="Be brief.")["instructions"] == "Be brief."
    note = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "It rains."}]}
    assert talk.wire.manner.instructions == "Be brief."
    talk.client("conversation.item.create", item={**note, "id": "note"})
    assert talk.wire.manner.instructions == "Be brief.\n\nIt rains."
    talk.client("conversation.item.delete", item_id="note")
    assert talk.wire.manner.instructions == "Be brief."
    assert all(isinstance(wish, SessionChanged) for wish in talk.wishes)
    talk = Talk().client("conversation.item.create", item=note)
    assert of(talk, "error")[0]["error"]["code"] == "instructions_not_allowed"


def test_extensions_by_the_address_are_in_force_at_once_and_no_event_comes_unasked():
    talk = Talk(wire=wire(extensions=["sophia.floor"])).asks().writes().sounds(0.4)
    assert {event["type"] for event in talk.events if event["type"].startswith("sophia.")} == {"sophia.floor"}
    before = len(talk.sent)
    assert updated(talk, extensions=None)["extensions"] == []
    talk.ends().asks()
    assert not [e for batch in talk.sent[before:] for e in batch if e["type"].startswith("sophia.")]
    assert updated(talk, extensions=list(EXTENSIONS))["extensions"] == list(EXTENSIONS)


def test_a_server_that_nobody_may_interrupt_says_so():
    session = wire(barge_in=False).opened(OFFSET)[0]["session"]
    assert session["audio"]["input"]["turn_detection"]["interrupt_response"] is False


@given(st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda v: st.dictionaries(
    st.sampled_from(["type", "audio", "input", "output", "format", "rate", "sophia", "lead_ms", "turn_detection", "x"]),
    v, max_size=4), max_leaves=12))  # fmt: skip
def test_what_an_update_changed_stays_until_the_next(wished):
    talk = Talk()
    talk.client("session.update", session=wished if isinstance(wished, dict) else {})
    first, second = of(talk, "session.updated")[-1]["session"], updated(talk, type="realtime")
    first["sophia"].pop("ignored")
    assert second["sophia"].pop("ignored") == []
    assert first == second
