"""Turn taking as conversations: when a turn is over, what is started before, and what a client may wish."""

import pytest
from turn_table import Table, answered

from sophia.decisions import (
    Apologise,
    Begin,
    Commit,
    Continue,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Farewell,
    FinishUtterance,
    Interrupt,
    Pause,
    Refuse,
    Reprompt,
    Start,
)
from sophia.events import (
    CancelRequested,
    CommitRequested,
    Failed,
    HoldEnded,
    HoldStarted,
    Stopped,
    TextTyped,
    Tick,
)
from sophia.playout_events import PlayoutFinished
from sophia.turn_settings import TurnSettings

# Endpointing and speculation


def test_a_complete_sentence_is_answered_after_the_short_pause_and_started_before():
    table = Table().voice(0.2, 1.0).says(1.07, "where is my order", final=True).wait(3)
    start, commit = table.only(Start), table.only(Commit)
    assert start.at == pytest.approx(1.07)
    assert commit.at == pytest.approx(1.0 + 0.28)
    assert commit.generation == start.generation
    assert commit.silence == pytest.approx(0.28)
    assert "complete" in commit.reason


def test_the_guess_starts_with_the_final_even_if_the_voice_detector_lags_behind():
    table = Table().starts(0.2).says(1.03, "where is my order", final=True).stops(1.0).wait(3)
    assert table.only(Start).at == pytest.approx(1.03)
    assert table.only(Commit).at == pytest.approx(1.28)


def test_an_unfinished_sentence_gets_the_long_pause():
    table = Table().voice(0.2, 1.0).says(1.3, "i would like to", stable=True).wait(5)
    assert table.only(Commit).at == pytest.approx(1.0 + 1.3)
    assert "unfinished" in table.only(Commit).reason


def test_the_user_goes_on_during_the_pause_and_nothing_is_heard_of_the_guess():
    table = Table().voice(0.2, 1.0).says(1.25, "give me the red one and", stable=True)
    table.starts(1.5).says(1.9, "give me the red one and the blue one").stops(2.0)
    table.says(2.25, "give me the red one and the blue one", stable=True).wait(5)
    assert table.kinds() == [Start, Drop, Continue, Start, Commit]
    assert table.only(Commit).text == "give me the red one and the blue one"


def test_a_breath_does_not_throw_the_guess_away():
    table = Table().voice(0.2, 1.0).says(1.24, "the blue box", stable=True).voice(1.35, 1.45).wait(5)
    assert table.kinds() == [Start, Commit]
    assert table.only(Commit).at == pytest.approx(1.45 + 0.6, abs=0.2)


def test_a_final_that_only_adds_punctuation_keeps_the_guess():
    table = (
        Table()
        .voice(0.2, 1.0)
        .says(1.24, "where is my order", stable=True)
        .says(1.26, "Where is my order?", final=True)
    )
    assert table.wait(3).kinds() == [Start, Commit]


def test_a_final_with_other_words_drops_the_guess_unheard():
    table = (
        Table()
        .voice(0.2, 1.0)
        .says(1.20, "where is my border", stable=True)
        .says(1.25, "where is my order", final=True)
    )
    assert table.wait(3).kinds() == [Start, Drop, Start, Commit]
    assert table.only(Commit).text == "where is my order"


def test_a_final_with_other_words_after_the_decision_but_before_the_sound_is_answered_instead():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my border", stable=True).wait(1.3)
    table.says(1.5, "where is my order", final=True)
    assert table.kinds() == [Start, Commit, Drop, Start, Commit]
    assert table.decisions[-1].text == "where is my order"


@pytest.mark.parametrize("over", [False, True])
def test_a_late_final_after_the_sound_corrects_the_question_and_leaves_the_reply(over):
    table = answered()
    if over:
        table.ends(1.5)
    table.says(1.6, "where is my border", final=True).wait(3)
    assert table.kinds() == [Start, Correct]
    assert (table.only(Correct).text, table.only(Correct).generation) == ("where is my border", 1)


def test_without_speculation_the_reply_starts_with_the_decision():
    table = Table(TurnSettings(speculate=False)).voice(0.2, 1.0).says(1.07, "where is my order", final=True).wait(3)
    assert table.only(Start).at == table.only(Commit).at


def test_only_a_partial_the_recogniser_is_asked_for_its_last_word_and_not_waited_for_for_ever():
    table = Table().voice(0.2, 1.0).says(0.9, "where is my order").wait(5)
    assert table.kinds() == [FinishUtterance, Start, Commit]
    assert table.only(FinishUtterance).at == pytest.approx(1.45)
    assert table.only(Commit).at == pytest.approx(1.45 + 0.7)


