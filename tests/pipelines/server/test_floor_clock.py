"""Whose turn it is over a network, to the millisecond: the virtual clock, and what a client hears and sends."""

import pytest
from line import hold
from table import REPLY

from pipelines.simulation.exact import Says

ORDER = Says(1.0, "where is my order")
COMPLETED = "conversation.item.input_audio_transcription.completed"


def detection(**wished):
    return {"turn_detection": wished or None}


def times(line, kind):
    return [at for at, event in line.events if event["type"] == kind]


@pytest.mark.parametrize("silence", [300, 1_500])
def test_a_turn_ends_after_the_silence_that_was_set(silence):
    line = hold([ORDER], 24, detection=detection(type="server_vad", silence_duration_ms=silence))
    stopped = times(line, "input_audio_buffer.speech_stopped")[0]
    last_voiced = line.user.started + ORDER.at + ORDER.length
    assert stopped - last_voiced == pytest.approx(silence / 1000, abs=0.1)


@pytest.mark.parametrize("card", [0.03, 0.5])
def test_an_idle_client_is_spoken_to_so_long_after_it_has_heard_her_last_sample(card):
    line = hold([ORDER], 40, card=card, detection=detection(type="server_vad", idle_timeout_ms=5_000))
    triggered = times(line, "input_audio_buffer.timeout_triggered")[0]
    at, number, _, count = [span for span in line.remote.heard if span[1] == 0][-1]
    assert number == 0
    assert triggered - (at + count / line.remote.rate) == pytest.approx(5.0, abs=0.15)
    assert len(times(line, "response.created")) >= 2


def test_words_over_her_are_in_the_history_after_her_whole_reply():
    line = hold([ORDER, Says(6.0, "and hurry please")], 50, detection=detection(interrupt_response=False))
    assert not line.of("sophia.playout.pause")
    said = [(message.role, message.content) for message in line.history.messages()][1:]
    assert [content for role, content in said if role == "user"] == ["where is my order", "and hurry please"]
    assert said[1][1].split() == REPLY.split()


def test_what_was_said_without_an_answer_is_one_question_of_the_history():
    asks = (12.0, {"type": "response.create"})
    line = hold([ORDER, Says(6.0, "and hurry please")], 40, detection=detection(create_response=False), messages=[asks])
    said = [(message.role, message.content) for message in line.history.messages()][1:]
    assert said[0] == ("user", "where is my order and hurry please")
    assert [ledger["outcome"] for ledger in line.of("sophia.turn.ledger")] == ["kept", "replied"]


def test_what_a_client_secret_wishes_is_in_force_from_the_first_word_on():
    line = hold([ORDER], 24, wished={"audio": {"input": detection(type="server_vad", silence_duration_ms=2_000)}})
    stopped = times(line, "input_audio_buffer.speech_stopped")[0]
    assert stopped - (line.user.started + ORDER.at + ORDER.length) == pytest.approx(2.0, abs=0.1)


def test_a_commit_waits_for_the_last_word_and_not_for_a_pause():
    commit, create = (3.0, {"type": "input_audio_buffer.commit"}), (3.001, {"type": "response.create"})
    line = hold([ORDER], 24, detection=detection(), messages=[commit, create])
    assert not line.of("input_audio_buffer.speech_started")
    assert times(line, COMPLETED)[0] - line.user.started == pytest.approx(3.0, abs=0.1)
    (ledger,) = line.of("sophia.turn.ledger")
    assert (ledger["user"], ledger["outcome"]) == ("where is my order", "replied")
