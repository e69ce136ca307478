"""Who ends a turn and who is answered: each mode of ``turn_detection`` on the wire, and what is in force of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_wire_rules import CLIENT, CONVERSATION, STEPS, Guest, happen
from turn_events import SETTINGS
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, counting, of, only

from pipelines.server.realtime.wire import Wire
from sophia.decisions import Keep
from sophia.events import AnswerRequested, PolicyChanged, SayRequested, Stopped, TextTyped
from sophia.floor_policy import FloorPolicy

ITEM = [
    "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
    "conversation.item.input_audio_transcription.delta", "conversation.item.input_audio_transcription.completed",
]  # fmt: skip
SPEECH = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
BEGINS = ["response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added"]


def detecting(turn_detection, **options):
    """A talk whose client has asked for this."""
    talk = Talk(**options)
    session = {"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}}
    return talk.client("session.update", session=session)


def in_force(talk):
    return of(talk, "session.updated")[-1]["session"]["audio"]["input"]["turn_detection"]


def policy(talk):
    changes = [wish.policy for wish in talk.wishes if isinstance(wish, PolicyChanged)]
    return changes[-1] if changes else None


def transcripts(talk):
    return [event["transcript"] for event in of(talk, ITEM[-1])]


def keeps_the_rules(talk, *, may_call=False):
    rules = Rules(may_call)
    for batch in talk.sent:
        rules.batch(batch)
    return rules


# What is in force


def test_a_type_starts_from_its_own_numbers_and_what_is_not_given_stays():
    talk = detecting({"type": "server_vad", "silence_duration_ms": 900, "create_response": False})
    assert in_force(talk) == {
        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 900,
        "create_response": False, "interrupt_response": True,
    }  # fmt: skip
    talk.client("session.update", session={"audio": {"input": {"turn_detection": {"threshold": 0.8}}}})
    assert in_force(talk)["type"] == "server_vad"
    assert (in_force(talk)["threshold"], in_force(talk)["silence_duration_ms"]) == (0.8, 900)
    assert policy(talk) == FloorPolicy(ends="silence", silence=0.9, answers=False, threshold=0.8)
    talk.client("session.update", session={"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}})
    assert in_force(talk) == {
        "type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True,
    }  # fmt: skip
    talk.client("session.update", session={"audio": {"input": {"turn_detection": None}}})
    assert in_force(talk) is None
    assert policy(talk).commits_only
    keeps_the_rules(talk)


@pytest.mark.parametrize(("eagerness", "longest"), [("low", 8.0), ("medium", 4.0), ("high", 2.0), ("auto", 4.0)])
def test_an_eagerness_is_a_patience_and_its_longest_wait(eagerness, longest):
    talk = detecting({"type": "server_vad"}).client(
        "session.update",
        session={"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}},
    )
    assert in_force(talk)["eagerness"] == eagerness
    assert policy(talk).longest == longest


@pytest.mark.parametrize(
    ("name", "given", "held"),
    [("threshold", 7, 0.95), ("threshold", -1, 0.05), ("silence_duration_ms", 0, 50),
     ("silence_duration_ms", 1e9, 10_000), ("silence_duration_ms", 333.4, 333),
     ("prefix_padding_ms", -3, 0), ("idle_timeout_ms", 1, 5_000),
     ("idle_timeout_ms", 10**400, 30_000), ("threshold", None, 0.5), ("silence_duration_ms", None, 500)],
)  # fmt: skip
def test_numbers_are_kept_within_what_can_be_kept_and_told(name, given, held):
    talk = detecting({"type": "server_vad", name: given})
    assert in_force(talk)[name] == held
    assert of(talk, "error") == []
    keeps_the_rules(talk)


@pytest.mark.parametrize(
    ("wished", "param", "code"),
    [({"type": "client_vad"}, ".type", "invalid_value"), ("server_vad", "", "invalid_type"),
     ({"type": "server_vad", "threshold": "0.5"}, ".threshold", "invalid_type"),
     ({"type": "server_vad", "idle_timeout_ms": float("nan")}, ".idle_timeout_ms", "invalid_type"),
     ({"eagerness": "great"}, ".eagerness", "invalid_value"),
     ({"create_response": "no"}, ".create_response", "invalid_type"),
     ({"type": None}, ".type", "missing_required_parameter")],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_name(wished, param, code):
    talk = detecting(wished)
    error = only(talk, "error")["error"]
    assert (error["param"], error["code"]) == (f"session.audio.input.turn_detection{param}", code)


def test_a_part_that_was_off_needs_a_type_and_what_belongs_to_another_type_is_ignored():
    talk = detecting(None).client(
        "session.update", session={"audio": {"input": {"turn_detection": {"threshold": 0.8}}}}
    )
    assert only(talk, "error")["error"]["code"] == "missing_required_parameter"
    assert in_force(talk) is None
    talk = detecting({"type": "semantic_vad", "threshold": 0.8})
    ignored = of(talk, "session.updated")[-1]["session"]["sophia"]["ignored"]
    assert ignored == ["audio.input.turn_detection.threshold"]


def test_who_may_not_interrupt_or_only_watches_is_told_so():
    wire = Wire(began=OFFSET, voice_rate=RATE, ids=counting(), barge_in=False)
    talk = detecting({"interrupt_response": True}, wire=wire)
    assert in_force(talk)["interrupt_response"] is False
    assert not wire.policy.interrupts
    wire = Wire(began=OFFSET, voice_rate=RATE, ids=counting(), watch=True)
    talk = detecting(None, wire=wire)
    assert in_force(talk)["type"] == "semantic_vad"
    assert of(talk, "session.updated")[-1]["session"]["sophia"]["ignored"] == ["audio.input.turn_detection"]


def test_a_timeout_of_who_is_not_answered_unasked_is_not_in_force():
    talk = detecting({"type": "server_vad", "idle_timeout_ms": 6_000, "create_response": False})
    assert "idle_timeout_ms" not in in_force(talk)
    assert policy(talk).idle is None


# server_vad


def test_a_fixed_silence_ends_the_turn_whatever_the_words_are():
    talk = detecting({"type": "server_vad", "silence_duration_ms": 1_500})
    talk.voice(0.8).says("where is my order").wait(1.3)
    assert of(talk, "response.created") == []
    talk.wait(0.2)
    assert len(of(talk, "response.created")) == 1
    talk = detecting({"type": "server_vad", "silence_duration_ms": 200}).voice(0.8).says("i would like to").wait(0.2)
    assert len(of(talk, "response.created")) == 1


def test_speech_begins_so_much_before_the_voice():
    talk = detecting({"type": "server_vad", "prefix_padding_ms": 400}).wait(2.0).starts()
    assert only(talk, SPEECH[0])["audio_start_ms"] == 1_600
    assert only(detecting({"type": "server_vad"}).wait(0.1).starts(), SPEECH[0])["audio_start_ms"] == 0


def test_she_speaks_again_when_nobody_has_said_anything_after_her():
    talk = detecting({"type": "server_vad", "idle_timeout_ms": 5_000}).wait(20.0)
    assert of(talk, "response.created") == []  # she has not spoken yet
    talk.asks().writes().ends().wait(4.9)
    assert len(of(talk, "response.created")) == 1
    before = len(talk.sent)
    talk.wait(0.2)
    assert talk.types(before) == ["input_audio_buffer.timeout_triggered", *ITEM[:3], ITEM[-1], *BEGINS]
    told = only(talk, "input_audio_buffer.timeout_triggered")
    assert told["audio_end_ms"] - told["audio_start_ms"] == 5_000
    talk.writes().ends().starts().wait(9)  # a voice is no silence
    assert len(of(talk, "input_audio_buffer.timeout_triggered")) == 1
    keeps_the_rules(talk.stops())


# create_response: false


def test_what_is_said_is_an_item_and_is_answered_when_the_client_asks():
    talk = detecting({"create_response": False})
    before = len(talk.sent)
    talk.asks("where is my order").wait(9)
    assert talk.types(before) == [*SPEECH, *ITEM]
    talk.client("response.create")
    assert talk.types()[-4:] == BEGINS
    assert talk.decided[-1].text == "where is my order"
    (ledger,) = talk.writes().ends().ledgers
    assert (ledger.outcome, ledger.user) == ("replied", "where is my order")
    assert ledger.voice_to_voice is not None
    keeps_the_rules(talk)


def test_all_that_was_said_and_written_since_is_answered_and_each_is_an_item_of_its_own():
    talk = detecting({"create_response": False}).asks("where is my order").asks("it is late")
    assert transcripts(talk) == ["where is my order", "it is late"]
    talk.types_message("please hurry")
    assert talk.decided[-1].text == "where is my order it is late please hurry"
    assert transcripts(talk) == ["where is my order", "it is late"]
    assert [ledger.outcome for ledger in talk.ledgers] == ["kept", "kept"]
    assert len(of(talk.writes().ends(), "response.done")) == 1
    keeps_the_rules(talk)


def test_words_that_are_answered_with_the_next_turn_stay_in_their_own_item():
    talk = detecting({"create_response": False}).asks("where is my order")
    talk.client("session.update", session={"audio": {"input": {"turn_detection": {"create_response": True}}}})
    talk.asks("it is late")
    assert talk.decided[-1].text == "where is my order it is late"
    assert transcripts(talk) == ["where is my order", "it is late"]
    keeps_the_rules(talk)


def test_speech_without_words_is_an_item_and_she_does_not_ask_again():
    talk = detecting({"create_response": False}).voice(0.8).wait(5)
    assert transcripts(talk) == [""]
    assert of(talk, "response.created") == []
    talk.says("where is my order")  # after all
    talk.client("conversation.item.retrieve", item_id=of(talk, ITEM[0])[0]["item_id"])
    assert only(talk, "conversation.item.retrieved")["item"]["content"][0]["transcript"] == "where is my order"
    talk.client("response.create")
    assert talk.decided[-1].text == "where is my order"


def test_a_kept_turn_of_which_nothing_comes_is_closed_with_the_conversation():
    talk = detecting({"create_response": False}).asks("where is my order").tell(Stopped(at=OFFSET + 60))
    assert [(ledger.outcome, ledger.user) for ledger in talk.ledgers] == [("kept", "where is my order")]


# interrupt_response: false


def test_she_goes_on_and_what_was_said_is_told_at_once_and_answered_after_her():
    talk = detecting({"interrupt_response": False}).asks().writes().sounds(0.5)
    before = len(talk.sent)
    talk.starts()
    assert talk.types(before) == [SPEECH[0]]
    talk.wait(0.8).stops().says("it is late").wait(2)
    assert talk.types(before) == [SPEECH[0], SPEECH[1], *ITEM]
    assert not [d for d in talk.decided if type(d).__name__ in ("Duck", "Pause", "Interrupt", "Reopen")]
    talk.asks("very late").ends()
    assert only(talk, "response.done")["response"]["status"] == "completed"
    assert talk.types()[-4:] == BEGINS
    assert talk.decided[-1].text == "it is late very late"
    keeps_the_rules(talk)


def test_over_her_a_backchannel_is_an_item_that_nothing_answers():
    talk = detecting({"interrupt_response": False}).asks().writes().sounds(0.5).voice(0.3).says("mhm").wait(3).ends()
    assert transcripts(talk)[1:] == ["mhm"]
    assert len(of(talk.wait(5), "response.created")) == 1
    keeps_the_rules(talk)


def test_nothing_is_answered_unasked_after_her_where_the_client_asks():
    talk = detecting({"interrupt_response": False, "create_response": False}).asks().client("response.create")
    talk.writes().sounds(0.5).asks("it is late").ends().wait(5)
    assert len(of(talk, "response.created")) == 1
    assert talk.client("response.create").decided[-1].text == "it is late"


# null


def test_a_client_that_commits_makes_the_item_and_asks_for_the_answer():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA")
    before = len(talk.sent)
    talk.voice(0.8).says("where is my order").wait(9)
    assert talk.types(before) == []
    talk.client("input_audio_buffer.commit")
    assert talk.types(before) == ITEM
    talk.wait(9).client("response.create")
    assert talk.types(before)[-4:] == BEGINS
    keeps_the_rules(talk.writes().ends())


def test_a_commit_waits_a_moment_for_the_last_word_and_so_does_the_answer():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA").voice(0.8)
    before = len(talk.sent)
    talk.client("input_audio_buffer.commit").client("response.create")
    assert talk.types(before) == []
    talk.wait(0.3).says("where is my order")
    assert talk.types(before) == [*ITEM, *BEGINS]


def test_words_that_come_after_the_commit_correct_the_item_and_the_answer():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA").voice(0.8).says("where is", final=False)
    talk.client("input_audio_buffer.commit").client("response.create").wait(1.0)
    assert transcripts(talk) == ["where is"]
    talk.says("where is my order")
    assert [d.text for d in talk.decided if type(d).__name__ == "Commit"] == ["where is", "where is my order"]
    assert len(of(talk, "response.created")) == 1
    talk.client("conversation.item.retrieve", item_id=of(talk, ITEM[0])[0]["item_id"])
    assert only(talk, "conversation.item.retrieved")["item"]["content"][0]["transcript"] == "where is my order"


def test_a_commit_without_sound_is_an_error_and_one_without_a_voice_an_item():
    talk = detecting(None).client("input_audio_buffer.commit", event_id="e1")
    assert only(talk, "error")["error"]["code"] == "input_audio_buffer_commit_empty"
    talk.client("input_audio_buffer.append", audio="AAAA").client("input_audio_buffer.commit").wait(2)
    assert transcripts(talk) == [""]
    talk.client("input_audio_buffer.commit", event_id="e2")
    assert len(of(talk, "error")) == 2
    keeps_the_rules(talk)


def test_what_is_cleared_is_forgotten_with_the_words_that_come_later():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA").voice(0.8).says("forget", final=False)
    talk.client("input_audio_buffer.clear").says("forget it").client("input_audio_buffer.commit", event_id="e1")
    assert only(talk, "error")["error"]["code"] == "input_audio_buffer_commit_empty"
    talk.client("input_audio_buffer.append", audio="AAAA").voice(0.8).says("where is my order")
    talk.client("input_audio_buffer.commit").wait(1).client("response.create")
    assert transcripts(talk) == ["where is my order"]
    assert talk.decided[-1].text == "where is my order"


def test_a_message_does_not_commit_what_is_being_said():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA").voice(0.8).says("where is my order")
    talk.types_message("hello")
    assert talk.decided[-1].text == "hello"
    talk.writes().ends().client("input_audio_buffer.commit").client("response.create")
    assert transcripts(talk) == ["where is my order"]
    assert talk.decided[-1].text == "where is my order"


def test_a_voice_over_her_does_nothing_until_it_is_committed():
    talk = detecting(None).client("response.create").writes().sounds(0.5)
    talk.client("input_audio_buffer.append", audio="AAAA").voice(0.8).says("stop").wait(2)
    assert of(talk, SPEECH[0]) == of(talk, "response.done") == []
    talk.client("input_audio_buffer.commit").wait(1)
    assert transcripts(talk) == ["stop"]
    assert only(talk.ends(), "response.done")["response"]["status"] == "completed"
    assert len(of(talk.wait(9), "response.created")) == 1


def test_an_answer_that_waits_for_a_commit_is_called_off_and_the_item_is_made():
    talk = detecting(None).client("input_audio_buffer.append", audio="AAAA").voice(0.8)
    talk.client("input_audio_buffer.commit").client("response.create").client("response.cancel").wait(5)
    assert only(talk, "response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    assert transcripts(talk) == [""]
    assert len(of(talk, "response.created")) == 1
    keeps_the_rules(talk)


# Any order


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([None, {"create_response": False}, {"create_response": False, "interrupt_response": False},
                        {"type": "server_vad", "create_response": False, "silence_duration_ms": 200}]),
       SETTINGS, STEPS)  # fmt: skip
def test_no_response_begins_unasked_where_the_client_asks(turn_detection, chosen, steps):
    talk = detecting(turn_detection, settings=chosen)
    guest, allowed = Guest(talk, None), 0
    for kind, gap, text, number in steps:
        talk.wait(gap)
        if kind in CLIENT and kind != "session.update":
            message = {"type": kind, **guest.event(kind, number, text)}
            before = len(of(talk, "error"))
            talk.message(message)
            allowed += kind in ("response.create", "sophia.say") and len(of(talk, "error")) == before
        elif kind in CONVERSATION:
            before = len(talk.wishes)
            told = []
            tell = talk.tell
            talk.tell = lambda event, tell=tell, told=told: (told.append(event), tell(event))[1]
            happen(talk, kind, text, number)
            talk.tell = tell
            allowed += sum(isinstance(event, AnswerRequested | SayRequested | TextTyped) for event in told)
            allowed += kind == "types"
        assert len(of(talk, "response.created")) <= allowed
    talk.stops()
    for _ in range(20):
        talk.wait(20.0).ends()
    assert len(of(talk, "response.created")) <= allowed
    talk.tell(Stopped(at=talk.now))
    talk.sent.append(talk.wire.asides.over("cancelled"))
    rules = keeps_the_rules(talk, may_call=True)
    rules.over()
    kept = [decision for decision in talk.decided if isinstance(decision, Keep)]
    assert len(kept) <= len(rules.committed)
