"""The orders in which events leave, as clients rely on them."""

import base64

import pytest
from wire_rules import Rules
from wire_talk import PHRASE, RATE, REPLY, WORD, Talk, of, only

from pipelines.conversation.events import TextTyped
from sophia.decisions import Reopen
from sophia.events import AskRequested, Failed, SayRequested
from sophia.turn_settings import TurnSettings

BEGINS = [
    "response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added",
]  # fmt: skip
ENDS = [
    "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
    "conversation.item.done", "response.output_item.done", "response.done",
]  # fmt: skip
TYPED = ["conversation.item.added", "conversation.item.done"]
SPOKEN = [
    "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
    "conversation.item.added", "conversation.item.done", "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
]  # fmt: skip
SOUND = ["response.output_audio.delta", "response.output_audio_transcript.delta"]


@pytest.fixture
def talk():
    talk = Talk()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def test_the_first_event_tells_the_whole_session(talk):
    session = only(talk, "session.created")["session"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["input"]["turn_detection"]["interrupt_response"] is True
    assert session["sophia"]["role"] == "talk"


def test_a_text_turn(talk):
    talk.types_message("where is my order", response={"metadata": {"client_event_id": "7"}})
    talk.writes().sounds(0.5).ends()
    assert talk.types(1) == [*TYPED, *BEGINS, *SOUND, *SOUND, *ENDS]
    assert only(talk, "response.created")["response"]["metadata"] == {"client_event_id": "7"}
    done = only(talk, "response.done")["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": REPLY}]
    question, answer = (event["item"]["id"] for event in of(talk, "conversation.item.added"))
    assert [event["previous_item_id"] for event in of(talk, "conversation.item.added")] == [None, question]
    assert talk.client("conversation.item.retrieve", item_id=answer).sent[-1][0]["item"]["status"] == "completed"


def test_a_voice_turn(talk):
    talk.asks().writes().sounds(0.5).ends()
    assert talk.types(1) == [*SPOKEN, *BEGINS, *SOUND, *SOUND, *ENDS]
    started, stopped = only(talk, SPOKEN[0]), only(talk, SPOKEN[1])
    assert (started["audio_start_ms"], type(started["audio_start_ms"])) == (0, int)
    assert stopped["audio_end_ms"] == pytest.approx(1080, abs=60)  # the silence that ended the turn is in it
    assert only(talk, SPOKEN[-1])["transcript"] == "where is my order"
    assert "".join(event["delta"] for event in of(talk, SOUND[1])) == REPLY


def test_what_the_recogniser_thinks_is_told_once_two_hypotheses_agree(talk):
    talk.starts().wait(0.3)
    for text in ("where", "where is", "were is my", "where is my order please", "where is my order now"):
        talk.says(text, final=False).wait(0.1)
    assert [event["delta"] for event in of(talk, SPOKEN[5])] == ["where", " is my order"]
    talk.stops().says("where is my order now").wait(2)
    assert "".join(event["delta"] for event in of(talk, SPOKEN[5])) == only(talk, SPOKEN[6])["transcript"]


def test_a_recogniser_that_changes_its_mind_has_the_last_word(talk):
    talk.starts().wait(0.3).says("wear", final=False).says("wear is", final=False).wait(0.4)
    talk.stops().says("where is my order").wait(2)
    assert [event["delta"] for event in of(talk, SPOKEN[5])] == ["wear"]
    assert only(talk, SPOKEN[6])["transcript"] == "where is my order"


def test_a_guess_is_invisible(talk):
    talk.voice(0.8).says("where is my order").writes()
    assert talk.types(1) == SPOKEN[:1]
    talk.starts().wait(0.5).stops().says("and where is the other one").wait(3)
    assert talk.types().count("response.created") == 1
    assert len(of(talk, SPOKEN[0])) == 1
    assert only(talk, SPOKEN[6])["transcript"] == "where is my order and where is the other one"