def test_noise_that_never_ends_does_not_keep_her_silent():
    table = Table().starts(0.2).says(2.0, "Where is my order?", final=True).wait(9)
    assert table.only(Commit).at == pytest.approx(2.0 + 1.3)


def test_words_too_soft_for_the_voice_detector_are_answered():
    assert Table().says(1.0, "hello sophia", final=True).wait(3).kinds() == [Start, Commit]


def test_speculation_is_bounded():
    table = Table(TurnSettings(max_speculations=2)).voice(0.2, 1.0)
    for i in range(6):
        table.says(1.1 + i / 100, f"the blue box {i}", stable=True)
    table.wait(5)
    assert table.kinds().count(Start) == 3  # two guesses and the decided one


def test_a_hesitant_user_is_given_longer_pauses_within_the_bound():
    table = Table()
    table.starts(0.1)
    for i in range(12):  # speaks over pauses of 900 ms
        table.stops(0.5 + i * 1.4).says(0.57 + i * 1.4, "and " * (i + 1)).starts(1.4 + i * 1.4)
    wait, _ = table.turns.pauses.after("the blue box")
    assert wait.sounds == "open"
    assert 0.9 < wait.seconds <= table.turns.settings.pause_learned_max


def test_a_timer_that_fires_a_millisecond_early_is_on_time():
    """An event loop's clock may count whole milliseconds: asked to come again at once, the driver would spin."""
    table = Table().voice(0.2, 1.0).says(1.07, "where is my order", final=True)
    table.tell(Tick(at=table.turns.deadline - 0.0009))
    assert table.kinds() == [Start, Commit]
    assert table.turns.deadline is None


# Never silent


def test_speech_without_text_is_asked_about():
    table = Table().voice(0.2, 1.2).wait(5)
    assert table.kinds() == [FinishUtterance, Reprompt]
    assert table.only(Reprompt).at == pytest.approx(2.2)


def test_a_cough_is_not_asked_about():
    assert Table().voice(0.2, 0.4).wait(5).kinds() == [FinishUtterance]


def test_she_does_not_nag():
    table = Table()
    for i in range(5):
        table.voice(10 * i + 0.2, 10 * i + 1.2).wait(10 * i + 4)
        if table.turns.phase == "thinking":
            table.audible(10 * i + 4.1).ends(10 * i + 5)
    assert table.kinds().count(Reprompt) == 2


def test_text_that_comes_after_all_is_answered_instead_of_asked_about():
    table = Table().voice(0.2, 1.2).wait(2.3).says(2.35, "where is my order", final=True)
    assert table.kinds() == [FinishUtterance, Reprompt, Drop, Start, Commit]


# A client's wishes


def test_a_typed_message_is_answered_at_once():
    table = Table().tell(TextTyped(at=1.0, text=" what time is it "))
    assert table.kinds() == [Start, Commit]
    assert table.only(Begin).origin == "typed"
    assert table.only(Commit).text == "what time is it"
    assert table.only(Commit).silence == 0


def test_a_typed_message_takes_the_floor_from_her():
    table = answered().tell(TextTyped(at=3.0, text="stop"))
    assert table.kinds()[1:] == [Interrupt, Start, Commit]
    assert table.decisions[-1].turn == 2


def test_a_message_typed_while_speaking_belongs_to_what_was_said():
    table = Table().voice(0.2, 1.0).says(1.1, "send it to", final=True)
    table.tell(TextTyped(at=1.2, text="me@example.org"))
    assert table.decisions[-1].text == "send it to me@example.org"
    assert table.only(Begin).turn == 1


def test_an_empty_message_is_refused_with_a_reason():
    assert "empty" in Table().tell(TextTyped(at=1.0, text="  ")).only(Refuse).reason


def test_a_client_decides_the_turn_whatever_the_words_sound_like():
    table = Table().voice(0.2, 1.0).says(1.1, "i would like to", final=True).tell(CommitRequested(at=1.15))
    assert table.only(Commit).at == 1.15
    assert "a client asked" in table.only(Commit).reason


def test_a_client_that_decides_too_early_waits_for_the_recogniser_at_most_so_long():
    table = Table().starts(0.2).says(0.9, "where is my").tell(CommitRequested(at=1.0))
    assert table.only(FinishUtterance).at == 1.0
    table.says(1.2, "where is my order", final=True)
    assert table.only(Commit).text == "where is my order"
    slow = Table().starts(0.2).says(0.9, "where is my").tell(CommitRequested(at=1.0)).wait(5)
    assert slow.only(Commit).at == pytest.approx(1.7)


def test_the_wait_for_the_last_word_ends_also_where_it_begins_at_time_zero():
    table = Table().says(0.0, "mhm").tell(CommitRequested(at=0.0)).wait(5)
    assert table.only(Commit).at == pytest.approx(0.7)