def test_an_interruption(talk):
    talk.asks().writes().sounds(1.6).wait(1.6)
    before = len(talk.sent)
    talk.starts().wait(0.3)
    assert talk.types(before) == []  # ducked and paused: nothing is told
    talk.says("no stop that", final=False, stable=True)
    assert talk.types(before) == [SPOKEN[0], *ENDS, "conversation.item.truncated"]
    done = only(talk, "response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    truncated = only(talk, "conversation.item.truncated")
    assert truncated["sophia"] == {"heard": "Here it is, as you have", "heard_ms": 1600.0}
    assert truncated["audio_end_ms"] == 1600
    item = talk.client("conversation.item.retrieve", item_id=truncated["item_id"]).sent[-1][0]["item"]
    assert (item["status"], item["content"][0]["transcript"]) == ("incomplete", "Here it is, as you have")
    assert of(talk, SPOKEN[0])[1]["audio_start_ms"] < round((talk.now - 100) * 1000) - 250  # dated back to the onset
    talk.wait(0.3).stops().says("no stop that").wait(2)
    assert talk.types().count("response.created") == 2


@pytest.mark.parametrize("word", ["mhm", ""])
def test_a_backchannel_or_a_noise_over_her_voice_is_never_told(talk, word):
    talk.asks().writes().sounds(1.6).wait(1.6)
    before = len(talk.sent)
    talk.voice(0.5)
    if word:
        talk.says(word)
    talk.wait(3)
    talk.sounds(0.4)
    assert talk.types(before) == SOUND
    assert talk.ends().types(before)[-1] == "response.done"
    assert only(talk, "response.done")["response"]["status"] == "completed"


def test_sound_that_is_played_again_keeps_its_place_and_its_words_come_once(talk):
    talk.asks().writes().sounds(1.6).wait(1.6).voice(0.5).says("").wait(3).sounds(0.4)
    starts = [event["sophia"]["audio_start_ms"] for event in of(talk, SOUND[0])]
    assert starts == [0.0, pytest.approx(1400)]  # a rewind of 0.2 s
    assert "".join(event["delta"] for event in of(talk, SOUND[1])) == "Here it is, as you have asked"


def test_words_go_out_with_their_sound_and_never_before(talk):
    talk.asks().writes()
    for _ in range(30):
        talk.sounds(0.1)
        sent = sum(len(base64.b64decode(event["delta"])) for event in of(talk, SOUND[0])) / 2 / 24_000
        words = "".join(event["delta"] for event in of(talk, SOUND[1])).split()
        assert len(words) == min(9, int(sent * RATE / WORD + 0.5 + 1e-6))


def test_words_that_become_known_late_are_told_at_once(talk):
    talk.asks().sounds(0.5)
    assert talk.types()[-1] == SOUND[0]
    assert talk.writes(1).types()[-1] == SOUND[1]
    assert talk.ends().types()[-1] == "response.done"
    assert "".join(event["delta"] for event in of(talk, SOUND[1])) == REPLY


def test_words_that_waited_for_the_end_of_a_reply_follow_it(talk):
    talk.asks().writes().sounds(0.5)
    talk.client("sophia.say", text="One.").wait(0.5)
    talk.voice(0.1).wait(0.1)
    talk.ends().writes().ends()
    transcripts = [event["response"]["output"][0]["content"][0]["transcript"] for event in of(talk, "response.done")]
    assert transcripts == [REPLY, "One."]


def test_words_over_her_last_ones_that_stop_nothing_are_answered_next():
    talk = Talk(TurnSettings(barge_in=False)).asks().writes().sounds(0.5).wait(0.5)
    before = len(talk.sent)
    talk.voice(0.6).says("and the other one").wait(3.0)
    assert talk.types(before) == []
    talk.ends()
    assert talk.types(before) == [*SOUND, *ENDS, *SPOKEN, *BEGINS]
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def test_a_client_stops_her(talk):
    talk.asks().writes().sounds(1.0)
    before = len(talk.sent)
    talk.client("response.cancel", event_id="e1")
    assert talk.types(before) == [*ENDS, "conversation.item.truncated"]
    details = only(talk, "response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}
    talk.client("response.cancel", event_id="e2")
    error = only(talk, "error")["error"]
    assert error["code"] == "response_cancel_not_active"
    assert error["event_id"] == "e2"
    assert error["message"].startswith("Cancellation failed")


def test_a_client_that_truncates_decides_how_much_was_heard(talk):
    talk.asks().writes().sounds(1.6).wait(1.6).starts().wait(0.3).says("no stop that", stable=True, final=False)
    item = only(talk, "conversation.item.truncated")["item_id"]
    for asked, told, heard in ((9_250, 1600, "Here it is, as you have"), (800, 800, "Here it is,"), (0, 0, "")):
        talk.client("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=asked)
        truncated = of(talk, "conversation.item.truncated")[-1]
        assert (truncated["audio_end_ms"], truncated["sophia"]["heard"]) == (told, heard)
        assert talk.wishes[-1].samples == round(told * RATE / 1000)
        retrieved = talk.client("conversation.item.retrieve", item_id=item).sent[-1][0]
        assert retrieved["item"]["content"][0]["transcript"] == heard


def test_she_says_what_a_client_asks_for(talk):
    talk.client("sophia.say", text="The door is open.").writes().sounds(0.5).ends()
    assert talk.types(1) == [*BEGINS, *SOUND, *SOUND, *ENDS]
    assert only(talk, "response.done")["response"]["output"][0]["content"][0]["transcript"] == "The door is open."


def test_what_waits_to_be_said_and_is_given_up_is_told_as_an_error(talk):
    talk.asks().client("sophia.say", text="One.").client("response.cancel")
    assert "One." in only(talk, "error")["error"]["message"]


def test_going_on_after_a_decision_that_came_too_early(talk):
    talk.asks("where is my order").writes().sounds(0.3).wait(0.3)
    before = len(talk.sent)
    talk.starts().wait(0.4).says("for the shoes", final=False, stable=True)
    assert any(isinstance(decision, Reopen) for decision in talk.decided)
    types = talk.types(before)
    assert types[0] == SPOKEN[0]
    assert [kind for kind in types if kind in ENDS] == ENDS
    talk.stops().says("for the shoes").wait(3).writes().ends()
    assert [event["transcript"] for event in of(talk, SPOKEN[6])] == ["where is my order", "for the shoes"]
    statuses = [event["response"]["status"] for event in of(talk, "response.done")]
    assert statuses == ["cancelled", "completed"]


def test_speech_without_words_is_asked_about(talk):
    talk.voice(1.0).wait(3).writes().ends()
    assert talk.types(1) == [*SPOKEN[:5], SPOKEN[6], *BEGINS, *SOUND, *ENDS]
    assert only(talk, SPOKEN[6])["transcript"] == ""
    assert only(talk, "response.done")["response"]["output"][0]["content"][0]["transcript"] == PHRASE


def test_words_that_come_after_all_before_she_asks_are_a_new_item_and_answered(talk):
    talk.voice(1.0).wait(3).says("where is my order").wait(2).writes().ends()
    assert [event["transcript"] for event in of(talk, SPOKEN[6])] == ["", "where is my order"]
    assert [event["response"]["status"] for event in of(talk, "response.done")] == ["cancelled", "completed"]


def test_a_late_final_before_she_is_heard_changes_the_question_and_not_the_response(talk):
    talk.voice(0.8).says("where is my order", final=False, stable=True).wait(0.4)
    assert talk.types().count("response.created") == 1
    talk.says("where is my brother").wait(1).writes().ends()
    assert talk.types().count("response.created") == 1
    item = only(talk, SPOKEN[6])["item_id"]
    retrieved = talk.client("conversation.item.retrieve", item_id=item).sent[-1][0]["item"]
    assert retrieved["content"] == [{"type": "input_audio", "transcript": "where is my brother"}]
    assert only(talk, "response.done")["response"]["status"] == "completed"


def test_a_noise_that_nobody_answers_starts_and_stops(talk):
    talk.voice(0.2).wait(5)
    assert talk.types(1) == SPOKEN[:2]


def test_a_service_that_fails_and_an_apology(talk):
    talk.asks().writes(2).sounds(0.5)
    talk.tell(Failed(at=talk.now, service="tts", error=RuntimeError("gone"), generation=talk.generation)).ends()
    done = only(talk, "response.done")["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "tts_failed"
    assert PHRASE in done["output"][0]["content"][0]["transcript"]
    assert of(talk, "error") == []  # she said so


def test_a_service_that_fails_and_leaves_her_without_a_word_is_an_error(talk):
    talk.asks()
    reply, generation = talk.replies[talk.generation], talk.generation
    talk.tell(Failed(at=talk.now, service="llm", error=RuntimeError("gone"), generation=generation))
    reply.words = []
    talk.ends()
    assert talk.types()[-2:] == ["response.done", "error"]
    assert only(talk, "error")["error"]["type"] == "server_error"


def test_a_reply_that_is_made_again_is_one_response(talk):
    talk.asks().writes(2)
    talk.sent.append(talk.wire.sound(talk.generation, 0, bytes(4800)))  # the silence before its first word
    talk.tell(Failed(at=talk.now, service="llm", error=RuntimeError("gone"), generation=talk.generation, again=True))
    talk.writes().sounds(0.5)
    assert of(talk, SOUND[0])[1]["sophia"]["audio_start_ms"] == 0
    talk.ends()
    assert talk.types().count("response.created") == 1
    assert only(talk, "response.done")["response"]["status"] == "completed"
    assert "".join(event["delta"] for event in of(talk, SOUND[1])) == REPLY


def test_a_message_of_somebody_else_is_an_item_and_interrupts(talk):
    talk.asks().writes().sounds(1.0)
    before = len(talk.sent)
    talk.tell(TextTyped(at=talk.now, text="stop"))
    assert talk.types(before) == [*TYPED, *ENDS, *BEGINS, "conversation.item.truncated"]


def test_a_message_while_a_response_runs_is_kept_but_not_answered(talk):
    talk.asks().types_message("stop")
    error = only(talk, "error")["error"]
    assert error["code"] == "conversation_already_has_active_response"
    talk.writes().ends().client("response.create")
    assert talk.types().count("response.created") == 2
    assert talk.ledgers[0].user == "where is my order"
    assert talk.decided[-1].text == "stop"


def test_a_message_typed_while_speaking_ends_the_utterance_with_its_own_words(talk):
    talk.starts().wait(0.5).says("send it to", final=False).types_message("me@example.org")
    assert only(talk, SPOKEN[6])["transcript"] == "send it to"
    assert talk.types().count("response.created") == 1


def test_a_client_commits_and_asks_for_an_answer(talk):
    talk.client("input_audio_buffer.commit", event_id="e1").client("response.create", event_id="e2")
    error = only(talk, "error")["error"]
    assert (error["event_id"], error["code"]) == ("e1", "input_audio_buffer_commit_empty")
    assert talk.types(1)[-4:] == BEGINS  # nobody has said anything: she begins the conversation
    talk.writes().ends().voice(0.8).says("and", final=True).client("input_audio_buffer.commit")
    assert talk.types()[-4:] == BEGINS


def test_an_answer_that_waits_for_the_users_words_can_be_called_off(talk):
    talk.starts().wait(0.5).says("where is", final=False).client("response.create", response={"metadata": {"n": "1"}})
    assert of(talk, "response.created") == []
    talk.client("response.create", event_id="e1")
    assert only(talk, "error")["error"]["code"] == "conversation_already_has_active_response"
    before = len(talk.sent)
    talk.client("response.cancel")
    assert talk.types(before)[:2] == ["response.created", "response.done"]
    done = only(talk, "response.done")["response"]
    assert (done["metadata"], done["status_details"]["reason"]) == ({"n": "1"}, "client_cancelled")
    talk.stops().says("where is").wait(9)
    assert len(of(talk, "response.created")) == 1
    talk.client("response.cancel", event_id="e2")
    assert of(talk, "error")[-1]["error"]["code"] == "response_cancel_not_active"
    assert of(talk.asks(), "response.created")[1]["response"]["metadata"] is None


def test_an_answer_is_begun_although_what_was_being_said_came_to_nothing(talk):
    talk.starts().wait(0.1).client("response.create").stops().says("").wait(3)
    assert len(of(talk, "response.created")) == 1
    assert talk.types()[-4:] == BEGINS


def test_a_client_that_watches_hears_nothing_and_reads_all():
    from pipelines.server.realtime.wire import Wire

    talk = Talk(wire=Wire(began=100.0, voice_rate=RATE, watch=True, extensions=["sophia.playout"]))
    talk.asks().writes().sounds(0.6)
    assert of(talk, SOUND[0]) == []
    assert of(talk, SOUND[1]) != []
    (position,) = talk.wire.position(talk.generation, RATE // 2, True, talk.now)
    assert position["audio_ms"] == 500.0
    talk.client("input_audio_buffer.append", audio="AAAA").client("input_audio_buffer.append", audio="AAAA")
    assert only(talk, "error")["error"]["code"] == "watching"
    item = of(talk, "response.output_item.added")[0]["item"]["id"]
    talk.client("conversation.item.truncate", item_id=item, audio_end_ms=100)
    talk.client("input_audio_buffer.clear").client("sophia.microphone", muted=True)
    assert [event["error"]["code"] for event in of(talk, "error")] == ["watching"] * 4
    assert not of(talk, "conversation.item.truncated") + of(talk, "input_audio_buffer.cleared")


def test_say_by_somebody_else_is_a_response_of_its_own(talk):
    talk.tell(SayRequested(at=talk.now, text="Hello.")).writes().ends()
    assert talk.types(1)[:4] == BEGINS


def test_what_somebody_wants_told_is_a_response_without_a_question(talk):
    talk.tell(AskRequested(at=talk.now, about="The oven is hot.")).writes().ends()
    assert talk.types(1)[:4] == BEGINS
    assert not [event for event in of(talk, "conversation.item.added") if event["item"]["role"] == "user"]