def test_there_must_be_something_to_commit_or_to_cancel():
    assert "nothing to commit" in Table().tell(CommitRequested(at=1.0)).only(Refuse).reason
    assert "no reply to cancel" in Table().tell(CancelRequested(at=1.0)).only(Refuse).reason


def test_a_client_cancels_the_reply_that_sounds():
    table = answered().tell(CancelRequested(at=3.0)).wait(9)
    assert table.kinds()[1:] == [Interrupt]
    assert table.only(Interrupt).onset is None


def test_a_client_cancels_a_guess_and_the_words_are_dismissed_by_name():
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True).tell(CancelRequested(at=1.12)).wait(9)
    assert table.kinds() == [Start, Drop]
    assert table.only(Dismiss).text == "where is my order"


@pytest.mark.parametrize("timed", [True, False])
def test_the_final_of_a_guess_that_a_client_cancelled_is_no_new_turn(timed):
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True, sound=(0.2, 1.0) if timed else None)
    table.tell(CancelRequested(at=1.26)).says(
        1.6, "Where is my border?", final=True, sound=(0.2, 1.0) if timed else None
    )
    assert table.wait(9).kinds() == [Start, Drop]
    assert table.only(Disregard).text == "Where is my border?"


@pytest.mark.parametrize("timed", [True, False])
def test_what_was_said_before_a_message_was_typed_stands_before_it(timed):
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", sound=(0.2, 1.0) if timed else None)
    table.tell(TextTyped(at=1.2, text="the blue one"))
    assert table.only(Commit).text == "where is my order the blue one"
    table.says(1.5, "Where is my border?", final=True, sound=(0.2, 1.0) if timed else None).wait(9)
    assert table.decisions[-1].text == "Where is my border? the blue one"


def test_a_turn_that_a_tool_worked_for_is_not_reopened():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.3)
    table.tell(HoldStarted(at=1.31, generation=1))
    assert table.turns.phase == "thinking"
    table.starts(1.4).says(1.8, "where is my order no stop").stops(1.9)
    table.says(2.1, "where is my order no stop", stable=True)
    assert table.kinds() == [Start, Commit, Pause, Interrupt, Start]
    held = answered().tell(HoldStarted(at=1.5, generation=1))
    assert held.turns.phase == "thinking"
    assert held.tell(HoldEnded(at=4.0, generation=1)).turns.phase == "speaking"


def test_a_service_that_fails_is_apologised_for_in_the_same_reply():
    failed = Failed(at=2.0, service="llm", error=RuntimeError("gone"), generation=1)
    assert answered().tell(failed).only(Apologise).phrase == "llm"
    stale = Failed(at=2.0, service="tts", error=RuntimeError("gone"), generation=7)
    assert answered().tell(stale).kinds() == [Start]


def test_a_guess_that_failed_is_made_again_once_the_turn_is_decided():
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True)
    table.tell(Failed(at=1.15, service="llm", error=RuntimeError("gone"), generation=1, again=True)).wait(9)
    assert table.kinds() == [Start, Drop, Start, Commit]
    assert [d.generation for d in table.decisions if isinstance(d, Commit)] == [2]


def test_a_decided_reply_that_failed_unheard_is_made_again_once():
    def failed(at, generation):
        return Failed(at=at, service="llm", error=RuntimeError("gone"), generation=generation, again=True)

    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(2.0).tell(failed(2.0, 1))
    assert table.kinds() == [Start, Commit, Drop, Start, Commit]
    assert table.tell(failed(2.1, 2)).only(Apologise).generation == 2
    assert answered().tell(failed(2.0, 1)).only(Apologise).generation == 1  # it was heard


def test_lost_ears_are_a_farewell_and_nothing_begins_after_it():
    table = answered().tell(Failed(at=2.0, service="asr", error=RuntimeError("gone"), fatal=True))
    assert table.kinds()[1:] == [Interrupt, Farewell]
    farewell = table.only(Farewell)
    assert (farewell.turn, farewell.generation) == (2, 2)
    table.voice(3.0, 4.0).says(4.1, "hello", final=True).wait(9)
    assert table.turns.phase == "thinking"
    table.tell(PlayoutFinished(2, 9.0, 0, 9.0))
    assert table.turns.phase == "idle"


def test_nothing_begins_once_it_is_over():
    table = Table().voice(0.2, 1.0).says(1.1, "goodbye sophia and", final=True).tell(Stopped(at=1.2))
    assert table.kinds() == [Start, Drop]
    assert table.only(Dismiss).reason == "the conversation is over"
    table.voice(2.0, 3.0).says(3.1, "hello", final=True).tell(TextTyped(at=3.2, text="hello")).wait(9)
    assert table.kinds() == [Start, Drop]
